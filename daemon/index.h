/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An open-addressed index over the entries of an array: hash -> number of the entry. It has no
 * pointers, never allocates and never grows: the owner gives it at least twice as many slots (a
 * power of two) as there can be entries, so a search always meets an empty one. Removal shifts
 * entries back and leaves no tombstones. Slots hold hash << 32 | entry + 1; 0 is an empty slot.
 */
#ifndef DAEMON_INDEX_H
#define DAEMON_INDEX_H

#include <stdint.h>

#define INDEX_NONE UINT32_MAX

/* Spreads the bits of 'x' over all of the result. */
static inline uint64_t index_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xd6e8feb86659fd93ULL;
	return x ^ (x >> 32);
}

/* The next entry with that hash; *position starts as the hash. INDEX_NONE: there is no other. */
static inline uint32_t index_next(const uint64_t *slots, uint32_t mask, uint32_t hash,
				  uint32_t *position)
{
	for (;;) {
		uint64_t slot = slots[(*position)++ & mask];

		if (!slot)
			return INDEX_NONE;
		if (slot >> 32 == hash)
			return (uint32_t)slot - 1;
	}
}

static inline void index_insert(uint64_t *slots, uint32_t mask, uint32_t hash, uint32_t entry)
{
	uint32_t position = hash;

	while (slots[position & mask])
		position++;
	slots[position & mask] = (uint64_t)hash << 32 | (entry + 1);
}

static inline void index_remove(uint64_t *slots, uint32_t mask, uint32_t hash, uint32_t entry)
{
	uint64_t wanted = (uint64_t)hash << 32 | (entry + 1);
	uint32_t hole = hash;

	while (slots[hole & mask] != wanted) {
		if (!slots[hole & mask])
			return;
		hole++;
	}
	for (uint32_t next = hole + 1; slots[next & mask]; next++) {
		uint32_t home = slots[next & mask] >> 32;

		/* an entry may move back as far as its home, not before it */
		if (((next - home) & mask) < ((next - hole) & mask))
			continue;
		slots[hole & mask] = slots[next & mask];
		hole = next;
	}
	slots[hole & mask] = 0;
}

#endif
