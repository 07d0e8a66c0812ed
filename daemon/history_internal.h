/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the history share: history.c decides what is looked at and remembered, each table
 * has a file of its own. Nobody else includes this.
 *
 * Time is counted in ticks of 2^20 ns (about a millisecond) where a table needs no more: 32 bits of
 * them last 52 days, and only differences are taken.
 */
#ifndef DAEMON_HISTORY_INTERNAL_H
#define DAEMON_HISTORY_INTERNAL_H

#include "daemon/history.h"
#include "daemon/index.h"

#define TICK_SHIFT   20
#define TICKS(ns)    ((uint32_t)((ns) >> TICK_SHIFT))
#define TICKS_SECOND TICKS(1000000000ULL)

/* ---- history_ways.c: which entry of an array belongs to a key ---- */

#define WAYS 8

/* A key may stand in one of WAYS places, the least recently used of them makes room. Keys are hashes
 * of 64 bits with a secret seed: nobody outside can aim at a place, and equal ones do not happen. */
struct ways {
	uint64_t *tag; /* 0: empty */
	uint32_t *used; /* tick */
	uint32_t sets, lifetime; /* ticks, then an entry is worth nothing */
	uint64_t evicted; /* younger than that */
};

int ways_init(struct ways *w, uint32_t entries, uint64_t lifetime_ns); /* -ENOMEM */
void ways_done(struct ways *w);

/* The first of a key's places. */
static inline uint32_t ways_first(const struct ways *w, uint64_t tag)
{
	return ((uint32_t)(tag >> 32) & (w->sets - 1)) * WAYS;
}

/* The entry of 'tag', INDEX_NONE without. */
static inline uint32_t ways_find(const struct ways *w, uint64_t tag)
{
	uint32_t first = ways_first(w, tag);

	for (uint32_t i = first; i < first + WAYS; i++)
		if (w->tag[i] == tag)
			return i;
	return INDEX_NONE;
}

/* Where the entry of a key is, or will be: looked for once. It holds until another key gets an entry. */
struct way {
	uint32_t at;
	bool looked, found;
};

void ways_search(const struct ways *w, uint64_t tag, uint32_t now, struct way *way);

static inline void ways_look(const struct ways *w, uint64_t tag, uint32_t now, struct way *way)
{
	if (!way->looked)
		ways_search(w, tag, now, way);
}

/* The entry, made if there is none: then *ret_new, and the caller clears what lies there. */
uint32_t ways_take(struct ways *w, uint64_t tag, uint32_t now, struct way *way, bool *ret_new);

/* A hash of words; never 0. One multiplication each, folded: what is multiplied is secret, since the seed
 * is, so nobody outside can make two keys meet. */
static inline uint64_t history_hash(uint64_t seed, const uint64_t *words, unsigned int n)
{
	uint64_t x = seed;

	for (unsigned int i = 0; i < n; i++) {
		unsigned __int128 product = (unsigned __int128)(x ^ words[i]) * 0x9e3779b97f4a7c15ULL;

		x = seed ^ (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return x ? x : 1;
}

/* An address is a key by itself, but for those that mean another host in each namespace. */
bool history_is_loopback(const struct endpoint *e);
uint64_t history_address(uint64_t seed, const struct endpoint *e, const struct reset *r);

/* ---- history_connections.c ---- */

#define CONNECTION_MARKS 4

/* A reset of one end of a connection. */
struct mark {
	uint64_t monotonic, ticket;
	uint64_t incident; /* that it belongs to, 0: none */
	uint32_t netns, netns_cookie, pid;
	uint8_t side; /* which end of the two was the local one */
	bool answer; /* to a segment of the peer */
	uint8_t direction, role, cause, confidence;
	char comm[RSTMON_COMM_MAX];
};

/* Those that were never written are never read: a new connection costs one of them, not all. */
struct connection {
	uint32_t noted; /* marks ever, the i-th is at i % CONNECTION_MARKS */
	struct mark mark[CONNECTION_MARKS];
};

struct connections {
	struct ways ways;
	struct connection *entry;
	uint32_t latest; /* noted last: its findings are the ones that change */
};

/* What history_note() finds out about the connection. */
struct noted {
	struct mark *mark; /* the new one */
	bool again;	   /* this end had a reset before */
	bool paired, followed, forged;
	uint64_t pair, follower, received; /* tickets */
	uint8_t pair_direction, pair_cause;
	uint64_t pair_incident;
};

struct doer;
void connections_look(struct history *h, const struct reset *r, struct doer *d, struct past *past);
void connections_note(struct history *h, const struct finding *f, uint64_t ticket, struct doer *d,
		      struct noted *ret);
struct mark *connections_find(struct history *h, const struct reset *r, uint64_t ticket);
uint64_t connections_echo(struct history *h, const struct reset *r, uint64_t ticket);

/* ---- history_bursts.c, history_askers.c: who does it ---- */

/* An asker is a peer that scans: what it sends is another story than what it resets. */
enum burst_by { BURST_BY_OWNER, BURST_BY_PORT, BURST_BY_PEER, BURST_BY_ASKER };

/* A reset of the running second, with what an incident that begins later wants to know of it. */
struct burst_mark {
	uint32_t tick, peer;
	uint16_t port;
	bool used;
	uint8_t direction, cause, confidence;
};

struct burst {
	uint64_t incident;    /* the latest, 0: none */
	uint32_t window, count; /* since 'window' */
	unsigned int next;
	struct burst_mark mark[RSTMON_INCIDENT_BURST]; /* the latest, from 'next' on the oldest */
};

struct bursts {
	struct ways ways;
	struct burst *entry;
};

#define ASKER_PORTS 1024 /* are told apart */

struct asker {
	uint32_t window, ports; /* since 'window' */
	uint64_t asked[ASKER_PORTS / 64];
};

struct askers {
	struct ways ways;
	struct asker *entry;
};

/* What is asked of every reset, kept from look to note of the same one. */
struct doer {
	const struct reset *of; /* NULL: of none any more */
	uint64_t monotonic, owner_start;
	uint64_t peer, burst; /* hashes */
	uint64_t connection, rhythm, idle; /* the same, 0: not computed yet */
	struct way connection_way, burst_way, asker_way, rhythm_way, idle_way;
	uint32_t owner;
	uint32_t ports; /* that the peer asked for, this one included; 0: not of an asker */
	uint16_t asked; /* the local port */
	uint8_t side;
	enum burst_by by;
};

unsigned int bursts_look(const struct history *h, struct doer *d);
/* Returns the id of the incident that the reset belongs to, 0 for none. */
uint64_t bursts_note(struct history *h, const struct finding *f, struct doer *d);
/* The remote end's act turned out to be one of this host. */
void bursts_forget(struct history *h, const struct endpoint *peer, const struct reset *r);

/* Different closed ports, with this one. */
uint32_t askers_look(const struct history *h, struct doer *d);
void askers_note(struct history *h, struct doer *d);

/* ---- history_rhythms.c, history_idles.c ---- */

struct rhythm {
	uint32_t last, interval; /* ticks */
	unsigned int repeats;
};

struct rhythms {
	struct ways ways;
	struct rhythm *entry;
};

void rhythms_look(const struct history *h, const struct reset *r, struct doer *d,
		  struct past *past);
void rhythms_note(struct history *h, const struct reset *r, struct doer *d);

#define IDLE_CLUSTERS 4

struct idle {
	struct {
		int64_t middle_ms;
		unsigned int n;
		uint32_t used; /* tick */
	} cluster[IDLE_CLUSTERS];
};

struct idles {
	struct ways ways;
	struct idle *entry;
};

void idles_look(const struct history *h, const struct reset *r, struct doer *d,
		struct past *past);
void idles_note(struct history *h, const struct reset *r, struct doer *d);

/* ---- history_incidents.c ---- */

struct incident_slot {
	struct incident incident;
	uint64_t monotonic; /* of the last reset */
	bool opening_told, closing_told;
	uint64_t causes[RST_CAUSE_MAX];
	uint32_t peer[INCIDENT_PEERS_MAX];
	uint16_t port[INCIDENT_PEERS_MAX];
};

struct incidents {
	uint64_t made; /* ids given so far */
	uint64_t evicted;
	unsigned int untold; /* that will be told of once more at least */
	struct incident_slot slot[RSTMON_INCIDENTS_MAX];
};

/* The one of that id if it still is open at 'monotonic', or NULL. */
struct incident_slot *incidents_open(struct history *h, uint64_t id, uint64_t monotonic);
struct incident_slot *incidents_new(struct history *h, const struct finding *f,
				    const struct doer *d);
void incidents_add(struct incident_slot *s, const struct burst_mark *m);
void incidents_latest(struct incident_slot *s, const struct finding *f);
void incidents_forget(struct history *h, uint64_t id, unsigned int direction, unsigned int cause);
void incidents_changed(struct history *h, uint64_t id, unsigned int from, unsigned int to);

struct history {
	uint64_t seed;
	uint32_t plain_window, plain; /* ownerless answers to SYNs since 'plain_window' */
	struct doer doer;
	uint64_t follower, received; /* of the finding noted last */
	bool followed, forged;
	struct connections connections;
	struct bursts bursts;
	struct askers askers;
	struct rhythms rhythms;
	struct idles idles;
	struct incidents incidents;
};

#endif
