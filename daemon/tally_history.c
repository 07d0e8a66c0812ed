/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counts over time: a ring of 60 minutes for every row, of 1440 for the busiest. Rings advance when
 * something is counted, so a quiet row costs nothing; must not read a clock. A day's ring is a copy
 * of the row's ring, renewed by tally_minute(). Proved by tests/unit/daemon/tally_history.c.
 *
 * Minutes are counted from 1970; they are compared as int64_t, because a corrupt block may hold
 * any.
 */
#include "common/util.h"

#include "daemon/tally_internal.h"

static void add_saturated(uint32_t *bucket, uint64_t n)
{
	*bucket = n > UINT32_MAX - *bucket ? UINT32_MAX : *bucket + (uint32_t)n;
}

/* The oldest minute in the row's ring. */
static int64_t ring_start(const struct row *row)
{
	return (int64_t)row->minute - (TALLY_MINUTES - 1);
}

void tally_history_add(struct tally *t, uint32_t place, uint32_t minute, uint64_t n)
{
	struct row *row = &t->rows[place];
	uint32_t *ring = t->minutes[place];

	if (minute > row->minute) {
		uint32_t gap = minute - row->minute;

		if (gap >= TALLY_MINUTES)
			memset(ring, 0, sizeof(t->minutes[place]));
		else
			for (uint32_t i = 1; i <= gap; i++)
				ring[(row->minute + i) % TALLY_MINUTES] = 0;
		row->minute = minute;
	} else if (minute < ring_start(row)) {
		return;
	}
	add_saturated(&ring[minute % TALLY_MINUTES], n);
}

/* Takes one away again. */
void tally_history_cut(struct tally *t, uint32_t place, uint32_t minute)
{
	const struct row *row = &t->rows[place];
	uint32_t *bucket = &t->minutes[place][minute % TALLY_MINUTES];

	if (minute <= row->minute && minute >= ring_start(row) && *bucket)
		--*bucket;
}

/* The minute from which on the row's history is complete, 0: from its first reset. */
static int64_t history_reach(const struct tally *t, const struct row *row)
{
	int64_t start = ring_start(row);

	if (minute_of(row->first) >= start) {
		start = 0;
	} else if (row->day) {
		const struct day *day = &t->days[row->day - 1];
		int64_t oldest = (int64_t)day->newest - (TALLY_DAY_MINUTES - 1);

		if (day->newest >= start - 1)
			start = MIN(start, MAX(oldest, (int64_t)day->begin));
	}
	return MAX(start, (int64_t)row->begin);
}

static void day_release(struct tally *t, struct day *day)
{
	t->rows[day->row - 1].day = 0;
	day->row = 0;
}

void tally_history_drop(struct tally *t, uint32_t place)
{
	if (t->rows[place].day)
		day_release(t, &t->days[t->rows[place].day - 1]);
}

/* Moves the day on to 'now', which must not be before day->newest. */
static void day_advance(struct tally *t, struct day *day, uint32_t now)
{
	uint32_t *minutes = day_minutes(t, day);

	if (now - day->newest >= TALLY_DAY_MINUTES)
		memset(minutes, 0, sizeof(t->day_minutes[0]));
	else
		for (uint64_t m = (uint64_t)day->newest + 1; m <= now; m++)
			minutes[m % TALLY_DAY_MINUTES] = 0;
	day->newest = now;
}

/* Copies what the row's ring holds, late corrections included, into its day. */
static void day_sync(struct tally *t, struct day *day, uint32_t now)
{
	const struct row *row = &t->rows[day->row - 1];
	const uint32_t *ring = t->minutes[day->row - 1];
	int64_t start = ring_start(row), end;

	now = MAX(now, day->newest);
	/* nobody called for an hour: what left the ring meanwhile is not known */
	if (start > (int64_t)day->newest + 1)
		day->begin = MAX(day->begin, (uint32_t)start);
	day_advance(t, day, now);
	start = MAX(start, (int64_t)now - (TALLY_DAY_MINUTES - 1));
	end = MIN((int64_t)row->minute, (int64_t)now);
	for (int64_t m = MAX(start, 0); m <= end; m++)
		day_minutes(t, day)[m % TALLY_DAY_MINUTES] = ring[m % TALLY_MINUTES];
}

static uint64_t day_weight(const struct tally *t, const struct day *day)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < TALLY_DAY_MINUTES; i++)
		sum += t->day_minutes[day - t->days][i];
	return sum;
}

static uint64_t hour_weight(const struct tally *t, uint32_t place, uint32_t now)
{
	const struct row *row = &t->rows[place];
	uint64_t sum = 0;

	if ((int64_t)row->minute <= (int64_t)now - TALLY_MINUTES)
		return 0;
	for (unsigned int i = 0; i < TALLY_MINUTES; i++)
		sum += t->minutes[place][i];
	return sum;
}

static void day_give(struct tally *t, struct day *day, uint32_t place, uint32_t now)
{
	struct row *row = &t->rows[place];
	int64_t reach = history_reach(t, row);

	if (day->row)
		day_release(t, day);
	memset(day, 0, sizeof(*day));
	memset(day_minutes(t, day), 0, sizeof(t->day_minutes[0]));
	day->row = place + 1;
	day->begin = (uint32_t)MAX(reach, 0);
	day->newest = now;
	row->day = (uint16_t)(day - t->days + 1);
	day_sync(t, day, now);
}

static unsigned int lightest(const uint64_t weight[RSTMON_DAY_ROWS_MAX])
{
	unsigned int least = 0;

	for (unsigned int i = 1; i < RSTMON_DAY_ROWS_MAX; i++)
		if (weight[i] < weight[least])
			least = i;
	return least;
}

/* A row that had more resets in its last hour than the quietest holder of a day in that whole day
 * takes it over; so days go to the busiest, and do not wander. */
static void days_give(struct tally *t, uint32_t now)
{
	uint64_t weight[RSTMON_DAY_ROWS_MAX];
	unsigned int least;

	for (unsigned int i = 0; i < RSTMON_DAY_ROWS_MAX; i++)
		weight[i] = t->days[i].row ? day_weight(t, &t->days[i]) : 0;
	least = lightest(weight);
	for (uint32_t i = 0; i < TALLY_PLACES; i++) {
		uint64_t busy;

		if (i == t->rows_top)
			i = RSTMON_ROWS_MAX;
		if (!t->rows[i].used || t->rows[i].day)
			continue;
		busy = hour_weight(t, i, now);
		if (busy <= weight[least])
			continue;
		day_give(t, &t->days[least], i, now);
		weight[least] = busy;
		least = lightest(weight);
	}
}

/* The clock was set back by more than a ring: what is newer than now would hide all that comes. */
static void forget_future(struct tally *t, uint32_t place, uint32_t now)
{
	struct row *row = &t->rows[place];

	if (row->minute <= (uint64_t)now + TALLY_MINUTES)
		return;
	tally_history_drop(t, place);
	memset(t->minutes[place], 0, sizeof(t->minutes[place]));
	row->minute = now;
	row->begin = now;
}

void tally_minute(struct tally *t, uint64_t now)
{
	uint32_t minute = minute_of(now);

	t->clock = now;
	for (uint32_t i = 0; i < TALLY_PLACES; i++) {
		if (i == t->rows_top)
			i = RSTMON_ROWS_MAX;
		if (t->rows[i].used)
			forget_future(t, i, minute);
	}
	for (unsigned int i = 0; i < RSTMON_DAY_ROWS_MAX; i++) {
		struct day *day = &t->days[i];

		if (day->row && day->newest > (uint64_t)minute + TALLY_MINUTES)
			day_release(t, day);
		if (day->row)
			day_sync(t, day, minute);
		if (day->row && !day_weight(t, day))
			day_release(t, day);
	}
	days_give(t, minute);
}

/* Adds the ring of row 'from' to a day that ends at 'newest'. */
static void day_add_ring(struct tally *t, struct day *day, uint32_t from)
{
	const struct row *row = &t->rows[from];
	int64_t start = MAX(ring_start(row), (int64_t)day->newest - (TALLY_DAY_MINUTES - 1));

	for (int64_t m = MAX(start, 0); m <= (int64_t)row->minute; m++)
		add_saturated(&day_minutes(t, day)[m % TALLY_DAY_MINUTES],
			      t->minutes[from][m % TALLY_MINUTES]);
}

static void days_merge(struct tally *t, uint32_t to, uint32_t from, int64_t reach)
{
	struct day *a = t->rows[to].day ? &t->days[t->rows[to].day - 1] : NULL;
	struct day *b = t->rows[from].day ? &t->days[t->rows[from].day - 1] : NULL;
	uint32_t newest = MAX(t->rows[to].minute, t->rows[from].minute);

	newest = MAX(newest, MAX(a ? a->newest : 0, b ? b->newest : 0));
	if (a)
		day_sync(t, a, newest);
	if (b)
		day_sync(t, b, newest);
	if (a && b) {
		for (unsigned int i = 0; i < TALLY_DAY_MINUTES; i++)
			add_saturated(&day_minutes(t, a)[i], day_minutes(t, b)[i]);
		day_release(t, b);
	} else if (a) {
		day_add_ring(t, a, from);
	} else if (b) {
		day_add_ring(t, b, to);
		t->rows[from].day = 0;
		b->row = to + 1;
		t->rows[to].day = (uint16_t)(b - t->days + 1);
		a = b;
	}
	if (a)
		a->begin = (uint32_t)MAX(reach, 0);
}

/* Sums up the histories of two rows in 'to'; 'from' is left without a day. */
void tally_history_merge(struct tally *t, uint32_t to, uint32_t from)
{
	const struct row *row = &t->rows[from];
	int64_t reach = MAX(history_reach(t, &t->rows[to]), history_reach(t, row));

	days_merge(t, to, from, reach);
	t->rows[to].begin = MAX(t->rows[to].begin, row->begin);
	for (int64_t m = MAX(ring_start(row), 0); m <= (int64_t)row->minute; m++)
		if (t->minutes[from][m % TALLY_MINUTES])
			tally_history_add(t, to, (uint32_t)m, t->minutes[from][m % TALLY_MINUTES]);
}

static uint64_t sum_since(const struct tally *t, uint32_t place, int64_t since)
{
	const struct row *row = &t->rows[place];
	int64_t start = ring_start(row);
	uint64_t sum = 0;

	for (int64_t m = MAX(MAX(since, start), 0); m <= (int64_t)row->minute; m++)
		sum += t->minutes[place][m % TALLY_MINUTES];
	if (row->day) {
		const struct day *day = &t->days[row->day - 1];
		int64_t m =
			MAX((int64_t)day->newest - (TALLY_DAY_MINUTES - 1), (int64_t)day->begin);

		for (m = MAX(m, since); m < start && m <= (int64_t)day->newest; m++)
			sum += t->day_minutes[day - t->days][m % TALLY_DAY_MINUTES];
	}
	return sum;
}

bool tally_since(const struct tally *t, unsigned int i, uint64_t since, uint64_t now,
		 uint64_t *ret_count)
{
	const struct row *row = i < TALLY_PLACES ? &t->rows[i] : NULL;
	int64_t minute = minute_of(since);
	uint64_t total, sum;

	(void)now; /* rows know their own newest minute */
	*ret_count = 0;
	if (!row || (i >= t->rows_top && !row_is_other(i)) || !row->used)
		return true;
	total = row_total(t, i);
	if (!since || minute_of(row->first) >= minute) {
		*ret_count = total;
		return true;
	}
	if (minute_of(row->last) < minute)
		return true;
	sum = sum_since(t, i, minute);
	*ret_count = MIN(sum, total);
	return minute >= history_reach(t, row);
}
