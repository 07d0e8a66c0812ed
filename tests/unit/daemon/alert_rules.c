/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules that change while alerts are active. */
#include "common/util.h"

#include <errno.h>

#include "tests/unit/daemon/alert_fixture.h"

static char error[256];

static struct bench two(struct alert_rule rules[2])
{
	rules[0] = make_rule("one", "port 1", ALERT_BY_SERVICE);
	rules[1] = make_rule("two", "port 2", ALERT_BY_SERVICE);
	return new_bench(rules, 2, 30);
}

static void count_port(struct bench *b, unsigned int port, int64_t n)
{
	struct tally_row row = make_row(0, (uint16_t)port, RST_CAUSE_CLOSED_PORT);

	grow(b, &row, n);
}

static void set(struct bench *b, const struct alert_rule *rules, unsigned int n)
{
	cr_assert_eq(alerts_set_rules(b->a, rules, n, 30, b->now, error, sizeof(error)), 0, "%s",
		     error);
	take_events(b);
}

Test(alert_rules, what_is_the_same_goes_on)
{
	struct alert_rule rules[2], other[3];
	struct bench b = two(rules);

	count_port(&b, 1, 10);
	count_port(&b, 2, 9);
	cr_assert_eq(b.begun, 1);
	/* in another order, with another severity and rate, and one more before them */
	other[0] = make_rule("new", "cause linger_zero", ALERT_BY_PORT);
	other[1] = rules[1];
	other[1].severity = LOG_ERR;
	other[2] = rules[0];
	other[2].rate = 6000;
	set(&b, other, 3);
	cr_assert_eq(b.ended, 0);
	cr_assert_eq(stats_of(&b).rule[2].active, 1);
	cr_assert_eq(stats_of(&b).rule[2].alerts, 1);
	count_port(&b, 2, 1);
	cr_assert_eq(b.begun, 2, "nine were in its window");
	cr_assert_eq(b.last.alert.severity, LOG_ERR);
	count_port(&b, 1, 1);
	cr_assert_eq(b.begun, 2, "it was told");
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 2);
	alerts_free(b.a);
}

Test(alert_rules, an_alert_whose_rule_is_gone_ends)
{
	struct alert_rule rules[2];
	struct bench b = two(rules);

	count_port(&b, 1, 10);
	count_port(&b, 2, 10);
	set(&b, &rules[1], 1);
	cr_assert_eq(b.ended, 1);
	cr_assert_str_eq(b.last.alert.name, "one");
	cr_assert_eq(b.last.end, ALERT_END_RULE_REMOVED);
	cr_assert_str_eq(alert_end_name(b.last.end), "rule_removed");
	rules[1].enabled = false;
	set(&b, &rules[1], 1);
	cr_assert_eq(b.ended, 2);
	cr_assert_eq(b.last.end, ALERT_END_RULE_REMOVED);
	cr_assert_eq(stats_of(&b).keys, 0);
	cr_assert_eq(stats_of(&b).rules, 0);
	count_port(&b, 2, 100);
	cr_assert_eq(b.begun, 2, "a rule that is off counts nothing");
	set(&b, NULL, 0);
	cr_assert_eq(b.ended, 2);
	alerts_free(b.a);
}

Test(alert_rules, one_that_counts_other_things_is_another)
{
	struct alert_rule rules[2];
	struct bench b = two(rules);

	count_port(&b, 1, 10);
	rules[0].window_ns *= 2;
	set(&b, rules, 2);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.end, ALERT_END_RULE_CHANGED);
	rules[0].rate = 30; /* ten in its window */
	set(&b, rules, 2);
	count_port(&b, 1, 10);
	cr_assert_eq(b.begun, 2);
	rules[0].by = ALERT_BY_PORT;
	set(&b, rules, 2);
	cr_assert_eq(b.ended, 2);
	cr_assert_eq(b.last.end, ALERT_END_RULE_CHANGED);
	alerts_free(b.a);
}

Test(alert_rules, one_that_was_not_told_ends_without_a_word)
{
	struct alert_rule rules[2];
	struct bench b = two(rules);

	cr_assert_eq(alerts_set_rules(b.a, rules, 2, 1, b.now, error, sizeof(error)), 0);
	count_port(&b, 1, 10);
	count_port(&b, 2, 10);
	cr_assert_eq(b.begun, 1);
	set(&b, NULL, 0);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(stats_of(&b).untold, 1);
	alerts_free(b.a);
}

Test(alert_rules, a_filter_that_is_none_changes_nothing)
{
	struct alert_rule rules[2], wrong;
	struct bench b = two(rules);

	count_port(&b, 1, 10);
	wrong = make_rule("wrong", "port and", ALERT_BY_SERVICE);
	cr_assert_eq(alerts_set_rules(b.a, &wrong, 1, 30, b.now, error, sizeof(error)), -EINVAL);
	cr_assert(strstr(error, "[alert wrong]"), "%s", error);
	wrong = make_rule("wrong", "peer 10.0.0.1", ALERT_BY_SERVICE);
	cr_assert_eq(alerts_set_rules(b.a, &wrong, 1, 30, b.now, error, sizeof(error)), -EINVAL,
		     "rows have no peer");
	take_events(&b);
	cr_assert_eq(b.ended, 0);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	alerts_free(b.a);
}

/* The rest of a rule moves with it. */
Test(alert_rules, the_rest_keeps_its_place)
{
	struct alert_rule rules[2] = {
		make_rule("none", "port 60000", ALERT_BY_SERVICE),
		make_rule("all", "", ALERT_BY_SERVICE),
	};
	struct bench b = new_bench(rules, 2, 30);

	for (unsigned int port = 1; port <= 2 * RSTMON_ALERTS_MAX; port++) {
		struct tally_row row = make_row(0, (uint16_t)port, RST_CAUSE_CLOSED_PORT);

		alerts_count(b.a, &row, 1, b.now);
	}
	wait_for(&b, 1);
	cr_assert_eq(b.begun, 1);
	cr_assert(b.last.alert.key.rest);
	set(&b, &rules[1], 1);
	cr_assert_eq(b.ended, 0);
	cr_assert_eq(b.a->state[RSTMON_ALERTS_MAX].sum, RSTMON_ALERTS_MAX);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	alerts_free(b.a);
}

Test(alert_rules, the_newest_reset_is_the_example)
{
	struct alert_rule rule = make_rule("all", "port 80", ALERT_BY_SERVICE);
	struct tally_row row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	struct finding f = {
		.reset = {.port = 80, .direction = RST_SENT, .role = RST_ROLE_SERVER},
		.owner = {.pid = 9, .comm = "java", .unit = "shop.service"},
		.verdict = {.cause = RST_CAUSE_LINGER_ZERO},
	};
	struct bench b = new_bench(&rule, 1, 30);
	const struct finding *example;
	struct recent *recent;

	cr_assert_eq(recent_new(&recent), 0);
	grow(&b, &row, 10);
	cr_assert_null(alerts_example(b.a, &b.last.alert, recent));
	f.reset.time = 1;
	recent_add(recent, &f);
	f.reset.time = 2;
	recent_add(recent, &f);
	f.reset.time = 3;
	f.verdict.cause = RST_CAUSE_CLOSED_PORT;
	recent_add(recent, &f);
	f.verdict.cause = RST_CAUSE_LINGER_ZERO;
	f.reset.port = 81;
	recent_add(recent, &f);
	example = alerts_example(b.a, &b.last.alert, recent);
	cr_assert(example);
	cr_assert_eq(example->reset.time, 2);
	recent_free(recent);
	alerts_free(b.a);
}
