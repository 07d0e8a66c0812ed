/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to do about a story, in sentences with this host's own numbers. Pure; what holds for every
 * host stands in common/causes.c, here is what was measured. Wording is never more certain than the
 * story's confidence.
 */
#ifndef DAEMON_ADVICE_H
#define DAEMON_ADVICE_H

#include "daemon/stories.h"

#define ADVICE_MAX 6
#define ADVICE_LEN 320

struct advice {
	char fact[ADVICE_LEN];	    /* what happened, with who did it: one sentence */
	char narrative[ADVICE_LEN]; /* who did what to whom and why */
	unsigned int n;
	char what[ADVICE_MAX][ADVICE_LEN]; /* to do, most effective first */
	/* Whether the request can have been read by the other side; "" where it does not arise. */
	char retry[ADVICE_LEN];
};

void advice_make(const struct story *s, struct advice *ret);

#endif
