/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A BPF ring as its reader sees it. Its own, since the position behind each record is what a restart goes by,
 * and since the ring of hooks that are gone must be read without moving on in it (source_bpf_parked.c).
 */
#ifndef DAEMON_SOURCE_BPF_RING_H
#define DAEMON_SOURCE_BPF_RING_H

#include "daemon/source.h"

struct bpf_ring {
	uint64_t *consumer;	  /* stored after every record; NULL: only looked at */
	const uint64_t *producer; /* the kernel's */
	const uint8_t *data;	  /* mapped twice in a row: no record is cut */
	uint64_t size;		  /* of the data, a power of two */
	uint64_t position;	  /* of the next record */
	uint64_t behind;	  /* of the record that is being handed over: the position behind it */
	void *pages[2];
	size_t page;
};

/* Maps the ring of 'size' bytes; with 'look' its position stays where it is. -errno. */
int bpf_ring_map(struct bpf_ring *ring, int fd, size_t size, bool look);
void bpf_ring_unmap(struct bpf_ring *ring);

/* Hands over at most 'max' records and returns their number; a negative answer of 'fn' ends it. -EBADMSG: what
 * is there is no record. */
int bpf_ring_read(struct bpf_ring *ring, unsigned int max, source_record_fn fn, void *userdata);

/* True if nothing is there. */
bool bpf_ring_empty(const struct bpf_ring *ring);

/* Goes on behind the record that ends at 'position', if that is the next one: its reader was killed after it
 * had counted it. True if the ring moved. */
bool bpf_ring_skip(struct bpf_ring *ring, uint64_t position);

#endif
