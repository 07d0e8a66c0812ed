/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A generation's life: taken over from the store, parked, begun, ended. Must not load or attach
 * anything. Proved by tests/survive.
 */
#include "common/util.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>

#include "daemon/source_bpf_internal.h"

#define SETTLE_NS (5 * NSEC_PER_MSEC)

uint32_t source_bpf_object(void)
{
	size_t size;
	const uint8_t *bytes = rstmon_bpf__elf_bytes(&size);
	uint32_t h = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < size; i++)
		h = (h ^ bytes[i]) * 16777619U;
	return h ? h : 1; /* 0 is nobody's */
}

/* A hook that the last daemon let rest, or whose link was not kept: its program is there. */
static void attach_again(struct source_bpf *b, int hook)
{
	const char *name = source_bpf_program(hook);
	int fd;

	if (b->program[hook] < 0 || !source_bpf_is_traced(&b->hooks[hook]) ||
	    bpf_parts_fd(&b->parts, FDSTORE_LINK, name) >= 0)
		return;
	fd = bpf_raw_tracepoint_open(NULL, b->program[hook]);
	if (fd >= 0)
		bpf_parts_add(&b->parts, FDSTORE_LINK, name, fd, 0);
}

static void say_why_not(struct source_bpf *b, int hook)
{
	struct source_hook *h = &b->hooks[hook];
	const char *why = source_bpf_unneeded(b, hook);

	if (h->off) {
		why = "switched off in the configuration";
	} else if (why) {
		h->unwanted = true;
	} else {
		if (h->absent) /* and says so */
			return;
		why = b->program[hook] >= 0 ? "could not be attached when the programs were loaded"
					    : "this kernel has it not, or refused it";
	}
	snprintf(h->why, sizeof(h->why), "%s", why);
}

/* Hooks that the one who loaded them could not have are told as before, as far as that can be
 * known. */
static void find_hooks(struct source_bpf *b, const struct source_bpf_options *options)
{
	for (int i = 0; i < HOOK_MAX; i++) {
		struct source_hook *h = &b->hooks[i];

		attach_again(b, i);
		h->attached = bpf_parts_fd(&b->parts, FDSTORE_LINK, source_bpf_program(i)) >= 0;
		if (i == HOOK_PROCESSES || (i == HOOK_SEED && options->scan_at_start))
			h->attached = b->program[i] >= 0;
		if (i == HOOK_PACKET)
			h->unwanted = h->off = !options->packet_evidence;
		if (i == HOOK_SEED)
			h->unwanted = h->off = !options->scan_at_start;
		if (!h->attached)
			say_why_not(b, i);
	}
}

int source_bpf_adopt(const struct source_bpf_options *options, const struct source *parked,
		     struct source **ret, char *error, size_t error_size)
{
	struct source_bpf *b;
	int r;

	r = source_bpf_new(options, &b, error, error_size);
	if (r)
		return r;
	b->generation = source_parked_generation(parked);
	/* while the kernel's types are there */
	for (int i = 0; i < HOOK_MAX; i++) {
		const char *why = source_bpf_absent(b, i);

		b->hooks[i].absent = why;
		if (why)
			snprintf(b->hooks[i].why, sizeof(b->hooks[i].why), "%s", why);
	}
	r = bpf_parts_copy(&b->parts, source_parked_parts(parked));
	if (r)
		snprintf(error, error_size, "cannot take over the hooks: %s", strerror(-r));
	else
		r = source_bpf_map(b, error, error_size);
	if (r) {
		source_bpf_close(&b->source);
		return r;
	}
	find_hooks(b, options);
	/* what rested was attached again */
	__atomic_store_n(&b->counts.control->resting, 0, __ATOMIC_SEQ_CST);
	*ret = &b->source;
	return 0;
}

uint32_t source_bpf_generation(const struct source *s)
{
	return ((const struct source_bpf *)s)->generation;
}

int source_bpf_park(struct source *s, struct fdstore *store)
{
	struct source_bpf *b = source_bpf_of(s);

	b->store = store;
	return bpf_parts_park(&b->parts, store, b->generation);
}

bool source_bpf_parked(const struct source *s, const struct fdstore_entry *e)
{
	return bpf_parts_parked(&((const struct source_bpf *)s)->parts, e);
}

/*
 * Programs that had passed the gate before it closed are done. They run in read-side critical
 * sections of RCU with preemption off, for microseconds: the barrier waits for the end of all that
 * are under way, on every CPU but one, and there it is we who run. Where the call is not to be had
 * (nohz_full), the wait alone is a thousand times what they need.
 */
void source_bpf_settle(void)
{
	const struct timespec wait = {.tv_nsec = SETTLE_NS};

	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	nanosleep(&wait, NULL);
}

void source_bpf_begin(struct source *s, struct source *const *before, size_t n)
{
	struct source_bpf *b = source_bpf_of(s);
	struct rst_control *c = b->counts.control;

	if (__atomic_load_n(&c->generation, __ATOMIC_ACQUIRE) == b->generation && c->object)
		return;
	/* while it is not known what counts, nobody adopts it: the next start upgrades once more */
	__atomic_store_n(&c->object, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->state_version, 0, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < n; i++)
		source_parked_close_gate(before[i], b->generation);
	__atomic_store_n(&c->generation, b->generation, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->event_version, RST_EVENT_VERSION, __ATOMIC_SEQ_CST);
	c->hash_seed = b->hash_seed;
	__atomic_store_n(&c->state_version, RST_STATE_VERSION, __ATOMIC_SEQ_CST);
	__atomic_store_n(&c->object, source_bpf_object(), __ATOMIC_SEQ_CST);
	if (n)
		source_bpf_settle();
}

void source_bpf_end(struct source *s)
{
	struct source_bpf *b = source_bpf_of(s);

	__atomic_store_n(&b->counts.control->generation, 0, __ATOMIC_SEQ_CST);
	source_bpf_settle();
}

void source_bpf_hold(struct source *s, bool hold)
{
	source_bpf_of(s)->held = hold;
}

bool source_bpf_skip(struct source *s, uint64_t position)
{
	return bpf_ring_skip(&source_bpf_of(s)->ring, position);
}
