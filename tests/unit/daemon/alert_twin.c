/* SPDX-License-Identifier: GPL-2.0-only */
/* The two alerts of a connect that is refused on this host: one of them is told. */
#include "common/util.h"

#include "common/words.h"
#include "tests/unit/daemon/alert_fixture.h"

static struct recent *recent_with(const char *remote_here, bool known)
{
	struct recent *recent;
	struct finding f = {
		.reset = {.port = 80,
			  .direction = RST_RECEIVED,
			  .role = RST_ROLE_CLIENT,
			  .local = {.address = {10, 0, 0, 1}},
			  .remote = {.address = {10, 0, 0, 2}}},
		.owner = {.pid = 7, .start = 7, .comm = "java", .unit = "shop.service"},
		.verdict = {.cause = RST_CAUSE_REFUSED_SYN},
		.other = {.known = known},
	};

	if (remote_here)
		f.reset.remote.address[0] = 127;
	cr_assert_eq(recent_new(&recent), 0);
	recent_add(recent, &f);
	return recent;
}

/* A connect that is refused here is two rows: sent by nobody, received by the client. */
static unsigned int twins_of(const struct recent *recent, bool client_first, const char *down,
			     const char *refused)
{
	struct alert_rule rules[2] = {
		make_rule(down, "cause service_down", ALERT_BY_SERVICE),
		make_rule(refused, "cause refused_syn", ALERT_BY_SERVICE),
	};
	struct tally_row service = make_row(0, 80, RST_CAUSE_SERVICE_DOWN);
	struct tally_row client = make_row(7, 80, RST_CAUSE_REFUSED_SYN);
	struct bench b = new_bench(rules, 2, 30);

	client.direction = RST_RECEIVED;
	client.role = RST_ROLE_CLIENT;
	alerts_count(b.a, client_first ? &client : &service, 10, b.now);
	alerts_tick(b.a, b.now, REAL, recent);
	take_events(&b);
	cr_assert_eq(b.begun, 1);
	alerts_count(b.a, client_first ? &service : &client, 12, b.now);
	alerts_tick(b.a, b.now, REAL, recent);
	take_events(&b);
	cr_assert_eq(stats_of(&b).active, 2);
	wait_for(&b, 70);
	cr_assert_eq(b.ended, b.begun);
	cr_assert_eq(alerts_more(b.a), 0, "it was told, with the other");
	cr_assert_eq(stats_of(&b).untold, 0);
	alerts_free(b.a);
	return b.begun;
}

static unsigned int twins(const struct recent *recent, bool client_first)
{
	return twins_of(recent, client_first, "service-down", "dependency-down");
}

Test(alert_twin, both_ends_of_a_refused_connect_are_one)
{
	struct recent *here = recent_with(NULL, true);
	struct recent *loopback = recent_with("127.0.0.2", false);
	struct recent *elsewhere = recent_with(NULL, false);

	cr_assert_eq(twins(here, true), 1);
	cr_assert_eq(twins(here, false), 1);
	cr_assert_eq(twins(loopback, true), 1);
	cr_assert_eq(twins(loopback, false), 1);
	cr_assert_eq(twins(elsewhere, true), 2, "another host's port of the same number");
	cr_assert_eq(twins(elsewhere, false), 2);
	cr_assert_eq(twins_of(here, true, "mine", "dependency-down"), 2,
		     "who made a rule gets what it asks for");
	cr_assert_eq(twins_of(here, false, "mine", "dependency-down"), 2,
		     "and speaks for no other");
	cr_assert_eq(twins_of(here, false, "service-down", "mine"), 2);
	recent_free(here);
	recent_free(loopback);
	recent_free(elsewhere);
}

static struct alert_rule rule_of(const char *name, enum rst_cause cause, int severity)
{
	char filter[64];
	struct alert_rule rule;

	snprintf(filter, sizeof(filter), "cause %s", cause_name(cause));
	rule = make_rule(name, filter, ALERT_BY_SERVICE);
	rule.severity = severity;
	return rule;
}

/* Both ends are active, the client's is silent. */
static struct bench told_once(const struct alert_rule rules[2], const struct recent *recent)
{
	struct tally_row service = make_row(0, 80, RST_CAUSE_SERVICE_DOWN);
	struct tally_row client = make_row(7, 80, RST_CAUSE_REFUSED_SYN);
	struct bench b = new_bench(rules, 2, 30);

	client.direction = RST_RECEIVED;
	client.role = RST_ROLE_CLIENT;
	alerts_count(b.a, &service, 20, b.now);
	alerts_count(b.a, &client, 20, b.now);
	alerts_tick(b.a, b.now, REAL, recent);
	take_events(&b);
	cr_assert_eq(stats_of(&b).active, 2);
	cr_assert_eq(b.begun, 1);
	cr_assert_str_eq(b.last.alert.name, rules[0].name);
	return b;
}

/* What is told at the next look, after the ends. */
static void reload(struct bench *b, const struct alert_rule rules[2], const struct recent *recent)
{
	char error[128] = "";

	cr_assert_eq(alerts_set_rules(b->a, rules, 2, 30, b->now, error, sizeof(error)), 0, "%s",
		     error);
	take_events(b);
	b->now += alerts_due(b->a, b->now);
	alerts_tick(b->a, b->now, REAL, recent);
	take_events(b);
}

Test(alert_twin, a_rule_that_is_switched_off_speaks_for_nobody)
{
	struct alert_rule rules[2] = {
		rule_of("service-down", RST_CAUSE_SERVICE_DOWN, LOG_ERR),
		rule_of("dependency-down", RST_CAUSE_REFUSED_SYN, LOG_WARNING),
	};
	struct recent *here = recent_with(NULL, true);
	struct bench b = told_once(rules, here);
	uint64_t now = b.now;

	rules[0].enabled = false;
	reload(&b, rules, here);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.begun, 2, "it is heard now");
	cr_assert_eq(b.now, now, "and at once");
	cr_assert_str_eq(b.last.alert.name, "dependency-down");
	cr_assert_eq(b.last.alert.count, 20);
	wait_for(&b, 70);
	cr_assert_eq(b.ended, 2);
	alerts_free(b.a);
	recent_free(here);
}

Test(alert_twin, nor_does_one_that_counts_other_things_or_is_less_severe)
{
	const struct alert_rule before[2] = {
		rule_of("service-down", RST_CAUSE_SERVICE_DOWN, LOG_ERR),
		rule_of("dependency-down", RST_CAUSE_REFUSED_SYN, LOG_WARNING),
	};
	struct alert_rule rules[2] = {before[0], before[1]};
	struct recent *here = recent_with(NULL, true);
	struct bench b = told_once(before, here);

	rules[0].window_ns *= 2;
	reload(&b, rules, here);
	cr_assert_eq(b.ended, 1);
	cr_assert_eq(b.begun, 2);
	alerts_free(b.a);

	b = told_once(before, here);
	rules[0] = before[0];
	rules[0].severity = LOG_NOTICE;
	reload(&b, rules, here);
	cr_assert_eq(b.ended, 0);
	cr_assert_eq(b.begun, 2);
	alerts_free(b.a);
	recent_free(here);
}

Test(alert_twin, a_reload_that_leaves_the_other_leaves_it_silent)
{
	struct alert_rule rules[2] = {
		rule_of("service-down", RST_CAUSE_SERVICE_DOWN, LOG_ERR),
		rule_of("dependency-down", RST_CAUSE_REFUSED_SYN, LOG_WARNING),
	};
	struct recent *here = recent_with(NULL, true);
	struct bench b;

	rules[1].window_ns = 120 * SECOND;
	rules[1].rate = 5;
	rules[1].clear = 1;
	b = told_once(rules, here);
	rules[1].cooldown_ns = 5 * SECOND;
	reload(&b, rules, here);
	cr_assert_eq(b.begun, 1);

	wait_for(&b, 20);
	cr_assert_eq(b.ended, 1, "the one that spoke is over");
	cr_assert_eq(stats_of(&b).active, 1);
	rules[0].enabled = false;
	reload(&b, rules, here);
	cr_assert_eq(b.begun, 1, "what it said was said");
	alerts_free(b.a);
	recent_free(here);
}
