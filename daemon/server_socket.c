/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The listening socket. It is bound, given its group and made to listen under a name of its own and
 * then renamed into place, so that 'path' never names a socket that refuses while its daemon lives:
 * two daemons that start at once cannot both take a stale file over. Proved by
 * tests/unit/daemon/server.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/server_internal.h"

#define BACKLOG 64

static int address_set(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

/* 0: a socket file whose process is gone; -ENOTSOCK: something that is none; else -EADDRINUSE. */
static int path_stale(const char *path)
{
	struct sockaddr_un address;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	r = address_set(&address, path);
	if (r < 0)
		return r;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno == ECONNREFUSED)
		return 0;
	return -EADDRINUSE;
}

/* Mode 0660 from the first moment, whatever the umask. */
static int bind_private(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0117);
	int r = 0;

	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		r = -errno;
	umask(mask);
	return r;
}

/* Only root can give a file away, so a failure is no error: the socket stays the user's own. */
static void give_group(const char *path, const char *group)
{
	const struct group *g = group && *group ? getgrnam(group) : NULL;

	if (g && lchown(path, (uid_t)-1, g->gr_gid) < 0)
		return;
}

/* Renames 'made' to 'path'; a stale socket that is there goes in the same step. */
static int put_in_place(const char *made, const char *path)
{
	int r;

	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	r = path_stale(path);
	if (r < 0)
		return r;

	if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
		return -errno;
	/* 'made' is now what was at 'path'. If somebody else took the stale file over in between,
	 * that is a live socket: give the place back. */
	r = path_stale(made);
	if (r < 0) {
		if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_EXCHANGE) < 0)
			return -errno;
		return r;
	}
	unlink(made);
	return 0;
}

static int listen_at(struct server *s, int fd, const char *made, const char *path,
		     const char *group)
{
	struct sockaddr_un address;
	struct stat st;
	int r;

	r = address_set(&address, made);
	if (r < 0)
		return r;
	unlink(made); /* of a process that had our number and died in here */
	r = bind_private(fd, &address);
	if (r < 0)
		return r;

	give_group(made, group);
	if (lstat(made, &st) < 0 || listen(fd, BACKLOG) < 0)
		r = -errno;
	else
		r = put_in_place(made, path);
	if (r < 0) {
		unlink(made);
		return r;
	}
	s->device = st.st_dev;
	s->inode = st.st_ino;
	return 0;
}

int server_socket_open(struct server *s, const char *path, const char *group)
{
	_cleanup_free_ char *made = NULL, *copy = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	copy = strdup(path);
	if (!copy || asprintf(&made, "%s.%d", path, (int)getpid()) < 0) {
		made = NULL;
		return -ENOMEM;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;

	r = listen_at(s, fd, made, path, group);
	if (r < 0)
		return r;
	s->path = TAKE_PTR(copy);
	s->fd = TAKE_FD(fd);
	return 0;
}

/* Only our own: another daemon may have the place by now. */
void server_socket_remove(struct server *s)
{
	struct stat st;

	if (!s->path || lstat(s->path, &st) < 0)
		return;
	if (st.st_dev == s->device && st.st_ino == s->inode)
		unlink(s->path);
}
