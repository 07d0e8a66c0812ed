/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the kernel's source share: source_bpf.c reads, source_bpf_names.c names, source_bpf_load.c
 * loads what source_bpf_choose.c left in, source_bpf_hooks.c attaches, source_bpf_adopt.c takes over what is loaded. Nobody else includes
 * this. */
#ifndef DAEMON_SOURCE_BPF_INTERNAL_H
#define DAEMON_SOURCE_BPF_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include "daemon/hierarchy.h"
#include "daemon/source_bpf.h"
#include "daemon/source_bpf_features.h"
#include "daemon/source_bpf_parts.h"
#include "daemon/source_bpf_ring.h"
#include "daemon/source_bpf_types.h"
#include "rstmon.skel.h"

enum {
	HOOK_SEND,
	HOOK_RECEIVE,
	HOOK_STATE,
	HOOK_READ,
	HOOK_WRITE,
	HOOK_EXEC,
	HOOK_CGROUP,
	HOOK_SEED,
	HOOK_PROCESSES,
	HOOK_ERROR,
	HOOK_VICTIM,
	HOOK_PACKET,
	HOOK_PASSIVE4,
	HOOK_PASSIVE6,
	HOOK_FREED,
	HOOK_REJECT,
	HOOK_ARRIVED,
	HOOK_CONNECTED,
	HOOK_ACCEPT,
	HOOK_MAX,
};

struct source_bpf {
	struct source source;
	struct reasons reasons;
	struct bpf_features features; /* unless it was adopted */
	struct utsname uname;
	struct source_hook hooks[HOOK_MAX];
	uint32_t generation;
	uint64_t hash_seed; /* rst_config's */
	struct hierarchy hierarchy[RST_HIERARCHIES]; /* of cgroup v1 that name processes */

	/* all that counts, whoever loaded it */
	struct bpf_parts parts;
	struct fdstore *store; /* where it is parked; NULL: nowhere yet */
	int program[HOOK_MAX]; /* parts', -1: not loaded */
	struct bpf_counts counts;
	struct bpf_ring ring;
	bool held;
	uint64_t rest_since, called_back;
	bool comes_back[2]; /* of the hooks that rest (source_bpf_rest.c) */
	bool rest_tried, rest_allowed; /* hooks may be attached again without capabilities */
	int64_t offset;

	/* while it is loaded and attached; NULL afterwards */
	struct rstmon_bpf *skel;
	struct btf *vmlinux;
	struct bpf_link *links[HOOK_MAX];
};

static inline struct source_bpf *source_bpf_of(struct source *s)
{
	return (struct source_bpf *)s;
}

extern const struct source_ops source_bpf_ops;

/* The kernel's name of a hook's program. */
const char *source_bpf_program(int hook);

/* Fills in what the hooks are; nothing is attached yet. */
void source_bpf_name_hooks(struct source_bpf *b);

struct bpf_program *source_bpf_hook_program(struct source_bpf *b, int hook); /* of the skeleton */

/* Why this kernel cannot have the hook; NULL: it can, as far as its types tell. They must be there still. */
const char *source_bpf_absent(const struct source_bpf *b, int hook);

/* Why this kernel does not need the hook; NULL: it does. */
const char *source_bpf_unneeded(const struct source_bpf *b, int hook);

/* Leaves out of the skeleton what the kernel has not, refuses, or does not need. -ENOTSUP: it lacks what is
 * required. */
int source_bpf_choose(struct source_bpf *b, bool packets, char *error, size_t size);
void source_bpf_leave_out(struct source_bpf *b, int hook, const char *why);

/* Attached by its program alone: bpf_raw_tracepoint_open(). */
bool source_bpf_is_traced(const struct source_hook *h);

/* Attaches all that was loaded, and seeds the owners of open sockets. */
int source_bpf_attach(struct source_bpf *b, const struct source_bpf_options *options, char *error,
		      size_t size);

/* What a refusal means depends on what we had: one sentence. */
void source_bpf_explain(char *error, size_t size, const char *what, int r);
bool source_bpf_capable(unsigned int capability);

/* An empty one that knows the kernel: its reasons, its release. */
int source_bpf_new(const struct source_bpf_options *options, struct source_bpf **ret, char *error,
		   size_t size);

/* Loads and attaches; what there is of it on failure goes with source_bpf_close(). */
int source_bpf_set_up(struct source_bpf *b, const struct source_bpf_options *options, char *error,
		      size_t size);

/* CLOCK_REALTIME - CLOCK_MONOTONIC, now. */
int64_t source_bpf_clock_offset(void);

/* A checksum of the object that this program would load, never 0. */
uint32_t source_bpf_object(void);

/* Returns when no program runs any more that had passed its gate before. */
void source_bpf_settle(void);

/* Maps what counts, once 'parts' are there. */
int source_bpf_map(struct source_bpf *b, char *error, size_t size);

/* As source_ops.tend. */
uint64_t source_bpf_tend(struct source *s, uint64_t now);

/* Names, as source_ops has them. */
int source_bpf_processes(struct source *s, source_record_fn fn, void *userdata);
int source_bpf_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret);
int source_bpf_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size);

/* A file whose reading runs the iterator. 'only_tgid' not 0: over that process alone; the parameter
 * exists since 6.1 (f0d74c4da1f0), older kernels refuse it with -EINVAL. The caller closes it. */
int source_bpf_iterator(int program, uint32_t only_tgid);

/* Undoes what was made of a source_bpf, all or a part. */
void source_bpf_close(struct source *s);

#endif
