/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The descriptor store of the supervisor. It must not know what the descriptors are good for.
 * Proved by tests/survive/run.sh and, against the real one, by tests/vm/run.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/survive/store.h"

int store_init(struct store *s, size_t max)
{
	*s = (struct store){.max = MIN(max, (size_t)STORE_MAX)};
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	return s->epoll < 0 ? -errno : 0;
}

static void forget(struct store *s, size_t i)
{
	/* a duplicate elsewhere would keep it in the set */
	if (s->item[i].polled)
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->item[i].fd, NULL);
	close(s->item[i].fd);
	s->n--;
	memmove(&s->item[i], &s->item[i + 1], (s->n - i) * sizeof(s->item[i]));
}

void store_clear(struct store *s)
{
	while (s->n > 0)
		forget(s, s->n - 1);
}

/* Without kcmp() all that have no inode of their own look the same if their flags are. */
static bool same_inode(int a, int b)
{
	struct stat x, y;

	if (fstat(a, &x) || fstat(b, &y) || (x.st_mode & S_IFMT) != (y.st_mode & S_IFMT) ||
	    S_ISCHR(x.st_mode) || S_ISBLK(x.st_mode))
		return false;
	return x.st_dev == y.st_dev && x.st_ino == y.st_ino &&
	       fcntl(a, F_GETFL) == fcntl(b, F_GETFL);
}

static bool same_file(const struct store *s, int a, int b)
{
	long r = s->by_inode ? -1 : syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, a, b);

	return r < 0 ? same_inode(a, b) : r == 0;
}

bool store_name_valid(const char *name)
{
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c >= 127 || *c == ':')
			return false;
	return strlen(name) <= STORE_NAME_MAX;
}

int store_add(struct store *s, int fd, const char *name, bool poll)
{
	struct epoll_event event = {.data.fd = fd}; /* no events but those that always come */
	_cleanup_close_ int owned = fd;
	struct stored *i = &s->item[s->n];

	if (s->n >= s->max)
		return -EXFULL;
	for (size_t k = 0; k < s->n; k++)
		if (same_file(s, s->item[k].fd, fd))
			return 0;
	*i = (struct stored){.fd = fd};
	/* what cannot be polled (EPERM) stays */
	if (poll && !epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event))
		i->polled = true;
	else if (poll && errno != EPERM)
		return -errno;
	snprintf(i->name, sizeof(i->name), "%s", store_name_valid(name) ? name : "stored");
	s->n++;
	TAKE_FD(owned);
	return 1;
}

size_t store_remove(struct store *s, const char *name)
{
	size_t n = 0;

	for (size_t i = s->n; i-- > 0;)
		if (!strcmp(s->item[i].name, name)) {
			forget(s, i);
			n++;
		}
	return n;
}

size_t store_turn(struct store *s)
{
	struct epoll_event event;
	size_t n = 0;

	while (epoll_wait(s->epoll, &event, 1, 0) == 1)
		for (size_t i = s->n; i-- > 0;)
			if (s->item[i].fd == event.data.fd) {
				forget(s, i);
				n++;
			}
	return n;
}

const struct stored *store_find(const struct store *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->item[i].name, name))
			return &s->item[i];
	return NULL;
}

void store_list(const struct store *s, FILE *f)
{
	for (size_t i = 0; i < s->n; i++) {
		char path[64], what[128];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", s->item[i].fd);
		n = readlink(path, what, sizeof(what) - 1);
		what[MAX(n, 0)] = '\0';
		fprintf(f, "%s %s%s\n", s->item[i].name, what, s->item[i].polled ? " polled" : "");
	}
}
