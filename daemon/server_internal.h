/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the server's own files share:
 *
 *	server.c	 the server as others see it: accepting, publishing, counting
 *	server_socket.c	 how the listening socket comes to be
 *	server_client.c	 one client: its calls, its time, its end
 *	server_output.c	 what it is to get: queue and sending
 *	server_lines.c	 lines of watchers: how many, when, and what each loses
 *	server_call.c	 one message: its envelope, org.varlink.service, the table of methods
 */
#ifndef DAEMON_SERVER_INTERNAL_H
#define DAEMON_SERVER_INTERNAL_H

#include "daemon/server.h"
#include "daemon/varlink.h"

struct client;

struct server {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *pause; /* turns 'io' on again */
	int fd;
	int reserve_fd; /* given up for a moment to accept and refuse when no descriptor is left */
	char *path;	/* of the socket that this process made, NULL else */
	uint64_t device, inode; /* of it */
	struct server_limits limits;
	const struct server_method *methods;
	size_t n_methods;
	void *userdata;
	struct client *clients;
	uint64_t heard, refreshed; /* number of times that a client said something, and as of the last
				    * time that what had happened was counted */
	unsigned int lines;	/* that may be made now */
	uint64_t lines_time;	/* when that was computed, us of the loop's clock */
	bool flooded;		/* there were none left, and not yet enough again */
	sd_event_source *making; /* on while lines wait to be made */
	struct waiting *waiting, **waiting_last;
	unsigned int n_waiting;
	uint64_t published; /* findings that ever waited */
	struct server_stats stats; /* 'memory' is computed when asked for */
	size_t text_bytes;	   /* of replies that live */
};

struct output;

struct client {
	/* what each finding looks at, of each watcher */
	struct client *next, **prev;
	struct filter *filter;
	uint64_t dropped; /* lines since the last one that it got */
	uint64_t dropped_later; /* the same, behind all that wait to be made */
	uint64_t since; /* what was published up to here was told by its call */
	uint64_t heard; /* server.heard, when it said something last */
	bool watching;
	bool choked;  /* its queue was full and is not yet half empty again */
	bool ended;   /* nothing more comes from it */
	bool closing; /* to be closed when all is sent */

	struct server *server;
	int fd;
	sd_event_source *io, *timer;
	struct varlink_input input;
	struct output *first, **last; /* texts to be sent */
	size_t sent;		      /* bytes of the first one that are gone */
	size_t queued;		      /* bytes of all, with what holds them */
	struct server_work *work;     /* its call is being answered */
};

/* What serves clients waits for what counts resets, and calls wait for lines of watchers: these are
 * few, but for a flood. */
int server_source_behind(sd_event_source *source, bool lines);
/* True if no more may be made to wait for clients. */
bool server_busy(const struct server *s);
unsigned int server_watchers_max(const struct server *s);

int lines_new(struct server *s);
void lines_free(struct server *s);
size_t lines_memory(const struct server *s);

int client_new(struct server *s, int fd);
void client_free(struct client *c);

/* Takes 'text' over, NULL being a failure to make it. */
int client_queue(struct client *c, struct varlink_text *text);
/* Of a watcher, for one more line. */
bool client_has_room(const struct client *c, const struct varlink_text *text);
/* Queues what there was before the first live line; what does not fit is the oldest of it. */
int client_backlog(struct client *c, struct server_reply *reply);
/* Sends what it takes now. */
int client_flush(struct client *c);
void client_clear(struct client *c);
/* Every sign of life moves the end of its time. A watcher's call runs as long as it likes, but who has
 * something to read has to read. */
void client_touch(struct client *c);

/* Answers one message; of '*ret' only 'fresh' is read. 'busy': with an error, no method is run. '*ret_oneway': no reply may be sent,
 * and none was made. -EBADMSG: not a call. */
int server_call(const struct server_method *methods, size_t n_methods, void *userdata, bool busy,
		struct json_object *message, struct server_reply *ret, bool *ret_oneway);

/* Makes the listening socket at 'path'; fills 's' with it. */
int server_socket_open(struct server *s, const char *path, const char *group);
void server_socket_remove(struct server *s);

#endif
