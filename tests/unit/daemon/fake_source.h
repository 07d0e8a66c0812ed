/* SPDX-License-Identifier: GPL-2.0-only */
/* A source of made-up processes and cgroups that counts how often it is asked. */
#ifndef TESTS_FAKE_SOURCE_H
#define TESTS_FAKE_SOURCE_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/source.h"

#define FAKE_MAX 32

struct fake_source {
	struct source source;
	struct rst_process processes[FAKE_MAX];
	unsigned int n_processes;
	struct {
		uint64_t id;
		const char *path;
	} cgroups[FAKE_MAX];
	unsigned int n_cgroups;
	unsigned int asked_process, asked_processes, asked_cgroup;
	int error; /* of every question, 0: none */
};

static inline int fake_process(struct source *s, uint32_t tgid, uint64_t start,
			       struct rst_process *ret)
{
	struct fake_source *f = (struct fake_source *)s;
	unsigned int i;

	f->asked_process++;
	if (f->error)
		return f->error;
	for (i = 0; i < f->n_processes; i++) {
		if (f->processes[i].tgid != tgid || (start && f->processes[i].start != start))
			continue;
		*ret = f->processes[i];
		return 0;
	}
	return -ESRCH;
}

static inline int fake_processes(struct source *s, source_record_fn fn, void *userdata)
{
	struct fake_source *f = (struct fake_source *)s;
	unsigned int i;
	int r = 0;

	f->asked_processes++;
	if (f->error)
		return f->error;
	for (i = 0; i < f->n_processes && r >= 0; i++)
		r = fn(&f->processes[i], sizeof(f->processes[i]), userdata);
	return r;
}

static inline int fake_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	struct fake_source *f = (struct fake_source *)s;
	unsigned int i;

	f->asked_cgroup++;
	if (f->error)
		return f->error;
	for (i = 0; i < f->n_cgroups; i++) {
		if (f->cgroups[i].id == id) {
			snprintf(ret_path, size, "%s", f->cgroups[i].path);
			return 0;
		}
	}
	return -ENOENT;
}

static inline void fake_init(struct fake_source *f)
{
	static const struct source_ops ops = {
		.process = fake_process,
		.processes = fake_processes,
		.cgroup = fake_cgroup,
	};

	memset(f, 0, sizeof(*f));
	f->source.ops = &ops;
}

static inline struct rst_process *fake_add(struct fake_source *f, uint32_t tgid, uint64_t start,
					   const char *comm, const char *exe)
{
	struct rst_process *p = &f->processes[f->n_processes++];

	p->tgid = tgid;
	p->start = start;
	snprintf(p->comm, sizeof(p->comm), "%s", comm);
	snprintf(p->exe, sizeof(p->exe), "%s", exe);
	return p;
}

static inline void fake_add_cgroup(struct fake_source *f, uint64_t id, const char *path)
{
	f->cgroups[f->n_cgroups].id = id;
	f->cgroups[f->n_cgroups++].path = path;
}

#endif
