/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a recording. Checksums would keep the fuzzer out of everything behind them, so the
 * input is taken as header names and frames whose checksums are put right first; the first byte
 * says whether to do so.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/mman.h>

#include "daemon/recording.h"
#include "daemon/recording_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend(uint8_t *p, size_t size)
{
	struct recording_header h;
	struct recording_frame frame;
	size_t at, names;

	if (size < sizeof(h))
		return;
	memcpy(&h, p, sizeof(h));
	memcpy(h.magic, RECORDING_MAGIC, sizeof(h.magic));
	h.version = RECORDING_VERSION;
	h.event_version = RST_EVENT_VERSION;
	h.n_reasons %= REASONS_MAX + 1;
	names = (size_t)h.n_reasons * RSTMON_REASON_MAX;
	at = sizeof(h) + names;
	if (at > size)
		return;
	h.crc = recording_crc(&h, offsetof(struct recording_header, crc), p + sizeof(h), names);
	memcpy(p, &h, sizeof(h));

	while (size - at >= sizeof(frame)) {
		memcpy(&frame, p + at, sizeof(frame));
		if (frame.length > size - at - sizeof(frame))
			return;
		frame.crc = recording_crc(&frame, offsetof(struct recording_frame, crc),
					  p + at + sizeof(frame), frame.length);
		memcpy(p + at, &frame, sizeof(frame));
		at += sizeof(frame) + frame.length;
	}
}

static int take(const void *record, size_t size, void *userdata)
{
	struct source *s = userdata;
	struct rst_process p;
	char path[256];
	uint32_t tgid = ((const uint8_t *)record)[0];

	if (size == 0 || size > RECORDING_RECORD_MAX)
		abort();
	s->ops->process(s, tgid, 0, &p);
	s->ops->process(s, tgid, 1, &p);
	s->ops->cgroup(s, tgid, path, sizeof(path));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	_cleanup_free_ uint8_t *copy = NULL;
	struct source_totals totals;
	struct source *s;
	char path[64], error[512];
	int r;

	if (size < 1)
		return 0;
	copy = malloc(size);
	if (fd < 0 || !copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		mend(copy, size - 1);
	if (write(fd, copy, size - 1) != (ssize_t)(size - 1))
		abort();

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = recording_open(path, &s, error, sizeof(error));
	if (r < 0) {
		if (!*error || strchr(error, '\n'))
			abort();
		return 0;
	}
	while ((r = s->ops->drain(s, 7, take, s)) > 0)
		;
	if (r != -ENODATA)
		abort();
	s->ops->totals(s, &totals);
	source_free(s);
	return 0;
}
