/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal's native protocol (systemd.io, "Native Journal Protocol"): one datagram of fields for
 * one entry. Must not block and must not use sd_journal_send(), which does. Frames are bounded, so
 * the memfd for large ones is not needed. Proved by tests/unit/daemon/sink.c.
 */
#include "common/util.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <sys/socket.h>

#include "daemon/sink_frame.h"
#include "rstmon/interface.h"

#define JOURNAL_NAME_MAX 64 /* of a field, journald ignores longer ones */

/* name, newline, length, value, newline for each field; the text; and the fixed ones */
_Static_assert(LINE_FIELDS_MAX *(JOURNAL_NAME_MAX + 1 + 8 + LINE_VALUE_MAX + 1) +
			       RSTMON_LOG_LINE_MAX + 512 <=
		       SINK_FRAME_MAX,
	       "a full line does not fit into a journal datagram");

/* One field: NAME=value, or where the value holds a newline NAME, newline, u64 length, value. */
static size_t put_field(char *dst, size_t size, size_t at, const char *name, const char *value)
{
	size_t name_length = strlen(name), length = strlen(value);
	uint64_t little = htole64(length);

	if (name_length + length + sizeof(little) + 2 > size - at)
		return at;

	memcpy(dst + at, name, name_length);
	at += name_length;
	if (strchr(value, '\n')) {
		dst[at++] = '\n';
		memcpy(dst + at, &little, sizeof(little));
		at += sizeof(little);
	} else {
		dst[at++] = '=';
	}
	memcpy(dst + at, value, length);
	at += length;
	dst[at++] = '\n';
	return at;
}

/* "exit_signal" -> "RST_EXIT_SIGNAL" */
static void field_name(const char *key, char dst[JOURNAL_NAME_MAX])
{
	size_t n = (size_t)snprintf(dst, JOURNAL_NAME_MAX, "RST_%s", key);

	for (size_t i = 0; i < MIN(n, (size_t)JOURNAL_NAME_MAX - 1); i++) {
		unsigned char c = (unsigned char)dst[i];

		dst[i] = isalnum(c) ? (char)toupper(c) : '_';
	}
}

size_t journal_frame(const struct line *l, const char *text, char *dst, size_t size)
{
	char name[JOURNAL_NAME_MAX];
	char priority[4];
	size_t at = 0;

	snprintf(priority, sizeof(priority), "%d", l->priority & 7);
	at = put_field(dst, size, at, "MESSAGE", text);
	at = put_field(dst, size, at, "PRIORITY", priority);
	at = put_field(dst, size, at, "SYSLOG_FACILITY", "3"); /* daemon */
	at = put_field(dst, size, at, "SYSLOG_IDENTIFIER", "rstmond");
	at = put_field(dst, size, at, "MESSAGE_ID", line_kind_message_id(l->kind));

	for (unsigned int i = 0; i < l->n; i++) {
		field_name(l->field[i].key, name);
		at = put_field(dst, size, at, name, l->field[i].value);
	}
	return at;
}

int journal_open(const char *prefix, int *ret_fd)
{
	char directory[4096];
	int n;

	n = snprintf(directory, sizeof(directory), "%s/systemd/journal", prefix ? prefix : "/run");
	if (n < 0 || (size_t)n >= sizeof(directory))
		return -ENAMETOOLONG;
	return sink_connect(directory, "socket", SOCK_DGRAM, ret_fd);
}
