/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of 'publish' share. */
#ifndef DAEMON_PUBLISH_INTERNAL_H
#define DAEMON_PUBLISH_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/reset.h"

#define TCP_FLAGS_TEXT_MAX 36 /* eight names of three letters, and what is between them */

/* "SYN|ACK". Returns dst. */
char *tcp_flags_text(char *dst, size_t size, uint8_t tcp_flags);

static inline uint64_t sum_directions(const uint64_t n[RST_DIRECTION_MAX])
{
	return n[RST_SENT] + n[RST_RECEIVED];
}

#endif
