/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A box: a process in a network namespace of its own that makes resets in bulk when it is called. Its
 * softirq runs in its own context, and its namespace lives until it is ended.
 */
#ifndef TESTS_LIVE_BOX_H
#define TESTS_LIVE_BOX_H

#include <stdint.h>
#include <sys/types.h>

#include "tests/live/live.h"

typedef long (*box_fn)(long argument);

struct box {
	pid_t pid;
	int line;
	uint64_t netns;
};

/* 'name' becomes its comm. -errno. */
int box_start(struct box *b, const char *name);

/* Runs fn(argument) in it and gives the result; takes in what the daemon prints meanwhile. */
long box_call(struct box *b, struct live_daemon *d, box_fn fn, long argument);
void box_end(struct box *b);

/* A command of words; its exit code. What it says goes to 'out' (-1: nowhere). */
int box_run(const char *command, int out);

/* For box_call(): one refused connect() to port 'argument'; 0 or -errno. */
long box_refused(long port);
long box_refused6(long port);

#endif
