/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tells refusals apart: capabilities, user namespace, lockdown, seccomp, locked memory. Must not
 * decide anything: what could not be loaded is not loaded, whatever the sentence. Proved by
 * tests/unit/daemon/source_bpf_why.c.
 */
#include "common/util.h"

#include "daemon/source_bpf_why.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SECURITY_DIR "/sys/kernel/security"
/* Ring, slots, totals and the tables of the closed; a little more than they are. */
#define MEMORY_NEEDED (64ULL << 20)
#define ENOTSUPP      524 /* the kernel's own, in no header of user space */

/* ---- what is so ---- */

static uint64_t effective(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return 0;
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* The first 'size' - 1 bytes. */
static bool read_text(const char *path, char *dst, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t n = f ? fread(dst, 1, size - 1, f) : 0;

	dst[n] = '\0';
	return f;
}

enum bpf_lockdown bpf_lockdown_parse(const char *text)
{
	if (strstr(text, "[confidentiality]"))
		return BPF_LOCKDOWN_CONFIDENTIALITY;
	if (strstr(text, "[integrity]"))
		return BPF_LOCKDOWN_INTEGRITY;
	return strstr(text, "[none]") ? BPF_LOCKDOWN_NONE : BPF_LOCKDOWN_UNKNOWN;
}

static enum bpf_lockdown read_lockdown(void)
{
	char text[80];

	if (read_text(SECURITY_DIR "/lockdown", text, sizeof(text)))
		return bpf_lockdown_parse(text);
	/* every kernel with securityfs has this list; the directory alone is there unmounted too */
	return !access(SECURITY_DIR "/lsm", F_OK) ? BPF_LOCKDOWN_ABSENT : BPF_LOCKDOWN_UNKNOWN;
}

/* The initial one maps all ids to themselves. */
static bool in_user_namespace(void)
{
	unsigned long long inside, outside, n;
	char text[80];

	if (!read_text("/proc/self/uid_map", text, sizeof(text)) ||
	    sscanf(text, "%llu %llu %llu", &inside, &outside, &n) != 3)
		return false;
	return inside || outside || n != UINT32_MAX;
}

static bool is_filtered(void)
{
	char text[4096];
	const char *line;

	if (!read_text("/proc/self/status", text, sizeof(text)))
		return false;
	line = strstr(text, "\nSeccomp:");
	return line &&
	       line[strlen("\nSeccomp:") + strspn(line + strlen("\nSeccomp:"), " \t")] == '2';
}

static bool nothing_loads(void)
{
	static const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "try_anything", "GPL", program,
			       ARRAY_SIZE(program), NULL);

	if (fd >= 0)
		close(fd);
	return fd == -EPERM || fd == -EACCES || fd == -ENOSYS;
}

void bpf_facts_collect(struct bpf_facts *ret)
{
	struct bpf_facts f = {
		.capabilities = effective(),
		.lockdown = read_lockdown(),
		.user_namespace = in_user_namespace(),
		.seccomp = is_filtered(),
		.nothing_loads = nothing_loads(),
		.memlock = UINT64_MAX,
	};
	unsigned int major = 0, minor = 0;
	struct rlimit limit;
	struct utsname u;

	if (!uname(&u)) {
		snprintf(f.kernel, sizeof(f.kernel), "%s", u.release);
		/* it shows nowhere else; whoever has it backported has no such limit either */
		f.memory_locks = sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
				 (major < 5 || (major == 5 && minor < 11));
	}
	if (!getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_cur != RLIM_INFINITY)
		f.memlock = limit.rlim_cur;
	*ret = f;
}

/* ---- what it means ---- */

bool bpf_facts_capable(const struct bpf_facts *f, unsigned int capability)
{
	return f->capabilities >> capability & 1;
}

bool bpf_facts_may_load(const struct bpf_facts *f)
{
	return bpf_facts_capable(f, CAP_SYS_ADMIN) ||
	       (bpf_facts_capable(f, CAP_BPF) && bpf_facts_capable(f, CAP_PERFMON));
}

const char *bpf_lockdown_name(enum bpf_lockdown lockdown)
{
	static const char *const names[] = {
		[BPF_LOCKDOWN_UNKNOWN] = "unknown",
		[BPF_LOCKDOWN_ABSENT] = "absent",
		[BPF_LOCKDOWN_NONE] = "none",
		[BPF_LOCKDOWN_INTEGRITY] = "integrity",
		[BPF_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
	};

	return lockdown < ARRAY_SIZE(names) ? names[lockdown] : "invalid";
}

/* Confidentiality takes the helpers that read the kernel away, so that the verifier finds a call of
 * an unknown function (-EINVAL) where it does not refuse outright. */
static bool by_lockdown(const struct bpf_facts *f, int error)
{
	return f->lockdown == BPF_LOCKDOWN_CONFIDENTIALITY &&
	       (error == -EPERM || error == -EINVAL || error == -EACCES);
}

static const char *why_not_permitted(const struct bpf_facts *f)
{
	if (!bpf_facts_may_load(f))
		return "not permitted without CAP_BPF and CAP_PERFMON; run as root or with "
		       "rstmond.service";
	if (f->user_namespace)
		return "not permitted: the capabilities are those of a user namespace, and the "
		       "host's are asked for; run it on the host, or in a container without a user "
		       "namespace of its own";
	if (f->nothing_loads && f->seccomp)
		return "a seccomp filter refuses bpf(2); allow that call in the container's profile "
		       "or in SystemCallFilter= of the unit";
	if (f->nothing_loads)
		return "the kernel refuses bpf(2) altogether, although the capabilities are there; "
		       "look for a security module (SELinux, AppArmor) in the kernel's log";
	if (f->memory_locks && f->memlock < MEMORY_NEEDED)
		return "no more memory may be locked; raise the limit ('ulimit -l unlimited', or "
		       "LimitMEMLOCK=infinity in the unit)";
	if (f->lockdown == BPF_LOCKDOWN_UNKNOWN)
		return "the kernel refuses although the capabilities are there; whether it is "
		       "locked down cannot be told, as " SECURITY_DIR " is not mounted";
	return NULL;
}

void bpf_why(const struct bpf_facts *f, const char *what, int error, const char *complaint,
	     char *dst, size_t size)
{
	bool permission = error == -EPERM || error == -EACCES;
	const char *why = NULL;

	/* who lacks capabilities learns of lockdown once he has them */
	if (by_lockdown(f, error) && bpf_facts_may_load(f) && !f->user_namespace)
		why = "the kernel is locked down for confidentiality, which forbids programs that "
		      "read its memory; boot with lockdown=integrity or without lockdown (the "
		      "capabilities are there)";
	else if (permission)
		why = why_not_permitted(f);
	if (why)
		snprintf(dst, size, "%s: %s", what, why);
	else
		snprintf(dst, size, "%s: %s%s%s", what, strerror(-error), *complaint ? "; " : "",
			 complaint);
}

const char *bpf_why_trampoline(int error)
{
	switch (-error) {
	case EPERM:
	case EACCES:
		return "this kernel refuses programs on functions (fentry)";
	case ENOTSUPP:
	case EOPNOTSUPP:
	case EINVAL:
		return "this kernel, or its architecture, has no programs on functions (fentry)";
	case ENOENT:
		return "this kernel has no type information of the function";
	case EBUSY:
		return "something else has changed the function's beginning";
	default:
		return "programs on functions (fentry) cannot be attached";
	}
}
