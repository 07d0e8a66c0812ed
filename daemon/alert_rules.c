/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules of alerts come and go; and what is asked of the stage from outside. Must not let an
 * alert that was told go without its end. Proved by tests/unit/daemon/alert_rules.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/alert_internal.h"

static void free_filters(struct alerts *a)
{
	for (unsigned int i = 0; i < a->rules; i++)
		filter_free(a->slot[i].filter);
}

static int make_slots(struct alerts *to, const struct alert_rule *rules, unsigned int n,
		      char *error, size_t size)
{
	char why[FILTER_ERROR_MAX];
	int r;

	for (unsigned int i = 0; i < MIN(n, RSTMON_ALERT_RULES_MAX); i++) {
		struct alert_slot *slot = &to->slot[i];

		r = filter_parse(rules[i].filter, FILTER_ROWS, &slot->filter, why, sizeof(why));
		if (r) {
			snprintf(error, size, "[alert %s] filter: %s", rules[i].name, why);
			return r;
		}
		slot->rule = rules[i];
		slot->width = MAX(rules[i].window_ns / ALERT_BUCKETS, (uint64_t)1);
		to->rules++;
	}
	return 0;
}

int alerts_rule(const struct alerts *a, const char *name)
{
	for (unsigned int i = 0; i < a->rules; i++)
		if (!strcmp(a->slot[i].rule.name, name))
			return (int)i;
	return -1;
}

/* It counts the same in the same way; rate, cooldown and severity may differ. */
static bool goes_on(const struct alert_rule *a, const struct alert_rule *b)
{
	return a->enabled && b->enabled && a->by == b->by && a->window_ns == b->window_ns &&
	       !strcmp(a->filter, b->filter);
}

static struct alert_state *move_state(struct alerts *to, unsigned int place,
				      const struct alert_state *s, unsigned int rule)
{
	struct alert_state *d;

	place = place < RSTMON_ALERTS_MAX ? place : RSTMON_ALERTS_MAX + rule;
	d = &to->state[place];
	*d = *s;
	d->rule = (uint8_t)rule;
	d->hash = alert_key_hash(&d->key, rule);
	index_insert(to->index, ALERT_INDEX_SLOTS - 1, d->hash, place);
	to->keys++;
	to->told += d->told;
	to->slot[rule].active += d->active;
	return d;
}

/* 'ret' of ALERTS_PLACES: not told because another alert tells it. */
static void find_silent(const struct alerts *a, bool ret[])
{
	for (unsigned int i = 0; i < ALERTS_PLACES; i++) {
		const struct alert_state *s = &a->state[i];

		ret[i] = s->used && s->active && s->twin && alert_is_spoken_for(a, s);
	}
}

/* The alerts of 'a' go over to 'to', or end. One that was silent is heard if the rules leave nobody
 * who speaks for it; but not if that one was over before: then it was told. */
static void move_states(struct alerts *a, struct alerts *to)
{
	struct alert_state *moved[ALERTS_PLACES] = {};
	bool silent[ALERTS_PLACES];

	find_silent(a, silent);
	for (unsigned int i = 0; i < ALERTS_PLACES; i++) {
		struct alert_state *s = &a->state[i];
		int rule;

		if (!s->used)
			continue;
		rule = alerts_rule(to, a->slot[s->rule].rule.name);
		if (rule >= 0 && goes_on(&a->slot[s->rule].rule, &to->slot[rule].rule))
			moved[i] = move_state(to, i, s, (unsigned int)rule);
		else if (s->active)
			alert_finish(a, s,
				     rule >= 0 && to->slot[rule].rule.enabled
					     ? ALERT_END_RULE_CHANGED
					     : ALERT_END_RULE_REMOVED);
	}
	for (unsigned int i = 0; i < ALERTS_PLACES; i++)
		if (silent[i] && moved[i] && !alert_is_spoken_for(to, moved[i]))
			moved[i]->twin = false;
	for (unsigned int i = 0; i < to->rules; i++) {
		int old = alerts_rule(a, to->slot[i].rule.name);

		if (old >= 0)
			to->slot[i].alerts = a->slot[old].alerts;
	}
}

int alerts_set_rules(struct alerts *a, const struct alert_rule *rules, unsigned int n,
		     unsigned int per_minute, uint64_t now, char *error, size_t size)
{
	struct alerts *to = calloc(1, sizeof(*to));
	int r = -ENOMEM;

	if (to)
		r = make_slots(to, rules, n, error, size);
	else
		snprintf(error, size, "no memory");
	if (r) {
		if (to)
			free_filters(to);
		free(to);
		return r;
	}
	a->now = MAX(a->now, now);
	move_states(a, to);
	free_filters(a);

	memcpy(a->slot, to->slot, sizeof(a->slot));
	memcpy(a->state, to->state, sizeof(a->state));
	memcpy(a->index, to->index, sizeof(a->index));
	a->rules = to->rules;
	a->keys = to->keys;
	a->told = to->told;
	a->per_minute = per_minute;
	free(to);
	return 0;
}

/* ---- questions ---- */

static struct tally_row row_of(const struct finding *f)
{
	return (struct tally_row){
		.pid = f->owner.pid,
		.start = f->owner.start,
		.comm = f->owner.comm,
		.exe = f->owner.exe,
		.unit = f->owner.unit,
		.container = f->owner.container,
		.pod = f->owner.pod,
		.netns = f->reset.netns,
		.port = f->reset.port,
		.role = f->reset.role,
		.direction = f->reset.direction,
		.cause = f->verdict.cause,
		.owner_source = f->owner.source,
	};
}

/* Rows that hold several ports say so; of a single reset nobody knows whether it went there. */
static bool counts_for(const struct alert_slot *slot, const struct alert *alert,
		       const struct finding *f)
{
	struct tally_row row = row_of(f);
	struct alert_key key;

	if (alert->key.other_ports) {
		row.other_ports = true;
		row.port = 0;
	}
	if (!report_match_row(slot->filter, &row))
		return false;
	alert_key_of(&row, slot->rule.by, &key);
	return alert->key.rest || alert_key_equal(&key, &alert->key);
}

const struct finding *alerts_example(const struct alerts *a, const struct alert *alert,
				     const struct recent *recent)
{
	int rule = alerts_rule(a, alert->name);
	const struct finding *f;

	for (unsigned int i = 0; rule >= 0 && (f = recent_get(recent, i)); i++)
		if (counts_for(&a->slot[rule], alert, f))
			return f;
	return NULL;
}

bool alerts_get(const struct alerts *a, unsigned int i, struct alert *ret)
{
	if (i >= ALERTS_PLACES || !a->state[i].used || !a->state[i].active)
		return false;
	alert_fill(a, &a->state[i], ret);
	return true;
}

void alerts_stats(const struct alerts *a, struct alerts_stats *ret)
{
	*ret = (struct alerts_stats){
		.keys = a->keys,
		.told = a->told,
		.evicted = a->evicted,
		.untold = a->untold,
		.n_rules = a->rules,
	};
	for (unsigned int i = 0; i < a->rules; i++) {
		const struct alert_slot *slot = &a->slot[i];

		str_copy(ret->rule[i].name, sizeof(ret->rule[i].name), slot->rule.name);
		ret->rule[i].active = slot->active;
		ret->rule[i].alerts = slot->alerts;
		ret->rules += slot->rule.enabled;
		ret->active += slot->active;
	}
}
