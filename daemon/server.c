/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Varlink server: accepts clients and counts. It must never block and never let a
 * client cost the ring more than one bounded turn. Proved by tests/unit/daemon/server.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/server_internal.h"

#define ACCEPTS_PER_TURN 16
#define PAUSE_USEC	 1000000

int server_source_behind(sd_event_source *source, bool lines)
{
	return sd_event_source_set_priority(source, SD_EVENT_PRIORITY_NORMAL + (lines ? 5 : 10));
}

bool server_busy(const struct server *s)
{
	return s->text_bytes > RSTMON_OUTSTANDING_MAX;
}

unsigned int server_watchers_max(const struct server *s)
{
	return MAX(s->limits.clients - s->limits.clients / 4, 1U);
}

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

static void reserve(struct server *s)
{
	if (s->reserve_fd < 0)
		s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Somebody who fills the places must not keep out those who could find out who does. */
static bool has_place(const struct server *s, int fd)
{
	unsigned int kept = MIN(RSTMON_CLIENTS_KEPT, s->limits.clients / 4);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (s->stats.clients + kept < s->limits.clients)
		return true;
	if (s->stats.clients >= s->limits.clients)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

/* No descriptor is left: without the reserve the client would wait for nothing. */
static int accept_without_descriptors(struct server *s)
{
	int fd, r = 0;

	if (s->reserve_fd < 0)
		return -EMFILE;
	close(TAKE_FD(s->reserve_fd));
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		refuse(s, fd);
	else
		r = -errno;
	reserve(s);
	return r;
}

static int accept_one(struct server *s)
{
	int fd;

	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		return accept_without_descriptors(s);
	if (fd < 0)
		return -errno;

	if (!has_place(s, fd))
		refuse(s, fd);
	else if (client_new(s, fd) < 0)
		s->stats.refused++;
	return 0;
}

/* The client goes on waiting, so the loop would spin: look again in a while. */
static void pause_accepting(struct server *s)
{
	if (sd_event_source_set_time_relative(s->pause, PAUSE_USEC) < 0 ||
	    sd_event_source_set_enabled(s->pause, SD_EVENT_ONESHOT) < 0)
		return;
	sd_event_source_set_enabled(s->io, SD_EVENT_OFF);
}

static int on_pause_over(sd_event_source *source, uint64_t time, void *userdata)
{
	struct server *s = userdata;

	(void)source;
	(void)time;
	return sd_event_source_set_enabled(s->io, SD_EVENT_ON);
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct server *s = userdata;
	int r = 0;

	(void)source;
	(void)fd;
	(void)events;
	reserve(s);
	for (unsigned int i = 0; i < ACCEPTS_PER_TURN && r == 0; i++)
		r = accept_one(s);
	if (r < 0 && r != -EAGAIN && r != -EINTR && r != -ECONNABORTED)
		pause_accepting(s);
	return 0;
}

static void server_freep(struct server **s)
{
	server_free(*s);
}

static int add_sources(struct server *s)
{
	int r;

	r = sd_event_add_time_relative(s->event, &s->pause, CLOCK_MONOTONIC, 0, 0, on_pause_over,
				       s);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(s->pause, SD_EVENT_OFF);
	if (r < 0)
		return r;
	r = server_source_behind(s->pause, false);
	if (r < 0)
		return r;
	r = lines_new(s);
	if (r < 0)
		return r;
	r = sd_event_add_io(s->event, &s->io, s->fd, EPOLLIN, on_accept, s);
	return r < 0 ? r : server_source_behind(s->io, false);
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
	reserve(s);
	return add_sources(s);
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
	if (s->limits.stall_timeout_ns == 0)
		s->limits.stall_timeout_ns = RSTMON_STALL_TIMEOUT_S * NSEC_PER_SEC;
	s->lines = RSTMON_WATCH_LINES_BURST;
	s->waiting_last = &s->waiting;
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
	lines_free(s);
	sd_event_source_disable_unref(s->io);
	sd_event_source_disable_unref(s->pause);
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

void server_stats(const struct server *s, struct server_stats *ret)
{
	*ret = s->stats;
	ret->memory = sizeof(*s) + s->text_bytes + lines_memory(s);
	for (const struct client *c = s->clients; c; c = c->next)
		ret->memory += sizeof(*c) + c->input.size;
}
