/* SPDX-License-Identifier: GPL-2.0-only */
/* Making room: what folds, what goes to 'other', what stays; and sums in any order of events. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/daemon/tally_fixture.h"

Test(tally_fold, the_dead_fold_before_anything_goes_to_other)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_stats stats;
	struct tally_row row;
	unsigned int folded = 0;

	fill(t, 1, 1024, 8);
	cr_assert(tally_pressed(t));
	tally_stats(t, &stats);
	cr_assert_eq(stats.rows, RSTMON_ROWS_MAX);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	cr_assert_eq(rows_of(t, 0), 0, "without need nothing folds");

	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(other_row(t, RST_SENT).count, 0);
	for (uint32_t pid = 1001; pid <= 1024; pid++)
		cr_assert_eq(rows_of(t, pid), 8);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		if (!tally_row(t, i, &row) || !row.folded)
			continue;
		folded++;
		cr_assert_eq(row.pid, 0);
		cr_assert_eq(row.start, 0);
		cr_assert_str_eq(row.comm, "worker");
		cr_assert_str_eq(row.unit, "unit.service");
		cr_assert_eq(row.count, 1000);
		cr_assert_eq(row.first, START + 1);
		cr_assert_eq(row.last, START + 1000);
	}
	cr_assert_eq(folded, 8);
	cr_assert_not(tally_pressed(t));
	tally_stats(t, &stats);
	cr_assert_eq(stats.evicted, 8000);
	expect_totals(t, 8193, 0);
	expect_adoptable(t);
}

Test(tally_fold, a_full_process_table_folds_too)
{
	_cleanup_free_ struct tally *t = new_tally();

	fill(t, 1, RSTMON_PROCESSES_MAX, 1);
	add(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	tally_gone(t, 1, 1000);
	tally_gone(t, 2, 2000);
	add(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	expect_totals(t, RSTMON_PROCESSES_MAX + 2, 0);
	expect_adoptable(t);
}

Test(tally_fold, full_of_the_living_goes_to_other_or_other_ports)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_stats stats;

	for (uint32_t port = 1; port <= 300; port++)
		add(t, 1, (uint16_t)port, RST_SENT, RST_CAUSE_UNKNOWN);
	fill(t, 2, 1000, 8);
	cr_assert_gt(other_row(t, RST_SENT).count, 0);
	tally_stats(t, &stats);
	cr_assert_eq(stats.rows, RSTMON_ROWS_MAX);
	cr_assert_eq(stats.evicted, other_row(t, RST_SENT).count);
	add(t, 1, 2000, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 1, -1, RST_SENT, RST_CAUSE_UNKNOWN), 45);
	cr_assert_str_eq(other_row(t, RST_SENT).comm, "");
	expect_totals(t, 8301, 0);
}

Test(tally_fold, what_was_quiet_for_a_day_makes_room)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_row row;

	for (uint32_t pid = 1; pid <= 1024; pid++) {
		for (uint16_t port = 1; port <= 8; port++)
			add(t, pid, port, RST_RECEIVED, RST_CAUSE_UNKNOWN);
		if (pid <= 1000)
			tally_gone(t, pid, pid * 1000ULL);
	}
	/* every name is another one: folding merges nothing */
	tally_minute(t, START + 1439 * MINUTE);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	cr_assert_eq(other_row(t, RST_RECEIVED).count, 0);

	tally_minute(t, START + 1441 * MINUTE);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	row = other_row(t, RST_RECEIVED);
	cr_assert_eq(row.count, 8000);
	cr_assert_eq(row.first, START);
	cr_assert_eq(rows_of(t, 1024), 8, "the living stay");
	expect_totals(t, 2, 8192);
	expect_adoptable(t);
}

Test(tally_fold, spilled_rows_do_not_fold)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 1000, RST_SENT, RST_CAUSE_UNKNOWN);
	struct tally_row row;

	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
	spill(t, &f, 7, START);
	fill(t, 1, 1024, 8);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(rows_of(t, 1), 1);
	cr_assert_eq(find_row(t, 1, 1000, RST_SENT, RST_CAUSE_UNKNOWN, &row), 0);
	cr_assert_eq(row.count, 8);
	cr_assert_eq(row.spilled, 7);
	spill(t, &f, 9, START);
	expect_totals(t, 8193 + 9, 0);
	expect_adoptable(t);
}

Test(tally_fold, move_finds_what_was_folded)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 1000, RST_SENT, RST_CAUSE_UNKNOWN);
	struct finding g = make(0, 60000, RST_SENT, RST_CAUSE_CLOSED_PORT);
	unsigned int moved = 0;

	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
	fill(t, 1, 1024, 8);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_BAD_SYN), 0, "its new row folds the old one");
	expect_totals(t, 8192, 0);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row) && row.cause == RST_CAUSE_BAD_SYN)
			moved += (unsigned int)row.count;
	}
	cr_assert_eq(moved, 1);

	for (uint32_t port = 1; port <= 6000; port++)
		add(t, 0, (uint16_t)port, RST_SENT, RST_CAUSE_CLOSED_PORT);
	tally_add(t, &g);
	cr_assert_eq(tally_move(t, &g, RST_CAUSE_UNKNOWN), 0);
	cr_assert_eq(count_of(t, 0, -1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	expect_totals(t, 8192 + 6001, 0);
	expect_adoptable(t);
}

Test(tally_fold, property_sums_in_chaos)
{
	_cleanup_free_ struct tally *t = new_tally();
	static struct chaos c = {.now = START};
	struct tally_stats stats;

	random_state = 12;
	for (unsigned int i = 0; i < ARRAY_SIZE(c.slot); i++)
		c.slot[i] = make(i, (uint16_t)i, i % 2, RST_CAUSE_UNKNOWN);
	for (unsigned int step = 1; step <= 300000; step++) {
		chaos_step(t, &c);
		if (step % 5000 == 0) {
			chaos_spill(t, &c);
			tally_minute(t, c.now);
			expect_each(t, c.sum);
		}
		if (step % 60000 == 0)
			expect_adoptable(t);
	}
	tally_stats(t, &stats);
	cr_assert_gt(stats.evicted, 0, "the test must reach folding");
	cr_assert_gt(stats.folded, 0);
}
