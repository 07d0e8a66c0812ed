/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is remembered of sockets that connect. Socket storage costs an allocation for each connection, and for an
 * attempt that is refused more than all the rest; so their states lie in a table of sets by the socket's
 * address, without allocation and without locks. A set that is full costs the allocation, nothing else.
 *
 * One word says whose a place is and what for, so that it changes hands at once. A state stays after the socket was
 * closed, for the reset that may follow and for the error that is reported; programs that have found it go on
 * using it, so others get the place only ticks later. The socket that gets the same memory gets it at once: there is
 * nobody left who used it. A closed state is believed of a closed socket only.
 */
#ifndef BPF_CLIENTS_BPF_H
#define BPF_CLIENTS_BPF_H

#include "maps.bpf.h"

#define CLIENT_QUARANTINE 2 /* ticks: more than one, less than two of time */

/* Half of the address spreads the entries, the whole identifies them. */
static __always_inline __u32 client_index(const struct sock *sk)
{
	return (pointer_half(sk) >> 6) * 0x9E3779B1U >> 20;
}

_Static_assert(CLIENT_SETS == 1 << 12, "client_index() gives twelve bits");

static __always_inline struct client_set *client_set(const struct sock *sk)
{
	__u32 index = client_index(sk);

	/* without the processor's help there is no such table, and all lies where compat_state() has it */
	if (!config.has_fetch_atomics)
		return 0;
	return bpf_map_lookup_elem(&client_states, &index);
}

/* Added, as the verifier lets nobody set bits of a pointer. */
static __always_inline __u64 client_word(const struct sock *sk, enum client_use use)
{
	return (__u64)((const char *)sk + use);
}

static __always_inline bool client_is(__u64 word, const struct sock *sk)
{
	return (word & ~(__u64)CLIENT_USES) == (__u64)sk;
}

/* Where the socket's state is, if it is there. The verifier shall forget by which comparison it came to the number, or it
 * would walk all that follows for each: so what it does not know is added, and is 0. */
static __always_inline __u32 client_way(const struct client_set *set, const struct sock *sk)
{
	const volatile __u32 *unknown = &set->reserved[0];
	__u32 way = 0;

#pragma unroll
	for (int i = 1; i < CLIENT_WAYS; i++)
		if (client_is(set->word[i], sk))
			way = i;
	way += *unknown;
	way -= *unknown;
	return way & (CLIENT_WAYS - 1);
}

static __always_inline struct sock_state *client_find(const struct sock *sk)
{
	struct client_set *set = client_set(sk);
	__u64 word;
	__u32 way;

	if (!set)
		return 0;
	way = client_way(set, sk);
	word = set->word[way];
	if (!client_is(word, sk) || ((word & CLIENT_USES) != CLIENT_USED &&
				     sk->__sk_common.skc_state != TCP_CLOSE))
		return 0;
	return &set->state[way];
}

/* A place whose socket went without a word: no program ran when it was closed. The address may be anything's by
 * now. */
static __always_inline bool client_is_stale(__u64 word)
{
	const struct sock *sk = (const struct sock *)(word & ~(__u64)CLIENT_USES);
	__u8 state = TCP_CLOSE;

	if (bpf_core_read(&state, sizeof(state), &sk->__sk_common.skc_state))
		return true;
	return state == TCP_CLOSE || !state || state > TCP_NEW_SYN_RECV;
}

/* The best place for a socket that has none: one that is nobody's, else the one that was left first, but not a moment
 * ago; else perhaps the one that is used for longest. */
static __always_inline __u32 client_choose(const struct client_set *set, __u32 now)
{
	__u64 best = 0;

#pragma unroll
	for (int i = 0; i < CLIENT_WAYS; i++) {
		__u64 word = set->word[i], closed = word >> 1 & 1;
		__u64 rank = (__u32)(now - set->tick[i]) | (is_same(word, 0) << 1 | closed) << 32;

		rank = rank << 2 | i;
		best = rank > best ? rank : best;
	}
	return best & (CLIENT_WAYS - 1);
}

static __always_inline bool client_is_free(__u64 word, __u32 age)
{
	if (!word)
		return true;
	if ((word & CLIENT_USES) == CLIENT_CLOSED)
		return age >= CLIENT_QUARANTINE;
	/* a socket that begins to connect is CLOSE for a moment, too: not for a second */
	return age > config.hz && client_is_stale(word);
}

/* A place for this socket's state, with whatever is in there; NULL if the set is full. The socket's own comes first,
 * with its memory's former socket in it. */
static __always_inline struct sock_state *client_add(const struct sock *sk)
{
	struct client_set *set = client_set(sk);
	__u32 now = (__u32)bpf_jiffies64(), way;
	__u64 word;

	if (!set)
		return 0;
	way = client_way(set, sk);
	word = set->word[way];
	if (!client_is(word, sk)) {
		way = client_choose(set, now);
		word = set->word[way];
		if (!client_is_free(word, now - set->tick[way]))
			return 0;
	}
	/* before it is taken, or it would seem to be left over; it harms nobody whose it is by now */
	set->tick[way] = now;
	if (__sync_val_compare_and_swap(&set->word[way], word, client_word(sk, CLIENT_USED)) != word)
		return 0;
	return &set->state[way];
}

/* The socket is closed, or its state lies elsewhere now: others may have its place before long. */
static __always_inline void client_close(const struct sock *sk)
{
	struct client_set *set = client_set(sk);
	__u32 way;

	if (!set)
		return;
	way = client_way(set, sk);
	if (set->word[way] != client_word(sk, CLIENT_USED))
		return;
	set->tick[way] = (__u32)bpf_jiffies64();
	set->word[way] = client_word(sk, CLIENT_CLOSED);
}

/* What is here is of another socket that had its memory. */
static __always_inline void client_forget(const struct sock *sk)
{
	struct client_set *set = client_set(sk);
	__u32 way;

	if (!set)
		return;
	way = client_way(set, sk);
	if (client_is(set->word[way], sk))
		set->word[way] = 0;
}

#endif
