/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Growth of rows between two looks. Must not take a row for another that had its place before, nor
 * what a fold brings for something that happened. Proved by tests/unit/daemon/moved.c.
 */
#include "common/util.h"

#include "daemon/moved.h"

/* What was in rows that are gone, and may have gone to one that holds several. */
struct gone {
	uint64_t count[RST_DIRECTION_MAX][RST_CAUSE_MAX];
	bool any;
};

/* Which row it is, as a number: a place may have changed hands when rows were folded. */
static uint64_t identity(const struct tally_row *r)
{
	const uint64_t words[] = {
		r->start,
		(uint64_t)r->pid << 32 | (r->pid || r->folded ? 0 : r->netns),
		(uint64_t)r->port << 32 | (uint64_t)r->role << 16 | (uint64_t)r->direction << 8 |
			r->cause,
		(uint64_t)r->other_ports << 2 | (uint64_t)r->folded << 1 | r->other,
	};
	uint64_t h = 1;

	/* a folded row is its unit's and name's */
	for (const char *p = r->folded ? r->unit : ""; *p; p++)
		h = h * 31 + (uint8_t)*p;
	for (const char *p = r->folded ? r->comm : ""; *p; p++)
		h = h * 37 + (uint8_t)*p;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		h = (h ^ words[i]) * 0x9E3779B97F4A7C15ULL;
		h ^= h >> 29;
	}
	return h;
}

static void note(struct moved *m, unsigned int place, const struct tally_row *row, uint64_t id)
{
	m->identity[place] = id;
	m->counted[place] = row->count;
	m->direction[place] = row->direction;
	m->cause[place] = row->cause;
}

void moved_begin(struct moved *m, const struct tally *t)
{
	struct tally_row row;

	memset(m, 0, sizeof(*m));
	for (unsigned int i = 0; i < TALLY_PLACES; i++)
		if (tally_row(t, i, &row))
			note(m, i, &row, identity(&row));
}

static void find_gone(const struct moved *m, const struct tally *t, struct gone *ret)
{
	struct tally_row row;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		if (!m->counted[i] || (tally_row(t, i, &row) && identity(&row) == m->identity[i]))
			continue;
		ret->count[m->direction[i]][m->cause[i]] += m->counted[i];
		ret->any = true;
	}
}

static uint64_t take(uint64_t *from, uint64_t wanted)
{
	uint64_t n = MIN(*from, wanted);

	*from -= n;
	return n;
}

/* Folding keeps direction and cause, but for the row of last resort. */
static uint64_t brought(struct gone *gone, const struct tally_row *row, uint64_t growth)
{
	uint64_t *count = gone->count[row->direction];
	uint64_t n = 0;

	if (!row->other)
		return row->folded || row->other_ports ? take(&count[row->cause], growth) : 0;
	for (unsigned int i = 0; i < RST_CAUSE_MAX && n < growth; i++)
		n += take(&count[i], growth - n);
	return n;
}

void moved_look(struct moved *m, const struct tally *t, moved_fn fn, void *userdata)
{
	struct gone gone = {.any = false};
	struct tally_row row;

	find_gone(m, t, &gone);
	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct move move = {.place = i, .row = &row};
		uint64_t before = m->counted[i], id;

		if (!tally_row(t, i, &row)) {
			m->counted[i] = 0;
			continue;
		}
		id = identity(&row);
		if (m->identity[i] != id)
			before = 0;
		note(m, i, &row, id);
		move.growth = (int64_t)(row.count - before);
		if (move.growth > 0 && gone.any)
			move.brought = brought(&gone, &row, (uint64_t)move.growth);
		if (move.growth)
			fn(&move, userdata);
	}
}
