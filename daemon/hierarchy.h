/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hierarchies of cgroup v1 that name processes. A host with systemd on v1, or on both (hybrid), keeps units in
 * a hierarchy without controllers, "name=systemd", and container managers put theirs there too; where that is not
 * to be had, the path in a controller's hierarchy tells the container. v2 alone: there are none.
 */
#ifndef DAEMON_HIERARCHY_H
#define DAEMON_HIERARCHY_H

#include <stddef.h>
#include <stdint.h>

#include "rstmon/event.h"

#define HIERARCHY_NAME_MAX 32

struct hierarchy {
	uint32_t number; /* the kernel's, 0: there is none */
	char name[HIERARCHY_NAME_MAX]; /* "name=systemd", "memory": an option of its mount */
};

/* 'text' as in /proc/PID/cgroup: "4:memory:/a", "5:cpu,cpuacct:/", "1:name=systemd:/b", "0::/" is v2. Pure. */
void hierarchies_parse(const char *text, struct hierarchy ret[RST_HIERARCHIES]);

/* The same of this process; none where that cannot be read. */
void hierarchies_read(struct hierarchy ret[RST_HIERARCHIES]);

#endif
