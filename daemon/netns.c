/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares our count of sent resets with the kernel's in each network namespace. It never adds a
 * difference up: each comparison starts from the counters themselves, so an error of one reading
 * does not stay. Proved by tests/unit/daemon/netns.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/netns.h"
#include "daemon/process.h"

#define PROCESS_TRIES 3
#define COUNT_TRIES   4

struct netns_key {
	uint32_t inode, cookie;
};

struct netns {
	struct netns_key key;
	bool tried, based;
	uint32_t pid;		 /* read last, 0: none */
	uint64_t start;		 /* its */
	uint64_t id;		 /* the namespace's, as that process showed it */
	uint64_t seen;		 /* sequence number of the last netns_seen() */
	uint64_t missed;	 /* 'sequence' when no process of it was known, 0: one is */
	uint64_t out_rsts, sent; /* the baseline */
	uint64_t last_sent;	 /* our count at the last comparison */
	UT_hash_handle hh;
};

struct netns_table {
	struct netns *table;
	unsigned int n, next;
	uint64_t sequence, evicted;
	netns_read_fn read;
	void *read_userdata;
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

/* A place for a new namespace: a free one, or that of the namespace without a process which was not
 * heard of for longest. NULL: all are alive. */
static struct netns *netns_place(struct netns_table *t)
{
	struct netns *oldest = NULL;
	unsigned int i;

	if (t->n < RSTMON_NETNS_MAX)
		return &t->entries[t->n];
	for (i = 0; i < t->n; i++) {
		struct netns *e = &t->entries[i];

		if (e->tried && !t->reports[i].covered && (!oldest || e->seen < oldest->seen))
			oldest = e;
	}
	return oldest;
}

void netns_seen(struct netns_table *t, uint32_t inode, uint32_t cookie)
{
	struct netns_key key = {inode, cookie};
	struct netns *e;

	if (!inode)
		return;
	t->sequence++;
	HASH_FIND(hh, t->table, &key, sizeof(key), e);
	if (e) {
		e->seen = t->sequence;
		return;
	}
	e = netns_place(t);
	if (t->n == RSTMON_NETNS_MAX)
		t->evicted++;
	if (!e)
		return;
	if (e == &t->entries[t->n])
		t->n++;
	else if (e->hh.tbl)
		HASH_DEL(t->table, e);
	*e = (struct netns){.key = key, .seen = t->sequence};
	t->reports[e - t->entries] = (struct report_netns){.inode = inode};
	HASH_ADD(hh, t->table, key, sizeof(e->key), e);
	if (!e->hh.tbl) { /* no memory: it cannot be found, but its place can be had again */
		e->tried = true;
		t->evicted++;
	}
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

/* Reads the kernel's counter of the namespace: from the process of the last time if it still is
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
	if (e->missed && e->seen <= e->missed)
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
			e->based = false;
		}
		e->pid = pid;
		e->start = now.start;
		e->id = now.id;
		*ret = now;
		return 0;
	}
	return -EAGAIN;
}

static void netns_compare(struct netns *e, struct report_netns *report, uint64_t out_rsts,
			  uint64_t sent)
{
	/* Counters that fell are not those of the baseline: another namespace's, or our count was
	 * given up for want of room and began anew. */
	if (!e->based || out_rsts < e->out_rsts || sent < e->last_sent) {
		e->out_rsts = out_rsts == sent ? 0 : out_rsts;
		e->sent = out_rsts == sent ? 0 : sent;
		e->based = true;
	}
	e->last_sent = sent;
	report->out_rsts = out_rsts - e->out_rsts;
	report->unexplained = report->out_rsts - (int64_t)(sent - e->sent);
	report->covered = true;
}

/* True if a comparison, or that there can be none, was found out. */
static bool netns_reconcile_one(struct netns_table *t, struct netns *e, struct attributor *a,
				netns_count_fn count, void *userdata)
{
	struct report_netns *report = &t->reports[e - t->entries];
	uint64_t before[RST_DIRECTION_MAX], after[RST_DIRECTION_MAX];
	struct netns_reading reading;
	bool stable = false;
	int i, r = 0;

	count(userdata, e->key.inode, e->key.cookie, after);
	for (i = 0; i < COUNT_TRIES && !stable; i++) {
		memcpy(before, after, sizeof(before));
		r = netns_read(t, e, a, &reading);
		if (r < 0)
			break;
		count(userdata, e->key.inode, e->key.cookie, after);
		stable = before[RST_SENT] == after[RST_SENT];
	}
	e->tried = true;
	report->sent = after[RST_SENT];
	report->received = after[RST_RECEIVED];
	report->timeouts = after[RST_TIMEOUT];
	if (r < 0)
		report->covered = false;
	else if (stable)
		netns_compare(e, report, reading.out_rsts, after[RST_SENT]);
	return r < 0 || stable;
}

static void seen_netns(uint32_t inode, uint32_t cookie, void *userdata)
{
	netns_seen(userdata, inode, cookie);
}

int netns_reconcile_some(struct netns_table *t, struct attributor *a, unsigned int max,
			 netns_count_fn count, void *userdata)
{
	unsigned int i, moving = 0;

	attributor_netns_each(a, seen_netns, t);
	for (i = 0; i < MIN(max, t->n); i++) {
		t->next %= t->n;
		if (!netns_reconcile_one(t, &t->entries[t->next++], a, count, userdata))
			moving++;
	}
	return moving;
}

int netns_reconcile(struct netns_table *t, struct attributor *a, netns_count_fn count,
		    void *userdata)
{
	return netns_reconcile_some(t, a, RSTMON_NETNS_MAX, count, userdata);
}

size_t netns_report(struct netns_table *t, const struct report_netns **ret)
{
	*ret = t->reports;
	return t->n;
}

int64_t netns_unexplained(const struct netns_table *t)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < t->n; i++)
		if (t->reports[i].covered)
			sum += t->reports[i].unexplained;
	return sum;
}

uint64_t netns_evicted(const struct netns_table *t)
{
	return t->evicted;
}

size_t netns_memory(const struct netns_table *t)
{
	return sizeof(*t) + (t->table ? HASH_OVERHEAD(hh, t->table) : 0);
}
