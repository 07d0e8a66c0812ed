/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resets of one doer in the running second; RSTMON_INCIDENT_BURST of them open an incident that all
 * later ones join. The latest are kept, so that an incident begins with those that made it.
 * Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

static bool within_second(const struct burst_mark *m, uint32_t tick)
{
	/* order of almost equal times does not matter */
	return m->used && (tick - m->tick <= TICKS_SECOND || m->tick - tick <= TICKS_SECOND);
}

/* Of the kept ones, when the oldest is recent all are. */
static unsigned int count_marks(const struct burst *b, uint32_t tick)
{
	unsigned int n = 0;

	if (within_second(&b->mark[b->next], tick))
		return RSTMON_INCIDENT_BURST;
	for (unsigned int i = 0; i < RSTMON_INCIDENT_BURST; i++)
		n += within_second(&b->mark[i], tick);
	return n;
}

static unsigned int count_second(const struct burst *b, uint32_t tick)
{
	unsigned int n = count_marks(b, tick);

	if (n == RSTMON_INCIDENT_BURST && tick - b->window < TICKS_SECOND)
		return MAX(n, b->count);
	return n;
}

unsigned int bursts_look(const struct history *h, struct doer *d)
{
	uint32_t tick = TICKS(d->monotonic);

	ways_look(&h->bursts.ways, d->burst, tick, &d->burst_way);
	if (!d->burst_way.found)
		return 1;
	return count_second(&h->bursts.entry[d->burst_way.at], tick) + 1;
}

static void add_mark(struct burst *b, const struct burst_mark *m)
{
	if (m->tick - b->window >= TICKS_SECOND) {
		b->window = m->tick;
		b->count = 0;
	}
	b->count++;
	b->mark[b->next] = *m;
	b->next = (b->next + 1) % RSTMON_INCIDENT_BURST;
}

/* A scan is an incident however slow it is. */
static bool is_incident(const struct burst *b, const struct doer *d)
{
	return d->ports >= RSTMON_INCIDENT_BURST ||
	       count_marks(b, TICKS(d->monotonic)) >= RSTMON_INCIDENT_BURST;
}

static struct incident_slot *open_incident(struct history *h, struct burst *b,
					   const struct finding *f, const struct doer *d)
{
	struct incident_slot *s = incidents_new(h, f, d);
	uint32_t tick = TICKS(d->monotonic);

	for (unsigned int i = 0; i < RSTMON_INCIDENT_BURST; i++) {
		const struct burst_mark *m = &b->mark[(b->next + i) % RSTMON_INCIDENT_BURST];

		if (!within_second(m, tick))
			continue;
		incidents_add(s, m);
		if (tick - m->tick <= TICKS_SECOND)
			s->incident.start =
				MIN(s->incident.start,
				    f->reset.time - ((uint64_t)(tick - m->tick) << TICK_SHIFT));
	}
	b->incident = s->incident.id;
	return s;
}

uint64_t bursts_note(struct history *h, const struct finding *f, struct doer *d)
{
	struct burst_mark m = {
		.tick = TICKS(d->monotonic),
		.peer = (uint32_t)d->peer,
		.port = f->reset.port,
		.used = true,
		.direction = f->reset.direction,
		.cause = (uint8_t)f->verdict.cause,
		.confidence = (uint8_t)f->verdict.confidence,
	};
	struct incident_slot *s;
	struct burst *b;
	bool made;

	b = &h->bursts.entry[ways_take(&h->bursts.ways, d->burst, m.tick, &d->burst_way, &made)];
	if (made)
		*b = (struct burst){.window = m.tick};
	add_mark(b, &m);
	s = b->incident ? incidents_open(h, b->incident, d->monotonic) : NULL;
	if (s)
		incidents_add(s, &m);
	else if (is_incident(b, d))
		s = open_incident(h, b, f, d);
	if (!s)
		return 0;
	incidents_latest(s, f);
	return s->incident.id;
}

void bursts_forget(struct history *h, const struct endpoint *peer, const struct reset *r)
{
	uint64_t word[2] = {BURST_BY_PEER, history_address(h->seed, peer, r)};
	struct burst *b;
	uint32_t i;

	i = ways_find(&h->bursts.ways, history_hash(h->seed, word, ARRAY_SIZE(word)));
	if (i == INDEX_NONE)
		return;
	b = &h->bursts.entry[i];
	i = (b->next + RSTMON_INCIDENT_BURST - 1) % RSTMON_INCIDENT_BURST;
	if (!b->mark[i].used)
		return;
	b->mark[i].used = false;
	b->next = i;
	b->count -= b->count > 0;
}
