/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Varlink client on a Unix socket: JSON objects, each ended by a NUL byte. Times out rather than
 * hangs, and takes messages of CLI_MESSAGE_MAX bytes at most.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#define CLI_MESSAGE_MAX	   (64U << 20)
#define CLI_CALL_TIMEOUT_S 20 /* for an answer, and for the socket to take a call */

struct cli_client;

/* -errno of socket(2) and connect(2), -EAGAIN: not within 'seconds'; -ENAMETOOLONG, -ENOMEM */
int cli_client_open(const char *path, unsigned int seconds, struct cli_client **ret);

/* Talks on 'fd' and owns it from then on, also on failure. */
int cli_client_new(int fd, struct cli_client **ret);
void cli_client_free(struct cli_client *c);

struct cli_reply {
	struct json_object *message;
	struct json_object *parameters; /* an object; lives with 'message' */
	const char *error;		/* Varlink error name, lives with 'message'; NULL: none */
	bool continues;
};

void cli_reply_done(struct cli_reply *r);

/* CLOCK_MONOTONIC, as deadlines are given. */
uint64_t cli_clock(void);

/* Borrows 'parameters'. Deadlines are of CLOCK_MONOTONIC in ns, 0: none. -ETIMEDOUT; -EPIPE: nobody
 * listens any more. */
int cli_client_send(struct cli_client *c, const char *method, struct json_object *parameters,
		    bool more, uint64_t deadline);

/* The caller ends 'ret' with cli_reply_done(). -ETIMEDOUT; -ECONNRESET: the daemon closed the
 * connection; -EMSGSIZE: too long a message; -EBADMSG: no Varlink reply; -ENOMEM; other -errno. */
int cli_client_receive(struct cli_client *c, uint64_t deadline, struct cli_reply *ret);

#endif
