/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads TcpOutRsts of a process's network namespace out of /proc. Keeps nothing open and decides
 * nothing. Proved by tests/unit/daemon/netns.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/netns.h"
#include "daemon/process.h"

#define SNMP_MAX 16384 /* bytes; the Tcp lines come well before */

static const char *snmp_word(const char *p, char *ret, size_t size)
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

/* The first line of the two that begin with "Tcp:" names the columns of the second. */
int netns_parse_snmp(const char *text, uint64_t *ret_out_rsts)
{
	const char *names = text, *values;
	char name[64], value[64];

	while (strncmp(names, "Tcp:", 4) != 0) {
		names = strchr(names, '\n');
		if (!names)
			return -EBADMSG;
		names++;
	}
	values = strchr(names, '\n');
	if (!values || strncmp(++values, "Tcp:", 4) != 0 || !strchr(values, '\n'))
		return -EBADMSG;
	do {
		names = snmp_word(names, name, sizeof(name));
		values = snmp_word(values, value, sizeof(value));
		if (!names || !values)
			return -EBADMSG;
	} while (strcmp(name, "OutRsts") != 0);
	return parse_u64(value, ret_out_rsts) < 0 ? -EBADMSG : 0;
}

/* Opened through the process's directory, all of it is of one process even if its number is used
 * again meanwhile; and closed at once, for the open file keeps the namespace alive. */
int netns_read_proc(void *userdata, uint32_t pid, struct netns_reading *ret)
{
	_cleanup_close_ int dir = process_open(pid);
	_cleanup_close_ int fd = -1;
	struct netns_reading reading;
	char text[SNMP_MAX];
	size_t length = 0;
	struct stat st;
	ssize_t n;
	int r;

	(void)userdata;
	if (dir < 0)
		return dir;
	r = process_read_start(dir, &reading.start);
	if (r < 0)
		return r;
	fd = openat(dir, "net/snmp", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	do {
		n = read(fd, text + length, sizeof(text) - 1 - length);
		if (n < 0)
			return -errno;
		length += n;
	} while (n > 0);
	text[length] = '\0';
	reading.id = st.st_ino;
	r = netns_parse_snmp(text, &reading.out_rsts);
	if (r < 0)
		return r;
	*ret = reading;
	return 0;
}
