/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios about the end: of processes, of listeners, of connections that were closed already. */
#include "common/util.h"

#include <signal.h>
#include <sys/socket.h>

#include "tests/live/scenario.h"

/* The server has closed; its socket is a time-wait mini-socket, which knows no process. */
static void write_to_closed(struct stage *s, struct pair *p)
{
	struct live_expect *e;

	act(s, p->client, ACT_AWAIT_END, p->c, 0);
	stage_await_time_wait(s, s->port);
	act(s, p->client, ACT_WRITE, p->c, 10);
	act(s, p->client, ACT_AWAIT_RESET, p->c, 0);
	e = expect(s, RST_SENT, RST_ROLE_SERVER, p->server);
	e->source = "closed";
	e->state = "TIME_WAIT";
	e->reason = "TCP_TIMEWAIT_SOCKET";
	e = expect_received(s, RST_ROLE_CLIENT, p->client);
	e->state = "CLOSE_WAIT";
}

static void time_wait(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-timewait", "cli-timewait");

	act(s, p.server, ACT_CLOSE, p.a, 0);
	write_to_closed(s, &p);
}

static void process_gone(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-gone", "cli-gone");

	act(s, p.server, ACT_EXIT, 0, 0);
	write_to_closed(s, &p);
}

/* Closed, its process gone, but a full socket still: an orphan, which is asked for itself. */
static void orphan(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-orphan", "cli-orphan");
	struct live_expect *e;

	stage_drop_acks(s);
	act(s, p.server, ACT_EXIT, 0, 0);
	act(s, p.client, ACT_AWAIT_END, p.c, 0);
	act(s, p.client, ACT_WRITE, p.c, 10);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	e = expect(s, RST_SENT, RST_ROLE_SERVER, p.server);
	e->reason = "TCP_ABORT_ON_DATA";
	expect_received(s, RST_ROLE_CLIENT, p.client);
}

/* The client has closed and is gone, the server goes on and writes. */
static void client_gone(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-cgone", "cli-cgone");
	int port = act(s, p.client, ACT_LOCAL_PORT, p.c, 0);

	act(s, p.client, ACT_EXIT, 0, 0);
	act(s, p.server, ACT_AWAIT_END, p.a, 0);
	stage_await_time_wait(s, port);
	act(s, p.server, ACT_WRITE, p.a, 10);
	act(s, p.server, ACT_AWAIT_RESET, p.a, 0);
	expect(s, RST_SENT, RST_ROLE_CLIENT, p.client)->source = "closed";
	expect_received(s, RST_ROLE_SERVER, p.server);
}

static struct pair with_unread(struct stage *s, const char *name)
{
	struct pair p = stage_pair(s, name, "client");

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_AWAIT, p.a, 100);
	return p;
}

static void killed(struct stage *s)
{
	struct pair p = with_unread(s, "srv-killed");

	kill(p.server->pid, SIGKILL);
	actor_reap(s, p.server);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.server, p.client);
	s->truth->expect[0].exit_signal = SIGKILL;
}

static void exited(struct stage *s)
{
	struct pair p = with_unread(s, "srv-exit3");

	act(s, p.server, ACT_EXIT, 3, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.server, p.client);
	s->truth->expect[0].exit_signal = 0;
	s->truth->expect[0].exit_status = 3;
}

#define PENDING 2

static void listener_closed(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-pending", 0), *cli = actor_new(s, "cli-pending", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port), c[PENDING], port;

	for (int i = 0; i < PENDING; i++) {
		c[i] = act(s, cli, ACT_CONNECT, AF_INET, s->port);
		/* what was written is acknowledged by the queued child: it is complete */
		act(s, cli, ACT_WRITE, c[i], 10);
	}
	act(s, srv, ACT_CLOSE, l, 0);
	for (int i = 0; i < PENDING; i++) {
		port = act(s, cli, ACT_LOCAL_PORT, c[i], 0);
		act(s, cli, ACT_AWAIT_RESET, c[i], 0);
		expect_sent(s, RST_ROLE_SERVER, srv)->remote = (uint16_t)port;
		expect_received(s, RST_ROLE_CLIENT, cli)->local = (uint16_t)port;
	}
}

/* Nobody is behind the port any more; who was is no owner. */
static void listener_gone(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-was-here", 0), *cli = actor_new(s, "cli-late", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port);

	act(s, srv, ACT_CLOSE, l, 0);
	act(s, cli, ACT_TRY_CONNECT, AF_INET, s->port);
	expect(s, RST_SENT, RST_ROLE_NONE, NULL)->cause = "service_down";
	expect_received(s, RST_ROLE_CLIENT, cli);
}

#define SHORT_LIVED 200

static void short_lived(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-short", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port);

	for (int i = 0; i < SHORT_LIVED; i++) {
		char name[LIVE_COMM_MAX];
		struct live_expect *e;
		struct actor *c;
		int fd, a, port;

		snprintf(name, sizeof(name), "short-%d", i);
		c = actor_new(s, name, 0);
		fd = act(s, c, ACT_CONNECT, AF_INET, s->port);
		port = act(s, c, ACT_LOCAL_PORT, fd, 0);
		a = act(s, srv, ACT_ACCEPT, l, 0);
		act(s, srv, ACT_WRITE, a, 10);
		act(s, c, ACT_AWAIT, fd, 10);
		act(s, c, ACT_EXIT, 0, 0);
		act(s, srv, ACT_AWAIT_RESET, a, 0);
		act(s, srv, ACT_CLOSE, a, 0);
		e = expect_sent(s, RST_ROLE_CLIENT, c);
		e->local = (uint16_t)port;
		e->exit_status = 0;
		expect_received(s, RST_ROLE_SERVER, srv)->remote = (uint16_t)port;
	}
}

const struct scenario scenarios_end[] = {
	{"time-wait, closer remembered", NULL, time_wait},
	{"process gone before the reset", NULL, process_gone},
	{"orphan, its process gone", NULL, orphan},
	{"client gone before the reset", NULL, client_gone},
	{"exit by SIGKILL", NULL, killed},
	{"exit with status 3", NULL, exited},
	{"listener closed, pending", NULL, listener_closed},
	{"port whose listener is gone", NULL, listener_gone},
	{"200 short-lived processes", NULL, short_lived},
	{NULL, NULL, NULL},
};
