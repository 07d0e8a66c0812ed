/* SPDX-License-Identifier: GPL-2.0-only */
/* What this kernel allows, without keeping anything of it: --probe. */
#ifndef DAEMON_SOURCE_BPF_PROBE_H
#define DAEMON_SOURCE_BPF_PROBE_H

#include "daemon/source_bpf.h"
#include "daemon/source_bpf_features.h"
#include "daemon/source_bpf_why.h"

#define BPF_PROBE_HOOKS_MAX 48

struct bpf_probe {
	struct bpf_facts facts;
	char arch[65];	 /* as uname has it */
	const char *btf; /* "kernel", the file of the options, "other" (where libbpf found it), or "none" */
	bool asked;	 /* there were types, so 'features' are known */
	struct bpf_features features;
	struct source_hook hooks[BPF_PROBE_HOOKS_MAX];
	size_t n_hooks;
};

/* Loads and attaches all that can be, with a closed gate, looks, and lets go of it: beside a running daemon
 * nothing is counted twice. 'ret' is filled on failure too, with one sentence in 'error': what is required
 * cannot be had. */
int source_bpf_probe(const struct source_bpf_options *options, struct bpf_probe *ret, char *error,
		     size_t size);

#endif
