/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner of the live tests: one test at a time, because they share the kernel's tracepoints.
 * The same program is what actors become when a scenario is about exec().
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/internal/ordered-set.h>
#include <criterion/options.h>
#include <ftw.h>

#include "tests/live/actor.h"
#include "tests/live/live.h"
#include "tests/live/result.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A test that fails returns from nowhere, and leaves its directories; Criterion leaves its socket.
 */
static void remove_all(const char *dir)
{
	char path[64];

	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	snprintf(path, sizeof(path), "/tmp/criterion_%d.sock", (int)getpid());
	unlink(path);
}

/* Those that tell the results of their parts: a failure of theirs is in there. */
static bool has_parts(const char *test)
{
	static const char *const tests[] = {"ownership", "every_counter_is_explained",
					    "many_without_socket", "firewall_rejects",
					    "names_of_cgroups"};

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
		if (!strcmp(tests[i], test))
			return true;
	return false;
}

/* Why one has failed or was skipped, in its own words. */
static const char *first_message(const struct criterion_test_stats *stats)
{
	for (const struct criterion_assert_stats *a = stats->asserts; a; a = a->next)
		if (!a->passed && a->message)
			return a->message;
	return stats->message ? stats->message : "";
}

ReportHook(POST_TEST)(struct criterion_test_stats *stats)
{
	const char *name = stats->test->name;

	if (stats->crashed || stats->timed_out)
		result_is(false, "tests", name, stats->crashed ? "it crashed" : "it took too long");
	else if (has_parts(name))
		return;
	else if (stats->test_status == CR_STATUS_SKIPPED)
		result_skip("tests", name, first_message(stats));
	else
		result_is(stats->test_status == CR_STATUS_PASSED, "tests", name,
			  first_message(stats));
}

static void give_time(struct criterion_test_set *tests)
{
	FOREACH_SET(struct criterion_suite_set * suite, tests->suites)
	{
		if (!suite->tests)
			continue;
		FOREACH_SET(struct criterion_test * test, suite->tests)
		test->data->timeout *= (double)live_slow();
	}
}

int main(int argc, char *argv[])
{
	char dir[] = "/tmp/rstmon-live-XXXXXX";
	struct criterion_test_set *tests;
	int r = 0;

	if (argc > 1 && !strcmp(argv[1], "--actor"))
		return actor_main(argc, argv);
	if (!mkdtemp(dir) || setenv("LIVE_DIR", dir, 1) < 0)
		return 1;
	tests = criterion_initialize();
	criterion_options.jobs = 1;
	give_time(tests);
	if (criterion_handle_args(argc, argv, true))
		r = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	remove_all(dir);
	return r;
}
