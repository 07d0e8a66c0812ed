/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space pays per reset, from the kernel's record to its row (decode, hold, attribute,
 * history, diagnose, tally, recent): made-up records of several kinds through the daemon's own
 * intake, without kernel and clock. Must measure nothing but intake_drain() in the long run: the
 * ring is filled untimed, as long as the daemon's and packed like it, then emptied; and the first
 * thousands of records are not counted.
 *
 *	stages [-r ROUNDS] [KIND...]
 *
 * Prints a line a kind: resets a second on one core and nanoseconds of CPU per reset, medians of
 * the rounds, their fastest and slowest round, and instructions per reset if the machine counts
 * them.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "common/str.h"
#include "daemon/intake.h"
#include "tests/bench/stages.h"

#define ROUNDS	   7
#define ROUNDS_MAX 1000
#define RECORDS	   262144
#define DRAIN	   2048
#define WARM	   (8 * DRAIN) /* until memory has been touched: more than findings are kept */
#define AIM	   3.0	       /* million a second */

struct cost {
	double ns, instructions; /* per reset; instructions 0: not counted here */
};

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * (int64_t)NSEC_PER_SEC + t.tv_nsec;
}

/* Virtual machines often have no counters: -1. */
static int counter_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t counter_read(int counter)
{
	uint64_t n;

	return counter >= 0 && read(counter, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static int by_cost(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static void empty(struct intake *in)
{
	while (intake_drain(in, DRAIN) > 0)
		in->now += DRAIN * STAGES_STEP_NS;
}

static struct cost empty_measured(struct intake *in, int counter)
{
	uint64_t instructions = counter_read(counter);
	int64_t begin_ns = cpu_ns(), end_ns;

	empty(in);
	end_ns = cpu_ns();
	return (struct cost){(double)(end_ns - begin_ns),
			     (double)(counter_read(counter) - instructions)};
}

static struct cost one_round(struct fake *f, make_fn make, int counter)
{
	struct cost sum = {};
	struct intake in = {0};
	struct state *state;

	stages_rewind(f);
	if (state_new(&state) || intake_init(&in, &f->source, state, false)) {
		fprintf(stderr, "stages: no intake\n");
		exit(1);
	}
	in.now = STAGES_START_NS;
	in.realtime = STAGES_START_NS + STAGES_OFFSET_NS;
	while (f->made < WARM) {
		stages_fill(f, make, WARM);
		empty(&in);
	}
	while (f->made < RECORDS) {
		struct cost part;

		stages_fill(f, make, RECORDS);
		part = empty_measured(&in, counter);
		sum.ns += part.ns / (RECORDS - WARM);
		sum.instructions += part.instructions / (RECORDS - WARM);
	}
	intake_finish(&in);
	intake_done(&in);
	return sum;
}

static void measure(struct fake *f, const struct kind *kind, unsigned int rounds, int counter)
{
	struct cost cost[ROUNDS_MAX];
	const struct cost *median = &cost[rounds / 2];

	for (unsigned int i = 0; i < rounds; i++)
		cost[i] = one_round(f, kind->make, counter);
	qsort(cost, rounds, sizeof(cost[0]), by_cost);
	printf("%-34s %5.2f million/s (aim %.1f) %8.1f ns, %.1f to %.1f", kind->words,
	       1e3 / median->ns, AIM, median->ns, cost[0].ns, cost[rounds - 1].ns);
	if (median->instructions > 0)
		printf(" %8.0f instructions", median->instructions);
	printf("\n");
	fflush(stdout);
}

static bool is_wanted(const char *name, char *const *names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct fake f;
	uint64_t rounds = ROUNDS;
	int counter, option;

	while ((option = getopt(argc, argv, "r:")) != -1) {
		if (option != 'r' || parse_u64(optarg, &rounds) || !rounds || rounds > ROUNDS_MAX) {
			fprintf(stderr, "usage: stages [-r ROUNDS] [KIND...]\n");
			return 2;
		}
	}
	if (stages_init(&f)) {
		fprintf(stderr, "stages: no memory\n");
		return 1;
	}
	counter = counter_open();
	for (const struct kind *kind = stages_kinds; kind->name; kind++)
		if (is_wanted(kind->name, argv + optind))
			measure(&f, kind, (unsigned int)rounds, counter);
	if (counter >= 0)
		close(counter);
	stages_done(&f);
	return 0;
}
