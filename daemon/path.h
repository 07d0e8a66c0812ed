/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The path through the kernel that made a reset: what happened, which is certain, as opposed to why.
 * X(ID, name, fact). Told by the kernel's reason where it gives one, else by the fields of the socket
 * (which also split the reasons that mean several things, TCP_STATE above all).
 */
#ifndef DAEMON_PATH_H
#define DAEMON_PATH_H

#include "daemon/reset.h"

#define RST_PATHS(X) \
	X(UNKNOWN, "unknown", "the kernel sent or took a reset in a way that rstmon does not know") \
	/* sent, by the process or a timer: tcp_send_active_reset() */ \
	X(CLOSE_UNREAD, "close_unread", "closed with data unread in the receive queue") \
	X(CLOSE_LINGER, "close_linger", "closed with SO_LINGER on and its time 0") \
	X(DISCONNECT, "disconnect", "connect(AF_UNSPEC) on a connection") \
	X(LISTENER_STOP, "listener_stop", "the listener was closed before the connection was accepted") \
	X(ABORT, "abort", "the connection was aborted from outside") \
	X(LINGER2, "linger2", "TCP_LINGER2 is negative and the peer had not closed") \
	X(MEMORY_CLOSE, "memory_close", "closed when the kernel had no room for another orphan") \
	X(MEMORY_TIMER, "memory_timer", "an orphan's timer found no room in the kernel") \
	X(KEEPALIVE, "keepalive", "keep-alive probes stayed unanswered") \
	X(FIN_WAIT2_TIMER, "fin_wait2_timer", "an orphan waited too long for the peer's FIN") \
	X(MPTCP, "mptcp", "Multipath TCP reset a subflow") \
	/* sent, as the answer to a segment: tcp_v{4,6}_send_reset() */ \
	X(NO_SOCKET_SYN, "no_socket_syn", "a SYN came for a port without a listener") \
	X(NO_SOCKET, "no_socket", "a segment came for a connection that does not exist") \
	X(LISTENER_ACK, "listener_ack", "a segment of no known connection came to a listener") \
	X(LISTENER_OVERFLOW, "listener_overflow", "the accept queue was full and tcp_abort_on_overflow is 1") \
	X(REQUEST_SYN, "request_syn", "a SYN came in the middle of a handshake") \
	X(SYN_SENT_ACK, "syn_sent_ack", "the SYN was answered with an acknowledgement that does not fit") \
	X(SYN_RECV_ACK, "syn_recv_ack", "the handshake ended with an acknowledgement that does not fit") \
	X(DATA_AFTER_CLOSE, "data_after_close", "data came for a socket that was closed for reading") \
	X(TIME_WAIT, "time_wait", "data came for a connection that was closed here already") \
	X(TIME_WAIT_SYN, "time_wait_syn", "a SYN came for a connection that was closed here already") \
	/* received: tcp_reset(); named by the state the socket was in */ \
	X(RECEIVED_SYN_SENT, "received_syn_sent", "the SYN was answered with a reset") \
	X(RECEIVED_SYN_RECV, "received_syn_recv", "a reset came during the handshake") \
	X(RECEIVED_ESTABLISHED, "received_established", "a reset came for an open connection") \
	X(RECEIVED_CLOSE_WAIT, "received_close_wait", "a reset came after the peer had closed") \
	X(RECEIVED_CLOSED, "received_closed", "a reset came for a connection that was closed here") \
	/* no reset: inet_sk_error_report */ \
	X(TIMED_OUT, "timed_out", "retransmissions stayed unanswered until the kernel gave up") \
	X(CONNECT_TIMED_OUT, "connect_timed_out", "SYNs stayed unanswered until the kernel gave up") \
	X(CONNECT_ICMP, "connect_icmp", "the SYN was answered with an ICMP error") \
	/* sent by netfilter; the numbers above stand in memory files */ \
	X(REJECT, "reject", "a REJECT rule of this host's firewall answered the segment with a reset")

enum path {
#define X(id, name, fact) PATH_##id,
	RST_PATHS(X)
#undef X
	PATH_MAX_, /* PATH_MAX is the system's */
};

/* Never fails: PATH_UNKNOWN. Pure. */
enum path path_of(const struct reset *r);
const char *path_name(unsigned int path); /* "invalid" out of range */
const char *path_fact(unsigned int path);

#endif
