/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loads the programs: configures them for this kernel, and lets them go on with maps of the
 * generation before. Must not open the gate: nothing counts before it is parked. Proved by
 * tests/live, tests/survive and tests/check/input.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/str.h"
#include "daemon/source_bpf_internal.h"
#include "daemon/source_bpf_why.h"

/* libbpf's last complaint, so that a failure can be told in one sentence, and the program that it
 * last complained about. One thread, one object. */
static char complaint[160], refused[32];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
	char name[sizeof(refused)];
	size_t length;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(complaint, sizeof(complaint), format, args);
	length = strlen(complaint);
	while (length && complaint[length - 1] == '\n')
		complaint[--length] = '\0';
	/* "libbpf: prog 'on_accept': failed to load: -22" */
	if (sscanf(complaint, "libbpf: prog '%31[^']'", name) == 1)
		snprintf(refused, sizeof(refused), "%s", name);
	return 0;
}

bool source_bpf_capable(unsigned int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective >> capability % 32 & 1;
}

void source_bpf_explain(char *error, size_t size, const char *what, int r)
{
	struct bpf_facts facts;

	bpf_facts_collect(&facts);
	bpf_why(&facts, what, r, complaint, error, size);
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

/* Is the first argument of the tracepoint a pointer? */
static bool tracepoint_takes_pointer(const struct btf *btf, const char *name)
{
	const struct btf_type *t = bpf_features_tracepoint(btf, name);
	int id;

	if (!t || btf_vlen(t) < 2)
		return false;
	id = btf__resolve_type(btf, btf_params(t)[1].type);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	return t && btf_is_ptr(t);
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

/* What was remembered of connections is found by the seed that it was remembered under. 0: nothing
 * to go on with. */
static uint64_t seed_of(const struct source_bpf_options *options)
{
	return options->go_on && source_parked_owners_fit(options->go_on)
		       ? source_parked_seed(options->go_on)
		       : 0;
}

/* As bpf/lane.bpf.h numbers them. */
static uint32_t lanes(const struct bpf_features *f)
{
	/* without functions the drop stands in for them (HOOK_FREED), and takes their lane */
	if (f->trampolines || f->send_reset_args == 2)
		return 4;
	return f->guard ? 1 : 2;
}

static void configure(struct source_bpf *b, const struct source_bpf_options *options)
{
	struct rst_config *c = (struct rst_config *)&b->skel->rodata->config;
	struct timespec tick;

	c->hash_seed = seed_of(options);
	if (!c->hash_seed && getrandom(&c->hash_seed, sizeof(c->hash_seed), 0) < 0)
		c->hash_seed = (uint64_t)(uintptr_t)b;
	b->hash_seed = c->hash_seed;
	c->generation = options->generation;
	/* the coarse clocks advance by one tick of jiffies: no need for CONFIG_HZ, which not every
	 * system can tell (include/linux/hrtimer_defs.h, LOW_RES_NSEC) */
	if (!clock_getres(CLOCK_MONOTONIC_COARSE, &tick) && tick.tv_nsec > 0)
		c->hz = (uint32_t)((NSEC_PER_SEC + (uint64_t)tick.tv_nsec / 2) /
				   (uint64_t)tick.tv_nsec);
	if (c->hz)
		c->tick_ms = (1000ULL << 16) / c->hz;
	c->sample_mask = 63;
	c->has_reason = b->features.send_reset_args > 2;
	c->reason_abort_on_data = number_of(&b->reasons, REASON_TCP_ABORT_ON_DATA);
	c->victim_is_task = tracepoint_takes_pointer(b->vmlinux, "mark_victim");
	/* the function that turned the order round */
	c->error_after_close =
		btf__find_by_name_kind(b->vmlinux, "tcp_done_with_error", BTF_KIND_FUNC) > 0;
	bpf_features_configure(&b->features, c);
	for (unsigned int i = 0; i < RST_HIERARCHIES; i++)
		c->hierarchy[i] = b->hierarchy[i].number;
	bpf_map__set_max_entries(b->skel->maps.ring, options->ring_kib * 1024);
	c->cpus = (uint32_t)(highest_cpu() + 1);
	bpf_map__set_max_entries(b->skel->maps.totals, c->cpus * lanes(&b->features));
}

/* What every generation has of its own: what counts, and what is only scratch. */
static bool is_own(const char *name)
{
	static const char *const own[] = {"ring",	 "totals",  "slots",   "claims",
					  "scratch",	 "details", "depths",  "floods",
					  "homes_asked", ".data",   ".rodata", ".bss"};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strstr(name, own[i]))
			return true;
	return false;
}

static bool same_definition(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == bpf_map__type(map) &&
	       info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       info.max_entries == bpf_map__max_entries(map) &&
	       info.map_flags == bpf_map__map_flags(map);
}

/* The gate of the generation before, and, if they mean the same to both, its owners and its memory
 * of what was closed. A map that does not fit is made anew. */
static void go_on_with(struct source_bpf *b, const struct source_bpf_options *options)
{
	const struct bpf_parts *old = options->go_on ? source_parked_parts(options->go_on) : NULL;
	struct bpf_map *map;

	if (!old)
		return;
	bpf_object__for_each_map(map, b->skel->obj)
	{
		const char *name = bpf_map__name(map);
		int fd = bpf_parts_fd(old, FDSTORE_MAP, name);

		if (fd < 0 || is_own(name) || !same_definition(map, fd))
			continue;
		if (!strcmp(name, "control") || source_parked_owners_fit(options->go_on))
			bpf_map__reuse_fd(map, fd);
	}
}

/*
 * A type that this kernel has not (enum sk_rst_reason before 6.10) libbpf goes on looking for in
 * the BTF of modules. To list these wants CAP_SYS_ADMIN, which rstmond.service has not, and the
 * refusal would end the load. Who names the file of the types is searched in it alone: all that the
 * programs look at is in the kernel itself.
 */
static struct rstmon_bpf *open_object(const struct source_bpf_options *more)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = BPF_KERNEL_TYPES);

	if (more->btf)
		options.btf_custom_path = more->btf;
	/* without it libbpf knows other places, /boot among them */
	else if (access(BPF_KERNEL_TYPES, R_OK))
		options.btf_custom_path = NULL;
	return rstmon_bpf__open_opts(&options);
}

/* What the kernel has refused is left out of the next try. */
struct tries {
	bool left_out[HOOK_MAX];
	bool bare; /* nothing but what is required */
	bool packets;
};

static void leave_out_refused(struct source_bpf *b, const struct tries *t)
{
	for (int i = 0; i < HOOK_MAX; i++) {
		struct source_hook *h = &b->hooks[i];

		if (h->required || !bpf_program__autoload(source_bpf_hook_program(b, i)))
			continue;
		if (t->left_out[i])
			source_bpf_leave_out(b, i, "this kernel refuses the program");
		else if (t->bare)
			source_bpf_leave_out(b, i,
					     "left out because the kernel refused the full set");
	}
}

/* Of the memories that do the same, those that this kernel can have. */
static void choose_maps(struct source_bpf *b)
{
	bool storage = b->features.storage, atomics = b->features.fetch_atomics;
	bool homes = b->hierarchy[0].number || b->hierarchy[1].number;

	bpf_map__set_autocreate(b->skel->maps.sock_states, storage);
	bpf_map__set_autocreate(b->skel->maps.sock_table, !storage);
	bpf_map__set_autocreate(b->skel->maps.client_states, atomics);
	bpf_map__set_autocreate(b->skel->maps.closed_connections, atomics);
	bpf_map__set_autocreate(b->skel->maps.closed_table, !atomics);
	bpf_map__set_autocreate(b->skel->maps.claims, !atomics);
	bpf_map__set_autocreate(b->skel->maps.homes, homes);
	bpf_map__set_autocreate(b->skel->maps.homes_asked, homes);
}

static int open_and_load(struct source_bpf *b, const struct source_bpf_options *options,
			 const struct tries *t, char *error, size_t size)
{
	int r;

	rstmon_bpf__destroy(b->skel);
	b->skel = open_object(options);
	if (!b->skel) {
		snprintf(error, size, "cannot open the BPF object: %s", strerror(errno));
		return -errno;
	}
	/* then the other way is wanted */
	b->features.passive4 = b->features.passive4 && !t->left_out[HOOK_PASSIVE4];
	b->features.passive6 = b->features.passive6 && !t->left_out[HOOK_PASSIVE6];
	configure(b, options);
	r = source_bpf_choose(b, t->packets, error, size);
	if (r)
		return r;
	leave_out_refused(b, t);
	choose_maps(b);
	go_on_with(b, options);
	refused[0] = complaint[0] = '\0';
	r = bpf_features_fit(&b->features, b->skel->obj);
	if (!r)
		r = rstmon_bpf__load(b->skel);
	if (r)
		source_bpf_explain(error, size, "cannot load the BPF programs", r);
	return r;
}

/* The hook whose program libbpf complained about, if that can be done without; else -1. */
static int refused_hook(const struct source_bpf *b)
{
	for (int i = 0; i < HOOK_MAX; i++)
		if (!b->hooks[i].required && !strcmp(source_bpf_program(i), refused))
			return i;
	return -1;
}

/* Tries the full set, then without what was refused, one by one, then, if it is not said what that
 * is, what is required alone: a monitor without names beats none. */
static int load_programs(struct source_bpf *b, const struct source_bpf_options *options,
			 char *error, size_t size)
{
	struct tries t = {.packets = options->packet_evidence};
	int r = open_and_load(b, options, &t, error, size);

	for (int hook; r && r != -ENOTSUP && !t.bare;) {
		hook = refused_hook(b);
		if (hook >= 0 && !t.left_out[hook])
			t.left_out[hook] = true;
		else if (r != -EPERM)
			t.bare = true;
		else
			break;
		r = open_and_load(b, options, &t, error, size);
	}
	return r;
}

/* From here on the object lives by its descriptors, and libbpf's picture of it can go. */
static int keep_parts(struct source_bpf *b, const struct source_bpf_options *options)
{
	const struct bpf_parts *old = options->go_on ? source_parked_parts(options->go_on) : NULL;
	struct bpf_program *program;
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_map(map, b->skel->obj)
	{
		const char *name = bpf_map__name(map);
		uint32_t parked =
			old ? bpf_parts_same(old, FDSTORE_MAP, name, bpf_map__fd(map)) : 0;

		if (!r && bpf_map__fd(map) >= 0)
			r = bpf_parts_add(&b->parts, FDSTORE_MAP, name,
					  fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3), parked);
	}
	bpf_object__for_each_program(program, b->skel->obj)
	{
		if (!r && bpf_program__fd(program) >= 0)
			r = bpf_parts_add(&b->parts, FDSTORE_PROG, bpf_program__name(program),
					  fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 3), 0);
	}
	return r;
}

static int keep_links(struct source_bpf *b)
{
	int r = 0;

	for (int i = 0; i < HOOK_MAX; i++) {
		if (!r && b->links[i])
			r = bpf_parts_add(&b->parts, FDSTORE_LINK, source_bpf_program(i),
					  fcntl(bpf_link__fd(b->links[i]), F_DUPFD_CLOEXEC, 3), 0);
		bpf_link__destroy(b->links[i]);
		b->links[i] = NULL;
	}
	return r;
}

int source_bpf_new(const struct source_bpf_options *options, struct source_bpf **ret, char *error,
		   size_t size)
{
	struct source_bpf *b = calloc(1, sizeof(*b));
	int r = 0;

	if (!b) {
		snprintf(error, size, "no memory for the kernel's side");
		return -ENOMEM;
	}
	libbpf_set_print(keep_complaint);
	b->source.ops = &source_bpf_ops;
	b->source.reasons = &b->reasons;
	uname(&b->uname);
	b->source.kernel = b->uname.release;
	source_bpf_name_hooks(b);
	hierarchies_read(b->hierarchy);
	for (int i = 0; i < HOOK_MAX; i++)
		b->program[i] = -1;

	r = bpf_types_load(options->btf, &b->vmlinux, error, size);
	if (r) {
		source_bpf_close(&b->source);
		return r;
	}
	read_reasons(b);
	/* for tests: an old kernel's ways on a new one (HACKING.md) */
	r = bpf_features_find(b->vmlinux, getenv("RSTMOND_WITHOUT"), &b->features);
	if (r) {
		snprintf(error, size, "RSTMOND_WITHOUT names a feature that there is not");
		source_bpf_close(&b->source);
		return r;
	}
	b->source.wants_cap_bpf = !b->features.unprivileged_use;
	*ret = b;
	return 0;
}

int source_bpf_map(struct source_bpf *b, char *error, size_t size)
{
	int ring = bpf_parts_fd(&b->parts, FDSTORE_MAP, "ring");
	int r = bpf_counts_map(&b->counts, &b->parts);

	if (!r)
		r = bpf_ring_map(&b->ring, ring, b->counts.ring_bytes, false);
	if (r)
		snprintf(error, size, "cannot map the kernel's counters: %s", strerror(-r));
	for (int i = 0; i < HOOK_MAX; i++)
		b->program[i] = bpf_parts_fd(&b->parts, FDSTORE_PROG, source_bpf_program(i));
	btf__free(b->vmlinux);
	b->vmlinux = NULL;
	return r;
}

int source_bpf_set_up(struct source_bpf *b, const struct source_bpf_options *options, char *error,
		      size_t size)
{
	int r;

	b->generation = options->generation;
	if (options->btf && bpf_types_use(b->vmlinux)) {
		bpf_types_unuse();
		snprintf(error, size, "no memory for the types of the kernel");
		return -ENOMEM;
	}
	r = load_programs(b, options, error, size);
	/* to know where processes live on v1 is not worth more than the rest */
	if (r && r != -EPERM && b->hierarchy[0].number + b->hierarchy[1].number) {
		memset(b->hierarchy, 0, sizeof(b->hierarchy));
		r = load_programs(b, options, error, size);
	}
	bpf_types_unuse();
	if (!r) {
		r = keep_parts(b, options);
		if (r)
			snprintf(error, size, "cannot keep the BPF object: %s", strerror(-r));
	}
	if (!r)
		r = source_bpf_map(b, error, size);
	if (!r)
		r = source_bpf_attach(b, options, error, size);
	return r ? r : keep_links(b);
}

int source_bpf_open(const struct source_bpf_options *options, struct source **ret, char *error,
		    size_t error_size)
{
	struct source_bpf *b;
	int r;

	r = source_bpf_new(options, &b, error, error_size);
	if (r)
		return r;
	r = source_bpf_set_up(b, options, error, error_size);
	if (r) {
		source_bpf_close(&b->source);
		return r;
	}
	rstmon_bpf__destroy(b->skel);
	b->skel = NULL;
	*ret = &b->source;
	return 0;
}
