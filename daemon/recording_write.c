/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the header and the frames of a recording. Must not follow links, let others read, or go on
 * after an error. Proved by tests/unit/daemon/recording.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/recording_format.h"
#include "rstmon/event.h"

static void fail(struct recording_writer *w)
{
	w->error = errno > 0 ? -errno : -EIO;
}

void recording_write(struct recording_writer *w, enum recording_type type, const void *payload,
		     size_t size)
{
	struct recording_frame frame = {.type = type, .length = (uint32_t)size};

	if (w->error < 0)
		return;
	frame.crc = recording_crc(&frame, offsetof(struct recording_frame, crc), payload, size);
	errno = 0;
	if (fwrite(&frame, sizeof(frame), 1, w->file) != 1 ||
	    fwrite(payload, 1, size, w->file) != size)
		fail(w);
}

void recording_write_flush(struct recording_writer *w)
{
	if (w->error < 0)
		return;
	errno = 0;
	if (fflush(w->file) != 0)
		fail(w);
}

static int write_header(struct recording_writer *w, const char *kernel,
			const struct reasons *reasons)
{
	struct recording_header h = {.version = RECORDING_VERSION,
				     .event_version = RST_EVENT_VERSION};
	size_t names;

	memcpy(h.magic, RECORDING_MAGIC, sizeof(h.magic));
	str_copy(h.kernel, sizeof(h.kernel), kernel);
	h.n_reasons = MIN(reasons->n, (unsigned int)REASONS_MAX);
	names = h.n_reasons * sizeof(reasons->name[0]);
	h.crc = recording_crc(&h, offsetof(struct recording_header, crc), reasons->name, names);
	errno = 0;
	if (fwrite(&h, sizeof(h), 1, w->file) != 1 ||
	    fwrite(reasons->name, 1, names, w->file) != names || fflush(w->file) != 0)
		fail(w);
	return w->error;
}

/* A recording names processes, peers and paths: nobody else may read it, and a link that somebody
 * put in its place is not followed. */
static int open_file(const char *path, FILE **ret)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	FILE *file;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && fchmod(fd, 0600) < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file)
		return -errno;
	(void)TAKE_FD(fd);
	*ret = file;
	return 0;
}

int recording_write_open(struct recording_writer *w, const char *path, const char *kernel,
			 const struct reasons *reasons)
{
	int r;

	r = open_file(path, &w->file);
	if (r < 0)
		return r;
	setvbuf(w->file, w->buffer, _IOFBF, sizeof(w->buffer));
	return write_header(w, kernel, reasons);
}

void recording_write_done(struct recording_writer *w)
{
	if (w->file)
		fclose(w->file);
	w->file = NULL;
}
