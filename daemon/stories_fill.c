/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a story tells: who took part, by the rows; what is known of single connections, by the
 * resets that are kept. Must not count an end of a connection twice. Proved by
 * tests/unit/daemon/stories.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/stories_internal.h"

#define PEERS_MAX 16

static bool same_address(const struct endpoint *a, const struct endpoint *b)
{
	return a->ipv6 == b->ipv6 && !memcmp(a->address, b->address, a->ipv6 ? 16 : 4);
}

bool stories_both_here(const struct finding *f)
{
	return f->other.known || same_address(&f->reset.local, &f->reset.remote);
}

static bool same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && same_address(a, b);
}

/* A received reset tells less than the one that was sent at the other end. */
bool stories_other_end(const struct finding *f, const struct finding *received)
{
	return f->reset.direction == RST_SENT && received->reset.direction == RST_RECEIVED &&
	       received->other.known && same_endpoint(&f->reset.local, &received->reset.remote) &&
	       same_endpoint(&f->reset.remote, &received->reset.local);
}

bool stories_echo(const struct finding *f)
{
	return f->verdict.basis.facts & BASIS_SECOND && f->reset.direction == RST_SENT;
}

static int compare_party(const void *x, const void *y)
{
	const struct party *a = x, *b = y;
	int r = stories_compare(a->pid, b->pid);

	r = r ? r : strcmp(a->comm, b->comm);
	r = r ? r : strcmp(a->unit, b->unit);
	r = r ? r : stories_compare(a->role, b->role);
	return r ? r : stories_compare(a->direction, b->direction);
}

static int compare_busy(const void *x, const void *y)
{
	const struct party *a = x, *b = y;
	int r = stories_compare(b->count, a->count);

	return r ? r : compare_party(x, y);
}

static struct party party_of(const struct tally_row *row)
{
	struct party p = {.pid = row->pid,
			  .role = row->role,
			  .direction = row->direction,
			  .count = row->count};

	snprintf(p.comm, sizeof(p.comm), "%s", row->comm ? row->comm : "");
	snprintf(p.unit, sizeof(p.unit), "%s", row->unit ? row->unit : "");
	return p;
}

static int fill_parties(const struct work *w, size_t group, struct story *s)
{
	_cleanup_free_ struct party *all = NULL;
	size_t n = 0, used = 0;

	for (size_t i = 0; i < w->n_groups; i++)
		if (w->groups[i].to == group)
			n += w->groups[i].end - w->groups[i].begin;
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;

	n = 0;
	for (size_t i = 0; i < w->n_groups; i++)
		for (size_t k = w->groups[i].begin;
		     w->groups[i].to == group && k < w->groups[i].end; k++)
			all[n++] = party_of(&w->rows[k].row);
	qsort(all, n, sizeof(*all), compare_party);
	for (size_t i = 0; i < n; i++) {
		if (used > 0 && compare_party(&all[used - 1], &all[i]) == 0)
			all[used - 1].count += all[i].count;
		else
			all[used++] = all[i];
	}
	qsort(all, used, sizeof(*all), compare_busy);

	s->n_parties = (unsigned int)MIN(used, (size_t)STORY_PARTIES_MAX);
	s->more_parties = (unsigned int)used - s->n_parties;
	memcpy(s->party, all, s->n_parties * sizeof(*all));
	return 0;
}

/* Where a quantity of struct reset goes in struct story. */
static const struct {
	struct quantity from;
	size_t to;
} quantities[] = {
#define QUANTITY(name)                                                                             \
	{                                                                                          \
		RESET_QUANTITY(name), offsetof(struct story, name)                                 \
	}
	QUANTITY(idle_ms),	  QUANTITY(age_ms),	   QUANTITY(send_idle_ms),
	QUANTITY(unread_bytes),	  QUANTITY(unacked_bytes), QUANTITY(bytes_sent),
	QUANTITY(bytes_received), QUANTITY(backlog),	   QUANTITY(closed_ms),
#undef QUANTITY
};

static int compare_values(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return (a > b) - (a < b);
}

/* Of two ends of a connection the one that sent the reset tells; the other would count it twice. */
static bool tells(const struct sample *sample, size_t group, const struct story *s)
{
	const struct finding *f = sample->finding;

	return sample->group == group &&
	       (f->reset.direction == s->latest.reset.direction || !stories_both_here(f));
}

static void fill_spreads(const struct work *w, size_t group, struct story *s)
{
	for (size_t q = 0; q < ARRAY_SIZE(quantities); q++) {
		struct spread *to = (struct spread *)((char *)s + quantities[q].to);
		size_t n = 0;

		for (size_t i = 0; i < w->n_samples; i++) {
			const struct sample *sample = &w->samples[i];
			int64_t value;

			if (!tells(sample, group, s))
				continue;
			value = reset_quantity(&sample->finding->reset, quantities[q].from);
			if (value >= 0)
				w->values[n++] = value;
		}
		if (n == 0)
			continue;
		qsort(w->values, n, sizeof(*w->values), compare_values);
		*to = (struct spread){.n = (unsigned int)n,
				      .least = w->values[0],
				      .middle = w->values[(n - 1) / 2],
				      .most = w->values[n - 1]};
	}
}

/* How the owner ended, where the reset came out of that. */
static void count_exit(const struct reset *r, struct story *s)
{
	bool former = !r->has_exit && r->has_former && (r->former_flags & RST_FORMER_EXITING);
	int signal = former ? r->former_exit_signal : r->exit_signal;

	if (!r->has_exit && !former)
		return;
	if (signal >= 0 && (size_t)signal < ARRAY_SIZE(s->exit_signal))
		s->exit_signal[signal]++;
	if ((r->flags & RST_EVENT_OOM) || (former && (r->former_flags & RST_FORMER_OOM)))
		s->oom++;
}

static void count_peer(struct endpoint peers[PEERS_MAX], const struct endpoint *e, struct story *s)
{
	for (unsigned int i = 0; i < s->peers; i++)
		if (same_address(&peers[i], e))
			return;
	if (s->peers < PEERS_MAX)
		peers[s->peers++] = *e;
}

static void fill_error(const struct finding *f, struct story *s)
{
	if (s->error || !f->verdict.error)
		return;
	s->error = f->verdict.error;
	s->error_pid = f->owner.pid;
	memcpy(s->error_comm, f->owner.comm, sizeof(s->error_comm));
}

/* What all of them say; false if there is none. */
static bool look_at_all(const struct work *w, size_t group, struct story *s)
{
	unsigned int confidence[CONFIDENCE_MAX] = {0};
	const struct finding *latest = NULL;

	for (size_t i = 0; i < w->n_samples; i++) { /* the newest first */
		const struct finding *f = w->samples[i].finding;

		if (w->samples[i].group != group)
			continue;
		if (!latest || stories_other_end(f, latest))
			latest = f;
		s->samples++;
		s->pairs += stories_both_here(f);
		s->echoes += stories_echo(f);
		/* other ends that are told here may have a cause of their own */
		if (f->verdict.cause == s->cause && f->verdict.confidence < CONFIDENCE_MAX)
			confidence[f->verdict.confidence]++;
		fill_error(f, s);
	}
	if (!latest)
		return false;
	s->latest = *latest;
	/* of two that are as frequent the lower: never more certain than the evidence */
	for (unsigned int c = 0; c < CONFIDENCE_MAX; c++)
		if (confidence[c] > confidence[s->confidence])
			s->confidence = c;
	return true;
}

static void fill_samples(const struct work *w, size_t group, struct story *s)
{
	struct endpoint peers[PEERS_MAX];

	if (!look_at_all(w, group, s))
		return;
	for (size_t i = 0; i < w->n_samples; i++) {
		const struct reset *r = &w->samples[i].finding->reset;

		if (!tells(&w->samples[i], group, s))
			continue;
		count_exit(r, s);
		count_peer(peers, &r->remote, s);
	}
	fill_spreads(w, group, s);
}

int stories_fill(const struct work *w, size_t group, struct story *ret)
{
	fill_samples(w, group, ret);
	return fill_parties(w, group, ret);
}
