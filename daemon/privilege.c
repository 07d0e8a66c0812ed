/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drops capabilities for good. Must not be called before the programs are attached. Proved by
 * tests/unit/daemon/privilege.c and tests/check/input_kernel.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "daemon/privilege.h"

#define WORD(capability) ((capability) / 32)
#define BIT(capability)	 (1U << ((capability) % 32))

static int get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

int privilege_drop(bool keep_bpf)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct now[2] = {}, kept[2] = {};
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	r = get(now);
	if (r < 0)
		return r;
	/* not inheritable: nothing is executed */
	if (keep_bpf) {
		uint32_t bit = now[WORD(CAP_BPF)].permitted & BIT(CAP_BPF);

		kept[WORD(CAP_BPF)].permitted = kept[WORD(CAP_BPF)].effective = bit;
	}
	return syscall(SYS_capset, &header, kept) ? -errno : 0;
}

bool privilege_has_bpf(void)
{
	struct __user_cap_data_struct now[2] = {};

	return get(now) == 0 && now[WORD(CAP_BPF)].effective & BIT(CAP_BPF);
}
