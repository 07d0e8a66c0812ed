/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checkpoints in the state directory: written beside and renamed; what cannot be trusted is set
 * aside. Must never delete or overwrite what it did not write. Proved by
 * tests/unit/daemon/checkpoint.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/aside.h"
#include "daemon/checkpoint_internal.h"

#define NEW CHECKPOINT_NAME ".new"

static int open_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- what stands there ---- */

/* A memory file with what the checkpoint holds. -ENOENT: there is none. */
static int read_file(int dir, int *ret_memory, const char **ret_why)
{
	_cleanup_close_ int fd = openat(dir, CHECKPOINT_NAME,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	*ret_why = NULL;
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		*ret_why = "is no regular file";
		return -EPROTO;
	}
	if (!st.st_size) {
		*ret_why = "is empty";
		return -EBADMSG;
	}
	return checkpoint_get(fd, ret_memory, ret_why);
}

/* ---- writing ---- */

/* The copy that is written: without slots, without anything held, and of no hooks. */
static int prepare(const struct state *s, const struct source_totals *totals,
		   const struct reasons *reasons, struct state **ret)
{
	int r = state_copy(s, reasons, ret);

	if (r)
		return r;
	state_count_held(*ret);
	state_absorb(*ret, totals, 0);
	state_forget_hooks(*ret);
	return 0;
}

static int write_new(int dir, const struct state *s)
{
	_cleanup_close_ int fd = openat(dir, NEW,
					O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK |
						O_NOCTTY | O_CLOEXEC,
					0600);
	int r;

	if (fd < 0)
		return -errno;
	r = checkpoint_put(fd, s);
	if (!r && fsync(fd))
		r = -errno;
	return r;
}

/* What is there may only be replaced if it is one of ours. */
static int make_way(int dir)
{
	_cleanup_close_ int memory = -1;
	char name[64];
	const char *why;
	int r = read_file(dir, &memory, &why);

	if (!r || r == -ENOENT)
		return 0;
	return aside_move(dir, CHECKPOINT_NAME, r, name, sizeof(name));
}

int checkpoint_write(const char *dir_path, const struct state *s,
		     const struct source_totals *totals, const struct reasons *reasons)
{
	_cleanup_close_ int dir = open_dir(dir_path);
	struct state *copy;
	int r;

	if (dir < 0)
		return dir;
	/* two that write the new one at once would make a damaged one of it; not every file system
	 * knows locks */
	if (flock(dir, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	r = prepare(s, totals, reasons, &copy);
	if (r)
		return r;
	r = write_new(dir, copy);
	state_free(copy);
	if (!r)
		r = make_way(dir);
	if (!r && renameat(dir, NEW, dir, CHECKPOINT_NAME))
		r = -errno;
	if (r)
		unlinkat(dir, NEW, 0);
	else
		fsync(dir); /* without it a crash of the host finds the one before: no reason to
			       fail */
	return r;
}

/* ---- reading ---- */

static void say(const char *dir, int dir_fd, int why, const char *words, char *sentence,
		size_t size)
{
	char name[64];
	int r = aside_move(dir_fd, CHECKPOINT_NAME, why, name, sizeof(name));

	aside_say(dir, CHECKPOINT_NAME, why, words, r, name, "counting begins anew", sentence,
		  size);
}

int checkpoint_read(const char *dir_path, const struct reasons *reasons, struct state **ret,
		    char *sentence, size_t size)
{
	_cleanup_close_ int dir = open_dir(dir_path), memory = -1;
	const char *why = NULL;
	int r;

	*ret = NULL;
	snprintf(sentence, size, "%s", "");
	if (dir == -ENOENT)
		return 0;
	if (dir < 0) {
		char clean[256];

		str_sanitise(clean, sizeof(clean), dir_path, strlen(dir_path));
		snprintf(sentence, size, "%s: %s: no checkpoint is read from there", clean,
			 strerror(-dir));
		return dir;
	}
	r = read_file(dir, &memory, &why);
	if (r == -ENOENT)
		return 0;
	if (!r) {
		r = state_adopt(memory, reasons, ret);
		why = r == -EBADMSG ? "holds what cannot be" : NULL;
	}
	if (r) {
		say(dir_path, dir, r, why, sentence, size);
		return r;
	}
	state_count_held(*ret);
	state_forget_hooks(*ret);
	return 0;
}
