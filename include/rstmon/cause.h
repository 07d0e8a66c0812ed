/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The causes, in one table: X(ID, name, summary). Code, JSON, help, man page and catalog take the
 * ids from here, so that they cannot drift. Order is the order of numbers in recordings of rows and
 * in the tally: append, never reorder. 'unknown' is always 0.
 *
 * What decides a cause is in daemon/diagnose.c, what it means and what to do in common/causes.c;
 * HACKING.md tells how to add one.
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
	X(LATE_RST_AFTER_CLOSE, "late_rst_after_close", "a reset for a connection that was already closed here") \
	/* sent by this host */ \
	X(PROC_KILLED_UNREAD, "proc_killed_unread", "the process was killed while data waited for it unread") \
	X(PROC_CRASH_UNREAD, "proc_crash_unread", "the process crashed while data waited for it unread") \
	X(PROC_EXIT_UNREAD, "proc_exit_unread", "the process ended while data waited for it unread") \
	X(UPLOAD_NOT_DRAINED, "upload_not_drained", "the server answered early and closed without reading the rest of the request") \
	X(KEEPALIVE_RACE_SERVER, "keepalive_race_server", "the server closed an idle keep-alive connection as the next request arrived") \
	X(CLIENT_ABORT_UNREAD_DATA, "client_abort_unread_data", "the client closed before it had read the answer") \
	X(SERVER_ABORT_UNREAD_REQUEST, "server_abort_unread_request", "the server closed a connection without reading the request") \
	X(HEALTH_CHECK_RESET, "health_check_reset", "a health check that connects and resets at once") \
	X(LINGER_ZERO, "linger_zero", "the program asked for a reset with SO_LINGER and time 0") \
	X(APP_DISCONNECT, "app_disconnect", "the program took its socket off the connection with connect(AF_UNSPEC)") \
	X(LISTENER_CLOSED_PENDING, "listener_closed_pending", "the listener was closed while connections waited to be accepted") \
	X(FIN_WAIT2_TIMEOUT, "fin_wait2_timeout", "the peer never closed its half of a connection that was closed here") \
	X(ACCEPT_OVERFLOW_EXPIRED, "accept_overflow_expired", "the accept queue was full until the connection that waited had expired") \
	X(SYNCOOKIE_FAILED, "syncookie_failed", "an acknowledgement carried no valid SYN cookie") \
	X(DATA_AFTER_LOCAL_CLOSE, "data_after_local_close", "the peer was still sending when this side had closed") \
	X(HALF_OPEN_TO_LISTENER, "half_open_to_listener", "the peer talks on a connection that the server here does not know") \
	X(NAT_STATE_LOST, "nat_state_lost", "a NAT or firewall forgot the connection and changed its address or port") \
	X(HALF_OPEN_UNKNOWN, "half_open_unknown", "the peer talks on a connection that this host does not know") \
	X(SERVICE_DOWN, "service_down", "the service that listened on the port has stopped") \
	X(HANDSHAKE_BAD_ACK, "handshake_bad_ack", "the handshake was answered with a wrong acknowledgement") \
	/* received by this host */ \
	X(WRITE_AFTER_PEER_CLOSE, "write_after_peer_close", "the program wrote after the peer had closed") \
	X(ACCEPT_OVERFLOW_PEER, "accept_overflow_peer", "the server's accept queue was full, it never took the connection") \
	X(KEEPALIVE_RACE_CLIENT, "keepalive_race_client", "the server closed the idle connection while the request was on its way") \
	X(MIDDLEBOX_IDLE_REJECT, "middlebox_idle_reject", "a device on the path reset a connection that had been idle") \
	X(PEER_LOST_CONNECTION, "peer_lost_connection", "the other end no longer knows the connection") \
	X(RST_INJECTED, "rst_injected", "a third party forged the reset") \
	X(PEER_APP_ABORT_SENDING, "peer_app_abort_sending", "the remote program aborted while data was on its way to it") \
	X(PEER_APP_ABORT_IDLE, "peer_app_abort_idle", "the remote program aborted the connection") \
	X(PEER_ABORT_HANDSHAKE, "peer_abort_handshake", "the client gave up during the handshake") \
	X(HANDSHAKE_RST_EMBRYONIC, "handshake_rst_embryonic", "clients or health checks reset connections during the handshake") \
	X(RST_IGNORED, "rst_ignored", "resets arrived that the kernel did not believe") \
	/* no reset at all */ \
	X(SILENT_DROP_TIMEOUT, "silent_drop_timeout", "nothing answered any more, and no reset either, until the connection timed out") \
	X(CONNECT_TIMEOUT, "connect_timeout", "nothing answered the attempt to connect") \
	X(ICMP_REFUSED, "icmp_refused", "an ICMP error refused the attempt to connect") \
	/* sent by this host, but not by TCP */ \
	X(FIREWALL_REJECT, "firewall_reject", "a firewall rule of this host answered with a reset")

enum rst_cause {
#define X(id, name, summary) RST_CAUSE_##id,
	RST_CAUSES(X)
#undef X
	RST_CAUSE_MAX,
};

#endif
