/* SPDX-License-Identifier: GPL-2.0-only */
/* The file of active alerts: what was written is read, anything else is set aside. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/alert_file.h"
#include "daemon/aside.h"

static char dir[64], path[128], sentence[512];
static struct alert_kept kept[RSTMON_ALERTS_TOLD_MAX], got[RSTMON_ALERTS_TOLD_MAX];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/rstmon-alerts-XXXXXX");
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" ALERT_FILE_NAME, dir);
}

static void teardown(void)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (unlinkat(dirfd(d), e->d_name, 0))
			unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	closedir(d);
	rmdir(dir);
}

TestSuite(alert_file, .init = setup, .fini = teardown);

static struct alert_kept sample(unsigned int i)
{
	struct alert_kept k = {
		.alert = {.by = ALERT_BY_PORT,
			  .severity = 3,
			  .window_ns = 10 * NSEC_PER_SEC,
			  .id = 1795379854436488ULL + i,
			  .since = 1795379854436488123ULL,
			  .count = 100 + i,
			  .peak = 99,
			  .told = true},
		.rows = 12345,
	};

	snprintf(k.alert.name, sizeof(k.alert.name), "rule-%u_A", i);
	k.alert.key.port = (uint16_t)(80 + i);
	k.alert.key.direction = RST_RECEIVED;
	k.alert.shown = k.alert.key;
	k.alert.shown.role = ALERT_MIXED;
	k.alert.shown.cause = RST_CAUSE_FIREWALL_REJECT;
	k.alert.shown.start = 77;
	k.alert.shown.pid = UINT32_MAX;
	k.alert.shown.netns = UINT32_MAX;
	str_copy(k.alert.shown.unit, sizeof(k.alert.shown.unit), "a \"unit\" with \\ \xc3\xa9");
	str_copy(k.alert.shown.comm, sizeof(k.alert.shown.comm), "fifteen letters");
	memset(k.alert.shown.container, 'f', sizeof(k.alert.shown.container) - 1);
	k.alert.shown.other_ports = 1;
	return k;
}

static void put(const char *text, size_t n)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, n), (ssize_t)n);
}

/* The file as it is, malloc()ed. */
static char *content(size_t *ret_n)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = calloc(1, ALERT_FILE_MAX);

	cr_assert(f && text);
	*ret_n = fread(text, 1, ALERT_FILE_MAX - 1, f);
	return text;
}

static unsigned int files(const char *part)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	unsigned int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.' && strstr(e->d_name, part);
	closedir(d);
	return n;
}

static int read_it(size_t *n)
{
	return alert_file_read(dir, got, RSTMON_ALERTS_TOLD_MAX, n, sentence, sizeof(sentence));
}

Test(alert_file, what_was_written_is_read)
{
	size_t n = 7;

	cr_assert_eq(read_it(&n), 0);
	cr_assert_eq(n, 0, "no file is none");
	for (unsigned int i = 0; i < RSTMON_ALERTS_TOLD_MAX; i++)
		kept[i] = sample(i);
	cr_assert_eq(alert_file_write(dir, kept, RSTMON_ALERTS_TOLD_MAX), 0);
	cr_assert_eq(read_it(&n), 0);
	cr_assert_str_eq(sentence, "");
	cr_assert_eq(n, RSTMON_ALERTS_TOLD_MAX);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(
			memcmp(&got[i].alert.shown, &kept[i].alert.shown, sizeof(struct alert_key)),
			0);
		cr_assert_eq(
			memcmp(&got[i].alert.key, &kept[i].alert.key, sizeof(struct alert_key)), 0);
		cr_assert_str_eq(got[i].alert.name, kept[i].alert.name);
		cr_assert_eq(got[i].alert.by, kept[i].alert.by);
		cr_assert_eq(got[i].alert.severity, kept[i].alert.severity);
		cr_assert_eq(got[i].alert.window_ns, kept[i].alert.window_ns);
		cr_assert_eq(got[i].alert.id, kept[i].alert.id);
		cr_assert_eq(got[i].alert.since, kept[i].alert.since);
		cr_assert_eq(got[i].alert.count, kept[i].alert.count);
		cr_assert_eq(got[i].alert.peak, kept[i].alert.peak);
		cr_assert_eq(got[i].rows, kept[i].rows);
	}
	cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	cr_assert_eq(read_it(&n), 0);
	cr_assert_eq(n, 1);
	cr_assert_eq(alert_file_write(dir, kept, 0), 0);
	cr_assert_eq(files(""), 0, "without alerts there is no file");
	cr_assert_eq(alert_file_write(dir, kept, 0), 0);
}

/* Numbers that JSON cannot have are the most that it can. */
Test(alert_file, numbers_of_a_flood)
{
	size_t n;

	kept[0] = sample(0);
	kept[0].alert.count = UINT64_MAX;
	kept[0].rows = UINT64_MAX;
	cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	cr_assert_eq(read_it(&n), 0);
	cr_assert_eq(got[0].alert.count, INT64_MAX);
}

Test(alert_file, every_cut_is_set_aside)
{
	_cleanup_free_ char *text = NULL;
	size_t size, n;

	kept[0] = sample(0);
	cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	text = content(&size);
	for (size_t cut = 0; cut < size; cut++) {
		put(text, cut);
		cr_assert_eq(read_it(&n), -EBADMSG, "%zu bytes", cut);
		cr_assert_eq(n, 0);
		cr_assert(strstr(sentence, "it is kept as alerts.corrupt-"), "%s", sentence);
		cr_assert_eq(files("corrupt"), 1);
		snprintf(sentence, sizeof(sentence), "%s.corrupt-1", path);
		cr_assert_eq(unlink(sentence), 0);
	}
	put(text, size);
	cr_assert_eq(read_it(&n), 0);
	cr_assert_eq(n, 1);
}

/* A file as it is written, but for one word. */
static void put_with(const char *from, const char *to)
{
	_cleanup_free_ char *text = NULL;
	char other[4096];
	size_t size;
	char *at;

	kept[0] = sample(0);
	cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	text = content(&size);
	at = strstr(text, from);
	cr_assert(at, "%s", from);
	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	put(other, strlen(other));
}

static void expect_bad(const char *from, const char *to, int why)
{
	char other[4096];
	size_t n;

	put_with(from, to);
	cr_assert_eq(read_it(&n), why, "%s", to);
	cr_assert_eq(n, 0);
	cr_assert(sentence[0]);
	snprintf(other, sizeof(other), "%s.%s-1", path, why == -EPROTO ? "foreign" : "corrupt");
	cr_assert_eq(unlink(other), 0);
}

/* Written by a newer daemon, which knows more causes: its alert still has an end. */
Test(alert_file, a_cause_of_a_newer_daemon_is_unknown)
{
	size_t n;

	put_with("firewall_reject", "of_tomorrow");
	cr_assert_eq(read_it(&n), 0);
	cr_assert_eq(n, 1);
	cr_assert_str_empty(sentence);
	cr_assert(kept[0].alert.key.cause == RST_CAUSE_UNKNOWN ||
		  kept[0].alert.shown.cause == RST_CAUSE_UNKNOWN);
}

Test(alert_file, what_cannot_be_is_not_believed)
{
	expect_bad("\"format\":1", "\"format\":2", -EPROTO);
	expect_bad("\"format\":1", "\"format\":\"1\"", -EBADMSG);
	expect_bad("\"port\":80", "\"port\":65536", -EBADMSG);
	expect_bad("\"port\":80", "\"port\":-1", -EBADMSG);
	expect_bad("\"port\":80", "\"port\":8e1", -EBADMSG);
	expect_bad("\"port\":80", "\"ports\":80", -EBADMSG);
	expect_bad("\"alert\":\"rule-0_A\"", "\"alert\":\"\"", -EBADMSG);
	expect_bad("\"alert\":\"rule-0_A\"", "\"alert\":\"a b\"", -EBADMSG);
	expect_bad("\"alert\":\"rule-0_A\"", "\"alert\":\"a\\u0000b\"", -EBADMSG);
	expect_bad("rule-0_A", "a-name-that-is-longer-than-any-rule-has", -EBADMSG);
	expect_bad("fifteen letters", "sixteen letters!", -EBADMSG);
	expect_bad("fifteen letters", "\\u001b[2J", -EBADMSG);
	expect_bad("\"by\":2", "\"by\":5", -EBADMSG);
	expect_bad("\"severity\":3", "\"severity\":8", -EBADMSG);
	expect_bad("\"window_ns\":10000000000", "\"window_ns\":0", -EBADMSG);
	expect_bad("\"role\":255", "\"role\":9", -EBADMSG);
	expect_bad("\"direction\":1", "\"direction\":3", -EBADMSG);
	expect_bad("\"other_ports\":1", "\"other_ports\":2", -EBADMSG);
	expect_bad("\"alerts\":[", "\"alerts\":[0,", -EBADMSG);
	expect_bad("\"alerts\":[", "\"others\":[", -EBADMSG);
	expect_bad("\"key\":{", "\"key\":[{", -EBADMSG);
	expect_bad("}]}", "}]} x", -EBADMSG);
}

Test(alert_file, more_than_there_can_be)
{
	size_t n;

	kept[0] = sample(0);
	kept[1] = sample(1);
	cr_assert_eq(alert_file_write(dir, kept, 2), 0);
	cr_assert_eq(alert_file_read(dir, got, 1, &n, sentence, sizeof(sentence)), -EBADMSG);
	cr_assert_eq(n, 0);
	cr_assert_eq(truncate(path, 0), -1);
	put("", 0);
	cr_assert_eq(truncate(path, ALERT_FILE_MAX + 1), 0);
	cr_assert_eq(read_it(&n), -EBADMSG);
	cr_assert(strstr(sentence, "too large"), "%s", sentence);
}

Test(alert_file, what_is_not_ours_is_never_replaced)
{
	struct stat st;
	size_t n;

	kept[0] = sample(0);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(read_it(&n), -EPROTO);
	cr_assert_eq(files("foreign"), 1);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	cr_assert_eq(files("foreign"), 2);
	for (unsigned int i = 0; i < ASIDE_MAX - 2; i++) {
		cr_assert_eq(unlink(path), 0);
		cr_assert_eq(mkdir(path, 0700), 0);
		cr_assert_eq(alert_file_write(dir, kept, 1), 0);
	}
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(alert_file_write(dir, kept, 1), -EEXIST);
	cr_assert_eq(alert_file_write(dir, kept, 0), -EEXIST);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert(S_ISDIR(st.st_mode));
	cr_assert_eq(files("new"), 0);
	cr_assert_eq(read_it(&n), -EPROTO);
	cr_assert(strstr(sentence, "stays there"), "%s", sentence);
}

Test(alert_file, no_directory)
{
	size_t n;

	kept[0] = sample(0);
	cr_assert_eq(alert_file_write("/nonexistent/rstmon", kept, 1), -ENOENT);
	cr_assert_eq(alert_file_write("/nonexistent/rstmon", kept, 0), 0);
	cr_assert_eq(alert_file_read("/nonexistent/rstmon", got, 1, &n, sentence, sizeof(sentence)),
		     0);
	cr_assert_eq(n, 0);
}
