/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a process lives, on hosts that have hierarchies of cgroup v1: there the cgroup of a socket, which is of
 * v2 alone, names nobody. What names a process is written down when it first owns a socket, for it may be gone
 * when its name is asked for, and /proc says "/" of every process that is exiting. Costs nothing elsewhere: the
 * configuration is constant, and what it excludes is not loaded.
 */
#ifndef BPF_HOME_BPF_H
#define BPF_HOME_BPF_H

#include "maps.bpf.h"

#define HOME_LINKS 32 /* a hierarchy has one controller at least, or a name; there are 14 controllers */

static __always_inline bool homes_wanted(void)
{
	return config.hierarchy[0] || config.hierarchy[1];
}

/* A css_set is linked to its cgroup in each hierarchy. The list changes only when a hierarchy is mounted or goes. */
static __always_inline void homes_of(const struct css_set *set, __u64 ret[RST_HIERARCHIES])
{
	const struct list_head *head = __builtin_preserve_access_index(&set->cgrp_links);
	const struct list_head *entry = BPF_CORE_READ(head, next);

	for (int i = 0; i < HOME_LINKS; i++) {
		const struct cgrp_cset_link *link;
		const struct cgroup *cgroup;
		__u32 number;

		if (!entry || entry == head)
			break;
		link = (const void *)entry - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
		cgroup = BPF_CORE_READ(link, cgrp);
		number = BPF_CORE_READ(cgroup, root, hierarchy_id);
		if (number && number == config.hierarchy[0])
			ret[0] = BPF_CORE_READ(cgroup, kn, id) | RST_CGROUP_HIERARCHY(0);
		else if (number && number == config.hierarchy[1])
			ret[1] = BPF_CORE_READ(cgroup, kn, id) | RST_CGROUP_HIERARCHY(1);
		entry = BPF_CORE_READ(entry, next);
	}
}

/* Not inline: it is called where a socket gets an owner, which is in many programs. */
static __noinline int home_walk(const struct task_struct *task)
{
	const struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct rst_home home = {};
	__u32 tgid = BPF_CORE_READ(task, tgid);

	home.start = BPF_CORE_READ(task, group_leader, start_boottime);
	home.set = (__u64)set;
	homes_of(set, home.cgroup);
	bpf_map_update_elem(&homes, &tgid, &home, BPF_ANY);
	return 0;
}

/* Whom this CPU asked about last: a process that opens many sockets need not be looked up for each, but is often enough
 * not to be the least recently used. */
struct home_asked {
	__u64 start;
	__u64 set;
	__u32 tgid;
	__u32 turn; /* about a second */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct home_asked);
} homes_asked __weak SEC(".maps");

static __always_inline bool home_was_asked(__u32 tgid, __u64 start, __u64 set)
{
	__u32 zero = 0, turn = (__u32)(bpf_jiffies64() >> 8);
	struct home_asked *last = bpf_map_lookup_elem(&homes_asked, &zero);

	if (!last)
		return false;
	if (last->tgid == tgid && last->start == start && last->set == set && last->turn == turn)
		return true;
	*last = (struct home_asked){ .start = start, .set = set, .tgid = tgid, .turn = turn };
	return false;
}

/* The current process, which began at 'start', owns a socket. It usually has owned others: that is found out without a
 * walk, and where the task has its type without a helper but the look-up. */
static __always_inline void home_keep(__u32 tgid, __u64 start)
{
	const struct rst_home *old;
	__u64 set;

	if (!homes_wanted())
		return;
	if (config.has_task_btf)
		set = (__u64)bpf_get_current_task_btf()->cgroups;
	else
		set = (__u64)BPF_CORE_READ((const struct task_struct *)bpf_get_current_task(), cgroups);
	if (home_was_asked(tgid, start, set))
		return;
	old = bpf_map_lookup_elem(&homes, &tgid);
	/* the same set is the same cgroups */
	if (!old || old->start != start || old->set != set)
		home_walk((const struct task_struct *)bpf_get_current_task());
}

#endif
