/* SPDX-License-Identifier: GPL-2.0-only */
/* Doubtful receive records: swallowed, released in time, released for want of room, found late. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/hold.h"

static struct reset received(uint64_t socket, uint64_t time)
{
	return (struct reset){.direction = RST_RECEIVED, .socket = socket, .monotonic = time};
}

Test(hold, swallowed_ones_never_come_out)
{
	struct hold h = {};
	struct reset a = received(1, 100), b = received(2, 100), out;
	struct reset sent = {.direction = RST_SENT, .socket = 1};

	cr_assert_not(hold_add(&h, &a, &out));
	cr_assert_not(hold_add(&h, &b, &out));
	cr_assert_eq(hold_swallow(&h, &sent, &out), HOLD_DROPPED);
	cr_assert(hold_release(&h, 100 + HOLD_NS, &out));
	cr_assert_eq(out.socket, 2);
	cr_assert_not(hold_release(&h, UINT64_MAX, &out));
	cr_assert_eq(hold_swallow(&h, &sent, &out), HOLD_UNKNOWN);
}

Test(hold, nothing_is_released_before_its_time)
{
	struct hold h = {};
	struct reset a = received(1, 1000), out;

	hold_add(&h, &a, &out);
	cr_assert_not(hold_release(&h, 1000 + HOLD_NS - 1, &out));
	cr_assert(hold_release(&h, 1000 + HOLD_NS, &out));
}

Test(hold, a_full_one_gives_up_its_oldest)
{
	struct hold h = {};
	struct reset out = {};

	for (uint64_t i = 0; i < HOLD_MAX; i++) {
		struct reset r = received(i + 1, i);

		cr_assert_not(hold_add(&h, &r, &out));
	}
	struct reset more = received(1000, 1000);

	cr_assert(hold_add(&h, &more, &out));
	cr_assert_eq(out.socket, 1);
	cr_assert_eq(h.overflowed, 1);
	cr_assert_eq(h.end - h.begin, HOLD_MAX);
}

Test(hold, of_a_reused_address_the_latest_is_meant)
{
	struct hold h = {};
	struct reset a = received(7, 5), b = received(7, 9), out;
	struct reset sent = {.direction = RST_SENT, .socket = 7, .monotonic = 10};

	hold_add(&h, &a, &out);
	hold_add(&h, &b, &out);
	cr_assert_eq(hold_swallow(&h, &sent, &out), HOLD_DROPPED);
	cr_assert(hold_release(&h, UINT64_MAX, &out));
	cr_assert_eq(out.monotonic, 5);
	sent.monotonic = 5 + HOLD_LATE_NS;
	cr_assert_eq(hold_swallow(&h, &sent, &out), HOLD_UNKNOWN, "too long ago to be the same");
}

Test(hold, a_released_one_is_found_late_and_only_once)
{
	struct hold h = {};
	struct reset a = received(7, 5), out, late = {};
	struct reset sent = {.direction = RST_SENT, .socket = 7};

	hold_add(&h, &a, &out);
	cr_assert(hold_release(&h, UINT64_MAX, &out));
	cr_assert_eq(hold_swallow(&h, &sent, &late), HOLD_LATE_FOUND);
	cr_assert_eq(late.monotonic, 5);
	cr_assert_eq(hold_swallow(&h, &sent, &late), HOLD_UNKNOWN);
}
