/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two protocols behind daemon/sink.h: how a line is framed for each, and how its socket is opened.
 * Only sink.c and the tests include this.
 */
#ifndef DAEMON_SINK_FRAME_H
#define DAEMON_SINK_FRAME_H

#include <sys/types.h>
#include <time.h>

#include "daemon/sink.h"

/* A line with all its fields in the journal's binary form fits: asserted in sink_journal.c. */
#define SINK_FRAME_MAX 12288

#define SINK_QUEUE_LINES 1024
#define SINK_QUEUE_BYTES (2U << 20)
#define SINK_REOPEN_NS	 1000000000ULL /* between two attempts to find a reader that went away */

/* Native journal protocol. 'text' becomes MESSAGE, the fields of 'l' RST_*. Returns the size, a field
 * that does not fit is left out. Pure. */
size_t journal_frame(const struct line *l, const char *text, char *dst, size_t size);

/* RFC 3164, "<30>Nov  2 07:31:36 rstmond[812]: text". Returns the length. Pure. */
size_t syslog_frame(int priority, const struct tm *local, pid_t pid, const char *text, char *dst,
		    size_t size);

/* Connected, non-blocking sockets; -errno of the connection. 'ret_stream': records end with NUL. */
int journal_open(const char *prefix, int *ret_fd);
int syslog_open(const char *prefix, int *ret_fd, bool *ret_stream);

/* sink_syslog.c: connects a Unix socket of 'type' to 'directory'/'name'. */
int sink_connect(const char *directory, const char *name, int type, int *ret_fd);

/* Replaces the monotonic clock of one sink, so that no test needs to wait for SINK_REOPEN_NS. */
void sink_set_clock(struct sink *s, uint64_t (*now)(void));

#endif
