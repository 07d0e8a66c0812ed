/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the causes that lie between the two hosts or in a lost memory: firewalls, NAT, half-open
 * connections, silence. What decides them is in daemon/diagnose*.c. Proved by
 * tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

/* Keeping connections through firewalls is the same everywhere. */
#define KEEPALIVE_SETTINGS                                                                         \
	LINUX_KEEPALIVE, AWS_NLB, AZURE_LB, LINUX_CONNTRACK, NGINX_SOCKET_KEEPALIVE,               \
		TOMCAT_SO_KEEPALIVE, HAPROXY_TCPKA, APACHE_PROXY_KEEPALIVE, POSTGRES_KEEPALIVES,   \
		REDIS_KEEPALIVE, PYTHON_SOCKET_OPTIONS

CAUSE_TEXT(MIDDLEBOX_IDLE_REJECT) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"The connection had been idle. A firewall, NAT or load balancer on the way forgot "
		"it after its idle time-out, and when this program used it again the device "
		"refused the packet with a reset in the peer's name. The peer itself knows "
		"nothing of it.",
	.looks = "The first read or write after a pause fails with \"Connection reset by peer\"; "
		 "typical of database pools and of services used rarely at night. rstmon sees the "
		 "idle time, data on its way, and a reset that came from a nearer or other device "
		 "than the peer (another TTL).",
	.advice =
		{
			"Send something more often than the device's time-out: TCP keep-alive "
			"(SO_KEEPALIVE on the socket and a tcp_keepalive_time below the time-out; "
			"the default of 2 hours is too long), or pings of the application.",
			"Or let the pool close idle connections before that time.",
			"Or have the device's idle time-out raised for this path.",
		},
	.settings = {KEEPALIVE_SETTINGS},
	.retry = "Safe for what was written after the pause: the device refused it, so it did not "
		 "reach the peer.",
	.see = {"silent_drop_timeout", "nat_state_lost", "peer_lost_connection",
		"keepalive_race_client"},
};

CAUSE_TEXT(SILENT_DROP_TIMEOUT) = {
	.kind = "no reset",
	.severity = "act",
	.meaning =
		"The peer did not answer any more: no acknowledgement and no reset. The kernel "
		"repeated the data with growing pauses, then gave up. A firewall that silently "
		"drops forgotten connections does this, and so does a host that lost power or its "
		"network. By default it takes a quarter of an hour or more, in which the program "
		"hangs.",
	.looks = "The program logs \"Connection timed out\" (ETIMEDOUT) long after the last "
		 "answer; Java SocketException: Connection timed out. No reset exists; rstmon sees "
		 "the error that the kernel gives to the socket, how often it repeated, and how "
		 "long nothing had been heard.",
	.advice =
		{
			"If it follows idle times: TCP keep-alive below the device's time-out, or "
			"close idle connections earlier.",
			"Let it fail in seconds: set the socket option TCP_USER_TIMEOUT, or read "
			"time-outs in the program.",
			"If it hits busy connections too, the path or the remote host was down at "
			"that time.",
		},
	.settings = {LINUX_USER_TIMEOUT, LINUX_RETRIES2, KEEPALIVE_SETTINGS},
	.retry = "Not known: the peer may have read the request and only its answers were lost. "
		 "Only if it may run twice.",
	.see = {"middlebox_idle_reject", "keepalive_probe_timeout", "connect_timeout"},
};

CAUSE_TEXT(KEEPALIVE_PROBE_TIMEOUT) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"The connection was idle, so the kernel asked the peer from time to time whether "
		"it is still there (TCP keep-alive probes). None of the probes was answered: the "
		"peer's host is down, the network is cut, or a firewall on the way has forgotten "
		"the connection. The kernel gave up, and sent a last reset.",
	.looks = "The program logs \"Connection timed out\" (ETIMEDOUT) without having written "
		 "anything. rstmon sees SO_KEEPALIVE on, the number of unanswered probes and how "
		 "long nothing was heard.",
	.advice =
		{
			"Is the peer up and reachable from here now? If not, that is the story: "
			"keep-alive did its work.",
			"If it is up, a device on the way forgot the connection: its idle "
			"time-out is shorter than the first probe. Lower tcp_keepalive_time (or "
			"TCP_KEEPIDLE of the socket) below it.",
		},
	.settings = {LINUX_KEEPALIVE, AWS_NLB, AZURE_LB, POSTGRES_KEEPALIVES, REDIS_KEEPALIVE,
		     GO_KEEPALIVE, CURL_KEEPALIVE},
	.retry = "The connection was idle: what was answered before is not touched. A request "
		 "without an answer only if it may run twice.",
	.see = {"silent_drop_timeout", "middlebox_idle_reject"},
};

CAUSE_TEXT(NAT_STATE_LOST) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"Data arrived on a connection that this host does not know, but the same client "
		"has another, living connection to the same port. A NAT or firewall on the way "
		"forgot the first connection while it was idle and gave its packets another port "
		"or address. To the server they are strangers, so the kernel answers with a reset.",
	.looks = "The client logs \"Connection reset by peer\" on its first write after a pause; "
		 "the server's program logs nothing or a time-out much later. rstmon sees data "
		 "from an unknown connection, and a sibling of it.",
	.advice =
		{
			"Keep idle connections alive below the NAT's time-out (TCP keep-alive or "
			"pings), best at the client.",
			"Or close idle connections earlier on both sides.",
			"On a NAT of your own: raise nf_conntrack_tcp_timeout_established, and "
			"drop packets in state INVALID instead of letting them pass untranslated.",
		},
	.settings = {KEEPALIVE_SETTINGS},
	.retry = "Safe for what was written after the pause: it reached no program.",
	.see = {"half_open_to_listener", "middlebox_idle_reject", "peer_lost_connection"},
};

CAUSE_TEXT(HALF_OPEN_TO_LISTENER) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "A client goes on talking on a connection that the server here does not know "
		   "(half-open: one end believes in it, the other has none). The server was "
		   "restarted without the client noticing, or something on the way changed or kept "
		   "packets. The kernel answers with a reset, so that the client learns of it.",
	.looks = "The client logs \"Connection reset by peer\". Nothing is logged here. rstmon "
		 "sees data for a listener from a connection it has never seen, and since when "
		 "that listener has been there.",
	.advice =
		{
			"If the listener is younger than the clients' connections, it was "
			"restarted: let clients connect again, and close connections properly "
			"when stopping.",
			"If the listener is old, a NAT or firewall lost its memory: see "
			"nat_state_lost.",
		},
	.settings = {LINUX_KEEPALIVE, LINUX_CONNTRACK},
	.retry = "Safe for what was written since: no program has read it.",
	.see = {"nat_state_lost", "half_open_unknown", "accept_overflow_expired",
		"peer_lost_connection"},
};

CAUSE_TEXT(HALF_OPEN_UNKNOWN) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "Packets arrived for a connection that this host does not know, on a port where "
		   "nothing listens. This host was restarted, its end of the connection ended long "
		   "ago, or packets reach the wrong host. The kernel answers with a reset, so that "
		   "the other side learns of it.",
	.looks = "The peer logs \"Connection reset by peer\". Nothing is logged here. rstmon sees "
		 "a segment without SYN for no socket at all, and no memory of the connection.",
	.advice =
		{
			"Just after a boot of this host or a failover of its address: normal, and "
			"it ends by itself.",
			"At other times: are packets of another host routed here (a shared "
			"address, a balancer that moved connections), or did a firewall lose its "
			"memory?",
		},
	.settings = {LINUX_KEEPALIVE, LINUX_CONNTRACK},
	.retry = "Safe for what was written since: no program has read it.",
	.see = {"half_open_to_listener", "nat_state_lost"},
};

CAUSE_TEXT(CONNECT_TIMEOUT) = {
	.kind = "no reset",
	.severity = "act",
	.meaning = "A program here tried to connect and nothing answered at all, however often the "
		   "kernel repeated its SYN. A firewall drops the packets, the host is down, the "
		   "address is wrong, or the server's queues are full and its kernel drops SYNs.",
	.looks = "The program logs \"Connection timed out\" (ETIMEDOUT), after about two minutes "
		 "or after its own, shorter limit; curl: (28); nginx: \"upstream timed out "
		 "(110)\". rstmon sees the error given to a socket in SYN_SENT.",
	.advice =
		{
			"Does it answer from another host or on another port? If from nowhere, "
			"look at the host and its address; if only from here, at firewalls and "
			"security groups.",
			"If only some attempts fail, the server drops SYNs: look at ListenDrops "
			"and its accept queue ('ss -ltn').",
			"Set a connect time-out of some seconds in the program, and try another "
			"address after it.",
		},
	.settings = {LINUX_SYN_RETRIES,
		     NGINX_CONNECT_TIMEOUT,
		     {"curl", "--connect-timeout", "The limit for connecting alone."}},
	.retry = "Safe: no connection was made.",
	.see = {"refused_syn", "icmp_refused", "silent_drop_timeout", "accept_overflow_peer"},
};

CAUSE_TEXT(ICMP_REFUSED) = {
	.kind = "no reset",
	.severity = "act",
	.meaning =
		"A program here tried to connect, and was refused by an ICMP message instead of a "
		"TCP reset: a router knows no way, or a firewall rejects by policy (the default "
		"form of 'reject' in nftables and iptables).",
	.looks = "The program logs \"Connection refused\" (ECONNREFUSED), \"No route to host\" "
		 "(EHOSTUNREACH) or \"Network is unreachable\" at once. rstmon sees that error on "
		 "a socket in SYN_SENT without any reset.",
	.advice =
		{
			"\"No route to host\" or \"unreachable\": look at routes, the remote "
			"host's presence in its network (ARP), and firewalls that reject with "
			"'admin-prohibited'.",
			"\"Connection refused\" without a reset: a firewall rule rejects; "
			"'tcpdump icmp' shows which device sends it.",
		},
	.retry = "Safe: no connection was made.",
	.see = {"refused_syn", "connect_timeout"},
};
