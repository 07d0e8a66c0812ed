/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The methods of io.rstmon: List, Last, Watch, Status, Metrics, Why, Explain. What they take and give is
 * described in io.rstmon.varlink. Their userdata is a struct methods_state: where the daemon's state lies and how it
 * is brought up to date.
 */
#ifndef DAEMON_METHODS_H
#define DAEMON_METHODS_H

#include "daemon/history.h"
#include "daemon/report.h"
#include "daemon/server.h"

struct methods_state {
	struct tally *tally;
	struct recent *recent;
	struct peers *peers;
	const struct history *history; /* NULL: none */
	uint64_t started; /* counting, CLOCK_REALTIME ns; 0: not known, as of a recording */
	unsigned int series; /* of each of the two families at most, 0: METHODS_SERIES */
	/* Reads what has arrived and recomputes what spilled; before every answer. */
	void (*refresh)(void *userdata);
	/* Pointers in 'ret' are valid until the next refresh. */
	void (*status)(void *userdata, struct report_status *ret);
	/* Growth of the kernel's own counters of resets that no hook sees, over all covered namespaces:
	 * those that ended handshakes, those that it did not believe. NULL: nobody looks. */
	void (*counters)(void *userdata, uint64_t *ret_embryonic, uint64_t *ret_ignored);
	/* Spilled and lost since the first start, also of hooks that are gone, whose part the rows no longer
	 * tell. NULL: as the rows have it. */
	void (*losses)(void *userdata, uint64_t spilled[RST_DIRECTION_MAX],
		       uint64_t lost[RST_DIRECTION_MAX]);
	/* How many of the newest that are kept have not been told to watchers yet. NULL: none. */
	unsigned int (*untold)(void *userdata);
	uint64_t (*now)(void *userdata); /* CLOCK_REALTIME ns */
	void *userdata;
};

#define METHODS_SERIES 1000
#define METHODS_N      7

extern const struct server_method methods_table[METHODS_N];

#endif
