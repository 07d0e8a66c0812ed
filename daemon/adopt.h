/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands in memory that another process left, or in a file: is it a reset, is it a finding? Nothing in
 * it is used before it was looked at here. The name of a reason is a pointer, and the only one: it is looked
 * up anew, by name, since the numbers of another kernel mean something else. Pure.
 */
#ifndef DAEMON_ADOPT_H
#define DAEMON_ADOPT_H

#include "daemon/reasons.h"

/* From a reason's number in what was kept to what the running kernel has under that name. */
struct adopt_reasons {
	const char *name[REASONS_MAX]; /* "": it has none of that name */
	uint8_t number[REASONS_MAX];   /* RST_REASON_NONE likewise */
};

/* 'names' has 'n' names by number, as they were. -EBADMSG: too many, or one has no end. */
int adopt_reasons(const char names[REASONS_MAX][RSTMON_REASON_MAX], unsigned int n,
		  const struct reasons *now, struct adopt_reasons *ret);

/* Check first, then give the reason its name. */
bool adopt_reset_valid(const struct reset *r);
void adopt_reset(struct reset *r, const struct adopt_reasons *reasons);
bool adopt_finding_valid(const struct finding *f);

#endif
