/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The manager's end of sd_notify(3). It must not act on anything. Proved by tests/survive/run.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/survive/notify.h"

int notify_open(const char *path, char *ret_name, size_t size)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(a.sun_family);
	int yes = 1;

	if (fd < 0)
		return -errno;
	if (path[0]) {
		snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
		length = sizeof(a);
		unlink(path);
	}
	if (bind(fd, (struct sockaddr *)&a, length) ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)))
		return -errno;
	length = sizeof(a);
	if (!path[0] && getsockname(fd, (struct sockaddr *)&a, &length))
		return -errno;
	if (path[0])
		snprintf(ret_name, size, "%s", path);
	else
		snprintf(ret_name, size, "@%.*s",
			 (int)(length - offsetof(struct sockaddr_un, sun_path) - 1),
			 a.sun_path + 1);
	return TAKE_FD(fd);
}

static void take(struct notification *n, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred u;

			memcpy(&u, CMSG_DATA(c), sizeof(u));
			n->pid = u.pid;
		} else if (c->cmsg_type == SCM_RIGHTS) {
			n->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(n->fd, CMSG_DATA(c), n->n_fds * sizeof(int));
		}
	}
}

int notify_receive(int fd, struct notification *ret)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred)) +
			   CMSG_SPACE(sizeof(int) * NOTIFY_FDS_MAX)];
	} control;
	struct iovec iov = {.iov_base = ret->text, .iov_len = NOTIFY_TEXT_MAX};
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	ret->pid = 0;
	ret->n_fds = 0;
	take(ret, &h);
	/* a datagram that was cut is no message, as for systemd */
	ret->text[h.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : size] = '\0';
	return 1;
}

void notification_done(struct notification *n)
{
	while (n->n_fds > 0)
		close(n->fd[--n->n_fds]);
}

static const char *find(const struct notification *n, const char *key, size_t *ret_length)
{
	size_t length = strlen(key);

	for (const char *line = n->text; *line;) {
		size_t here = strcspn(line, "\n");

		if (here >= length && !strncmp(line, key, length)) {
			*ret_length = here - length;
			return line + length;
		}
		line += here + (line[here] == '\n');
	}
	return NULL;
}

bool notification_has(const struct notification *n, const char *line)
{
	size_t length;

	return find(n, line, &length) && length == 0;
}

bool notification_value(const struct notification *n, const char *key, char *ret, size_t size)
{
	size_t length;
	const char *value = find(n, key, &length);

	if (!value || length >= size)
		return false;
	memcpy(ret, value, length);
	ret[length] = '\0';
	return true;
}
