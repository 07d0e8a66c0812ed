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

/* A free place, else that of the entry that was used longest ago. Places are never freed, so if the
 * last of a set is in use all are. */
static uint32_t choose(const struct ways *w, uint32_t first, uint32_t now)
{
	uint32_t oldest = first;
	int32_t most;

	if (!w->tag[first + WAYS - 1]) {
		while (w->tag[first])
			first++;
		return first;
	}
	most = (int32_t)(now - w->used[first]);
	for (uint32_t i = first + 1; i < first + WAYS; i++) {
		int32_t age = (int32_t)(now - w->used[i]);

		oldest = age > most ? i : oldest;
		most = MAX(age, most);
	}
	return oldest;
}

void ways_search(const struct ways *w, uint64_t tag, uint32_t now, struct way *way)
{
	way->looked = true;
	way->at = ways_find(w, tag);
	way->found = way->at != INDEX_NONE;
	if (!way->found)
		way->at = choose(w, ways_first(w, tag), now);
}

uint32_t ways_take(struct ways *w, uint64_t tag, uint32_t now, struct way *way, bool *ret_new)
{
	uint32_t i;

	ways_look(w, tag, now, way);
	i = way->at;
	*ret_new = !way->found;
	if (!way->found) {
		if (w->tag[i] && now - w->used[i] < w->lifetime)
			w->evicted++;
		w->tag[i] = tag;
		way->found = true;
	}
	w->used[i] = now;
	return i;
}
