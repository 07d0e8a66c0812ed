/* SPDX-License-Identifier: GPL-2.0-only */
/* Reason numbers of two kernels that disagree about them. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/reasons.h"

Test(reasons, the_same_number_means_what_its_kernel_says)
{
	struct reasons older = {}, newer = {};

	/* 6.10 and 6.12 */
	cr_assert_eq(reasons_add(&older, 11, "SK_RST_REASON_MPTCP_RST_EUNSPEC"), 0);
	cr_assert_eq(reasons_add(&newer, 11, "SK_RST_REASON_TCP_ABORT_ON_CLOSE"), 0);
	cr_assert_eq(reasons_meaning(&older, 11), REASON_MPTCP);
	cr_assert_eq(reasons_meaning(&newer, 11), REASON_TCP_ABORT_ON_CLOSE);
	cr_assert_str_eq(reasons_name(&older, 11), "MPTCP_RST_EUNSPEC");
	cr_assert_str_eq(reasons_name(&newer, 11), "TCP_ABORT_ON_CLOSE");
}

Test(reasons, no_reason_is_not_an_unknown_one)
{
	struct reasons r = {};

	reasons_add(&r, 3, "SK_RST_REASON_SOMETHING_NEW");
	cr_assert_eq(reasons_meaning(&r, RST_REASON_NONE), REASON_NONE);
	cr_assert_str_eq(reasons_name(&r, RST_REASON_NONE), "");
	cr_assert_eq(reasons_meaning(&r, 3), REASON_OTHER);
	cr_assert_str_eq(reasons_name(&r, 3), "SOMETHING_NEW");
	cr_assert_eq(reasons_meaning(&r, 2), REASON_OTHER, "a gap");
	cr_assert_str_eq(reasons_name(&r, 200), "");
}

Test(reasons, the_table_has_an_end)
{
	struct reasons r = {};

	cr_assert_eq(reasons_add(&r, REASONS_MAX, "SK_RST_REASON_X"), -ERANGE);
	cr_assert_eq(r.n, 0);
}
