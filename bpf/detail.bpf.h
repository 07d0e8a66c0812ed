/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which resets of a flood get a record. A record costs the kernel a hundred nanoseconds and the daemon several
 * hundred, and the ten-thousandth refused SYN of a second says what the first did. So each CPU has a
 * budget of records for resets whose key already says why they happened; beyond it they are counted in
 * their slot at once, but for a few of each key, so that what is rare beside a flood is still seen.
 */
#ifndef BPF_DETAIL_BPF_H
#define BPF_DETAIL_BPF_H

#include "count.bpf.h"

#define DETAIL_MAX   1024 /* records of a window, on each CPU ... */
#define DETAIL_LATER 256 /* ... and of the next, if that was used up: a flood that lasts has been seen */
#define DETAIL_KEYS  1024
#define DETAIL_EACH  4 /* of those keys that share a counter, beyond it */

struct detail {
	__u32 window;
	__u32 used, max;
	__u32 each[DETAIL_KEYS]; /* window << 8 | records of it */
};

/* One element per direction: the programs interrupt each other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RST_DIRECTION_MAX);
	__type(key, __u32);
	__type(value, struct detail);
} details __weak SEC(".maps");

/* Windows of about half a second, told apart without reading a clock: 2^n ticks. */
static __always_inline __u32 detail_window(void)
{
	__u32 ticks = (__u32)bpf_jiffies64();

	if (config.hz > 600)
		return ticks >> 9;
	return config.hz > 150 ? ticks >> 7 : ticks >> 6;
}

static __always_inline bool detail_wanted(__u32 direction, __u64 tag)
{
	struct detail *d = bpf_map_lookup_elem(&details, &direction);
	__u32 window = detail_window();
	__u32 *each;

	if (!d)
		return true;
	if (d->window != window) {
		d->max = window == d->window + 1 && d->used >= d->max ? DETAIL_LATER : DETAIL_MAX;
		d->window = window;
		d->used = 0;
	}
	if (d->used < d->max) {
		d->used++;
		return true;
	}
	each = &d->each[tag >> 40 & (DETAIL_KEYS - 1)];
	if (*each >> 8 != (window & 0xffffff))
		*each = window << 8;
	if ((*each & 0xff) >= DETAIL_EACH)
		return false;
	(*each)++;
	return true;
}

#endif
