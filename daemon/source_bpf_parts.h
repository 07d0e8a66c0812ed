/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a loaded BPF object consists of, as descriptors by name: its maps, its programs, and the links that
 * attach them. So it is the same for the rest whether this daemon loaded it or was handed it.
 */
#ifndef DAEMON_SOURCE_BPF_PARTS_H
#define DAEMON_SOURCE_BPF_PARTS_H

#include "daemon/fdstore.h"
#include "daemon/source.h"

#define BPF_PARTS_MAX 96

struct bpf_part {
	enum fdstore_kind kind;
	char name[FDSTORE_NAME_MAX];
	int fd;
	uint32_t parked; /* under the name of this generation, 0: not */
};

struct bpf_parts {
	size_t n;
	struct bpf_part part[BPF_PARTS_MAX];
	/* of what bpf_parts_take() looked at: */
	unsigned int unkept;		/* maps that its programs use, and that are not there */
	unsigned int orphans;		/* links whose program is not there */
	char orphan[FDSTORE_NAME_MAX];	/* the first of these */
};

/* Takes over 'fd', also on failure. -ENOSPC, -ENAMETOOLONG. */
int bpf_parts_add(struct bpf_parts *p, enum fdstore_kind kind, const char *name, int fd,
		  uint32_t parked);
int bpf_parts_fd(const struct bpf_parts *p, enum fdstore_kind kind, const char *name); /* -1: none */
void bpf_parts_remove(struct bpf_parts *p, enum fdstore_kind kind, const char *name); /* closes it */
void bpf_parts_done(struct bpf_parts *p);

/* Copies of the descriptors of one generation: its programs, the links that belong to these programs, and the
 * maps that they use, whatever generation made them. What the kernel says of a descriptor counts, its name alone
 * does not. 'ret' has a part for each that can be trusted; -errno. */
int bpf_parts_take(struct bpf_parts *ret, struct fdstore *store, uint32_t generation);

/* Under the name of which generation the part with that name is parked, if 'fd' is the same map; else 0. */
uint32_t bpf_parts_same(const struct bpf_parts *p, enum fdstore_kind kind, const char *name, int fd);
uint32_t bpf_map_number(int fd); /* the kernel's, 0: no map */
int bpf_parts_copy(struct bpf_parts *ret, const struct bpf_parts *from);

/* Parks what is not parked yet. -errno of the first that could not be. */
int bpf_parts_park(struct bpf_parts *p, struct fdstore *store, uint32_t generation);
bool bpf_parts_parked(const struct bpf_parts *p, const struct fdstore_entry *e);

/* What of the kernel's counting lies where: mapped, and checked for the sizes that this program knows how to
 * read. Records, slots and totals of another version may be longer. */
struct bpf_counts {
	struct rst_control *control;
	const uint8_t *totals, *slots;
	size_t totals_stride, n_totals;
	size_t slot_stride, n_slots;
	size_t ring_bytes;
	size_t page;
};

int bpf_counts_map(struct bpf_counts *c, const struct bpf_parts *p); /* -EPROTO: of another kind; -errno */
void bpf_counts_unmap(struct bpf_counts *c);

/* Sums over all CPUs, and the runs that the programs missed. */
uint64_t bpf_missed_runs(const struct bpf_parts *p, const char *program);
void bpf_counts_totals(const struct bpf_counts *c, const struct bpf_parts *p, struct source_totals *ret);

#endif
