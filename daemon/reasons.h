/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of enum sk_rst_reason of the kernel that made the records. Its numbers differ between kernels
 * (11 is MPTCP_RST_EUNSPEC on 6.10 and TCP_ABORT_ON_CLOSE on 6.12), so they always go through this.
 */
#ifndef DAEMON_REASONS_H
#define DAEMON_REASONS_H

#include "daemon/reset.h"

#define REASONS_MAX 64

struct reasons {
	unsigned int n; /* 0: the kernel gives no reasons */
	char name[REASONS_MAX][RSTMON_REASON_MAX]; /* without "SK_RST_REASON_"; "" for a gap */
	enum reason meaning[REASONS_MAX];
};

/* Adds number -> name; the prefix SK_RST_REASON_ is taken off. Numbers beyond the table: -ERANGE. */
int reasons_add(struct reasons *r, unsigned int number, const char *name);

/* The name, "" for RST_REASON_NONE or an unknown number; lives as long as 'r'. */
const char *reasons_name(const struct reasons *r, uint8_t number);
enum reason reasons_meaning(const struct reasons *r, uint8_t number);

#endif
