/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the kernel's source share: source_bpf.c reads, source_bpf_names.c names,
 * source_bpf_load.c loads and attaches. Nobody else includes this. */
#ifndef DAEMON_SOURCE_BPF_INTERNAL_H
#define DAEMON_SOURCE_BPF_INTERNAL_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/utsname.h>

#include "daemon/source_bpf.h"
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
	HOOK_MAX,
};


struct source_bpf {
	struct source source;
	struct rstmon_bpf *skel;
	struct btf *vmlinux;
	struct ring_buffer *ring;
	struct reasons reasons;
	struct utsname uname;
	struct source_hook hooks[HOOK_MAX];
	struct bpf_link *links[HOOK_MAX];

	size_t n_cpus;
	size_t page;
	struct rst_control *control;
	const struct rst_totals *totals;
	const struct rst_slot *slots;
	const uint64_t *consumer_pos, *producer_pos; /* of the ring */
	int64_t offset;

	/* of the drain that is running */
	source_record_fn fn;
	void *userdata;
	unsigned int left;
	int result;
};

static inline struct source_bpf *source_bpf_of(struct source *s)
{
	return (struct source_bpf *)s;
}

extern const struct source_ops source_bpf_ops;

/* Handler of the ring's records, for ring_buffer__new(); context is the struct source_bpf. */
int source_bpf_record(void *context, void *record, size_t size);

/* Names, as source_ops has them. */
int source_bpf_processes(struct source *s, source_record_fn fn, void *userdata);
int source_bpf_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret);
int source_bpf_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size);

/* A file whose reading runs the iterator. 'only_tgid' not 0: over that process alone; the parameter
 * exists since 6.1 (f0d74c4da1f0), older kernels refuse it with -EINVAL. The caller closes it. */
int source_bpf_iterator(struct bpf_program *program, uint32_t only_tgid);

/* Undoes what was made of a source_bpf, all or a part. */
void source_bpf_close(struct source *s);

#endif
