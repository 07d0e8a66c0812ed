/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel as a source: drains the ring, sleeps on it, reads what is counted. Must not
 * interpret a record. Proved by tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <time.h>

#include "daemon/source_bpf_internal.h"

int64_t source_bpf_clock_offset(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)(real.tv_sec - mono.tv_sec) * (int64_t)NSEC_PER_SEC + real.tv_nsec -
	       mono.tv_nsec;
}

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct source_bpf *b = source_bpf_of(s);

	b->offset = source_bpf_clock_offset();
	return b->held ? 0 : bpf_ring_read(&b->ring, max, fn, userdata);
}

static uint64_t position(struct source *s)
{
	return source_bpf_of(s)->ring.behind;
}

static int wait_fd(struct source *s)
{
	return bpf_parts_fd(&source_bpf_of(s)->parts, FDSTORE_MAP, "ring");
}

static bool go_to_sleep(struct source *s)
{
	struct source_bpf *b = source_bpf_of(s);

	__atomic_store_n(&b->counts.control->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (bpf_ring_empty(&b->ring))
		return true;
	__atomic_store_n(&b->counts.control->sleeping, 0, __ATOMIC_SEQ_CST);
	return false;
}

static void read_totals(struct source *s, struct source_totals *ret)
{
	const struct source_bpf *b = source_bpf_of(s);

	bpf_counts_totals(&b->counts, &b->parts, ret);
}

static const struct rst_slot *get_slots(struct source *s)
{
	return (const struct rst_slot *)source_bpf_of(s)->counts.slots;
}

static const struct source_hook *get_hooks(struct source *s, size_t *ret_n)
{
	struct source_bpf *b = source_bpf_of(s);

	for (int i = 0; i < HOOK_MAX; i++)
		b->hooks[i].missed = bpf_missed_runs(&b->parts, source_bpf_program(i));
	*ret_n = HOOK_MAX;
	return b->hooks;
}

static int64_t get_offset(struct source *s)
{
	return source_bpf_of(s)->offset;
}

static size_t ring_size(struct source *s)
{
	return source_bpf_of(s)->counts.ring_bytes;
}

void source_bpf_close(struct source *s)
{
	struct source_bpf *b = source_bpf_of(s);

	for (int i = 0; i < HOOK_MAX; i++)
		bpf_link__destroy(b->links[i]);
	bpf_ring_unmap(&b->ring);
	bpf_counts_unmap(&b->counts);
	bpf_parts_done(&b->parts);
	rstmon_bpf__destroy(b->skel);
	btf__free(b->vmlinux);
	free(b);
}

const struct source_ops source_bpf_ops = {
	.drain = drain,
	.position = position,
	.fd = wait_fd,
	.sleep = go_to_sleep,
	.tend = source_bpf_tend,
	.totals = read_totals,
	.slots = get_slots,
	.process = source_bpf_process,
	.processes = source_bpf_processes,
	.cgroup = source_bpf_cgroup,
	.hooks = get_hooks,
	.clock_offset = get_offset,
	.ring_bytes = ring_size,
	.free = source_bpf_close,
};
