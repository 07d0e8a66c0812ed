/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads the counters of a process's network namespace out of /proc. Keeps nothing open and decides
 * nothing. Proved by tests/unit/daemon/netns.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/netns.h"
#include "daemon/process.h"

#define FILE_MAX_BYTES 16384 /* three times what they have; the Tcp lines come early */

static const char *next_word(const char *p, char *ret, size_t size)
{
	size_t n;

	p += strspn(p, " ");
	n = strcspn(p, " \n");
	if (n == 0 || n >= size)
		return NULL;
	memcpy(ret, p, n);
	ret[n] = '\0';
	return p + n;
}

static bool starts_with(const char *line, const char *prefix, size_t n)
{
	return !strncmp(line, prefix, n) && line[n] == ':';
}

/* The counter that a column is, COUNTER_MAX_: none that matters. */
static unsigned int find_counter(const char *prefix, const char *column)
{
	unsigned int i;

	for (i = 0; i < COUNTER_MAX_; i++)
		if (!strcmp(column, report_counter_column(i)) &&
		    !strcmp(prefix, report_counter_prefix(i)))
			break;
	return i;
}

/* The first line of the two that begin with the prefix names the columns of the second. */
int netns_parse(const char *text, const char *prefix, uint64_t value[COUNTER_MAX_], uint32_t *known)
{
	const char *names = text, *values;
	uint64_t found[COUNTER_MAX_];
	size_t n = strlen(prefix);
	char name[64], word[64];
	uint32_t have = 0;
	unsigned int i;

	while (!starts_with(names, prefix, n)) {
		names = strchr(names, '\n');
		if (!names)
			return -EBADMSG;
		names++;
	}
	values = strchr(names, '\n');
	if (!values || !starts_with(++values, prefix, n) || !strchr(values, '\n'))
		return -EBADMSG;
	names += n + 1;
	values += n + 1;
	while (names[strspn(names, " ")] != '\n') {
		names = next_word(names, name, sizeof(name));
		values = next_word(values, word, sizeof(word));
		if (!names || !values)
			return -EBADMSG;
		i = find_counter(prefix, name);
		if (i == COUNTER_MAX_)
			continue;
		if (parse_u64(word, &found[i]) < 0)
			return -EBADMSG;
		have |= 1U << i;
	}
	for (i = 0; i < COUNTER_MAX_; i++)
		if (have & 1U << i)
			value[i] = found[i];
	*known |= have;
	return 0;
}

/* A whole file; *ret_id is its inode. */
static int read_text(int dir, const char *name, char *text, size_t size, uint64_t *ret_id)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	do {
		n = read(fd, text + length, size - 1 - length);
		if (n < 0)
			return -errno;
		length += n;
	} while (n > 0);
	text[length] = '\0';
	*ret_id = st.st_ino;
	return 0;
}

/* Opened through the process's directory, all of it is of one process even if its number is used
 * again meanwhile; and closed at once, for the open file keeps the namespace alive. */
int netns_read_proc(void *userdata, uint32_t pid, struct netns_reading *ret)
{
	_cleanup_close_ int dir = process_open(pid);
	struct netns_reading reading = {};
	char text[FILE_MAX_BYTES];
	uint64_t id;
	int r;

	(void)userdata;
	if (dir < 0)
		return dir;
	r = process_read_start(dir, &reading.start);
	if (r < 0)
		return r;
	r = read_text(dir, "net/snmp", text, sizeof(text), &reading.id);
	if (r < 0)
		return r;
	r = netns_parse(text, "Tcp", reading.value, &reading.known);
	if (r < 0)
		return r;
	if (!(reading.known & 1U << COUNTER_OUT_RSTS))
		return -EBADMSG;
	r = read_text(dir, "net/netstat", text, sizeof(text), &id);
	if (r < 0)
		return r;
	/* what it lacks is not known, and not compared */
	(void)netns_parse(text, "TcpExt", reading.value, &reading.known);
	*ret = reading;
	return 0;
}
