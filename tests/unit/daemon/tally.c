/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tally: rows, quotas, folding, spilled counts, history, and a block that somebody else left.
 * The layout is included only to aim at it: to corrupt what matters and to know the quotas.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "daemon/tally_internal.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define START  (1000000 * MINUTE)

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(random_state >> 33) % n;
}

static struct tally *new_tally(void)
{
	void *memory = malloc(tally_size());

	cr_assert(memory);
	memset(memory, 0xa5, tally_size());
	return tally_format(memory, tally_size());
}

/* A reset of process 'pid' (0: of nobody). */
static struct finding make(uint32_t pid, uint16_t port, unsigned int direction,
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

static void add(struct tally *t, uint32_t pid, uint16_t port, unsigned int direction,
		enum rst_cause cause)
{
	struct finding f = make(pid, port, direction, cause);

	tally_add(t, &f);
}

/* The only row that matches; its place, or -1. 'port' -1: the row "other ports". */
static int find_row(const struct tally *t, uint32_t pid, int port, unsigned int direction,
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

static uint64_t count_of(const struct tally *t, uint32_t pid, int port, unsigned int direction,
			 enum rst_cause cause)
{
	struct tally_row row;

	return find_row(t, pid, port, direction, cause, &row) < 0 ? 0 : row.count;
}

static unsigned int rows_of(const struct tally *t, uint32_t pid)
{
	struct tally_row row;
	unsigned int n = 0;

	for (unsigned int i = 0; i < TALLY_PLACES; i++)
		n += tally_row(t, i, &row) && !row.other && row.pid == pid;
	return n;
}

static struct tally_row other_row(const struct tally *t, unsigned int direction)
{
	struct tally_row row = {0};

	if (tally_row(t, OTHER_PLACE(direction), &row))
		cr_assert(row.other && row.direction == direction);
	return row;
}

/* The invariant: what rows show is what was put in. */
static void expect_totals(const struct tally *t, uint64_t sent, uint64_t received)
{
	uint64_t sum[RST_DIRECTION_MAX] = {0};
	struct tally_stats stats;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row))
			sum[row.direction] += row.count;
	}
	tally_stats(t, &stats);
	cr_assert_eq(sum[RST_SENT], sent, "sent %lu, not %lu", sum[RST_SENT], sent);
	cr_assert_eq(sum[RST_RECEIVED], received);
	cr_assert_eq(stats.total[RST_SENT], sent);
	cr_assert_eq(stats.total[RST_RECEIVED], received);
}

/* Another process takes over a copy and sees the same. */
static void expect_adoptable(const struct tally *t)
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

static void spill(struct tally *t, const struct finding *f, uint64_t count, uint64_t now)
{
	const uint64_t lost[RST_DIRECTION_MAX] = {0};

	tally_spill_begin(t);
	tally_spill_add(t, f, count, START, START + 5);
	tally_spill_end(t, lost, now);
}

Test(tally, counts_under_one_key)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_row row;

	expect_totals(t, 0, 0);
	cr_assert_not(tally_row(t, OTHER_PLACE(RST_SENT), &row));
	for (unsigned int i = 0; i < 3; i++)
		add(t, 10, 443, RST_RECEIVED, RST_CAUSE_REFUSED_SYN);
	add(t, 10, 443, RST_SENT, RST_CAUSE_REFUSED_SYN);
	add(t, 10, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN);
	add(t, 10, 80, RST_RECEIVED, RST_CAUSE_REFUSED_SYN);
	add(t, 11, 443, RST_RECEIVED, RST_CAUSE_REFUSED_SYN);

	cr_assert_geq(find_row(t, 10, 443, RST_RECEIVED, RST_CAUSE_REFUSED_SYN, &row), 0);
	cr_assert_eq(row.count, 3);
	cr_assert_eq(row.start, 10000);
	cr_assert_str_eq(row.comm, "comm10");
	cr_assert_str_eq(row.unit, "unit.service");
	cr_assert_str_eq(row.exe, "");
	cr_assert_eq(row.role, RST_ROLE_CLIENT);
	cr_assert_eq(row.owner_source, RST_OWNER_CONNECT);
	cr_assert_eq(row.first, START);
	cr_assert_eq(rows_of(t, 10), 4);
	expect_totals(t, 1, 6);
	expect_adoptable(t);
}

Test(tally, format_needs_room)
{
	_cleanup_free_ void *memory = malloc(tally_size());

	cr_assert_null(tally_format(memory, tally_size() - 1));
	cr_assert_null(tally_format(NULL, tally_size()));
}

Test(tally, impossible_numbers_stay_inside)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(5, 1, 200, (enum rst_cause)200);

	f.reset.role = 200;
	f.owner.source = 200;
	tally_add(t, &f);
	cr_assert_eq(count_of(t, 5, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	expect_adoptable(t);
}

Test(tally, same_pid_again_is_another_process)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(7, 1, RST_SENT, RST_CAUSE_UNKNOWN);

	tally_add(t, &f);
	f.owner.start++;
	tally_add(t, &f);
	cr_assert_eq(rows_of(t, 7), 2);
}

Test(tally, names_are_filled_in_and_follow_exec)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(7, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	struct tally_row row;

	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	memset(f.owner.unit, 0, sizeof(f.owner.unit));
	tally_add(t, &f);
	snprintf(f.owner.comm, sizeof(f.owner.comm), "sh");
	snprintf(f.owner.exe, sizeof(f.owner.exe), "/bin/sh");
	snprintf(f.owner.container, sizeof(f.owner.container), "c0ffee");
	tally_add(t, &f);
	cr_assert_eq(find_row(t, 7, 1, RST_SENT, RST_CAUSE_UNKNOWN, &row), 0);
	cr_assert_str_eq(row.comm, "sh");
	cr_assert_str_eq(row.exe, "/bin/sh");
	cr_assert_str_eq(row.container, "c0ffee");

	/* nothing known now: the names stay; another comm: another executable */
	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	memset(f.owner.exe, 0, sizeof(f.owner.exe));
	tally_add(t, &f);
	find_row(t, 7, 1, RST_SENT, RST_CAUSE_UNKNOWN, &row);
	cr_assert_str_eq(row.comm, "sh");
	snprintf(f.owner.comm, sizeof(f.owner.comm), "nginx");
	snprintf(f.owner.exe, sizeof(f.owner.exe), "/usr/sbin/nginx");
	tally_add(t, &f);
	find_row(t, 7, 1, RST_SENT, RST_CAUSE_UNKNOWN, &row);
	cr_assert_str_eq(row.comm, "nginx");
	cr_assert_str_eq(row.exe, "/usr/sbin/nginx");
	cr_assert_eq(row.count, 4);

	/* a slot knows only an old name */
	snprintf(f.owner.comm, sizeof(f.owner.comm), "sh");
	spill(t, &f, 3, START);
	find_row(t, 7, 1, RST_SENT, RST_CAUSE_UNKNOWN, &row);
	cr_assert_str_eq(row.comm, "nginx");
	cr_assert_eq(row.count, 7);
}

Test(tally, ownerless_rows_have_the_namespace)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(0, 9, RST_SENT, RST_CAUSE_CLOSED_PORT);
	struct tally_netns netns;
	unsigned int n = 0;

	tally_add(t, &f);
	f.reset.netns = 99;
	tally_add(t, &f);
	f.reset.netns_cookie = 5; /* the number again, another namespace */
	tally_add(t, &f);
	tally_add(t, &f);
	cr_assert_eq(rows_of(t, 0), 3);
	for (unsigned int i = 0; i < RSTMON_NETNS_MAX; i++) {
		if (!tally_netns(t, i, &netns))
			continue;
		n++;
		if (netns.inode == 99 && netns.cookie == 5)
			cr_assert_eq(netns.count[RST_SENT], 2);
		else
			cr_assert_eq(netns.count[RST_SENT], 1);
	}
	cr_assert_eq(n, 3);
	cr_assert_not(tally_netns(t, RSTMON_NETNS_MAX, &netns));
}

Test(tally, a_process_in_two_namespaces_shows_none)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(3, 9, RST_SENT, RST_CAUSE_UNKNOWN);
	struct tally_row row;

	tally_add(t, &f);
	find_row(t, 3, 9, RST_SENT, RST_CAUSE_UNKNOWN, &row);
	cr_assert_eq(row.netns, 4026531840);
	f.reset.netns = 5;
	tally_add(t, &f);
	f.reset.netns = 4026531840;
	tally_add(t, &f);
	cr_assert_eq(find_row(t, 3, 9, RST_SENT, RST_CAUSE_UNKNOWN, &row), 0);
	cr_assert_eq(row.netns, 0);
	cr_assert_eq(row.count, 3);
}

Test(tally, scan_by_one_process_evicts_nobody)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_stats stats;

	for (uint32_t pid = 1; pid <= 100; pid++)
		add(t, pid, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN);
	for (uint32_t port = 1; port <= 20000; port++)
		add(t, 999, (uint16_t)port, RST_RECEIVED, RST_CAUSE_REFUSED_SYN);
	for (uint32_t pid = 1; pid <= 100; pid++)
		cr_assert_eq(count_of(t, pid, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(rows_of(t, 999), RSTMON_ROWS_OWNER_MAX + 1);
	cr_assert_eq(count_of(t, 999, 1, RST_RECEIVED, RST_CAUSE_REFUSED_SYN), 1);
	cr_assert_eq(count_of(t, 999, -1, RST_RECEIVED, RST_CAUSE_REFUSED_SYN),
		     20000 - RSTMON_ROWS_OWNER_MAX);
	tally_stats(t, &stats);
	cr_assert_eq(stats.folded, 20000 - RSTMON_ROWS_OWNER_MAX);
	cr_assert_eq(stats.evicted, 0);
	cr_assert_eq(other_row(t, RST_RECEIVED).count, 0);
	expect_totals(t, 0, 20100);
	expect_adoptable(t);
}

Test(tally, scan_of_closed_ports_evicts_nobody)
{
	_cleanup_free_ struct tally *t = new_tally();
	unsigned int own = 0;

	for (uint32_t pid = 1; pid <= 3000; pid++)
		add(t, pid, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN);
	for (uint32_t port = 1; port <= 20000; port++)
		add(t, 0, (uint16_t)port, RST_SENT, RST_CAUSE_CLOSED_PORT);
	for (uint32_t pid = 1; pid <= 3000; pid++)
		cr_assert_eq(count_of(t, pid, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN), 1);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row) && !row.pid && !row.other_ports)
			own++;
	}
	cr_assert_geq(own, 5000);
	cr_assert_leq(rows_of(t, 0), RSTMON_ROWS_OWNERLESS_MAX);
	cr_assert_eq(count_of(t, 0, -1, RST_SENT, RST_CAUSE_CLOSED_PORT), 20000 - own);
	expect_totals(t, 20000, 3000);
	expect_adoptable(t);
}

Test(tally, many_namespaces_share_what_is_left_for_nobody)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(0, 1, RST_SENT, RST_CAUSE_CLOSED_PORT);
	struct tally_stats stats;

	for (uint32_t i = 0; i < 3000; i++) {
		f.reset.netns = 100 + i;
		for (uint16_t port = 1; port <= 3; port++) {
			f.reset.port = port;
			tally_add(t, &f);
		}
	}
	cr_assert_eq(rows_of(t, 0), RSTMON_ROWS_OWNERLESS_MAX);
	cr_assert_gt(other_row(t, RST_SENT).count, 0);
	tally_stats(t, &stats);
	cr_assert_eq(stats.evicted, other_row(t, RST_SENT).count);
	cr_assert_eq(stats.netns_evicted, 3000 - RSTMON_NETNS_MAX);
	expect_totals(t, 9000, 0);
	expect_adoptable(t);
}

static void collect_pid(uint32_t pid, uint64_t start, void *userdata)
{
	cr_assert_eq(start, pid * 1000ULL);
	*(uint64_t *)userdata += pid;
}

Test(tally, processes_are_told_until_they_are_gone)
{
	_cleanup_free_ struct tally *t = new_tally();
	uint64_t sum = 0;

	add(t, 0, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	add(t, 3, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	add(t, 3, 2, RST_SENT, RST_CAUSE_UNKNOWN);
	add(t, 50, 2, RST_SENT, RST_CAUSE_UNKNOWN);
	tally_processes(t, collect_pid, &sum);
	cr_assert_eq(sum, 53);
	tally_gone(t, 3, 3000);
	tally_gone(t, 3, 3000);
	tally_gone(t, 50, 1); /* another one of that number */
	tally_gone(t, 77, 1);
	sum = 0;
	tally_processes(t, collect_pid, &sum);
	cr_assert_eq(sum, 50);
	cr_assert_eq(count_of(t, 3, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	expect_adoptable(t);
}

/* 4,000 processes of one name, one row each on 8 ports, then as many rows as there is room for. */
static void fill(struct tally *t, uint32_t first_pid, uint32_t processes, uint32_t ports)
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

Test(tally, the_dead_fold_before_anything_goes_to_other)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_stats stats;
	struct tally_row row;
	unsigned int folded = 0;

	fill(t, 1, 1024, 8);
	cr_assert(tally_pressed(t));
	tally_stats(t, &stats);
	cr_assert_eq(stats.rows, RSTMON_ROWS_MAX);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	cr_assert_eq(rows_of(t, 0), 0, "without need nothing folds");

	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(other_row(t, RST_SENT).count, 0);
	for (uint32_t pid = 1001; pid <= 1024; pid++)
		cr_assert_eq(rows_of(t, pid), 8);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		if (!tally_row(t, i, &row) || !row.folded)
			continue;
		folded++;
		cr_assert_eq(row.pid, 0);
		cr_assert_eq(row.start, 0);
		cr_assert_str_eq(row.comm, "worker");
		cr_assert_str_eq(row.unit, "unit.service");
		cr_assert_eq(row.count, 1000);
		cr_assert_eq(row.first, START + 1);
		cr_assert_eq(row.last, START + 1000);
	}
	cr_assert_eq(folded, 8);
	cr_assert_not(tally_pressed(t));
	tally_stats(t, &stats);
	cr_assert_eq(stats.evicted, 8000);
	expect_totals(t, 8193, 0);
	expect_adoptable(t);
}

Test(tally, a_full_process_table_folds_too)
{
	_cleanup_free_ struct tally *t = new_tally();

	fill(t, 1, RSTMON_PROCESSES_MAX, 1);
	add(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	tally_gone(t, 1, 1000);
	tally_gone(t, 2, 2000);
	add(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 9000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	expect_totals(t, RSTMON_PROCESSES_MAX + 2, 0);
	expect_adoptable(t);
}

Test(tally, full_of_the_living_goes_to_other_or_other_ports)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_stats stats;

	for (uint32_t port = 1; port <= 300; port++)
		add(t, 1, (uint16_t)port, RST_SENT, RST_CAUSE_UNKNOWN);
	fill(t, 2, 1000, 8);
	cr_assert_gt(other_row(t, RST_SENT).count, 0);
	tally_stats(t, &stats);
	cr_assert_eq(stats.rows, RSTMON_ROWS_MAX);
	cr_assert_eq(stats.evicted, other_row(t, RST_SENT).count);
	add(t, 1, 2000, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 1, -1, RST_SENT, RST_CAUSE_UNKNOWN), 45);
	cr_assert_str_eq(other_row(t, RST_SENT).comm, "");
	expect_totals(t, 8301, 0);
}

Test(tally, what_was_quiet_for_a_day_makes_room)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally_row row;

	for (uint32_t pid = 1; pid <= 1024; pid++) {
		for (uint16_t port = 1; port <= 8; port++)
			add(t, pid, port, RST_RECEIVED, RST_CAUSE_UNKNOWN);
		if (pid <= 1000)
			tally_gone(t, pid, pid * 1000ULL);
	}
	/* every name is another one: folding merges nothing */
	tally_minute(t, START + 1439 * MINUTE);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(other_row(t, RST_SENT).count, 1);
	cr_assert_eq(other_row(t, RST_RECEIVED).count, 0);

	tally_minute(t, START + 1441 * MINUTE);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(count_of(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	row = other_row(t, RST_RECEIVED);
	cr_assert_eq(row.count, 8000);
	cr_assert_eq(row.first, START);
	cr_assert_eq(rows_of(t, 1024), 8, "the living stay");
	expect_totals(t, 2, 8192);
	expect_adoptable(t);
}

Test(tally, spilled_rows_do_not_fold)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 1000, RST_SENT, RST_CAUSE_UNKNOWN);
	struct tally_row row;

	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
	spill(t, &f, 7, START);
	fill(t, 1, 1024, 8);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	add(t, 5000, 1, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_eq(rows_of(t, 1), 1);
	cr_assert_eq(find_row(t, 1, 1000, RST_SENT, RST_CAUSE_UNKNOWN, &row), 0);
	cr_assert_eq(row.count, 8);
	cr_assert_eq(row.spilled, 7);
	spill(t, &f, 9, START);
	expect_totals(t, 8193 + 9, 0);
	expect_adoptable(t);
}

Test(tally, spilled_is_recomputed_and_lost_is_other)
{
	_cleanup_free_ struct tally *t = new_tally();
	const uint64_t lost[RST_DIRECTION_MAX] = {2, 30};
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_CLOSED_PORT);
	struct finding g = make(0, 81, RST_RECEIVED, RST_CAUSE_UNKNOWN);
	struct tally_netns netns;
	struct tally_stats stats;
	struct tally_row row;
	uint64_t n;

	tally_add(t, &f);
	for (unsigned int round = 0; round < 3; round++) {
		tally_spill_begin(t);
		/* two slots of one row */
		tally_spill_add(t, &f, 5, START - 9, START + 1);
		tally_spill_add(t, &f, 6, START, START + 9);
		tally_spill_add(t, &g, 100, START, START);
		tally_spill_add(t, &f, 0, 1, UINT64_MAX);
		tally_spill_end(t, lost, START + 20 * MINUTE);
		expect_totals(t, 1 + 11 + 2, 100 + 30);
	}
	find_row(t, 1, 80, RST_SENT, RST_CAUSE_CLOSED_PORT, &row);
	cr_assert_eq(row.spilled, 11);
	cr_assert_eq(row.count, 12);
	cr_assert_eq(row.first, START - 9);
	cr_assert_eq(row.last, START + 9);
	cr_assert_eq(other_row(t, RST_RECEIVED).count, 30);
	cr_assert_eq(other_row(t, RST_RECEIVED).spilled, 0);
	cr_assert(tally_since(t, OTHER_PLACE(RST_RECEIVED), START + 20 * MINUTE,
			      START + 20 * MINUTE, &n));
	cr_assert_eq(n, 30);
	tally_stats(t, &stats);
	cr_assert_eq(stats.spilled[RST_SENT], 11);
	cr_assert_eq(stats.spilled[RST_RECEIVED], 100);
	cr_assert_eq(stats.lost[RST_SENT], 2);
	cr_assert(tally_netns(t, 0, &netns));
	cr_assert_eq(netns.count[RST_SENT], 12);
	cr_assert_eq(netns.count[RST_RECEIVED], 100);
	expect_adoptable(t);

	/* the slots are gone with the hooks; a row that had nothing else goes too */
	tally_spill_begin(t);
	tally_spill_end(t, (const uint64_t[RST_DIRECTION_MAX]){0}, START);
	expect_totals(t, 1, 0);
	cr_assert_eq(rows_of(t, 0), 0);
}

Test(tally, growth_of_the_spilled_is_in_the_current_minute)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	const uint64_t none[RST_DIRECTION_MAX] = {0};
	uint64_t n, now = START + 10 * MINUTE;

	tally_add(t, &f);
	spill(t, &f, 100, START + 2 * MINUTE);
	tally_spill_begin(t);
	tally_spill_add(t, &f, 140, START, now);
	tally_spill_end(t, none, now);
	cr_assert(tally_since(t, 0, START + 3 * MINUTE, now, &n));
	cr_assert_eq(n, 40);
	cr_assert(tally_since(t, 0, START + 2 * MINUTE, now, &n));
	cr_assert_eq(n, 140);
	cr_assert(tally_since(t, 0, START, now, &n));
	cr_assert_eq(n, 141);
}

Test(tally, slots_beyond_every_table_do_not_add_up)
{
	_cleanup_free_ struct tally *t = new_tally();
	const uint64_t none[RST_DIRECTION_MAX] = {0};
	struct tally_stats a, b;

	for (unsigned int round = 0; round < 2; round++) {
		tally_spill_begin(t);
		for (uint32_t i = 0; i < RST_SLOTS; i++) {
			struct finding f =
				make(1 + i / 2, (uint16_t)(i % 500), RST_SENT, RST_CAUSE_UNKNOWN);

			f.reset.netns = i;
			tally_spill_add(t, &f, 2, START, START);
		}
		tally_spill_end(t, none, START);
		expect_totals(t, 2 * RST_SLOTS, 0);
		tally_stats(t, round ? &b : &a);
	}
	cr_assert_gt(a.evicted, 0);
	cr_assert_eq(memcmp(&a, &b, sizeof(a)), 0);
	expect_adoptable(t);
}

Test(tally, move_changes_the_cause_and_no_total)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n;

	tally_add(t, &f);
	tally_add(t, &f);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_UNKNOWN), 0);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_BAD_SYN), 0);
	cr_assert_eq(count_of(t, 1, 80, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(count_of(t, 1, 80, RST_SENT, RST_CAUSE_BAD_SYN), 1);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_BAD_SYN), 0);
	cr_assert_eq(rows_of(t, 1), 1, "an empty row is none");
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_BAD_SYN), -ENOENT);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_MAX), -EINVAL);
	cr_assert_eq(rows_of(t, 1), 1);
	expect_totals(t, 2, 0);

	/* later, so that the history and not the row's first reset is asked */
	f.reset.time += 10 * MINUTE;
	f.verdict.cause = RST_CAUSE_BAD_SYN;
	tally_add(t, &f);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_CLOSED_PORT), 0);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (!tally_row(t, i, &row))
			continue;
		cr_assert(tally_since(t, i, f.reset.time, f.reset.time, &n));
		cr_assert_eq(n, row.cause == RST_CAUSE_CLOSED_PORT);
	}
	expect_totals(t, 3, 0);
}

Test(tally, move_finds_what_was_folded)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 1000, RST_SENT, RST_CAUSE_UNKNOWN);
	struct finding g = make(0, 60000, RST_SENT, RST_CAUSE_CLOSED_PORT);
	unsigned int moved = 0;

	memset(f.owner.comm, 0, sizeof(f.owner.comm));
	snprintf(f.owner.comm, sizeof(f.owner.comm), "worker");
	fill(t, 1, 1024, 8);
	for (uint32_t pid = 1; pid <= 1000; pid++)
		tally_gone(t, pid, pid * 1000ULL);
	cr_assert_eq(tally_move(t, &f, RST_CAUSE_BAD_SYN), 0, "its new row folds the old one");
	expect_totals(t, 8192, 0);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row) && row.cause == RST_CAUSE_BAD_SYN)
			moved += (unsigned int)row.count;
	}
	cr_assert_eq(moved, 1);

	for (uint32_t port = 1; port <= 6000; port++)
		add(t, 0, (uint16_t)port, RST_SENT, RST_CAUSE_CLOSED_PORT);
	tally_add(t, &g);
	cr_assert_eq(tally_move(t, &g, RST_CAUSE_UNKNOWN), 0);
	cr_assert_eq(count_of(t, 0, -1, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	expect_totals(t, 8192 + 6001, 0);
	expect_adoptable(t);
}

Test(tally, history_of_an_hour)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START + 199 * MINUTE;

	for (unsigned int m = 0; m < 200; m++) {
		f.reset.time = START + m * MINUTE + 7;
		tally_add(t, &f);
	}
	cr_assert(tally_since(t, 0, 0, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, 0, START, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, 0, now - 9 * MINUTE + 30 * NSEC_PER_SEC, now, &n));
	cr_assert_eq(n, 10, "rounded down to a minute");
	cr_assert(tally_since(t, 0, now - 59 * MINUTE, now, &n));
	cr_assert_eq(n, 60);
	cr_assert_not(tally_since(t, 0, now - 60 * MINUTE, now, &n));
	cr_assert_eq(n, 60);
	cr_assert(tally_since(t, 0, now + MINUTE, now, &n));
	cr_assert_eq(n, 0);
	cr_assert(tally_since(t, RSTMON_ROWS_MAX - 1, START, now, &n));
	cr_assert_eq(n, 0);
	cr_assert(tally_since(t, TALLY_PLACES, START, now, &n));

	/* a record that is late, and one that is too late */
	f.reset.time = now - 5 * MINUTE;
	tally_add(t, &f);
	f.reset.time = now - 100 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now - 59 * MINUTE, now, &n));
	cr_assert_eq(n, 61);

	/* hours of silence */
	f.reset.time = now + 300 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now + 241 * MINUTE, now + 300 * MINUTE, &n));
	cr_assert_eq(n, 1);
}

Test(tally, history_near_the_beginning_of_time)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n;

	f.reset.time = 0;
	tally_add(t, &f);
	f.reset.time = UINT64_MAX;
	tally_add(t, &f);
	tally_minute(t, 0);
	tally_minute(t, UINT64_MAX);
	tally_minute(t, 5);
	cr_assert(tally_since(t, 0, 1, 5, &n));
	expect_totals(t, 2, 0);
}

Test(tally, history_of_a_day_for_the_busiest)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START;

	for (unsigned int m = 0; m < 2000; m++) {
		now = START + m * MINUTE;
		f.reset.time = now;
		for (unsigned int i = 0; i < 3; i++)
			tally_add(t, &f);
		tally_minute(t, now + 59 * NSEC_PER_SEC);
	}
	cr_assert(tally_since(t, 0, now - 600 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 601);
	cr_assert(tally_since(t, 0, now - 1439 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 1440);
	cr_assert_not(tally_since(t, 0, now - 1440 * MINUTE, now, &n));
	cr_assert_eq(n, 3 * 1440);
	expect_adoptable(t);

	/* silence is known too; after a day of it the day is free again */
	for (unsigned int m = 1; m < 1500; m++)
		tally_minute(t, now + m * MINUTE);
	cr_assert_eq(t->rows[0].day, 0);
	cr_assert(tally_since(t, 0, now + MINUTE, now + 1500 * MINUTE, &n));
	cr_assert_eq(n, 0);
}

Test(tally, days_go_to_the_busiest)
{
	_cleanup_free_ struct tally *t = new_tally();

	for (uint32_t pid = 1; pid <= 1000; pid++)
		for (uint32_t i = 0; i < pid % 500 + 1; i++)
			add(t, pid, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	tally_minute(t, START);
	for (uint32_t i = 0; i < t->rows_top; i++) {
		if (t->rows[i].count > 500 - 127)
			cr_assert(t->rows[i].day, "%lu", t->rows[i].count);
		if (t->rows[i].count < 500 - 128)
			cr_assert_not(t->rows[i].day);
	}
}

Test(tally, folding_sums_histories)
{
	_cleanup_free_ struct tally *t = new_tally();
	uint64_t n, now = START, total = 0;
	int folded = -1;

	/* two of one name, one of them busy enough for a day, and a crowd that fills the table */
	for (unsigned int m = 0; m < 300; m++) {
		now = START + m * MINUTE;
		for (uint32_t pid = 1; pid <= 2; pid++) {
			struct finding f = make(pid, 80, RST_SENT, RST_CAUSE_UNKNOWN);

			snprintf(f.owner.comm, sizeof(f.owner.comm), "twin");
			f.reset.time = now;
			if (pid == 2 && m < 200)
				continue;
			for (unsigned int i = 0; i < 2; i++)
				tally_add(t, &f);
		}
		tally_minute(t, now);
	}
	tally_gone(t, 1, 1000);
	tally_gone(t, 2, 2000);
	fill(t, 100, 1024, 8);
	for (unsigned int i = 0; i < RSTMON_ROWS_MAX; i++) {
		struct tally_row row;

		if (tally_row(t, i, &row) && row.folded) {
			cr_assert_eq(folded, -1);
			folded = (int)i;
			total = row.count;
		}
	}
	cr_assert_geq(folded, 0);
	cr_assert_eq(total, 2 * 300 + 2 * 100);
	cr_assert(tally_since(t, (unsigned int)folded, now - 49 * MINUTE, now, &n));
	cr_assert_eq(n, 200);
	cr_assert(tally_since(t, (unsigned int)folded, now - 149 * MINUTE, now, &n));
	cr_assert_eq(n, 2 * 150 + 2 * 100);
	expect_adoptable(t);
}

Test(tally, clock_set_back)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	uint64_t n, now = START - 5000 * MINUTE;

	tally_add(t, &f);
	tally_minute(t, START);
	tally_minute(t, now);
	f.reset.time = now + MINUTE;
	tally_add(t, &f);
	tally_minute(t, f.reset.time);
	f.reset.time = now + 2 * MINUTE;
	tally_add(t, &f);
	cr_assert(tally_since(t, 0, now + 2 * MINUTE, now + 2 * MINUTE, &n));
	cr_assert_eq(n, 1);
	expect_totals(t, 3, 0);
}

/* Owners within their quota are exact under any order of adding, moving and spilling. */
Test(tally, property_exact_within_quota)
{
	_cleanup_free_ struct tally *t = new_tally();
	static uint64_t model[20][60][RST_DIRECTION_MAX][2], spilled[20][60];
	uint64_t sum[RST_DIRECTION_MAX] = {0}, now = START;

	random_state = 11;
	for (unsigned int step = 0; step < 200000; step++) {
		uint32_t pid = random_below(20), port = random_below(60);
		unsigned int direction = random_below(2), cause = random_below(2);
		uint64_t(*cell)[2] = &model[pid][port][direction];
		struct finding f = make(pid, (uint16_t)port, direction, cause);

		now += random_below(2 * NSEC_PER_SEC);
		f.reset.time = now;
		if (random_below(4)) {
			tally_add(t, &f);
			(*cell)[cause]++;
			sum[direction]++;
		} else if ((*cell)[cause]) {
			cr_assert_eq(tally_move(t, &f, !cause), 0);
			(*cell)[cause]--;
			(*cell)[!cause]++;
		} else {
			cr_assert_eq(tally_move(t, &f, !cause), -ENOENT);
		}
		if (step % 97 == 0) {
			spilled[pid][port] += 3;
			sum[RST_SENT] += 3;
		}
		if (step % 9700)
			continue;
		tally_minute(t, now);
		tally_spill_begin(t);
		for (uint32_t i = 0; i < 20 * 60; i++) {
			f = make(i / 60, (uint16_t)(i % 60), RST_SENT, RST_CAUSE_UNKNOWN);
			tally_spill_add(t, &f, spilled[i / 60][i % 60], START, now);
		}
		tally_spill_end(t, (const uint64_t[RST_DIRECTION_MAX]){0}, now);
		expect_totals(t, sum[RST_SENT], sum[RST_RECEIVED]);
	}
	for (uint32_t i = 0; i < 20 * 60 * 4; i++) {
		uint32_t pid = i / 240, port = i / 4 % 60;
		uint64_t expect = model[pid][port][i / 2 % 2][i % 2];
		struct tally_row row = {0};

		find_row(t, pid, (int)port, i / 2 % 2, i % 2, &row);
		cr_assert_eq(row.count - row.spilled, expect);
	}
	expect_adoptable(t);
}

struct chaos {
	struct finding slot[64];
	uint64_t spilled[64];
	uint64_t sum[RST_DIRECTION_MAX];
	uint64_t lost[RST_DIRECTION_MAX];
	uint64_t now;
};

static void chaos_spill(struct tally *t, struct chaos *c)
{
	tally_spill_begin(t);
	for (unsigned int i = 0; i < ARRAY_SIZE(c->slot); i++) {
		unsigned int grown = random_below(5);

		if (!c->spilled[i] && !random_below(3))
			c->slot[i] = make(random_below(9000), (uint16_t)random_below(300),
					  random_below(2), random_below(RST_CAUSE_MAX));
		c->spilled[i] += grown;
		c->sum[c->slot[i].reset.direction] += grown;
		tally_spill_add(t, &c->slot[i], c->spilled[i], START, c->now);
	}
	c->lost[0]++;
	c->sum[0]++;
	tally_spill_end(t, c->lost, c->now);
}

static void chaos_step(struct tally *t, struct chaos *c)
{
	/* nobody, one scanner, a crowd */
	uint32_t pid = random_below(10) ? random_below(20) ? 1 + random_below(9000) : 7 : 0;
	struct finding f = make(pid, (uint16_t)random_below(pid % 7 ? 3 : 600), random_below(2),
				random_below(RST_CAUSE_MAX));

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

Test(tally, property_sums_in_chaos)
{
	_cleanup_free_ struct tally *t = new_tally();
	static struct chaos c = {.now = START};
	struct tally_stats stats;

	random_state = 12;
	for (unsigned int i = 0; i < ARRAY_SIZE(c.slot); i++)
		c.slot[i] = make(i, (uint16_t)i, i % 2, RST_CAUSE_UNKNOWN);
	for (unsigned int step = 1; step <= 300000; step++) {
		chaos_step(t, &c);
		if (step % 5000 == 0) {
			chaos_spill(t, &c);
			tally_minute(t, c.now);
			expect_totals(t, c.sum[RST_SENT], c.sum[RST_RECEIVED]);
		}
		if (step % 60000 == 0)
			expect_adoptable(t);
	}
	tally_stats(t, &stats);
	cr_assert_gt(stats.evicted, 0, "the test must reach folding");
	cr_assert_gt(stats.folded, 0);
}

Test(tally, adopt_refuses_other_layouts)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally *u = NULL;

	cr_assert_eq(tally_adopt(t, tally_size() - 1, &u), -EPROTO);
	cr_assert_eq(tally_adopt((char *)t + 1, tally_size(), &u), -EINVAL);
	cr_assert_eq(tally_adopt(NULL, tally_size(), &u), -EINVAL);
	t->layout++;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EPROTO);
	t->layout--;
	t->magic ^= 1;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EPROTO);
	t->magic ^= 1;
	t->rows_top = RSTMON_ROWS_MAX + 1;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EBADMSG);
	cr_assert_null(u);
}

Test(tally, adopt_refuses_corrupt_rows)
{
	struct tally *u;

#define CORRUPT(change)                                                                            \
	do {                                                                                       \
		_cleanup_free_ struct tally *t = new_tally();                                      \
		add(t, 1, 80, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		add(t, 1, 81, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		add(t, 2, 81, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		tally_minute(t, START);                                                            \
		cr_assert_eq(tally_adopt(t, tally_size(), &u), 0);                                 \
		change;                                                                            \
		cr_assert_eq(tally_adopt(t, tally_size(), &u), -EBADMSG, #change);                 \
	} while (0)

	CORRUPT(t->rows[0].key.owner = 2);
	CORRUPT(t->rows[0].key.direction = 2);
	CORRUPT(t->rows[0].key.cause = RST_CAUSE_MAX);
	CORRUPT(t->rows[0].key.role = RST_ROLE_MAX);
	CORRUPT(t->rows[0].owner_source = RST_OWNER_SOURCE_MAX);
	CORRUPT(t->rows[0].used = 2);
	CORRUPT(t->rows[0].key.port = 81); /* a row twice */
	CORRUPT(t->rows[0].key.reserved[2] = 1);
	CORRUPT(t->rows[OTHER_PLACE(1)].used = 0);
	CORRUPT(t->rows[OTHER_PLACE(1)].key.direction = 0);
	CORRUPT(memset(t->processes[0].comm, 'x', RSTMON_COMM_MAX));
	CORRUPT(memset(t->processes[0].exe, 'x', RSTMON_EXE_MAX));
	CORRUPT(t->processes[0].pid = 0);
	CORRUPT(t->processes[0].folded = 1);
	CORRUPT((t->processes[1].pid = 1, t->processes[1].start = 1000));
	CORRUPT(t->days[0].row = 4);
	CORRUPT(t->days[1].row = t->days[0].row);
	CORRUPT(t->netns[0].used = 7);
	CORRUPT(t->netns[1] = t->netns[0]);
#undef CORRUPT
}

static void use_everything(struct tally *t)
{
	static struct chaos c;
	struct tally_netns netns;
	struct tally_stats stats;
	struct tally_row row;
	uint64_t n;

	c.now = START + 100 * MINUTE;
	for (unsigned int i = 0; i < 60; i++)
		chaos_step(t, &c);
	for (unsigned int i = 0; i < t->processes_top; i++)
		if (t->processes[i].used && random_below(2))
			tally_gone(t, t->processes[i].pid, t->processes[i].start);
	tally_make_room(t);
	chaos_spill(t, &c);
	tally_minute(t, c.now);
	t->clock += 2 * TALLY_QUIET_NS;
	tally_expire(t);
	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		tally_since(t, i, c.now - random_below(2000) * MINUTE, c.now, &n);
		if (tally_row(t, i, &row))
			cr_assert(strlen(row.comm) < RSTMON_COMM_MAX &&
				  strlen(row.exe) < RSTMON_EXE_MAX);
	}
	for (unsigned int i = 0; i < RSTMON_NETNS_MAX; i++)
		tally_netns(t, i, &netns);
	tally_stats(t, &stats);
}

/* Somewhere that matters, in most cases. */
static size_t random_place(const struct tally *t)
{
	switch (random_below(6)) {
	case 0:
		return random_below(offsetof(struct tally, row_slots));
	case 1:
		return offsetof(struct tally, rows) +
		       random_below(t->rows_top * (uint32_t)sizeof(struct row));
	case 2:
		return offsetof(struct tally, processes) +
		       random_below(t->processes_top * (uint32_t)sizeof(struct process));
	case 3:
		return offsetof(struct tally, days) +
		       random_below(RSTMON_DAY_ROWS_MAX) * sizeof(struct day) + random_below(16);
	case 4:
		return offsetof(struct tally, rows) + RSTMON_ROWS_MAX * sizeof(struct row) +
		       random_below(2 * sizeof(struct row));
	default:
		return random_below((uint32_t)sizeof(struct tally));
	}
}

/* Any byte may be wrong: adopt refuses, or nothing that follows leaves the block. The block ends at
 * a page that cannot be touched; -fsanitize=bounds watches its arrays. */
Test(tally, adopt_survives_flipped_bytes, .timeout = 120)
{
	_cleanup_close_ int fd = memfd_create("tally", MFD_CLOEXEC);
	size_t size = (tally_size() + 4095) / 4096 * 4096, offset = (size - tally_size()) & ~7UL;
	_cleanup_free_ struct tally *t = new_tally();
	struct chaos c = {.now = START};
	unsigned int adopted = 0;

	random_state = 13;
	for (unsigned int i = 0; i < 2000; i++) {
		chaos_step(t, &c);
		if (i % 500 == 499)
			tally_minute(t, c.now);
	}
	chaos_spill(t, &c);
	tally_gone(t, t->processes[3].pid, t->processes[3].start);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	cr_assert_eq(pwrite(fd, t, tally_size(), (off_t)offset), (ssize_t)tally_size());
	for (unsigned int i = 0; i < 2000; i++) {
		char *map = mmap(NULL, size + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *block;
		struct tally *u;

		cr_assert_neq(map, MAP_FAILED);
		cr_assert_eq(
			mmap(map, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0),
			map);
		block = map + offset;
		for (unsigned int k = 1 + random_below(4); k; k--)
			block[random_place(t)] ^= (char)(1 << random_below(8));
		if (!tally_adopt(block, tally_size(), &u)) {
			adopted++;
			use_everything(u);
		}
		munmap(map, size + 4096);
	}
	cr_assert_gt(adopted, 300, "%u", adopted);
	cr_assert_lt(adopted, 2000);
}
