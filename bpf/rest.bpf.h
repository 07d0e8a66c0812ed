/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks on reads and writes find out who uses an accepted connection. Once each connection's user is
 * known they find nothing, and on a busy host that nothing is what rstmon costs most: even an empty program on a
 * tracepoint takes some 50 ns of each read. So they rest: after many runs in a row that found what was known, with
 * no connection accepted for half a second, they ask the daemon to detach them; the next accepted
 * connection asks for them again, and the daemon looks by itself every few seconds, for a
 * descriptor may be passed on at any time. Datagrams alone let only the hook on writes rest.
 */
#ifndef BPF_REST_BPF_H
#define BPF_REST_BPF_H

#include "count.bpf.h"

#define REST_RUNS 4096 /* power of two: in a row, on one CPU */

struct rest_runs {
	__u32 known;	 /* that found what was known */
	__u32 datagrams; /* of on_write that had nothing to look for */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rest_runs);
} known_runs __weak SEC(".maps");

static __always_inline struct rest_runs *rest_runs(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&known_runs, &zero);
}

/* Wakes the reader without a record; it looks at the words. */
static __always_inline void rest_call_daemon(void)
{
	__u64 *e = bpf_ringbuf_reserve(&ring, sizeof(*e), 0);

	/* a full ring has a reader that is awake or will be */
	if (e)
		bpf_ringbuf_discard(e, BPF_RB_FORCE_WAKEUP);
}

static __always_inline void rest_wish(__u32 wish)
{
	__u32 zero = 0, ticks = (__u32)bpf_jiffies64();
	struct rst_control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c || ticks - c->last_accept < config.hz / 2 || c->want_rest == wish || c->want_rest == RST_REST_ALL)
		return;
	c->want_rest = wish;
	rest_call_daemon();
}

/* A run found what was known. */
static __always_inline void rest_known(void)
{
	struct rest_runs *runs = rest_runs();

	if (runs && !(++runs->known & (REST_RUNS - 1)))
		rest_wish(RST_REST_ALL);
}

/* A datagram was sent: a host of these pays for the hook on writes, too. Of connections they say nothing. */
static __always_inline void rest_datagram(void)
{
	struct rest_runs *runs = rest_runs();

	if (runs && !(++runs->datagrams & (REST_RUNS - 1)))
		rest_wish(RST_REST_WRITE);
}

/* A run found something. */
static __always_inline void rest_found(void)
{
	struct rest_runs *runs = rest_runs();

	if (runs)
		*runs = (struct rest_runs){};
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
	if (c->want_rest)
		c->want_rest = 0; /* the daemon may have put it off */
	if (c->resting && !c->want_hooks) {
		c->want_hooks = 1;
		rest_call_daemon();
	}
}

#endif
