/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source for stages.c that is nothing but a ring: made-up records of one kind, packed as the
 * kernel does it.
 */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include "common/util.h"

#include "daemon/source.h"

#define STAGES_START_NS	 (1000 * NSEC_PER_SEC)
#define STAGES_STEP_NS	 300 /* about three million a second */
#define STAGES_OFFSET_NS (1700000000 * NSEC_PER_SEC)

struct fake;

/* Writes the i-th record of a kind behind those in the ring. */
typedef void (*make_fn)(struct fake *, unsigned int i);

struct fake {
	struct source source;
	uint8_t *ring;
	size_t begin, end; /* what lies there unread */
	uint64_t base;	   /* where the ring's first byte is in all that was ever written */
	unsigned int made; /* records in this round */
};

struct kind {
	const char *name, *words;
	make_fn make;
};

extern const struct kind stages_kinds[]; /* the last has no name */

int stages_init(struct fake *f); /* -ENOMEM */
void stages_done(struct fake *f);

/* As if nothing had been written yet. */
void stages_rewind(struct fake *f);

/* The ring must be empty: writes records until it is full, or there are 'max' since the beginning. */
void stages_fill(struct fake *f, make_fn make, unsigned int max);

#endif
