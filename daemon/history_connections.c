/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest resets by connection, both ends of it under one key. Loopback addresses mean another
 * host in each namespace; all others are the same wherever they are used, so that a container and
 * its peer meet. Must not judge. Proved by tests/unit/daemon/history.c.
 */
#include "common/util.h"

#include "daemon/history_internal.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Any order will do that is the same from both sides. */
static bool is_above(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t x[2] = {0}, y[2] = {0};

	memcpy(x, a->address, a->ipv6 ? 16 : 4);
	memcpy(y, b->address, b->ipv6 ? 16 : 4);
	if (x[0] != y[0])
		return x[0] > y[0];
	return x[1] != y[1] ? x[1] > y[1] : a->port > b->port;
}

static unsigned int marks(const struct connection *c)
{
	return MIN(c->noted, (uint32_t)CONNECTION_MARKS);
}

/* Of a connection to itself both ends are one. */
static uint64_t key(const struct history *h, const struct reset *r, uint64_t peer,
		    uint8_t *ret_side)
{
	uint64_t own = history_address(h->seed, &r->local, r);
	bool high = is_above(&r->local, &r->remote);
	uint64_t word[3] = {
		high ? peer : own,
		high ? own : peer,
		high ? (uint64_t)r->remote.port << 16 | r->local.port
		     : (uint64_t)r->local.port << 16 | r->remote.port,
	};

	*ret_side = high;
	return history_hash(h->seed, word, ARRAY_SIZE(word));
}

static uint64_t key_of(const struct history *h, const struct reset *r, struct doer *d)
{
	if (!d->connection)
		d->connection = key(h, r, d->peer, &d->side);
	return d->connection;
}

static bool same_end(const struct mark *m, const struct reset *r, uint8_t side)
{
	return m->side == side && m->netns == r->netns && m->netns_cookie == r->netns_cookie;
}

/* A SYN begins a connection, and one that is younger than the mark is another. */
static bool same_connection(const struct mark *m, const struct reset *r)
{
	uint64_t ago = distance(r->monotonic, m->monotonic);

	if (ago > HISTORY_SECOND_NS || r->syn || r->state == STATE_SYN_SENT)
		return false;
	return r->age_ms < 0 || (uint64_t)r->age_ms + 1 >= ago / NSEC_PER_MSEC;
}

/* What one end sent, the other received. */
static bool is_pair(const struct mark *m, const struct reset *r, uint8_t side)
{
	if (m->side == side || m->direction == r->direction ||
	    m->direction >= RST_RESET_DIRECTIONS || r->direction >= RST_RESET_DIRECTIONS)
		return false;
	return distance(m->monotonic, r->monotonic) < HISTORY_PAIR_NS;
}

/* Of several that the other end sent the first that a process sent: the others are answers. */
static struct mark *find_pair(struct connection *c, const struct reset *r, uint8_t side)
{
	struct mark *best = NULL;

	for (unsigned int i = 0; i < marks(c); i++) {
		struct mark *m = &c->mark[i];

		if (is_pair(m, r, side) &&
		    (!best || m->answer < best->answer ||
		     (m->answer == best->answer && m->monotonic < best->monotonic)))
			best = m;
	}
	return best;
}

static void fill_other(const struct mark *m, struct past *past)
{
	past->other = (struct other_end){
		.known = true,
		.pid = m->pid,
		.direction = m->direction,
		.role = m->role,
	};
	memcpy(past->other.comm, m->comm, sizeof(past->other.comm));
	past->other_cause = m->cause;
	past->other_confidence = m->confidence;
}

static void fill_second(const struct mark *m, const struct reset *r, struct past *past)
{
	past->second = true;
	past->second_cause = m->cause;
	past->second_confidence = m->confidence;
	past->second_direction = m->direction;
	past->second_ms = r->monotonic > m->monotonic
				  ? (int64_t)((r->monotonic - m->monotonic) / NSEC_PER_MSEC)
				  : 0;
}

/* True if the reset that this end received was sent by its peer on this host. */
static bool was_sent(const struct connection *c, const struct mark *received)
{
	for (unsigned int i = 0; i < marks(c); i++) {
		const struct mark *m = &c->mark[i];

		if (m->side != received->side && m->direction == RST_SENT &&
		    distance(m->monotonic, received->monotonic) < HISTORY_PAIR_NS)
			return true;
	}
	return false;
}

/* An answer to a segment of the peer, after its reset. The twin of data after close says nothing.
 */
static bool is_aftermath(const struct connection *c, const struct mark *m, const struct reset *r)
{
	return m->direction == RST_RECEIVED && r->direction == RST_SENT &&
	       r->flags & RST_EVENT_SEGMENT && !(r->flags & RST_EVENT_SWALLOWS) &&
	       m->monotonic < r->monotonic && !was_sent(c, m);
}

/* The answer that was traced before the reset which it follows. */
static bool is_follower(const struct mark *m, const struct reset *r)
{
	return m->direction == RST_SENT && m->answer && r->direction == RST_SENT &&
	       !(r->flags & RST_EVENT_SEGMENT) &&
	       distance(m->monotonic, r->monotonic) < HISTORY_PAIR_NS;
}

void connections_look(struct history *h, const struct reset *r, struct doer *d, struct past *past)
{
	const struct mark *latest = NULL, *pair;
	struct connection *c;
	uint8_t side;

	ways_look(&h->connections.ways, key_of(h, r, d), TICKS(r->monotonic), &d->connection_way);
	c = &h->connections.entry[d->connection_way.at];
	side = d->side;
	if (!d->connection_way.found) {
		/* it will be noted there soon, and is not in the cache */
		__builtin_prefetch(c, 1);
		__builtin_prefetch(&c->mark[1], 1);
		return;
	}
	pair = find_pair(c, r, side);
	if (pair)
		fill_other(pair, past);
	for (unsigned int j = 0; j < marks(c); j++) {
		const struct mark *m = &c->mark[j];

		if (!same_end(m, r, side) || !same_connection(m, r))
			continue;
		past->aftermath |= is_aftermath(c, m, r);
		/* its own echo, traced before it, is not what it follows */
		if (is_follower(m, r))
			continue;
		if (!latest || m->monotonic > latest->monotonic)
			latest = m;
	}
	if (latest)
		fill_second(latest, r, past);
}

/* What the marks of the same end make of a new one. */
static void note_again(const struct connection *c, const struct reset *r, uint8_t side,
		       struct noted *ret)
{
	bool answer = r->flags & RST_EVENT_SEGMENT;

	for (unsigned int i = 0; i < marks(c); i++) {
		const struct mark *m = &c->mark[i];

		if (!same_end(m, r, side) || !same_connection(m, r))
			continue;
		ret->again = true;
		if (is_follower(m, r)) {
			ret->followed = true;
			ret->follower = m->ticket;
		}
		if (is_aftermath(c, m, r)) {
			ret->forged = true;
			ret->received = m->ticket;
		}
		/* the other end has met the one that acted; its echo adds nothing */
		if (answer && !m->answer && m->direction == RST_SENT)
			ret->paired = false;
	}
}

void connections_note(struct history *h, const struct finding *f, uint64_t ticket, struct doer *d,
		      struct noted *ret)
{
	const struct reset *r = &f->reset;
	uint64_t tag = key_of(h, r, d);
	struct connection *c;
	struct mark *m, *pair;
	bool made;

	h->connections.latest = ways_take(&h->connections.ways, tag, TICKS(r->monotonic),
					  &d->connection_way, &made);
	c = &h->connections.entry[h->connections.latest];
	if (made)
		c->noted = 0;
	*ret = (struct noted){};
	pair = find_pair(c, r, d->side);
	if (pair) {
		ret->paired = true;
		ret->pair = pair->ticket;
		ret->pair_direction = pair->direction;
		ret->pair_cause = pair->cause;
		ret->pair_incident = pair->incident;
	}
	note_again(c, r, d->side, ret);
	if (ret->paired && pair->direction == RST_RECEIVED)
		pair->incident = 0;
	m = &c->mark[c->noted++ % CONNECTION_MARKS];
	*m = (struct mark){
		.monotonic = r->monotonic,
		.ticket = ticket,
		.netns = r->netns,
		.netns_cookie = r->netns_cookie,
		.pid = f->owner.pid,
		.side = d->side,
		.answer = r->flags & RST_EVENT_SEGMENT,
		.direction = r->direction,
		.role = r->role,
		.cause = (uint8_t)f->verdict.cause,
		.confidence = (uint8_t)f->verdict.confidence,
	};
	memcpy(m->comm, f->owner.comm, sizeof(m->comm));
	ret->mark = m;
}

static struct mark *find_mark(struct connection *c, uint64_t ticket)
{
	for (unsigned int i = 0; i < marks(c); i++)
		if (c->mark[i].ticket == ticket)
			return &c->mark[i];
	return NULL;
}

static struct mark *find_noted(struct history *h, const struct reset *r, uint64_t ticket,
			       struct connection **ret)
{
	struct connection *c = &h->connections.entry[h->connections.latest];
	struct mark *m = find_mark(c, ticket);
	uint8_t side;
	uint32_t i;

	if (!m) {
		i = ways_find(&h->connections.ways,
			      key(h, r, history_address(h->seed, &r->remote, r), &side));
		if (i == INDEX_NONE)
			return NULL;
		c = &h->connections.entry[i];
		m = find_mark(c, ticket);
	}
	*ret = c;
	return m;
}

struct mark *connections_find(struct history *h, const struct reset *r, uint64_t ticket)
{
	struct connection *c;

	return find_noted(h, r, ticket, &c);
}

uint64_t connections_echo(struct history *h, const struct reset *r, uint64_t ticket)
{
	struct connection *c;
	const struct mark *own = find_noted(h, r, ticket, &c);

	for (unsigned int i = 0; own && i < marks(c); i++)
		if (same_end(&c->mark[i], r, own->side) && same_connection(&c->mark[i], r) &&
		    is_follower(&c->mark[i], r))
			return c->mark[i].ticket;
	return 0;
}
