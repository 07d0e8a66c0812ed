/* SPDX-License-Identifier: GPL-2.0-only */
/* The tally: rows, quotas, names, moved and spilled counts. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/daemon/tally_fixture.h"

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
	_cleanup_free_ void *memory = calloc(1, tally_size());

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
	snprintf(f.owner.pod, sizeof(f.owner.pod), "d00d");
	tally_add(t, &f);
	cr_assert_eq(find_row(t, 7, 1, RST_SENT, RST_CAUSE_UNKNOWN, &row), 0);
	cr_assert_str_eq(row.comm, "sh");
	cr_assert_str_eq(row.exe, "/bin/sh");
	cr_assert_str_eq(row.container, "c0ffee");
	cr_assert_str_eq(row.pod, "d00d");

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

static void take_back_one(struct tally *t, uint32_t pid)
{
	struct finding f = make(pid, 1, RST_SENT, RST_CAUSE_UNKNOWN);

	cr_assert_eq(tally_take_back(t, &f), 0);
}

Test(tally, evicted_does_not_fall_when_there_is_room_again)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(9999, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	struct tally_stats stats;
	uint64_t before;

	for (uint32_t i = 0; i < RSTMON_ROWS_MAX; i++)
		add(t, 1 + i / 8, (uint16_t)(1 + i % 8), RST_SENT, RST_CAUSE_UNKNOWN);
	spill(t, &f, 5, START);
	tally_stats(t, &stats);
	before = stats.evicted;
	cr_assert_geq(before, 5);
	for (uint32_t pid = 1; pid <= RSTMON_ROWS_MAX / 8; pid++)
		take_back_one(t, pid);
	spill(t, &f, 5, START);
	cr_assert_eq(count_of(t, 9999, 80, RST_SENT, RST_CAUSE_UNKNOWN), 5);
	tally_stats(t, &stats);
	cr_expect_geq(stats.evicted, before);
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

/* What ended without a reset is counted like one, and in no row or sum of resets. */
Test(tally, timeouts_are_beside_the_resets)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct finding f = make(1, 80, RST_TIMEOUT, RST_CAUSE_CONNECT_TIMEOUT);
	struct tally_netns netns;
	struct tally_stats stats;

	add(t, 1, 80, RST_SENT, RST_CAUSE_UNKNOWN);
	cr_assert_not(tally_row(t, OTHER_PLACE(RST_TIMEOUT), &(struct tally_row){0}));
	tally_add(t, &f);
	tally_add(t, &f);
	cr_assert_eq(count_of(t, 1, 80, RST_TIMEOUT, RST_CAUSE_CONNECT_TIMEOUT), 2);
	cr_assert_eq(count_of(t, 1, 80, RST_SENT, RST_CAUSE_UNKNOWN), 1);
	cr_assert_eq(rows_of(t, 1), 2);

	tally_spill_begin(t);
	tally_spill_add(t, &f, 5, START, START + 1);
	tally_spill_end(t, (const uint64_t[RST_DIRECTION_MAX]){[RST_TIMEOUT] = 3}, START);
	expect_each(t, (const uint64_t[RST_DIRECTION_MAX]){1, 0, 2 + 5 + 3});
	cr_assert_eq(other_row(t, RST_TIMEOUT).count, 3);
	cr_assert_eq(other_row(t, RST_SENT).count, 0);
	tally_stats(t, &stats);
	cr_assert(stats.spilled[RST_TIMEOUT] == 5 && !stats.spilled[RST_SENT]);
	cr_assert(stats.lost[RST_TIMEOUT] == 3 && !stats.lost[RST_SENT]);
	cr_assert(tally_netns(t, 0, &netns));
	cr_assert(netns.count[RST_SENT] == 1 && netns.count[RST_TIMEOUT] == 2 + 5);

	cr_assert_eq(tally_move(t, &f, RST_CAUSE_SILENT_DROP_TIMEOUT), 0);
	cr_assert_eq(count_of(t, 1, 80, RST_TIMEOUT, RST_CAUSE_SILENT_DROP_TIMEOUT), 1);
	expect_each(t, (const uint64_t[RST_DIRECTION_MAX]){1, 0, 10});
	expect_adoptable(t);
}

#define PORTS 40 /* each with two causes in three directions, of 256 rows of an owner */

/* Owners within their quota are exact under any order of adding, moving and spilling. */
Test(tally, property_exact_within_quota)
{
	_cleanup_free_ struct tally *t = new_tally();
	static uint64_t model[20][PORTS][RST_DIRECTION_MAX][2], spilled[20][PORTS];
	uint64_t sum[RST_DIRECTION_MAX] = {0}, now = START;

	random_state = 11;
	for (unsigned int step = 0; step < 200000; step++) {
		uint32_t pid = random_below(20), port = random_below(PORTS);
		unsigned int direction = random_below(RST_DIRECTION_MAX), cause = random_below(2);
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
		for (uint32_t i = 0; i < 20 * PORTS; i++) {
			f = make(i / PORTS, (uint16_t)(i % PORTS), RST_SENT, RST_CAUSE_UNKNOWN);
			tally_spill_add(t, &f, spilled[i / PORTS][i % PORTS], START, now);
		}
		tally_spill_end(t, (const uint64_t[RST_DIRECTION_MAX]){0}, now);
		expect_each(t, sum);
	}
	for (uint32_t i = 0; i < 20 * PORTS * RST_DIRECTION_MAX * 2; i++) {
		uint32_t cell = i / 2 / RST_DIRECTION_MAX, direction = i / 2 % RST_DIRECTION_MAX;
		uint64_t expect = model[cell / PORTS][cell % PORTS][direction][i % 2];
		struct tally_row row = {0};

		find_row(t, cell / PORTS, (int)(cell % PORTS), direction, i % 2, &row);
		cr_assert_eq(row.count - row.spilled, expect);
	}
	expect_adoptable(t);
}
