/* SPDX-License-Identifier: GPL-2.0-only */
/* A file that is replaced in one step. */
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stddef.h>

/* Mode 0644. -errno; nothing is left behind then, and an older file stays as it was. */
int cli_write_file(const char *path, const char *text, size_t len);

#endif
