/* SPDX-License-Identifier: GPL-2.0-only */
/* Pipes, sockets and a terminal whose other end does not read: nothing blocks. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>

#include "common/output.h"

#define ENOUGH (1 << 22) /* no buffer of the three holds that much */

/* Fills until nothing goes any more; a call that blocks runs into Criterion's time-out. */
static size_t fill(int fd)
{
	char data[512] = "x";
	size_t sum = 0;
	ssize_t n;

	while (sum < ENOUGH && (n = output_write(fd, data, sizeof(data))) >= 0)
		sum += (size_t)n;
	cr_assert_eq(errno, EAGAIN);
	cr_assert_lt(sum, ENOUGH);
	return sum;
}

Test(output, a_full_pipe)
{
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	cr_assert_eq(output_open(p[1]), p[1]);
	cr_assert_gt(fill(p[1]), 0);
}

Test(output, a_full_socket)
{
	int s[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	cr_assert_gt(fill(s[0]), 0);
}

Test(output, a_full_terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), terminal, own;

	if (master < 0 || grantpt(master) || unlockpt(master))
		cr_skip("no terminal can be made here");
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert_geq(terminal, 0);
	own = output_open(terminal);
	cr_assert_neq(own, terminal, "its flags are shared, so it is opened anew");
	cr_assert_not(fcntl(terminal, F_GETFL) & O_NONBLOCK);
	cr_assert_gt(fill(own), 0);
}

Test(output, a_reader_that_is_gone)
{
	int p[2];

	cr_assert_eq(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	cr_assert_eq(output_write(p[1], "x", 1), -1);
	cr_assert_eq(errno, EIO, "told by poll, before a SIGPIPE");
}
