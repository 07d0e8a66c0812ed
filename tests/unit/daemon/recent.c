/* SPDX-License-Identifier: GPL-2.0-only */
/* The latest findings: order, overwriting, and that a copy is complete. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/recent.h"

static void free_recent(struct recent **r)
{
	recent_free(*r);
}

Test(recent, empty)
{
	_cleanup_(free_recent) struct recent *r = NULL;

	cr_assert_eq(recent_new(&r), 0);
	cr_assert_null(recent_get(r, 0));
	cr_assert_null(recent_get(r, RSTMON_RECENT_MAX));
	cr_assert_lt(recent_memory(r), sizeof(struct finding));
	recent_free(NULL);
}

Test(recent, newest_first_and_oldest_overwritten)
{
	_cleanup_(free_recent) struct recent *r = NULL;
	struct finding f = {0};

	cr_assert_eq(recent_new(&r), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		f.reset.time = i;
		recent_add(r, &f);
	}
	cr_assert_eq(recent_get(r, 0)->reset.time, 3);
	cr_assert_eq(recent_get(r, 2)->reset.time, 1);
	cr_assert_null(recent_get(r, 3));
	for (uint64_t i = 4; i <= RSTMON_RECENT_MAX + 5; i++) {
		f.reset.time = i;
		recent_add(r, &f);
	}
	for (unsigned int i = 0; i < RSTMON_RECENT_MAX; i++)
		cr_assert_eq(recent_get(r, i)->reset.time, RSTMON_RECENT_MAX + 5 - i);
	cr_assert_null(recent_get(r, RSTMON_RECENT_MAX));
	cr_assert_null(recent_get(r, UINT32_MAX));
	cr_assert_geq(recent_memory(r), RSTMON_RECENT_MAX * sizeof(f));
}

Test(recent, copies_all_that_counts)
{
	_cleanup_(free_recent) struct recent *r = NULL;
	struct finding f = {0};
	const struct finding *got;

	cr_assert_eq(recent_new(&r), 0);
	f.reset.port = 443;
	f.reset.reason_name = "NO_SOCKET";
	f.owner.pid = 7;
	f.owner.start = 8;
	f.owner.source = RST_OWNER_READ;
	memset(f.owner.comm, 'c', sizeof(f.owner.comm) - 1);
	memset(f.owner.exe, 'e', sizeof(f.owner.exe) - 1);
	memset(f.owner.unit, 'u', sizeof(f.owner.unit) - 1);
	memset(f.owner.container, 'd', sizeof(f.owner.container) - 1);
	memset(f.owner.pod, 'p', sizeof(f.owner.pod) - 1);
	f.verdict.cause = RST_CAUSE_CLOSED_PORT;
	f.verdict.confidence = CONFIDENCE_HIGH;
	f.verdict.error = 104;
	f.verdict.path = 3;
	f.verdict.settled = true;
	f.other = (struct other_end){.known = true, .pid = 9, .direction = 1, .comm = "nginx"};
	f.verdict.basis = (struct basis){.burst = 20, .facts = BASIS_SECOND, .clues = {1, 2, 3}};
	recent_add(r, &f);
	got = recent_get(r, 0);
	cr_assert_eq(memcmp(&got->reset, &f.reset, sizeof(f.reset)), 0);
	cr_assert(got->owner.pid == 7 && got->owner.start == 8);
	cr_assert_eq(got->owner.source, RST_OWNER_READ);
	cr_assert_str_eq(got->owner.comm, f.owner.comm);
	cr_assert_str_eq(got->owner.exe, f.owner.exe);
	cr_assert_str_eq(got->owner.unit, f.owner.unit);
	cr_assert_str_eq(got->owner.container, f.owner.container);
	cr_assert_str_eq(got->owner.pod, f.owner.pod);
	cr_assert(got->verdict.cause == f.verdict.cause && got->verdict.error == 104 &&
		  got->verdict.confidence == CONFIDENCE_HIGH);
	cr_assert(got->verdict.path == 3 && got->verdict.settled);
	cr_assert(got->other.known && got->other.pid == 9 && got->other.direction == 1);
	cr_assert_str_eq(got->other.comm, "nginx");
	cr_assert_eq(memcmp(&got->verdict.basis, &f.verdict.basis, sizeof(f.verdict.basis)), 0);
}

Test(recent, a_flood_leaves_what_is_not_settled)
{
	_cleanup_(free_recent) struct recent *r = NULL;
	struct finding f = {.reset.time = 1, .verdict.cause = RST_CAUSE_LINGER_ZERO};

	cr_assert_eq(recent_new(&r), 0);
	recent_add(r, &f);
	f = (struct finding){.verdict = {.cause = RST_CAUSE_CLOSED_PORT, .settled = true}};
	for (unsigned int i = 1; i < RSTMON_RECENT_MAX; i++)
		recent_add(r, &f);
	cr_assert_null(recent_kept(r, 0));
	for (unsigned int i = 0; i < 3 * RSTMON_RECENT_MAX; i++)
		recent_add(r, &f);
	cr_assert_eq(recent_kept(r, 0)->verdict.cause, RST_CAUSE_LINGER_ZERO);
	cr_assert_eq(recent_kept(r, 0)->reset.time, 1);
	cr_assert_null(recent_kept(r, 1));

	/* what is kept longer has its bound too, the oldest goes first */
	f.verdict.settled = false;
	for (uint64_t i = 0; i < RSTMON_RECENT_MAX + RSTMON_RECENT_KEPT + 1; i++) {
		f.reset.time = 100 + i;
		recent_add(r, &f);
	}
	cr_assert_eq(recent_kept(r, 0)->reset.time, 100 + RSTMON_RECENT_KEPT);
	cr_assert_eq(recent_kept(r, RSTMON_RECENT_KEPT - 1)->reset.time, 101);
	cr_assert_null(recent_kept(r, RSTMON_RECENT_KEPT));
}

Test(recent, nothing_of_the_overwritten_shows)
{
	_cleanup_(free_recent) struct recent *r = NULL;
	struct finding f = {0};

	cr_assert_eq(recent_new(&r), 0);
	for (unsigned int i = 0; i < RSTMON_RECENT_MAX; i++) {
		memset(f.owner.exe, 'x', sizeof(f.owner.exe) - 1);
		recent_add(r, &f);
	}
	memset(&f, 0, sizeof(f));
	recent_add(r, &f);
	cr_assert_str_eq(recent_get(r, 0)->owner.exe, "");
}

Test(recent, a_ticket_finds_its_finding_until_it_is_overwritten)
{
	_cleanup_(free_recent) struct recent *r = NULL;
	uint64_t ticket = 0, first;
	struct finding *f;

	cr_assert_eq(recent_new(&r), 0);
	cr_expect_eq(recent_latest(r), 0);
	cr_expect_null(recent_find(r, 0));
	cr_expect_null(recent_find(r, 1));
	f = recent_next(r, &first);
	cr_expect_eq(f, recent_get(r, 0));
	f->reset.time = 77;
	f->owner.pid = 5;
	f->verdict.cause = RST_CAUSE_CLOSED_PORT;
	recent_find(r, first)->other.known = true;
	cr_expect(recent_get(r, 0)->other.known, "changed in place");
	for (unsigned int i = 1; i < RSTMON_RECENT_MAX; i++) {
		f = recent_next(r, &ticket);
		cr_assert_eq(ticket, first + i);
		f->reset.time = i;
	}
	cr_expect_eq(recent_latest(r), ticket);
	cr_expect_eq(recent_find(r, first)->reset.time, 77);
	cr_expect_null(recent_find(r, ticket + 1));
	f = recent_next(r, &ticket);
	cr_expect_null(recent_find(r, first));
	cr_expect(!f->other.known && !f->owner.pid && f->verdict.cause == RST_CAUSE_UNKNOWN,
		  "nothing of the overwritten shows");
}

Test(recent, what_is_kept_comes_back_in_order_and_is_adopted)
{
	static struct adopt_reasons reasons;
	_cleanup_(free_recent) struct recent *r = NULL;
	struct recent *adopted;
	struct finding f = {0};

	cr_assert_eq(recent_new(&r), 0);
	for (uint64_t i = 1; i <= RSTMON_RECENT_MAX + 3 * RSTMON_RECENT_KEPT; i++) {
		f.reset.time = i;
		recent_add(r, &f);
	}
	cr_assert_eq(recent_adopt(r, recent_size(), &reasons, &adopted), 0);
	for (unsigned int i = 0; i < RSTMON_RECENT_MAX; i++)
		cr_assert_eq(recent_get(r, i)->reset.time,
			     RSTMON_RECENT_MAX + 3 * RSTMON_RECENT_KEPT - i);
	for (unsigned int i = 0; i < RSTMON_RECENT_KEPT; i++)
		cr_assert_eq(recent_kept(r, i)->reset.time, 3 * RSTMON_RECENT_KEPT - i);
	cr_assert_null(recent_kept(r, RSTMON_RECENT_KEPT));
}

/* One place more than is told: the next copy goes there, and a kill in the middle of it harms
 * nothing. */
Test(recent, a_copy_that_a_kill_cut_in_two_is_not_told)
{
	static struct adopt_reasons reasons;
	_cleanup_(free_recent) struct recent *r = NULL;
	struct recent *adopted;
	struct finding f = {0}, *place;

	cr_assert_eq(recent_new(&r), 0);
	for (uint64_t i = 1; i <= RSTMON_RECENT_MAX + RSTMON_RECENT_KEPT; i++) {
		f.reset.time = i;
		recent_add(r, &f);
	}
	/* the last of the memory is the place that was never used */
	place = (struct finding *)((char *)r + recent_size()) - 1;
	memset(place, 0xff, sizeof(*place));
	cr_assert_eq(recent_adopt(r, recent_size(), &reasons, &adopted), 0);
	for (unsigned int i = 0; i < RSTMON_RECENT_KEPT; i++)
		cr_assert_eq(recent_kept(r, i)->reset.time, RSTMON_RECENT_KEPT - i);
}
