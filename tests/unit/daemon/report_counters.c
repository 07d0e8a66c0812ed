/* SPDX-License-Identifier: GPL-2.0-only */
/* What each path through the kernel moves, as CAUSES.md has it from the source; and that every
 * counter says what it hides. The kernel itself is asked in tests/live/reconcile.c. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/report_counters.h"
#include "tests/unit/daemon/sample_reset.h"

#define BIT(id) (1U << COUNTER_##id)
#define EST	STATE_ESTABLISHED

Test(report_counters, have_the_names_of_nstat)
{
	cr_expect_str_eq(report_counter_name(COUNTER_OUT_RSTS), "TcpOutRsts");
	cr_expect_str_eq(report_counter_name(COUNTER_EMBRYONIC_RSTS), "TcpExtEmbryonicRsts");
	cr_expect_str_eq(report_counter_name(COUNTER_ABORT_ON_DATA), "TcpExtTCPAbortOnData");
	cr_expect_str_eq(report_counter_name(COUNTER_MAX_), "invalid");
	cr_expect_str_eq(report_counter_prefix(COUNTER_MAX_), "invalid");
	cr_expect_str_eq(report_counter_column(COUNTER_MAX_), "invalid");
	cr_expect_str_eq(report_counter_hidden(COUNTER_MAX_), "invalid");
	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		cr_expect_gt(strlen(report_counter_hidden(i)), 20);
}

Test(report_counters, of_sent)
{
	static const struct {
		enum path path;
		uint8_t state, previous;
		uint32_t counters;
	} cases[] = {
		{PATH_CLOSE_UNREAD, STATE_CLOSE, EST, BIT(ESTAB_RESETS) | BIT(ABORT_ON_CLOSE)},
		{PATH_CLOSE_UNREAD, STATE_CLOSE, STATE_CLOSE_WAIT,
		 BIT(ESTAB_RESETS) | BIT(ABORT_ON_CLOSE)},
		{PATH_CLOSE_UNREAD, STATE_CLOSE, STATE_FIN_WAIT2, BIT(ABORT_ON_CLOSE)},
		{PATH_CLOSE_LINGER, STATE_CLOSE, EST, BIT(ESTAB_RESETS) | BIT(ABORT_ON_DATA)},
		{PATH_DISCONNECT, STATE_CLOSE, EST, BIT(ESTAB_RESETS)},
		{PATH_LISTENER_STOP, STATE_CLOSE, EST, BIT(ESTAB_RESETS)},
		{PATH_ABORT, EST, STATE_SYN_RECV, BIT(ESTAB_RESETS)},
		{PATH_ABORT, STATE_FIN_WAIT1, EST, 0},
		{PATH_LINGER2, STATE_CLOSE, STATE_FIN_WAIT2, BIT(ABORT_ON_LINGER)},
		{PATH_MEMORY_CLOSE, STATE_CLOSE, STATE_FIN_WAIT1, BIT(ABORT_ON_MEMORY)},
		{PATH_MEMORY_TIMER, STATE_FIN_WAIT1, EST, BIT(ABORT_ON_MEMORY)},
		{PATH_KEEPALIVE, EST, STATE_SYN_SENT, BIT(ESTAB_RESETS) | BIT(ABORT_ON_TIMEOUT)},
		{PATH_FIN_WAIT2_TIMER, STATE_FIN_WAIT2, STATE_FIN_WAIT1, 0},
		{PATH_NO_SOCKET_SYN, 0, 0, 0},
		{PATH_NO_SOCKET, 0, EST, 0},
		{PATH_LISTENER_ACK, STATE_LISTEN, 0, 0},
		{PATH_LISTENER_OVERFLOW, STATE_LISTEN, 0, BIT(EMBRYONIC_RSTS)},
		{PATH_REQUEST_SYN, STATE_LISTEN, 0, BIT(EMBRYONIC_RSTS) | BIT(ATTEMPT_FAILS)},
		{PATH_SYN_SENT_ACK, STATE_SYN_SENT, STATE_CLOSE, 0},
		{PATH_SYN_RECV_ACK, STATE_SYN_RECV, 0, 0},
		{PATH_DATA_AFTER_CLOSE, STATE_CLOSE, STATE_FIN_WAIT2, BIT(ABORT_ON_DATA)},
		{PATH_DATA_AFTER_CLOSE, STATE_CLOSE, STATE_CLOSE_WAIT,
		 BIT(ABORT_ON_DATA) | BIT(ESTAB_RESETS)},
		{PATH_TIME_WAIT, STATE_TIME_WAIT, EST, 0},
		{PATH_TIME_WAIT_SYN, STATE_TIME_WAIT, EST, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reset r = {.direction = RST_SENT,
				  .state = cases[i].state,
				  .previous_state = cases[i].previous};

		cr_expect_eq(report_counters_of(&r, cases[i].path),
			     BIT(OUT_RSTS) | cases[i].counters, "case %u: %x", i,
			     report_counters_of(&r, cases[i].path));
	}
}

/* Past TCP, past its counters. */
Test(report_counters, of_netfilter)
{
	struct reset r = {.direction = RST_SENT, .flags = RST_EVENT_REJECT};

	cr_expect_eq(report_counters_of(&r, path_of(&r)), 0);
	r.flags = 0;
	cr_expect_eq(report_counters_of(&r, path_of(&r)), BIT(OUT_RSTS));
}

/* The ACK of the FIN found the orphan, not close(). */
Test(report_counters, of_linger2_by_a_segment)
{
	struct reset r = {.direction = RST_SENT,
			  .state = STATE_CLOSE,
			  .previous_state = STATE_FIN_WAIT1,
			  .reason = REASON_TCP_ABORT_ON_DATA};

	cr_expect_eq(report_counters_of(&r, PATH_LINGER2), BIT(OUT_RSTS) | BIT(ABORT_ON_DATA));
	r.reason = REASON_NONE;
	r.flags = RST_EVENT_SEGMENT;
	cr_expect_eq(report_counters_of(&r, PATH_LINGER2), BIT(OUT_RSTS) | BIT(ABORT_ON_DATA));
}

Test(report_counters, of_received)
{
	static const struct {
		uint8_t state;
		uint32_t counters;
	} cases[] = {
		{STATE_SYN_SENT, BIT(ATTEMPT_FAILS)},
		{STATE_SYN_RECV, BIT(ATTEMPT_FAILS)},
		{EST, BIT(ESTAB_RESETS)},
		{STATE_CLOSE_WAIT, BIT(ESTAB_RESETS)},
		{STATE_FIN_WAIT1, 0},
		{STATE_FIN_WAIT2, 0},
		{STATE_CLOSING, 0},
		{STATE_LAST_ACK, 0},
		{STATE_CLOSE, 0},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reset r = {
			.direction = RST_RECEIVED, .state = cases[i].state, .previous_state = EST};

		cr_expect_eq(report_counters_of(&r, path_of(&r)), cases[i].counters, "case %u", i);
	}
}

Test(report_counters, of_timeouts)
{
	static const struct {
		uint8_t state, previous;
		int error, soft;
		uint32_t counters;
	} cases[] = {
		{STATE_CLOSE, EST, ETIMEDOUT, 0, BIT(ESTAB_RESETS) | BIT(ABORT_ON_TIMEOUT)},
		/* what ICMP had told is the error in the end */
		{STATE_CLOSE, EST, EHOSTUNREACH, EHOSTUNREACH,
		 BIT(ESTAB_RESETS) | BIT(ABORT_ON_TIMEOUT)},
		{STATE_CLOSE, STATE_FIN_WAIT1, ETIMEDOUT, 0, BIT(ABORT_ON_TIMEOUT)},
		{STATE_CLOSE, STATE_SYN_SENT, ETIMEDOUT, 0,
		 BIT(ATTEMPT_FAILS) | BIT(ABORT_ON_TIMEOUT)},
		/* ICMP ended it */
		{STATE_CLOSE, STATE_SYN_SENT, ECONNREFUSED, 0, BIT(ATTEMPT_FAILS)},
		/* it lies in the error queue, and connects still */
		{STATE_SYN_SENT, STATE_CLOSE, ECONNREFUSED, 0, 0},
		/* before 6.10 the error comes before the state */
		{STATE_SYN_SENT, STATE_CLOSE, ETIMEDOUT, 0,
		 BIT(ATTEMPT_FAILS) | BIT(ABORT_ON_TIMEOUT)},
		{EST, STATE_SYN_SENT, ETIMEDOUT, 0, BIT(ESTAB_RESETS) | BIT(ABORT_ON_TIMEOUT)},
		/* spilled: the error is not known */
		{STATE_CLOSE, EST, 0, 0, BIT(ESTAB_RESETS) | BIT(ABORT_ON_TIMEOUT)},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reset r = {.direction = RST_TIMEOUT,
				  .state = cases[i].state,
				  .previous_state = cases[i].previous,
				  .error = cases[i].error,
				  .error_soft = cases[i].soft};

		cr_expect_eq(report_counters_of(&r, path_of(&r)), cases[i].counters, "case %u", i);
	}
}

/* A key tells no lingering; TCP_STATE of a closed socket is mostly that. */
Test(report_counters, of_a_spilled_key)
{
	struct reset r = {.direction = RST_SENT,
			  .state = STATE_CLOSE,
			  .previous_state = EST,
			  .reason = REASON_TCP_STATE};

	cr_expect_eq(report_counters_of(&r, PATH_UNKNOWN),
		     BIT(OUT_RSTS) | BIT(ESTAB_RESETS) | BIT(ABORT_ON_DATA));
	r.reason = REASON_NOT_SPECIFIED;
	cr_expect_eq(report_counters_of(&r, PATH_UNKNOWN), BIT(OUT_RSTS) | BIT(ESTAB_RESETS));
	r.direction = RST_DIRECTION_MAX;
	cr_expect_eq(report_counters_of(&r, PATH_UNKNOWN), 0);
}
