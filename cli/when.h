/* SPDX-License-Identifier: GPL-2.0-only */
/* Times as people give and read them: local unless --utc. No clock: 'now' is an argument. */
#ifndef CLI_WHEN_H
#define CLI_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEN_TEXT_MAX 40

/* "10m" (ago), "14:05", "14:05:30" (the latest such time), "2026-01-31", "2026-01-31 14:05[:30]",
 * RFC 3339. -EINVAL: no time; -ERANGE: before 1970 or after 'now'. */
int cli_when_parse(const char *text, uint64_t now, bool utc, uint64_t *ret_realtime_ns);

/* "2026-01-31 14:05:30.123", in UTC with a Z behind. Return dst. */
char *cli_when_format(char *dst, size_t size, uint64_t realtime_ns, bool utc);

/* "14:05:30" today, else "2026-01-30 14:05:30". */
char *cli_when_format_short(char *dst, size_t size, uint64_t realtime_ns, uint64_t now, bool utc);

#endif
