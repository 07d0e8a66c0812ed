/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes evidence: "key=value", numbers and identifiers only. Without printf, whose cost would be
 * most of what a reset costs. Must not decide anything. Proved by tests/unit/daemon/diagnose.c.
 */
#include "common/util.h"

#include "daemon/diagnose_internal.h"

/* One string under way; what does not fit is cut. */
struct text {
	char *at; /* NULL: there was no room for one more */
	size_t left;
};

/* Most strings are a few bytes long: a call of memcpy() costs more than the loop. */
static void put(struct text *t, const char *s)
{
	char *at = t->at, *end; /* copies: a char may alias what 't' points to */

	if (!at)
		return;
	end = at + t->left;
	while (at < end && *s)
		*at++ = *s++;
	*at = '\0';
	t->left = (size_t)(end - at);
	t->at = at;
}

static void put_number(struct text *t, int64_t value)
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24], *p = digits + sizeof(digits);

	*--p = '\0';
	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		*--p = '-';
	put(t, p);
}

/* Begins the next string; without room for one more it is written to nowhere. */
static struct text begin(struct verdict *v, const char *key)
{
	struct text t = {NULL, 0};

	if (v->n_evidence == RSTMON_EVIDENCE_MAX)
		return t;
	t.at = v->evidence[v->n_evidence++];
	t.left = RSTMON_EVIDENCE_LEN - 1;
	put(&t, key);
	put(&t, "=");
	return t;
}

static void add_number(struct verdict *v, const char *key, int64_t value)
{
	struct text t = begin(v, key);

	put_number(&t, value);
}

static void add_text(struct verdict *v, const char *key, const char *value)
{
	struct text t = begin(v, key);

	put(&t, value);
}

static void add_process(struct verdict *v, const char *key, const char *comm, uint32_t pid)
{
	struct text t = begin(v, key);

	put(&t, comm);
	put(&t, "[");
	put_number(&t, pid);
	put(&t, "]");
}

static void add_flags(struct text *t, uint8_t flags)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {{2, "SYN"}, {4, "RST"}, {1, "FIN"}, {8, "PSH"}, {16, "ACK"}};
	bool first = true;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].bit))
			continue;
		if (!first)
			put(t, "|");
		put(t, names[i].name);
		first = false;
	}
}

static void add_death(struct verdict *v, const char *prefix_signal, const char *prefix_status,
		      int number, int status)
{
	if (number)
		add_number(v, prefix_signal, number);
	else if (status >= 0)
		add_number(v, prefix_status, status);
}

static void make_EXIT(const struct view *w, struct verdict *v)
{
	if (!w->r->has_exit)
		return;
	add_death(v, "exit_signal", "exit_status", w->r->exit_signal, w->r->exit_status);
	if (w->r->flags & RST_EVENT_OOM)
		add_number(v, "oom", 1);
}

static void make_LINGER(const struct view *w, struct verdict *v)
{
	if (w->r->flags & RST_EVENT_LINGER)
		add_number(v, "linger", w->r->linger_time_s);
}

static void make_BACKLOG(const struct view *w, struct verdict *v)
{
	struct text t;

	if (w->r->backlog < 0)
		return;
	t = begin(v, "backlog");
	put_number(&t, w->r->backlog);
	put(&t, "/");
	put_number(&t, w->r->backlog_max);
}

static void make_SEGMENT(const struct view *w, struct verdict *v)
{
	struct text t;

	if (w->r->flags & RST_EVENT_SEGMENT) {
		t = begin(v, "segment");
		add_flags(&t, w->r->tcp_flags);
		if (w->r->payload) {
			put(&t, "+");
			put_number(&t, w->r->payload);
		}
	} else if (w->r->syn) {
		add_text(v, "segment", "SYN");
	}
}

static void make_ACTOR(const struct view *w, struct verdict *v)
{
	if (w->r->actor_tgid)
		add_process(v, "actor", w->r->actor_comm, w->r->actor_tgid);
	if (w->r->actor_parent_tgid)
		add_process(v, "actor_parent", w->r->actor_parent_comm, w->r->actor_parent_tgid);
}

static void make_FORMER(const struct view *w, struct verdict *v)
{
	if (w->r->former_tgid)
		add_process(v,
			    w->r->flags & RST_EVENT_FORMER_LISTENER ? "former_listener" : "former",
			    w->r->former_comm, w->r->former_tgid);
}

static void make_FORMER_EXIT(const struct view *w, struct verdict *v)
{
	if (!w->r->has_former || !(w->r->former_flags & RST_FORMER_EXITING))
		return;
	add_death(v, "former_exit_signal", "former_exit_status", w->r->former_exit_signal,
		  w->r->former_exit_status);
	if (w->r->former_flags & RST_FORMER_OOM)
		add_number(v, "former_oom", 1);
}

static void make_FORMER_RESET(const struct view *w, struct verdict *v)
{
	if (fact_former_connection(w->r) && w->r->former_reset)
		add_text(v, "former_reset", w->r->former_reset == 1 ? "sent" : "received");
}

static void make_PORTS_ASKED(const struct view *w, struct verdict *v)
{
	if (w->past->ports_asked > 1)
		add_number(v, "ports_asked", w->past->ports_asked);
}

static void make_REPEATS(const struct view *w, struct verdict *v)
{
	if (w->past->repeats < 2)
		return;
	add_number(v, "repeats", w->past->repeats);
	add_number(v, "repeat_ms", w->past->repeat_ms);
}

static void make_PACKET(const struct view *w, struct verdict *v)
{
	struct text t;

	if (!(w->r->flags & RST_EVENT_PACKET))
		return;
	t = begin(v, "packet");
	add_flags(&t, w->r->packet_flags);
	put(&t, ",window=");
	put_number(&t, w->r->packet_window);
	put(&t, ",header=");
	put_number(&t, w->r->packet_header);
}

static void make_TTL(const struct view *w, struct verdict *v)
{
	struct text t;

	if (fact_ttl(w) == TTL_UNKNOWN)
		return;
	t = begin(v, "ttl");
	put_number(&t, w->r->packet_ttl);
	put(&t, "/");
	put_number(&t, w->r->ttl_base);
}

static void make_HOST(const struct view *w, struct verdict *v)
{
	if (w->host->overflowed == 1)
		add_number(v, "overflowed", 1);
	if (w->host->cookies_failed == 1)
		add_number(v, "cookies_failed", 1);
	if (w->host->sibling == 1)
		add_number(v, "sibling", 1);
}

static void make_IDLE_ALIKE(const struct view *w, struct verdict *v)
{
	if (w->past->idle_alike < 2)
		return;
	add_number(v, "idle_alike", w->past->idle_alike);
	add_number(v, "idle_alike_ms", w->past->idle_alike_ms);
}

static void make_ERROR(const struct view *w, struct verdict *v)
{
	const char *name = socket_errno_name(w->r->error);

	if (name[0])
		add_text(v, "error", name);
}

static const struct {
	const char *name;
	size_t offset;
} numbers[CLUE_MAX] = {
#define X(id, member) [CLUE_##id] = {#member, offsetof(struct reset, member)},
	NUMBER_CLUES(X)
#undef X
};

static void (*const makers[CLUE_MAX])(const struct view *, struct verdict *) = {
#define X(id) [CLUE_##id] = make_##id,
	MADE_CLUES(X)
#undef X
};

static void add_clue(const struct view *w, enum clue clue, struct verdict *v)
{
	int64_t value;

	if (makers[clue]) {
		makers[clue](w, v);
	} else if (numbers[clue].name) {
		memcpy(&value, (const char *)w->r + numbers[clue].offset, sizeof(value));
		if (value >= 0 || clue == CLUE_LINGER2)
			add_number(v, numbers[clue].name, value);
	}
}

/* That another reset belongs to the same story weighs more than any number of this one. */
static void add_story(const struct view *w, struct verdict *v)
{
	if (w->past->second && w->r->direction != RST_RECEIVED)
		add_number(v, "second_reset_ms", w->past->second_ms);
	if (v->cause == RST_CAUSE_RST_INJECTED && fact_aftermath(w))
		add_number(v, "aftermath", 1);
	if (w->past->other.known && w->past->other.pid)
		add_process(v, "other_end", w->past->other.comm, w->past->other.pid);
}

void diagnose_evidence(const struct view *w, const struct rule *rule, struct verdict *v)
{
	/* half a kilobyte need not be cleared for two short strings */
	v->n_evidence = 0;
	for (size_t i = 0; i < RSTMON_EVIDENCE_MAX; i++)
		v->evidence[i][0] = '\0';
	add_story(w, v);
	for (size_t i = 0; rule && i < RULE_CLUES_MAX && rule->clues[i] != CLUE_END; i++)
		add_clue(w, rule->clues[i], v);
	if (w->r->reason_name && w->r->reason_name[0])
		add_text(v, "reason", w->r->reason_name);
	if (w->r->state)
		add_text(v, "state", tcp_state_name(w->r->state));
	if (w->past->burst >= RSTMON_INCIDENT_BURST)
		add_number(v, "burst", w->past->burst);
}
