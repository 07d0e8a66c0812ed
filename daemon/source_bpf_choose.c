/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hooks this kernel needs, and which it can have: what the object has and the kernel has not
 * must not be loaded. Must not attach anything. Proved, in every kernel, by tests/kernels.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/source_bpf_internal.h"

static bool is_tracepoint(const struct source_hook *h)
{
	return !strncmp(h->name, "tp_btf/", 7);
}

static bool is_function(const struct source_hook *h)
{
	return !strncmp(h->name, "fentry/", 7) || !strncmp(h->name, "fexit/", 6);
}

bool source_bpf_is_traced(const struct source_hook *h)
{
	return is_tracepoint(h) || is_function(h);
}

const char *source_bpf_unneeded(const struct source_bpf *b, int hook)
{
	const struct bpf_features *f = &b->features;

	if (hook != HOOK_PASSIVE4 && hook != HOOK_PASSIVE6 && hook != HOOK_FREED)
		return NULL;
	/* the third argument came with the resets that it had not shown before (6.10) */
	if (f->send_reset_args > 2)
		return "not needed: on this kernel tcp_send_reset shows these resets";
	if (hook == HOOK_FREED && f->trampolines && f->passive4 && f->passive6)
		return "not needed: fentry/tcp_v4_send_reset and its like show more";
	return NULL;
}

/* ---- what is not there ---- */

static bool has_type(const struct btf *btf, const char *prefix, const char *name, __u32 kind)
{
	char type[80];

	snprintf(type, sizeof(type), "%s%s", prefix, name);
	return btf__find_by_name_kind(btf, type, kind) > 0;
}

/* NULL: it is there, as far as can be told. */
const char *source_bpf_absent(const struct source_bpf *b, int hook)
{
	const struct bpf_features *f = &b->features;
	const struct source_hook *h = &b->hooks[hook];
	const char *place = strchr(h->name, '/') + 1;

	if (is_tracepoint(h) && !has_type(b->vmlinux, "btf_trace_", place, BTF_KIND_TYPEDEF))
		return "this kernel has no such tracepoint";
	if (is_function(h) && !has_type(b->vmlinux, "", place, BTF_KIND_FUNC))
		return "this kernel has no such function, or has it in a module";
	if (hook == HOOK_FREED && (f->kfree_skb_args < 3 || f->no_socket_reason == ~0U))
		return "this kernel does not say why it drops a packet";
	if (hook == HOOK_ARRIVED && f->tcp_reset_args != 2)
		return "this kernel does not hand the segment to this function";
	if (hook == HOOK_PACKET && !f->storage)
		return "this kernel's programs cannot share what they keep with a socket";
	if (hook == HOOK_ACCEPT && f->accept_args != 2 && f->accept_args != 4)
		return "this kernel's function has other arguments";
	return NULL;
}

/* ---- the choice ---- */

void source_bpf_leave_out(struct source_bpf *b, int hook, const char *why)
{
	bpf_program__set_autoload(source_bpf_hook_program(b, hook), false);
	snprintf(b->hooks[hook].why, sizeof(b->hooks[hook].why), "%s", why);
}

static void choose(struct source_bpf *b, int hook)
{
	struct source_hook *h = &b->hooks[hook];
	const char *unneeded = source_bpf_unneeded(b, hook), *why = source_bpf_absent(b, hook);

	h->unwanted = unneeded;
	h->absent = why;
	if (unneeded)
		source_bpf_leave_out(b, hook, unneeded);
	else if (why)
		source_bpf_leave_out(b, hook, why);
	else if (is_function(h) && !b->features.trampolines)
		source_bpf_leave_out(b, hook, b->features.trampolines_why);
}

int source_bpf_choose(struct source_bpf *b, bool packets, char *error, size_t size)
{
	for (int i = 0; i < HOOK_MAX; i++) {
		choose(b, i);
		if (!b->hooks[i].required || !b->hooks[i].absent)
			continue;
		snprintf(error, size, "this kernel (%s) has no tracepoint %s", b->uname.release,
			 strchr(b->hooks[i].name, '/') + 1);
		return -ENOTSUP;
	}
	b->hooks[HOOK_PACKET].unwanted = b->hooks[HOOK_PACKET].off = !packets;
	if (!packets)
		source_bpf_leave_out(b, HOOK_PACKET, "switched off in the configuration");
	return 0;
}
