/* SPDX-License-Identifier: GPL-2.0-only */
/* A state with something in every part, and what is in it as a few numbers. */
#ifndef TESTS_STATE_FIXTURE_H
#define TESTS_STATE_FIXTURE_H

#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/state_internal.h"
#include "tests/unit/daemon/sample_finding.h"

static inline void free_state(struct state **s)
{
	state_free(*s);
}

static inline void fixture_reasons(struct reasons *r)
{
	memset(r, 0, sizeof(*r));
	cr_assert_eq(reasons_add(r, 1, "NO_SOCKET"), 0);
	cr_assert_eq(reasons_add(r, 14, "TCP_STATE"), 0);
}

static inline struct finding fixture_finding(const struct reasons *reasons, unsigned int i)
{
	struct finding f = sample_finding();

	f.reset.reason_number = i % 2 ? 14 : 1;
	f.reset.reason_name = reasons_name(reasons, f.reset.reason_number);
	f.reset.reason = reasons_meaning(reasons, f.reset.reason_number);
	f.reset.time += i * NSEC_PER_SEC;
	f.reset.monotonic = i + 1;
	f.reset.port = (uint16_t)(8000 + i % 20);
	f.reset.direction = i % RST_DIRECTION_MAX;
	f.reset.remote.address[3] = (uint8_t)(i % 30);
	f.reset.socket = i + 1;
	f.owner.pid = i % 5 ? 800 + i % 7 : 0;
	f.owner.start = f.owner.pid;
	return f;
}

static inline void fixture_fill(struct state *s, const struct reasons *reasons, unsigned int n)
{
	state_set_kernel(s, "6.1.0-test", reasons);
	for (unsigned int i = 0; i < n; i++) {
		struct finding f = fixture_finding(reasons, i);
		struct reset out;

		tally_add(state_tally(s), &f);
		recent_add(state_recent(s), &f);
		peers_add(state_peers(s), &f);
		if (i % 10 == 0)
			hold_add(state_hold(s), &f.reset, &out);
		if (i % 20 == 10)
			hold_release(state_hold(s), UINT64_MAX, &out);
	}
	tally_minute(state_tally(s), SAMPLE_TIME + n * NSEC_PER_SEC);
}

static inline uint64_t fixture_sum(struct state *s)
{
	struct tally_stats stats;
	uint64_t sum = 0;

	tally_stats(state_tally(s), &stats);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		sum += stats.total[d];
	return sum;
}

static inline unsigned int fixture_held(struct state *s)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HOLD_MAX; i++)
		n += hold_get(state_hold(s), i) != NULL;
	return n;
}

/* Both hold the same, though at different addresses. */
static inline void fixture_expect_same(struct state *a, struct state *b)
{
	const struct finding *x, *y;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct tally_row row[2] = {};

		cr_assert_eq(tally_row(state_tally(a), i, &row[0]),
			     tally_row(state_tally(b), i, &row[1]));
		cr_assert(row[0].count == row[1].count && row[0].cause == row[1].cause &&
			  row[0].pid == row[1].pid && row[0].port == row[1].port);
	}
	for (unsigned int i = 0; (x = recent_get(state_recent(a), i)); i++) {
		y = recent_get(state_recent(b), i);
		cr_assert(y && x->reset.time == y->reset.time && x->owner.pid == y->owner.pid);
		cr_assert_str_eq(x->reset.reason_name, y->reset.reason_name);
		cr_assert_str_eq(x->owner.exe, y->owner.exe);
	}
	for (unsigned int i = 0; i < RSTMON_PEERS_MAX; i++) {
		const struct peer *p = peers_get(state_peers(a), i), *q;

		q = peers_get(state_peers(b), i);
		cr_assert_eq(!p, !q);
		cr_assert(!p || (p->count == q->count && !memcmp(&p->address.address,
								  &q->address.address, 16)));
	}
	cr_assert_eq(fixture_held(a), fixture_held(b));
	cr_assert_eq(fixture_sum(a), fixture_sum(b));
}

#endif
