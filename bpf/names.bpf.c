// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names that outlive what they name: processes that call execve(), cgroups that are made, and every
 * process there is when asked. None of it is needed to count.
 */
#include "home.bpf.h"
#include "owner.bpf.h"

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct linux_binprm *bprm = (struct linux_binprm *)ctx[2];
	struct rst_control *c;
	struct rst_exec value = {};
	struct process p;
	__u32 zero = 0;

	process_of(task, &p);
	value.start = p.start;
	value.time = bpf_ktime_get_ns();
	__builtin_memcpy(value.comm, p.comm, sizeof(value.comm));
	bpf_probe_read_kernel_str(value.exe, sizeof(value.exe), BPF_CORE_READ(bprm, filename));
	if (bpf_map_update_elem(&execs, &p.tgid, &value, BPF_ANY))
		count_failure(RST_FAIL_MAP);
	c = bpf_map_lookup_elem(&control, &zero);
	if (c)
		c->last_exec = value.time; /* after the entry: owner_name() looks here first */
	return 0;
}

SEC("tp_btf/cgroup_mkdir")
int on_cgroup_mkdir(__u64 *ctx)
{
	struct cgroup *cgroup = (struct cgroup *)ctx[0];
	const char *path = (const char *)ctx[1];
	struct rst_cgroup_path value = {};
	__u32 hierarchy;
	__u64 id;

	/* ids are unique within one hierarchy only; sockets carry those of the default one, which is
	 * always number 0 */
	id = BPF_CORE_READ(cgroup, kn, id);
	hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
	if (hierarchy && hierarchy == config.hierarchy[0])
		id |= RST_CGROUP_HIERARCHY(0);
	else if (hierarchy && hierarchy == config.hierarchy[1])
		id |= RST_CGROUP_HIERARCHY(1);
	else if (hierarchy)
		return 0;
	bpf_probe_read_kernel_str(value.path, sizeof(value.path), path);
	if (bpf_map_update_elem(&cgroups, &id, &value, BPF_ANY))
		count_failure(RST_FAIL_MAP);
	return 0;
}

/* Executables and namespaces of all processes, readable without any capability once loaded;
 * /proc/PID/exe needs CAP_SYS_PTRACE. */
SEC("iter/task")
int list_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct rst_process value = {};
	struct process p;

	if (!task || task->pid != task->tgid)
		return 0;
	process_of(task, &p);
	value.start = p.start;
	value.tgid = p.tgid;
	__builtin_memcpy(value.comm, p.comm, sizeof(value.comm));
	value.cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	if (homes_wanted())
		homes_of(BPF_CORE_READ(task, cgroups), value.home);

	const struct net *net = task->nsproxy->net_ns;

	if (net)
		sock_netns(net, &value.netns, &value.netns_cookie);
	if (p.flags & PF_KTHREAD) {
		value.flags = RST_PROCESS_KERNEL;
	} else {
		struct mm_struct *mm = task->mm;
		struct file *exe = mm ? mm->exe_file : 0;

		if (exe)
			compat_path(exe, value.exe, sizeof(value.exe));
	}
	bpf_seq_write(ctx->meta->seq, &value, sizeof(value));
	return 0;
}
