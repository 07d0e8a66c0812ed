/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tally: counts each reset in its row, moves counts between causes and recomputes the spilled.
 * Must never lose a count: what finds no row is in 'other'. Must not read a clock.
 * Proved by tests/unit/daemon/tally.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/tally_internal.h"

/* Numbers beyond their enumeration cannot come out of 'decode'; they must not become indexes. */
static struct row_key make_key(const struct finding *f, unsigned int cause)
{
	const struct reset *reset = &f->reset;

	return (struct row_key){
		.owner = OWNERLESS,
		.port = reset->port,
		.role = reset->role < RST_ROLE_MAX ? reset->role : RST_ROLE_NONE,
		.direction = reset->direction < RST_DIRECTION_MAX ? reset->direction : RST_SENT,
		.cause = cause < RST_CAUSE_MAX ? cause : RST_CAUSE_UNKNOWN,
	};
}

static bool take_name(char *dst, const char *src, size_t size, bool replace)
{
	if (!src[0] || (dst[0] && !replace))
		return false;
	memcpy(dst, src, size);
	dst[size - 1] = '\0';
	return true;
}

/* A record tells the names of now; a slot tells those of when it was made, and only fills gaps. */
static void learn_names(struct process *p, const struct owner *o, bool spill)
{
	bool renamed = !spill && o->comm[0] && strncmp(p->comm, o->comm, sizeof(p->comm));

	if (renamed || !p->comm[0])
		take_name(p->comm, o->comm, sizeof(p->comm), renamed);
	if (renamed || !p->exe[0])
		take_name(p->exe, o->exe, sizeof(p->exe), renamed);
	/* an execve() moves nobody to another unit; a row that changed its unit would take its
	 * whole count from one series of the metrics to another */
	if (!p->unit[0])
		take_name(p->unit, o->unit, sizeof(p->unit), false);
	if (!p->container[0])
		take_name(p->container, o->container, sizeof(p->container), false);
	if (!p->pod[0])
		take_name(p->pod, o->pod, sizeof(p->pod), false);
}

/* The row of 'key', made if the owner's quota of ports allows, else the owner's "other ports". */
static uint32_t row_in_quota(struct tally *t, struct row_key *key, uint64_t time, bool port_allowed,
			     bool fold_allowed)
{
	uint32_t place = tally_row_find(t, key);

	if (place != INDEX_NONE)
		return place;
	if (port_allowed)
		return tally_row_new(t, key, time);
	key->port = 0;
	key->other_ports = 1;
	place = tally_row_find(t, key);
	if (place == INDEX_NONE && fold_allowed)
		place = tally_row_new(t, key, time);
	return place;
}

static uint32_t ownerless_row(struct tally *t, const struct finding *f, struct row_key key)
{
	key.netns = f->reset.netns;
	key.cookie = f->reset.netns_cookie;
	if (t->ownerless_ports >= OWNERLESS_PORTS_MAX)
		tally_expire(t);
	return row_in_quota(t, &key, f->reset.time, t->ownerless_ports < OWNERLESS_PORTS_MAX,
			    t->ownerless_folds < OWNERLESS_FOLDS_MAX);
}

static uint32_t owned_row(struct tally *t, const struct finding *f, struct row_key key, bool spill)
{
	uint32_t owner = tally_process_find(t, f->owner.pid, f->owner.start), place;
	struct process *p;

	/* without a free row a new process would only be made to be freed again */
	if (owner == INDEX_NONE && t->rows_used < RSTMON_ROWS_MAX)
		owner = tally_process_new(t, f->owner.pid, f->owner.start);
	if (owner == INDEX_NONE)
		return INDEX_NONE;
	p = &t->processes[owner];
	learn_names(p, &f->owner, spill);
	key.owner = owner;
	place = row_in_quota(t, &key, f->reset.time, p->ports < RSTMON_ROWS_OWNER_MAX, true);
	tally_process_check(t, owner);
	return place;
}

static uint32_t find_or_make(struct tally *t, const struct finding *f, unsigned int cause,
			     bool spill)
{
	struct row_key key = make_key(f, cause);

	return f->owner.pid ? owned_row(t, f, key, spill) : ownerless_row(t, f, key);
}

/* An owner with "other ports" goes on there when the table is full. */
static uint32_t find_other_ports(struct tally *t, const struct finding *f, unsigned int cause)
{
	struct row_key key = make_key(f, cause);

	key.port = 0;
	key.other_ports = 1;
	if (f->owner.pid) {
		key.owner = tally_process_find(t, f->owner.pid, f->owner.start);
		if (key.owner == INDEX_NONE)
			return INDEX_NONE;
	} else {
		key.netns = f->reset.netns;
		key.cookie = f->reset.netns_cookie;
	}
	return tally_row_find(t, &key);
}

/* The row for a finding: never fails, 'other' takes everything. */
static struct row *choose(struct tally *t, const struct finding *f, unsigned int cause, bool spill,
			  uint32_t *ret_place)
{
	uint32_t place = find_or_make(t, f, cause, spill);
	struct row *row;

	/* processes that are gone are in the way only where the table is what is full */
	if (place == INDEX_NONE && (f->owner.pid || t->rows_used >= RSTMON_ROWS_MAX) &&
	    tally_make_room(t))
		place = find_or_make(t, f, cause, spill);
	if (place == INDEX_NONE)
		place = find_other_ports(t, f, cause);
	if (place == INDEX_NONE)
		place = OTHER_PLACE(make_key(f, cause).direction);
	*ret_place = place;
	row = &t->rows[place];
	if (row_is_other(place))
		return row;
	if (row->netns != f->reset.netns)
		row->netns = row->count || row->spilled || row->pending ? 0 : f->reset.netns;
	if (f->owner.source < RST_OWNER_SOURCE_MAX && (!spill || !row->count))
		row->owner_source = f->owner.source;
	return row;
}

static void count_netns(struct tally *t, const struct finding *f)
{
	const struct reset *reset = &f->reset;
	struct netns *n;

	if (!reset->netns || reset->direction >= RST_DIRECTION_MAX)
		return;
	n = &t->netns[tally_netns_find(t, reset->netns, reset->netns_cookie, true)];
	n->count[reset->direction]++;
	n->last = MAX(n->last, reset->time);
}

void tally_add(struct tally *t, const struct finding *f)
{
	uint64_t time = f->reset.time;
	uint32_t place;
	struct row *row = choose(t, f, f->verdict.cause, false, &place);

	tally_history_add(t, place, minute_of(time), 1);
	row->count++;
	tally_row_time(row, time, time);
	t->folded += row->key.other_ports;
	t->evicted += row_is_other(place);
	count_netns(t, f);
}

/* A row of this key with something counted, INDEX_NONE without. */
static uint32_t find_counted(struct tally *t, struct row_key key)
{
	uint32_t place = tally_row_find(t, &key);

	if (place == INDEX_NONE || !t->rows[place].count) {
		key.port = 0;
		key.other_ports = 1;
		place = tally_row_find(t, &key);
	}
	return place != INDEX_NONE && t->rows[place].count ? place : INDEX_NONE;
}

/* Where a finding was counted: in its own row, or where that was folded to since. */
static uint32_t where_counted(struct tally *t, const struct finding *f)
{
	struct row_key key = make_key(f, f->verdict.cause);
	uint32_t place = INDEX_NONE;

	if (!f->owner.pid) {
		key.netns = f->reset.netns;
		key.cookie = f->reset.netns_cookie;
		return find_counted(t, key);
	}
	key.owner = tally_process_find(t, f->owner.pid, f->owner.start);
	if (key.owner != INDEX_NONE)
		place = find_counted(t, key);
	if (place != INDEX_NONE)
		return place;
	key.owner = tally_group_find(t, f->owner.unit, f->owner.comm);
	return key.owner != INDEX_NONE ? find_counted(t, key) : INDEX_NONE;
}

static void drop_if_empty(struct tally *t, uint32_t place)
{
	const struct row *row = &t->rows[place];

	if (!row_is_other(place) && !row->count && !row->spilled && !row->pending)
		tally_row_free(t, place);
}

int tally_move(struct tally *t, const struct finding *f, enum rst_cause to)
{
	uint32_t minute = minute_of(f->reset.time), target, from;
	struct row *row;

	if (to >= RST_CAUSE_MAX)
		return -EINVAL;
	if (where_counted(t, f) == INDEX_NONE)
		return -ENOENT;
	if (to == f->verdict.cause)
		return 0;
	/* making the new row may fold the old one, so it is looked for again */
	row = choose(t, f, to, false, &target);
	from = where_counted(t, f);
	if (from == INDEX_NONE) {
		drop_if_empty(t, target);
		return -ENOENT;
	}
	/* first off, then on: a record that was counted and is read again after a kill is one too
	 * many, and that a kill right here should not make two */
	tally_history_cut(t, from, minute);
	t->rows[from].count--;
	STORES_IN_ORDER();
	row->count++;
	tally_history_add(t, target, minute, 1);
	tally_row_time(row, f->reset.time, f->reset.time);
	drop_if_empty(t, from);
	return 0;
}

int tally_take_back(struct tally *t, const struct finding *f)
{
	uint32_t place = where_counted(t, f), netns;

	if (place == INDEX_NONE)
		return -ENOENT;
	tally_history_cut(t, place, minute_of(f->reset.time));
	t->rows[place].count--;
	drop_if_empty(t, place);
	netns = tally_netns_find(t, f->reset.netns, f->reset.netns_cookie, false);
	if (f->reset.netns && netns != INDEX_NONE && t->netns[netns].count[f->reset.direction])
		t->netns[netns].count[f->reset.direction]--;
	return 0;
}

void tally_spill_begin(struct tally *t)
{
	for (uint32_t i = 0; i < TALLY_PLACES; i++) {
		if (i == t->rows_top)
			i = RSTMON_ROWS_MAX;
		t->rows[i].pending = 0;
	}
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++)
		memset(t->netns[i].pending, 0, sizeof(t->netns[i].pending));
	t->pending_folded = 0;
	t->pending_evicted = 0;
}

void tally_spill_add(struct tally *t, const struct finding *f, uint64_t count, uint64_t first,
		     uint64_t last)
{
	const struct reset *reset = &f->reset;
	uint32_t place, netns;
	struct row *row;

	if (!count)
		return;
	row = choose(t, f, f->verdict.cause, true, &place);
	row->pending += count;
	tally_row_time(row, first, last);
	if (row->key.other_ports)
		t->pending_folded += count;
	if (row_is_other(place))
		t->pending_evicted += count;
	if (!reset->netns || reset->direction >= RST_DIRECTION_MAX)
		return;
	/* slots come again and again: they must not evict a namespace each time */
	netns = tally_netns_find(t, reset->netns, reset->netns_cookie,
				 !t->netns[RSTMON_NETNS_MAX - 1].used);
	if (netns == INDEX_NONE)
		return;
	t->netns[netns].pending[reset->direction] += count;
	t->netns[netns].last = MAX(t->netns[netns].last, last);
}

static void spill_end_row(struct tally *t, uint32_t place, uint64_t now)
{
	struct row *row = &t->rows[place];

	if (row->pending > row->spilled)
		tally_history_add(t, place, minute_of(now), row->pending - row->spilled);
	row->spilled = row->pending;
	drop_if_empty(t, place);
}

void tally_spill_end(struct tally *t, const uint64_t lost[RST_DIRECTION_MAX], uint64_t now)
{
	for (uint32_t i = 0; i < t->rows_top; i++)
		if (t->rows[i].used)
			spill_end_row(t, i, now);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++) {
		uint32_t place = OTHER_PLACE(d);

		spill_end_row(t, place, now);
		if (lost[d] > t->lost[d]) {
			tally_history_add(t, place, minute_of(now), lost[d] - t->lost[d]);
			tally_row_time(&t->rows[place], now, now);
		}
		t->lost[d] = lost[d];
	}
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++)
		memcpy(t->netns[i].spilled, t->netns[i].pending, sizeof(t->netns[i].spilled));
	/* these are told as counters, which do not fall because there is room again */
	t->spill_folded = MAX(t->spill_folded, t->pending_folded);
	t->spill_evicted = MAX(t->spill_evicted, t->pending_evicted);
	t->fold_tried = 0;
}

static void absorb_row(struct row *row)
{
	row->count += row->spilled;
	row->spilled = 0;
	row->pending = 0;
}

void tally_absorb(struct tally *t)
{
	for (uint32_t i = 0; i < t->rows_top; i++)
		if (t->rows[i].used)
			absorb_row(&t->rows[i]);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++) {
		absorb_row(&t->rows[OTHER_PLACE(d)]);
		t->rows[OTHER_PLACE(d)].count += t->lost[d];
		t->lost[d] = 0;
	}
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++) {
		if (!t->netns[i].used)
			continue;
		for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
			t->netns[i].count[d] += t->netns[i].spilled[d];
		memset(t->netns[i].spilled, 0, sizeof(t->netns[i].spilled));
	}
	t->folded += t->spill_folded;
	t->evicted += t->spill_evicted;
	t->spill_folded = t->spill_evicted = 0;
	t->fold_tried = 0; /* nothing is pinned any more */
}

void tally_add_other(struct tally *t, unsigned int direction, uint64_t count, uint64_t time)
{
	uint32_t place = OTHER_PLACE(direction < RST_DIRECTION_MAX ? direction : RST_SENT);
	uint64_t newest = 0;

	if (!count)
		return;
	for (uint32_t i = 0; !time && i < t->rows_top; i++)
		if (t->rows[i].used)
			newest = MAX(newest, t->rows[i].last);
	time = MAX(time, newest);
	tally_history_add(t, place, minute_of(time), count);
	t->rows[place].count += count;
	tally_row_time(&t->rows[place], time, time);
	t->evicted += count;
}

void tally_gone(struct tally *t, uint32_t pid, uint64_t start)
{
	uint32_t place = tally_process_find(t, pid, start);

	if (place == INDEX_NONE || t->processes[place].gone)
		return;
	t->processes[place].gone = 1;
	t->processes_gone++;
	t->fold_tried = 0;
}
