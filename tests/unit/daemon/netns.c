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
	int64_t sent, told; /* made, and handed to the table of them */
	uint64_t received, timeouts;
	uint64_t per_read; /* resets that come in, and are counted, during a reading */
	unsigned int reads, floods;
	unsigned int refreshes;
	unsigned int late; /* refreshes that do not see what the kernel has counted */
	int error;
} kernel;

#define OUT_RSTS kernel.reading.value[COUNTER_OUT_RSTS]

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
	OUT_RSTS += kernel.per_read;
	kernel.sent += kernel.per_read;
	return 0;
}

/* A reset of namespace 7 by its path alone. */
static struct finding made(enum path path)
{
	struct finding f = {.reset = {.netns = 7, .netns_cookie = 1}};

	f.verdict.path = path;
	return f;
}

static void refresh(void *userdata)
{
	struct tally_netns n = {.inode = 7, .cookie = 1};
	struct finding f = made(PATH_NO_SOCKET_SYN);

	cr_assert_eq(userdata, &kernel);
	kernel.refreshes++;
	if (kernel.late) {
		kernel.late--;
	} else {
		if (kernel.sent != kernel.told)
			netns_counted(t, &f, (int)(kernel.sent - kernel.told));
		kernel.told = kernel.sent;
	}
	n.count[RST_SENT] = (uint64_t)kernel.sent;
	n.count[RST_RECEIVED] = kernel.received;
	n.count[RST_TIMEOUT] = kernel.timeouts;
	netns_set_count(t, &n);
}

static const struct report_netns *reconcile(int expect)
{
	const struct report_netns *reports;

	cr_assert_eq(netns_reconcile(t, a, refresh, &kernel), expect);
	cr_assert_geq(netns_report(t, &reports), 1);
	return reports;
}

static int64_t unexplained(enum report_counter counter)
{
	int64_t all[COUNTER_MAX_];

	netns_unexplained(t, all);
	return all[counter];
}

static void setup(void)
{
	int fd = process_open(getpid());
	uint64_t ticks;
	struct rst_process *p;

	memset(&kernel, 0, sizeof(kernel));
	kernel.reading.start = 11;
	kernel.reading.id = 22;
	kernel.reading.known = (1U << COUNTER_MAX_) - 1;
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

	OUT_RSTS = 1000; /* before the hooks */
	r = reconcile(0);
	cr_expect_eq(r->inode, 7);
	cr_expect(r->covered);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 0);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 0);
	OUT_RSTS += 50;
	kernel.sent += 50;
	kernel.received = 3;
	kernel.timeouts = 8; /* which TcpOutRsts knows nothing of */
	r = reconcile(0);
	cr_expect_eq(r->sent, 50);
	cr_expect_eq(r->received, 3);
	cr_expect_eq(r->timeouts, 8);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 50);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 0);
	OUT_RSTS += 5;
	kernel.sent += 3;
	r = reconcile(0);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 2);
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 2);
	kernel.sent += 10;
	r = reconcile(0);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], -8);
}

Test(netns, a_namespace_younger_than_the_hooks_starts_at_zero)
{
	const struct report_netns *r;

	OUT_RSTS = 40;
	kernel.sent = 40;
	r = reconcile(0);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 40);
	cr_expect_eq(r->sent, 40);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 0);
	OUT_RSTS++;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
}

Test(netns, a_flood_fakes_no_difference)
{
	const struct report_netns *r;

	reconcile(0);
	OUT_RSTS = 10;
	kernel.sent = 9;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
	kernel.per_read = 100;
	kernel.floods = 1000; /* never stands still: the last comparison stays */
	kernel.reads = 0;
	r = reconcile(1);
	cr_expect_eq(kernel.reads, 4);
	cr_expect(r->covered);
	cr_expect_eq(r->sent, 409);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 10);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 1);
	kernel.floods = 2; /* stands still at the third try, the difference is the old one */
	r = reconcile(0);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 610);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 1);
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
	OUT_RSTS = 7;
	kernel.sent = 5;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS) + reconcile(0)->unexplained[COUNTER_OUT_RSTS],
		     2);
	kernel.error = -ESRCH;
	kernel.sent = 6;
	r = reconcile(0);
	cr_expect_not(r->covered);
	cr_expect_eq(r->sent, 6);
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	kernel.error = 0; /* it comes back, and so does its baseline */
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 1);
}

Test(netns, an_unknown_namespace_is_uncovered)
{
	const struct report_netns *r;

	netns_seen(t, 99, 5);
	netns_seen(t, 99, 5);
	netns_seen(t, 0, 5); /* none at all */
	cr_assert_eq(netns_reconcile(t, a, refresh, &kernel), 0);
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
	OUT_RSTS = 4;
	kernel.sent = 4;
	kernel.reading.start = 12; /* the number has a new process, in the same namespace */
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
	cr_expect_eq(kernel.reads, 2);
	cr_expect_eq(reconcile(0)->counters[COUNTER_OUT_RSTS], 4);
	cr_expect_eq(kernel.reads, 3);
}

Test(netns, another_namespace_has_another_baseline)
{
	const struct report_netns *r;

	reconcile(0);
	OUT_RSTS = 10;
	kernel.sent = 10;
	cr_expect_eq(reconcile(0)->counters[COUNTER_OUT_RSTS], 10);
	kernel.reading.id = 23;
	OUT_RSTS = 500;
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 0);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 0);
}

Test(netns, a_counter_that_fell_begins_anew)
{
	OUT_RSTS = 100;
	reconcile(0);
	OUT_RSTS = 3;
	kernel.sent = 1;
	cr_expect_eq(reconcile(0)->counters[COUNTER_OUT_RSTS], 0);
	kernel.sent = 2;
	OUT_RSTS = 4;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
}

/* Counted, told, and found to be none: no reason for a new baseline. */
Test(netns, one_that_is_taken_back_is_explained_no_more)
{
	reconcile(0);
	OUT_RSTS = 4;
	kernel.sent = 5;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], -1);
	kernel.sent = 4;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
}

Test(netns, what_is_counted_before_it_is_traced_is_no_difference)
{
	reconcile(0);
	OUT_RSTS = 1;
	kernel.sent = 1;
	kernel.late = 2; /* those around the first look do not see it */
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
	OUT_RSTS = 2; /* this one is never traced: found twice */
	kernel.reads = 0;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
	cr_expect_eq(kernel.reads, 2);
	kernel.reads = 0;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
	cr_expect_eq(kernel.reads, 1, "an old difference needs no second look");
}

Test(netns, each_counter_has_its_own_difference)
{
	struct finding f = made(PATH_CLOSE_UNREAD);
	const struct report_netns *r;
	int64_t sum[COUNTER_MAX_];

	kernel.reading.value[COUNTER_ESTAB_RESETS] = 1000;
	kernel.reading.known &= ~(1U << COUNTER_ABORT_FAILED);
	reconcile(0);
	f.reset.state = STATE_CLOSE;
	f.reset.previous_state = STATE_ESTABLISHED;
	netns_counted(t, &f, 1);
	OUT_RSTS += 1;
	kernel.reading.value[COUNTER_ESTAB_RESETS] += 3;
	kernel.reading.value[COUNTER_ABORT_ON_CLOSE] += 1;
	kernel.reading.value[COUNTER_EMBRYONIC_RSTS] += 2;
	kernel.reading.value[COUNTER_ABORT_FAILED] += 7; /* which this kernel does not have */
	r = reconcile(0);
	cr_expect_eq(r->counters[COUNTER_ESTAB_RESETS], 3);
	cr_expect_eq(r->unexplained[COUNTER_ESTAB_RESETS], 2);
	cr_expect_eq(r->unexplained[COUNTER_ABORT_ON_CLOSE], 0);
	cr_expect_eq(r->unexplained[COUNTER_OUT_RSTS], 0);
	cr_expect_eq(r->unexplained[COUNTER_EMBRYONIC_RSTS], 2);
	cr_expect_eq(netns_unexplained(t, sum), kernel.reading.known);
	cr_expect_eq(sum[COUNTER_ESTAB_RESETS], 2);
	cr_expect_eq(sum[COUNTER_ABORT_FAILED], 0);
}

Test(netns, what_is_spilled_or_held_is_explained)
{
	struct finding f = made(PATH_NO_SOCKET_SYN);
	struct reset held = {.netns = 7,
			     .netns_cookie = 1,
			     .direction = RST_RECEIVED,
			     .state = STATE_CLOSE_WAIT};

	reconcile(0);
	OUT_RSTS = 50;
	kernel.reading.value[COUNTER_ESTAB_RESETS] = 1;
	netns_spill_begin(t);
	netns_spilled(t, &f, 20);
	netns_spilled(t, &f, 30); /* another slot */
	netns_hold_begin(t);
	netns_held(t, &held);
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
	cr_expect_eq(unexplained(COUNTER_ESTAB_RESETS), 0);
	netns_spill_begin(t); /* slots are read whole each time */
	netns_spilled(t, &f, 49);
	netns_hold_begin(t);
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
	cr_expect_eq(unexplained(COUNTER_ESTAB_RESETS), 1);
}

Test(netns, a_baseline_can_be_taken_anew)
{
	reconcile(0);
	OUT_RSTS = 50;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 50);
	netns_rebase(t);
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 0);
	OUT_RSTS = 51;
	cr_expect_eq(reconcile(0)->unexplained[COUNTER_OUT_RSTS], 1);
}

/* What the slots have of it is older than its new place in the table. */
Test(netns, one_that_was_given_up_and_came_back_begins_anew)
{
	struct finding f = made(PATH_NO_SOCKET_SYN);

	f.reset.netns = 1000;
	netns_seen(t, 1000, 1);
	netns_spill_begin(t);
	netns_spilled(t, &f, 40);
	reconcile(0); /* 1000 is uncovered */
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX; i++)
		netns_seen(t, 2000 + i, 1);
	cr_expect_gt(netns_evicted(t), 0);
	netns_seen(t, 1000, 1);
	netns_spill_begin(t);
	netns_spilled(t, &f, 41);
	reconcile(0);
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
}

Test(netns, a_recording_has_no_kernel_to_ask)
{
	const struct report_netns *r;

	kernel.sent = 5;
	cr_assert_eq(netns_reconcile(t, NULL, refresh, &kernel), 0);
	cr_assert_eq(netns_report(t, &r), 1);
	cr_expect_eq(r->sent, 5);
	cr_expect_not(r->covered);
	cr_expect_eq(kernel.reads, 0);
}

Test(netns, a_process_that_moved_away_is_not_believed)
{
	reconcile(0);
	kernel.reading.id = 23; /* shows another namespace's file ... */
	OUT_RSTS = 900;
	fake.processes[0].netns = 8; /* ... because it lives in another one now */
	cr_expect_not(reconcile(0)->covered);
}

Test(netns, the_table_is_bounded)
{
	const struct report_netns *r;
	uint32_t i;

	cr_assert_eq(netns_reconcile(t, a, refresh, &kernel), 0);
	for (i = 0; i < RSTMON_NETNS_MAX - 1; i++)
		netns_seen(t, 1000 + i, 1);
	cr_expect_eq(netns_evicted(t), 0);
	netns_seen(t, 5, 1); /* nobody was looked at yet: turned down */
	cr_expect_eq(netns_evicted(t), 1);
	cr_assert_eq(netns_reconcile(t, a, refresh, &kernel), 0);
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
			netns_reconcile(t, a, refresh, &kernel);
	}
	cr_expect_eq(netns_report(t, &r), RSTMON_NETNS_MAX);
	cr_expect_eq(r[0].inode, 7);
	cr_expect_eq(netns_evicted(t), 10002);
	cr_expect_gt(netns_memory(t), 0);
	netns_free(NULL);
}

Test(netns, a_thousand_cost_a_few_refreshes)
{
	for (uint32_t i = 0; i < RSTMON_NETNS_MAX - 1; i++)
		netns_seen(t, 1000 + i, 1);
	reconcile(0);
	cr_expect_leq(kernel.refreshes, 1 + RSTMON_NETNS_MAX / 64 + 1);
	cr_expect_eq(kernel.reads, 2);
	kernel.refreshes = 0;
	reconcile(0);
	cr_expect_leq(kernel.refreshes, 1 + RSTMON_NETNS_MAX / 64);
}

Test(netns, real_proc)
{
	const struct report_netns *r;

	netns_free(t);
	cr_assert_eq(netns_new(&t), 0);
	netns_seen(t, 7, 1);
	kernel.sent = 1 << 30; /* so that it is a baseline, whatever the kernel has */
	r = reconcile(0);
	cr_expect(r->covered);
	cr_expect_eq(r->counters[COUNTER_OUT_RSTS], 0);
	for (unsigned int i = 0; i < COUNTER_MAX_; i++)
		cr_expect(r->known & 1U << i, "%s", report_counter_name(i));
}

Test(netns_parse, out_rsts)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value; /* 4711: not there */
	} cases[] = {
		{"Ip: Forwarding DefaultTTL\nIp: 1 64\n"
		 "Tcp: RtoAlgorithm MaxConn OutRsts InCsumErrors\nTcp: 1 -1 42 0\nUdp: a\nUdp: 1\n",
		 0, 42},
		{"Tcp: OutRsts\nTcp: 18446744073709551615\n", 0, UINT64_MAX},
		{"Tcp: A OutRsts\nTcp: 1 2\n", 0, 2},
		{"Tcp: A OutRsts B\nTcp: 1 2 3 4\n", 0, 2},
		{"Tcp: OutRsts\nTcp: 18446744073709551616\n", -EBADMSG, 4711},
		{"Tcp: OutRsts\nTcp: -1\n", -EBADMSG, 4711},
		{"Tcp: OutRsts\nTcp: 1x\n", -EBADMSG, 4711},
		{"Tcp: A OutRsts\nTcp: 1\n", -EBADMSG, 4711},
		{"Tcp: A OutRsts\nTcp: 1\n2\n", -EBADMSG, 4711},
		{"Tcp: EstabResets OutRsts\nTcp: 1 x\n", -EBADMSG, 4711},
		{"Tcp: A B\nTcp: 1 2\n", 0, 4711},
		{"Tcp: EmbryonicRsts\nTcp: 1\n", 0, 4711}, /* that is TcpExt's */
		{"Tcp: OutRsts\nUdp: 1\n", -EBADMSG, 4711},
		{"Tcp: OutRsts\nTcp: 12", -EBADMSG, 4711}, /* cut: may have been 123 */
		{"Tcp: OutRsts\n", -EBADMSG, 4711},
		{"Tcp: OutRsts", -EBADMSG, 4711},
		{"Tcp:\nTcp:\n", 0, 4711},
		{"xTcp: OutRsts\nxTcp: 1\n", -EBADMSG, 4711},
		{"TcpExt: OutRsts\nTcpExt: 1\n", -EBADMSG, 4711},
		{"Tcp: "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa OutRsts\n"
		 "Tcp: 1 2\n",
		 -EBADMSG, 4711},
		{"", -EBADMSG, 4711},
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t value[COUNTER_MAX_];
		uint32_t known = 0;
		int r;

		for (unsigned int c = 0; c < COUNTER_MAX_; c++)
			value[c] = 4711;
		r = netns_parse(cases[i].text, "Tcp", value, &known);
		cr_expect_eq(r, cases[i].r, "case %u: %d", i, r);
		cr_expect_eq(value[COUNTER_OUT_RSTS], cases[i].value, "case %u", i);
		cr_expect_eq(known, cases[i].value == 4711 ? 0U : 1U << COUNTER_OUT_RSTS, "case %u",
			     i);
		cr_expect_eq(value[COUNTER_ESTAB_RESETS], 4711, "case %u", i);
	}
}

Test(netns_parse, all_of_both_files)
{
	uint64_t value[COUNTER_MAX_] = {};
	uint32_t known = 0;

	cr_assert_eq(netns_parse("Tcp: AttemptFails EstabResets X OutRsts\nTcp: 1 2 3 4\n", "Tcp",
				 value, &known),
		     0);
	cr_assert_eq(netns_parse("TcpExt: EmbryonicRsts TCPAbortOnData TCPAbortOnClose "
				 "TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger "
				 "TCPAbortFailed\nTcpExt: 5 6 7 8 9 10 11\n",
				 "TcpExt", value, &known),
		     0);
	cr_expect_eq(known, (1U << COUNTER_MAX_) - 1);
	cr_expect_eq(value[COUNTER_ATTEMPT_FAILS], 1);
	cr_expect_eq(value[COUNTER_ESTAB_RESETS], 2);
	cr_expect_eq(value[COUNTER_OUT_RSTS], 4);
	cr_expect_eq(value[COUNTER_EMBRYONIC_RSTS], 5);
	cr_expect_eq(value[COUNTER_ABORT_FAILED], 11);
}
