/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stories, incidents and what only the kernel's counters show, as JSON. It must not judge: fact,
 * narrative and advice are advice_make()'s, what a cause means is common/causes.c's. Proved by
 * tests/unit/daemon/publish_why.c, which also holds io.rstmon.varlink against what is made here.
 */
#include "common/util.h"

#include "common/addr.h"
#include "common/causes.h"
#include "daemon/advice.h"
#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

/* Quantities of the kept resets; those that are not known are left out. */
static const struct {
	const char *name;
	size_t offset;
} spreads[] = {
#define SPREAD(field)                                                                              \
	{                                                                                          \
#field, offsetof(struct story, field)                                              \
	}
	SPREAD(idle_ms),	SPREAD(age_ms),	       SPREAD(send_idle_ms),
	SPREAD(unread_bytes),	SPREAD(unacked_bytes), SPREAD(bytes_sent),
	SPREAD(bytes_received), SPREAD(backlog),       SPREAD(closed_ms),
#undef SPREAD
};

static void put_spreads(struct object *o, const struct story *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(spreads); i++) {
		struct object value;
		struct spread spread;

		memcpy(&spread, (const char *)s + spreads[i].offset, sizeof(spread));
		if (spread.n == 0)
			continue;
		value = object_start();
		object_put_int(&value, "least", spread.least);
		object_put_int(&value, "median", spread.middle);
		object_put_int(&value, "most", spread.most);
		object_put_int(&value, "known", spread.n);
		object_put(o, spreads[i].name, object_finish(&value));
	}
}

static struct json_object *publish_party(const struct party *p)
{
	struct object o = object_start();

	object_put_int(&o, "pid", p->pid);
	object_put_text(&o, "comm", p->comm);
	object_put_text(&o, "unit", p->unit);
	object_put_text(&o, "role", role_name(p->role));
	object_put_text(&o, "direction", direction_name(p->direction));
	object_put_int(&o, "count", (int64_t)p->count);
	return object_finish(&o);
}

static void put_parties(struct object *o, const struct story *s)
{
	struct json_object *parties = json_object_new_array();

	for (unsigned int i = 0; i < s->n_parties; i++)
		object_append(o, parties, publish_party(&s->party[i]));
	object_put(o, "parties", parties);
	object_put_int(o, "more_parties", s->more_parties);
}

/* {"9": 3}: three were killed by signal 9; "0": ended by themselves. */
static void put_exits(struct object *o, const struct story *s)
{
	struct json_object *exits = NULL;
	char signal[12];

	for (unsigned int i = 0; i < ARRAY_SIZE(s->exit_signal); i++) {
		if (!s->exit_signal[i])
			continue;
		if (!exits)
			exits = json_object_new_object();
		snprintf(signal, sizeof(signal), "%u", i);
		if (!exits ||
		    json_object_object_add(exits, signal, json_object_new_int64(s->exit_signal[i])))
			o->failed = true;
	}
	if (exits)
		object_put(o, "exit_signals", exits);
	if (s->oom > 0)
		object_put_int(o, "oom", s->oom);
}

/* Who did what to whom, and what to do about it. */
static void put_advice(struct object *o, const struct story *s)
{
	struct json_object *what = json_object_new_array();
	struct advice *advice = calloc(1, sizeof(*advice));

	if (advice) {
		advice_make(s, advice);
		object_put_text(o, "fact", advice->fact);
		object_put_text(o, "narrative", advice->narrative);
		object_put_text(o, "retry", advice->retry);
	}
	for (unsigned int i = 0; advice && i < MIN(advice->n, (unsigned int)ADVICE_MAX); i++)
		object_append(o, what, json_object_new_string(advice->what[i]));
	object_put(o, "advice", what);
	o->failed |= !advice;
	free(advice);
}

static void put_counts(struct object *o, const uint64_t count[RST_DIRECTION_MAX])
{
	uint64_t sum = 0;

	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		sum += count[d];
	object_put_int(o, "count", (int64_t)sum);
	object_put_int(o, "sent", (int64_t)count[RST_SENT]);
	object_put_int(o, "received", (int64_t)count[RST_RECEIVED]);
	object_put_int(o, "timeouts", (int64_t)count[RST_TIMEOUT]);
}

static struct json_object *publish_story(const struct story *s)
{
	const struct cause_text *text = cause_text(s->cause);
	struct object o = object_start();

	object_put_text(&o, "cause", cause_name(s->cause));
	object_put_text(&o, "summary", cause_summary(s->cause));
	object_put_text(&o, "confidence", confidence_name(s->confidence));
	object_put_text(&o, "kind", text ? text->kind : "");
	object_put_text(&o, "severity", text ? text->severity : "");
	object_put_int(&o, "port", s->port);
	object_put_int(&o, "ports", s->ports);
	if (s->more_ports)
		object_put_bool(&o, "more_ports", true);
	put_counts(&o, s->count);
	publish_time(&o, "first", s->first);
	publish_time(&o, "last", s->last);
	put_advice(&o, s);
	put_parties(&o, s);
	object_put_int(&o, "samples", s->samples);
	object_put_int(&o, "pairs", s->pairs);
	if (s->echoes > 0)
		object_put_int(&o, "echoes", s->echoes);
	object_put_int(&o, "peers", s->peers);
	if (s->samples > 0) {
		publish_evidence(&o, &s->latest);
		object_put_text(&o, "errno", socket_errno_name(s->error));
		object_put_int(&o, "errno_pid", s->error_pid);
		object_put_text(&o, "errno_comm", s->error_comm);
		put_spreads(&o, s);
		put_exits(&o, s);
		object_put(&o, "example", publish_reset(&s->latest));
	}
	return object_finish(&o);
}

struct json_object *publish_incident(const struct incident *i)
{
	struct object o = object_start();
	char peer[ENDPOINT_TEXT_MAX] = "";

	if (i->by_peer)
		addr_format(peer, sizeof(peer), i->peer.address, i->peer.ipv6);
	object_put_int(&o, "id", (int64_t)i->id);
	publish_time(&o, "start", i->start);
	publish_time(&o, "last", i->last);
	object_put_bool(&o, "open", i->open);
	object_put_int(&o, "pid", i->pid);
	object_put_text(&o, "comm", i->comm);
	object_put_text(&o, "unit", i->unit);
	object_put_text(&o, "peer", peer);
	object_put_int(&o, "port", i->port);
	put_counts(&o, i->count);
	object_put_int(&o, "peers", i->peers);
	object_put_int(&o, "ports", i->ports);
	object_put_text(&o, "cause", cause_name(i->cause));
	object_put_text(&o, "confidence", confidence_name(i->confidence));
	object_put_int(&o, "cause_count", (int64_t)i->cause_count);
	return object_finish(&o);
}

static void put_incidents(struct object *o, const struct publish_why *w)
{
	struct json_object *incidents = json_object_new_array();
	const struct incident *incident;
	unsigned int n = 0;

	for (unsigned int i = 0; w->history && n < PUBLISH_INCIDENTS_MAX; i++) {
		incident = history_incident(w->history, i);
		if (!incident)
			break;
		if (incident->last < w->since)
			continue;
		object_append(o, incidents, publish_incident(incident));
		n++;
	}
	object_put(o, "incidents", incidents);
}

static void append_counter(struct object *o, struct json_object *counters, enum rst_cause cause,
			   uint64_t count)
{
	struct object counter;

	if (count == 0)
		return;
	counter = object_start();
	object_put_text(&counter, "cause", cause_name(cause));
	object_put_text(&counter, "summary", cause_summary(cause));
	object_put_int(&counter, "count", (int64_t)count);
	object_append(o, counters, object_finish(&counter));
}

static struct json_object *publish_totals(const struct tally_stats *t)
{
	struct object o = object_start();

	object_put_int(&o, "sent", (int64_t)t->total[RST_SENT]);
	object_put_int(&o, "received", (int64_t)t->total[RST_RECEIVED]);
	object_put_int(&o, "timeouts", (int64_t)t->total[RST_TIMEOUT]);
	return object_finish(&o);
}

struct json_object *publish_why(const struct stories *s, const struct publish_why *w)
{
	struct json_object *stories = json_object_new_array(), *counters = json_object_new_array();
	struct object o = object_start();

	for (size_t i = 0; i < s->n; i++)
		object_append(&o, stories, publish_story(&s->story[i]));
	object_put(&o, "stories", stories);
	put_incidents(&o, w);
	append_counter(&o, counters, RST_CAUSE_HANDSHAKE_RST_EMBRYONIC, w->handshake_rst_embryonic);
	append_counter(&o, counters, RST_CAUSE_RST_IGNORED, w->rst_ignored);
	object_put(&o, "counters", counters);
	object_put_int(&o, "rest", (int64_t)s->rest);
	object_put_int(&o, "more", (int64_t)s->more);
	object_put(&o, "totals", publish_totals(&s->totals));
	if (w->from > 0)
		publish_time(&o, "from", w->from);
	if (s->partial)
		object_put_bool(&o, "partial", true);
	return object_finish(&o);
}
