/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running kernel as a source: drains the ring, sleeps on it, reads what is counted. Must not
 * interpret a record. Proved by tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "daemon/source_bpf_internal.h"

static int64_t clock_offset_now(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)(real.tv_sec - mono.tv_sec) * (int64_t)NSEC_PER_SEC + real.tv_nsec -
	       mono.tv_nsec;
}

int source_bpf_record(void *context, void *record, size_t size)
{
	struct source_bpf *b = context;
	int r = b->fn(record, size, b->userdata);

	if (r < 0) {
		b->result = r;
		return r;
	}
	/* a negative answer ends ring_buffer__consume(), which has no bound of its own in
	 * libbpf 1.1; the record counts as consumed */
	return --b->left ? 0 : -EAGAIN;
}

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct source_bpf *b = source_bpf_of(s);
	int r;

	b->fn = fn;
	b->userdata = userdata;
	b->left = max;
	b->result = 0;
	b->offset = clock_offset_now();
	r = ring_buffer__consume(b->ring);
	if (b->result)
		return b->result;
	if (r < 0 && r != -EAGAIN)
		return r;
	return (int)(max - b->left);
}

static int wait_fd(struct source *s)
{
	return bpf_map__fd(source_bpf_of(s)->skel->maps.ring);
}

static bool is_empty(const struct source_bpf *b)
{
	return __atomic_load_n(b->producer_pos, __ATOMIC_ACQUIRE) ==
	       __atomic_load_n(b->consumer_pos, __ATOMIC_ACQUIRE);
}

static bool go_to_sleep(struct source *s)
{
	struct source_bpf *b = source_bpf_of(s);

	__atomic_store_n(&b->control->sleeping, 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_empty(b))
		return true;
	__atomic_store_n(&b->control->sleeping, 0, __ATOMIC_SEQ_CST);
	return false;
}

static uint64_t missed_runs(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

static uint64_t load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void read_totals(struct source *s, struct source_totals *ret)
{
	struct source_bpf *b = source_bpf_of(s);
	struct source_totals t = {};
	uint64_t seen[RST_DIRECTION_MAX] = {};

	for (size_t cpu = 0; cpu < b->n_cpus; cpu++) {
		for (int d = 0; d < RST_DIRECTION_MAX; d++) {
			const struct rst_count *c = &b->totals[cpu].direction[d];

			seen[d] += load(&c->seen) - load(&c->swallowed);
			t.spilled[d] += load(&c->spilled) - load(&c->swallowed_spilled);
			t.lost[d] += load(&c->lost) - load(&c->swallowed_lost);
			t.unread_ever += load(&c->spilled) + load(&c->lost) +
					 load(&c->swallowed_spilled) + load(&c->swallowed_lost);
			/* "per reset" is of resets */
			t.run_ns += d < RST_RESET_DIRECTIONS ? load(&c->run_ns) : 0;
			t.run_samples += d < RST_RESET_DIRECTIONS ? load(&c->run_samples) : 0;
			for (int f = 0; f < RST_FAIL_MAX; f++)
				t.failures[f] += load(&c->failures[f]);
		}
		for (int f = 0; f < RST_FAIL_MAX; f++)
			t.failures[f] += load(&b->totals[cpu].failures[f]);
	}
	t.sent = seen[RST_SENT];
	t.received = seen[RST_RECEIVED];
	t.timeouts = seen[RST_TIMEOUT];
	t.missed = missed_runs(b->skel->progs.on_send_reset) +
		   missed_runs(b->skel->progs.on_receive_reset) +
		   missed_runs(b->skel->progs.on_error_report);
	*ret = t;
}

static const struct rst_slot *get_slots(struct source *s)
{
	return source_bpf_of(s)->slots;
}

static const struct source_hook *get_hooks(struct source *s, size_t *ret_n)
{
	*ret_n = HOOK_MAX;
	return source_bpf_of(s)->hooks;
}

static int64_t get_offset(struct source *s)
{
	return source_bpf_of(s)->offset;
}

static size_t ring_size(struct source *s)
{
	return bpf_map__max_entries(source_bpf_of(s)->skel->maps.ring);
}

static void unmap(const void *address, size_t size)
{
	if (address)
		munmap((void *)address, size);
}

void source_bpf_close(struct source *s)
{
	struct source_bpf *b = source_bpf_of(s);

	for (int i = 0; i < HOOK_MAX; i++)
		bpf_link__destroy(b->links[i]);
	ring_buffer__free(b->ring);
	unmap(b->control, b->page);
	unmap(b->totals, b->n_cpus * sizeof(struct rst_totals));
	unmap(b->slots, RST_SLOTS * sizeof(struct rst_slot));
	unmap(b->consumer_pos, b->page);
	unmap(b->producer_pos, b->page);
	rstmon_bpf__destroy(b->skel);
	btf__free(b->vmlinux);
	free(b);
}

const struct source_ops source_bpf_ops = {
	.drain = drain,
	.fd = wait_fd,
	.sleep = go_to_sleep,
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
