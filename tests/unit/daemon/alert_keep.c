/* SPDX-License-Identifier: GPL-2.0-only */
/* Alerts that are active while the daemon is away. */
#include "common/util.h"

#include "tests/unit/daemon/alert_fixture.h"

static struct alert_kept kept[RSTMON_ALERTS_TOLD_MAX];

static struct tally *new_tally(void)
{
	void *memory = calloc(1, tally_size());

	cr_assert(memory);
	return tally_format(memory, tally_size());
}

static void add(struct tally *t, uint16_t port, unsigned int n)
{
	struct finding f = {
		.reset = {.time = REAL, .port = port, .direction = RST_SENT, .netns = 4026531840U},
		.verdict = {.cause = RST_CAUSE_CLOSED_PORT},
	};

	while (n--)
		tally_add(t, &f);
}

/* As the daemon does it, but for the growth. */
static void count(struct bench *b, struct tally *t, uint16_t port, unsigned int n)
{
	struct tally_row row = make_row(0, port, RST_CAUSE_CLOSED_PORT);

	add(t, port, n);
	grow(b, &row, n);
}

static struct alert_rule rule_of(const char *name)
{
	return make_rule(name, "cause closed_port", ALERT_BY_SERVICE);
}

/* The daemon ends, and another begins some seconds later. */
static size_t restart(struct bench *b, const struct tally *t, const struct alert_rule *rules,
		      unsigned int n, uint64_t away)
{
	size_t n_kept = alerts_keep(b->a, t, kept, RSTMON_ALERTS_TOLD_MAX);
	unsigned int begun = b->begun, ended = b->ended;
	uint64_t now = b->now + away;

	alerts_free(b->a);
	*b = new_bench(rules, n, 30);
	b->begun = begun;
	b->ended = ended;
	b->now = now;
	alerts_restore(b->a, kept, n_kept, t, b->now, REAL + (now - BEGIN));
	take_events(b);
	return n_kept;
}

Test(alert_keep, it_goes_on_and_ends_once)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 30);
	uint64_t id;

	count(&b, t, 80, 100);
	cr_assert_eq(b.begun, 1);
	id = b.last.alert.id;
	count(&b, t, 80, 50);
	cr_assert_eq(restart(&b, t, &rule, 1, 5 * SECOND), 1);
	cr_assert_eq(stats_of(&b).told, 1);
	cr_assert_eq(b.ended, 0);
	for (unsigned int i = 0; i < 30; i++) {
		count(&b, t, 80, 5);
		wait_for(&b, 1);
	}
	cr_assert_eq(b.begun, 1, "it was told");
	cr_assert_eq(b.ended, 0);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.alert.id, id);
	cr_assert_eq(b.last.alert.count, 300);
	cr_assert_geq(b.last.alert.duration, 40 * SECOND);
	cr_assert_eq(b.last.alert.shown.port, 80);
	count(&b, t, 80, 10);
	cr_assert_eq(b.begun, 2);
	cr_assert_gt(b.last.alert.id, id);
	alerts_free(b.a);
}

/* Its window is empty, but not because nothing happened. */
Test(alert_keep, it_is_held_for_a_window)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 30);

	count(&b, t, 80, 100);
	restart(&b, t, &rule, 1, 1);
	wait_for(&b, 9);
	cr_assert_eq(b.ended, 0);
	cr_assert_leq(alerts_due(b.a, b.now), SECOND);
	wait_for(&b, 2);
	cr_assert_eq(b.ended, 1);
	alerts_free(b.a);
}

/* A daemon that was killed had counted more than it had written down; the rows know. */
Test(alert_keep, what_the_rows_gained_is_counted)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 30);
	size_t n;

	add(t, 80, 1000); /* long before */
	add(t, 81, 1000);
	count(&b, t, 80, 100);
	n = alerts_keep(b.a, t, kept, RSTMON_ALERTS_TOLD_MAX);
	cr_assert_eq(n, 1);
	cr_assert_eq(kept[0].rows, 1100);
	count(&b, t, 80, 7);
	add(t, 81, 50);
	alerts_free(b.a);
	b = new_bench(&rule, 1, 30);
	alerts_restore(b.a, kept, n, t, b.now, REAL);
	wait_for(&b, 11);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.alert.count, 107);
	alerts_free(b.a);

	/* rows of an older checkpoint take nothing away */
	kept[0].rows = 5000;
	b = new_bench(&rule, 1, 30);
	alerts_restore(b.a, kept, n, t, b.now, 0);
	wait_for(&b, 11);
	cr_assert_eq(b.last.alert.count, 100);
	alerts_free(b.a);
}

Test(alert_keep, without_its_rule_it_ends)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rules[2] = {rule_of("closed"), rule_of("other")};
	struct bench b = new_bench(rules, 2, 30);

	count(&b, t, 80, 100);
	cr_assert_eq(b.begun, 2);
	restart(&b, t, &rules[1], 1, SECOND);
	cr_assert_eq(b.ended, 1);
	cr_assert_str_eq(b.last.alert.name, "closed");
	cr_assert_eq(b.last.end, ALERT_END_RULE_REMOVED);
	cr_assert_eq(b.last.alert.count, 100);
	rules[1].enabled = false;
	restart(&b, t, &rules[1], 1, SECOND);
	cr_assert_eq(b.ended, 2);
	alerts_free(b.a);
}

Test(alert_keep, a_rule_that_groups_otherwise_ends_it)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 30);

	count(&b, t, 80, 100);
	rule.by = ALERT_BY_CAUSE;
	restart(&b, t, &rule, 1, SECOND);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.last.end, ALERT_END_RULE_CHANGED);
	alerts_free(b.a);
}

Test(alert_keep, the_rest_and_the_untold)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 2);

	for (unsigned int port = 1; port <= 3000; port++) {
		struct tally_row row = make_row(0, (uint16_t)port, RST_CAUSE_CLOSED_PORT);

		alerts_count(b.a, &row, 1, b.now);
	}
	wait_for(&b, 1);
	cr_assert_eq(b.begun, 1);
	cr_assert(b.last.alert.key.rest);
	count(&b, t, 80, 100);
	count(&b, t, 81, 100);
	cr_assert_eq(b.begun, 2);
	cr_assert_eq(stats_of(&b).active, 3);
	cr_assert_eq(restart(&b, t, &rule, 1, SECOND), 2, "only those that were told");
	cr_assert(b.a->state[RSTMON_ALERTS_MAX].told);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, 2);
	alerts_free(b.a);
}

/* A file may say anything that has the right form. */
Test(alert_keep, the_same_twice_and_more_than_there_can_be)
{
	_cleanup_free_ struct tally *t = new_tally();
	static struct alert_kept many[RSTMON_ALERTS_TOLD_MAX + 10];
	struct alert_rule rule = rule_of("closed");
	struct bench b = new_bench(&rule, 1, 30);

	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		many[i].alert.id = INT64_MAX / 2;
		many[i].alert.key.port = (uint16_t)(i / 2);
		memcpy(many[i].alert.name, rule.name, sizeof(rule.name));
	}
	alerts_restore(b.a, many, ARRAY_SIZE(many), t, b.now, REAL);
	take_events(&b);
	cr_assert_eq(stats_of(&b).told, RSTMON_ALERTS_TOLD_MAX / 2);
	wait_for(&b, 12);
	cr_assert_eq(b.ended, RSTMON_ALERTS_TOLD_MAX);
	cr_assert_eq(stats_of(&b).active, 0);
	count(&b, t, 80, 10);
	cr_assert_eq(b.last.alert.id, INT64_MAX / 2 + 1);
	alerts_free(b.a);
}
