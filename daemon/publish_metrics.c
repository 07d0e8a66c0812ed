/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * OpenMetrics 1.0 text. Labels must never hold what a remote host or a process can multiply at
 * will: a pid, a peer, an ephemeral port. The rows that have labels of their own are the ones that
 * came first, not the busiest: a series that changed places with another would let a counter fall.
 * Proved by tests/unit/daemon/publish.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/publish.h"
#include "daemon/publish_internal.h"
#include "daemon/publish_said.h"

/* The "other" series stay out of the named ones' share, however many there are. */
#define SERIES_OTHER(directions) ((directions)*RST_CAUSE_MAX)

static bool is_other(const struct publish_series *s)
{
	return s->other_port && !strcmp(s->unit, PUBLISH_OTHER);
}

static int compare_age(const void *a, const void *b)
{
	const struct publish_series *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return publish_series_compare(a, b);
}

/* One series for each set of labels. Returns their number. */
static size_t merge(struct publish_series *s, size_t n)
{
	size_t used = 0;

	qsort(s, n, sizeof(*s), publish_series_compare);
	for (size_t i = 0; i < n; i++) {
		if (used == 0 || publish_series_compare(&s[used - 1], &s[i]) != 0) {
			s[used++] = s[i];
			continue;
		}
		s[used - 1].count += s[i].count;
		s[used - 1].first = MIN(s[used - 1].first, s[i].first);
	}
	return used;
}

/* Which series have labels of their own: those that had them before, and the oldest while there is
 * room. */
static void name_some(struct publish_series *s, size_t n, size_t named, struct publish_said *said)
{
	qsort(s, n, sizeof(*s), compare_age);
	for (size_t i = 0; i < n; i++) {
		if (said ? !is_other(&s[i]) && publish_said_named(said, &s[i], (unsigned int)named)
			 : i < named)
			continue;
		s[i].unit = PUBLISH_OTHER;
		s[i].other_port = true;
		s[i].port = 0;
	}
}

/* Rows to series; beyond 'named' of them only "other" ones. NULL: no memory. */
static struct publish_series *series_of(const struct report_row *rows, size_t n_rows, size_t named,
					struct publish_said *said, size_t *ret_n)
{
	struct publish_series *s;
	size_t n;

	s = calloc(n_rows + PUBLISH_SERIES_MAX + SERIES_OTHER(RST_DIRECTION_MAX), sizeof(*s));
	if (!s)
		return NULL;
	for (size_t i = 0; i < n_rows; i++) {
		const struct tally_row *r = &rows[i].row;

		s[i] = (struct publish_series){
			.direction = r->direction,
			.cause = r->cause,
			.other_port = r->port == 0,
			.port = r->port,
			.unit = r->other ? PUBLISH_OTHER : r->unit,
			.count = r->count,
			.first = r->first,
		};
	}
	n = merge(s, n_rows);
	name_some(s, n, named, said);
	n = merge(s, n);
	*ret_n = said ? publish_said_apply(said, s, n) : n;
	return s;
}

static void put_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

static void put_head(FILE *out, const char *family, const char *type, const char *unit,
		     const char *help)
{
	fprintf(out, "# TYPE %s %s\n", family, type);
	if (unit)
		fprintf(out, "# UNIT %s %s\n", family, unit);
	fprintf(out, "# HELP %s %s\n", family, help);
}

static void put_series(FILE *out, const char *family, const struct publish_series *s)
{
	char port[8] = PUBLISH_OTHER;

	if (!s->other_port)
		snprintf(port, sizeof(port), "%u", s->port);
	fprintf(out, "%s_total{", family);
	if (s->direction < RST_RESET_DIRECTIONS) {
		put_label(out, "direction", direction_name(s->direction));
		fputc(',', out);
	}
	put_label(out, "cause", cause_name(s->cause));
	fputc(',', out);
	put_label(out, "unit", s->unit);
	fputc(',', out);
	put_label(out, "port", port);
	fprintf(out, "} %llu\n", (unsigned long long)s->count);
}

/* A family of counters out of rows, at most 'max' of them. -ENOMEM. */
static int put_family(FILE *out, const char *family, const char *help,
		      const struct report_row *rows, size_t n_rows, unsigned int directions,
		      unsigned int max, struct publish_said *said)
{
	const unsigned int other = SERIES_OTHER(directions);
	_cleanup_free_ struct publish_series *list = NULL;
	size_t n;

	list = series_of(rows, n_rows, max > other ? max - other : 0, said, &n);
	if (!list)
		return -ENOMEM;
	put_head(out, family, "counter", NULL, help);
	for (size_t i = 0; i < n; i++)
		put_series(out, family, &list[i]);
	return 0;
}

static void put_counter(FILE *out, const char *family, const char *help, uint64_t value)
{
	put_head(out, family, "counter", NULL, help);
	fprintf(out, "%s_total %llu\n", family, (unsigned long long)value);
}

static void put_gauge(FILE *out, const char *family, const char *unit, const char *help,
		      uint64_t value)
{
	put_head(out, family, "gauge", unit, help);
	fprintf(out, "%s %llu\n", family, (unsigned long long)value);
}

static void put_losses(FILE *out, const struct report_status *s)
{
	put_counter(out, "rstmon_spilled", "Resets counted by the kernel without a record.",
		    sum_directions(s->totals.spilled));
	put_counter(out, "rstmon_lost", "Resets counted in the totals only.",
		    sum_directions(s->totals.lost));
	put_counter(out, "rstmon_timeouts_spilled",
		    "Time-outs counted by the kernel without a record.",
		    s->totals.spilled[RST_TIMEOUT]);
	put_counter(out, "rstmon_timeouts_lost", "Time-outs counted in the totals only.",
		    s->totals.lost[RST_TIMEOUT]);
	put_counter(out, "rstmon_missed", "Runs of the programs that the kernel skipped.",
		    s->totals.missed);
	put_counter(out, "rstmon_history_evicted",
		    "Connections and owners forgotten early: verdicts may lack them.",
		    s->history_evicted);
	put_counter(out, "rstmon_host_evicted",
		    "Namespaces whose counters are not watched any more, for want of room.",
		    s->host_evicted);
	put_counter(out, "rstmon_told_early", "Resets told before their other end could come.",
		    s->told_early);
	put_counter(out, "rstmon_held_early",
		    "Doubtful received resets that were counted before their time.", s->held_early);
	put_head(out, "rstmon_unexplained", "gauge", NULL,
		 "Difference between a counter of the kernel and what was seen.");
	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		if ((s->counters_known | 1U << COUNTER_OUT_RSTS) & 1U << i)
			fprintf(out, "rstmon_unexplained{counter=\"%s\"} %lld\n",
				report_counter_name(i), (long long)s->unexplained[i]);
}

static void put_self(FILE *out, const struct report_status *s)
{
	put_gauge(out, "rstmon_rows", NULL, "Rows of counters in use.", s->counted.rows);
	put_counter(out, "rstmon_rows_evicted",
		    "Rows folded together, and resets in the row of all others, for want of room.",
		    s->counted.evicted);
	put_counter(out, "rstmon_log_dropped", "Log lines that nobody took.", s->log_dropped);
	put_gauge(out, "rstmon_ring_bytes", "bytes", "Size of the ring buffer.", s->ring_bytes);
	put_gauge(out, "rstmon_memory_bytes", "bytes", "Memory of tables, caches and clients.",
		  s->memory_bytes);
	put_gauge(out, "rstmon_slots_used", NULL, "Places in use of those for rows without detail.",
		  s->slots_used);
	put_gauge(out, "rstmon_slots", NULL, "Places for rows without detail.", s->slots);
	if (s->kernel_bytes)
		put_gauge(out, "rstmon_kernel_bytes", "bytes", "Memory of the kernel's maps.",
			  s->kernel_bytes);
	put_head(out, "rstmon_cpu_seconds", "counter", "seconds", "CPU time of the daemon.");
	fprintf(out, "rstmon_cpu_seconds_total %llu.%06llu\n",
		(unsigned long long)(s->cpu_us / 1000000),
		(unsigned long long)(s->cpu_us % 1000000));
	/* A gauge, and no "info": over one type that it does not know promtool refuses all of a
	 * text. */
	put_head(out, "rstmon_build_info", "gauge", NULL, "Version of rstmond and of the kernel.");
	fputs("rstmon_build_info{", out);
	put_label(out, "version", s->version);
	fputc(',', out);
	put_label(out, "kernel", s->kernel);
	fputs("} 1\n", out);
}

static int put_all(FILE *out, const struct report_list *l, const struct report_status *s,
		   unsigned int series)
{
	int r;

	r = put_family(out, "rstmon_resets",
		       "TCP resets by direction, cause, systemd unit and service port.", l->rows,
		       l->n, RST_RESET_DIRECTIONS, series, s->said_resets);
	if (r < 0)
		return r;
	r = put_family(out, "rstmon_timeouts",
		       "TCP connections that failed without any reset, by cause, unit and port.",
		       l->timeouts, l->n_timeouts, 1, series, s->said_timeouts);
	if (r < 0)
		return r;
	put_losses(out, s);
	publish_alert_metrics(out, s->alerts);
	put_self(out, s);
	fputs("# EOF\n", out);
	return ferror(out) ? -EIO : 0;
}

char *publish_metrics(const struct report_list *by_process, const struct report_status *s,
		      unsigned int series)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *out;
	int r;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	r = put_all(out, by_process, s, series);
	if (fclose(out) != 0 || r < 0)
		return NULL;
	return TAKE_PTR(text);
}
