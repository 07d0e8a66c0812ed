/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names that only the kernel knows: processes by iterator, what called execve(), cgroups that were
 * made. All of it works without a capability once the programs are loaded. Proved by tests/live.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/source_bpf_internal.h"

int source_bpf_iterator(int program, uint32_t only_tgid)
{
	union bpf_iter_link_info info = {.task = {.tid = only_tgid}};
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info,
		    .iter_info_len = sizeof(info));
	_cleanup_close_ int link =
		bpf_link_create(program, 0, BPF_TRACE_ITER, only_tgid ? &options : NULL);

	return link < 0 ? -errno : bpf_iter_create(link);
}

static int read_processes(struct source_bpf *b, uint32_t only_tgid, source_record_fn fn,
			  void *userdata)
{
	_cleanup_close_ int fd = source_bpf_iterator(b->program[HOOK_PROCESSES], only_tgid);
	struct rst_process buffer[16];
	size_t have = 0;
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	/* seq files may cut a read anywhere */
	while ((n = read(fd, (char *)buffer + have, sizeof(buffer) - have)) > 0) {
		size_t whole;

		have += (size_t)n;
		whole = have / sizeof(buffer[0]);
		for (size_t i = 0; i < whole; i++) {
			r = fn(&buffer[i], sizeof(buffer[i]), userdata);
			if (r < 0)
				return r;
		}
		memmove(buffer, &buffer[whole], have % sizeof(buffer[0]));
		have %= sizeof(buffer[0]);
	}
	return n < 0 ? -errno : 0;
}

int source_bpf_processes(struct source *s, source_record_fn fn, void *userdata)
{
	return read_processes(source_bpf_of(s), 0, fn, userdata);
}

static int keep_process(const void *record, size_t size, void *userdata)
{
	(void)size;
	memcpy(userdata, record, sizeof(struct rst_process));
	return 0;
}

/* Where a process lived that owned a socket, on hosts with cgroup v1 alone; 'start' 0: whichever
 * had the number last. */
static bool find_home(struct source_bpf *b, uint32_t tgid, uint64_t start, struct rst_home *ret)
{
	int fd = bpf_parts_fd(&b->parts, FDSTORE_MAP, "homes");

	return fd >= 0 && !bpf_map_lookup_elem(fd, &tgid, ret) && (!start || ret->start == start);
}

int source_bpf_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret)
{
	struct source_bpf *b = source_bpf_of(s);
	struct rst_process p = {};
	struct rst_exec exec;
	struct rst_home home;
	bool found, lived;
	int r;

	r = read_processes(b, tgid, keep_process, &p);
	found = !r && p.tgid == tgid && (!start || p.start == start);
	if (!found || (!p.exe[0] && !(p.flags & RST_PROCESS_KERNEL))) {
		/* gone, a zombie without its executable, or this kernel cannot ask for one process:
		 * it may have called execve() since start */
		if (bpf_map_lookup_elem(bpf_parts_fd(&b->parts, FDSTORE_MAP, "execs"), &tgid,
					&exec) ||
		    (start && exec.start != start))
			exec.start = 0;
		lived = find_home(b, tgid,
				  found	       ? p.start
				  : exec.start ? exec.start
					       : start,
				  &home);
		if (!found && !exec.start && !lived)
			return r ? r : -ESRCH;
		if (!found)
			p = (struct rst_process){.tgid = tgid,
						 .start = exec.start ? exec.start : home.start};
		if (!found && lived)
			memcpy(p.home, home.cgroup, sizeof(p.home));
		if (exec.start) {
			memcpy(p.comm, exec.comm, sizeof(p.comm));
			memcpy(p.exe, exec.exe, sizeof(p.exe));
		}
	}
	*ret = p;
	return 0;
}

int source_bpf_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	char path[RST_PATH_LEN];

	int fd = bpf_parts_fd(&source_bpf_of(s)->parts, FDSTORE_MAP, "cgroups");

	if (bpf_map_lookup_elem(fd, &id, path))
		return -ENOENT;
	snprintf(ret_path, size, "%.*s", RST_PATH_LEN, path);
	return 0;
}
