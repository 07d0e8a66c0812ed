/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What outlives the daemon: its head, and the end of hooks whose counts it takes over. Must not
 * read a clock. Proved by tests/unit/daemon/state.c.
 */
#include "common/util.h"

#include "daemon/state_internal.h"

int state_fd(const struct state *s)
{
	return s->fd;
}

size_t state_bytes(const struct state *s)
{
	return s->bytes;
}

struct tally *state_tally(struct state *s)
{
	return s->tally;
}

struct recent *state_recent(struct state *s)
{
	return s->recent;
}

struct peers *state_peers(struct state *s)
{
	return s->peers;
}

struct hold *state_hold(struct state *s)
{
	return s->hold;
}

void state_set_kernel(struct state *s, const char *release, const struct reasons *reasons)
{
	uint32_t n = MIN(reasons->n, (unsigned int)REASONS_MAX);
	struct state_header *h = s->header;

	if (release && release != h->kernel) {
		memset(h->kernel, 0, sizeof(h->kernel));
		memcpy(h->kernel, release, strnlen(release, sizeof(h->kernel) - 1));
	}
	/* nearly always the same: then a kill cannot leave half of them */
	if (h->n_reasons == n && !memcmp(h->reasons, reasons->name, sizeof(h->reasons)))
		return;
	h->n_reasons = 0;
	memcpy(h->reasons, reasons->name, sizeof(h->reasons));
	__atomic_store_n(&h->n_reasons, n, __ATOMIC_RELEASE);
}

const char *state_kernel(const struct state *s)
{
	return s->header->kernel;
}

uint32_t state_generation(const struct state *s)
{
	return s->header->generation;
}

void state_set_generation(struct state *s, uint32_t generation)
{
	struct state_header *h = s->header;

	if (h->generation) {
		h->left_position = h->position;
		h->absorb_due = 1;
	}
	h->position = 0;
	__atomic_store_n(&h->generation, generation, __ATOMIC_RELEASE);
}

bool state_absorb_due(const struct state *s)
{
	return s->header->absorb_due;
}

uint64_t state_left_position(const struct state *s)
{
	return s->header->left_position;
}

uint64_t state_since(const struct state *s)
{
	return s->header->since;
}

void state_set_since(struct state *s, uint64_t since)
{
	s->header->since = since;
}

struct source_totals *state_base(struct state *s)
{
	return &s->header->base;
}

uint64_t state_position(const struct state *s)
{
	return s->header->position;
}

/* Nothing that was stored before comes after this: a kill in between leaves a record that is
 * counted and will be read again, never one that is neither. */
void state_set_position(struct state *s, uint64_t position)
{
	__atomic_store_n(&s->header->position, position, __ATOMIC_RELEASE);
}

/* ---- hooks that are gone ---- */

void state_add_totals(struct source_totals *to, const struct source_totals *add)
{
	to->sent += add->sent;
	to->received += add->received;
	to->timeouts += add->timeouts;
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++) {
		to->spilled[d] += add->spilled[d];
		to->lost[d] += add->lost[d];
	}
	to->unread_ever += add->unread_ever;
	to->missed += add->missed;
	for (unsigned int i = 0; i < RST_FAIL_MAX; i++)
		to->failures[i] += add->failures[i];
	to->run_ns += add->run_ns;
	to->run_samples += add->run_samples;
}

void state_count_held(struct state *s)
{
	struct finding f = {.verdict = {.confidence = CONFIDENCE_LOW}};

	while (hold_release(s->hold, UINT64_MAX, &f.reset)) {
		const struct reset *r = &f.reset;

		f.owner = (struct owner){
			.pid = r->owner_tgid,
			.start = r->owner_start,
			.source = r->owner_source,
		};
		memcpy(f.owner.comm, r->owner_comm, sizeof(f.owner.comm));
		tally_add(s->tally, &f);
		peers_add(s->peers, &f);
		recent_add(s->recent, &f);
	}
	memset(s->hold->late, 0, sizeof(s->hold->late));
}

void state_forget_hooks(struct state *s)
{
	s->header->generation = 0;
	s->header->position = 0;
	s->header->left_position = 0;
	s->header->absorb_due = 0;
}

/* 'total' is what the hooks counted, 'rows' what of it stands in rows: both become the larger. */
static void settle(struct tally *t, unsigned int direction, uint64_t *total, uint64_t rows,
		   uint64_t time)
{
	if (*total > rows)
		tally_add_other(t, direction, *total - rows, time);
	else
		*total = rows;
}

void state_absorb(struct state *s, const struct source_totals *totals, uint64_t time)
{
	struct source_totals *base = state_base(s);
	struct tally_stats stats;

	tally_absorb(s->tally);
	tally_stats(s->tally, &stats);
	if (totals)
		state_add_totals(base, totals);
	settle(s->tally, RST_SENT, &base->sent, stats.total[RST_SENT], time);
	settle(s->tally, RST_RECEIVED, &base->received, stats.total[RST_RECEIVED], time);
	settle(s->tally, RST_TIMEOUT, &base->timeouts, stats.total[RST_TIMEOUT], time);
	s->header->left_position = 0;
	s->header->absorb_due = 0;
}
