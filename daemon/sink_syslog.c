/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local syslog socket with RFC 3164 framing, as every syslogd reads it from /dev/log. Must not
 * block and must not use syslog(3), which does and hides that nobody reads. Proved by
 * tests/unit/daemon/sink.c.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include "daemon/sink_frame.h"

size_t syslog_frame(int priority, const struct tm *local, pid_t pid, const char *text, char *dst,
		    size_t size)
{
	/* The format wants English names whatever the locale is, which strftime() would not give.
	 */
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int n;

	n = snprintf(dst, size, "<%d>%s %2d %02d:%02d:%02d rstmond[%d]: %s",
		     LOG_DAEMON | (priority & LOG_PRIMASK),
		     months[(unsigned int)local->tm_mon % 12], local->tm_mday, local->tm_hour,
		     local->tm_min, local->tm_sec, (int)pid, text);
	if (n < 0)
		return 0;
	return MIN((size_t)n, size - 1);
}

int sink_connect(const char *directory, const char *name, int type, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	int n;

	n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;

	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int syslog_open(const char *prefix, int *ret_fd, bool *ret_stream)
{
	const char *directory = prefix ? prefix : "/dev";
	bool stream = false;
	int fd, r;

	r = sink_connect(directory, "log", SOCK_DGRAM, &fd);
	if (r == -EPROTOTYPE) { /* some syslogd listen for connections instead */
		stream = true;
		r = sink_connect(directory, "log", SOCK_STREAM, &fd);
	}
	if (r < 0)
		return r;

	*ret_fd = fd;
	*ret_stream = stream;
	return 0;
}
