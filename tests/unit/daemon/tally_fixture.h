/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the tally share. The layout is included only to aim at it: to corrupt what
 * matters and to know the quotas.
 */
#ifndef TESTS_TALLY_FIXTURE_H
#define TESTS_TALLY_FIXTURE_H

#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/tally_internal.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define START  (1000000 * MINUTE)

static uint64_t random_state;

static inline uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % n;
}

static inline struct tally *new_tally(void)
{
	void *memory = calloc(1, tally_size());

	cr_assert(memory);
	return tally_format(memory, tally_size());
}

/* A reset of process 'pid' (0: of nobody). */
static inline struct finding make(uint32_t pid, uint16_t port, unsigned int direction,
				  enum rst_cause cause)
{
	struct finding f = {0};

	f.reset.time = START;
	f.reset.netns = 4026531840;
	f.reset.port = port;
	f.reset.direction = (uint8_t)direction;
	f.reset.role = pid ? RST_ROLE_CLIENT : RST_ROLE_NONE;
	f.reset.reason_name = "";
	f.verdict.cause = cause;
	if (pid) {
		f.owner.pid = pid;
		f.owner.start = pid * 1000ULL;
		f.owner.source = RST_OWNER_CONNECT;
		snprintf(f.owner.comm, sizeof(f.owner.comm), "comm%u", pid);
		snprintf(f.owner.unit, sizeof(f.owner.unit), "unit.service");
	}
	return f;
}

static inline void add(struct tally *t, uint32_t pid, uint16_t port, unsigned int direction,
		       enum rst_cause cause)
{
	struct finding f = make(pid, port, direction, cause);

	tally_add(t, &f);
}

/* The only row that matches; its place, or -1. 'port' -1: the row "other ports". */
static inline int find_row(const struct tally *t, uint32_t pid, int port, unsigned int direction,
			   enum rst_cause cause, struct tally_row *ret)
{
	int found = -1;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct tally_row row;

		if (!tally_row(t, i, &row) || row.other || row.pid != pid || row.cause != cause ||
		    row.direction != direction)
			continue;
		if (port < 0 ? !row.other_ports : row.other_ports || row.port != port)
			continue;
		cr_assert_eq(found, -1, "two rows of one key");
		found = (int)i;
		*ret = row;
	}
	return found;
}

static inline uint64_t count_of(const struct tally *t, uint32_t pid, int port,
				unsigned int direction, enum rst_cause cause)
{
	struct tally_row row;

	return find_row(t, pid, port, direction, cause, &row) < 0 ? 0 : row.count;
}

static inline unsigned int rows_of(const struct tally *t, uint32_t pid)
{
	struct tally_row row;
	unsigned int n = 0;

	for (unsigned int i = 0; i < TALLY_PLACES; i++)
		n += tally_row(t, i, &row) && !row.other && row.pid == pid;
	return n;
}

static inline struct tally_row other_row(const struct tally *t, unsigned int direction)
{
	struct tally_row row = {0};

	if (tally_row(t, OTHER_PLACE(direction), &row))
		cr_assert(row.other && row.direction == direction);
	return row;
}

/* The invariant: what rows show is what was put in, each direction by itself. */
static inline void expect_each(const struct tally *t, const uint64_t expected[RST_DIRECTION_MAX])
{
	uint64_t sum[RST_DIRECTION_MAX] = {0};
	struct tally_stats stats;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row))
			sum[row.direction] += row.count;
	}
	tally_stats(t, &stats);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++) {
		cr_assert_eq(sum[d], expected[d], "%u: %lu, not %lu", d, sum[d], expected[d]);
		cr_assert_eq(stats.total[d], expected[d]);
	}
}

/* The same without a time-out. */
static inline void expect_totals(const struct tally *t, uint64_t sent, uint64_t received)
{
	expect_each(t, (const uint64_t[RST_DIRECTION_MAX]){sent, received});
}

/* Another process takes over a copy and sees the same. */
static inline void expect_adoptable(const struct tally *t)
{
	_cleanup_free_ void *copy = malloc(tally_size());
	struct tally_stats a, b;
	struct tally *u;

	cr_assert(copy);
	memcpy(copy, t, tally_size());
	cr_assert_eq(tally_adopt(copy, tally_size(), &u), 0);
	tally_stats(t, &a);
	tally_stats(u, &b);
	cr_assert_eq(memcmp(&a, &b, sizeof(a)), 0);
	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct tally_row x = {0}, y = {0};

		cr_assert_eq(tally_row(t, i, &x), tally_row(u, i, &y));
		if (!x.count)
			continue;
		cr_assert_str_eq(x.comm, y.comm);
		cr_assert_str_eq(x.unit, y.unit);
		cr_assert(x.pid == y.pid && x.port == y.port && x.count == y.count &&
			  x.spilled == y.spilled && x.first == y.first && x.last == y.last &&
			  x.cause == y.cause && x.folded == y.folded);
	}
	cr_assert_eq(t->rows_used, u->rows_used);
	cr_assert_eq(t->processes_used, u->processes_used);
	cr_assert_eq(t->processes_gone, u->processes_gone);
	cr_assert_eq(t->ownerless_ports, u->ownerless_ports);
	cr_assert_eq(t->ownerless_folds, u->ownerless_folds);
	for (unsigned int i = 0; i < t->processes_top; i++)
		if (t->processes[i].used)
			cr_assert_eq(t->processes[i].rows, u->processes[i].rows);
}

static inline void spill(struct tally *t, const struct finding *f, uint64_t count, uint64_t now)
{
	const uint64_t lost[RST_DIRECTION_MAX] = {0};

	tally_spill_begin(t);
	tally_spill_add(t, f, count, START, START + 5);
	tally_spill_end(t, lost, now);
}

/* 4,000 processes of one name, one row each on 8 ports, then as many rows as there is room for. */
static inline void fill(struct tally *t, uint32_t first_pid, uint32_t processes, uint32_t ports)
{
	for (uint32_t pid = first_pid; pid < first_pid + processes; pid++)
		for (uint32_t port = 0; port < ports; port++) {
			struct finding f =
				make(pid, (uint16_t)(1000 + port), RST_SENT, RST_CAUSE_UNKNOWN);

			memset(f.owner.comm, 0, sizeof(f.owner.comm));
			snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
			f.reset.time = START + pid;
			tally_add(t, &f);
		}
}

struct chaos {
	struct finding slot[64];
	uint64_t spilled[64];
	uint64_t sum[RST_DIRECTION_MAX];
	uint64_t lost[RST_DIRECTION_MAX];
	uint64_t now;
};

static inline void chaos_spill(struct tally *t, struct chaos *c)
{
	tally_spill_begin(t);
	for (unsigned int i = 0; i < ARRAY_SIZE(c->slot); i++) {
		unsigned int grown = random_below(5);

		if (!c->spilled[i] && !random_below(3))
			c->slot[i] = make(random_below(9000), (uint16_t)random_below(300),
					  random_below(RST_DIRECTION_MAX),
					  random_below(RST_CAUSE_MAX));
		c->spilled[i] += grown;
		c->sum[c->slot[i].reset.direction] += grown;
		tally_spill_add(t, &c->slot[i], c->spilled[i], START, c->now);
	}
	c->lost[RST_SENT]++;
	c->sum[RST_SENT]++;
	c->lost[RST_TIMEOUT] += 2;
	c->sum[RST_TIMEOUT] += 2;
	tally_spill_end(t, c->lost, c->now);
}

static inline void chaos_step(struct tally *t, struct chaos *c)
{
	/* nobody, one scanner, a crowd */
	uint32_t pid = random_below(10) ? random_below(20) ? 1 + random_below(9000) : 7 : 0;
	struct finding f = make(pid, (uint16_t)random_below(pid % 7 ? 3 : 600),
				random_below(RST_DIRECTION_MAX), random_below(RST_CAUSE_MAX));

	/* few names, so that folding merges */
	snprintf(f.owner.comm, sizeof(f.owner.comm), "comm%u", pid % 50);
	f.reset.netns = 1 + random_below(3);
	c->now += random_below(NSEC_PER_SEC / 10);
	f.reset.time = c->now - random_below(3) * MINUTE;
	switch (random_below(8)) {
	case 0:
		tally_move(t, &f, random_below(RST_CAUSE_MAX));
		break;
	case 1:
		tally_gone(t, pid, f.owner.start);
		break;
	default:
		tally_add(t, &f);
		c->sum[f.reset.direction]++;
	}
}

#endif
