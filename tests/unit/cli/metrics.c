/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "cli/metrics.h"

static char directory[] = "/tmp/rstmon-metrics-XXXXXX";
static char path[64];

static void make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/rstmon.prom", directory);
}

static void remove_directory(void)
{
	unlink(path);
	rmdir(directory);
}

TestSuite(cli_metrics, .init = make_directory, .fini = remove_directory);

static unsigned int files(void)
{
	DIR *d = opendir(directory);
	unsigned int n = 0;

	cr_assert_not_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

Test(cli_metrics, a_file_is_replaced_whole)
{
	char text[16] = "";
	struct stat st;
	FILE *f;

	umask(077);
	cr_assert_eq(cli_write_file(path, "older text", 10), 0);
	cr_assert_eq(cli_write_file(path, "new", 3), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0644);
	f = fopen(path, "re");
	cr_assert_not_null(f);
	cr_assert_eq(fread(text, 1, sizeof(text) - 1, f), 3);
	fclose(f);
	cr_assert_str_eq(text, "new");
	cr_assert_eq(files(), 1);
}

Test(cli_metrics, failures_leave_nothing_behind)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/missing/x", directory);
	cr_assert_eq(cli_write_file(other, "x", 1), -ENOENT);
	snprintf(other, sizeof(other), "%s/", directory);
	cr_assert_eq(cli_write_file(other, "x", 1), -EISDIR);
	cr_assert_eq(cli_write_file(directory, "x", 1), -EISDIR);
	cr_assert_eq(files(), 0);
}
