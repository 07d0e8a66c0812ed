/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counting: totals first, then a record in the ring, else a slot, else "lost". And the wake-up of the
 * reader, which costs more than all the rest and therefore happens only when it sleeps.
 */
#ifndef BPF_COUNT_BPF_H
#define BPF_COUNT_BPF_H

#include "lane.bpf.h"

static __always_inline struct rst_totals *count_totals(__u32 lane)
{
	__u32 index = bpf_get_smp_processor_id();

	if (lane)
		index += lane * config.cpus;
	return bpf_map_lookup_elem(&totals, &index);
}

static __always_inline void count_failure(enum rst_failure kind)
{
	struct rst_totals *t = count_totals(LANE_PLAIN);

	if (t && kind < RST_FAIL_MAX)
		t->failures[kind]++;
}

/*
 * The reader sets 'sleeping', fences, and looks at the ring's producer position once more before it
 * sleeps. Here the record is already reserved, so that position has moved before the flag is read.
 * Whoever clears the flag owes the wake-up; all others pay one load of a shared cache line.
 */
static __always_inline __u64 count_wake_flag(void)
{
	__u32 zero = 0;
	struct rst_control *c = bpf_map_lookup_elem(&control, &zero);

	if (!c || !*(volatile __u32 *)&c->sleeping)
		return BPF_RB_NO_WAKEUP;
	if (config.has_fetch_atomics)
		return __sync_lock_test_and_set(&c->sleeping, 0) ? BPF_RB_FORCE_WAKEUP
								 : BPF_RB_NO_WAKEUP;
	/* two may wake it */
	c->sleeping = 0;
	return BPF_RB_FORCE_WAKEUP;
}

/* False: this object was replaced by another generation and must not count any more. */
static __always_inline bool count_active(void)
{
	__u32 zero = 0;
	struct rst_control *c = bpf_map_lookup_elem(&control, &zero);

	return c && c->generation == config.generation;
}

/* Keyed multiply-and-fold over the key's four words. The seed is random per start, so nobody can
 * choose ports that collide on purpose. */
static __always_inline __u64 count_tag(const struct rst_key *key)
{
	const __u64 *word = (const __u64 *)key;
	__u64 h = config.hash_seed;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		h = (h ^ word[i]) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 29;
	}
	return h ? h : 1;
}

static __always_inline void slot_count(struct rst_slot *slot, __u32 tick)
{
	__sync_fetch_and_add(&slot->count, 1);
	/* a flood need not read the clock more often than it ticks */
	if (slot->tick != tick) {
		slot->tick = tick;
		slot->last = bpf_ktime_get_ns();
	}
}

/* Takes a slot that is nobody's, under the lock of a map, which lets one in. Returns whose it was, 0: it is ours
 * now. */
static __always_inline __u64 slot_claim(struct rst_slot *slot, __u32 index, __u64 tag)
{
	const __u64 *other;

	if (!bpf_map_update_elem(&claims, &index, &tag, BPF_NOEXIST)) {
		slot->tag = tag;
		return 0;
	}
	other = bpf_map_lookup_elem(&claims, &index);
	return other ? *other : ~tag;
}

/* The reader takes a slot only when 'ready' is there: after all that was written before. */
static __always_inline void slot_ready(struct rst_slot *slot)
{
	if (config.has_fetch_atomics) {
		/* a full barrier comes with an atomic that returns a value */
		__sync_lock_test_and_set(&slot->ready, 1);
		return;
	}
	/* x86 keeps stores in order by itself */
	barrier();
	*(volatile __u32 *)&slot->ready = 1;
}

/*
 * Counts one reset in its slot. Returns the slot's index + 1, or 0 when none was free. Nobody's resets have one half
 * of the slots and those of processes the other: a scan takes no process's room. Each half has two quarters,
 * for CPUs with even and with odd numbers, so that two that flood the same port do not wait for each other's
 * cache line; a key may have a slot in both. A quarter that is full leaves the other.
 */
static __always_inline __u32 count_spill(const struct rst_key *key, __u64 tag, const char *comm,
					 __u64 cgroup)
{
	__u32 tick = (__u32)bpf_jiffies64();
	__u32 quarter = (key->owner_tgid ? 2 : 0) | (bpf_get_smp_processor_id() & 1);

	for (__u32 i = 0; i < 2 * RST_SLOT_PROBES; i++) {
		__u32 index = (tag + i % RST_SLOT_PROBES) & (RST_SLOTS / 4 - 1);

		index |= (quarter ^ i / RST_SLOT_PROBES) * (RST_SLOTS / 4);
		struct rst_slot *slot = bpf_map_lookup_elem(&slots, &index);

		if (!slot)
			return 0;
		if (slot->tag == tag) {
			slot_count(slot, tick);
			return index + 1;
		}
		if (slot->tag)
			continue;

		__u64 found;

		if (config.has_fetch_atomics)
			found = __sync_val_compare_and_swap(&slot->tag, 0, tag);
		else
			found = slot_claim(slot, index, tag);
		if (found && found != tag)
			continue;
		if (!found) {
			slot->key = *key;
			slot->first = bpf_ktime_get_ns();
			slot->cgroup = cgroup;
			__builtin_memcpy(slot->comm, comm, sizeof(slot->comm));
			slot_ready(slot);
		}
		__sync_fetch_and_add(&slot->count, 1);
		slot->tick = tick;
		slot->last = bpf_ktime_get_ns();
		return index + 1;
	}
	return 0;
}

/* No room for a record: a slot, or the loss counter. Returns what sock_state.false_slot means. */
static __always_inline __u32 count_no_room(struct rst_count *count, const struct rst_key *key,
					   const char *comm, __u64 cgroup)
{
	__u32 slot = count_spill(key, count_tag(key), comm, cgroup);

	if (slot) {
		count->spilled++;
		return slot;
	}
	count->lost++;
	return ~0U;
}

#endif
