/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Varlink server: accepts clients, tells watchers, counts. It must never block and never let a
 * client cost the ring more than one bounded turn. Proved by tests/unit/daemon/server.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/publish.h"
#include "daemon/server_internal.h"

#define ACCEPTS_PER_TURN 16

/* One error and out. Its own words, if any, are never read. */
static void refuse(struct server *s, int fd)
{
	_cleanup_(server_reply_done) struct server_reply reply = {0};
	struct varlink_text *text;

	s->stats.refused++;
	server_reply_error(&reply, RSTMON_VARLINK_INTERFACE ".TooManyClients", NULL, NULL,
			   "The daemon has as many clients as it takes; try again later.");
	text = varlink_error(reply.error, reply.parameters, &s->text_bytes);
	/* A fresh socket's buffer takes it; if not, the close says enough. */
	if (text && send(fd, text->data, text->size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		s->stats.dropped++;
	varlink_text_unref(text);
	close(fd);
}

/* No descriptor is left: without the reserve the loop would spin at the waiting client. */
static int accept_without_descriptors(struct server *s)
{
	int fd;

	if (s->reserve_fd < 0)
		return -EMFILE;
	close(s->reserve_fd);
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		refuse(s, fd);
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? 0 : -EAGAIN;
}

static int accept_one(struct server *s)
{
	int fd;

	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return accept_without_descriptors(s);
	if (fd < 0)
		return -errno;

	if (s->stats.clients >= s->limits.clients)
		refuse(s, fd);
	else if (client_new(s, fd) < 0)
		s->stats.refused++;
	return 0;
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct server *s = userdata;

	(void)source;
	(void)fd;
	(void)events;
	for (unsigned int i = 0; i < ACCEPTS_PER_TURN; i++)
		if (accept_one(s) < 0)
			break;
	return 0;
}

static void server_freep(struct server **s)
{
	server_free(*s);
}

static int server_start(struct server *s, const char *path, int listen_fd, const char *group)
{
	int r;

	if (listen_fd < 0) {
		r = server_socket_open(s, path, group);
		if (r < 0)
			return r;
	} else if (fcntl(listen_fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_accept, s);
}

int server_new(sd_event *event, const char *path, int listen_fd, const char *group,
	       const struct server_limits *limits, const struct server_method *methods,
	       size_t n_methods, void *userdata, struct server **ret)
{
	_cleanup_(server_freep) struct server *s = NULL;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s) {
		if (listen_fd >= 0)
			close(listen_fd);
		return -ENOMEM;
	}
	s->event = sd_event_ref(event);
	s->fd = listen_fd;
	s->reserve_fd = -1;
	s->limits = *limits;
	if (s->limits.lines_per_second == 0)
		s->limits.lines_per_second = RSTMON_WATCH_LINES_PER_S;
	s->lines = RSTMON_WATCH_LINES_BURST;
	s->methods = methods;
	s->n_methods = n_methods;
	s->userdata = userdata;

	r = server_start(s, path, listen_fd, group);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void server_free(struct server *s)
{
	if (!s)
		return;
	while (s->clients)
		client_free(s->clients);
	sd_event_source_disable_unref(s->io);
	server_socket_remove(s);
	if (s->fd >= 0)
		close(s->fd);
	if (s->reserve_fd >= 0)
		close(s->reserve_fd);
	sd_event_unref(s->event);
	free(s->path);
	free(s);
}

bool server_has_watchers(const struct server *s)
{
	return s->stats.watchers > 0;
}

/* Lines that came due since the last time. The loop's clock stands still during a turn, so that one
 * turn makes no more than a burst. */
static void refill_lines(struct server *s)
{
	unsigned int rate = s->limits.lines_per_second;
	uint64_t now, due;

	if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
		return;
	due = MIN(now - s->lines_time, (uint64_t)1000000) * rate / 1000000;
	if (due == 0)
		return;
	s->lines = (unsigned int)MIN(s->lines + due, (uint64_t)RSTMON_WATCH_LINES_BURST);
	s->lines_time = now;
}

bool server_line(struct server *s)
{
	refill_lines(s);
	/* Some at a time: else the first watcher in the list would take each as it comes due. */
	if (s->flooded && s->lines < RSTMON_WATCH_LINES_BURST / 4)
		return false;
	s->flooded = s->lines == 0;
	if (s->flooded)
		return false;
	s->lines--;
	return true;
}

void server_publish(struct server *s, const struct finding *f)
{
	struct publication p = {.finding = f};

	if (!server_has_watchers(s))
		return;
	for (struct client *c = s->clients; c; c = c->next)
		client_publish(c, &p);
	varlink_text_unref(p.text);
	json_object_put(p.json);
}

void server_stats(const struct server *s, struct server_stats *ret)
{
	*ret = s->stats;
	ret->memory = sizeof(*s) + s->text_bytes;
	for (const struct client *c = s->clients; c; c = c->next)
		ret->memory += sizeof(*c) + c->input.size;
}
