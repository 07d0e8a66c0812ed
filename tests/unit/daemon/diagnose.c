/* SPDX-License-Identifier: GPL-2.0-only */
/* Each cause by an example of its own, and what a row's key alone decides. */
#include "common/util.h"

#include "tests/unit/daemon/sample_cause.h"

struct example {
	enum rst_cause cause;
	enum confidence confidence;
	struct reset reset;
	const struct past *past;
	const struct host *host; /* NULL: long watched, and not asked */
};

#define EXAMPLE(id, level, ...)                                                                    \
	{                                                                                          \
		.cause = RST_CAUSE_##id, .confidence = CONFIDENCE_##level, .reset = __VA_ARGS__    \
	}

static const struct host overflowed = {
	.watched_ms = 3600 * 1000, .overflowed = 1, .cookies_failed = -1, .sibling = -1};
static const struct host cookies_failed = {
	.watched_ms = 3600 * 1000, .overflowed = 0, .cookies_failed = 1, .sibling = -1};
static const struct host sibling = {
	.watched_ms = 3600 * 1000, .overflowed = 0, .cookies_failed = 0, .sibling = 1};
static const struct past repeated = {.repeats = 3, .repeat_ms = 700};
static const struct past aftermath = {.aftermath = true};

static void check(const struct example *e, size_t n, unsigned int seen[RST_CAUSE_MAX])
{
	for (size_t i = 0; i < n; i++) {
		struct evidence told;
		struct verdict v = judge(&e[i].reset, e[i].past ? e[i].past : &nothing,
					 e[i].host ? e[i].host : &long_watched);

		cr_assert_str_eq(cause_name(v.cause), cause_name(e[i].cause), "%zu: %s", i,
				 cause_name(e[i].cause));
		cr_assert_str_eq(confidence_name(v.confidence), confidence_name(e[i].confidence),
				 "%zu: %s", i, cause_name(v.cause));
		cr_assert_eq(v.path, path_of(&e[i].reset));
		evidence_format(&(struct finding){.reset = e[i].reset, .verdict = v}, &told);
		cr_assert_gt(told.n, 0, "%s", cause_name(v.cause));
		seen[v.cause]++;
	}
}

static void check_sent(unsigned int seen[RST_CAUSE_MAX])
{
	const uint8_t server = RST_ROLE_SERVER, client = RST_ROLE_CLIENT;
	const struct example table[] = {
		EXAMPLE(MPTCP_SUBFLOW_RESET, CERTAIN,
			living(REASON_MPTCP, STATE_ESTABLISHED, RST_EVENT_MPTCP)),
		EXAMPLE(KEEPALIVE_PROBE_TIMEOUT, CERTAIN,
			living(REASON_TCP_KEEPALIVE_TIMEOUT, STATE_ESTABLISHED,
			       RST_EVENT_KEEPALIVE)),
		EXAMPLE(ORPHAN_MEMORY, CERTAIN,
			living(REASON_TCP_ABORT_ON_MEMORY, STATE_FIN_WAIT1, RST_EVENT_DEAD)),
		EXAMPLE(ORPHAN_MEMORY, CERTAIN, sample_closed(server, REASON_TCP_ABORT_ON_MEMORY)),
		EXAMPLE(LINGER2_ABORT, CERTAIN, sample_closed(server, REASON_TCP_ABORT_ON_LINGER)),
		EXAMPLE(ADMIN_ABORT, CERTAIN,
			living(REASON_TCP_STATE, STATE_ESTABLISHED, RST_EVENT_OWNED)),
		EXAMPLE(FIN_WAIT2_TIMEOUT, CERTAIN,
			living(REASON_TCP_STATE, STATE_FIN_WAIT2, RST_EVENT_DEAD)),
		EXAMPLE(PROC_KILLED_UNREAD, CERTAIN, died(SIGKILL, -1)),
		EXAMPLE(PROC_CRASH_UNREAD, CERTAIN, died(SIGSEGV, -1)),
		EXAMPLE(PROC_CRASH_UNREAD, CERTAIN, died(SIGABRT, -1)),
		EXAMPLE(PROC_EXIT_UNREAD, CERTAIN, died(0, 3)),
		EXAMPLE(PROC_EXIT_UNREAD, CERTAIN, died(SIGTERM, -1)),
		EXAMPLE(UPLOAD_NOT_DRAINED, HIGH, upload()),
		EXAMPLE(KEEPALIVE_RACE_SERVER, HIGH, race_server()),
		EXAMPLE(CLIENT_ABORT_UNREAD_DATA, CERTAIN, unread(client)),
		EXAMPLE(SERVER_ABORT_UNREAD_REQUEST, HIGH, unread(server)),
		EXAMPLE(HEALTH_CHECK_RESET, HIGH, health_check(), .past = &repeated),
		EXAMPLE(HEALTH_CHECK_RESET, MEDIUM, health_check()),
		EXAMPLE(LINGER_ZERO, CERTAIN, lingering()),
		EXAMPLE(APP_DISCONNECT, CERTAIN, disconnected()),
		EXAMPLE(LISTENER_CLOSED_PENDING, CERTAIN, listener_stopped()),
	};

	check(table, ARRAY_SIZE(table), seen);
}

static void check_answers(unsigned int seen[RST_CAUSE_MAX])
{
	const uint8_t server = RST_ROLE_SERVER, client = RST_ROLE_CLIENT;
	const struct reset late = sample_answer(REASON_NO_SOCKET, 0, ACK | PSH, 80);
	const struct reset gone =
		sample_answer(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, ACK | PSH, 80);
	const struct reset stray = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK | PSH, 80);
	const struct reset bare = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK, 0);
	const struct example table[] = {
		EXAMPLE(CLOSED_PORT, CERTAIN, sample_answer(REASON_NO_SOCKET, 0, SYN, 0)),
		EXAMPLE(SERVICE_DOWN, CERTAIN,
			flagged(sample_answer(REASON_NO_SOCKET, 0, SYN, 0),
				RST_EVENT_FORMER_LISTENER)),
		EXAMPLE(ACCEPT_OVERFLOW_ABORT, CERTAIN, full_queue(REASON_INVALID_SYN)),
		EXAMPLE(ACCEPT_OVERFLOW_EXPIRED, HIGH, full_queue(REASON_TCP_FLAGS)),
		EXAMPLE(ACCEPT_OVERFLOW_EXPIRED, MEDIUM, stray, .host = &overflowed),
		EXAMPLE(BAD_SYN, HIGH, sample_answer(REASON_INVALID_SYN, STATE_LISTEN, SYN, 0)),
		EXAMPLE(BAD_SYN, HIGH,
			sample_answer(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, SYN, 0)),
		EXAMPLE(STALE_PEER_CONNECTION, HIGH,
			handshake(REASON_TCP_INVALID_ACK_SEQUENCE, STATE_SYN_SENT)),
		EXAMPLE(HANDSHAKE_BAD_ACK, MEDIUM, handshake(REASON_TCP_OLD_ACK, STATE_SYN_RECV)),
		EXAMPLE(SYNCOOKIE_FAILED, MEDIUM, bare, .host = &cookies_failed),
		EXAMPLE(NAT_STATE_LOST, HIGH, stray, .host = &sibling),
		EXAMPLE(NAT_STATE_LOST, MEDIUM, late, .host = &sibling),
		EXAMPLE(HALF_OPEN_TO_LISTENER, MEDIUM, stray),
		EXAMPLE(HALF_OPEN_TO_LISTENER, LOW, bare),
		EXAMPLE(HALF_OPEN_UNKNOWN, MEDIUM, late),
		EXAMPLE(HALF_OPEN_UNKNOWN, LOW, sample_answer(REASON_NO_SOCKET, 0, ACK, 0)),
		EXAMPLE(KEEPALIVE_RACE_SERVER, HIGH, former(gone, server, 5000, 40)),
		EXAMPLE(KEEPALIVE_RACE_SERVER, HIGH, former(late, server, 5000, 40)),
		EXAMPLE(KEEPALIVE_RACE_SERVER, HIGH, former(stray, server, 5000, 40)),
		EXAMPLE(DATA_AFTER_LOCAL_CLOSE, CERTAIN, former(gone, client, 5000, 40)),
		EXAMPLE(DATA_AFTER_LOCAL_CLOSE, CERTAIN, former(gone, server, 3, 40)),
		EXAMPLE(DATA_AFTER_LOCAL_CLOSE, MEDIUM, former(gone, server, 5000, 4000)),
		EXAMPLE(DATA_AFTER_LOCAL_CLOSE, MEDIUM, gone),
		EXAMPLE(RST_INJECTED, HIGH, late, .past = &aftermath),
		EXAMPLE(FIREWALL_REJECT, CERTAIN,
			flagged(sample_answer(REASON_NONE, 0, SYN, 0), RST_EVENT_REJECT)),
		EXAMPLE(FIREWALL_REJECT, CERTAIN,
			flagged(sample_answer(REASON_NONE, 0, ACK | PSH, 80), RST_EVENT_REJECT)),
	};

	check(table, ARRAY_SIZE(table), seen);
}

static void check_received(unsigned int seen[RST_CAUSE_MAX])
{
	const uint8_t server = RST_ROLE_SERVER, client = RST_ROLE_CLIENT;
	const struct reset open = received(client, STATE_ESTABLISHED);
	const struct reset sending = in_flight(received(server, STATE_ESTABLISHED), 90000);
	const struct example table[] = {
		EXAMPLE(REFUSED_SYN, CERTAIN, sample_socket(RST_RECEIVED, client, STATE_SYN_SENT)),
		EXAMPLE(PEER_ABORT_HANDSHAKE, MEDIUM,
			sample_socket(RST_RECEIVED, server, STATE_SYN_RECV)),
		EXAMPLE(LATE_RST_AFTER_CLOSE, CERTAIN,
			flagged(received(server, STATE_FIN_WAIT1), RST_EVENT_DEAD)),
		EXAMPLE(LATE_RST_AFTER_CLOSE, CERTAIN, received(server, STATE_LAST_ACK)),
		EXAMPLE(WRITE_AFTER_PEER_CLOSE, HIGH,
			in_flight(received(server, STATE_CLOSE_WAIT), 700)),
		EXAMPLE(ACCEPT_OVERFLOW_PEER, HIGH, never_taken()),
		EXAMPLE(KEEPALIVE_RACE_CLIENT, MEDIUM, after_silence(2700)),
		EXAMPLE(KEEPALIVE_RACE_CLIENT, HIGH, with_packet(after_silence(2700), true, 63)),
		EXAMPLE(MIDDLEBOX_IDLE_REJECT, HIGH, with_packet(after_silence(350000), false, 64)),
		EXAMPLE(MIDDLEBOX_IDLE_REJECT, MEDIUM, with_packet(after_silence(3500), false, 64)),
		EXAMPLE(PEER_LOST_CONNECTION, MEDIUM, with_packet(after_silence(3500), false, 63)),
		EXAMPLE(PEER_LOST_CONNECTION, MEDIUM, after_silence(600000)),
		EXAMPLE(RST_INJECTED, MEDIUM, with_packet(open, false, 41)),
		EXAMPLE(RST_INJECTED, HIGH, open, .past = &aftermath),
		EXAMPLE(PEER_APP_ABORT_SENDING, MEDIUM, sending),
		EXAMPLE(PEER_APP_ABORT_SENDING, HIGH, with_packet(sending, true, 63)),
		EXAMPLE(PEER_APP_ABORT_IDLE, MEDIUM, open),
		EXAMPLE(PEER_APP_ABORT_IDLE, HIGH, with_packet(open, true, 63)),
		EXAMPLE(PEER_APP_ABORT_IDLE, MEDIUM, received(client, STATE_FIN_WAIT2)),
		EXAMPLE(CONNECT_TIMEOUT, CERTAIN, timeout(STATE_SYN_SENT, ETIMEDOUT)),
		EXAMPLE(ICMP_REFUSED, HIGH, timeout(STATE_SYN_SENT, EHOSTUNREACH)),
		EXAMPLE(SILENT_DROP_TIMEOUT, HIGH,
			in_flight(timeout(STATE_ESTABLISHED, ETIMEDOUT), 90)),
		EXAMPLE(SILENT_DROP_TIMEOUT, MEDIUM, timeout(STATE_ESTABLISHED, ETIMEDOUT)),
		EXAMPLE(ADMIN_ABORT, CERTAIN, timeout(STATE_ESTABLISHED, ECONNABORTED)),
	};

	check(table, ARRAY_SIZE(table), seen);
}

/* Counters only: no record shows them. */
static bool is_counter(unsigned int cause)
{
	return cause == RST_CAUSE_HANDSHAKE_RST_EMBRYONIC || cause == RST_CAUSE_RST_IGNORED;
}

Test(diagnose, every_cause_has_an_example)
{
	unsigned int seen[RST_CAUSE_MAX] = {1}; /* 'unknown' has a test of its own */

	check_sent(seen);
	check_answers(seen);
	check_received(seen);
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++)
		cr_assert_eq(seen[i] > 0, !is_counter(i), "%s", cause_name(i));
}

Test(diagnose, a_key_alone_decides_little)
{
	struct reset r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_CLOSE);

	r.reason = REASON_TCP_ABORT_ON_CLOSE;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r.role = RST_ROLE_CLIENT;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r.reason = REASON_TCP_STATE;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_LISTEN);
	r.reason = REASON_TCP_FLAGS;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r = sample_key(RST_SENT, RST_ROLE_NONE, 0);
	r.reason = REASON_NO_SOCKET;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r.syn = true;
	cr_assert_cause(verdict_of(r), RST_CAUSE_CLOSED_PORT, CONFIDENCE_CERTAIN);
	r.flags |= RST_EVENT_REJECT;
	cr_assert_cause(verdict_of(r), RST_CAUSE_FIREWALL_REJECT, CONFIDENCE_CERTAIN);
	r = sample_key(RST_RECEIVED, RST_ROLE_CLIENT, STATE_ESTABLISHED);
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_CLOSE);
	r.reason = REASON_TCP_ABORT_ON_DATA;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
}
