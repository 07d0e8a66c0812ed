/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest findings in a ring of RSTMON_RECENT_MAX, and a ring of those that are kept longer.
 * Both hold numbers of places, so that a finding that goes from one to the other stays where it is.
 * Must not allocate per reset. Proved by tests/unit/daemon/recent.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/recent.h"

#define PLACES (RSTMON_RECENT_MAX + RSTMON_RECENT_KEPT)

struct recent {
	uint64_t added, kept;
	uint16_t latest[RSTMON_RECENT_MAX];  /* numbers of places; in this and the next */
	uint16_t longer[RSTMON_RECENT_KEPT]; /* together each comes once */
	struct finding finding[PLACES];
};

_Static_assert(PLACES <= UINT16_MAX, "numbers of places fit");

size_t recent_size(void)
{
	return sizeof(struct recent);
}

/* The i-th number of both rings together. */
static uint16_t *number(struct recent *r, unsigned int i)
{
	return i < RSTMON_RECENT_MAX ? &r->latest[i] : &r->longer[i - RSTMON_RECENT_MAX];
}

static struct finding *latest(const struct recent *r, uint64_t i)
{
	return (struct finding *)&r->finding[r->latest[i % RSTMON_RECENT_MAX]];
}

static struct finding *longer(const struct recent *r, uint64_t i)
{
	return (struct finding *)&r->finding[r->longer[i % RSTMON_RECENT_KEPT]];
}

struct recent *recent_format(void *memory, size_t size)
{
	struct recent *r = memory;

	if (!memory || size < sizeof(*r))
		return NULL;
	for (unsigned int i = 0; i < PLACES; i++)
		*number(r, i) = (uint16_t)i;
	return r;
}

/* Pages of the ring that were never written cost nothing. */
int recent_new(struct recent **ret)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*ret = recent_format(r, sizeof(*r));
	return 0;
}

/* A kill in the middle of an exchange leaves one place twice, and one nowhere. */
static int adopt_numbers(struct recent *r)
{
	bool seen[PLACES] = {false};
	uint16_t *twice = NULL, nowhere = 0;

	for (unsigned int i = 0; i < PLACES; i++) {
		uint16_t *n = number(r, i);

		if (*n >= PLACES || (seen[*n] && twice))
			return -EBADMSG;
		if (seen[*n])
			twice = n;
		seen[*n] = true;
	}
	if (!twice)
		return 0;
	while (seen[nowhere])
		nowhere++;
	*twice = nowhere;
	return 0;
}

/* Never looks behind what was used: a look would make a page of it. */
int recent_adopt(void *memory, size_t size, const struct adopt_reasons *reasons,
		 struct recent **ret)
{
	struct recent *r = memory;
	uint64_t n, kept;

	if (!memory || size < sizeof(*r))
		return -EBADMSG;
	n = MIN(r->added, (uint64_t)RSTMON_RECENT_MAX);
	kept = MIN(r->kept, (uint64_t)RSTMON_RECENT_KEPT);
	if (r->added > INT64_MAX || r->kept > r->added || adopt_numbers(r))
		return -EBADMSG;
	for (uint64_t i = 0; i < n; i++)
		if (!adopt_finding_valid(latest(r, i)))
			return -EBADMSG;
	for (uint64_t i = 0; i < kept; i++)
		if (!adopt_finding_valid(longer(r, i)))
			return -EBADMSG;
	for (uint64_t i = 0; i < n; i++)
		adopt_reset(&latest(r, i)->reset, reasons);
	for (uint64_t i = 0; i < kept; i++)
		adopt_reset(&longer(r, i)->reset, reasons);
	*ret = r;
	return 0;
}

void recent_free(struct recent *r)
{
	free(r);
}

/* Texts are ended and numbers cleared: that is what a finding uses of its half kilobyte of text. */
static void clear(struct finding *f)
{
	f->owner.pid = 0;
	f->owner.start = 0;
	f->owner.source = RST_OWNER_NONE;
	f->owner.comm[0] = f->owner.exe[0] = f->owner.unit[0] = f->owner.container[0] = '\0';
	f->owner.pod[0] = '\0';
	f->verdict = (struct verdict){};
	f->other = (struct other_end){};
}

/* A flood of resets that say nothing new must not take the details of everything else. */
static bool is_kept(const struct recent *r, const struct finding *oldest)
{
	return r->added >= RSTMON_RECENT_MAX && !oldest->verdict.settled;
}

/* The oldest of all findings makes room: of the latest, or where that one is kept longer, of those.
 */
static struct finding *make_room(struct recent *r)
{
	uint16_t *n = &r->latest[r->added % RSTMON_RECENT_MAX], *to, old = *n;

	if (is_kept(r, &r->finding[old])) {
		to = &r->longer[r->kept % RSTMON_RECENT_KEPT];
		*n = *to;
		*to = old;
		r->kept++;
	}
	return &r->finding[*n];
}

/* The rings are larger than most caches: the place of the next is fetched meanwhile, and of the
 * next but one what decides about its place. */
static void fetch_next(const struct recent *r)
{
	const struct finding *oldest = latest(r, r->added);
	const struct finding *f = is_kept(r, oldest) ? longer(r, r->kept) : oldest;
	const char *owner = (const char *)&f->owner, *verdict = (const char *)&f->verdict;

	for (size_t i = 0; i < sizeof(f->reset); i += 64)
		__builtin_prefetch((const char *)&f->reset + i, 1);
	__builtin_prefetch(owner, 1);
	__builtin_prefetch(owner + offsetof(struct owner, container), 1);
	__builtin_prefetch(owner + offsetof(struct owner, pod), 1);
	__builtin_prefetch(owner + offsetof(struct owner, exe), 1);
	__builtin_prefetch(verdict, 1);
	__builtin_prefetch(verdict + 64, 1);
	__builtin_prefetch(&latest(r, r->added + 1)->verdict);
}

struct finding *recent_next(struct recent *r, uint64_t *ret_ticket)
{
	struct finding *f = make_room(r);

	clear(f);
	*ret_ticket = ++r->added;
	fetch_next(r);
	return f;
}

uint64_t recent_latest(const struct recent *r)
{
	return r->added;
}

struct finding *recent_find(struct recent *r, uint64_t ticket)
{
	if (!ticket || ticket > r->added || r->added - ticket >= RSTMON_RECENT_MAX)
		return NULL;
	return latest(r, ticket - 1);
}

void recent_add(struct recent *r, const struct finding *f)
{
	uint64_t ticket;

	*recent_next(r, &ticket) = *f;
}

const struct finding *recent_get(const struct recent *r, unsigned int i)
{
	if (i >= RSTMON_RECENT_MAX || i >= r->added)
		return NULL;
	return latest(r, r->added - 1 - i);
}

const struct finding *recent_kept(const struct recent *r, unsigned int i)
{
	if (i >= RSTMON_RECENT_KEPT || i >= r->kept)
		return NULL;
	return longer(r, r->kept - 1 - i);
}

size_t recent_memory(const struct recent *r)
{
	uint64_t n = MIN(r->added, (uint64_t)RSTMON_RECENT_MAX) +
		     MIN(r->kept, (uint64_t)RSTMON_RECENT_KEPT);

	return offsetof(struct recent, finding) + n * sizeof(struct finding);
}
