/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file format that recorder.c writes and source_recording.c reads. Only these two and their tests
 * include it. A change of layout or meaning raises RECORDING_VERSION.
 */
#ifndef DAEMON_RECORDING_FORMAT_H
#define DAEMON_RECORDING_FORMAT_H

#include <endian.h>
#include <stdint.h>
#include <zlib.h>

#include "daemon/reasons.h"

#define RECORDING_MAGIC	      "rstmonRC"
#define RECORDING_VERSION     1
#define RECORDING_KERNEL_MAX  64
#define RECORDING_RECORD_MAX  1024 /* bytes of a record of the ring */
#define RECORDING_CGROUP_MAX  4096 /* bytes of a path, without end */
#define RECORDING_PAYLOAD_MAX (8 + RECORDING_CGROUP_MAX)

/* Records are copied as they lie in memory. All targets are little-endian; another one would have to
 * swap every field of event.h here. */
_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "recordings are little-endian");

struct recording_header {
	char magic[8];
	uint32_t version;
	uint32_t event_version; /* RST_EVENT_VERSION of the records */
	char kernel[RECORDING_KERNEL_MAX];
	uint32_t n_reasons;
	uint32_t crc; /* of all before it, and of the names */
	/* then n_reasons names of RSTMON_REASON_MAX bytes */
};

enum recording_type {
	RECORDING_EVENT = 1,
	RECORDING_TIME,
	RECORDING_PROCESS,
	RECORDING_CGROUP,
	RECORDING_SLOT,
};

struct recording_frame {
	uint32_t type;
	uint32_t length; /* of the payload that follows */
	uint32_t crc;	 /* of type, length and payload */
};

_Static_assert(sizeof(struct recording_header) == 88, "the header changed its size");
_Static_assert(sizeof(struct recording_frame) == 12, "the frame changed its size");

static inline uint32_t recording_crc(const void *head, size_t head_size, const void *payload,
				     size_t size)
{
	uLong crc = crc32(crc32(0, Z_NULL, 0), head, (uInt)head_size);

	return (uint32_t)(size > 0 ? crc32(crc, payload, (uInt)size) : crc);
}

#endif
