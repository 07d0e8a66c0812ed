/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage of alerts: growth of rows in, the beginning and the end of alerts out. Each rule has a key for each of
 * what it groups by; a key has a sliding window, and is
 *
 *	quiet	until its rate over the window is the rule's or more,
 *	active	until it is below the rule's 'clear'; then quiet for the rule's cooldown at least.
 *
 * An alert that is active is told once, when there is room (so many in a minute, RSTMON_ALERTS_TOLD_MAX at a time),
 * and only of one that was told is it told that it is over. Both are *events*, which the caller handles and clears
 * after each call that may make some.
 *
 * Bounded: RSTMON_ALERTS_MAX keys. Beyond it a key with little in its window gives up its place, and what it had
 * goes to a key of its rule that stands for all such; a flood of keys is an alert too, and nothing is missed.
 *
 * Pure: time is an argument ('now' monotonic, 'realtime' to show, both ns); a clock that goes back stands still.
 */
#ifndef DAEMON_ALERT_H
#define DAEMON_ALERT_H

#include "daemon/alert_rule.h"
#include "daemon/recent.h"
#include "daemon/tally.h"

#define ALERT_MIXED UINT8_MAX /* a role or direction that is not the same of all */

/* What the rows of an alert have in common; the rest is 0 and "". */
struct alert_key {
	char unit[RSTMON_UNIT_MAX];
	char comm[RSTMON_COMM_MAX];
	char container[RSTMON_CONTAINER_MAX];
	uint64_t start; /* of the process */
	uint32_t pid;
	uint32_t netns;
	uint16_t port; /* 0: several */
	uint8_t role, direction, cause;
	uint8_t other_ports, rest; /* the row "other ports"; all that found no place of their own */
	uint8_t reserved[3];
};

/* One alert: while it is active, or as it ended. */
struct alert {
	char name[RSTMON_ALERT_NAME_MAX]; /* of its rule, as are the next three */
	enum alert_by by;
	int severity;
	uint64_t window_ns;
	struct alert_key key;  /* what identifies it */
	struct alert_key shown; /* and all else that its rows share; the cause is that of most */
	uint64_t id;	/* one for each, ever; the same in its two lines */
	uint64_t since; /* CLOCK_REALTIME */
	uint64_t duration; /* ns */
	uint64_t count; /* since it is active, with the window that made it so */
	uint64_t in_window;
	uint64_t peak; /* the most that a window had */
	bool told;
};

/* Resets a second: of 'count' in a window. */
double alert_rate(uint64_t count, uint64_t window_ns);

enum alert_end {
	ALERT_END_RATE,
	ALERT_END_RULE_REMOVED,
	ALERT_END_RULE_CHANGED, /* it counts other things now */
	ALERT_END_MAX,
};

const char *alert_end_name(unsigned int end); /* "", "rule_removed", "rule_changed" */

struct alert_event {
	bool begins;
	enum alert_end end; /* if it ends */
	struct alert alert;
};

struct alerts;

int alerts_new(struct alerts **ret); /* without rules. -ENOMEM */
void alerts_free(struct alerts *a);

/* Other rules, as copies. Keys go on where filter, grouping and window of the rule with that name are the same; other
 * alerts that were told end here. At most 'per_minute' alerts are told a minute. -EINVAL, with a sentence: a filter is
 * none, and all stays as it was. -ENOMEM. */
int alerts_set_rules(struct alerts *a, const struct alert_rule *rules, unsigned int n,
		     unsigned int per_minute, uint64_t now, char *error, size_t size);

/* What was counted in a row since it was counted here last; below 0: taken back. */
void alerts_count(struct alerts *a, const struct tally_row *row, int64_t growth, uint64_t now);

/* Looks at all keys: what is active, what is over, what is told. Both ends of a refused connection on this host are
 * told as one: which those are is seen in 'recent' (NULL: none is). */
void alerts_tick(struct alerts *a, uint64_t now, uint64_t realtime, const struct recent *recent);

/* How many ns after 'now' a tick may change something although nothing was counted. UINT64_MAX: never. */
uint64_t alerts_due(const struct alerts *a, uint64_t now);

/* What is to be told, in this order; valid until alerts_handled(), which must come before the next tick. */
const struct alert_event *alerts_events(const struct alerts *a, size_t *ret_n);
void alerts_handled(struct alerts *a);

/* Since a minute's alerts began to be told: how many more there were than had room. 0 but once at its end. */
uint64_t alerts_more(struct alerts *a);

/* The newest single reset that counted for it, NULL: none is kept. */
const struct finding *alerts_example(const struct alerts *a, const struct alert *alert,
				     const struct recent *recent);

/* Those that are active, by the i-th place of ALERTS_PLACES; false: that place has none. */
#define ALERTS_PLACES (RSTMON_ALERTS_MAX + RSTMON_ALERT_RULES_MAX)
bool alerts_get(const struct alerts *a, unsigned int i, struct alert *ret);

struct alerts_stats {
	unsigned int rules; /* that are enabled */
	unsigned int keys, active, told;
	uint64_t evicted; /* keys that gave up their place */
	uint64_t untold;  /* alerts that ended before there was room to tell them */
	struct {
		char name[RSTMON_ALERT_NAME_MAX];
		unsigned int active;
		uint64_t alerts; /* that began, told or not, since the start */
	} rule[RSTMON_ALERT_RULES_MAX]; /* all rules, enabled or not, in their order */
	unsigned int n_rules;
};

void alerts_stats(const struct alerts *a, struct alerts_stats *ret);

/* ---- what outlives the daemon (alert_keep.c) ---- */

/* An alert that was told and is active. */
struct alert_kept {
	struct alert alert; /* without 'duration' and 'in_window' */
	uint64_t rows; /* the sum of the rows that it counts */
};

/* Those that were told, and are to be kept; the rows must be those that were counted last. Returns their number, at
 * most RSTMON_ALERTS_TOLD_MAX. */
size_t alerts_keep(struct alerts *a, const struct tally *t, struct alert_kept *ret, size_t max);

/* Goes on with what another daemon told, before anything is counted: they end as others do, but one window from now
 * at the earliest, because what the window had is not known; what the rows have gained since counts for them. One
 * whose rule is gone ends here. */
void alerts_restore(struct alerts *a, const struct alert_kept *kept, size_t n,
		    const struct tally *t, uint64_t now, uint64_t realtime);

#endif
