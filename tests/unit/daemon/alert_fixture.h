/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the stage of alerts share: a rule, a clock that the test turns, rows that grow. */
#ifndef TESTS_ALERT_FIXTURE_H
#define TESTS_ALERT_FIXTURE_H

#include "common/util.h"

#include <criterion/criterion.h>
#include <syslog.h>

#include "common/str.h"
#include "daemon/alert_internal.h"

#define SECOND	NSEC_PER_SEC
#define BEGIN	(1000 * NSEC_PER_SEC)		 /* of the monotonic clock */
#define REAL	(1795332696ULL * NSEC_PER_SEC)	 /* 2026-11-22T07:31:36Z */

/* 60 a minute over 10 s: ten of them; over below 30 a minute: five */
static inline struct alert_rule make_rule(const char *name, const char *filter, enum alert_by by)
{
	struct alert_rule rule = {
		.enabled = true,
		.by = by,
		.rate = 60,
		.clear = 30,
		.window_ns = 10 * SECOND,
		.severity = LOG_WARNING,
	};

	str_copy(rule.name, sizeof(rule.name), name);
	str_copy(rule.filter, sizeof(rule.filter), filter);
	return rule;
}

static inline struct tally_row make_row(uint32_t pid, uint16_t port, enum rst_cause cause)
{
	return (struct tally_row){
		.pid = pid,
		.start = pid,
		.comm = pid ? "java" : "",
		.exe = "",
		.unit = pid ? "shop.service" : "",
		.container = "",
		.netns = 4026531840U,
		.port = port,
		.role = pid ? RST_ROLE_SERVER : RST_ROLE_NONE,
		.direction = RST_SENT,
		.cause = (uint8_t)cause,
	};
}

struct bench {
	struct alerts *a;
	uint64_t now;
	unsigned int begun, ended; /* events, ever */
	struct alert_event last;
};

static inline struct bench new_bench(const struct alert_rule *rules, unsigned int n,
				     unsigned int per_minute)
{
	struct bench b = {.now = BEGIN};
	char error[128] = "";

	cr_assert_eq(alerts_new(&b.a), 0);
	cr_assert_eq(alerts_set_rules(b.a, rules, n, per_minute, b.now, error, sizeof(error)), 0,
		     "%s", error);
	return b;
}

static inline void take_events(struct bench *b)
{
	size_t n;
	const struct alert_event *e = alerts_events(b->a, &n);

	for (size_t i = 0; i < n; i++) {
		b->begun += e[i].begins;
		b->ended += !e[i].begins;
		b->last = e[i];
	}
	alerts_handled(b->a);
}

/* 'n' more in the row, then a look. */
static inline void grow(struct bench *b, const struct tally_row *row, int64_t n)
{
	alerts_count(b->a, row, n, b->now);
	alerts_tick(b->a, b->now, REAL + (b->now - BEGIN), NULL);
	take_events(b);
}

/* Time goes by, with a look each second. */
static inline void wait_for(struct bench *b, unsigned int seconds)
{
	while (seconds--) {
		b->now += SECOND;
		alerts_tick(b->a, b->now, REAL + (b->now - BEGIN), NULL);
		take_events(b);
	}
}

static inline struct alerts_stats stats_of(const struct bench *b)
{
	struct alerts_stats s;

	alerts_stats(b->a, &s);
	return s;
}

#endif
