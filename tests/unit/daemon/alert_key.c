/* SPDX-License-Identifier: GPL-2.0-only */
/* What rows have in common, by each way to group them. */
#include "common/util.h"

#include "tests/unit/daemon/alert_fixture.h"

/* How many keys 'a' and 'b' are, grouped so. */
static unsigned int keys(const struct tally_row *a, const struct tally_row *b, enum alert_by by)
{
	struct alert_key x, y;

	alert_key_of(a, by, &x);
	alert_key_of(b, by, &y);
	cr_assert_eq(alert_key_equal(&x, &y), alert_key_hash(&x, 3) == alert_key_hash(&y, 3),
		     "the hash says otherwise");
	return alert_key_equal(&x, &y) ? 1 : 2;
}

/* Different rows are different keys for these groupings, and the same for all others. */
static void expect(const struct tally_row *b, unsigned int apart)
{
	const struct tally_row a = make_row(7, 80, RST_CAUSE_LINGER_ZERO);

	for (unsigned int by = 0; by < ALERT_BY_MAX; by++)
		cr_assert_eq(keys(&a, b, by), apart >> by & 1 ? 2 : 1, "by %u", by);
}

#define APART(by) (1U << ALERT_BY_##by)

Test(alert_key, each_way_to_group)
{
	struct tally_row row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);

	expect(&row, 0);
	row.pid = 8;
	expect(&row, APART(PROCESS));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.start = 99;
	expect(&row, APART(PROCESS));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.unit = "other.service";
	expect(&row, APART(PROCESS) | APART(SERVICE));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.container = "0123456789ab";
	expect(&row, APART(PROCESS) | APART(SERVICE));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.comm = "javb";
	expect(&row, APART(PROCESS) | APART(SERVICE));
	row = make_row(7, 81, RST_CAUSE_LINGER_ZERO);
	expect(&row, APART(PROCESS) | APART(SERVICE) | APART(PORT));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.role = RST_ROLE_CLIENT;
	expect(&row, APART(PROCESS) | APART(SERVICE) | APART(PORT));
	row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	row.direction = RST_RECEIVED;
	expect(&row, APART(PROCESS) | APART(SERVICE) | APART(PORT) | APART(CAUSE));
	row = make_row(7, 80, RST_CAUSE_CLOSED_PORT);
	expect(&row, APART(PROCESS) | APART(SERVICE) | APART(CAUSE));
}

Test(alert_key, nobodys_rows_have_their_namespace)
{
	struct tally_row a = make_row(0, 80, RST_CAUSE_CLOSED_PORT), b = a;

	b.netns++;
	cr_assert_eq(keys(&a, &b, ALERT_BY_SERVICE), 2);
	cr_assert_eq(keys(&a, &b, ALERT_BY_PORT), 1);
	a = make_row(7, 80, RST_CAUSE_CLOSED_PORT);
	b = a;
	b.netns = 0;
	cr_assert_eq(keys(&a, &b, ALERT_BY_SERVICE), 1, "a process may be in several");
	b.pid = 0;
	b.start = 0;
	b.folded = true;
	cr_assert_eq(keys(&a, &b, ALERT_BY_SERVICE), 1, "the dead of a service are its own");
}

Test(alert_key, what_all_share_is_shown_and_the_cause_of_most)
{
	struct alert_rule rule = make_rule("all", "", ALERT_BY_RULE);
	struct tally_row a = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	struct tally_row b = make_row(8, 80, RST_CAUSE_CLOSED_PORT);
	struct bench bench = new_bench(&rule, 1, 30);

	alerts_count(bench.a, &a, 2, bench.now);
	alerts_count(bench.a, &b, 7, bench.now);
	grow(&bench, &a, 1);
	cr_assert_eq(bench.begun, 1);
	cr_assert_str_eq(bench.last.alert.shown.comm, "java");
	cr_assert_str_eq(bench.last.alert.shown.unit, "shop.service");
	cr_assert_eq(bench.last.alert.shown.pid, 0);
	cr_assert_eq(bench.last.alert.shown.port, 80);
	cr_assert_eq(bench.last.alert.shown.cause, RST_CAUSE_CLOSED_PORT);
	cr_assert_eq(bench.last.alert.key.port, 0, "it is not what it is grouped by");

	/* both lines have the same words, whatever comes in between */
	b.port = 90;
	b.comm = "nginx";
	grow(&bench, &b, 100);
	wait_for(&bench, 12);
	cr_assert_eq(bench.ended, 1);
	cr_assert_eq(bench.last.alert.shown.port, 80);
	cr_assert_str_eq(bench.last.alert.shown.comm, "java");
	cr_assert_eq(bench.last.alert.shown.cause, RST_CAUSE_CLOSED_PORT);

	/* the next one has its own */
	grow(&bench, &b, 10);
	cr_assert_eq(bench.last.alert.shown.port, 90);
	cr_assert_str_eq(bench.last.alert.shown.comm, "nginx");
	cr_assert_eq(bench.last.alert.shown.pid, 8);
	alerts_free(bench.a);
}

/* Longer than there is room for, and not ended by the same bytes. */
Test(alert_key, hostile_names)
{
	struct tally_row a = make_row(7, 80, RST_CAUSE_LINGER_ZERO), b = a;
	char x[300], y[300];

	memset(x, 'x', sizeof(x) - 1);
	memset(y, 'x', sizeof(y) - 1);
	x[299] = y[299] = '\0';
	x[0] = 'y';
	a.unit = a.comm = a.container = x;
	b.unit = b.comm = b.container = y;
	cr_assert_eq(keys(&a, &b, ALERT_BY_SERVICE), 2);
	cr_assert_eq(keys(&a, &a, ALERT_BY_SERVICE), 1);
	a.comm = NULL;
	a.unit = "\n\"\\\x1b[2J";
	cr_assert_eq(keys(&a, &a, ALERT_BY_PROCESS), 1);
}
