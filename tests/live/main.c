/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The runner of the live tests: one test at a time, because they share the kernel's tracepoints.
 * The same program is what actors become when a scenario is about exec().
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <criterion/options.h>
#include <ftw.h>

#include "tests/live/actor.h"

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
	if (criterion_handle_args(argc, argv, true))
		r = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	remove_all(dir);
	return r;
}
