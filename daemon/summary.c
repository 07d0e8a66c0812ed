/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Summary and loss lines. Must not read a clock or count anything itself, nor add time-outs to
 * resets.
 * Proved by tests/unit/daemon/summary.c.
 */
#include "common/util.h"

#include <syslog.h>

#include "daemon/publish.h"
#include "daemon/summary.h"

struct moved {
	unsigned int place;
	uint64_t count;
};

static int busiest_first(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : (int)x->place - (int)y->place;
}

/* Which row it is, as a number: a place may have changed hands when rows were folded. */
static uint64_t identity(const struct tally_row *r)
{
	const uint64_t words[] = {
		r->start,
		(uint64_t)r->pid << 32 | (r->pid || r->folded ? 0 : r->netns),
		(uint64_t)r->port << 32 | (uint64_t)r->role << 16 | (uint64_t)r->direction << 8 |
			r->cause,
		(uint64_t)r->other_ports << 2 | (uint64_t)r->folded << 1 | r->other,
	};
	uint64_t h = 1;

	/* a folded row is its unit's and name's */
	for (const char *p = r->folded ? r->unit : ""; *p; p++)
		h = h * 31 + (uint8_t)*p;
	for (const char *p = r->folded ? r->comm : ""; *p; p++)
		h = h * 37 + (uint8_t)*p;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		h = (h ^ words[i]) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 29;
	}
	return h;
}

struct moved_rows {
	struct moved rows[TALLY_PLACES];
	size_t n;
};

/* The same row with a lower count had one taken back (a false receive): no news. Of a row that
 * others were folded into, what they brought counts as news; it was told under their names before.
 */
static void collect(struct summary *s, const struct tally *t, struct moved_rows *ret_resets,
		    struct moved_rows *ret_timeouts)
{
	struct moved_rows *to;
	struct tally_row row;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		uint64_t before = s->counted[i], id;

		if (!tally_row(t, i, &row)) {
			s->counted[i] = 0;
			continue;
		}
		id = identity(&row);
		if (s->identity[i] != id)
			before = 0;
		s->identity[i] = id;
		s->counted[i] = row.count;
		if (row.count <= before)
			continue;
		to = row.direction < RST_RESET_DIRECTIONS ? ret_resets : ret_timeouts;
		to->rows[to->n++] = (struct moved){.place = i, .count = row.count - before};
	}
}

void summary_begin(struct summary *s, const struct tally *t)
{
	struct tally_row row;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		if (!tally_row(t, i, &row))
			continue;
		s->identity[i] = identity(&row);
		s->counted[i] = row.count;
	}
}

void summary_begin_losses(struct summary *s, const struct source_totals *totals)
{
	s->spilled = totals->spilled[RST_SENT] + totals->spilled[RST_RECEIVED];
	s->lost = totals->lost[RST_SENT] + totals->lost[RST_RECEIVED];
	s->timeouts_spilled = totals->spilled[RST_TIMEOUT];
	s->timeouts_lost = totals->lost[RST_TIMEOUT];
	s->missed = totals->missed;
}

static void write_rows(const struct tally *t, struct moved_rows *moved, uint64_t window,
		       unsigned int rows, bool timeouts, struct sink *sink)
{
	struct report_row row = {};
	uint64_t rest = 0;
	struct line line;

	qsort(moved->rows, moved->n, sizeof(moved->rows[0]), busiest_first);
	for (size_t i = 0; i < moved->n; i++) {
		if (i >= rows) {
			rest += moved->rows[i].count;
			continue;
		}
		if (!tally_row(t, moved->rows[i].place, &row.row))
			continue;
		publish_summary_line(&row, moved->rows[i].count, window, &line);
		sink_write(sink, &line);
	}
	if (moved->n <= rows)
		return;
	line_start(&line, LINE_SUMMARY, LOG_INFO);
	if (timeouts)
		line_add(&line, "kind", "timeout");
	line_add_u64(&line, "more_rows", moved->n - rows);
	line_add_u64(&line, "count", rest);
	sink_write(sink, &line);
}

void summary_write(struct summary *s, const struct tally *t, uint64_t now, unsigned int rows,
		   struct sink *sink)
{
	_cleanup_free_ struct moved_rows *resets = calloc(1, sizeof(*resets));
	_cleanup_free_ struct moved_rows *timeouts = calloc(1, sizeof(*timeouts));
	uint64_t window = s->at && now > s->at ? now - s->at : 0;

	s->at = now;
	if (!resets || !timeouts)
		return;
	collect(s, t, resets, timeouts);
	write_rows(t, resets, window, rows, false, sink);
	write_rows(t, timeouts, window, rows, true, sink);
}

bool summary_loss(struct summary *s, const struct source_totals *totals, uint64_t left_out,
		  struct sink *sink)
{
	uint64_t spilled = totals->spilled[RST_SENT] + totals->spilled[RST_RECEIVED];
	uint64_t lost = totals->lost[RST_SENT] + totals->lost[RST_RECEIVED];
	uint64_t timeouts_spilled = totals->spilled[RST_TIMEOUT] - s->timeouts_spilled;
	uint64_t timeouts_lost = totals->lost[RST_TIMEOUT] - s->timeouts_lost;
	uint64_t dropped = sink_dropped(sink);
	struct line line;

	if (spilled == s->spilled && lost == s->lost && totals->missed == s->missed &&
	    dropped == s->log_dropped && !timeouts_spilled && !timeouts_lost && !left_out)
		return true;
	line_start(&line, LINE_LOSS, lost > s->lost ? LOG_WARNING : LOG_NOTICE);
	line_add_u64(&line, "spilled", spilled - s->spilled);
	line_add_u64(&line, "lost", lost - s->lost);
	line_add_u64(&line, "missed", totals->missed - s->missed);
	line_add_u64(&line, "log_dropped", dropped - s->log_dropped);
	line_add_u64(&line, "reset_lines_left_out", left_out);
	if (timeouts_spilled || timeouts_lost) {
		line_add_u64(&line, "timeouts_spilled", timeouts_spilled);
		line_add_u64(&line, "timeouts_lost", timeouts_lost);
	}
	sink_write(sink, &line);
	if (sink_dropped(sink) != dropped)
		return false;
	s->spilled = spilled;
	s->lost = lost;
	s->timeouts_spilled += timeouts_spilled;
	s->timeouts_lost += timeouts_lost;
	s->missed = totals->missed;
	s->log_dropped = dropped;
	return true;
}
