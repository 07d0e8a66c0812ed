/* SPDX-License-Identifier: GPL-2.0-only */
/* Each cause that the kernel's facts decide, its neighbours that they do not, and the errno. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/diagnose.h"

static struct verdict verdict_of(struct reset r)
{
	static const struct owner nobody;
	struct verdict v;

	if (!r.reason_name)
		r.reason_name = "";
	diagnose(&r, &nobody, &v);
	return v;
}

static enum rst_cause sent(enum reason reason, uint8_t state, bool syn)
{
	return verdict_of(
		       (struct reset){
			       .direction = RST_SENT, .reason = reason, .state = state, .syn = syn})
		.cause;
}

static enum rst_cause received(uint8_t state)
{
	return verdict_of((struct reset){.direction = RST_RECEIVED, .state = state}).cause;
}

Test(diagnose, what_this_host_sent)
{
	cr_assert_eq(sent(REASON_NO_SOCKET, 0, true), RST_CAUSE_CLOSED_PORT);
	cr_assert_eq(sent(REASON_NO_SOCKET, 0, false), RST_CAUSE_UNKNOWN);
	cr_assert_eq(sent(REASON_MPTCP, STATE_ESTABLISHED, false), RST_CAUSE_MPTCP_SUBFLOW_RESET);
	cr_assert_eq(sent(REASON_TCP_KEEPALIVE_TIMEOUT, STATE_ESTABLISHED, false),
		     RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT);
	cr_assert_eq(sent(REASON_TCP_ABORT_ON_MEMORY, STATE_FIN_WAIT1, false),
		     RST_CAUSE_ORPHAN_MEMORY);
	cr_assert_eq(sent(REASON_TCP_ABORT_ON_LINGER, STATE_CLOSE, false), RST_CAUSE_LINGER2_ABORT);
	cr_assert_eq(sent(REASON_TCP_STATE, STATE_ESTABLISHED, false), RST_CAUSE_ADMIN_ABORT);
	cr_assert_eq(sent(REASON_TCP_STATE, STATE_CLOSE, false), RST_CAUSE_UNKNOWN,
		     "SO_LINGER, connect(AF_UNSPEC) and a closed listener look the same here");
	cr_assert_eq(sent(REASON_TCP_STATE, STATE_FIN_WAIT2, false), RST_CAUSE_UNKNOWN);
	cr_assert_eq(sent(REASON_INVALID_SYN, STATE_LISTEN, false),
		     RST_CAUSE_ACCEPT_OVERFLOW_ABORT);
	cr_assert_eq(sent(REASON_INVALID_SYN, STATE_LISTEN, true), RST_CAUSE_BAD_SYN);
	cr_assert_eq(sent(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, true), RST_CAUSE_BAD_SYN);
	cr_assert_eq(sent(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, false), RST_CAUSE_UNKNOWN);
	cr_assert_eq(sent(REASON_TCP_INVALID_ACK_SEQUENCE, STATE_SYN_SENT, false),
		     RST_CAUSE_STALE_PEER_CONNECTION);
	cr_assert_eq(sent(REASON_TCP_RFC7323_PAWS, STATE_SYN_SENT, false),
		     RST_CAUSE_STALE_PEER_CONNECTION);
	cr_assert_eq(sent(REASON_NONE, STATE_CLOSE, false), RST_CAUSE_UNKNOWN);
}

Test(diagnose, what_this_host_received)
{
	cr_assert_eq(received(STATE_SYN_SENT), RST_CAUSE_REFUSED_SYN);
	cr_assert_eq(received(STATE_ESTABLISHED), RST_CAUSE_UNKNOWN);
	cr_assert_eq(received(STATE_CLOSE_WAIT), RST_CAUSE_UNKNOWN);
	cr_assert_eq(received(STATE_FIN_WAIT1), RST_CAUSE_LATE_RST_AFTER_CLOSE);
	cr_assert_eq(received(STATE_LAST_ACK), RST_CAUSE_LATE_RST_AFTER_CLOSE);
}

Test(diagnose, confidence_follows_the_rule)
{
	struct reset r = {.direction = RST_SENT, .reason = REASON_NO_SOCKET, .syn = true};

	cr_assert_eq(verdict_of(r).confidence, CONFIDENCE_CERTAIN);
	r.syn = false;
	cr_assert_eq(verdict_of(r).confidence, CONFIDENCE_LOW);
	r = (struct reset){.direction = RST_SENT,
			   .reason = REASON_INVALID_SYN,
			   .state = STATE_LISTEN,
			   .syn = true};
	cr_assert_eq(verdict_of(r).confidence, CONFIDENCE_HIGH);
}

Test(diagnose, mptcp_is_told_by_its_flag_too)
{
	struct reset r = {.direction = RST_SENT,
			  .reason = REASON_TCP_ABORT_ON_CLOSE,
			  .state = STATE_ESTABLISHED,
			  .flags = RST_EVENT_MPTCP};

	cr_assert_eq(verdict_of(r).cause, RST_CAUSE_MPTCP_SUBFLOW_RESET);
}

Test(diagnose, the_errno_that_the_application_gets)
{
	struct reset r = {.direction = RST_RECEIVED};
	static const struct {
		uint8_t state;
		int error;
	} table[] = {
		{STATE_SYN_SENT, ECONNREFUSED},
		{STATE_ESTABLISHED, ECONNRESET},
		{STATE_CLOSE_WAIT, EPIPE},
		{STATE_FIN_WAIT1, ECONNRESET},
		{STATE_CLOSE, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		r.state = table[i].state;
		cr_assert_eq(verdict_of(r).error, table[i].error, "state %u", r.state);
	}
	r.state = STATE_FIN_WAIT1;
	r.flags = RST_EVENT_DEAD;
	cr_assert_eq(verdict_of(r).error, 0, "an orphan has nobody to tell");
	r = (struct reset){
		.direction = RST_SENT, .reason = REASON_TCP_STATE, .state = STATE_ESTABLISHED};
	cr_assert_eq(verdict_of(r).error, ECONNABORTED);
}

Test(diagnose, evidence_is_bounded_and_holds_numbers)
{
	struct reset r = {
		.direction = RST_SENT,
		.reason = REASON_TCP_ABORT_ON_CLOSE,
		.reason_name = "TCP_ABORT_ON_CLOSE",
		.state = STATE_CLOSE,
		.syn = true,
		.flags = RST_EVENT_FORMER_LISTENER | RST_EVENT_LINGER,
		.closed_ms = 40,
		.unread_bytes = 500,
		.probes = 3,
		.former_tgid = 812,
		.former_comm = "java",
	};
	struct verdict v = verdict_of(r);

	cr_assert_leq(v.n_evidence, RSTMON_EVIDENCE_MAX);
	cr_assert_str_eq(v.evidence[0], "reason=TCP_ABORT_ON_CLOSE");
	cr_assert_str_eq(v.evidence[1], "state=CLOSE");
	cr_assert_str_eq(v.evidence[3], "former_listener=java[812]");
}
