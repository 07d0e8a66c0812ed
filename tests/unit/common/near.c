/* SPDX-License-Identifier: GPL-2.0-only */
/* Distances of words, and the cause that was meant. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "common/near.h"
#include "common/words.h"
#include "rstmon/cause.h"

Test(near, distance_counts_letters)
{
	char longest[NEAR_LEN_MAX + 2];

	cr_expect_eq(near_distance("", ""), 0);
	cr_expect_eq(near_distance("", "abc"), 3);
	cr_expect_eq(near_distance("wathc", "watch"), 1, "a swap is one slip");
	cr_expect_eq(near_distance("ab", "ba"), 1);
	cr_expect_eq(near_distance("abc", "cab"), 2, "one of neighbours only");
	cr_expect_eq(near_distance("closed_prto", "closed_port"), 2);
	cr_expect_eq(near_distance("lisT", "LISt"), 0, "case is no slip");
	cr_expect_eq(near_distance("list", "lists"), 1);
	cr_expect_eq(near_distance("kitten", "sitting"), 3);
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	cr_expect_eq(near_distance(longest, "x"), SIZE_MAX);
	cr_expect_eq(near_distance("x", longest), SIZE_MAX);
	longest[NEAR_LEN_MAX] = '\0';
	cr_expect_eq(near_distance(longest, "x"), NEAR_LEN_MAX - 1);
}

static const char *some_words(unsigned int n, const void *userdata)
{
	const char *const *words = userdata;

	return words[n];
}

Test(near, short_words_may_hide_one_slip)
{
	static const char *const words[] = {"pid", "comm", "port", "unit", "direction", NULL};
	static const char *const none[] = {NULL};

	cr_expect_str_eq(near_word("prot", some_words, words), "port");
	cr_expect_str_eq(near_word("PORT", some_words, words), "port");
	cr_expect_str_eq(near_word("com", some_words, words), "comm");
	cr_expect_str_eq(near_word("dirction", some_words, words), "direction");
	cr_expect_null(near_word("host", some_words, words), "a port is none");
	cr_expect_null(near_word("cmd", some_words, words), "nor is a pid a command");
	cr_expect_null(near_word("", some_words, words));
	cr_expect_null(near_word("port", some_words, none));
}

Test(near, causes_by_slip_or_by_fragment)
{
	static const struct {
		const char *word, *cause;
	} words[] = {
		{"closed_port", "closed_port"},	       {"closed_prot", "closed_port"},
		{"closedport", "closed_port"},	       {"linger_z", "linger_zero"},
		{"linger-zero", "linger_zero"},	       {"middlebox", "middlebox_idle_reject"},
		{"connect_timeot", "connect_timeout"},
	};
	static const char *const far[] = {"", "x", "zzzzzzzz", "tcp",
					  "a_word_that_is_far_longer_than_any_cause_has_a_name"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *cause = near_cause(words[i].word);

		cr_assert(cause, "%s", words[i].word);
		cr_expect_str_eq(cause, words[i].cause, "%s: %s", words[i].word, cause);
	}
	for (size_t i = 0; i < ARRAY_SIZE(far); i++)
		cr_expect_null(near_cause(far[i]), "%s: %s", far[i], near_cause(far[i]));
}

Test(near, parts_find_all_that_have_them)
{
	unsigned int n = 0;

	for (int i = near_cause_part("keepalive", 0); i >= 0;
	     i = near_cause_part("keepalive", (unsigned int)i + 1)) {
		cr_expect(strstr(cause_name((unsigned int)i), "keepalive"));
		n++;
	}
	cr_expect_eq(n, 3);
	cr_expect_lt(near_cause_part("", 0), 0);
	cr_expect_lt(near_cause_part("ke", 0), 0, "too short");
	cr_expect_lt(near_cause_part("keepalive", RST_CAUSE_MAX), 0);
	cr_expect_lt(near_cause_part("zzz", 0), 0);
}
