/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rows put together to stories, and what the kept resets tell of each. Must not estimate a count:
 * those are the tally's, and the sum of all stories and 'rest' is that of the rows. Proved by
 * tests/unit/daemon/stories.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/stories.h"

#define MINUTE_NS (60 * NSEC_PER_SEC)

/* Causes that a scan brings on thousands of ports: beyond so many, only those ports that make a
 * part of the whole that is worth telling have a story of their own. */
#define PORTS_APART	3
#define PORT_STANDS_OUT 5 /* its share of the resets is at least one part in so many */

#define PEERS_MAX 16

/* The rows of one cause and port, which stand together in the list, and the story they go to. */
struct group {
	enum rst_cause cause;
	uint16_t port;
	size_t begin, end; /* of the rows */
	size_t to;	   /* the group that tells of it, itself if it stands alone */
	uint64_t count[RST_DIRECTION_MAX], sum;
	uint64_t first, last;
	unsigned int ports;
};

struct sample {
	const struct finding *finding;
	size_t group;
};

struct work {
	const struct report_query *q;
	uint64_t since;		 /* the whole minute, as rows are counted */
	struct report_row *rows; /* of resets and of time-outs */
	size_t n_rows;
	struct tally_stats totals;
	bool partial;
	struct group *groups;
	size_t n_groups;
	struct sample *samples;
	size_t n_samples;
	int64_t *values; /* of one quantity, to sort them */
};

static void work_done(struct work *w)
{
	free(w->rows);
	free(w->groups);
	free(w->samples);
	free(w->values);
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_place(const void *x, const void *y)
{
	const struct tally_row *a = &((const struct report_row *)x)->row;
	const struct tally_row *b = &((const struct report_row *)y)->row;
	int r = compare_u64(a->cause, b->cause);

	return r ? r : compare_u64(a->port, b->port);
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
		g->first = MIN(g->first, row->first);
		g->last = MAX(g->last, row->last);
	}
}

static void merge(struct work *w, size_t from, size_t to)
{
	struct group *a = &w->groups[to], *b = &w->groups[from];

	b->to = to;
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		a->count[d] += b->count[d];
	a->sum += b->sum;
	a->first = MIN(a->first, b->first);
	a->last = MAX(a->last, b->last);
	a->ports += b->ports;
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
			merge(w, i, to);
	}
}

static void fold_scans(struct work *w)
{
	for (size_t begin = 0, end; begin < w->n_groups; begin = end) {
		enum rst_cause cause = w->groups[begin].cause;

		for (end = begin; end < w->n_groups && w->groups[end].cause == cause; end++)
			;
		if (cause == RST_CAUSE_CLOSED_PORT || cause == RST_CAUSE_REFUSED_SYN)
			fold_ports(w, begin, end);
	}
}

static int compare_group(const void *x, const void *y)
{
	const struct group *a = x, *b = y;
	int r = compare_u64(a->cause, b->cause);

	return r ? r : compare_u64(a->port, b->port);
}

/* The story that a kept reset belongs to, SIZE_MAX: none, as when its row is gone. */
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

static void take_samples(struct work *w, const struct recent *r)
{
	const struct finding *f;

	for (unsigned int i = 0; r && (f = recent_get(r, i)); i++) {
		size_t group;

		if (f->reset.time < w->since || !report_match_finding(w->q->filter, f))
			continue;
		group = group_of(w, f);
		if (group != SIZE_MAX)
			w->samples[w->n_samples++] = (struct sample){f, group};
	}
}

static int compare_party(const void *x, const void *y)
{
	const struct party *a = x, *b = y;
	int r = compare_u64(a->pid, b->pid);

	r = r ? r : strcmp(a->comm, b->comm);
	r = r ? r : strcmp(a->unit, b->unit);
	r = r ? r : compare_u64(a->role, b->role);
	return r ? r : compare_u64(a->direction, b->direction);
}

static int compare_busy(const void *x, const void *y)
{
	const struct party *a = x, *b = y;
	int r = compare_u64(b->count, a->count);

	return r ? r : compare_party(x, y);
}

static struct party party_of(const struct tally_row *row)
{
	struct party p = {.pid = row->pid,
			  .role = row->role,
			  .direction = row->direction,
			  .count = row->count};

	snprintf(p.comm, sizeof(p.comm), "%s", row->comm ? row->comm : "");
	snprintf(p.unit, sizeof(p.unit), "%s", row->unit ? row->unit : "");
	return p;
}

static int fill_parties(const struct work *w, size_t group, struct story *s)
{
	_cleanup_free_ struct party *all = NULL;
	size_t n = 0, used = 0;

	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].to == group)
			n += w->groups[i].end - w->groups[i].begin;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;

	n = 0;
	for (size_t i = 0; i < w->n_groups; i++)
		for (size_t k = w->groups[i].begin;
		     w->groups[i].to == group && k < w->groups[i].end; k++)
			all[n++] = party_of(&w->rows[k].row);
	qsort(all, n, sizeof(*all), compare_party);
	for (size_t i = 0; i < n; i++) {
		if (used > 0 && compare_party(&all[used - 1], &all[i]) == 0)
			all[used - 1].count += all[i].count;
		else
			all[used++] = all[i];
	}
	qsort(all, used, sizeof(*all), compare_busy);

	s->n_parties = (unsigned int)MIN(used, (size_t)STORY_PARTIES_MAX);
	s->more_parties = (unsigned int)used - s->n_parties;
	memcpy(s->party, all, s->n_parties * sizeof(*all));
	return 0;
}

/* Where a quantity of struct reset goes in struct story. */
static const struct {
	size_t from, to;
} quantities[] = {
#define QUANTITY(name)                                                                             \
	{                                                                                          \
		offsetof(struct reset, name), offsetof(struct story, name)                         \
	}
	QUANTITY(idle_ms),	  QUANTITY(age_ms),	   QUANTITY(send_idle_ms),
	QUANTITY(unread_bytes),	  QUANTITY(unacked_bytes), QUANTITY(bytes_sent),
	QUANTITY(bytes_received), QUANTITY(backlog),	   QUANTITY(closed_ms),
#undef QUANTITY
};

static int compare_values(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

static void fill_spreads(const struct work *w, size_t group, struct story *s)
{
	for (size_t q = 0; q < ARRAY_SIZE(quantities); q++) {
		struct spread *to = (struct spread *)((char *)s + quantities[q].to);
		size_t n = 0;

		for (size_t i = 0; i < w->n_samples; i++) {
			const struct sample *sample = &w->samples[i];
			int64_t value;

			if (sample->group != group)
				continue;
			memcpy(&value, (const char *)&sample->finding->reset + quantities[q].from,
			       sizeof(value));
			if (value >= 0)
				w->values[n++] = value;
		}
		if (n == 0)
			continue;
		qsort(w->values, n, sizeof(*w->values), compare_values);
		*to = (struct spread){.n = (unsigned int)n,
				      .least = w->values[0],
				      .middle = w->values[(n - 1) / 2],
				      .most = w->values[n - 1]};
	}
}

/* How the owner ended, where the reset came out of that. */
static void count_exit(const struct reset *r, struct story *s)
{
	bool former = !r->has_exit && r->has_former && (r->former_flags & RST_FORMER_EXITING);
	int signal = former ? r->former_exit_signal : r->exit_signal;

	if (!r->has_exit && !former)
		return;
	if (signal >= 0 && (size_t)signal < ARRAY_SIZE(s->exit_signal))
		s->exit_signal[signal]++;
	if ((r->flags & RST_EVENT_OOM) || (former && (r->former_flags & RST_FORMER_OOM)))
		s->oom++;
}

static bool same_address(const struct endpoint *a, const struct endpoint *b)
{
	return a->ipv6 == b->ipv6 && !memcmp(a->address, b->address, a->ipv6 ? 16 : 4);
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && same_address(a, b);
}

/* A received reset tells less than the one that was sent at the other end. */
static bool other_end_of(const struct finding *f, const struct finding *received)
{
	return f->reset.direction == RST_SENT && received->reset.direction == RST_RECEIVED &&
	       received->other.known && same_endpoint(&f->reset.local, &received->reset.remote) &&
	       same_endpoint(&f->reset.remote, &received->reset.local);
}

static void count_peer(struct endpoint peers[PEERS_MAX], const struct endpoint *e, struct story *s)
{
	for (unsigned int i = 0; i < s->peers; i++)
		if (same_address(&peers[i], e))
			return;
	if (s->peers < PEERS_MAX)
		peers[s->peers++] = *e;
}

static void fill_samples(const struct work *w, size_t group, struct story *s)
{
	unsigned int confidence[CONFIDENCE_MAX] = {0};
	const struct finding *latest = NULL;
	struct endpoint peers[PEERS_MAX];

	for (size_t i = 0; i < w->n_samples; i++) { /* the newest first */
		const struct finding *f = w->samples[i].finding;

		if (w->samples[i].group != group)
			continue;
		if (!latest || other_end_of(f, latest))
			latest = f;
		s->samples++;
		s->pairs += f->other.known;
		if (f->verdict.confidence < CONFIDENCE_MAX)
			confidence[f->verdict.confidence]++;
		count_exit(&f->reset, s);
		count_peer(peers, &f->reset.remote, s);
	}
	if (!latest)
		return;
	s->latest = *latest;
	/* of two that are as frequent the lower: never more certain than the evidence */
	for (unsigned int c = 0; c < CONFIDENCE_MAX; c++)
		if (confidence[c] > confidence[s->confidence])
			s->confidence = c;
	fill_spreads(w, group, s);
}

static int fill_story(const struct work *w, size_t group, struct story *s)
{
	const struct group *g = &w->groups[group];

	*s = (struct story){
		.cause = g->cause,
		.confidence = CONFIDENCE_LOW,
		.port = g->ports == 1 ? g->port : 0,
		.ports = g->ports,
		.first = MAX(g->first, w->since),
		.last = g->last,
	};
	memcpy(s->count, g->count, sizeof(s->count));
	fill_samples(w, group, s);
	return fill_parties(w, group, s);
}

static int compare_told(const void *x, const void *y, void *userdata)
{
	const struct work *w = userdata;
	const struct group *a = &w->groups[*(const size_t *)x];
	const struct group *b = &w->groups[*(const size_t *)y];
	int r = compare_u64(b->sum, a->sum);

	/* what is known comes first where that decides nothing else */
	r = r ? r : compare_u64(b->cause != RST_CAUSE_UNKNOWN, a->cause != RST_CAUSE_UNKNOWN);
	r = r ? r : compare_u64(b->last, a->last);
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
	w.samples = calloc(RSTMON_RECENT_MAX, sizeof(*w.samples));
	w.values = calloc(RSTMON_RECENT_MAX, sizeof(*w.values));
	if (!w.samples || !w.values)
		return -ENOMEM;

	group_rows(&w);
	fold_scans(&w);
	take_samples(&w, r);
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
