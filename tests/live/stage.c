/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage's side: makes actors, calls them, waits for them. It must touch no socket of a scenario
 * itself, or it would be one of those whose name could be right. Proved by the ownership table.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/live/actor.h"
#include "tests/live/actor_rpc.h"
#include "tests/live/live.h"

#define CALL_MS 15000

void stage_fail(struct stage *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(s->truth->failure, sizeof(s->truth->failure), format, ap);
	va_end(ap);
	stage_end(s);
	_exit(1);
}

void stage_skip(struct stage *s, const char *reason)
{
	s->truth->skipped = true;
	stage_fail(s, "%s", reason);
}

static struct actor *add(struct stage *s, const char *name, pid_t pid, int rpc)
{
	struct actor *a = calloc(1, sizeof(*a));

	if (!a || s->n_actors == STAGE_ACTORS_MAX)
		stage_fail(s, "no room for actor %s", name);
	a->pid = pid;
	a->rpc = rpc;
	snprintf(a->comm, sizeof(a->comm), "%s", name);
	s->actor[s->n_actors++] = a;
	return a;
}

struct actor *actor_new(struct stage *s, const char *name, int flags)
{
	int line[2];
	long pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line) < 0)
		stage_fail(s, "socketpair: %s", strerror(errno));
	pid = flags ? syscall(SYS_clone, SIGCHLD | flags, NULL, NULL, NULL, NULL) : fork();
	if (pid < 0)
		stage_fail(s, "clone: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		/* the others' lines would stay open here and hide the stage's end from them */
		for (unsigned int i = 0; i < s->n_actors; i++)
			close(s->actor[i]->rpc);
		close(line[0]);
		actor_loop(line[1], s->truth);
	}
	close(line[1]);
	return add(s, name, (pid_t)pid, line[0]);
}

static void call(struct stage *s, struct actor *a, const struct rpc_call *c)
{
	if (send(a->rpc, c, sizeof(*c), MSG_NOSIGNAL) < 0)
		stage_fail(s, "actor %s is gone before call %d", a->comm, c->what);
}

static struct rpc_reply answer(struct stage *s, struct actor *a, int what, int *ret_fd)
{
	struct pollfd p = {.fd = a->rpc, .events = POLLIN};
	struct rpc_reply reply;
	int r;

	if (poll(&p, 1, (int)slow_ms(CALL_MS)) <= 0)
		stage_fail(s, "actor %s does not answer call %d", a->comm, what);
	r = rpc_take_fd(a->rpc, &reply, sizeof(reply), ret_fd);
	if (r < 0)
		stage_fail(s, "actor %s died in call %d", a->comm, what);
	return reply;
}

static bool may_fail(enum act what)
{
	return what == ACT_TRY_CONNECT || what == ACT_TRY_ACCEPT || what == ACT_READ_BLOCK;
}

static int do_call(struct stage *s, struct actor *a, struct rpc_call *c)
{
	struct rpc_reply reply;
	int fd;

	if (c->what == ACT_PASS)
		c->z = s->pass[0];
	else if (c->what == ACT_TAKE)
		c->z = s->pass[1];
	call(s, a, c);
	if (c->what == ACT_EXIT) {
		actor_reap(s, a);
		return 0;
	}
	reply = answer(s, a, c->what, &fd);
	if (reply.r < 0 && !may_fail(c->what))
		stage_fail(s, "actor %s, call %d(%d, %d): %s", a->comm, c->what, c->x, c->y,
			   strerror(-reply.r));
	return reply.r;
}

int act(struct stage *s, struct actor *a, enum act what, int x, int y)
{
	struct rpc_call c = {.what = what, .x = x, .y = y};

	return do_call(s, a, &c);
}

int act_text(struct stage *s, struct actor *a, enum act what, const char *text)
{
	struct rpc_call c = {.what = what};
	const char *base = strrchr(text, '/');

	snprintf(c.text, sizeof(c.text), "%s", text);
	do_call(s, a, &c);
	if (what == ACT_EXEC || what == ACT_NAME)
		snprintf(a->comm, sizeof(a->comm), "%s", base ? base + 1 : text);
	return 0;
}

int act_thread(struct stage *s, struct actor *a, const char *name, enum act what, int x, int y)
{
	struct rpc_call c = {.what = what, .x = x, .y = y, .thread = true};

	snprintf(c.text, sizeof(c.text), "%s", name);
	return do_call(s, a, &c);
}

void act_start(struct stage *s, struct actor *a, enum act what, int x, int y)
{
	struct rpc_call c = {.what = what, .x = x, .y = y};

	call(s, a, &c);
}

int act_result(struct stage *s, struct actor *a)
{
	int fd;

	return answer(s, a, -1, &fd).r;
}

struct actor *actor_fork(struct stage *s, struct actor *a, const char *name)
{
	struct rpc_call c = {.what = ACT_FORK};
	struct rpc_reply reply;
	int fd;

	snprintf(c.text, sizeof(c.text), "%s", name);
	call(s, a, &c);
	reply = answer(s, a, ACT_FORK, &fd);
	if (reply.r <= 0 || fd < 0)
		stage_fail(s, "actor %s cannot fork: %s", a->comm, strerror(-reply.r));
	return add(s, name, reply.r, fd);
}

void actor_await_syscall(struct stage *s, const struct actor *a, long nr, int fd)
{
	int64_t deadline = now_ms() + slow_ms(CALL_MS);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", (int)a->pid);
	while (now_ms() < deadline) {
		_cleanup_fclose_ FILE *f = fopen(path, "re");
		unsigned long first;
		long got;

		if (f && fscanf(f, "%ld 0x%lx", &got, &first) == 2 && got == nr &&
		    (fd < 0 || first == (unsigned long)fd))
			return;
		poll(NULL, 0, 1);
	}
	stage_fail(s, "actor %s never got into system call %ld", a->comm, nr);
}

void actor_reap(struct stage *s, struct actor *a)
{
	int64_t deadline = now_ms() + slow_ms(CALL_MS);
	char path[64];

	if (waitpid(a->pid, NULL, 0) == a->pid) {
		a->gone = true;
		return;
	}
	/* another actor's child: that one reaps it */
	snprintf(path, sizeof(path), "/proc/%d", (int)a->pid);
	while (access(path, F_OK) == 0) {
		if (now_ms() > deadline)
			stage_fail(s, "actor %s does not end", a->comm);
		poll(NULL, 0, 1);
	}
	a->gone = true;
}

void stage_end(struct stage *s)
{
	for (unsigned int i = 0; i < s->n_actors; i++)
		if (!s->actor[i]->gone)
			kill(s->actor[i]->pid, SIGKILL);
	for (unsigned int i = 0; i < s->n_actors; i++) {
		if (!s->actor[i]->gone)
			waitpid(s->actor[i]->pid, NULL, 0);
		close(s->actor[i]->rpc);
		free(s->actor[i]);
	}
	s->n_actors = 0;
}

struct pair stage_pair(struct stage *s, const char *server, const char *client)
{
	struct pair p;

	p.server = actor_new(s, server, 0);
	p.client = actor_new(s, client, 0);
	p.l = act(s, p.server, ACT_LISTEN, AF_INET, s->port);
	p.c = act(s, p.client, ACT_CONNECT, AF_INET, s->port);
	p.a = act(s, p.server, ACT_ACCEPT, p.l, 0);
	return p;
}

/* The mini-socket shows its substate, FIN_WAIT2 (5) or TIME_WAIT (6). */
static bool is_time_wait(int port)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/net/tcp", "re");
	unsigned int local, state;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x", &local, &state) == 2 &&
		    local == (unsigned int)port && (state == 5 || state == 6))
			return true;
	return false;
}

void stage_await_time_wait(struct stage *s, int port)
{
	int64_t deadline = now_ms() + slow_ms(CALL_MS);

	while (!is_time_wait(port)) {
		if (now_ms() > deadline)
			stage_fail(s, "the socket at port %d never came to time-wait", port);
		poll(NULL, 0, 1);
	}
}

int stage_run(struct stage *s, char *const argv[], pid_t *ret_pid)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		stage_fail(s, "fork: %s", strerror(errno));
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (ret_pid)
		*ret_pid = pid;
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void stage_drop_acks(struct stage *s)
{
	char rules[256];
	char *argv[] = {"nft", rules, NULL};

	snprintf(rules, sizeof(rules),
		 "add table inet t; add chain inet t in { type filter hook input priority 0; };"
		 " add rule inet t in tcp dport %u tcp flags & (fin|syn|rst|psh|ack) == ack drop",
		 s->port);
	if (stage_run(s, argv, NULL) != 0)
		stage_skip(s, "nft cannot drop the acknowledgements");
}
