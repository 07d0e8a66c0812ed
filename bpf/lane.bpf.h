/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who counts where. A program that counts in a process may be interrupted by one that counts the same direction in
 * a softirq: the one on another hook, or, in kernels without a guard against it (before 6.1, 05b24ff9b2cf),
 * itself. Neither may touch the other's counters and scratch memory. Interrupts nest strictly, so a plain number
 * per CPU tells how deep a run is: what the inner one adds to it, it has taken off again.
 */
#ifndef BPF_LANE_BPF_H
#define BPF_LANE_BPF_H

#include "maps.bpf.h"

enum lane {
	LANE_PLAIN,	 /* the tracepoints' programs */
	LANE_NESTED,	 /* on top of themselves */
	LANE_TRAMPOLINE, /* programs on functions */
	LANE_TRAMPOLINE_NESTED,
	LANE_MAX,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LANE_MAX * RST_DIRECTION_MAX);
	__type(key, __u32);
	__type(value, __u32);
} depths __weak SEC(".maps");

static __always_inline bool lane_nests(enum lane lane)
{
	return lane != LANE_PLAIN || !config.has_guard;
}

/* The lane of this run: 'lane' or the one behind it. lane_leave() must follow. */
static __always_inline __u32 lane_enter(enum lane lane, __u32 direction)
{
	__u32 index = lane * RST_DIRECTION_MAX + direction;
	__u32 *depth;

	if (!lane_nests(lane))
		return lane;
	depth = bpf_map_lookup_elem(&depths, &index);
	if (!depth)
		return lane;
	return (*(volatile __u32 *)depth)++ ? lane + 1 : lane;
}

static __always_inline void lane_leave(enum lane lane, __u32 direction)
{
	__u32 index = lane * RST_DIRECTION_MAX + direction;
	__u32 *depth;

	if (!lane_nests(lane))
		return;
	depth = bpf_map_lookup_elem(&depths, &index);
	if (depth)
		--*(volatile __u32 *)depth;
}

#endif
