/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue before journal, syslog and stderr. Must never block, raise SIGPIPE or grow without
 * bound, whatever the reader does: what does not fit is dropped and counted. Only sink_finish()
 * waits, and not for long. This file and its
 * protocols read clocks, because a syslog line carries its own time. Proved by
 * tests/unit/daemon/sink.c.
 */
#include "common/util.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

#include "common/output.h"
#include "daemon/sink_queue.h"
#include "rstmon/interface.h"

struct sink {
	enum sink_target target; /* never AUTO */
	char *prefix;
	int fd; /* -1: no reader; stderr is not ours to close */
	bool stream;
	size_t sent; /* bytes of the first frame that a stream took already */
	uint64_t (*now)(void);
	uint64_t reopen_at;
	struct frame_queue queue;
	uint64_t dropped;
};

static const char *const target_names[] = {
	[SINK_AUTO] = "auto",	  [SINK_JOURNAL] = "journal", [SINK_SYSLOG] = "syslog",
	[SINK_STDERR] = "stderr", [SINK_NONE] = "none",
};

_Static_assert(ARRAY_SIZE(target_names) == SINK_TARGET_MAX, "a target without a name");

const char *sink_target_name(unsigned int target)
{
	return target < SINK_TARGET_MAX ? target_names[target] : "invalid";
}

int sink_target_parse(const char *text)
{
	for (int i = 0; i < SINK_TARGET_MAX; i++)
		if (!strcmp(text, target_names[i]))
			return i;
	return -EINVAL;
}

static uint64_t monotonic_now(void)
{
	struct timespec ts = {};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

void sink_set_clock(struct sink *s, uint64_t (*now)(void))
{
	s->now = now;
}

/* Opens the target's socket. AUTO is decided here, once: a journal that is away for a moment must
 * not make half of a log go elsewhere. */
static int sink_open(struct sink *s)
{
	int r;

	if (s->target == SINK_AUTO) {
		r = journal_open(s->prefix, &s->fd);
		s->target = r < 0 ? SINK_SYSLOG : SINK_JOURNAL;
		if (r == 0)
			return 0;
	}

	switch (s->target) {
	case SINK_JOURNAL:
		return journal_open(s->prefix, &s->fd);
	case SINK_SYSLOG:
		return syslog_open(s->prefix, &s->fd, &s->stream);
	case SINK_STDERR:
		s->fd = output_open(STDERR_FILENO);
		return 0;
	default:
		return 0;
	}
}

static void sink_close(struct sink *s)
{
	if (s->fd >= 0 && s->fd != STDERR_FILENO)
		close(s->fd);
	s->fd = -1;
	s->sent = 0; /* another reader gets the whole line */
}

static int sink_reopen(struct sink *s)
{
	uint64_t now = s->now();

	if (now < s->reopen_at)
		return -EAGAIN;
	s->reopen_at = now + SINK_REOPEN_NS;
	return sink_open(s);
}

int sink_new(enum sink_target target, const char *prefix, struct sink **ret)
{
	_cleanup_free_ struct sink *s = NULL;
	_cleanup_free_ char *copy = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	if (prefix) {
		copy = strdup(prefix);
		if (!copy)
			return -ENOMEM;
	}

	s->target = target;
	s->prefix = copy;
	s->fd = -1;
	s->now = monotonic_now;

	r = sink_open(s);
	if (r < 0 && s->target == SINK_JOURNAL)
		return -ENOTCONN;

	(void)TAKE_PTR(copy);
	*ret = TAKE_PTR(s);
	return 0;
}

void sink_free(struct sink *s)
{
	if (!s)
		return;
	frame_queue_done(&s->queue);
	sink_close(s);
	free(s->prefix);
	free(s);
}

/* Sends 'data' from s->sent on. 0: all is out. Behind 'size' bytes stands a NUL, which ends a
 * record on a stream and is no part of a datagram: which of the two it will be is known only now.
 */
static int send_rest(struct sink *s, const char *data, size_t size)
{
	if (s->stream)
		size++;
	while (s->sent < size) {
		ssize_t n;

		if (s->target == SINK_STDERR)
			n = output_write(s->fd, data + s->sent, size - s->sent);
		else
			n = send(s->fd, data + s->sent, size - s->sent,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno == ENOBUFS || errno == EWOULDBLOCK ? -EAGAIN : -errno;
		}
		s->sent += (size_t)n; /* a datagram goes whole or not at all */
	}
	s->sent = 0;
	return 0;
}

static bool reader_is_gone(const struct sink *s, int r)
{
	if (s->target == SINK_STDERR)
		return false; /* there is no other one to look for */
	return r == -ECONNREFUSED || r == -ECONNRESET || r == -ENOTCONN || r == -ENOENT ||
	       r == -EPIPE || r == -EDESTADDRREQ;
}

/* 0: sent. -EAGAIN: keep it for later. Else nobody will ever take it. */
static int transmit(struct sink *s, const char *data, size_t size)
{
	int r;

	if (s->fd < 0 && sink_reopen(s) < 0)
		return -EAGAIN;

	r = send_rest(s, data, size);
	if (!reader_is_gone(s, r)) {
		if (r < 0 && r != -EAGAIN)
			s->sent = 0;
		return r;
	}

	/* Restarted, most likely: the new reader has the same name. */
	sink_close(s);
	if (sink_reopen(s) < 0)
		return -EAGAIN;
	r = send_rest(s, data, size);
	if (reader_is_gone(s, r)) {
		sink_close(s);
		return -EAGAIN;
	}
	return r;
}

bool sink_flush(struct sink *s)
{
	struct frame *f;
	bool some = false;

	while ((f = frame_queue_first(&s->queue))) {
		int r = transmit(s, f->data, f->size);

		if (r == -EAGAIN)
			break;
		if (r < 0)
			s->dropped++;
		else
			some = true;
		frame_queue_drop_first(&s->queue);
	}
	return some;
}

/* A socket whose queue is short (net.unix.max_dgram_qlen) takes a few lines at a time. */
unsigned int sink_finish(struct sink *s, unsigned int max_ms)
{
	uint64_t end = monotonic_now() + max_ms * NSEC_PER_MSEC;
	struct pollfd p = {.events = POLLOUT};

	for (;;) {
		bool some = sink_flush(s);
		uint64_t now = monotonic_now();

		if (!sink_pending(s) || s->fd < 0 || now >= end)
			return frame_queue_length(&s->queue);
		p.fd = s->fd;
		p.revents = 0;
		/* room that is no room for this line must not make a loop without a pause */
		if (poll(&p, 1, (int)((end - now) / NSEC_PER_MSEC) + 1) > 0 && !some)
			poll(NULL, 0, 1);
	}
}

static void enqueue(struct sink *s, const char *data, size_t size)
{
	if (frame_queue_add(&s->queue, data, size))
		return;
	s->dropped++;
	if (s->sent > 0 && !sink_pending(s))
		sink_close(s); /* half of this line is out, a stream cannot go on */
}

static size_t frame_line(const struct sink *s, const struct line *l, const char *text, char *dst,
			 size_t size)
{
	struct tm local = {};
	time_t now;
	int n;

	switch (s->target) {
	case SINK_JOURNAL:
		return journal_frame(l, text, dst, size);
	case SINK_SYSLOG:
		now = time(NULL);
		localtime_r(&now, &local);
		return syslog_frame(l->priority, &local, getpid(), text, dst, size);
	default:
		n = snprintf(dst, size, "rstmond: %s\n", text);
		return n < 0 ? 0 : MIN((size_t)n, size - 1);
	}
}

/* Order is kept: nothing overtakes the queue. */
static void emit(struct sink *s, const struct line *l, const char *text)
{
	char data[SINK_FRAME_MAX];
	size_t size;
	int r = -EAGAIN;

	if (s->target == SINK_NONE)
		return;

	size = frame_line(s, l, text, data, sizeof(data) - 1);
	data[size] = '\0';
	sink_flush(s);
	if (!sink_pending(s))
		r = transmit(s, data, size);
	if (r == -EAGAIN)
		enqueue(s, data, size);
	else if (r < 0)
		s->dropped++;
}

void sink_write(struct sink *s, const struct line *l)
{
	char text[RSTMON_LOG_LINE_MAX];

	line_format(l, text, sizeof(text));
	emit(s, l, text);
}

void sink_say(struct sink *s, int priority, const char *format, ...)
{
	char text[RSTMON_LOG_LINE_MAX], message[RSTMON_LOG_LINE_MAX];
	struct line l;
	size_t at, n;
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(message, sizeof(message), format, ap) < 0)
		message[0] = '\0';
	va_end(ap);

	line_start(&l, LINE_STATUS, priority);
	at = line_format(&l, text, sizeof(text));
	n = strlen(message);
	/* Longer than a field may be, so it is shortened until it fits with its escapes. */
	while (line_append(text, sizeof(text), at, "message", message) == at && n > 0) {
		n -= MIN(n, (size_t)16);
		message[n] = '\0';
	}
	emit(s, &l, text);
}

bool sink_pending(const struct sink *s)
{
	return frame_queue_first(&s->queue) != NULL;
}

uint64_t sink_dropped(const struct sink *s)
{
	return s->dropped;
}

enum sink_target sink_active(const struct sink *s)
{
	return s->target;
}

void sink_replace(struct sink *s, struct sink *old)
{
	sink_flush(old);
	s->dropped += old->dropped;
	while (frame_queue_first(&old->queue)) {
		frame_queue_drop_first(&old->queue);
		s->dropped++;
	}
	sink_free(old);
}
