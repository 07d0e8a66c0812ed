/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads and attaches the programs, maps what they count, finds the owners of sockets that are open
 * already. The only place that knows which hooks there are. Proved by tests/live and
 * tests/check/input.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#include "common/str.h"
#include "daemon/source_bpf_internal.h"

/* libbpf's last complaint, so that a failure can be told in one sentence. One thread, one object.
 */
static char complaint[160];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t length;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(complaint, sizeof(complaint), format, args);
	length = strlen(complaint);
	while (length && complaint[length - 1] == '\n')
		complaint[--length] = '\0';
	return 0;
}

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective >> capability % 32 & 1;
}

/* What a refusal with EPERM means depends on what we had. */
static void explain_refusal(char *error, size_t size, const char *what, int r)
{
	if (r != -EPERM)
		snprintf(error, size, "%s: %s%s%s", what, strerror(-r), complaint[0] ? "; " : "",
			 complaint);
	else if (!has_capability(CAP_SYS_ADMIN) &&
		 (!has_capability(CAP_BPF) || !has_capability(CAP_PERFMON)))
		snprintf(error, size,
			 "%s: not permitted without CAP_BPF and CAP_PERFMON; run as root or with "
			 "rstmond.service",
			 what);
	else
		snprintf(error, size,
			 "%s: the kernel refuses although the capabilities are there; look for "
			 "lockdown in /sys/kernel/security/lockdown",
			 what);
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[80];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

static void read_reasons(struct source_bpf *b)
{
	int id = btf__find_by_name_kind(b->vmlinux, "sk_rst_reason", BTF_KIND_ENUM);
	const struct btf_type *type = id > 0 ? btf__type_by_id(b->vmlinux, (__u32)id) : NULL;
	const struct btf_enum *value = type ? btf_enum(type) : NULL;

	for (int i = 0; type && i < btf_vlen(type); i++) {
		const char *name = btf__name_by_offset(b->vmlinux, value[i].name_off);

		if (value[i].val >= 0 && name && strcmp(name, "SK_RST_REASON_MAX"))
			reasons_add(&b->reasons, (unsigned int)value[i].val, name);
	}
}

static uint8_t number_of(const struct reasons *r, enum reason meaning)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (r->name[i][0] && r->meaning[i] == meaning)
			return (uint8_t)i;
	return RST_REASON_NONE;
}

static void name_hooks(struct source_bpf *b)
{
	static const struct {
		const char *name, *adds;
		bool required;
	} table[HOOK_MAX] = {
		[HOOK_SEND] = {"tp_btf/tcp_send_reset", "resets that this host sends", true},
		[HOOK_RECEIVE] = {"tp_btf/tcp_receive_reset", "resets that this host receives",
				  true},
		[HOOK_STATE] =
			{"tp_btf/inet_sock_set_state",
			 "owners by connect and listen, previous state, age, closed connections",
			 true},
		[HOOK_READ] = {"tp_btf/tcp_rcv_space_adjust",
			       "the process that reads: prefork workers, passed sockets", true},
		[HOOK_WRITE] = {"tp_btf/sock_send_length", "the process that writes", false},
		[HOOK_EXEC] = {"tp_btf/sched_process_exec", "names after execve", false},
		[HOOK_CGROUP] = {"tp_btf/cgroup_mkdir", "units and containers made since start",
				 false},
		[HOOK_SEED] = {"iter/task_file", "owners of sockets older than rstmond", false},
		[HOOK_PROCESSES] = {"iter/task", "executables, and network namespaces", false},
		[HOOK_ERROR] = {"tp_btf/inet_sk_error_report",
				"connections that fail without a reset: time-outs, ICMP errors",
				false},
		[HOOK_VICTIM] = {"tp_btf/mark_victim", "processes that the OOM killer chose",
				 false},
		[HOOK_PACKET] =
			{"cgroup_skb/ingress",
			 "TTL, window and flags of received resets, and the peer's usual TTL",
			 false},
	};

	for (int i = 0; i < HOOK_MAX; i++) {
		b->hooks[i].name = table[i].name;
		b->hooks[i].adds = table[i].adds;
		b->hooks[i].required = table[i].required;
	}
}

/* Is the first argument of the tracepoint a pointer? */
static bool tracepoint_takes_pointer(const struct btf *btf, const char *name)
{
	const struct btf_type *t;
	char type[80];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	if (t) /* typedef -> pointer -> function, whose own first argument is the private data */
		t = btf__type_by_id(btf, t->type);
	if (t)
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 2)
		return false;
	id = btf__resolve_type(btf, btf_params(t)[1].type);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	return t && btf_is_ptr(t);
}

static struct bpf_program *hook_program(struct source_bpf *b, int hook)
{
	struct bpf_program *const programs[HOOK_MAX] = {
		[HOOK_SEND] = b->skel->progs.on_send_reset,
		[HOOK_RECEIVE] = b->skel->progs.on_receive_reset,
		[HOOK_STATE] = b->skel->progs.on_set_state,
		[HOOK_READ] = b->skel->progs.on_read,
		[HOOK_WRITE] = b->skel->progs.on_write,
		[HOOK_EXEC] = b->skel->progs.on_exec,
		[HOOK_CGROUP] = b->skel->progs.on_cgroup_mkdir,
		[HOOK_SEED] = b->skel->progs.seed_sockets,
		[HOOK_PROCESSES] = b->skel->progs.list_processes,
		[HOOK_ERROR] = b->skel->progs.on_error_report,
		[HOOK_VICTIM] = b->skel->progs.on_mark_victim,
		[HOOK_PACKET] = b->skel->progs.on_packet,
	};

	return programs[hook];
}

static void configure(struct source_bpf *b, const struct source_bpf_options *options)
{
	struct rst_config *c = (struct rst_config *)&b->skel->rodata->config;
	struct timespec tick;

	if (getrandom(&c->hash_seed, sizeof(c->hash_seed), 0) != sizeof(c->hash_seed))
		c->hash_seed = (uint64_t)(uintptr_t)b;
	c->generation = 1;
	/* the coarse clocks advance by one tick of jiffies: no need for CONFIG_HZ, which not every
	 * system can tell (include/linux/hrtimer_defs.h, LOW_RES_NSEC) */
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &tick) && tick.tv_nsec > 0)
		c->hz = (uint32_t)((NSEC_PER_SEC + (uint64_t)tick.tv_nsec / 2) /
				   (uint64_t)tick.tv_nsec);
	c->sample_mask = 63;
	c->has_reason = b->reasons.n > 0;
	c->reason_abort_on_data = number_of(&b->reasons, REASON_TCP_ABORT_ON_DATA);
	c->victim_is_task = tracepoint_takes_pointer(b->vmlinux, "mark_victim");
	/* the function that turned the order round */
	c->error_after_close =
		btf__find_by_name_kind(b->vmlinux, "tcp_done_with_error", BTF_KIND_FUNC) > 0;
	bpf_map__set_max_entries(b->skel->maps.ring, options->ring_kib * 1024);
	bpf_map__set_max_entries(b->skel->maps.totals, (uint32_t)b->n_cpus);
}

static void leave_out(struct source_bpf *b, int hook, const char *why)
{
	bpf_program__set_autoload(hook_program(b, hook), false);
	snprintf(b->hooks[hook].why, sizeof(b->hooks[hook].why), "%s", why);
}

static int open_and_load(struct source_bpf *b, const struct source_bpf_options *options, bool bare,
			 char *error, size_t size)
{
	int r;

	b->skel = rstmon_bpf__open();
	if (!b->skel) {
		snprintf(error, size, "cannot open the BPF object: %s", strerror(errno));
		return -errno;
	}
	configure(b, options);
	b->hooks[HOOK_PACKET].unwanted = !options->packet_evidence;
	if (!options->packet_evidence)
		leave_out(b, HOOK_PACKET, "switched off in the configuration");
	for (int i = 0; i < HOOK_MAX; i++) {
		const char *point = strchr(b->hooks[i].name, '/') + 1;

		if (strncmp(b->hooks[i].name, "tp_btf/", 7) == 0 &&
		    !has_tracepoint(b->vmlinux, point)) {
			if (b->hooks[i].required) {
				snprintf(error, size, "this kernel (%s) has no tracepoint %s",
					 b->uname.release, point);
				return -ENOTSUP;
			}
			leave_out(b, i, "this kernel has no such tracepoint");
		} else if (bare && !b->hooks[i].required &&
			   bpf_program__autoload(hook_program(b, i))) {
			leave_out(b, i, "left out because the kernel refused the full set");
		}
	}
	r = rstmon_bpf__load(b->skel);
	if (r)
		explain_refusal(error, size, "cannot load the BPF programs", r);
	return r;
}

static bool worth_less(int r)
{
	return r && r != -ENOTSUP && r != -EPERM;
}

/* Tries the full set, then without looking at packets, then what is required alone: a monitor
 * without names beats none. */
static int load_programs(struct source_bpf *b, const struct source_bpf_options *options,
			 char *error, size_t size)
{
	struct source_bpf_options less = *options;
	int r = open_and_load(b, options, false, error, size);

	if (worth_less(r) && less.packet_evidence) {
		rstmon_bpf__destroy(b->skel);
		b->skel = NULL;
		less.packet_evidence = false;
		r = open_and_load(b, &less, false, error, size);
	}
	if (worth_less(r)) {
		rstmon_bpf__destroy(b->skel);
		b->skel = NULL;
		r = open_and_load(b, &less, true, error, size);
	}
	b->hooks[HOOK_PACKET].unwanted = !options->packet_evidence;
	if (options->packet_evidence && !less.packet_evidence)
		snprintf(b->hooks[HOOK_PACKET].why, sizeof(b->hooks[HOOK_PACKET].why),
			 "left out because the kernel refused the full set");
	return r;
}

static int map_memory(int fd, size_t size, int protection, off_t offset, const void *ret)
{
	void *p = mmap(NULL, size, protection, MAP_SHARED, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	*(void **)ret = p;
	return 0;
}

static int map_arrays(struct source_bpf *b, char *error, size_t size)
{
	int ring = bpf_map__fd(b->skel->maps.ring);
	int r;

	r = map_memory(bpf_map__fd(b->skel->maps.control), b->page, PROT_READ | PROT_WRITE, 0,
		       &b->control);
	if (!r)
		r = map_memory(bpf_map__fd(b->skel->maps.totals),
			       b->n_cpus * sizeof(struct rst_totals), PROT_READ, 0, &b->totals);
	if (!r)
		r = map_memory(bpf_map__fd(b->skel->maps.slots),
			       RST_SLOTS * sizeof(struct rst_slot), PROT_READ, 0, &b->slots);
	/* page 0 of a ring is the consumer's position, page 1 the producer's */
	if (!r)
		r = map_memory(ring, b->page, PROT_READ, 0, &b->consumer_pos);
	if (!r)
		r = map_memory(ring, b->page, PROT_READ, (off_t)b->page, &b->producer_pos);
	if (r) {
		snprintf(error, size, "cannot map the kernel's counters: %s", strerror(-r));
		return r;
	}
	b->control->generation = 1;
	b->ring = ring_buffer__new(ring, source_bpf_record, b, NULL);
	if (!b->ring) {
		r = -errno;
		snprintf(error, size, "cannot map the ring: %s", strerror(-r));
	}
	return r;
}

static int attach(struct source_bpf *b, int hook, char *error, size_t size)
{
	struct source_hook *h = &b->hooks[hook];
	struct bpf_program *program = hook_program(b, hook);
	int r;

	if (!bpf_program__autoload(program))
		return 0;
	b->links[hook] = bpf_program__attach(program);
	if (b->links[hook]) {
		h->attached = true;
		return 0;
	}
	r = -errno;
	snprintf(h->why, sizeof(h->why), "cannot attach: %s", strerror(-r));
	if (!h->required)
		return 0;
	explain_refusal(error, size, h->name, r);
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
	if (errno == EPERM && !has_capability(CAP_NET_ADMIN))
		snprintf(h->why, sizeof(h->why),
			 "not permitted without CAP_NET_ADMIN; see packet_evidence in "
			 "rstmond.conf(5)");
	else
		snprintf(h->why, sizeof(h->why), "cannot attach: %s", strerror(errno));
}

/* The iterator runs while its file is read; it writes nothing, so one read to the end is a pass. */
static int seed_pass(struct source_bpf *b)
{
	_cleanup_close_ int fd = source_bpf_iterator(b->skel->progs.seed_sockets, 0);
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

static int attach_all(struct source_bpf *b, const struct source_bpf_options *options, char *error,
		      size_t size)
{
	/* owners first, then those of older sockets, then the resets: what is counted has an owner
	 */
	static const int order[] = {HOOK_STATE, HOOK_READ,   HOOK_WRITE,
				    HOOK_EXEC,	HOOK_CGROUP, HOOK_VICTIM};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		r = attach(b, order[i], error, size);
		if (r)
			return r;
	}
	attach_packets(b);
	seed(b, options);
	b->hooks[HOOK_PROCESSES].attached = bpf_program__autoload(b->skel->progs.list_processes);
	r = attach(b, HOOK_SEND, error, size);
	if (!r)
		r = attach(b, HOOK_RECEIVE, error, size);
	/* after the resets, which explain some of the errors */
	return r ? r : attach(b, HOOK_ERROR, error, size);
}

/* Totals lie at the index of the CPU's number, and numbers may have gaps: "0-3,8-11". */
static size_t highest_cpu(void)
{
	_cleanup_fclose_ FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	char line[256], *last;
	uint32_t n;

	if (!f || !fgets(line, sizeof(line), f))
		return (size_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1) - 1;
	line[strcspn(line, "\n")] = '\0';
	last = strpbrk(line, ",-") ? MAX(strrchr(line, ','), strrchr(line, '-')) + 1 : line;
	return parse_u32(last, &n) ? (size_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1) - 1 : n;
}

int source_bpf_open(const struct source_bpf_options *options, struct source **ret, char *error,
		    size_t error_size)
{
	struct source_bpf *b = calloc(1, sizeof(*b));
	int r;

	if (!b) {
		snprintf(error, error_size, "no memory for the kernel's side");
		return -ENOMEM;
	}
	libbpf_set_print(keep_complaint);
	b->source.ops = &source_bpf_ops;
	b->source.reasons = &b->reasons;
	b->n_cpus = highest_cpu() + 1;
	b->page = (size_t)sysconf(_SC_PAGESIZE);
	uname(&b->uname);
	b->source.kernel = b->uname.release;
	name_hooks(b);

	b->vmlinux = btf__load_vmlinux_btf();
	if (!b->vmlinux) {
		r = -errno;
		snprintf(
			error, error_size,
			"this kernel (%s) has no type information in /sys/kernel/btf/vmlinux; boot "
			"one that was built with CONFIG_DEBUG_INFO_BTF",
			b->uname.release);
	} else {
		read_reasons(b);
		r = load_programs(b, options, error, error_size);
		if (!r)
			r = map_arrays(b, error, error_size);
		if (!r)
			r = attach_all(b, options, error, error_size);
	}
	if (r) {
		source_bpf_close(&b->source);
		return r;
	}
	*ret = &b->source;
	return 0;
}
