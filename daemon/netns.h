/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Holds what the hooks counted against the kernel's own counters (report_counters.h), per network
 * namespace: /proc/PID/net/snmp and netstat of a process that lives there.
 *
 *	unexplained = growth of the kernel's counter - growth of what our counts explain, since the baseline
 *
 * Both are read as ours, the kernel's, ours; a comparison holds only if ours stood still, so that a
 * flood fakes no difference, and a new difference only when a second look finds it too: the kernel counts and
 * traces one after the other. The baseline of a counter is the first comparison of its namespace, or 0 and 0
 * if both agreed then: it began after the hooks did. It is this daemon's own: a restart begins with the
 * counters of that moment. A namespace is covered while a process in it could be read.
 */
#ifndef DAEMON_NETNS_H
#define DAEMON_NETNS_H

#include "daemon/attribute.h"
#include "daemon/report.h"

struct netns_table;

/* What process 'pid' shows. 'start' in clock ticks tells the process, 'id' the namespace: the inode of
 * the file, which each namespace has of its own while it lives. */
struct netns_reading {
	uint64_t start, id;
	uint32_t known; /* a bit for each counter that this kernel has; COUNTER_OUT_RSTS is always there */
	uint64_t value[COUNTER_MAX_];
};
typedef int (*netns_read_fn)(void *userdata, uint32_t pid, struct netns_reading *ret);

/* The reader of /proc; 'userdata' is not used. -ESRCH, -EBADMSG, -errno. */
int netns_read_proc(void *userdata, uint32_t pid, struct netns_reading *ret);

int netns_new(struct netns_table **ret); /* -ENOMEM */
void netns_free(struct netns_table *t);

/* Replaces the reader of /proc, for tests. */
void netns_set_reader(struct netns_table *t, netns_read_fn read, void *userdata);

/* Notes that there is such a namespace. A full table gives up one that is not covered, else it turns
 * the new one down; both are counted. Cheap enough for each reset. */
void netns_seen(struct netns_table *t, uint32_t inode, uint32_t cookie);

/* Calls netns_seen() for every network namespace that has a process now. -errno of the source. */
int netns_seen_all(struct netns_table *t, struct source *source);

/* 'n' more of this reset (its path is that of its verdict) were counted from records; -1: one was taken
 * back. Notes its namespace too. */
void netns_counted(struct netns_table *t, const struct finding *f, int n);

/* The slots are read anew: begin, then one call for each. */
void netns_spill_begin(struct netns_table *t);
void netns_spilled(struct netns_table *t, const struct finding *f, uint64_t n);

/* The same of what is held and not counted yet, which the kernel has counted long since. */
void netns_hold_begin(struct netns_table *t);
void netns_held(struct netns_table *t, const struct reset *r);

/* Our count of a namespace, for its report. */
void netns_set_count(struct netns_table *t, const struct tally_netns *n);

/* Compares all namespaces, those included that are new to the attributor since (so its scan or refresh
 * comes first); the first time of one takes its baseline. 'refresh' counts everything that has happened until
 * now by the functions above; it is called between batches, a few times for a thousand namespaces. 'a' NULL:
 * there is no kernel to ask. Returns how many could not be compared because counters kept moving: they
 * keep their last comparison. */
int netns_reconcile(struct netns_table *t, struct attributor *a, void (*refresh)(void *userdata),
		    void *userdata);

/* Takes all baselines anew at the next comparison: what is counted from now on is older than it. */
void netns_rebase(struct netns_table *t);

/* Valid until the next call of any other function here. Returns how many. */
size_t netns_report(struct netns_table *t, const struct report_netns **ret);

/* Sums over all covered namespaces; the answer has a bit for each counter that one of them knows. */
uint32_t netns_unexplained(const struct netns_table *t, int64_t ret[COUNTER_MAX_]);

/* Namespaces given up or turned down. */
uint64_t netns_evicted(const struct netns_table *t);
size_t netns_memory(const struct netns_table *t);

/* The counters of the pair of lines that begin with 'prefix' and a colon in /proc/net/snmp or netstat, wherever their
 * columns are; adds to *known those that it has. Pure. -EBADMSG. */
int netns_parse(const char *text, const char *prefix, uint64_t value[COUNTER_MAX_], uint32_t *known);

#endif
