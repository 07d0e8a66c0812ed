/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenarios that need tools, timers, raw segments or a daemon that is held still. */
#include "common/util.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/bench/packets.h"
#include "tests/live/live.h"
#include "tests/live/scenario.h"

/* ss -K: the application owns the connection, ss acts on it. */
static void admin_abort(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-abort", "cli-abort");
	struct actor ss = {.comm = "ss"};
	struct live_expect *e;
	char port[16];
	char *argv[] = {"ss", "-K", "-t", "state", "established", "dport", "=", port, NULL};

	snprintf(port, sizeof(port), ":%u", s->port);
	if (stage_run(s, argv, &ss.pid) != 0)
		stage_skip(s, "ss -K failed: no iproute2, or no CONFIG_INET_DIAG_DESTROY");
	act(s, p.server, ACT_AWAIT_RESET, p.a, 0);
	e = expect(s, RST_SENT, RST_ROLE_CLIENT, p.client);
	expect_actor(e, &ss);
	e->state = "ESTABLISHED";
	e->cause = "admin_abort";
	expect_received(s, RST_ROLE_SERVER, p.server);
}

static void keepalive(struct stage *s)
{
	struct pair p = stage_pair(s, "srv-keep", "cli-keep");
	char rules[256];
	char *argv[] = {"nft", rules, NULL};
	struct live_expect *e;

	snprintf(rules, sizeof(rules),
		 "add table inet t; add chain inet t in { type filter hook input priority 0; };"
		 " add rule inet t in tcp sport %u drop",
		 s->port);
	if (stage_run(s, argv, NULL) != 0)
		stage_skip(s, "nft cannot drop the replies");
	s->truth->by_timer = true;
	act(s, p.client, ACT_KEEPALIVE, p.c, 0);
	act(s, p.client, ACT_AWAIT_RESET, p.c, 0);
	e = expect(s, RST_SENT, RST_ROLE_CLIENT, p.client);
	e->reason = "TCP_KEEPALIVE_TIMEOUT";
	e->cause = "keepalive_probe_timeout";
	expect_received(s, RST_ROLE_SERVER, p.server);
}

#define ACKS 500

/* No connection knows these segments, so the listener answers, in softirq, on top of the listener's
 * process more often than not; and that process is no actor. */
static void acks_at_spinning_listener(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-spin", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port), status;
	struct live_expect *e;
	pid_t pid;

	act_start(s, srv, ACT_SPIN_ACCEPT, l, 0);
	pid = fork(); /* the senders' process: softirq runs in it, too */
	if (pid == 0)
		_exit(packets_to_port(s->port, PACKET_ACK, ACKS) == ACKS ? 0 : 1);
	waitpid(pid, &status, 0);
	s->truth->stop = 1;
	act_result(s, srv);
	if (status)
		stage_fail(s, "could not send %d ACKs", ACKS);
	e = expect(s, RST_SENT, RST_ROLE_SERVER, srv);
	e->count = ACKS;
	e->state = "LISTEN";
	e->source = "listen";
}

/* Where cgroup v2 is mounted; "" if nowhere. */
static void cgroup_root(char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], where[256], type[64];

	*ret = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %255s %63s", where, type) == 2 && !strcmp(type, "cgroup2")) {
			snprintf(ret, size, "%s", where);
			return;
		}
}

/* The daemon is held still from before the cgroup is made until after it is gone. */
static void cgroup_gone(struct stage *s)
{
	struct actor *srv = actor_new(s, "srv-cgroup", 0), *cli = actor_new(s, "cli-cgroup", 0);
	int l = act(s, srv, ACT_LISTEN, AF_INET, s->port), a, c, r;
	char root[256], unit[64], dir[330];
	struct live_expect *e;

	cgroup_root(root, sizeof(root));
	snprintf(unit, sizeof(unit), "rstmon-test-%d.service", (int)getpid());
	snprintf(dir, sizeof(dir), "%s/%s", root, unit);
	if (!*root || strlen(dir) > 150)
		stage_skip(s, "no cgroup v2 is mounted");
	kill(s->daemon, SIGSTOP);
	if (mkdir(dir, 0755) < 0) {
		kill(s->daemon, SIGCONT);
		stage_skip(s, "cannot make a cgroup");
	}
	act_text(s, cli, ACT_CGROUP, dir);
	c = act(s, cli, ACT_CONNECT, AF_INET, s->port);
	a = act(s, srv, ACT_ACCEPT, l, 0);
	act(s, srv, ACT_WRITE, a, 10);
	act(s, cli, ACT_AWAIT, c, 10);
	act(s, cli, ACT_CLOSE, c, 0);
	act(s, srv, ACT_AWAIT_RESET, a, 0);
	act_text(s, cli, ACT_CGROUP, root);
	r = rmdir(dir) < 0 ? errno : 0;
	kill(s->daemon, SIGCONT);
	if (r)
		stage_fail(s, "rmdir %s: %s", dir, strerror(r));
	e = expect_sent(s, RST_ROLE_CLIENT, cli);
	snprintf(e->unit, sizeof(e->unit), "%s", unit);
	expect_received(s, RST_ROLE_SERVER, srv);
}

const struct scenario scenarios_special[] = {
	{"ss -K", NULL, admin_abort},
	{"keep-alive timer", NULL, keepalive},
	{"bare ACKs at a spinning listener", NULL, acks_at_spinning_listener},
	{"cgroup removed before it is read", NULL, cgroup_gone},
	{NULL, NULL, NULL},
};
