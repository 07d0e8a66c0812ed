/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of alerts and their sliding windows. Must not lose a count: a key that gives up its
 * place leaves what it had to its rule's key for the rest. Proved by
 * tests/unit/daemon/alert_window.c.
 */
#include "common/util.h"

#include "daemon/alert_internal.h"

#define MASK	 (ALERT_INDEX_SLOTS - 1)
#define LOOKS_AT 16 /* places among which the one with the least is chosen */

static struct alert_slot *slot_of(struct alerts *a, const struct alert_state *s)
{
	return &a->slot[s->rule];
}

/* ---- windows ---- */

void alert_advance(const struct alerts *a, struct alert_state *s)
{
	uint64_t epoch = a->now / a->slot[s->rule].width;

	if (epoch <= s->epoch)
		return;
	if (epoch - s->epoch >= ALERT_BUCKETS) {
		memset(s->bucket, 0, sizeof(s->bucket));
		s->sum = 0;
	} else {
		for (uint64_t e = s->epoch + 1; e <= epoch; e++) {
			s->sum -= s->bucket[e % ALERT_BUCKETS];
			s->bucket[e % ALERT_BUCKETS] = 0;
		}
	}
	s->epoch = epoch;
}

/* What is taken back was counted lately. */
static uint64_t take_back(struct alert_state *s, uint64_t n)
{
	uint64_t taken = 0;

	for (unsigned int i = 0; i < ALERT_BUCKETS && taken < n && s->epoch >= i; i++) {
		uint64_t *bucket = &s->bucket[(s->epoch - i) % ALERT_BUCKETS];
		uint64_t part = MIN(*bucket, n - taken);

		*bucket -= part;
		taken += part;
	}
	s->sum -= taken;
	return taken;
}

void alert_add(struct alerts *a, struct alert_state *s, int64_t growth)
{
	alert_advance(a, s);
	if (growth < 0) {
		uint64_t taken = take_back(s, -(uint64_t)growth);

		s->count -= MIN(s->count, s->active ? taken : 0);
		return;
	}
	s->bucket[s->epoch % ALERT_BUCKETS] += (uint64_t)growth;
	s->sum += (uint64_t)growth;
	if (s->active)
		s->count += (uint64_t)growth;
}

bool alert_reaches(const struct alert_rule *rule, uint64_t count, double rate)
{
	return count && (double)count * (60.0 * NSEC_PER_SEC) >= rate * (double)rule->window_ns;
}

bool alert_is_over(const struct alert_rule *rule, uint64_t count)
{
	return !alert_reaches(rule, count, rule->clear);
}

uint64_t alert_over_at(const struct alerts *a, const struct alert_state *s)
{
	const struct alert_slot *slot = &a->slot[s->rule];
	uint64_t oldest = s->epoch >= ALERT_BUCKETS ? s->epoch - ALERT_BUCKETS + 1 : 0;
	uint64_t left = s->sum, at = a->now;

	for (uint64_t e = oldest; e <= s->epoch && !alert_is_over(&slot->rule, left); e++) {
		left -= s->bucket[e % ALERT_BUCKETS];
		at = (e + ALERT_BUCKETS) * slot->width;
	}
	return MAX(at, s->hold_until);
}

/* ---- keys ---- */

struct alert_state *alerts_find(struct alerts *a, unsigned int rule, const struct alert_key *key)
{
	uint32_t hash = alert_key_hash(key, rule), position = hash, i;

	while ((i = index_next(a->index, MASK, hash, &position)) != INDEX_NONE)
		if (a->state[i].rule == rule && alert_key_equal(&a->state[i].key, key))
			return &a->state[i];
	return NULL;
}

static struct alert_state *take(struct alerts *a, unsigned int i, unsigned int rule,
				const struct alert_key *key)
{
	struct alert_state *s = &a->state[i];

	memset(s, 0, sizeof(*s));
	s->used = true;
	s->rule = (uint8_t)rule;
	s->key = *key;
	s->hash = alert_key_hash(key, rule);
	s->epoch = a->now / a->slot[rule].width;
	index_insert(a->index, MASK, s->hash, i);
	a->keys++;
	return s;
}

void alerts_drop(struct alerts *a, struct alert_state *s)
{
	index_remove(a->index, MASK, s->hash, (uint32_t)(s - a->state));
	s->used = false;
	a->keys--;
}

/* All of a rule that have no place of their own. */
static struct alert_state *rest_of(struct alerts *a, unsigned int rule)
{
	struct alert_state *s = &a->state[RSTMON_ALERTS_MAX + rule];
	struct alert_key key;

	if (s->used)
		return s;
	alert_key_rest(&key);
	return take(a, RSTMON_ALERTS_MAX + rule, rule, &key);
}

/* The rows' names are gone with the key, so the rest shows what both share. */
static void leave_to_rest(struct alerts *a, struct alert_state *s)
{
	struct alert_state *rest;
	const struct tally_row row = {
		.pid = s->shown.pid,
		.start = s->shown.start,
		.comm = s->shown.comm,
		.unit = s->shown.unit,
		.container = s->shown.container,
		.netns = s->shown.netns,
		.port = s->shown.port,
		.role = s->shown.role,
		.direction = s->shown.direction,
		.cause = s->shown.cause,
		.other_ports = s->shown.other_ports,
	};

	alert_advance(a, s);
	if (!s->sum)
		return;
	rest = rest_of(a, s->rule);
	alert_advance(a, rest);
	alert_key_join(rest, &row, s->sum);
	for (unsigned int i = 0; i < ALERT_BUCKETS; i++)
		rest->bucket[i] += s->bucket[i];
	rest->sum += s->sum;
	rest->count += rest->active ? s->sum : 0;
}

static bool idle(const struct alerts *a, struct alert_state *s)
{
	alert_advance(a, s);
	return !s->active && !s->sum && s->cooldown_until <= a->now;
}

/* Of the next few places one whose key is quiet, that with the least in its window. INDEX_NONE: all
 * of them are alerts, or on their way to be one. */
static uint32_t choose(struct alerts *a)
{
	uint32_t best = INDEX_NONE;

	for (unsigned int n = 0; n < LOOKS_AT; n++) {
		unsigned int i = a->hand++ % RSTMON_ALERTS_MAX;
		struct alert_state *s = &a->state[i];

		if (!s->used || idle(a, s))
			return i;
		if (s->active || s->cooldown_until > a->now ||
		    alert_reaches(&slot_of(a, s)->rule, s->sum, slot_of(a, s)->rule.rate))
			continue;
		if (best == INDEX_NONE || s->sum < a->state[best].sum)
			best = i;
	}
	return best;
}

struct alert_state *alerts_place(struct alerts *a, unsigned int rule, const struct alert_key *key)
{
	struct alert_state *s = alerts_find(a, rule, key);
	uint32_t i;

	if (s)
		return s;
	if (key->rest)
		return rest_of(a, rule);
	if (a->top < RSTMON_ALERTS_MAX)
		return take(a, a->top++, rule, key);
	i = choose(a);
	if (i == INDEX_NONE) {
		a->evicted++;
		return rest_of(a, rule);
	}
	s = &a->state[i];
	if (s->used) {
		a->evicted += s->sum > 0;
		leave_to_rest(a, s);
		alerts_drop(a, s);
	}
	return take(a, i, rule, key);
}
