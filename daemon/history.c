/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is looked at and remembered for which reset, so that a flood costs next to nothing. Must not
 * read a clock, allocate per reset or decide a cause. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/random.h>

#include "daemon/history_internal.h"

/* More ownerless answers to SYNs than this within a second are a flood or a scan: who asks and for
 * what is counted, what each of them belongs to is not. */
#define PLAIN_MAX 512

int history_new(struct history **ret)
{
	struct history *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	r = ways_init(&h->connections.ways, RSTMON_HISTORY_CONNECTIONS, HISTORY_SECOND_NS);
	if (!r)
		r = ways_init(&h->bursts.ways, RSTMON_HISTORY_BURSTS, NSEC_PER_SEC);
	if (!r)
		r = ways_init(&h->askers.ways, RSTMON_HISTORY_ASKERS, 10 * NSEC_PER_SEC);
	if (!r)
		r = ways_init(&h->rhythms.ways, RSTMON_HISTORY_RHYTHMS, 60 * NSEC_PER_SEC);
	if (!r)
		r = ways_init(&h->idles.ways, RSTMON_HISTORY_IDLES, 600 * NSEC_PER_SEC);
	h->connections.entry = calloc(RSTMON_HISTORY_CONNECTIONS, sizeof(struct connection));
	h->bursts.entry = calloc(RSTMON_HISTORY_BURSTS, sizeof(struct burst));
	h->askers.entry = calloc(RSTMON_HISTORY_ASKERS, sizeof(struct asker));
	h->rhythms.entry = calloc(RSTMON_HISTORY_RHYTHMS, sizeof(struct rhythm));
	h->idles.entry = calloc(RSTMON_HISTORY_IDLES, sizeof(struct idle));
	if (r || !h->connections.entry || !h->bursts.entry || !h->askers.entry ||
	    !h->rhythms.entry || !h->idles.entry) {
		history_free(h);
		return -ENOMEM;
	}
	/* remote hosts choose their addresses; they must not choose their places */
	if (getrandom(&h->seed, sizeof(h->seed), GRND_NONBLOCK) != (ssize_t)sizeof(h->seed))
		h->seed = index_mix((uintptr_t)h);
	*ret = h;
	return 0;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	ways_done(&h->connections.ways);
	ways_done(&h->bursts.ways);
	ways_done(&h->askers.ways);
	ways_done(&h->rhythms.ways);
	ways_done(&h->idles.ways);
	free(h->connections.entry);
	free(h->bursts.entry);
	free(h->askers.entry);
	free(h->rhythms.entry);
	free(h->idles.entry);
	free(h);
}

bool history_is_loopback(const struct endpoint *e)
{
	static const uint8_t one[16] = {[15] = 1};

	return e->ipv6 ? !memcmp(e->address, one, sizeof(one)) : e->address[0] == 127;
}

uint64_t history_address(uint64_t seed, const struct endpoint *e, const struct reset *r)
{
	uint64_t word[3] = {0};
	unsigned int n = 1;

	if (e->ipv6) {
		memcpy(word, e->address, 16);
		n = 2;
	} else {
		memcpy(word, e->address, 4);
		word[0] |= 1ULL << 40; /* no IPv6 address that anybody has is this and then 0 */
	}
	if (history_is_loopback(e))
		word[n++] = (uint64_t)r->netns << 32 | r->netns_cookie;
	return history_hash(seed, word, n);
}

static bool is_plain(const struct reset *r, const struct owner *o)
{
	return r->direction == RST_SENT && r->syn && !o->pid;
}

/* True in a flood. */
static bool crowded(const struct history *h, const struct reset *r)
{
	return h->plain > PLAIN_MAX && TICKS(r->monotonic) - h->plain_window < TICKS_SECOND;
}

static void count_plain(struct history *h, const struct reset *r)
{
	uint32_t tick = TICKS(r->monotonic);

	if (tick - h->plain_window >= TICKS_SECOND) {
		h->plain_window = tick;
		h->plain = 0;
	}
	h->plain++;
}

static uint64_t burst_key(const struct history *h, const struct doer *d, const struct reset *r)
{
	uint64_t word[3] = {d->by};

	if (d->by == BURST_BY_PEER || d->by == BURST_BY_ASKER) {
		word[1] = d->peer;
	} else if (d->by == BURST_BY_OWNER) {
		word[0] |= (uint64_t)d->owner << 32;
		word[1] = d->owner_start;
	} else {
		word[0] |= (uint64_t)r->port << 32;
		word[1] = (uint64_t)r->netns << 32 | r->netns_cookie;
	}
	return history_hash(h->seed, word, 2);
}

/* Who did it: the peer, if a reset came or nothing at all, or if it asks for one closed port after
 * the other; else the owner; else whatever is wrong with that port. */
static struct doer *new_doer(struct history *h, const struct reset *r, const struct owner *o)
{
	struct doer *d = &h->doer;

	*d = (struct doer){
		.of = r,
		.monotonic = r->monotonic,
		.owner_start = o->start,
		.owner = o->pid,
		.asked = r->local.port,
		.peer = history_address(h->seed, &r->remote, r),
	};
	if (is_plain(r, o))
		d->ports = askers_look(h, d);
	if (r->direction != RST_SENT)
		d->by = BURST_BY_PEER;
	else if (d->ports >= RSTMON_INCIDENT_BURST)
		d->by = BURST_BY_ASKER;
	else
		d->by = o->pid ? BURST_BY_OWNER : BURST_BY_PORT;
	d->burst = burst_key(h, d, r);
	return d;
}

/* One look serves one note: tables change with it. */
static struct doer *known_doer(struct history *h, const struct reset *r, const struct owner *o)
{
	struct doer *d = &h->doer;

	if (d->of != r || d->monotonic != r->monotonic)
		d = new_doer(h, r, o);
	d->of = NULL;
	return d;
}

void history_look(struct history *h, const struct reset *reset, const struct owner *owner,
		  struct past *ret)
{
	struct doer *d = new_doer(h, reset, owner);

	*ret = (struct past){.burst = bursts_look(h, d), .ports_asked = d->ports};
	if (is_plain(reset, owner) && crowded(h, reset))
		return;
	connections_look(h, reset, d, ret);
	rhythms_look(h, reset, d, ret);
	idles_look(h, reset, d, ret);
}

bool history_note(struct history *h, const struct finding *f, uint64_t ticket, uint64_t *ret_ticket)
{
	struct doer *d = known_doer(h, &f->reset, &f->owner);
	bool plain = is_plain(&f->reset, &f->owner);
	struct noted noted;

	if (plain) {
		count_plain(h, &f->reset);
		askers_note(h, d);
	}
	h->followed = h->forged = false;
	if ((plain || (f->verdict.settled && !f->owner.pid)) && crowded(h, &f->reset)) {
		bursts_note(h, f, d);
		return false;
	}
	connections_note(h, f, ticket, d, &noted);
	if (!noted.again) {
		rhythms_note(h, &f->reset, d);
		idles_note(h, &f->reset, d);
	}
	/* what came from this host is counted where it was sent */
	if (noted.paired && noted.pair_direction == RST_RECEIVED) {
		bursts_forget(h, &f->reset.local, &f->reset);
		incidents_forget(h, noted.pair_incident, RST_RECEIVED, noted.pair_cause);
	}
	if (f->reset.direction == RST_SENT || !noted.paired)
		noted.mark->incident = bursts_note(h, f, d);
	h->followed = noted.followed;
	h->follower = noted.follower;
	h->forged = noted.forged;
	h->received = noted.received;
	if (noted.paired)
		*ret_ticket = noted.pair;
	return noted.paired;
}

bool history_follower(const struct history *h, uint64_t *ret_ticket)
{
	if (h->followed)
		*ret_ticket = h->follower;
	return h->followed;
}

uint64_t history_echo(struct history *h, const struct finding *f, uint64_t ticket)
{
	return connections_echo(h, &f->reset, ticket);
}

bool history_forged(const struct history *h, uint64_t *ret_ticket)
{
	if (h->forged)
		*ret_ticket = h->received;
	return h->forged;
}

void history_other(const struct finding *other, struct past *past)
{
	past->other = (struct other_end){
		.known = true,
		.pid = other->owner.pid,
		.direction = other->reset.direction,
		.role = other->reset.role,
	};
	memcpy(past->other.comm, other->owner.comm, sizeof(past->other.comm));
	past->other_cause = other->verdict.cause;
	past->other_confidence = other->verdict.confidence;
}

void history_second(const struct finding *first, const struct finding *f, struct past *past)
{
	uint64_t a = first->reset.monotonic, b = f->reset.monotonic;

	past->second = true;
	past->second_cause = first->verdict.cause;
	past->second_confidence = first->verdict.confidence;
	past->second_direction = first->reset.direction;
	past->second_ms = (int64_t)((b > a ? b - a : 0) / NSEC_PER_MSEC);
}

void history_changed(struct history *h, const struct finding *f, uint64_t ticket)
{
	struct mark *m = connections_find(h, &f->reset, ticket);

	if (!m)
		return;
	if (m->incident && m->cause != f->verdict.cause)
		incidents_changed(h, m->incident, m->cause, f->verdict.cause);
	m->cause = (uint8_t)f->verdict.cause;
	m->confidence = (uint8_t)f->verdict.confidence;
}

uint64_t history_evicted(const struct history *h)
{
	return h->connections.ways.evicted + h->bursts.ways.evicted + h->askers.ways.evicted +
	       h->rhythms.ways.evicted + h->idles.ways.evicted + h->incidents.evicted;
}

size_t history_memory(const struct history *h)
{
	const size_t place = sizeof(uint64_t) + sizeof(uint32_t);

	return sizeof(*h) + RSTMON_HISTORY_CONNECTIONS * (place + sizeof(struct connection)) +
	       RSTMON_HISTORY_BURSTS * (place + sizeof(struct burst)) +
	       RSTMON_HISTORY_ASKERS * (place + sizeof(struct asker)) +
	       RSTMON_HISTORY_RHYTHMS * (place + sizeof(struct rhythm)) +
	       RSTMON_HISTORY_IDLES * (place + sizeof(struct idle));
}
