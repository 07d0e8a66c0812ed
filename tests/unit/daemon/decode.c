/* SPDX-License-Identifier: GPL-2.0-only */
/* Records into resets: every kind, every refusal, and random bytes. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/decode.h"

static struct reasons reasons;

static void name_reasons(void)
{
	reasons_add(&reasons, 1, "SK_RST_REASON_NO_SOCKET");
	reasons_add(&reasons, 11, "SK_RST_REASON_TCP_ABORT_ON_CLOSE");
}

TestSuite(decode, .init = name_reasons);

static struct rst_event_sock sample(void)
{
	struct rst_event_sock e = {
		.event =
			{
				.version = RST_EVENT_VERSION,
				.kind = RST_EVENT_SOCK,
				.size = sizeof(e),
				.flags = RST_EVENT_EXITING | RST_EVENT_OWNED,
				.time = 10 * NSEC_PER_SEC,
				.key =
					{
						.owner_start = 77,
						.owner_tgid = 812,
						.netns = 4026531840,
						.port = 8080,
						.direction = RST_SENT,
						.role = RST_ROLE_SERVER,
						.reason = 11,
						.state = STATE_CLOSE,
						.previous_state = STATE_CLOSE_WAIT,
						.owner_source = RST_OWNER_READ,
					},
				.local = {192, 0, 2, 1},
				.remote = {192, 0, 2, 9},
				.local_port = 8080,
				.remote_port = 40000,
			},
		.sk = 0xffff,
		.established = 4 * NSEC_PER_SEC,
		.state_since = 9 * NSEC_PER_SEC,
		.fin_sent = 8 * NSEC_PER_SEC,
		.bytes_received = 517,
		.bytes_sent = 1000,
		.unread = 500,
		.receive_idle_ms = 250,
		.ack_idle_ms = 3000,
		.send_idle_ms = 500000,
		.actor_tgid = 812,
		.exit_code = 3 << 8,
		.ttl_base = 1,
		.owner_comm = "java",
		.actor_comm = "ja\x1bva",
	};

	return e;
}

static struct rst_former former(void)
{
	struct rst_former f = {
		.owner_start = 78,
		.owner_tgid = 640,
		.established = 2 * NSEC_PER_SEC,
		.fin_sent = 8 * NSEC_PER_SEC,
		.closed = 9 * NSEC_PER_SEC,
		.receive_idle_ms = 500,
		.send_idle_ms = 7000,
		.bytes_received = 11,
		.bytes_sent = 12,
		.exit_code = 9,
		.owner_source = RST_OWNER_READ,
		.role = RST_ROLE_CLIENT,
		.previous_state = STATE_FIN_WAIT2,
		.reset = 2,
		.flags = RST_FORMER_FIN_FIRST,
		.comm = "ng\x1binx",
	};

	return f;
}

static struct rst_event_former sample_former(void)
{
	struct rst_event_former e = {.event = sample().event, .former = former()};

	e.event.kind = RST_EVENT_FORMER;
	e.event.size = sizeof(e);
	e.event.flags = 0;
	return e;
}

Test(decode, an_error_that_was_only_noted)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.error = 0;
	e.error_soft = ECONNREFUSED;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.error, 0, "of a reset it is a hint");
	e.event.key.direction = RST_TIMEOUT;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.error, ECONNREFUSED);
}

Test(decode, a_full_socket)
{
	struct rst_event_sock e = sample();
	struct reset r;

	cr_assert_eq(decode(&e, sizeof(e), &reasons, 5, &r), 0);
	cr_assert_eq(r.time, 10 * NSEC_PER_SEC + 5);
	cr_assert_eq(r.monotonic, 10 * NSEC_PER_SEC);
	cr_assert_eq(r.reason, REASON_TCP_ABORT_ON_CLOSE);
	cr_assert_str_eq(r.reason_name, "TCP_ABORT_ON_CLOSE");
	cr_assert_eq(r.age_ms, 6000);
	cr_assert_eq(r.since_state_ms, 1000);
	cr_assert_eq(r.fin_ms, 2000);
	cr_assert_eq(r.idle_ms, 250, "the nearer of data and acknowledgement");
	cr_assert_eq(r.send_idle_ms, -1, "older than the connection: never");
	cr_assert_eq(r.unread_bytes, 500);
	cr_assert_eq(r.exit_status, 3);
	cr_assert_eq(r.exit_signal, 0);
	cr_assert_eq(r.ttl_base, -1, "the default TTL says nothing");
	cr_assert_str_eq(r.owner_comm, "java");
	cr_assert_str_eq(r.actor_comm, "ja?va");
	cr_assert_eq(r.local.port, 8080);
	cr_assert_not(r.local.ipv6);
	cr_assert_eq(r.backlog, -1, "no listener");
}

Test(decode, a_fin_is_no_data)
{
	struct rst_event_former f = sample_former();
	struct rst_event_sock e = sample();
	struct reset r;

	e.event.flags = RST_EVENT_FIN_RECEIVED;
	e.bytes_received = 1;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.bytes_received, 0);
	e.bytes_received = 0;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.bytes_received, 0);
	f.former.previous_state = STATE_LAST_ACK;
	cr_assert_eq(decode(&f, sizeof(f), &reasons, 0, &r), 0);
	cr_assert_eq(r.former_bytes_received, 10);
	f.former.previous_state = STATE_FIN_WAIT2;
	cr_assert_eq(decode(&f, sizeof(f), &reasons, 0, &r), 0);
	cr_assert_eq(r.former_bytes_received, 11, "the peer has not closed");
}

Test(decode, death_by_signal_has_no_status)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.exit_code = 9;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.exit_signal, 9);
	cr_assert_eq(r.exit_status, -1);
	e.event.flags = 0;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_not(r.has_exit);
	cr_assert_eq(r.exit_signal, 0);
}

Test(decode, a_listener_has_a_queue_and_no_connection)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.event.key.state = STATE_LISTEN;
	e.backlog = 2;
	e.backlog_max = 1;
	e.drops = 7;
	e.requests = 3;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.backlog, 2);
	cr_assert_eq(r.backlog_max, 1);
	cr_assert_eq(r.drops, 7);
	cr_assert_eq(r.requests, 3);
	cr_assert_eq(r.listener_age_ms, 1000);
	cr_assert_eq(r.bytes_received, -1);
	cr_assert_eq(r.age_ms, -1);
	cr_assert_eq(r.since_state_ms, -1);
	e.event.key.state = STATE_CLOSE;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.drops, -1, "a connection has none");
	cr_assert_eq(r.listener_age_ms, -1);
}

Test(decode, without_a_socket_most_is_unknown)
{
	struct rst_event e = sample().event;
	struct reset r;

	e.kind = RST_EVENT_BARE;
	e.size = sizeof(e);
	e.flags = RST_EVENT_SEGMENT | RST_EVENT_IPV6;
	e.key = (struct rst_key){
		.direction = RST_SENT, .reason = 1, .port = 9, .flags = RST_KEY_SYN};
	e.seq = 12;
	e.tcp_flags = 2;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert(r.syn);
	cr_assert(r.local.ipv6);
	cr_assert_eq(r.seq, 12);
	cr_assert_eq(r.owner_tgid, 0);
	cr_assert_eq(r.age_ms, -1);
	cr_assert_eq(r.bytes_sent, -1);
	cr_assert_eq(r.exit_status, -1);
}

Test(decode, the_closer_is_the_owner_but_a_former_listener_is_not)
{
	struct rst_event_former e = sample_former();
	struct reset r;

	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert(r.has_former);
	cr_assert_str_eq(r.owner_comm, "ng?inx");
	cr_assert_eq(r.former_tgid, 0, "it is the owner");
	cr_assert_eq(r.closed_ms, 1000);
	cr_assert_eq(r.idle_ms, 2500, "half a second when it was closed, and two since");
	cr_assert_eq(r.bytes_sent, 12);
	cr_assert_eq(r.listener_age_ms, -1);

	e.event.flags = RST_EVENT_FORMER_LISTENER;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_str_eq(r.owner_comm, "");
	cr_assert_str_eq(r.former_comm, "ng?inx");
	cr_assert_eq(r.former_tgid, 640);
	cr_assert_eq(r.listener_age_ms, 7000, "it had listened for so long");
	cr_assert_eq(r.former_bytes_sent, -1);
	cr_assert_eq(r.bytes_sent, -1);
	cr_assert_eq(r.idle_ms, -1);
}

/* Another may have had the connection since: the programs give such a reset no owner. */
Test(decode, one_that_ended_long_ago_owns_nothing)
{
	struct rst_event_former e = sample_former();
	struct reset r;

	e.event.key.owner_tgid = 0;
	e.event.key.owner_start = 0;
	e.event.key.owner_source = RST_OWNER_NONE;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.owner_tgid, 0);
	cr_assert_str_eq(r.owner_comm, "");
	cr_assert_eq(r.cgroup, 0);
	cr_assert_eq(r.former_tgid, 640);
	cr_assert_str_eq(r.former_comm, "ng?inx");
	cr_assert_eq(r.former_bytes_received, 11);
	cr_assert_eq(r.bytes_received, 11);
}

Test(decode, how_the_connection_before_had_ended)
{
	struct rst_event_former e = sample_former();
	struct reset r;

	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.former_role, RST_ROLE_CLIENT);
	cr_assert_eq(r.former_state, STATE_FIN_WAIT2);
	cr_assert_eq(r.former_reset, 2);
	cr_assert_eq(r.former_flags, RST_FORMER_FIN_FIRST);
	cr_assert_eq(r.former_fin_ms, 2000);
	cr_assert_eq(r.former_age_ms, 7000);
	cr_assert_eq(r.former_receive_idle_ms, 500);
	cr_assert_eq(r.former_send_idle_ms, 7000, "within a second of its age");
	cr_assert_eq(r.former_bytes_received, 11);
	cr_assert_eq(r.former_exit_signal, 0, "it was not exiting");
	cr_assert_eq(r.former_exit_status, -1);

	e.former.flags = RST_FORMER_EXITING | RST_FORMER_OOM;
	e.former.fin_sent = 0;
	e.former.send_idle_ms = 8001;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.former_exit_signal, 9);
	cr_assert_eq(r.former_exit_status, -1);
	cr_assert_eq(r.former_fin_ms, -1);
	cr_assert_eq(r.idle_ms, 1500, "counted from the close, where the FIN is unknown");
	cr_assert_eq(r.former_send_idle_ms, -1, "older than the connection: never");
	e.former.exit_code = 3 << 8;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.former_exit_signal, 0);
	cr_assert_eq(r.former_exit_status, 3);
}

Test(decode, a_listener_that_answers_for_a_connection_of_before)
{
	struct rst_event_sock_former e = {.sock = sample(), .former = former()};
	struct reset r;

	e.sock.event.kind = RST_EVENT_SOCK_FORMER;
	e.sock.event.size = sizeof(e);
	e.sock.event.key.state = STATE_LISTEN;
	e.sock.backlog = 2;
	/* a hostile flag must not turn the connection into a listener */
	e.sock.event.flags |= RST_EVENT_FORMER_LISTENER;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.owner_tgid, 812, "the listener's owner");
	cr_assert_str_eq(r.owner_comm, "java");
	cr_assert_eq(r.backlog, 2);
	cr_assert(r.has_former);
	cr_assert_eq(r.former_tgid, 640);
	cr_assert_str_eq(r.former_comm, "ng?inx");
	cr_assert_eq(r.former_bytes_received, 11);
	cr_assert_eq(r.former_receive_idle_ms, 500);
	cr_assert_eq(r.closed_ms, 1000);
	cr_assert_eq(r.bytes_received, -1);
	cr_assert_eq(r.listener_age_ms, 1000);

	e.sock.event.kind = RST_EVENT_SOCK;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EBADMSG, "the wrong size");
}

Test(decode, a_time_out_is_no_reset)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.event.key.direction = RST_TIMEOUT;
	e.event.key.previous_state = STATE_SYN_SENT;
	e.error = ETIMEDOUT;
	e.unacked = 1;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.direction, RST_TIMEOUT);
	cr_assert_eq(r.error, ETIMEDOUT);
	cr_assert_eq(r.unacked_bytes, 0, "its SYN is no data");
}

Test(decode, sysctls_that_were_not_read_are_unknown)
{
	struct rst_event_sock e = sample();
	struct reset r;

	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.somaxconn, -1);
	cr_assert_eq(r.retries2, -1);
	cr_assert_eq(r.abort_on_overflow, -1);
	cr_assert_eq(r.sysctl_keepalive_time_s, -1);
	e.somaxconn = 4096;
	e.retries2 = 15;
	e.syn_retries = 6;
	e.synack_retries = 5;
	e.sysctl_keepalive_time_s = 7200;
	e.sysctl_keepalive_intvl_s = 75;
	e.sysctl_keepalive_probes = 9;
	e.sysctl_fin_timeout_s = 60;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.somaxconn, 4096);
	cr_assert_eq(r.retries2, 15);
	cr_assert_eq(r.syn_retries, 6);
	cr_assert_eq(r.synack_retries, 5);
	cr_assert_eq(r.abort_on_overflow, 0);
	cr_assert_eq(r.sysctl_keepalive_time_s, 7200);
	cr_assert_eq(r.sysctl_keepalive_intvl_s, 75);
	cr_assert_eq(r.sysctl_keepalive_probes, 9);
	cr_assert_eq(r.sysctl_fin_timeout_s, 60);
}

Test(decode, the_reset_itself)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.packet_window = 502;
	e.packet_id = 7;
	e.packet_ttl = 63;
	e.packet_flags = 0x14;
	e.packet_header = 32;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.packet_ttl, 0, "only with its flag");
	e.event.flags |= RST_EVENT_PACKET;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.packet_window, 502);
	cr_assert_eq(r.packet_id, 7);
	cr_assert_eq(r.packet_ttl, 63);
	cr_assert_eq(r.packet_flags, 0x14);
	cr_assert_eq(r.packet_header, 32);
}

Test(decode, who_told_the_actor)
{
	struct rst_event_sock e = sample();
	struct reset r;

	e.actor_parent_tgid = 99;
	memcpy(e.actor_parent_comm, "ba\nsh", 6);
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), 0);
	cr_assert_eq(r.actor_parent_tgid, 99);
	cr_assert_str_eq(r.actor_parent_comm, "ba?sh");
}

Test(decode, a_key_alone_makes_a_reset)
{
	struct rst_event_sock e = sample();
	struct reset r;

	cr_assert_eq(decode_key(&e.event.key, &reasons, &r), 0);
	cr_assert_eq(r.port, 8080);
	cr_assert_eq(r.owner_tgid, 812);
	cr_assert_eq(r.unread_bytes, -1);
	cr_assert_not(r.has_former);
	cr_assert_eq(r.drops, -1);
	cr_assert_eq(r.somaxconn, -1);
	cr_assert_eq(r.former_fin_ms, -1);
	cr_assert_eq(r.former_exit_status, -1);
}

Test(decode, refusals)
{
	struct rst_event_sock e = sample();
	struct reset r;

	cr_assert_eq(decode(&e, sizeof(struct rst_event) - 1, &reasons, 0, &r), -EBADMSG);
	cr_assert_eq(decode(&e, sizeof(e) - 1, &reasons, 0, &r), -EBADMSG);
	e.event.size--;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EBADMSG);
	e = sample();
	e.event.version++;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EPROTO);
	e = sample();
	e.event.kind = 9;
	cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EBADMSG);

	uint8_t *const numbers[] = {&e.event.key.direction, &e.event.key.role,
				    &e.event.key.owner_source, &e.event.key.state,
				    &e.event.key.previous_state};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		e = sample();
		*numbers[i] = 200;
		cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EBADMSG, "number %zu", i);
	}
}

Test(decode, refusals_of_a_former)
{
	struct rst_event_former e = sample_former();
	struct reset r;

	uint8_t *const numbers[] = {&e.former.role, &e.former.previous_state, &e.former.reset,
				    &e.former.owner_source};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		struct rst_event_sock_former both = {.sock = sample()};

		e = sample_former();
		*numbers[i] = 200;
		cr_assert_eq(decode(&e, sizeof(e), &reasons, 0, &r), -EBADMSG, "number %zu", i);
		both.sock.event.kind = RST_EVENT_SOCK_FORMER;
		both.sock.event.size = sizeof(both);
		both.former = e.former;
		cr_assert_eq(decode(&both, sizeof(both), &reasons, 0, &r), -EBADMSG);
	}
}

/* Whatever comes out of a damaged recording: an error or a reset whose numbers are in range. */
Test(decode, random_bytes)
{
	unsigned int seed = 1, good = 0;

	for (int i = 0; i < 20000; i++) {
		struct rst_event_sock_former e = {.sock = sample(), .former = former()};
		struct reset r;
		uint8_t *byte = (uint8_t *)&e;

		e.sock.event.kind = RST_EVENT_SOCK_FORMER;
		e.sock.event.size = sizeof(e);
		for (int n = 0; n < 4; n++)
			byte[(size_t)rand_r(&seed) % sizeof(e)] = (uint8_t)rand_r(&seed);
		if (decode(&e, sizeof(e), &reasons, 0, &r))
			continue;
		good++;
		cr_assert_lt(r.direction, RST_DIRECTION_MAX);
		cr_assert_leq(r.state, STATE_NEW_SYN_RECV);
		cr_assert_not_null(r.reason_name);
		cr_assert_geq(r.age_ms, -1);
		cr_assert_geq(r.bytes_received, -1);
		cr_assert_lt(strlen(r.owner_comm), sizeof(r.owner_comm));
		cr_assert_lt(strlen(r.former_comm), sizeof(r.former_comm));
		cr_assert_lt(r.former_role, RST_ROLE_MAX);
		cr_assert_leq(r.former_state, STATE_NEW_SYN_RECV);
		cr_assert_geq(r.former_age_ms, -1);
		cr_assert_geq(r.former_fin_ms, -1);
		cr_assert_geq(r.former_bytes_sent, -1);
	}
	cr_assert_gt(good, 1000);
}
