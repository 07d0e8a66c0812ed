/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the kernel refused: the same -EPERM or -EINVAL means many things, and which one is told by what
 * the process is and where it runs. Collecting asks the system; the sentence is a pure function of it.
 */
#ifndef DAEMON_SOURCE_BPF_WHY_H
#define DAEMON_SOURCE_BPF_WHY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bpf_lockdown {
	BPF_LOCKDOWN_UNKNOWN, /* securityfs is not mounted */
	BPF_LOCKDOWN_ABSENT,  /* it is, and this kernel has no lockdown */
	BPF_LOCKDOWN_NONE,
	BPF_LOCKDOWN_INTEGRITY, /* forbids writing to the kernel: nothing that is done here */
	BPF_LOCKDOWN_CONFIDENTIALITY,
};

struct bpf_facts {
	char kernel[65];       /* release */
	uint64_t capabilities; /* effective, a bit each */
	enum bpf_lockdown lockdown;
	bool user_namespace; /* not the initial one: its capabilities are not asked for */
	bool seccomp;	     /* a filter is on */
	bool nothing_loads;  /* not even a program of two instructions, and that for want of permission */
	bool memory_locks;   /* maps count against RLIMIT_MEMLOCK (before 5.11) */
	uint64_t memlock;    /* RLIMIT_MEMLOCK, ~0: no limit */
};

void bpf_facts_collect(struct bpf_facts *ret);

bool bpf_facts_capable(const struct bpf_facts *f, unsigned int capability);
bool bpf_facts_may_load(const struct bpf_facts *f); /* what is needed, by capabilities alone */

/* "none", "integrity", "confidentiality", "absent", "unknown" */
const char *bpf_lockdown_name(enum bpf_lockdown lockdown);

/* Of the text of /sys/kernel/security/lockdown, "none [integrity] confidentiality". */
enum bpf_lockdown bpf_lockdown_parse(const char *text);

/* One sentence, with the next step. 'error' is negative; 'complaint' is libbpf's last, or "". */
void bpf_why(const struct bpf_facts *f, const char *what, int error, const char *complaint,
	     char *dst, size_t size);

/* Why a program on a function was refused, while those on tracepoints are not; static. */
const char *bpf_why_trampoline(int error);

#endif
