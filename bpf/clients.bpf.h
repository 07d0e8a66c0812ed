/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is remembered of sockets that connect. Socket storage costs an allocation for each connection, and for an
 * attempt that is refused more than all the rest; so their states lie in a table of sets by the socket's
 * address, without allocation and without locks. A set that is full costs the allocation, nothing else.
 *
 * A state stays after the socket was closed, for the reset that may follow and for the error that is reported,
 * until its place is wanted. A socket that gets the same memory begins with storage of its own (accepted) or
 * anew (client_add()), and a closed state is believed of a closed socket only.
 */
#ifndef BPF_CLIENTS_BPF_H
#define BPF_CLIENTS_BPF_H

#include "maps.bpf.h"

/* Half of the address spreads the entries, the whole identifies them. */
static __always_inline __u32 client_index(const struct sock *sk)
{
	return (pointer_half(sk) >> 6) * 0x9E3779B1U >> 20;
}

_Static_assert(CLIENT_SETS == 1 << 12, "client_index() gives twelve bits");

static __always_inline struct client_set *client_set(const struct sock *sk)
{
	__u32 index = client_index(sk);

	return bpf_map_lookup_elem(&client_states, &index);
}

static __always_inline struct sock_state *client_find(const struct sock *sk)
{
	struct client_set *set = client_set(sk);

	if (!set)
		return 0;
#pragma unroll
	for (int i = 0; i < CLIENT_WAYS; i++) {
		if (set->sk[i] != (__u64)sk)
			continue;
		if (set->use[i] == CLIENT_CLOSED && sk->__sk_common.skc_state != TCP_CLOSE)
			return 0;
		return set->use[i] == CLIENT_FREE ? 0 : &set->state[i];
	}
	return 0;
}

/* An empty state for this socket; NULL if the set is full. */
static __always_inline struct sock_state *client_add(const struct sock *sk)
{
	struct client_set *set = client_set(sk);
	int place = -1;

	if (!set)
		return 0;
	/* the socket's own place first, with its memory's former socket in it */
#pragma unroll
	for (int i = 0; i < CLIENT_WAYS; i++) {
		__u32 use = set->use[i];

		if (place < 0 && set->sk[i] == (__u64)sk &&
		    __sync_val_compare_and_swap(&set->use[i], use, CLIENT_USED) == use &&
		    set->sk[i] == (__u64)sk)
			place = i;
	}
#pragma unroll
	for (int i = 0; i < CLIENT_WAYS; i++) {
		__u32 use = set->use[i];

		if (place < 0 && use != CLIENT_USED &&
		    __sync_val_compare_and_swap(&set->use[i], use, CLIENT_USED) == use)
			place = i;
	}
	if (place < 0)
		return 0;
	place &= CLIENT_WAYS - 1;
	set->sk[place] = (__u64)sk;
	__builtin_memset(&set->state[place], 0, sizeof(set->state[place]));
	return &set->state[place];
}

/* The socket is closed, or its state lies elsewhere now. */
static __always_inline void client_leave(const struct sock *sk, enum client_use use)
{
	struct client_set *set = client_set(sk);

	if (!set)
		return;
#pragma unroll
	for (int i = 0; i < CLIENT_WAYS; i++)
		if (set->sk[i] == (__u64)sk && set->use[i] == CLIENT_USED)
			set->use[i] = use;
}

#endif
