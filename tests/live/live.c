/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The harness of the live tests: starts and stops rstmond, collects its lines, asks rstmon. It must
 * not judge what they say: judge.c and exact.c do. Proved by every live test that uses it.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/live/live.h"

#define READY_MS 20000
#define STOP_MS	 10000

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

long live_slow(void)
{
	const char *s = getenv("LIVE_SLOW");
	long n = s ? strtol(s, NULL, 10) : 1;

	return n < 1 ? 1 : MIN(n, 100);
}

int64_t slow_ms(int64_t ms)
{
	return ms * live_slow();
}

long live_many(long n)
{
	return live_slow() > 1 ? n / 2 : n;
}

static const char *program(const char *env, const char *otherwise)
{
	const char *path = getenv(env);

	return path && *path ? path : otherwise;
}

const char *live_impossible(void)
{
	if (geteuid() != 0)
		return "not root";
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return "the kernel has no BTF (/sys/kernel/btf/vmlinux)";
	if (access(program("RSTMOND", "build/rstmond"), X_OK) < 0)
		return "build/rstmond is not there (RSTMOND names another)";
	return NULL;
}

static void run_daemon(const struct live_daemon *d, bool print, int out, int err)
{
	const char *path = program("RSTMOND", "build/rstmond");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execl(path, "rstmond", "--socket", d->socket, "--state", d->dir, "--log", "none",
	      print ? "--print=json" : NULL, NULL);
	dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

/* stderr is kept, not shown: tests print it when something is wrong. False at its end. */
static bool read_log(struct live_daemon *d)
{
	char drop[512];
	size_t room = sizeof(d->log) - 1 - d->log_n;
	ssize_t n;

	n = room ? read(d->err, d->log + d->log_n, room) : read(d->err, drop, sizeof(drop));
	if (n > 0 && room)
		d->log_n += (size_t)n;
	d->log[d->log_n] = '\0';
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool log_has_ready(const struct live_daemon *d)
{
	const char *p = d->log;

	while ((p = strstr(p, "ready"))) {
		p += strlen("ready");
		if (*p == '\n')
			return true;
	}
	return false;
}

static int await_ready(struct live_daemon *d)
{
	struct pollfd p = {.fd = d->err, .events = POLLIN};
	int64_t deadline = now_ms() + slow_ms(READY_MS);

	while (!log_has_ready(d)) {
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)left) > 0 && !read_log(d))
			return -EPIPE;
	}
	return 0;
}

/* Lines go to a file: a pipe holds some hundreds, and the daemon drops the rest if a busy host
 * gives this process no CPU to read them. Others' lines count too. */
static int open_output(struct live_daemon *d, int *ret)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/printed", d->dir);
	d->written = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	*ret = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	d->out = open(path, O_RDONLY | O_CLOEXEC);
	if (d->written < 0 || *ret < 0 || d->out < 0 ||
	    inotify_add_watch(d->written, path, IN_MODIFY) < 0)
		return -errno;
	return 0;
}

int live_start(struct live_daemon *d, bool print)
{
	_cleanup_close_ int out = -1, err = -1;
	int e[2], r;

	*d = (struct live_daemon){.pid = -1, .out = -1, .written = -1, .err = -1};
	snprintf(d->dir, sizeof(d->dir), "%s/daemon-XXXXXX", program("LIVE_DIR", "/tmp"));
	if (!mkdtemp(d->dir))
		return -errno;
	r = open_output(d, &out);
	if (r < 0)
		return r;
	if (pipe2(e, O_CLOEXEC) < 0)
		return -errno;
	d->err = e[0];
	err = e[1];
	snprintf(d->socket, sizeof(d->socket), "%s/s", d->dir);
	fcntl(d->err, F_SETFL, O_NONBLOCK);
	d->pid = fork();
	if (d->pid < 0)
		return -errno;
	if (d->pid == 0)
		run_daemon(d, print, out, err);
	close(TAKE_FD(out));
	close(TAKE_FD(err));
	r = await_ready(d);
	if (r < 0)
		fprintf(stderr, "rstmond did not get ready (%s); it said:\n%s", strerror(-r),
			d->log);
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int live_stop(struct live_daemon *d)
{
	int64_t deadline = now_ms() + slow_ms(STOP_MS);
	int status, r = -ESRCH;

	if (d->pid > 0) {
		kill(d->pid, SIGCONT);
		kill(d->pid, SIGTERM);
		while ((r = waitpid(d->pid, &status, WNOHANG)) == 0 && now_ms() < deadline)
			live_pump(d, -1, 20);
		if (r == 0) {
			kill(d->pid, SIGKILL);
			waitpid(d->pid, &status, 0);
			r = -ETIMEDOUT;
		} else {
			r = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
		}
		d->pid = -1;
	}
	if (d->dir[0])
		nftw(d->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	d->dir[0] = '\0';
	return r;
}

void live_free(struct live_daemon *d)
{
	if (d->pid > 0)
		live_stop(d);
	for (size_t i = 0; i < d->n; i++)
		json_object_put(d->line[i]);
	free(d->line);
	free(d->text);
	util_close(&d->out);
	util_close(&d->written);
	util_close(&d->err);
}

static void add_line(struct live_daemon *d, const char *text, size_t n)
{
	_cleanup_free_ char *copy = strndup(text, n);
	struct json_object *o = copy ? json_tokener_parse(copy) : NULL;

	if (!json_object_is_type(o, json_type_object)) {
		fprintf(stderr, "rstmond printed what is no JSON object: %.*s\n", (int)n, text);
		abort();
	}
	if (d->n == d->allocated) {
		d->allocated = d->allocated ? 2 * d->allocated : 256;
		d->line = reallocarray(d->line, d->allocated, sizeof(*d->line));
		if (!d->line)
			abort();
	}
	d->line[d->n++] = o;
}

static void read_lines(struct live_daemon *d)
{
	char buf[65536], *end;
	ssize_t n;

	/* first what woke us: what is written from here on will wake us again */
	while (read(d->written, buf, sizeof(buf)) > 0)
		;
	while ((n = read(d->out, buf, sizeof(buf))) > 0) {
		size_t start = 0;

		d->text = realloc(d->text, d->text_n + (size_t)n);
		if (!d->text)
			abort();
		memcpy(d->text + d->text_n, buf, (size_t)n);
		d->text_n += (size_t)n;
		while ((end = memchr(d->text + start, '\n', d->text_n - start))) {
			size_t len = (size_t)(end - d->text) - start;

			add_line(d, d->text + start, len);
			start += len + 1;
		}
		memmove(d->text, d->text + start, d->text_n - start);
		d->text_n -= start;
	}
}

bool live_pump(struct live_daemon *d, int fd, int timeout_ms)
{
	struct pollfd p[3] = {
		{.fd = d->written, .events = POLLIN},
		{.fd = d->err, .events = POLLIN},
		{.fd = fd, .events = POLLIN},
	};

	if (poll(p, ARRAY_SIZE(p), timeout_ms) <= 0)
		return false;
	if (p[0].revents & POLLIN)
		read_lines(d);
	if (p[1].revents && !read_log(d)) /* it is gone: nothing to wait for there */
		util_close(&d->err), d->err = -1;
	return p[2].revents;
}

size_t live_lines(const struct live_daemon *d, uint64_t netns)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += !netns || (uint64_t)json_int(d->line[i], "netns") == netns;
	return n;
}

bool live_await(struct live_daemon *d, uint64_t netns, size_t n, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	while (live_lines(d, netns) < n) {
		int64_t left = deadline - now_ms();

		if (left <= 0 || d->err < 0)
			return false;
		live_pump(d, -1, (int)left);
	}
	return true;
}

struct json_object *json_at(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	json_object_object_get_ex(o, key, &v);
	return v;
}

int64_t json_int(struct json_object *o, const char *key)
{
	return json_object_get_int64(json_at(o, key));
}

const char *json_str(struct json_object *o, const char *key)
{
	const char *s = json_object_get_string(json_at(o, key));

	return s ? s : "";
}
