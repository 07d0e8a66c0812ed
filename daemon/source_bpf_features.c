/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds out what the kernel can do, and fits the object's instructions to it. Must not decide by
 * the release but where nothing else tells. Proved by tests/unit/daemon/source_bpf_features.c and,
 * in every kernel, by tests/kernels.
 */
#include "common/util.h"

#include "daemon/source_bpf_features.h"
#include "daemon/source_bpf_why.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define BPF_CMPXCHG_OP (0xf0 | BPF_FETCH)

/* ---- what can be turned off for a test ---- */

static const struct {
	const char *name;
	size_t offset;
	bool tried; /* by a program that is loaded */
} names[] = {
	{"fetch_atomics", offsetof(struct bpf_features, fetch_atomics), true},
	{"storage", offsetof(struct bpf_features, storage), false},
	{"sock_from_file", offsetof(struct bpf_features, sock_from_file), false},
	{"iter_d_path", offsetof(struct bpf_features, iter_d_path), false},
	{"task_btf", offsetof(struct bpf_features, task_btf), false},
	{"guard", offsetof(struct bpf_features, guard), false},
	{"unprivileged_use", offsetof(struct bpf_features, unprivileged_use), false},
	{"trampolines", offsetof(struct bpf_features, trampolines), true},
};

#define CAST ARRAY_SIZE(names) /* the one that is a number */

const char *bpf_features_name(unsigned int i)
{
	if (i < ARRAY_SIZE(names))
		return names[i].name;
	return i == CAST ? "cast" : NULL;
}

bool bpf_features_has(const struct bpf_features *f, unsigned int i)
{
	if (i < ARRAY_SIZE(names))
		return *(const bool *)((const char *)f + names[i].offset);
	return i == CAST && f->cast;
}

bool bpf_features_is_tried(unsigned int i)
{
	return i == CAST || (i < ARRAY_SIZE(names) && names[i].tried);
}

static int leave_out(struct bpf_features *f, const char *name, size_t length)
{
	for (unsigned int i = 0; bpf_features_name(i); i++) {
		if (strlen(bpf_features_name(i)) != length ||
		    strncmp(bpf_features_name(i), name, length))
			continue;
		if (i == CAST)
			f->cast = 0;
		else
			*(bool *)((char *)f + names[i].offset) = false;
		return 0;
	}
	return -EINVAL;
}

static int leave_out_all(struct bpf_features *f, const char *without)
{
	int r = 0;

	for (const char *p = without; p && *p && !r; p += strspn(p, " ")) {
		size_t length = strcspn(p, " ");

		r = leave_out(f, p, length);
		p += length;
	}
	if (!f->trampolines && !f->trampolines_why[0])
		snprintf(f->trampolines_why, sizeof(f->trampolines_why), "left out for a test");
	return r;
}

/* ---- what BTF tells ---- */

static int function(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_FUNC);

	return id > 0 ? id : 0;
}

static uint8_t arguments(const struct btf_type *proto)
{
	return proto && btf_is_func_proto(proto) ? (uint8_t)MIN(btf_vlen(proto), UINT8_MAX) : 0;
}

static uint8_t function_arguments(const struct btf *btf, const char *name)
{
	int id = function(btf, name);

	return id ? arguments(btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type)) : 0;
}

/* Its type is typedef -> pointer -> function, whose own first argument is the private data. */
const struct btf_type *bpf_features_tracepoint(const struct btf *btf, const char *name)
{
	const struct btf_type *t;
	char type[80];
	int id;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	if (t)
		t = btf__type_by_id(btf, t->type);
	if (t)
		t = btf__type_by_id(btf, t->type);
	return t && btf_is_func_proto(t) ? t : NULL;
}

static uint8_t tracepoint_arguments(const struct btf *btf, const char *name)
{
	return (uint8_t)MAX(arguments(bpf_features_tracepoint(btf, name)), 1) - 1;
}

static uint32_t enum_value(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_ENUM);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++) {
		const char *value = btf__name_by_offset(btf, btf_enum(t)[i].name_off);

		if (value && !strcmp(value, name))
			return (uint32_t)btf_enum(t)[i].val;
	}
	return ~0U;
}

/* ---- what only a try tells ---- */

/* JITs got them later than the language: that of arm64 in 5.18 (1902472b4fa9). */
static bool try_fetch_atomics(void)
{
	const struct bpf_insn program[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_0, -8, 0),
		INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_10, BPF_REG_0, -8, BPF_CMPXCHG_OP),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_atomics", "GPL", program,
			       ARRAY_SIZE(program), NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Calls of the kernel's functions want the JIT, and one that can do them. */
static int try_cast(const struct btf *btf)
{
	int cast = function(btf, "bpf_rdonly_cast");
	int type = btf__find_by_name_kind(btf, "tcphdr", BTF_KIND_STRUCT);
	const struct bpf_insn program[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, type),
		INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, cast),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd;

	if (!cast || type <= 0)
		return 0;
	fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_cast", "GPL", program,
			   ARRAY_SIZE(program), NULL);
	if (fd < 0)
		return 0;
	close(fd);
	return cast;
}

/* Some kernels refuse them to everybody, some architectures have none. */
static int try_trampolines(const struct btf *btf)
{
	const struct bpf_insn program[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = (__u32)function(btf, "tcp_reset"));
	int fd, link, r = 0;

	if (!options.attach_btf_id)
		return -ENOENT;
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "try_trampoline", "GPL", program,
			   ARRAY_SIZE(program), &options);
	if (fd < 0)
		return -errno;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link < 0)
		r = -errno;
	else
		close(link);
	close(fd);
	return r;
}

/* Before 5.19 (c8644cd0efe7) a kernel with kernel.unprivileged_bpf_disabled refuses every call of
 * bpf(2) to who has no capability, also one on descriptors that he has: looks into maps, iterators.
 * It does so before it looks at anything else, so a descriptor that is none tells. A capability is
 * let go of for the moment. */
static bool try_unprivileged_use(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2] = {}, less[2];
	union bpf_attr attributes = {};
	uint64_t nothing = 0;
	bool refused;

	if (syscall(SYS_capget, &header, now))
		return true;
	memcpy(less, now, sizeof(less));
	less[0].effective = less[1].effective = 0;
	if (syscall(SYS_capset, &header, less))
		return true;
	attributes.map_fd = (uint32_t)-1;
	attributes.key = attributes.value = (uint64_t)(uintptr_t)&nothing;
	refused = syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes)) &&
		  errno == EPERM;
	if (syscall(SYS_capset, &header, now))
		return true;
	return !refused;
}

/* The guard of raw tracepoints (05b24ff9b2cf, 6.1) leaves no trace in BTF, so here the release
 * decides; a kernel that has it earlier pays a few nanoseconds for nothing. */
static bool release_at_least(unsigned int major, unsigned int minor)
{
	unsigned int a = 0, b = 0;
	struct utsname u;

	if (uname(&u) || sscanf(u.release, "%u.%u", &a, &b) != 2)
		return false;
	return a > major || (a == major && b >= minor);
}

int bpf_features_find(const struct btf *kernel, const char *without, struct bpf_features *ret)
{
	struct bpf_features f = {
		.fetch_atomics = try_fetch_atomics(),
		.storage = function(kernel, "bpf_sk_storage_get_tracing"), /* 8e4597c627fb */
		.sock_from_file = function(kernel, "bpf_sock_from_file"),
		/* of the same series as the opening of bpf_d_path() to iterators (3d06f34aa89e) */
		.iter_d_path =
			btf__find_by_name_kind(kernel, "bpf_iter__task_vma", BTF_KIND_STRUCT) > 0,
		.task_btf = function(kernel, "bpf_get_current_task_btf"),
		.guard = release_at_least(6, 1),
		.unprivileged_use = try_unprivileged_use(),
		.cast = try_cast(kernel),
		.send_reset_args = tracepoint_arguments(kernel, "tcp_send_reset"),
		.kfree_skb_args = tracepoint_arguments(kernel, "kfree_skb"),
		.tcp_reset_args = function_arguments(kernel, "tcp_reset"),
		.accept_args = function_arguments(kernel, "inet_csk_accept"),
		.passive4 = function(kernel, "tcp_v4_send_reset"),
		.passive6 = function(kernel, "tcp_v6_send_reset"),
		.no_socket_reason =
			enum_value(kernel, "skb_drop_reason", "SKB_DROP_REASON_NO_SOCKET"),
	};
	int r = try_trampolines(kernel);
	struct bpf_facts facts;

	f.trampolines = !r;
	bpf_facts_collect(&facts);
	if (r && !bpf_facts_may_load(&facts))
		snprintf(f.trampolines_why, sizeof(f.trampolines_why),
			 "not tried without CAP_BPF and CAP_PERFMON");
	else if (r)
		snprintf(f.trampolines_why, sizeof(f.trampolines_why), "%s", bpf_why_trampoline(r));
	r = leave_out_all(&f, without);
	if (!r)
		*ret = f;
	return r;
}

void bpf_features_configure(const struct bpf_features *f, struct rst_config *config)
{
	config->has_cast = f->cast != 0;
	config->has_fetch_atomics = f->fetch_atomics;
	config->has_storage = f->storage;
	config->has_sock_from_file = f->sock_from_file;
	config->has_iter_d_path = f->iter_d_path;
	config->has_task_btf = f->task_btf;
	config->has_guard = f->guard;
	config->accept_args = f->accept_args;
	config->tcp_reset_args = f->tcp_reset_args;
	config->kfree_skb_args = f->kfree_skb_args;
	config->no_socket_reason = f->no_socket_reason;
	config->freed_families = (uint8_t)((f->trampolines && f->passive4 ? 0 : RST_FREED_IPV4) |
					   (f->trampolines && f->passive6 ? 0 : RST_FREED_IPV6));
#if defined(__x86_64__) || defined(__i386__)
	config->keeps_order = 1;
#endif
}

/* ---- instructions ---- */

/* Before 5.12 the verifier refuses every atomic that is not a plain addition where it stands,
 * reached or not. All of ours stand behind config.has_fetch_atomics: what is put in their place is
 * refused by every verifier that gets there. */
#define CALL_NOTHING 0x52535402

static bool is_fetch_atomic(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC &&
	       insn->imm != BPF_ADD;
}

static bool is_cast(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && !insn->src_reg && insn->imm == RST_CALL_CAST;
}

static void fit(const struct bpf_features *f, struct bpf_insn *insn, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			i++; /* the second half is no instruction */
		} else if (is_cast(&insn[i])) {
			insn[i] = f->cast ? INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0,
						 f->cast)
					  : INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
		} else if (!f->fetch_atomics && is_fetch_atomic(&insn[i])) {
			insn[i] = INSN(BPF_JMP | BPF_CALL, 0, 0, 0, CALL_NOTHING);
		}
	}
}

int bpf_features_fit(const struct bpf_features *f, struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		size_t n = bpf_program__insn_cnt(program);
		struct bpf_insn *copy = calloc(n, sizeof(*copy));
		int r;

		if (!copy)
			return -ENOMEM;
		memcpy(copy, bpf_program__insns(program), n * sizeof(*copy));
		fit(f, copy, n);
		r = bpf_program__set_insns(program, copy, n);
		free(copy);
		if (r)
			return r;
	}
	return 0;
}
