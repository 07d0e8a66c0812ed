/* SPDX-License-Identifier: GPL-2.0-only */
/* --print: each reset as a line on stdout, for people or as JSON. */
#ifndef DAEMON_PRINT_H
#define DAEMON_PRINT_H

#include "daemon/reset.h"

enum print_format {
	PRINT_NONE,
	PRINT_TEXT,
	PRINT_JSON,
};

struct print {
	enum print_format format;
	int fd;	   /* of output_open() */
	bool wait; /* for a reader that is slow: nothing but a replay hangs on it */
	bool torn; /* only a part of the last line went out */
	uint64_t dropped;
};

int print_format_parse(const char *text); /* "text", "json"; -EINVAL */

/* Writes a line, or counts it as dropped: a reader that has stopped never stops the daemon. */
void print_finding(struct print *p, const struct finding *f);

#endif
