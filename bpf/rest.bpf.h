/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks on reads and writes find out who uses an accepted connection. Once each connection's user is
 * known they find nothing, and on a busy host that nothing is what rstmon costs most: even an empty program on a
 * tracepoint takes some 50 ns of each read. So they rest: after many runs in a row that found what was known, with
 * no connection accepted for half a second, they ask the daemon to detach them; the next accepted
 * connection asks for them again, and the daemon looks by itself every few seconds, for a
 * descriptor may be passed on at any time.
 */
#ifndef BPF_REST_BPF_H
#define BPF_REST_BPF_H

#include "count.bpf.h"

#define REST_RUNS 4096 /* power of two: in a row, on one CPU */

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} known_runs __weak SEC(".maps");

/* Wakes the reader without a record; it looks at the words. */
static __always_inline void rest_call_daemon(void)
{
	__u64 *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	/* a full ring has a reader that is awake or will be */
	if (e)
		bpf_ringbuf_discard(e, BPF_RB_FORCE_WAKEUP);
}

/* A run found what was known. */
static __always_inline void rest_known(void)
{
	__u32 zero = 0, ticks = (__u32)bpf_jiffies64();
	__u32 *runs = bpf_map_lookup_elem(&known_runs, &zero);
	struct rst_control *c;

	if (!runs || ++*runs & (REST_RUNS - 1))
		return;
	c = bpf_map_lookup_elem(&control, &zero);
	if (!c || ticks - c->last_accept < config.hz / 2 || c->want_rest)
		return;
	c->want_rest = 1;
	rest_call_daemon();
}

/* A run found something. */
static __always_inline void rest_found(void)
{
	__u32 zero = 0;
	__u32 *runs = bpf_map_lookup_elem(&known_runs, &zero);

	if (runs)
		*runs = 0;
}

/* A connection was accepted: who will use it? */
static __always_inline void rest_accepted(void)
{
	__u32 zero = 0, ticks = (__u32)bpf_jiffies64();
	struct rst_control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c)
		return;
	if (c->last_accept != ticks)
		c->last_accept = ticks;
	if (c->resting && !c->want_hooks) {
		c->want_hooks = 1;
		rest_call_daemon();
	}
}

#endif
