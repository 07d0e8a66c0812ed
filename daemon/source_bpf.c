/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel as a source: loads and attaches the programs, maps what they count, drains the
 * ring. Must not interpret a record. Proved by tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "common/str.h"
#include "daemon/source_bpf.h"
#include "rstmon.skel.h"

enum {
	HOOK_SEND,
	HOOK_RECEIVE,
	HOOK_STATE,
	HOOK_READ,
	HOOK_WRITE,
	HOOK_EXEC,
	HOOK_CGROUP,
	HOOK_SEED,
	HOOK_PROCESSES,
	HOOK_MAX,
};

struct source_bpf {
	struct source source;
	struct rstmon_bpf *skel;
	struct btf *vmlinux;
	struct ring_buffer *ring;
	struct reasons reasons;
	struct utsname uname;
	struct source_hook hooks[HOOK_MAX];
	struct bpf_link *links[HOOK_MAX];

	size_t n_cpus;
	size_t page;
	struct rst_control *control;
	const struct rst_totals *totals;
	const struct rst_slot *slots;
	const uint64_t *consumer_pos, *producer_pos; /* of the ring */
	int64_t offset;

	/* of the drain that is running */
	source_record_fn fn;
	void *userdata;
	unsigned int left;
	int result;
};

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

static struct source_bpf *this(struct source *s)
{
	return (struct source_bpf *)s;
}

/* ---- reading ---- */

static int64_t clock_offset_now(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)(real.tv_sec - mono.tv_sec) * (int64_t)NSEC_PER_SEC + real.tv_nsec -
	       mono.tv_nsec;
}

static int on_record(void *context, void *record, size_t size)
{
	struct source_bpf *b = context;
	int r = b->fn(record, size, b->userdata);

	if (r < 0) {
		b->result = r;
		return r;
	}
	/* a negative answer ends ring_buffer__consume(), which has no bound of its own in
	 * libbpf 1.1; the record counts as consumed */
	return --b->left ? 0 : -EAGAIN;
}

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct source_bpf *b = this(s);
	int r;

	b->fn = fn;
	b->userdata = userdata;
	b->left = max;
	b->result = 0;
	b->offset = clock_offset_now();
	r = ring_buffer__consume(b->ring);
	if (b->result)
		return b->result;
	if (r < 0 && r != -EAGAIN)
		return r;
	return (int)(max - b->left);
}

static int wait_fd(struct source *s)
{
	return bpf_map__fd(this(s)->skel->maps.ring);
}

static bool is_empty(const struct source_bpf *b)
{
	return __atomic_load_n(b->producer_pos, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(b->consumer_pos, __ATOMIC_ACQUIRE);
}

static bool go_to_sleep(struct source *s)
{
	struct source_bpf *b = this(s);

	__atomic_store_n(&b->control->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_empty(b))
		return true;
	__atomic_store_n(&b->control->sleeping, 0, __ATOMIC_SEQ_CST);
	return false;
}

static uint64_t missed_runs(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

static uint64_t load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void read_totals(struct source *s, struct source_totals *ret)
{
	struct source_bpf *b = this(s);
	struct source_totals t = {};
	uint64_t seen[RST_DIRECTION_MAX] = {};

	for (size_t cpu = 0; cpu < b->n_cpus; cpu++) {
		for (int d = 0; d < RST_DIRECTION_MAX; d++) {
			const struct rst_count *c = &b->totals[cpu].direction[d];

			seen[d] += load(&c->seen) - load(&c->swallowed);
			t.spilled[d] += load(&c->spilled) - load(&c->swallowed_spilled);
			t.lost[d] += load(&c->lost) - load(&c->swallowed_lost);
			t.unread_ever += load(&c->spilled) + load(&c->lost) +
					 load(&c->swallowed_spilled) + load(&c->swallowed_lost);
			t.run_ns += load(&c->run_ns);
			t.run_samples += load(&c->run_samples);
			for (int f = 0; f < RST_FAIL_MAX; f++)
				t.failures[f] += load(&c->failures[f]);
		}
		for (int f = 0; f < RST_FAIL_MAX; f++)
			t.failures[f] += load(&b->totals[cpu].failures[f]);
	}
	t.sent = seen[RST_SENT];
	t.received = seen[RST_RECEIVED];
	t.missed = missed_runs(b->skel->progs.on_send_reset) +
		   missed_runs(b->skel->progs.on_receive_reset);
	*ret = t;
}

static const struct rst_slot *get_slots(struct source *s)
{
	return this(s)->slots;
}

/* ---- names ---- */

static int read_processes(struct source_bpf *b, uint32_t only_tgid, source_record_fn fn,
			  void *userdata)
{
	union bpf_iter_link_info info = {.task = {.tid = only_tgid}};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	struct rst_process buffer[16];
	struct bpf_link *link;
	_cleanup_close_ int fd = -1;
	size_t have = 0;
	ssize_t n;
	int r;

	/* the parameter exists since 6.1 (f0d74c4da1f0); older kernels refuse it with -EINVAL */
	link = bpf_program__attach_iter(b->skel->progs.list_processes, only_tgid ? &options : NULL);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
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

static int all_processes(struct source *s, source_record_fn fn, void *userdata)
{
	return read_processes(this(s), 0, fn, userdata);
}

static int keep_process(const void *record, size_t size, void *userdata)
{
	(void)size;
	memcpy(userdata, record, sizeof(struct rst_process));
	return 0;
}

static int one_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret)
{
	struct source_bpf *b = this(s);
	struct rst_process p = {};
	struct rst_exec exec;
	bool found;
	int r;

	r = read_processes(b, tgid, keep_process, &p);
	found = !r && p.tgid == tgid && (!start || p.start == start);
	if (!found || (!p.exe[0] && !(p.flags & RST_PROCESS_KERNEL))) {
		/* gone, a zombie without its executable, or this kernel cannot ask for one process:
		 * it may have called execve() since start */
		if (bpf_map_lookup_elem(bpf_map__fd(b->skel->maps.execs), &tgid, &exec) ||
		    (start && exec.start != start))
			exec.start = 0;
		if (!found && !exec.start)
			return r ? r : -ESRCH;
		if (!found)
			p = (struct rst_process){.tgid = tgid, .start = exec.start};
		if (exec.start) {
			memcpy(p.comm, exec.comm, sizeof(p.comm));
			memcpy(p.exe, exec.exe, sizeof(p.exe));
		}
	}
	*ret = p;
	return 0;
}

static int cgroup_path(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	char path[RST_PATH_LEN];

	if (bpf_map_lookup_elem(bpf_map__fd(this(s)->skel->maps.cgroups), &id, path))
		return -ENOENT;
	snprintf(ret_path, size, "%.*s", RST_PATH_LEN, path);
	return 0;
}

static const struct source_hook *get_hooks(struct source *s, size_t *ret_n)
{
	*ret_n = HOOK_MAX;
	return this(s)->hooks;
}

static int64_t get_offset(struct source *s)
{
	return this(s)->offset;
}

static size_t ring_size(struct source *s)
{
	return bpf_map__max_entries(this(s)->skel->maps.ring);
}

/* ---- opening and closing ---- */

static void unmap(const void *address, size_t size)
{
	if (address)
		munmap((void *)address, size);
}

static void close_source(struct source *s)
{
	struct source_bpf *b = this(s);

	for (int i = 0; i < HOOK_MAX; i++)
		bpf_link__destroy(b->links[i]);
	ring_buffer__free(b->ring);
	unmap(b->control, b->page);
	unmap(b->totals, b->n_cpus * sizeof(struct rst_totals));
	unmap(b->slots, RST_SLOTS * sizeof(struct rst_slot));
	unmap(b->consumer_pos, b->page);
	unmap(b->producer_pos, b->page);
	rstmon_bpf__destroy(b->skel);
	btf__free(b->vmlinux);
	free(b);
}

static const struct source_ops ops = {
	.drain = drain,
	.fd = wait_fd,
	.sleep = go_to_sleep,
	.totals = read_totals,
	.slots = get_slots,
	.process = one_process,
	.processes = all_processes,
	.cgroup = cgroup_path,
	.hooks = get_hooks,
	.clock_offset = get_offset,
	.ring_bytes = ring_size,
	.free = close_source,
};

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
	};

	for (int i = 0; i < HOOK_MAX; i++) {
		b->hooks[i].name = table[i].name;
		b->hooks[i].adds = table[i].adds;
		b->hooks[i].required = table[i].required;
	}
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
	};

	return programs[hook];
}

static void configure(struct source_bpf *b, const struct source_bpf_options *options)
{
	struct rst_config *c = (struct rst_config *)&b->skel->rodata->config;
	struct timespec tick;

	if (getrandom(&c->hash_seed, sizeof(c->hash_seed), 0) != sizeof(c->hash_seed))
		c->hash_seed = (uint64_t)clock_offset_now();
	c->generation = 1;
	/* the coarse clocks advance by one tick of jiffies: no need for CONFIG_HZ, which not every
	 * system can tell (include/linux/hrtimer_defs.h, LOW_RES_NSEC) */
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &tick) && tick.tv_nsec > 0)
		c->hz = (uint32_t)((NSEC_PER_SEC + (uint64_t)tick.tv_nsec / 2) /
				   (uint64_t)tick.tv_nsec);
	c->sample_mask = 63;
	c->has_reason = b->reasons.n > 0;
	c->reason_abort_on_data = number_of(&b->reasons, REASON_TCP_ABORT_ON_DATA);
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
		} else if (bare && !b->hooks[i].required) {
			leave_out(b, i, "left out because the kernel refused the full set");
		}
	}
	r = rstmon_bpf__load(b->skel);
	if (r)
		explain_refusal(error, size, "cannot load the BPF programs", r);
	return r;
}

/* Tries the full set, then what is required alone: a monitor without names beats none. */
static int load_programs(struct source_bpf *b, const struct source_bpf_options *options,
			 char *error, size_t size)
{
	int r = open_and_load(b, options, false, error, size);

	if (!r || r == -ENOTSUP || r == -EPERM)
		return r;
	rstmon_bpf__destroy(b->skel);
	b->skel = NULL;
	return open_and_load(b, options, true, error, size);
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
	b->ring = ring_buffer__new(ring, on_record, b, NULL);
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

/* The iterator runs while its file is read; it writes nothing, so one read to the end is a pass. */
static int seed_pass(struct source_bpf *b)
{
	struct bpf_link *link = bpf_program__attach_iter(b->skel->progs.seed_sockets, NULL);
	_cleanup_close_ int fd = -1;
	ssize_t n;
	char byte;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	bpf_link__destroy(link);
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
	static const int order[] = {HOOK_STATE, HOOK_READ, HOOK_WRITE, HOOK_EXEC, HOOK_CGROUP};
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		r = attach(b, order[i], error, size);
		if (r)
			return r;
	}
	seed(b, options);
	b->hooks[HOOK_PROCESSES].attached = bpf_program__autoload(b->skel->progs.list_processes);
	r = attach(b, HOOK_SEND, error, size);
	return r ? r : attach(b, HOOK_RECEIVE, error, size);
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
	b->source.ops = &ops;
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
		close_source(&b->source);
		return r;
	}
	*ret = &b->source;
	return 0;
}
