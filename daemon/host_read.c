/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads files of /proc/PID/net line by line, and understands the lines. Keeps nothing open and
 * decides nothing. Proved by tests/unit/daemon/host.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "daemon/host.h"
#include "daemon/process.h"

#define CHUNK 32768 /* longer lines are cut there */

static const char *const files[] = {
	[HOST_NETSTAT] = "net/netstat",
	[HOST_SNMP] = "net/snmp",
	[HOST_TCP] = "net/tcp",
	[HOST_TCP6] = "net/tcp6",
};

_Static_assert(ARRAY_SIZE(files) == HOST_FILE_MAX, "a file without a name");

/* Hands over the complete lines of text[0..length) and returns the bytes that are left; a negative
 * value: fn wants no more. */
static ssize_t hand_over(char *text, size_t length, host_line_fn fn, void *userdata)
{
	char *line = text, *end;

	while ((end = memchr(line, '\n', length - (size_t)(line - text)))) {
		*end = '\0';
		if (!fn(line, userdata))
			return -1;
		line = end + 1;
	}
	length -= (size_t)(line - text);
	memmove(text, line, length);
	return (ssize_t)length;
}

/* Opened through the process's directory, and closed at once: an open file keeps the namespace. */
int host_read_proc(void *userdata, uint32_t pid, enum host_file file, host_line_fn fn,
		   void *line_userdata, uint64_t *ret_id)
{
	_cleanup_close_ int dir = process_open(pid);
	_cleanup_close_ int fd = -1;
	char text[CHUNK];
	size_t total = 0;
	ssize_t n, left = 0;
	struct stat st;

	(void)userdata;
	if (dir < 0)
		return dir;
	fd = openat(dir, files[file], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	*ret_id = st.st_ino;
	do {
		n = read(fd, text + left, sizeof(text) - 1 - (size_t)left);
		if (n < 0)
			return -errno;
		total += (size_t)n;
		left = hand_over(text, (size_t)(left + n), fn, line_userdata);
		if (left == sizeof(text) - 1)
			left = 0;
	} while (n > 0 && left >= 0 && total < HOST_TABLE_MAX);
	return 0;
}

static bool hex(const char **p, unsigned int digits, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned int i = 0; i < digits; i++, (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (c >= 'A' && c <= 'F')
			value = value << 4 | (uint32_t)(c - 'A' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

/* "0100007F:1F90": words of the address as they lie in memory, port in host order. */
static bool hex_endpoint(const char **p, unsigned int words, struct endpoint *ret)
{
	uint32_t word[4] = {0}, port;

	*p += strspn(*p, " ");
	for (unsigned int i = 0; i < words; i++)
		if (!hex(p, 8, &word[i]))
			return false;
	if (*(*p)++ != ':' || !hex(p, 4, &port))
		return false;
	*ret = (struct endpoint){.port = (uint16_t)port, .ipv6 = words == 4};
	memcpy(ret->address, word, sizeof(word));
	return true;
}

static void unmap(struct endpoint *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (!e->ipv6 || memcmp(e->address, mapped, sizeof(mapped)))
		return;
	memmove(e->address, e->address + 12, 4);
	memset(e->address + 4, 0, 12);
	e->ipv6 = false;
}

/* "   0: 0100007F:1F90 0200007F:9C40 01 ..." */
bool host_is_sibling(const char *line, bool tcp6, const struct reset *r)
{
	unsigned int words = tcp6 ? 4 : 1;
	struct endpoint local, remote;
	const char *p = strchr(line, ':');
	uint32_t state;

	if (!p++ || !hex_endpoint(&p, words, &local) || !hex_endpoint(&p, words, &remote))
		return false;
	p += strspn(p, " ");
	if (!hex(&p, 2, &state) || state != STATE_ESTABLISHED)
		return false;
	unmap(&remote);
	return local.port == r->local.port && remote.port != r->remote.port &&
	       remote.ipv6 == r->remote.ipv6 &&
	       !memcmp(remote.address, r->remote.address, remote.ipv6 ? 16 : 4);
}
