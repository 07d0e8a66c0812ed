/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state as a file, for stop, reboot and hosts without a service manager that keeps descriptors. Written
 * beside and renamed, compressed, with checksums. One that is corrupt, foreign or of another version is never
 * trusted and never deleted: it is renamed (".corrupt-N", ".foreign-N", ".unreadable-N", N from 1 to
 * CHECKPOINT_ASIDE_MAX) and named in one sentence. When all these names are taken it stays where it is, and no
 * checkpoint is written until somebody has removed some.
 */
#ifndef DAEMON_CHECKPOINT_H
#define DAEMON_CHECKPOINT_H

#include "daemon/aside.h"
#include "daemon/state.h"

#define CHECKPOINT_NAME	     "checkpoint"
#define CHECKPOINT_ASIDE_MAX ASIDE_MAX

/* Writes the state to DIR/checkpoint. The rows must be up to date (intake_finish(), intake_refresh()): the slots
 * end with the hooks, so what is spilled becomes counts in what is written; 'totals' are those of the source,
 * without the base. It works on a copy, 's' itself is not changed. -errno: nothing was
 * replaced; -EEXIST: what stands there is none of ours, and no name is left to set it aside; -EWOULDBLOCK: somebody
 * else is writing one there. */
int checkpoint_write(const char *dir, const struct state *s, const struct source_totals *totals,
		     const struct reasons *reasons);

/* Reads DIR/checkpoint into a new state of generation 0, which goes with no hooks. 0 and *ret NULL: there is none.
 * On failure *ret is NULL, 'sentence' says what was set aside, where, and why, and the answer is -EPROTO, -EBADMSG
 * or what the system said. */
int checkpoint_read(const char *dir, const struct reasons *reasons, struct state **ret, char *sentence,
		    size_t size);

#endif
