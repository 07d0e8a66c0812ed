/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the causes that lie in a process here: it died, it asked for the reset, or somebody
 * killed its connection. What decides them is in daemon/diagnose*.c. Proved by
 * tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

CAUSE_TEXT(PROC_KILLED_UNREAD) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"Something killed the process with SIGKILL, which no program can catch. The "
		"kernel then closed all its connections. On this one, bytes had arrived that the "
		"process had not read yet (unread data in the receive queue), so the kernel did "
		"not close it politely (FIN) but with a reset (RST), to tell the peer that its "
		"data was lost.",
	.looks = "The peer logs \"Connection reset by peer\" (ECONNRESET); Java: SocketException: "
		 "Connection reset; behind nginx: \"upstream prematurely closed connection\" or "
		 "\"recv() failed (104: Connection reset by peer)\". The dead program itself logs "
		 "nothing. rstmon sees that the owner was exiting when the socket was closed, and "
		 "with which signal; oom=1 means that the kernel chose it for want of memory.",
	.advice =
		{
			"Find out who sent SIGKILL: 'journalctl -k | grep -i oom' for the kernel, "
			"'systemctl status' and the unit's log for a stop that took longer than "
			"TimeoutStopSec=, the orchestrator's events for a limit.",
			"If it was out of memory: raise the limit (MemoryMax=, the container's "
			"limit), or make the program need less (a Java heap -Xmx must leave room "
			"for threads and buffers); memory.events of its cgroup counts.",
			"If it was a deployment: take the instance out of the load balancer "
			"first, send SIGTERM, let it finish what it works on, and allow enough "
			"time before SIGKILL follows.",
		},
	.settings =
		{{"systemd", "TimeoutStopSec=",
		  "Time between SIGTERM and SIGKILL at a stop: longer than the longest request."},
		 {"systemd",
		  "MemoryMax=", "At this limit the kernel kills processes of the unit."}},
	.retry = "Only if the request may run twice: the process may have read and carried out "
		 "earlier parts of it, but nobody read the bytes that were unread.",
	.see = {"proc_crash_unread", "proc_exit_unread", "service_down"},
};

CAUSE_TEXT(PROC_CRASH_UNREAD) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"The process ended by a fault of its own: a signal such as SIGSEGV (bad memory "
		"access), SIGABRT (it gave up by itself) or SIGBUS. The kernel closed its "
		"connections, and this one had unread data, so the peer got a reset. The reset is "
		"a symptom; the crash is the problem.",
	.looks = "The peer logs \"Connection reset by peer\". On this host 'coredumpctl list' or "
		 "the kernel's log (\"segfault at ...\") has the crash; a Java VM leaves "
		 "hs_err_pid*.log in its working directory. rstmon sees the signal that ended the "
		 "owner while its socket was closed.",
	.advice =
		{
			"Look at the crash itself: 'coredumpctl info', hs_err_pid*.log, the "
			"unit's log just before the time of the reset.",
			"Let the service restart by itself (Restart=on-failure), and see whether "
			"it crashes again: 'rstmon why' counts the resets of every crash as one "
			"incident.",
		},
	.settings = {{"systemd", "Restart=", "on-failure starts a service again after a crash."}},
	.retry = "Only if the request may run twice; the same request may also crash the next "
		 "instance.",
	.see = {"proc_killed_unread", "proc_exit_unread", "service_down"},
};

CAUSE_TEXT(PROC_EXIT_UNREAD) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"The process ended by itself, or by SIGTERM and the like, while bytes that it had "
		"not read lay in the receive queue of this connection. When the kernel closes "
		"such a socket it sends a reset instead of a clean close (FIN), and answers that "
		"were still on their way to the peer can be lost with it.",
	.looks = "The peer logs \"Connection reset by peer\" at the moment of a restart or a "
		 "deployment. rstmon sees that the owner was exiting, its exit status or signal, "
		 "and how many bytes were unread.",
	.advice =
		{
			"Shut down gracefully: stop accepting, answer what has been read, "
			"shutdown(SHUT_WR), read until the end of file, then close and exit.",
			"Take the instance out of the load balancer some seconds before it is "
			"stopped, so that no new request is on its way to it.",
			"If the program was not meant to end, look for its exit status in the "
			"unit's log.",
		},
	.settings = {{"systemd", "ExecStop=, KillSignal=",
		      "How the service is asked to end: by what starts its graceful shutdown."}},
	.retry = "Only if the request may run twice: the bytes that were unread were never seen, "
		 "but they may be the end of a request whose beginning was.",
	.see = {"proc_killed_unread", "proc_crash_unread", "listener_closed_pending",
		"service_down"},
};

CAUSE_TEXT(LINGER_ZERO) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"The program asked for it: it set the socket option SO_LINGER with a time of 0 "
		"and closed. That makes close() throw away what was not sent yet and send a "
		"reset. Some programs do so on purpose, to get rid of connections that hang or to "
		"leave no TIME_WAIT behind.",
	.looks = "The peer logs \"Connection reset by peer\"; this side usually logs nothing, or a "
		 "time-out of its own. rstmon sees SO_LINGER on with time 0 on the socket, and no "
		 "unread data.",
	.advice =
		{
			"If it is meant (nginx after a time-out, a proxy that drops a client), "
			"nothing is wrong: filter it with 'not cause linger_zero'.",
			"If it is not meant, take SO_LINGER out: it loses data that was already "
			"written, and TIME_WAIT, which it is often used against, is harmless in "
			"nearly all cases.",
		},
	.settings = {NGINX_RESET_TIMEDOUT,
		     HAPROXY_NOLINGER,
		     {"Java", "Socket.setSoLinger(true, 0)",
		      "Off unless called; with 0 each close() is a reset."}},
	.retry = "Only if the request may run twice: whether it was read is not known.",
	.see = {"health_check_reset", "app_disconnect"},
};

CAUSE_TEXT(APP_DISCONNECT) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"The program called connect() with the address family AF_UNSPEC on a connected "
		"socket. That dissolves the connection but keeps the socket, and the kernel tells "
		"the peer with a reset. Few programs do this on purpose; some libraries do it to "
		"use a socket again.",
	.looks = "The peer logs \"Connection reset by peer\". rstmon sees a reset from within the "
		 "process on a socket that was neither closed nor shut down.",
	.advice =
		{
			"Find the connect(AF_UNSPEC): 'strace -f -e trace=connect -p PID' shows "
			"it. Closing the socket and opening a new one ends the connection cleanly.",
		},
	.retry = "Only if the request may run twice: whether it was read is not known.",
	.see = {"linger_zero", "admin_abort"},
};

CAUSE_TEXT(ADMIN_ABORT) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "Neither end wanted it: a third program on this host told the kernel to destroy "
		   "the connection, as the command 'ss -K' does. The kernel sends a reset to the "
		   "peer and gives the local program ECONNABORTED.",
	.looks = "The local program logs \"Software caused connection abort\" (ECONNABORTED), the "
		 "peer \"Connection reset by peer\". rstmon names the program that acted beside "
		 "the owner (actor_comm, actor_pid), and its parent.",
	.advice =
		{
			"Look who ran the tool that is named as the actor: a person, a script, a "
			"security agent or a network manager that cleans up after an address went "
			"away.",
			"If it was meant, nothing else is to do: the programs connect again.",
		},
	.retry = "Only if the request may run twice: it may have been read before the connection "
		 "was killed.",
	.see = {"linger_zero", "app_disconnect"},
};

CAUSE_TEXT(HEALTH_CHECK_RESET) = {
	.kind = "sent",
	.severity = "harmless",
	.meaning = "A load balancer (HAProxy, for example) only wanted to know whether the port "
		   "answers: it connected, sent nothing, and ended the connection at once with a "
		   "reset, which costs less than a clean close. No request was lost, because there "
		   "was none.",
	.looks = "Servers that notice it log an empty connection or \"Connection reset by peer\" "
		 "every few seconds, from the balancer's address. rstmon sees SO_LINGER with time "
		 "0, not a byte sent or received, a connection that lived for less than a second, "
		 "and often a steady interval.",
	.advice =
		{
			"Nothing is wrong. To be rid of it in lists and alerts, filter with 'not "
			"cause health_check_reset'.",
			"If the server's log fills up with it, use a check that asks a question "
			"(HAProxy: 'option httpchk'), or leave out log lines of empty connections "
			"there.",
		},
	.settings = {{"HAProxy", "option httpchk",
		      "Checks with an HTTP request instead of a bare connection."}},
	.retry = "Does not arise: there was no request.",
	.see = {"handshake_rst_embryonic", "linger_zero"},
};

CAUSE_TEXT(ORPHAN_MEMORY) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"Sockets that a program has closed, but whose last bytes are still on their way, "
		"are called orphans. There were too many of them, or TCP as a whole had used up "
		"its memory, so the kernel threw this one away with a reset. What the peer had "
		"not received yet is lost.",
	.looks = "The kernel's log says \"too many orphaned sockets\" or \"out of memory -- "
		 "consider tuning tcp_mem\". Peers see \"Connection reset by peer\" in the middle "
		 "of an answer. The counter TCPAbortOnMemory grows.",
	.advice =
		{
			"Look at the numbers: 'ss -s', /proc/net/sockstat (orphan, mem), and "
			"'nstat -az TcpExtTCPAbortOnMemory'.",
			"Find who closes so many connections with data unsent: slow or vanished "
			"clients of one service, or a flood.",
			"If the load is legitimate, raise net.ipv4.tcp_max_orphans and "
			"net.ipv4.tcp_mem; each orphan can hold many kilobytes.",
		},
	.settings = {LINUX_ORPHANS},
	.retry = "Only if the request may run twice: the server had read it and was answering.",
	.see = {"fin_wait2_timeout", "linger2_abort"},
};

CAUSE_TEXT(LINGER2_ABORT) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"The program set the socket option TCP_LINGER2 to a negative value. After its "
		"close() the kernel does not wait for the other side to close too, and resets the "
		"connection instead.",
	.looks = "The peer, if it still sends, sees \"Connection reset by peer\" or a broken pipe. "
		 "The counter TCPAbortOnLinger or TCPAbortOnData grows; rstmon sees the negative "
		 "value on the socket.",
	.advice =
		{
			"Take TCP_LINGER2 out of the program, or set it to some seconds, unless "
			"the reset is meant.",
		},
	.settings = {LINUX_FIN_TIMEOUT},
	.retry = "Usually safe to leave: this side had already finished with the connection.",
	.see = {"fin_wait2_timeout", "data_after_local_close"},
};
