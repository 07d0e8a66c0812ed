/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections that were closed here. A time-wait socket and a packet without a socket carry no owner: this
 * turns them into "closed by java[812] 40 ms ago". Every connection passes through it, so it is the cheapest
 * memory there is: a table of sets, the oldest of a set is overwritten, no locks. A writer that finds
 * another writer at its place tries one more; a reader copies, and looks whether it still is the same entry.
 */
#ifndef BPF_CLOSED_BPF_H
#define BPF_CLOSED_BPF_H

#include "count.bpf.h"

#define CLOSED_BUSY 1U

_Static_assert(sizeof(struct connection_key) == 44, "closed_hash() reads eleven words");

static __always_inline __u64 closed_hash(const struct connection_key *key)
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
	return h;
}

/* Neither empty nor busy. The set is chosen by other bits. */
static __always_inline __u32 closed_tag(__u64 hash)
{
	return (__u32)hash | 2;
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

static __always_inline struct closed_set *closed_set(__u64 hash)
{
	__u32 index = hash >> 53;

	return bpf_map_lookup_elem(&closed_connections, &index);
}

_Static_assert(CLOSED_SETS == 1 << 11, "closed_set() takes eleven bits");

/* The tag, loaded after all loads before this one and before all behind it. Where the processor keeps to that by
 * itself, only the compiler must; an atomic would take the line from all others who read it. */
static __always_inline __u32 closed_tag_now(__u32 *tag, __u32 expected)
{
	__u32 now;

	if (!config.keeps_order)
		return __sync_val_compare_and_swap(tag, expected, expected);
	barrier();
	now = *(volatile __u32 *)tag;
	barrier();
	return now;
}

/* Where the tag is, if it is there; the verifier forgets how the number came about (client_way()). */
static __always_inline __u32 closed_way(const struct closed_set *set, __u32 tag)
{
	const volatile __u32 *unknown = &set->tag[0];
	__u32 way = 0;

#pragma unroll
	for (int i = 1; i < CLOSED_WAYS; i++)
		if (set->tag[i] == tag)
			way = i;
	/* should it change in between, the way is a wrong one, and what is there is another connection's */
	way += *unknown;
	way -= *unknown;
	return way & (CLOSED_WAYS - 1);
}

static __always_inline bool closed_is_at(const struct closed_set *set, __u32 way,
					 const struct connection_key *key, __u32 tag)
{
	return set->tag[way] == tag && closed_equal(&set->way[way].key, key);
}

/* Copies what is remembered of the connection. False: nothing, or it was overwritten this moment. */
static __always_inline bool closed_read(const struct connection_key *key, struct rst_former *ret)
{
	const struct rst_former *former;
	struct closed_set *set;
	__u64 hash;
	__u32 way, tag;

	if (!config.has_fetch_atomics) {
		former = bpf_map_lookup_elem(&closed_table, key);
		return former && !bpf_probe_read_kernel(ret, sizeof(*ret), former);
	}
	hash = closed_hash(key);
	tag = closed_tag(hash);
	set = closed_set(hash);
	if (!set)
		return false;
	way = closed_way(set, tag);
	if (!closed_is_at(set, way, key, tag) || closed_tag_now(&set->tag[way], tag) != tag)
		return false;
	__builtin_memcpy(ret, &set->way[way].former, sizeof(*ret));
	return closed_tag_now(&set->tag[way], tag) == tag;
}

/* It ended by a reset, which was not known when it was written. */
static __always_inline void closed_mark(const struct connection_key *key, __u8 reset)
{
	struct rst_former *former;
	struct closed_set *set;
	__u64 hash;
	__u32 way, tag;

	if (!config.has_fetch_atomics) {
		former = bpf_map_lookup_elem(&closed_table, key);
		if (former)
			former->reset = reset;
		return;
	}
	hash = closed_hash(key);
	tag = closed_tag(hash);
	set = closed_set(hash);
	if (!set)
		return;
	way = closed_way(set, tag);
	/* it may be another's by now */
	if (closed_is_at(set, way, key, tag) && closed_tag_now(&set->tag[way], tag) == tag)
		set->way[way].former.reset = reset;
}

static __always_inline bool closed_claim(struct closed_set *set, __u32 way)
{
	__u32 old = set->tag[way];

	return old != CLOSED_BUSY &&
	       __sync_val_compare_and_swap(&set->tag[way], old, CLOSED_BUSY) == old;
}

/* The place to write to, for closed_commit(): this connection's, or the oldest, or the next one if somebody writes
 * there. -1: there, too. Two who count at once may get the same place, or again one that was given a moment ago;
 * that costs the memory of one connection at most. */
static __always_inline int closed_begin(struct closed_set *set, __u32 tag)
{
	__u32 way = closed_way(set, tag);

	if (set->tag[way] != tag)
		way = set->next++ & (CLOSED_WAYS - 1);
	if (closed_claim(set, way))
		return way;
	way = set->next++ & (CLOSED_WAYS - 1);
	return closed_claim(set, way) ? way : -1;
}

/* The entry is there before its tag. An atomic would also wait until it is: that is most of what a close costs, for few
 * entries are in a cache. */
static __always_inline void closed_commit(struct closed_set *set, int way, __u32 tag)
{
	__u32 *place = &set->tag[way & (CLOSED_WAYS - 1)];

	if (!config.keeps_order) {
		__sync_lock_test_and_set(place, tag);
		return;
	}
	barrier();
	*(volatile __u32 *)place = tag;
}

#endif
