/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes evidence: "key=value", numbers and identifiers only, out of a finding that may be kept
 * since another daemon made it. Must not decide anything. Proved by
 * tests/unit/daemon/diagnose_story.c.
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
static struct text begin(struct evidence *e, const char *key)
{
	struct text t = {NULL, 0};

	if (e->n == RSTMON_EVIDENCE_MAX)
		return t;
	t.at = e->text[e->n++];
	t.left = RSTMON_EVIDENCE_LEN - 1;
	put(&t, key);
	put(&t, "=");
	return t;
}

static void add_number(struct evidence *e, const char *key, int64_t value)
{
	struct text t = begin(e, key);

	put_number(&t, value);
}

static void add_text(struct evidence *e, const char *key, const char *value)
{
	struct text t = begin(e, key);

	put(&t, value);
}

static void add_process(struct evidence *e, const char *key, const char *comm, uint32_t pid)
{
	struct text t = begin(e, key);

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

static void add_death(struct evidence *e, const char *prefix_signal, const char *prefix_status,
		      int number, int status)
{
	if (number)
		add_number(e, prefix_signal, number);
	else if (status >= 0)
		add_number(e, prefix_status, status);
}

static void make_EXIT(const struct finding *f, struct evidence *e)
{
	if (!f->reset.has_exit)
		return;
	add_death(e, "exit_signal", "exit_status", f->reset.exit_signal, f->reset.exit_status);
	if (f->reset.flags & RST_EVENT_OOM)
		add_number(e, "oom", 1);
}

static void make_LINGER(const struct finding *f, struct evidence *e)
{
	if (f->reset.flags & RST_EVENT_LINGER)
		add_number(e, "linger", f->reset.linger_time_s);
}

static void make_BACKLOG(const struct finding *f, struct evidence *e)
{
	struct text t;

	if (f->reset.backlog < 0)
		return;
	t = begin(e, "backlog");
	put_number(&t, f->reset.backlog);
	put(&t, "/");
	put_number(&t, f->reset.backlog_max);
}

static void make_SEGMENT(const struct finding *f, struct evidence *e)
{
	struct text t;

	if (f->reset.flags & RST_EVENT_SEGMENT) {
		t = begin(e, "segment");
		add_flags(&t, f->reset.tcp_flags);
		if (f->reset.payload) {
			put(&t, "+");
			put_number(&t, f->reset.payload);
		}
	} else if (f->reset.syn) {
		add_text(e, "segment", "SYN");
	}
}

static void make_ACTOR(const struct finding *f, struct evidence *e)
{
	if (f->reset.actor_tgid)
		add_process(e, "actor", f->reset.actor_comm, f->reset.actor_tgid);
	if (f->reset.actor_parent_tgid)
		add_process(e, "actor_parent", f->reset.actor_parent_comm,
			    f->reset.actor_parent_tgid);
}

static void make_FORMER(const struct finding *f, struct evidence *e)
{
	if (f->reset.former_tgid)
		add_process(e,
			    f->reset.flags & RST_EVENT_FORMER_LISTENER ? "former_listener"
								       : "former",
			    f->reset.former_comm, f->reset.former_tgid);
}

static void make_FORMER_EXIT(const struct finding *f, struct evidence *e)
{
	if (!f->reset.has_former || !(f->reset.former_flags & RST_FORMER_EXITING))
		return;
	add_death(e, "former_exit_signal", "former_exit_status", f->reset.former_exit_signal,
		  f->reset.former_exit_status);
	if (f->reset.former_flags & RST_FORMER_OOM)
		add_number(e, "former_oom", 1);
}

static void make_FORMER_RESET(const struct finding *f, struct evidence *e)
{
	if (fact_former_connection(&f->reset) && f->reset.former_reset)
		add_text(e, "former_reset", f->reset.former_reset == 1 ? "sent" : "received");
}

static void make_PORTS_ASKED(const struct finding *f, struct evidence *e)
{
	if (f->verdict.basis.ports_asked > 1)
		add_number(e, "ports_asked", f->verdict.basis.ports_asked);
}

static void make_REPEATS(const struct finding *f, struct evidence *e)
{
	if (f->verdict.basis.repeats < 2)
		return;
	add_number(e, "repeats", f->verdict.basis.repeats);
	add_number(e, "repeat_ms", f->verdict.basis.repeat_ms);
}

static void make_PACKET(const struct finding *f, struct evidence *e)
{
	struct text t;

	if (!(f->reset.flags & RST_EVENT_PACKET))
		return;
	t = begin(e, "packet");
	add_flags(&t, f->reset.packet_flags);
	put(&t, ",window=");
	put_number(&t, f->reset.packet_window);
	put(&t, ",header=");
	put_number(&t, f->reset.packet_header);
}

static void make_TTL(const struct finding *f, struct evidence *e)
{
	struct text t;

	if (fact_ttl(&f->reset) == TTL_UNKNOWN)
		return;
	t = begin(e, "ttl");
	put_number(&t, f->reset.packet_ttl);
	put(&t, "/");
	put_number(&t, f->reset.ttl_base);
}

static void make_HOST(const struct finding *f, struct evidence *e)
{
	if (f->verdict.basis.facts & BASIS_OVERFLOWED)
		add_number(e, "overflowed", 1);
	if (f->verdict.basis.facts & BASIS_COOKIES_FAILED)
		add_number(e, "cookies_failed", 1);
	if (f->verdict.basis.facts & BASIS_SIBLING)
		add_number(e, "sibling", 1);
}

static void make_IDLE_ALIKE(const struct finding *f, struct evidence *e)
{
	if (f->verdict.basis.idle_alike < 2)
		return;
	add_number(e, "idle_alike", f->verdict.basis.idle_alike);
	add_number(e, "idle_alike_ms", f->verdict.basis.idle_alike_ms);
}

static void make_ERROR(const struct finding *f, struct evidence *e)
{
	const char *name = socket_errno_name(f->reset.error);

	if (name[0])
		add_text(e, "error", name);
}

static const struct {
	const char *name;
	struct quantity quantity;
} numbers[CLUE_MAX] = {
#define X(id, member) [CLUE_##id] = {#member, RESET_QUANTITY(member)},
	NUMBER_CLUES(X)
#undef X
};

static void (*const makers[CLUE_MAX])(const struct finding *, struct evidence *) = {
#define X(id) [CLUE_##id] = make_##id,
	MADE_CLUES(X)
#undef X
};

static void add_clue(const struct finding *f, unsigned int clue, struct evidence *e)
{
	int64_t value;

	if (makers[clue]) {
		makers[clue](f, e);
	} else if (numbers[clue].name) {
		value = reset_quantity(&f->reset, numbers[clue].quantity);
		if (value >= 0 || clue == CLUE_LINGER2)
			add_number(e, numbers[clue].name, value);
	}
}

/* That another reset belongs to the same story weighs more than any number of this one. */
static void add_story(const struct finding *f, struct evidence *e)
{
	const struct basis *basis = &f->verdict.basis;

	if (basis->facts & BASIS_SECOND)
		add_number(e, "second_reset_ms", basis->second_ms);
	if (basis->facts & BASIS_AFTERMATH)
		add_number(e, "aftermath", 1);
	if (basis->facts & BASIS_OTHER_END)
		add_process(e, "other_end", f->other.comm, f->other.pid);
}

void evidence_format(const struct finding *f, struct evidence *ret)
{
	const struct basis *basis = &f->verdict.basis;
	const struct reset *r = &f->reset;

	*ret = (struct evidence){};
	add_story(f, ret);
	for (size_t i = 0; i < RST_CLUES_MAX; i++)
		if (basis->clues[i] < CLUE_MAX)
			add_clue(f, basis->clues[i], ret);
	if (r->reason_name && r->reason_name[0])
		add_text(ret, "reason", r->reason_name);
	if (r->state)
		add_text(ret, "state", tcp_state_name(r->state));
	if (basis->burst >= RSTMON_INCIDENT_BURST)
		add_number(ret, "burst", basis->burst);
}
