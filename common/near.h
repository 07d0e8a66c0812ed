/* SPDX-License-Identifier: GPL-2.0-only */
/* Words that were probably meant: for "did you mean". Pure. */
#ifndef COMMON_NEAR_H
#define COMMON_NEAR_H

#include <stddef.h>

#define NEAR_LEN_MAX 40 /* longer words are far from all others */

/* Letters to insert, delete, replace, or swap with their neighbour; SIZE_MAX for words that are too long. */
size_t near_distance(const char *a, const char *b);

/* The n-th word, NULL behind the last. */
typedef const char *(*near_words_fn)(unsigned int n, const void *userdata);

/* The one of all words that is nearest. NULL: none is near. */
const char *near_word(const char *word, near_words_fn words, const void *userdata);

/* The cause whose id is nearest, or has the word in it. NULL: none is near. */
const char *near_cause(const char *word);

/* The first cause from 'from' on with the word in its id; -1: none, or the word is too short to say
 * what is meant. */
int near_cause_part(const char *word, unsigned int from);

#endif
