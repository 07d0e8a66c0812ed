/* SPDX-License-Identifier: GPL-2.0-only */
/* The object fitted to a kernel: what it lacks is nowhere in the instructions. No kernel is asked.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>

#include "daemon/source_bpf_features.h"
#include "rstmon.skel.h"

struct found {
	unsigned int placeholders, casts, fetches, adds;
};

static struct found look(const struct bpf_object *object, int cast)
{
	struct found found = {};
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		const struct bpf_insn *insn = bpf_program__insns(program);

		for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
			bool call = insn[i].code == (BPF_JMP | BPF_CALL);

			if (insn[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
				i++;
				continue;
			}
			found.placeholders += call && insn[i].imm == RST_CALL_CAST;
			found.casts += call && insn[i].src_reg == BPF_PSEUDO_KFUNC_CALL &&
				       insn[i].imm == cast;
			if (BPF_CLASS(insn[i].code) != BPF_STX ||
			    BPF_MODE(insn[i].code) != BPF_ATOMIC)
				continue;
			if (insn[i].imm == BPF_ADD)
				found.adds++;
			else
				found.fetches++;
		}
	}
	return found;
}

static struct found fitted(const struct bpf_features *f)
{
	struct rstmon_bpf *skel = rstmon_bpf__open();
	struct found found;

	cr_assert(skel);
	cr_assert_eq(bpf_features_fit(f, skel->obj), 0);
	found = look(skel->obj, f->cast);
	rstmon_bpf__destroy(skel);
	return found;
}

Test(source_bpf_features, a_new_kernel_keeps_what_it_has)
{
	struct bpf_features f = {.fetch_atomics = true, .cast = 4711};
	struct found found = fitted(&f);

	cr_expect_eq(found.placeholders, 0);
	cr_expect_gt(found.casts, 0);
	cr_expect_gt(found.fetches, 0);
	cr_expect_gt(found.adds, 0);
}

Test(source_bpf_features, an_old_verifier_sees_no_atomic_that_it_refuses)
{
	struct bpf_features f = {};
	struct bpf_features new = {.fetch_atomics = true};
	struct found found = fitted(&f);

	cr_expect_eq(found.placeholders, 0);
	cr_expect_eq(found.fetches, 0);
	/* the counts themselves stay */
	cr_expect_eq(found.adds, fitted(&new).adds);
}

Test(source_bpf_features, every_name_can_be_left_out)
{
	struct btf *empty = btf__new_empty();
	struct bpf_features f;

	for (unsigned int i = 0; bpf_features_name(i); i++) {
		cr_expect_eq(bpf_features_find(empty, bpf_features_name(i), &f), 0);
		cr_expect(!bpf_features_has(&f, i), "%s", bpf_features_name(i));
	}
	cr_expect_eq(bpf_features_find(empty, "storage  cast guard", &f), 0);
	cr_expect_eq(bpf_features_find(empty, "storag", &f), -EINVAL);
	cr_expect_eq(bpf_features_find(empty, "storage,cast", &f), -EINVAL);
	btf__free(empty);
}

Test(source_bpf_features, without_types_there_is_nothing)
{
	struct btf *empty = btf__new_empty();
	struct bpf_features f;

	cr_assert_eq(bpf_features_find(empty, NULL, &f), 0);
	cr_expect(!f.storage && !f.task_btf && !f.cast && !f.trampolines);
	cr_expect_eq(f.send_reset_args, 0);
	cr_expect_eq(f.accept_args, 0);
	cr_expect_eq(f.no_socket_reason, ~0U);
	cr_expect(f.trampolines_why[0]);
	btf__free(empty);
}
