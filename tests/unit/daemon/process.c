/* SPDX-License-Identifier: GPL-2.0-only */
/* The cache of processes: bound, order, replacement, the absent, and /proc/PID/stat. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/process.h"

static struct rst_process make(uint32_t tgid, uint64_t start, const char *comm)
{
	struct rst_process p = {.tgid = tgid, .start = start, .netns = 7, .netns_cookie = 1};

	snprintf(p.comm, sizeof(p.comm), "%s", comm);
	snprintf(p.exe, sizeof(p.exe), "/bin/%s", comm);
	return p;
}

static void put(struct process_cache *c, uint32_t tgid, uint64_t start, const char *comm)
{
	struct rst_process p = make(tgid, start, comm);

	cr_assert_eq(process_cache_put(c, &p, NULL), 0);
}

Test(process_cache, finds_by_number_and_start)
{
	struct process_cache *c = NULL;

	cr_assert_eq(process_cache_new(8, &c), 0);
	put(c, 10, 100, "old");
	put(c, 10, 200, "new");
	cr_expect_str_eq(process_cache_get(c, 10, 100)->comm, "old");
	cr_expect_str_eq(process_cache_get(c, 10, 200)->comm, "new");
	cr_expect_str_eq(process_cache_get(c, 10, 200)->exe, "/bin/new");
	cr_expect_null(process_cache_get(c, 10, 300));
	cr_expect_null(process_cache_get(c, 11, 100));
	process_cache_free(c);
}

Test(process_cache, replaces_in_place)
{
	struct process_cache *c = NULL;
	struct rst_process p = make(10, 100, "after");
	struct process *got;
	size_t before;

	cr_assert_eq(process_cache_new(2, &c), 0);
	put(c, 10, 100, "fork");
	put(c, 11, 100, "other");
	before = process_cache_memory(c);
	snprintf(process_cache_get(c, 10, 100)->settled, 16, "thread");
	process_cache_get(c, 11, 100);
	cr_assert_eq(process_cache_put(c, &p, &got), 0);
	cr_expect_str_eq(got->comm, "after");
	cr_expect_str_eq(got->settled, "thread");
	cr_expect_eq(process_cache_count(c), 2);
	cr_expect_eq(process_cache_memory(c), before + 1); /* one letter more in the path */
	/* still the least recently used */
	put(c, 12, 100, "third");
	cr_expect_null(process_cache_get(c, 10, 100));
	cr_expect_not_null(process_cache_get(c, 11, 100));
	process_cache_free(c);
}

Test(process_cache, nothing_replaces_no_name)
{
	struct process_cache *c = NULL;
	struct rst_process p = make(10, 100, "dying");
	struct process *got;

	cr_assert_eq(process_cache_new(2, &c), 0);
	p.cgroup = 5;
	cr_assert_eq(process_cache_put(c, &p, NULL), 0);
	p.cgroup = 0;
	p.netns = 0;
	p.exe[0] = '\0';
	cr_assert_eq(process_cache_put(c, &p, &got), 0);
	cr_expect_eq(got->cgroup, 5);
	cr_expect_eq(got->netns, 0);
	cr_expect_str_eq(got->exe, "/bin/dying");
	process_cache_free(c);
}

Test(process_cache, evicts_the_least_recently_used_and_counts)
{
	struct process_cache *c = NULL;
	uint32_t i;

	cr_assert_eq(process_cache_new(4, &c), 0);
	for (i = 1; i <= 4; i++)
		put(c, i, i, "x");
	cr_expect_eq(process_cache_evicted(c), 0);
	cr_assert_not_null(process_cache_get(c, 1, 1));
	put(c, 5, 5, "x");
	put(c, 6, 6, "x");
	cr_expect_not_null(process_cache_get(c, 1, 1));
	cr_expect_null(process_cache_get(c, 2, 2));
	cr_expect_null(process_cache_get(c, 3, 3));
	cr_expect_eq(process_cache_evicted(c), 2);
	for (i = 100; i < 10100; i++)
		put(c, i, i, "flood");
	cr_expect_eq(process_cache_count(c), 4);
	cr_expect_eq(process_cache_evicted(c), 10002);
	process_cache_free(c);
}

Test(process_cache, hostile_text_is_made_harmless)
{
	struct process_cache *c = NULL;
	struct rst_process p = {.tgid = 1, .start = 1};
	struct process *got;

	cr_assert_eq(process_cache_new(4, &c), 0);
	memset(p.comm, 'c', sizeof(p.comm)); /* without an end */
	memset(p.exe, 'e', sizeof(p.exe));
	p.comm[0] = '\n';
	p.exe[1] = '\033';
	cr_assert_eq(process_cache_put(c, &p, &got), 0);
	cr_expect_str_eq(got->comm, "?cccccccccccccc");
	cr_expect_eq(strlen(got->exe), RSTMON_EXE_MAX - 1);
	cr_expect_eq(got->exe[1], '?');
	process_cache_free(c);
	process_cache_free(NULL);
}

Test(process_cache, a_namespace_lists_the_present_generation)
{
	struct process_cache *c = NULL;
	struct process *p;

	cr_assert_eq(process_cache_new(8, &c), 0);
	process_cache_scan(c);
	put(c, 1, 1, "gone");
	put(c, 2, 2, "stays");
	process_cache_scan(c);
	put(c, 2, 2, "stays");
	put(c, 3, 3, "new");
	p = process_cache_netns(c, 7, 1, NULL);
	cr_assert_not_null(p);
	cr_expect_eq(p->key.tgid, 2);
	p = process_cache_netns(c, 7, 1, p);
	cr_assert_not_null(p);
	cr_expect_eq(p->key.tgid, 3);
	cr_expect_null(process_cache_netns(c, 7, 1, p));
	cr_expect_null(process_cache_netns(c, 7, 2, NULL));
	cr_expect_null(process_cache_netns(c, 8, 1, NULL));
	cr_expect_not_null(process_cache_get(c, 1, 1)); /* its name is still known */
	process_cache_free(c);
}

Test(process_cache, absent_means_exactly_that_process)
{
	struct process_cache *c = NULL;
	uint32_t i;

	cr_assert_eq(process_cache_new(8, &c), 0);
	cr_expect_not(process_cache_absent(c, 0, 0));
	cr_expect_not(process_cache_absent(c, 5, 50));
	process_cache_mark_absent(c, 5, 50);
	cr_expect(process_cache_absent(c, 5, 50));
	cr_expect_not(process_cache_absent(c, 5, 51));
	cr_expect_not(process_cache_absent(c, 6, 50));
	for (i = 1000; i < 101000; i++) {
		process_cache_mark_absent(c, i, i * 7919ULL);
		cr_assert(process_cache_absent(c, i, i * 7919ULL));
		cr_assert_not(process_cache_absent(c, i, i * 7919ULL + 1));
	}
	process_cache_free(c);
}

Test(process_stat, start_is_field_22_whatever_the_comm)
{
	static const struct {
		const char *text;
		int r;
		uint64_t ticks;
	} cases[] = {
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 156328 3 4 5\n", 0, 156328},
		{"1 (a b) c) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 77 3 4\n", 0, 77},
		{"1 () S 1 (9) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 5 3\n", 0, 5},
		{"1 (\n) R\n) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 0 3\n", 0, 0},
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 18446744073709551615 3\n", 0,
		 UINT64_MAX},
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 18446744073709551616 3\n", -EBADMSG,
		 0},
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 -5 3\n", -EBADMSG, 0},
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 1563", -EBADMSG, 0}, /* cut */
		{"1 (a) S 1 1 1 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0", -EBADMSG, 0},
		{"1 (a) S 1 1\n", -EBADMSG, 0},
		{"1 (a)", -EBADMSG, 0},
		{"1 a S 1", -EBADMSG, 0},
		{"", -EBADMSG, 0},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t ticks = 4711;
		int r = process_parse_stat(cases[i].text, &ticks);

		cr_expect_eq(r, cases[i].r, "case %u: %d", i, r);
		cr_expect_eq(ticks, cases[i].r < 0 ? 4711 : cases[i].ticks, "case %u", i);
	}
}

Test(process_stat, a_living_process_and_none)
{
	uint64_t ticks = 0;
	int fd = process_open(getpid());

	cr_assert_geq(fd, 0);
	cr_expect_eq(process_read_start(fd, &ticks), 0);
	cr_expect_gt(ticks, 0);
	close(fd);
	cr_expect_eq(process_open(4194304 + 5), -ESRCH); /* above the kernel's highest number */
}
