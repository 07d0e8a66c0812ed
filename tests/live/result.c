/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Appends what tests found to a file. It must not judge, and must not fail a test: who reads it
 * misses what is not there. Proved by make check-kernels, which counts its lines.
 */
#include "common/util.h"

#include <fcntl.h>
#include <stdarg.h>

#include "tests/live/result.h"

static void write_line(const char *what, const char *table, const char *item, const char *why)
{
	const char *path = getenv("LIVE_RESULTS");
	_cleanup_close_ int fd = -1;
	char line[512];
	int n;

	if (!path || !*path)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	n = snprintf(line, sizeof(line) - 1, "%s\t%s\t%s\t%s", what, table, item, why ? why : "");
	n = MIN(n, (int)sizeof(line) - 2);
	for (int i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = ' ';
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) != n)
		fprintf(stderr, "%s: %m\n", path);
}

void result_is(bool right, const char *table, const char *item, const char *why)
{
	write_line(right ? "right" : "wrong", table, item, right ? "" : why);
}

void result_skip(const char *table, const char *item, const char *why)
{
	write_line("skip", table, item, why);
}

void result_of(bool right, const char *table, const char *why, const char *format, ...)
{
	char item[128];
	va_list ap;

	va_start(ap, format);
	vsnprintf(item, sizeof(item), format, ap);
	va_end(ap);
	result_is(right, table, item, why);
}
