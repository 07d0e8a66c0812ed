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

#include "common/output.h"
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

static void write_all(struct print *p, const char *line, size_t length)
{
	struct pollfd ready = {.fd = p->fd, .events = POLLOUT};

	while (length) {
		ssize_t n = output_write(p->fd, line, length);

		if (n < 0 && errno == EAGAIN && poll(&ready, 1, -1) >= 0)
			continue;
		if (n < 0 && errno != EINTR) {
			p->dropped++;
			return;
		}
		line += MAX(n, 0);
		length -= (size_t)MAX(n, 0);
	}
}

/* A line that a terminal took only half is counted and ended, so that the next one stands alone. */
static void write_line(struct print *p, char *line, size_t length)
{
	ssize_t n;

	line[length++] = '\n';
	if (p->wait) {
		write_all(p, line, length);
		return;
	}
	if (p->torn && output_write(p->fd, "\n", 1) == 1)
		p->torn = false;
	n = p->torn ? -1 : output_write(p->fd, line, length);
	if (n == (ssize_t)length)
		return;
	p->torn = p->torn || n > 0;
	p->dropped++;
}

void print_finding(struct print *p, const struct finding *f)
{
	char line[PIPE_BUF];
	struct json_object *object;
	const char *text;
	size_t length = sizeof(line);

	if (p->format == PRINT_TEXT) {
		publish_text(f, line, sizeof(line) - 1);
		write_line(p, line, strlen(line));
		return;
	}
	object = publish_reset(f);
	text = object ? json_object_to_json_string_length(
				object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
				&length)
		      : NULL;
	if (text && length < sizeof(line)) {
		memcpy(line, text, length);
		write_line(p, line, length);
	} else {
		p->dropped++;
	}
	json_object_put(object);
}
