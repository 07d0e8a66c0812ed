/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the causes around listening and connecting: closed ports, full queues, odd handshakes.
 * What decides them is in daemon/diagnose*.c. Proved by tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

CAUSE_TEXT(CLOSED_PORT) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "Somebody tried to connect to a port of this host on which no program listens, "
		   "and rstmon has not seen one listen there before. The kernel refuses such an "
		   "attempt (a SYN) with a reset.",
	.looks = "The client logs \"Connection refused\" (ECONNREFUSED); curl: (7) Failed to "
		 "connect; Java ConnectException: Connection refused. Nothing is logged here, as "
		 "no program is involved. rstmon sees a SYN for a port without a listener, and who "
		 "asked.",
	.advice =
		{
			"Is the service meant to run here? 'ss -ltnp' shows what listens: it may "
			"have failed to start, use another port, or listen on 127.0.0.1 or on "
			"IPv4 only.",
			"One address that asks for many ports is a port scan: harmless where the "
			"firewall is right.",
			"If the client is wrong, mend its configuration; the peer's address is in "
			"'rstmon last'.",
		},
	.retry = "Safe: no connection was made.",
	.see = {"service_down", "refused_syn", "icmp_refused", "firewall_reject"},
};

CAUSE_TEXT(FIREWALL_REJECT) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"A rule of this host's own firewall (netfilter: nftables, iptables, firewalld, ufw) "
		"answered a packet with a reset, as \"reject with tcp reset\" and \"-j REJECT "
		"--reject-with tcp-reset\" do. TCP and its programs never saw the packet, and no "
		"counter of the kernel's TCP moves. A packet that goes out, or through this host "
		"as a router, can be refused as well as one that comes in.",
	.looks =
		"To the other side it looks like a port on which nobody listens: \"Connection "
		"refused\" (ECONNREFUSED), or \"Connection reset by peer\" on a connection that "
		"was open. Nothing is logged here unless the rule logs. rstmon sees netfilter make "
		"the reset, which kernels allow where they take fentry programs; 'rstmon status' "
		"says whether this one does.",
	.advice =
		{
			"Find the rule: 'nft list ruleset' and 'iptables -nvL' ('ip6tables -nvL') "
			"show rules and their counters. If the port is to be open, mend it.",
			"On connections that were open: rules that accept established ones must "
			"come first, and a firewall that is loaded anew while connection tracking "
			"is emptied refuses what was open.",
			"If it is meant and nobody legitimate asks, there is nothing to do; 'drop' "
			"instead of 'reject' lets clients wait for their time-out.",
		},
	.settings = {{"nftables", "reject with tcp reset",
		      "Answers TCP with a reset; 'reject' alone answers with an ICMP error."},
		     {"iptables", "-j REJECT --reject-with tcp-reset",
		      "The same; the default is icmp-port-unreachable."}},
	.retry =
		"Safe where a new connection was refused. What was written to an open one may have "
		"been read before.",
	.see = {"closed_port", "refused_syn", "icmp_refused", "middlebox_idle_reject"},
};

CAUSE_TEXT(SERVICE_DOWN) = {
	.kind = "sent",
	.severity = "act",
	.meaning = "A client tried to connect to a port where a service had been listening until a "
		   "while ago. It has stopped, and the kernel refuses its clients with a reset.",
	.looks = "Clients log \"Connection refused\" (ECONNREFUSED); nginx in front: \"connect() "
		 "failed (111: Connection refused) while connecting to upstream\" and status 502. "
		 "rstmon remembers which process listened on the port, when it stopped, and how it "
		 "ended.",
	.advice =
		{
			"Start the service, and find out why it stopped: 'systemctl status', its "
			"log, exit status and signal.",
			"For restarts without refusals: let systemd hold the socket (socket "
			"activation), or start the new instance before the old one stops "
			"(SO_REUSEPORT), or take the host out of the balancer first.",
			"Let clients try again with growing pauses.",
		},
	.settings = {{"systemd", "a .socket unit",
		      "Keeps the port open while the service restarts."},
		     LINUX_MIGRATE,
		     NGINX_NEXT_UPSTREAM},
	.retry = "Safe: no connection was made.",
	.see = {"closed_port", "listener_closed_pending", "proc_killed_unread", "refused_syn"},
};

CAUSE_TEXT(REFUSED_SYN) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"A program here tried to connect, and the remote host refused with a reset: "
		"nothing listens on that address and port there, or a firewall in between refuses "
		"in the host's name.",
	.looks = "The program logs \"Connection refused\" (ECONNREFUSED); curl: (7); Java "
		 "ConnectException; nginx: \"connect() failed (111: Connection refused) while "
		 "connecting to upstream\". rstmon sees a reset while connecting (state SYN_SENT).",
	.advice =
		{
			"Check the service on the remote host: does it run, on that port, on that "
			"address, for IPv6 as well as IPv4?",
			"If the service runs and is reached from elsewhere, look for a firewall "
			"that rejects with a TCP reset.",
			"Let the client try again with growing pauses instead of at once.",
		},
	.settings = {NGINX_NEXT_UPSTREAM, HAPROXY_RETRY_ON},
	.retry = "Safe: no connection was made.",
	.see = {"service_down", "closed_port", "icmp_refused", "connect_timeout"},
};

CAUSE_TEXT(LISTENER_CLOSED_PENDING) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"Clients had connected to a service here and waited to be taken (in the accept "
		"queue), when the service closed its listening socket or ended. The kernel resets "
		"all that wait. For these clients the connection had looked established; they may "
		"already have sent a request.",
	.looks = "Clients log \"Connection reset by peer\" during a restart or a crash of the "
		 "server. rstmon sees connections that no process had accepted, reset in the "
		 "moment in which the listener was closed.",
	.advice =
		{
			"Stop the traffic before the service: take it out of the balancer, wait, "
			"then stop.",
			"Let systemd hold the listening socket (socket activation), or hand "
			"connections over (SO_REUSEPORT with net.ipv4.tcp_migrate_req), so that a "
			"restart loses nothing.",
			"If many wait at all times, the service accepts too slowly: more threads "
			"or instances.",
		},
	.settings = {LINUX_MIGRATE,
		     {"systemd", "a .socket unit", "Keeps the listener over restarts."}},
	.retry = "Safe: no program had accepted the connection, so nobody read the request.",
	.see = {"service_down", "proc_exit_unread", "accept_overflow_expired"},
};

CAUSE_TEXT(ACCEPT_OVERFLOW_ABORT) = {
	.kind = "sent",
	.severity = "act",
	.meaning = "A server accepts connections more slowly than they come, its accept queue is "
		   "full, and the sysctl tcp_abort_on_overflow tells the kernel to reset whoever "
		   "comes now instead of letting them wait.",
	.looks = "Clients log \"Connection reset by peer\" right after connecting, mostly under "
		 "load. The counters ListenOverflows and ListenDrops grow ('nstat -az "
		 "TcpExtListenOverflows'). rstmon sees the listener's queue: how many wait, of how "
		 "many.",
	.advice =
		{
			"Find out why the program accepts too slowly: all threads busy, a long "
			"garbage collection, a limit of connections, too little CPU.",
			"Make the queue longer: the smaller of the program's own backlog and "
			"net.core.somaxconn counts.",
			"Set net.ipv4.tcp_abort_on_overflow back to 0 unless it is meant: then "
			"short bursts are waited out.",
		},
	.settings = {LINUX_ABORT_ON_OVERFLOW, LINUX_SOMAXCONN, TOMCAT_ACCEPT_COUNT,
		     TOMCAT_MAX_THREADS, NGINX_BACKLOG, HAPROXY_BACKLOG, APACHE_BACKLOG,
		     JAVA_BACKLOG, NODE_BACKLOG, PYTHON_BACKLOG, REDIS_BACKLOG},
	.retry = "Safe: the server never took the connection.",
	.see = {"accept_overflow_expired", "accept_overflow_peer"},
};

CAUSE_TEXT(ACCEPT_OVERFLOW_EXPIRED) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"A server's accept queue was full. The client believed that it was connected and "
		"sent its request, but the kernel here had no place for the connection and let it "
		"wait. When the handshake had expired the client's next packet belonged to "
		"nothing, and was answered with a reset. This is how Linux looks under overload "
		"by default.",
	.looks = "Clients hang for many seconds and then log \"Connection reset by peer\" without "
		 "any answer. ListenOverflows and ListenDrops grow. rstmon sees data for a "
		 "listener from an unknown connection while its queue is full or was lately.",
	.advice =
		{
			"Find out why the program accepts too slowly: all threads busy, a long "
			"garbage collection, a limit of connections, too little CPU.",
			"Make the queue longer: the smaller of the program's own backlog and "
			"net.core.somaxconn counts.",
			"Add instances, or turn requests away earlier with an answer (503), which "
			"costs less than a hanging client.",
		},
	.settings = {LINUX_SOMAXCONN, LINUX_SYNACK_RETRIES, TOMCAT_ACCEPT_COUNT,
		     TOMCAT_MAX_CONNECTIONS, TOMCAT_MAX_THREADS, NGINX_BACKLOG, HAPROXY_BACKLOG,
		     APACHE_BACKLOG, JAVA_BACKLOG, NODE_BACKLOG, PYTHON_BACKLOG, REDIS_BACKLOG},
	.retry = "Safe: the server never took the connection.",
	.see = {"accept_overflow_abort", "accept_overflow_peer", "connect_timeout"},
};

CAUSE_TEXT(ACCEPT_OVERFLOW_PEER) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"A program here believed that it was connected and sent its request, repeated it "
		"several times, got not a single byte back, and was reset at last. The server had "
		"never taken the connection: its accept queue was full. It is "
		"accept_overflow_expired seen from the client.",
	.looks = "The program hangs for many seconds, then logs \"Connection reset by peer\". "
		 "rstmon sees nothing received, at most the SYN acknowledged, and retransmissions.",
	.advice =
		{
			"The remedy is at the server: accept faster, a longer backlog, more "
			"instances. Tell its owner the time and the number.",
			"Here: a time-out for the first byte, and another server where there is "
			"one.",
		},
	.settings = {NGINX_NEXT_UPSTREAM, NGINX_READ_TIMEOUT, HAPROXY_RETRY_ON},
	.retry = "Safe: the server never took the connection, so it did not read the request.",
	.see = {"accept_overflow_expired", "connect_timeout", "refused_syn"},
};

CAUSE_TEXT(SYNCOOKIE_FAILED) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "While too many handshakes were under way (a SYN flood, or a great rush) the "
		   "kernel answered with SYN cookies instead of remembering each. Then an "
		   "acknowledgement came whose cookie is not valid: it is too old, or was made up. "
		   "The kernel answers it with a reset.",
	.looks = "The kernel's log says \"Possible SYN flooding on port ... Sending cookies\"; "
		 "SyncookiesFailed grows. A client that is real and was too slow logs \"Connection "
		 "reset by peer\".",
	.advice =
		{
			"See whether it is an attack or a rush: 'ss -tn state syn-recv' and the "
			"addresses in 'rstmon list --by peer'.",
			"For a rush: a longer backlog (it is the limit of handshakes under way, "
			"too) and faster accepting.",
		},
	.settings = {LINUX_SYNCOOKIES, LINUX_SOMAXCONN},
	.retry = "Safe: no connection was made.",
	.see = {"accept_overflow_expired", "handshake_bad_ack"},
};

CAUSE_TEXT(HANDSHAKE_BAD_ACK) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"The last packet of a handshake acknowledged something that this host never sent. "
		"It was forged, or delayed from an earlier connection with the same ports. The "
		"kernel answers with a reset.",
	.looks = "A real client logs \"Connection reset by peer\" or connects on its second try. "
		 "rstmon sees an acknowledgement that does not fit while the connection was in "
		 "SYN_RECV.",
	.advice =
		{
			"Single ones need nothing. Many from one address: a scanner, or a NAT "
			"that uses its ports again too soon.",
		},
	.retry = "Safe: the connection was not established.",
	.see = {"stale_peer_connection", "syncookie_failed", "bad_syn"},
};

CAUSE_TEXT(BAD_SYN) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"A request for a new connection (SYN) arrived with the ports of a connection that "
		"exists already or was just closed, and did not fit it. The client, or a NAT in "
		"front of it, uses its local ports again too soon; or somebody scans.",
	.looks = "The client logs \"Connection refused\" or \"Connection reset by peer\" and "
		 "succeeds on the next try. rstmon sees that the packet was a SYN, for a half-open "
		 "or a time-wait connection.",
	.advice =
		{
			"Single ones need nothing.",
			"Many from one address: widen that client's range of local ports, and "
			"look at its NAT's reuse of ports.",
		},
	.settings = {LINUX_PORT_RANGE},
	.retry = "Safe: no connection was made.",
	.see = {"stale_peer_connection", "handshake_bad_ack"},
};

CAUSE_TEXT(STALE_PEER_CONNECTION) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"A program here connected from a local port that it, or a NAT, had used for the "
		"same server before. The server still had the old connection and answered with a "
		"packet of that one. The kernel here clears the old one away with a reset and "
		"tries again.",
	.looks = "Usually nothing but a connect that takes a second longer. rstmon sees a reset "
		 "sent while connecting (state SYN_SENT).",
	.advice =
		{
			"It heals itself. Many of them: widen the range of local ports, use fewer "
			"and longer connections, and look at the NAT's reuse of ports.",
			"After a crash of this host or its clients a burst of them is normal.",
		},
	.settings = {LINUX_PORT_RANGE},
	.retry = "Safe: the kernel tries by itself.",
	.see = {"bad_syn", "half_open_to_listener"},
};

CAUSE_TEXT(HANDSHAKE_RST_EMBRYONIC) = {
	.kind = "counters",
	.severity = "harmless",
	.meaning = "Clients began to connect and reset before the handshake was complete: load "
		   "balancers that only check the port, scanners, or clients that gave up. No "
		   "program saw a connection.",
	.looks = "Nothing in logs. The counters EmbryonicRsts and AttemptFails grow together "
		 "('nstat -az TcpExtEmbryonicRsts'). rstmon knows it from these alone, so there is "
		 "no single record.",
	.advice =
		{
			"At a steady rate it is health checks: nothing to do.",
			"If it grows with the load, clients time out while connecting: look at "
			"accept queues and packet loss.",
		},
	.retry = "Safe: no connection was made.",
	.see = {"health_check_reset", "peer_abort_handshake"},
};
