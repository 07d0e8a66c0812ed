/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "cli/errors.h"
#include "common/words.h"

static const int numbers[] = {ECONNRESET,   EPIPE,	  ECONNREFUSED, ETIMEDOUT,
			      ECONNABORTED, EHOSTUNREACH, ENETUNREACH};

Test(cli_errors, by_name_number_and_text)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct cli_error *e = cli_error_named(socket_errno_name(numbers[i]));
		char number[16], line[128];

		cr_assert_not_null(e);
		cr_expect_eq(e->number, numbers[i]);
		cr_expect_str_eq(e->text, strerror(numbers[i]));
		snprintf(number, sizeof(number), "%d", numbers[i]);
		cr_expect_eq(cli_error_find(number), e);
		cr_expect_eq(cli_error_find(e->name), e);
		snprintf(line, sizeof(line), "read tcp 10.0.0.1:80: %s", e->text);
		for (char *c = line; *c; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
		cr_expect_eq(cli_error_find(line), e, "%s", line);
	}
	cr_expect_eq(cli_error_find("econnreset"), cli_error_named("ECONNRESET"));
	cr_expect_eq(cli_error_find("Error: socket hang up"), cli_error_named("ECONNRESET"));
}

Test(cli_errors, causes_are_some_and_each_once)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct cli_error *e = cli_error_named(socket_errno_name(numbers[i]));

		cr_assert_gt(e->n_causes, 0);
		cr_assert_leq(e->n_causes, CLI_ERROR_CAUSES_MAX);
		for (unsigned int k = 0; k < CLI_ERROR_CAUSES_MAX; k++)
			for (unsigned int l = 0; l < k && k < e->n_causes; l++)
				cr_expect_neq(e->causes[k], e->causes[l], "%s", e->name);
		/* 0 is 'unknown': the number of causes is that of those written down */
		for (unsigned int k = 0; k < CLI_ERROR_CAUSES_MAX; k++)
			cr_expect(k < e->n_causes ? k + 1 == e->n_causes || e->causes[k]
						  : !e->causes[k],
				  "%s %u", e->name, k);
	}
}

Test(cli_errors, what_is_none)
{
	static const char *const words[] = {"",
					    " ",
					    "0",
					    "105",
					    "4294967400",
					    "-104",
					    "104 ",
					    "peer",
					    "reset",
					    "linger_zero",
					    "keepalive_probe_timeout"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		cr_expect_null(cli_error_find(words[i]), "%s", words[i]);
	cr_expect_null(cli_error_named("econnreset"));
	cr_expect_null(cli_error_named(""));
}
