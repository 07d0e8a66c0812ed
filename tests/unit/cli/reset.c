/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/text.h"

static char *text_of(const char *json, bool colors)
{
	const struct cli_options o = {.utc = true};
	struct json_object *reset = json_tokener_parse(json);
	char *text = cli_reset_text(reset, &o, colors);

	cr_assert_not_null(text);
	json_object_put(reset);
	return text;
}

#define ASSERT_TEXT(json, expected)                                                                \
	do {                                                                                       \
		_cleanup_free_ char *text_ = text_of(json, false);                                 \
		cr_assert_str_eq(text_, expected);                                                 \
	} while (0)

#define ASSERT_PART(json, expected)                                                                \
	do {                                                                                       \
		_cleanup_free_ char *text_ = text_of(json, false);                                 \
		cr_assert(strstr(text_, expected), "'%s' lacks '%s'", text_, expected);            \
	} while (0)

Test(cli_reset, a_whole_line)
{
	ASSERT_TEXT(
		"{\"time\":\"2026-11-22T07:31:36.123456Z\",\"kind\":\"reset\",\"direction\":"
		"\"sent\",\"cause\":\"unknown\",\"pid\":812,\"comm\":\"nginx\",\"owner_source\":"
		"\"read\",\"actor_pid\":812,\"actor_comm\":\"nginx\",\"role\":\"server\",\"port\":"
		"8080,\"local\":\"192.0.2.1:8080\",\"remote\":\"[2001:db8::1]:40000\",\"state\":"
		"\"CLOSE\",\"previous_state\":\"ESTABLISHED\",\"reason\":\"TCP_ABORT_ON_CLOSE\","
		"\"errno\":\"\",\"age_ms\":61000,\"idle_ms\":1500,\"unread_bytes\":12,"
		"\"unacked_bytes\":0,\"exit_signal\":0,\"exit_status\":-1}",
		"2026-11-22 07:31:36.123Z  sent      nginx[812]              "
		"192.0.2.1:8080 -> [2001:db8::1]:40000  server port 8080  ESTABLISHED>CLOSE  "
		"TCP_ABORT_ON_CLOSE  age=1m1s idle=1.5s unread=12");
}

Test(cli_reset, who_and_how_it_is_known)
{
	ASSERT_PART("{\"pid\":1,\"comm\":\"a\",\"owner_source\":\"listen\"}", "a[1] (listener)");
	ASSERT_PART("{\"pid\":1,\"comm\":\"a\",\"owner_source\":\"closed\"}", "a[1] (closed it");
	ASSERT_PART("{\"pid\":0,\"comm\":\"\",\"owner_source\":\"kernel\"}", "- (kernel)");
	ASSERT_PART("{\"pid\":1,\"comm\":\"a\",\"actor_pid\":2,\"actor_comm\":\"ss\"}",
		    "a[1] by ss[2]");
	ASSERT_PART("{\"pid\":0,\"comm\":\"\",\"role\":\"none\",\"port\":9}", "  -  ");
	ASSERT_PART("{\"role\":\"none\",\"port\":9}", "  port 9");
}

Test(cli_reset, cause_or_reason)
{
	ASSERT_PART("{\"cause\":\"closed_port\",\"reason\":\"NO_SOCKET\"}", "  closed_port");
	ASSERT_PART("{\"cause\":\"unknown\",\"reason\":\"NOT_SPECIFIED\"}", "  unknown");
	ASSERT_PART("{}", "  unknown");
	ASSERT_PART("{\"errno\":\"EPIPE\",\"exit_signal\":9}", "  errno=EPIPE signal=9");
	ASSERT_PART("{\"exit_status\":0}", "  exit=0");
}

Test(cli_reset, how_sure_and_why)
{
	ASSERT_PART("{\"cause\":\"linger_zero\",\"confidence\":\"certain\",\"errno\":\"EPIPE\"}",
		    "  linger_zero  errno=EPIPE");
	ASSERT_PART("{\"cause\":\"linger_zero\",\"confidence\":\"high\"}", "  linger_zero (high)");
	ASSERT_TEXT("{\"cause\":\"unknown\",\"confidence\":\"low\"}",
		    "-            -                       ? -> ?  port 0  unknown");
	ASSERT_TEXT("{\"cause\":\"a\",\"unread_bytes\":3,\"evidence\":[\"unread=3\",5,\"\",\"b=1\","
		    "\"state=X\",\"c\",\"d=2\"]}",
		    "-            -                       ? -> ?  port 0  a  unread=3 b=1 c");
	ASSERT_PART("{\"cause\":\"a\",\"evidence\":[\"b=1\"]}", "  a  b=1");
	ASSERT_PART("{\"cause\":\"a\",\"evidence\":[\"linger=0\"]}", "  a  SO_LINGER=0");
}

Test(cli_reset, who_is_at_the_other_end)
{
	ASSERT_PART("{\"pid\":1,\"comm\":\"a\",\"other_pid\":640,\"other_comm\":\"nginx\"}",
		    "a[1] with nginx[640]");
	ASSERT_PART("{\"pid\":1,\"comm\":\"a\",\"other_pid\":0,\"other_comm\":\"\"}", "  a[1]  ");
}

Test(cli_reset, a_timeout_has_no_direction)
{
	ASSERT_PART("{\"kind\":\"timeout\",\"direction\":\"\"}", "  timeout ");
}

Test(cli_reset, colors_only_when_asked_for)
{
	_cleanup_free_ char *with = text_of("{\"direction\":\"received\"}", true);
	_cleanup_free_ char *without = text_of("{\"direction\":\"received\"}", false);

	cr_assert(strstr(with, "\033[36m"));
	cr_assert_not(strchr(without, '\033'));
}

Test(cli_reset, hostile_resets)
{
	static const char *const resets[] = {
		"{\"time\":5,\"direction\":[],\"pid\":\"x\",\"age_ms\":9223372036854775807}",
		"{\"time\":\"2026\",\"comm\":\"\\u001b]0;x\\u0007\",\"pid\":1,\"state\":\"\\n\"}",
		"{\"local\":\"\\u202e\",\"reason\":\"\\u0000\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(resets); i++) {
		_cleanup_free_ char *text = text_of(resets[i], false);

		cr_assert_not(strpbrk(text, "\033\007\n"));
		cr_assert_not(strstr(text, "\xe2\x80\xae"));
	}
}

Test(cli_reset, processes)
{
	char text[32];

	cr_assert_str_eq(cli_process_text(text, sizeof(text), "a", 5), "a[5]");
	cr_assert_str_eq(cli_process_text(text, sizeof(text), "", 5), "?[5]");
	cr_assert_str_eq(cli_process_text(text, sizeof(text), "a", 0), "a");
	cr_assert_str_eq(cli_process_text(text, sizeof(text), "", 0), "-");
}

Test(cli_reset, the_arrow_is_the_way_of_the_reset)
{
	ASSERT_PART("{\"direction\":\"sent\",\"local\":\"a\",\"remote\":\"b\"}", "  a -> b  ");
	ASSERT_PART("{\"direction\":\"received\",\"local\":\"a\",\"remote\":\"b\"}", "  a <- b  ");
}
