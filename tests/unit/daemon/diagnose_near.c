/* SPDX-License-Identifier: GPL-2.0-only */
/* Neighbours: what differs in one number and is something else. */
#include "common/util.h"

#include "tests/unit/daemon/sample_cause.h"

Test(diagnose_near, a_server_that_closes_unread)
{
	struct reset r = race_server();

	r.receive_idle_ms = 1500; /* the request waited: no race */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_HIGH);
	r.fin_ms =
		1600; /* it waited because the server shut down first: it came 100 ms after that */
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	r.fin_ms = 1400; /* it had been there before */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_HIGH);
	r = race_server();
	r.send_idle_ms = 300; /* right after an answer: a second request, or a rest of the first */
	cr_assert_cause(verdict_of(r), RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, CONFIDENCE_MEDIUM);
	r = race_server();
	r.unread_bytes = 31; /* TLS close_notify, not a request */
	r.flags |= RST_EVENT_FIN_RECEIVED;
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

Test(diagnose_near, a_health_check_says_nothing_and_is_brief)
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

Test(diagnose_near, data_after_the_close)
{
	struct reset r = living(REASON_TCP_ABORT_ON_DATA, STATE_CLOSE, 0);

	sample_segment(&r, ACK | PSH, 90);
	r.role = RST_ROLE_SERVER;
	r.bytes_sent = 500;
	r.send_idle_ms = 2700;
	r.previous_state = STATE_FIN_WAIT1; /* the FIN was not acknowledged yet */
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	r.flags |= RST_EVENT_EXITING; /* a restart closes idle connections too */
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
	r.flags &= ~(uint32_t)RST_EVENT_EXITING;
	r.previous_state = STATE_FIN_WAIT2;
	r.fin_ms = 10; /* acknowledged, and yet the client's program cannot have known */
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	r.fin_ms = 1400; /* it could: an idle connection was used without a look */
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

Test(diagnose_near, a_restart_is_no_keepalive_race)
{
	struct reset r = sample_answer(REASON_NO_SOCKET, 0, ACK | PSH, 80);

	sample_former(&r, RST_ROLE_SERVER, 5000, 40);
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_HIGH);
	r.former_flags |= RST_FORMER_EXITING;
	cr_assert_cause(verdict_of(r), RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, CONFIDENCE_MEDIUM);
}

Test(diagnose_near, session_tickets_are_no_answer)
{
	struct reset r = unread(RST_ROLE_CLIENT);

	r.unread_bytes = 510;
	r.bytes_received = 1831;
	cr_assert_cause(verdict_of(r), RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, CONFIDENCE_MEDIUM);
	r.bytes_received = 510; /* nothing before it, so no handshake either */
	cr_assert_cause(verdict_of(r), RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, CONFIDENCE_CERTAIN);
	r.unread_bytes = 100000;
	r.bytes_received = 200000;
	cr_assert_cause(verdict_of(r), RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, CONFIDENCE_CERTAIN);
}

Test(diagnose_near, a_tunnel_answers_nothing)
{
	struct reset r = upload();

	cr_assert_cause(verdict_of(r), RST_CAUSE_UPLOAD_NOT_DRAINED, CONFIDENCE_HIGH);
	r.bytes_sent = 200000; /* both ways alike: a proxy whose other side is gone */
	cr_assert_cause(verdict_of(r), RST_CAUSE_UPLOAD_NOT_DRAINED, CONFIDENCE_MEDIUM);
}

/* A receiver of logs: silent as an idle server, but nobody asked it anything. */
Test(diagnose_near, a_stream_is_no_request)
{
	struct reset r = race_server();

	r.bytes_received = 40000;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_MEDIUM);
	r = sample_answer(REASON_NO_SOCKET, 0, ACK | PSH, 80);
	sample_former(&r, RST_ROLE_SERVER, 5000, 40);
	r.former_bytes_received = 5 * r.former_bytes_sent;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_MEDIUM);
	r = sample_socket(RST_SENT, RST_ROLE_SERVER, STATE_CLOSE);
	sample_segment(&r, ACK | PSH, 80);
	r.reason = REASON_TCP_ABORT_ON_DATA;
	r.previous_state = STATE_FIN_WAIT1;
	r.bytes_sent = 500;
	r.send_idle_ms = 2700;
	r.bytes_received = 5080;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_RACE_SERVER, CONFIDENCE_MEDIUM);

	r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);
	r.receive_idle_ms = 2700;
	r.send_idle_ms = r.idle_ms = 1;
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_KEEPALIVE_RACE_CLIENT,
			CONFIDENCE_HIGH);
	r.bytes_sent = 5 * r.bytes_received;
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_KEEPALIVE_RACE_CLIENT,
			CONFIDENCE_MEDIUM);
}

Test(diagnose_near, what_the_peer_did_not_get)
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

Test(diagnose_near, a_listener_that_knows_nothing)
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

Test(diagnose_near, an_open_connection_is_reset)
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
	r.receive_idle_ms = 400;
	r.send_idle_ms = 30; /* a pause in an upload, or the end of a request */
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_PEER_APP_ABORT_IDLE,
			CONFIDENCE_MEDIUM);

	r.bytes_sent = 100000;
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_PEER_APP_ABORT_SENDING,
			CONFIDENCE_MEDIUM);
	r.bytes_received = 100000; /* many requests */
	cr_assert_cause(verdict_of(with_packet(r, true, 63)), RST_CAUSE_PEER_APP_ABORT_IDLE,
			CONFIDENCE_MEDIUM);

	r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);
	r.probes = 1;
	cr_assert_cause(verdict_of(with_packet(r, false, 63)), RST_CAUSE_PEER_LOST_CONNECTION,
			CONFIDENCE_MEDIUM);
	r.probes = 0;
	r.send_idle_ms = 60000;
	cr_assert_cause(verdict_of(with_packet(r, false, 63)), RST_CAUSE_RST_INJECTED,
			CONFIDENCE_LOW);
}

Test(diagnose_near, a_connection_that_was_never_accepted)
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

Test(diagnose_near, after_the_peers_fin)
{
	struct reset r = received(RST_ROLE_SERVER, STATE_CLOSE_WAIT);

	r.since_state_ms = 50;
	r.send_idle_ms = 40;
	cr_assert_cause(verdict_of(r), RST_CAUSE_WRITE_AFTER_PEER_CLOSE, CONFIDENCE_HIGH);
	r.send_idle_ms = 60;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_IDLE, CONFIDENCE_MEDIUM);
	r.unacked_bytes = 10;
	cr_assert_cause(verdict_of(r), RST_CAUSE_WRITE_AFTER_PEER_CLOSE, CONFIDENCE_HIGH);

	r.since_state_ms = 30000; /* took more for half a minute: only half of it was closed */
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_SENDING, CONFIDENCE_MEDIUM);
	r.unacked_bytes = 0;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_IDLE, CONFIDENCE_MEDIUM);
	r.flags |= RST_EVENT_KEEPALIVE; /* which who is gone answers, too */
	cr_assert_cause(verdict_of(r), RST_CAUSE_WRITE_AFTER_PEER_CLOSE, CONFIDENCE_HIGH);

	r = received(RST_ROLE_CLIENT, STATE_FIN_WAIT1); /* shutdown(SHUT_WR) in an upload */
	r.unacked_bytes = 5000;
	cr_assert_cause(verdict_of(r), RST_CAUSE_PEER_APP_ABORT_SENDING, CONFIDENCE_MEDIUM);
}

Test(diagnose_near, keepalive_probes_without_answer_or_reset)
{
	struct reset r = timeout(STATE_ESTABLISHED, ETIMEDOUT);

	r.flags |= RST_EVENT_KEEPALIVE;
	r.probes = 2;
	cr_assert_cause(verdict_of(r), RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, CONFIDENCE_HIGH);
}
