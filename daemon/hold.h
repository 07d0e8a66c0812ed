/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receive records that may be no reset (RST_EVENT_MAYBE_FALSE) wait here for the sent record that
 * would swallow them: data that arrives after close makes the kernel report a received reset and then
 * send one (CAUSES.md 0.2). Bounded; pure.
 */
#ifndef DAEMON_HOLD_H
#define DAEMON_HOLD_H

#include "daemon/adopt.h"

#define HOLD_MAX 64
#define HOLD_LATE 16 /* released ones that are still remembered */
#define HOLD_LATE_NS (1000 * 1000000ULL) /* for this long; then the address is another socket's */
#define HOLD_NS	 (20 * 1000000ULL) /* longer than any distance seen between the two */

/* Flat, and every change of who waits is one store, so that a kill loses or doubles at most one: this lies
 * in the memory that outlives the daemon (state.h). Entry i ever is at i % HOLD_MAX. */
struct hold {
	uint32_t begin, end; /* those between the two wait, but for the gone */
	uint32_t next_late;
	uint32_t reserved;
	uint64_t overflowed;   /* released early for want of room */
	uint8_t gone[HOLD_MAX]; /* 1: swallowed */
	struct reset reset[HOLD_MAX];
	struct reset late[HOLD_LATE];
};

enum hold_answer {
	HOLD_DROPPED, /* nobody was told of it */
	HOLD_LATE_FOUND, /* it was released and counted: its count has to be taken back */
	HOLD_UNKNOWN,
};

/* Keeps the reset; when there is no room the oldest comes out in *ret_oldest and the answer is true:
 * it is to be counted now. */
bool hold_add(struct hold *h, const struct reset *reset, struct reset *ret_oldest);

/* Drops the one that 'sent' swallows. With HOLD_LATE_FOUND *ret_late is the one that was released. */
enum hold_answer hold_swallow(struct hold *h, const struct reset *sent, struct reset *ret_late);

/* Takes out the oldest one that has waited long enough at 'now' (CLOCK_MONOTONIC ns). */
bool hold_release(struct hold *h, uint64_t now, struct reset *ret);

bool hold_waiting(const struct hold *h);

/* Place i of HOLD_MAX: a reset that waits, or NULL. */
const struct reset *hold_get(const struct hold *h, unsigned int i);

/* Takes over one that another process left; 'h' is changed in place. -EBADMSG. */
int hold_adopt(struct hold *h, const struct adopt_reasons *reasons);

#endif
