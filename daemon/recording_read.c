/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the header and the frames of a recording, which may hold anything: each length, number and
 * checksum is looked at before it is used. Must not know what the payloads mean. Proved by
 * tests/unit/daemon/recording.c and tests/fuzz/recording.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/recording_format.h"
#include "rstmon/event.h"

int recording_bad(struct recording_reader *reader, uint64_t offset, const char *format, ...)
{
	va_list ap;
	int n;

	n = snprintf(reader->error, sizeof(reader->error),
		     "byte %llu: ", (unsigned long long)offset);
	va_start(ap, format);
	if (vsnprintf(reader->error + n, sizeof(reader->error) - (size_t)n, format, ap) < 0)
		reader->error[n] = '\0';
	va_end(ap);
	return -EBADMSG;
}

/* Reads up to 'size' bytes; less only at the file's end. */
static int read_bytes(struct recording_reader *reader, void *dst, size_t size, size_t *ret_n)
{
	size_t n = fread(dst, 1, size, reader->file);

	if (n < size && ferror(reader->file))
		return recording_bad(reader, reader->at + n, "the recording cannot be read");
	*ret_n = n;
	return 0;
}

/* The sizes that a payload of each type may have. */
static bool length_fits(uint32_t type, uint32_t length)
{
	switch (type) {
	case RECORDING_EVENT:
		return length > 0 && length <= RECORDING_RECORD_MAX;
	case RECORDING_TIME:
		return length == sizeof(int64_t);
	case RECORDING_PROCESS:
		return length == sizeof(struct rst_process) || length == RECORDING_PROCESS_HOMELESS;
	case RECORDING_CGROUP:
		return length > sizeof(uint64_t) && length <= RECORDING_PAYLOAD_MAX;
	case RECORDING_SLOT:
		return length == sizeof(struct rst_slot);
	default:
		return false;
	}
}

int recording_read(struct recording_reader *reader, struct recording_frame *ret)
{
	struct recording_frame frame;
	size_t n;
	int r;

	r = read_bytes(reader, &frame, sizeof(frame), &n);
	if (r < 0 || n == 0)
		return r;
	if (n < sizeof(frame))
		return recording_bad(reader, reader->at,
				     "the recording is cut off in a frame's head");
	if (frame.type < RECORDING_EVENT || frame.type > RECORDING_SLOT)
		return recording_bad(reader, reader->at, "a frame of unknown type %u", frame.type);
	if (!length_fits(frame.type, frame.length))
		return recording_bad(reader, reader->at, "a frame of type %u cannot have %u bytes",
				     frame.type, frame.length);

	r = read_bytes(reader, reader->payload, frame.length, &n);
	if (r < 0)
		return r;
	if (n < frame.length)
		return recording_bad(
			reader, reader->at,
			"the recording is cut off in a frame, %zu of its %u bytes are there", n,
			frame.length);
	if (frame.crc != recording_crc(&frame, offsetof(struct recording_frame, crc),
				       reader->payload, frame.length))
		return recording_bad(reader, reader->at, "a frame's checksum is wrong");
	if (frame.type == RECORDING_PROCESS && frame.length < sizeof(struct rst_process))
		memset(reader->payload + frame.length, 0,
		       sizeof(struct rst_process) - frame.length);
	reader->at += sizeof(frame) + frame.length;
	*ret = frame;
	return 1;
}

int recording_read_seek(struct recording_reader *reader, uint64_t offset)
{
	if (fseeko(reader->file, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	reader->at = offset;
	return 0;
}

static int take_reasons(const struct recording_reader *reader, unsigned int n_reasons,
			struct reasons *reasons)
{
	for (unsigned int i = 0; i < n_reasons; i++) {
		const char *name = reader->payload + (size_t)i * RSTMON_REASON_MAX;
		char clean[RSTMON_REASON_MAX];
		int r;

		str_sanitise(clean, sizeof(clean), name, RSTMON_REASON_MAX);
		if (!*clean)
			continue;
		r = reasons_add(reasons, i, clean);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_header(struct recording_reader *reader, char *ret_kernel,
		       struct reasons *ret_reasons)
{
	struct recording_header h;
	size_t n, names;
	int r;

	r = read_bytes(reader, &h, sizeof(h), &n);
	if (r < 0)
		return r;
	if (n < sizeof(h.magic) || memcmp(h.magic, RECORDING_MAGIC, sizeof(h.magic)))
		return recording_bad(reader, 0, "this is no recording of rstmond");
	if (n < sizeof(h))
		return recording_bad(reader, n, "the recording is cut off in its header");
	if (h.version != RECORDING_VERSION)
		return recording_bad(reader, offsetof(struct recording_header, version),
				     "version %u of the format, this rstmond reads version %u",
				     h.version, RECORDING_VERSION);
	if (h.event_version != RST_EVENT_VERSION)
		return recording_bad(reader, offsetof(struct recording_header, event_version),
				     "records of version %u, this rstmond reads version %u",
				     h.event_version, RST_EVENT_VERSION);
	if (h.n_reasons > REASONS_MAX)
		return recording_bad(reader, offsetof(struct recording_header, n_reasons),
				     "%u reasons, at most %d can be", h.n_reasons, REASONS_MAX);

	names = (size_t)h.n_reasons * RSTMON_REASON_MAX;
	r = read_bytes(reader, reader->payload, names, &n);
	if (r < 0)
		return r;
	if (n < names)
		return recording_bad(reader, sizeof(h) + n,
				     "the recording is cut off in its header");
	if (h.crc !=
	    recording_crc(&h, offsetof(struct recording_header, crc), reader->payload, names))
		return recording_bad(reader, offsetof(struct recording_header, crc),
				     "the header's checksum is wrong");

	str_sanitise(ret_kernel, RECORDING_KERNEL_MAX, h.kernel, sizeof(h.kernel));
	reader->at = sizeof(h) + names;
	return take_reasons(reader, h.n_reasons, ret_reasons);
}

int recording_read_open(struct recording_reader *reader, const char *path, char *ret_kernel,
			struct reasons *ret_reasons)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* a pipe that nobody writes to must not stop the daemon before it can be refused */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) /* ENXIO: a socket */
		return errno == ENXIO ? -ESPIPE : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE; /* it is read twice */
	reader->file = fdopen(fd, "r");
	if (!reader->file)
		return -errno;
	(void)TAKE_FD(fd);
	return read_header(reader, ret_kernel, ret_reasons);
}

void recording_read_done(struct recording_reader *reader)
{
	if (reader->file)
		fclose(reader->file);
	reader->file = NULL;
}
