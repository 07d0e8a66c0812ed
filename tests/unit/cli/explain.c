/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/text.h"
#include "common/causes_json.h"

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		size_t n = 0;

		for (const char *c = p; *c && *c != '\n'; c++)
			n += ((unsigned char)*c & 0xc0) != 0x80;
		longest = MAX(longest, n);
	}
	return longest;
}

Test(cli_explain, all_causes_by_kind_each_once)
{
	_cleanup_free_ char *text = cli_explain_text(NULL, true, false, 100);
	char line[64];

	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		const char *at;

		snprintf(line, sizeof(line), "\n  %s ", cause_name(i));
		at = strstr(text, line);
		cr_assert_not_null(at, "%s", line);
		cr_assert_null(strstr(at + 1, line), "%s", line);
	}
	cr_expect_not_null(strstr(text, "'rstmon explain CAUSE'"));
	cr_expect_leq(longest_line(text), 100);
	cr_expect_null(strchr(text, '\033'));
}

Test(cli_explain, a_cause_has_all_its_parts)
{
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		_cleanup_free_ char *text = cli_explain_text(cause_name(i), true, false, 72);
		const struct cause_text *t = cause_text(i);

		cr_assert_not_null(t);
		cr_expect_eq(strncmp(text, cause_name(i), strlen(cause_name(i))), 0);
		cr_expect_not_null(strstr(text, "What it means\n"), "%s", text);
		cr_expect_not_null(strstr(text, "How it looks\n"), "%s", text);
		cr_expect_eq(!!strstr(text, "Settings\n"), !!t->settings[0].name);
		cr_expect_eq(!!strstr(text, "See also\n"), !!t->see[0]);
	}
}

Test(cli_explain, colors_only_when_asked_for)
{
	_cleanup_free_ char *with = cli_explain_text("linger_zero", true, true, 80);
	_cleanup_free_ char *without = cli_explain_text("linger_zero", true, false, 80);

	cr_assert(strstr(with, "\033[1m"));
	cr_assert_not(strchr(without, '\033'));
}

Test(cli_explain, an_error_lists_its_causes)
{
	_cleanup_free_ char *text = cli_explain_text("ETIMEDOUT", true, false, 100);
	_cleanup_free_ char *bare = cli_explain_text("ECONNABORTED", false, false, 100);
	struct json_object *json = cli_explain_json("ETIMEDOUT"), *causes = NULL;

	cr_expect_eq(strncmp(text, "ETIMEDOUT (110, \"Connection timed out\") ", 40), 0, "%s",
		     text);
	cr_expect_not_null(strstr(text, "\n  connect_timeout "));
	cr_expect_not_null(strstr(text, "\n  silent_drop_timeout "));
	cr_expect_null(strstr(text, "closed_port"));
	cr_expect_eq(strncmp(bare, "  admin_abort ", 14), 0, "%s", bare);
	cr_assert(json_object_object_get_ex(json, "causes", &causes));
	cr_expect_eq(json_object_array_length(causes), 3);
	json_object_put(json);
}

Test(cli_explain, a_part_lists_all_that_have_it)
{
	_cleanup_free_ char *text = cli_explain_text("keepalive", true, false, 100);
	struct json_object *json = cli_explain_json("keepalive"), *causes = NULL;

	cr_expect_not_null(strstr(text, "  keepalive_race_server "));
	cr_expect_not_null(strstr(text, "  keepalive_race_client "));
	cr_expect_not_null(strstr(text, "  keepalive_probe_timeout "));
	cr_expect_null(strstr(text, "linger"));
	cr_assert(json_object_object_get_ex(json, "causes", &causes));
	cr_expect_eq(json_object_array_length(causes), 3);
	json_object_put(json);
	json = cli_explain_json(NULL);
	cr_assert(json_object_object_get_ex(json, "causes", &causes));
	cr_expect_eq(json_object_array_length(causes), RST_CAUSE_MAX);
	json_object_put(json);
	json = cli_explain_json("linger_zero");
	cr_assert(json_object_object_get_ex(json, "causes", &causes));
	cr_expect_eq(json_object_array_length(causes), 1);
	json_object_put(json);
}
