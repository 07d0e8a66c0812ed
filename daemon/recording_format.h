/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file format of recordings, with the reader and the writer of its frames. What stands in a frame is
 * the business of recorder.c and source_recording.c; only these and their tests include this. A change
 * of layout or meaning raises RECORDING_VERSION.
 */
#ifndef DAEMON_RECORDING_FORMAT_H
#define DAEMON_RECORDING_FORMAT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#include "daemon/reasons.h"
#include "rstmon/event.h"

#define RECORDING_MAGIC	      "rstmonRC"
#define RECORDING_VERSION     1
#define RECORDING_KERNEL_MAX  64
#define RECORDING_RECORD_MAX  1024 /* bytes of a record of the ring */
#define RECORDING_CGROUP_MAX  4096 /* bytes of a path, without end */
#define RECORDING_PAYLOAD_MAX (8 + RECORDING_CGROUP_MAX)

/* Bytes of a process before it had 'home': what it lacks reads as 0. */
#define RECORDING_PROCESS_HOMELESS offsetof(struct rst_process, home)

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

/* recording_write.c: frames to a file, through a buffer of bounded size. After an error nothing more is
 * written, and the file ends with its last whole frame. */
#define RECORDING_BUFFER 65536

struct recording_writer {
	int fd;
	int error;	/* 0, or the -errno that ended the recording */
	uint64_t whole; /* bytes of the file, all of them whole frames behind the header */
	size_t used;	/* bytes of 'buffer', whole frames as well */
	char buffer[RECORDING_BUFFER];
};

/* Makes 'path', mode 0600, and writes the header. Never blocks: -ESPIPE if what is there is neither a
 * regular file nor a character device. On failure 'w' is to be done all the same. */
int recording_write_open(struct recording_writer *w, const char *path, const char *kernel,
			 const struct reasons *reasons);
void recording_write(struct recording_writer *w, enum recording_type type, const void *payload,
		     size_t size);
void recording_write_flush(struct recording_writer *w);
int recording_write_done(struct recording_writer *w); /* writes the rest, closes; 0 or the error */

/* recording_read.c: frames from a file that may hold anything. */
struct recording_reader {
	FILE *file;
	uint64_t at;	 /* offset of the next frame */
	char error[256]; /* what is wrong, with the byte offset; "" if nothing is */
	_Alignas(8) char payload[RECORDING_PAYLOAD_MAX + 1];
};

/* Opens 'path' and reads the header. -EBADMSG: reader->error has the sentence. 'kernel' holds
 * RECORDING_KERNEL_MAX bytes. */
int recording_read_open(struct recording_reader *reader, const char *path, char *ret_kernel,
			struct reasons *ret_reasons);

/* The frame at reader->at, whose payload is in reader->payload then, and steps over it. 1: there is one;
 * 0: the file ends here; -EBADMSG. */
int recording_read(struct recording_reader *reader, struct recording_frame *ret);

/* Steps back to 'offset', which was reader->at before. */
int recording_read_seek(struct recording_reader *reader, uint64_t offset);

/* Makes the sentence; gives -EBADMSG. */
int recording_bad(struct recording_reader *reader, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void recording_read_done(struct recording_reader *reader);

#endif
