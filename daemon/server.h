/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Varlink server on the Unix socket: framing, limits, clients, watchers. It knows methods only as
 * a table; what they answer is methods.c's business.
 *
 * Limits: clients, watchers, bytes of a message, JSON depth, bytes queued to a client and to all,
 * seconds without a call and without reading.
 * A watcher whose queue is full loses lines; the next line it gets carries how many ("dropped"). In a
 * flood all watchers lose lines, so that making them does not take the time that the ring needs.
 * Nothing here blocks, and a client costs the ring nothing: one turn handles one call of each
 * client or a part of one, or makes some lines, and everything else in the loop goes before.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "common/filter.h"
#include "daemon/reset.h"

struct server;

struct server_limits {
	unsigned int clients;
	uint64_t idle_timeout_ns;
	uint64_t stall_timeout_ns;     /* 0: RSTMON_STALL_TIMEOUT_S */
	unsigned int lines_per_second; /* for watchers; 0: RSTMON_WATCH_LINES_PER_S */
};

/* What a method gives back. On error 'error' is a Varlink error name ("io.rstmon.BadFilter",
 * "org.varlink.service.InvalidParameter") and 'parameters' its parameters, with a readable
 * "message". Otherwise 'parameters' is the reply. The caller owns 'parameters'. */
struct server_reply {
	bool fresh; /* before the call: nothing can have happened before it that is not counted yet */
	bool refreshed; /* all that had happened has been counted now, so calls that wait are fresh */
	const char *error;
	struct json_object *parameters;
	bool watch;	       /* go on sending: the client becomes a watcher ... */
	struct filter *filter; /* ... of these; the server owns it then */
	struct json_object **backlog; /* replies before the first live one (watch --last), owned by */
	size_t n_backlog;	      /* the server then */
	uint64_t dropped;	      /* lines of the backlog that were left out */
	struct server_work *work; /* instead of all of these: the answer takes more than one turn */
};

/* An answer that is made in parts, so that the ring is read in between. */
struct server_work {
	/* Makes a part, a few milliseconds at most. True: it was the last, and 'ret' is filled in as a
	 * method does (but for 'work'). */
	bool (*step)(struct server_work *w, struct server_reply *ret);
	void (*free)(struct server_work *w);
	size_t bytes; /* that it may come to hold: they count as waiting for its client */
};

/* Fills 'ret' with an error, its readable text and, if 'key' is not NULL, one more parameter
 * ("parameter", "method", ...). */
void server_reply_error(struct server_reply *ret, const char *error, const char *key,
			const char *value, const char *message);
void server_reply_done(struct server_reply *reply);

/* Takes the next step of the work in 'reply'; true: there was none, or it was the last one, and the
 * reply is there. */
bool server_work_step(struct server_reply *reply);

struct server_method {
	const char *name; /* "io.rstmon.List" */
	void (*call)(struct json_object *parameters, bool more, void *userdata,
		     struct server_reply *ret);
};

/* Listens at 'path', or on the sockets that systemd passed ('listen_fd' >= 0, then owned). Takes over
 * a stale socket file; -EADDRINUSE if a live daemon answers there, -ENOTSOCK if something else is in its
 * place. 'group' gets the socket, mode 0660, where the group exists. */
int server_new(sd_event *event, const char *path, int listen_fd, const char *group,
	       const struct server_limits *limits, const struct server_method *methods,
	       size_t n_methods, void *userdata, struct server **ret);
void server_free(struct server *s);

/* Tells every watcher whose filter matches: not at once, in turns of the loop to come. The JSON is
 * made once, and only if somebody watches. */
void server_publish(struct server *s, const struct finding *f);
bool server_has_watchers(const struct server *s);

struct server_stats {
	unsigned int clients, watchers;
	uint64_t refused, dropped, bad_messages;
	uint64_t busy, stalled; /* calls put off, clients closed */
	size_t memory;
};
void server_stats(const struct server *s, struct server_stats *ret);

#endif
