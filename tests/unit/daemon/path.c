/* SPDX-License-Identifier: GPL-2.0-only */
/* Every path: by the kernel's reason, and by the socket's fields alone as on kernels without
 * reasons. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/path.h"
#include "tests/unit/daemon/sample_reset.h"

#define cr_assert_path(made, path)                                                                 \
	do {                                                                                       \
		struct reset made_ = (made);                                                       \
		cr_assert_str_eq(path_name(path_of(&made_)), path_name(path));                     \
	} while (0)

/* The same reset with its reason, and without any: both must give the path. */
static void both_ways(struct reset r, enum path path)
{
	static const enum reason none[] = {REASON_NONE, REASON_OTHER, REASON_NOT_SPECIFIED};

	cr_assert_path(r, path);
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		r.reason = none[i];
		cr_assert_path(r, path);
	}
}

/* TCP did not make it, so nothing that TCP tells counts. */
Test(path, of_netfilter)
{
	const struct rst_key key = {.direction = RST_SENT,
				    .reason = RST_REASON_NONE,
				    .flags = RST_KEY_REJECT | RST_KEY_SYN};
	struct reset r = sample_answer(REASON_NONE, 0, SYN, 0);

	cr_assert_path(r, PATH_NO_SOCKET_SYN);
	r.flags |= RST_EVENT_REJECT;
	cr_assert_path(r, PATH_REJECT);
	r.reason = REASON_NO_SOCKET;
	cr_assert_path(r, PATH_REJECT);
	cr_assert_eq(decode_key(&key, &sample_no_reasons, &r), 0);
	cr_assert_path(r, PATH_REJECT);
	/* what arrives was made elsewhere */
	r.direction = RST_RECEIVED;
	r.state = STATE_SYN_SENT;
	cr_assert_path(r, PATH_RECEIVED_SYN_SENT);
}

Test(path, of_a_close)
{
	struct reset r = sample_closed(RST_ROLE_SERVER, REASON_TCP_ABORT_ON_CLOSE);

	r.unread_bytes = 1;
	both_ways(r, PATH_CLOSE_UNREAD);
	r.flags |= RST_EVENT_LINGER;
	both_ways(r, PATH_CLOSE_UNREAD);

	r.reason = REASON_TCP_STATE;
	r.unread_bytes = 0;
	both_ways(r, PATH_CLOSE_LINGER);
	r.linger_time_s = 5;
	r.reason = REASON_NONE;
	cr_assert_path(r, PATH_UNKNOWN);

	r = sample_closed(RST_ROLE_SERVER, REASON_TCP_ABORT_ON_LINGER);
	r.flags |= RST_EVENT_DEAD;
	r.linger2 = -1;
	both_ways(r, PATH_LINGER2);
	r.reason = REASON_TCP_ABORT_ON_MEMORY;
	r.linger2 = 0;
	both_ways(r, PATH_MEMORY_CLOSE);
}

Test(path, of_a_disconnect)
{
	struct reset r = sample_closed(RST_ROLE_CLIENT, REASON_TCP_STATE);

	r.flags = RST_EVENT_OWNED;
	both_ways(r, PATH_DISCONNECT);
	r.flags |= RST_EVENT_LINGER;
	r.unread_bytes = 100; /* the queue is emptied later */
	both_ways(r, PATH_DISCONNECT);
	r.flags |= RST_EVENT_SHUT_READ;
	r.linger_time_s = 3;
	cr_assert_path(r, PATH_DISCONNECT);

	r = sample_closed(RST_ROLE_SERVER, REASON_TCP_STATE);
	r.flags = RST_EVENT_NO_SOCKET_FILE;
	both_ways(r, PATH_LISTENER_STOP);
	r.unread_bytes = 200;
	both_ways(r, PATH_LISTENER_STOP);
}

Test(path, of_what_leaves_the_state_alone)
{
	struct reset r = sample_socket(RST_SENT, RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.flags = RST_EVENT_OWNED;
	r.reason = REASON_TCP_STATE;
	both_ways(r, PATH_ABORT);
	r.flags |= RST_EVENT_KEEPALIVE;
	r.probes = 2;
	both_ways(r, PATH_ABORT);
	r.flags = RST_EVENT_KEEPALIVE;
	r.reason = REASON_TCP_KEEPALIVE_TIMEOUT;
	both_ways(r, PATH_KEEPALIVE);

	r.state = STATE_FIN_WAIT1;
	r.flags = RST_EVENT_DEAD;
	r.reason = REASON_TCP_ABORT_ON_MEMORY;
	both_ways(r, PATH_MEMORY_TIMER);
	r.state = STATE_FIN_WAIT2;
	r.reason = REASON_TCP_STATE;
	r.probes = 0;
	both_ways(r, PATH_FIN_WAIT2_TIMER);
	r.probes = 1;
	cr_assert_path(r, PATH_FIN_WAIT2_TIMER);
}

Test(path, of_multipath)
{
	struct reset r = sample_socket(RST_SENT, RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.flags = RST_EVENT_OWNED | RST_EVENT_MPTCP;
	r.reason = REASON_TCP_ABORT_ON_CLOSE;
	both_ways(r, PATH_MPTCP);
	r.flags = 0;
	r.reason = REASON_MPTCP;
	cr_assert_path(r, PATH_MPTCP);

	r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK | PSH, 10);
	r.flags |= RST_EVENT_MPTCP;
	cr_assert_path(r, PATH_LISTENER_ACK);
	r.reason = REASON_NOT_SPECIFIED;
	cr_assert_path(r, PATH_MPTCP);
}

Test(path, of_an_answer_without_socket)
{
	both_ways(sample_answer(REASON_NO_SOCKET, 0, SYN, 0), PATH_NO_SOCKET_SYN);
	both_ways(sample_answer(REASON_NO_SOCKET, 0, ACK, 0), PATH_NO_SOCKET);
	both_ways(sample_answer(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, ACK, 9),
		  PATH_TIME_WAIT);
	both_ways(sample_answer(REASON_TCP_TIMEWAIT_SOCKET, STATE_TIME_WAIT, SYN, 0),
		  PATH_TIME_WAIT_SYN);
}

Test(path, of_a_listeners_answer)
{
	struct reset r = sample_answer(REASON_TCP_FLAGS, STATE_LISTEN, ACK, 0);

	both_ways(r, PATH_LISTENER_ACK);
	both_ways(sample_answer(REASON_INVALID_SYN, STATE_LISTEN, SYN, 0), PATH_REQUEST_SYN);
	r.reason = REASON_INVALID_SYN;
	r.backlog = 129;
	r.abort_on_overflow = 1;
	both_ways(r, PATH_LISTENER_OVERFLOW);
	r.reason = REASON_NONE;
	r.abort_on_overflow = 0;
	cr_assert_path(r, PATH_LISTENER_ACK);
	r.abort_on_overflow = 1;
	r.backlog = 128;
	cr_assert_path(r, PATH_LISTENER_ACK);
}

Test(path, of_an_answer_in_a_handshake_or_after_the_close)
{
	struct reset r = sample_socket(RST_SENT, RST_ROLE_CLIENT, STATE_SYN_SENT);

	sample_segment(&r, SYN | ACK, 0);
	r.reason = REASON_TCP_INVALID_ACK_SEQUENCE;
	both_ways(r, PATH_SYN_SENT_ACK);
	r.reason = REASON_TCP_RFC7323_PAWS;
	cr_assert_path(r, PATH_SYN_SENT_ACK);

	r.state = STATE_SYN_RECV;
	r.reason = REASON_TCP_OLD_ACK;
	both_ways(r, PATH_SYN_RECV_ACK);
	r.reason = REASON_TCP_ACK_UNSENT_DATA;
	cr_assert_path(r, PATH_SYN_RECV_ACK);

	r.state = STATE_CLOSE;
	r.reason = REASON_TCP_ABORT_ON_DATA;
	sample_segment(&r, ACK | PSH, 100);
	both_ways(r, PATH_DATA_AFTER_CLOSE);
	r.flags |= RST_EVENT_DEAD;
	r.linger2 = -1;
	both_ways(r, PATH_DATA_AFTER_CLOSE);
	r.payload = 0;
	both_ways(r, PATH_LINGER2);
}

Test(path, of_what_was_received)
{
	static const struct {
		uint8_t state;
		enum path path;
	} table[] = {
		{STATE_SYN_SENT, PATH_RECEIVED_SYN_SENT},
		{STATE_SYN_RECV, PATH_RECEIVED_SYN_RECV},
		{STATE_ESTABLISHED, PATH_RECEIVED_ESTABLISHED},
		{STATE_CLOSE_WAIT, PATH_RECEIVED_CLOSE_WAIT},
		{STATE_FIN_WAIT1, PATH_RECEIVED_CLOSED},
		{STATE_FIN_WAIT2, PATH_RECEIVED_CLOSED},
		{STATE_CLOSING, PATH_RECEIVED_CLOSED},
		{STATE_LAST_ACK, PATH_RECEIVED_CLOSED},
		{STATE_CLOSE, PATH_RECEIVED_CLOSED},
		{STATE_LISTEN, PATH_UNKNOWN},
		{0, PATH_UNKNOWN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		cr_assert_path(sample_socket(RST_RECEIVED, RST_ROLE_CLIENT, table[i].state),
			       table[i].path);

	struct reset r = sample_socket(RST_RECEIVED, RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.flags = RST_EVENT_DEAD;
	cr_assert_path(r, PATH_RECEIVED_CLOSED);
}

Test(path, of_a_timeout)
{
	struct reset r = sample_socket(RST_TIMEOUT, RST_ROLE_CLIENT, STATE_CLOSE);

	r.previous_state = STATE_SYN_SENT;
	r.error = ETIMEDOUT;
	cr_assert_path(r, PATH_CONNECT_TIMED_OUT);
	r.error = ECONNREFUSED;
	cr_assert_path(r, PATH_CONNECT_ICMP);
	r.state = STATE_SYN_SENT; /* before 6.10 */
	r.previous_state = STATE_CLOSE;
	cr_assert_path(r, PATH_CONNECT_ICMP);
	r.state = STATE_CLOSE;
	r.previous_state = STATE_ESTABLISHED;
	r.error = ETIMEDOUT;
	cr_assert_path(r, PATH_TIMED_OUT);
	r.error = EHOSTUNREACH;
	cr_assert_path(r, PATH_TIMED_OUT);
	r.error = ECONNABORTED;
	cr_assert_path(r, PATH_ABORT);
	r.error = 0;
	cr_assert_path(r, PATH_UNKNOWN);
	r.error = ECONNRESET;
	cr_assert_path(r, PATH_UNKNOWN);
}

/* A row's key has the reason and the state, and neither flags nor numbers: no path may be guessed.
 */
Test(path, of_a_key_alone)
{
	struct reset r = sample_key(RST_SENT, RST_ROLE_SERVER, STATE_CLOSE);

	r.reason = REASON_TCP_STATE;
	cr_assert_path(r, PATH_UNKNOWN);
	r.reason = REASON_NONE;
	cr_assert_path(r, PATH_UNKNOWN);
	r.reason = REASON_TCP_ABORT_ON_CLOSE;
	cr_assert_path(r, PATH_CLOSE_UNREAD);
	r.reason = REASON_TCP_STATE;
	r.state = STATE_ESTABLISHED;
	cr_assert_path(r, PATH_ABORT);
	r.state = STATE_FIN_WAIT2;
	cr_assert_path(r, PATH_UNKNOWN);
}

Test(path, names)
{
	for (unsigned int i = 0; i < PATH_MAX_; i++) {
		cr_assert_not_null(path_name(i));
		cr_assert(path_name(i)[0]);
		cr_assert(path_fact(i)[0]);
		for (unsigned int j = 0; j < i; j++)
			cr_assert_str_neq(path_name(i), path_name(j));
	}
	cr_assert_str_eq(path_name(PATH_MAX_), "invalid");
	cr_assert_str_eq(path_fact(1000), "invalid");
	struct reset r = {.direction = 9};

	cr_assert_eq(path_of(&r), PATH_UNKNOWN);
}
