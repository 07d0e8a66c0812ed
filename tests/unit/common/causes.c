/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of texts: complete, printable, of sensible length, and consistent with itself. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <ctype.h>

#include "common/causes.h"

static void check_text(const char *cause, const char *what, const char *text, size_t least,
		       size_t most)
{
	size_t n;

	cr_assert_not_null(text, "%s: no %s", cause, what);
	n = strlen(text);
	cr_expect(n >= least && n <= most, "%s: %s has %zu characters", cause, what, n);
	for (size_t i = 0; i < n; i++)
		cr_expect(isprint((unsigned char)text[i]), "%s: %s has byte %#x", cause, what,
			  (unsigned char)text[i]);
	cr_expect_null(strstr(text, "  "), "%s: two blanks in %s: %s", cause, what, text);
	cr_expect(n && text[0] != ' ' && text[n - 1] != ' ', "%s: blank at an end of %s", cause,
		  what);
}

static void check_sentences(const char *cause, const char *what, const char *text, size_t most)
{
	check_text(cause, what, text, 20, most);
	cr_expect(strchr(".?", text[strlen(text) - 1]), "%s: %s does not end as a sentence", cause,
		  what);
}

static bool one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

Test(causes, every_cause_has_its_texts)
{
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		const struct cause_text *t = cause_text(c);
		const char *name = cause_name(c);

		cr_assert_not_null(t, "%s", name);
		check_sentences(name, "meaning", t->meaning, 700);
		check_sentences(name, "looks", t->looks, 700);
		check_sentences(name, "retry", t->retry, 300);
		cr_assert_not_null(t->advice[0], "%s: no advice", name);
		for (unsigned int i = 0; i < CAUSE_ADVICE_MAX && t->advice[i]; i++)
			check_sentences(name, "advice", t->advice[i], 319);
		cr_expect_null(t->advice[CAUSE_ADVICE_MAX - 1], "%s: advice has no end", name);
	}
}

Test(causes, kinds_and_severities_are_the_words_of_the_contract)
{
	static const char *const kinds[] = {"sent",	"received", "sent or received",
					    "no reset", "counters", NULL};
	static const char *const severities[] = {"harmless", "check", "act", NULL};

	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		cr_expect(one_of(cause_text(c)->kind, kinds), "%s: %s", cause_name(c),
			  cause_text(c)->kind);
		cr_expect(one_of(cause_text(c)->severity, severities), "%s: %s", cause_name(c),
			  cause_text(c)->severity);
	}
}

Test(causes, settings_are_whole_and_end)
{
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		const struct cause_setting *s = cause_text(c)->settings;
		unsigned int i;

		for (i = 0; i < CAUSE_SETTINGS_MAX && s[i].program; i++) {
			check_text(cause_name(c), "program", s[i].program, 2, 32);
			check_text(cause_name(c), "setting", s[i].name, 3, 72);
			check_sentences(cause_name(c), "setting's meaning", s[i].meaning, 160);
			for (unsigned int j = 0; j < i; j++)
				cr_expect(strcmp(s[i].name, s[j].name) != 0 ||
						  strcmp(s[i].program, s[j].program) != 0,
					  "%s: %s twice", cause_name(c), s[i].name);
		}
		cr_expect(i < CAUSE_SETTINGS_MAX, "%s: settings have no end", cause_name(c));
		for (; i < CAUSE_SETTINGS_MAX; i++)
			cr_expect(!s[i].program && !s[i].name && !s[i].meaning);
	}
}

Test(causes, related_causes_exist_and_are_others)
{
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		const struct cause_text *t = cause_text(c);

		cr_expect_null(t->see[ARRAY_SIZE(t->see) - 1], "%s: see has no end", cause_name(c));
		for (unsigned int i = 0; i < ARRAY_SIZE(t->see) && t->see[i]; i++) {
			int other = cause_parse(t->see[i]);

			cr_expect(other >= 0, "%s: there is no %s", cause_name(c), t->see[i]);
			cr_expect((unsigned int)other != c, "%s points at itself", cause_name(c));
			for (unsigned int j = 0; j < i; j++)
				cr_expect(strcmp(t->see[i], t->see[j]) != 0);
		}
	}
}

Test(causes, kinds_agree_with_what_happens)
{
	cr_expect_str_eq(cause_text(RST_CAUSE_CLOSED_PORT)->kind, "sent");
	cr_expect_str_eq(cause_text(RST_CAUSE_REFUSED_SYN)->kind, "received");
	cr_expect_str_eq(cause_text(RST_CAUSE_SILENT_DROP_TIMEOUT)->kind, "no reset");
	cr_expect_str_eq(cause_text(RST_CAUSE_CONNECT_TIMEOUT)->kind, "no reset");
	cr_expect_str_eq(cause_text(RST_CAUSE_ICMP_REFUSED)->kind, "no reset");
	cr_expect_str_eq(cause_text(RST_CAUSE_RST_IGNORED)->kind, "counters");
	cr_expect_str_eq(cause_text(RST_CAUSE_HEALTH_CHECK_RESET)->severity, "harmless");
}

Test(causes, nothing_beyond_the_last)
{
	cr_expect_null(cause_text(RST_CAUSE_MAX));
	cr_expect_null(cause_text(UINT32_MAX));
}
