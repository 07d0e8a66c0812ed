/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the state directory that cannot be trusted: renamed, never deleted (".corrupt-N", ".foreign-N",
 * ".unreadable-N", N from 1 to ASIDE_MAX). When all these names are taken such a file stays where it is.
 */
#ifndef DAEMON_ASIDE_H
#define DAEMON_ASIDE_H

#include <stddef.h>

#define ASIDE_MAX 4 /* of each kind */

/* Renames 'name' in the directory; 'why' is -EPROTO (of another version or kind), -EBADMSG (corrupt) or what the
 * system said. 'to' gets the new name, or the last one that was tried. -EEXIST: all names are taken. */
int aside_move(int dir, const char *name, int why, char *to, size_t size);

/* One sentence about it, without an end: what is wrong ('words' NULL: what the system said of 'why'), and where the
 * file went: 'moved' and 'to' are the answers of aside_move(). */
void aside_say(const char *dir, const char *name, int why, const char *words, int moved,
	       const char *to, const char *consequence, char *sentence, size_t size);

#endif
