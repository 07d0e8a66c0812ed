/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/text.h"

#define MINUTES(n) ((n)*60 * NSEC_PER_SEC)

#define NOW (1795332696ULL * NSEC_PER_SEC) /* 2026-11-22T07:31:36Z */

static struct cli_check check(const char *json, uint64_t span, double warning, double critical)
{
	const struct cli_options o = {.now = NOW, .warning = warning, .critical = critical};
	struct json_object *parameters = json_tokener_parse(json);
	struct cli_check c;

	cli_check_compute(parameters, NOW - span, &o, &c);
	json_object_put(parameters);
	return c;
}

#define THREE "{\"rows\":[{\"count\":1},{\"count\":2}]}"

Test(cli_check, rates_are_of_the_whole_span)
{
	struct cli_check c = check(THREE, MINUTES(5), 1, 2);

	cr_assert_eq(c.count, 3);
	cr_assert_float_eq(c.per_minute, 0.6, 1e-9);
	cr_assert_eq(c.exit, 0);
	cr_assert_str_eq(cli_check_word(&c), "OK");
}

Test(cli_check, above_is_bad_equal_is_not)
{
	cr_assert_eq(check(THREE, MINUTES(1), 3, 4).exit, 0);
	cr_assert_eq(check(THREE, MINUTES(1), 2.9, 4).exit, 1);
	cr_assert_eq(check(THREE, MINUTES(1), 1, 2).exit, 2);
	cr_assert_eq(check(THREE, MINUTES(1), -1, 2).exit, 2);
	cr_assert_eq(check(THREE, MINUTES(1), 2, -1).exit, 1);
	cr_assert_eq(check(THREE, MINUTES(1), -1, 3).exit, 0);
	cr_assert_eq(check("{\"rows\":[]}", MINUTES(1), 0, 0).exit, 0);
	cr_assert_eq(check("{\"rows\":[{\"count\":1}]}", MINUTES(60), 0, -1).exit, 1);
}

Test(cli_check, counts_that_are_none)
{
	cr_assert_eq(check("{\"rows\":[],\"timeouts\":[{\"count\":9}]}", MINUTES(1), 0, 0).count,
		     0);
	cr_assert_eq(check("{}", MINUTES(1), 0, 0).count, 0);
	cr_assert_eq(
		check("{\"rows\":[{\"count\":-5},{\"count\":\"x\"},7]}", MINUTES(1), 0, 0).count,
		0);
}

static char *line(struct cli_check c, double warning, double critical)
{
	const struct cli_options o = {
		.now = NOW, .warning = warning, .critical = critical, .window_ns = MINUTES(5)};
	char *text = cli_check_text(&c, &o);

	cr_assert_not_null(text);
	return text;
}

Test(cli_check, one_line_with_performance_data)
{
	_cleanup_free_ char *both = line(check(THREE, MINUTES(5), 10, 100), 10, 100);
	_cleanup_free_ char *one = line(
		check("{\"rows\":[{\"count\":1}],\"partial\":true}", MINUTES(1), -1, 0.5), -1, 0.5);

	cr_assert_str_eq(both, "RSTMON OK - 3 resets in 5m (0.6/min) | "
			       "resets_per_min=0.6;10;100;0 count=3;;;0");
	cr_assert_str_eq(one, "RSTMON CRITICAL - 1 reset in 1m (1/min), at least: the history is "
			      "partial | resets_per_min=1;;0.5;0 count=1;;;0");
}

#define FROM(time, members) "{\"rows\":[{\"count\":6}],\"from\":\"2026-11-22T" time "\"" members "}"

Test(cli_check, time_without_a_daemon_is_no_time_without_resets)
{
	struct cli_check c = check(FROM("07:29:36Z", ",\"partial\":true"), MINUTES(5), 2, 3);
	_cleanup_free_ char *text = line(c, 2, 3);

	cr_assert_float_eq(c.per_minute, 3, 1e-9);
	cr_assert_eq(c.exit, 1);
	cr_assert_eq(c.span_ns, MINUTES(2));
	cr_assert_str_eq(text, "RSTMON WARNING - 6 resets in 2m, of 5m asked for: rstmond counts "
			       "since then (3/min) | resets_per_min=3;2;3;0 count=6;;;0");
}

Test(cli_check, the_span_has_a_floor)
{
	cr_assert_float_eq(check(FROM("07:31:35Z", ""), MINUTES(5), 2, 3).per_minute, 6, 1e-9);
	cr_assert_float_eq(check(FROM("07:31:36Z", ""), MINUTES(5), 2, 3).per_minute, 6, 1e-9);
	cr_assert_float_eq(check(FROM("09:00:00Z", ""), MINUTES(5), 2, 3).per_minute, 6, 1e-9);
}

Test(cli_check, counting_that_began_before_the_window)
{
	struct cli_check c = check(FROM("07:00:00Z", ""), MINUTES(6), 2, 3);

	cr_assert_eq(c.span_ns, MINUTES(6));
	cr_assert_not(c.short_span);
	cr_assert_float_eq(c.per_minute, 1, 1e-9);
}

Test(cli_check, both_kinds_of_partial)
{
	struct cli_check c = check(FROM("05:31:36Z", ",\"partial\":true"), MINUTES(600), 2, 3);
	_cleanup_free_ char *text = line(c, 2, 3);

	cr_assert(strstr(text, "since then (0.05/min), at least: the history is partial"));
}
