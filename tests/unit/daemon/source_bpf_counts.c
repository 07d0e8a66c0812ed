/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums over the CPUs: what was taken back is no part of them, and none goes below 0. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/source_bpf_parts.h"

static struct rst_totals totals[3];

static struct source_totals sums(void)
{
	struct bpf_counts c = {
		.totals = (const uint8_t *)totals,
		.totals_stride = sizeof(totals[0]),
		.n_totals = ARRAY_SIZE(totals),
	};
	struct bpf_parts none = {};
	struct source_totals t;

	bpf_counts_totals(&c, &none, &t);
	return t;
}

Test(counts, of_all_processors)
{
	struct source_totals t;

	for (uint64_t cpu = 0; cpu < ARRAY_SIZE(totals); cpu++) {
		totals[cpu].direction[RST_SENT].seen = cpu + 1;
		totals[cpu].direction[RST_SENT].spilled = cpu;
		totals[cpu].direction[RST_RECEIVED].seen = 10;
		totals[cpu].direction[RST_TIMEOUT].run_ns = 1000;
		totals[cpu].direction[RST_SENT].run_ns = 10;
		totals[cpu].failures[RST_FAIL_MAP] = 1;
	}
	t = sums();
	cr_assert_eq(t.sent, 6);
	cr_assert_eq(t.received, 30);
	cr_assert_eq(t.timeouts, 0);
	cr_assert_eq(t.spilled[RST_SENT], 3);
	cr_assert_eq(t.unread_ever, 3);
	cr_assert_eq(t.run_ns, 30, "time-outs are no resets");
	cr_assert_eq(t.failures[RST_FAIL_MAP], 3);
}

/* Counted on one processor, taken back on another. */
Test(counts, without_what_was_taken_back)
{
	struct rst_count *there = &totals[0].direction[RST_RECEIVED];
	struct rst_count *here = &totals[2].direction[RST_RECEIVED];
	struct source_totals t;

	there->seen = 5;
	there->spilled = 3;
	there->lost = 1;
	here->swallowed = 4;
	here->swallowed_spilled = 2;
	here->swallowed_lost = 1;
	t = sums();
	cr_assert_eq(t.received, 1);
	cr_assert_eq(t.spilled[RST_RECEIVED], 1);
	cr_assert_eq(t.lost[RST_RECEIVED], 0);
	cr_assert_eq(t.unread_ever, 3 + 1 + 2 + 1);
}

Test(counts, never_below_nothing)
{
	struct source_totals t;

	totals[1].direction[RST_RECEIVED].seen = 1;
	totals[1].direction[RST_RECEIVED].swallowed = 2;
	totals[1].direction[RST_RECEIVED].swallowed_spilled = 1;
	totals[1].direction[RST_RECEIVED].swallowed_lost = 1;
	totals[1].direction[RST_SENT].seen = 7;
	t = sums();
	cr_assert_eq(t.received, 0);
	cr_assert_eq(t.spilled[RST_RECEIVED], 0);
	cr_assert_eq(t.lost[RST_RECEIVED], 0);
	cr_assert_eq(t.sent, 7, "of another direction");
}
