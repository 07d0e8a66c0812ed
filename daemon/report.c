/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows for publishers: selects, groups, sorts and cuts what the tally and the table of peers hold.
 * Must not format anything and must not drop a row that no filter excludes: 'other' is listed and
 * grouped like every row, so that sums stay equal; and never mixes time-outs into resets. Proved by
 * tests/unit/daemon/report.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/report.h"

static const char *const by_names[] = {
	[REPORT_BY_PROCESS] = "process", [REPORT_BY_PORT] = "port", [REPORT_BY_CAUSE] = "cause",
	[REPORT_BY_UNIT] = "unit",	 [REPORT_BY_PEER] = "peer",
};
_Static_assert(ARRAY_SIZE(by_names) == REPORT_BY_MAX, "a name for each");

static const char *const sort_names[] = {
	[REPORT_SORT_COUNT] = "count",	       [REPORT_SORT_LAST] = "last",
	[REPORT_SORT_FIRST] = "first",	       [REPORT_SORT_PID] = "pid",
	[REPORT_SORT_COMM] = "comm",	       [REPORT_SORT_UNIT] = "unit",
	[REPORT_SORT_PORT] = "port",	       [REPORT_SORT_CAUSE] = "cause",
	[REPORT_SORT_DIRECTION] = "direction",
};
_Static_assert(ARRAY_SIZE(sort_names) == REPORT_SORT_MAX, "a name for each");

static int parse_name(const char *const *names, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], text))
			return (int)i;
	return -EINVAL;
}

const char *report_by_name(unsigned int by)
{
	return by < REPORT_BY_MAX ? by_names[by] : "invalid";
}

int report_by_parse(const char *text)
{
	return parse_name(by_names, REPORT_BY_MAX, text);
}

const char *report_sort_name(unsigned int sort)
{
	return sort < REPORT_SORT_MAX ? sort_names[sort] : "invalid";
}

int report_sort_parse(const char *text)
{
	return parse_name(sort_names, REPORT_SORT_MAX, text);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* What is of no single value (several ports, no row at all) is a group of its own, after the
 * others. */
static int compare_kind(const struct tally_row *a, const struct tally_row *b)
{
	int r = compare_u64(a->other, b->other);

	return r ? r : compare_u64(a->other_ports, b->other_ports);
}

static int compare_group(const void *x, const void *y, void *userdata)
{
	const struct tally_row *a = &((const struct report_row *)x)->row;
	const struct tally_row *b = &((const struct report_row *)y)->row;
	const enum report_by *by = userdata;
	int r = compare_u64(a->other, b->other);

	if (r)
		return r;
	if (*by == REPORT_BY_PORT) {
		r = compare_kind(a, b);
		return r ? r : compare_u64(a->port, b->port);
	}
	return *by == REPORT_BY_CAUSE ? compare_u64(a->cause, b->cause) : strcmp(a->unit, b->unit);
}

static int compare_field(const struct tally_row *a, const struct tally_row *b,
			 enum report_sort sort)
{
	switch (sort) {
	case REPORT_SORT_LAST:
		return compare_u64(b->last, a->last);
	case REPORT_SORT_FIRST:
		return compare_u64(a->first, b->first);
	case REPORT_SORT_PID:
		return compare_u64(a->pid, b->pid);
	case REPORT_SORT_COMM:
		return strcmp(a->comm, b->comm);
	case REPORT_SORT_UNIT:
		return strcmp(a->unit, b->unit);
	case REPORT_SORT_PORT:
		return compare_u64(a->port, b->port);
	case REPORT_SORT_CAUSE:
		return strcmp(cause_name(a->cause), cause_name(b->cause));
	case REPORT_SORT_DIRECTION:
		return compare_u64(a->direction, b->direction);
	default:
		return 0;
	}
}

/* Rows that are alike in the field come busiest first; then in an order that never changes. */
static int compare_rows(const void *x, const void *y, void *userdata)
{
	const struct report_row *p = x, *q = y;
	const struct tally_row *a = &p->row, *b = &q->row;
	const enum report_sort *sort = userdata;
	int r = compare_field(a, b, *sort);

	r = r ? r : compare_u64(b->count, a->count);
	r = r ? r : compare_kind(a, b);
	r = r ? r : compare_u64(a->pid, b->pid);
	r = r ? r : compare_u64(a->start, b->start);
	r = r ? r : strcmp(a->unit, b->unit);
	r = r ? r : strcmp(a->comm, b->comm);
	r = r ? r : compare_u64(a->netns, b->netns);
	r = r ? r : compare_u64(a->port, b->port);
	r = r ? r : compare_u64(a->role, b->role);
	r = r ? r : compare_u64(a->direction, b->direction);
	r = r ? r : compare_u64(a->cause, b->cause);
	r = r ? r : compare_u64(p->peer.ipv6, q->peer.ipv6);
	return r ? r : memcmp(p->peer.address, q->peer.address, sizeof(p->peer.address));
}

static struct tally_row empty_row(void)
{
	return (struct tally_row){.comm = "", .exe = "", .unit = "", .container = "", .pod = ""};
}

/* Only the fields that make the group, so that nothing of its first member shows. */
static struct report_row start_group(const struct tally_row *row, enum report_by by)
{
	struct report_row group = {.row = empty_row()};

	group.row.other = row->other;
	group.row.first = row->first;
	switch (by) {
	case REPORT_BY_PORT:
		group.row.port = row->port;
		group.row.other_ports = row->other_ports;
		break;
	case REPORT_BY_CAUSE:
		group.row.cause = row->cause;
		break;
	default:
		group.row.unit = row->unit;
		break;
	}
	return group;
}

/* In place; gives the number of groups. */
static size_t group_rows(struct report_row *rows, size_t n_rows, enum report_by by)
{
	size_t n = 0;

	qsort_r(rows, n_rows, sizeof(*rows), compare_group, &by);
	for (size_t i = 0; i < n_rows; i++) {
		const struct tally_row row = rows[i].row;
		struct tally_row *group;

		/* the group so far stands before 'i', and compares like its members */
		if (!n || compare_group(&rows[n - 1], &rows[i], &by))
			rows[n++] = start_group(&row, by);
		group = &rows[n - 1].row;
		group->count += row.count;
		group->spilled += row.spilled;
		group->first = MIN(group->first, row.first);
		group->last = MAX(group->last, row.last);
	}
	return n;
}

/* True if row i is asked for. */
static bool take_row(const struct tally *t, unsigned int i, const struct report_query *q,
		     struct tally_row *ret, bool *ret_partial)
{
	struct tally_row row;

	if (!tally_row(t, i, &row) || !report_match_row(q->filter, &row))
		return false;
	if (q->since) {
		*ret_partial |= !tally_since(t, i, q->since, q->now, &row.count);
		row.spilled = MIN(row.spilled, row.count);
		if (!row.count)
			return false;
	}
	*ret = row;
	return true;
}

static int take_rows(const struct tally *t, const struct report_query *q, struct report_list *l)
{
	struct tally_row row;

	l->rows = calloc(TALLY_PLACES, sizeof(*l->rows));
	l->timeouts = calloc(TALLY_PLACES, sizeof(*l->timeouts));
	if (!l->rows || !l->timeouts)
		return -ENOMEM;
	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		if (!take_row(t, i, q, &row, &l->partial))
			continue;
		if (row.direction < RST_RESET_DIRECTIONS)
			l->rows[l->n++].row = row;
		else
			l->timeouts[l->n_timeouts++].row = row;
	}
	if (q->by != REPORT_BY_PROCESS) {
		l->n = group_rows(l->rows, l->n, q->by);
		l->n_timeouts = group_rows(l->timeouts, l->n_timeouts, q->by);
	}
	return 0;
}

static int take_peers(const struct peers *p, const struct report_query *q, struct report_list *l)
{
	if (q->since || q->filter)
		return -EOPNOTSUPP;
	l->rows = calloc(RSTMON_PEERS_MAX, sizeof(*l->rows));
	if (!l->rows)
		return -ENOMEM;
	for (unsigned int i = 0; p && i < RSTMON_PEERS_MAX; i++) {
		const struct peer *peer = peers_get(p, i);
		struct report_row *row = &l->rows[l->n];

		if (!peer)
			continue;
		row->row = empty_row();
		row->row.direction = peer->direction;
		row->row.count = peer->count;
		row->row.first = peer->first;
		row->row.last = peer->last;
		row->peer = peer->address;
		row->error = peer->error;
		l->n++;
	}
	return 0;
}

static void sort_and_cut(struct report_row *rows, size_t *n, const struct report_query *q)
{
	enum report_sort sort = q->sort;

	if (*n)
		qsort_r(rows, *n, sizeof(*rows), compare_rows, &sort);
	if (q->limit)
		*n = MIN(*n, (size_t)q->limit);
}

int report_list(const struct tally *t, const struct peers *p, const struct report_query *q,
		struct report_list *ret)
{
	_cleanup_(report_list_done) struct report_list l = {0};
	int r;

	if (q->by == REPORT_BY_PEER)
		r = take_peers(p, q, &l);
	else
		r = take_rows(t, q, &l);
	if (r < 0)
		return r;
	sort_and_cut(l.rows, &l.n, q);
	sort_and_cut(l.timeouts, &l.n_timeouts, q);
	tally_stats(t, &l.totals);
	*ret = l;
	l.rows = l.timeouts = NULL;
	return 0;
}

void report_list_done(struct report_list *l)
{
	free(l->rows);
	free(l->timeouts);
	*l = (struct report_list){0};
}
