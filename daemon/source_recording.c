/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A recording as a source. The file may come from anywhere, so that every length, number and
 * checksum in it is looked at before it is used; the names are read when it is opened, the events
 * as they are drained. Must not need privileges. Proved by tests/unit/daemon/recording.c,
 * tests/fuzz/recording.c.
 */
#include "common/util.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "common/str.h"
#include "daemon/recording.h"
#include "daemon/recording_format.h"
#include "rstmon/interface.h"

struct process {
	struct process_key {
		uint64_t start;
		uint64_t tgid;
	} key;
	struct rst_process process;
	UT_hash_handle hh;	/* by key */
	UT_hash_handle hh_tgid; /* by key.tgid, the one recorded last */
};

struct cgroup {
	uint64_t id;
	UT_hash_handle hh;
	char path[];
};

struct recording {
	struct source source;
	FILE *file;
	uint64_t at;  /* offset of the next frame */
	uint64_t end; /* where the events end: the file's end, or its first bad frame */
	char kernel[RECORDING_KERNEL_MAX];
	struct reasons reasons;
	struct process *processes, *by_tgid;
	struct cgroup *cgroups;
	struct rst_slot *slots; /* RST_SLOTS of them */
	unsigned int n_slots;
	int64_t offset;
	uint64_t events[RST_DIRECTION_MAX], swallowed;
	char error[256]; /* "": the end was clean */
	struct source_hook hook;
	_Alignas(8) char payload[RECORDING_PAYLOAD_MAX + 1];
};

static struct recording *recording_of(struct source *s)
{
	return (struct recording *)((char *)s - offsetof(struct recording, source));
}

static int _printf_(3, 4) bad(struct recording *rec, uint64_t offset, const char *format, ...)
{
	va_list ap;
	int n;

	n = snprintf(rec->error, sizeof(rec->error), "byte %llu: ", (unsigned long long)offset);
	va_start(ap, format);
	if (vsnprintf(rec->error + n, sizeof(rec->error) - (size_t)n, format, ap) < 0)
		rec->error[n] = '\0';
	va_end(ap);
	return -EBADMSG;
}

/* Reads up to 'size' bytes; less only at the file's end. */
static int read_bytes(struct recording *rec, void *dst, size_t size, size_t *ret_n)
{
	size_t n = fread(dst, 1, size, rec->file);

	if (n < size && ferror(rec->file))
		return bad(rec, rec->at + n, "the recording cannot be read");
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
		return length == sizeof(struct rst_process);
	case RECORDING_CGROUP:
		return length > sizeof(uint64_t) && length <= RECORDING_PAYLOAD_MAX;
	case RECORDING_SLOT:
		return length == sizeof(struct rst_slot);
	default:
		return false;
	}
}

/* The frame at rec->at, its payload in rec->payload. 1: there is one; 0: the file ends here. */
static int read_frame(struct recording *rec, struct recording_frame *ret)
{
	struct recording_frame frame;
	size_t n;
	int r;

	r = read_bytes(rec, &frame, sizeof(frame), &n);
	if (r < 0 || n == 0)
		return r;
	if (n < sizeof(frame))
		return bad(rec, rec->at, "the recording is cut off in a frame's head");
	if (frame.type < RECORDING_EVENT || frame.type > RECORDING_SLOT)
		return bad(rec, rec->at, "a frame of unknown type %u", frame.type);
	if (!length_fits(frame.type, frame.length))
		return bad(rec, rec->at, "a frame of type %u cannot have %u bytes", frame.type,
			   frame.length);

	r = read_bytes(rec, rec->payload, frame.length, &n);
	if (r < 0)
		return r;
	if (n < frame.length)
		return bad(rec, rec->at,
			   "the recording is cut off in a frame, %zu of its %u bytes are there", n,
			   frame.length);
	if (frame.crc != recording_crc(&frame, offsetof(struct recording_frame, crc), rec->payload,
				       frame.length))
		return bad(rec, rec->at, "a frame's checksum is wrong");
	*ret = frame;
	return 1;
}

static int add_process(struct recording *rec)
{
	struct process *entry, *old;
	struct rst_process p;
	struct process_key key;

	memcpy(&p, rec->payload, sizeof(p));
	p.comm[sizeof(p.comm) - 1] = '\0';
	p.exe[sizeof(p.exe) - 1] = '\0';
	key = (struct process_key){.start = p.start, .tgid = p.tgid};

	HASH_FIND(hh, rec->processes, &key, sizeof(key), entry);
	if (entry) {
		entry->process = p;
		return 0;
	}
	if (HASH_COUNT(rec->processes) >= RSTMON_PROCESS_CACHE_MAX)
		return bad(rec, rec->at, "more than %d processes", RSTMON_PROCESS_CACHE_MAX);

	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->key = key;
	entry->process = p;
	HASH_ADD(hh, rec->processes, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	HASH_FIND(hh_tgid, rec->by_tgid, &key.tgid, sizeof(key.tgid), old);
	if (old)
		HASH_DELETE(hh_tgid, rec->by_tgid, old);
	HASH_ADD(hh_tgid, rec->by_tgid, key.tgid, sizeof(entry->key.tgid), entry);
	return entry->hh_tgid.tbl ? 0 : -ENOMEM;
}

static int add_cgroup(struct recording *rec, size_t length)
{
	const char *path = rec->payload + sizeof(uint64_t);
	size_t n = length - sizeof(uint64_t);
	struct cgroup *entry;
	uint64_t id;

	memcpy(&id, rec->payload, sizeof(id));
	if (path[0] != '/' || memchr(path, '\0', n))
		return bad(rec, rec->at, "a cgroup's path is none");
	HASH_FIND(hh, rec->cgroups, &id, sizeof(id), entry);
	if (entry)
		return 0;
	if (HASH_COUNT(rec->cgroups) >= RSTMON_CGROUP_CACHE_MAX)
		return bad(rec, rec->at, "more than %d cgroups", RSTMON_CGROUP_CACHE_MAX);

	entry = calloc(1, sizeof(*entry) + n + 1);
	if (!entry)
		return -ENOMEM;
	entry->id = id;
	memcpy(entry->path, path, n);
	HASH_ADD(hh, rec->cgroups, id, sizeof(entry->id), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return -ENOMEM;
	}
	return 0;
}

static int add_slot(struct recording *rec)
{
	struct rst_slot slot;

	memcpy(&slot, rec->payload, sizeof(slot));
	if (slot.key.direction >= RST_DIRECTION_MAX)
		return bad(rec, rec->at, "a slot of no direction");
	if (rec->n_slots >= RST_SLOTS)
		return bad(rec, rec->at, "more than %d slots", RST_SLOTS);
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
	int r;

	while ((r = read_frame(rec, &frame)) > 0) {
		switch (frame.type) {
		case RECORDING_TIME:
			if (!has_offset)
				memcpy(&rec->offset, rec->payload, sizeof(rec->offset));
			has_offset = true;
			break;
		case RECORDING_PROCESS:
			r = add_process(rec);
			break;
		case RECORDING_CGROUP:
			r = add_cgroup(rec, frame.length);
			break;
		case RECORDING_SLOT:
			r = add_slot(rec);
			break;
		}
		if (r < 0)
			break;
		rec->at += sizeof(frame) + frame.length;
	}
	rec->end = rec->at;
	return r == -EBADMSG ? 0 : r;
}

static void count_event(struct recording *rec, size_t size)
{
	struct rst_event e;

	if (size < sizeof(e))
		return; /* the decoder refuses it */
	memcpy(&e, rec->payload, sizeof(e));
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

	while (n < max && rec->at < rec->end) {
		r = read_frame(rec, &frame);
		if (r <= 0) { /* it was valid a moment ago: somebody changes the file */
			rec->end = rec->at;
			break;
		}
		rec->at += sizeof(frame) + frame.length;
		if (frame.type == RECORDING_TIME)
			memcpy(&rec->offset, rec->payload, sizeof(rec->offset));
		if (frame.type != RECORDING_EVENT)
			continue;
		n++;
		count_event(rec, frame.length);
		r = fn(rec->payload, frame.length, userdata);
		if (r < 0)
			return r;
	}
	return n == 0 && rec->at >= rec->end ? -ENODATA : (int)n;
}

static int recording_fd(struct source *s)
{
	(void)s;
	return -1;
}

static bool recording_sleep(struct source *s)
{
	struct recording *rec = recording_of(s);

	return rec->at >= rec->end;
}

static void recording_totals(struct source *s, struct source_totals *ret)
{
	struct recording *rec = recording_of(s);
	struct source_totals t = {};

	for (unsigned int i = 0; i < rec->n_slots; i++)
		t.spilled[rec->slots[i].key.direction] += rec->slots[i].count;
	t.sent = rec->events[RST_SENT] + t.spilled[RST_SENT];
	t.received = rec->events[RST_RECEIVED] + t.spilled[RST_RECEIVED];
	t.received -= MIN(t.received, rec->swallowed);
	*ret = t;
}

static const struct rst_slot *recording_slots(struct source *s)
{
	return recording_of(s)->slots;
}

static int recording_process(struct source *s, uint32_t tgid, uint64_t start,
			     struct rst_process *ret)
{
	struct recording *rec = recording_of(s);
	struct process_key key = {.start = start, .tgid = tgid};
	struct process *entry;

	if (start)
		HASH_FIND(hh, rec->processes, &key, sizeof(key), entry);
	else
		HASH_FIND(hh_tgid, rec->by_tgid, &key.tgid, sizeof(key.tgid), entry);
	if (!entry)
		return -ESRCH;
	*ret = entry->process;
	return 0;
}

static int recording_processes(struct source *s, source_record_fn fn, void *userdata)
{
	struct process *entry, *next;
	int r;

	HASH_ITER (hh, recording_of(s)->processes, entry, next) {
		r = fn(&entry->process, sizeof(entry->process), userdata);
		if (r < 0)
			return r;
	}
	return 0;
}

static int recording_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	struct cgroup *entry;

	HASH_FIND(hh, recording_of(s)->cgroups, &id, sizeof(id), entry);
	if (!entry)
		return -ENOENT;
	if (strlen(entry->path) >= size)
		return -ENAMETOOLONG; /* half a path is another cgroup's */
	str_copy(ret_path, size, entry->path);
	return 0;
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

static size_t recording_ring_bytes(struct source *s)
{
	(void)s;
	return 0;
}

static void recording_free(struct source *s)
{
	struct recording *rec = recording_of(s);
	struct process *process, *next_process;
	struct cgroup *cgroup, *next_cgroup;

	HASH_CLEAR(hh_tgid, rec->by_tgid);
	HASH_ITER (hh, rec->processes, process, next_process) {
		HASH_DEL(rec->processes, process);
		free(process);
	}
	HASH_ITER (hh, rec->cgroups, cgroup, next_cgroup) {
		HASH_DEL(rec->cgroups, cgroup);
		free(cgroup);
	}
	if (rec->file)
		fclose(rec->file);
	free(rec->slots);
	free(rec);
}

static const struct source_ops recording_ops = {
	.drain = recording_drain,
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

static int add_reasons(struct recording *rec, unsigned int n_reasons)
{
	for (unsigned int i = 0; i < n_reasons; i++) {
		const char *name = rec->payload + (size_t)i * RSTMON_REASON_MAX;
		char clean[RSTMON_REASON_MAX];
		int r;

		str_sanitise(clean, sizeof(clean), name, RSTMON_REASON_MAX);
		if (!*clean)
			continue;
		r = reasons_add(&rec->reasons, i, clean);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_header(struct recording *rec)
{
	struct recording_header h;
	size_t n, names;
	int r;

	r = read_bytes(rec, &h, sizeof(h), &n);
	if (r < 0)
		return r;
	if (n < sizeof(h.magic) || memcmp(h.magic, RECORDING_MAGIC, sizeof(h.magic)))
		return bad(rec, 0, "this is no recording of rstmond");
	if (n < sizeof(h))
		return bad(rec, n, "the recording is cut off in its header");
	if (h.version != RECORDING_VERSION)
		return bad(rec, offsetof(struct recording_header, version),
			   "version %u of the format, this rstmond reads version %u", h.version,
			   RECORDING_VERSION);
	if (h.event_version != RST_EVENT_VERSION)
		return bad(rec, offsetof(struct recording_header, event_version),
			   "records of version %u, this rstmond reads version %u", h.event_version,
			   RST_EVENT_VERSION);
	if (h.n_reasons > REASONS_MAX)
		return bad(rec, offsetof(struct recording_header, n_reasons),
			   "%u reasons, at most %d can be", h.n_reasons, REASONS_MAX);

	names = (size_t)h.n_reasons * RSTMON_REASON_MAX;
	r = read_bytes(rec, rec->payload, names, &n);
	if (r < 0)
		return r;
	if (n < names)
		return bad(rec, sizeof(h) + n, "the recording is cut off in its header");
	if (h.crc != recording_crc(&h, offsetof(struct recording_header, crc), rec->payload, names))
		return bad(rec, offsetof(struct recording_header, crc),
			   "the header's checksum is wrong");

	str_sanitise(rec->kernel, sizeof(rec->kernel), h.kernel, sizeof(h.kernel));
	rec->at = sizeof(h) + names;
	return add_reasons(rec, h.n_reasons);
}

/* Opens 'path' and reads all but the events; on failure rec->error may have the sentence. */
static int open_and_scan(struct recording *rec, const char *path)
{
	struct stat st;
	uint64_t start;
	int r;

	rec->file = fopen(path, "re");
	if (!rec->file || fstat(fileno(rec->file), &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE; /* it is read twice */

	rec->slots = calloc(RST_SLOTS, sizeof(*rec->slots));
	if (!rec->slots)
		return -ENOMEM;
	r = read_header(rec);
	if (r < 0)
		return r;

	start = rec->at;
	r = scan(rec);
	if (r < 0)
		return r;
	rec->at = start;
	return fseeko(rec->file, (off_t)start, SEEK_SET) < 0 ? -errno : 0;
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
			 r == -EBADMSG	? rec->error
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

	return rec->error[0] ? rec->error : NULL;
}
