/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that a service gave to its manager, as systemd keeps them: several may have one name; the same
 * file is kept once, whatever its name; what hangs up is dropped unless it came with FDPOLL=0.
 */
#ifndef TESTS_SURVIVE_STORE_H
#define TESTS_SURVIVE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define STORE_MAX      512
#define STORE_NAME_MAX 255

struct stored {
	int fd;
	bool polled;
	char name[STORE_NAME_MAX + 1];
};

struct store {
	int epoll; /* of the descriptors that are polled; itself to be polled by the owner of the store */
	size_t n, max;
	bool by_inode; /* as a manager on a kernel without kcmp() compares */
	struct stored item[STORE_MAX];
};

/* -errno. */
int store_init(struct store *s, size_t max);
void store_clear(struct store *s);

/* Always takes 'fd'. 1: kept; 0: the same file is there already; -EXFULL and others. */
int store_add(struct store *s, int fd, const char *name, bool poll);

/* How many had that name. */
size_t store_remove(struct store *s, const char *name);

/* Drops what hung up; how many. */
size_t store_turn(struct store *s);

const struct stored *store_find(const struct store *s, const char *name);

/* A line for each: its name and what the descriptor is. */
void store_list(const struct store *s, FILE *f);

/* What systemd takes as a name. */
bool store_name_valid(const char *name);

#endif
