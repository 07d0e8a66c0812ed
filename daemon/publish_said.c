/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters that never fall. Must not invent counts beyond what was once true of a series. Proved by
 * tests/unit/daemon/publish_said.c.
 */
#include "common/util.h"

#include "common/str.h"
#include "daemon/publish_said.h"

int publish_series_compare(const void *a, const void *b)
{
	const struct publish_series *x = a, *y = b;
	int r;

	r = strcmp(x->unit, y->unit);
	if (r != 0)
		return r;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->other_port != y->other_port)
		return x->other_port ? 1 : -1;
	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	if (x->cause != y->cause)
		return x->cause < y->cause ? -1 : 1;
	return 0;
}

static struct publish_series series_of(const struct publish_said_one *o)
{
	return (struct publish_series){
		.direction = o->direction,
		.cause = o->cause,
		.other_port = o->other_port,
		.port = o->port,
		.unit = o->unit,
		.count = o->count,
	};
}

/* The one with these labels, or the place where it would be. */
static unsigned int place_of(const struct publish_said *said, const struct publish_series *s,
			     bool *ret_found)
{
	unsigned int low = 0, high = said->n;

	while (low < high) {
		unsigned int middle = (low + high) / 2;
		struct publish_series here = series_of(&said->one[middle]);
		int r = publish_series_compare(s, &here);

		if (r == 0) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*ret_found = false;
	return low;
}

bool publish_said_named(struct publish_said *said, const struct publish_series *s,
			unsigned int named)
{
	struct publish_said_one *o;
	unsigned int at;
	bool found;

	at = place_of(said, s, &found);
	if (found)
		return true;
	if (said->n >= MIN(named, PUBLISH_SERIES_MAX))
		return false;
	o = &said->one[at];
	memmove(o + 1, o, (said->n - at) * sizeof(*o));
	said->n++;
	*o = (struct publish_said_one){
		.direction = s->direction,
		.cause = s->cause,
		.other_port = s->other_port,
		.port = s->port,
	};
	str_copy(o->unit, sizeof(o->unit), s->unit);
	return true;
}

static bool is_other(const struct publish_series *s)
{
	return s->other_port && !strcmp(s->unit, PUBLISH_OTHER);
}

/* Those with labels of their own; what is said too much of each goes to excess[direction]. */
static void raise_named(struct publish_said *said, struct publish_series *list, size_t n,
			size_t *ret_n, uint64_t excess[RST_DIRECTION_MAX])
{
	size_t added = n;

	for (unsigned int i = 0; i < said->n; i++) {
		struct publish_said_one *o = &said->one[i];
		struct publish_series s = series_of(o), *now;

		now = bsearch(&s, list, n, sizeof(*list), publish_series_compare);
		if (now && now->count >= o->count) {
			o->count = now->count;
			continue;
		}
		excess[o->direction] += o->count - (now ? now->count : 0);
		if (now)
			now->count = o->count;
		else if (o->count)
			list[added++] = s;
	}
	*ret_n = added;
}

static void raise_other(struct publish_said *said, struct publish_series *s, uint64_t *excess)
{
	uint64_t *before = &said->other[s->direction][s->cause], kept;

	if (s->count > *before) {
		kept = MIN(s->count - *before, *excess);
		*excess -= kept;
		*before = s->count - kept;
	} else {
		*excess += *before - s->count;
	}
	s->count = *before;
}

/* An "other" one that is gone too: its rows have got labels, or another cause. */
static size_t add_gone_others(struct publish_said *said, struct publish_series *list, size_t n,
			      const bool told[RST_DIRECTION_MAX][RST_CAUSE_MAX])
{
	for (uint8_t d = 0; d < RST_DIRECTION_MAX; d++)
		for (unsigned int c = 0; c < RST_CAUSE_MAX; c++)
			if (!told[d][c] && said->other[d][c])
				list[n++] = (struct publish_series){
					.direction = d,
					.cause = (uint8_t)c,
					.other_port = true,
					.unit = PUBLISH_OTHER,
					.count = said->other[d][c],
				};
	return n;
}

size_t publish_said_apply(struct publish_said *said, struct publish_series *list, size_t n)
{
	bool told[RST_DIRECTION_MAX][RST_CAUSE_MAX] = {};
	uint64_t excess[RST_DIRECTION_MAX] = {};
	size_t all;

	raise_named(said, list, n, &all, excess);
	for (size_t i = 0; i < n; i++) {
		struct publish_series *s = &list[i];

		if (!is_other(s) || s->direction >= RST_DIRECTION_MAX || s->cause >= RST_CAUSE_MAX)
			continue;
		raise_other(said, s, &excess[s->direction]);
		told[s->direction][s->cause] = true;
	}
	return add_gone_others(said, list, all, told);
}
