/* SPDX-License-Identifier: GPL-2.0-only */
/* One service: its process, what it told, what it stored. */
#ifndef TESTS_SURVIVE_SERVICE_H
#define TESTS_SURVIVE_SERVICE_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/survive/store.h"

enum service_state {
	SERVICE_DOWN,	  /* no process, nobody starts one */
	SERVICE_STARTING, /* not READY yet */
	SERVICE_READY,
	SERVICE_ENDING, /* was told to end */
	SERVICE_WAITING, /* died, is started soon */
};

struct service {
	enum service_state state;
	char **argv;
	char binary[256]; /* argv[0], or what replaced it */
	pid_t pid;
	int pidfd;
	int notify, listen;
	bool listen_last;
	char notify_name[128];
	struct store store;
	bool stay;	 /* the next end is followed by no start, though the store is kept */
	bool expected;	 /* the next end was asked for */
	uint64_t due;	 /* of the start, CLOCK_MONOTONIC ns */
	unsigned int failures; /* in a row, without READY in between */

	char status[256]; /* the latest STATUS= */
	unsigned int starts, kept, duplicates, rejected, removed, hung_up, barriers, watchdogs, strangers;
};

int service_init(struct service *s, char **argv, const char *notify, size_t store_max);

/* -errno. With what is stored. */
int service_start(struct service *s);

/* Waits at most 'ms' for something to happen to the service, or on 'also' (-1: nothing), and does what a
 * manager does. 1: 'also' is readable; 0; -errno. */
int service_turn(struct service *s, int also, int ms);

/* Turns until the state is 'wanted'; -ETIMEDOUT, or -ECHILD if it gave up. */
int service_until(struct service *s, enum service_state wanted);

/* SIGTERM, SIGKILL if that does not help; forgets the store. */
void service_end(struct service *s);

#endif
