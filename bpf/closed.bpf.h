/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that were closed here. A time-wait socket and a packet without a socket carry no owner: this
 * turns them into "closed by java[812] 40 ms ago". Every connection passes through it, so it is the cheapest
 * memory there is: a table of sets, the oldest of a set is overwritten, no locks. A writer that finds
 * another writer at its place gives up; a reader copies, and looks whether it still is the same entry.
 */
#ifndef BPF_CLOSED_BPF_H
#define BPF_CLOSED_BPF_H

#include "count.bpf.h"

#define CLOSED_BUSY 1ULL

_Static_assert(sizeof(struct connection_key) == 44, "closed_tag() reads eleven words");

static __always_inline __u64 closed_tag(const struct connection_key *key)
{
	const __u32 *word = (const __u32 *)key;
	__u64 h = config.hash_seed;

#pragma unroll
	for (int i = 0; i < 10; i += 2) {
		h = (h ^ (word[i] | (__u64)word[i + 1] << 32)) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 29;
	}
	h = (h ^ word[10]) * 0x9E3779B97F4A7C15ULL;
	h ^= h >> 29;
	return h | 2; /* neither empty nor busy */
}

static __always_inline bool closed_equal(const struct connection_key *a, const struct connection_key *b)
{
	const __u32 *x = (const __u32 *)a, *y = (const __u32 *)b;
	__u32 differ = 0;

#pragma unroll
	for (int i = 0; i < 11; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

static __always_inline struct closed_set *closed_set(__u64 tag)
{
	__u32 index = tag >> 53;

	return bpf_map_lookup_elem(&closed_connections, &index);
}

_Static_assert(CLOSED_SETS == 1 << 11, "closed_set() takes eleven bits");

static __always_inline struct closed_connection *closed_find(const struct connection_key *key, __u64 tag,
								__u32 *ret_way)
{
	struct closed_set *set = closed_set(tag);

	if (!set)
		return 0;
#pragma unroll
	for (__u32 i = 0; i < CLOSED_WAYS; i++) {
		if (set->tag[i] == tag && closed_equal(&set->way[i].key, key)) {
			*ret_way = i;
			return &set->way[i];
		}
	}
	return 0;
}

/* Copies what is remembered of the connection. False: nothing, or it was overwritten this moment. */
static __always_inline bool closed_read(const struct connection_key *key, struct rst_former *ret)
{
	__u64 tag = closed_tag(key);
	struct closed_set *set = closed_set(tag);
	__u32 way = 0;
	struct closed_connection *c = closed_find(key, tag, &way);

	if (!c || !set)
		return false;
	__builtin_memcpy(ret, &c->former, sizeof(*ret));
	/* an ordered load, after the copy */
	return __sync_val_compare_and_swap(&set->tag[way & (CLOSED_WAYS - 1)], tag, tag) == tag;
}

/* The place to write to, for closed_commit(): this connection's, or the oldest. -1: another CPU writes there. */
static __always_inline int closed_begin(struct closed_set *set, __u64 tag)
{
	int way = -1;
	__u64 old;

#pragma unroll
	for (int i = 0; i < CLOSED_WAYS; i++)
		if (set->tag[i] == tag)
			way = i;
	if (way < 0)
		way = set->next++;
	way &= CLOSED_WAYS - 1;
	old = set->tag[way];
	if (old == CLOSED_BUSY || __sync_val_compare_and_swap(&set->tag[way], old, CLOSED_BUSY) != old)
		return -1;
	return way;
}

static __always_inline void closed_commit(struct closed_set *set, int way, __u64 tag)
{
	__sync_lock_test_and_set(&set->tag[way & (CLOSED_WAYS - 1)], tag);
}

#endif
