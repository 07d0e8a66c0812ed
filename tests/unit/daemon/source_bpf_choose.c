/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which hooks a kernel needs, by what was found out about it. What it has and refuses is for the
 * real kernels (tests/kernels).
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/source_bpf_internal.h"

static const char *unneeded(unsigned int arguments, bool trampolines, int hook)
{
	static struct source_bpf b;

	b.features = (struct bpf_features){.send_reset_args = (uint8_t)arguments,
					   .trampolines = trampolines,
					   .passive4 = true,
					   .passive6 = true};
	return source_bpf_unneeded(&b, hook);
}

Test(choose, new_kernels_show_all_by_the_tracepoint)
{
	static const int not_needed[] = {HOOK_PASSIVE4, HOOK_PASSIVE6, HOOK_FREED};

	for (size_t i = 0; i < ARRAY_SIZE(not_needed); i++) {
		cr_assert(unneeded(3, true, not_needed[i]));
		cr_assert(unneeded(3, false, not_needed[i]));
	}
}

Test(choose, old_kernels_need_the_functions_or_else_the_drops)
{
	cr_assert_not(unneeded(2, true, HOOK_PASSIVE4));
	cr_assert_not(unneeded(2, true, HOOK_PASSIVE6));
	cr_assert(unneeded(2, true, HOOK_FREED), "both would count a reset twice");
	cr_assert_not(unneeded(2, false, HOOK_PASSIVE4), "a gap, and to be told as one");
	cr_assert_not(unneeded(2, false, HOOK_FREED));
}

Test(choose, a_family_whose_function_cannot_be_hooked_needs_the_drops)
{
	struct source_bpf b = {
		.features = {.send_reset_args = 2, .trampolines = true, .passive4 = true}};
	struct rst_config config = {};

	cr_assert_not(source_bpf_unneeded(&b, HOOK_FREED));
	bpf_features_configure(&b.features, &config);
	cr_assert_eq(config.freed_families, RST_FREED_IPV6, "the other would be counted twice");
}

Test(choose, what_only_a_function_shows_is_needed_everywhere)
{
	static const int needed[] = {HOOK_REJECT, HOOK_ARRIVED, HOOK_CONNECTED, HOOK_ACCEPT,
				     HOOK_SEND,	  HOOK_STATE,	HOOK_PACKET};

	for (unsigned int arguments = 2; arguments < 4; arguments++)
		for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
			cr_assert_not(unneeded(arguments, false, needed[i]));
}

Test(choose, every_hook_has_its_texts_and_its_program)
{
	static struct source_bpf b;

	source_bpf_name_hooks(&b);
	for (int i = 0; i < HOOK_MAX; i++) {
		const struct source_hook *h = &b.hooks[i];

		cr_assert(h->name && strchr(h->name, '/'), "hook %d", i);
		cr_assert(h->adds && h->adds[0] && h->consequence && h->consequence[0], "%s",
			  h->name);
		cr_assert(source_bpf_program(i), "%s", h->name);
		cr_assert_not(h->required && h->extra, "%s", h->name);
		for (int j = 0; j < i; j++)
			/* the kernel keeps fifteen characters */
			cr_assert(strncmp(source_bpf_program(i), source_bpf_program(j), 15), "%s",
				  h->name);
	}
}

Test(choose, tracepoints_and_functions_attach_by_their_program)
{
	static const struct {
		const char *name;
		bool traced;
	} names[] = {{"tp_btf/kfree_skb", true},
		     {"fentry/tcp_reset", true},
		     {"fexit/inet_csk_accept", true},
		     {"iter/task", false},
		     {"cgroup_skb/ingress", false}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct source_hook h = {.name = names[i].name};

		cr_assert_eq(source_bpf_is_traced(&h), names[i].traced, "%s", h.name);
	}
}
