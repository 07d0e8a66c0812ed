/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A parked generation as a source that is read once more, to its end. Must not move its ring or
 * change what it counted: the next daemon may have to read it again. Proved by tests/survive.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/source_bpf_internal.h"

struct parked {
	struct source source;
	struct source *names;
	uint32_t generation;
	struct bpf_parts parts;
	struct bpf_counts counts;
	struct bpf_ring ring;
	struct rst_slot
		*slots; /* ours, if theirs are of another form: empty until it is detached */
};

static struct parked *parked_of(const struct source *s)
{
	return (struct parked *)s;
}

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	return bpf_ring_read(&parked_of(s)->ring, max, fn, userdata);
}

static uint64_t position(struct source *s)
{
	return parked_of(s)->ring.behind;
}

/* Theirs may be longer than ours, or shorter: what is missing is 0. */
static void copy_slots(struct parked *p)
{
	const struct bpf_counts *c = &p->counts;

	for (size_t i = 0; i < c->n_slots; i++) {
		const struct rst_slot *theirs =
			(const struct rst_slot *)(c->slots + i * c->slot_stride);

		if (theirs->ready)
			memcpy(&p->slots[i], theirs, MIN(c->slot_stride, sizeof(*theirs)));
	}
}

static const struct rst_slot *get_slots(struct source *s)
{
	struct parked *p = parked_of(s);

	return p->slots ? p->slots : (const struct rst_slot *)p->counts.slots;
}

static size_t n_slots(struct source *s)
{
	return parked_of(s)->counts.n_slots;
}

static void get_totals(struct source *s, struct source_totals *ret)
{
	const struct parked *p = parked_of(s);

	bpf_counts_totals(&p->counts, &p->parts, ret);
}

/* ---- the rest ---- */

static int no_fd(struct source *s)
{
	(void)s;
	return -1;
}

static bool no_sleep(struct source *s)
{
	(void)s;
	return true;
}

static int get_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret)
{
	struct source *names = parked_of(s)->names;

	return names ? names->ops->process(names, tgid, start, ret) : -ESRCH;
}

static int get_processes(struct source *s, source_record_fn fn, void *userdata)
{
	struct source *names = parked_of(s)->names;

	return names ? names->ops->processes(names, fn, userdata) : 0;
}

static int get_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	struct source *names = parked_of(s)->names;

	return names ? names->ops->cgroup(names, id, ret_path, size) : -ENOENT;
}

static const struct source_hook *get_hooks(struct source *s, size_t *ret_n)
{
	(void)s;
	*ret_n = 0;
	return NULL;
}

static int64_t get_offset(struct source *s)
{
	(void)s;
	return source_bpf_clock_offset();
}

static size_t ring_bytes(struct source *s)
{
	return parked_of(s)->counts.ring_bytes;
}

static void parked_free(struct source *s)
{
	struct parked *p = parked_of(s);

	bpf_ring_unmap(&p->ring);
	bpf_counts_unmap(&p->counts);
	bpf_parts_done(&p->parts);
	free(p->slots);
	free(p);
}

static const struct source_ops parked_ops = {
	.drain = drain,
	.position = position,
	.fd = no_fd,
	.sleep = no_sleep,
	.totals = get_totals,
	.slots = get_slots,
	.n_slots = n_slots,
	.process = get_process,
	.processes = get_processes,
	.cgroup = get_cgroup,
	.hooks = get_hooks,
	.clock_offset = get_offset,
	.ring_bytes = ring_bytes,
	.free = parked_free,
};

int source_parked_open(struct fdstore *store, uint32_t generation, struct source **ret)
{
	struct parked *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->source.ops = &parked_ops;
	p->source.kernel = "";
	p->generation = generation;
	r = bpf_parts_take(&p->parts, store, generation);
	if (!r)
		r = bpf_counts_map(&p->counts, &p->parts);
	if (!r)
		r = bpf_ring_map(&p->ring, bpf_parts_fd(&p->parts, FDSTORE_MAP, "ring"),
				 p->counts.ring_bytes, true);
	/* filled when nothing counts in theirs any more */
	if (!r && p->counts.slot_stride != sizeof(struct rst_slot)) {
		p->slots = calloc(p->counts.n_slots, sizeof(*p->slots));
		r = p->slots ? 0 : -ENOMEM;
	}
	if (r) {
		parked_free(&p->source);
		return r;
	}
	*ret = &p->source;
	return 0;
}

uint32_t source_parked_generation(const struct source *s)
{
	return parked_of(s)->generation;
}

uint32_t source_parked_active(const struct source *s)
{
	return __atomic_load_n(&parked_of(s)->counts.control->generation, __ATOMIC_ACQUIRE);
}

uint32_t source_parked_gate(const struct source *s)
{
	return bpf_map_number(bpf_parts_fd(&parked_of(s)->parts, FDSTORE_MAP, "control"));
}

bool source_parked_fits(const struct source *s, const struct source_bpf_options *options)
{
	static const int required[] = {HOOK_SEND, HOOK_RECEIVE, HOOK_STATE};
	const struct parked *p = parked_of(s);
	const struct rst_control *c = p->counts.control;
	bool has_packet =
		bpf_parts_fd(&p->parts, FDSTORE_PROG, source_bpf_program(HOOK_PACKET)) >= 0;

	for (size_t i = 0; i < ARRAY_SIZE(required); i++)
		if (bpf_parts_fd(&p->parts, FDSTORE_LINK, source_bpf_program(required[i])) < 0)
			return false;
	/* what is gone cannot be had again, only made anew: else the next start would miss it, too
	 */
	return !p->parts.unkept && !p->parts.orphans && c->object == source_bpf_object() &&
	       c->event_version == RST_EVENT_VERSION &&
	       p->counts.totals_stride == sizeof(struct rst_totals) && !p->slots &&
	       p->counts.n_slots == RST_SLOTS &&
	       p->counts.ring_bytes == (size_t)options->ring_kib * 1024 &&
	       (options->packet_evidence == has_packet ||
		/* it cannot be had without the storage that it shares */
		(options->packet_evidence &&
		 bpf_parts_fd(&p->parts, FDSTORE_MAP, "sock_states") < 0));
}

/* Those without a link by their nature apart, and the one that may lack the right to be attached.
 */
static bool has_link(int hook, bool rests)
{
	if (hook == HOOK_SEED || hook == HOOK_PROCESSES || hook == HOOK_PACKET)
		return false;
	return !rests || (hook != HOOK_READ && hook != HOOK_WRITE);
}

void source_parked_missing(const struct source *s, struct source_parked_missing *ret)
{
	const struct parked *p = parked_of(s);
	bool rests = __atomic_load_n(&p->counts.control->resting, __ATOMIC_SEQ_CST);
	struct source_parked_missing m = {.maps = p->parts.unkept, .hooks = p->parts.orphans};

	m.hook = m.hooks ? p->parts.orphan : NULL;
	for (int i = 0; i < HOOK_MAX; i++) {
		const char *name = source_bpf_program(i);

		if (!has_link(i, rests) || bpf_parts_fd(&p->parts, FDSTORE_PROG, name) < 0 ||
		    bpf_parts_fd(&p->parts, FDSTORE_LINK, name) >= 0)
			continue;
		m.hook = m.hook ? m.hook : name;
		m.hooks++;
	}
	*ret = m;
}

bool source_parked_owners_fit(const struct source *s)
{
	return parked_of(s)->counts.control->state_version == RST_STATE_VERSION;
}

uint64_t source_parked_seed(const struct source *s)
{
	return parked_of(s)->counts.control->hash_seed;
}

const struct bpf_parts *source_parked_parts(const struct source *s)
{
	return &parked_of(s)->parts;
}

void source_parked_close_gate(struct source *s, uint32_t generation)
{
	__atomic_store_n(&parked_of(s)->counts.control->generation, generation, __ATOMIC_SEQ_CST);
}

void source_parked_detach(struct source *s, struct fdstore *store)
{
	struct parked *p = parked_of(s);
	struct fdstore_entry *e;

	if (p->slots)
		copy_slots(p);
	for (size_t i = 0; i < p->parts.n; i++) {
		struct bpf_part *part = &p->parts.part[i];

		if (part->kind != FDSTORE_LINK)
			continue;
		e = fdstore_find(store, part->parked, FDSTORE_LINK, part->name);
		if (e)
			fdstore_remove(store, e);
		close(part->fd);
		*part = p->parts.part[--p->parts.n];
		i--;
	}
}

void source_parked_names(struct source *s, struct source *names)
{
	struct parked *p = parked_of(s);

	p->names = names;
	p->source.reasons = names->reasons;
}
