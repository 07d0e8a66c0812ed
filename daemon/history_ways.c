/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds an entry's place by its key's hash; a full set of places gives up its oldest. Must not know
 * what the entries are. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/history_internal.h"

int ways_init(struct ways *w, uint32_t entries, uint64_t lifetime_ns)
{
	w->tag = calloc(entries, sizeof(*w->tag));
	w->used = calloc(entries, sizeof(*w->used));
	w->sets = entries / WAYS;
	w->lifetime = TICKS(lifetime_ns);
	return w->tag && w->used ? 0 : -ENOMEM;
}

void ways_done(struct ways *w)
{
	free(w->tag);
	free(w->used);
}

/* A free place, else that of the entry that was used longest ago. */
static uint32_t choose(const struct ways *w, uint32_t first, uint32_t now)
{
	uint32_t oldest = first;

	for (uint32_t i = first; i < first + WAYS; i++) {
		if (!w->tag[i])
			return i;
		if ((int32_t)(now - w->used[i]) > (int32_t)(now - w->used[oldest]))
			oldest = i;
	}
	return oldest;
}

uint32_t ways_place(const struct ways *w, uint64_t tag, uint32_t now)
{
	return choose(w, ((uint32_t)(tag >> 32) & (w->sets - 1)) * WAYS, now);
}

uint32_t ways_take(struct ways *w, uint64_t tag, uint32_t now, uint32_t guess, bool *ret_new)
{
	uint32_t i = ways_find_at(w, tag, guess);

	*ret_new = i == INDEX_NONE;
	if (*ret_new) {
		i = ways_place(w, tag, now);
		if (w->tag[i] && now - w->used[i] < w->lifetime)
			w->evicted++;
		w->tag[i] = tag;
	}
	w->used[i] = now;
	return i;
}
