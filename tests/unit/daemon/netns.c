/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's counter against ours: the parser, baselines, floods, namespaces that die or return.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/netns.h"
#include "daemon/process.h"
#include "tests/unit/daemon/fake_source.h"

static struct fake_source fake;
static struct attributor *a;
static struct netns_table *t;

/* What the namespace shows and what we counted; the test process lives in it. */
static struct {
	struct netns_reading reading;
	uint64_t sent, received, timeouts;
	uint64_t per_read; /* resets that come in, and are counted, during a reading */
	unsigned int reads, floods;
	uint32_t only; /* other namespaces count nothing */
	int error;
} kernel;

static int read_fake(void *userdata, uint32_t pid, struct netns_reading *ret)
{
	cr_assert_eq(userdata, &kernel);
	cr_assert_eq(pid, (uint32_t)getpid());
	kernel.reads++;
	if (kernel.error)
		return kernel.error;
	*ret = kernel.reading;
	if (!kernel.floods || kernel.floods-- == 0)
		return 0;
	kernel.reading.out_rsts += kernel.per_read;
	kernel.sent += kernel.per_read;
	return 0;
}

static void count(void *userdata, uint32_t inode, uint32_t cookie, uint64_t ret[RST_DIRECTION_MAX])
{
	cr_assert_eq(userdata, &kernel);
	(void)cookie;
	ret[RST_SENT] = inode == kernel.only ? kernel.sent : 0;
	ret[RST_RECEIVED] = inode == kernel.only ? kernel.received : 0;
	ret[RST_TIMEOUT] = inode == kernel.only ? kernel.timeouts : 0;
}

static const struct report_netns *reconcile(int expect)
{
	const struct report_netns *reports;

	cr_assert_eq(netns_reconcile(t, a, count, &kernel), expect);
	cr_assert_geq(netns_report(t, &reports), 1);
	return reports;
}

static void setup(void)
{
	int fd = process_open(getpid());
	uint64_t ticks;
	struct rst_process *p;

	memset(&kernel, 0, sizeof(kernel));
	kernel.reading.start = 11;
	kernel.reading.id = 22;
	kernel.only = 7;
	fake_init(&fake);
	cr_assert_eq(process_read_start(fd, &ticks), 0);
	close(fd);
	p = fake_add(&fake, getpid(), ticks * (1000000000ULL / sysconf(_SC_CLK_TCK)), "test", "");
	p->netns = 7;
	p->netns_cookie = 1;
	cr_assert_eq(attributor_new(&fake.source, &a), 0);
	cr_assert_eq(attributor_scan(a, NULL), 0);
	cr_assert_eq(netns_new(&t), 0);
	netns_set_reader(t, read_fake, &kernel);
	cr_assert_eq(netns_seen_all(t, &fake.source), 0);
}

static void teardown(void)
{
	netns_free(t);
	attributor_free(a);
}

TestSuite(netns, .init = setup, .fini = teardown);

Test(netns, growth_since_the_baseline_is_compared)
{
	const struct report_netns *r;

	kernel.reading.out_rsts = 1000; /* before the hooks */
	r = reconcile(0);
	cr_expect_eq(r->inode, 7);
	cr_expect(r->covered);
	cr_expect_eq(r->out_rsts, 0);
	cr_expect_eq(r->unexplained, 0);
	kernel.reading.out_rsts += 50;
	kernel.sent += 50;
	kernel.received = 3;
	kernel.timeouts = 8; /* which TcpOutRsts knows nothing of */
	r = reconcile(0);
	cr_expect_eq(r->sent, 50);
	cr_expect_eq(r->received, 3);
	cr_expect_eq(r->timeouts, 8);
	cr_expect_eq(r->out_rsts, 50);
	cr_expect_eq(r->unexplained, 0);
	kernel.reading.out_rsts += 5;
	kernel.sent += 3;
	r = reconcile(0);
	cr_expect_eq(r->unexplained, 2);
	cr_expect_eq(netns_unexplained(t), 2);
	kernel.sent += 10;
	r = reconcile(0);
	cr_expect_eq(r->unexplained, -8);
}

Test(netns, a_namespace_younger_than_the_hooks_starts_at_zero)
{
	const struct report_netns *r;

	kernel.reading.out_rsts = kernel.sent = 40;
	r = reconcile(0);
	cr_expect_eq(r->out_rsts, 40);
	cr_expect_eq(r->sent, 40);
	cr_expect_eq(r->unexplained, 0);
	kernel.reading.out_rsts++;
	cr_expect_eq(reconcile(0)->unexplained, 1);
}

Test(netns, a_flood_fakes_no_difference)
{
	const struct report_netns *r;

	reconcile(0);
	kernel.reading.out_rsts = 10;
	kernel.sent = 9;
	cr_expect_eq(reconcile(0)->unexplained, 1);
	kernel.per_read = 100;
	kernel.floods = 1000; /* never stands still: the last comparison stays */
	kernel.reads = 0;
	r = reconcile(1);
	cr_expect_eq(kernel.reads, 4);
	cr_expect(r->covered);
	cr_expect_eq(r->sent, 409);
	cr_expect_eq(r->out_rsts, 10);
	cr_expect_eq(r->unexplained, 1);
	kernel.floods = 2; /* stands still at the third try */
	r = reconcile(0);
	cr_expect_eq(r->out_rsts, 610);
	cr_expect_eq(r->unexplained, 1);
}

Test(netns, without_a_stable_baseline_nothing_is_covered)
{
	kernel.per_read = 1;
	kernel.floods = 1000;
	cr_expect_not(reconcile(1)->covered);
	kernel.floods = 0;
	cr_expect(reconcile(0)->covered);
}

Test(netns, without_a_process_it_is_uncovered_not_zero)
{
	const struct report_netns *r;

	reconcile(0);
	kernel.reading.out_rsts = 7;
	kernel.sent = 5;
	cr_expect_eq(netns_unexplained(t) + reconcile(0)->unexplained, 2);
	kernel.error = -ESRCH;
	kernel.sent = 6;
	r = reconcile(0);
	cr_expect_not(r->covered);
	cr_expect_eq(r->sent, 6);
	cr_expect_eq(netns_unexplained(t), 0);
	kernel.error = 0; /* it comes back, and so does its baseline */
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->unexplained, 1);
}

Test(netns, an_unknown_namespace_is_uncovered)
{
	const struct report_netns *r;

	netns_seen(t, 99, 5);
	netns_seen(t, 99, 5);
	netns_seen(t, 0, 5); /* none at all */
	cr_assert_eq(netns_reconcile(t, a, count, &kernel), 0);
	cr_assert_eq(netns_report(t, &r), 2);
	cr_expect(r[0].covered);
	cr_expect_eq(r[1].inode, 99);
	cr_expect_not(r[1].covered);
}

Test(netns, a_namespace_that_gets_a_process_is_covered_again)
{
	const struct report_netns *r;

	fake.processes[0].netns = 8;
	cr_expect_not(reconcile(0)->covered);
	r = reconcile(0);
	cr_expect_not(r[0].covered);
	cr_assert_eq(netns_report(t, &r), 2); /* the attributor told of the other one */
	cr_expect_eq(r[1].inode, 8);
	cr_expect(r[1].covered);
	fake.asked_process = 0;
	reconcile(0);
	cr_expect_eq(fake.asked_process, 0); /* nobody looks for what nobody saw */
	fake.processes[0].netns = 7;
	attributor_refresh(a, 1);
	cr_expect(reconcile(0)[0].covered);
}

Test(netns, a_reused_number_is_looked_at_again)
{
	reconcile(0);
	kernel.reads = 0;
	kernel.reading.out_rsts = kernel.sent = 4;
	kernel.reading.start = 12; /* the number has a new process, in the same namespace */
	cr_expect_eq(reconcile(0)->unexplained, 0);
	cr_expect_eq(kernel.reads, 2);
	cr_expect_eq(reconcile(0)->out_rsts, 4);
	cr_expect_eq(kernel.reads, 3);
}

Test(netns, another_namespace_has_another_baseline)
{
	const struct report_netns *r;

	reconcile(0);
	kernel.reading.out_rsts = kernel.sent = 10;
	cr_expect_eq(reconcile(0)->out_rsts, 10);
	kernel.reading.id = 23;
	kernel.reading.out_rsts = 500;
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->out_rsts, 0);
	cr_expect_eq(r->unexplained, 0);
}

Test(netns, a_counter_that_fell_begins_anew)
{
	kernel.reading.out_rsts = 100;
	reconcile(0);
	kernel.reading.out_rsts = 3;
	kernel.sent = 1;
	cr_expect_eq(reconcile(0)->out_rsts, 0);
	kernel.sent = 2;
	kernel.reading.out_rsts = 4;
	cr_expect_eq(reconcile(0)->unexplained, 0);
}

/* Our count of a namespace is given up when there are too many; that is no difference. */
Test(netns, a_count_that_was_given_up_begins_anew)
{
	kernel.reading.out_rsts = kernel.sent = 5;
	reconcile(0);
	kernel.reading.out_rsts = kernel.sent = 50;
	cr_expect_eq(reconcile(0)->unexplained, 0);
	kernel.sent = 0;
	cr_expect_eq(reconcile(0)->unexplained, 0);
	kernel.sent = 2;
	kernel.reading.out_rsts = 52;
	cr_expect_eq(reconcile(0)->unexplained, 0);
}

Test(netns, a_process_that_moved_away_is_not_believed)
{
	reconcile(0);
	kernel.reading.id = 23; /* shows another namespace's file ... */
	kernel.reading.out_rsts = 900;
	fake.processes[0].netns = 8; /* ... because it lives in another one now */
	cr_expect_not(reconcile(0)->covered);
}

Test(netns, the_table_is_bounded)
{
	const struct report_netns *r;
	uint32_t i;

	cr_assert_eq(netns_reconcile(t, a, count, &kernel), 0);
	for (i = 0; i < RSTMON_NETNS_MAX - 1; i++)
		netns_seen(t, 1000 + i, 1);
	cr_expect_eq(netns_evicted(t), 0);
	netns_seen(t, 5, 1); /* nobody was looked at yet: turned down */
	cr_expect_eq(netns_evicted(t), 1);
	cr_assert_eq(netns_reconcile(t, a, count, &kernel), 0);
	netns_seen(t, 1000, 1); /* heard of again */
	netns_seen(t, 5, 1);	/* takes the place of 1001 */
	cr_expect_eq(netns_evicted(t), 2);
	cr_assert_eq(netns_report(t, &r), RSTMON_NETNS_MAX);
	cr_expect_eq(r[0].inode, 7);
	cr_expect(r[0].covered);
	cr_expect_eq(r[1].inode, 1000);
	cr_expect_eq(r[2].inode, 5);
	for (i = 0; i < 10000; i++) {
		netns_seen(t, 100000 + i, i);
		if (i % 100 == 0)
			netns_reconcile(t, a, count, &kernel);
	}
	cr_expect_eq(netns_report(t, &r), RSTMON_NETNS_MAX);
	cr_expect_eq(r[0].inode, 7);
	cr_expect_eq(netns_evicted(t), 10002);
	cr_expect_gt(netns_memory(t), 0);
	netns_free(NULL);
}

Test(netns, some_goes_round)
{
	const struct report_netns *r;

	netns_seen(t, 99, 5);
	netns_seen(t, 98, 5);
	cr_expect_eq(netns_reconcile_some(t, a, 2, count, &kernel), 0);
	cr_expect_eq(kernel.reads, 1);
	cr_expect_eq(netns_reconcile_some(t, a, 2, count, &kernel), 0);
	cr_expect_eq(kernel.reads, 2); /* the first one again */
	netns_report(t, &r);
	cr_expect(r[0].covered);
}

Test(netns, real_proc)
{
	const struct report_netns *r;

	netns_free(t);
	cr_assert_eq(netns_new(&t), 0);
	netns_seen(t, 7, 1);
	kernel.sent = UINT64_MAX; /* so that it is a baseline, whatever the kernel has */
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->out_rsts, 0);
}

Test(netns_snmp, parse)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} cases[] = {
		{"Ip: Forwarding DefaultTTL\nIp: 1 64\n"
		 "Tcp: RtoAlgorithm MaxConn OutRsts InCsumErrors\nTcp: 1 -1 42 0\nUdp: a\nUdp: 1\n",
		 0, 42},
		{"Tcp: OutRsts\nTcp: 18446744073709551615\n", 0, UINT64_MAX},
		{"Tcp: A OutRsts\nTcp: 1 2\n", 0, 2},
		{"Tcp: A OutRsts B\nTcp: 1 2 3 4\n", 0, 2},
		{"Tcp: OutRsts\nTcp: 18446744073709551616\n", -EBADMSG, 0},
		{"Tcp: OutRsts\nTcp: -1\n", -EBADMSG, 0},
		{"Tcp: OutRsts\nTcp: 1x\n", -EBADMSG, 0},
		{"Tcp: A OutRsts\nTcp: 1\n", -EBADMSG, 0},
		{"Tcp: A OutRsts\nTcp: 1\n2\n", -EBADMSG, 0},
		{"Tcp: A B\nTcp: 1 2\n", -EBADMSG, 0},
		{"Tcp: OutRsts\nUdp: 1\n", -EBADMSG, 0},
		{"Tcp: OutRsts\nTcp: 12", -EBADMSG, 0}, /* cut: may have been 123 */
		{"Tcp: OutRsts\n", -EBADMSG, 0},
		{"Tcp: OutRsts", -EBADMSG, 0},
		{"Tcp:\nTcp:\n", -EBADMSG, 0},
		{"xTcp: OutRsts\nxTcp: 1\n", -EBADMSG, 0},
		{"Tcp: "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa OutRsts\n"
		 "Tcp: 1 2\n",
		 -EBADMSG, 0},
		{"", -EBADMSG, 0},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t value = 4711;
		int r = netns_parse_snmp(cases[i].text, &value);

		cr_expect_eq(r, cases[i].r, "case %u: %d", i, r);
		cr_expect_eq(value, cases[i].r < 0 ? 4711 : cases[i].value, "case %u", i);
	}
}
