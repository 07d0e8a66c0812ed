/* SPDX-License-Identifier: GPL-2.0-only */
/* Rates as people write them: "5/s", "10/min", "100/h". Pure. */
#ifndef COMMON_RATE_H
#define COMMON_RATE_H

#include <stddef.h>

#define RATE_TEXT_MAX 32

/* -EINVAL: no rate; -ERANGE: no double has it. */
int rate_parse(const char *text, double *ret_per_minute);

/* In the unit that makes a whole number of it, else as exactly as a double is: what is written is
 * read as the same number. Returns dst. */
char *rate_format(char *dst, size_t size, double per_minute);

#endif
