/* SPDX-License-Identifier: GPL-2.0-only */
/* The latest RSTMON_RECENT_MAX findings, oldest overwritten first; for 'last'. Pure. */
#ifndef DAEMON_RECENT_H
#define DAEMON_RECENT_H

#include "daemon/adopt.h"

struct recent;

int recent_new(struct recent **ret); /* -ENOMEM */
void recent_free(struct recent *r);

/* The same in memory of the caller's, recent_size() bytes of zeros. What is never written stays untouched. */
size_t recent_size(void);
struct recent *recent_format(void *memory, size_t size); /* NULL: too small */

/* Takes over what another process left there, after a look at all of it. -EBADMSG. */
int recent_adopt(void *memory, size_t size, const struct adopt_reasons *reasons,
		 struct recent **ret);

/* The place of a new finding, to be filled in: all but 'reset' is empty, and that is the caller's to
 * set. *ret_ticket names it for recent_find(); tickets grow by one. */
struct finding *recent_next(struct recent *r, uint64_t *ret_ticket);

uint64_t recent_latest(const struct recent *r); /* ticket of the newest, 0: none */

/* Copies a finding. */
void recent_add(struct recent *r, const struct finding *f);

/* The finding of that ticket, to be changed in place; NULL once it was overwritten. */
struct finding *recent_find(struct recent *r, uint64_t ticket);

/* The i-th latest (0: the newest), NULL beyond the oldest; valid until the next recent_add(). */
const struct finding *recent_get(const struct recent *r, unsigned int i);

/* Of those that were overwritten, the i-th latest that was not settled (verdict.settled), NULL beyond
 * RSTMON_RECENT_KEPT: what a flood pushed out of the ring, for "why" and for nothing else. */
const struct finding *recent_kept(const struct recent *r, unsigned int i);
size_t recent_memory(const struct recent *r);

#endif
