/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios with one process at each end: ways to reset, address families, namespaces. */
#include "common/util.h"

#include <sched.h>
#include <sys/socket.h>

#include "tests/live/scenario.h"

static void server_closes_unread(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-unread", "cli-unread");

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_AWAIT, p.a, 100);
	act(s, p.server, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.server, p.client);
	s->truth->expect[0].reason = "TCP_ABORT_ON_CLOSE";
	s->truth->expect[0].state = "CLOSE";
	s->truth->expect[1].state = "ESTABLISHED";
	s->truth->expect[1].error = "ECONNRESET";
}

static void client_closes_unread(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-cunread", "cli-cunread");

	act(s, p.server, ACT_WRITE, p.a, 5000);
	act(s, p.client, ACT_AWAIT, p.c, 5000);
	act(s, p.client, ACT_CLOSE, p.c, 0);
	act(s, p.server, ACT_AWAIT_RESET, p.a, 0);
	expect_client_sends(s, p.client, p.server);
}

static void linger_zero(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-linger", "cli-linger");

	act(s, p.client, ACT_LINGER0, p.c, 0);
	act(s, p.client, ACT_CLOSE, p.c, 0);
	act(s, p.server, ACT_AWAIT_RESET, p.a, 0);
	expect_client_sends(s, p.client, p.server);
}

static void connect_unspec(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-unspec", "cli-unspec");

	act(s, p.client, ACT_UNSPEC, p.c, 0);
	act(s, p.server, ACT_AWAIT_RESET, p.a, 0);
	expect_client_sends(s, p.client, p.server);
}

/* The kernel runs tcp_reset() on the server without any RST: that line must not appear. */
static void data_after_shutdown(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-shut", "cli-shut");
	struct live_expect *e;

	act(s, p.server, ACT_SHUTDOWN, p.a, SHUT_RDWR);
	act(s, p.client, ACT_AWAIT_END, p.c, 0);
	act(s, p.client, ACT_WRITE, p.c, 50);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	e = expect(s, RST_SENT, RST_ROLE_SERVER, p.server);
	e->reason = "TCP_ABORT_ON_DATA";
	e = expect_received(s, RST_ROLE_CLIENT, p.client);
	e->state = "CLOSE_WAIT";
	e->error = "EPIPE";
}

static void closed_port(struct stage *s)
{
	struct actor *c = actor_new(s, "cli-refused", 0);
	struct live_expect *e;

	act(s, c, ACT_TRY_CONNECT, AF_INET, s->port);
	e = expect(s, RST_SENT, RST_ROLE_NONE, NULL);
	e->reason = "NO_SOCKET";
	e->cause = "closed_port";
	e = expect_received(s, RST_ROLE_CLIENT, c);
	e->source = "connect";
	e->state = "SYN_SENT";
	e->cause = "refused_syn";
	e->error = "ECONNREFUSED";
}

static void closed_port_ipv6(struct stage *s)
{
	struct actor *c = actor_new(s, "cli-refused6", 0);

	act(s, c, ACT_TRY_CONNECT, AF_INET6, s->port);
	expect(s, RST_SENT, RST_ROLE_NONE, NULL)->family = "ipv6";
	expect_received(s, RST_ROLE_CLIENT, c)->family = "ipv6";
}

/* 'listener' and 'caller' are families as ACT_LISTEN and ACT_CONNECT take them. */
static void by_family(struct stage *s, int listener, int caller, const char *family,
		      const char *address)
{
	struct actor *srv = actor_new(s, "srv-family", 0), *cli = actor_new(s, "cli-family", 0);
	int l = act(s, srv, ACT_LISTEN, listener, s->port);
	int c = act(s, cli, ACT_CONNECT, caller, s->port);
	int a = act(s, srv, ACT_ACCEPT, l, 0);

	act(s, cli, ACT_WRITE, c, 100);
	act(s, srv, ACT_AWAIT, a, 100);
	act(s, srv, ACT_CLOSE, a, 0);
	act(s, cli, ACT_AWAIT_RESET, c, 0);
	expect_server_sends(s, srv, cli);
	for (unsigned int i = 0; i < s->truth->n; i++) {
		s->truth->expect[i].family = family;
		s->truth->expect[i].address = address;
	}
}

static void ipv6(struct stage *s)
{
	by_family(s, AF_INET6, AF_INET6, "ipv6", "[::1]");
}

static void mapped_server(struct stage *s)
{
	by_family(s, LIVE_MAPPED, AF_INET, "ipv4", "127.0.0.1");
}

static void mapped_both(struct stage *s)
{
	by_family(s, LIVE_MAPPED, LIVE_MAPPED, "ipv4", "127.0.0.1");
}

/* The process has moved on; the socket stays where it was made. */
static void netns_left(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-netns", "cli-netns");

	act(s, p.client, ACT_WRITE, p.c, 100);
	act(s, p.server, ACT_AWAIT, p.a, 100);
	act(s, p.server, ACT_LEAVE_NETNS, 0, 0);
	act(s, p.server, ACT_CLOSE, p.a, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	expect_server_sends(s, p.server, p.client);
}

/* In there it is process 1; the host's number is the one to say. */
static void pid_namespace(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-pidns", CLONE_NEWPID);
	struct actor *cli = actor_new(s, "cli-pidns", CLONE_NEWPID);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port);
	int c = act(s, cli, ACT_CONNECT, AF_INET, s->port);
	int a = act(s, srv, ACT_ACCEPT, l, 0);

	act(s, cli, ACT_WRITE, c, 100);
	act(s, srv, ACT_AWAIT, a, 100);
	act(s, srv, ACT_CLOSE, a, 0);
	act(s, cli, ACT_AWAIT_RESET, c, 0);
	expect_server_sends(s, srv, cli);
}

/* A thread with a name of its own connects and closes: the process is to be named. */
static void thread(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-thread", 0), *cli = actor_new(s, "cli-thread", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port);
	int c = act_thread(s, cli, "a-thread", ACT_CONNECT, AF_INET, s->port);
	int a = act(s, srv, ACT_ACCEPT, l, 0);

	act(s, srv, ACT_WRITE, a, 100);
	act(s, cli, ACT_AWAIT, c, 100);
	act_thread(s, cli, "b-thread", ACT_CLOSE, c, 0);
	act(s, srv, ACT_AWAIT_RESET, a, 0);
	expect_client_sends(s, cli, srv);
}

const struct scenario scenarios_plain[] = {
	{"loopback, server closes unread", NULL, server_closes_unread},
	{"loopback, client closes unread", NULL, client_closes_unread},
	{"SO_LINGER 0", NULL, linger_zero},
	{"connect(AF_UNSPEC)", NULL, connect_unspec},
	{"data after shutdown()", NULL, data_after_shutdown},
	{"closed port", NULL, closed_port},
	{"closed port, IPv6", NULL, closed_port_ipv6},
	{"IPv6", NULL, ipv6},
	{"v4-mapped server", NULL, mapped_server},
	{"v4-mapped both ends", NULL, mapped_both},
	{"netns left by the process", NULL, netns_left},
	{"PID namespace", NULL, pid_namespace},
	{"thread", NULL, thread},
	{NULL, NULL, NULL},
};
