/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state as a file, for stop, reboot and hosts without a service manager that keeps descriptors. Written
 * beside and renamed, with a checksum. One that is corrupt, foreign or of another version is never trusted
 * and never deleted: it is renamed (".corrupt-N", ".foreign-N"; the oldest few are kept) and named in one sentence.
 */
#ifndef DAEMON_CHECKPOINT_H
#define DAEMON_CHECKPOINT_H

#include "daemon/state.h"

/* Writes the state to DIR/checkpoint. Spilled counts of the slots must be absorbed in what is written, since
 * the slots end with the hooks: 'totals' are those of the source, added to the base; it works on a copy,
 * 's' itself is not changed. -errno. */
int checkpoint_write(const char *dir, const struct state *s, const struct source_totals *totals,
		     const struct reasons *reasons);

/* Reads DIR/checkpoint into a new state. 0 and *ret NULL: there is none. On failure *ret is NULL, 'sentence' says what was
 * set aside, where, and why, and the answer is -EPROTO, -EBADMSG or what the system said. */
int checkpoint_read(const char *dir, const struct reasons *reasons, struct state **ret, char *sentence,
		    size_t size);

#endif
