/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The actor's side: a loop that takes a call, does it and answers. It must do nothing on its own,
 * so that a scenario knows which process touched a socket last. Proved by the ownership table.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/live/actor.h"
#include "tests/live/actor_rpc.h"

#define WAIT_MS 10000

static struct live_truth *truth; /* shared, NULL in a program that was exec()ed */

int rpc_pass_fd(int rpc, const void *data, size_t size, int fd)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(rpc, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int rpc_take_fd(int rpc, void *data, size_t size, int *ret_fd)
{
	struct iovec iov = {.iov_base = data, .iov_len = size};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(rpc, &m, 0);

	*ret_fd = -1;
	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	if (m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(ret_fd, CMSG_DATA(&control.header), sizeof(int));
	return 0;
}

/* Loopback's address for what a scenario calls a family. */
static socklen_t address(int family, int port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *four = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (family == AF_INET) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*four);
	}
	six->sin6_family = AF_INET6;
	six->sin6_port = htons((uint16_t)port);
	six->sin6_addr = in6addr_loopback;
	if (family == LIVE_MAPPED)
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &six->sin6_addr);
	return sizeof(*six);
}

static int do_listen(int family, int port, int backlog)
{
	struct sockaddr_storage a;
	socklen_t n = address(family, port, &a);
	int one = 1, fd;

	if (family == LIVE_MAPPED) /* takes both: the peer comes by IPv4 */
		((struct sockaddr_in6 *)&a)->sin6_addr = in6addr_any;
	fd = socket(a.ss_family, SOCK_STREAM, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, backlog ? backlog : 64) < 0)
		return -errno;
	return fd;
}

static int do_connect(int family, int port)
{
	struct sockaddr_storage a;
	socklen_t n = address(family, port, &a);
	int fd = socket(a.ss_family, SOCK_STREAM, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&a, n) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int do_wait(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = poll(&p, 1, WAIT_MS);

	return r < 0 ? -errno : r ? p.revents : -ETIMEDOUT;
}

static int do_accept(int fd, bool wait)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r = poll(&p, 1, wait ? WAIT_MS : 0);

	if (r == 0)
		return -EAGAIN;
	if (r > 0)
		r = accept(fd, NULL, NULL);
	return r < 0 ? -errno : r;
}

static int do_read(int fd, int n)
{
	char buf[4096];
	int left = n;

	while (left > 0) {
		ssize_t got = read(fd, buf, MIN((size_t)left, sizeof(buf)));

		if (got <= 0)
			return got < 0 ? -errno : -ENODATA;
		left -= (int)got;
	}
	return n;
}

static int do_write(int fd, int n)
{
	char buf[4096] = {};
	int left = n;

	while (left > 0) {
		ssize_t put = send(fd, buf, MIN((size_t)left, sizeof(buf)), MSG_NOSIGNAL);

		if (put < 0)
			return -errno;
		left -= (int)put;
	}
	return n;
}

/* Data that arrived but must stay unread: no reading, poll() would return at the first byte. */
static int do_await(int fd, int n)
{
	int low = n, there = 0, r;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low)) < 0)
		return -errno;
	r = do_wait(fd, POLLIN);
	if (r < 0 || ioctl(fd, FIONREAD, &there) < 0)
		return r < 0 ? r : -errno;
	return there >= n ? 0 : -ENODATA;
}

/* Blocks in read() until something comes; an error is what the scenario wants. */
static int do_read_block(int fd)
{
	char c;

	return read(fd, &c, 1) < 0 ? errno : 0;
}

static int do_keepalive(int fd)
{
	int one = 1, two = 2;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &two, sizeof(two)) < 0)
		return -errno;
	return 0;
}

static int do_linger(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0 ? -errno : 0;
}

static int do_unspec(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	return connect(fd, &none, sizeof(none)) < 0 ? -errno : 0;
}

static int do_local_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return -errno;
	return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port
					    : ((struct sockaddr_in6 *)&a)->sin6_port);
}

static int do_cgroup(const char *dir)
{
	_cleanup_close_ int fd = -1;
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) < 0 ? -errno : 0;
}

static int do_spin(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (!truth->stop) {
		int got = accept(fd, NULL, NULL);

		if (got >= 0)
			close(got);
	}
	return 0;
}

static int do_epoll(int fd)
{
	_cleanup_close_ int e = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};

	if (e < 0 || epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	return epoll_wait(e, &ev, 1, WAIT_MS) < 0 ? -errno : 0;
}

static int do_shutdown(int fd, int how)
{
	return shutdown(fd, how) < 0 ? -errno : 0;
}

static int do_close(int fd)
{
	return close(fd) < 0 ? -errno : 0;
}

static int do_take(int fd)
{
	char c;
	int got, r = rpc_take_fd(fd, &c, 1, &got);

	return r < 0 ? r : got;
}

static int do_end(int fd)
{
	int r = do_wait(fd, POLLRDHUP);

	return r < 0 ? r : 0;
}

static int do_reset(int fd)
{
	int r = do_wait(fd, 0); /* POLLERR and POLLHUP need not be asked for */

	return r < 0 ? r : 0;
}

static int do_exec(int rpc, const char *path)
{
	char number[16], *argv[] = {(char *)(uintptr_t)path, (char[]){"--actor"}, number, NULL};
	char *env[] = {NULL}; /* the runner of the tests must not find itself again in there */

	snprintf(number, sizeof(number), "%d", rpc);
	fcntl(rpc, F_SETFD, 0);
	execve(path, argv, env);
	return -errno;
}

static int perform(const struct rpc_call *c, int rpc)
{
	switch (c->what) {
	case ACT_LISTEN:
		return do_listen(c->x, c->y, c->z);
	case ACT_CONNECT:
	case ACT_TRY_CONNECT:
		return do_connect(c->x, c->y);
	case ACT_ACCEPT:
		return do_accept(c->x, true);
	case ACT_TRY_ACCEPT:
		return do_accept(c->x, false);
	case ACT_READ:
		return do_read(c->x, c->y);
	case ACT_READ_BLOCK:
		return do_read_block(c->x);
	case ACT_WRITE:
		return do_write(c->x, c->y);
	case ACT_AWAIT:
		return do_await(c->x, c->y);
	case ACT_AWAIT_END:
		return do_end(c->x);
	case ACT_AWAIT_RESET:
		return do_reset(c->x);
	case ACT_CLOSE:
		return do_close(c->x);
	case ACT_SHUTDOWN:
		return do_shutdown(c->x, c->y);
	case ACT_LINGER0:
		return do_linger(c->x);
	case ACT_KEEPALIVE:
		return do_keepalive(c->x);
	case ACT_UNSPEC:
		return do_unspec(c->x);
	case ACT_LOCAL_PORT:
		return do_local_port(c->x);
	case ACT_PASS:
		return rpc_pass_fd(c->z, "", 1, c->x);
	case ACT_TAKE:
		return do_take(c->z);
	case ACT_NAME:
		return prctl(PR_SET_NAME, c->text) < 0 ? -errno : 0;
	case ACT_CGROUP:
		return do_cgroup(c->text);
	case ACT_LEAVE_NETNS:
		return unshare(CLONE_NEWNET) < 0 ? -errno : 0;
	case ACT_SPIN_ACCEPT:
		return do_spin(c->x);
	case ACT_EPOLL:
		return do_epoll(c->x);
	case ACT_EXEC:
		return do_exec(rpc, c->text);
	case ACT_EXIT:
		_exit(c->x);
	case ACT_FORK:
		break;
	}
	return -ENOSYS;
}

struct thread_call {
	const struct rpc_call *call;
	int rpc, r;
};

static void *in_thread(void *userdata)
{
	struct thread_call *t = userdata;

	prctl(PR_SET_NAME, t->call->text);
	t->r = perform(t->call, t->rpc);
	return NULL;
}

static int perform_in_thread(const struct rpc_call *c, int rpc)
{
	struct thread_call t = {.call = c, .rpc = rpc};
	pthread_t id;
	int r = pthread_create(&id, NULL, in_thread, &t);

	if (r)
		return -r;
	pthread_join(id, NULL);
	return t.r;
}

/* The child goes on as an actor of its own on a new line to the stage, which gets the other end. */
static int do_fork(int *rpc, const char *name)
{
	struct rpc_reply reply;
	int line[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(*rpc);
		close(line[0]);
		*rpc = line[1];
		prctl(PR_SET_NAME, name);
		return 0;
	}
	reply.r = pid;
	rpc_pass_fd(*rpc, &reply, sizeof(reply), line[0]);
	close(line[0]);
	close(line[1]);
	return 0;
}

void actor_loop(int rpc, struct live_truth *shared)
{
	struct rpc_call c;
	struct rpc_reply reply;

	truth = shared;
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while (recv(rpc, &c, sizeof(c), 0) == sizeof(c)) {
		if (c.what == ACT_FORK) {
			reply.r = do_fork(&rpc, c.text);
			if (reply.r == 0)
				continue;
		} else {
			reply.r = c.thread ? perform_in_thread(&c, rpc) : perform(&c, rpc);
		}
		if (send(rpc, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

int actor_main(int argc, char *argv[])
{
	struct rpc_reply reply = {};
	char *end;
	long rpc;

	if (argc != 3)
		return 2;
	rpc = strtol(argv[2], &end, 10);
	if (*end || rpc < 3 || send((int)rpc, &reply, sizeof(reply), MSG_NOSIGNAL) < 0)
		return 2;
	actor_loop((int)rpc, NULL);
	return 0;
}
