/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Actors: processes that do to sockets what they are told, one call at a time, so that a scenario is a
 * script that knows at each line which process did what. A stage is the process that directs them, in
 * a network namespace of its own.
 *
 * Every call that a scenario makes here either succeeds or ends the stage with a sentence in
 * stage->truth->failure; nothing has to be checked by the scenario.
 */
#ifndef TESTS_LIVE_ACTOR_H
#define TESTS_LIVE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/live/truth.h"

enum act {
	ACT_LISTEN,	 /* family, port, backlog -> fd; SO_REUSEPORT always */
	ACT_CONNECT,	 /* family (LIVE_MAPPED: IPv6 socket, IPv4 peer), port -> fd */
	ACT_TRY_CONNECT, /* the same, the error is no failure */
	ACT_ACCEPT,	 /* fd -> fd, waits some seconds */
	ACT_TRY_ACCEPT,	 /* fd -> fd or -EAGAIN */
	ACT_READ,	 /* fd, n: reads exactly n bytes */
	ACT_READ_BLOCK,	 /* fd: one blocking read, its error is no failure */
	ACT_WRITE,	 /* fd, n */
	ACT_AWAIT,	 /* fd, n: until n bytes are there unread */
	ACT_AWAIT_END,	 /* fd: until the peer has closed or reset */
	ACT_AWAIT_RESET, /* fd: until the socket is in error or gone */
	ACT_CLOSE,	 /* fd */
	ACT_SHUTDOWN,	 /* fd, how */
	ACT_LINGER0,	 /* fd */
	ACT_KEEPALIVE,	 /* fd: after 1 s, every 1 s, twice */
	ACT_UNSPEC,	 /* fd: connect(AF_UNSPEC) */
	ACT_LOCAL_PORT,	 /* fd -> port */
	ACT_PASS,	 /* fd: sends it to whoever takes */
	ACT_TAKE,	 /* -> fd */
	ACT_FORK,	 /* -> a new actor that has all descriptors; by actor_fork() */
	ACT_EXEC,	 /* becomes the program 'text', which is this one again */
	ACT_NAME,	 /* renames itself to 'text' */
	ACT_CGROUP,	 /* enters the cgroup whose directory is 'text' */
	ACT_LEAVE_NETNS, /* moves to a fresh network namespace */
	ACT_SPIN_ACCEPT, /* fd: accepts without waiting until truth->stop */
	ACT_EPOLL,	 /* fd: waits for it in epoll_wait() */
	ACT_EXIT,	 /* code */
};

#define LIVE_MAPPED (-2)

struct actor {
	pid_t pid; /* as the host sees it */
	int rpc;
	char comm[LIVE_COMM_MAX];
	bool gone; /* reaped; its number is still the truth about it */
};

#define STAGE_ACTORS_MAX 256

struct stage {
	struct live_truth *truth;
	uint16_t port;	   /* the scenario's own, 31 more above it */
	const char *dir;   /* the scenario may make files here */
	pid_t daemon;
	int pass[2];
	struct actor *actor[STAGE_ACTORS_MAX];
	unsigned int n_actors;
};

/* Ends the stage. */
void stage_fail(struct stage *s, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void stage_skip(struct stage *s, const char *reason) __attribute__((noreturn));

/* A new process named 'name'; 'flags' may be CLONE_NEWPID. */
struct actor *actor_new(struct stage *s, const char *name, int flags);
struct actor *actor_fork(struct stage *s, struct actor *a, const char *name);

int act(struct stage *s, struct actor *a, enum act what, int x, int y);
int act_text(struct stage *s, struct actor *a, enum act what, const char *text);
/* In a thread of the actor, whose name is 'text'. */
int act_thread(struct stage *s, struct actor *a, const char *name, enum act what, int x, int y);

/* Starts a call that does not answer for a while; actor_result() waits for its end. */
void act_start(struct stage *s, struct actor *a, enum act what, int x, int y);
int act_result(struct stage *s, struct actor *a);

/* Waits until the actor's process is inside system call 'nr' with 'fd' as its first argument
 * (-1: any). */
void actor_await_syscall(struct stage *s, const struct actor *a, long nr, int fd);

/* Waits for the end of an actor that was told to exit or was killed. */
void actor_reap(struct stage *s, struct actor *a);
void stage_end(struct stage *s); /* kills and reaps all that are left */

/* main() of a program that an actor became by ACT_EXEC. */
int actor_main(int argc, char *argv[]);

/* A connection: server listens on port, client is connected, 'a' is the accepted descriptor. */
struct pair {
	struct actor *server, *client;
	int l, a, c;
};
struct pair stage_pair(struct stage *s, const char *server, const char *client);

/* Waits until the closed socket at 'port' is a time-wait mini-socket: the peer has acknowledged its FIN,
 * which it may delay. Before that it is an orphan, and data would meet another answer. */
void stage_await_time_wait(struct stage *s, int port);

/* From now on the server at the scenario's port gets no bare acknowledgements, so that its FIN stays
 * unacknowledged and its socket, once closed, an orphan, until the client sends data. */
void stage_drop_acks(struct stage *s);

/* Runs a tool to its end and returns its exit code; *ret_pid, if given, is what its pid was. */
int stage_run(struct stage *s, char *const argv[], pid_t *ret_pid);

#endif
