/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording as a source: names and slots are read when it is opened, events as they are drained.
 * Must need no privileges and trust nothing that the frames hold. Proved by
 * tests/unit/daemon/recording.c and tests/fuzz/recording.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/recording.h"
#include "daemon/recording_format.h"
#include "daemon/recording_names.h"

struct recording {
	struct source source;
	struct recording_reader reader;
	uint64_t end; /* where the events end: the file's end, or its first bad frame */
	char kernel[RECORDING_KERNEL_MAX];
	struct reasons reasons;
	struct recording_names *names;
	struct rst_slot *slots; /* RST_SLOTS of them */
	unsigned int n_slots;
	int64_t offset;
	uint64_t events[RST_DIRECTION_MAX], swallowed;
	struct source_hook hook;
};

static struct recording *recording_of(struct source *s)
{
	return (struct recording *)((char *)s - offsetof(struct recording, source));
}

static int add_name(struct recording *rec, uint64_t at, const struct recording_frame *frame)
{
	int r;

	if (frame->type == RECORDING_PROCESS)
		r = recording_names_add_process(rec->names, rec->reader.payload);
	else
		r = recording_names_add_cgroup(rec->names, rec->reader.payload, frame->length);
	if (r == -EINVAL)
		return recording_bad(&rec->reader, at, "a cgroup's path is none");
	if (r == -E2BIG) { /* told, but no reason to leave out events; the first one is told */
		if (!rec->reader.error[0])
			recording_bad(&rec->reader, at, "more than %d %s, the later have no names",
				      frame->type == RECORDING_PROCESS ? RECORDING_PROCESSES_MAX
								       : RECORDING_CGROUPS_MAX,
				      frame->type == RECORDING_PROCESS ? "processes" : "cgroups");
		r = 0;
	}
	return r;
}

static int add_slot(struct recording *rec, uint64_t at)
{
	struct rst_slot slot;

	memcpy(&slot, rec->reader.payload, sizeof(slot));
	if (slot.key.direction >= RST_DIRECTION_MAX)
		return recording_bad(&rec->reader, at, "a slot of no direction");
	if (rec->n_slots >= RST_SLOTS)
		return recording_bad(&rec->reader, at, "more than %d slots", RST_SLOTS);
	slot.comm[sizeof(slot.comm) - 1] = '\0';
	slot.ready = 1;
	rec->slots[rec->n_slots++] = slot;
	return 0;
}

/* Reads the names and slots of the whole file, because a name may be recorded after the event that
 * needs it. Finds the first bad frame: what came before it stays valid. */
static int scan(struct recording *rec)
{
	struct recording_frame frame;
	bool has_offset = false;
	uint64_t at;
	int r;

	while (at = rec->reader.at, (r = recording_read(&rec->reader, &frame)) > 0) {
		switch (frame.type) {
		case RECORDING_TIME:
			if (!has_offset)
				memcpy(&rec->offset, rec->reader.payload, sizeof(rec->offset));
			has_offset = true;
			break;
		case RECORDING_PROCESS:
		case RECORDING_CGROUP:
			r = add_name(rec, at, &frame);
			break;
		case RECORDING_SLOT:
			r = add_slot(rec, at);
			break;
		}
		if (r < 0)
			break;
	}
	rec->end = at;
	return r == -EBADMSG ? 0 : r;
}

static void count_event(struct recording *rec, size_t size)
{
	struct rst_event e;

	if (size < sizeof(e))
		return; /* the decoder refuses it */
	memcpy(&e, rec->reader.payload, sizeof(e));
	if (e.key.direction >= RST_DIRECTION_MAX)
		return;
	rec->events[e.key.direction]++;
	if (e.key.direction == RST_SENT && (e.flags & RST_EVENT_SWALLOWS))
		rec->swallowed++; /* a record of received that was no reset */
}

static int recording_drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct recording *rec = recording_of(s);
	struct recording_frame frame;
	unsigned int n = 0;
	int r;

	while (n < max && rec->reader.at < rec->end) {
		r = recording_read(&rec->reader, &frame);
		if (r <= 0) { /* it was valid a moment ago: somebody changes the file */
			rec->end = rec->reader.at;
			break;
		}
		if (frame.type == RECORDING_TIME)
			memcpy(&rec->offset, rec->reader.payload, sizeof(rec->offset));
		if (frame.type != RECORDING_EVENT)
			continue;
		n++;
		count_event(rec, frame.length);
		r = fn(rec->reader.payload, frame.length, userdata);
		if (r < 0)
			return r;
	}
	return n == 0 && rec->reader.at >= rec->end ? -ENODATA : (int)n;
}

static int recording_fd(struct source *s)
{
	(void)s;
	return -1;
}

static bool recording_sleep(struct source *s)
{
	struct recording *rec = recording_of(s);

	return rec->reader.at >= rec->end;
}

static void recording_totals(struct source *s, struct source_totals *ret)
{
	struct recording *rec = recording_of(s);
	struct source_totals t = {};

	for (unsigned int i = 0; i < rec->n_slots; i++)
		t.spilled[rec->slots[i].key.direction] += rec->slots[i].count;
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		t.unread_ever += t.spilled[d];
	t.sent = rec->events[RST_SENT] + t.spilled[RST_SENT];
	t.received = rec->events[RST_RECEIVED] + t.spilled[RST_RECEIVED];
	t.received -= MIN(t.received, rec->swallowed);
	t.timeouts = rec->events[RST_TIMEOUT] + t.spilled[RST_TIMEOUT];
	*ret = t;
}

static const struct rst_slot *recording_slots(struct source *s)
{
	return recording_of(s)->slots;
}

static int recording_process(struct source *s, uint32_t tgid, uint64_t start,
			     struct rst_process *ret)
{
	return recording_names_process(recording_of(s)->names, tgid, start, ret);
}

static int recording_processes(struct source *s, source_record_fn fn, void *userdata)
{
	return recording_names_processes(recording_of(s)->names, fn, userdata);
}

static int recording_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	return recording_names_cgroup(recording_of(s)->names, id, ret_path, size);
}

static const struct source_hook *recording_hooks(struct source *s, size_t *ret_n)
{
	*ret_n = 1;
	return &recording_of(s)->hook;
}

static int64_t recording_clock_offset(struct source *s)
{
	return recording_of(s)->offset;
}

/* It is read from its beginning each time. */
static uint64_t recording_position(struct source *s)
{
	(void)s;
	return 0;
}

static size_t recording_ring_bytes(struct source *s)
{
	(void)s;
	return 0;
}

static void recording_free(struct source *s)
{
	struct recording *rec = recording_of(s);

	recording_names_free(rec->names);
	recording_read_done(&rec->reader);
	free(rec->slots);
	free(rec);
}

static const struct source_ops recording_ops = {
	.drain = recording_drain,
	.position = recording_position,
	.fd = recording_fd,
	.sleep = recording_sleep,
	.totals = recording_totals,
	.slots = recording_slots,
	.process = recording_process,
	.processes = recording_processes,
	.cgroup = recording_cgroup,
	.hooks = recording_hooks,
	.clock_offset = recording_clock_offset,
	.ring_bytes = recording_ring_bytes,
	.free = recording_free,
};

/* Opens 'path' and reads all but the events; on failure rec->reader.error may have the sentence. */
static int open_and_scan(struct recording *rec, const char *path)
{
	uint64_t start;
	int r;

	rec->slots = calloc(RST_SLOTS, sizeof(*rec->slots));
	rec->names = recording_names_new();
	if (!rec->slots || !rec->names)
		return -ENOMEM;
	r = recording_read_open(&rec->reader, path, rec->kernel, &rec->reasons);
	if (r < 0)
		return r;

	start = rec->reader.at;
	r = scan(rec);
	return r < 0 ? r : recording_read_seek(&rec->reader, start);
}

int recording_open(const char *path, struct source **ret, char *error, size_t error_size)
{
	struct recording *rec;
	int r;

	rec = calloc(1, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->source.ops = &recording_ops;
	rec->source.reasons = &rec->reasons;
	rec->source.kernel = rec->kernel;
	rec->hook = (struct source_hook){.name = "recording",
					 .adds = "resets as they were recorded",
					 .required = true,
					 .attached = true};

	r = open_and_scan(rec, path);
	if (r < 0) {
		char clean[256];

		str_sanitise(clean, sizeof(clean), path, strlen(path));
		snprintf(error, error_size, "%s: %s", clean,
			 r == -EBADMSG	? rec->reader.error
			 : r == -ESPIPE ? "no regular file, a recording is read twice"
					: strerror(-r));
		recording_free(&rec->source);
		return r;
	}
	*ret = &rec->source;
	return 0;
}

const char *recording_error(struct source *s)
{
	struct recording *rec = recording_of(s);

	return rec->reader.error[0] ? rec->reader.error : NULL;
}
