/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Heavy hitters among the remote addresses: the Space-Saving algorithm (Metwally, Agrawal, El Abbadi
 * 2005) over RSTMON_PEERS_MAX counters. A count is at most 'error' too high and never too low; an
 * address that had more than total / RSTMON_PEERS_MAX resets is certainly there. Spilled resets have
 * no address and are not in it, nor are time-outs. Pure.
 */
#ifndef DAEMON_PEERS_H
#define DAEMON_PEERS_H

#include "daemon/reset.h"

struct peers;

struct peer {
	struct endpoint address; /* port is 0 */
	uint8_t direction; /* of the latest */
	uint64_t count, error;
	uint64_t first, last;
};

int peers_new(struct peers **ret); /* -ENOMEM */
void peers_free(struct peers *p);

/* The same in memory of the caller's, peers_size() bytes of zeros. */
size_t peers_size(void);
struct peers *peers_format(void *memory, size_t size); /* NULL: too small */

/* Takes over what another process left there; the index is made anew. -EBADMSG. */
int peers_adopt(void *memory, size_t size, struct peers **ret);

void peers_add(struct peers *p, const struct finding *f);
const struct peer *peers_get(const struct peers *p, unsigned int i); /* i < RSTMON_PEERS_MAX, NULL: empty */
size_t peers_memory(const struct peers *p);

#endif
