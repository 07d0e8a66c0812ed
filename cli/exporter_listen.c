/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the exporter listens. Must not resolve names, which may be elsewhere tomorrow, and says of
 * a mistake where it is. Proved by tests/unit/cli/exporter.c.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>

#include "cli/exporter.h"
#include "common/addr.h"
#include "common/str.h"

struct text {
	const char *whole;
	char *error;
	size_t size;
};

/* Always -EINVAL. The column counts characters, not bytes. */
static _printf_(3, 4) int fail(const struct text *t, size_t at, const char *format, ...)
{
	unsigned int column = 1;
	va_list args;
	int n;

	for (size_t i = 0; i < at; i++)
		column += (t->whole[i] & 0xc0) != 0x80;
	n = snprintf(t->error, t->size, "column %u: ", column);
	if (n < 0 || (size_t)n >= t->size)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(t->error + n, t->size - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

/* Finds the address between 'ret_start' and 'ret_end', and where its port begins. */
static int split(const struct text *t, size_t *ret_start, size_t *ret_end, size_t *ret_port)
{
	const char *s = t->whole, *close = strchr(s, ']'), *colon = strchr(s, ':');

	if (*s == '[') {
		if (!close)
			return fail(t, strlen(s), "a ']' is missing, as in [::1]:9941");
		if (close[1] != ':')
			return fail(t, (size_t)(close + 1 - s),
				    "a port is missing, as in [::1]:9941");
		*ret_start = 1;
		*ret_end = (size_t)(close - s);
		*ret_port = *ret_end + 2;
		return 0;
	}
	if (!colon)
		return fail(t, strlen(s), "a port is missing, as in " EXPORTER_LISTEN);
	if (strchr(colon + 1, ':'))
		return fail(t, 0, "an IPv6 address stands in brackets, as in [::1]:9941");
	*ret_start = 0;
	*ret_end = (size_t)(colon - s);
	*ret_port = *ret_end + 1;
	return 0;
}

int exporter_listen_parse(const char *text, struct exporter_address *ret, char *error, size_t size)
{
	struct text t = {.whole = text, .error = error, .size = size};
	struct exporter_address a = {};
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.address;
	struct sockaddr_in *four = (struct sockaddr_in *)&a.address;
	char host[INET6_ADDRSTRLEN] = "";
	size_t start = 0, end = 0, at = 0;
	uint16_t port;
	bool ipv6 = *text == '[', good;
	int r = split(&t, &start, &end, &at);

	if (r < 0)
		return r;
	if (end - start < sizeof(host))
		memcpy(host, text + start, end - start);
	good = inet_pton(ipv6 ? AF_INET6 : AF_INET, host,
			 ipv6 ? (void *)&six->sin6_addr : &four->sin_addr) == 1;
	if (!good)
		return fail(&t, start, "'%.*s' is no IPv%c address; give one like %s",
			    (int)MIN(end - start, 64), text + start, ipv6 ? '6' : '4',
			    ipv6 ? "[::1]:9941" : EXPORTER_LISTEN);
	if (parse_u16(text + at, &port) < 0)
		return fail(&t, at, "'%.64s' is no port; give one up to 65535, 0 for any",
			    text + at);
	a.address.ss_family = ipv6 ? AF_INET6 : AF_INET;
	a.size = ipv6 ? sizeof(*six) : sizeof(*four);
	if (ipv6)
		six->sin6_port = htons(port);
	else
		four->sin_port = htons(port);
	*ret = a;
	return 0;
}

int exporter_listen(const struct exporter_address *a)
{
	_cleanup_close_ int fd =
		socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0)
		return -errno;
	/* connections of the one before may linger in TIME-WAIT */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&a->address, a->size) < 0 ||
	    listen(fd, EXPORTER_BACKLOG) < 0)
		return -errno;
	return TAKE_FD(fd);
}

void exporter_listen_text(int fd, char *dst, size_t size)
{
	struct sockaddr_storage address = {};
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		memset(&address, 0, sizeof(address));
	if (address.ss_family == AF_INET6)
		endpoint_format(dst, size, (const uint8_t *)&six->sin6_addr, true,
				ntohs(six->sin6_port));
	else
		endpoint_format(dst, size, (const uint8_t *)&four->sin_addr, false,
				ntohs(four->sin_port));
}
