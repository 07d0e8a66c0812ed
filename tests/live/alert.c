/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One incident, one pair of lines: a flood with a rule on it, and a daemon that is killed in the
 * middle; then a rule that goes while its alert is active.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/str.h"
#include "tests/bench/packets.h"
#include "tests/live/box.h"

#define FLOODED	 45678
#define HALF	 5000 /* twice is the flood */
#define LINE_MS	 30000
#define READY_MS 20000

struct guard {
	struct live_daemon quiet; /* nothing of it is printed: for box_call() */
	char dir[64], config[96], socket[96], log[96];
	unsigned int starts;
	pid_t pid;
};

static void write_config(const struct guard *g, uint64_t netns, bool rule)
{
	_cleanup_fclose_ FILE *f = fopen(g->config, "we");

	cr_assert(f);
	fprintf(f, "[log]\nsummary = 0\n");
	if (rule)
		fprintf(f,
			"[alert flood]\nfilter = netns %llu and port %d and direction sent\n"
			"rate = 120/min\nclear = 60/min\nwindow = 10s\ncooldown = 0\n",
			(unsigned long long)netns, FLOODED);
}

static _Noreturn void run(const struct guard *g)
{
	const char *path = getenv("RSTMOND");
	int log = open(g->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(log, STDERR_FILENO);
	execl(path ? path : "build/rstmond", "rstmond", "--config", g->config, "--socket",
	      g->socket, "--state", g->dir, "--log", "stderr", NULL);
	_exit(127);
}

/* Lines of the log that have all these words; the last one's is left in 'line'. */
static unsigned int lines_with(const struct guard *g, const char *a, const char *b, char line[1200])
{
	_cleanup_fclose_ FILE *f = fopen(g->log, "re");
	char read[1200];
	unsigned int n = 0;

	while (f && fgets(read, sizeof(read), f)) {
		if (!strstr(read, a) || !strstr(read, b))
			continue;
		n++;
		memcpy(line, read, sizeof(read));
	}
	return n;
}

static bool await(const struct guard *g, const char *a, const char *b, unsigned int n,
		  char line[1200], int64_t ms)
{
	int64_t deadline = now_ms() + slow_ms(ms);

	while (lines_with(g, a, b, line) < n) {
		if (now_ms() > deadline)
			return false;
		poll(NULL, 0, 50);
	}
	return true;
}

static void start(struct guard *g)
{
	char line[1200];

	g->pid = fork();
	cr_assert_geq(g->pid, 0);
	if (!g->pid)
		run(g);
	cr_assert(await(g, "ready\n", "", ++g->starts, line, READY_MS), "it does not get ready");
}

static int stop(struct guard *g, int number)
{
	int status = -1;

	kill(g->pid, number);
	waitpid(g->pid, &status, 0);
	return status;
}

static long syns(long n)
{
	return packets_to_port(FLOODED, PACKET_SYN, (unsigned int)n);
}

static long long number_in(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoll(at + strlen(key), NULL, 10) : -1;
}

static void flood(struct guard *g, struct box *b)
{
	cr_assert_eq(box_call(b, &g->quiet, syns, HALF), HALF);
}

static void killed_in_a_flood(struct guard *g, struct box *b)
{
	char alert[1200], resolved[1200];

	flood(g, b);
	cr_assert(await(g, " alert cause=", " alert=flood ", 1, alert, LINE_MS), "no alert");
	cr_assert(WIFSIGNALED(stop(g, SIGKILL)));
	start(g);
	flood(g, b);
	cr_assert(await(g, " resolved cause=", " alert=flood ", 1, resolved, LINE_MS), "no end");
	fprintf(stderr, "%s%s", alert, resolved);
	cr_expect_eq(number_in(alert, " id="), number_in(resolved, " id="));
	cr_expect_eq(number_in(resolved, " count="), number_in(alert, " count=") + HALF);
	cr_expect_leq(number_in(alert, " count="), HALF);
	cr_expect(strstr(alert, " confidence=certain "));
	cr_expect(strstr(alert, " cause=closed_port "));
	cr_expect_null(strstr(resolved, " reason="));
	cr_expect_eq(lines_with(g, " alert cause=", " alert=flood ", alert), 1);
	cr_expect_eq(lines_with(g, " resolved cause=", " alert=flood ", resolved), 1);
}

/* While the daemon is away, and while it runs. */
static void rule_removed(struct guard *g, struct box *b)
{
	char line[1200];

	for (unsigned int i = 0; i < 2; i++) {
		flood(g, b);
		cr_assert(await(g, " alert cause=", " alert=flood ", 2 + i, line, LINE_MS));
		write_config(g, b->netns, false);
		if (i) {
			kill(g->pid, SIGHUP);
		} else {
			cr_expect_eq(stop(g, SIGTERM), 0);
			start(g);
		}
		cr_assert(await(g, " resolved cause=", " alert=flood ", 2 + i, line, LINE_MS));
		cr_expect(strstr(line, " reason=rule_removed "), "%s", line);
		cr_expect_eq(number_in(line, " count="), HALF, "%s", line);
		write_config(g, b->netns, true);
		kill(g->pid, SIGHUP);
		cr_assert(await(g, "read the configuration again", "", 2 * i + 1, line, LINE_MS));
	}
}

Test(live, alerts_in_pairs, .timeout = 300)
{
	struct guard g = {.quiet = {.pid = -1, .out = -1, .written = -1, .err = -1}};
	const char *impossible = live_impossible();
	char line[1200], path[96];
	struct box b;

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	snprintf(g.dir, sizeof(g.dir), "/tmp/rstmon-live-XXXXXX");
	cr_assert(mkdtemp(g.dir));
	snprintf(g.config, sizeof(g.config), "%s/conf", g.dir);
	snprintf(g.socket, sizeof(g.socket), "%s/s", g.dir);
	snprintf(g.log, sizeof(g.log), "%s/log", g.dir);
	cr_assert_eq(box_start(&b, "flood"), 0);
	write_config(&g, b.netns, true);
	start(&g);
	killed_in_a_flood(&g, &b);
	rule_removed(&g, &b);
	cr_expect_eq(stop(&g, SIGTERM), 0);
	cr_expect_eq(lines_with(&g, " alert cause=", " alert=flood ", line), 3);
	cr_expect_eq(lines_with(&g, " resolved cause=", " alert=flood ", line), 3);
	box_end(&b);
	snprintf(path, sizeof(path), "%s/alerts", g.dir);
	cr_expect_lt(access(path, F_OK), 0, "nothing is active");
	for (size_t i = 0; i < 5; i++) {
		static const char *const names[] = {"conf", "s", "log", "alerts", "checkpoint"};

		snprintf(path, sizeof(path), "%s/%s", g.dir, names[i]);
		unlink(path);
	}
	rmdir(g.dir);
}
