/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was said of each series of metrics, so that no counter falls: a verdict that changed, a false receive that was
 * taken back late and a row that expired all take from one series what they give to another, and a
 * scraper would take each fall for a restart. Flat, without pointers. Pure.
 */
#ifndef DAEMON_PUBLISH_SAID_H
#define DAEMON_PUBLISH_SAID_H

#include "daemon/reset.h"

#define PUBLISH_SERIES_MAX 1000 /* with labels of their own, in each of the two families */
#define PUBLISH_OTHER	   "other"

struct publish_series {
	uint8_t direction, cause;
	bool other_port;
	uint16_t port;
	const char *unit;
	uint64_t count, first;
};

/* By their labels alone. */
int publish_series_compare(const void *a, const void *b);

struct publish_said_one {
	uint8_t direction, cause;
	bool other_port;
	uint16_t port;
	char unit[RSTMON_UNIT_MAX];
	uint64_t count;
};

/* Of one family. All zero: nothing was said yet. */
struct publish_said {
	unsigned int n;
	struct publish_said_one one[PUBLISH_SERIES_MAX]; /* in the order of their labels */
	uint64_t other[RST_DIRECTION_MAX][RST_CAUSE_MAX];
};

/* May this one have its labels? Who had them keeps them; a new one gets them while fewer than 'named'
 * do. */
bool publish_said_named(struct publish_said *said, const struct publish_series *s, unsigned int named);

/* Raises each of the 'n' series, which are in the order of their labels, to what was said of it, and adds those that
 * are gone; 'list' has room for 'n' + PUBLISH_SERIES_MAX + RST_DIRECTION_MAX * RST_CAUSE_MAX. What is said too
 * much of some is kept back from what the "other" ones of their direction grow by: the sum stays true
 * while there is anything to keep back. Remembers what is said now. Returns how many there are. */
size_t publish_said_apply(struct publish_said *said, struct publish_series *list, size_t n);

#endif
