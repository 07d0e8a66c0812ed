/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names the owner that a record identifies: asks the caches, then the source, a bounded number of
 * times a second. It never guesses an owner, and leaves empty what may be another's name. Proved by
 * tests/unit/daemon/attribute.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/attribute.h"
#include "daemon/cgroup.h"
#include "daemon/process.h"

/* A question costs the source a system call or more; with this bound a flood of resets of ever new
 * processes cannot keep the daemon from its ring. */
#define QUESTIONS_PER_SECOND 2048

/* Processes tried before a network namespace counts as one without processes. */
#define NETNS_TRIES 8

/* Answers are kept here, too: a flood has few owners, and to find and copy one's names is most of
 * what it costs. A power of two. */
#define ANSWERS_MAX 64

struct answer {
	uint64_t start, cgroup; /* of the reset, as are the next two */
	uint32_t tgid;
	char owner_comm[RSTMON_COMM_MAX];
	uint64_t change; /* attributor.changes when it was given */
	unsigned int exe_size, unit_size, container_size, pod_size;
	struct owner owner;
};

struct attributor {
	struct source *source;
	struct process_cache *processes;
	struct cgroup_cache *cgroups;
	uint64_t second; /* began then, CLOCK_MONOTONIC */
	unsigned int questions;
	uint64_t skipped;
	uint64_t refreshed;
	uint64_t ticks_ns; /* of a clock tick in /proc */
	uint64_t changes;  /* of the caches, from 1 on: an answer from before one is not given again
			    */
	struct answer answers[ANSWERS_MAX];
};

int attributor_new(struct source *source, struct attributor **ret)
{
	struct attributor *a = calloc(1, sizeof(*a));
	long hz = sysconf(_SC_CLK_TCK);

	if (!a)
		return -ENOMEM;
	a->source = source;
	a->changes = 1;
	a->ticks_ns = NSEC_PER_SEC / (hz > 0 ? hz : 100);
	if (process_cache_new(RSTMON_PROCESS_CACHE_MAX, &a->processes) < 0 ||
	    cgroup_cache_new(RSTMON_CGROUP_CACHE_MAX, &a->cgroups) < 0) {
		attributor_free(a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

void attributor_free(struct attributor *a)
{
	if (!a)
		return;
	process_cache_free(a->processes);
	cgroup_cache_free(a->cgroups);
	free(a);
}

static bool may_ask(struct attributor *a, uint64_t now)
{
	if (now < a->second || now - a->second >= NSEC_PER_SEC) {
		a->second = now;
		a->questions = 0;
	}
	if (a->questions >= QUESTIONS_PER_SECOND) {
		a->skipped++;
		return false;
	}
	a->questions++;
	return true;
}

static int put_process(struct attributor *a, const struct rst_process *p, struct process **ret)
{
	a->changes++;
	return process_cache_put(a->processes, p, ret);
}

static int put_cgroup(struct attributor *a, uint64_t id, const char *path, uint64_t missed)
{
	a->changes++;
	return cgroup_cache_put(a->cgroups, id, path, missed);
}

static struct process *ask_process(struct attributor *a, uint32_t tgid, uint64_t start,
				   uint64_t now)
{
	struct rst_process found;
	struct process *p = NULL;
	int r;

	if (process_cache_absent(a->processes, tgid, start) || !may_ask(a, now))
		return NULL;
	r = a->source->ops->process(a->source, tgid, start, &found);
	if (r == 0 && (found.tgid != tgid || found.start != start))
		r = -ESRCH; /* somebody else has the number now */
	if (r == -ESRCH)
		process_cache_mark_absent(a->processes, tgid, start);
	if (r < 0 || put_process(a, &found, &p) < 0)
		return NULL;
	return p;
}

/* What is known of the owner, NULL if nothing. A comm that is not the cached one may mean execve(),
 * after which the cached executable is another program's: '*ret_doubt' unless the source clears it.
 */
static struct process *find_process(struct attributor *a, const struct reset *reset,
				    bool *ret_doubt)
{
	struct process *p, *fresh;

	*ret_doubt = false;
	if (!reset->owner_start)
		return NULL; /* the number alone may have been another's */
	p = process_cache_get(a->processes, reset->owner_tgid, reset->owner_start);
	if (p && (!reset->owner_comm[0] || strcmp(reset->owner_comm, p->comm) == 0 ||
		  strcmp(reset->owner_comm, p->settled) == 0))
		return p;
	fresh = ask_process(a, reset->owner_tgid, reset->owner_start, reset->monotonic);
	if (fresh) {
		/* Threads and prctl(PR_SET_NAME) make a comm that no execve() set: asked once. */
		str_copy(fresh->settled, sizeof(fresh->settled), reset->owner_comm);
		return fresh;
	}
	*ret_doubt = true;
	return p;
}

/* What the cgroup tells, NULL if nothing. */
static const struct cgroup_names *ask_cgroup(struct attributor *a, uint64_t id, uint64_t now)
{
	const struct cgroup_names *names;
	char path[CGROUP_PATH_MAX];
	uint64_t missed = 0;
	int r;

	if (!id)
		return NULL;
	names = cgroup_cache_get(a->cgroups, id, &missed);
	if ((!names || (missed && (now < missed || now - missed >= NSEC_PER_SEC))) &&
	    may_ask(a, now)) {
		r = a->source->ops->cgroup(a->source, id, path, sizeof(path));
		if (r == 0 || r == -ENOENT)
			put_cgroup(a, id, r == 0 ? path : NULL, MAX(now, 1));
		names = cgroup_cache_get(a->cgroups, id, NULL);
	}
	if (!names || (!names->unit[0] && !names->container[0] && !names->pod[0]))
		return NULL;
	return names;
}

/* Fills unit, container and pod; false if the cgroup tells none. */
static bool name_cgroup(struct attributor *a, uint64_t id, uint64_t now, struct owner *ret)
{
	const struct cgroup_names *names = ask_cgroup(a, id, now);

	if (!names)
		return false;
	str_copy(ret->unit, sizeof(ret->unit), names->unit);
	str_copy(ret->container, sizeof(ret->container), names->container);
	str_copy(ret->pod, sizeof(ret->pod), names->pod);
	return true;
}

/* A socket keeps the cgroup in which it was made. Those of socket units were made by the manager,
 * and then the process knows better. */
static bool is_manager(const struct owner *o)
{
	return !o->container[0] &&
	       (strcmp(o->unit, "init.scope") == 0 || strncmp(o->unit, "user@", 5) == 0);
}

/* With cgroup v1 a process is in several cgroups, and container managers do not always use all of
 * them: the first that tells a container has the word, else the first that tells a unit. */
static void name_homes(struct attributor *a, const struct process *p, uint64_t now,
		       struct owner *ret)
{
	for (unsigned int i = 0; p && i < RST_HIERARCHIES && !ret->container[0]; i++) {
		const struct cgroup_names *names = ask_cgroup(a, p->home[i], now);

		if (names && (names->container[0] || !ret->unit[0] || is_manager(ret)))
			name_cgroup(a, p->home[i], now, ret);
	}
}

/* A cgroup that is known, or none. */
static bool is_settled(struct attributor *a, uint64_t cgroup)
{
	uint64_t missed = 0;

	return !cgroup || (cgroup_cache_get(a->cgroups, cgroup, &missed) && !missed);
}

/* The answer may be another next time although the caches have not changed: what nobody knew is
 * asked for again when its time has come, and so is a cgroup that nobody knew. */
static bool is_final(struct attributor *a, const struct process *p, bool doubt, uint64_t cgroup)
{
	return p && !doubt && is_settled(a, cgroup) && is_settled(a, p->cgroup) &&
	       is_settled(a, p->home[0]) && is_settled(a, p->home[1]);
}

/* Returns whether the answer holds until the caches change. */
static bool find_names(struct attributor *a, const struct reset *reset, struct owner *ret)
{
	struct process *p;
	uint64_t cgroup;
	bool doubt;

	p = find_process(a, reset, &doubt);
	cgroup = p ? p->cgroup : 0;
	if (reset->owner_comm[0])
		str_sanitise(ret->comm, sizeof(ret->comm), reset->owner_comm,
			     sizeof(reset->owner_comm));
	else if (p)
		str_copy(ret->comm, sizeof(ret->comm), p->comm);
	if (p && !doubt)
		str_copy(ret->exe, sizeof(ret->exe), p->exe);
	if (!name_cgroup(a, reset->cgroup, reset->monotonic, ret) || is_manager(ret))
		name_cgroup(a, cgroup, reset->monotonic, ret);
	name_homes(a, p, reset->monotonic, ret);
	return is_final(a, p, doubt, reset->cgroup);
}

static struct answer *answer_place(struct attributor *a, const struct reset *r)
{
	uint64_t mix = (r->owner_start ^ r->cgroup << 20 ^ r->owner_tgid) * 0x9e3779b97f4a7c15ULL;

	return &a->answers[mix >> 58];
}

_Static_assert(ANSWERS_MAX == 1 << (64 - 58), "answer_place() gives the index of a place");

static bool is_answer(const struct attributor *a, const struct answer *w, const struct reset *r)
{
	return w->change == a->changes && w->tgid == r->owner_tgid && w->start == r->owner_start &&
	       w->cgroup == r->cgroup &&
	       !memcmp(w->owner_comm, r->owner_comm, sizeof(w->owner_comm));
}

static void keep_answer(struct attributor *a, struct answer *w, const struct reset *r,
			const struct owner *o)
{
	w->start = r->owner_start;
	w->cgroup = r->cgroup;
	w->tgid = r->owner_tgid;
	memcpy(w->owner_comm, r->owner_comm, sizeof(w->owner_comm));
	w->exe_size = (unsigned int)strlen(o->exe) + 1;
	w->unit_size = (unsigned int)strlen(o->unit) + 1;
	w->container_size = (unsigned int)strlen(o->container) + 1;
	w->pod_size = (unsigned int)strlen(o->pod) + 1;
	w->owner = *o;
	w->change = a->changes;
}

/* What lies behind the end of a text stays as it was. */
static void give_answer(const struct answer *w, struct owner *ret)
{
	memcpy(ret->comm, w->owner.comm, sizeof(ret->comm));
	memcpy(ret->exe, w->owner.exe, w->exe_size);
	memcpy(ret->unit, w->owner.unit, w->unit_size);
	memcpy(ret->container, w->owner.container, w->container_size);
	memcpy(ret->pod, w->owner.pod, w->pod_size);
}

void attribute(struct attributor *a, const struct reset *reset, struct owner *ret)
{
	struct answer *w;

	ret->pid = reset->owner_tgid;
	ret->start = reset->owner_start;
	ret->source = reset->owner_source;
	ret->comm[0] = ret->exe[0] = ret->unit[0] = ret->container[0] = ret->pod[0] = '\0';
	if (!reset->owner_tgid)
		return;
	w = answer_place(a, reset);
	if (is_answer(a, w, reset))
		give_answer(w, ret);
	else if (find_names(a, reset, ret))
		keep_answer(a, w, reset, ret);
}

static int scan_process(const void *record, size_t size, void *userdata)
{
	struct attributor *a = userdata;

	if (size != sizeof(struct rst_process))
		return -EBADMSG;
	return put_process(a, record, NULL);
}

static int scan_processes(struct attributor *a)
{
	int r;

	process_cache_scan(a->processes);
	r = a->source->ops->processes(a->source, scan_process, a);
	return r < 0 ? r : 0;
}

struct scan {
	struct attributor *a;
	uint64_t hierarchy;
};

static int scan_cgroup(uint64_t id, const char *path, void *userdata)
{
	const struct scan *s = userdata;

	return put_cgroup(s->a, id | s->hierarchy, path, 0);
}

int attributor_scan_hierarchy(struct attributor *a, uint64_t hierarchy, const char *root)
{
	struct scan s = {a, hierarchy};
	bool cut = false;
	int n = cgroup_scan(root, RSTMON_CGROUP_CACHE_MAX, scan_cgroup, &s, &cut);

	if (cut)
		a->skipped++;
	return MIN(n, 0);
}

int attributor_scan(struct attributor *a, const char *cgroup_root)
{
	int r, n = 0;

	if (cgroup_root)
		n = attributor_scan_hierarchy(a, 0, cgroup_root);
	r = scan_processes(a);
	return r < 0 ? r : n;
}

void attributor_refresh(struct attributor *a, uint64_t now)
{
	if (a->refreshed && now >= a->refreshed && now - a->refreshed < NSEC_PER_SEC)
		return;
	a->refreshed = now;
	scan_processes(a); /* what it could not read is asked for when it is needed */
}

bool attributor_alive(struct attributor *a, uint32_t tgid, uint64_t start)
{
	_cleanup_close_ int fd = process_open(tgid);
	uint64_t ticks;
	int r = fd;

	if (r >= 0)
		r = process_read_start(fd, &ticks);
	if (r < 0) /* when in doubt it lives: a row of a living process is never folded */
		return r != -ESRCH;
	return !start || ticks == start / a->ticks_ns;
}

/* 'p' may have moved to another namespace since it was read. Returns what stands in its place. */
static struct process *verify_netns(struct attributor *a, struct process *p)
{
	struct rst_process now;
	struct process *fresh = p;
	int r;

	if (!attributor_alive(a, p->key.tgid, p->key.start)) {
		p->generation--;
		return p;
	}
	r = a->source->ops->process(a->source, p->key.tgid, p->key.start, &now);
	if (r < 0 || now.tgid != p->key.tgid || now.start != p->key.start)
		return p; /* the source cannot tell: what was read last stands */
	if (!now.netns)
		p->generation--; /* a zombie has left its namespaces */
	else
		put_process(a, &now, &fresh);
	return fresh;
}

uint32_t attributor_netns_process(struct attributor *a, uint32_t netns, uint32_t netns_cookie)
{
	struct process *p = NULL;
	uint32_t generation;
	int i;

	for (i = 0; i < NETNS_TRIES; i++) {
		p = process_cache_netns(a->processes, netns, netns_cookie, p);
		if (!p)
			return 0;
		generation = p->generation;
		p = verify_netns(a, p);
		if (p->generation == generation && p->netns == netns &&
		    p->netns_cookie == netns_cookie)
			return p->key.tgid;
	}
	return 0;
}

struct each {
	attributor_netns_fn fn;
	void *userdata;
};

static void each_process(const struct process *p, void *userdata)
{
	struct each *each = userdata;

	each->fn(p->netns, p->netns_cookie, each->userdata);
}

void attributor_netns_each(struct attributor *a, attributor_netns_fn fn, void *userdata)
{
	struct each each = {fn, userdata};

	process_cache_each(a->processes, each_process, &each);
}

uint64_t attributor_skipped(const struct attributor *a)
{
	return a->skipped;
}

uint64_t attributor_evicted(const struct attributor *a)
{
	return process_cache_evicted(a->processes) + cgroup_cache_evicted(a->cgroups);
}

size_t attributor_memory(const struct attributor *a)
{
	return sizeof(*a) + process_cache_memory(a->processes) + cgroup_cache_memory(a->cgroups);
}
