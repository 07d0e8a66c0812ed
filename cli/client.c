/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Varlink framing over a Unix socket. Must survive a daemon that lies, stalls or vanishes, and must
 * not print. Proved by tests/unit/cli/client.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "cli/client.h"
#include "common/str.h"

#define READ_SIZE  65536
#define JSON_DEPTH 32

struct cli_client {
	int fd;
	char *data;
	size_t size, len; /* of 'data': allocated, in use */
	size_t taken;	  /* bytes at its beginning that were handed out */
	size_t scanned;	  /* bytes after 'taken' that hold no NUL */
};

uint64_t cli_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

int cli_client_new(int fd, struct cli_client **ret)
{
	struct cli_client *c = calloc(1, sizeof(*c));
	int flags = fcntl(fd, F_GETFL);

	if (!c || flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		int r = c ? -errno : -ENOMEM;

		free(c);
		close(fd);
		return r;
	}
	c->fd = fd;
	*ret = c;
	return 0;
}

int cli_client_open(const char *path, unsigned int seconds, struct cli_client **ret)
{
	/* connect() waits while the daemon's queue is full, but not forever */
	const struct timeval patience = {.tv_sec = seconds};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (!str_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return cli_client_new(TAKE_FD(fd), ret);
}

void cli_client_free(struct cli_client *c)
{
	if (!c)
		return;
	close(c->fd);
	free(c->data);
	free(c);
}

void cli_reply_done(struct cli_reply *r)
{
	json_object_put(r->message);
	*r = (struct cli_reply){};
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		uint64_t now = cli_clock();
		struct timespec left = {};
		int n;

		if (deadline > now) {
			left.tv_sec = (time_t)((deadline - now) / NSEC_PER_SEC);
			left.tv_nsec = (long)((deadline - now) % NSEC_PER_SEC);
		}
		n = ppoll(&p, 1, deadline ? &left : NULL, NULL);
		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

static int send_all(int fd, const char *data, size_t len, uint64_t deadline)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		int r;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for(fd, POLLOUT, deadline);
		if (r < 0)
			return r;
	}
	return 0;
}

int cli_client_send(struct cli_client *c, const char *method, struct json_object *parameters,
		    bool more, uint64_t deadline)
{
	struct json_object *call = json_object_new_object();
	const char *text;
	size_t len;
	int r = -ENOMEM;

	if (!call)
		return -ENOMEM;
	if (json_object_object_add(call, "method", json_object_new_string(method)) < 0 ||
	    json_object_object_add(call, "parameters", json_object_get(parameters)) < 0 ||
	    (more && json_object_object_add(call, "more", json_object_new_boolean(true)) < 0))
		goto out;
	text = json_object_to_json_string_length(
		call, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (text)
		r = send_all(c->fd, text, len + 1, deadline); /* its NUL ends the message */
out:
	json_object_put(call);
	return r;
}

/* Takes 'message' over. */
static int check_reply(struct json_object *message, struct cli_reply *ret)
{
	struct cli_reply r = {.message = message};
	struct json_object *error = NULL, *continues = NULL;

	if (!json_object_is_type(message, json_type_object))
		goto bad;
	if (json_object_object_get_ex(message, "error", &error) && error) {
		if (!json_object_is_type(error, json_type_string))
			goto bad;
		r.error = json_object_get_string(error);
	}
	if (!json_object_object_get_ex(message, "parameters", &r.parameters) || !r.parameters) {
		r.parameters = json_object_new_object();
		if (!r.parameters ||
		    json_object_object_add(message, "parameters", r.parameters) < 0)
			goto bad;
	}
	if (!json_object_is_type(r.parameters, json_type_object))
		goto bad;
	if (json_object_object_get_ex(message, "continues", &continues))
		r.continues = json_object_get_boolean(continues);
	*ret = r;
	return 0;
bad:
	json_object_put(message);
	return -EBADMSG;
}

static int parse_reply(const char *data, size_t len, struct cli_reply *ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH);
	struct json_object *message;
	bool whole;

	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* with the NUL, so that a bare number is complete as well */
	message = json_tokener_parse_ex(tokener, data, (int)len + 1);
	whole = json_tokener_get_error(tokener) == json_tokener_success &&
		json_tokener_get_parse_end(tokener) == len;
	json_tokener_free(tokener);
	if (!whole || !message) {
		json_object_put(message);
		return -EBADMSG;
	}
	return check_reply(message, ret);
}

/* 1: took a message; 0: none is complete. */
static int take_message(struct cli_client *c, struct cli_reply *ret)
{
	char *start = c->data + c->taken;
	size_t len = c->len - c->taken;
	char *end = len > c->scanned ? memchr(start + c->scanned, 0, len - c->scanned) : NULL;
	int r;

	if (!end) {
		c->scanned = len;
		return len > CLI_MESSAGE_MAX ? -EMSGSIZE : 0;
	}
	if ((size_t)(end - start) > CLI_MESSAGE_MAX)
		return -EMSGSIZE;
	c->taken += (size_t)(end - start) + 1;
	c->scanned = 0;
	r = parse_reply(start, (size_t)(end - start), ret);
	return r < 0 ? r : 1;
}

static int make_room(struct cli_client *c)
{
	size_t size = c->size;
	char *data;

	if (c->taken) {
		memmove(c->data, c->data + c->taken, c->len - c->taken);
		c->len -= c->taken;
		c->taken = 0;
	}
	while (size - c->len < READ_SIZE)
		size = size ? 2 * size : (size_t)2 * READ_SIZE;
	if (size == c->size)
		return 0;
	data = realloc(c->data, size);
	if (!data)
		return -ENOMEM;
	c->data = data;
	c->size = size;
	return 0;
}

static int read_more(struct cli_client *c, uint64_t deadline)
{
	int r = make_room(c);

	if (r < 0)
		return r;
	for (;;) {
		ssize_t n = recv(c->fd, c->data + c->len, READ_SIZE, 0);

		if (n > 0) {
			c->len += (size_t)n;
			return 0;
		}
		if (n == 0)
			return -ECONNRESET;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		r = wait_for(c->fd, POLLIN, deadline);
		if (r < 0)
			return r;
	}
}

int cli_client_receive(struct cli_client *c, uint64_t deadline, struct cli_reply *ret)
{
	for (;;) {
		int r = take_message(c, ret);

		if (r)
			return r < 0 ? r : 0;
		/* a daemon that never stops talking does not outrun the deadline */
		if (deadline && cli_clock() >= deadline)
			return -ETIMEDOUT;
		r = read_more(c, deadline);
		if (r < 0)
			return r;
	}
}
