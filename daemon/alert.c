/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What becomes of a key: quiet, active, over. Must not tell anything twice, nor the end of what was
 * not told; has no clock and makes no line. Proved by tests/unit/daemon/alert.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/alert_internal.h"

int alerts_new(struct alerts **ret)
{
	struct alerts *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*ret = a;
	return 0;
}

void alerts_free(struct alerts *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < a->rules; i++)
		filter_free(a->slot[i].filter);
	free(a);
}

double alert_rate(uint64_t count, uint64_t window_ns)
{
	return window_ns ? (double)count * (double)NSEC_PER_SEC / (double)window_ns : 0;
}

const char *alert_end_name(unsigned int end)
{
	static const char *const names[ALERT_END_MAX] = {
		[ALERT_END_RATE] = "",
		[ALERT_END_RULE_REMOVED] = "rule_removed",
		[ALERT_END_RULE_CHANGED] = "rule_changed",
	};

	return end < ALERT_END_MAX ? names[end] : "invalid";
}

void alerts_count(struct alerts *a, const struct tally_row *row, int64_t growth, uint64_t now)
{
	struct alert_state *s;
	struct alert_key key;

	a->now = MAX(a->now, now);
	for (unsigned int i = 0; growth && i < a->rules; i++) {
		const struct alert_slot *slot = &a->slot[i];

		if (!slot->rule.enabled || !report_match_row(slot->filter, row))
			continue;
		alert_key_of(row, slot->rule.by, &key);
		s = growth > 0 ? alerts_place(a, i, &key) : alerts_find(a, i, &key);
		if (!s)
			continue;
		alert_advance(a, s);
		if (growth > 0)
			alert_key_join(s, row, (uint64_t)growth);
		alert_add(a, s, growth);
	}
}

/* ---- beginning and end ---- */

void alert_fill(const struct alerts *a, const struct alert_state *s, struct alert *ret)
{
	const struct alert_rule *rule = &a->slot[s->rule].rule;

	*ret = (struct alert){
		.by = rule->by,
		.severity = rule->severity,
		.window_ns = rule->window_ns,
		.key = s->key,
		.shown = s->shown,
		.id = s->id,
		.since = s->since,
		.duration = s->before + (a->now - s->began),
		.count = s->count,
		.in_window = s->sum,
		.peak = s->peak,
		.told = s->told,
	};
	memcpy(ret->name, rule->name, sizeof(ret->name));
}

static struct alert_event *push(struct alerts *a)
{
	return a->events < ALERT_EVENTS_MAX ? &a->event[a->events++] : NULL;
}

void alert_push_end(struct alerts *a, const struct alert *alert, enum alert_end end)
{
	struct alert_event *e = push(a);

	if (e)
		*e = (struct alert_event){.end = end, .alert = *alert};
}

static void begin(struct alerts *a, struct alert_state *s, uint64_t realtime)
{
	a->last_id = MAX(a->last_id + 1, realtime / NSEC_PER_USEC);
	s->active = true;
	s->told = s->twin = s->noticed = false;
	s->id = a->last_id;
	s->since = realtime;
	s->began = a->now;
	s->before = 0;
	s->count = s->peak = s->sum;
	s->hold_until = 0;
	a->slot[s->rule].active++;
	a->slot[s->rule].alerts++;
}

void alert_finish(struct alerts *a, struct alert_state *s, enum alert_end end)
{
	struct alert alert;

	if (s->told) {
		alert_fill(a, s, &alert);
		alert_push_end(a, &alert, end);
		a->told--;
	} else if (!s->twin) {
		a->untold++;
		a->minute_more += !s->noticed;
	}
	s->active = s->told = false;
	s->cooldown_until = a->now + a->slot[s->rule].rule.cooldown_ns;
	a->slot[s->rule].active--;
}

static void look(struct alerts *a, struct alert_state *s, uint64_t realtime)
{
	const struct alert_rule *rule = &a->slot[s->rule].rule;

	alert_advance(a, s);
	if (s->active) {
		s->peak = MAX(s->peak, s->sum);
		/* an end that finds no room among the events waits for the next look */
		if (a->now >= s->hold_until && alert_is_over(rule, s->sum) &&
		    (!s->told || a->events < ALERT_EVENTS_MAX))
			alert_finish(a, s, ALERT_END_RATE);
	} else if (a->now >= s->cooldown_until && alert_reaches(rule, s->sum, rule->rate)) {
		begin(a, s, realtime);
	}
	if (!s->active && !s->sum && a->now >= s->cooldown_until)
		alerts_drop(a, s);
}

/* ---- telling ---- */

/* Most severe first, then in the order in which they began. */
static int compare_untold(const void *x, const void *y, void *userdata)
{
	const struct alert_state *p = *(struct alert_state *const *)x;
	const struct alert_state *q = *(struct alert_state *const *)y;
	const struct alerts *a = userdata;
	int m = a->slot[p->rule].rule.severity, n = a->slot[q->rule].rule.severity;

	return m != n ? m - n : p->id < q->id ? -1 : p->id > q->id;
}

static bool is_untold(const struct alert_state *s)
{
	return s->used && s->active && !s->told && !s->twin;
}

static size_t untold(struct alerts *a, struct alert_state *ret[ALERTS_PLACES])
{
	size_t n = 0;

	for (unsigned int i = 0; i < ALERTS_PLACES; i++)
		if (is_untold(&a->state[i]))
			ret[n++] = &a->state[i];
	if (n)
		qsort_r(ret, n, sizeof(*ret), compare_untold, a);
	return n;
}

static void tell(struct alerts *a, const struct recent *recent)
{
	struct alert_state *waiting[ALERTS_PLACES];
	size_t n = untold(a, waiting);

	if (n && !a->minute)
		a->minute = a->now + 1; /* 0 is none */
	for (size_t i = 0; i < n; i++) {
		struct alert_event *e;

		if (a->minute_told >= a->per_minute || a->told >= RSTMON_ALERTS_TOLD_MAX)
			return;
		waiting[i]->twin = alert_is_twin(a, waiting[i], recent);
		if (waiting[i]->twin)
			continue;
		e = push(a);
		if (!e)
			return;
		waiting[i]->told = true;
		a->told++;
		a->minute_told++;
		e->begins = true;
		e->end = ALERT_END_RATE;
		alert_fill(a, waiting[i], &e->alert);
	}
}

/* Each alert is once among those that had no room, however long it waits. */
static void end_minute(struct alerts *a)
{
	if (!a->minute || a->now + 1 - a->minute < ALERT_MINUTE_NS)
		return;
	for (unsigned int i = 0; i < ALERTS_PLACES; i++) {
		struct alert_state *s = &a->state[i];

		if (!is_untold(s) || s->noticed)
			continue;
		s->noticed = true;
		a->minute_more++;
	}
	a->more += a->minute_more;
	a->minute = a->minute_told = a->minute_more = 0;
}

void alerts_tick(struct alerts *a, uint64_t now, uint64_t realtime, const struct recent *recent)
{
	a->now = MAX(a->now, now);
	for (unsigned int i = 0; i < ALERTS_PLACES; i++)
		if (a->state[i].used)
			look(a, &a->state[i], realtime);
	end_minute(a);
	tell(a, recent);
}

uint64_t alerts_due(const struct alerts *a, uint64_t now)
{
	bool room = a->told < RSTMON_ALERTS_TOLD_MAX && a->minute_told < a->per_minute;
	uint64_t at = UINT64_MAX;

	now = MAX(a->now, now);
	for (unsigned int i = 0; i < ALERTS_PLACES; i++) {
		const struct alert_state *s = &a->state[i];

		if (s->used && s->active)
			at = MIN(at, alert_over_at(a, s));
		else if (s->used &&
			 alert_reaches(&a->slot[s->rule].rule, s->sum, a->slot[s->rule].rule.rate))
			at = MIN(at, s->cooldown_until);
		/* with room a look tells it: other rules may be why none has been */
		if (is_untold(s) && (room || a->minute))
			at = MIN(at, room ? now : a->minute + ALERT_MINUTE_NS);
	}
	if (a->minute_more)
		at = MIN(at, a->minute + ALERT_MINUTE_NS);
	return at == UINT64_MAX ? at : at > now ? at - now : 0;
}

const struct alert_event *alerts_events(const struct alerts *a, size_t *ret_n)
{
	*ret_n = a->events;
	return a->event;
}

void alerts_handled(struct alerts *a)
{
	a->events = 0;
}

uint64_t alerts_more(struct alerts *a)
{
	uint64_t more = a->more;

	a->more = 0;
	return more;
}
