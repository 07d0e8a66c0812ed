/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon finds of its predecessor, and what it leaves to its successor (ARCHITECTURE.md, "Outliving
 * itself"): hooks and the memory file in the service manager's store, a checkpoint in the state directory.
 */
#ifndef DAEMON_OUTLIVE_H
#define DAEMON_OUTLIVE_H

#include "daemon/fdstore.h"
#include "daemon/intake.h"
#include "daemon/source_bpf.h"
#include "daemon/state.h"

#define OUTLIVE_GENERATIONS 3 /* two, and one of an upgrade that was killed */

enum outlive_origin {
	OUTLIVE_FRESH,	    /* nothing was there */
	OUTLIVE_CHECKPOINT, /* the counts of a file; what happened since then is not known */
	OUTLIVE_ADOPTED,    /* the hooks went on counting, and are ours */
	OUTLIVE_UPGRADED,   /* they went on counting, and others took their place */
	OUTLIVE_ORIGIN_MAX,
};

const char *outlive_origin_name(enum outlive_origin origin);

struct outlive {
	struct fdstore store; /* opened by the caller */
	const char *dir;
	enum outlive_origin origin;
	uint32_t generation;
	struct source *live; /* the kernel; the intake's */
	struct source *old[OUTLIVE_GENERATIONS]; /* to be absorbed, in this order */
	size_t n_old;
	bool hooks_lost;   /* the memory file came without the hooks that it goes with */
	char lost[256];	   /* what of the counts is missing for good, a sentence for status */
	char said[1024];   /* sentences for the log, "" if all was as it should be */
	bool unkept;	   /* a service whose manager has no place for descriptors */
	char unparked[192]; /* our counts are in nobody's hands, a sentence; "" if they are */
	char unwritten[256]; /* no checkpoints */
	char trouble[512];  /* what does not work now, for status: both */
	uint64_t checkpoint_at, checkpoint_count;
};

/* Finds what is there, or begins anew. Both results are the caller's; nothing counts and nothing is read before
 * outlive_commit(). As source_bpf_open(). */
int outlive_open(struct outlive *o, const char *dir, const struct source_bpf_options *options,
		 struct source **ret_source, struct state **ret_state, char *error, size_t size);

/* Once 'in' is set up with source and state: parks, lets the hooks count, absorbs what those before them counted. */
int outlive_commit(struct outlive *o, struct intake *in);

/* A checkpoint now and then, for power loss and for hosts without a store; true if one is due. */
bool outlive_due(const struct outlive *o, const struct intake *in);
void outlive_checkpoint(struct outlive *o, struct intake *in);

/* Whether the state directory may be missing: who runs us by hand needs none; a service without its own has a problem. */
bool outlive_may_be_missing(const struct outlive *o);

/* Before the last look at the ring: hooks that nobody keeps count no more. */
void outlive_end(struct outlive *o);
void outlive_done(struct outlive *o);

#endif
