/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mapped arrays in which the programs count, of this object or of one before it. Must not
 * change anything in them. Proved by tests/unit/daemon/source_bpf_counts.c, tests/live and
 * tests/survive.
 */
#include "common/util.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>

#include "daemon/source_bpf_parts.h"

static int map_info(const struct bpf_parts *p, const char *name, int *ret_fd,
		    struct bpf_map_info *ret)
{
	__u32 size = sizeof(*ret);
	int fd = bpf_parts_fd(p, FDSTORE_MAP, name);

	*ret = (struct bpf_map_info){};
	if (fd < 0)
		return -ENOENT;
	if (bpf_obj_get_info_by_fd(fd, ret, &size))
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* Elements lie behind each other, each at a multiple of eight. */
static int map_array(const struct bpf_parts *p, const char *name, int protection, size_t least,
		     const void *ret, size_t *ret_stride, size_t *ret_n)
{
	struct bpf_map_info info;
	void *memory;
	int fd, r;

	r = map_info(p, name, &fd, &info);
	if (r)
		return r;
	if (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE) ||
	    info.value_size < least || info.value_size % 8 || !info.max_entries)
		return -EPROTO;
	*ret_stride = info.value_size;
	*ret_n = info.max_entries;
	memory = mmap(NULL, *ret_stride * *ret_n, protection, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	*(void **)ret = memory;
	return 0;
}

int bpf_counts_map(struct bpf_counts *c, const struct bpf_parts *p)
{
	struct bpf_counts made = {.page = (size_t)sysconf(_SC_PAGESIZE)};
	struct bpf_map_info info;
	size_t stride, n;
	int fd, r;

	r = map_info(p, "ring", &fd, &info);
	if (!r && info.type != BPF_MAP_TYPE_RINGBUF)
		r = -EPROTO;
	made.ring_bytes = info.max_entries;
	if (!r)
		r = map_array(p, "control", PROT_READ | PROT_WRITE, sizeof(struct rst_control),
			      &made.control, &stride, &n);
	if (!r)
		r = map_array(p, "totals", PROT_READ, offsetof(struct rst_totals, reserved),
			      &made.totals, &made.totals_stride, &made.n_totals);
	if (!r)
		r = map_array(p, "slots", PROT_READ, offsetof(struct rst_slot, reserved),
			      &made.slots, &made.slot_stride, &made.n_slots);
	if (r) {
		bpf_counts_unmap(&made);
		return r;
	}
	*c = made;
	return 0;
}

static void unmap(const void *address, size_t size)
{
	if (address)
		munmap((void *)address, size);
}

void bpf_counts_unmap(struct bpf_counts *c)
{
	unmap(c->control, c->page);
	unmap(c->totals, c->totals_stride * c->n_totals);
	unmap(c->slots, c->slot_stride * c->n_slots);
	*c = (struct bpf_counts){};
}

uint64_t bpf_missed_runs(const struct bpf_parts *p, const char *program)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int fd = bpf_parts_fd(p, FDSTORE_PROG, program);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	return info.recursion_misses;
}

static uint64_t load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/*
 * A receive that was none is counted, and taken back moments later, on another CPU if the task has
 * moved. What is taken back is read first: a number of its own time, so at worst it is still part
 * of the sum. The sum is clamped, for memory that is handed on may say anything.
 */
struct taken_back {
	uint64_t all, spilled, lost;
};

static struct taken_back taken_back(const struct bpf_counts *c, int direction)
{
	struct taken_back t = {};

	for (size_t cpu = 0; cpu < c->n_totals; cpu++) {
		const struct rst_totals *of =
			(const struct rst_totals *)(c->totals + cpu * c->totals_stride);
		const struct rst_count *n = &of->direction[direction];

		t.all += load(&n->swallowed);
		t.spilled += load(&n->swallowed_spilled);
		t.lost += load(&n->swallowed_lost);
	}
	return t;
}

static uint64_t without(uint64_t sum, uint64_t part)
{
	return sum > part ? sum - part : 0;
}

void bpf_counts_totals(const struct bpf_counts *c, const struct bpf_parts *p,
		       struct source_totals *ret)
{
	struct taken_back back[RST_DIRECTION_MAX];
	static const char *const counting[] = {
		"on_send_reset", "on_receive_reset", "on_error_report", "on_passive4",
		"on_passive6",	 "on_freed",	     "on_reject"};
	uint64_t seen[RST_DIRECTION_MAX] = {};
	struct source_totals t = {};

	for (int d = 0; d < RST_DIRECTION_MAX; d++)
		back[d] = taken_back(c, d);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (size_t cpu = 0; cpu < c->n_totals; cpu++) {
		const struct rst_totals *of =
			(const struct rst_totals *)(c->totals + cpu * c->totals_stride);

		for (int d = 0; d < RST_DIRECTION_MAX; d++) {
			const struct rst_count *n = &of->direction[d];

			seen[d] += load(&n->seen);
			t.spilled[d] += load(&n->spilled);
			t.lost[d] += load(&n->lost);
			t.unread_ever += load(&n->spilled) + load(&n->lost) +
					 load(&n->swallowed_spilled) + load(&n->swallowed_lost);
			/* "per reset" is of resets */
			t.run_ns += d < RST_RESET_DIRECTIONS ? load(&n->run_ns) : 0;
			t.run_samples += d < RST_RESET_DIRECTIONS ? load(&n->run_samples) : 0;
			for (int f = 0; f < RST_FAIL_MAX; f++)
				t.failures[f] += load(&n->failures[f]);
		}
		for (int f = 0; f < RST_FAIL_MAX; f++)
			t.failures[f] += load(&of->failures[f]);
	}
	for (int d = 0; d < RST_DIRECTION_MAX; d++) {
		seen[d] = without(seen[d], back[d].all);
		t.spilled[d] = without(t.spilled[d], back[d].spilled);
		t.lost[d] = without(t.lost[d], back[d].lost);
	}
	t.sent = seen[RST_SENT];
	t.received = seen[RST_RECEIVED];
	t.timeouts = seen[RST_TIMEOUT];
	for (size_t i = 0; i < ARRAY_SIZE(counting); i++)
		t.missed += bpf_missed_runs(p, counting[i]);
	*ret = t;
}
