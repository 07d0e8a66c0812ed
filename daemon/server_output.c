/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a client is to get: queued here, sent as fast as it reads. It must never block, never hold
 * more than the limits say, and never free a client. Proved by tests/unit/daemon/server.c.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/object.h"
#include "daemon/server_internal.h"

#define SENDS_PER_TURN 16 /* of SEND_TEXTS texts */
#define SEND_TEXTS     32

struct output {
	struct output *next;
	struct varlink_text *text;
};

static size_t output_cost(const struct output *o)
{
	return o->text->size + sizeof(*o);
}

bool client_has_room(const struct client *c, const struct varlink_text *text)
{
	return c->queued + text->size + sizeof(struct output) <= RSTMON_OUTPUT_MAX;
}

int client_queue(struct client *c, struct varlink_text *text)
{
	struct output *o;

	if (!text)
		return -ENOMEM;
	o = malloc(sizeof(*o));
	if (!o) {
		varlink_text_unref(text);
		return -ENOMEM;
	}
	*o = (struct output){.text = text};
	*c->last = o;
	c->last = &o->next;
	c->queued += output_cost(o);
	/* The time to read runs from here, not from its last call. */
	if (c->first == o) {
		client_touch(c);
		sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
	}
	return 0;
}

static void client_drop_first(struct client *c)
{
	struct output *o = c->first;

	c->first = o->next;
	if (!c->first)
		c->last = &c->first;
	c->queued -= output_cost(o);
	c->sent = 0;
	varlink_text_unref(o->text);
	free(o);
}

void client_clear(struct client *c)
{
	while (c->first)
		client_drop_first(c);
}

void client_touch(struct client *c)
{
	const struct server_limits *l = &c->server->limits;

	sd_event_source_set_time_relative(
		c->timer, (c->first ? l->stall_timeout_ns : l->idle_timeout_ns) / 1000);
}

/* One sendmsg(). Returns the number of bytes, 0: it would block. */
static ssize_t client_send(struct client *c)
{
	struct iovec part[SEND_TEXTS];
	struct msghdr message = {.msg_iov = part};
	size_t skip = c->sent;
	ssize_t n;

	for (struct output *o = c->first; o && message.msg_iovlen < SEND_TEXTS; o = o->next) {
		part[message.msg_iovlen++] = (struct iovec){
			.iov_base = o->text->data + skip,
			.iov_len = o->text->size - skip,
		};
		skip = 0;
	}
	n = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return n;
}

int client_flush(struct client *c)
{
	for (unsigned int i = 0; c->first && i < SENDS_PER_TURN; i++) {
		ssize_t n = client_send(c);

		if (n <= 0)
			return (int)n;
		while (n > 0) {
			size_t left = c->first->text->size - c->sent;

			if ((size_t)n < left) {
				c->sent += n;
				break;
			}
			n -= left;
			client_drop_first(c);
		}
		client_touch(c);
	}
	return 0;
}

int client_backlog(struct client *c, struct server_reply *reply)
{
	size_t first = reply->n_backlog, room = RSTMON_OUTPUT_MAX;
	uint64_t dropped = reply->dropped;

	for (; first > 0; first--) {
		size_t n;

		if (!json_object_to_json_string_length(reply->backlog[first - 1], OBJECT_FORMAT,
						       &n))
			return -ENOMEM;
		if (n > room)
			break;
		room -= n;
	}
	dropped += first;
	c->server->stats.dropped += dropped;

	for (size_t i = first; i < reply->n_backlog; i++) {
		struct json_object *line = reply->backlog[i];
		int r;

		r = client_queue(c, varlink_reply(line, true, &c->server->text_bytes));
		if (r < 0)
			return r;
	}
	c->dropped = dropped;
	return 0;
}
