/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the supervisor can be told; it must not do what no administrator and no bad luck could.
 *Proved by tests/survive/run.sh.
 *
 *	kill [stay|MS]	   SIGKILL; "stay": no new start, the store is kept, as in RestartSec=; a
 *number: the new one is killed too, so long after its start restart [stay|MS]  SIGTERM, the store
 *is kept upgrade BINARY [MS]  restart with another one start		   after one of these with
 *"stay", or after stop stop		   SIGTERM, the store is emptied list		   what is
 *stored put NAME WHAT [X]  something is in the store: pipe, map, file PATH, memory BYTES, like NAME
 *	drop NAME	   something is not
 *	pid, status, quit
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "tests/survive/control.h"

#define WORDS_MAX 4

struct command {
	const char *name;
	int (*run)(struct service *s, char *word[], FILE *answer);
};

static int end_and_wait(struct service *s, int sig, enum service_state then)
{
	if (s->pid <= 0)
		return -ESRCH;
	s->expected = true;
	s->stay = then == SERVICE_DOWN;
	s->state = SERVICE_ENDING;
	if (kill(s->pid, sig))
		return -errno;
	return service_until(s, then);
}

/* Dies a second time 'ms' after its new start, whether it is ready by then or not. */
static int end_twice(struct service *s, int sig, unsigned long ms)
{
	int r = end_and_wait(s, sig, SERVICE_STARTING);

	for (unsigned long i = 0; !r && i < ms; i++) {
		const struct timespec tick = {.tv_nsec = NSEC_PER_MSEC};

		nanosleep(&tick, NULL);
		r = service_turn(s, -1, 0);
	}
	return r ? r : end_and_wait(s, SIGKILL, SERVICE_READY);
}

static int end(struct service *s, int sig, const char *how)
{
	char *rest;
	unsigned long ms;

	if (!how)
		return end_and_wait(s, sig, SERVICE_READY);
	if (!strcmp(how, "stay"))
		return end_and_wait(s, sig, SERVICE_DOWN);
	ms = strtoul(how, &rest, 10);
	return *rest || ms > 10000 ? -EINVAL : end_twice(s, sig, ms);
}

static int run_kill(struct service *s, char *word[], FILE *answer)
{
	(void)answer;
	return end(s, SIGKILL, word[1]);
}

static int run_restart(struct service *s, char *word[], FILE *answer)
{
	(void)answer;
	return end(s, SIGTERM, word[1]);
}

static int run_upgrade(struct service *s, char *word[], FILE *answer)
{
	(void)answer;
	if (!word[1])
		return -EINVAL;
	snprintf(s->binary, sizeof(s->binary), "%s", word[1]);
	return s->pid > 0 ? end(s, SIGTERM, word[2]) : 0;
}

static int run_start(struct service *s, char *word[], FILE *answer)
{
	int r;

	(void)word;
	(void)answer;
	if (s->pid > 0)
		return -EALREADY;
	s->failures = 0;
	r = service_start(s);
	return r ? r : service_until(s, SERVICE_READY);
}

static int run_stop(struct service *s, char *word[], FILE *answer)
{
	int r = s->pid > 0 ? end(s, SIGTERM, "stay") : 0;

	(void)word;
	(void)answer;
	if (!r)
		store_clear(&s->store);
	return r;
}

static int run_list(struct service *s, char *word[], FILE *answer)
{
	(void)word;
	store_list(&s->store, answer);
	return 0;
}

/* The read end of a pipe; the other one stays open as long as the supervisor runs, so nothing hangs
 * up. */
static int make_pipe(void)
{
	int fd[2];

	return pipe2(fd, O_CLOEXEC) ? -errno : fd[0];
}

static int make_map(void)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a));
	a.map_type = BPF_MAP_TYPE_ARRAY;
	a.key_size = a.value_size = 4;
	a.max_entries = 1;
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

static int make_memory(const char *bytes)
{
	_cleanup_close_ int fd = memfd_create("foreign", MFD_CLOEXEC);

	for (unsigned long n = bytes ? strtoul(bytes, NULL, 10) : 0; fd >= 0 && n > 0;) {
		static const char garbage[4096] = "\x5a\xff\x01";
		ssize_t done = write(fd, garbage, MIN(n, sizeof(garbage)));

		if (done <= 0)
			return -EIO;
		n -= (unsigned long)done;
	}
	return TAKE_FD(fd);
}

/* The same object through a file of its own: a second descriptor of the file would not be kept. */
static int make_like(const struct service *s, const char *name)
{
	const struct stored *other = name ? store_find(&s->store, name) : NULL;
	struct bpf_map_info info = {}; /* the id is the second word of a link's info too */
	char path[64], what[64] = "";
	union bpf_attr a;

	if (!other)
		return -ENOENT;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", other->fd);
	if (readlink(path, what, sizeof(what) - 1) < 0)
		return -errno;
	if (strncmp(what, "anon_inode:bpf", 14))
		return open(path, O_RDWR | O_CLOEXEC);
	memset(&a, 0, sizeof(a));
	a.info.bpf_fd = (uint32_t)other->fd;
	a.info.info_len = sizeof(info);
	a.info.info = (uintptr_t)&info;
	if (syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &a, sizeof(a)))
		return -errno;
	memset(&a, 0, sizeof(a));
	a.map_id = info.id;
	return (int)syscall(SYS_bpf,
			    strstr(what, "link") ? BPF_LINK_GET_FD_BY_ID : BPF_MAP_GET_FD_BY_ID, &a,
			    sizeof(a));
}

static int run_put(struct service *s, char *word[], FILE *answer)
{
	int fd = -EINVAL, r;

	(void)answer;
	if (!word[1] || !word[2])
		return -EINVAL;
	errno = 0;
	if (!strcmp(word[2], "pipe"))
		fd = make_pipe();
	else if (!strcmp(word[2], "map"))
		fd = make_map();
	else if (!strcmp(word[2], "file") && word[3])
		fd = open(word[3], O_RDWR | O_CLOEXEC);
	else if (!strcmp(word[2], "memory"))
		fd = make_memory(word[3]);
	else if (!strcmp(word[2], "like"))
		fd = make_like(s, word[3]);
	if (fd < 0)
		return errno ? -errno : fd;
	r = store_add(&s->store, fd, word[1], false);
	return r == 0 ? -EEXIST : MIN(r, 0);
}

static int run_drop(struct service *s, char *word[], FILE *answer)
{
	(void)answer;
	return word[1] && store_remove(&s->store, word[1]) > 0 ? 0 : -ENOENT;
}

static int run_pid(struct service *s, char *word[], FILE *answer)
{
	(void)word;
	fprintf(answer, "%d\n", (int)s->pid);
	return 0;
}

static int run_status(struct service *s, char *word[], FILE *answer)
{
	(void)word;
	fprintf(answer,
		"starts %u stored %zu kept %u duplicates %u rejected %u removed %u hung_up %u "
		"barriers %u watchdogs %u strangers %u\nstatus %s\n",
		s->starts, s->store.n, s->kept, s->duplicates, s->rejected, s->removed, s->hung_up,
		s->barriers, s->watchdogs, s->strangers, s->status);
	return 0;
}

static int run_quit(struct service *s, char *word[], FILE *answer)
{
	(void)word;
	(void)answer;
	service_end(s);
	return 0;
}

static const struct command commands[] = {
	{"kill", run_kill},	{"restart", run_restart}, {"upgrade", run_upgrade},
	{"start", run_start},	{"stop", run_stop},	  {"list", run_list},
	{"put", run_put},	{"drop", run_drop},	  {"pid", run_pid},
	{"status", run_status}, {"quit", run_quit},
};

static int split(char *line, char *word[WORDS_MAX + 1])
{
	int n = 0;

	line[strcspn(line, "\n")] = '\0';
	for (char *w; n < WORDS_MAX && (w = strsep(&line, " "));)
		if (*w)
			word[n++] = w;
	word[n] = NULL;
	return n;
}

/* 1: it was the last one. */
static int serve(struct service *s, int fd)
{
	_cleanup_fclose_ FILE *f = fdopen(fd, "r+");
	char line[CONTROL_LINE_MAX], *word[WORDS_MAX + 1];
	int r = -EINVAL;

	if (!f || !fgets(line, sizeof(line), f) || !split(line, word))
		return 0;
	fseek(f, 0, SEEK_CUR); /* from reading to writing */
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, word[0]))
			r = commands[i].run(s, word, f);
	fprintf(f, "%s %s\n", r ? "failed" : "ok", r ? strerror(-r) : word[0]);
	return !strcmp(word[0], "quit");
}

int control_loop(struct service *s, int listen)
{
	for (;;) {
		int r = service_turn(s, listen, 1000);

		if (r < 0)
			return r;
		if (r > 0) {
			int fd = accept4(listen, NULL, NULL, SOCK_CLOEXEC);

			if (fd >= 0 && serve(s, fd))
				return 0;
		}
	}
}
