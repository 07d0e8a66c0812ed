/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far words are from each other (Levenshtein's distance, in which two neighbours that changed
 * places are one slip, and case is none), and the word that was probably meant. Must not guess:
 * what is far from everything is near to nothing. Proved by tests/unit/common/near.c.
 */
#include "common/util.h"

#include "common/near.h"
#include "common/words.h"
#include "rstmon/cause.h"

#define FRAGMENT_MIN 4 /* letters of a part that says what is meant */
#define SHORT	     5 /* letters that may hide one slip and no more, if they are fewer */
#define PART_MIN     3 /* of one that was given to find several */

/* The same in each locale. */
static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same(char a, char b)
{
	return lower(a) == lower(b);
}

size_t near_distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_LEN_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];
	size_t n = strlen(a), m = strlen(b);

	if (n > NEAR_LEN_MAX || m > NEAR_LEN_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *free_row = before;

		before = above;
		above = row;
		row = free_row;
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = MIN(above[j], row[j - 1]) + 1;
			row[j] = MIN(row[j], above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
	}
	return row[m];
}

const char *near_word(const char *word, near_words_fn words, const void *userdata)
{
	/* most short words are near to others that mean something else */
	size_t len = strlen(word), best = len < SHORT ? 1 : len / 3 + 1;
	const char *nearest = NULL, *w;

	for (unsigned int i = 0; len > 0 && (w = words(i, userdata)); i++) {
		size_t d = near_distance(word, w);

		if (d <= best && (!nearest || d < best)) {
			best = d;
			nearest = w;
		}
	}
	return nearest;
}

static const char *cause(unsigned int n, const void *userdata)
{
	(void)userdata;
	return n < RST_CAUSE_MAX ? cause_name(n) : NULL;
}

const char *near_cause(const char *word)
{
	const char *nearest = near_word(word, cause, NULL);
	size_t len = strlen(word);

	if (len > NEAR_LEN_MAX)
		return NULL;
	for (unsigned int i = 0; !nearest && len >= FRAGMENT_MIN && i < RST_CAUSE_MAX; i++)
		if (strstr(cause_name(i), word))
			nearest = cause_name(i);
	return nearest;
}

int near_cause_part(const char *word, unsigned int from)
{
	if (strlen(word) < PART_MIN)
		return -1;
	for (unsigned int i = from; i < RST_CAUSE_MAX; i++)
		if (strstr(cause_name(i), word))
			return (int)i;
	return -1;
}
