/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far words are from each other (Levenshtein's distance), and the cause that was probably
 * meant. Must not guess: what is far from everything is near to nothing. Proved by
 * tests/unit/common/near.c.
 */
#include "common/util.h"

#include "common/near.h"
#include "common/words.h"
#include "rstmon/cause.h"

#define FRAGMENT_MIN 4 /* letters of a part that says what is meant */
#define PART_MIN     3 /* of one that was given to find several */

size_t near_distance(const char *a, const char *b)
{
	size_t row[NEAR_LEN_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > NEAR_LEN_MAX || m > NEAR_LEN_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(replaced, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[m];
}

const char *near_cause(const char *word)
{
	size_t len = strlen(word), best = len / 3 + 1;
	const char *nearest = NULL;

	if (len == 0 || len > NEAR_LEN_MAX)
		return NULL;
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		size_t d = near_distance(word, cause_name(i));

		if (d <= best && (!nearest || d < best)) {
			best = d;
			nearest = cause_name(i);
		}
	}
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
