/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is every reset counted, once, in the right row? What the generators count themselves, TcpOutRsts
 * of their namespaces and perf events on the tracepoint say what is exact.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/bench/packets.h"
#include "tests/live/box.h"
#include "tests/live/witness.h"

#define SCAN_FIRST    2000
#define SCAN_PORTS    20000
#define BYSTANDER     37
#define FLOOD_FIRST   1000
#define FLOOD_PORTS   3000
#define FLOOD_ROUNDS  667 /* at most 2,001,000 resets */
#define STOPPED_MS    5000
#define VICTIM_PORTS  3
#define VICTIM_RESETS 100 /* to each of them */
#define PAIRS	      20
#define ASKERS	      2
#define REQUESTS      1000 /* of each */
#define LONELY	      100
#define WINDOWS	      10
#define AWAKE_MAX     30
#define TOLD_MS	      20000 /* a line that is stranded never comes; one of a busy host does */

struct exact {
	struct live_daemon daemon;
	struct witness witness;
	uint64_t perf; /* at the start */
	struct json_object *start, *end;
	struct json_object *list;
};

static void begin(struct exact *e, bool print)
{
	const char *impossible = live_impossible();

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(witness_open(false, &e->witness), 0, "no perf events on the tracepoints");
	cr_assert_eq(live_start(&e->daemon, print), 0, "rstmond does not start");
}

/* Status and perf's count at one moment: equal before and after, so nothing came between. */
static struct json_object *look(struct exact *e, uint64_t *ret_perf)
{
	struct json_object *status = NULL;

	for (int i = 0; i < 20; i++) {
		uint64_t before = witness_count(&e->witness, RST_SENT);

		json_object_put(status);
		status = live_status(&e->daemon);
		*ret_perf = witness_count(&e->witness, RST_SENT);
		if (*ret_perf == before)
			break;
	}
	cr_assert_not_null(status, "rstmon status gives nothing");
	return status;
}

static struct json_object *list_rows(struct exact *e)
{
	static const char *const args[] = {"list", "-n", "100000", NULL};
	struct json_object *list = live_cli(&e->daemon, args);

	cr_assert_not_null(list, "rstmon list gives nothing");
	return list;
}

/* Sum over the rows of namespace 'netns' or process 'pid' (0: any); 'port' < 0: any. */
static int64_t sum(struct json_object *list, const char *direction, uint64_t netns, int64_t pid,
		   int port)
{
	struct json_object *rows = json_at(list, "rows");
	int64_t n = 0;

	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (direction && strcmp(json_str(row, "direction"), direction))
			continue;
		if ((netns && (uint64_t)json_int(row, "netns") != netns) ||
		    (pid && json_int(row, "pid") != pid) ||
		    (port >= 0 && json_int(row, "port") != port))
			continue;
		n += json_int(row, "count");
	}
	return n;
}

static void finish(struct exact *e)
{
	struct json_object *totals;
	uint64_t perf;
	int64_t sent, unseen, total;

	e->end = look(e, &perf);
	e->list = list_rows(e);
	totals = json_at(e->list, "totals");
	total = json_int(totals, "sent") + json_int(totals, "received");
	sent = json_int(e->end, "sent") - json_int(e->start, "sent");
	/* not in the namespaces of the test: check_netns() */
	unseen = MAX(live_unseen(e->end) - live_unseen(e->start), 0);
	if (unseen)
		fprintf(stderr, "%lld resets of others that no program saw; ", (long long)unseen);
	fprintf(stderr,
		"sent by status %lld, by perf %llu; spilled %lld, lost %lld, missed %lld;"
		" sum of rows %lld, totals %lld\n",
		(long long)sent, (unsigned long long)(perf - e->perf),
		(long long)json_int(e->end, "spilled"), (long long)json_int(e->end, "lost"),
		(long long)json_int(e->end, "missed"), (long long)sum(e->list, NULL, 0, 0, -1),
		(long long)total);
	if (live_has_reason("")) /* before 6.10 the tracepoint does not see all that is sent */
		cr_expect(sent == (int64_t)(perf - e->perf) ||
				  sent + unseen == (int64_t)(perf - e->perf),
			  "sent: status %lld, perf %llu", (long long)sent,
			  (unsigned long long)(perf - e->perf));
	else
		cr_expect_geq(sent, (int64_t)(perf - e->perf));
	cr_expect_eq(sum(e->list, NULL, 0, 0, -1), total, "sum of rows %lld, totals %lld",
		     (long long)sum(e->list, NULL, 0, 0, -1), (long long)total);
}

static void end(struct exact *e)
{
	int r = live_stop(&e->daemon);

	cr_expect_eq(r, 0, "rstmond ended with %d; it said:\n%s", r, e->daemon.log);
	json_object_put(e->start);
	json_object_put(e->end);
	json_object_put(e->list);
	live_free(&e->daemon);
	witness_close(&e->witness);
}

/* The namespace's own counter, its 'sent' in status and what the generator meant to make. */
static void check_netns(struct exact *e, const struct box *b, int64_t made)
{
	struct json_object *o = live_status_netns(e->end, b->netns);
	int64_t rsts = netns_out_rsts(b->pid);

	cr_expect_eq(rsts, made, "the generator made %lld, the kernel sent %lld", (long long)made,
		     (long long)rsts);
	cr_expect_eq(o ? json_int(o, "sent") : -1, rsts, "status says %lld, TcpOutRsts %lld",
		     o ? (long long)json_int(o, "sent") : -1, (long long)rsts);
}

static long bystander(long n)
{
	long r = 0;

	while (n-- && r == 0)
		r = box_refused(25001);
	return r;
}

static long scan(long ports)
{
	long r = 0;

	for (long i = 0; i < ports && r == 0; i++)
		r = box_refused(SCAN_FIRST + i);
	return r;
}

Test(live, scan_of_20000_ports, .timeout = 300)
{
	static struct exact e;
	struct box before, scanner;

	begin(&e, false);
	cr_assert_eq(box_start(&before, "bystander"), 0);
	cr_assert_eq(box_start(&scanner, "scanner"), 0);
	e.start = look(&e, &e.perf);
	cr_assert_eq(box_call(&before, &e.daemon, bystander, BYSTANDER), 0);
	cr_assert_eq(box_call(&scanner, &e.daemon, scan, live_many(SCAN_PORTS)), 0);
	finish(&e);
	cr_expect_eq(sum(e.list, "received", 0, before.pid, 25001), BYSTANDER,
		     "the other process's row was changed by the scan");
	cr_expect_eq(sum(e.list, "sent", before.netns, 0, 25001), BYSTANDER,
		     "the other namespace's row was changed by the scan");
	cr_expect_eq(sum(e.list, "received", 0, scanner.pid, -1), live_many(SCAN_PORTS),
		     "rows of the scanner: %lld",
		     (long long)sum(e.list, "received", 0, scanner.pid, -1));
	check_netns(&e, &before, BYSTANDER);
	check_netns(&e, &scanner, live_many(SCAN_PORTS));
	cr_expect_eq(json_int(e.end, "lost"), 0);
	box_end(&before);
	box_end(&scanner);
	end(&e);
}

/* Sends for so long, and sees to it that all were answered before it returns the number of rounds.
 */
static long flood(long ms)
{
	struct packets *p = packets_new(FLOOD_FIRST, FLOOD_PORTS, PACKET_SYN);
	int64_t deadline = now_ms() + ms;
	long rounds = 0, r = 0;

	if (!p)
		return -1;
	while (rounds < FLOOD_ROUNDS && r >= 0 && (now_ms() < deadline || rounds < 10)) {
		r = packets_round(p);
		rounds++;
	}
	packets_free(p);
	deadline = now_ms() + slow_ms(5000);
	while (netns_out_rsts(getpid()) < rounds * FLOOD_PORTS && now_ms() < deadline)
		poll(NULL, 0, 1);
	return r < 0 ? r : rounds;
}

static long victim(long n)
{
	long r = 0;

	for (long i = 0; i < n * VICTIM_PORTS && r == 0; i++)
		r = box_refused(25001 + i % VICTIM_PORTS);
	return r;
}

static unsigned int rows_exact(struct exact *e, const struct box *b, long rounds, int64_t *ret_sum)
{
	unsigned int exact = 0;

	*ret_sum = 0;
	for (int i = 0; i < FLOOD_PORTS; i++) {
		int64_t n = sum(e->list, "sent", b->netns, 0, FLOOD_FIRST + i);

		exact += n == rounds;
		*ret_sum += n;
	}
	return exact;
}

Test(live, reader_stopped_under_a_flood, .timeout = 300)
{
	static struct exact e;
	struct box many, few;
	int64_t start, made, in_rows;
	unsigned int exact;
	long rounds;

	begin(&e, false);
	cr_assert_eq(box_start(&many, "flood"), 0);
	cr_assert_eq(box_start(&few, "victim"), 0);
	e.start = look(&e, &e.perf);
	kill(e.daemon.pid, SIGSTOP);
	start = now_ms();
	rounds = box_call(&many, &e.daemon, flood, STOPPED_MS);
	made = (int64_t)rounds * FLOOD_PORTS;
	cr_expect_eq(box_call(&few, &e.daemon, victim, VICTIM_RESETS), 0);
	while (now_ms() - start < STOPPED_MS)
		live_pump(&e.daemon, -1, 100);
	fprintf(stderr, "reader stopped for %lld ms, %lld resets\n", (long long)(now_ms() - start),
		(long long)made);
	kill(e.daemon.pid, SIGCONT);
	cr_expect_gt(rounds, 0);
	finish(&e);
	exact = rows_exact(&e, &many, rounds, &in_rows);
	fprintf(stderr, "%u of %u rows exact, %lld of %lld resets in them\n", exact, FLOOD_PORTS,
		(long long)in_rows, (long long)made);
	cr_expect_eq(exact, FLOOD_PORTS);
	for (int i = 0; i < VICTIM_PORTS; i++)
		cr_expect_eq(sum(e.list, "received", 0, few.pid, 25001 + i), VICTIM_RESETS,
			     "the victim's row of port %d: %lld", 25001 + i,
			     (long long)sum(e.list, "received", 0, few.pid, 25001 + i));
	check_netns(&e, &many, made);
	check_netns(&e, &few, VICTIM_PORTS * VICTIM_RESETS);
	cr_expect_eq(json_int(e.end, "lost"), 0, "lost %lld", (long long)json_int(e.end, "lost"));
	box_end(&many);
	box_end(&few);
	end(&e);
}

static long two_a_millisecond_apart(long port)
{
	struct timespec gap = {.tv_nsec = 1000000};
	long r = box_refused(port);

	nanosleep(&gap, NULL);
	return r ? r : box_refused(port);
}

/* Of all threads of the daemon. */
static int64_t switches(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[256];
	long long n = -1;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %lld", &n) == 1)
			break;
	return n;
}

/* Everything that others on this host may have made it wake for. */
static int64_t arrived(struct exact *e)
{
	struct json_object *status = live_status(&e->daemon);
	int64_t n = json_int(status, "sent") + json_int(status, "received") +
		    json_int(status, "timeouts") + json_int(status, "false_receives_late") +
		    json_int(status, "false_receives_unmatched");

	json_object_put(status);
	return n;
}

static void pump_for(struct exact *e, int64_t ms)
{
	int64_t until = now_ms() + ms;

	while (now_ms() < until)
		live_pump(&e->daemon, -1, (int)MAX(until - now_ms(), 0));
}

/* Wake-ups in two quiet seconds; -1: others had resets in every such time. A daemon that does not
 * sleep has them each time; others on this host may make it wait for memory once. */
static int64_t quiet_switches(struct exact *e)
{
	int64_t least = -1;

	for (int i = 0; i < WINDOWS && (least < 0 || least > AWAKE_MAX); i++) {
		int64_t before = arrived(e), n;

		pump_for(e, 200); /* it goes to sleep after the question */
		n = switches(e->daemon.pid);
		pump_for(e, 2000);
		n = switches(e->daemon.pid) - n;
		if (arrived(e) == before && (least < 0 || n < least))
			least = n;
	}
	return least;
}

Test(live, last_record_is_not_stranded, .timeout = 300)
{
	static struct exact e;
	int64_t took, longest = 0, n;
	struct box b;

	begin(&e, true);
	cr_assert_eq(box_start(&b, "pair"), 0);
	for (int i = 1; i <= PAIRS; i++) {
		cr_assert_eq(box_call(&b, &e.daemon, two_a_millisecond_apart, 21000 + i), 0);
		took = now_ms();
		/* each of them is one sent and one received */
		cr_assert(live_await(&e.daemon, b.netns, (size_t)4 * (size_t)i,
				     (int)slow_ms(TOLD_MS)),
			  "pair %d: %zu of %d lines, %lu lost on the way", i,
			  live_lines(&e.daemon, b.netns), 4 * i, live_unprinted(&e.daemon));
		took = now_ms() - took;
		longest = MAX(longest, took);
		live_pump(&e.daemon, -1, 60 + i); /* it goes to sleep again */
	}
	n = quiet_switches(&e);
	fprintf(stderr, "%d pairs told, the slowest %lld ms after it; ", PAIRS, (long long)longest);
	if (n < 0)
		fprintf(stderr, "wake-ups skipped: others had resets all the time\n");
	else
		fprintf(stderr, "%lld wake-ups in 2 s\n", (long long)n);
	/* a daemon that does not sleep makes 500; one look at the rows for alerts is some of these
	 */
	cr_expect_leq(n, AWAKE_MAX, "%lld wake-ups in two quiet seconds", (long long)n);
	box_end(&b);
	end(&e);
	if (n < 0)
		cr_skip_test("wake-ups: others on this host had resets in each of %d times of 2 s",
			     WINDOWS);
}

/* In a child, by commands of its own: the daemon's output is the parent's to read. */
static _Noreturn void ask_many(const char *socket)
{
	const char *path = getenv("RSTMON");

	for (int i = 0; i < REQUESTS; i++) {
		pid_t pid = fork();

		if (!pid) {
			dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
			execl(path ? path : "build/rstmon", "rstmon", "status", "--json",
			      "--socket", socket, NULL);
			_exit(127);
		}
		waitpid(pid, NULL, 0);
	}
	_exit(0);
}

/* Meanwhile the lines of everybody on this host have to be read, or the pipe gets full. */
static void await_asker(struct exact *e, pid_t pid)
{
	pid_t r;

	while ((r = waitpid(pid, NULL, WNOHANG)) == 0)
		live_pump(&e->daemon, -1, 20);
	cr_assert_eq(r, pid);
}

/* A request drains the ring too, and may take the record whose wake-up was under way: the daemon
 * must go on being woken after that. */
Test(live, requests_do_not_deafen_it, .timeout = 300)
{
	static struct exact e;
	pid_t asker[ASKERS];
	struct box b;

	begin(&e, true);
	cr_assert_eq(box_start(&b, "deaf"), 0);
	for (size_t i = 0; i < ASKERS; i++) {
		asker[i] = fork();
		if (!asker[i])
			ask_many(e.daemon.socket);
	}
	/* so far apart that it would sleep in between, if it were not asked all the time */
	for (size_t i = 0; i < LONELY; i++) {
		cr_assert_eq(box_call(&b, &e.daemon, box_refused, 22000), 0);
		live_pump(&e.daemon, -1, 40 + (int)i % 7);
	}
	for (size_t i = 0; i < ASKERS; i++)
		await_asker(&e, asker[i]);
	live_pump(&e.daemon, -1, 100); /* it goes to sleep */
	cr_assert_eq(box_call(&b, &e.daemon, box_refused, 22001), 0);
	cr_assert(live_await(&e.daemon, b.netns, 2 * LONELY + 2, (int)slow_ms(TOLD_MS)),
		  "%zu lines, %lu lost on the way", live_lines(&e.daemon, b.netns),
		  live_unprinted(&e.daemon));
	box_end(&b);
	end(&e);
}
