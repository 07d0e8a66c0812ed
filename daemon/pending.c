/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of tickets, first in first out, whose places keep what they held until they are used
 * again. Must not tell or judge anything itself. Proved by tests/unit/daemon/pending.c.
 */
#include "common/util.h"

#include "daemon/pending.h"

static struct pending_entry *place(struct pending *p, uint64_t n)
{
	return &p->entry[n % PENDING_KEPT];
}

static void take(struct pending *p, uint64_t *ret_ticket)
{
	const struct pending_entry *e = place(p, p->told++);

	*ret_ticket = e->dropped ? 0 : e->ticket;
}

bool pending_waiting(const struct pending *p)
{
	return p->added != p->told;
}

uint64_t pending_oldest(struct pending *p)
{
	return pending_waiting(p) ? place(p, p->told)->ticket : 0;
}

bool pending_add(struct pending *p, uint64_t ticket, uint64_t monotonic, const struct past *past,
		 const struct host *host, uint64_t *ret_oldest)
{
	bool full = p->added - p->told == RSTMON_PENDING_MAX;
	struct pending_entry *e;

	if (full) {
		take(p, ret_oldest);
		p->overflowed++;
	}
	e = place(p, p->added++);
	e->ticket = ticket;
	e->monotonic = monotonic;
	e->dropped = false;
	e->known = past;
	if (past) {
		e->past = *past;
		e->host = *host;
	}
	return full;
}

bool pending_release(struct pending *p, uint64_t now, uint64_t *ret_ticket)
{
	if (!pending_waiting(p))
		return false;
	/* with the time of a broken recording a sum may overflow, a difference does not */
	if (now != UINT64_MAX &&
	    (now < place(p, p->told)->monotonic || now - place(p, p->told)->monotonic < PENDING_NS))
		return false;
	take(p, ret_ticket);
	return true;
}

/* Tickets grow along the queue, mostly by one: then the distance from the latest is that of the
 * places, and it never is less. */
struct pending_entry *pending_find(struct pending *p, uint64_t ticket)
{
	uint64_t low = p->added > PENDING_KEPT ? p->added - PENDING_KEPT : 0, high = p->added;
	uint64_t ahead;

	if (low == high || ticket > place(p, high - 1)->ticket)
		return NULL;
	ahead = place(p, high - 1)->ticket - ticket;
	if (ahead < high - low) {
		low = high - 1 - ahead;
		if (place(p, low)->ticket == ticket)
			return place(p, low);
	}
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (place(p, middle)->ticket < ticket)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->added && place(p, low)->ticket == ticket ? place(p, low) : NULL;
}
