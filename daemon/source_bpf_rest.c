/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lets the hooks on reads and writes rest while they have nothing to find, as the programs ask
 * (bpf/rest.bpf.h), and looks by itself from time to time. Must not count and must not fail: hooks
 * that cannot be detached or attached stay as they are. Proved by tests/live/rest.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/source_bpf_internal.h"

#define LOOK_NS (10 * NSEC_PER_SEC) /* of rest, then they look again */

static const int resting[] = {HOOK_READ, HOOK_WRITE};

static uint32_t take_word(uint32_t *word)
{
	return __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
}

/* The manager's copy of a link would keep it attached. */
static void detach(struct source_bpf *b, int hook)
{
	const char *name = source_bpf_program(hook);
	struct fdstore_entry *e;

	e = b->store ? fdstore_find(b->store, b->generation, FDSTORE_LINK, name) : NULL;
	if (e)
		fdstore_remove(b->store, e);
	bpf_parts_remove(&b->parts, FDSTORE_LINK, name);
}

static int attach(struct source_bpf *b, int hook)
{
	int fd = bpf_raw_tracepoint_open(NULL, b->program[hook]);

	if (fd < 0)
		return -errno;
	return bpf_parts_add(&b->parts, FDSTORE_LINK, source_bpf_program(hook), fd, 0);
}

static bool is_attached(const struct source_bpf *b, int hook)
{
	return bpf_parts_fd(&b->parts, FDSTORE_LINK, source_bpf_program(hook)) >= 0;
}

static void say(struct source_bpf *b, int hook, int r)
{
	struct source_hook *h = &b->hooks[hook];

	h->attached = is_attached(b, hook);
	h->resting = !h->attached && !r;
	h->why[0] = '\0';
	if (h->resting)
		snprintf(h->why, sizeof(h->why), "rests: it had nothing to find");
	else if (r)
		snprintf(h->why, sizeof(h->why), "cannot attach again: %s", strerror(-r));
}

/* Only what was attached at the start rests and comes back. */
static bool would_rest(const struct source_bpf *b, int hook, uint32_t wish)
{
	return is_attached(b, hook) && (wish != RST_REST_WRITE || hook == HOOK_WRITE);
}

static bool any_would_rest(const struct source_bpf *b, uint32_t wish)
{
	for (size_t i = 0; i < ARRAY_SIZE(resting); i++)
		if (would_rest(b, resting[i], wish))
			return true;
	return false;
}

static void rest(struct source_bpf *b, uint32_t wish)
{
	/* first: whoever is accepted while they are detached calls them back */
	__atomic_store_n(&b->counts.control->resting, 1, __ATOMIC_SEQ_CST);
	for (size_t i = 0; i < ARRAY_SIZE(resting); i++) {
		if (!would_rest(b, resting[i], wish))
			continue;
		detach(b, resting[i]);
		b->comes_back[i] = true;
		say(b, resting[i], 0);
	}
}

/* False: one of them could not be attached; it stays due. */
static bool work(struct source_bpf *b)
{
	bool all = true;

	for (size_t i = 0; i < ARRAY_SIZE(resting); i++) {
		int r;

		if (!b->comes_back[i])
			continue;
		r = attach(b, resting[i]);
		b->comes_back[i] = r;
		all = all && !r;
		say(b, resting[i], r);
	}
	if (all)
		__atomic_store_n(&b->counts.control->resting, 0, __ATOMIC_SEQ_CST);
	if (b->store)
		bpf_parts_park(&b->parts, b->store, b->generation);
	return all;
}

/* Attaching must be allowed before anything is detached: kernels before 5.19 may want CAP_BPF for
 * it. */
static bool can_come_back(struct source_bpf *b)
{
	int fd;

	if (!b->rest_tried) {
		b->rest_tried = true;
		fd = b->program[HOOK_READ] < 0
			     ? -1
			     : bpf_raw_tracepoint_open(NULL, b->program[HOOK_READ]);
		b->rest_allowed = fd >= 0;
		if (fd >= 0)
			close(fd);
	}
	return b->rest_allowed;
}

/* Called back by a connection, they stay for as long as they would have rested: hooks that come and
 * go with each connection would cost more than they save. */
static bool too_early(const struct source_bpf *b, uint64_t now)
{
	return b->called_back && now - b->called_back < LOOK_NS;
}

uint64_t source_bpf_tend(struct source *s, uint64_t now)
{
	struct source_bpf *b = source_bpf_of(s);
	struct rst_control *c = b->counts.control;
	uint32_t wish = __atomic_load_n(&c->want_rest, __ATOMIC_SEQ_CST);
	bool called;

	/* of writes alone, and then of reads, too; a connection that is accepted withdraws it */
	if (wish && any_would_rest(b, wish) && can_come_back(b)) {
		if (too_early(b, now))
			return b->called_back + LOOK_NS - now;
		take_word(&c->want_rest);
		take_word(&c->want_hooks);
		rest(b, wish);
		b->rest_since = now;
		return LOOK_NS;
	}
	if (!__atomic_load_n(&c->resting, __ATOMIC_SEQ_CST))
		return 0;
	called = take_word(&c->want_hooks);
	if (!called && now - b->rest_since < LOOK_NS)
		return b->rest_since + LOOK_NS - now;
	b->called_back = called ? now : 0;
	take_word(&c->want_rest);
	if (work(b))
		return 0;
	b->rest_since = now;
	return LOOK_NS;
}
