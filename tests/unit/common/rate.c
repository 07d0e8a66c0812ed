/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates: in, out, and in again. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/rate.h"

Test(rate, is_read_in_each_unit)
{
	static const char *const bad[] = {"",	  "5",	 "/min", "5/",	   "5/day",
					  "-1/s", "x/s", "5 /s", "5/min ", "5/MIN"};
	double d = 7;

	cr_assert_eq(rate_parse("2/s", &d), 0);
	cr_assert_eq(d, 120);
	cr_assert_eq(rate_parse("2/sec", &d), 0);
	cr_assert_eq(d, 120);
	cr_assert_eq(rate_parse("0.5/min", &d), 0);
	cr_assert_eq(d, 0.5);
	cr_assert_eq(rate_parse("5/m", &d), 0);
	cr_assert_eq(d, 5);
	cr_assert_eq(rate_parse("120/h", &d), 0);
	cr_assert_eq(d, 2);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(rate_parse(bad[i], &d), -EINVAL, "'%s'", bad[i]);
	cr_assert_eq(rate_parse("1e999/s", &d), -ERANGE);
	cr_assert_eq(rate_parse("1e308/s", &d), -ERANGE);
	cr_assert_eq(d, 2);
}

Test(rate, is_written_in_the_unit_that_fits)
{
	static const char *const cases[][2] = {{"2/s", "2/s"},	      {"60/min", "1/s"},
					       {"90/min", "90/min"},  {"1/min", "1/min"},
					       {"0.5/m", "30/h"},     {"1/h", "1/h"},
					       {"2.25/min", "135/h"}, {"100/h", "100/h"},
					       {"0.5/s", "30/min"},   {"1000000/s", "1000000/s"}};
	char text[RATE_TEXT_MAX];
	double d;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		cr_assert_eq(rate_parse(cases[i][0], &d), 0);
		cr_assert_str_eq(rate_format(text, sizeof(text), d), cases[i][1]);
	}
}

Test(rate, what_is_written_is_read_as_the_same)
{
	double d = 1e-9;

	for (int i = 0; i < 2000; i++, d *= 1.0173) {
		char text[RATE_TEXT_MAX];
		double again;

		rate_format(text, sizeof(text), d);
		cr_assert_lt(strlen(text), sizeof(text) - 1);
		cr_assert_eq(rate_parse(text, &again), 0, "%s", text);
		cr_assert_eq(again, d, "%s", text);
	}
}
