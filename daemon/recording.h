/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Recordings: the raw records of a source with the names that belong to them, to replay a flow without
 * a kernel. A file is a header (magic, versions, kernel release, reason names) and frames; each frame
 * is {type, length, CRC-32 (zlib) of both and of the payload} and its payload, all little-endian.
 * Reading checks everything; errors come with the byte offset.
 *
 *	EVENT	a record as it came out of the ring
 *	TIME	s64 CLOCK_REALTIME - CLOCK_MONOTONIC, for the events that follow
 *	PROCESS	struct rst_process, perhaps without what was added at its end
 *	CGROUP	u64 id, path
 *	SLOT	struct rst_slot: final state of a slot, at the end
 */
#ifndef DAEMON_RECORDING_H
#define DAEMON_RECORDING_H

#include "daemon/source.h"

struct recorder;

/* Wraps a source: everything that passes through the returned source is also written to 'path'
 * (created, mode 0600); of the processes that a scan finds, only those that own a reset. The wrapper
 * owns 'inner' on success. A write error (disk full) ends the recording behind its last whole frame,
 * never the flow; recorder_error() tells it. -ESPIPE: a pipe, a socket or a disk. */
int recorder_new(struct source *inner, const char *path, struct source **ret);

/* 0, or the -errno that ended the recording. 's' must come from recorder_new(). */
int recorder_error(struct source *s);

/* Writes the slots and what waits, and closes the file: 0, or the -errno that ended the recording, now
 * or before. Nothing is recorded afterwards. Again: the same answer. */
int recorder_finish(struct source *s);

/* Opens a recording as a source. -EBADMSG: 'error' holds one sentence with the byte offset. A
 * recording that is cut or corrupt later on gives what came before it, then ends as every recording
 * does, drain() gives -ENODATA: recording_error() has the sentence, NULL if the end is clean. Of too many
 * names the later ones are missing, which recording_error() tells; the events are all there. Names
 * and slots are there from the start, because a name is recorded when it is asked for, after the
 * event; clock_offset() follows the events. */
int recording_open(const char *path, struct source **ret, char *error, size_t error_size);
const char *recording_error(struct source *s);

#endif
