/* SPDX-License-Identifier: GPL-2.0-only */
/* Addresses as text: "192.0.2.1:8080", "[2001:db8::1]:443" (RFC 5952). Pure. */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENDPOINT_TEXT_MAX 64

/* 'address': sixteen bytes in network order, IPv4 in the first four. Both return dst. */
char *addr_format(char *dst, size_t size, const uint8_t *address, bool ipv6);
char *endpoint_format(char *dst, size_t size, const uint8_t *address, bool ipv6, uint16_t port);

/* An address, a prefix or an address with port, as a filter compares it. */
struct addr_pattern {
	uint8_t address[16];
	uint8_t bits; /* prefix length */
	bool ipv6;
	bool has_port;
	uint16_t port;
};

int addr_pattern_parse(const char *text, struct addr_pattern *ret); /* -EINVAL */
bool addr_pattern_match(const struct addr_pattern *p, const uint8_t *address, bool ipv6, uint16_t port);

#endif
