/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The source that is the running kernel. It counts in a generation: programs whose generation the gate does
 * not name count nothing. So hooks are attached and parked first, and begin to count by one store.
 */
#ifndef DAEMON_SOURCE_BPF_H
#define DAEMON_SOURCE_BPF_H

#include "daemon/fdstore.h"
#include "daemon/source.h"

struct source_bpf_options {
	uint32_t ring_kib;  /* size of the ring, a power of two */
	bool scan_at_start; /* find the owners of sockets that are open already */
	bool packet_evidence; /* look at the resets themselves; needs CAP_NET_ADMIN, fails softly */
	uint32_t generation;
	const struct source *go_on; /* use maps of this parked one, NULL: none */
	const char *btf; /* a file with the kernel's types, NULL: those that it shows itself */
};

/* Loads and attaches the programs, and seeds the owners of open sockets. They do not count before
 * source_bpf_begin(). On failure 'error' holds one
 * sentence with the next step: -EPERM (capabilities, or a kernel that forbids it), -ENOENT (no BTF),
 * -ENOTSUP (a kernel without what is required), or what the kernel said.
 * Needs CAP_BPF and CAP_PERFMON; nothing of it afterwards. */
int source_bpf_open(const struct source_bpf_options *options, struct source **ret, char *error,
		    size_t error_size);

/* Takes over a parked generation: nothing is loaded, nothing attached, and it goes on counting. */
int source_bpf_adopt(const struct source_bpf_options *options, const struct source *parked,
		     struct source **ret, char *error, size_t error_size);

uint32_t source_bpf_generation(const struct source *s);

/* Parks all of it that is not parked. -errno. */
int source_bpf_park(struct source *s, struct fdstore *store);
bool source_bpf_parked(const struct source *s, const struct fdstore_entry *e);

/* Hands over no record until that is asked for: what is read before the state is parked would be read by
 * nobody if we were killed then. */
void source_bpf_hold(struct source *s, bool hold);

/* From here on this one counts, and the 'n' before it do not any more. */
void source_bpf_begin(struct source *s, struct source *const *before, size_t n);

/* Counts no more, for good: what is to be read is there. */
void source_bpf_end(struct source *s);

/* The ring goes on behind 'position', if its reader was killed between counting and moving on. */
bool source_bpf_skip(struct source *s, uint64_t position);

/*
 * A generation that is parked, perhaps of another version: a source to be read to its end, without names of its
 * own, whose ring stays as it is, so that it can be read again if we are killed on the way.
 */

/* -ENOENT: what counts is not complete; -EPROTO: not to be understood. */
int source_parked_open(struct fdstore *store, uint32_t generation, struct source **ret);
uint32_t source_parked_generation(const struct source *s);
uint32_t source_parked_active(const struct source *s); /* the generation that its gate names */
uint32_t source_parked_gate(const struct source *s);   /* number of the gate: the same for one line of generations */

/* True: it is what source_bpf_open() would make, so it can be adopted. */
bool source_parked_fits(const struct source *s, const struct source_bpf_options *options);
bool source_parked_owners_fit(const struct source *s); /* maps that keep owners mean the same */
uint64_t source_parked_seed(const struct source *s); /* of the maps that keep owners; 0: not told */
const struct bpf_parts *source_parked_parts(const struct source *s);

/* What of it was parked once and is not there: maps that its programs use, and hooks whose program or link is gone,
 * those that rest apart. */
struct source_parked_missing {
	unsigned int maps, hooks;
	const char *hook; /* the first of these */
};

void source_parked_missing(const struct source *s, struct source_parked_missing *ret);

/* Its gate names that generation now. */
void source_parked_close_gate(struct source *s, uint32_t generation);

/* Its hooks go: nobody has them attached any more. Once the gate has closed, and before slots and totals are read. */
void source_parked_detach(struct source *s, struct fdstore *store);
void source_parked_names(struct source *s, struct source *names); /* who knows names and reasons */

#endif
