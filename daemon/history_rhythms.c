/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients that come to the same end at one interval, as health checks do. Two distances that differ
 * by less than a fifth are a rhythm. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

#define REPEATS_MIN  3			       /* then it is worth telling */
#define INTERVAL_MIN TICKS(50 * NSEC_PER_MSEC) /* what is faster is no check but a loop */
#define INTERVAL_MAX TICKS(600 * NSEC_PER_SEC)

/* The client is a process of this host, or a remote address. */
static uint64_t key(const struct history *h, const struct reset *r, const struct doer *d)
{
	uint64_t word[3];

	word[0] = d->peer;
	word[1] = (uint64_t)r->netns << 32 | (uint64_t)r->port << 8 | r->direction << 4 | r->role;
	word[2] = r->role == RST_ROLE_CLIENT ? d->owner_start ^ (uint64_t)d->owner << 32 : 0;
	return history_hash(h->seed, word, ARRAY_SIZE(word));
}

static uint64_t key_of(const struct history *h, const struct reset *r, struct doer *d)
{
	if (!d->rhythm)
		d->rhythm = key(h, r, d);
	return d->rhythm;
}

static bool steady(const struct rhythm *y, uint32_t distance)
{
	uint32_t difference =
		distance > y->interval ? distance - y->interval : y->interval - distance;

	return y->repeats > 1 && difference <= y->interval / 5;
}

static bool plausible(uint32_t distance)
{
	return distance >= INTERVAL_MIN && distance <= INTERVAL_MAX;
}

void rhythms_look(const struct history *h, const struct reset *r, struct doer *d, struct past *past)
{
	uint32_t tick = TICKS(r->monotonic), distance;
	const struct rhythm *y;

	ways_look(&h->rhythms.ways, key_of(h, r, d), tick, &d->rhythm_way);
	if (!d->rhythm_way.found)
		return;
	y = &h->rhythms.entry[d->rhythm_way.at];
	distance = tick - y->last;
	if (!plausible(distance) || !steady(y, distance) || y->repeats + 1 < REPEATS_MIN)
		return;
	past->repeats = y->repeats + 1;
	past->repeat_ms = (int64_t)(((uint64_t)y->interval << TICK_SHIFT) / NSEC_PER_MSEC);
}

void rhythms_note(struct history *h, const struct reset *r, struct doer *d)
{
	uint32_t tick = TICKS(r->monotonic), distance;
	struct rhythm *y;
	bool made;

	y = &h->rhythms.entry[ways_take(&h->rhythms.ways, key_of(h, r, d), tick, &d->rhythm_way,
					&made)];
	if (made)
		*y = (struct rhythm){.last = tick};
	distance = tick - y->last;
	if (!made && steady(y, distance)) {
		y->repeats += y->repeats < UINT32_MAX;
		y->interval = (uint32_t)(((uint64_t)3 * y->interval + distance) / 4);
	} else {
		y->repeats = !made && plausible(distance) ? 2 : 1;
		y->interval = distance;
	}
	y->last = tick;
}
