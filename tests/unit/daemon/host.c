/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host says: counters that moved, how often it is asked, connections of the same peer. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/host.h"
#include "daemon/process.h"
#include "tests/unit/daemon/fake_source.h"

#define SECOND NSEC_PER_SEC
#define BEGIN  (100 * SECOND)

struct proc {
	struct fake_source source;
	struct attributor *attributor;
	struct host_watch *host;
	uint64_t overflows, cookies, fails, id;
	const char *table, *table6;
	unsigned int reads[HOST_FILE_MAX];
	int error;
};

static int read_fake(void *userdata, uint32_t pid, enum host_file file, host_line_fn fn,
		     void *line_userdata, uint64_t *ret_id)
{
	struct proc *p = userdata;
	char line[256];

	(void)pid;
	p->reads[file]++;
	if (p->error)
		return p->error;
	*ret_id = p->id;
	if (file == HOST_NETSTAT) {
		fn("TcpExt: SyncookiesSent SyncookiesFailed EmbryonicRsts ListenOverflows",
		   line_userdata);
		snprintf(line, sizeof(line), "TcpExt: 1 %llu 2 %llu",
			 (unsigned long long)p->cookies, (unsigned long long)p->overflows);
		fn(line, line_userdata);
		fn("", line_userdata);
		fn("IpExt: InNoRoutes ListenOverflows", line_userdata);
		fn("IpExt: 0 12345", line_userdata);
	} else if (file == HOST_SNMP) {
		fn("Ip: Forwarding AttemptFails", line_userdata);
		fn("Ip: 1 999", line_userdata);
		fn("Tcp: RtoMin AttemptFails", line_userdata);
		snprintf(line, sizeof(line), "Tcp: 200 %llu", (unsigned long long)p->fails);
		fn(line, line_userdata);
	} else {
		const char *text = file == HOST_TCP ? p->table : p->table6;

		fn("  sl  local_address rem_address   st", line_userdata);
		if (text)
			fn(text, line_userdata);
	}
	return 0;
}

static void free_proc(struct proc *p)
{
	host_free(p->host);
	attributor_free(p->attributor);
}

#define _proc_ _cleanup_(free_proc) struct proc

/* The attributor believes in no process that does not live. */
static uint64_t own_start(void)
{
	_cleanup_close_ int dir = process_open((uint32_t)getpid());
	uint64_t ticks = 0;

	cr_assert_geq(dir, 0);
	cr_assert_eq(process_read_start(dir, &ticks), 0);
	return ticks * (SECOND / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void begin(struct proc *p)
{
	struct rst_process *process;

	fake_init(&p->source);
	process = fake_add(&p->source, (uint32_t)getpid(), own_start(), "java", "/java");
	process->netns = 7;
	process->netns_cookie = 1;
	p->id = 1;
	cr_assert_eq(attributor_new(&p->source.source, &p->attributor), 0);
	attributor_scan(p->attributor, NULL);
	cr_assert_eq(host_new(BEGIN, &p->host), 0);
	host_set_reader(p->host, read_fake, p);
}

static struct reset reset_at(uint64_t now)
{
	return (struct reset){
		.monotonic = now,
		.netns = 7,
		.netns_cookie = 1,
		.local = {.address = {127, 0, 0, 1}, .port = 0x1f90},
		.remote = {.address = {127, 0, 0, 2}, .port = 0x9c40},
		.payload = 10,
	};
}

static struct host ask(struct proc *p, uint64_t now)
{
	struct reset r = reset_at(now);
	struct host host;

	host_look(p->host, &r, now, &host);
	host_ask(p->host, p->attributor, &r, now, &host);
	return host;
}

Test(host, watched_and_lossy)
{
	_proc_ p = {};
	struct host host;
	struct reset r;

	begin(&p);
	r = reset_at(BEGIN + 1500 * NSEC_PER_MSEC);
	host_losses(p.host, 17, BEGIN);
	host_look(p.host, &r, BEGIN + 2 * SECOND, &host);
	cr_expect_eq(host.watched_ms, 1500);
	cr_expect_not(host.lossy, "those were before");
	cr_expect(host.overflowed == -1 && host.cookies_failed == -1 && host.sibling == -1);
	host_losses(p.host, 18, BEGIN + 3 * SECOND);
	host_look(p.host, &r, BEGIN + 4 * SECOND, &host);
	cr_expect(host.lossy);
	host_look(p.host, &r, BEGIN + 14 * SECOND, &host);
	cr_expect_not(host.lossy);
	r = reset_at(BEGIN - 1);
	host_look(p.host, &r, BEGIN, &host);
	cr_expect_eq(host.watched_ms, -1);
	host_free(NULL);
}

Test(host, overflows_that_moved)
{
	_proc_ p = {.overflows = 40, .cookies = 3};
	struct host host;

	begin(&p);
	host_seen_all(p.host, p.attributor, BEGIN);
	cr_expect_eq(p.reads[HOST_NETSTAT], 1);
	host = ask(&p, BEGIN + SECOND);
	cr_expect_eq(host.overflowed, -1, "nobody knows when those 40 were");
	host = ask(&p, BEGIN + 121 * SECOND);
	cr_expect_eq(host.overflowed, 0);
	cr_expect_eq(host.cookies_failed, 0);
	p.overflows++;
	host = ask(&p, BEGIN + 130 * SECOND);
	cr_expect(host.overflowed == 1 && host.cookies_failed == 0);
	host = ask(&p, BEGIN + 240 * SECOND);
	cr_expect_eq(host.overflowed, 1, "in the last two minutes");
	host = ask(&p, BEGIN + 260 * SECOND);
	cr_expect_eq(host.overflowed, 0);
	p.cookies++;
	host = ask(&p, BEGIN + 270 * SECOND);
	cr_expect(host.overflowed == 0 && host.cookies_failed == 1);
	host = ask(&p, BEGIN + 276 * SECOND);
	cr_expect_eq(host.cookies_failed, 0);
}

Test(host, a_counter_of_zero_never_moved)
{
	_proc_ p = {};

	begin(&p);
	cr_expect_eq(ask(&p, BEGIN + SECOND).overflowed, 0);
	cr_expect_eq(ask(&p, BEGIN + SECOND).cookies_failed, 0);
}

Test(host, another_namespace_with_the_same_number)
{
	_proc_ p = {.overflows = 5};

	begin(&p);
	host_seen_all(p.host, p.attributor, BEGIN);
	p.overflows = 50;
	p.id = 2;
	cr_expect_eq(ask(&p, BEGIN + 200 * SECOND).overflowed, -1);
	p.overflows = 4;
	cr_expect_eq(ask(&p, BEGIN + 210 * SECOND).overflowed, -1, "it fell");
}

Test(host, looks_are_bounded)
{
	_proc_ p = {};

	begin(&p);
	for (unsigned int i = 0; i < 1000; i++)
		ask(&p, BEGIN + i * 2 * NSEC_PER_MSEC);
	cr_expect_leq(p.reads[HOST_NETSTAT], 2 * HOST_LOOKS_PER_S, "%u", p.reads[HOST_NETSTAT]);
	cr_expect_eq(p.reads[HOST_TCP], 2);
	cr_expect_eq(p.reads[HOST_TCP6], 2);
}

Test(host, a_look_that_fails_is_unknown_and_not_repeated_at_once)
{
	_proc_ p = {.error = -EACCES};
	struct host host;

	begin(&p);
	for (unsigned int i = 0; i < 10; i++) {
		host = ask(&p, BEGIN + i * 100 * NSEC_PER_MSEC);
		cr_assert(host.overflowed == -1 && host.cookies_failed == -1 && host.sibling == -1);
	}
	cr_expect_eq(p.reads[HOST_NETSTAT], 1);
}

Test(host, without_a_process_nothing_is_known)
{
	_proc_ p = {};
	struct reset r;
	struct host host;

	begin(&p);
	r = reset_at(BEGIN);
	r.netns = 8;
	host_look(p.host, &r, BEGIN, &host);
	host_ask(p.host, p.attributor, &r, BEGIN, &host);
	cr_expect(host.overflowed == -1 && host.sibling == -1);
	r.netns = 0;
	host_ask(p.host, p.attributor, &r, BEGIN, &host);
	host_seen(p.host, p.attributor, 0, 0, BEGIN);
	cr_expect_eq(host.overflowed, -1);
	cr_expect_eq(p.reads[HOST_NETSTAT], 0);
}

Test(host, namespaces_are_bounded)
{
	_proc_ p = {};

	begin(&p);
	for (uint32_t i = 0; i < 3 * HOST_NETNS_MAX; i++)
		host_seen(p.host, p.attributor, 100 + i, 1, BEGIN + i);
	cr_expect_eq(host_evicted(p.host), 2 * HOST_NETNS_MAX);
}

Test(host, counters_grow_from_the_first_look)
{
	_proc_ p = {.overflows = 40, .fails = 7, .cookies = 1};
	struct host_counters c;

	begin(&p);
	host_seen_all(p.host, p.attributor, BEGIN);
	cr_expect_eq(host_counters(p.host, p.attributor, BEGIN + SECOND, &c), 1);
	cr_expect(!c.listen_overflows && !c.attempt_fails && !c.embryonic_rsts);
	p.overflows += 3;
	p.fails += 2;
	cr_expect_eq(host_counters(p.host, p.attributor, BEGIN + 2 * SECOND, &c), 1);
	cr_expect(c.listen_overflows == 3 && c.attempt_fails == 2 && !c.cookies_failed);
	p.error = -ESRCH;
	cr_expect_eq(host_counters(p.host, p.attributor, BEGIN + 9 * SECOND, &c), 0);
	cr_expect(c.listen_overflows == 3 && c.attempt_fails == 2, "what is gone still counts");
	p.error = 0;
	p.id = 2;
	host_minute(p.host, p.attributor, BEGIN + 60 * SECOND);
	host_counters(p.host, p.attributor, BEGIN + 61 * SECOND, &c);
	cr_expect(c.listen_overflows == 3 && c.attempt_fails == 2);
}

Test(host, siblings)
{
	struct reset r = reset_at(BEGIN);

	cr_expect(host_is_sibling("  1: 0100007F:1F90 0200007F:9C41 01 0 0", false, &r));
	cr_expect_not(host_is_sibling("  1: 0100007F:1F90 0200007F:9C40 01 0", false, &r),
		      "the connection itself");
	cr_expect_not(host_is_sibling("  1: 0100007F:1F90 0200007F:9C41 06 0", false, &r),
		      "not living");
	cr_expect_not(host_is_sibling("  1: 0100007F:1F91 0200007F:9C41 01 0", false, &r),
		      "another port");
	cr_expect_not(host_is_sibling("  1: 0100007F:1F90 0300007F:9C41 01 0", false, &r),
		      "another peer");
	cr_expect(host_is_sibling("  1: 0000000000000000FFFF00000100007F:1F90 "
				  "0000000000000000FFFF00000200007F:9C41 01 0",
				  true, &r));
	r.remote = (struct endpoint){.address = {[15] = 1}, .port = 0x9c40, .ipv6 = true};
	cr_expect(host_is_sibling("  1: 00000000000000000000000001000000:1F90 "
				  "00000000000000000000000001000000:9C41 01 0",
				  true, &r));
	cr_expect_not(host_is_sibling("  1: 0100007F:1F90 0100007F:9C41 01 0", false, &r));
}

Test(host, broken_lines_are_no_sibling)
{
	static const char line[] = "  1: 0100007F:1F90 0200007F:9C41 01 0 0";
	struct reset r = reset_at(BEGIN);
	char cut[sizeof(line)];

	for (size_t n = 0; n < sizeof("  1: 0100007F:1F90 0200007F:9C41 0") - 1; n++) {
		memcpy(cut, line, n);
		cut[n] = 0;
		cr_expect_not(host_is_sibling(cut, false, &r), "%s", cut);
		cr_expect_not(host_is_sibling(cut, true, &r), "%s", cut);
	}
	cr_expect_not(host_is_sibling("  1: 0100007g:1F90 0200007F:9C41 01 0", false, &r));
}

Test(host, an_answer_about_siblings_holds_for_a_second)
{
	_proc_ p = {.table = "  1: 0100007F:1F90 0200007F:9C41 01 0 0"};
	struct reset other;
	struct host host;

	begin(&p);
	cr_expect_eq(ask(&p, BEGIN).sibling, 1);
	cr_expect_eq(p.reads[HOST_TCP6], 0, "found in the first");
	p.table = NULL;
	cr_expect_eq(ask(&p, BEGIN + SECOND / 2).sibling, 1, "the same question");
	other = reset_at(BEGIN);
	other.payload = 0;
	host_look(p.host, &other, BEGIN, &host);
	host_ask(p.host, p.attributor, &other, BEGIN, &host);
	cr_expect_eq(host.sibling, -1, "no rule without data asks");
	other = reset_at(BEGIN);
	other.remote.address[3] = 9;
	host_ask(p.host, p.attributor, &other, BEGIN + SECOND / 2, &host);
	cr_expect_eq(host.sibling, 0, "another is asked");
	cr_expect_eq(ask(&p, BEGIN + 2 * SECOND).sibling, 0);
}

Test(host, lists_of_connections_are_read_within_bounds)
{
	_proc_ p = {};
	struct reset other;
	struct host host;

	begin(&p);
	for (unsigned int i = 0; i < 1000; i++) {
		other = reset_at(BEGIN);
		other.remote.address[2] = (uint8_t)(i >> 8);
		other.remote.address[3] = (uint8_t)i;
		host_ask(p.host, p.attributor, &other, BEGIN + i * NSEC_PER_MSEC / 2, &host);
	}
	cr_expect_eq(host.sibling, -1, "the second has had its share");
	cr_expect_eq(p.reads[HOST_TCP], HOST_LISTS_PER_S, "%u", p.reads[HOST_TCP]);
	cr_expect_leq(p.reads[HOST_TCP] + p.reads[HOST_TCP6], 8, "each costs milliseconds");
	cr_expect_eq(ask(&p, BEGIN + 2 * SECOND).sibling, 0, "the next has its own");
}

Test(host, a_namespace_without_a_process_has_its_price_too)
{
	_proc_ p = {};
	struct reset nowhere;
	struct host host;

	begin(&p);
	for (unsigned int i = 0; i < HOST_LISTS_PER_S; i++) {
		nowhere = reset_at(BEGIN);
		nowhere.netns = 8;
		nowhere.remote.address[3] = (uint8_t)(10 + i);
		host_ask(p.host, p.attributor, &nowhere, BEGIN, &host);
		cr_expect_eq(host.sibling, -1);
	}
	cr_expect_eq(ask(&p, BEGIN).sibling, -1, "the second has had its share");
	cr_expect_eq(p.reads[HOST_TCP], 0);
	cr_expect_eq(ask(&p, BEGIN + SECOND).sibling, 0);
}

/* ---- the real files ---- */

struct lines {
	unsigned int n, stop;
	bool named;
};

static bool count_line(const char *line, void *userdata)
{
	struct lines *l = userdata;

	l->named |= !strncmp(line, "TcpExt: ", 8) || strstr(line, "local_address");
	return ++l->n != l->stop;
}

Test(host, proc_is_read_line_by_line)
{
	struct lines lines = {}, one = {.stop = 1};
	uint64_t id = 0;

	cr_assert_eq(
		host_read_proc(NULL, (uint32_t)getpid(), HOST_NETSTAT, count_line, &lines, &id), 0);
	cr_expect(lines.n >= 4 && lines.named && id);
	cr_assert_eq(host_read_proc(NULL, (uint32_t)getpid(), HOST_TCP, count_line, &one, &id), 0);
	cr_expect(one.n == 1 && one.named);
	cr_expect_lt(host_read_proc(NULL, UINT32_MAX, HOST_TCP, count_line, &one, &id), 0);
}
