/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner of the live tests: one test at a time, because they share the kernel's tracepoints.
 * The same program is what actors become when a scenario is about exec().
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <criterion/options.h>

#include "tests/live/actor.h"

int main(int argc, char *argv[])
{
	struct criterion_test_set *tests;
	int r = 0;

	if (argc > 1 && !strcmp(argv[1], "--actor"))
		return actor_main(argc, argv);
	tests = criterion_initialize();
	criterion_options.jobs = 1;
	if (criterion_handle_args(argc, argv, true))
		r = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return r;
}
