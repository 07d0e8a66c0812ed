/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses to text and patterns of addresses. Must not resolve names or ask the system anything.
 * A v4-mapped address is IPv4 wherever it comes from. Proved by tests/unit/common/addr.c.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>

#include "common/addr.h"
#include "common/str.h"

/* The address as the rest of the file sees it: v4-mapped turned into IPv4. */
static const uint8_t *plain(const uint8_t *address, bool *ipv6)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (*ipv6 && !memcmp(address, mapped, sizeof(mapped))) {
		*ipv6 = false;
		return address + sizeof(mapped);
	}
	return address;
}

char *addr_format(char *dst, size_t size, const uint8_t *address, bool ipv6)
{
	char text[INET6_ADDRSTRLEN];

	address = plain(address, &ipv6);
	if (!inet_ntop(ipv6 ? AF_INET6 : AF_INET, address, text, sizeof(text)))
		text[0] = '\0';
	str_copy(dst, size, text);
	return dst;
}

char *endpoint_format(char *dst, size_t size, const uint8_t *address, bool ipv6, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	address = plain(address, &ipv6);
	addr_format(text, sizeof(text), address, ipv6);
	snprintf(dst, size, ipv6 ? "[%s]:%u" : "%s:%u", text, (unsigned int)port);
	return dst;
}

/* Cuts 'text' before the port (text of an IPv6 address with a port is in brackets) and tells where
 * the port begins, NULL without one. */
static int split_port(char *text, char **ret_address, char **ret_port)
{
	char *colon = strchr(text, ':');

	*ret_address = text;
	*ret_port = NULL;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		if (end[1])
			*ret_port = end + 2;
		*end = '\0';
		*ret_address = text + 1;
		return strchr(text + 1, ':') ? 0 : -EINVAL;
	}
	if (colon && !strchr(colon + 1, ':')) { /* two of them: IPv6 without a port */
		*colon = '\0';
		*ret_port = colon + 1;
	}
	return 0;
}

int addr_pattern_parse(const char *text, struct addr_pattern *ret)
{
	struct addr_pattern p = {};
	char copy[ENDPOINT_TEXT_MAX], *address, *port, *slash;
	uint8_t bytes[16] = {};
	uint16_t bits;

	if (!str_copy(copy, sizeof(copy), text) || split_port(copy, &address, &port) < 0)
		return -EINVAL;
	slash = strchr(address, '/');
	if (slash && port)
		return -EINVAL;
	if (slash)
		*slash++ = '\0';

	p.ipv6 = strchr(address, ':');
	if (inet_pton(p.ipv6 ? AF_INET6 : AF_INET, address, bytes) != 1)
		return -EINVAL;
	bits = p.ipv6 ? 128 : 32;
	if (slash) {
		uint16_t max = bits;

		if (parse_u16(slash, &bits) < 0 || bits > max)
			return -EINVAL;
	}
	if (port && parse_u16(port, &p.port) < 0)
		return -EINVAL;
	p.has_port = port;

	if (p.ipv6 && bits >= 96) {
		const uint8_t *plain_bytes = plain(bytes, &p.ipv6);

		memcpy(p.address, plain_bytes, p.ipv6 ? 16 : 4);
		bits -= p.ipv6 ? 0 : 96;
	} else {
		memcpy(p.address, bytes, sizeof(p.address));
	}
	p.bits = (uint8_t)bits;
	*ret = p;
	return 0;
}

bool addr_pattern_match(const struct addr_pattern *p, const uint8_t *address, bool ipv6,
			uint16_t port)
{
	unsigned int whole = p->bits / 8, rest = p->bits % 8;

	address = plain(address, &ipv6);
	if (ipv6 != p->ipv6 || (p->has_port && port != p->port))
		return false;
	if (memcmp(address, p->address, whole))
		return false;
	return !rest || !((address[whole] ^ p->address[whole]) >> (8 - rest));
}
