/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names out of a recording, found by process and by cgroup. Must not grow beyond the bounds of
 * recording_names.h; what comes in has the right size and is otherwise anything. Proved by
 * tests/unit/daemon/recording.c.
 */
#include "common/util.h"

#include <errno.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "common/str.h"
#include "daemon/recording_names.h"

struct process {
	struct process_key {
		uint64_t start;
		uint64_t tgid;
	} key;
	struct rst_process process;
	UT_hash_handle hh;	/* by key */
	UT_hash_handle hh_tgid; /* by key.tgid, the one recorded last */
};

struct cgroup {
	uint64_t id;
	UT_hash_handle hh;
	char path[];
};

struct recording_names {
	struct process *processes, *by_tgid;
	struct cgroup *cgroups;
};

struct recording_names *recording_names_new(void)
{
	return calloc(1, sizeof(struct recording_names));
}

void recording_names_free(struct recording_names *names)
{
	struct process *process, *next_process;
	struct cgroup *cgroup, *next_cgroup;

	if (!names)
		return;
	HASH_CLEAR(hh_tgid, names->by_tgid);
	HASH_ITER (hh, names->processes, process, next_process) {
		HASH_DEL(names->processes, process);
		free(process);
	}
	HASH_ITER (hh, names->cgroups, cgroup, next_cgroup) {
		HASH_DEL(names->cgroups, cgroup);
		free(cgroup);
	}
	free(names);
}

int recording_names_add_process(struct recording_names *names, const void *payload)
{
	struct process *entry, *old;
	struct rst_process p;
	struct process_key key;

	memcpy(&p, payload, sizeof(p));
	p.comm[sizeof(p.comm) - 1] = '\0';
	p.exe[sizeof(p.exe) - 1] = '\0';
	key = (struct process_key){.start = p.start, .tgid = p.tgid};

	HASH_FIND(hh, names->processes, &key, sizeof(key), entry);
	if (entry) {
		entry->process = p;
		return 0;
	}
	if (HASH_COUNT(names->processes) >= RECORDING_PROCESSES_MAX)
		return -E2BIG;

	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = key;
	entry->process = p;
	HASH_ADD(hh, names->processes, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	HASH_FIND(hh_tgid, names->by_tgid, &key.tgid, sizeof(key.tgid), old);
	if (old)
		HASH_DELETE(hh_tgid, names->by_tgid, old);
	HASH_ADD(hh_tgid, names->by_tgid, key.tgid, sizeof(entry->key.tgid), entry);
	return entry->hh_tgid.tbl ? 0 : -ENOMEM;
}

int recording_names_add_cgroup(struct recording_names *names, const char *payload, size_t size)
{
	const char *path = payload + sizeof(uint64_t);
	size_t n = size - sizeof(uint64_t);
	struct cgroup *entry;
	uint64_t id;

	memcpy(&id, payload, sizeof(id));
	if (path[0] != '/' || memchr(path, '\0', n))
		return -EINVAL;
	HASH_FIND(hh, names->cgroups, &id, sizeof(id), entry);
	if (entry)
		return 0;
	if (HASH_COUNT(names->cgroups) >= RECORDING_CGROUPS_MAX)
		return -E2BIG;

	entry = calloc(1, sizeof(*entry) + n + 1);
	if (!entry)
		return -ENOMEM;
	entry->id = id;
	memcpy(entry->path, path, n);
	HASH_ADD(hh, names->cgroups, id, sizeof(entry->id), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	return 0;
}

int recording_names_process(struct recording_names *names, uint32_t tgid, uint64_t start,
			    struct rst_process *ret)
{
	struct process_key key = {.start = start, .tgid = tgid};
	struct process *entry;

	if (start)
		HASH_FIND(hh, names->processes, &key, sizeof(key), entry);
	else
		HASH_FIND(hh_tgid, names->by_tgid, &key.tgid, sizeof(key.tgid), entry);
	if (!entry)
		return -ESRCH;
	*ret = entry->process;
	return 0;
}

int recording_names_processes(struct recording_names *names, source_record_fn fn, void *userdata)
{
	struct process *entry, *next;
	int r;

	HASH_ITER (hh, names->processes, entry, next) {
		r = fn(&entry->process, sizeof(entry->process), userdata);
		if (r < 0)
			return r;
	}
	return 0;
}

int recording_names_cgroup(struct recording_names *names, uint64_t id, char *ret_path, size_t size)
{
	struct cgroup *entry;

	HASH_FIND(hh, names->cgroups, &id, sizeof(id), entry);
	if (!entry)
		return -ENOENT;
	if (strlen(entry->path) >= size)
		return -ENAMETOOLONG; /* half a path is another cgroup's */
	str_copy(ret_path, size, entry->path);
	return 0;
}
