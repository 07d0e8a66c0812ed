/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors that the service manager keeps for the next daemon (sd_listen_fds(3), FileDescriptorStoreMax=).
 * Their names are the whole protocol:
 *
 *	g<generation>.map.<map>		of the BPF object; a map that later generations go on with
 *	g<generation>.link.<program>	keeps the name of the generation that made it
 *	g<generation>.prog.<program>
 *	g<generation>.state		the memory file (state.h)
 *
 * Every descriptor goes in a message of its own: all of one message would have one name. The manager takes
 * the messages in order, and drops a second descriptor of the same open file: nothing is ever parked under
 * two names. Beside them it passes a listening socket, whatever its name.
 */
#ifndef DAEMON_FDSTORE_H
#define DAEMON_FDSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDSTORE_MAX	 192 /* as FileDescriptorStoreMax= of the unit */
#define FDSTORE_NAME_MAX 48

enum fdstore_kind {
	FDSTORE_MAP,
	FDSTORE_LINK,
	FDSTORE_PROG,
	FDSTORE_STATE,
	FDSTORE_KIND_MAX,
};

struct fdstore_entry {
	uint32_t generation;
	enum fdstore_kind kind;
	char name[FDSTORE_NAME_MAX]; /* "" of a state */
	int fd;			     /* -1: in the manager's hands alone */
};

struct fdstore {
	bool managed;  /* somebody listens to notifications */
	int listen_fd; /* the socket that was passed, -1: none */
	size_t n;
	struct fdstore_entry entry[FDSTORE_MAX];
	unsigned int refused;	 /* descriptors that were closed unread */
	char refused_name[64];	 /* the first of them, and ... */
	const char *refused_why; /* ... why */
};

/* Takes over what was passed to this process, and the environment's words about it. What is nobody's is closed and
 * leaves the manager's store. */
void fdstore_open(struct fdstore *s);

/* The same of 'n' descriptors with their names, for tests. They are the store's afterwards, or closed. */
void fdstore_collect(struct fdstore *s, const int *fds, char *const *names, size_t n);
void fdstore_done(struct fdstore *s); /* closes; what is parked stays parked */

/* NULL: there is none. */
struct fdstore_entry *fdstore_find(struct fdstore *s, uint32_t generation, enum fdstore_kind kind,
				   const char *name);

/* Parks a descriptor, which stays the caller's. 0 without a manager. -errno; -ENOSPC beyond the bound. */
int fdstore_park(struct fdstore *s, uint32_t generation, enum fdstore_kind kind, const char *name, int fd);

/* Takes it out of the manager's hands and closes ours. */
void fdstore_remove(struct fdstore *s, struct fdstore_entry *e);

/* Waits until the manager has done all that it was told. -ETIMEDOUT; 0 without a manager. */
int fdstore_barrier(const struct fdstore *s);

/* The name under which it is parked. */
void fdstore_name(uint32_t generation, enum fdstore_kind kind, const char *name, char *ret, size_t size);

#endif
