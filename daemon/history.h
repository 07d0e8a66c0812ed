/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened before, in bounded memory: turns single resets into stories. Remembers, each in a
 * table with a bound and an oldest-out rule,
 *
 *	connections	the latest resets by connection, both ends of it under one key: the second reset
 *			after a challenge ACK, the other end on this host, the aftermath of a forged one
 *	bursts		resets of one owner (of nobody: one port; by a remote act: one peer) in the
 *			running second; RSTMON_INCIDENT_BURST of them open an incident
 *	askers		peers that ask for closed ports, and for how many different ones
 *	rhythms		clients that do the same again and again at one interval: health checks
 *	idles		idle times by peer and port, in clusters
 *	incidents	the latest RSTMON_INCIDENTS_MAX
 *
 * Costs no allocation per reset, and next to nothing for the resets of a flood: a verdict that is
 * 'settled' and belongs to nobody touches two counters. Pure: time comes with the reset
 * (reset.monotonic for windows, reset.time to show); order of equal times does not matter.
 */
#ifndef DAEMON_HISTORY_H
#define DAEMON_HISTORY_H

#include "daemon/context.h"

#define HISTORY_SECOND_NS (2 * 1000000000ULL)
#define HISTORY_PAIR_NS	  (50 * 1000000ULL)

struct history;

int history_new(struct history **ret); /* -ENOMEM */
void history_free(struct history *h);

/* What is remembered that concerns this reset; 'past->other' too, if its other end came first. */
void history_look(struct history *h, const struct reset *reset, const struct owner *owner,
		  struct past *ret);

/* Remembers a finding after its verdict. 'ticket' is the caller's name for it, and comes back: if the
 * other end of the same connection was noted less than HISTORY_PAIR_NS ago, *ret_ticket is that one's
 * and the answer is true: both are one story, and the earlier should be judged again, with
 * past.other set from this finding (history_other()). */
bool history_note(struct history *h, const struct finding *f, uint64_t ticket, uint64_t *ret_ticket);

/* On one host a reset that a process sends is traced after its answer's answer: the second reset may come
 * before the first. True if the finding noted last is the first of an earlier one of the same end, whose
 * ticket this is: that one should be judged again, with past.second (history_second()). */
bool history_follower(const struct history *h, uint64_t *ret_ticket);

/* The ticket of the answer of the same end that follows this reset of a process's, 0: none. Its story is the
 * same, so it changes with it. */
uint64_t history_echo(struct history *h, const struct finding *f, uint64_t ticket);

/* True if the finding noted last is the aftermath of a reset that this end received, whose ticket this is:
 * that one should be judged again, with past.aftermath. */
bool history_forged(const struct history *h, uint64_t *ret_ticket);

/* Fills past->second and what belongs to it: 'f' followed 'first'. */
void history_second(const struct finding *first, const struct finding *f, struct past *past);

/* Fills past->other, other_cause and other_confidence from the finding of the other end. */
void history_other(const struct finding *other, struct past *past);

/* A finding's verdict was changed after history_note() with that ticket. */
void history_changed(struct history *h, const struct finding *f, uint64_t ticket);

/* Many resets of one owner within a second: a restart, a crash, an overload, a scan. */
struct incident {
	uint64_t id;	     /* from 1 on, never reused */
	uint64_t start, last; /* CLOCK_REALTIME ns */
	bool open;	     /* went on within the last seconds */
	uint32_t pid;	     /* the owner; 0: nobody, then 'port' or 'peer' holds it together */
	char comm[RSTMON_COMM_MAX];
	char unit[RSTMON_UNIT_MAX];
	bool by_peer; /* what a remote host did */
	struct endpoint peer; /* with by_peer; else of the latest; its port is 0 */
	uint16_t port;	      /* of the latest; 0: several */
	uint64_t count[RST_DIRECTION_MAX];
	unsigned int peers; /* different remote addresses, at most INCIDENT_PEERS_MAX are told apart */
	unsigned int ports; /* different service ports, likewise */
	enum rst_cause cause; /* the most frequent */
	enum confidence confidence;
	uint64_t cause_count;
};

#define INCIDENT_PEERS_MAX 16

/* Closes the incidents that have been quiet for RSTMON_INCIDENT_QUIET_S; 'monotonic' and 'realtime' are
 * now. Calls fn for each that is to be told: once when it opens, once when it closes. */
typedef void (*history_incident_fn)(const struct incident *i, void *userdata);
void history_tick(struct history *h, uint64_t monotonic, history_incident_fn fn, void *userdata);

/* True while an incident is open or waits to be told: call history_tick() within a second. */
bool history_restless(const struct history *h);

/* The i-th latest incident, NULL beyond the oldest. */
const struct incident *history_incident(const struct history *h, unsigned int i);

/* Entries that had to make room before their time. */
uint64_t history_evicted(const struct history *h);
size_t history_memory(const struct history *h);

#endif
