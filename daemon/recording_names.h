/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes and cgroups that a recording names, in bounded tables. Only source_recording.c uses it. */
#ifndef DAEMON_RECORDING_NAMES_H
#define DAEMON_RECORDING_NAMES_H

#include "daemon/source.h"

/* More than a recorder remembers at a time: it forgets the oldest and goes on. */
#define RECORDING_PROCESSES_MAX 65536
#define RECORDING_CGROUPS_MAX	16384

struct recording_names;

struct recording_names *recording_names_new(void); /* NULL: no memory */
void recording_names_free(struct recording_names *names);

/* Payloads of the frames. -E2BIG: the table is full; -EINVAL: no path; -ENOMEM. */
int recording_names_add_process(struct recording_names *names, const void *payload);
int recording_names_add_cgroup(struct recording_names *names, const char *payload, size_t size);

/* As the source's functions of these names. */
int recording_names_process(struct recording_names *names, uint32_t tgid, uint64_t start,
			    struct rst_process *ret);
int recording_names_processes(struct recording_names *names, source_record_fn fn, void *userdata);
int recording_names_cgroup(struct recording_names *names, uint64_t id, char *ret_path, size_t size);

#endif
