/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/table.h"

static char *text_of(bool headings, bool colors, unsigned int rows)
{
	static const struct cli_column columns[] = {{.heading = "N", .right = true},
						    {.heading = "NAME"}};
	static const struct cli_cell cells[] = {{.text = "10"}, {.text = "x", .color = "cyan"}};
	static const struct cli_cell empty[] = {{.text = "5"}, {.text = ""}};
	struct cli_table *t = NULL;
	char *text;

	cr_assert_eq(cli_table_new(columns, 2, headings, colors, &t), 0);
	for (unsigned int i = 0; i < rows; i++)
		cr_assert_eq(cli_table_add(t, i % 2 ? empty : cells), 0);
	text = cli_table_text(t);
	cr_assert_not_null(text);
	cli_table_free(t);
	return text;
}

Test(cli_table, columns_are_aligned)
{
	_cleanup_free_ char *with = text_of(true, false, 2), *without = text_of(false, false, 2);

	cr_assert_str_eq(with, " N  NAME\n10  x\n 5  -\n");
	cr_assert_str_eq(without, "10  x\n 5  -\n");
}

Test(cli_table, nothing_is_no_table)
{
	_cleanup_free_ char *text = text_of(true, false, 0);

	cr_assert_str_eq(text, "");
	cli_table_free(NULL);
}

Test(cli_table, colors)
{
	_cleanup_free_ char *with = text_of(true, true, 1), *without = text_of(true, false, 1);

	cr_assert(strchr(with, '\033'));
	cr_assert_not(strchr(without, '\033'));
}
