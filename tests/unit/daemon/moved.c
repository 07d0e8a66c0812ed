/* SPDX-License-Identifier: GPL-2.0-only */
/* Growth of rows, and what a fold only brings. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/moved.h"
#include "tests/unit/daemon/tally_fixture.h"

struct sums {
	unsigned int moves;
	int64_t growth;
	uint64_t brought;
	int64_t news; /* growth without what was brought */
};

static void sum(const struct move *m, void *userdata)
{
	struct sums *s = userdata;

	s->moves++;
	s->growth += m->growth;
	s->brought += m->brought;
	if (m->growth > 0)
		cr_assert_leq(m->brought, (uint64_t)m->growth);
	else
		cr_assert_eq(m->brought, 0);
	s->news += m->growth - (int64_t)m->brought;
}

static struct sums look(struct moved *m, const struct tally *t)
{
	struct sums s = {};

	moved_look(m, t, sum, &s);
	return s;
}

Test(moved, what_was_there_is_no_news)
{
	_cleanup_free_ struct tally *t = new_tally();
	_cleanup_free_ struct moved *m = calloc(1, sizeof(*m));
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);

	add(t, 1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);
	add(t, 0, 81, RST_SENT, RST_CAUSE_CLOSED_PORT);
	moved_begin(m, t);
	cr_assert_eq(look(m, t).moves, 0);
	add(t, 1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);
	add(t, 1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);
	add(t, 2, 80, RST_RECEIVED, RST_CAUSE_LINGER_ZERO);
	cr_assert_eq(look(m, t).growth, 3);
	cr_assert_eq(look(m, t).moves, 0);
	cr_assert_eq(tally_take_back(t, &f), 0);
	cr_assert_eq(look(m, t).growth, -1);
}

/* A verdict that changes moves a count: one row less, one more. */
Test(moved, a_changed_verdict)
{
	_cleanup_free_ struct tally *t = new_tally();
	_cleanup_free_ struct moved *m = calloc(1, sizeof(*m));
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);

	tally_add(t, &f);
	tally_add(t, &f);
	cr_assert_eq(look(m, t).growth, 2);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_APP_DISCONNECT), 0);
	cr_assert_eq(look(m, t).moves, 2);
	cr_assert_eq(look(m, t).growth, 0);
}

Test(moved, what_a_fold_brings_is_told_apart)
{
	_cleanup_free_ struct tally *t = new_tally();
	_cleanup_free_ struct moved *m = calloc(1, sizeof(*m));
	struct sums s;

	for (uint32_t pid = 1; pid <= RSTMON_PROCESSES_MAX; pid++)
		for (unsigned int i = 0; i < 10; i++) {
			struct finding f = make(pid, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);

			snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
			tally_add(t, &f);
		}
	s = look(m, t);
	cr_assert_eq(s.growth, 10 * RSTMON_PROCESSES_MAX);
	cr_assert_eq(s.brought, 0);
	for (uint32_t pid = 1; pid <= 4000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	add(t, 9000, 1, RST_SENT, RST_CAUSE_LINGER_ZERO);
	add(t, 9000, 2, RST_RECEIVED, RST_CAUSE_CLOSED_PORT);
	s = look(m, t);
	cr_assert_eq(s.brought, 40000);
	cr_assert_eq(s.news, 2, "two resets happened, %lld are news", (long long)s.news);
	cr_assert_eq(look(m, t).moves, 0);
}

Test(moved, a_place_that_changes_hands)
{
	_cleanup_free_ struct tally *t = new_tally(), *u = new_tally();
	_cleanup_free_ struct moved *m = calloc(1, sizeof(*m));
	struct sums s;

	for (unsigned int i = 0; i < 50; i++)
		add(t, 1, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);
	look(m, t);
	/* the same place, and a row with more counts, but another one */
	for (unsigned int i = 0; i < 60; i++)
		add(u, 2, 80, RST_SENT, RST_CAUSE_LINGER_ZERO);
	s = look(m, u);
	cr_assert_eq(s.growth, 60);
	cr_assert_eq(s.brought, 0, "a process's own row holds nobody else's");
}
