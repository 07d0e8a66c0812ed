/* SPDX-License-Identifier: GPL-2.0-only */
/* Stories that resets belong to, the errno, and evidence. */
#include "common/util.h"

#include "tests/unit/daemon/sample_cause.h"

static const struct past raced = {.second = true,
				  .second_cause = RST_CAUSE_KEEPALIVE_RACE_SERVER,
				  .second_confidence = CONFIDENCE_HIGH,
				  .second_ms = 12};

Test(diagnose_story, the_second_reset_inherits)
{
	struct reset r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK | PSH, 80);
	struct past past = raced;
	struct verdict v = judge(&r, &past, &long_watched);

	cr_assert_cause(v, RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	cr_assert_str_eq(evidence_of(&r, &past).text[0], "second_reset_ms=12");
	r = sample_answer(REASON_NO_SOCKET, 0, ACK, 0);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_KEEPALIVE_RACE_SERVER,
			CONFIDENCE_HIGH);
	r = timeout(STATE_ESTABLISHED, ETIMEDOUT);
	past.second_cause = RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT;
	past.second_confidence = CONFIDENCE_CERTAIN;
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT,
			CONFIDENCE_CERTAIN);
}

Test(diagnose_story, what_is_no_second_reset)
{
	struct reset r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	struct past past = raced;

	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_CLOSED_PORT, CONFIDENCE_CERTAIN);
	r = unread(RST_ROLE_CLIENT);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_CLIENT_ABORT_UNREAD_DATA,
			CONFIDENCE_CERTAIN);
	r = sample_answer(REASON_NO_SOCKET, 0, ACK | PSH, 80);
	past.second_cause = RST_CAUSE_CLOSED_PORT;
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_HALF_OPEN_UNKNOWN);
	past.second_cause = RST_CAUSE_FIREWALL_REJECT;
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_HALF_OPEN_UNKNOWN);
	past.second_cause = RST_CAUSE_UNKNOWN;
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_HALF_OPEN_UNKNOWN);
	past = raced;
	past.aftermath = true; /* what came first was no reset of the peer's */
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_RST_INJECTED, CONFIDENCE_HIGH);
	past.second_cause = RST_CAUSE_MAX;
	past.aftermath = false;
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_HALF_OPEN_UNKNOWN);
}

static struct past sender(enum rst_cause cause, enum confidence confidence)
{
	return (struct past){.other = {.known = true,
				       .pid = 812,
				       .direction = RST_SENT,
				       .role = RST_ROLE_SERVER,
				       .comm = "java"},
			     .other_cause = cause,
			     .other_confidence = confidence};
}

Test(diagnose_story, the_sender_knows_why)
{
	struct past past = sender(RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	struct reset r = after_silence(2700);
	struct evidence e;

	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_KEEPALIVE_RACE_SERVER,
			CONFIDENCE_HIGH);
	e = evidence_of(&r, &past);
	cr_assert_str_eq(e.text[0], "other_end=java[812]");
	cr_assert(has_evidence(&e, "idle_ms=2700"), "its own numbers stay");

	r = in_flight(received(RST_ROLE_SERVER, STATE_CLOSE_WAIT), 10);
	past = sender(RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_CERTAIN);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
			CONFIDENCE_CERTAIN);
	past = sender(RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
		      CONFIDENCE_MEDIUM); /* less sure, yet it knows */
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
			CONFIDENCE_MEDIUM);
	past = sender(RST_CAUSE_HALF_OPEN_UNKNOWN, CONFIDENCE_LOW);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_WRITE_AFTER_PEER_CLOSE,
			CONFIDENCE_HIGH);
	past = sender(RST_CAUSE_UNKNOWN, CONFIDENCE_CERTAIN);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_WRITE_AFTER_PEER_CLOSE,
			CONFIDENCE_HIGH);
}

Test(diagnose_story, what_the_sender_does_not_change)
{
	struct past past = sender(RST_CAUSE_CLOSED_PORT, CONFIDENCE_CERTAIN);
	struct reset r = sample_socket(RST_RECEIVED, RST_ROLE_CLIENT, STATE_SYN_SENT);

	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_REFUSED_SYN);
	r = flagged(received(RST_ROLE_SERVER, STATE_FIN_WAIT1), RST_EVENT_DEAD);
	past = sender(RST_CAUSE_LINGER_ZERO, CONFIDENCE_CERTAIN);
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_LATE_RST_AFTER_CLOSE);
	r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_CLOSED_PORT);
	r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);
	past.other.direction = RST_RECEIVED;
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_PEER_APP_ABORT_IDLE);
	past = sender(RST_CAUSE_LINGER_ZERO, CONFIDENCE_CERTAIN);
	past.aftermath = true; /* it did reset, and is here to tell */
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_LINGER_ZERO);
}

Test(diagnose_story, settled_is_what_nothing_can_change)
{
	const struct owner java = {.pid = 812};
	struct reset r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	struct verdict v;

	cr_assert(verdict_of(r).settled);
	diagnose(&r, &java, &nothing, &long_watched, &v);
	cr_assert_not(v.settled);
	cr_assert_not(verdict_of(flagged(r, RST_EVENT_FORMER_LISTENER)).settled);
	cr_assert_not(verdict_of(sample_answer(REASON_NO_SOCKET, 0, ACK, 0)).settled);
	cr_assert(verdict_of(sample_answer(REASON_INVALID_SYN, STATE_LISTEN, SYN, 0)).settled);
	cr_assert(verdict_of(flagged(r, RST_EVENT_REJECT)).settled);
	r = sample_answer(REASON_NONE, 0, ACK, 0);
	cr_assert_not(verdict_of(flagged(r, RST_EVENT_REJECT)).settled);
}

Test(diagnose_story, the_host_is_asked_about_unknown_connections_only)
{
	struct reset r = sample_answer(REASON_NO_SOCKET, 0, ACK | PSH, 80);

	cr_assert(diagnose_wants_host(&r));
	sample_former(&r, RST_ROLE_SERVER, 5, 5);
	cr_assert_not(diagnose_wants_host(&r));
	r = sample_answer(REASON_NO_SOCKET, 0, ACK, 0);
	cr_assert_not(diagnose_wants_host(&r));
	r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	cr_assert_not(diagnose_wants_host(&r));
	r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK, 0);
	cr_assert(diagnose_wants_host(&r));
	r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_LISTEN);
	r.reason = REASON_TCP_FLAGS;
	cr_assert_not(diagnose_wants_host(&r));
	r = unread(RST_ROLE_SERVER);
	cr_assert_not(diagnose_wants_host(&r));
	r = received(RST_ROLE_SERVER, STATE_ESTABLISHED);
	cr_assert_not(diagnose_wants_host(&r));
}

/* ---- errno and evidence ---- */

Test(diagnose_story, the_errno_that_the_application_gets)
{
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
	struct reset r;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		r = received(RST_ROLE_CLIENT, table[i].state);
		cr_assert_eq(verdict_of(r).error, table[i].error, "state %u", r.state);
	}
	r = flagged(received(RST_ROLE_CLIENT, STATE_FIN_WAIT1), RST_EVENT_DEAD);
	cr_assert_eq(verdict_of(r).error, 0, "an orphan has nobody to tell");
	r = living(REASON_TCP_STATE, STATE_ESTABLISHED, RST_EVENT_OWNED);
	cr_assert_eq(verdict_of(r).error, ECONNABORTED);
	r = living(REASON_TCP_KEEPALIVE_TIMEOUT, STATE_ESTABLISHED, 0);
	cr_assert_eq(verdict_of(r).error, ETIMEDOUT);
	cr_assert_eq(verdict_of(unread(RST_ROLE_CLIENT)).error, 0, "it asked for it");
	cr_assert_eq(verdict_of(timeout(STATE_SYN_SENT, EHOSTUNREACH)).error, EHOSTUNREACH);
}

Test(diagnose_story, evidence_is_bounded_and_most_telling_first)
{
	struct reset r = died(SIGKILL, -1);
	struct evidence e;

	r.flags |= RST_EVENT_OOM;
	r.reason_name = "TCP_ABORT_ON_CLOSE";
	e = evidence_of(&r, &nothing);
	cr_assert_str_eq(e.text[0], "exit_signal=9");
	cr_assert_str_eq(e.text[1], "oom=1");
	cr_assert_str_eq(e.text[2], "unread_bytes=500");
	cr_assert_str_eq(e.text[3], "reason=TCP_ABORT_ON_CLOSE");
	cr_assert_str_eq(e.text[4], "state=CLOSE");
	cr_assert_eq(e.n, 5);

	struct past past = sender(RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);

	past.burst = 40;
	past.idle_alike = 3;
	past.idle_alike_ms = 5000;
	r = with_packet(after_silence(INT64_MAX), true, 63);
	e = evidence_of(&r, &past);
	cr_assert_eq(e.n, RSTMON_EVIDENCE_MAX);
	cr_assert(has_evidence(&e, "idle_ms=9223372036854775807"));
	cr_assert(has_evidence(&e, "packet=RST|ACK,window=502,header=32"));
	cr_assert(has_evidence(&e, "ttl=63/63"));
}

Test(diagnose_story, evidence_that_names_somebody)
{
	struct reset r =
		flagged(sample_answer(REASON_NO_SOCKET, 0, SYN, 0), RST_EVENT_FORMER_LISTENER);
	struct past past = {.ports_asked = 12};
	struct evidence e;

	r.former_tgid = UINT32_MAX;
	memcpy(r.former_comm, "fifteen letters", 16);
	e = evidence_of(&r, &nothing);
	cr_assert_str_eq(e.text[0], "former_listener=fifteen letters[4294967295]");
	r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	e = evidence_of(&r, &past);
	cr_assert_str_eq(e.text[0], "ports_asked=12");
	cr_assert_str_eq(e.text[1], "segment=SYN");
	cr_assert_eq(judge(&r, &past, &long_watched).cause, RST_CAUSE_CLOSED_PORT);
	r = full_queue(REASON_INVALID_SYN);
	e = evidence_of(&r, &nothing);
	cr_assert(has_evidence(&e, "backlog=129/128"));
	cr_assert(has_evidence(&e, "segment=PSH|ACK+80"));
	r = living(REASON_TCP_STATE, STATE_ESTABLISHED, RST_EVENT_OWNED);
	r.actor_tgid = 77;
	memcpy(r.actor_comm, "ss", 3);
	r.actor_parent_tgid = 70;
	memcpy(r.actor_parent_comm, "bash", 5);
	e = evidence_of(&r, &nothing);
	cr_assert_str_eq(e.text[0], "actor=ss[77]");
	cr_assert_str_eq(e.text[1], "actor_parent=bash[70]");
	r = sample_closed(RST_ROLE_SERVER, REASON_TCP_ABORT_ON_LINGER);
	r.linger2 = INT32_MIN;
	e = evidence_of(&r, &nothing);
	cr_assert(has_evidence(&e, "linger2=-2147483648"));
}

/* A finding may come out of a file. */
Test(diagnose_story, evidence_of_numbers_that_nobody_wrote)
{
	struct finding f = {.reset = sample_answer(REASON_NO_SOCKET, 0, SYN, 0)};
	struct evidence e;

	memset(f.verdict.basis.clues, 0xff, sizeof(f.verdict.basis.clues));
	evidence_format(&f, &e);
	cr_assert_eq(e.n, 0);
	memset(&f.verdict.basis, 0xff, sizeof(f.verdict.basis));
	f.verdict.basis.clues[0] = RST_CLUES_MAX;
	evidence_format(&f, &e);
	cr_assert_leq(e.n, RSTMON_EVIDENCE_MAX);
	cr_assert(has_evidence(&e, "second_reset_ms=4294967295"));
}
