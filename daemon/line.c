/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of the log as fields, and its text as logfmt. Must not send anything, read a clock or keep
 * state. Values may hold any byte that a process or a peer put there; the text holds only printable
 * UTF-8 on one line. Proved by tests/unit/daemon/line.c.
 */
#include "common/util.h"

#include <inttypes.h>
#include <stdarg.h>

#include "daemon/sink.h"
#include "rstmon/interface.h"

/* The ids are for ever: people search the journal and write catalogs by them. */
static const struct {
	const char *name;
	const char *message_id;
} kinds[] = {
	[LINE_SUMMARY] = {"summary", "6b6e7c436ecb4f64a1460bcbd2778b28"},
	[LINE_RESET] = {"reset", "859d84b9bbef4454b759fa994151db09"},
	[LINE_LOSS] = {"loss", "8d045fb932f94ef2b95e91dc5d400a38"},
	[LINE_STATUS] = {"status", "884e98e44f354770aeee416e992f998c"},
	[LINE_TIMEOUT] = {"timeout", "c8fe1df5255c97a1bb75a08e85a52090"},
	[LINE_INCIDENT] = {"incident", "322229ebcd7e1268448cded39abd64b8"},
	[LINE_ALERT] = {"alert", "86449498aa9840ebb8918aafe74ad2f6"},
	[LINE_RESOLVED] = {"resolved", "424d3615678f427f9c6554c7fe06a6fd"},
};

_Static_assert(ARRAY_SIZE(kinds) == LINE_KIND_MAX, "a kind of line without a name");

const char *line_kind_name(unsigned int kind)
{
	return kind < LINE_KIND_MAX ? kinds[kind].name : "invalid";
}

const char *line_kind_message_id(unsigned int kind)
{
	return kind < LINE_KIND_MAX ? kinds[kind].message_id : "";
}

/* Length of the valid UTF-8 character at 'p', 0 if there is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *p)
{
	unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t n;

	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;

	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* beyond Unicode */

	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void line_start(struct line *l, enum line_kind kind, int priority)
{
	l->kind = kind;
	l->priority = priority;
	l->n = 0;
}

void line_add(struct line *l, const char *key, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;
	char *dst;
	size_t n = 0;

	if (l->n >= LINE_FIELDS_MAX)
		return;

	/* A byte that is no UTF-8 counts as a character of its own; it is escaped later. */
	while (p[n]) {
		size_t length = MAX(utf8_length(p + n), (size_t)1);

		if (n + length >= LINE_VALUE_MAX)
			break;
		n += length;
	}

	dst = l->field[l->n].value;
	memcpy(dst, value, n);
	dst[n] = '\0';
	l->field[l->n++].key = key;
}

void line_add_u64(struct line *l, const char *key, uint64_t value)
{
	line_add_format(l, key, "%" PRIu64, value);
}

void line_add_format(struct line *l, const char *key, const char *format, ...)
{
	char value[4 * LINE_VALUE_MAX];
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(value, sizeof(value), format, ap) < 0)
		value[0] = '\0';
	va_end(ap);
	line_add(l, key, value);
}

static bool is_bare(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("_.:/@+-", c));
}

static bool needs_quotes(const char *value)
{
	if (!*value)
		return true;
	for (; *value; value++)
		if (!is_bare((unsigned char)*value))
			return true;
	return false;
}

/* What the character at 'p' becomes between quotes: puts at most 8 bytes and an end, gives the
 * number of bytes read. */
static size_t escape(const unsigned char *p, char dst[9])
{
	size_t n = utf8_length(p);
	/* C1 controls move a terminal's cursor as C0 ones do */
	bool control = *p < 0x20 || *p == 0x7f || (*p == 0xc2 && n == 2 && p[1] < 0xa0);

	if (*p == '"' || *p == '\\')
		snprintf(dst, 9, "\\%c", *p);
	else if (*p == '\n')
		snprintf(dst, 9, "\\n");
	else if (*p == '\t')
		snprintf(dst, 9, "\\t");
	else if (*p == '\r')
		snprintf(dst, 9, "\\r");
	else if (control && n == 2)
		snprintf(dst, 9, "\\x%02x\\x%02x", p[0], p[1]);
	else if (control || n == 0)
		snprintf(dst, 9, "\\x%02x", *p);
	else
		snprintf(dst, 9, "%.*s", (int)n, (const char *)p);
	return MAX(n, (size_t)1);
}

/* Appends 'text' at 'at' if it fits with its end; else gives 'size', which stays too long for all
 * that follows. */
static size_t put(char *dst, size_t size, size_t at, const char *text)
{
	size_t n = strlen(text);

	if (at >= size || n >= size - at)
		return size;
	memcpy(dst + at, text, n + 1);
	return at + n;
}

static size_t put_quoted(char *dst, size_t size, size_t at, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;
	char escaped[9];

	at = put(dst, size, at, "\"");
	while (*p) {
		p += escape(p, escaped);
		at = put(dst, size, at, escaped);
	}
	return put(dst, size, at, "\"");
}

size_t line_append(char *dst, size_t size, size_t at, const char *key, const char *value)
{
	size_t end;

	if (at >= size)
		return at;

	end = put(dst, size, at, " ");
	end = put(dst, size, end, key);
	end = put(dst, size, end, "=");
	if (needs_quotes(value))
		end = put_quoted(dst, size, end, value);
	else
		end = put(dst, size, end, value);

	if (end >= size) {
		dst[at] = '\0'; /* a part of a field is worse than none */
		return at;
	}
	return end;
}

size_t line_format(const struct line *l, char *dst, size_t size)
{
	size_t at;

	if (size == 0)
		return 0;
	size = MIN(size, (size_t)RSTMON_LOG_LINE_MAX);

	dst[0] = '\0';
	at = put(dst, size, 0, line_kind_name(l->kind));
	if (at >= size)
		return 0;

	/* The first field that does not fit ends the line: fields are in order of importance. */
	for (unsigned int i = 0; i < l->n; i++) {
		size_t end = line_append(dst, size, at, l->field[i].key, l->field[i].value);

		if (end == at)
			break;
		at = end;
	}
	return at;
}
