/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios in which the socket changes hands between its birth and its reset. */
#include "common/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "tests/live/scenario.h"

#ifdef SYS_epoll_wait
#define EPOLL_CALL SYS_epoll_wait
#else
#define EPOLL_CALL SYS_epoll_pwait
#endif

/* master listens, worker (its child) accepts, client is connected */
struct prefork {
	struct actor *master, *worker, *client;
	int l, a, c;
};

static struct prefork prefork(struct stage *s)
{
	struct prefork p;

	p.master = actor_new(s, "master", 0);
	p.client = actor_new(s, "client", 0);
	p.l = act(s, p.master, ACT_LISTEN, AF_INET, s->port);
	p.worker = actor_fork(s, p.master, "worker");
	p.c = act(s, p.client, ACT_CONNECT, AF_INET, s->port);
	p.a = act(s, p.worker, ACT_ACCEPT, p.l, 0);
	return p;
}

static void worker_reads(struct stage *s)
{
	struct prefork p = prefork(s);

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.worker, ACT_READ, p.a, 10);
	act(s, p.worker, ACT_AWAIT, p.a, 90);
	act(s, p.worker, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.worker, p.client);
	s->truth->expect[0].source = "read";
}

static void worker_read_peer_aborts(struct stage *s)
{
	struct prefork p = prefork(s);

	act(s, p.client, ACT_WRITE, p.c, 10);
	act(s, p.worker, ACT_READ, p.a, 10);
	act(s, p.client, ACT_LINGER0, p.c, 0);
	act(s, p.client, ACT_CLOSE, p.c, 0);
	act(s, p.worker, ACT_AWAIT_RESET, p.a, 0);
	expect_client_sends(s, p.client, p.worker);
	s->truth->expect[1].source = "read";
}

static void worker_only_closes(struct stage *s)
{
	struct prefork p = prefork(s);

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.worker, ACT_AWAIT, p.a, 100);
	act(s, p.worker, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.worker, p.client);
	s->truth->expect[0].source = "accept";
}

/* What is known of a worker that never got anything from the socket: if no hook saw it, then only
 * who listened, and then the source has to say that. */
static void worker_blocked(struct stage *s, enum act how, long nr)
{
	struct prefork p = prefork(s);
	struct live_expect *e;

	act_start(s, p.worker, how, p.a, 0);
	actor_await_syscall(s, p.worker, nr, how == ACT_EPOLL ? -1 : p.a);
	act(s, p.client, ACT_LINGER0, p.c, 0);
	act(s, p.client, ACT_CLOSE, p.c, 0);
	act_result(s, p.worker);
	expect_sent(s, RST_ROLE_CLIENT, p.client);
	e = expect_received(s, RST_ROLE_SERVER, p.worker);
	expect_or(e, p.master, "listen");
}

static void blocked_in_read(struct stage *s)
{
	worker_blocked(s, ACT_READ_BLOCK, SYS_read);
}

static void blocked_in_epoll(struct stage *s)
{
	worker_blocked(s, ACT_EPOLL, EPOLL_CALL);
}

static void passed_by_scm_rights(struct stage *s)
{
	struct pair p = stage_pair(s, "passer", "client");
	struct actor *taker = actor_new(s, "taker", 0);
	int got;

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_AWAIT, p.a, 100);
	act(s, p.server, ACT_PASS, p.a, 0);
	got = act(s, taker, ACT_TAKE, 0, 0);
	act(s, p.server, ACT_CLOSE, p.a, 0);
	act(s, taker, ACT_READ, got, 10);
	act(s, taker, ACT_CLOSE, got, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, taker, p.client);
	s->truth->expect[0].source = "read";
}

static void forked(struct stage *s)
{
	struct pair p = stage_pair(s, "parent", "client");
	struct actor *child;

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_READ, p.a, 10);
	child = actor_fork(s, p.server, "child");
	act(s, p.server, ACT_CLOSE, p.a, 0);
	act(s, child, ACT_READ, p.a, 10);
	act(s, child, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, child, p.client);
}

/* A link to this very program, so that what is executed has a name of its own. */
static void become(struct stage *s, struct actor *a, const char *name)
{
	char self[256], link[160];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[MAX(n, 0)] = '\0';
	snprintf(link, sizeof(link), "%s/%s", s->dir, name);
	if (n <= 0 || symlink(self, link) < 0)
		stage_fail(s, "no link %s", link);
	act_text(s, a, ACT_EXEC, link);
}

static void executed(struct stage *s)
{
	struct pair p = stage_pair(s, "before-exec", "client");

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_READ, p.a, 10);
	become(s, p.server, "after-exec");
	act(s, p.server, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.server, p.client);
}

/* As systemd does it: one listens, another, made from it by fork and exec, takes connections. */
static void socket_activated(struct stage *s)
{
	struct actor *init = actor_new(s, "activator", 0), *c = actor_new(s, "client", 0), *srv;
	int l = act(s, init, ACT_LISTEN, AF_INET, s->port), a, fd;

	fd = act(s, c, ACT_CONNECT, AF_INET, s->port);
	srv = actor_fork(s, init, "activated");
	become(s, srv, "service");
	a = act(s, srv, ACT_ACCEPT, l, 0);
	act(s, c, ACT_WRITE, fd, 100);
	act(s, srv, ACT_READ, a, 10);
	act(s, srv, ACT_CLOSE, a, 0);
	act(s, c, ACT_AWAIT_RESET, fd, 0);
	expect_server_sends(s, srv, c);
	s->truth->expect[0].source = "read";
}

#define SIBLINGS    2
#define CONNECTIONS 12

/* Which of them the kernel chose is learned from who can accept. */
static void reuseport(struct stage *s)
{
	struct actor *client = actor_new(s, "client", 0), *srv[SIBLINGS];
	int l[SIBLINGS], served[SIBLINGS] = {}, c, a, port;

	for (int i = 0; i < SIBLINGS; i++) {
		srv[i] = actor_new(s, i ? "sibling-b" : "sibling-a", 0);
		l[i] = act(s, srv[i], ACT_LISTEN, AF_INET, s->port);
	}
	for (int n = 0; n < CONNECTIONS; n++) {
		struct live_expect *e;
		int i = 0;

		c = act(s, client, ACT_CONNECT, AF_INET, s->port);
		port = act(s, client, ACT_LOCAL_PORT, c, 0);
		act(s, client, ACT_WRITE, c, 10);
		/* connected means queued at one of them, or about to be */
		while ((a = act(s, srv[i], ACT_TRY_ACCEPT, l[i], 0)) == -EAGAIN)
			i = (i + 1) % SIBLINGS;
		if (a < 0)
			stage_fail(s, "accept: %d", a);
		act(s, srv[i], ACT_AWAIT, a, 10);
		act(s, srv[i], ACT_CLOSE, a, 0);
		act(s, client, ACT_AWAIT_RESET, c, 0);
		served[i]++;
		e = expect_sent(s, RST_ROLE_SERVER, srv[i]);
		e->remote = (uint16_t)port;
		e = expect_received(s, RST_ROLE_CLIENT, client);
		e->local = (uint16_t)port;
	}
	snprintf(s->truth->note, sizeof(s->truth->note), "%d and %d connections", served[0],
		 served[1]);
}

const struct scenario scenarios_owner[] = {
	{"prefork worker reads", NULL, worker_reads},
	{"prefork worker read, peer aborts", NULL, worker_read_peer_aborts},
	{"prefork worker never reads, closes", NULL, worker_only_closes},
	{"worker blocked in its first read", NULL, blocked_in_read},
	{"worker waits in epoll", NULL, blocked_in_epoll},
	{"SCM_RIGHTS", NULL, passed_by_scm_rights},
	{"fork", NULL, forked},
	{"exec", NULL, executed},
	{"socket-activated listener", NULL, socket_activated},
	{"SO_REUSEPORT siblings", NULL, reuseport},
	{NULL, NULL, NULL},
};
