/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps what is known of processes, bounded and in order of use. It asks nobody for names and
 * decides nothing about owners; that is attribute.c. Proved by tests/unit/daemon/process.c.
 */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <utlist.h>

#include "common/str.h"
#include "daemon/process.h"

/* A power of two. A set with one place for each hash: the newer mark wins, and the loser costs no
 * more than one question too many. */
#define ABSENT_MAX 4096

struct process_cache {
	struct process *table; /* uthash */
	struct process *order; /* utlist, least recently used first */
	unsigned int max;
	uint32_t generation;
	uint64_t evicted;
	size_t bytes;
	struct process_key absent[ABSENT_MAX];
};

static size_t process_size(const struct process *p)
{
	return sizeof(*p) + strlen(p->exe) + 1;
}

int process_cache_new(unsigned int max, struct process_cache **ret)
{
	struct process_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->max = max;
	*ret = c;
	return 0;
}

static void process_drop(struct process_cache *c, struct process *p)
{
	HASH_DEL(c->table, p);
	DL_DELETE(c->order, p);
	c->bytes -= process_size(p);
	free(p);
}

void process_cache_free(struct process_cache *c)
{
	if (!c)
		return;
	while (c->order)
		process_drop(c, c->order);
	free(c);
}

static struct process *process_find(struct process_cache *c, uint32_t tgid, uint64_t start)
{
	struct process_key key = {.tgid = tgid, .start = start};
	struct process *p;

	HASH_FIND(hh, c->table, &key, sizeof(key), p);
	return p;
}

struct process *process_cache_get(struct process_cache *c, uint32_t tgid, uint64_t start)
{
	struct process *p = process_find(c, tgid, start);

	if (p && p->next) {
		DL_DELETE(c->order, p);
		DL_APPEND(c->order, p);
	}
	return p;
}

/* A process that is dying has no executable any more, and one that is known from its execve() alone
 * no cgroup: what is known is not replaced by nothing. */
static struct process *process_build(const struct process_cache *c, const struct rst_process *from,
				     const struct process *old)
{
	char exe[RSTMON_EXE_MAX];
	size_t n = str_sanitise(exe, sizeof(exe), from->exe, sizeof(from->exe));
	struct process *p;

	if (n == 0 && old) {
		n = strlen(old->exe);
		memcpy(exe, old->exe, n + 1);
	}
	p = calloc(1, sizeof(*p) + n + 1);
	if (!p)
		return NULL;
	p->key.tgid = from->tgid;
	p->key.start = from->start;
	p->cgroup = !from->cgroup && old ? old->cgroup : from->cgroup;
	for (unsigned int i = 0; i < RST_HIERARCHIES; i++)
		p->home[i] = !from->home[i] && old ? old->home[i] : from->home[i];
	p->netns = from->netns;
	p->netns_cookie = from->netns_cookie;
	p->flags = from->flags;
	p->generation = c->generation;
	str_sanitise(p->comm, sizeof(p->comm), from->comm, sizeof(from->comm));
	memcpy(p->exe, exe, n + 1);
	return p;
}

int process_cache_put(struct process_cache *c, const struct rst_process *from, struct process **ret)
{
	struct process *old = process_find(c, from->tgid, from->start);
	struct process *p = process_build(c, from, old);

	if (!p)
		return -ENOMEM;
	/* The old one goes after the new one is in: two of a key do no harm for that long. */
	HASH_ADD(hh, c->table, key, sizeof(p->key), p);
	if (!p->hh.tbl) {
		free(p);
		return -ENOMEM;
	}
	if (old) {
		memcpy(p->settled, old->settled, sizeof(p->settled));
		HASH_DEL(c->table, old);
		DL_REPLACE_ELEM(c->order, old, p);
		c->bytes -= process_size(old);
		free(old);
	} else {
		DL_APPEND(c->order, p);
	}
	c->bytes += process_size(p);
	if (HASH_COUNT(c->table) > c->max) {
		process_drop(c, c->order);
		c->evicted++;
	}
	if (ret)
		*ret = p;
	return 0;
}

void process_cache_scan(struct process_cache *c)
{
	c->generation++;
}

struct process *process_cache_netns(struct process_cache *c, uint32_t netns, uint32_t netns_cookie,
				    struct process *after)
{
	struct process *p;

	for (p = after ? after->next : c->order; p; p = p->next)
		if (p->generation == c->generation && p->netns == netns &&
		    p->netns_cookie == netns_cookie)
			return p;
	return NULL;
}

void process_cache_each(struct process_cache *c, process_fn fn, void *userdata)
{
	struct process *p;

	DL_FOREACH(c->order, p)
	if (p->generation == c->generation)
		fn(p, userdata);
}

static unsigned int absent_place(uint32_t tgid, uint64_t start)
{
	/* Multiplication by an odd number close to 2^64 / golden ratio; the high bits are mixed. */
	return ((start ^ ((uint64_t)tgid << 32)) * 0x9e3779b97f4a7c15ULL) >> 52;
}

_Static_assert(ABSENT_MAX == 1 << (64 - 52), "absent_place() gives the index of a place");

void process_cache_mark_absent(struct process_cache *c, uint32_t tgid, uint64_t start)
{
	struct process_key *k = &c->absent[absent_place(tgid, start)];

	k->tgid = tgid;
	k->start = start;
}

bool process_cache_absent(const struct process_cache *c, uint32_t tgid, uint64_t start)
{
	const struct process_key *k = &c->absent[absent_place(tgid, start)];

	return tgid && k->tgid == tgid && k->start == start;
}

unsigned int process_cache_count(const struct process_cache *c)
{
	return HASH_COUNT(c->table);
}

uint64_t process_cache_evicted(const struct process_cache *c)
{
	return c->evicted;
}

size_t process_cache_memory(const struct process_cache *c)
{
	return sizeof(*c) + c->bytes + (c->table ? HASH_OVERHEAD(hh, c->table) : 0);
}

int process_parse_stat(const char *text, uint64_t *ret_ticks)
{
	/* A comm may hold ") R 1 (" and newlines, nothing after it holds a parenthesis. */
	const char *p = strrchr(text, ')');
	char number[24];
	size_t n;
	int field;

	if (!p || p[1] != ' ')
		return -EBADMSG;
	p += 2;
	for (field = 3; field < 22; field++) {
		p += strcspn(p, " ");
		if (*p != ' ')
			return -EBADMSG;
		p++;
	}
	n = strcspn(p, " \n");
	if (n == 0 || n >= sizeof(number) || !isdigit((unsigned char)*p) || p[n] != ' ')
		return -EBADMSG;
	memcpy(number, p, n);
	number[n] = '\0';
	return parse_u64(number, ret_ticks) < 0 ? -EBADMSG : 0;
}

int process_open(uint32_t tgid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", tgid);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

int process_read_start(int dir, uint64_t *ret_ticks)
{
	_cleanup_close_ int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return process_parse_stat(text, ret_ticks);
}
