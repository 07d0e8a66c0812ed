/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys beyond the bound: nothing is missed, and nobody's alert loses its place. */
#include "common/util.h"

#include "tests/unit/daemon/alert_fixture.h"

static struct bench plain(void)
{
	struct alert_rule rule = make_rule("all", "", ALERT_BY_SERVICE);

	return new_bench(&rule, 1, 30);
}

static void count_port(struct bench *b, unsigned int port, int64_t n)
{
	struct tally_row row = make_row(0, (uint16_t)port, RST_CAUSE_CLOSED_PORT);

	alerts_count(b->a, &row, n, b->now);
}

static void tick(struct bench *b)
{
	alerts_tick(b->a, b->now, REAL, NULL);
	take_events(b);
}

static uint64_t in_windows(const struct bench *b)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < ALERTS_PLACES; i++)
		n += b->a->state[i].used ? b->a->state[i].sum : 0;
	return n;
}

Test(alert_window, what_slides_out_is_forgotten_by_parts)
{
	struct bench b = plain();

	for (unsigned int i = 0; i < 20; i++) {
		count_port(&b, 1, 1);
		b.now += SECOND;
		tick(&b);
		cr_assert_leq(in_windows(&b), 10);
	}
	cr_assert_geq(in_windows(&b), 9);
	b.now += 5 * SECOND;
	tick(&b);
	cr_assert_leq(in_windows(&b), 6);
	cr_assert_geq(in_windows(&b), 3);
	b.now += 6 * SECOND;
	tick(&b);
	cr_assert_eq(in_windows(&b), 0);
	alerts_free(b.a);
}

Test(alert_window, a_scan_is_in_the_rest)
{
	struct bench b = plain();

	for (unsigned int port = 1; port <= 5000; port++)
		count_port(&b, port, 1);
	cr_assert_eq(in_windows(&b), 5000, "nothing is missed");
	cr_assert_leq(stats_of(&b).keys, RSTMON_ALERTS_MAX + 1);
	cr_assert_eq(stats_of(&b).evicted, 5000 - RSTMON_ALERTS_MAX);
	tick(&b);
	cr_assert_eq(b.begun, 1);
	cr_assert(b.last.alert.key.rest);
	cr_assert_eq(b.last.alert.count, 5000 - RSTMON_ALERTS_MAX);
	cr_assert_eq(b.last.alert.shown.port, 0);
	cr_assert_eq(b.last.alert.shown.cause, RST_CAUSE_CLOSED_PORT);
	b.now += 11 * SECOND;
	tick(&b);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(stats_of(&b).keys, 0);
	alerts_free(b.a);
}

Test(alert_window, a_scan_takes_no_place_of_an_alert)
{
	struct bench b = plain();

	for (unsigned int port = 1; port <= 20; port++)
		count_port(&b, port, 10);
	tick(&b);
	cr_assert_eq(b.begun, 20);
	for (unsigned int port = 100; port <= 20000; port++)
		count_port(&b, port, 1);
	cr_assert_eq(in_windows(&b), 200 + 19901);
	for (unsigned int port = 1; port <= 20; port++)
		count_port(&b, port, 5);
	tick(&b);
	cr_assert_eq(b.begun, 21, "those of before, and the rest");
	for (unsigned int i = 0; i < 20; i++)
		cr_assert_eq(b.a->state[i].count, 15);
	alerts_free(b.a);
}

/* Places full of alerts: a new key is counted with the rest. */
Test(alert_window, full_of_alerts)
{
	struct bench b = plain();

	for (unsigned int port = 1; port <= RSTMON_ALERTS_MAX; port++)
		count_port(&b, port, 10);
	tick(&b);
	cr_assert_eq(stats_of(&b).active, RSTMON_ALERTS_MAX);
	for (unsigned int i = 0; i < 10; i++)
		count_port(&b, 5000 + i, 1);
	tick(&b);
	cr_assert_eq(stats_of(&b).active, RSTMON_ALERTS_MAX + 1);
	cr_assert_eq(b.a->state[RSTMON_ALERTS_MAX].sum, 10);
	b.now += 11 * SECOND;
	tick(&b);
	cr_assert_eq(stats_of(&b).active, 0);
	count_port(&b, 7000, 1);
	cr_assert_eq(stats_of(&b).keys, 1, "there is room again");
	alerts_free(b.a);
}

Test(alert_window, numbers_of_a_flood)
{
	struct bench b = plain();

	for (unsigned int i = 0; i < 100; i++) {
		count_port(&b, 1, INT64_MAX / 2000);
		b.now += SECOND;
		tick(&b);
	}
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 0);
	b.now += 20 * SECOND;
	tick(&b);
	cr_assert_eq(b.last.alert.count, 100 * (uint64_t)(INT64_MAX / 2000));
	alerts_free(b.a);
}

Test(alert_window, the_least_places_an_odd_window_has)
{
	struct alert_rule rule = make_rule("odd", "", ALERT_BY_SERVICE);
	struct bench b;

	rule.window_ns = 7; /* less than the buckets */
	rule.rate = 1;
	rule.clear = 1;
	b = new_bench(&rule, 1, 30);
	count_port(&b, 1, 1);
	tick(&b);
	cr_assert_eq(b.begun, 1);
	b.now += 100;
	tick(&b);
	cr_assert_eq(b.ended, 1);
	alerts_free(b.a);
}
