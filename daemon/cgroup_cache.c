/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Remembers the names of cgroups by id, so that they outlive the cgroup; bounded, least recently
 * used out first. Looks nothing up by itself. Proved by tests/unit/daemon/cgroup.c.
 */
#include "common/util.h"

#include <errno.h>
#include <utlist.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/cgroup.h"

struct cgroup {
	uint64_t id;
	uint64_t missed;
	struct cgroup_names names;
	struct cgroup *prev, *next;
	UT_hash_handle hh;
};

struct cgroup_cache {
	struct cgroup *table;
	struct cgroup *order; /* least recently used first */
	unsigned int max;
	uint64_t evicted;
};

int cgroup_cache_new(unsigned int max, struct cgroup_cache **ret)
{
	struct cgroup_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->max = max;
	*ret = c;
	return 0;
}

static void cgroup_drop(struct cgroup_cache *c, struct cgroup *g)
{
	HASH_DEL(c->table, g);
	DL_DELETE(c->order, g);
	free(g);
}

void cgroup_cache_free(struct cgroup_cache *c)
{
	if (!c)
		return;
	while (c->order)
		cgroup_drop(c, c->order);
	free(c);
}

static struct cgroup *cgroup_find(struct cgroup_cache *c, uint64_t id)
{
	struct cgroup *g;

	HASH_FIND(hh, c->table, &id, sizeof(id), g);
	return g;
}

const struct cgroup_names *cgroup_cache_get(struct cgroup_cache *c, uint64_t id,
					    uint64_t *ret_missed)
{
	struct cgroup *g = cgroup_find(c, id);

	if (!g)
		return NULL;
	if (g->next) {
		DL_DELETE(c->order, g);
		DL_APPEND(c->order, g);
	}
	if (ret_missed)
		*ret_missed = g->missed;
	return &g->names;
}

int cgroup_cache_put(struct cgroup_cache *c, uint64_t id, const char *path, uint64_t missed)
{
	struct cgroup *g = cgroup_find(c, id);

	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return -ENOMEM;
		g->id = id;
		HASH_ADD(hh, c->table, id, sizeof(g->id), g);
		if (!g->hh.tbl) {
			free(g);
			return -ENOMEM;
		}
		DL_APPEND(c->order, g);
		if (HASH_COUNT(c->table) > c->max) {
			cgroup_drop(c, c->order);
			c->evicted++;
		}
	}
	g->missed = path ? 0 : missed;
	cgroup_parse(path ? path : "", &g->names);
	return 0;
}

unsigned int cgroup_cache_count(const struct cgroup_cache *c)
{
	return HASH_COUNT(c->table);
}

uint64_t cgroup_cache_evicted(const struct cgroup_cache *c)
{
	return c->evicted;
}

size_t cgroup_cache_memory(const struct cgroup_cache *c)
{
	return sizeof(*c) + HASH_COUNT(c->table) * sizeof(struct cgroup) +
	       (c->table ? HASH_OVERHEAD(hh, c->table) : 0);
}
