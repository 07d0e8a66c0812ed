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

int print_format_parse(const char *text); /* "text", "json"; -EINVAL */

/* Writes one whole line, or none: a reader that has stopped never stops the daemon. Returns false if
 * the line was dropped. */
bool print_finding(enum print_format format, int fd, const struct finding *f);

#endif
