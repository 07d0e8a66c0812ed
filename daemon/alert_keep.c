/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alerts that outlive the daemon. Must not let one that was told end without a word, nor be told
 * again: what its window had is gone, so it is held for one window. Proved by
 * tests/unit/daemon/alert_keep.c.
 */
#include "common/util.h"

#include "daemon/alert_internal.h"

/* What the rows of each alert that was told have now. The rest of a rule has no rows of its own. */
static void sum_rows(struct alerts *a, const struct tally *t)
{
	struct tally_row row;
	struct alert_key key;

	for (unsigned int i = 0; i < ALERTS_PLACES; i++)
		a->state[i].rows = 0;
	for (unsigned int i = 0; a->told && i < TALLY_PLACES; i++) {
		if (!tally_row(t, i, &row))
			continue;
		for (unsigned int rule = 0; rule < a->rules; rule++) {
			const struct alert_slot *slot = &a->slot[rule];
			struct alert_state *s;

			if (!slot->active || !report_match_row(slot->filter, &row))
				continue;
			alert_key_of(&row, slot->rule.by, &key);
			s = alerts_find(a, rule, &key);
			if (s && s->told)
				s->rows += row.count;
		}
	}
}

size_t alerts_keep(struct alerts *a, const struct tally *t, struct alert_kept *ret, size_t max)
{
	size_t n = 0;

	sum_rows(a, t);
	for (unsigned int i = 0; i < ALERTS_PLACES && n < max; i++) {
		const struct alert_state *s = &a->state[i];

		if (!s->used || !s->told)
			continue;
		alert_fill(a, s, &ret[n].alert);
		ret[n++].rows = s->rows;
	}
	return n;
}

static void end_it(struct alerts *a, const struct alert *kept, uint64_t realtime,
		   enum alert_end end)
{
	struct alert alert = *kept;

	alert.duration = realtime - MIN(realtime, kept->since);
	alert.in_window = 0;
	alert_push_end(a, &alert, end);
}

/* NULL: it goes on with another one, or not at all. */
static struct alert_state *go_on(struct alerts *a, unsigned int rule, const struct alert *kept,
				 uint64_t realtime)
{
	struct alert_state *s = alerts_place(a, rule, &kept->key);

	if (s->active)
		return NULL;
	s->active = s->told = true;
	s->shown = kept->shown;
	s->id = kept->id;
	s->since = kept->since;
	s->began = a->now;
	s->before = realtime - MIN(realtime, kept->since);
	s->count = kept->count;
	s->peak = kept->peak;
	s->hold_until = a->now + a->slot[rule].rule.window_ns;
	a->slot[rule].active++;
	a->told++;
	return s;
}

static void restore(struct alerts *a, const struct alert *kept, uint64_t realtime)
{
	int rule = alerts_rule(a, kept->name);

	a->last_id = MAX(a->last_id, kept->id);
	if (rule < 0 || !a->slot[rule].rule.enabled)
		end_it(a, kept, realtime, ALERT_END_RULE_REMOVED);
	else if (a->slot[rule].rule.by != kept->by)
		end_it(a, kept, realtime, ALERT_END_RULE_CHANGED);
	else if (!go_on(a, (unsigned int)rule, kept, realtime))
		end_it(a, kept, realtime, ALERT_END_RULE_CHANGED);
}

/* Counted between the last look of the daemon before and its end. */
static void add_missed(struct alerts *a, const struct alert_kept *kept)
{
	int rule = alerts_rule(a, kept->alert.name);
	struct alert_state *s;

	if (rule < 0 || kept->alert.key.rest)
		return;
	s = alerts_find(a, (unsigned int)rule, &kept->alert.key);
	if (s && s->told && s->id == kept->alert.id)
		s->count += s->rows - MIN(s->rows, kept->rows);
}

void alerts_restore(struct alerts *a, const struct alert_kept *kept, size_t n,
		    const struct tally *t, uint64_t now, uint64_t realtime)
{
	a->now = MAX(a->now, now);
	n = MIN(n, (size_t)RSTMON_ALERTS_TOLD_MAX);
	for (size_t i = 0; i < n; i++)
		restore(a, &kept[i].alert, realtime);
	sum_rows(a, t);
	for (size_t i = 0; i < n; i++)
		add_missed(a, &kept[i]);
}
