/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many different closed ports a peer asks for within ten seconds. Ports that are equal modulo
 * ASKER_PORTS count as one: never too many. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

#define WINDOW TICKS(10 * NSEC_PER_SEC)

static uint64_t bit_of(uint16_t port)
{
	return 1ULL << (port % 64);
}

static unsigned int word_of(uint16_t port)
{
	return port % ASKER_PORTS / 64;
}

uint32_t askers_look(const struct history *h, struct doer *d)
{
	uint32_t tick = TICKS(d->monotonic);
	uint16_t port = d->asked;
	const struct asker *a;

	ways_look(&h->askers.ways, d->peer, tick, &d->asker_way);
	if (!d->asker_way.found)
		return 1;
	a = &h->askers.entry[d->asker_way.at];
	if (tick - a->window >= WINDOW)
		return 1;
	return a->ports + !(a->asked[word_of(port)] & bit_of(port));
}

void askers_note(struct history *h, struct doer *d)
{
	uint32_t tick = TICKS(d->monotonic), i;
	uint16_t port = d->asked;
	struct asker *a;
	bool made;

	i = ways_take(&h->askers.ways, d->peer, tick, &d->asker_way, &made);
	a = &h->askers.entry[i];
	if (made || tick - a->window >= WINDOW)
		*a = (struct asker){.window = tick};
	a->ports += !(a->asked[word_of(port)] & bit_of(port));
	a->asked[word_of(port)] |= bit_of(port);
}
