/* SPDX-License-Identifier: GPL-2.0-only */
/* The source that is the running kernel. */
#ifndef DAEMON_SOURCE_BPF_H
#define DAEMON_SOURCE_BPF_H

#include "daemon/source.h"

struct source_bpf_options {
	uint32_t ring_kib;  /* size of the ring, a power of two */
	bool scan_at_start; /* find the owners of sockets that are open already */
	bool packet_evidence; /* look at the resets themselves; needs CAP_NET_ADMIN, fails softly */
};

/* Loads and attaches the programs, and seeds the owners of open sockets. On failure 'error' holds one
 * sentence with the next step: -EPERM (capabilities, or a kernel that forbids it), -ENOENT (no BTF),
 * -ENOTSUP (a kernel without what is required), or what the kernel said.
 * Needs CAP_BPF and CAP_PERFMON; nothing of it afterwards. */
int source_bpf_open(const struct source_bpf_options *options, struct source **ret, char *error,
		    size_t error_size);

#endif
