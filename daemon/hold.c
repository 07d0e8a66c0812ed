/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps doubtful receive records until a sent record swallows them or their time is up. Must not
 * count anything itself. Proved by tests/unit/daemon/hold.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/hold.h"

static struct reset *place(struct hold *h, uint32_t number)
{
	return &h->reset[number % HOLD_MAX];
}

/* The first one must be one that waits. */
static void skip_gone(struct hold *h)
{
	while (h->begin != h->end && h->gone[h->begin % HOLD_MAX])
		h->begin++;
}

static void release_oldest(struct hold *h, struct reset *ret)
{
	*ret = *place(h, h->begin);
	h->late[h->next_late % HOLD_LATE] = *ret;
	h->next_late++;
	h->begin++;
	skip_gone(h);
}

bool hold_waiting(const struct hold *h)
{
	return h->begin != h->end;
}

const struct reset *hold_get(const struct hold *h, unsigned int i)
{
	if ((i - h->begin) % HOLD_MAX >= h->end - h->begin || h->gone[i])
		return NULL;
	return &h->reset[i];
}

bool hold_add(struct hold *h, const struct reset *reset, struct reset *ret_oldest)
{
	bool full = h->end - h->begin >= HOLD_MAX;

	if (full) {
		release_oldest(h, ret_oldest);
		h->overflowed++;
	}
	*place(h, h->end) = *reset;
	h->gone[h->end % HOLD_MAX] = 0;
	__atomic_store_n(&h->end, h->end + 1, __ATOMIC_RELEASE);
	return full;
}

enum hold_answer hold_swallow(struct hold *h, const struct reset *sent, struct reset *ret_late)
{
	/* the kernel uses a socket's memory again at once: the latest with this address is meant */
	for (uint32_t i = h->end; i-- != h->begin;) {
		if (place(h, i)->socket == sent->socket && !h->gone[i % HOLD_MAX]) {
			h->gone[i % HOLD_MAX] = 1;
			skip_gone(h);
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
	if (!hold_waiting(h) || place(h, h->begin)->monotonic + HOLD_NS > now)
		return false;
	release_oldest(h, ret);
	return true;
}

int hold_adopt(struct hold *h, const struct adopt_reasons *reasons)
{
	if (h->end - h->begin > HOLD_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (h->gone[i] > 1 || !adopt_reset_valid(&h->reset[i]))
			return -EBADMSG;
	for (unsigned int i = 0; i < HOLD_LATE; i++)
		if (!adopt_reset_valid(&h->late[i]))
			return -EBADMSG;
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		adopt_reset(&h->reset[i], reasons);
	for (unsigned int i = 0; i < HOLD_LATE; i++)
		adopt_reset(&h->late[i], reasons);
	skip_gone(h);
	return 0;
}
