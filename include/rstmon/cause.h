/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The causes of a reset, in one table: X(ID, name, summary). Code, JSON, help and man page take the
 * ids from here, so that they cannot drift. Order is the order of numbers in recordings of rows and
 * in the tally: append, never reorder. 'unknown' is always 0.
 *
 * What decides a cause is in daemon/diagnose.c; HACKING.md tells how to add one.
 */
#ifndef RSTMON_CAUSE_H
#define RSTMON_CAUSE_H

#define RST_CAUSES(X) \
	X(UNKNOWN, "unknown", "the evidence decides no cause") \
	X(CLOSED_PORT, "closed_port", "nobody listens on the port that was asked for") \
	X(REFUSED_SYN, "refused_syn", "the remote host refused the connection") \
	X(MPTCP_SUBFLOW_RESET, "mptcp_subflow_reset", "Multipath TCP gave up one of its subflows") \
	X(KEEPALIVE_PROBE_TIMEOUT, "keepalive_probe_timeout", "the peer answered none of the keep-alive probes") \
	X(ORPHAN_MEMORY, "orphan_memory", "the kernel ran out of room for closed sockets with unsent data") \
	X(LINGER2_ABORT, "linger2_abort", "TCP_LINGER2 told the kernel not to wait for the peer's close") \
	X(ADMIN_ABORT, "admin_abort", "somebody killed the connection from outside, as ss -K does") \
	X(ACCEPT_OVERFLOW_ABORT, "accept_overflow_abort", "the accept queue was full and tcp_abort_on_overflow is set") \
	X(BAD_SYN, "bad_syn", "a SYN arrived where a connection already was") \
	X(STALE_PEER_CONNECTION, "stale_peer_connection", "the peer answered from an older connection with the same ports") \
	X(LATE_RST_AFTER_CLOSE, "late_rst_after_close", "a reset for a connection that was already closed here")

enum rst_cause {
#define X(id, name, summary) RST_CAUSE_##id,
	RST_CAUSES(X)
#undef X
	RST_CAUSE_MAX,
};

#endif
