/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where lines go: the journal (native protocol), syslog (/dev/log) or stderr. Datagrams leave through
 * non-blocking sockets with a bounded queue and a counter of what was dropped: a stuck journald or
 * rsyslog never stops the daemon.
 */
#ifndef DAEMON_SINK_H
#define DAEMON_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sink_target {
	SINK_AUTO, /* the journal when its socket answers, else syslog */
	SINK_JOURNAL,
	SINK_SYSLOG,
	SINK_STDERR,
	SINK_NONE,
	SINK_TARGET_MAX,
};

const char *sink_target_name(unsigned int target);
int sink_target_parse(const char *text); /* -EINVAL */

/* First word of a line and MESSAGE_ID of its journal entry. */
enum line_kind {
	LINE_SUMMARY,
	LINE_RESET,
	LINE_LOSS,
	LINE_STATUS,
	LINE_TIMEOUT,
	LINE_INCIDENT,
	LINE_ALERT,
	LINE_RESOLVED,
	LINE_KIND_MAX,
};

const char *line_kind_name(unsigned int kind);	     /* "summary", ... */
const char *line_kind_message_id(unsigned int kind); /* 32 hexadecimal digits, never changed */

#define LINE_FIELDS_MAX 40
#define LINE_VALUE_MAX	128

/* One line: fields in order. Values are text as it is; quoting is done by the formatter. */
struct line {
	enum line_kind kind;
	int priority; /* LOG_INFO, ... of syslog.h */
	unsigned int n;
	struct {
		const char *key; /* JSON name, a literal */
		char value[LINE_VALUE_MAX]; /* cut at a character's boundary */
	} field[LINE_FIELDS_MAX];
};

void line_start(struct line *l, enum line_kind kind, int priority);
void line_add(struct line *l, const char *key, const char *value); /* beyond the limit: ignored */
void line_add_u64(struct line *l, const char *key, uint64_t value);
void line_add_format(struct line *l, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* logfmt: "summary direction=sent comm=\"\" count=37"; values outside [A-Za-z0-9_.:/@+-] are quoted,
 * control bytes, quotes and backslashes escaped. Cut below RSTMON_LOG_LINE_MAX at a field's end.
 * Returns the length. Pure. */
size_t line_format(const struct line *l, char *dst, size_t size);

/* logfmt of one "key=value" appended at 'dst' + 'at', which holds a line already; nothing if it does
 * not fit into 'size' bytes, its end included. Returns the new length. Pure. */
size_t line_append(char *dst, size_t size, size_t at, const char *key, const char *value);

struct sink;

/* Opens the target. -ENOTCONN: SINK_JOURNAL, and no journal is there. A missing /dev/log is no error:
 * it is looked for again, at most once a second. 'prefix' replaces /run and /dev
 * of the two sockets' paths in tests, NULL else. */
int sink_new(enum sink_target target, const char *prefix, struct sink **ret);
void sink_free(struct sink *s);

/* Sends or queues; never blocks. */
void sink_write(struct sink *s, const struct line *l);

/* A free sentence of the daemon itself ("status" kind, for starts, stops and errors): it becomes
 * status message="...", cut like any line. */
void sink_say(struct sink *s, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sends what is queued; called by the loop's timer while sink_pending(). Reopens a socket whose
 * reader was restarted. True: at least one line is out. */
bool sink_flush(struct sink *s);
bool sink_pending(const struct sink *s);

/* The last flush, before a sink is freed: waits for room at most 'max_ms', and not at all while there
 * is no reader. Returns the lines that are left. */
unsigned int sink_finish(struct sink *s, unsigned int max_ms);

/* 'old' is replaced by 's' and freed: what is queued there goes out now or counts as dropped, and the
 * count of the dropped goes on. */
void sink_replace(struct sink *s, struct sink *old);

uint64_t sink_dropped(const struct sink *s); /* lines: the queue was full, or the target refused */
enum sink_target sink_active(const struct sink *s); /* what AUTO became */

#endif
