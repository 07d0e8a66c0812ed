/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the kernel's types, proves that a file has those of the running kernel, and has libbpf take
 * the numbers of what to attach to from it. Must not be believed without that proof: a number that
 * means another tracepoint would attach there. Proved by tests/check/input_kernel.sh.
 */
#include "common/util.h"

#include "daemon/source_bpf_types.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PREFIX "btf_trace_"
/* MAX_BPF_FUNC_ARGS of the kernel is 12; no tracepoint of ours has half of them */
#define LAST_ARGUMENT 11

/* ---- is it the running kernel's? ---- */

/*
 * The verifier knows tracepoints by name. Asked for an argument that none has, it refuses:
 * "func 'tcp_send_reset' doesn't have 12-th argument". Of a number that is no tracepoint it says
 * something else, and without types of its own nothing.
 */
static int ask(unsigned int number, char *log, size_t size)
{
	const struct bpf_insn program[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW,
		 .src_reg = BPF_REG_1,
		 .off = LAST_ARGUMENT * 8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = number, .log_buf = log, .log_size = (__u32)size,
		    .log_level = 1);
	int fd;

	log[0] = '\0';
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "whose_number", "GPL", program,
			   ARRAY_SIZE(program), &options);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

void bpf_types_tracepoint(unsigned int number, char *dst, size_t size)
{
	char log[4096];
	const char *begin, *end;

	dst[0] = '\0';
	if (!ask(number, log, sizeof(log)))
		return;
	begin = strstr(log, "func '");
	end = begin ? strchr(begin + 6, '\'') : NULL;
	if (end && (size_t)(end - begin - 6) < size)
		snprintf(dst, size, "%.*s", (int)(end - begin - 6), begin + 6);
}

/* 1: it has, 0: not, -errno: that cannot be told. */
static int kernel_has_types(void)
{
	char log[4096];
	int r = ask(1, log, sizeof(log));

	/* before 5.11 the verifier itself says that there are none */
	if (strstr(log, "annotated with BTF"))
		return 0;
	if (log[0])
		return 1; /* number 1 is no tracepoint anywhere */
	return r == -EINVAL ? 0 : r;
}

/* All that the object attaches to by name; a few are enough to be sure of all numbers. */
static int prove(const struct btf *types, const char *file, char *error, size_t size)
{
	static const char *const names[] = {"tcp_send_reset", "tcp_receive_reset",
					    "inet_sock_set_state", "sched_process_exec"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char type[64], theirs[64];
		int number;

		snprintf(type, sizeof(type), PREFIX "%s", names[i]);
		number = btf__find_by_name_kind(types, type, BTF_KIND_TYPEDEF);
		if (number > 0)
			bpf_types_tracepoint((unsigned int)number, theirs, sizeof(theirs));
		if (number > 0 && !strcmp(theirs, names[i]))
			continue;
		snprintf(error, size,
			 "--btf %s: not the types of the running kernel; it must be a copy of "
			 "its " BPF_KERNEL_TYPES,
			 file);
		return -ESTALE;
	}
	return 0;
}

/* ---- reading ---- */

static int explain_none(char *error, size_t size)
{
	const char *release = "?";
	struct utsname u;

	if (!uname(&u))
		release = u.release;
	if (kernel_has_types() > 0)
		snprintf(error, size,
			 "this kernel (%s) has type information and " BPF_KERNEL_TYPES
			 " is not to be seen here; mount /sys, or name a copy of that file with "
			 "--btf FILE",
			 release);
	else
		snprintf(error, size,
			 "this kernel (%s) shows no type information in " BPF_KERNEL_TYPES
			 "; boot one that was built with CONFIG_DEBUG_INFO_BTF, such as your "
			 "distribution's own (Debian: linux-image-amd64, linux-image-arm64): --btf "
			 "cannot stand in for it",
			 release);
	return -ENOENT;
}

static int load_file(const char *file, struct btf **ret, char *error, size_t size)
{
	struct btf *types;
	char log[4096];
	int r;

	/* as a file that is not there, not as one that is wrong */
	struct stat st;

	if (access(file, R_OK) || stat(file, &st)) {
		r = -errno;
		snprintf(error, size, "--btf %s: %s", file, strerror(-r));
		return r;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, size, "--btf %s: not a file", file);
		return -EINVAL;
	}
	types = btf__parse(file, NULL);
	if (!types) {
		r = -errno;
		snprintf(error, size, "--btf %s: no type information (BTF)%s%s", file,
			 r == -ENOENT ? "" : ": ", r == -ENOENT ? " in it" : strerror(-r));
		return -EINVAL;
	}
	/* without capabilities the kernel answers nothing; the load that follows says so */
	r = ask(1, log, sizeof(log));
	r = r == -EPERM && !log[0] ? 0 : prove(types, file, error, size);
	if (r)
		btf__free(types);
	else
		*ret = types;
	return r;
}

int bpf_types_load(const char *file, struct btf **ret, char *error, size_t size)
{
	struct btf *types;

	if (file)
		return load_file(file, ret, error, size);
	types = btf__load_vmlinux_btf();
	if (!types)
		return explain_none(error, size);
	*ret = types;
	return 0;
}

/* ---- attaching by its numbers ---- */

/*
 * libbpf wants the kernel's types for every program of type TRACING, from its own places and before
 * anything else. So here they are of another type until each is loaded.
 */
static const struct {
	const char *section, *prefix, *end;
	enum bpf_attach_type attach;
	int kind;
} handlers[] = {
	{"tp_btf+", PREFIX, "tp_btf/", BPF_TRACE_RAW_TP, BTF_KIND_TYPEDEF},
	{"iter+", "bpf_iter_", "iter/", BPF_TRACE_ITER, BTF_KIND_FUNC},
	{"fentry+", "", "fentry/", BPF_TRACE_FENTRY, BTF_KIND_FUNC},
	{"fexit+", "", "fexit/", BPF_TRACE_FEXIT, BTF_KIND_FUNC},
};

static const struct btf *used;
static int registered[ARRAY_SIZE(handlers)];

static int prepare(struct bpf_program *program, struct bpf_prog_load_opts *options, long cookie)
{
	const char *section = bpf_program__section_name(program);
	char name[96];
	int number;

	section += section[0] == '?';
	section += strlen(handlers[cookie].end);
	snprintf(name, sizeof(name), "%s%s", handlers[cookie].prefix, section);
	number = btf__find_by_name_kind(used, name, (__u32)handlers[cookie].kind);
	if (number <= 0)
		return -ESRCH;
	options->attach_btf_id = (__u32)number;
	options->expected_attach_type = handlers[cookie].attach;
	return bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
}

int bpf_types_use(const struct btf *types)
{
	int r = 0;

	used = types;
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, options, .cookie = (long)i,
			    .prog_prepare_load_fn = prepare);

		if (r >= 0)
			r = libbpf_register_prog_handler(handlers[i].section,
							 BPF_PROG_TYPE_RAW_TRACEPOINT,
							 handlers[i].attach, &options);
		registered[i] = r;
	}
	return MIN(r, 0);
}

void bpf_types_unuse(void)
{
	for (size_t i = 0; used && i < ARRAY_SIZE(handlers); i++)
		if (registered[i] > 0)
			libbpf_unregister_prog_handler(registered[i]);
	used = NULL;
}
