/* SPDX-License-Identifier: GPL-2.0-only */
/* Between stage.c and actor.c: the line on which calls go to an actor and answers come back. */
#ifndef TESTS_LIVE_ACTOR_RPC_H
#define TESTS_LIVE_ACTOR_RPC_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/live/actor.h"

struct rpc_call {
	enum act what;
	int x, y, z;
	bool thread;
	char text[160];
};

struct rpc_reply {
	int r;
};

int rpc_pass_fd(int rpc, const void *data, size_t size, int fd);
int rpc_take_fd(int rpc, void *data, size_t size, int *ret_fd);

/* Does what it is told on 'rpc' until the other end is closed; never returns. */
void actor_loop(int rpc, struct live_truth *shared) __attribute__((noreturn));

#endif
