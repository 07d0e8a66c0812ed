/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the stage of alerts share. Nobody else includes this, but tests. */
#ifndef DAEMON_ALERT_INTERNAL_H
#define DAEMON_ALERT_INTERNAL_H

#include "common/filter.h"
#include "daemon/alert.h"
#include "daemon/index.h"
#include "daemon/report.h"

#define ALERT_BUCKETS	  12 /* of a window */
#define ALERT_INDEX_SLOTS 4096
#define ALERT_EVENTS_MAX  (2 * RSTMON_ALERTS_TOLD_MAX)
#define ALERT_MINUTE_NS	  (60 * 1000000000ULL)

_Static_assert(ALERT_INDEX_SLOTS >= 2 * ALERTS_PLACES, "an index needs room");

struct alert_state {
	bool used;
	bool active, told;
	bool twin;    /* the other end of one that was told: it is told with that one */
	bool noticed; /* it is in the number of those that had no room */
	uint8_t rule;
	uint32_t hash;
	struct alert_key key, shown;
	uint32_t votes; /* for the cause in 'shown', less those against it */

	/* the window */
	uint64_t epoch; /* of the newest bucket: time / width */
	uint64_t sum;
	uint64_t bucket[ALERT_BUCKETS]; /* of an epoch, at epoch % ALERT_BUCKETS */

	uint64_t cooldown_until; /* it is not active again before */
	uint64_t hold_until;	 /* it is not over before */
	uint64_t id, since, began, before; /* 'began' monotonic; 'before' it had lasted so long */
	uint64_t count, peak, rows;
};

struct alert_slot {
	struct alert_rule rule;
	struct filter *filter;
	uint64_t width; /* of a bucket */
	unsigned int active;
	uint64_t alerts;
};

struct alerts {
	uint64_t now; /* the latest that was heard of */
	struct alert_slot slot[RSTMON_ALERT_RULES_MAX];
	unsigned int rules;
	unsigned int per_minute;

	/* the keys, then one for each rule */
	struct alert_state state[ALERTS_PLACES];
	uint64_t index[ALERT_INDEX_SLOTS];
	unsigned int top;  /* no key was ever used from here on, of the first RSTMON_ALERTS_MAX */
	unsigned int hand; /* where a place is looked for next */
	unsigned int keys, told;

	uint64_t minute; /* when the minute of lines began, 0: none is running */
	unsigned int minute_told;
	uint64_t minute_more, more;
	uint64_t last_id;
	uint64_t evicted, untold;

	struct alert_event event[ALERT_EVENTS_MAX];
	size_t events;
};

/* ---- alert_key.c ---- */

void alert_key_of(const struct tally_row *row, enum alert_by by, struct alert_key *ret);
void alert_key_all(const struct tally_row *row, struct alert_key *ret); /* what 'shown' begins with */
void alert_key_rest(struct alert_key *ret);
uint32_t alert_key_hash(const struct alert_key *key, unsigned int rule);
bool alert_key_equal(const struct alert_key *a, const struct alert_key *b);

/* Leaves in s->shown what the row shares with those before it. */
void alert_key_join(struct alert_state *s, const struct tally_row *row, uint64_t growth);

/* ---- alert_window.c: keys and their windows ---- */

struct alert_state *alerts_find(struct alerts *a, unsigned int rule, const struct alert_key *key);

/* The key's place, a new one if there is room, else that of the rest. */
struct alert_state *alerts_place(struct alerts *a, unsigned int rule, const struct alert_key *key);
void alerts_drop(struct alerts *a, struct alert_state *s);

void alert_advance(const struct alerts *a, struct alert_state *s);
void alert_add(struct alerts *a, struct alert_state *s, int64_t growth);

/* Whether so many in a window are the rate, which is by the minute, or more. */
bool alert_reaches(const struct alert_rule *rule, uint64_t count, double rate);
bool alert_is_over(const struct alert_rule *rule, uint64_t count);

/* When it will be over if nothing more is counted. */
uint64_t alert_over_at(const struct alerts *a, const struct alert_state *s);

/* ---- alert_twin.c ---- */

/* Whether it is the other end of what another alert tells, or is about to tell: then it is not told itself. */
bool alert_is_twin(const struct alerts *a, const struct alert_state *s, const struct recent *recent);

/* Of a twin: whether there still is an alert that may tell for it. */
bool alert_is_spoken_for(const struct alerts *a, const struct alert_state *s);

/* ---- alert_rules.c ---- */

int alerts_rule(const struct alerts *a, const char *name); /* -1: there is none */

/* ---- alert.c ---- */

void alert_fill(const struct alerts *a, const struct alert_state *s, struct alert *ret);
void alert_finish(struct alerts *a, struct alert_state *s, enum alert_end end);
void alert_push_end(struct alerts *a, const struct alert *alert, enum alert_end end);

#endif
