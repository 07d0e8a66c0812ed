/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tally's three tables (rows, processes, namespaces): finds, makes and frees entries. Must not
 * decide who gets room (tally.c, tally_fold.c). Proved by tests/unit/daemon/tally.c.
 */
#include "common/util.h"

#include "daemon/tally_internal.h"

static uint32_t key_hash(const struct row_key *key)
{
	uint64_t word[3];

	memcpy(word, key, sizeof(word));
	return (uint32_t)index_mix(word[0] ^ index_mix(word[1] ^ word[2] * 0x9e3779b97f4a7c15ULL));
}

static bool key_equal(const struct row_key *a, const struct row_key *b)
{
	uint64_t x[3], y[3];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

uint32_t tally_row_find(struct tally *t, const struct row_key *key)
{
	uint32_t hash, position, place;

	/* floods are made of one row: it is asked first, without hashing */
	if (t->last_row < t->rows_top && t->rows[t->last_row].used &&
	    key_equal(&t->rows[t->last_row].key, key))
		return t->last_row;
	hash = key_hash(key);
	position = hash;
	do {
		place = index_next(t->row_slots, ROW_SLOTS - 1, hash, &position);
		if (place == INDEX_NONE)
			return INDEX_NONE;
	} while (!key_equal(&t->rows[place].key, key));
	t->last_row = place;
	return place;
}

/* Enters a row whose key is set into the index and into its owner's account. */
void tally_row_link(struct tally *t, uint32_t place)
{
	struct row *row = &t->rows[place];

	row->hash = key_hash(&row->key);
	index_insert(t->row_slots, ROW_SLOTS - 1, row->hash, place);
	if (row->key.owner != OWNERLESS) {
		t->processes[row->key.owner].rows++;
		t->processes[row->key.owner].ports += !row->key.other_ports;
	} else if (row->key.other_ports) {
		t->ownerless_folds++;
	} else {
		t->ownerless_ports++;
	}
}

void tally_row_unlink(struct tally *t, uint32_t place)
{
	struct row *row = &t->rows[place];
	uint32_t owner = row->key.owner;

	index_remove(t->row_slots, ROW_SLOTS - 1, row->hash, place);
	if (owner != OWNERLESS) {
		t->processes[owner].rows--;
		t->processes[owner].ports -= !row->key.other_ports;
		tally_process_check(t, owner);
	} else if (row->key.other_ports) {
		t->ownerless_folds--;
	} else {
		t->ownerless_ports--;
	}
}

uint32_t tally_row_new(struct tally *t, const struct row_key *key, uint64_t time)
{
	uint32_t place = t->rows_free;
	struct row *row;

	if (place != INDEX_NONE)
		t->rows_free = t->rows[place].next_free;
	else if (t->rows_top < RSTMON_ROWS_MAX)
		place = t->rows_top;
	else
		return INDEX_NONE;

	row = &t->rows[place];
	*row = (struct row){.key = *key, .first = time, .last = time, .minute = minute_of(time)};
	memset(t->minutes[place], 0, sizeof(t->minutes[place]));
	STORES_IN_ORDER();
	row->used = 1;
	STORES_IN_ORDER();
	t->rows_top = MAX(t->rows_top, place + 1);
	t->rows_used++;
	tally_row_link(t, place);
	return place;
}

void tally_row_free(struct tally *t, uint32_t place)
{
	tally_history_drop(t, place);
	/* before its owner may go: a kill must not leave a row of nobody's */
	STORES_IN_ORDER();
	t->rows[place].used = 0;
	STORES_IN_ORDER();
	tally_row_unlink(t, place);
	t->rows[place].next_free = t->rows_free;
	t->rows_free = place;
	t->rows_used--;
}

/* Widens the time that the row spans; 0 in 'row' means "none yet". */
void tally_row_time(struct row *row, uint64_t first, uint64_t last)
{
	if (!row->first || first < row->first)
		row->first = first;
	if (last > row->last)
		row->last = last;
}

static uint32_t process_hash(uint32_t pid, uint64_t start)
{
	return (uint32_t)index_mix(start ^ (uint64_t)pid << 40 ^ pid);
}

static uint64_t text_hash(uint64_t hash, const char *text)
{
	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3ULL;
	return hash;
}

static uint32_t group_hash(const char *unit, const char *comm)
{
	return (uint32_t)index_mix(text_hash(text_hash(1, unit) * 31, comm));
}

uint32_t tally_process_find(struct tally *t, uint32_t pid, uint64_t start)
{
	uint32_t hash, position, place = t->last_process;
	const struct process *p;

	if (place < t->processes_top) {
		p = &t->processes[place];
		if (p->used && p->pid == pid && p->start == start && !p->folded)
			return place;
	}
	hash = process_hash(pid, start);
	position = hash;
	do {
		place = index_next(t->process_slots, PROCESS_SLOTS - 1, hash, &position);
		if (place == INDEX_NONE)
			return INDEX_NONE;
		p = &t->processes[place];
	} while (p->pid != pid || p->start != start || p->folded);
	t->last_process = place;
	return place;
}

uint32_t tally_group_find(struct tally *t, const char *unit, const char *comm)
{
	uint32_t hash = group_hash(unit, comm), position = hash, place;

	for (;;) {
		const struct process *p;

		place = index_next(t->process_slots, PROCESS_SLOTS - 1, hash, &position);
		if (place == INDEX_NONE)
			return INDEX_NONE;
		p = &t->processes[place];
		if (p->folded && !strcmp(p->unit, unit) && !strcmp(p->comm, comm))
			return place;
	}
}

void tally_process_link(struct tally *t, uint32_t place)
{
	struct process *p = &t->processes[place];

	p->hash = p->folded ? group_hash(p->unit, p->comm) : process_hash(p->pid, p->start);
	index_insert(t->process_slots, PROCESS_SLOTS - 1, p->hash, place);
	t->processes_gone += p->gone;
}

void tally_process_unlink(struct tally *t, uint32_t place)
{
	struct process *p = &t->processes[place];

	index_remove(t->process_slots, PROCESS_SLOTS - 1, p->hash, place);
	t->processes_gone -= p->gone;
}

static uint32_t process_place(const struct tally *t)
{
	if (t->processes_free != INDEX_NONE)
		return t->processes_free;
	return t->processes_top < RSTMON_PROCESSES_MAX ? t->processes_top : INDEX_NONE;
}

/* Enters what was filled in but for 'used': it is there with everything, or not at all. */
static void process_enter(struct tally *t, uint32_t place, uint32_t next_free)
{
	STORES_IN_ORDER();
	t->processes[place].used = 1;
	STORES_IN_ORDER();
	if (place == t->processes_free)
		t->processes_free = next_free;
	t->processes_top = MAX(t->processes_top, place + 1);
	t->processes_used++;
	tally_process_link(t, place);
}

uint32_t tally_process_new(struct tally *t, uint32_t pid, uint64_t start)
{
	uint32_t place = process_place(t), next_free;
	struct process *p;

	if (place == INDEX_NONE)
		return INDEX_NONE;
	p = &t->processes[place];
	next_free = p->next_free;
	memset(p, 0, sizeof(*p));
	p->pid = pid;
	p->start = start;
	process_enter(t, place, next_free);
	return place;
}

/* A group with the names of 'named'. */
uint32_t tally_group_new(struct tally *t, const struct process *named)
{
	uint32_t place = process_place(t), next_free;
	struct process *p;

	if (place == INDEX_NONE)
		return INDEX_NONE;
	p = &t->processes[place];
	next_free = p->next_free;
	memset(p, 0, sizeof(*p));
	memcpy(p->comm, named->comm, sizeof(p->comm));
	memcpy(p->exe, named->exe, sizeof(p->exe));
	memcpy(p->unit, named->unit, sizeof(p->unit));
	memcpy(p->container, named->container, sizeof(p->container));
	memcpy(p->pod, named->pod, sizeof(p->pod));
	p->folded = 1;
	process_enter(t, place, next_free);
	return place;
}

/* Frees the process if it has no row. */
void tally_process_check(struct tally *t, uint32_t place)
{
	struct process *p = &t->processes[place];

	if (p->rows || !p->used)
		return;
	tally_process_unlink(t, place);
	p->used = 0;
	p->next_free = t->processes_free;
	t->processes_free = place;
	t->processes_used--;
}

void tally_netns_link(struct tally *t, uint32_t place)
{
	struct netns *n = &t->netns[place];

	n->hash = (uint32_t)index_mix((uint64_t)n->cookie << 32 | n->inode);
	index_insert(t->netns_slots, NETNS_SLOTS - 1, n->hash, place);
}

/* A free place, or that of the namespace that was quiet for longest. */
static uint32_t netns_place(struct tally *t)
{
	uint32_t oldest = 0;

	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++) {
		if (!t->netns[i].used)
			return i;
		if (t->netns[i].last < t->netns[oldest].last)
			oldest = i;
	}
	index_remove(t->netns_slots, NETNS_SLOTS - 1, t->netns[oldest].hash, oldest);
	t->netns[oldest].used = 0;
	t->netns_evicted++;
	return oldest;
}

uint32_t tally_netns_find(struct tally *t, uint32_t inode, uint32_t cookie, bool make)
{
	uint32_t hash, position, place = t->last_netns;
	struct netns *n;

	if (place < RSTMON_NETNS_MAX) {
		n = &t->netns[place];
		if (n->used && n->inode == inode && n->cookie == cookie)
			return place;
	}
	hash = (uint32_t)index_mix((uint64_t)cookie << 32 | inode);
	position = hash;
	while ((place = index_next(t->netns_slots, NETNS_SLOTS - 1, hash, &position)) != INDEX_NONE)
		if (t->netns[place].inode == inode && t->netns[place].cookie == cookie)
			break;
	if (place == INDEX_NONE) {
		if (!make)
			return INDEX_NONE;
		place = netns_place(t);
		t->netns[place] = (struct netns){.inode = inode, .cookie = cookie};
		STORES_IN_ORDER();
		t->netns[place].used = 1;
		tally_netns_link(t, place);
	}
	t->last_netns = place;
	return place;
}
