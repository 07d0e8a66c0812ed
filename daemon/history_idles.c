/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Idle times by peer, service port and role, in a few clusters: a time-out somewhere shows as idle
 * times that lie together. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

#define IDLE_MIN_MS 500 /* less is no idle connection */
#define WIDTH_MS    500
#define WEIGHT_MAX  32 /* a cluster follows a time-out that is changed */
#define ALIKE_MIN   2

static uint64_t key(const struct history *h, const struct reset *r, const struct doer *d)
{
	uint64_t word[2];

	word[0] = d->peer;
	word[1] = (uint64_t)r->netns << 32 | (uint64_t)r->port << 8 | r->direction << 4 | r->role;
	return history_hash(h->seed, word, ARRAY_SIZE(word));
}

static uint64_t key_of(const struct history *h, const struct reset *r, struct doer *d)
{
	if (!d->idle)
		d->idle = key(h, r, d);
	return d->idle;
}

static int find(const struct idle *e, int64_t ms)
{
	for (int i = 0; i < IDLE_CLUSTERS; i++) {
		int64_t middle = e->cluster[i].middle_ms, width = MAX(middle / 10, WIDTH_MS);

		if (e->cluster[i].n && ms >= middle - width && ms <= middle + width)
			return i;
	}
	return -1;
}

void idles_look(const struct history *h, const struct reset *r, struct doer *d, struct past *past)
{
	const struct idle *e;
	int c;

	if (r->idle_ms < IDLE_MIN_MS)
		return;
	ways_look(&h->idles.ways, key_of(h, r, d), TICKS(r->monotonic), &d->idle_way);
	if (!d->idle_way.found)
		return;
	e = &h->idles.entry[d->idle_way.at];
	c = find(e, r->idle_ms);
	if (c < 0 || e->cluster[c].n + 1 < ALIKE_MIN)
		return;
	past->idle_alike = e->cluster[c].n + 1;
	past->idle_alike_ms = e->cluster[c].middle_ms;
}

/* A free cluster, else the one that nothing fell into for longest. */
static int choose(const struct idle *e, uint32_t now)
{
	int oldest = 0;

	for (int i = 0; i < IDLE_CLUSTERS; i++) {
		if (!e->cluster[i].n)
			return i;
		if ((int32_t)(now - e->cluster[i].used) > (int32_t)(now - e->cluster[oldest].used))
			oldest = i;
	}
	return oldest;
}

void idles_note(struct history *h, const struct reset *r, struct doer *d)
{
	uint32_t tick = TICKS(r->monotonic);
	struct idle *e;
	bool made;
	int c;

	if (r->idle_ms < IDLE_MIN_MS)
		return;
	e = &h->idles.entry[ways_take(&h->idles.ways, key_of(h, r, d), tick, &d->idle_way, &made)];
	if (made)
		*e = (struct idle){};
	c = find(e, r->idle_ms);
	if (c < 0) {
		c = choose(e, tick);
		e->cluster[c].n = 0;
		e->cluster[c].middle_ms = r->idle_ms;
	}
	e->cluster[c].n += e->cluster[c].n < UINT32_MAX;
	e->cluster[c].middle_ms +=
		(r->idle_ms - e->cluster[c].middle_ms) / (int64_t)MIN(e->cluster[c].n, WEIGHT_MAX);
	e->cluster[c].used = tick;
}
