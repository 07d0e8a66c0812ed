/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings that wait a moment before they are told, because the other end of their connection may be on
 * this host and come next. They are counted and kept already; here stand their names (tickets of
 * recent.h) in order, and what is needed to judge them again, also for some time after they were told.
 * Bounded; pure.
 */
#ifndef DAEMON_PENDING_H
#define DAEMON_PENDING_H

#include "daemon/context.h"
#include "daemon/history.h"
#include "daemon/hold.h"

/* What was doubtful has waited for HOLD_NS before it came here: together that is HISTORY_PAIR_NS. */
#define PENDING_NS   (HISTORY_PAIR_NS - HOLD_NS)
#define PENDING_KEPT (2 * RSTMON_PENDING_MAX) /* with those that were told */

struct pending_entry {
	uint64_t ticket, monotonic;
	bool known;   /* past and host are there */
	bool dropped; /* it turned out to be no reset */
	struct past past;
	struct host host;
};

struct pending {
	uint64_t added, told; /* entries ever; those between the two wait */
	uint64_t overflowed;  /* told before their time for want of room */
	struct pending_entry entry[PENDING_KEPT];
};

/* Adds a finding; tickets only grow. 'past' NULL: it will not be judged again. True if there was no
 * room: then *ret_oldest is to be told now (unless it was dropped: then it is 0). */
bool pending_add(struct pending *p, uint64_t ticket, uint64_t monotonic, const struct past *past,
		 const struct host *host, uint64_t *ret_oldest);

/* Takes out the oldest one if it has waited long enough at 'now', UINT64_MAX: whatever its time. False:
 * there is none. *ret_ticket is 0 of one that was dropped. */
bool pending_release(struct pending *p, uint64_t now, uint64_t *ret_ticket);

/* What is known of the finding, waiting or told a short while ago; NULL: nothing any more. */
struct pending_entry *pending_find(struct pending *p, uint64_t ticket);

bool pending_waiting(const struct pending *p);

/* The ticket of the oldest one that waits, 0: none. All after it wait too. */
uint64_t pending_oldest(struct pending *p);

#endif
