/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starts and watches the service. It must not speak with whoever commands (control.c). Proved by
 * tests/survive/run.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/survive/notify.h"
#include "tests/survive/service.h"

#define LISTEN_FIRST 3
#define RESTART_NS   (100 * NSEC_PER_MSEC)
#define FAILURES_MAX 3 /* starts in a row that failed, then it is given up */
#define UNTIL_MS     60000
#define EXIT_PREVENT 2 /* RestartPreventExitStatus= of the unit */

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

int service_init(struct service *s, char **argv, const char *notify, size_t store_max)
{
	int r;

	*s = (struct service){.argv = argv, .pidfd = -1, .listen = -1};
	snprintf(s->binary, sizeof(s->binary), "%s", argv[0]);
	r = store_init(&s->store, store_max);
	if (r)
		return r;
	s->notify = notify_open(notify, s->notify_name, sizeof(s->notify_name));
	return s->notify < 0 ? s->notify : 0;
}

/* In the child. systemd hands over what was stored last first. */
static void pass(const struct service *s)
{
	int n = (int)s->store.n + 1, fd[STORE_MAX + 1];
	static char names[(STORE_MAX + 1) * (STORE_NAME_MAX + 2)];
	size_t length = 0;
	char number[16];

	for (int i = 0; i < n; i++) {
		int k = s->listen_last ? i : i - 1; /* place in the store, from its end */
		bool own = s->listen_last ? k == n - 1 : k < 0;
		const struct stored *item = own ? NULL : &s->store.item[n - 2 - k];

		/* out of the way of the places they go to */
		fd[i] = fcntl(own ? s->listen : item->fd, F_DUPFD_CLOEXEC, LISTEN_FIRST + n);
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   i ? ":" : "", own ? "varlink" : item->name);
	}
	for (int i = 0; i < n; i++)
		if (fd[i] < 0 || dup2(fd[i], LISTEN_FIRST + i) < 0)
			_exit(126);
	snprintf(number, sizeof(number), "%d", n);
	setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	setenv("LISTEN_PID", number, 1);
	setenv("WATCHDOG_PID", number, 1);
	setenv("WATCHDOG_USEC", "30000000", 1);
	setenv("LISTEN_FDNAMES", names, 1);
	setenv("NOTIFY_SOCKET", s->notify_name, 1);
}

int service_start(struct service *s)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(126);
		signal(SIGPIPE, SIG_DFL);
		pass(s);
		execv(s->binary, s->argv);
		_exit(127);
	}
	s->pid = pid;
	s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	s->state = SERVICE_STARTING;
	s->starts++;
	return s->pidfd < 0 ? -errno : 0;
}

static void store(struct service *s, struct notification *n)
{
	char name[STORE_NAME_MAX + 1] = "stored";
	bool poll = !notification_has(n, "FDPOLL=0");

	notification_value(n, "FDNAME=", name, sizeof(name));
	for (size_t i = 0; i < n->n_fds; i++) {
		int r = store_add(&s->store, n->fd[i], name, poll);

		if (r > 0)
			s->kept++;
		else if (r == 0)
			s->duplicates++;
		else
			s->rejected++;
	}
	n->n_fds = 0;
}

static void hear(struct service *s, struct notification *n)
{
	char name[STORE_NAME_MAX + 1];

	if (n->pid != s->pid) {
		s->strangers++;
		return;
	}
	/* alone and with one descriptor, whose end is the answer */
	if (notification_has(n, "BARRIER=1")) {
		s->barriers += n->n_fds == 1 && !strcmp(n->text, "BARRIER=1");
		return;
	}
	notification_value(n, "STATUS=", s->status, sizeof(s->status));
	s->watchdogs += notification_has(n, "WATCHDOG=1");
	if (notification_has(n, "READY=1") && s->state == SERVICE_STARTING) {
		s->state = SERVICE_READY;
		s->failures = 0;
	}
	if (notification_has(n, "FDSTOREREMOVE=1") &&
	    notification_value(n, "FDNAME=", name, sizeof(name)))
		s->removed += (unsigned int)store_remove(&s->store, name);
	if (notification_has(n, "FDSTORE=1"))
		store(s, n);
}

static int hear_all(struct service *s)
{
	struct notification n;
	int r;

	while ((r = notify_receive(s->notify, &n)) > 0) {
		hear(s, &n);
		notification_done(&n);
	}
	return r;
}

/* What it said last counts, so that is heard before. */
static void ended(struct service *s)
{
	int status = 0;
	bool clean;

	hear_all(s);
	waitpid(s->pid, &status, 0);
	close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
	clean = WIFEXITED(status) ? WEXITSTATUS(status) == 0
				  : WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT;
	if (!s->expected)
		fprintf(stderr, "supervisor: it ended by itself, %s %d\n",
			WIFEXITED(status) ? "status" : "signal",
			WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	if (s->state == SERVICE_STARTING && !s->expected)
		s->failures++;
	if (s->stay) {
		s->state = SERVICE_DOWN;
	} else if (!s->expected && (clean || s->failures >= FAILURES_MAX ||
				    (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PREVENT))) {
		/* dead, and nobody will start it: nothing is kept for it */
		s->state = SERVICE_DOWN;
		store_clear(&s->store);
	} else {
		s->state = SERVICE_WAITING;
		s->due = now() + RESTART_NS;
	}
	s->stay = s->expected = false;
}

int service_turn(struct service *s, int also, int ms)
{
	struct pollfd p[] = {
		{.fd = s->notify, .events = POLLIN},
		{.fd = s->pidfd, .events = POLLIN},
		{.fd = s->store.epoll, .events = POLLIN},
		{.fd = also, .events = POLLIN},
	};
	int r = 0;

	if (s->state == SERVICE_WAITING) {
		if (now() >= s->due)
			return service_start(s);
		ms = 5;
	}
	if (poll(p, ARRAY_SIZE(p), ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p[0].revents)
		r = hear_all(s);
	if (!r && p[1].revents)
		ended(s);
	if (p[2].revents)
		s->hung_up += (unsigned int)store_turn(&s->store);
	return r ? r : p[3].revents != 0;
}

int service_until(struct service *s, enum service_state wanted)
{
	uint64_t deadline = now() + UNTIL_MS * NSEC_PER_MSEC;

	while (s->state != wanted) {
		int r = service_turn(s, -1, 50);

		if (r < 0)
			return r;
		if (s->state == SERVICE_DOWN && wanted != SERVICE_DOWN)
			return -ECHILD;
		if (now() > deadline)
			return -ETIMEDOUT;
	}
	return 0;
}

void service_end(struct service *s)
{
	s->stay = s->expected = true;
	if (s->pid > 0 && (kill(s->pid, SIGTERM), service_until(s, SERVICE_DOWN))) {
		kill(s->pid, SIGKILL);
		service_until(s, SERVICE_DOWN);
	}
	s->state = SERVICE_DOWN;
	store_clear(&s->store);
}
