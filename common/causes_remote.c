/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the causes that lie with the remote program, and of those where little is known. What
 * decides them is in daemon/diagnose*.c. Proved by tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

CAUSE_TEXT(UNKNOWN) = {
	.kind = "sent or received",
	.severity = "check",
	.meaning =
		"What the kernel told about this reset fits several causes, or none. rstmon says "
		"so instead of guessing. The fact, direction, owner and times are still right.",
	.looks = "'rstmon last --json' has everything that is known of single resets; its evidence "
		 "tells what was missing, for instance that the connection was older than the "
		 "daemon or that records were lost.",
	.advice =
		{
			"If most of them come from connections older than rstmond, wait: new "
			"connections are known from their start.",
			"If 'rstmon status' shows lost or spilled records, give it a larger ring "
			"(ring_kib in section [daemon]).",
			"Look at the other end with rstmon as well: both ends together usually "
			"decide.",
		},
	.retry = "Not known: only if the request may run twice.",
	.see = {"peer_app_abort_idle", "peer_lost_connection"},
};

CAUSE_TEXT(PEER_APP_ABORT_SENDING) = {
	.kind = "received",
	.severity = "check",
	.meaning =
		"The remote program ended the connection hard while this side was sending data to "
		"it. Seen by a server, a client cancelled its download or timed out. Seen by a "
		"client, the server refused an upload or died.",
	.looks = "The program here logs \"Connection reset by peer\" while writing; Tomcat "
		 "ClientAbortException, Java \"Connection reset by peer: socket write error\"; "
		 "nginx \"writev() failed (104)\" or status 499. rstmon sees data on its way or "
		 "waiting to be sent when the reset came.",
	.advice =
		{
			"On a server: mostly users who stop or reload, harmless. If it grows with "
			"the load, answers take longer than clients wait.",
			"On a client: see whether an answer, such as 413, came before the reset, "
			"and look at the server's log.",
		},
	.settings = {NGINX_IGNORE_ABORT, NGINX_BODY_SIZE, TOMCAT_SWALLOW, HAPROXY_TIMEOUTS},
	.retry = "The remote program may have read any part of what was sent: only if it may run "
		 "twice.",
	.see = {"client_abort_unread_data", "upload_not_drained", "write_after_peer_close"},
};

CAUSE_TEXT(PEER_APP_ABORT_IDLE) = {
	.kind = "received",
	.severity = "check",
	.meaning = "The remote program ended the connection hard while nothing was under way from "
		   "here. It was killed or crashed, it closed with data unread, or it asked for a "
		   "reset (SO_LINGER 0).",
	.looks = "A read in the program here fails with \"Connection reset by peer\"; Java "
		 "\"Connection reset\"; Python ConnectionResetError; Go \"read: connection reset "
		 "by peer\". rstmon sees an open connection with nothing unacknowledged; with "
		 "packet evidence the reset carries an ordinary window, as an application's does.",
	.advice =
		{
			"Look at the remote program at that time: was it restarted, killed, "
			"deployed? Many resets of one peer within a second are one restart.",
			"If the remote host can be asked, run rstmon there: it names the process "
			"and why it closed.",
			"Let a pool throw away all connections of a peer after the first such "
			"reset, and connect again.",
		},
	.settings = {APACHE_CLIENT_VALIDATE, HAPROXY_RETRY_ON},
	.retry = "If a request was waiting for its answer, it may have been carried out: only if "
		 "it may run twice.",
	.see = {"proc_killed_unread", "linger_zero", "peer_lost_connection", "rst_injected"},
};

CAUSE_TEXT(PEER_LOST_CONNECTION) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"The other end answered with the kind of reset that a kernel sends when it does "
		"not know the connection at all. So the remote host or its program was restarted, "
		"or a firewall or NAT on the way lost its memory of the connection and the "
		"packets no longer reach the right socket.",
	.looks = "The program here logs \"Connection reset by peer\" on its first write after a "
		 "pause. rstmon sees an open connection with data on its way; with packet evidence "
		 "a bare reset (window 0, no options) from the peer's own distance (same TTL).",
	.advice =
		{
			"Many connections of one peer at once: it was restarted. Have clients "
			"connect again with a short pause.",
			"Only connections that had been idle: a time-out on the way. Send "
			"something more often than that (keep-alive of the application or of "
			"TCP), or close idle connections earlier.",
			"Ask the network's owner for the idle time-out of firewalls, NAT and load "
			"balancers on the path.",
		},
	.settings = {LINUX_KEEPALIVE, LINUX_CONNTRACK, AWS_NLB, AZURE_LB, NGINX_SOCKET_KEEPALIVE,
		     TOMCAT_SO_KEEPALIVE, POSTGRES_KEEPALIVES, REDIS_KEEPALIVE, GO_KEEPALIVE},
	.retry = "Safe for what was written after the pause, if the peer did not know the "
		 "connection; else only if it may run twice.",
	.see = {"middlebox_idle_reject", "half_open_to_listener", "nat_state_lost",
		"silent_drop_timeout"},
};

CAUSE_TEXT(PEER_ABORT_HANDSHAKE) = {
	.kind = "received",
	.severity = "check",
	.meaning =
		"A client began to connect and gave up before the connection stood, with a reset "
		"that reached the half-open connection here (state SYN_RECV, seen with TCP Fast "
		"Open). It changed its mind, scanned the port, or only checked that it is open.",
	.looks = "The server's program rarely notices. rstmon sees a reset received in SYN_RECV, "
		 "and the client's address.",
	.advice =
		{
			"From a load balancer's address at a steady interval: a health check, "
			"harmless.",
			"From one address to many ports: a scan. From many addresses: clients "
			"that time out while connecting; look at the accept queue ('ss -ltn', "
			"Recv-Q beside Send-Q).",
		},
	.retry = "Safe: the connection was never established.",
	.see = {"handshake_rst_embryonic", "health_check_reset"},
};

CAUSE_TEXT(RST_INJECTED) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"The reset does not come from the peer, although it bears its address: a third "
		"party forged it. Firewalls, intrusion prevention, parental or state filters end "
		"connections in this way, by policy; attackers can too.",
	.looks =
		"Both programs log \"Connection reset by peer\" and both sides swear that they "
		"did not do it. rstmon sees that the peer went on sending after its supposed "
		"reset (aftermath), or that the reset came from another distance (TTL) or with "
		"other marks than the peer's packets, and that nothing sent from here provoked it.",
	.advice =
		{
			"Capture resets at both ends at the same time ('tcpdump -n "
			"\"tcp[tcpflags] & tcp-rst != 0\"'): one that arrives but was never sent "
			"proves the third party.",
			"Show the network's owner the time, addresses, ports and TTL: firewall "
			"and IPS policies log what they cut.",
			"Encryption (TLS) does not help, as resets are outside of it; a VPN whose "
			"tunnel is not TCP does.",
		},
	.retry = "Only if the request may run twice: the peer is well and may have read it.",
	.see = {"middlebox_idle_reject", "rst_ignored"},
};

CAUSE_TEXT(RST_IGNORED) = {
	.kind = "counters",
	.severity = "check",
	.meaning =
		"Resets arrived that did not fit the connection exactly, and the kernel did not "
		"believe them: it asked the peer (challenge ACK) and the connections lived on. "
		"Either somebody guesses resets blindly, or the two ends are out of step after a "
		"restart.",
	.looks = "No program notices. The counter TCPChallengeACK grows ('nstat -az "
		 "TcpExtTCPChallengeACK') without resets to match. rstmon knows it from that "
		 "counter alone, so there is no single record.",
	.advice =
		{
			"A few are normal after restarts and on lossy paths. A steady stream from "
			"outside is an attempt to kill connections: capture it and look at the "
			"source.",
		},
	.retry = "Does not arise: no connection ended.",
	.see = {"rst_injected", "handshake_rst_embryonic"},
};

CAUSE_TEXT(MPTCP_SUBFLOW_RESET) = {
	.kind = "sent or received",
	.severity = "check",
	.meaning = "The connection uses Multipath TCP, which spreads one connection over several "
		   "paths (subflows). One subflow was given up with a reset. If another one lives, "
		   "the program notices nothing; if it was the only one, the connection ends.",
	.looks = "Usually nothing in logs. 'nstat -az | grep MPTcpExt' counts it (MPRstTx, "
		 "MPRstRx). rstmon sees the kernel's own reason (MPTCP_RST_...) or a subflow "
		 "socket.",
	.advice =
		{
			"If the reason is MIDDLEBOX, something on the path strips TCP options: "
			"take that path out ('ip mptcp endpoint').",
			"If the reason is PROHIBIT or RESOURCE, look at the limits: 'ip mptcp "
			"limits'.",
			"If programs suffer, turn Multipath TCP off for them.",
		},
	.settings = {LINUX_MPTCP},
	.retry = "Does not arise while another subflow lives.",
	.see = {"peer_app_abort_idle"},
};
