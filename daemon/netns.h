/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holds what the hooks counted against the kernel's own counter, per network namespace: TcpOutRsts of
 * /proc/PID/net/snmp of a process that lives there.
 *
 *	unexplained = growth of TcpOutRsts - growth of our count, since the baseline
 *
 * Both are read as counter, TcpOutRsts, counter; a comparison holds only if nothing moved in between,
 * so that a flood fakes no difference. The baseline is the first comparison of a namespace, or 0 and 0
 * if both agreed then: it began after the hooks did. A namespace is covered while a process in it
 * could be read.
 */
#ifndef DAEMON_NETNS_H
#define DAEMON_NETNS_H

#include "daemon/attribute.h"
#include "daemon/report.h"

struct netns_table;

/* What process 'pid' shows. 'start' in clock ticks tells the process, 'id' the namespace: the inode of
 * the file, which each namespace has of its own while it lives. */
struct netns_reading {
	uint64_t start, id, out_rsts;
};
typedef int (*netns_read_fn)(void *userdata, uint32_t pid, struct netns_reading *ret);

/* The reader of /proc; 'userdata' is not used. -ESRCH, -EBADMSG, -errno. */
int netns_read_proc(void *userdata, uint32_t pid, struct netns_reading *ret);

/* Our present counts of the namespace, by direction, everything drained first. */
typedef void (*netns_count_fn)(void *userdata, uint32_t inode, uint32_t cookie,
			       uint64_t ret[RST_DIRECTION_MAX]);

int netns_new(struct netns_table **ret); /* -ENOMEM */
void netns_free(struct netns_table *t);

/* Replaces the reader of /proc, for tests. */
void netns_set_reader(struct netns_table *t, netns_read_fn read, void *userdata);

/* Notes that there is such a namespace. A full table gives up one that is not covered, else it turns
 * the new one down; both are counted. Cheap enough for each reset. */
void netns_seen(struct netns_table *t, uint32_t inode, uint32_t cookie);

/* Calls netns_seen() for every network namespace that has a process now. -errno of the source. */
int netns_seen_all(struct netns_table *t, struct source *source);

/* Compares all namespaces, those included that are new to the attributor since (so its scan or refresh
 * comes first); the first time of one takes its baseline. Returns how many could not be
 * compared because counters kept moving: they keep their last comparison. */
int netns_reconcile(struct netns_table *t, struct attributor *a, netns_count_fn count, void *userdata);

/* The same for at most 'max' of them, going on where it stopped last, to bound one turn. */
int netns_reconcile_some(struct netns_table *t, struct attributor *a, unsigned int max,
			 netns_count_fn count, void *userdata);

/* Valid until the next call of any other function here. Returns how many. */
size_t netns_report(struct netns_table *t, const struct report_netns **ret);

/* Sum over all covered namespaces. */
int64_t netns_unexplained(const struct netns_table *t);

/* Namespaces given up or turned down. */
uint64_t netns_evicted(const struct netns_table *t);
size_t netns_memory(const struct netns_table *t);

/* OutRsts of the pair of "Tcp:" lines in /proc/net/snmp, wherever its column is. Pure. -EBADMSG. */
int netns_parse_snmp(const char *text, uint64_t *ret_out_rsts);

#endif
