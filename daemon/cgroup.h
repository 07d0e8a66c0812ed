/* SPDX-License-Identifier: GPL-2.0-only */
/* From a cgroup to the systemd unit and the container that it belongs to, with a bounded cache. */
#ifndef DAEMON_CGROUP_H
#define DAEMON_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rstmon/interface.h"

struct cgroup_names {
	char unit[RSTMON_UNIT_MAX];
	char container[RSTMON_CONTAINER_MAX];
	char pod[RSTMON_POD_MAX];
};

/* Each is "" if the path (below the cgroup root, "/" first) tells none; sanitised. The unit is the
 * host manager's, or the one of a user's manager; units keep their escapes ("\x2d"). The container is
 * the outermost one, by the name that the host's tools have for it. The pod is Kubernetes's uid as its API
 * writes it, or of a static pod the hash that stands for one; it may be inside that container (kind). Pure. */
void cgroup_parse(const char *path, struct cgroup_names *ret);

struct cgroup_cache;

int cgroup_cache_new(unsigned int max, struct cgroup_cache **ret); /* -ENOMEM */
void cgroup_cache_free(struct cgroup_cache *c);

/* NULL: not in the cache. '*ret_missed' (may be NULL): 0, or when it was put as unknown. Valid until
 * the next put. */
const struct cgroup_names *cgroup_cache_get(struct cgroup_cache *c, uint64_t id, uint64_t *ret_missed);

/* 'path' NULL remembers that nobody knew the id at the time 'missed' (not 0). The least recently used
 * one goes out and is counted. -ENOMEM */
int cgroup_cache_put(struct cgroup_cache *c, uint64_t id, const char *path, uint64_t missed);

unsigned int cgroup_cache_count(const struct cgroup_cache *c);
uint64_t cgroup_cache_evicted(const struct cgroup_cache *c);
size_t cgroup_cache_memory(const struct cgroup_cache *c);

/* Where cgroup2 is mounted with its root, of this mount namespace. -ENOENT: nowhere. */
int cgroup_find_root(char *ret, size_t size);

/* The same of the hierarchy of v1 that is mounted with this option ("memory", "name=systemd"); NULL: cgroup2. */
int cgroup_find_hierarchy(const char *option, char *ret, size_t size);
int cgroup_parse_mountinfo(const char *text, const char *option, char *ret, size_t size); /* pure */

/* Calls fn for 'root' and the directories below it, parents first: at most 'max' of them, at most
 * CGROUP_DEPTH_MAX deep, none of another filesystem. Returns how many; -errno if not even the root
 * could be read or of fn. '*ret_cut' tells that a bound bit. */
#define CGROUP_DEPTH_MAX 16
#define CGROUP_PATH_MAX	 4096
typedef int (*cgroup_scan_fn)(uint64_t id, const char *path, void *userdata);
int cgroup_scan(const char *root, unsigned int max, cgroup_scan_fn fn, void *userdata, bool *ret_cut);

#endif
