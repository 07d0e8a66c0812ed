/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A source that writes down what passes through it from another source. Must not change, hold up or
 * lose anything of the flow: a write error ends the recording alone. Proved by
 * tests/unit/daemon/recording.c.
 */
#include "common/util.h"

#include <errno.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "daemon/recording.h"
#include "daemon/recording_format.h"
#include "rstmon/interface.h"

/* What was written once and need not be again; of a process also what would be written: it goes
 * into the recording when a reset is its own, so that a recording that is handed on does not list
 * everything that ran on the host. */
struct seen {
	struct seen_key {
		uint64_t id; /* a cgroup's, or a process's start */
		uint64_t tgid;
	} key;
	bool written;
	struct rst_process process;
	UT_hash_handle hh;
};

struct recorder {
	struct source source;
	struct source *inner;
	struct recording_writer writer;
	bool has_offset, finished;
	int64_t offset;
	struct seen *processes, *cgroups;
	source_record_fn fn; /* of the call that is running */
	void *userdata;
};

static struct recorder *recorder_of(struct source *s)
{
	return (struct recorder *)((char *)s - offsetof(struct recorder, source));
}

static struct seen *seen_find(struct seen *table, const struct seen_key *key)
{
	struct seen *entry;

	HASH_FIND(hh, table, key, sizeof(*key), entry);
	return entry;
}

static void seen_drop(struct seen **table, struct seen *entry)
{
	HASH_DEL(*table, entry);
	free(entry);
}

/* The table keeps the order of insertion: at its bound the first one goes, which was of use longest
 * ago. If it comes back it is written again, which does no harm. */
static struct seen *seen_add(struct seen **table, struct seen *entry, unsigned int max)
{
	if (HASH_COUNT(*table) >= max)
		seen_drop(table, *table);
	HASH_ADD(hh, *table, key, sizeof(entry->key), entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

/* The entry of 'key', the last one of the table now; made if it is new. NULL: no memory. */
static struct seen *seen_get(struct seen **table, struct seen_key key, unsigned int max)
{
	struct seen *entry = seen_find(*table, &key);

	if (entry) {
		HASH_DEL(*table, entry);
		return seen_add(table, entry, max);
	}
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->key = key;
	return seen_add(table, entry, max);
}

static void seen_free(struct seen **table)
{
	struct seen *entry, *next;

	HASH_ITER (hh, *table, entry, next)
		seen_drop(table, entry);
}

static void write_time(struct recorder *rec)
{
	int64_t offset = rec->inner->ops->clock_offset(rec->inner), change = offset - rec->offset;

	if (rec->has_offset && change <= (int64_t)NSEC_PER_MSEC &&
	    -change <= (int64_t)NSEC_PER_MSEC)
		return;
	rec->has_offset = true;
	rec->offset = offset;
	recording_write(&rec->writer, RECORDING_TIME, &offset, sizeof(offset));
}

static void write_process(struct recorder *rec, struct seen *entry)
{
	if (!entry || entry->written)
		return;
	entry->written = true;
	recording_write(&rec->writer, RECORDING_PROCESS, &entry->process, sizeof(entry->process));
}

static void write_owner(struct recorder *rec, const void *record, size_t size)
{
	struct rst_event e;
	struct seen_key key = {};

	if (size < sizeof(e))
		return;
	memcpy(&e, record, sizeof(e));
	key.id = e.key.owner_start;
	key.tgid = e.key.owner_tgid;
	if (seen_find(rec->processes, &key))
		write_process(rec, seen_get(&rec->processes, key, RSTMON_PROCESS_CACHE_MAX));
}

static int on_record(const void *record, size_t size, void *userdata)
{
	struct recorder *rec = userdata;

	write_time(rec);
	write_owner(rec, record, size);
	if (size > 0 && size <= RECORDING_RECORD_MAX)
		recording_write(&rec->writer, RECORDING_EVENT, record, size);
	return rec->fn(record, size, rec->userdata);
}

static int recorder_drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct recorder *rec = recorder_of(s);
	int r;

	rec->fn = fn;
	rec->userdata = userdata;
	r = rec->inner->ops->drain(rec->inner, max, on_record, rec);
	if (r <= 0)
		recording_write_flush(
			&rec->writer); /* nothing more for now: whoever reads the file sees all */
	return r;
}

static int recorder_fd(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->fd(inner);
}

static bool recorder_sleep(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->sleep(inner);
}

static void recorder_totals(struct source *s, struct source_totals *ret)
{
	struct source *inner = recorder_of(s)->inner;

	inner->ops->totals(inner, ret);
}

static const struct rst_slot *recorder_slots(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->slots(inner);
}

static struct seen *keep_process(struct recorder *rec, const struct rst_process *p)
{
	struct seen_key key = {.id = p->start, .tgid = p->tgid};
	struct seen *entry = seen_get(&rec->processes, key, RSTMON_PROCESS_CACHE_MAX);

	if (entry && !entry->written)
		entry->process = *p;
	return entry;
}

static int recorder_process(struct source *s, uint32_t tgid, uint64_t start,
			    struct rst_process *ret)
{
	struct recorder *rec = recorder_of(s);
	int r;

	r = rec->inner->ops->process(rec->inner, tgid, start, ret);
	if (r >= 0)
		write_process(rec, keep_process(rec, ret));
	return r;
}

static int on_process(const void *record, size_t size, void *userdata)
{
	struct recorder *rec = userdata;
	struct rst_process p;

	if (size == sizeof(p)) {
		memcpy(&p, record, sizeof(p));
		keep_process(rec, &p);
	}
	return rec->fn(record, size, rec->userdata);
}

static int recorder_processes(struct source *s, source_record_fn fn, void *userdata)
{
	struct recorder *rec = recorder_of(s);

	rec->fn = fn;
	rec->userdata = userdata;
	return rec->inner->ops->processes(rec->inner, on_process, rec);
}

static int recorder_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	struct recorder *rec = recorder_of(s);
	struct seen_key key = {.id = id};
	char payload[RECORDING_PAYLOAD_MAX];
	struct seen *entry;
	size_t n;
	int r;

	r = rec->inner->ops->cgroup(rec->inner, id, ret_path, size);
	if (r < 0)
		return r;
	n = strlen(ret_path);
	if (!n || n > RECORDING_CGROUP_MAX)
		return r;
	entry = seen_get(&rec->cgroups, key, RSTMON_CGROUP_CACHE_MAX);
	if (entry && !entry->written) {
		entry->written = true;
		memcpy(payload, &id, sizeof(id));
		memcpy(payload + sizeof(id), ret_path, n);
		recording_write(&rec->writer, RECORDING_CGROUP, payload, sizeof(id) + n);
	}
	return r;
}

static const struct source_hook *recorder_hooks(struct source *s, size_t *ret_n)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->hooks(inner, ret_n);
}

static int64_t recorder_clock_offset(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->clock_offset(inner);
}

static uint64_t recorder_position(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->position(inner);
}

static size_t recorder_ring_bytes(struct source *s)
{
	struct source *inner = recorder_of(s)->inner;

	return inner->ops->ring_bytes(inner);
}

static void write_slots(struct recorder *rec)
{
	const struct rst_slot *slots = rec->inner->ops->slots(rec->inner);

	for (size_t i = 0; slots && i < RST_SLOTS; i++) {
		struct rst_slot slot;

		if (!__atomic_load_n(&slots[i].ready, __ATOMIC_ACQUIRE))
			continue;
		memcpy(&slot, &slots[i], sizeof(slot)); /* it may change while it is written */
		recording_write(&rec->writer, RECORDING_SLOT, &slot, sizeof(slot));
	}
}

int recorder_finish(struct source *s)
{
	struct recorder *rec = recorder_of(s);

	if (!rec->finished)
		write_slots(rec);
	rec->finished = true;
	return recording_write_done(&rec->writer);
}

static void recorder_done(struct recorder *rec)
{
	seen_free(&rec->processes);
	seen_free(&rec->cgroups);
	free(rec);
}

static void recorder_free(struct source *s)
{
	struct recorder *rec = recorder_of(s);

	recorder_finish(s);
	source_free(rec->inner);
	recorder_done(rec);
}

static const struct source_ops recorder_ops = {
	.drain = recorder_drain,
	.position = recorder_position,
	.fd = recorder_fd,
	.sleep = recorder_sleep,
	.totals = recorder_totals,
	.slots = recorder_slots,
	.process = recorder_process,
	.processes = recorder_processes,
	.cgroup = recorder_cgroup,
	.hooks = recorder_hooks,
	.clock_offset = recorder_clock_offset,
	.ring_bytes = recorder_ring_bytes,
	.free = recorder_free,
};

int recorder_new(struct source *inner, const char *path, struct source **ret)
{
	static const struct reasons none;
	struct recorder *rec;
	int r;

	rec = calloc(1, sizeof(*rec));
	if (!rec)
		return -ENOMEM;
	rec->source = *inner;
	rec->source.ops = &recorder_ops;
	rec->inner = inner;

	r = recording_write_open(&rec->writer, path, inner->kernel ? inner->kernel : "",
				 inner->reasons ? inner->reasons : &none);
	if (r < 0) {
		recording_write_done(&rec->writer);
		recorder_done(rec);
		return r;
	}
	*ret = &rec->source;
	return 0;
}

int recorder_error(struct source *s)
{
	return recorder_of(s)->writer.error;
}
