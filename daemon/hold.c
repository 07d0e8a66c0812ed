/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps doubtful receive records until a sent record swallows them or their time is up. Must not
 * count anything itself. Proved by tests/unit/daemon/hold.c.
 */
#include "common/util.h"

#include "daemon/hold.h"

static void take_out(struct hold *h, unsigned int i)
{
	h->n--;
	memmove(&h->reset[i], &h->reset[i + 1], (h->n - i) * sizeof(h->reset[0]));
}

static void release_oldest(struct hold *h, struct reset *ret)
{
	*ret = h->reset[0];
	h->late[h->next_late++ % HOLD_LATE] = *ret;
	take_out(h, 0);
}

bool hold_add(struct hold *h, const struct reset *reset, struct reset *ret_oldest)
{
	bool full = h->n == HOLD_MAX;

	if (full) {
		release_oldest(h, ret_oldest);
		h->overflowed++;
	}
	h->reset[h->n++] = *reset;
	return full;
}

enum hold_answer hold_swallow(struct hold *h, const struct reset *sent, struct reset *ret_late)
{
	/* the kernel uses a socket's memory again at once: the latest with this address is meant */
	for (unsigned int i = h->n; i-- > 0;) {
		if (h->reset[i].socket == sent->socket) {
			take_out(h, i);
			return HOLD_DROPPED;
		}
	}
	for (unsigned int i = 1; i <= HOLD_LATE; i++) {
		struct reset *late = &h->late[(h->next_late - i) % HOLD_LATE];

		if (late->socket && late->socket == sent->socket &&
		    late->monotonic + HOLD_LATE_NS > sent->monotonic) {
			*ret_late = *late;
			late->socket = 0;
			return HOLD_LATE_FOUND;
		}
	}
	return HOLD_UNKNOWN;
}

bool hold_release(struct hold *h, uint64_t now, struct reset *ret)
{
	if (!h->n || h->reset[0].monotonic + HOLD_NS > now)
		return false;
	release_oldest(h, ret);
	return true;
}
