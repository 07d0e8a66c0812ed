/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rows of counters. One flat, position-independent block of memory without pointers, so that it
 * can live in a memory file that outlives the daemon (DESIGN.md, "Outliving itself").
 *
 *	row = (process, service port, role, direction, cause); ownerless rows have the network
 *	namespace in place of the process.
 *
 * Bounds (include/rstmon/interface.h): RSTMON_ROWS_MAX rows, of which ownerless ones may take
 * RSTMON_ROWS_OWNERLESS_MAX and one process RSTMON_ROWS_OWNER_MAX; beyond its quota an owner's resets
 * fold into its row "other ports" (port 0, other_ports). When the table is full, rows of processes
 * marked gone fold into (unit, comm, port) rows; only what finds no room even then goes to the row
 * 'other'. A scan evicts nobody else's row. Every fold and every use of 'other' is counted.
 *
 * Nobody's resets beyond the bound fold into an "other ports" row of their network namespace. Rows with
 * spilled counts never fold, since their slots would bring them back. When even folding makes no room,
 * rows of the dead and of nobody that were quiet for 24 hours (by the clock of tally_minute()) go to
 * 'other', so that a table does not stay full for ever.
 *
 * Connections that failed without any reset (RST_TIMEOUT) are counted in the same way in rows of their
 * own, under the same bounds; every sum here is per direction, and that of resets is the sum of the
 * first RST_RESET_DIRECTIONS.
 *
 * A reset is counted when its record is read; tally_move() moves a count between rows and never
 * changes a total. Invariant: sum of rows (spilled included) + other = everything ever added.
 *
 * Spilled counts stand in the kernel's slots and are never added up here: tally_spill_*() recomputes
 * each row's 'spilled' from the slots whenever the rows are read.
 *
 * Pure: no clock, no I/O, no log. Times are CLOCK_REALTIME ns.
 */
#ifndef DAEMON_TALLY_H
#define DAEMON_TALLY_H

#include "daemon/reset.h"

#define TALLY_MINUTES	  60
#define TALLY_DAY_MINUTES 1440

struct tally;

/* What a row says; strings point into the tally and are valid until it changes. */
struct tally_row {
	uint32_t pid; /* 0: no process, a folded row or 'other' */
	uint64_t start;
	const char *comm, *exe, *unit, *container, *pod;
	uint32_t netns; /* 0: a process's row in several */
	uint16_t port; /* 0 with other_ports, or where several are folded */
	uint8_t role, direction, cause, owner_source;
	bool other_ports; /* the fold row of one owner */
	bool folded;	  /* of processes that are gone: pid is 0, comm and unit name them */
	bool other;	  /* the row of last resort */
	uint64_t count;	  /* with the spilled */
	uint64_t spilled; /* of them */
	uint64_t first, last;
};

struct tally_netns {
	uint32_t inode, cookie;
	uint64_t count[RST_DIRECTION_MAX]; /* with the spilled */
};

struct tally_stats {
	uint64_t total[RST_DIRECTION_MAX];   /* sum of all rows and 'other' of each */
	uint64_t spilled[RST_DIRECTION_MAX]; /* of them */
	uint64_t lost[RST_DIRECTION_MAX];    /* of them, in 'other' */
	unsigned int rows;		     /* in use */
	uint64_t folded;  /* resets that went to an owner's "other ports" */
	uint64_t evicted; /* rows folded away, and resets that went to 'other' for want of room */
	uint64_t netns_evicted;
};

size_t tally_size(void); /* bytes of the block */

/* Makes an empty tally in 'memory' (tally_size() bytes of zeros, 8-aligned). */
struct tally *tally_format(void *memory, size_t size);

/* Takes over a tally that another process left there. Checks magic, layout version and every index
 * and bound before it trusts anything. -EPROTO: another layout; -EBADMSG: corrupt. */
int tally_adopt(void *memory, size_t size, struct tally **ret);

/* Counts one reset. */
void tally_add(struct tally *t, const struct finding *f);

/* Moves one count of 'f' from the row that tally_add() chose to the row of cause 'to', wherever that
 * row was folded to meanwhile. -ENOENT: that row has none left to move (what went to 'other' stays
 * there); -EINVAL: no such cause. */
int tally_move(struct tally *t, const struct finding *f, enum rst_cause to);

/* Takes one count of 'f' back: it turned out to be no reset. -ENOENT: its row has none left. */
int tally_take_back(struct tally *t, const struct finding *f);

/* Recomputes the spilled counts: begin, then one call per slot, then end. 'f' is what the slot's key
 * alone decides. 'lost' is the kernel's count of resets without even a slot. */
void tally_spill_begin(struct tally *t);
void tally_spill_add(struct tally *t, const struct finding *f, uint64_t count, uint64_t first,
		     uint64_t last);
void tally_spill_end(struct tally *t, const uint64_t lost[RST_DIRECTION_MAX], uint64_t now);

/* The hooks whose slots were read last are gone, and so are their slots: what was spilled becomes part of the
 * rows for good, and 'lost' of the row 'other'. */
void tally_absorb(struct tally *t);

/* Counts what is known to have been there and of which nothing else is known in the row 'other'. 'time' 0: that
 * of the newest row. */
void tally_add_other(struct tally *t, unsigned int direction, uint64_t count, uint64_t time);

/* Closes minutes up to 'now' (history buckets); at least once a minute. */
void tally_minute(struct tally *t, uint64_t now);

/* The process has ended: its rows may fold when room is needed. */
void tally_gone(struct tally *t, uint32_t pid, uint64_t start);

/* Calls fn for each process that has rows and is not marked gone. */
typedef void (*tally_process_fn)(uint32_t pid, uint64_t start, void *userdata);
void tally_processes(const struct tally *t, tally_process_fn fn, void *userdata);

/* True when the table is so full that dead processes should be looked for. */
bool tally_pressed(const struct tally *t);

/* Row i of RSTMON_ROWS_MAX + RST_DIRECTION_MAX (the last ones are 'other', one a direction, that of
 * time-outs among them); false if that place is empty. */
bool tally_row(const struct tally *t, unsigned int i, struct tally_row *ret);
#define TALLY_PLACES (RSTMON_ROWS_MAX + RST_DIRECTION_MAX)

/* Resets of row i since 'since' (rounded down to a minute). True if the row's history reaches that
 * far back, false if only a part could be counted. */
bool tally_since(const struct tally *t, unsigned int i, uint64_t since, uint64_t now,
		 uint64_t *ret_count);

bool tally_netns(const struct tally *t, unsigned int i, struct tally_netns *ret); /* i < RSTMON_NETNS_MAX */
void tally_stats(const struct tally *t, struct tally_stats *ret);

#endif
