/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host says beside the records: since when rstmon watches, whether records were lost, and out of
 * /proc/PID/net of a process in a reset's network namespace whether accept queues overflowed lately,
 * SYN cookies failed, and a peer has another connection to the same port.
 *
 * A look into /proc costs: those at counters are bounded to HOST_LOOKS_PER_S, those at the list of
 * connections to HOST_LINES_PER_S and HOST_LISTS_PER_S; what is not asked is unknown (-1), never
 * false. Counters that moved need an earlier look to compare with, so each known namespace is looked
 * at once a minute.
 */
#ifndef DAEMON_HOST_H
#define DAEMON_HOST_H

#include "daemon/attribute.h"
#include "daemon/context.h"

#define HOST_NETNS_MAX	 64
#define HOST_LOOKS_PER_S 20
#define HOST_LINES_PER_S 4096	   /* of lists of connections; the last look may go beyond it */
#define HOST_LISTS_PER_S 4	   /* however short they are */
#define HOST_TABLE_MAX	 (2 << 20) /* bytes read of a list of connections */
#define HOST_OVERFLOW_NS (120 * 1000000000ULL)
#define HOST_COOKIE_NS	 (5 * 1000000000ULL)
#define HOST_LOSSY_NS	 (10 * 1000000000ULL)

struct host_watch;

enum host_file {
	HOST_NETSTAT, /* net/netstat */
	HOST_SNMP,
	HOST_TCP,
	HOST_TCP6,
	HOST_FILE_MAX,
};

/* Called for each line of a file of process 'pid', without newline, until it answers false or
 * HOST_TABLE_MAX bytes are read. 'id' tells the namespace (netns.h). -errno. */
typedef bool (*host_line_fn)(const char *line, void *userdata);
typedef int (*host_read_fn)(void *userdata, uint32_t pid, enum host_file file, host_line_fn fn,
			    void *line_userdata, uint64_t *ret_id);

/* The reader of /proc; 'userdata' is not used. */
int host_read_proc(void *userdata, uint32_t pid, enum host_file file, host_line_fn fn,
		   void *line_userdata, uint64_t *ret_id);

/* 'since': CLOCK_MONOTONIC ns of when the hooks were attached. -ENOMEM. */
int host_new(uint64_t since, struct host_watch **ret);
void host_free(struct host_watch *h);

/* Replaces the reader of /proc, for tests. */
void host_set_reader(struct host_watch *h, host_read_fn read, void *userdata);

/* Notes a namespace, and looks at its counters when it is new and the second has looks left. */
void host_seen(struct host_watch *h, struct attributor *a, uint32_t netns, uint32_t netns_cookie,
	       uint64_t now);

/* The same for all that have a process now, without that limit: at the start. */
void host_seen_all(struct host_watch *h, struct attributor *a, uint64_t now);

/* The kernel's count of records that could not be written (source_totals.unread_ever). */
void host_losses(struct host_watch *h, uint64_t unread_ever, uint64_t now);

/* What is free: since when, and losses. */
void host_look(const struct host_watch *h, const struct reset *r, uint64_t now, struct host *ret);

/* The rest, for one whose verdict may depend on it (diagnose_wants_host()). */
void host_ask(struct host_watch *h, struct attributor *a, const struct reset *r, uint64_t now,
	      struct host *ret);

/* A look at each known namespace. */
void host_minute(struct host_watch *h, struct attributor *a, uint64_t now);

/* Growth since the first look at each namespace, over all that were looked at, those included that are
 * gone since. */
struct host_counters {
	uint64_t attempt_fails;	  /* TcpAttemptFails */
	uint64_t embryonic_rsts;  /* TcpExtEmbryonicRsts */
	uint64_t challenge_acks;  /* TcpExtTCPChallengeACK */
	uint64_t syn_challenges;  /* TcpExtTCPSYNChallenge */
	uint64_t listen_overflows; /* TcpExtListenOverflows */
	uint64_t listen_drops;	  /* TcpExtListenDrops */
	uint64_t cookies_failed;  /* TcpExtSyncookiesFailed */
};

/* Looks again at all; returns how many namespaces could be read. */
int host_counters(struct host_watch *h, struct attributor *a, uint64_t now,
		  struct host_counters *ret);

/* Namespaces given up for want of room. */
uint64_t host_evicted(const struct host_watch *h);

/* One line of net/tcp or net/tcp6: an established connection of 'remote's address to the local port of
 * 'r', other than r's own. Pure. */
bool host_is_sibling(const char *line, bool tcp6, const struct reset *r);

#endif
