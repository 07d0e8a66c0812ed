/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hooks there are, and how they are attached; finds the owners of sockets that are open
 * already. The only place that knows the programs' names. Proved by tests/live and
 * tests/check/input.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include "daemon/source_bpf_internal.h"

static const char *const programs[HOOK_MAX] = {
	[HOOK_SEND] = "on_send_reset",	     [HOOK_RECEIVE] = "on_receive_reset",
	[HOOK_STATE] = "on_set_state",	     [HOOK_READ] = "on_read",
	[HOOK_WRITE] = "on_write",	     [HOOK_EXEC] = "on_exec",
	[HOOK_CGROUP] = "on_cgroup_mkdir",   [HOOK_SEED] = "seed_sockets",
	[HOOK_PROCESSES] = "list_processes", [HOOK_ERROR] = "on_error_report",
	[HOOK_VICTIM] = "on_mark_victim",    [HOOK_PACKET] = "on_packet",
	[HOOK_PASSIVE4] = "on_passive4",     [HOOK_PASSIVE6] = "on_passive6",
	[HOOK_FREED] = "on_freed",	     [HOOK_REJECT] = "on_reject",
	[HOOK_ARRIVED] = "on_tcp_reset",     [HOOK_CONNECTED] = "on_connected",
	[HOOK_ACCEPT] = "on_accept",
};

const char *source_bpf_program(int hook)
{
	return programs[hook];
}

struct bpf_program *source_bpf_hook_program(struct source_bpf *b, int hook)
{
	return bpf_object__find_program_by_name(b->skel->obj, programs[hook]);
}

void source_bpf_name_hooks(struct source_bpf *b)
{
	static const struct {
		const char *name, *adds, *consequence;
		bool required, extra, minor;
	} table[HOOK_MAX] = {
		[HOOK_SEND] = {"tp_btf/tcp_send_reset", "resets that this host sends",
			       "nothing can be counted", true},
		[HOOK_RECEIVE] = {"tp_btf/tcp_receive_reset", "resets that this host receives",
				  "nothing can be counted", true},
		[HOOK_STATE] =
			{"tp_btf/inet_sock_set_state",
			 "owners by connect and listen, previous state, age, closed connections",
			 "no reset has an owner", true},
		[HOOK_READ] = {"tp_btf/tcp_rcv_space_adjust",
			       "the process that reads: prefork workers, passed sockets",
			       "a connection belongs to who listens, not to who serves it", true},
		[HOOK_WRITE] = {"tp_btf/sock_send_length", "the process that writes",
				"who only writes to a connection it was handed is not its owner",
				.minor = true},
		[HOOK_EXEC] = {"tp_btf/sched_process_exec", "names after execve",
			       "a process may be shown under the name it had before execve"},
		[HOOK_CGROUP] = {"tp_btf/cgroup_mkdir", "units and containers made since start",
				 "units that are gone before their reset is read have no name"},
		[HOOK_SEED] = {"iter/task_file", "owners of sockets older than rstmond",
			       "sockets older than rstmond have no owner before they are used"},
		[HOOK_PROCESSES] = {"iter/task", "executables, and network namespaces",
				    "executables are not known, and fewer namespaces are covered"},
		[HOOK_ERROR] = {"tp_btf/inet_sk_error_report",
				"connections that fail without a reset: time-outs, ICMP errors",
				"connections that fail without a reset are not seen"},
		[HOOK_VICTIM] = {"tp_btf/mark_victim", "processes that the OOM killer chose",
				 "who was killed for want of memory looks like any other killed"},
		[HOOK_PACKET] =
			{"cgroup_skb/ingress",
			 "TTL, window and flags of received resets, and the peer's usual TTL",
			 "a reset forged on the path looks like one of the peer"},
		[HOOK_PASSIVE4] = {"fentry/tcp_v4_send_reset",
				   "IPv4: resets of closed ports and time-wait sockets",
				   "IPv4 resets of closed ports are in the kernel's counter only",
				   .extra = true},
		[HOOK_PASSIVE6] = {"fentry/tcp_v6_send_reset",
				   "IPv6: resets of closed ports and time-wait sockets",
				   "IPv6 resets of closed ports are in the kernel's counter only",
				   .extra = true},
		[HOOK_FREED] = {"tp_btf/kfree_skb", "resets of closed ports",
				"resets of closed ports are in the kernel's counter only",
				.extra = true},
		[HOOK_REJECT] = {"fentry/nf_ct_attach",
				 "resets that this host's firewall makes with REJECT",
				 "what a REJECT rule here sends is seen only where it arrives",
				 .extra = true},
		[HOOK_ARRIVED] = {"fentry/tcp_reset", "TTL, window and flags of received resets",
				  "a reset forged on the path looks like one of the peer",
				  .extra = true},
		[HOOK_CONNECTED] = {"fentry/tcp_finish_connect",
				    "the peer's usual TTL, of connections that this host began",
				    "a forged reset is harder to tell from the peer's",
				    .extra = true},
		[HOOK_ACCEPT] = {"fexit/inet_csk_accept", "the process that accepts",
				 "a connection belongs to who listens until somebody reads it",
				 .extra = true},
	};

	for (int i = 0; i < HOOK_MAX; i++) {
		b->hooks[i].name = table[i].name;
		b->hooks[i].adds = table[i].adds;
		b->hooks[i].consequence = table[i].consequence;
		b->hooks[i].required = table[i].required;
		b->hooks[i].extra = table[i].extra;
		b->hooks[i].minor = table[i].minor;
	}
}

static int attach(struct source_bpf *b, int hook, char *error, size_t size)
{
	struct source_hook *h = &b->hooks[hook];
	struct bpf_program *program = source_bpf_hook_program(b, hook);
	int r;

	if (!bpf_program__autoload(program))
		return 0;
	b->links[hook] = bpf_program__attach_trace(program);
	if (b->links[hook]) {
		h->attached = true;
		return 0;
	}
	r = -errno;
	snprintf(h->why, sizeof(h->why), "cannot attach: %s", strerror(-r));
	if (!h->required)
		return 0;
	source_bpf_explain(error, size, h->name, r);
	return r;
}

/* The root of the unified hierarchy: alone, or beside those of version 1 as systemd mounts it. */
static int open_cgroup_root(void)
{
	static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!statfs(places[i], &fs) && fs.f_type == CGROUP2_SUPER_MAGIC)
			return open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return -ENOENT;
}

/* What received resets look like is worth having, but nothing depends on it: a failure is named in
 * status, and that is all. The link leaves room for other programs on the same control group. */
static void attach_packets(struct source_bpf *b)
{
	struct source_hook *h = &b->hooks[HOOK_PACKET];
	struct bpf_program *program = b->skel->progs.on_packet;
	_cleanup_close_ int fd = -1;

	if (!bpf_program__autoload(program))
		return;
	fd = open_cgroup_root();
	if (fd < 0) {
		snprintf(h->why, sizeof(h->why), "no cgroup2 file system at /sys/fs/cgroup");
		return;
	}
	b->links[HOOK_PACKET] = bpf_program__attach_cgroup(program, fd);
	h->attached = b->links[HOOK_PACKET];
	if (h->attached)
		return;
	if (errno == EPERM && !source_bpf_capable(CAP_NET_ADMIN))
		snprintf(h->why, sizeof(h->why),
			 "not permitted without CAP_NET_ADMIN; see packet_evidence in "
			 "rstmond.conf(5)");
	else
		snprintf(h->why, sizeof(h->why), "cannot attach: %s", strerror(errno));
}

/* The iterator runs while its file is read; it writes nothing, so one read to the end is a pass. */
static int seed_pass(struct source_bpf *b)
{
	_cleanup_close_ int fd =
		source_bpf_iterator(bpf_program__fd(b->skel->progs.seed_sockets), 0);
	ssize_t n;
	char byte;

	if (fd < 0)
		return fd;
	/* EAGAIN: a million files were looked at in one call (bpf_seq_read()), go on */
	do {
		n = read(fd, &byte, 1);
	} while (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)));
	return n < 0 ? -errno : 0;
}

static void seed(struct source_bpf *b, const struct source_bpf_options *options)
{
	struct source_hook *h = &b->hooks[HOOK_SEED];
	int r;

	if (!bpf_program__autoload(b->skel->progs.seed_sockets))
		return;
	if (!options->scan_at_start) {
		h->unwanted = h->off = true;
		snprintf(h->why, sizeof(h->why), "switched off in the configuration");
		return;
	}
	r = seed_pass(b);
	if (!r)
		r = seed_pass(b);
	h->attached = !r;
	if (r)
		snprintf(h->why, sizeof(h->why), "cannot run: %s", strerror(-r));
}

int source_bpf_attach(struct source_bpf *b, const struct source_bpf_options *options, char *error,
		      size_t size)
{
	/* owners first, then those of older sockets, then the resets: what is counted has an owner
	 */
	static const int order[] = {HOOK_STATE,	 HOOK_READ,    HOOK_WRITE,
				    HOOK_ACCEPT, HOOK_EXEC,    HOOK_CGROUP,
				    HOOK_VICTIM, HOOK_ARRIVED, HOOK_CONNECTED};
	static const int resets[] = {HOOK_SEND, HOOK_PASSIVE4, HOOK_PASSIVE6, HOOK_FREED,
				     HOOK_REJECT, HOOK_RECEIVE,
				     /* after the resets, which explain some of the errors */
				     HOOK_ERROR};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		r = attach(b, order[i], error, size);
		if (r)
			return r;
	}
	attach_packets(b);
	seed(b, options);
	b->hooks[HOOK_PROCESSES].attached = bpf_program__autoload(b->skel->progs.list_processes);
	for (size_t i = 0; i < ARRAY_SIZE(resets); i++) {
		r = attach(b, resets[i], error, size);
		if (r)
			return r;
	}
	return 0;
}
