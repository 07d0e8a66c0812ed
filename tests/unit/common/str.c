/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/str.h"

static const char *clean(const char *src, size_t n)
{
	static char dst[64];

	str_sanitise(dst, sizeof(dst), src, n);
	return dst;
}

#define CLEAN(literal) clean(literal, sizeof(literal) - 1)

Test(str, sanitise_keeps_what_is_harmless)
{
	cr_assert_str_eq(CLEAN("nginx: worker"), "nginx: worker");
	cr_assert_str_eq(CLEAN("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7"),
			 "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa7");
	cr_assert_str_eq(CLEAN(""), "");
}

Test(str, sanitise_replaces_controls)
{
	cr_assert_str_eq(CLEAN("a\x1b[31mb"), "a?[31mb");
	cr_assert_str_eq(CLEAN("a\nb\r\tc\x7f"), "a?b??c?");
	cr_assert_str_eq(CLEAN("a\xc2\x9b"
			       "b"),
			 "a?b"); /* C1: CSI in one character */
	cr_assert_str_eq(CLEAN("a\xe2\x80\xae"
			       "b"),
			 "a?b"); /* right-to-left override */
	cr_assert_str_eq(CLEAN("a\xe2\x80\xa8"
			       "b"),
			 "a?b"); /* line separator */
}

Test(str, sanitise_replaces_each_byte_that_is_no_utf8)
{
	cr_assert_str_eq(CLEAN("\xff\xfe"), "??");
	cr_assert_str_eq(CLEAN("a\x80"), "a?");
	cr_assert_str_eq(CLEAN("\xc0\xaf"), "??");	     /* overlong '/' */
	cr_assert_str_eq(CLEAN("\xe0\x80\xaf"), "???");	     /* overlong in three */
	cr_assert_str_eq(CLEAN("\xed\xa0\x80"), "???");	     /* surrogate */
	cr_assert_str_eq(CLEAN("\xf4\x90\x80\x80"), "????"); /* beyond U+10FFFF */
	cr_assert_str_eq(CLEAN("a\xe2\x82"), "a??");	     /* cut by the kernel */
	cr_assert_str_eq(CLEAN("\xe2(x"), "?(x");
}

Test(str, sanitise_stops_at_nul_and_at_n)
{
	char unended[4] = {'a', 'b', 'c', 'd'};

	cr_assert_str_eq(CLEAN("ab\0cd"), "ab");
	cr_assert_str_eq(clean(unended, sizeof(unended)), "abcd");
	cr_assert_str_eq(clean(unended, 2), "ab");
}

Test(str, sanitise_cuts_between_characters)
{
	char dst[4] = "xyz";

	cr_assert_eq(str_sanitise(dst, sizeof(dst), "ab\xc3\xbc", 4), 2);
	cr_assert_str_eq(dst, "ab");
	cr_assert_eq(str_sanitise(dst, sizeof(dst), "a\xc3\xbc", 3), 3);
	cr_assert_str_eq(dst, "a\xc3\xbc");
	cr_assert_eq(str_sanitise(dst, 1, "abc", 3), 0);
	cr_assert_str_eq(dst, "");
	dst[0] = 'q';
	cr_assert_eq(str_sanitise(dst, 0, "abc", 3), 0);
	cr_assert_eq(dst[0], 'q');
}

Test(str, copy_says_whether_it_fitted)
{
	char dst[4];

	cr_assert(str_copy(dst, sizeof(dst), "abc"));
	cr_assert_str_eq(dst, "abc");
	cr_assert_not(str_copy(dst, sizeof(dst), "abcd"));
	cr_assert_str_eq(dst, "abc");
	cr_assert_not(str_copy(dst, 0, ""));
}

Test(str, numbers_are_whole_or_nothing)
{
	static const char *const bad[] = {"",	 " 1",	"443 ", "+1",  "-1",  "0x10",
					  "1.0", "12a", "abc",	"\n1", "1,0", "70000x"};
	uint16_t u16 = 7;
	uint32_t u32 = 7;
	uint64_t u64 = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cr_assert_eq(parse_u16(bad[i], &u16), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(parse_u32(bad[i], &u32), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(parse_u64(bad[i], &u64), -EINVAL, "'%s'", bad[i]);
	}
	cr_assert_eq(u16 + u32 + u64, 21, "untouched on failure");
}

Test(str, numbers_at_their_bounds)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	cr_assert_eq(parse_u16("65535", &u16), 0);
	cr_assert_eq(u16, 65535);
	cr_assert_eq(parse_u16("65536", &u16), -ERANGE);
	cr_assert_eq(parse_u16("0", &u16), 0);
	cr_assert_eq(u16, 0);
	cr_assert_eq(parse_u32("4294967295", &u32), 0);
	cr_assert_eq(parse_u32("4294967296", &u32), -ERANGE);
	cr_assert_eq(parse_u64("18446744073709551615", &u64), 0);
	cr_assert_eq(u64, UINT64_MAX);
	cr_assert_eq(parse_u64("18446744073709551616", &u64), -ERANGE);
	cr_assert_eq(parse_u64("99999999999999999999999", &u64), -ERANGE);
}

Test(str, doubles_are_finite_and_not_negative)
{
	static const char *const bad[] = {"",	"-1", "nan",   "inf", "0x1p3",
					  " 1", "1 ", "1.2.3", "."};
	double d = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(parse_double(bad[i], &d), -EINVAL, "'%s'", bad[i]);
	cr_assert_eq(parse_double("1e999", &d), -ERANGE);
	cr_assert_eq(d, 7);
	cr_assert_eq(parse_double("0.5", &d), 0);
	cr_assert_eq(d, 0.5);
	cr_assert_eq(parse_double("1e3", &d), 0);
	cr_assert_eq(d, 1000);
}

Test(str, booleans)
{
	bool b;

	cr_assert_eq(parse_bool("yes", &b), 0);
	cr_assert(b);
	cr_assert_eq(parse_bool("off", &b), 0);
	cr_assert_not(b);
	cr_assert_eq(parse_bool("1", &b), 0);
	cr_assert(b);
	cr_assert_eq(parse_bool("maybe", &b), -EINVAL);
	cr_assert_eq(parse_bool("", &b), -EINVAL);
}

static uint64_t duration(const char *text)
{
	uint64_t ns = 42;
	int r = parse_duration(text, &ns);

	cr_assert(r == 0 || ns == 42, "'%s' touched its result", text);
	return r < 0 ? (uint64_t)(int64_t)r : ns;
}

Test(str, durations_are_read)
{
	cr_assert_eq(duration("90"), 90 * NSEC_PER_SEC);
	cr_assert_eq(duration("90s"), 90 * NSEC_PER_SEC);
	cr_assert_eq(duration("0"), 0);
	cr_assert_eq(duration("5m"), 300 * NSEC_PER_SEC);
	cr_assert_eq(duration("1h30m"), 5400 * NSEC_PER_SEC);
	cr_assert_eq(duration("2d"), 172800 * NSEC_PER_SEC);
	cr_assert_eq(duration("250ms"), 250 * NSEC_PER_MSEC);
	cr_assert_eq(duration("1s5us7ns"), NSEC_PER_SEC + 5007);
}

Test(str, durations_that_are_none)
{
	static const char *const bad[] = {"",	  "m",	  "5x",	  "5 m", "-5m",	 "1h30",
					  "1.5h", "1m1h", "1m1m", "5M",	 "5min", "1s "};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		cr_assert_eq(duration(bad[i]), (uint64_t)-EINVAL, "'%s'", bad[i]);
	cr_assert_eq(duration("99999999999999999999"), (uint64_t)-ERANGE);
	cr_assert_eq(duration("300000000d"), (uint64_t)-ERANGE);
	cr_assert_eq(duration("18446744073s1000ms"), (uint64_t)-ERANGE);
}

Test(str, durations_are_written_for_people)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{999, "999ns"},
		{1500, "1us"},
		{12 * NSEC_PER_MSEC, "12ms"},
		{1500 * NSEC_PER_MSEC, "1.5s"},
		{2 * NSEC_PER_SEC, "2s"},
		{59 * NSEC_PER_SEC + 999 * NSEC_PER_MSEC, "59s"},
		{200 * NSEC_PER_SEC, "3m20s"},
		{180 * NSEC_PER_SEC, "3m"},
		{7200 * NSEC_PER_SEC, "2h"},
		{4 * 86400 * NSEC_PER_SEC, "4d"},
		{4 * 86400 * NSEC_PER_SEC + 3 * 3600 * NSEC_PER_SEC, "4d3h"},
		{UINT64_MAX, "213503d23h"},
	};
	char text[DURATION_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		cr_assert_str_eq(format_duration(text, sizeof(text), cases[i].ns), cases[i].text);
}

static uint64_t time_of(const char *text)
{
	uint64_t ns = 42;

	return parse_time(text, &ns) < 0 ? 0 : ns;
}

Test(str, times_are_read)
{
	const uint64_t t = 1795332696ULL * NSEC_PER_SEC; /* date -d 2026-11-22T07:31:36Z +%s */

	cr_assert_eq(time_of("2026-11-22T07:31:36Z"), t);
	cr_assert_eq(time_of("2026-11-22T07:31:36.123456Z"), t + 123456000);
	cr_assert_eq(time_of("2026-11-22t07:31:36.5z"), t + 500000000);
	cr_assert_eq(time_of("2026-11-22 07:31:36"), t);
	cr_assert_eq(time_of("2026-11-22T09:31:36+02:00"), t);
	cr_assert_eq(time_of("2026-11-22T02:01:36-05:30"), t);
	cr_assert_eq(time_of("2026-11-22T07:31:36.1234567899999Z"), t + 123456789);
	cr_assert_eq(time_of("2024-02-29T00:00:00Z"), 1709164800ULL * NSEC_PER_SEC);
}

Test(str, times_that_are_none)
{
	static const char *const bad[] = {
		"",
		"2026-11-22",
		"14:05",
		"2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z",
		"2026-11-31T00:00:00Z",
		"2026-11-22T24:00:00Z",
		"2026-11-22T07:60:00Z",
		"2026-11-22T07:31:36.Z",
		"2026-11-22T07:31:36Zx",
		"2026-11-22T07:31:36+2",
		"2026-11-22T07:31:36+24:00",
		"2026-11-2207:31:36Z",
		"1969-12-31T23:59:59Z",
		"9999-01-01T00:00:00Z",
		"1970-01-01T00:00:00+01:00",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uint64_t ns = 42;

		cr_assert_eq(parse_time(bad[i], &ns), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(ns, 42);
	}
}

Test(str, times_are_written_and_read_back)
{
	const uint64_t t = 1795332696ULL * NSEC_PER_SEC + 123456789;
	char text[TIME_TEXT_MAX];

	cr_assert_str_eq(format_time(text, sizeof(text), t), "2026-11-22T07:31:36.123456Z");
	cr_assert_eq(time_of(text), t - 789);
	cr_assert_str_eq(format_time(text, sizeof(text), 0), "1970-01-01T00:00:00.000000Z");
}
