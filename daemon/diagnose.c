/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verdict: the path, then the story that the reset belongs to, then the first rule that holds
 * (diagnose_sent.c, diagnose_answers.c, diagnose_received.c). Must not read a clock or keep state.
 * Proved by tests/unit/daemon/diagnose.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/diagnose_internal.h"

static const struct rule *find_rule(const struct view *v)
{
	const struct rule *rule = v->path == PATH_REJECT	      ? diagnose_answers
				  : v->path >= PATH_RECEIVED_SYN_SENT ? diagnose_received
				  : v->path >= PATH_NO_SOCKET_SYN     ? diagnose_answers
								      : diagnose_sent;
	uint32_t path = 1u << v->path;

	for (; rule->paths; rule++)
		if (rule->paths & path && (!rule->when || rule->when(v)))
			return rule;
	return NULL;
}

/*
 * The second reset of a connection tells nothing new: its peer answers the first with a challenge
 * ACK, or had more on its way (CAUSES.md F.1, second_rst). A SYN begins another connection with the
 * same ports, and what a living socket does is no echo.
 */
static bool continues_earlier(const struct view *v)
{
	const struct past *past = v->past;
	const uint32_t echoes = ON(NO_SOCKET) | ON(LISTENER_ACK) | ON(TIME_WAIT) | ON(TIMED_OUT);

	return past->second && echoes >> v->path & 1 && past->second_cause != RST_CAUSE_UNKNOWN &&
	       past->second_cause < RST_CAUSE_MAX && past->second_cause != RST_CAUSE_CLOSED_PORT &&
	       past->second_cause != RST_CAUSE_SERVICE_DOWN &&
	       past->second_cause != RST_CAUSE_FIREWALL_REJECT;
}

/*
 * Both ends are here: whoever sent the reset knows why, the other only that; so also a sender that
 * is less sure has the better answer, unless it merely guesses. What a refused connect and a reset
 * after close mean to this end is not what they mean to the other.
 */
static bool other_knows_more(const struct view *v, enum confidence own)
{
	const struct past *past = v->past;
	const uint32_t open =
		ON(RECEIVED_ESTABLISHED) | ON(RECEIVED_CLOSE_WAIT) | ON(RECEIVED_SYN_RECV);

	return past->other.known && past->other.direction == RST_SENT && open >> v->path & 1 &&
	       past->other_cause != RST_CAUSE_UNKNOWN && past->other_cause < RST_CAUSE_MAX &&
	       past->other_confidence >= MIN(own, CONFIDENCE_MEDIUM) &&
	       past->other_confidence < CONFIDENCE_MAX;
}

bool diagnose_other_differs(const struct past *a, const struct past *b)
{
	const struct other_end *x = &a->other, *y = &b->other;

	if (x->known != y->known || x->pid != y->pid || x->direction != y->direction)
		return true;
	/* what a receiver believes is not asked for: other_knows_more() */
	return y->direction == RST_SENT &&
	       (a->other_cause != b->other_cause || a->other_confidence != b->other_confidence);
}

/* tcp_reset() chooses by state (net/ipv4/tcp_input.c); an orphan has nobody to tell. Of the resets
 * that this host sends only those reach the application that it did not ask for. */
static int application_errno(const struct reset *r, enum path path)
{
	if (r->direction == RST_TIMEOUT)
		return r->error;
	if (r->flags & RST_EVENT_DEAD)
		return 0;
	switch (path) {
	case PATH_RECEIVED_SYN_SENT:
		return ECONNREFUSED;
	case PATH_RECEIVED_CLOSE_WAIT:
		return EPIPE;
	case PATH_RECEIVED_CLOSED:
		return r->state == STATE_CLOSE ? 0 : ECONNRESET;
	case PATH_RECEIVED_ESTABLISHED:
	case PATH_RECEIVED_SYN_RECV:
		return ECONNRESET;
	case PATH_ABORT:
		return ECONNABORTED;
	case PATH_KEEPALIVE:
		return ETIMEDOUT;
	default:
		return r->error;
	}
}

/* A SYN that found no connection is the whole story: nothing follows, and floods are made of these.
 * A service that stopped is not: its clients' ends tell who wanted it. A rule that refuses SYNs is.
 */
static bool is_settled(const struct view *v, enum rst_cause cause)
{
	if (v->owner->pid)
		return cause == RST_CAUSE_BAD_SYN;
	return cause == RST_CAUSE_CLOSED_PORT || cause == RST_CAUSE_BAD_SYN ||
	       (cause == RST_CAUSE_FIREWALL_REJECT && v->r->syn);
}

/* 'rule' NULL: the cause is inherited or unknown. */
static void keep_basis(const struct view *v, const struct rule *rule, struct verdict *ret)
{
	const struct past *past = v->past;
	const struct host *host = v->host;
	unsigned int facts = 0;

	facts |= past->second && v->r->direction != RST_RECEIVED ? BASIS_SECOND : 0;
	facts |= ret->cause == RST_CAUSE_RST_INJECTED && fact_aftermath(v) ? BASIS_AFTERMATH : 0;
	facts |= past->other.known && past->other.pid ? BASIS_OTHER_END : 0;
	facts |= host->overflowed == 1 ? BASIS_OVERFLOWED : 0;
	facts |= host->cookies_failed == 1 ? BASIS_COOKIES_FAILED : 0;
	facts |= host->sibling == 1 ? BASIS_SIBLING : 0;
	ret->basis = (struct basis){
		.idle_alike_ms = past->idle_alike_ms,
		.idle_alike = past->idle_alike,
		.repeats = past->repeats,
		.repeat_ms = (uint32_t)past->repeat_ms,
		.burst = past->burst,
		.ports_asked = past->ports_asked,
		.second_ms = (uint32_t)past->second_ms,
		.facts = (uint8_t)facts,
	};
	if (rule)
		memcpy(ret->basis.clues, rule->clues, sizeof(ret->basis.clues));
}

bool diagnose_wants_host(const struct reset *reset)
{
	enum path path = path_of(reset);

	if (!(reset->flags & RST_EVENT_SEGMENT) || fact_former_connection(reset))
		return false;
	return path == PATH_LISTENER_ACK || (path == PATH_NO_SOCKET && reset->payload);
}

void diagnose(const struct reset *reset, const struct owner *owner, const struct past *past,
	      const struct host *host, struct verdict *ret)
{
	const struct view v = {reset, owner, past, host, path_of(reset)};
	enum confidence confidence = CONFIDENCE_LOW;
	enum rst_cause cause = RST_CAUSE_UNKNOWN;
	const struct rule *rule = NULL;

	if (continues_earlier(&v) && !fact_aftermath(&v)) {
		cause = past->second_cause;
		confidence = MIN(past->second_confidence, CONFIDENCE_CERTAIN);
	} else {
		rule = find_rule(&v);
		if (rule) {
			cause = rule->cause;
			confidence = diagnose_confidence(&v, rule);
		}
		if (other_knows_more(&v, confidence)) {
			cause = past->other_cause;
			confidence = past->other_confidence;
		}
	}
	ret->cause = (uint8_t)cause;
	ret->confidence = (uint8_t)confidence;
	ret->path = (uint8_t)v.path;
	ret->settled = is_settled(&v, cause);
	ret->error = application_errno(reset, v.path);
	keep_basis(&v, rule, ret);
}
