/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A bounded cache of processes: names that were read once and outlive the process, and which of them
 * are known to be nobody any more. The key is (tgid, start), so a reused number is another process.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rstmon/event.h"
#include "rstmon/interface.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct process_key {
	uint64_t start;
	uint32_t tgid;
	uint32_t zero; /* padding is part of the hash */
};

/* Text is sanitised. */
struct process {
	struct process_key key;
	uint64_t cgroup;
	uint64_t home[RST_HIERARCHIES];
	uint32_t netns, netns_cookie;
	uint32_t generation; /* of the last scan that saw it, or after which it was found */
	uint32_t flags;	     /* RST_PROCESS_* */
	char comm[RSTMON_COMM_MAX];
	char settled[RSTMON_COMM_MAX]; /* another comm that belongs to this exe, "" if none */
	struct process *prev, *next;   /* least recently used first */
	UT_hash_handle hh;
	char exe[]; /* "" if unknown */
};

struct process_cache;

int process_cache_new(unsigned int max, struct process_cache **ret); /* -ENOMEM */
void process_cache_free(struct process_cache *c);

/* The process, now the most recently used, or NULL. Valid until the next put. */
struct process *process_cache_get(struct process_cache *c, uint32_t tgid, uint64_t start);

/* Adds or replaces; a full cache gives up the least recently used one and counts that. A replaced
 * entry keeps its place in the order, its 'settled', and cgroup,
 * home and exe if the new one has none. 'ret' (may be NULL): as of get. -ENOMEM: the
 * cache is as it was. */
int process_cache_put(struct process_cache *c, const struct rst_process *p, struct process **ret);

/* A scan begins: what no put names from now on is not of the present generation. */
void process_cache_scan(struct process_cache *c);

/* Least recently used first, only of the present generation and of this network namespace; 'after'
 * is where to go on, NULL at first. */
struct process *process_cache_netns(struct process_cache *c, uint32_t netns, uint32_t netns_cookie,
				    struct process *after);

/* Calls fn for each process of the present generation; fn must not change the cache. */
typedef void (*process_fn)(const struct process *p, void *userdata);
void process_cache_each(struct process_cache *c, process_fn fn, void *userdata);

/* The negative side: a fixed set of processes that the source did not know. It forgets when it must,
 * and never says "absent" of a process that was not marked so. */
void process_cache_mark_absent(struct process_cache *c, uint32_t tgid, uint64_t start);
bool process_cache_absent(const struct process_cache *c, uint32_t tgid, uint64_t start);

unsigned int process_cache_count(const struct process_cache *c);
uint64_t process_cache_evicted(const struct process_cache *c);
size_t process_cache_memory(const struct process_cache *c);

/* Field 22 of /proc/PID/stat, in clock ticks since boot. Pure. -EBADMSG. */
int process_parse_stat(const char *text, uint64_t *ret_ticks);

/* The process's directory below /proc; the caller closes it. It stays that process's when the number
 * is used again. -ESRCH: there is none. */
int process_open(uint32_t tgid);

/* Its start in clock ticks since boot. -ESRCH: gone. */
int process_read_start(int dir, uint64_t *ret_ticks);

#endif
