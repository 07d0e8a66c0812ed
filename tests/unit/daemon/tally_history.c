/* SPDX-License-Identifier: GPL-2.0-only */
/* Counts over time: the hour, the day, folding, and clocks that jump. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/daemon/tally_fixture.h"

Test(tally_history, history_of_an_hour)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START + 199 * MINUTE;

	for (unsigned int m = 0; m < 200; m++) {
		f.reset.time = START + m * MINUTE + 7;
		tally_add(t, &f);
	}
	cr_assert(tally_since(t, 0, 0, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, 0, START, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, 0, now - 9 * MINUTE + 30 * NSEC_PER_SEC, now, &n));
	cr_assert_eq(n, 10, "rounded down to a minute");
	cr_assert(tally_since(t, 0, now - 59 * MINUTE, now, &n));
	cr_assert_eq(n, 60);
	cr_assert_not(tally_since(t, 0, now - 60 * MINUTE, now, &n));
	cr_assert_eq(n, 60);
	cr_assert(tally_since(t, 0, now + MINUTE, now, &n));
	cr_assert_eq(n, 0);
	cr_assert(tally_since(t, RSTMON_ROWS_MAX - 1, START, now, &n));
	cr_assert_eq(n, 0);
	cr_assert(tally_since(t, TALLY_PLACES, START, now, &n));

	/* a record that is late, and one that is too late */
	f.reset.time = now - 5 * MINUTE;
	tally_add(t, &f);
	f.reset.time = now - 100 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now - 59 * MINUTE, now, &n));
	cr_assert_eq(n, 61);

	/* hours of silence */
	f.reset.time = now + 300 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now + 241 * MINUTE, now + 300 * MINUTE, &n));
	cr_assert_eq(n, 1);
}

Test(tally_history, history_near_the_beginning_of_time)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n;

	f.reset.time = 0;
	tally_add(t, &f);
	f.reset.time = UINT64_MAX;
	tally_add(t, &f);
	tally_minute(t, 0);
	tally_minute(t, UINT64_MAX);
	tally_minute(t, 5);
	cr_assert(tally_since(t, 0, 1, 5, &n));
	expect_totals(t, 2, 0);
}

Test(tally_history, history_of_a_day_for_the_busiest)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START;

	for (unsigned int m = 0; m < 2000; m++) {
		now = START + m * MINUTE;
		f.reset.time = now;
		for (unsigned int i = 0; i < 3; i++)
			tally_add(t, &f);
		tally_minute(t, now + 59 * NSEC_PER_SEC);
	}
	cr_assert(tally_since(t, 0, now - 600 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 601);
	cr_assert(tally_since(t, 0, now - 1439 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 1440);
	cr_assert_not(tally_since(t, 0, now - 1440 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 1440);
	expect_adoptable(t);

	/* silence is known too; after a day of it the day is free again */
	for (unsigned int m = 1; m < 1500; m++)
		tally_minute(t, now + m * MINUTE);
	cr_assert_eq(t->rows[0].day, 0);
	cr_assert(tally_since(t, 0, now + MINUTE, now + 1500 * MINUTE, &n));
	cr_assert_eq(n, 0);
}

Test(tally_history, days_go_to_the_busiest)
{
	_cleanup_free_ struct tally *t = new_tally();

	for (uint32_t pid = 1; pid <= 1000; pid++)
		for (uint32_t i = 0; i < pid % 500 + 1; i++)
			add(t, pid, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	tally_minute(t, START);
	for (uint32_t i = 0; i < t->rows_top; i++) {
		if (t->rows[i].count > 500 - 127)
			cr_assert(t->rows[i].day, "%lu", t->rows[i].count);
		if (t->rows[i].count < 500 - 128)
			cr_assert_not(t->rows[i].day);
	}
}

Test(tally_history, folding_sums_histories)
{
	_cleanup_free_ struct tally *t = new_tally();
	uint64_t n, now = START, total = 0;
	int folded = -1;

	/* two of one name, one of them busy enough for a day, and a crowd that fills the table */
	for (unsigned int m = 0; m < 300; m++) {
		now = START + m * MINUTE;
		for (uint32_t pid = 1; pid <= 2; pid++) {
			struct finding f = make(pid, 80, RST_SENT, RST_CAUSE_UNKNOWN);

			snprintf(f.owner.comm, sizeof(f.owner.comm), "twin");
			f.reset.time = now;
			if (pid == 2 && m < 200)
				continue;
			for (unsigned int i = 0; i < 2; i++)
				tally_add(t, &f);
		}
		tally_minute(t, now);
	}
	tally_gone(t, 1, 1000);
	tally_gone(t, 2, 2000);
	fill(t, 100, 1024, 8);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row) && row.folded) {
			cr_assert_eq(folded, -1);
			folded = (int)i;
			total = row.count;
		}
	}
	cr_assert_geq(folded, 0);
	cr_assert_eq(total, 2 * 300 + 2 * 100);
	cr_assert(tally_since(t, (unsigned int)folded, now - 49 * MINUTE, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, (unsigned int)folded, now - 149 * MINUTE, now, &n));
	cr_assert_eq(n, 2 * 150 + 2 * 100);
	expect_adoptable(t);
}

Test(tally_history, clock_set_back)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START - 5000 * MINUTE;

	tally_add(t, &f);
	tally_minute(t, START);
	tally_minute(t, now);
	f.reset.time = now + MINUTE;
	tally_add(t, &f);
	tally_minute(t, f.reset.time);
	f.reset.time = now + 2 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now + 2 * MINUTE, now + 2 * MINUTE, &n));
	cr_assert_eq(n, 1);
	expect_totals(t, 3, 0);
}
