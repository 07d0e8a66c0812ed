/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness of the live tests: a real rstmond as a child, what it printed, and rstmon beside it.
 * Nothing sleeps: all waiting is poll() with a deadline.
 */
#ifndef TESTS_LIVE_LIVE_H
#define TESTS_LIVE_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json.h>

struct live_daemon {
	pid_t pid;
	int out; /* the file that it prints to */
	int written; /* readable when there is more in it */
	int err;
	char dir[64];
	char socket[80];
	char *text; /* of an unfinished line on stdout */
	size_t text_n;
	struct json_object **line;
	size_t n, allocated;
	char log[4096]; /* the beginning of stderr */
	size_t log_n;
};

/* NULL if live tests can run here, else the reason why not. */
const char *live_impossible(void);

/* Starts rstmond in a fresh directory and waits for "ready"; 'print': as well with --print=json. */
int live_start(struct live_daemon *d, bool print);

/* SIGTERM; its exit code, or -signal, or -ETIMEDOUT after SIGKILL. Removes the directory. */
int live_stop(struct live_daemon *d);
void live_free(struct live_daemon *d);

/* Takes in what the daemon printed; waits at most 'timeout_ms' for it or for 'fd' (-1: none) to have
 * something. True if 'fd' has. */
bool live_pump(struct live_daemon *d, int fd, int timeout_ms);

/* Lines in namespace 'netns' (0: any). */
size_t live_lines(const struct live_daemon *d, uint64_t netns);
/* Waits until there are so many; false at the deadline. */
bool live_await(struct live_daemon *d, uint64_t netns, size_t n, int timeout_ms);

/* Lines that the daemon could not print: they are missing for no fault of its stages. */
unsigned long live_unprinted(struct live_daemon *d);

/* `rstmon VERB ... --json`, args without "rstmon" and "--json"; NULL if it failed. */
struct json_object *live_cli(struct live_daemon *d, const char *const args[]);

/* Reads of a JSON object, with 0 and "" for what is not there. */
int64_t json_int(struct json_object *o, const char *key);
const char *json_str(struct json_object *o, const char *key);
struct json_object *json_at(struct json_object *o, const char *key);

int64_t now_ms(void); /* CLOCK_MONOTONIC */
int64_t slow_ms(int64_t ms); /* a deadline: LIVE_SLOW times as late on a slow machine */
long live_slow(void);
long live_many(long n); /* as many, or on a slow machine fewer, of what is made in bulk */

/* Whether this kernel has this name in enum sk_rst_reason ("": has that type, so its tracepoints show
 * every reset that TCP sends). */
bool live_has_reason(const char *name);

/* Network namespaces. */
int netns_enter_new(uint64_t *ret_inode); /* loopback up */
int64_t netns_out_rsts(pid_t pid);	  /* TcpOutRsts in the namespace of 'pid' */

/* Status until two looks give the same and no reset was in flight between kernel and rows. */
struct json_object *live_status(struct live_daemon *d);
/* Resets that the kernel counted and no program saw. Where a program does not run on top of PID 1, as on
 * some machines (HACKING.md, "Traps"), there may be some of other processes of this host. */
int64_t live_unseen(struct json_object *status);
/* The element of "netns" with this inode, borrowed. */
struct json_object *live_status_netns(struct json_object *status, uint64_t inode);

#endif
