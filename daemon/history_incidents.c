/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest incidents: opened by a burst, joined by what follows, closed by quiet. Must not tell
 * by itself; a flood adds to one incident and to nothing else. Proved by
 * tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

#define QUIET_NS (RSTMON_INCIDENT_QUIET_S * NSEC_PER_SEC)

static struct incident_slot *slot_of(const struct history *h, uint64_t id)
{
	return (struct incident_slot *)&h->incidents.slot[(id - 1) % RSTMON_INCIDENTS_MAX];
}

static bool is_quiet(const struct incident_slot *s, uint64_t monotonic)
{
	return monotonic > s->monotonic && monotonic - s->monotonic >= QUIET_NS;
}

struct incident_slot *incidents_open(struct history *h, uint64_t id, uint64_t monotonic)
{
	struct incident_slot *s = slot_of(h, id);

	return s->incident.id == id && s->incident.open && !is_quiet(s, monotonic) ? s : NULL;
}

struct incident_slot *incidents_new(struct history *h, const struct finding *f,
				    const struct doer *d)
{
	struct incident_slot *s = slot_of(h, ++h->incidents.made);
	struct incident *i = &s->incident;

	if (i->id && !s->closing_told) {
		h->incidents.untold--;
		h->incidents.evicted++;
	}
	*s = (struct incident_slot){.monotonic = d->monotonic};
	h->incidents.untold++;
	i->id = h->incidents.made;
	i->open = true;
	i->start = f->reset.time;
	i->by_peer = d->by == BURST_BY_PEER || d->by == BURST_BY_ASKER;
	if (d->by == BURST_BY_OWNER) {
		i->pid = f->owner.pid;
		memcpy(i->comm, f->owner.comm, sizeof(i->comm));
		memcpy(i->unit, f->owner.unit, sizeof(i->unit));
	}
	return s;
}

/* Counts 'value' once; false once there is no more room to tell values apart. */
static unsigned int count_peer(struct incident_slot *s, uint32_t value)
{
	unsigned int n = s->incident.peers;

	if (n == INCIDENT_PEERS_MAX)
		return n;
	for (unsigned int i = 0; i < n; i++)
		if (s->peer[i] == value)
			return n;
	s->peer[n] = value;
	return n + 1;
}

static unsigned int count_port(struct incident_slot *s, uint16_t value)
{
	unsigned int n = s->incident.ports;

	if (n == INCIDENT_PEERS_MAX)
		return n;
	for (unsigned int i = 0; i < n; i++)
		if (s->port[i] == value)
			return n;
	s->port[n] = value;
	return n + 1;
}

void incidents_add(struct incident_slot *s, const struct burst_mark *m)
{
	struct incident *i = &s->incident;

	if (m->direction >= RST_DIRECTION_MAX || m->cause >= RST_CAUSE_MAX)
		return;
	i->count[m->direction]++;
	i->peers = count_peer(s, m->peer);
	i->ports = count_port(s, m->port);
	if (++s->causes[m->cause] > i->cause_count || m->cause == i->cause) {
		i->cause = m->cause;
		i->confidence = m->confidence;
		i->cause_count = s->causes[m->cause];
	}
}

void incidents_latest(struct incident_slot *s, const struct finding *f)
{
	struct incident *i = &s->incident;

	s->monotonic = MAX(s->monotonic, f->reset.monotonic);
	i->start = MIN(i->start, f->reset.time);
	i->last = MAX(i->last, f->reset.time);
	i->port = i->ports == 1 ? f->reset.port : 0;
	i->peer.ipv6 = f->reset.remote.ipv6;
	memcpy(i->peer.address, f->reset.remote.address, sizeof(i->peer.address));
}

static void find_most(struct incident_slot *s)
{
	struct incident *i = &s->incident;

	i->cause_count = s->causes[i->cause];
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		if (s->causes[c] > i->cause_count) {
			i->cause = c;
			i->cause_count = s->causes[c];
		}
	}
}

void incidents_changed(struct history *h, uint64_t id, unsigned int from, unsigned int to)
{
	struct incident_slot *s = slot_of(h, id);

	if (s->incident.id != id || from >= RST_CAUSE_MAX || to >= RST_CAUSE_MAX ||
	    !s->causes[from])
		return;
	s->causes[from]--;
	s->causes[to]++;
	find_most(s);
}

void incidents_forget(struct history *h, uint64_t id, unsigned int direction, unsigned int cause)
{
	struct incident_slot *s = slot_of(h, id);

	if (!id || s->incident.id != id || direction >= RST_DIRECTION_MAX ||
	    cause >= RST_CAUSE_MAX || !s->causes[cause] || !s->incident.count[direction])
		return;
	s->incident.count[direction]--;
	s->causes[cause]--;
	find_most(s);
}

static void tell(struct history *h, struct incident_slot *s, uint64_t monotonic,
		 history_incident_fn fn, void *userdata)
{
	bool quiet = is_quiet(s, monotonic);

	if (!s->opening_told) {
		s->opening_told = true;
		fn(&s->incident, userdata);
	}
	if (!quiet)
		return;
	s->incident.open = false;
	s->closing_told = true;
	h->incidents.untold--;
	fn(&s->incident, userdata);
}

void history_tick(struct history *h, uint64_t monotonic, history_incident_fn fn, void *userdata)
{
	uint64_t made = h->incidents.made;
	uint64_t id = made > RSTMON_INCIDENTS_MAX ? made - RSTMON_INCIDENTS_MAX : 0;

	while (h->incidents.untold && ++id <= made) {
		struct incident_slot *s = slot_of(h, id);

		if (!s->closing_told)
			tell(h, s, monotonic, fn, userdata);
	}
}

bool history_restless(const struct history *h)
{
	return h->incidents.untold > 0;
}

const struct incident *history_incident(const struct history *h, unsigned int i)
{
	if (i >= RSTMON_INCIDENTS_MAX || i >= h->incidents.made)
		return NULL;
	return &slot_of(h, h->incidents.made - i)->incident;
}
