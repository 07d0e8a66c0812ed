/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output that never blocks. A pipe that polls writable takes PIPE_BUF bytes whole; a terminal
 * promises no more than one byte, so it needs O_NONBLOCK, and a socket has a flag for it. Proved by
 * tests/unit/common/output.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/output.h"

int output_open(int fd)
{
	char path[32];
	int own;

	if (!isatty(fd))
		return fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? fd : own;
}

ssize_t output_write(int fd, const void *data, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0 || errno != ENOTSOCK)
		return n;
	if (poll(&p, 1, 0) < 0)
		return -1;
	if (p.revents & (POLLERR | POLLNVAL)) {
		errno = EIO;
		return -1;
	}
	if (!(p.revents & POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, data, size);
}

int output_write_all(int fd, const void *data, size_t size, size_t *ret_n)
{
	size_t n = 0;
	int r = 0;

	while (n < size && !r) {
		ssize_t written = write(fd, (const char *)data + n, size - n);

		if (written > 0)
			n += (size_t)written;
		else if (!written)
			r = -EIO;
		else if (errno != EINTR)
			r = -errno;
	}
	if (ret_n)
		*ret_n = n;
	return r;
}
