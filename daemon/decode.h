/* SPDX-License-Identifier: GPL-2.0-only */
/* From the kernel's record to struct reset: checks every length and number, and trusts none. */
#ifndef DAEMON_DECODE_H
#define DAEMON_DECODE_H

#include <stddef.h>

#include "daemon/reasons.h"
#include "daemon/reset.h"

/* Whether it is a record of this version that can be decoded; answers as decode() does. */
int decode_check(const void *record, size_t size);

/* The same for one that was checked. */
void decode_checked(const void *record, const struct reasons *reasons, int64_t clock_offset,
		    struct reset *ret);

/* Decodes one record. 'clock_offset' is CLOCK_REALTIME - CLOCK_MONOTONIC, ns. Pure.
 * -EPROTO: another version; -EBADMSG: size, kind or a number in it is impossible. */
int decode(const void *record, size_t size, const struct reasons *reasons, int64_t clock_offset,
	   struct reset *ret);

/* The part of a reset that a row's key alone tells, as for a spilled one; the rest is unknown.
 * -EBADMSG as above. */
int decode_key(const struct rst_key *key, const struct reasons *reasons, struct reset *ret);

#endif
