/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scenario knows to be true about the resets that it makes. The stage writes it, in memory that
 * it shares with the test; judge.c compares it with what rstmond said.
 */
#ifndef TESTS_LIVE_TRUTH_H
#define TESTS_LIVE_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rstmon/event.h"

#define LIVE_COMM_MAX	16
#define LIVE_EXPECT_MAX 512
#define LIVE_ANY	(-1)

struct live_expect {
	enum rst_direction direction;
	enum rst_role role;
	uint16_t port;		/* service port */
	uint16_t local, remote; /* 0: any */
	pid_t pid;		/* 0: no process */
	char comm[LIVE_COMM_MAX];
	const char *source; /* NULL: any, but "none" with and only with pid 0 */
	pid_t other_pid; /* also right if 'other_source' is its source: less is known, and said */
	char other_comm[LIVE_COMM_MAX];
	const char *other_source;
	pid_t actor; /* LIVE_ANY, 0: nobody */
	char actor_comm[LIVE_COMM_MAX];
	int exit_signal;       /* LIVE_ANY */
	int exit_status;       /* LIVE_ANY - 1: not looked at */
	const char *family;    /* NULL: any */
	const char *address;   /* the text of the local address without the port, NULL: any */
	const char *state, *reason, *cause, *error; /* NULL: any */
	char unit[96];		/* "": any */
	unsigned int count;	/* identical ones */
	/* judge.c's own */
	unsigned int got, less, current_right; /* less: 'other_pid' was named */
	bool wrong;
	char why[160];
};

struct live_truth {
	uint64_t netns;		 /* inode; the scenario's resets are all in it */
	volatile int stop;	 /* ends ACT_SPIN_ACCEPT */
	unsigned int n;
	struct live_expect expect[LIVE_EXPECT_MAX];
	uint64_t out_rsts; /* TcpOutRsts of the namespace when the scenario was over */
	bool done;
	bool skipped;
	bool by_timer; /* its resets are made by a timer, on top of anybody */
	char failure[256]; /* or the reason for skipping */
	char note[128];	   /* for the table */
};

#endif
