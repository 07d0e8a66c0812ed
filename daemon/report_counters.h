/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's counters that status is held against, by the names of nstat(8), and which of them each
 * reset or time-out must have moved (CAUSES.md A and B: the path through the kernel decides). What moves
 * one without any tracepoint stands here in a sentence, so that a difference can be read. Pure.
 */
#ifndef DAEMON_REPORT_COUNTERS_H
#define DAEMON_REPORT_COUNTERS_H

#include "daemon/path.h"

/* X(id, first word of its line in /proc/PID/net/snmp or netstat, column, what it counts unseen) */
#define REPORT_COUNTERS(X) \
	X(OUT_RSTS, "Tcp", "OutRsts", \
	  "resets of kernels before 6.10 without a full socket, where no fentry shows them, resets that could not be built for want of " \
	  "memory, and lost ones; below 0: IPv6 answers without a route, which are not counted") \
	X(ESTAB_RESETS, "Tcp", "EstabResets", \
	  "open connections that ended without a reset or an error to report: sockets in TCP_REPAIR, those " \
	  "reset while memory was short, subflows of Multipath TCP") \
	X(ATTEMPT_FAILS, "Tcp", "AttemptFails", \
	  "resets and SYNs from peers in the middle of a handshake (TcpExtEmbryonicRsts counts the resets too), " \
	  "connection attempts that were aborted from outside, or refused by ICMP while connect() was running") \
	X(EMBRYONIC_RSTS, "TcpExt", "EmbryonicRsts", \
	  "resets from peers in the middle of a handshake: port checks, scans, clients that gave up") \
	X(ABORT_ON_DATA, "TcpExt", "TCPAbortOnData", \
	  "sockets closed with SO_LINGER 0 that had nothing to reset: connecting still, or closed on both " \
	  "sides") \
	X(ABORT_ON_CLOSE, "TcpExt", "TCPAbortOnClose", \
	  "unread data at a close whose reset could not be built for want of memory") \
	X(ABORT_ON_MEMORY, "TcpExt", "TCPAbortOnMemory", \
	  "orphans that were given up without a reset because they had sent nothing for a minute") \
	X(ABORT_ON_TIMEOUT, "TcpExt", "TCPAbortOnTimeout", \
	  "time-outs of orphans, whose program had closed already: nobody is told of an error; and all of " \
	  "kernels before 5.14") \
	X(ABORT_ON_LINGER, "TcpExt", "TCPAbortOnLinger", \
	  "closes with TCP_LINGER2 below 0 whose reset could not be built for want of memory") \
	X(ABORT_FAILED, "TcpExt", "TCPAbortFailed", \
	  "resets that the kernel made and could not send: dropped by a rule of this host, without a route, or " \
	  "without memory; but for the last they are counted as sent all the same")

enum report_counter {
#define X(id, prefix, column, hidden) COUNTER_##id,
	REPORT_COUNTERS(X)
#undef X
	COUNTER_MAX_,
};

/* "Tcp" and "OutRsts", "TcpOutRsts", the sentence */
const char *report_counter_prefix(unsigned int counter);
const char *report_counter_column(unsigned int counter);
const char *report_counter_name(unsigned int counter);
const char *report_counter_hidden(unsigned int counter);

/* Which counters this one moved, a bit each (1 << enum report_counter); 'path' is its path_of(). A spilled
 * reset has only its key; where that leaves several ways, the commonest is taken: SO_LINGER 0 of
 * TCP_STATE, and time-outs of errors. */
uint32_t report_counters_of(const struct reset *r, enum path path);

#endif
