/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the process that the kernel identified to its names: comm, executable, systemd unit and
 * container. Keeps bounded caches (uthash, oldest out first, evictions counted) of processes and
 * cgroups, filled by a scan at start and on demand, so that names outlive what they name.
 */
#ifndef DAEMON_ATTRIBUTE_H
#define DAEMON_ATTRIBUTE_H

#include "daemon/reset.h"
#include "daemon/source.h"

struct attributor;

/* 'source' gives the names and must outlive the attributor. -ENOMEM. */
int attributor_new(struct source *source, struct attributor **ret);
void attributor_free(struct attributor *a);

/* Reads all processes and, if 'cgroup_root' is given, all cgroups below that directory (cgroup2 id =
 * inode number of the directory). At start, and when asked to renew. */
int attributor_scan(struct attributor *a, const char *cgroup_root);

/* Reads all cgroups below the directory of a hierarchy of v1; 'hierarchy' is RST_CGROUP_HIERARCHY() of it. */
int attributor_scan_hierarchy(struct attributor *a, uint64_t hierarchy, const char *root);

/* Fills 'ret' for the owner that the reset's record names; comm, exe, unit and container are
 * sanitised. Never fails: what is not known is empty. */
void attribute(struct attributor *a, const struct reset *reset, struct owner *ret);

/* True if the process (tgid, start) is still there. */
bool attributor_alive(struct attributor *a, uint32_t tgid, uint64_t start);

/* A process that lives in the network namespace now, 0 if none is known. */
uint32_t attributor_netns_process(struct attributor *a, uint32_t netns, uint32_t netns_cookie);

/* Calls fn for the network namespace of each process there is, as of the last scan and what was learnt
 * since; a namespace comes as often as it has processes. */
typedef void (*attributor_netns_fn)(uint32_t netns, uint32_t netns_cookie, void *userdata);
void attributor_netns_each(struct attributor *a, attributor_netns_fn fn, void *userdata);

/* Reads processes again (at most once a second of 'now', CLOCK_MONOTONIC ns). */
void attributor_refresh(struct attributor *a, uint64_t now);

/* Questions that were not asked, because the second had had its share of them, and cgroups that the
 * scan's bounds left out. */
uint64_t attributor_skipped(const struct attributor *a);
uint64_t attributor_evicted(const struct attributor *a);
size_t attributor_memory(const struct attributor *a); /* bytes, about */

#endif
