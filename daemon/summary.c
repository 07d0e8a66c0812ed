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

struct moved_row {
	unsigned int place;
	uint64_t count;
};

static int busiest_first(const void *a, const void *b)
{
	const struct moved_row *x = a, *y = b;

	return x->count < y->count ? 1 : x->count > y->count ? -1 : (int)x->place - (int)y->place;
}

struct moved_rows {
	struct moved_row rows[TALLY_PLACES];
	size_t n;
};

struct news {
	struct moved_rows *resets, *timeouts;
};

/* A row with a lower count had one taken back (a false receive): no news. Of a row that others were
 * folded into, what they brought counts as news; it was told under their names before. */
static void collect(const struct move *m, void *userdata)
{
	struct news *news = userdata;
	struct moved_rows *to =
		m->row->direction < RST_RESET_DIRECTIONS ? news->resets : news->timeouts;

	if (m->growth > 0)
		to->rows[to->n++] =
			(struct moved_row){.place = m->place, .count = (uint64_t)m->growth};
}

void summary_begin(struct summary *s, const struct tally *t)
{
	moved_begin(&s->moved, t);
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
	moved_look(&s->moved, t, collect, &(struct news){resets, timeouts});
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
