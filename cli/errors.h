/* SPDX-License-Identifier: GPL-2.0-only */
/* Errors that programs get for a reset or a time-out, and by which causes. Pure. */
#ifndef CLI_ERRORS_H
#define CLI_ERRORS_H

#include <stddef.h>

#include "rstmon/cause.h"

#define CLI_ERROR_CAUSES_MAX 32

struct cli_error {
	int number;
	const char *name, *text; /* "ECONNRESET", as programs print it */
	const char *said[6];	 /* other words for it in logs; ends with NULL */
	unsigned int n_causes;
	enum rst_cause causes[CLI_ERROR_CAUSES_MAX]; /* likeliest first */
};

/* NULL: none has that name. */
const struct cli_error *cli_error_named(const char *name);

/* A name, a number, or words with one of the texts in them, in any case, as a line of a log has. */
const struct cli_error *cli_error_find(const char *words);

#endif
