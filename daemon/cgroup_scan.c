/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds cgroup2, or a hierarchy of v1, and walks it, so that cgroups have names before they are
 * asked for. Opens directories only, follows no link, stays in one filesystem and within its
 * bounds. Proved by tests/unit/daemon/cgroup.c on a tree of directories.
 */
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/cgroup.h"

struct walk {
	cgroup_scan_fn fn;
	void *userdata;
	dev_t device;
	unsigned int n, max;
	bool cut;
	char path[CGROUP_PATH_MAX];
};

static void util_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int walk_directory(struct walk *w, int parent, const char *name, size_t length,
			  unsigned int depth);

/* 'length' is that of w->path without an end '/', 0 at the root. */
static int walk_child(struct walk *w, int fd, const char *name, size_t length, unsigned int depth)
{
	int n = snprintf(w->path + length, sizeof(w->path) - length, "/%s", name);
	int r;

	if (n < 0 || (size_t)n >= sizeof(w->path) - length || depth >= CGROUP_DEPTH_MAX) {
		w->cut = true;
		w->path[length] = '\0';
		return 0;
	}
	r = walk_directory(w, fd, name, length + n, depth + 1);
	w->path[length] = '\0';
	/* Cgroups come and go while they are read. */
	return r == -ENOENT || r == -ENODEV || r == -ENOTDIR || r == -ELOOP || r == -EACCES ? 0 : r;
}

static int walk_directory(struct walk *w, int parent, const char *name, size_t length,
			  unsigned int depth)
{
	_cleanup_close_ int fd =
		openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (depth ? O_NOFOLLOW : 0));
	_cleanup_(util_closedir) DIR *dir = NULL;
	struct dirent *entry;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (depth == 0)
		w->device = st.st_dev;
	else if (st.st_dev != w->device)
		return -ENODEV;
	if (w->n >= w->max) {
		w->cut = true;
		return -ENOSPC;
	}
	w->n++;
	r = w->fn(st.st_ino, length ? w->path : "/", w->userdata);
	if (r < 0)
		return r;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || (entry->d_name[1] == '.' && !entry->d_name[2])))
			continue;
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		r = walk_child(w, dirfd(dir), entry->d_name, length, depth);
		if (r < 0)
			return r;
	}
	return 0;
}

int cgroup_scan(const char *root, unsigned int max, cgroup_scan_fn fn, void *userdata,
		bool *ret_cut)
{
	_cleanup_free_ struct walk *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fn = fn;
	w->userdata = userdata;
	w->max = max;
	r = walk_directory(w, AT_FDCWD, root, 0, 0);
	if (r < 0 && r != -ENOSPC)
		return r;
	*ret_cut = w->cut;
	return w->n;
}

/* Copies a field of mountinfo, which has blanks, newlines and backslashes as three octal digits. */
static int mount_field(const char *p, size_t n, char *ret, size_t size)
{
	size_t i, length = 0;

	if (n >= size) /* unescaping only makes it shorter */
		return -ENAMETOOLONG;
	for (i = 0; i < n; i++) {
		if (p[i] == '\\' && n - i >= 4 && strspn(p + i + 1, "01234567") >= 3) {
			ret[length++] =
				(p[i + 1] - '0') << 6 | (p[i + 2] - '0') << 3 | (p[i + 3] - '0');
			i += 3;
		} else {
			ret[length++] = p[i];
		}
	}
	ret[length] = '\0';
	return 0;
}

/* "cgroup2 cgroup2 rw,nsdelegate" or "cgroup cgroup rw,xattr,name=systemd": what stands behind the
 * dash, and whether it is the one that is looked for. */
static bool mount_is(const char *text, size_t n, const char *option)
{
	const char *type = option ? "cgroup " : "cgroup2 ", *at = memrchr(text, ' ', n);
	const char *end = text + n;

	if (n < strlen(type) || memcmp(text, type, strlen(type)) || !at)
		return false;
	while (option && at < end) {
		const char *word = at + 1;
		const char *comma = memchr(word, ',', (size_t)(end - word));

		at = comma ? comma : end;
		if ((size_t)(at - word) == strlen(option) &&
		    memcmp(word, option, (size_t)(at - word)) == 0)
			return true;
	}
	return !option;
}

/* "31 23 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw": root is field 4, place field 5.
 */
static int mount_line(const char *line, size_t n, const char *option, char *ret, size_t size)
{
	const char *end = line + n, *dash = memmem(line, n, " - ", 3), *field[6];
	unsigned int i;

	if (!dash || !mount_is(dash + 3, (size_t)(end - dash - 3), option))
		return -ENOENT;
	field[0] = line;
	for (i = 1; i < ARRAY_SIZE(field); i++) {
		field[i] = memchr(field[i - 1], ' ', dash - field[i - 1]);
		if (!field[i])
			return -ENOENT;
		field[i]++;
	}
	/* A bind mount of a part of the tree would give paths that begin in the middle. */
	if (field[4] - field[3] != 2 || *field[3] != '/')
		return -ENOENT;
	return mount_field(field[4], field[5] - field[4] - 1, ret, size);
}

int cgroup_parse_mountinfo(const char *text, const char *option, char *ret, size_t size)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		int r = mount_line(text, n, option, ret, size);

		if (r != -ENOENT)
			return r;
		text += n + (text[n] == '\n');
	}
	return -ENOENT;
}

int cgroup_find_hierarchy(const char *option, char *ret, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int r;

	if (!f)
		return -errno;
	while (getline(&line, &room, f) >= 0) {
		r = cgroup_parse_mountinfo(line, option, ret, size);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

int cgroup_find_root(char *ret, size_t size)
{
	return cgroup_find_hierarchy(NULL, ret, size);
}
