/* SPDX-License-Identifier: GPL-2.0-only */
/* Each cause by an example of its own, the stories that resets belong to, the errno, and evidence.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "daemon/diagnose.h"
#include "tests/unit/daemon/sample_reset.h"

static const struct past nothing;
static const struct host long_watched = {
	.watched_ms = 3600 * 1000, .overflowed = -1, .cookies_failed = -1, .sibling = -1};

static struct verdict judge(const struct reset *r, const struct past *past, const struct host *host)
{
	static const struct owner nobody;
	struct verdict v;

	diagnose(r, &nobody, past, host, &v);
	return v;
}

static struct verdict verdict_of(struct reset r)
{
	return judge(&r, &nothing, &long_watched);
}

#define cr_assert_cause(v, c, level)                                                               \
	do {                                                                                       \
		struct verdict v_ = (v);                                                           \
		cr_assert_str_eq(cause_name(v_.cause), cause_name(c));                             \
		cr_assert_str_eq(confidence_name(v_.confidence), confidence_name(level));          \
	} while (0)

static bool has_evidence(const struct verdict *v, const char *text)
{
	for (unsigned int i = 0; i < v->n_evidence; i++)
		if (!strcmp(v->evidence[i], text))
			return true;
	return false;
}

/* ---- an example of each cause ---- */

static struct reset unread(uint8_t role)
{
	struct reset r = sample_closed(role, REASON_TCP_ABORT_ON_CLOSE);

	r.unread_bytes = 500;
	r.bytes_received = 500;
	r.receive_idle_ms = 100;
	return r;
}

static struct reset died(int signal, int status)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.flags |= RST_EVENT_EXITING;
	r.has_exit = true;
	r.exit_signal = signal;
	r.exit_status = status;
	return r;
}

static struct reset upload(void)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.bytes_received = 300000;
	r.unread_bytes = 50000;
	r.bytes_sent = 400;
	r.send_idle_ms = 1020;
	return r;
}

static struct reset race_server(void)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.bytes_received = 1000;
	r.bytes_sent = 4000;
	r.send_idle_ms = 20000;
	return r;
}

static struct reset lingering(void)
{
	struct reset r = sample_closed(RST_ROLE_SERVER, REASON_TCP_STATE);

	r.flags |= RST_EVENT_LINGER;
	return r;
}

static struct reset health_check(void)
{
	struct reset r = sample_closed(RST_ROLE_CLIENT, REASON_TCP_STATE);

	r.flags |= RST_EVENT_LINGER;
	r.age_ms = 1;
	return r;
}

static struct reset disconnected(void)
{
	struct reset r = sample_closed(RST_ROLE_CLIENT, REASON_TCP_STATE);

	r.flags = RST_EVENT_OWNED;
	return r;
}

static struct reset listener_stopped(void)
{
	struct reset r = sample_closed(RST_ROLE_SERVER, REASON_TCP_STATE);

	r.flags = RST_EVENT_NO_SOCKET_FILE;
	return r;
}

static struct reset living(enum reason reason, uint8_t state, uint32_t flags)
{
	struct reset r = sample_socket(RST_SENT, RST_ROLE_CLIENT, state);

	r.reason = reason;
	r.flags = flags;
	return r;
}

static struct reset handshake(enum reason reason, uint8_t state)
{
	struct reset r = living(reason, state, 0);

	sample_segment(&r, ACK, 0);
	return r;
}

static struct reset full_queue(enum reason reason)
{
	struct reset r = sample_answer(reason, STATE_LISTEN, ACK | PSH, 80);

	r.backlog = 129;
	return r;
}

static struct reset received(uint8_t role, uint8_t state)
{
	struct reset r = sample_socket(RST_RECEIVED, role, state);

	r.bytes_received = 3000;
	r.bytes_sent = 800;
	r.bytes_acked = 801;
	r.idle_ms = r.receive_idle_ms = r.ack_idle_ms = 20;
	r.send_idle_ms = 20;
	return r;
}

static struct reset after_silence(int64_t idle_ms)
{
	struct reset r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.idle_ms = r.receive_idle_ms = r.ack_idle_ms = idle_ms;
	r.unacked_bytes = 90;
	r.send_idle_ms = 1;
	return r;
}

static struct reset never_taken(void)
{
	struct reset r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.bytes_received = 0;
	r.bytes_acked = 1;
	r.unacked_bytes = 80;
	r.retransmits = 4;
	r.idle_ms = r.age_ms = 3300;
	return r;
}

static struct reset timeout(uint8_t previous_state, int error)
{
	struct reset r = sample_socket(RST_TIMEOUT, RST_ROLE_CLIENT, STATE_CLOSE);

	r.previous_state = previous_state;
	r.error = error;
	return r;
}

static struct reset with_packet(struct reset r, bool active, uint8_t ttl)
{
	sample_packet(&r, active, ttl);
	return r;
}

static struct reset former(struct reset r, uint8_t role, int64_t idle_ms, int64_t fin_ms)
{
	sample_former(&r, role, idle_ms, fin_ms);
	return r;
}

static struct reset flagged(struct reset r, uint32_t flags)
{
	r.flags |= flags;
	return r;
}

static struct reset in_flight(struct reset r, int64_t bytes)
{
	r.unacked_bytes = bytes;
	return r;
}

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
		struct verdict v = judge(&e[i].reset, e[i].past ? e[i].past : &nothing,
					 e[i].host ? e[i].host : &long_watched);

		cr_assert_str_eq(cause_name(v.cause), cause_name(e[i].cause), "%zu: %s", i,
				 cause_name(e[i].cause));
		cr_assert_str_eq(confidence_name(v.confidence), confidence_name(e[i].confidence),
				 "%zu: %s", i, cause_name(v.cause));
		cr_assert_eq(v.path, path_of(&e[i].reset));
		cr_assert_gt(v.n_evidence, 0, "%s", cause_name(v.cause));
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
	r = sample_key(RST_RECEIVED, RST_ROLE_CLIENT, STATE_ESTABLISHED);
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
	r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_CLOSE);
	r.reason = REASON_TCP_ABORT_ON_DATA;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
}

/* ---- neighbours ---- */

Test(diagnose, a_server_that_closes_unread)
{
	struct reset r = race_server();

	r.receive_idle_ms = 1500; /* the request waited: no race */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_HIGH);
	r = race_server();
	r.send_idle_ms = 300; /* right after an answer: a second request, or a rest of the first */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_MEDIUM);
	r = race_server();
	r.bytes_received = r.unread_bytes; /* it never read anything */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_HIGH);
	r = upload();
	r.bytes_sent = 0; /* no answer */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_HIGH);
	r = upload();
	r.unread_bytes = 1400; /* a slow uplink */
	r.receive_idle_ms = 5;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UPLOAD_NOT_DRAINED, CONFIDENCE_MEDIUM);
	r = unread(RST_ROLE_SERVER);
	r.unread_bytes = 31; /* TLS close_notify */
	r.flags |= RST_EVENT_FIN_RECEIVED;
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_MEDIUM);
	r.role = RST_ROLE_CLIENT;
	cr_assert_cause(verdict_of(r), RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, CONFIDENCE_MEDIUM);
	r.role = RST_ROLE_NONE;
	cr_assert_cause(verdict_of(r), RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);
}

Test(diagnose, a_health_check_says_nothing_and_is_brief)
{
	struct reset r = health_check();

	r.bytes_sent = 1;
	cr_assert_cause(verdict_of(r), RST_CAUSE_LINGER_ZERO, CONFIDENCE_CERTAIN);
	r = health_check();
	r.age_ms = 1500;
	cr_assert_cause(verdict_of(r), RST_CAUSE_LINGER_ZERO, CONFIDENCE_CERTAIN);
	r = health_check();
	r.role = RST_ROLE_SERVER;
	cr_assert_cause(verdict_of(r), RST_CAUSE_LINGER_ZERO, CONFIDENCE_CERTAIN);
}

Test(diagnose, data_after_the_close)
{
	struct reset r = living(REASON_TCP_ABORT_ON_DATA, STATE_CLOSE, 0);

	sample_segment(&r, ACK | PSH, 90);
	r.role = RST_ROLE_SERVER;
	r.bytes_sent = 500;
	r.send_idle_ms = 2700;
	r.previous_state = STATE_FIN_WAIT1; /* the FIN was not acknowledged yet */
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	r.previous_state = STATE_FIN_WAIT2;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
	r.send_idle_ms = 3;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_CERTAIN);
	r.bytes_sent = 0;
	r.send_idle_ms = -1;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_CERTAIN);

	r = sample_answer(REASON_NO_SOCKET, 0, ACK | FIN, 0);
	sample_former(&r, RST_ROLE_SERVER, 5000, 40);
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
}

Test(diagnose, what_the_peer_did_not_get)
{
	struct reset r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK | PSH, 80);

	sample_former(&r, RST_ROLE_SERVER, 5000, 4000);
	r.former_reset = 1;
	cr_assert_cause(verdict_of(r), RST_CAUSE_HALF_OPEN_TO_LISTENER, CONFIDENCE_HIGH);
	r.former_reset = 2; /* the peer goes on after "its" reset */
	cr_assert_cause(verdict_of(r), RST_CAUSE_RST_INJECTED, CONFIDENCE_HIGH);
	r.closed_ms = 20; /* or had this on its way before it */
	cr_assert_cause(verdict_of(r), RST_CAUSE_HALF_OPEN_TO_LISTENER, CONFIDENCE_MEDIUM);
}

Test(diagnose, a_listener_that_knows_nothing)
{
	struct reset r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK, 0);

	r.requests = 2;
	cr_assert_cause(verdict_of(r), RST_CAUSE_HANDSHAKE_BAD_ACK, CONFIDENCE_MEDIUM);
	r = full_queue(REASON_TCP_FLAGS);
	r.payload = 0;
	r.tcp_flags = ACK | FIN; /* a client that waited for a greeting */
	cr_assert_cause(verdict_of(r), RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED, CONFIDENCE_MEDIUM);
	r.backlog = r.backlog_max; /* full is one more */
	cr_assert_cause(verdict_of(r), RST_CAUSE_HALF_OPEN_TO_LISTENER, CONFIDENCE_MEDIUM);
}

Test(diagnose, an_open_connection_is_reset)
{
	struct reset r = after_silence(2700);

	r.role = RST_ROLE_SERVER; /* speaks first after a silence: its client is gone */
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_LOST_CONNECTION, CONFIDENCE_MEDIUM);
	r = after_silence(2700);
	r.retransmits = 3;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_LOST_CONNECTION, CONFIDENCE_MEDIUM);
	r = after_silence(600000); /* longer than programs wait, but a program's reset it is */
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_KEEPALIVE_RACE_CLIENT,
			CONFIDENCE_HIGH);
	r = after_silence(300);
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_SENDING, CONFIDENCE_MEDIUM);

	r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED); /* the request was acknowledged */
	r.receive_idle_ms = 2700;
	r.send_idle_ms = r.idle_ms = 1;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_CLIENT, CONFIDENCE_MEDIUM);
	r.send_idle_ms = 900; /* and worked on */
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_IDLE, CONFIDENCE_MEDIUM);

	r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);
	r.probes = 1;
	cr_assert_cause(verdict_of(with_packet(r, false, 63)), RST_CAUSE_PEER_LOST_CONNECTION,
			CONFIDENCE_MEDIUM);
	r.probes = 0;
	r.send_idle_ms = 60000;
	cr_assert_cause(verdict_of(with_packet(r, false, 63)), RST_CAUSE_RST_INJECTED,
			CONFIDENCE_LOW);
}

Test(diagnose, a_connection_that_was_never_accepted)
{
	struct reset r = never_taken();

	r.bytes_received = 1;
	cr_assert_neq(verdict_of(r).cause, RST_CAUSE_ACCEPT_OVERFLOW_PEER);
	r = never_taken();
	r.age_ms = 600000;
	cr_assert_neq(verdict_of(r).cause, RST_CAUSE_ACCEPT_OVERFLOW_PEER);
	r = never_taken();
	r.retransmits = 0; /* tcp_abort_on_overflow */
	r.idle_ms = 2;
	cr_assert_cause(verdict_of(with_packet(r, false, 63)), RST_CAUSE_ACCEPT_OVERFLOW_PEER,
			CONFIDENCE_MEDIUM);
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_SENDING, CONFIDENCE_MEDIUM);
}

Test(diagnose, after_the_peers_fin)
{
	struct reset r = received(RST_ROLE_SERVER, STATE_CLOSE_WAIT);

	r.since_state_ms = 50;
	r.send_idle_ms = 40;
	cr_assert_cause(verdict_of(r), RST_CAUSE_WRITE_AFTER_PEER_CLOSE, CONFIDENCE_HIGH);
	r.send_idle_ms = 60;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_IDLE, CONFIDENCE_MEDIUM);
	r.unacked_bytes = 10;
	cr_assert_cause(verdict_of(r), RST_CAUSE_WRITE_AFTER_PEER_CLOSE, CONFIDENCE_HIGH);

	r = received(RST_ROLE_CLIENT, STATE_FIN_WAIT1); /* shutdown(SHUT_WR) in an upload */
	r.unacked_bytes = 5000;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_SENDING, CONFIDENCE_MEDIUM);
}

Test(diagnose, keepalive_probes_without_answer_or_reset)
{
	struct reset r = timeout(STATE_ESTABLISHED, ETIMEDOUT);

	r.flags |= RST_EVENT_KEEPALIVE;
	r.probes = 2;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, CONFIDENCE_HIGH);
}

/* ---- stories ---- */

static const struct past raced = {.second = true,
				  .second_cause = RST_CAUSE_KEEPALIVE_RACE_SERVER,
				  .second_confidence = CONFIDENCE_HIGH,
				  .second_ms = 12};

Test(diagnose, the_second_reset_inherits)
{
	struct reset r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK | PSH, 80);
	struct past past = raced;
	struct verdict v = judge(&r, &past, &long_watched);

	cr_assert_cause(v, RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	cr_assert_str_eq(v.evidence[0], "second_reset_ms=12");
	r = sample_answer(REASON_NO_SOCKET, 0, ACK, 0);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_KEEPALIVE_RACE_SERVER,
			CONFIDENCE_HIGH);
	r = timeout(STATE_ESTABLISHED, ETIMEDOUT);
	past.second_cause = RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT;
	past.second_confidence = CONFIDENCE_CERTAIN;
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT,
			CONFIDENCE_CERTAIN);
}

Test(diagnose, what_is_no_second_reset)
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

Test(diagnose, the_sender_knows_why)
{
	struct past past = sender(RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	struct reset r = after_silence(2700);
	struct verdict v = judge(&r, &past, &long_watched);

	cr_assert_cause(v, RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	cr_assert_str_eq(v.evidence[0], "other_end=java[812]");
	cr_assert(has_evidence(&v, "idle_ms=2700"), "its own numbers stay");

	r = in_flight(received(RST_ROLE_SERVER, STATE_CLOSE_WAIT), 10);
	past = sender(RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_CERTAIN);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE,
			CONFIDENCE_CERTAIN);
	past = sender(RST_CAUSE_HALF_OPEN_UNKNOWN, CONFIDENCE_LOW);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_WRITE_AFTER_PEER_CLOSE,
			CONFIDENCE_HIGH);
	past = sender(RST_CAUSE_UNKNOWN, CONFIDENCE_CERTAIN);
	cr_assert_cause(judge(&r, &past, &long_watched), RST_CAUSE_WRITE_AFTER_PEER_CLOSE,
			CONFIDENCE_HIGH);
}

Test(diagnose, what_the_sender_does_not_change)
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

Test(diagnose, settled_is_what_nothing_can_change)
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
}

Test(diagnose, the_host_is_asked_about_unknown_connections_only)
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

Test(diagnose, the_errno_that_the_application_gets)
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

Test(diagnose, evidence_is_bounded_and_most_telling_first)
{
	struct reset r = died(SIGKILL, -1);
	struct verdict v;

	r.flags |= RST_EVENT_OOM;
	r.reason_name = "TCP_ABORT_ON_CLOSE";
	v = verdict_of(r);
	cr_assert_str_eq(v.evidence[0], "exit_signal=9");
	cr_assert_str_eq(v.evidence[1], "oom=1");
	cr_assert_str_eq(v.evidence[2], "unread_bytes=500");
	cr_assert_str_eq(v.evidence[3], "reason=TCP_ABORT_ON_CLOSE");
	cr_assert_str_eq(v.evidence[4], "state=CLOSE");
	cr_assert_eq(v.n_evidence, 5);

	struct past past = sender(RST_CAUSE_UNKNOWN, CONFIDENCE_LOW);

	past.burst = 40;
	past.idle_alike = 3;
	past.idle_alike_ms = 5000;
	r = with_packet(after_silence(INT64_MAX), true, 63);
	v = judge(&r, &past, &long_watched);
	cr_assert_eq(v.n_evidence, RSTMON_EVIDENCE_MAX);
	cr_assert(has_evidence(&v, "idle_ms=9223372036854775807"));
	cr_assert(has_evidence(&v, "packet=RST|ACK,window=502,header=32"));
	cr_assert(has_evidence(&v, "ttl=63/63"));
}

Test(diagnose, evidence_that_names_somebody)
{
	struct reset r =
		flagged(sample_answer(REASON_NO_SOCKET, 0, SYN, 0), RST_EVENT_FORMER_LISTENER);
	struct past past = {.ports_asked = 12};
	struct verdict v;

	r.former_tgid = UINT32_MAX;
	memcpy(r.former_comm, "fifteen letters", 16);
	v = verdict_of(r);
	cr_assert_str_eq(v.evidence[0], "former_listener=fifteen letters[4294967295]");
	r = sample_answer(REASON_NO_SOCKET, 0, SYN, 0);
	v = judge(&r, &past, &long_watched);
	cr_assert_str_eq(v.evidence[0], "ports_asked=12");
	cr_assert_str_eq(v.evidence[1], "segment=SYN");
	cr_assert_eq(v.cause, RST_CAUSE_CLOSED_PORT);
	r = full_queue(REASON_INVALID_SYN);
	v = verdict_of(r);
	cr_assert(has_evidence(&v, "backlog=129/128"));
	cr_assert(has_evidence(&v, "segment=PSH|ACK+80"));
	r = living(REASON_TCP_STATE, STATE_ESTABLISHED, RST_EVENT_OWNED);
	r.actor_tgid = 77;
	memcpy(r.actor_comm, "ss", 3);
	r.actor_parent_tgid = 70;
	memcpy(r.actor_parent_comm, "bash", 5);
	v = verdict_of(r);
	cr_assert_str_eq(v.evidence[0], "actor=ss[77]");
	cr_assert_str_eq(v.evidence[1], "actor_parent=bash[70]");
	r = sample_closed(RST_ROLE_SERVER, REASON_TCP_ABORT_ON_LINGER);
	r.linger2 = INT32_MIN;
	v = verdict_of(r);
	cr_assert(has_evidence(&v, "linger2=-2147483648"));
}
