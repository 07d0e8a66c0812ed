/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>

#include "daemon/source_bpf_ring.h"

#define SIZE 4096

/* A file whose pages look like a ring's; the data is there twice, as the kernel maps it. */
static struct bed {
	int fd;
	size_t page;
	uint64_t *consumer, *producer;
	uint8_t *data;
	struct bpf_ring ring;
	unsigned int n;
	uint32_t seen[1024];
	uint64_t behind[1024];
	int answer; /* to the record that is handed over as number 'answer_at' */
	unsigned int answer_at;
} bed;

static void setup(void)
{
	uint8_t *pages;

	memset(&bed, 0, sizeof(bed));
	bed.page = (size_t)sysconf(_SC_PAGESIZE);
	bed.fd = memfd_create("ring-test", MFD_CLOEXEC);
	cr_assert_geq(bed.fd, 0);
	cr_assert_eq(ftruncate(bed.fd, (off_t)(2 * bed.page + 2 * SIZE)), 0);
	pages = mmap(NULL, 2 * bed.page + 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, bed.fd, 0);
	cr_assert_neq(pages, MAP_FAILED);
	bed.consumer = (uint64_t *)pages;
	bed.producer = (uint64_t *)(pages + bed.page);
	bed.data = pages + 2 * bed.page;
	bed.answer_at = UINT32_MAX;
}

static void teardown(void)
{
	bpf_ring_unmap(&bed.ring);
	munmap(bed.consumer, 2 * bed.page + 2 * SIZE);
	close(bed.fd);
}

static void put_byte(uint64_t position, uint8_t byte)
{
	bed.data[position % SIZE] = bed.data[SIZE + position % SIZE] = byte;
}

/* A record of 'size' bytes whose first word is 'number'; where it ends. */
static uint64_t put(uint32_t number, uint32_t size, uint32_t flags)
{
	uint32_t header[2] = {size | flags, 0};
	uint64_t at = *bed.producer;

	for (size_t i = 0; i < sizeof(header); i++)
		put_byte(at + i, ((uint8_t *)header)[i]);
	for (size_t i = 0; i < sizeof(number); i++)
		put_byte(at + 8 + i, ((uint8_t *)&number)[i]);
	*bed.producer = at + ((size + 8 + 7) & ~7U);
	return *bed.producer;
}

static void map(bool look)
{
	cr_assert_eq(bpf_ring_map(&bed.ring, bed.fd, SIZE, look), 0);
}

static int on_record(const void *record, size_t size, void *userdata)
{
	(void)userdata;
	cr_assert_geq(size, sizeof(uint32_t));
	memcpy(&bed.seen[bed.n], record, sizeof(uint32_t));
	bed.behind[bed.n] = bed.ring.behind;
	/* the record is released after the call, not before */
	cr_assert_lt(*bed.consumer, bed.ring.behind);
	return bed.n++ == bed.answer_at ? bed.answer : 0;
}

TestSuite(bpf_ring, .init = setup, .fini = teardown);

Test(bpf_ring, reads_in_order_and_says_how_far)
{
	uint64_t a, b;

	a = put(1, 12, 0);
	b = put(2, 96, 0);
	map(false);
	cr_assert(!bpf_ring_empty(&bed.ring));
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 2);
	cr_assert_eq(bed.seen[0], 1);
	cr_assert_eq(bed.seen[1], 2);
	cr_assert_eq(bed.behind[0], a);
	cr_assert_eq(bed.behind[1], b);
	cr_assert_eq(*bed.consumer, b);
	cr_assert(bpf_ring_empty(&bed.ring));
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 0);
}

Test(bpf_ring, reads_no_more_than_asked)
{
	uint64_t a = put(1, 12, 0);

	put(2, 12, 0);
	map(false);
	cr_assert_eq(bpf_ring_read(&bed.ring, 1, on_record, NULL), 1);
	cr_assert_eq(*bed.consumer, a);
	cr_assert_eq(bpf_ring_read(&bed.ring, 1, on_record, NULL), 1);
	cr_assert_eq(bed.seen[1], 2);
}

Test(bpf_ring, waits_for_a_record_that_is_being_written)
{
	uint64_t a = put(1, 12, 0);

	put(2, 12, BPF_RINGBUF_BUSY_BIT);
	put(3, 12, 0);
	map(false);
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 1);
	cr_assert_eq(*bed.consumer, a);
	cr_assert(!bpf_ring_empty(&bed.ring));
}

Test(bpf_ring, passes_what_was_given_up)
{
	put(1, 12, BPF_RINGBUF_DISCARD_BIT);
	put(2, 12, 0);
	map(false);
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 1);
	cr_assert_eq(bed.seen[0], 2);
}

Test(bpf_ring, goes_round)
{
	map(false);
	for (uint32_t i = 0; i < 500; i++) {
		put(i, 96, 0);
		cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 1);
		cr_assert_eq(bed.seen[i], i);
	}
}

Test(bpf_ring, a_refused_record_counts_as_read)
{
	uint64_t a = put(1, 12, 0);

	put(2, 12, 0);
	map(false);
	bed.answer = -EIO;
	bed.answer_at = 0;
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), -EIO);
	cr_assert_eq(*bed.consumer, a);
}

Test(bpf_ring, what_is_no_record_is_not_read)
{
	put(1, 4000, 0);
	*bed.producer = 64;
	map(false);
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), -EBADMSG);
	cr_assert_eq(bed.n, 0);
	cr_assert_eq(*bed.consumer, 0);
}

Test(bpf_ring, looking_moves_nothing)
{
	put(1, 12, 0);
	put(2, 12, 0);
	for (int i = 0; i < 2; i++) {
		map(true);
		cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 2);
		cr_assert_eq(*bed.consumer, 0);
		bpf_ring_unmap(&bed.ring);
	}
	cr_assert_eq(bed.n, 4);
}

Test(bpf_ring, skips_the_one_that_was_counted)
{
	uint64_t a, b;

	a = put(1, 12, 0);
	b = put(2, 12, 0);
	map(false);
	cr_assert(!bpf_ring_skip(&bed.ring, 0), "it had read nothing");
	cr_assert(!bpf_ring_skip(&bed.ring, a - 8), "no end of a record");
	cr_assert(!bpf_ring_skip(&bed.ring, b), "more than one");
	cr_assert(!bpf_ring_skip(&bed.ring, b + 4096), "beyond what was written");
	cr_assert_eq(*bed.consumer, 0);
	cr_assert(bpf_ring_skip(&bed.ring, a));
	cr_assert_eq(*bed.consumer, a);
	cr_assert_eq(bpf_ring_read(&bed.ring, 10, on_record, NULL), 1);
	cr_assert_eq(bed.seen[0], 2);
}

Test(bpf_ring, skips_over_what_was_given_up_too)
{
	uint64_t b;

	put(1, 12, BPF_RINGBUF_DISCARD_BIT);
	b = put(2, 12, 0);
	map(false);
	cr_assert(bpf_ring_skip(&bed.ring, b));
	cr_assert_eq(*bed.consumer, b);
}
