/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps doubtful receive records until a sent record swallows them or their time is up. Must not
 * count anything itself. Proved by tests/unit/daemon/hold.c.
 */
#include "common/util.h"

#include "daemon/hold.h"

static void take_out(struct hold *h, unsigned int i, struct reset *ret)
{
	if (ret)
		*ret = h->reset[i];
	h->n--;
	memmove(&h->reset[i], &h->reset[i + 1], (h->n - i) * sizeof(h->reset[0]));
}

bool hold_add(struct hold *h, const struct reset *reset, struct reset *ret_oldest)
{
	bool full = h->n == HOLD_MAX;

	if (full) {
		take_out(h, 0, ret_oldest);
		h->overflowed++;
	}
	h->reset[h->n++] = *reset;
	return full;
}

bool hold_swallow(struct hold *h, const struct reset *sent)
{
	for (unsigned int i = 0; i < h->n; i++) {
		if (h->reset[i].socket == sent->socket) {
			take_out(h, i, NULL);
			return true;
		}
	}
	return false;
}

bool hold_release(struct hold *h, uint64_t now, struct reset *ret)
{
	if (!h->n || h->reset[0].monotonic + HOLD_NS > now)
		return false;
	take_out(h, 0, ret);
	return true;
}
