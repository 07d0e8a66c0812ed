/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios whose sockets are older than the daemon, which learns of them from an iterator. */
#include "common/util.h"

#include <signal.h>
#include <sys/socket.h>

#include "tests/live/scenario.h"

/* Each stage is a process, so what 'before' made can wait here for 'run'. */
static struct pair old;
static struct actor *other;

static void make_pair(struct stage *s)
{
	old = stage_pair(s, "old-server", "old-client");
}

static void old_connection(struct stage *s)
{
	act(s, old.client, ACT_WRITE, old.c, 100);
	act(s, old.server, ACT_AWAIT, old.a, 100);
	act(s, old.server, ACT_CLOSE, old.a, 0);
	act(s, old.client, ACT_AWAIT_RESET, old.c, 0);
	expect_server_sends(s, old.server, old.client);
}

static void old_connection_client_sends(struct stage *s)
{
	act(s, old.client, ACT_LINGER0, old.c, 0);
	act(s, old.client, ACT_CLOSE, old.c, 0);
	act(s, old.server, ACT_AWAIT_RESET, old.a, 0);
	expect_client_sends(s, old.client, old.server);
	s->truth->expect[1].source = "iterator";
}

static void make_worker(struct stage *s)
{
	make_pair(s);
	other = actor_fork(s, old.server, "old-worker");
	act(s, old.server, ACT_CLOSE, old.a, 0);
}

/* Accepted by the listener's process, then left to its child alone: only a look at who has it open
 * tells. */
static void old_accepted(struct stage *s)
{
	act(s, old.client, ACT_LINGER0, old.c, 0);
	act(s, old.client, ACT_CLOSE, old.c, 0);
	act(s, other, ACT_AWAIT_RESET, old.a, 0);
	expect_client_sends(s, old.client, other);
	s->truth->expect[1].source = "iterator";
}

static void make_listener(struct stage *s)
{
	old.server = actor_new(s, "old-listener", 0);
	old.l = act(s, old.server, ACT_LISTEN, AF_INET, s->port);
}

static void old_listener(struct stage *s)
{
	old.client = actor_new(s, "new-client", 0);
	old.c = act(s, old.client, ACT_CONNECT, AF_INET, s->port);
	old.a = act(s, old.server, ACT_ACCEPT, old.l, 0);
	act(s, old.client, ACT_LINGER0, old.c, 0);
	act(s, old.client, ACT_CLOSE, old.c, 0);
	act(s, old.server, ACT_AWAIT_RESET, old.a, 0);
	expect_client_sends(s, old.client, old.server);
}

static void make_prefork(struct stage *s)
{
	make_listener(s);
	other = actor_fork(s, old.server, "old-worker");
}

/* The listener is older, the connection is not: what the iterator knows of the one says nothing of
 * who takes the other. */
static void old_listener_worker_closes(struct stage *s)
{
	old.client = actor_new(s, "new-client", 0);
	old.c = act(s, old.client, ACT_CONNECT, AF_INET, s->port);
	old.a = act(s, other, ACT_ACCEPT, old.l, 0);
	act(s, old.client, ACT_WRITE, old.c, 100);
	act(s, other, ACT_AWAIT, old.a, 100);
	act(s, other, ACT_CLOSE, old.a, 0);
	act(s, old.client, ACT_AWAIT_RESET, old.c, 0);
	expect_server_sends(s, other, old.client);
	s->truth->expect[0].source = "accept";
}

/* In the accept queue at the start no process has it open: its first reader is its owner. */
static void make_queued(struct stage *s)
{
	make_listener(s);
	old.client = actor_new(s, "old-client", 0);
	old.c = act(s, old.client, ACT_CONNECT, AF_INET, s->port);
}

static void old_queued(struct stage *s)
{
	old.a = act(s, old.server, ACT_ACCEPT, old.l, 0);
	act(s, old.client, ACT_WRITE, old.c, 100);
	act(s, old.server, ACT_READ, old.a, 10);
	act(s, old.server, ACT_AWAIT, old.a, 90);
	act(s, old.server, ACT_CLOSE, old.a, 0);
	act(s, old.client, ACT_AWAIT_RESET, old.c, 0);
	expect_server_sends(s, old.server, old.client);
	s->truth->expect[0].source = "read";
}

/* Closed cleanly, and its process gone, all after the daemon's start; the socket was older. */
static void old_time_wait(struct stage *s)
{
	act(s, old.server, ACT_EXIT, 0, 0);
	act(s, old.client, ACT_AWAIT_END, old.c, 0);
	stage_await_time_wait(s, s->port);
	act(s, old.client, ACT_WRITE, old.c, 10);
	act(s, old.client, ACT_AWAIT_RESET, old.c, 0);
	expect(s, RST_SENT, RST_ROLE_SERVER, old.server)->source = "closed";
	expect_received(s, RST_ROLE_CLIENT, old.client);
}

static void old_orphan(struct stage *s)
{
	stage_drop_acks(s);
	act(s, old.server, ACT_EXIT, 0, 0);
	act(s, old.client, ACT_AWAIT_END, old.c, 0);
	act(s, old.client, ACT_WRITE, old.c, 10);
	act(s, old.client, ACT_AWAIT_RESET, old.c, 0);
	expect(s, RST_SENT, RST_ROLE_SERVER, old.server)->reason = "TCP_ABORT_ON_DATA";
	expect_received(s, RST_ROLE_CLIENT, old.client);
}

const struct scenario scenarios_old[] = {
	{"connection older than the daemon", make_pair, old_connection},
	{"same, the client resets", make_pair, old_connection_client_sends},
	{"accepted before, left to a child", make_worker, old_accepted},
	{"listener older than the daemon", make_listener, old_listener},
	{"older listener, new worker only closes", make_prefork, old_listener_worker_closes},
	{"in the accept queue at the start", make_queued, old_queued},
	{"older, closed, its process gone", make_pair, old_time_wait},
	{"older, an orphan now", make_pair, old_orphan},
	{NULL, NULL, NULL},
};
