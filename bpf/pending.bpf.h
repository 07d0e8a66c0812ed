/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who called connect(), until it is known what came of it. Most attempts that end in a reset end at once,
 * and socket storage for them would cost more than the reset does: so the owner lies in a table of sets,
 * without allocation and without locks, and moves to socket storage once the connection is established
 * or has a story worth telling. A set that is full costs the allocation, nothing else.
 */
#ifndef BPF_PENDING_BPF_H
#define BPF_PENDING_BPF_H

#include "maps.bpf.h"

/* Half of the address spreads the entries, the whole identifies them. */
static __always_inline __u32 pending_index(const struct sock *sk)
{
	return (pointer_half(sk) >> 6) * 0x9E3779B1U >> 20;
}

_Static_assert(PENDING_SETS == 1 << 12, "pending_index() gives twelve bits");

static __always_inline struct pending_set *pending_set(const struct sock *sk)
{
	__u32 index = pending_index(sk);

	return bpf_map_lookup_elem(&pending_connects, &index);
}

/* The entry of this socket, or NULL. */
static __always_inline struct pending_connect *pending_find(const struct sock *sk)
{
	struct pending_set *set = pending_set(sk);

	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < PENDING_WAYS; i++)
		if (set->way[i].sk == (__u64)sk)
			return &set->way[i];
	return 0;
}

/* An entry for this socket, empty but for 'sk'; NULL if the set is full. One that nobody took out (a run that
 * the kernel skipped) is used again with the socket's memory. */
static __always_inline struct pending_connect *pending_add(const struct sock *sk)
{
	struct pending_set *set = pending_set(sk);
	struct pending_connect *p;

	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < PENDING_WAYS; i++) {
		p = &set->way[i];
		if (p->sk == (__u64)sk)
			goto found;
	}
#pragma unroll
	for (int i = 0; i < PENDING_WAYS; i++) {
		p = &set->way[i];
		if (!p->used && !__sync_val_compare_and_swap(&p->used, 0, 1))
			goto found;
	}
	return 0;
found:
	p->sk = (__u64)sk;
	p->reset = 0;
	return p;
}

static __always_inline void pending_drop(struct pending_connect *p)
{
	p->sk = 0;
	/* whoever claims it next sees it empty */
	__sync_lock_test_and_set(&p->used, 0);
}

#endif
