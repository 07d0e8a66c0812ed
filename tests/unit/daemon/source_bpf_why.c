/* SPDX-License-Identifier: GPL-2.0-only */
/* Each sign by itself, and which of several is told. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>

#include "daemon/source_bpf_why.h"

#define BOTH (1ULL << CAP_BPF | 1ULL << CAP_PERFMON)

static const struct bpf_facts able = {
	.kernel = "6.1.0",
	.capabilities = BOTH,
	.lockdown = BPF_LOCKDOWN_NONE,
	.memlock = UINT64_MAX,
};

static const char *why(const struct bpf_facts *f, int error, const char *complaint)
{
	static char sentence[640];

	bpf_why(f, "cannot load", error, complaint, sentence, sizeof(sentence));
	cr_assert_eq(strncmp(sentence, "cannot load: ", 13), 0, "%s", sentence);
	return sentence + 13;
}

#define cr_says(facts, error, word)                                                                \
	cr_expect_not_null(strstr(why(facts, error, "verifier"), word), "%s",                      \
			   why(facts, error, "verifier"))

Test(source_bpf_why, missing_capabilities)
{
	struct bpf_facts f = able;

	f.capabilities = 0;
	cr_says(&f, -EPERM, "without CAP_BPF and CAP_PERFMON");
	f.capabilities = 1ULL << CAP_BPF;
	cr_says(&f, -EPERM, "without CAP_BPF and CAP_PERFMON");
	f.capabilities = 1ULL << CAP_PERFMON;
	cr_says(&f, -EPERM, "without CAP_BPF and CAP_PERFMON");
	f.capabilities = 1ULL << CAP_SYS_ADMIN;
	cr_expect_null(strstr(why(&f, -EPERM, ""), "CAP_BPF"));
	/* who has none cannot be refused for anything else yet */
	f.capabilities = 0;
	f.user_namespace = f.seccomp = f.nothing_loads = true;
	f.lockdown = BPF_LOCKDOWN_CONFIDENTIALITY;
	cr_says(&f, -EPERM, "without CAP_BPF and CAP_PERFMON");
}

Test(source_bpf_why, capabilities_of_a_user_namespace)
{
	struct bpf_facts f = able;

	f.user_namespace = true;
	cr_says(&f, -EPERM, "user namespace");
	f.nothing_loads = f.seccomp = true;
	cr_says(&f, -EPERM, "user namespace");
}

Test(source_bpf_why, seccomp)
{
	struct bpf_facts f = able;

	f.seccomp = true; /* systemd has one on every second service: it says nothing alone */
	cr_expect_null(strstr(why(&f, -EPERM, ""), "seccomp"));
	f.nothing_loads = true;
	cr_says(&f, -EPERM, "seccomp filter refuses bpf(2)");
	f.seccomp = false;
	cr_says(&f, -EPERM, "security module");
}

Test(source_bpf_why, locked_memory)
{
	struct bpf_facts f = able;

	f.memlock = 65536; /* since 5.11 it does not matter */
	cr_expect_null(strstr(why(&f, -EPERM, ""), "ulimit"));
	f.memory_locks = true;
	cr_says(&f, -EPERM, "LimitMEMLOCK=infinity");
	f.memlock = UINT64_MAX;
	cr_expect_null(strstr(why(&f, -EPERM, ""), "ulimit"));
}

Test(source_bpf_why, lockdown)
{
	struct bpf_facts f = able;

	f.lockdown = BPF_LOCKDOWN_CONFIDENTIALITY;
	cr_says(&f, -EPERM, "lockdown=integrity");
	/* the helpers are gone: "unknown func bpf_probe_read_kernel#113" */
	cr_says(&f, -EINVAL, "lockdown=integrity");
	cr_says(&f, -EACCES, "locked down for confidentiality");
	cr_expect_null(strstr(why(&f, -ENOMEM, ""), "lock"), "memory is another matter");
	f.lockdown = BPF_LOCKDOWN_INTEGRITY;
	cr_expect_null(strstr(why(&f, -EPERM, ""), "lock"));
	cr_says(&f, -EINVAL, "verifier");
	f.lockdown = BPF_LOCKDOWN_UNKNOWN;
	cr_says(&f, -EPERM, "/sys/kernel/security is not mounted");
	cr_says(&f, -EINVAL, "verifier");
}

Test(source_bpf_why, anything_else_is_told_as_it_is)
{
	cr_expect_str_eq(why(&able, -ENOMEM, ""), "Cannot allocate memory");
	cr_expect_str_eq(why(&able, -EINVAL, "unknown func"), "Invalid argument; unknown func");
	cr_expect_str_eq(why(&able, -EPERM, "x"), "Operation not permitted; x");
	cr_expect_str_eq(why(&able, -E2BIG, ""), "Argument list too long");
}

Test(source_bpf_why, lockdown_as_the_kernel_writes_it)
{
	cr_expect_eq(bpf_lockdown_parse("[none] integrity confidentiality\n"), BPF_LOCKDOWN_NONE);
	cr_expect_eq(bpf_lockdown_parse("none [integrity] confidentiality\n"),
		     BPF_LOCKDOWN_INTEGRITY);
	cr_expect_eq(bpf_lockdown_parse("none integrity [confidentiality]\n"),
		     BPF_LOCKDOWN_CONFIDENTIALITY);
	cr_expect_eq(bpf_lockdown_parse("integrity"), BPF_LOCKDOWN_UNKNOWN);
	cr_expect_eq(bpf_lockdown_parse(""), BPF_LOCKDOWN_UNKNOWN);
	cr_expect_str_eq(bpf_lockdown_name(BPF_LOCKDOWN_CONFIDENTIALITY), "confidentiality");
	cr_expect_str_eq(bpf_lockdown_name((enum bpf_lockdown)99), "invalid");
}

Test(source_bpf_why, trampolines)
{
	cr_expect_not_null(strstr(bpf_why_trampoline(-EPERM), "refuses programs on functions"));
	cr_expect_not_null(strstr(bpf_why_trampoline(-524), "architecture"));
	cr_expect_not_null(strstr(bpf_why_trampoline(-ENOENT), "type information"));
	cr_expect_not_null(strstr(bpf_why_trampoline(-EIO), "cannot be attached"));
}

Test(source_bpf_why, facts_of_this_system)
{
	struct bpf_facts f;

	bpf_facts_collect(&f);
	cr_expect_neq(f.kernel[0], '\0');
	cr_expect_eq(bpf_facts_capable(&f, CAP_BPF), f.capabilities >> CAP_BPF & 1);
}
