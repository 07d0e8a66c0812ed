/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the names of what the service manager hands over, and speaks its protocol. Must not trust a
 * name: what a descriptor is says the kernel; what is in it is for others to check. Proved by
 * tests/unit/daemon/fdstore.c and tests/survive.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "common/str.h"
#include "daemon/fdstore.h"

#define BARRIER_USEC 5000000 /* a manager that is alive answers in a millisecond */

/* far from where numbers wrap, and from any number of restarts */
#define GENERATION_MAX 1000000000

static const char *const kinds[FDSTORE_KIND_MAX] = {
	[FDSTORE_MAP] = "map",
	[FDSTORE_LINK] = "link",
	[FDSTORE_PROG] = "prog",
	[FDSTORE_STATE] = "state",
};

void fdstore_name(uint32_t generation, enum fdstore_kind kind, const char *name, char *ret,
		  size_t size)
{
	snprintf(ret, size, "g%u.%s%s%s", generation, kinds[kind], kind == FDSTORE_STATE ? "" : ".",
		 kind == FDSTORE_STATE ? "" : name);
}

/* "g7.map.ring"; the part after the kind may have dots of its own. */
static int parse_name(const char *text, struct fdstore_entry *ret)
{
	struct fdstore_entry e = {.fd = -1};
	char number[12], canonical[sizeof(e.name) + 32];
	const char *dot = strchr(text, '.'), *rest;
	size_t length, kind;

	if (text[0] != 'g' || !dot || (size_t)(dot - text - 1) >= sizeof(number))
		return -EINVAL;
	snprintf(number, sizeof(number), "%.*s", (int)(dot - text - 1), text + 1);
	if (parse_u32(number, &e.generation) || !e.generation || e.generation > GENERATION_MAX)
		return -EINVAL;
	for (kind = 0; kind < FDSTORE_KIND_MAX; kind++) {
		length = strlen(kinds[kind]);
		if (!strncmp(dot + 1, kinds[kind], length))
			break;
	}
	if (kind == FDSTORE_KIND_MAX)
		return -EINVAL;
	e.kind = (enum fdstore_kind)kind;
	rest = dot + 1 + length;
	if (kind != FDSTORE_STATE && (rest[0] != '.' || strlen(rest + 1) >= sizeof(e.name)))
		return -EINVAL;
	if (kind != FDSTORE_STATE)
		snprintf(e.name, sizeof(e.name), "%s", rest + 1);
	/* "g07.state" and "g7.stateful" are not ours */
	fdstore_name(e.generation, e.kind, e.name, canonical, sizeof(canonical));
	if (strcmp(canonical, text) || (kind != FDSTORE_STATE && !e.name[0]))
		return -EINVAL;
	*ret = e;
	return 0;
}

static bool is_listening(int fd)
{
	return sd_is_socket(fd, AF_UNIX, SOCK_STREAM, true) > 0;
}

/* What the descriptor really is. */
static bool is_kind(int fd, enum fdstore_kind kind)
{
	static const char *const targets[FDSTORE_KIND_MAX] = {
		[FDSTORE_MAP] = "anon_inode:bpf-map",
		[FDSTORE_LINK] = "anon_inode:bpf_link",
		[FDSTORE_PROG] = "anon_inode:bpf-prog",
		[FDSTORE_STATE] = "/memfd:",
	};
	char path[40], target[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return !strncmp(target, targets[kind], strlen(targets[kind]));
}

static void refuse(struct fdstore *s, int fd, const char *name, const char *why)
{
	if (!s->refused++) {
		str_sanitise(s->refused_name, sizeof(s->refused_name), name, strlen(name));
		s->refused_why = why;
	}
	close(fd);
}

struct fdstore_entry *fdstore_find(struct fdstore *s, uint32_t generation, enum fdstore_kind kind,
				   const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		struct fdstore_entry *e = &s->entry[i];

		if (e->generation == generation && e->kind == kind && !strcmp(e->name, name))
			return e;
	}
	return NULL;
}

void fdstore_collect(struct fdstore *s, const int *fds, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *name = names && names[i] ? names[i] : "";
		struct fdstore_entry e;

		if (is_listening(fds[i])) {
			if (s->listen_fd >= 0)
				refuse(s, fds[i], name, "a second listening socket");
			else
				s->listen_fd = fds[i];
		} else if (parse_name(name, &e)) {
			refuse(s, fds[i], name, "unknown");
		} else if (!is_kind(fds[i], e.kind)) {
			refuse(s, fds[i], name, "not what its name says");
		} else if (fdstore_find(s, e.generation, e.kind, e.name)) {
			refuse(s, fds[i], name, "there twice");
		} else if (s->n == FDSTORE_MAX) {
			refuse(s, fds[i], name, "too many");
		} else {
			e.fd = fds[i];
			s->entry[s->n++] = e;
		}
	}
}

static bool is_ours(const struct fdstore *s, const char *name)
{
	char ours[FDSTORE_NAME_MAX + 32];

	for (size_t i = 0; i < s->n; i++) {
		const struct fdstore_entry *e = &s->entry[i];

		fdstore_name(e->generation, e->kind, e->name, ours, sizeof(ours));
		if (!strcmp(ours, name))
			return true;
	}
	return false;
}

/* What was closed lies in the manager's store, and would come again with every start. A name goes
 * with all that is parked under it, so those stay that somebody uses: we or the socket. What is too
 * much for us may still be a daemon's. */
static void forget_strangers(const struct fdstore *s, const int *fds, char *const *names, size_t n)
{
	const char *socket = "";

	if (!s->managed || !s->refused || s->n == FDSTORE_MAX)
		return;
	for (size_t i = 0; i < n; i++)
		if (fds[i] == s->listen_fd)
			socket = names[i];
	for (size_t i = 0; i < n; i++)
		if (names[i][0] && !strpbrk(names[i], "\n=") && strcmp(names[i], socket) &&
		    !is_ours(s, names[i]))
			sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", names[i]);
}

void fdstore_open(struct fdstore *s)
{
	char **names = NULL;
	int n, *fds;

	*s = (struct fdstore){.listen_fd = -1, .managed = getenv("NOTIFY_SOCKET") != NULL};
	n = sd_listen_fds_with_names(true, &names);
	fds = n > 0 ? calloc((size_t)n, sizeof(*fds)) : NULL;
	if (fds) {
		for (int i = 0; i < n; i++)
			fds[i] = SD_LISTEN_FDS_START + i;
		fdstore_collect(s, fds, names, (size_t)n);
		if (names)
			forget_strangers(s, fds, names, (size_t)n);
	}
	for (int i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
	free(fds);
}

void fdstore_done(struct fdstore *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->entry[i].fd >= 0)
			close(s->entry[i].fd);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->listen_fd = -1;
	s->n = 0;
}

int fdstore_park(struct fdstore *s, uint32_t generation, enum fdstore_kind kind, const char *name,
		 int fd)
{
	struct fdstore_entry e = {.generation = generation, .kind = kind, .fd = -1};
	char parked[FDSTORE_NAME_MAX + 32], message[FDSTORE_NAME_MAX + 80];
	int r;

	if (!s->managed)
		return 0;
	if (s->n == FDSTORE_MAX)
		return -ENOSPC;
	if (strlen(name) >= sizeof(e.name))
		return -ENAMETOOLONG;
	snprintf(e.name, sizeof(e.name), "%s", name);
	fdstore_name(generation, kind, name, parked, sizeof(parked));
	/* polled, a map signals an error, and the manager would let go of it */
	snprintf(message, sizeof(message), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", parked);
	r = sd_pid_notify_with_fds(0, false, message, &fd, 1);
	if (r < 0)
		return r;
	s->entry[s->n++] = e;
	return 0;
}

void fdstore_remove(struct fdstore *s, struct fdstore_entry *e)
{
	char parked[FDSTORE_NAME_MAX + 32];

	fdstore_name(e->generation, e->kind, e->name, parked, sizeof(parked));
	if (s->managed)
		sd_notifyf(false, "FDSTOREREMOVE=1\nFDNAME=%s", parked);
	if (e->fd >= 0)
		close(e->fd);
	*e = s->entry[--s->n];
}

int fdstore_barrier(const struct fdstore *s)
{
	int r = s->managed ? sd_notify_barrier(false, BARRIER_USEC) : 0;

	return r < 0 ? r : 0;
}
