/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what is not needed any more. */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include <stdbool.h>

/* Drops every capability of this process for good, root's included, and the way back to them through
 * execve(2). With 'keep_bpf' CAP_BPF stays, if it is there: what rstmond does after attaching works
 * without on kernels from 5.19 on (ARCHITECTURE.md, "Every kernel from 5.10 on"). -errno. */
int privilege_drop(bool keep_bpf);

bool privilege_has_bpf(void);

#endif
