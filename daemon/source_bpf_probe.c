/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tries all hooks and tells how it went. Must not park, begin or leave anything. Proved by
 * tests/check/input_kernel.sh and, in every kernel, by tests/kernels.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/source_bpf_internal.h"
#include "daemon/source_bpf_probe.h"

static void take_hooks(struct bpf_probe *probe, const struct source_bpf *b)
{
	_Static_assert(HOOK_MAX <= BPF_PROBE_HOOKS_MAX, "a probe has room for all hooks");

	memcpy(probe->hooks, b->hooks, sizeof(b->hooks));
	probe->n_hooks = HOOK_MAX;
}

/* Nothing could even be asked. */
static void take_names(struct bpf_probe *probe)
{
	_cleanup_free_ struct source_bpf *b = calloc(1, sizeof(*b));

	if (!b)
		return;
	source_bpf_name_hooks(b);
	take_hooks(probe, b);
}

static const char *btf_of(const struct source_bpf_options *options)
{
	if (options->btf)
		return options->btf;
	return access(BPF_KERNEL_TYPES, R_OK) ? "other" : "kernel";
}

int source_bpf_probe(const struct source_bpf_options *options, struct bpf_probe *ret, char *error,
		     size_t size)
{
	struct source_bpf *b;
	struct utsname u;
	int r;

	*ret = (struct bpf_probe){.btf = "none"};
	bpf_facts_collect(&ret->facts);
	if (!uname(&u))
		snprintf(ret->arch, sizeof(ret->arch), "%s", u.machine);
	r = source_bpf_new(options, &b, error, size);
	if (r) {
		take_names(ret);
		return r;
	}
	ret->btf = btf_of(options);
	ret->asked = true;
	ret->features = b->features;
	r = source_bpf_set_up(b, options, error, size);
	take_hooks(ret, b);
	source_bpf_close(&b->source);
	return r;
}
