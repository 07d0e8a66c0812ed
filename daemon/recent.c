/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest findings in a ring of RSTMON_RECENT_MAX. Must not allocate per reset, and copies only
 * what a finding uses: most of its text is empty. Proved by tests/unit/daemon/recent.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/recent.h"

#define LONGER (RSTMON_RECENT_KEPT + 1)

struct recent {
	uint64_t added, kept;
	struct finding finding[RSTMON_RECENT_MAX];
	struct finding
		longer[LONGER]; /* one is nobody's: a kill in the middle of a copy harms that one */
};

size_t recent_size(void)
{
	return sizeof(struct recent);
}

struct recent *recent_format(void *memory, size_t size)
{
	return memory && size >= sizeof(struct recent) ? memory : NULL;
}

/* Pages of the ring that were never written cost nothing. */
int recent_new(struct recent **ret)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*ret = r;
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
	if (r->added > INT64_MAX || r->kept > r->added)
		return -EBADMSG;
	for (uint64_t i = 0; i < n; i++)
		if (!adopt_finding_valid(&r->finding[i]))
			return -EBADMSG;
	for (uint64_t i = 1; i <= kept; i++)
		if (!adopt_finding_valid(&r->longer[(r->kept - i) % LONGER]))
			return -EBADMSG;
	for (uint64_t i = 0; i < n; i++)
		adopt_reset(&r->finding[i].reset, reasons);
	for (uint64_t i = 1; i <= kept; i++)
		adopt_reset(&r->longer[(r->kept - i) % LONGER].reset, reasons);
	*ret = r;
	return 0;
}

void recent_free(struct recent *r)
{
	free(r);
}

/* What lies behind the end of a text stays as it was. Most are empty. */
static void copy_text(char *dst, const char *src, size_t size)
{
	size_t n = src[0] ? strnlen(src, size - 1) : 0;

	memcpy(dst, src, n);
	dst[n] = '\0';
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

static void copy(struct finding *to, const struct finding *f)
{
	to->reset = f->reset;
	to->owner.pid = f->owner.pid;
	to->owner.start = f->owner.start;
	to->owner.source = f->owner.source;
	memcpy(to->owner.comm, f->owner.comm, sizeof(to->owner.comm));
	copy_text(to->owner.exe, f->owner.exe, sizeof(to->owner.exe));
	copy_text(to->owner.unit, f->owner.unit, sizeof(to->owner.unit));
	copy_text(to->owner.container, f->owner.container, sizeof(to->owner.container));
	copy_text(to->owner.pod, f->owner.pod, sizeof(to->owner.pod));
	to->verdict = f->verdict;
	to->other = f->other;
}

/* A flood of resets that say nothing new must not take the details of everything else. */
static bool is_kept(const struct recent *r, const struct finding *oldest)
{
	return r->added >= RSTMON_RECENT_MAX && !oldest->verdict.settled;
}

/* Where the next goes that is kept longer. */
static struct finding *nobodys(struct recent *r)
{
	return &r->longer[r->kept % LONGER];
}

static void fetch(const struct finding *f)
{
	const char *owner = (const char *)&f->owner, *verdict = (const char *)&f->verdict;

	for (size_t i = 0; i < sizeof(f->reset); i += 64)
		__builtin_prefetch((const char *)&f->reset + i, 1);
	__builtin_prefetch(owner, 1);
	__builtin_prefetch(owner + offsetof(struct owner, container), 1);
	__builtin_prefetch(owner + offsetof(struct owner, pod), 1);
	__builtin_prefetch(owner + offsetof(struct owner, exe), 1);
	__builtin_prefetch(verdict, 1);
	__builtin_prefetch(verdict + 64, 1);
}

/* The rings are larger than most caches: what the next finding is written over is fetched
 * meanwhile, and where that is kept. A place follows the other in memory: with places that went
 * from ring to ring by their numbers, instead of being copied, a mix of all kinds took a sixth
 * longer. */
static void fetch_next(struct recent *r)
{
	const struct finding *oldest = &r->finding[r->added % RSTMON_RECENT_MAX];

	fetch(oldest);
	if (is_kept(r, oldest))
		fetch(nobodys(r));
	__builtin_prefetch(&r->finding[(r->added + 1) % RSTMON_RECENT_MAX].verdict);
}

struct finding *recent_next(struct recent *r, uint64_t *ret_ticket)
{
	struct finding *f = &r->finding[r->added % RSTMON_RECENT_MAX];

	if (is_kept(r, f)) {
		copy(nobodys(r), f);
		__atomic_store_n(&r->kept, r->kept + 1, __ATOMIC_RELEASE);
	}
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
	return &r->finding[(ticket - 1) % RSTMON_RECENT_MAX];
}

void recent_add(struct recent *r, const struct finding *f)
{
	uint64_t ticket;

	copy(recent_next(r, &ticket), f);
}

const struct finding *recent_get(const struct recent *r, unsigned int i)
{
	if (i >= RSTMON_RECENT_MAX || i >= r->added)
		return NULL;
	return &r->finding[(r->added - 1 - i) % RSTMON_RECENT_MAX];
}

const struct finding *recent_kept(const struct recent *r, unsigned int i)
{
	if (i >= RSTMON_RECENT_KEPT || i >= r->kept)
		return NULL;
	return &r->longer[(r->kept - 1 - i) % LONGER];
}

size_t recent_memory(const struct recent *r)
{
	uint64_t n = MIN(r->added, (uint64_t)RSTMON_RECENT_MAX) +
		     MIN(r->kept, (uint64_t)RSTMON_RECENT_KEPT);

	return sizeof(r->added) + sizeof(r->kept) + n * sizeof(struct finding);
}
