/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes an empty tally, or takes over one that another process left. Trusts nothing in it: what is
 * used as a number of a place is checked, and all that can be derived (indexes, free places,
 * accounts) is made anew, so that neither a crash in the middle of a change nor a corrupt block can
 * lead outside the block. Proved by tests/unit/daemon/tally_adopt.c, which flips its bytes.
 */
#include "common/util.h"

#include <errno.h>
#include <stddef.h>

#include "daemon/tally_internal.h"

size_t tally_size(void)
{
	return sizeof(struct tally);
}

/* 'rows_top' and 'processes_top' stay: a crash right here must not lose the rows. */
static void forget_numbers(struct tally *t)
{
	t->rows_free = INDEX_NONE;
	t->rows_used = 0;
	t->processes_free = INDEX_NONE;
	t->processes_used = 0;
	t->processes_gone = 0;
	t->ownerless_ports = 0;
	t->ownerless_folds = 0;
	t->last_row = INDEX_NONE;
	t->last_process = INDEX_NONE;
	t->last_netns = INDEX_NONE;
	t->expire_minute = 0;
	t->fold_tried = 0;
}

static void forget_derived(struct tally *t)
{
	forget_numbers(t);
	memset(t->row_slots, 0, sizeof(t->row_slots));
	memset(t->process_slots, 0, sizeof(t->process_slots));
	memset(t->netns_slots, 0, sizeof(t->netns_slots));
}

/* Arrays stay as they are, zeros: what is not touched costs no memory. */
struct tally *tally_format(void *memory, size_t size)
{
	struct tally *t = memory;

	if (!memory || size < sizeof(*t))
		return NULL;
	forget_numbers(t);
	for (uint8_t d = 0; d < RST_DIRECTION_MAX; d++) {
		t->rows[OTHER_PLACE(d)] = (struct row){
			.key = {.owner = OWNERLESS, .direction = d},
			.used = 1,
		};
	}
	t->layout = TALLY_LAYOUT;
	t->size = sizeof(*t);
	t->magic = TALLY_MAGIC;
	return t;
}

static bool ended(const char *text, size_t size)
{
	return memchr(text, '\0', size);
}

static bool process_valid(const struct process *p)
{
	if (p->gone > 1 || p->folded > 1)
		return false;
	/* what of a folded one says otherwise was about to be cleared */
	if (!p->folded && !p->pid)
		return false;
	return ended(p->comm, sizeof(p->comm)) && ended(p->exe, sizeof(p->exe)) &&
	       ended(p->unit, sizeof(p->unit)) && ended(p->container, sizeof(p->container)) &&
	       ended(p->pod, sizeof(p->pod));
}

static bool key_valid(const struct tally *t, const struct row_key *key, uint32_t processes_top)
{
	static const uint8_t zero[sizeof(key->reserved)];

	if (key->role >= RST_ROLE_MAX || key->direction >= RST_DIRECTION_MAX ||
	    key->cause >= RST_CAUSE_MAX || key->other_ports > 1 ||
	    memcmp(key->reserved, zero, sizeof(zero)))
		return false;
	if (key->other_ports && key->port)
		return false;
	if (key->owner == OWNERLESS)
		return true;
	return key->owner < processes_top && t->processes[key->owner].used && !key->netns &&
	       !key->cookie;
}

/* Looks only; the block is another layout's or corrupt as long as this has not said 0. */
static int check(const struct tally *t, size_t size)
{
	if (size < sizeof(*t) || t->magic != TALLY_MAGIC || t->layout != TALLY_LAYOUT ||
	    t->size != sizeof(*t))
		return -EPROTO;
	if (t->rows_top > RSTMON_ROWS_MAX || t->processes_top > RSTMON_PROCESSES_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < t->processes_top; i++)
		if (t->processes[i].used > 1 ||
		    (t->processes[i].used && !process_valid(&t->processes[i])))
			return -EBADMSG;
	for (uint32_t i = 0; i < TALLY_PLACES; i++) {
		const struct row *row;

		if (i == t->rows_top)
			i = RSTMON_ROWS_MAX;
		row = &t->rows[i];
		if (row->used > 1 || (row_is_other(i) && !row->used))
			return -EBADMSG;
		if (row->used && (!key_valid(t, &row->key, t->processes_top) ||
				  row->owner_source >= RST_OWNER_SOURCE_MAX))
			return -EBADMSG;
		if (row_is_other(i) &&
		    (row->key.owner != OWNERLESS || OTHER_PLACE(row->key.direction) != i))
			return -EBADMSG;
	}
	for (unsigned int i = 0; i < RSTMON_NETNS_MAX; i++)
		if (t->netns[i].used > 1)
			return -EBADMSG;
	return 0;
}

/* Two rows were becoming one when the writer was killed. */
static int finish_merge(struct tally *t)
{
	const struct merge *m = &t->merge;

	if (!m->under_way)
		return 0;
	if (m->under_way > 1 || m->from >= t->rows_top || m->to >= TALLY_PLACES ||
	    (m->to >= t->rows_top && !row_is_other(m->to)) || m->to == m->from ||
	    !t->rows[m->to].used)
		return -EBADMSG;
	t->rows[m->to].count = m->count;
	for (unsigned int i = 0; i < RSTMON_DAY_ROWS_MAX; i++)
		if (t->days[i].row == m->from + 1)
			t->days[i].row = 0;
	t->rows[m->from].used = 0;
	t->merge.under_way = 0;
	return 0;
}

/* Both refuse what stands there twice: it could be found only once. */
static int rebuild_processes(struct tally *t)
{
	for (uint32_t i = t->processes_top; i-- > 0;) {
		struct process *p = &t->processes[i];
		uint32_t twin;

		if (!p->used) {
			p->next_free = t->processes_free;
			t->processes_free = i;
			continue;
		}
		if (p->folded)
			p->pid = p->start = p->gone = 0;
		twin = p->folded ? tally_group_find(t, p->unit, p->comm)
				 : tally_process_find(t, p->pid, p->start);
		if (twin != INDEX_NONE)
			return -EBADMSG;
		p->rows = p->ports = p->into = 0;
		t->processes_used++;
		tally_process_link(t, i);
	}
	return 0;
}

static int rebuild_rows(struct tally *t)
{
	for (uint32_t i = t->rows_top; i-- > 0;) {
		struct row *row = &t->rows[i];

		if (!row->used) {
			row->next_free = t->rows_free;
			t->rows_free = i;
			continue;
		}
		if (tally_row_find(t, &row->key) != INDEX_NONE)
			return -EBADMSG;
		row->day = 0;
		row->pending = 0;
		t->rows_used++;
		tally_row_link(t, i);
	}
	for (uint32_t i = 0; i < t->processes_top; i++)
		if (t->processes[i].used)
			tally_process_check(t, i);
	return 0;
}

static int rebuild_days(struct tally *t)
{
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		t->rows[OTHER_PLACE(d)].day = 0;
	for (unsigned int i = 0; i < RSTMON_DAY_ROWS_MAX; i++) {
		uint32_t row = t->days[i].row;

		if (!row)
			continue;
		row--;
		if (row >= TALLY_PLACES || (row >= t->rows_top && !row_is_other(row)) ||
		    !t->rows[row].used || t->rows[row].day)
			return -EBADMSG;
		t->rows[row].day = (uint16_t)(i + 1);
	}
	return 0;
}

static int rebuild_netns(struct tally *t)
{
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++) {
		if (!t->netns[i].used)
			continue;
		if (tally_netns_find(t, t->netns[i].inode, t->netns[i].cookie, false) != INDEX_NONE)
			return -EBADMSG;
		tally_netns_link(t, i);
		memset(t->netns[i].pending, 0, sizeof(t->netns[i].pending));
	}
	return 0;
}

/* Rows that were made and got nothing before the writer was killed. */
static void drop_empty(struct tally *t)
{
	for (uint32_t i = 0; i < t->rows_top; i++)
		if (t->rows[i].used && !t->rows[i].count && !t->rows[i].spilled)
			tally_row_free(t, i);
}

int tally_adopt(void *memory, size_t size, struct tally **ret)
{
	struct tally *t = memory;
	int r;

	if (!memory || (uintptr_t)memory % _Alignof(struct tally))
		return -EINVAL;
	r = check(t, size);
	if (r < 0)
		return r;
	r = finish_merge(t);
	if (r < 0)
		return r;
	forget_derived(t);
	t->pending_folded = t->pending_evicted = 0;

	r = rebuild_processes(t);
	if (r < 0)
		return r;
	r = rebuild_rows(t);
	if (r < 0)
		return r;
	r = rebuild_days(t);
	if (r < 0)
		return r;
	r = rebuild_netns(t);
	if (r < 0)
		return r;
	drop_empty(t);
	*ret = t;
	return 0;
}
