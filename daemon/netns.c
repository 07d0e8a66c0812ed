/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares what our counts explain with the kernel's own counters in each network namespace. It
 * never adds a difference up: each comparison starts from the counters themselves, so an error of
 * one reading does not stay. Proved by tests/unit/daemon/netns.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/netns.h"
#include "daemon/process.h"

#define PROCESS_TRIES 3
#define ROUNDS	      4
#define BATCH	      64 /* read between two refreshes: some milliseconds */

struct netns_key {
	uint32_t inode, cookie;
};

/* What our counts explain of each counter. Signed: one that is taken back may have been counted by
 * the daemon before this one. */
struct explained {
	int64_t n[COUNTER_MAX_];
};

struct netns {
	struct netns_key key;
	bool tried;
	bool due;			 /* to be compared in this round */
	uint32_t based;			 /* a bit for each counter that has a baseline */
	uint32_t pid;			 /* read last, 0: none */
	uint64_t start;			 /* its */
	uint64_t id;			 /* the namespace's, as that process showed it */
	uint64_t born;			 /* sequence number of the first netns_seen() */
	uint64_t seen;			 /* and of the last */
	uint64_t missed;		 /* 'sequence' when no process of it was known, 0: one is */
	uint64_t base[COUNTER_MAX_];	 /* the kernel's at the baseline ... */
	struct explained base_explained; /* ... and ours */
	struct explained counted;	 /* from records */
	struct explained spilled;	 /* from slots */
	struct explained held;		 /* not counted yet */
	int64_t apart[COUNTER_MAX_];	 /* the kernel's less ours, at the last look that held */
	bool apart_known;
	UT_hash_handle hh;
};

/* A namespace whose counters were read, and what ours were just before. */
struct look {
	struct netns *netns;
	uint64_t born;
	int r;
	struct explained before;
	struct netns_reading reading;
};

struct netns_table {
	struct netns *table, *latest; /* latest: found last */
	unsigned int n;
	bool full; /* nobody gives up a place before the next comparison */
	uint64_t sequence, evicted;
	uint64_t slots_read; /* 'sequence' then */
	netns_read_fn read;
	void *read_userdata;
	struct look looks[BATCH];
	struct netns entries[RSTMON_NETNS_MAX];
	struct report_netns reports[RSTMON_NETNS_MAX]; /* same index */
};

int netns_new(struct netns_table **ret)
{
	struct netns_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->read = netns_read_proc;
	*ret = t;
	return 0;
}

void netns_free(struct netns_table *t)
{
	if (!t)
		return;
	HASH_CLEAR(hh, t->table);
	free(t);
}

void netns_set_reader(struct netns_table *t, netns_read_fn read_fn, void *userdata)
{
	t->read = read_fn;
	t->read_userdata = userdata;
}

static struct report_netns *report_of(struct netns_table *t, const struct netns *e)
{
	return &t->reports[e - t->entries];
}

/* ---- which there are ---- */

/* A place for a new namespace: a free one, or that of the namespace without a process which was not
 * heard of for longest. NULL: all are alive. */
static struct netns *netns_place(struct netns_table *t)
{
	struct netns *oldest = NULL;
	unsigned int i;

	if (t->n < RSTMON_NETNS_MAX)
		return &t->entries[t->n];
	if (t->full)
		return NULL;
	for (i = 0; i < t->n; i++) {
		struct netns *e = &t->entries[i];

		if (e->tried && !t->reports[i].covered && (!oldest || e->seen < oldest->seen))
			oldest = e;
	}
	/* each reset of one that is turned down would look again */
	t->full = !oldest;
	return oldest;
}

static struct netns *netns_add(struct netns_table *t, const struct netns_key *key)
{
	struct netns *e = netns_place(t);

	if (t->n == RSTMON_NETNS_MAX)
		t->evicted++;
	if (!e)
		return NULL;
	t->latest = NULL;
	if (e == &t->entries[t->n])
		t->n++;
	else if (e->hh.tbl)
		HASH_DEL(t->table, e);
	*e = (struct netns){.key = *key, .born = t->sequence};
	*report_of(t, e) = (struct report_netns){.inode = key->inode};
	HASH_ADD(hh, t->table, key, sizeof(e->key), e);
	if (!e->hh.tbl) { /* no memory: it cannot be found, but its place can be had again */
		e->tried = true;
		t->evicted++;
		return NULL;
	}
	return e;
}

/* NULL: there is none, or no room for it. */
static struct netns *netns_get(struct netns_table *t, uint32_t inode, uint32_t cookie)
{
	struct netns_key key = {inode, cookie};
	struct netns *e = t->latest;

	if (!inode)
		return NULL;
	t->sequence++;
	if (!e || memcmp(&e->key, &key, sizeof(key)) != 0) {
		HASH_FIND(hh, t->table, &key, sizeof(key), e);
		if (!e)
			e = netns_add(t, &key);
		if (!e)
			return NULL;
		t->latest = e;
	}
	e->seen = t->sequence;
	return e;
}

void netns_seen(struct netns_table *t, uint32_t inode, uint32_t cookie)
{
	(void)netns_get(t, inode, cookie);
}

static int seen_process(const void *record, size_t size, void *userdata)
{
	const struct rst_process *p = record;

	if (size != sizeof(*p))
		return -EBADMSG;
	netns_seen(userdata, p->netns, p->netns_cookie);
	return 0;
}

int netns_seen_all(struct netns_table *t, struct source *source)
{
	int r = source->ops->processes(source, seen_process, t);

	return r < 0 ? r : 0;
}

/* ---- what our counts explain ---- */

static void add(struct explained *to, uint32_t counters, int64_t n)
{
	for (; counters; counters &= counters - 1)
		to->n[__builtin_ctz(counters)] += n;
}

void netns_counted(struct netns_table *t, const struct finding *f, int n)
{
	struct netns *e = netns_get(t, f->reset.netns, f->reset.netns_cookie);

	if (e)
		add(&e->counted, report_counters_of(&f->reset, f->verdict.path), n);
}

/* Of a namespace that was given up and came back, the slots still have what had been spilled
 * before; that is older than its new baseline. */
void netns_spill_begin(struct netns_table *t)
{
	for (unsigned int i = 0; i < t->n; i++) {
		struct netns *e = &t->entries[i];

		if (t->evicted && e->born > t->slots_read)
			e->based = 0;
		e->spilled = (struct explained){};
	}
	t->slots_read = t->sequence;
}

void netns_spilled(struct netns_table *t, const struct finding *f, uint64_t n)
{
	struct netns *e = netns_get(t, f->reset.netns, f->reset.netns_cookie);

	if (e)
		add(&e->spilled, report_counters_of(&f->reset, f->verdict.path), (int64_t)n);
}

void netns_hold_begin(struct netns_table *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		t->entries[i].held = (struct explained){};
}

void netns_held(struct netns_table *t, const struct reset *r)
{
	struct netns *e = netns_get(t, r->netns, r->netns_cookie);

	if (e)
		add(&e->held, report_counters_of(r, path_of(r)), 1);
}

static struct explained explained(const struct netns *e)
{
	struct explained sum;

	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		sum.n[i] = e->counted.n[i] + e->spilled.n[i] + e->held.n[i];
	return sum;
}

void netns_set_count(struct netns_table *t, const struct tally_netns *n)
{
	struct netns_key key = {n->inode, n->cookie};
	struct report_netns *report;
	struct netns *e;

	HASH_FIND(hh, t->table, &key, sizeof(key), e);
	if (!e)
		return;
	report = report_of(t, e);
	report->sent = n->count[RST_SENT];
	report->received = n->count[RST_RECEIVED];
	report->timeouts = n->count[RST_TIMEOUT];
}

void netns_rebase(struct netns_table *t)
{
	for (unsigned int i = 0; i < t->n; i++)
		t->entries[i].based = 0;
}

/* ---- the kernel's ---- */

/* Reads the kernel's counters of the namespace: from the process of the last time if it still is
 * there, else from another. An unknown 'id' is believed if the process was in the namespace before
 * and after the reading; one that is known to be another's then means that the inode was used again
 * (before 5.12 there is no cookie to tell), or that the first one was read wrong. */
static int netns_read(struct netns_table *t, struct netns *e, struct attributor *a,
		      struct netns_reading *ret)
{
	struct netns_reading now;
	uint32_t pid;
	int i;

	if (e->pid && t->read(t->read_userdata, e->pid, &now) == 0 && now.start == e->start &&
	    now.id == e->id) {
		*ret = now;
		return 0;
	}
	e->pid = 0;
	/* Most namespaces without a process are gone; nobody looks for one until it is seen again.
	 */
	if (!a || (e->missed && e->seen <= e->missed))
		return -ENOENT;
	e->missed = 0;
	for (i = 0; i < PROCESS_TRIES; i++) {
		pid = attributor_netns_process(a, e->key.inode, e->key.cookie);
		if (!pid) {
			e->missed = t->sequence;
			return -ENOENT;
		}
		if (t->read(t->read_userdata, pid, &now) < 0)
			continue;
		if (!e->based || now.id != e->id) {
			if (attributor_netns_process(a, e->key.inode, e->key.cookie) != pid)
				continue;
			e->based = 0;
			e->apart_known = false;
		}
		e->pid = pid;
		e->start = now.start;
		e->id = now.id;
		*ret = now;
		return 0;
	}
	return -EAGAIN;
}

/* ---- the comparison ---- */

/* A counter that fell is not that of the baseline: another namespace's. */
static void compare_counter(struct netns *e, struct report_netns *report, unsigned int i,
			    uint64_t kernel, int64_t ours)
{
	if (!(e->based & 1U << i) || kernel < e->base[i]) {
		e->base[i] = (int64_t)kernel == ours ? 0 : kernel;
		e->base_explained.n[i] = (int64_t)kernel == ours ? 0 : ours;
		e->based |= 1U << i;
	}
	report->counters[i] = (int64_t)(kernel - e->base[i]);
	report->unexplained[i] = report->counters[i] - (ours - e->base_explained.n[i]);
}

static void compare(struct netns *e, struct report_netns *report, const struct netns_reading *now,
		    const struct explained *ours)
{
	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		if (now->known & 1U << i)
			compare_counter(e, report, i, now->value[i], ours->n[i]);
	report->known = now->known;
	report->covered = true;
}

/* True if the kernel is as far ahead of us as at the last look that held; else that is what the
 * next one has to find. The kernel counts and then traces, or the other way round: in between it is
 * nobody's mistake. */
static bool found_again(struct netns *e, const struct netns_reading *now,
			const struct explained *ours)
{
	int64_t apart[COUNTER_MAX_] = {};
	bool same;

	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		if (now->known & 1U << i)
			apart[i] = (int64_t)now->value[i] - ours->n[i];
	same = e->apart_known && !memcmp(apart, e->apart, sizeof(apart));
	memcpy(e->apart, apart, sizeof(apart));
	e->apart_known = true;
	return same;
}

/* Ends one look. */
static void judge(struct netns_table *t, const struct look *l, bool last_round)
{
	struct netns *e = l->netns;
	struct report_netns *report = report_of(t, e);
	struct explained now;

	if (e->born != l->born) /* its place went to another meanwhile */
		return;
	e->tried = true;
	if (l->r < 0) {
		report->covered = false;
		e->due = false;
		return;
	}
	now = explained(e);
	if (memcmp(&now, &l->before, sizeof(now)) != 0)
		return;
	if (!found_again(e, &l->reading, &now) && !last_round)
		return;
	compare(e, report, &l->reading, &now);
	e->due = false;
}

/* Reads the counters of some that are due, from *at on. Returns how many. */
static unsigned int look_at_some(struct netns_table *t, struct attributor *a, unsigned int *at)
{
	unsigned int n = 0;

	for (; *at < t->n && n < BATCH; (*at)++) {
		struct netns *e = &t->entries[*at];
		struct look *l = &t->looks[n];

		if (!e->due)
			continue;
		l->netns = e;
		l->born = e->born;
		l->before = explained(e);
		l->r = netns_read(t, e, a, &l->reading);
		n++;
	}
	return n;
}

static void seen_netns(uint32_t inode, uint32_t cookie, void *userdata)
{
	netns_seen(userdata, inode, cookie);
}

static unsigned int count_due(const struct netns_table *t)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->n; i++)
		n += t->entries[i].due;
	return n;
}

int netns_reconcile(struct netns_table *t, struct attributor *a, void (*refresh)(void *userdata),
		    void *userdata)
{
	unsigned int at, n;

	if (a)
		attributor_netns_each(a, seen_netns, t);
	refresh(userdata);
	for (unsigned int i = 0; i < t->n; i++)
		t->entries[i].due = true;
	t->full = false;
	for (int round = 1; round <= ROUNDS && count_due(t); round++) {
		for (at = 0; (n = look_at_some(t, a, &at));) {
			refresh(userdata);
			for (unsigned int i = 0; i < n; i++)
				judge(t, &t->looks[i], round == ROUNDS);
		}
	}
	t->full = false;
	return (int)count_due(t);
}

size_t netns_report(struct netns_table *t, const struct report_netns **ret)
{
	*ret = t->reports;
	return t->n;
}

uint32_t netns_unexplained(const struct netns_table *t, int64_t ret[COUNTER_MAX_])
{
	uint32_t known = 0;

	memset(ret, 0, COUNTER_MAX_ * sizeof(*ret));
	for (unsigned int i = 0; i < t->n; i++) {
		const struct report_netns *report = &t->reports[i];

		if (!report->covered)
			continue;
		known |= report->known;
		for (unsigned int c = 0; c < COUNTER_MAX_; c++)
			if (report->known & 1U << c)
				ret[c] += report->unexplained[c];
	}
	return known;
}

uint64_t netns_evicted(const struct netns_table *t)
{
	return t->evicted;
}

size_t netns_memory(const struct netns_table *t)
{
	return sizeof(*t) + (t->table ? HASH_OVERHEAD(hh, t->table) : 0);
}
