/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the header and the frames of a recording. Must not block, follow links, let others read,
 * leave half a frame behind, or go on after an error. Proved by tests/unit/daemon/recording.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/output.h"
#include "common/str.h"
#include "daemon/recording_format.h"
#include "rstmon/event.h"

/* How many of the first 'n' bytes in the buffer are whole frames. */
static size_t whole_frames(const struct recording_writer *w, size_t n)
{
	struct recording_frame frame;
	size_t at = 0;

	while (n - at >= sizeof(frame)) {
		memcpy(&frame, w->buffer + at, sizeof(frame));
		if (n - at - sizeof(frame) < frame.length)
			break;
		at += sizeof(frame) + frame.length;
	}
	return at;
}

/* The recording ends here: half a frame would look like a file that was damaged later. */
static void fail(struct recording_writer *w, int r)
{
	w->error = r;
	if (ftruncate(w->fd, (off_t)w->whole) < 0)
		return; /* a device; or nothing can be done */
}

void recording_write_flush(struct recording_writer *w)
{
	size_t n = 0;
	int r;

	if (w->error < 0 || w->fd < 0)
		return;
	r = output_write_all(w->fd, w->buffer, w->used, &n);
	w->whole += r < 0 ? whole_frames(w, n) : n;
	w->used = 0;
	if (r < 0)
		fail(w, r);
}

void recording_write(struct recording_writer *w, enum recording_type type, const void *payload,
		     size_t size)
{
	struct recording_frame frame = {.type = type, .length = (uint32_t)size};

	if (sizeof(w->buffer) - w->used < sizeof(frame) + size)
		recording_write_flush(w);
	if (w->error < 0 || w->fd < 0)
		return;
	frame.crc = recording_crc(&frame, offsetof(struct recording_frame, crc), payload, size);
	memcpy(w->buffer + w->used, &frame, sizeof(frame));
	if (size > 0)
		memcpy(w->buffer + w->used + sizeof(frame), payload, size);
	w->used += sizeof(frame) + size;
}

/* Written at once: where there is no room for a header the caller must know. */
static int write_header(struct recording_writer *w, const char *kernel,
			const struct reasons *reasons)
{
	struct recording_header h = {.version = RECORDING_VERSION,
				     .event_version = RST_EVENT_VERSION};
	size_t names, n;
	int r;

	memcpy(h.magic, RECORDING_MAGIC, sizeof(h.magic));
	str_copy(h.kernel, sizeof(h.kernel), kernel);
	h.n_reasons = MIN(reasons->n, (unsigned int)REASONS_MAX);
	names = h.n_reasons * sizeof(reasons->name[0]);
	h.crc = recording_crc(&h, offsetof(struct recording_header, crc), reasons->name, names);
	r = output_write_all(w->fd, (const char *)&h, sizeof(h), &n);
	if (!r)
		r = output_write_all(w->fd, (const char *)reasons->name, names, &n);
	if (r < 0)
		fail(w, r);
	else
		w->whole = sizeof(h) + names;
	return r;
}

/* A recording names processes, peers and paths: nobody else may read it, and a link that somebody
 * put in its place is not followed. A pipe could stop the daemon, now or later. */
static int open_file(const char *path, int *ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	fd = open(path,
		  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		  0600);
	if (fd < 0) /* ENXIO: a socket, or a pipe that nobody reads */
		return errno == ENXIO ? -ESPIPE : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return -ESPIPE;
	if (S_ISREG(st.st_mode) && fchmod(fd, 0600) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int recording_write_open(struct recording_writer *w, const char *path, const char *kernel,
			 const struct reasons *reasons)
{
	int r;

	w->fd = -1;
	r = open_file(path, &w->fd);
	return r < 0 ? r : write_header(w, kernel, reasons);
}

int recording_write_done(struct recording_writer *w)
{
	recording_write_flush(w);
	/* some file systems find out only now that there was no room */
	if (w->fd >= 0 && close(w->fd) < 0 && !w->error)
		w->error = -errno;
	w->fd = -1;
	return w->error;
}
