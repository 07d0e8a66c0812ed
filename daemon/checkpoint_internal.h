/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file: checkpoint.c knows names, checkpoint_stream.c what stands in it. Nobody else includes this.
 *
 * One gzip stream: struct checkpoint_head, then pieces of the memory file, each behind a struct
 * checkpoint_piece, in order; the last one has CHECKPOINT_END for an offset and the CRC-32 of all before it
 * for a length. What is not in a piece is zeros.
 */
#ifndef DAEMON_CHECKPOINT_INTERNAL_H
#define DAEMON_CHECKPOINT_INTERNAL_H

#include "daemon/checkpoint.h"
#include "daemon/state_internal.h"

#define CHECKPOINT_MAGIC  0x6b6863656d747372ULL
#define CHECKPOINT_FORMAT 1
#define CHECKPOINT_END	  UINT64_MAX

struct checkpoint_head {
	uint64_t magic;
	uint32_t format;
	uint32_t size; /* of this */
	struct state_header state;
};

struct checkpoint_piece {
	uint64_t offset, length;
};

/* Neither closes 'fd'. *ret is a descriptor of a memory file; on failure *ret_why says what is wrong with the
 * file in words, NULL: ask strerror(). -EPROTO, -EBADMSG or what the system said. */
int checkpoint_put(int fd, const struct state *s);
int checkpoint_get(int fd, int *ret, const char **ret_why);

#endif
