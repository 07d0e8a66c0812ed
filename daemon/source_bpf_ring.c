/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads a BPF ring (kernel/bpf/ringbuf.c: page 0 the consumer's position, page 1 the producer's,
 * then the data; each record behind a header of eight bytes). Must not interpret a record. Proved
 * by tests/unit/daemon/source_bpf_ring.c.
 */
#include "common/util.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include "daemon/source_bpf_ring.h"

int bpf_ring_map(struct bpf_ring *ring, int fd, size_t size, bool look)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct bpf_ring made = {.size = size, .page = page};
	int protection = look ? PROT_READ : PROT_READ | PROT_WRITE;

	made.pages[0] = mmap(NULL, page, protection, MAP_SHARED, fd, 0);
	if (made.pages[0] == MAP_FAILED)
		return -errno;
	made.pages[1] = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (made.pages[1] == MAP_FAILED) {
		int r = -errno;

		munmap(made.pages[0], page);
		return r;
	}
	made.producer = made.pages[1];
	made.data = (const uint8_t *)made.pages[1] + page;
	made.position = __atomic_load_n((uint64_t *)made.pages[0], __ATOMIC_ACQUIRE);
	made.consumer = look ? NULL : made.pages[0];
	*ring = made;
	return 0;
}

void bpf_ring_unmap(struct bpf_ring *ring)
{
	if (!ring->pages[0])
		return;
	munmap(ring->pages[0], ring->page);
	munmap(ring->pages[1], ring->page + 2 * ring->size);
	*ring = (struct bpf_ring){};
}

bool bpf_ring_empty(const struct bpf_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) == ring->position;
}

static void move(struct bpf_ring *ring, uint64_t position)
{
	ring->position = position;
	if (ring->consumer)
		__atomic_store_n(ring->consumer, position, __ATOMIC_RELEASE);
}

/* 1 and the next record that was written, *ret NULL for one that was given up; 0: none yet. */
static int next_record(const struct bpf_ring *ring, uint64_t producer, const uint8_t **ret,
		       size_t *ret_size, uint64_t *ret_behind)
{
	const uint8_t *at = ring->data + (ring->position & (ring->size - 1));
	uint64_t behind;
	uint32_t header;

	if (ring->position >= producer)
		return 0;
	header = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
	if (header & BPF_RINGBUF_BUSY_BIT)
		return 0;
	*ret_size = header & ~BPF_RINGBUF_DISCARD_BIT;
	behind = ring->position + ((*ret_size + BPF_RINGBUF_HDR_SZ + 7) & ~7ULL);
	if (behind > producer)
		return -EBADMSG;
	*ret = header & BPF_RINGBUF_DISCARD_BIT ? NULL : at + BPF_RINGBUF_HDR_SZ;
	*ret_behind = behind;
	return 1;
}

int bpf_ring_read(struct bpf_ring *ring, unsigned int max, source_record_fn fn, void *userdata)
{
	uint64_t producer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	unsigned int n = 0;
	const uint8_t *record;
	size_t size;
	int r = 0;

	while (n < max) {
		r = next_record(ring, producer, &record, &size, &ring->behind);
		if (r < 0)
			return r;
		if (!r) {
			uint64_t newer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);

			if (newer == producer)
				break;
			producer = newer;
			continue;
		}
		r = record ? fn(record, size, userdata) : 0;
		/* one that was refused counts as read */
		move(ring, ring->behind);
		if (r < 0)
			return r;
		n += record != NULL;
	}
	return (int)n;
}

bool bpf_ring_skip(struct bpf_ring *ring, uint64_t position)
{
	uint64_t producer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
	struct bpf_ring ahead = *ring;
	const uint8_t *record = NULL;
	uint64_t behind;
	size_t size;

	/* what was given up in between may not have been passed either */
	while (!record && next_record(&ahead, producer, &record, &size, &behind) > 0) {
		ahead.position = behind;
		if (behind == position) {
			move(ring, position);
			return true;
		}
	}
	return false;
}
