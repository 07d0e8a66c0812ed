/* SPDX-License-Identifier: GPL-2.0-only */
/* Giving up what is not needed any more. */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

/* Drops every capability of this process for good, root's included, and the way back to them through
 * execve(2). Everything that rstmond does after attaching works without (CAUSES.md J). -errno. */
int privilege_drop(void);

#endif
