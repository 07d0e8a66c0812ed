/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/paragraph.h"

static char *text_of(unsigned int width, unsigned int indent, const char *label, const char *text)
{
	struct cli_page p = {.width = width, .bold = "", .plain = ""};
	char *out = NULL;
	size_t size;

	p.f = open_memstream(&out, &size);
	cli_paragraph(&p, indent, label, text);
	fclose(p.f);
	return out;
}

#define ASSERT_TEXT(width, indent, label, text, expected)                                          \
	do {                                                                                       \
		_cleanup_free_ char *text_ = text_of(width, indent, label, text);                  \
		cr_assert_str_eq(text_, expected, "'%s'", text_);                                  \
	} while (0)

Test(cli_paragraph, lines_end_at_blanks)
{
	ASSERT_TEXT(20, 5, "Who", "one two three four five",
		    "Who  one two three\n     four five\n");
	ASSERT_TEXT(20, 5, "Who", "", "");
	ASSERT_TEXT(20, 2, "Label", "x", "Labelx\n");
	ASSERT_TEXT(20, 0, "", "exactly twenty chars", "exactly twenty chars\n");
	ASSERT_TEXT(19, 0, "", "exactly twenty chars", "exactly twenty\nchars\n");
}

Test(cli_paragraph, a_long_word_stays_whole)
{
	ASSERT_TEXT(10, 2, "", "a abcdefghijklmnop b", "  a\n  abcdefghijklmnop\n  b\n");
}

Test(cli_paragraph, breaks_are_kept_and_blanks_are_not)
{
	ASSERT_TEXT(20, 2, "", "a\nb c", "  a\n  b c\n");
	ASSERT_TEXT(20, 2, "", "a   b ", "  a b\n");
	ASSERT_TEXT(20, 2, "", "a\n", "  a\n");
}

Test(cli_paragraph, characters_are_counted_not_bytes)
{
	ASSERT_TEXT(11, 0, "", "äöüäö äöüäö b", "äöüäö äöüäö\nb\n");
}

Test(cli_paragraph, the_width_is_bounded)
{
	unsigned int width = cli_width();

	cr_assert_geq(width, PARAGRAPH_WIDTH_MIN);
	cr_assert_leq(width, PARAGRAPH_WIDTH);
}
