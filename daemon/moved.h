/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rows changed since the last look, and by how much. Rows that fold into another bring what they had: that is
 * told apart, because it was in the table before. Pure.
 */
#ifndef DAEMON_MOVED_H
#define DAEMON_MOVED_H

#include "daemon/tally.h"

/* Large: on the heap. Zeros: nothing was there before. */
struct moved {
	uint64_t counted[TALLY_PLACES];
	uint64_t identity[TALLY_PLACES]; /* of the row that 'counted' is of */
	uint8_t direction[TALLY_PLACES], cause[TALLY_PLACES]; /* likewise */
};

struct move {
	unsigned int place;
	const struct tally_row *row;
	int64_t growth;	  /* below 0: counts were taken back, or went to another row */
	uint64_t brought; /* of the growth: what rows of the same direction and cause had that are gone now */
};

typedef void (*moved_fn)(const struct move *m, void *userdata);

/* What the rows hold now is no news. */
void moved_begin(struct moved *m, const struct tally *t);

/* Calls fn for each row that is not as it was at the look before, in the order of places. */
void moved_look(struct moved *m, const struct tally *t, moved_fn fn, void *userdata);

#endif
