/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of the tally's block and what its files share; nobody else includes this.
 *
 *	tally.c		counting, moving, spilling
 *	tally_read.c	what the rows say
 *	tally_table.c	rows, processes and namespaces: find, make, free
 *	tally_fold.c	making room
 *	tally_history.c	minutes and days
 *	tally_adopt.c	a new block, and one that somebody else left
 *
 * Rows, processes and days are only numbers in arrays. Places beyond 'rows_top' and 'processes_top'
 * were never used and never written, so an idle host's tally costs few pages.
 */
#ifndef DAEMON_TALLY_INTERNAL_H
#define DAEMON_TALLY_INTERNAL_H

#include "daemon/index.h"
#include "daemon/tally.h"

#define TALLY_MAGIC  0x796c6c6174747372ULL
#define TALLY_LAYOUT 4

#define OWNERLESS     UINT32_MAX /* row_key.owner: no process */
#define ROW_SLOTS     16384
#define PROCESS_SLOTS 8192
#define NETNS_SLOTS   2048

_Static_assert(ROW_SLOTS >= 2 * RSTMON_ROWS_MAX, "an index needs empty slots");
_Static_assert(PROCESS_SLOTS >= 2 * RSTMON_PROCESSES_MAX, "an index needs empty slots");
_Static_assert(NETNS_SLOTS >= 2 * RSTMON_NETNS_MAX, "an index needs empty slots");

/* "Other ports" rows of nobody, one per namespace, role and cause, have room of their own. */
#define OWNERLESS_FOLDS_MAX 64
#define OWNERLESS_PORTS_MAX (RSTMON_ROWS_OWNERLESS_MAX - OWNERLESS_FOLDS_MAX)

/* When not even folding makes room: what was quiet for that long goes to 'other'. */
#define TALLY_QUIET_NS (24 * 3600 * 1000000000ULL)

#define OTHER_PLACE(direction) (RSTMON_ROWS_MAX + (uint32_t)(direction))

struct row_key {
	uint32_t owner; /* place of the process, or OWNERLESS */
	uint32_t netns; /* these two only without a process */
	uint32_t cookie;
	uint16_t port;
	uint8_t role, direction;
	uint8_t cause;
	uint8_t other_ports;
	uint8_t reserved[6]; /* 0: keys are compared and hashed as three words */
};

_Static_assert(sizeof(struct row_key) == 24, "struct row_key is three words");

struct row {
	struct row_key key;
	uint64_t count; /* without the spilled */
	uint64_t spilled;
	uint64_t pending; /* what 'spilled' will be at tally_spill_end() */
	uint64_t first, last;
	uint32_t hash;
	uint32_t netns;	 /* to show; 0: a process in several */
	uint32_t minute; /* the newest in 'minutes' */
	uint32_t begin;	 /* the history before this minute is lost */
	uint32_t next_free;
	uint16_t day; /* place + 1, 0: none */
	uint8_t owner_source;
	uint8_t used;
};

/* A process, or the (unit, comm) of several that are gone ('folded'). */
struct process {
	uint64_t start;
	uint32_t pid;
	uint32_t hash;
	uint32_t rows;	/* it goes with its last one */
	uint32_t ports; /* of them without "other ports" */
	uint32_t next_free;
	uint32_t into; /* place + 1 of what it folds into, only while folding */
	uint8_t used, gone, folded;
	uint8_t pinned; /* has a spilled row, only while folding */
	char comm[RSTMON_COMM_MAX];
	char unit[RSTMON_UNIT_MAX];
	char container[RSTMON_CONTAINER_MAX];
	char pod[RSTMON_POD_MAX];
	char exe[RSTMON_EXE_MAX];
};

struct netns {
	uint32_t inode, cookie;
	uint64_t count[RST_DIRECTION_MAX];
	uint64_t spilled[RST_DIRECTION_MAX];
	uint64_t pending[RST_DIRECTION_MAX];
	uint64_t last;
	uint32_t hash;
	uint32_t used;
};

/* Apart from its minutes: those of a free day are never touched. */
struct day {
	uint32_t row;	/* place + 1, 0: free */
	uint32_t begin; /* complete from this minute on */
	uint32_t newest;
	uint32_t reserved;
};

/* Two rows become one: written down before it happens, so that who adopts what a kill left can finish it. */
struct merge {
	uint64_t count; /* of the sum */
	uint32_t to, from;
	uint32_t under_way;
	uint32_t reserved;
};

struct tally {
	uint64_t magic;
	uint32_t layout;
	uint32_t reserved;
	uint64_t size;

	uint64_t clock; /* of the last tally_minute() */
	uint64_t lost[RST_DIRECTION_MAX];
	uint64_t folded, evicted, netns_evicted;
	uint64_t spill_folded, spill_evicted;	  /* of the spilled */
	uint64_t pending_folded, pending_evicted; /* the next of these */
	struct merge merge;

	/* all from here to the arrays is rebuilt by tally_adopt() */
	uint32_t rows_top, rows_free, rows_used;
	uint32_t processes_top, processes_free, processes_used;
	uint32_t processes_gone; /* not folded yet */
	uint32_t ownerless_ports, ownerless_folds;
	uint32_t last_row, last_process, last_netns; /* the latest that were found */
	uint32_t expire_minute;			     /* when quiet rows were looked for */
	uint32_t fold_tried; /* nothing can fold until another process goes */

	uint64_t row_slots[ROW_SLOTS];
	uint64_t process_slots[PROCESS_SLOTS];
	uint64_t netns_slots[NETNS_SLOTS];
	struct netns netns[RSTMON_NETNS_MAX];
	struct row rows[TALLY_PLACES];
	uint32_t minutes[TALLY_PLACES][TALLY_MINUTES]; /* minute m is at m % TALLY_MINUTES */
	struct process processes[RSTMON_PROCESSES_MAX];
	struct day days[RSTMON_DAY_ROWS_MAX];
	/* minute m is at m % TALLY_DAY_MINUTES */
	uint32_t day_minutes[RSTMON_DAY_ROWS_MAX][TALLY_DAY_MINUTES];
};

/* A kill leaves what was stored until then. Where the order of two stores decides whether that can be
 * adopted, this keeps the compiler from changing it; the processor keeps it for its own thread. */
#define STORES_IN_ORDER() __asm__ volatile("" ::: "memory")

static inline uint32_t *day_minutes(struct tally *t, const struct day *day)
{
	return t->day_minutes[day - t->days];
}

static inline uint32_t minute_of(uint64_t time)
{
	return (uint32_t)(time / 60000000000ULL);
}

static inline bool row_is_other(uint32_t place)
{
	return place >= RSTMON_ROWS_MAX;
}

/* All that a row stands for. */
static inline uint64_t row_total(const struct tally *t, uint32_t place)
{
	const struct row *row = &t->rows[place];
	uint64_t lost = row_is_other(place) ? t->lost[place - RSTMON_ROWS_MAX] : 0;

	return row->count + row->spilled + lost;
}

/* tally_table.c; a place, or INDEX_NONE. New rows and processes are empty; a process goes with its
 * last row, and one that got no row must be given back with tally_process_check(). */
uint32_t tally_row_find(struct tally *t, const struct row_key *key);
uint32_t tally_row_new(struct tally *t, const struct row_key *key, uint64_t time);
void tally_row_free(struct tally *t, uint32_t place);
void tally_row_link(struct tally *t, uint32_t place);
void tally_row_unlink(struct tally *t, uint32_t place);
void tally_row_time(struct row *row, uint64_t first, uint64_t last);
uint32_t tally_process_find(struct tally *t, uint32_t pid, uint64_t start);
uint32_t tally_process_new(struct tally *t, uint32_t pid, uint64_t start);
void tally_process_check(struct tally *t, uint32_t place);
void tally_process_link(struct tally *t, uint32_t place);
void tally_process_unlink(struct tally *t, uint32_t place);
uint32_t tally_group_new(struct tally *t, const struct process *named);
uint32_t tally_group_find(struct tally *t, const char *unit, const char *comm);
uint32_t tally_netns_find(struct tally *t, uint32_t inode, uint32_t cookie, bool make);
void tally_netns_link(struct tally *t, uint32_t place);

/* tally_fold.c */
bool tally_make_room(struct tally *t);
bool tally_expire(struct tally *t);

/* tally_history.c */
void tally_history_add(struct tally *t, uint32_t place, uint32_t minute, uint64_t n);
void tally_history_cut(struct tally *t, uint32_t place, uint32_t minute);
void tally_history_merge(struct tally *t, uint32_t to, uint32_t from);
void tally_history_drop(struct tally *t, uint32_t place);

#endif
