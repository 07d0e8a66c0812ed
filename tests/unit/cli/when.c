/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

#include "cli/when.h"

#define NOW (1795332696ULL * NSEC_PER_SEC) /* 2026-11-22T07:31:36Z */

static void two_hours_east(void)
{
	setenv("TZ", "TST-2", 1); /* no rules, no files */
	tzset();
}

TestSuite(cli_when, .init = two_hours_east);

static int64_t ago(const char *text, bool utc)
{
	uint64_t t = 0;
	int r = cli_when_parse(text, NOW, utc, &t);

	return r < 0 ? r : (int64_t)((NOW - t) / NSEC_PER_SEC);
}

Test(cli_when, durations_are_ago)
{
	cr_assert_eq(ago("10m", false), 600);
	cr_assert_eq(ago("90", false), 90);
	cr_assert_eq(ago("1h30m", true), 5400);
	cr_assert_eq(ago("0", true), 0);
	cr_assert_eq(ago("30000d", true), -ERANGE);
}

Test(cli_when, a_clock_is_the_latest_such_time)
{
	cr_assert_eq(ago("07:31", true), 36);
	cr_assert_eq(ago("07:31:30", true), 6);
	cr_assert_eq(ago("09:31:30", false), 6);
	cr_assert_eq(ago("07:32", true), 86400 - 24);
	cr_assert_eq(ago("23:59:59", false), 86400 - (14 * 3600 + 28 * 60 + 23));
}

Test(cli_when, dates_without_a_zone_are_local)
{
	cr_assert_eq(ago("2026-11-22 09:31:30", false), 6);
	cr_assert_eq(ago("2026-11-22T09:31", false), 36);
	cr_assert_eq(ago("2026-11-22 09:31:30.000", false), 6);
	cr_assert_eq(ago("2026-11-22", false), 9 * 3600 + 31 * 60 + 36);
	cr_assert_eq(ago("2026-11-22", true), 7 * 3600 + 31 * 60 + 36);
	cr_assert_eq(ago("2026-11-22 07:31:30", true), 6);
}

Test(cli_when, rfc_3339_says_its_zone)
{
	cr_assert_eq(ago("2026-11-22T07:31:30Z", false), 6);
	cr_assert_eq(ago("2026-11-22T08:31:30+01:00", false), 6);
	cr_assert_eq(ago("2026-11-22T02:31:30-05:00", true), 6);
	cr_assert_eq(ago("2026-11-22T07:31:37Z", false), -ERANGE);
}

Test(cli_when, times_that_are_none)
{
	static const char *const bad[] = {"",
					  "now",
					  "25:00",
					  "7:31",
					  "07:31:",
					  "07:61",
					  "-10m",
					  "10 m",
					  "tomorrow",
					  "2026-11-22T07",
					  "07-31",
					  "xx:yy",
					  "2026-11-22 09:31:30 x"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(ago(bad[i], false), -EINVAL, "'%s'", bad[i]);
}

Test(cli_when, what_was_printed_can_be_given_back)
{
	char text[WHEN_TEXT_MAX];

	cr_assert_str_eq(cli_when_format(text, sizeof(text), NOW + 123456789, false),
			 "2026-11-22 09:31:36.123");
	cr_assert_str_eq(cli_when_format(text, sizeof(text), NOW, true),
			 "2026-11-22 07:31:36.000Z");
	cr_assert_eq(ago(text, false), 0);
	cr_assert_eq(ago(cli_when_format(text, sizeof(text), NOW, false), false), 0);
}

Test(cli_when, short_form_drops_today)
{
	char text[WHEN_TEXT_MAX];

	cli_when_format_short(text, sizeof(text), NOW, NOW, false);
	cr_assert_str_eq(text, "09:31:36");
	cli_when_format_short(text, sizeof(text), NOW, NOW, true);
	cr_assert_str_eq(text, "07:31:36Z");
	/* yesterday in UTC, today two hours east */
	cli_when_format_short(text, sizeof(text), NOW - 8 * 3600 * NSEC_PER_SEC, NOW, true);
	cr_assert_str_eq(text, "2026-11-21 23:31:36Z");
	cli_when_format_short(text, sizeof(text), NOW - 8 * 3600 * NSEC_PER_SEC, NOW, false);
	cr_assert_str_eq(text, "01:31:36");
}
