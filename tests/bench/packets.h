/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Raw TCP segments to loopback, made beforehand and sent in batches, so that the answers (resets) come
 * as fast as one core makes them. Needs CAP_NET_RAW in the network namespace. The kernel handles each
 * segment, and sends its answer, in softirq on top of the sending process.
 */
#ifndef TESTS_BENCH_PACKETS_H
#define TESTS_BENCH_PACKETS_H

#include <stdint.h>

#define PACKET_SYN 0x02
#define PACKET_ACK 0x10

struct packets;

/* One segment to each of 'n_ports' ports from 'first' on (of fewer than 64 ports: the same number to
 * each, together about 64); source ports vary. NULL with errno. */
struct packets *packets_new(uint16_t first, unsigned int n_ports, uint8_t flags);
void packets_free(struct packets *p);

/* Sends every one of them once; number sent or -errno. */
long packets_round(struct packets *p);

/* 'n' segments to one port; number sent or -errno. */
long packets_to_port(uint16_t port, uint8_t flags, unsigned int n);

#endif
