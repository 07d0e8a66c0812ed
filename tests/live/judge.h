/* SPDX-License-Identifier: GPL-2.0-only */
/* Compares what rstmond printed with what is true, and keeps the table that is shown in the end. */
#ifndef TESTS_LIVE_JUDGE_H
#define TESTS_LIVE_JUDGE_H

#include "tests/live/live.h"
#include "tests/live/truth.h"
#include "tests/live/witness.h"

struct score {
	unsigned int rows, right, current_right;
	unsigned int resets, resets_right, resets_current_right;
};

/* Judges one scenario and prints its rows, one a direction. 'w' may be NULL: no witness. */
void judge(const char *scenario, struct live_truth *truth, const struct live_daemon *d,
	   struct witness *w, struct score *score);

/* Resets that the scenario's expectations are about. */
unsigned int judge_expected(const struct live_truth *truth);

void judge_heading(void);
void judge_total(const struct score *score, bool witness);

#endif
