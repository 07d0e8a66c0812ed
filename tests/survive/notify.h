/* SPDX-License-Identifier: GPL-2.0-only */
/* What a service tells its manager: datagrams of lines, with descriptors and the sender's credentials. */
#ifndef TESTS_SURVIVE_NOTIFY_H
#define TESTS_SURVIVE_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NOTIFY_TEXT_MAX 4096 /* of one datagram, as systemd reads it */
#define NOTIFY_FDS_MAX	253  /* SCM_MAX_FD */

struct notification {
	pid_t pid;
	char text[NOTIFY_TEXT_MAX + 1];
	int fd[NOTIFY_FDS_MAX];
	size_t n_fds;
};

/* A socket at 'path'; "": an abstract one with a name of the kernel's choice. 'ret_name' becomes the value of
 * NOTIFY_SOCKET. -errno. */
int notify_open(const char *path, char *ret_name, size_t size);

/* 1, 0 if nothing has come, -errno. The descriptors are the caller's. */
int notify_receive(int fd, struct notification *ret);
void notification_done(struct notification *n);

/* Is 'line' one of the lines? */
bool notification_has(const struct notification *n, const char *line);

/* The value after "key="; false if there is no such line or it is too long. */
bool notification_value(const struct notification *n, const char *key, char *ret, size_t size);

#endif
