/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One client: takes its calls one after the other, queues what it is to get and sends that as fast
 * as it reads. It must never block, never hold more than the limits say, and never be freed by a
 * publication. Proved by tests/unit/daemon/server.c.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "daemon/server_internal.h"

#define READ_BYTES 16384

static void client_arm(struct client *c)
{
	bool calls = !c->watching && !c->closing;
	uint32_t events = 0;

	/* With output or a call waiting the next turn comes at once, or as soon as it reads. */
	if (c->first || c->work || (calls && varlink_input_ready(&c->input)))
		events |= EPOLLOUT;
	else if (calls && !c->ended)
		events |= EPOLLIN;
	sd_event_source_set_io_events(c->io, events);
	/* a watcher that has stopped, in a pager perhaps, loses lines and is told how many */
	sd_event_source_set_enabled(c->timer, c->watching ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int client_watch(struct client *c, struct server_reply *reply)
{
	c->watching = true;
	c->server->stats.watchers++;
	c->filter = TAKE_PTR(reply->filter);
	c->since = c->server->published;
	server_source_behind(c->io, true);
	varlink_input_done(&c->input); /* nothing that it says is heard from here on */
	return client_backlog(c, reply);
}

static void too_many_watchers(struct server *s, struct server_reply *reply)
{
	s->stats.refused++;
	server_reply_done(reply);
	server_reply_error(reply, RSTMON_VARLINK_INTERFACE ".TooManyWatchers", NULL, NULL,
			   "As many clients watch as rstmond takes; try again later.");
}

static int client_answer(struct client *c, struct server_reply *reply)
{
	size_t *account = &c->server->text_bytes;

	/* The other places stay free for short questions, such as what is going on here. */
	if (reply->watch && c->server->stats.watchers >= server_watchers_max(c->server))
		too_many_watchers(c->server, reply);
	if (reply->error)
		return client_queue(c, varlink_error(reply->error, reply->parameters, account));
	if (reply->watch)
		return client_watch(c, reply);
	return client_queue(c, varlink_reply(reply->parameters, false, account));
}

/* The stream is out of step: say why, then close. */
static int client_refuse(struct client *c, const char *message)
{
	_cleanup_(server_reply_done) struct server_reply reply = {0};

	c->server->stats.bad_messages++;
	c->closing = true;
	server_reply_error(&reply, RSTMON_VARLINK_INTERFACE ".BadMessage", NULL, NULL, message);
	return client_answer(c, &reply);
}

static void client_start_work(struct client *c, struct server_work *w)
{
	c->work = w;
	c->server->text_bytes += w->bytes;
}

/* Its work, if any, to be freed by the caller. */
static struct server_work *client_end_work(struct client *c)
{
	if (c->work)
		c->server->text_bytes -= c->work->bytes;
	return TAKE_PTR(c->work);
}

/* The next part of an answer. */
static int client_work(struct client *c)
{
	_cleanup_(server_reply_done) struct server_reply reply = {.work = client_end_work(c)};

	if (server_work_step(&reply))
		return client_answer(c, &reply);
	client_start_work(c, TAKE_PTR(reply.work));
	return 1;
}

/* Takes one call out of the input and answers it. 1: done; 0: there is none. */
static int client_call(struct client *c)
{
	_cleanup_(server_reply_done) struct server_reply reply = {0};
	struct server *s = c->server;
	struct json_object *message;
	const char *error = NULL;
	bool oneway = false, busy;
	int r;

	r = varlink_input_next(&c->input, &message, &error);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (r < 0)
		return client_refuse(c, error);

	client_touch(c);
	busy = server_busy(s);
	reply.fresh = c->heard <= s->refreshed;
	r = server_call(s->methods, s->n_methods, s->userdata, busy, message, &reply, &oneway);
	json_object_put(message);
	if (r < 0)
		return client_refuse(c, "The message is not a Varlink call.");
	if (oneway)
		return 1;
	s->stats.busy += busy;
	if (reply.refreshed)
		s->refreshed = s->heard;
	if (reply.work) {
		client_start_work(c, TAKE_PTR(reply.work));
		return 1;
	}
	r = client_answer(c, &reply);
	return r < 0 ? r : 1;
}

static int client_read(struct client *c)
{
	char bytes[READ_BYTES];
	ssize_t n;

	n = recv(c->fd, bytes, MIN(sizeof(bytes), varlink_input_room(&c->input)), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		c->ended = true;
	c->heard = ++c->server->heard;
	return varlink_input_add(&c->input, bytes, n);
}

/* One turn: one call at most or a part of it, then the others have theirs. A negative value: the
 * client is done with, for better or worse. */
static int client_turn(struct client *c, uint32_t events)
{
	int r;

	if (events & (EPOLLERR | EPOLLHUP))
		return -ECONNRESET;
	r = client_flush(c);
	if (r < 0)
		return r;
	if ((events & EPOLLIN) && !c->ended && varlink_input_room(&c->input) > 0) {
		r = client_read(c);
		if (r < 0)
			return r;
		/* Its call has its turn when the others were heard: what happened before all of
		 * them asked is counted once. */
		if (varlink_input_ready(&c->input))
			return 0;
	}
	if (!c->first && !c->watching && !c->closing) {
		r = c->work ? client_work(c) : client_call(c);
		if (r < 0)
			return r;
	}
	r = client_flush(c);
	if (r < 0)
		return r;
	if (c->choked && c->queued <= RSTMON_OUTPUT_MAX / 2)
		c->choked = false;

	/* A half-closed client got its replies; half a message will never be whole. */
	if (!c->first && !c->work &&
	    (c->closing || (c->ended && !c->watching && !varlink_input_ready(&c->input))))
		return -ENOTCONN;
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct client *c = userdata;

	(void)source;
	(void)fd;
	if (client_turn(c, events) < 0)
		client_free(c);
	else
		client_arm(c);
	return 0;
}

/* The socket tells that there is room when it is mostly empty; one that reads slowly has made some
 * before. */
static bool client_reads(struct client *c)
{
	size_t queued = c->queued, sent = c->sent;

	return client_flush(c) == 0 && (c->queued != queued || c->sent != sent);
}

static int on_timeout(sd_event_source *source, uint64_t time, void *userdata)
{
	struct client *c = userdata;

	(void)source;
	(void)time;
	if (c->first) {
		if (client_reads(c)) {
			client_arm(c);
			return 0;
		}
		c->server->stats.stalled++;
	}
	client_free(c);
	return 0;
}

static int client_start(struct client *c)
{
	sd_event *event = c->server->event;
	int r;

	r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_io, c);
	if (r < 0)
		return r;
	r = server_source_behind(c->io, false);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &c->timer, CLOCK_MONOTONIC,
				       c->server->limits.idle_timeout_ns / 1000, 0, on_timeout, c);
	if (r < 0)
		return r;
	return server_source_behind(c->timer, false);
}

int client_new(struct server *s, int fd)
{
	struct client *c;
	int r;

	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->server = s;
	c->fd = fd;
	c->last = &c->first;
	c->next = s->clients;
	c->prev = &s->clients;
	if (c->next)
		c->next->prev = &c->next;
	s->clients = c;
	s->stats.clients++;

	r = client_start(c);
	if (r < 0)
		client_free(c);
	return r;
}

void client_free(struct client *c)
{
	struct server_work *work;

	if (!c)
		return;
	work = client_end_work(c);
	if (work)
		work->free(work);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->server->stats.clients--;
	if (c->watching)
		c->server->stats.watchers--;

	sd_event_source_disable_unref(c->io);
	sd_event_source_disable_unref(c->timer);
	close(c->fd);
	client_clear(c);
	varlink_input_done(&c->input);
	filter_free(c->filter);
	free(c);
}
