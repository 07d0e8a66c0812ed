/* SPDX-License-Identifier: GPL-2.0-only */
/* What is left of the capabilities: a child drops, and looks at itself in /proc. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "daemon/privilege.h"

struct capabilities {
	uint64_t inheritable, permitted, effective, ambient;
	unsigned int no_new_privs;
};

static struct capabilities look(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
	struct capabilities c = {~0ULL, ~0ULL, ~0ULL, ~0ULL, 0};
	char line[256];

	cr_assert_not_null(f);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "CapInh: %" SCNx64, &c.inheritable);
		sscanf(line, "CapPrm: %" SCNx64, &c.permitted);
		sscanf(line, "CapEff: %" SCNx64, &c.effective);
		sscanf(line, "CapAmb: %" SCNx64, &c.ambient);
		sscanf(line, "NoNewPrivs: %u", &c.no_new_privs);
	}
	return c;
}

/* Each test is a process of its own. */
static void drop(bool keep, uint64_t left)
{
	struct capabilities c;

	cr_assert_eq(privilege_drop(keep), 0);
	c = look();
	cr_assert_eq(c.inheritable, 0);
	cr_assert_eq(c.ambient, 0);
	cr_assert_eq(c.permitted, left, "%" PRIx64, c.permitted);
	cr_assert_eq(c.effective, left);
	cr_assert_eq(c.no_new_privs, 1);
	cr_assert_eq(privilege_has_bpf(), left != 0);
}

Test(privilege, all_is_dropped)
{
	drop(false, 0);
	/* and never comes back */
	drop(true, 0);
}

Test(privilege, cap_bpf_alone_stays_where_it_was)
{
	uint64_t bit = look().permitted & 1ULL << CAP_BPF;

	drop(true, bit);
	drop(true, bit);
	drop(false, 0);
}
