/* SPDX-License-Identifier: GPL-2.0-only */
/* The findings that wait: order, time, room, and what is known of them afterwards. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/pending.h"

static const struct host nothing = HOST_UNKNOWN;

static bool add(struct pending *p, uint64_t ticket, uint64_t monotonic, uint64_t *oldest)
{
	struct past past = {.burst = (unsigned int)ticket};

	return pending_add(p, ticket, monotonic, &past, &nothing, oldest);
}

Test(pending, first_in_first_out_when_its_time_has_come)
{
	static struct pending p;
	uint64_t ticket = 0, oldest = 0;

	cr_expect_not(pending_waiting(&p));
	cr_expect_not(pending_release(&p, UINT64_MAX, &ticket));
	cr_expect_not(add(&p, 3, 1000, &oldest));
	cr_expect_not(add(&p, 4, 500, &oldest), "an earlier one that was held");
	cr_expect(pending_waiting(&p));
	cr_expect_not(pending_release(&p, 1000 + PENDING_NS - 1, &ticket));
	cr_expect(pending_release(&p, 1000 + PENDING_NS, &ticket));
	cr_expect_eq(ticket, 3);
	cr_expect(pending_release(&p, 1000 + PENDING_NS, &ticket));
	cr_expect_eq(ticket, 4);
	cr_expect_not(pending_release(&p, UINT64_MAX, &ticket));
	cr_expect_not(pending_waiting(&p));
}

Test(pending, hostile_times)
{
	static struct pending p;
	uint64_t ticket = 0, oldest = 0;

	add(&p, 1, UINT64_MAX, &oldest);
	cr_expect_not(pending_release(&p, 1, &ticket));
	cr_expect_not(pending_release(&p, UINT64_MAX - 1, &ticket));
	cr_expect(pending_release(&p, UINT64_MAX, &ticket));
}

Test(pending, without_room_the_oldest_is_told_at_once)
{
	static struct pending p;
	uint64_t oldest = 0, ticket;

	for (uint64_t i = 1; i <= RSTMON_PENDING_MAX; i++)
		cr_assert_not(add(&p, i, i, &oldest));
	for (uint64_t i = 1; i <= 3 * RSTMON_PENDING_MAX; i++) {
		cr_assert(add(&p, RSTMON_PENDING_MAX + i, i, &oldest));
		cr_assert_eq(oldest, i);
	}
	cr_expect_eq(p.overflowed, 3 * RSTMON_PENDING_MAX);
	for (uint64_t i = 0; i < RSTMON_PENDING_MAX; i++)
		cr_assert(pending_release(&p, UINT64_MAX, &ticket));
	cr_expect_eq(ticket, 4 * RSTMON_PENDING_MAX);
	cr_expect_not(pending_waiting(&p));
}

Test(pending, what_was_told_is_known_a_while_longer)
{
	static struct pending p;
	uint64_t oldest = 0, ticket;

	cr_expect_null(pending_find(&p, 0));
	cr_expect_null(pending_find(&p, 1));
	for (uint64_t i = 1; i <= PENDING_KEPT + 10; i++) {
		add(&p, 2 * i, i, &oldest); /* others went past */
		pending_release(&p, UINT64_MAX, &ticket);
	}
	for (uint64_t i = 1; i <= PENDING_KEPT + 10; i++) {
		const struct pending_entry *e = pending_find(&p, 2 * i);

		cr_assert_eq(e != NULL, i > 10);
		cr_assert(!e || (e->ticket == 2 * i && e->past.burst == 2 * i && e->known &&
				 e->host.sibling == -1));
		cr_assert_null(pending_find(&p, 2 * i + 1));
	}
	cr_expect_null(pending_find(&p, UINT64_MAX));
}

Test(pending, dropped_and_unknown)
{
	static struct pending p;
	uint64_t oldest = 0, ticket = 99;

	cr_expect_not(pending_add(&p, 1, 5, NULL, NULL, &oldest));
	cr_assert_not_null(pending_find(&p, 1));
	cr_expect_not(pending_find(&p, 1)->known);
	pending_find(&p, 1)->dropped = true;
	cr_expect(pending_release(&p, UINT64_MAX, &ticket));
	cr_expect_eq(ticket, 0, "nobody is told of it");
}
