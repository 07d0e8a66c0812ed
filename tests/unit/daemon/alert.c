/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a key: one beginning and one end, whatever happens in between. */
#include "common/util.h"

#include "tests/unit/daemon/alert_fixture.h"

static const struct tally_row *closed(uint16_t port)
{
	static struct tally_row row;

	row = make_row(0, port, RST_CAUSE_CLOSED_PORT);
	return &row;
}

static struct bench bench_of(struct alert_rule rule)
{
	return new_bench(&rule, 1, 30);
}

static struct bench plain(void)
{
	return bench_of(make_rule("closed", "cause closed_port", ALERT_BY_SERVICE));
}

Test(alert, ten_thousand_resets_are_one_pair)
{
	struct bench b = plain();

	for (unsigned int i = 0; i < 100; i++) {
		b.now += SECOND / 10;
		grow(&b, closed(8080), 100);
	}
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 0);
	cr_assert_eq(b.last.alert.count, 100);
	cr_assert_eq(b.last.alert.shown.port, 8080);
	cr_assert_eq(b.last.alert.shown.cause, RST_CAUSE_CLOSED_PORT);
	wait_for(&b, 60);
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.alert.count, 10000);
	cr_assert_eq(b.last.end, ALERT_END_RATE);
	cr_assert_gt(b.last.alert.peak, 9000);
	cr_assert_leq(b.last.alert.peak, 10000);
	cr_assert_eq(stats_of(&b).active, 0);
	cr_assert_eq(stats_of(&b).keys, 0, "a key that has nothing takes no place");
	alerts_free(b.a);
}

Test(alert, below_the_rate_nothing_is_said)
{
	struct bench b = plain();

	for (unsigned int i = 0; i < 600; i++) {
		wait_for(&b, 1);
		if (i % 2)
			grow(&b, closed(80), 1); /* 30 a minute */
	}
	cr_assert_eq(b.begun, 0);
	cr_assert_eq(stats_of(&b).rule[0].alerts, 0);
	alerts_free(b.a);
}

Test(alert, the_rate_is_of_the_whole_window_from_the_first_moment)
{
	struct bench b = plain();

	grow(&b, closed(80), 9);
	cr_assert_eq(b.begun, 0, "nine in a millisecond are nine in ten seconds");
	grow(&b, closed(80), 1);
	cr_assert_eq(b.begun, 1);
	alerts_free(b.a);
}

/* Between 'clear' and 'rate' it stays what it is. */
Test(alert, hysteresis)
{
	struct bench b = plain();

	grow(&b, closed(80), 10);
	for (unsigned int i = 0; i < 120; i++) {
		wait_for(&b, 1);
		if (i % 4 != 3) /* 45 a minute */
			grow(&b, closed(80), 1);
	}
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 0);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	for (unsigned int i = 0; i < 120; i++) {
		wait_for(&b, 1);
		if (i % 4 != 3)
			grow(&b, closed(80), 1);
	}
	cr_assert_eq(b.begun, 1, "the same rate that kept it up begins none");
	alerts_free(b.a);
}

Test(alert, cooldown_is_of_the_key_and_from_the_end)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct bench b;

	rule.cooldown_ns = 60 * SECOND;
	b = bench_of(rule);
	grow(&b, closed(80), 10);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	wait_for(&b, 30);
	grow(&b, closed(80), 1000);
	cr_assert_eq(b.begun, 1, "it is cooling down");
	grow(&b, closed(81), 10);
	cr_assert_eq(b.begun, 2, "another key is not");
	wait_for(&b, 15);
	grow(&b, closed(80), 1000);
	wait_for(&b, 5);
	cr_assert_eq(b.begun, 2);
	cr_assert_leq(alerts_due(b.a, b.now), 15 * SECOND);
	wait_for(&b, 15);
	cr_assert_eq(b.begun, 2, "it was quiet again when it might have begun");
	grow(&b, closed(80), 10);
	cr_assert_eq(b.begun, 3);
	alerts_free(b.a);
}

/* It is looked at when the cooldown ends, even if nothing is counted then. */
Test(alert, what_lasts_through_the_cooldown_alerts_at_its_end)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct bench b;

	rule.cooldown_ns = 5 * SECOND;
	b = bench_of(rule);
	grow(&b, closed(80), 10);
	wait_for(&b, 10);
	while (!b.ended)
		wait_for(&b, 1);
	grow(&b, closed(80), 10);
	cr_assert_eq(b.begun, 1);
	cr_assert_leq(alerts_due(b.a, b.now), 5 * SECOND);
	b.now += alerts_due(b.a, b.now);
	alerts_tick(b.a, b.now, REAL, NULL);
	take_events(&b);
	cr_assert_eq(b.begun, 2);
	alerts_free(b.a);
}

/* Nobody needs to look every second: the stage says when. */
Test(alert, due_says_when_it_is_over)
{
	struct bench b = plain();
	uint64_t due;

	cr_assert_eq(alerts_due(b.a, b.now), UINT64_MAX);
	grow(&b, closed(80), 1);
	cr_assert_eq(alerts_due(b.a, b.now), UINT64_MAX, "a quiet key needs no look");
	grow(&b, closed(80), 10);
	due = alerts_due(b.a, b.now);
	cr_assert_gt(due, 9 * SECOND);
	cr_assert_leq(due, 10 * SECOND);
	b.now += due - 1;
	alerts_tick(b.a, b.now, REAL, NULL);
	take_events(&b);
	cr_assert_eq(b.ended, 0);
	b.now += 1;
	alerts_tick(b.a, b.now, REAL, NULL);
	take_events(&b);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(alerts_due(b.a, b.now), UINT64_MAX);
	alerts_free(b.a);
}

Test(alert, a_count_that_is_taken_back_was_none)
{
	struct bench b = plain();

	grow(&b, closed(80), 9);
	grow(&b, closed(80), -5);
	grow(&b, closed(80), 5);
	cr_assert_eq(b.begun, 0);
	grow(&b, closed(80), 1);
	cr_assert_eq(b.begun, 1);
	grow(&b, closed(80), -100);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.alert.count, 0);
	grow(&b, closed(81), -1);
	grow(&b, closed(81), INT64_MIN + 1);
	cr_assert_eq(stats_of(&b).keys, 0, "taking back makes no key");
	alerts_free(b.a);
}

Test(alert, a_clock_that_stands_or_goes_back)
{
	struct bench b = plain();

	for (unsigned int i = 0; i < 100; i++)
		grow(&b, closed(80), 1);
	cr_assert_eq(b.begun, 1);
	b.now -= 500 * SECOND;
	for (unsigned int i = 0; i < 100; i++)
		grow(&b, closed(80), 1);
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 0);
	cr_assert_leq(alerts_due(b.a, b.now), 11 * SECOND);
	b.now += 500 * SECOND;
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.alert.count, 200);
	alerts_free(b.a);
}

Test(alert, a_clock_that_jumps_ahead)
{
	struct bench b = plain();

	grow(&b, closed(80), 10);
	b.now += 1000000 * SECOND;
	grow(&b, closed(80), 9);
	cr_assert_eq(b.begun, 1);
	cr_assert_eq(b.ended, 0, "what was counted in the meantime still holds it");
	wait_for(&b, 11);
	cr_assert_eq(b.ended, 1);
	b.now = UINT64_MAX / 2;
	grow(&b, closed(80), 10);
	cr_assert_eq(b.begun, 2);
	alerts_free(b.a);
}

Test(alert, a_minute_has_so_many_and_the_rest_is_a_number)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct bench b = new_bench(&rule, 1, 3);

	for (uint16_t port = 1; port <= 10; port++)
		alerts_count(b.a, closed(port), 10, b.now);
	alerts_tick(b.a, b.now, REAL, NULL);
	take_events(&b);
	cr_assert_eq(b.begun, 3);
	cr_assert_eq(stats_of(&b).active, 10);
	cr_assert_eq(alerts_more(b.a), 0, "the minute is not over");
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 3, "only those that were told end in a line");
	cr_assert_eq(stats_of(&b).untold, 7);
	wait_for(&b, 40);
	cr_assert_eq(alerts_more(b.a), 0);
	cr_assert_leq(alerts_due(b.a, b.now), 10 * SECOND, "somebody must say it at its end");
	wait_for(&b, 10);
	cr_assert_eq(alerts_more(b.a), 7);
	cr_assert_eq(alerts_more(b.a), 0);
	cr_assert_eq(alerts_due(b.a, b.now), UINT64_MAX);
	cr_assert_eq(b.begun, 3);
	alerts_free(b.a);
}

Test(alert, one_that_found_no_room_is_told_when_there_is_some)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct bench b = new_bench(&rule, 1, 3);
	uint64_t more = 0;

	for (unsigned int i = 0; i < 130; i++) {
		for (uint16_t port = 1; port <= 5; port++)
			alerts_count(b.a, closed(port), 2, b.now);
		wait_for(&b, 1);
		more += alerts_more(b.a);
	}
	cr_assert_eq(b.begun, 5);
	cr_assert_eq(more, 2, "each is once in the number, however long it waits");
	wait_for(&b, 60);
	cr_assert_eq(b.ended, 5);
	cr_assert_eq(stats_of(&b).untold, 0);
	alerts_free(b.a);
}

Test(alert, the_severe_come_first)
{
	struct alert_rule rules[2] = {
		make_rule("mild", "port 1", ALERT_BY_SERVICE),
		make_rule("severe", "port 2", ALERT_BY_SERVICE),
	};
	struct bench b;

	rules[1].severity = LOG_ERR;
	b = new_bench(rules, 2, 1);
	alerts_count(b.a, closed(1), 100, b.now);
	alerts_count(b.a, closed(2), 10, b.now);
	alerts_tick(b.a, b.now, REAL, NULL);
	take_events(&b);
	cr_assert_eq(b.begun, 1);
	cr_assert_str_eq(b.last.alert.name, "severe");
	cr_assert_eq(b.last.alert.severity, LOG_ERR);
	alerts_free(b.a);
}

Test(alert, so_many_are_told_at_a_time)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct bench b = new_bench(&rule, 1, 100000);

	for (unsigned int i = 0; i < 70; i++) {
		for (uint16_t port = 1; port <= RSTMON_ALERTS_TOLD_MAX + 50; port++)
			alerts_count(b.a, closed(port), 2, b.now);
		wait_for(&b, 1);
		cr_assert_leq(stats_of(&b).told, RSTMON_ALERTS_TOLD_MAX);
	}
	cr_assert_eq(b.begun, RSTMON_ALERTS_TOLD_MAX);
	cr_assert_eq(alerts_more(b.a), 50);
	wait_for(&b, 60);
	cr_assert_eq(b.ended, b.begun);
	cr_assert_eq(stats_of(&b).active, 0);
	alerts_free(b.a);
}

/* Whatever happens: never two of a kind in a row for a key, and an end for each beginning. */
Test(alert, always_in_pairs)
{
	struct alert_rule rules[3] = {
		make_rule("a", "port < 40", ALERT_BY_SERVICE),
		make_rule("b", "", ALERT_BY_CAUSE),
		make_rule("c", "port > 20", ALERT_BY_PORT),
	};
	uint64_t open[2 * RSTMON_ALERTS_TOLD_MAX] = {0};
	unsigned int n_open = 0;
	uint64_t random = 12345;
	struct bench b;

	rules[1].cooldown_ns = 20 * SECOND;
	b = new_bench(rules, 3, 20);
	for (unsigned int i = 0; i < 20000; i++) {
		const struct alert_event *e;
		size_t n;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		alerts_count(b.a, closed((uint16_t)(random >> 33) % 64 + 1),
			     (int64_t)(random >> 50) % 12 - 2, b.now);
		b.now += (random >> 20) % SECOND;
		if (i % 3 == 0)
			alerts_tick(b.a, b.now, REAL, NULL);
		e = alerts_events(b.a, &n);
		for (size_t k = 0; k < n; k++) {
			unsigned int at = 0;

			while (at < n_open && open[at] != e[k].alert.id)
				at++;
			if (e[k].begins) {
				cr_assert_eq(at, n_open, "told twice");
				open[n_open++] = e[k].alert.id;
			} else {
				cr_assert_lt(at, n_open, "the end of nothing");
				open[at] = open[--n_open];
			}
		}
		alerts_handled(b.a);
		cr_assert_eq(stats_of(&b).told, n_open);
	}
	cr_assert_gt(stats_of(&b).rule[0].alerts, 10);
	b.begun = n_open;
	b.ended = 0;
	wait_for(&b, 600);
	cr_assert_eq(stats_of(&b).active, 0);
	alerts_free(b.a);
}
