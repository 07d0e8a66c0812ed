/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>

#include "common/addr.h"

struct address {
	uint8_t bytes[16];
	bool ipv6;
};

static struct address address(const char *text)
{
	struct address a = {.ipv6 = strchr(text, ':')};

	cr_assert_eq(inet_pton(a.ipv6 ? AF_INET6 : AF_INET, text, a.bytes), 1);
	return a;
}

static const char *format(const char *text, uint16_t port)
{
	static char dst[ENDPOINT_TEXT_MAX];
	struct address a = address(text);

	return port ? endpoint_format(dst, sizeof(dst), a.bytes, a.ipv6, port)
		    : addr_format(dst, sizeof(dst), a.bytes, a.ipv6);
}

Test(addr, formats_as_rfc_5952)
{
	cr_assert_str_eq(format("192.0.2.1", 0), "192.0.2.1");
	cr_assert_str_eq(format("192.0.2.1", 8080), "192.0.2.1:8080");
	cr_assert_str_eq(format("2001:DB8:0:0:0:0:0:1", 443), "[2001:db8::1]:443");
	cr_assert_str_eq(format("2001:db8:0:1:1:1:1:1", 0), "2001:db8:0:1:1:1:1:1");
	cr_assert_str_eq(format("::", 65535), "[::]:65535");
	cr_assert_str_eq(format("::ffff:192.0.2.1", 80), "192.0.2.1:80");
	cr_assert_str_eq(format("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
			 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

Test(addr, formats_into_little_room)
{
	char dst[5];
	struct address a = address("192.0.2.1");

	cr_assert_str_eq(endpoint_format(dst, sizeof(dst), a.bytes, false, 80), "192.");
	cr_assert_str_eq(addr_format(dst, sizeof(dst), a.bytes, false), "192.");
}

static bool matches(const char *pattern, const char *text, uint16_t port)
{
	struct addr_pattern p;
	struct address a = address(text);

	cr_assert_eq(addr_pattern_parse(pattern, &p), 0, "'%s'", pattern);
	return addr_pattern_match(&p, a.bytes, a.ipv6, port);
}

Test(addr, pattern_of_an_address)
{
	cr_assert(matches("192.0.2.1", "192.0.2.1", 80));
	cr_assert_not(matches("192.0.2.1", "192.0.2.2", 80));
	cr_assert(matches("2001:db8::1", "2001:db8::1", 80));
	cr_assert_not(matches("2001:db8::1", "2001:db8::2", 80));
	cr_assert_not(matches("0.0.0.0", "::", 80), "families differ");
	cr_assert(matches("[2001:db8::1]", "2001:db8::1", 80));
}

Test(addr, pattern_of_a_prefix)
{
	cr_assert(matches("10.0.0.0/8", "10.255.1.2", 80));
	cr_assert_not(matches("10.0.0.0/8", "11.0.0.0", 80));
	cr_assert(matches("10.1.2.3/8", "10.9.9.9", 80), "bits behind the prefix do not count");
	cr_assert(matches("192.168.4.0/22", "192.168.7.255", 80));
	cr_assert_not(matches("192.168.4.0/22", "192.168.8.0", 80));
	cr_assert(matches("0.0.0.0/0", "255.255.255.255", 80));
	cr_assert_not(matches("0.0.0.0/0", "::1", 80));
	cr_assert(matches("2001:db8::/33", "2001:db8:7fff::", 80));
	cr_assert_not(matches("2001:db8::/33", "2001:db8:8000::", 80));
	cr_assert(matches("::1/128", "::1", 80));
}

Test(addr, pattern_with_a_port)
{
	cr_assert(matches("192.0.2.1:80", "192.0.2.1", 80));
	cr_assert_not(matches("192.0.2.1:80", "192.0.2.1", 81));
	cr_assert(matches("[2001:db8::1]:443", "2001:db8::1", 443));
	cr_assert_not(matches("[2001:db8::1]:443", "2001:db8::1", 80));
	cr_assert_not(matches("192.0.2.1:0", "192.0.2.1", 80), "port 0 is a port too");
}

Test(addr, v4_mapped_is_ipv4)
{
	cr_assert(matches("10.0.0.0/8", "::ffff:10.1.2.3", 80));
	cr_assert(matches("::ffff:10.1.2.3", "10.1.2.3", 80));
	cr_assert(matches("::ffff:10.0.0.0/104", "10.1.2.3", 80));
	cr_assert_not(matches("::ffff:10.0.0.0/104", "11.1.2.3", 80));
}

Test(addr, patterns_that_are_none)
{
	static const char *const bad[] = {
		"",
		"10.0.0",
		"10.0.0.256",
		"010.0.0.1",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/x",
		"10.0.0.0/-1",
		"10.0.0.0/8:80",
		"192.0.2.1:",
		"192.0.2.1:65536",
		"192.0.2.1: 80",
		"2001:db8::/129",
		"[2001:db8::1",
		"[2001:db8::1]443",
		"[2001:db8::1]:",
		"[192.0.2.1]:80",
		"2001:db8:::1",
		"localhost",
		"/8",
		":80",
		"fe80::1%eth0",
		"111111111111111111111111111111111111111111111111111111111111111111111111",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct addr_pattern p = {.bits = 77};

		cr_assert_eq(addr_pattern_parse(bad[i], &p), -EINVAL, "'%s'", bad[i]);
		cr_assert_eq(p.bits, 77);
	}
}
