/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters that never fall, whatever the rows do; and a sum that stays true where it can. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/publish_said.h"

#define ROOM (64 + PUBLISH_SERIES_MAX + RST_DIRECTION_MAX * RST_CAUSE_MAX)

static struct publish_said said;
static struct publish_series list[ROOM];
static size_t n;

static void begin(void)
{
	n = 0;
}

static void put(const char *unit, uint16_t port, enum rst_cause cause, uint64_t count)
{
	list[n++] = (struct publish_series){
		.direction = RST_RECEIVED,
		.cause = cause,
		.unit = unit,
		.port = port,
		.other_port = port == 0,
		.count = count,
	};
}

/* As publish_metrics.c does it: names, then order, then what was said. */
static void end(unsigned int named)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i].unit, PUBLISH_OTHER) ||
		    publish_said_named(&said, &list[i], named))
			continue;
		list[i].unit = PUBLISH_OTHER;
		list[i].port = 0;
		list[i].other_port = true;
	}
	qsort(list, n, sizeof(*list), publish_series_compare);
	n = publish_said_apply(&said, list, n);
}

static uint64_t count_of(const char *unit, uint16_t port, enum rst_cause cause)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].unit, unit) && list[i].port == port && list[i].cause == cause)
			return list[i].count;
	return 0;
}

static uint64_t sum(void)
{
	uint64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += list[i].count;
	return all;
}

static void setup(void)
{
	memset(&said, 0, sizeof(said));
}

TestSuite(publish_said, .init = setup);

#define A RST_CAUSE_CLOSED_PORT
#define B RST_CAUSE_REFUSED_SYN
#define O PUBLISH_OTHER

Test(publish_said, what_grows_is_said_as_it_is)
{
	begin(), put("a", 1, A, 5), put("a", 2, A, 6), put(O, 0, A, 7), end(10);
	cr_expect_eq(n, 3);
	begin(), put("a", 1, A, 6), put("a", 2, A, 6), put(O, 0, A, 9), end(10);
	cr_expect_eq(n, 3);
	cr_expect_eq(count_of("a", 1, A), 6);
	cr_expect_eq(count_of("a", 2, A), 6);
	cr_expect_eq(count_of(O, 0, A), 9);
}

/* One of five turned out to be something else. */
Test(publish_said, a_verdict_that_changed_lets_nothing_fall)
{
	begin(), put("a", 1, A, 5), put("a", 1, B, 0), end(10);
	begin(), put("a", 1, A, 4), put("a", 1, B, 1), end(10);
	cr_expect_eq(count_of("a", 1, A), 5);
	cr_expect_eq(count_of("a", 1, B), 1);
	begin(), put("a", 1, A, 5), put("a", 1, B, 1), end(10);
	cr_expect_eq(sum(), 6, "the next one of the same name makes it true again");
	begin(), put("a", 1, A, 6), put("a", 1, B, 1), end(10);
	cr_expect_eq(count_of("a", 1, A), 6);
}

/* A row that expired goes on being said, and 'other' does not grow by it. */
Test(publish_said, a_row_that_expired_is_not_said_twice)
{
	begin(), put("a", 1, A, 100), put(O, 0, A, 10), end(10);
	cr_expect_eq(sum(), 110);
	begin(), put(O, 0, A, 113), end(10); /* and three more */
	cr_expect_eq(count_of("a", 1, A), 100);
	cr_expect_eq(count_of(O, 0, A), 13);
	begin(), put(O, 0, A, 113), end(10);
	cr_expect_eq(sum(), 113, "it stays so");
	begin(), put("a", 1, A, 2), put(O, 0, A, 113), end(10); /* it came back */
	cr_expect_eq(count_of("a", 1, A), 100);
	cr_expect_eq(count_of(O, 0, A), 15, "the true sum");
	cr_expect_eq(sum(), 115);
}

/* In the sum of another cause's "other" too: rows expire under one name. */
Test(publish_said, another_other_may_be_what_grows)
{
	begin(), put("a", 1, A, 100), end(10);
	begin(), put(O, 0, B, 100), end(10);
	cr_expect_eq(sum(), 100);
	cr_expect_eq(count_of(O, 0, B), 0);
}

Test(publish_said, labels_stay_with_who_had_them)
{
	begin(), put("a", 1, A, 5), put("a", 2, A, 5), put("a", 3, A, 5), end(2);
	cr_expect_eq(n, 3);
	cr_expect_eq(count_of(O, 0, A), 5);
	begin(), put("a", 2, A, 5), put("a", 3, A, 6),
		end(2); /* 1 is gone, 3 does not take its place */
	cr_expect_eq(count_of("a", 1, A), 5);
	cr_expect_eq(count_of("a", 3, A), 0);
	cr_expect_eq(count_of(O, 0, A), 5);
}

Test(publish_said, an_other_that_is_gone_is_said_too)
{
	begin(), put(O, 0, A, 5), end(2);
	begin(), end(2);
	cr_expect_eq(n, 1);
	cr_expect_eq(count_of(O, 0, A), 5);
}

Test(publish_said, it_is_bounded)
{
	for (unsigned int i = 0; i < 3 * PUBLISH_SERIES_MAX; i += 50) {
		begin();
		for (unsigned int k = 0; k < 50; k++)
			put("a", (uint16_t)(i + k + 1), A, 1);
		end(UINT32_MAX);
		cr_assert_leq(n, ROOM);
	}
	cr_expect_eq(said.n, PUBLISH_SERIES_MAX);
	cr_expect_eq(count_of("a", 1, A), 1);
	for (unsigned int i = 1; i < said.n; i++) {
		struct publish_series a = {.unit = said.one[i - 1].unit,
					   .port = said.one[i - 1].port};
		struct publish_series b = {.unit = said.one[i].unit, .port = said.one[i].port};

		cr_assert_lt(publish_series_compare(&a, &b), 0);
	}
}

/* Whatever happens: no series falls, none disappears. */
Test(publish_said, nothing_ever_falls)
{
	static struct publish_series before[ROOM];
	unsigned int seed = 7;
	size_t had = 0;

	for (int round = 0; round < 300; round++) {
		begin();
		for (unsigned int i = 0; i < 30; i++) {
			seed = seed * 1103515245 + 12345;
			if (seed >> 16 & 1)
				put(i % 7 ? "u" : O, i % 7 ? (uint16_t)(i + 1) : 0,
				    i % 7 ? A : (enum rst_cause)(A + i / 7), seed >> 20 & 63);
		}
		end(12);
		for (size_t i = 0; i < had; i++)
			cr_assert_geq(count_of(before[i].unit, before[i].port, before[i].cause),
				      before[i].count);
		had = n;
		for (size_t i = 0; i < n; i++) {
			before[i] = list[i];
			before[i].unit = strcmp(list[i].unit, O) ? "u" : O;
		}
	}
}
