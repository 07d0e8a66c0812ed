/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A second opinion from the kernel that shares nothing with rstmon: perf events on the same two
 * tracepoints. They count, and say who 'current' was, which is what a tool that names the running
 * process would have told.
 */
#ifndef TESTS_LIVE_WITNESS_H
#define TESTS_LIVE_WITNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rstmon/event.h"

#define WITNESS_CPUS 256

struct witness_sample {
	enum rst_direction direction;
	uint16_t local, remote;
	pid_t pid; /* of the process that was current; 0: idle */
	bool used; /* judge.c's own */
};

struct witness {
	unsigned int n_cpus;
	int fd[RST_RESET_DIRECTIONS][WITNESS_CPUS];
	void *ring[WITNESS_CPUS]; /* NULL without samples */
	unsigned int id[RST_RESET_DIRECTIONS]; /* of the tracepoints */
	unsigned int local[RST_RESET_DIRECTIONS], remote[RST_RESET_DIRECTIONS]; /* offsets of the ports */
	struct witness_sample *sample;
	size_t n, allocated;
	uint64_t lost; /* samples; never counts */
};

/* -ENOENT: no tracefs. 'samples': who was current, too. */
int witness_open(bool samples, struct witness *ret);
void witness_close(struct witness *w);

uint64_t witness_count(const struct witness *w, enum rst_direction direction);
void witness_read(struct witness *w); /* takes in the samples so far */

#endif
