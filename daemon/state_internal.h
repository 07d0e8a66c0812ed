/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of the memory file and what its files share; nobody else includes this.
 *
 *	state.c		what is asked and set
 *	state_memory.c	a new file, one that somebody else left, a copy
 *
 * The parts lie one after the other, each on a page of its own. Places that were never used were never
 * written: they are holes of the file and cost no memory. They must not even be read, since a look at a hole
 * of a mapped memory file makes a page of it.
 */
#ifndef DAEMON_STATE_INTERNAL_H
#define DAEMON_STATE_INTERNAL_H

#include "daemon/state.h"

#define STATE_MAGIC  0x6574617473747372ULL
#define STATE_LAYOUT 3
#define STATE_PAGE   4096
#define STATE_KERNEL_MAX 64

struct state_header {
	uint64_t magic;
	uint32_t layout;
	uint32_t header_size;
	uint64_t size; /* of all */
	uint64_t part_size[4];
	uint64_t fingerprint; /* of all numbers that mean something: causes, evidence, limits */

	uint64_t position;
	uint64_t left_position; /* of the hooks before */
	uint64_t since;
	uint32_t generation;
	uint32_t absorb_due;
	struct source_totals base;

	char kernel[STATE_KERNEL_MAX];
	uint32_t n_reasons;
	uint32_t reserved;
	char reasons[REASONS_MAX][RSTMON_REASON_MAX];
};

struct state {
	int fd;
	size_t bytes;
	struct state_header *header;
	struct tally *tally;
	struct recent *recent;
	struct peers *peers;
	struct hold *hold;
};

/* state_memory.c; what a header of this build looks like, for the checkpoint too */
void state_header_fill(struct state_header *h);
bool state_header_ours(const struct state_header *h);

/* Of a build that knows only the first 'causes' of this one's. */
uint64_t state_fingerprint(unsigned int causes);
int state_make_file(void); /* an empty memory file of the right size, or -errno */

/* It goes with no hooks: generation and position are 0. */
void state_forget_hooks(struct state *s);

#endif
