/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows put together to stories, and what the kept resets tell of each. Must not estimate a count:
 * those are the tally's, and the sum of all stories and 'rest' is that of the rows. Proved by
 * tests/unit/daemon/stories.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/stories_internal.h"

#define MINUTE_NS (60 * NSEC_PER_SEC)

/* Causes that a scan brings on thousands of ports: beyond so many, only those ports that make a
 * part of the whole that is worth telling have a story of their own. */
#define PORTS_APART	3
#define PORT_STANDS_OUT 5 /* its share of the resets is at least one part in so many */

#define LOOKS_FOR_ENDS 256 /* groups of received resets whose senders are looked for */

static void work_done(struct work *w)
{
	free(w->rows);
	free(w->groups);
	free(w->samples);
	free(w->values);
}

static int compare_place(const void *x, const void *y)
{
	const struct tally_row *a = &((const struct report_row *)x)->row;
	const struct tally_row *b = &((const struct report_row *)y)->row;
	int r = stories_compare(a->cause, b->cause);

	return r ? r : stories_compare(a->port, b->port);
}

/* Where a row stands, port 0: those of several ports, and those of no row. */
static void group_rows(struct work *w)
{
	if (w->n_rows)
		qsort(w->rows, w->n_rows, sizeof(*w->rows), compare_place);
	for (size_t i = 0; i < w->n_rows; i++) {
		const struct tally_row *row = &w->rows[i].row;
		struct group *g = &w->groups[w->n_groups];

		if (i == 0 || compare_place(&w->rows[i - 1], &w->rows[i])) {
			*g = (struct group){.cause = row->cause,
					    .port = row->port,
					    .begin = i,
					    .to = w->n_groups,
					    .first = row->first,
					    .ports = row->port > 0};
			w->n_groups++;
		}
		g = &w->groups[w->n_groups - 1];
		g->end = i + 1;
		g->count[row->direction % RST_DIRECTION_MAX] += row->count;
		g->sum += row->count;
		g->more_ports |= row->other_ports || row->other;
		g->first = MIN(g->first, row->first);
		g->last = MAX(g->last, row->last);
	}
}

/* The ports of both are different ones, or the same. */
static void merge(struct work *w, size_t from, size_t to, bool different)
{
	struct group *a = &w->groups[to], *b = &w->groups[from];

	b->to = to;
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		a->count[d] += b->count[d];
	a->sum += b->sum;
	a->more_ports |= b->more_ports;
	a->first = MIN(a->first, b->first);
	a->last = MAX(a->last, b->last);
	a->ports = different ? a->ports + b->ports : MAX(a->ports, b->ports);
}

/* The groups from 'begin' to 'end' are all of one cause. */
static void fold_ports(struct work *w, size_t begin, size_t end)
{
	size_t to = SIZE_MAX;
	uint64_t sum = 0;

	if (end - begin <= PORTS_APART)
		return;
	for (size_t i = begin; i < end; i++)
		sum += w->groups[i].sum;
	for (size_t i = begin; i < end; i++) {
		struct group *g = &w->groups[i];

		if (g->port > 0 && g->sum >= sum / PORT_STANDS_OUT)
			continue;
		if (to == SIZE_MAX)
			to = i;
		else
			merge(w, i, to, true);
	}
}

static void fold_scans(struct work *w)
{
	for (size_t begin = 0, end; begin < w->n_groups; begin = end) {
		enum rst_cause cause = w->groups[begin].cause;

		for (end = begin; end < w->n_groups && w->groups[end].cause == cause; end++)
			;
		if (cause == RST_CAUSE_CLOSED_PORT || cause == RST_CAUSE_REFUSED_SYN ||
		    cause == RST_CAUSE_FIREWALL_REJECT)
			fold_ports(w, begin, end);
	}
}

static int compare_group(const void *x, const void *y)
{
	const struct group *a = x, *b = y;
	int r = stories_compare(a->cause, b->cause);

	return r ? r : stories_compare(a->port, b->port);
}

/* The story that a kept reset belongs to, SIZE_MAX: none, as when its row is gone. */
#define SAMPLES_MAX (RSTMON_RECENT_MAX + RSTMON_RECENT_KEPT)

static size_t group_of(const struct work *w, const struct finding *f)
{
	struct group key = {.cause = f->verdict.cause, .port = f->reset.port};
	const struct group *g;

	g = bsearch(&key, w->groups, w->n_groups, sizeof(*w->groups), compare_group);
	if (!g) {
		/* the ports that its owner has beyond its share */
		key.port = 0;
		g = bsearch(&key, w->groups, w->n_groups, sizeof(*w->groups), compare_group);
	}
	return g ? g->to : SIZE_MAX;
}

static void take_sample(struct work *w, const struct finding *f)
{
	size_t group;

	if (f->reset.time < w->since || !report_match_finding(w->q->filter, f))
		return;
	group = group_of(w, f);
	if (group != SIZE_MAX)
		w->samples[w->n_samples++] = (struct sample){f, group};
}

/* Newest first. */
static void take_samples(struct work *w, const struct recent *r)
{
	const struct finding *f;

	for (unsigned int i = 0; r && (f = recent_get(r, i)); i++)
		take_sample(w, f);
	for (unsigned int i = 0; r && (f = recent_kept(r, i)); i++)
		take_sample(w, f);
}

/* The other end of a connection may have a cause of its own, as who is refused by a closed port: to
 * people that is one story. If the latest reset of a group was received from this very host, and so
 * were all that are kept of it, it is told by the group of those who sent them. */
static size_t sender_of(const struct work *w, size_t group)
{
	const struct finding *latest = NULL;

	for (size_t i = 0; i < w->n_samples; i++) {
		const struct finding *f = w->samples[i].finding;

		if (w->samples[i].group != group)
			continue;
		if (f->reset.direction != RST_RECEIVED || !stories_both_here(f))
			return SIZE_MAX;
		if (!latest && f->other.known)
			latest = f;
	}
	for (size_t i = 0; latest && i < w->n_samples; i++)
		if (stories_other_end(w->samples[i].finding, latest))
			return w->samples[i].group;
	return SIZE_MAX;
}

static void join_ends(struct work *w)
{
	unsigned int looks = 0;

	for (size_t i = 0; i < w->n_groups && looks < LOOKS_FOR_ENDS; i++) {
		struct group *g = &w->groups[i];
		size_t to;

		if (g->to != i || g->count[RST_SENT] > 0 || g->count[RST_RECEIVED] == 0)
			continue;
		looks++;
		to = sender_of(w, i);
		if (to == SIZE_MAX || to == i)
			continue;
		merge(w, i, to, false);
		for (size_t k = 0; k < w->n_groups; k++)
			w->groups[k].to = w->groups[k].to == i ? to : w->groups[k].to;
		for (size_t k = 0; k < w->n_samples; k++)
			w->samples[k].group = w->samples[k].group == i ? to : w->samples[k].group;
	}
}

static int fill_story(const struct work *w, size_t group, struct story *s)
{
	const struct group *g = &w->groups[group];

	*s = (struct story){
		.cause = g->cause,
		.confidence = CONFIDENCE_LOW,
		.port = g->ports == 1 && !g->more_ports ? g->port : 0,
		.ports = g->ports,
		.more_ports = g->more_ports,
		.first = MAX(g->first, w->since),
		.last = g->last,
	};
	memcpy(s->count, g->count, sizeof(s->count));
	return stories_fill(w, group, s);
}

static void count_ends(struct work *w)
{
	for (size_t i = 0; i < w->n_samples; i++) {
		struct group *g = &w->groups[w->samples[i].group];

		g->samples++;
		g->pairs += stories_both_here(w->samples[i].finding);
		g->echoes += stories_echo(w->samples[i].finding);
	}
}

/* How often it happened, as people count: the two ends of a connection on this host are one. */
static uint64_t events_of(const struct group *g)
{
	uint64_t sent = g->count[RST_SENT] - MIN(g->count[RST_SENT], (uint64_t)g->echoes);

	if (g->samples > 0 && g->pairs == g->samples)
		return MAX(sent, g->count[RST_RECEIVED]) + g->count[RST_TIMEOUT];
	return sent + g->count[RST_RECEIVED] + g->count[RST_TIMEOUT];
}

static int compare_told(const void *x, const void *y, void *userdata)
{
	const struct work *w = userdata;
	const struct group *a = &w->groups[*(const size_t *)x];
	const struct group *b = &w->groups[*(const size_t *)y];
	int r = stories_compare(events_of(b), events_of(a));

	/* what is known comes first where that decides nothing else */
	r = r ? r : stories_compare(b->cause != RST_CAUSE_UNKNOWN, a->cause != RST_CAUSE_UNKNOWN);
	r = r ? r : stories_compare(b->last, a->last);
	return r ? r : compare_group(a, b);
}

static int tell(struct work *w, struct stories *ret)
{
	size_t most = w->q->limit ? MIN(w->q->limit, RSTMON_STORIES_MAX) : RSTMON_STORIES_MAX;
	_cleanup_free_ size_t *order = calloc(w->n_groups + 1, sizeof(*order));
	size_t n = 0;
	int r;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].to == i)
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), compare_told, w);

	ret->n = MIN(n, most);
	ret->story = calloc(ret->n + 1, sizeof(*ret->story));
	if (!ret->story)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (i >= ret->n) {
			ret->rest += w->groups[order[i]].sum;
			continue;
		}
		r = fill_story(w, order[i], &ret->story[i]);
		if (r < 0)
			return r;
	}
	ret->more = n - ret->n;
	return 0;
}

static int take_rows(struct work *w, const struct tally *t)
{
	struct report_query q = {.since = w->q->since, .now = w->q->now, .filter = w->q->filter};
	_cleanup_(report_list_done) struct report_list l = {0};
	int r = report_list(t, NULL, &q, &l);

	if (r < 0)
		return r;
	w->rows = calloc(l.n + l.n_timeouts + 1, sizeof(*w->rows));
	w->groups = calloc(l.n + l.n_timeouts + 1, sizeof(*w->groups));
	if (!w->rows || !w->groups)
		return -ENOMEM;
	memcpy(w->rows, l.rows, l.n * sizeof(*w->rows));
	memcpy(w->rows + l.n, l.timeouts, l.n_timeouts * sizeof(*w->rows));
	w->n_rows = l.n + l.n_timeouts;
	w->totals = l.totals;
	w->partial = l.partial;
	return 0;
}

int stories_make(const struct tally *t, const struct recent *r, const struct report_query *q,
		 struct stories *ret)
{
	_cleanup_(stories_done) struct stories stories = {0};
	_cleanup_(work_done) struct work w = {.q = q, .since = q->since - q->since % MINUTE_NS};
	int e = take_rows(&w, t);

	if (e < 0)
		return e;
	w.samples = calloc(SAMPLES_MAX, sizeof(*w.samples));
	w.values = calloc(SAMPLES_MAX, sizeof(*w.values));
	if (!w.samples || !w.values)
		return -ENOMEM;

	group_rows(&w);
	fold_scans(&w);
	take_samples(&w, r);
	join_ends(&w);
	count_ends(&w);
	e = tell(&w, &stories);
	if (e < 0)
		return e;
	stories.totals = w.totals;
	stories.partial = w.partial;
	*ret = stories;
	stories = (struct stories){0};
	return 0;
}

void stories_done(struct stories *s)
{
	free(s->story);
	*s = (struct stories){0};
}
