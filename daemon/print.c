/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines on stdout. A pipe that polls writable takes PIPE_BUF bytes whole, so a line below that
 * bound neither blocks nor tears. Must not format fields itself. Proved by tests/golden and
 * tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "daemon/print.h"
#include "daemon/publish.h"

int print_format_parse(const char *text)
{
	if (!strcmp(text, "text"))
		return PRINT_TEXT;
	if (!strcmp(text, "json"))
		return PRINT_JSON;
	return -EINVAL;
}

static bool write_line(int fd, char *line, size_t length)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	line[length++] = '\n';
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return false;
	return write(fd, line, length) == (ssize_t)length;
}

bool print_finding(enum print_format format, int fd, const struct finding *f)
{
	char line[PIPE_BUF];
	struct json_object *object;
	const char *text;
	size_t length;

	if (format == PRINT_TEXT) {
		publish_text(f, line, sizeof(line) - 1);
		return write_line(fd, line, strlen(line));
	}
	object = publish_reset(f);
	text = object ? json_object_to_json_string_length(
				object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
				&length)
		      : NULL;
	if (text && length < sizeof(line)) {
		memcpy(line, text, length);
		json_object_put(object);
		return write_line(fd, line, length);
	}
	json_object_put(object);
	return false;
}
