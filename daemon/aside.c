/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Setting a file aside. Must never delete or overwrite what it did not write. Proved by
 * tests/unit/daemon/checkpoint.c and tests/unit/daemon/alert_file.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/aside.h"

/* Never over anything: not every file system knows RENAME_NOREPLACE, and nobody else writes here.
 */
static int move_to(int dir, const char *name, const char *to)
{
	struct stat st;

	if (!renameat2(dir, name, dir, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (!fstatat(dir, to, &st, AT_SYMLINK_NOFOLLOW))
		return -EEXIST;
	return renameat(dir, name, dir, to) ? -errno : 0;
}

int aside_move(int dir, const char *name, int why, char *to, size_t size)
{
	const char *kind = why == -EPROTO ? "foreign" : why == -EBADMSG ? "corrupt" : "unreadable";
	int r = -EEXIST;

	for (int i = 1; i <= ASIDE_MAX && r == -EEXIST; i++) {
		snprintf(to, size, "%s.%s-%d", name, kind, i);
		r = move_to(dir, name, to);
	}
	return r;
}

void aside_say(const char *dir, const char *name, int why, const char *words, int moved,
	       const char *to, const char *consequence, char *sentence, size_t size)
{
	const char *unreadable = why == -EPROTO || why == -EBADMSG ? "" : "cannot be read, ";
	char clean[256];

	str_sanitise(clean, sizeof(clean), dir, strlen(dir));
	if (!words)
		words = strerror(-why);
	if (!moved)
		snprintf(sentence, size, "%s/%s %s%s: it is kept as %s, and %s", clean, name,
			 unreadable, words, to, consequence);
	else
		snprintf(sentence, size,
			 "%s/%s %s%s and stays there, since it cannot become %s (%s): no other is "
			 "written as long as it is there",
			 clean, name, unreadable, words, to, strerror(-moved));
}
