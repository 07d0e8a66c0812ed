/* SPDX-License-Identifier: GPL-2.0-only */
/* Summary lines of rows that moved, through a real sink to a file in place of stderr. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/summary.h"

static char *memory;
static struct tally *tally;
static struct summary *summary;
static struct sink *sink;
static FILE *log_file;

static void setup(void)
{
	memory = calloc(1, tally_size());
	tally = tally_format(memory, tally_size());
	summary = calloc(1, sizeof(*summary));
	log_file = tmpfile();
	cr_assert(tally && summary && log_file);
	cr_assert_geq(dup2(fileno(log_file), STDERR_FILENO), 0);
	cr_assert_eq(sink_new(SINK_STDERR, NULL, &sink), 0);
}

static void teardown(void)
{
	sink_free(sink);
	fclose(log_file);
	free(summary);
	free(memory);
}

TestSuite(summary, .init = setup, .fini = teardown);

static void add(uint32_t pid, uint16_t port, unsigned int n)
{
	struct finding f = {
		.reset = {.time = 1000 * NSEC_PER_SEC, .port = port, .direction = RST_SENT},
		.owner = {.pid = pid, .start = 1, .comm = "java"},
	};

	while (n--)
		tally_add(tally, &f);
}

static unsigned int lines_with(const char *text)
{
	char line[2048];
	unsigned int n = 0;

	rewind(log_file);
	while (fgets(line, sizeof(line), log_file))
		n += strstr(line, text) != NULL;
	return n;
}

Test(summary, only_what_moved_and_by_how_much)
{
	add(1, 80, 5);
	summary_write(summary, tally, 10 * NSEC_PER_SEC, 10, sink);
	cr_assert_eq(lines_with("count=5"), 1);
	add(1, 81, 2);
	summary_write(summary, tally, 20 * NSEC_PER_SEC, 10, sink);
	cr_assert_eq(lines_with("port=80"), 1, "it did not move again");
	cr_assert_eq(lines_with("count=2"), 1);
	cr_assert_eq(lines_with("window=10s"), 1);
}

Test(summary, what_outlived_another_daemon_is_no_news)
{
	const struct source_totals before = {.spilled = {7, 1}, .lost = {2}, .missed = 3};
	struct source_totals now = before;

	add(1, 80, 5);
	summary_begin(summary, tally);
	summary_begin_losses(summary, &before);
	add(1, 80, 2);
	add(1, 81, 1);
	summary_write(summary, tally, 10 * NSEC_PER_SEC, 10, sink);
	cr_assert_eq(lines_with("summary"), 2);
	cr_assert_eq(lines_with("count=2"), 1);
	cr_assert(summary_loss(summary, &now, 0, sink));
	cr_assert_eq(lines_with("loss"), 0, "it was told by the daemon before");
	now.spilled[RST_SENT] += 4;
	cr_assert(summary_loss(summary, &now, 0, sink));
	cr_assert_eq(lines_with("spilled=4"), 1);
}

Test(summary, a_count_that_was_taken_back_is_no_news)
{
	struct finding f = {
		.reset = {.time = 1000 * NSEC_PER_SEC, .port = 80, .direction = RST_SENT},
		.owner = {.pid = 1, .start = 1, .comm = "java"},
	};

	add(1, 80, 5);
	summary_write(summary, tally, NSEC_PER_SEC, 10, sink);
	cr_assert_eq(tally_take_back(tally, &f), 0);
	summary_write(summary, tally, 2 * NSEC_PER_SEC, 10, sink);
	cr_assert_eq(lines_with("summary"), 1);
}

Test(summary, the_bound_and_the_rest)
{
	for (uint16_t port = 1; port <= 20; port++)
		add(1, port, port);
	summary_write(summary, tally, NSEC_PER_SEC, 3, sink);
	cr_assert_eq(lines_with("summary"), 4);
	cr_assert_eq(lines_with("count=20"), 1, "the busiest");
	cr_assert_eq(lines_with("more_rows=17"), 1);
}

static void add_timeouts(uint16_t port, unsigned int n)
{
	struct finding f = {
		.reset = {.time = 1000 * NSEC_PER_SEC, .port = port, .direction = RST_TIMEOUT},
		.owner = {.pid = 1, .start = 1, .comm = "java"},
		.verdict = {.cause = RST_CAUSE_CONNECT_TIMEOUT},
	};

	while (n--)
		tally_add(tally, &f);
}

/* However many there are, they take no line from the resets, and no sum of resets has them. */
Test(summary, timeouts_have_lines_of_their_own)
{
	for (uint16_t port = 1; port <= 20; port++) {
		add(1, port, 1);
		add_timeouts(port, 100);
	}
	summary_write(summary, tally, NSEC_PER_SEC, 3, sink);
	cr_assert_eq(lines_with("summary"), 2 * (3 + 1));
	cr_assert_eq(lines_with("summary kind=timeout"), 3 + 1);
	cr_assert_eq(lines_with("cause=connect_timeout direction=\"\""), 3);
	cr_assert_eq(lines_with("summary more_rows=17 count=17"), 1);
	cr_assert_eq(lines_with("summary kind=timeout more_rows=17 count=1700"), 1);
	summary_write(summary, tally, 2 * NSEC_PER_SEC, 3, sink);
	cr_assert_eq(lines_with("summary"), 2 * (3 + 1), "nothing moved");
}

Test(summary, losses_of_timeouts_are_no_losses_of_resets)
{
	struct source_totals t = {.spilled = {[RST_TIMEOUT] = 3}, .lost = {[RST_TIMEOUT] = 2}};

	summary_loss(summary, &t, 0, sink);
	summary_loss(summary, &t, 0, sink);
	cr_assert_eq(lines_with("loss spilled=0 lost=0"), 1);
	cr_assert_eq(lines_with("timeouts_spilled=3 timeouts_lost=2"), 1);
	t.missed = 1;
	summary_loss(summary, &t, 0, sink);
	cr_assert_eq(lines_with("loss"), 2);
	cr_assert_eq(lines_with("timeouts_"), 1, "told once");
}

Test(summary, losses_are_told_once)
{
	struct source_totals t = {.lost = {2, 0}, .missed = 1};

	summary_loss(summary, &t, 0, sink);
	summary_loss(summary, &t, 0, sink);
	cr_assert_eq(lines_with("loss"), 1);
	cr_assert_eq(lines_with("lost=2"), 1);
	t.spilled[RST_RECEIVED] = 7;
	summary_loss(summary, &t, 0, sink);
	cr_assert_eq(lines_with("spilled=7"), 1);
	summary_loss(summary, &t, 40, sink);
	cr_assert_eq(lines_with("reset_lines_left_out=40"), 1);
}
