/* SPDX-License-Identifier: GPL-2.0-only */
/* Fields become one line of logfmt, whatever bytes they hold and however many there are. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <syslog.h>

#include "daemon/sink.h"
#include "rstmon/interface.h"

static const char *format_one(const char *value)
{
	static char text[RSTMON_LOG_LINE_MAX];
	struct line l;

	line_start(&l, LINE_STATUS, LOG_INFO);
	line_add(&l, "k", value);
	line_format(&l, text, sizeof(text));
	return text + strlen("status k=");
}

Test(line, kinds_have_names_and_distinct_ids)
{
	for (unsigned int i = 0; i < LINE_KIND_MAX; i++) {
		cr_assert_eq(strlen(line_kind_message_id(i)), 32);
		cr_assert_eq(strspn(line_kind_message_id(i), "0123456789abcdef"), 32);
		for (unsigned int j = 0; j < i; j++) {
			cr_assert_str_neq(line_kind_message_id(i), line_kind_message_id(j));
			cr_assert_str_neq(line_kind_name(i), line_kind_name(j));
		}
	}
	cr_assert_str_eq(line_kind_name(LINE_KIND_MAX), "invalid");
	cr_assert_str_eq(line_kind_message_id(LINE_KIND_MAX), "");
}

Test(line, the_line_of_the_contract)
{
	char text[RSTMON_LOG_LINE_MAX];
	struct line l;
	size_t n;

	line_start(&l, LINE_SUMMARY, LOG_NOTICE);
	line_add(&l, "cause", "closed_port");
	line_add(&l, "comm", "");
	line_add_u64(&l, "pid", 0);
	line_add_format(&l, "rate", "%.1f/s", 3.7);
	n = line_format(&l, text, sizeof(text));

	cr_assert_str_eq(text, "summary cause=closed_port comm=\"\" pid=0 rate=3.7/s");
	cr_assert_eq(n, strlen(text));
}

Test(line, bare_values_stay_bare)
{
	cr_assert_str_eq(format_one("192.0.2.1:8080"), "192.0.2.1:8080");
	cr_assert_str_eq(format_one("a_b@c/d+e-F9"), "a_b@c/d+e-F9");
}

Test(line, others_are_quoted_and_escaped)
{
	cr_assert_str_eq(format_one("two words"), "\"two words\"");
	cr_assert_str_eq(format_one("[2001:db8::1]:443"), "\"[2001:db8::1]:443\"");
	cr_assert_str_eq(format_one("a=b"), "\"a=b\"");
	cr_assert_str_eq(format_one("say \"hi\\\""), "\"say \\\"hi\\\\\\\"\"");
	cr_assert_str_eq(format_one("a\nb\tc\rd"), "\"a\\nb\\tc\\rd\"");
	cr_assert_str_eq(format_one("\x1b[31m\x7f\x01"), "\"\\x1b[31m\\x7f\\x01\"");
}

Test(line, utf8_passes_and_what_only_looks_like_it_does_not)
{
	cr_assert_str_eq(format_one("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
	cr_assert_str_eq(format_one("\xe2\x82\xac\xf0\x9f\x98\x80"),
			 "\"\xe2\x82\xac\xf0\x9f\x98\x80\"");
	cr_assert_str_eq(format_one("\xff"), "\"\\xff\"");
	cr_assert_str_eq(format_one("\xc3"), "\"\\xc3\"");
	cr_assert_str_eq(format_one("\xe2\x82"), "\"\\xe2\\x82\"");
	cr_assert_str_eq(format_one("\xc0\xaf"), "\"\\xc0\\xaf\"", "overlong");
	cr_assert_str_eq(format_one("\xe0\x9f\xbf"), "\"\\xe0\\x9f\\xbf\"", "overlong");
	cr_assert_str_eq(format_one("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\"", "surrogate");
	cr_assert_str_eq(format_one("\xf4\x90\x80\x80"), "\"\\xf4\\x90\\x80\\x80\"", "too large");
	cr_assert_str_eq(format_one("\xc2\x9b"), "\"\\xc2\\x9b\"", "C1 control");
}

/* No byte that could start another line or field leaves the quotes. */
Test(line, every_byte_gives_one_printable_line)
{
	for (unsigned int c = 1; c < 256; c++) {
		char value[] = {'x', (char)c, 'y', '\0'};
		const char *text = format_one(value);

		for (const char *p = text; *p; p++)
			cr_assert(*p >= 0x20 && *p < 0x7f, "byte %u left as it is", c);
		if (text[0] == '"')
			cr_assert_eq(text[strlen(text) - 1], '"');
	}
}

Test(line, a_value_is_cut_at_a_character)
{
	char value[200];
	struct line l;

	memset(value, 'a', sizeof(value));
	value[LINE_VALUE_MAX - 2] = '\xc3'; /* its second byte would be the 128th */
	value[LINE_VALUE_MAX - 1] = '\xbc';
	value[sizeof(value) - 1] = '\0';
	line_start(&l, LINE_RESET, LOG_INFO);
	line_add(&l, "k", value);
	cr_assert_eq(strlen(l.field[0].value), LINE_VALUE_MAX - 2);

	value[LINE_VALUE_MAX - 2] = 'a';
	value[LINE_VALUE_MAX - 1] = 'a';
	line_add(&l, "k", value);
	cr_assert_eq(strlen(l.field[1].value), LINE_VALUE_MAX - 1);
}

Test(line, more_fields_than_there_is_room_for_are_ignored)
{
	struct line l;

	line_start(&l, LINE_RESET, LOG_INFO);
	for (int i = 0; i < LINE_FIELDS_MAX + 5; i++)
		line_add_u64(&l, "k", (uint64_t)i);
	cr_assert_eq(l.n, LINE_FIELDS_MAX);
	cr_assert_str_eq(l.field[LINE_FIELDS_MAX - 1].value, "39");
}

Test(line, the_line_ends_with_a_whole_field_below_the_bound)
{
	char value[LINE_VALUE_MAX], text[2 * RSTMON_LOG_LINE_MAX];

	/* lengths of the value that move the bound over every byte of a field */
	for (size_t length = 0; length < LINE_VALUE_MAX; length++) {
		struct line l;
		size_t n;

		memset(value, '\x01', length); /* four bytes each when escaped */
		value[length] = '\0';
		line_start(&l, LINE_RESET, LOG_INFO);
		for (int i = 0; i < LINE_FIELDS_MAX; i++)
			line_add(&l, "key", value);
		n = line_format(&l, text, sizeof(text));

		cr_assert_eq(n, strlen(text));
		cr_assert_lt(n, RSTMON_LOG_LINE_MAX);
		cr_assert_eq((n - strlen("reset")) % (strlen(" key=\"\"") + 4 * length), 0);
		if (length > 40)
			cr_assert_gt(n, RSTMON_LOG_LINE_MAX - 8 - 4 * length - 1);
	}
}

Test(line, a_small_buffer_is_never_overrun)
{
	struct line l;

	line_start(&l, LINE_STATUS, LOG_INFO);
	line_add(&l, "a", "b c");
	for (size_t size = 0; size < 24; size++) {
		char *text = malloc(size + 1); /* the sanitiser watches its end */
		size_t n;

		cr_assert_not_null(text);
		text[size] = '~';
		n = line_format(&l, text, size);
		cr_assert_eq(text[size], '~');
		cr_assert_eq(n, size < 7 ? 0 : size < 15 ? 6 : 14, "size %zu gave %zu", size, n);
		free(text);
	}
}
