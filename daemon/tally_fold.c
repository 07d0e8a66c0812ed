/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making room in a full tally: rows of processes that are gone become rows of (unit, comm), and
 * what was quiet for a day goes to 'other'. Must never touch a row of a living process, and never a
 * row with spilled counts: its slots would bring it back. Proved by tests/unit/daemon/tally_fold.c.
 */
#include "common/util.h"

#include "daemon/tally_internal.h"

/* Sums 'from', which has nothing spilled, up in 'to' and frees it. */
static void row_merge(struct tally *t, uint32_t to, uint32_t from)
{
	struct row *a = &t->rows[to], *b = &t->rows[from];

	tally_history_merge(t, to, from);
	if (b->last >= a->last && !row_is_other(to))
		a->owner_source = b->owner_source;
	tally_row_time(a, b->first, b->last);
	if (a->netns != b->netns)
		a->netns = 0;
	t->merge = (struct merge){.count = a->count + b->count, .to = to, .from = from};
	STORES_IN_ORDER();
	t->merge.under_way = 1;
	STORES_IN_ORDER();
	a->count = t->merge.count;
	tally_row_free(t, from);
	STORES_IN_ORDER();
	t->merge.under_way = 0;
}

static bool row_pinned(const struct row *row)
{
	return row->spilled || row->pending;
}

/* Gives the row to the group 'to', where it may meet one of its kind. */
static void row_fold(struct tally *t, uint32_t place, uint32_t to)
{
	struct row *row = &t->rows[place];
	struct row_key key = row->key;
	uint32_t target, owner;

	key.owner = to;
	target = tally_row_find(t, &key);
	if (target == INDEX_NONE && t->processes[to].ports >= RSTMON_ROWS_OWNER_MAX) {
		key.port = 0;
		key.other_ports = 1;
		target = tally_row_find(t, &key);
	}
	t->evicted++;
	if (target != INDEX_NONE) {
		row_merge(t, target, place);
		return;
	}
	/* its owner stays until the row has another: a kill must not leave a row of nobody's */
	owner = row->key.owner;
	t->processes[owner].rows++;
	tally_row_unlink(t, place);
	row->key = key;
	tally_row_link(t, place);
	STORES_IN_ORDER();
	t->processes[owner].rows--;
	tally_process_check(t, owner);
}

/* A name that not all members of a group share is none of the group. */
static void group_join(struct process *group, const struct process *p)
{
	if (strcmp(group->exe, p->exe))
		group->exe[0] = '\0';
	if (strcmp(group->container, p->container))
		group->container[0] = '\0';
	if (strcmp(group->pod, p->pod))
		group->pod[0] = '\0';
}

static void become_group(struct tally *t, uint32_t place)
{
	struct process *p = &t->processes[place];

	tally_process_unlink(t, place);
	p->folded = 1; /* with this it is one, whatever the next three say */
	STORES_IN_ORDER();
	p->pid = 0;
	p->start = 0;
	p->gone = 0;
	tally_process_link(t, place);
	t->evicted += p->rows;
}

/* Finds or makes the group that a process which is gone folds into. Without a group of that name
 * and with nothing pinned the process itself becomes the group, and needs no room at all. */
static void choose_group(struct tally *t, uint32_t place)
{
	struct process *p = &t->processes[place];
	uint32_t to = tally_group_find(t, p->unit, p->comm);

	if (to == INDEX_NONE) {
		if (!p->pinned) {
			become_group(t, place);
			return;
		}
		to = tally_group_new(t, p);
		if (to == INDEX_NONE)
			return;
	}
	group_join(&t->processes[to], p);
	p->into = to + 1;
}

static void fold_gone(struct tally *t)
{
	for (uint32_t i = 0; i < t->processes_top; i++) {
		t->processes[i].into = 0;
		t->processes[i].pinned = 0;
	}
	for (uint32_t i = 0; i < t->rows_top; i++)
		if (t->rows[i].used && t->rows[i].key.owner != OWNERLESS && row_pinned(&t->rows[i]))
			t->processes[t->rows[i].key.owner].pinned = 1;
	for (uint32_t i = 0; i < t->processes_top; i++)
		if (t->processes[i].used && t->processes[i].gone)
			choose_group(t, i);
	for (uint32_t i = 0; i < t->rows_top; i++) {
		const struct row *row = &t->rows[i];

		if (!row->used || row->key.owner == OWNERLESS || row_pinned(row))
			continue;
		if (t->processes[row->key.owner].into)
			row_fold(t, i, t->processes[row->key.owner].into - 1);
	}
	/* a group whose only members were pinned got nothing */
	for (uint32_t i = 0; i < t->processes_top; i++)
		if (t->processes[i].used)
			tally_process_check(t, i);
}

/* Looks at most once a minute, so that a full table costs no search per reset. */
bool tally_expire(struct tally *t)
{
	uint32_t minute = minute_of(t->clock);
	bool found = false;

	if (minute == t->expire_minute)
		return false;
	t->expire_minute = minute;
	for (uint32_t i = 0; i < t->rows_top; i++) {
		const struct row *row = &t->rows[i];

		if (!row->used || row_pinned(row))
			continue;
		if (row->key.owner != OWNERLESS && !t->processes[row->key.owner].folded)
			continue;
		if (t->clock < TALLY_QUIET_NS || row->last > t->clock - TALLY_QUIET_NS)
			continue;
		row_merge(t, OTHER_PLACE(row->key.direction), i);
		t->evicted++;
		found = true;
	}
	return found;
}

/* True if something was freed. */
bool tally_make_room(struct tally *t)
{
	uint32_t rows = t->rows_used, processes = t->processes_used;

	if (t->processes_gone && !t->fold_tried) {
		t->fold_tried = 1;
		fold_gone(t);
	}
	if (t->rows_used < rows || t->processes_used < processes)
		return true;
	return tally_expire(t);
}
