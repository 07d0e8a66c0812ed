/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes that make resets in bulk. They must know nothing of rstmon: what they count themselves
 * is what it has to agree with. Proved by exact.c, which holds both against TcpOutRsts.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/box.h"

#define CALL_MS 120000

struct box_call {
	box_fn fn; /* the box is a fork of the caller, so a pointer means the same to both */
	long argument;
};

static void serve(int line)
{
	struct box_call c;
	uint64_t netns;
	long r = netns_enter_new(&netns);

	if (r == 0)
		r = (long)netns;
	if (write(line, &r, sizeof(r)) != sizeof(r) || r < 0)
		_exit(1);
	while (read(line, &c, sizeof(c)) == sizeof(c)) {
		r = c.fn(c.argument);
		if (write(line, &r, sizeof(r)) != sizeof(r))
			break;
	}
	_exit(0);
}

int box_start(struct box *b, const char *name)
{
	int line[2];
	long r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		return -errno;
	b->pid = fork();
	if (b->pid < 0)
		return -errno;
	if (b->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		close(line[0]);
		serve(line[1]);
	}
	close(line[1]);
	b->line = line[0];
	if (read(b->line, &r, sizeof(r)) != sizeof(r))
		return -EPIPE;
	if (r < 0)
		return (int)r;
	b->netns = (uint64_t)r;
	return 0;
}

long box_call(struct box *b, struct live_daemon *d, box_fn fn, long argument)
{
	struct box_call c = {.fn = fn, .argument = argument};
	int64_t deadline = now_ms() + slow_ms(CALL_MS);
	long r;

	if (send(b->line, &c, sizeof(c), MSG_NOSIGNAL) != sizeof(c))
		return -EPIPE;
	while (!live_pump(d, b->line, 100))
		if (now_ms() > deadline)
			return -ETIMEDOUT;
	return read(b->line, &r, sizeof(r)) == sizeof(r) ? r : -EPIPE;
}

void box_end(struct box *b)
{
	if (b->pid > 0) {
		kill(b->pid, SIGKILL);
		waitpid(b->pid, NULL, 0);
		close(b->line);
	}
	b->pid = 0;
}

int box_run(const char *command, int out)
{
	_cleanup_free_ char *words = strdup(command);
	char *rest = NULL, *argv[16] = {};
	int status = -1;
	pid_t pid;

	for (size_t n = 0; words && n < ARRAY_SIZE(argv) - 1; n++)
		if (!(argv[n] = strtok_r(n ? NULL : words, " ", &rest)))
			break;
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(out < 0 ? null : out, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static long refused(const struct sockaddr *a, socklen_t size)
{
	_cleanup_close_ int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, a, size) == 0)
		return -EISCONN;
	return errno == ECONNREFUSED ? 0 : -errno;
}

long box_refused(long port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return refused((struct sockaddr *)&a, sizeof(a));
}

long box_refused6(long port)
{
	struct sockaddr_in6 a = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	return refused((struct sockaddr *)&a, sizeof(a));
}
