/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names a cause where the kernel's own facts decide one: the reason, the state and the segment that
 * provoked the reset. Everything that needs history or judgement stays 'unknown' here.
 * Must not read a clock or keep state. Proved by tests/unit/daemon/diagnose.c.
 */
#include "common/util.h"

#include <errno.h>
#include <stdarg.h>

#include "daemon/diagnose.h"

#define STATE(name) (1u << STATE_##name)
#define ANY_STATE   (~0u)

/* First match wins. A rule without a reason (REASON_NONE) holds for every reason. */
static const struct rule {
	enum rst_cause cause;
	enum confidence confidence;
	uint8_t direction;
	enum reason reason;
	unsigned int states;
	enum { SYN_ANY, SYN_YES, SYN_NO } syn;
} rules[] = {
	{RST_CAUSE_MPTCP_SUBFLOW_RESET, CONFIDENCE_CERTAIN, RST_SENT, REASON_MPTCP, ANY_STATE,
	 SYN_ANY},
	{RST_CAUSE_CLOSED_PORT, CONFIDENCE_CERTAIN, RST_SENT, REASON_NO_SOCKET, ANY_STATE, SYN_YES},
	{RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, CONFIDENCE_CERTAIN, RST_SENT,
	 REASON_TCP_KEEPALIVE_TIMEOUT, ANY_STATE, SYN_ANY},
	{RST_CAUSE_ORPHAN_MEMORY, CONFIDENCE_CERTAIN, RST_SENT, REASON_TCP_ABORT_ON_MEMORY,
	 ANY_STATE, SYN_ANY},
	{RST_CAUSE_LINGER2_ABORT, CONFIDENCE_CERTAIN, RST_SENT, REASON_TCP_ABORT_ON_LINGER,
	 ANY_STATE, SYN_ANY},
	/* tcp_abort() alone leaves the state as it was; FIN_WAIT2 is also the orphan timer's */
	{RST_CAUSE_ADMIN_ABORT, CONFIDENCE_CERTAIN, RST_SENT, REASON_TCP_STATE,
	 STATE(ESTABLISHED) | STATE(SYN_RECV) | STATE(CLOSE_WAIT), SYN_ANY},
	{RST_CAUSE_ACCEPT_OVERFLOW_ABORT, CONFIDENCE_CERTAIN, RST_SENT, REASON_INVALID_SYN,
	 STATE(LISTEN), SYN_NO},
	{RST_CAUSE_BAD_SYN, CONFIDENCE_HIGH, RST_SENT, REASON_INVALID_SYN, STATE(LISTEN), SYN_YES},
	{RST_CAUSE_BAD_SYN, CONFIDENCE_HIGH, RST_SENT, REASON_TCP_TIMEWAIT_SOCKET, ANY_STATE,
	 SYN_YES},
	{RST_CAUSE_STALE_PEER_CONNECTION, CONFIDENCE_HIGH, RST_SENT,
	 REASON_TCP_INVALID_ACK_SEQUENCE, STATE(SYN_SENT), SYN_ANY},
	{RST_CAUSE_STALE_PEER_CONNECTION, CONFIDENCE_HIGH, RST_SENT, REASON_TCP_RFC7323_PAWS,
	 STATE(SYN_SENT), SYN_ANY},
	{RST_CAUSE_REFUSED_SYN, CONFIDENCE_CERTAIN, RST_RECEIVED, REASON_NONE, STATE(SYN_SENT),
	 SYN_ANY},
	{RST_CAUSE_LATE_RST_AFTER_CLOSE, CONFIDENCE_CERTAIN, RST_RECEIVED, REASON_NONE,
	 STATE(FIN_WAIT1) | STATE(FIN_WAIT2) | STATE(CLOSING) | STATE(LAST_ACK), SYN_ANY},
};

static bool rule_matches(const struct rule *rule, const struct reset *r)
{
	if (rule->direction != r->direction)
		return false;
	if (rule->reason != REASON_NONE && rule->reason != r->reason)
		return false;
	if (rule->states != ANY_STATE && !(rule->states & 1u << r->state))
		return false;
	return rule->syn == SYN_ANY || (rule->syn == SYN_YES) == r->syn;
}

static void add_evidence(struct verdict *v, const char *format, ...) _printf_(2, 3);

static void add_evidence(struct verdict *v, const char *format, ...)
{
	va_list args;

	if (v->n_evidence == RSTMON_EVIDENCE_MAX)
		return;
	va_start(args, format);
	vsnprintf(v->evidence[v->n_evidence++], RSTMON_EVIDENCE_LEN, format, args);
	va_end(args);
}

static void evidence(const struct reset *r, struct verdict *v)
{
	if (r->reason_name && r->reason_name[0])
		add_evidence(v, "reason=%s", r->reason_name);
	if (r->state)
		add_evidence(v, "state=%s", tcp_state_name(r->state));
	if (r->direction == RST_SENT && r->syn)
		add_evidence(v, "segment=SYN");
	if (r->flags & RST_EVENT_FORMER_LISTENER)
		add_evidence(v, "former_listener=%s[%u]", r->former_comm, r->former_tgid);
	if (r->closed_ms >= 0)
		add_evidence(v, "closed_ms=%lld", (long long)r->closed_ms);
	if (r->unread_bytes > 0)
		add_evidence(v, "unread_bytes=%lld", (long long)r->unread_bytes);
	if (r->flags & RST_EVENT_LINGER && !r->linger_time_s)
		add_evidence(v, "linger=0");
	if (r->probes > 0)
		add_evidence(v, "probes=%lld", (long long)r->probes);
	if (r->state == STATE_LISTEN && r->backlog >= 0)
		add_evidence(v, "backlog=%lld/%lld", (long long)r->backlog,
			     (long long)r->backlog_max);
}

/* tcp_reset() chooses by state (net/ipv4/tcp_input.c); an orphan has nobody to tell. Of the resets
 * that this host sends only those reach the application that it did not ask for. */
static int application_errno(const struct reset *r, enum rst_cause cause)
{
	if (r->flags & RST_EVENT_DEAD)
		return 0;
	if (r->direction == RST_RECEIVED) {
		switch (r->state) {
		case STATE_SYN_SENT:
			return ECONNREFUSED;
		case STATE_CLOSE_WAIT:
			return EPIPE;
		case STATE_CLOSE:
			return 0;
		default:
			return ECONNRESET;
		}
	}
	if (cause == RST_CAUSE_ADMIN_ABORT)
		return ECONNABORTED;
	if (cause == RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT)
		return ETIMEDOUT;
	return r->error;
}

bool diagnose_wants_host(const struct reset *reset)
{
	(void)reset;
	return false;
}

void diagnose(const struct reset *reset, const struct owner *owner, const struct past *past,
	      const struct host *host, struct verdict *ret)
{
	struct verdict v = {.cause = RST_CAUSE_UNKNOWN, .confidence = CONFIDENCE_LOW};

	(void)owner;
	(void)past;
	(void)host;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rule_matches(&rules[i], reset)) {
			v.cause = rules[i].cause;
			v.confidence = rules[i].confidence;
			break;
		}
	}
	if (reset->flags & RST_EVENT_MPTCP && reset->direction == RST_SENT) {
		v.cause = RST_CAUSE_MPTCP_SUBFLOW_RESET;
		v.confidence = CONFIDENCE_CERTAIN;
	}
	v.error = application_errno(reset, v.cause);
	evidence(reset, &v);
	*ret = v;
}
