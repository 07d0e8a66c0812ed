/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes and sends raw segments. It must not listen for answers: that would cost what is measured.
 * Proved by tests/live/exact.c, which compares what was sent with the kernel's own counters.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/bench/packets.h"

#define BATCH 64

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct packets {
	int fd;
	unsigned int n;
	struct sockaddr_in to;
	struct packet *packet;
	struct iovec *iov;
	struct mmsghdr *message;
};

static uint32_t add_words(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(b[i] << 8 | b[i + 1]);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* From and to 127.0.0.1. The kernel fills in the IP checksum, but not the TCP one. */
static void make(struct packet *p, uint16_t from, uint16_t to, uint8_t flags)
{
	uint32_t sum;

	*p = (struct packet){
		.ip =
			{
				.version = 4,
				.ihl = 5,
				.ttl = 64,
				.protocol = IPPROTO_TCP,
				.tot_len = htons(sizeof(*p)),
				.saddr = htonl(INADDR_LOOPBACK),
				.daddr = htonl(INADDR_LOOPBACK),
			},
		.tcp =
			{
				.source = htons(from),
				.dest = htons(to),
				.seq = htonl(1000),
				.ack_seq = flags & PACKET_ACK ? htonl(2000) : 0,
				.doff = 5,
				.window = htons(1024),
			},
	};
	((uint8_t *)&p->tcp)[13] = flags;
	sum = IPPROTO_TCP + sizeof(p->tcp);
	sum = add_words(sum, &p->ip.saddr, 8);
	sum = add_words(sum, &p->tcp, sizeof(p->tcp));
	p->tcp.check = fold(sum);
}

void packets_free(struct packets *p)
{
	if (!p)
		return;
	util_close(&p->fd);
	free(p->packet);
	free(p->iov);
	free(p->message);
	free(p);
}

/* 'n' empty ones, with a socket. */
static struct packets *allocate(unsigned int n)
{
	struct packets *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	p->n = n;
	p->to = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	p->packet = calloc(n, sizeof(*p->packet));
	p->iov = calloc(n, sizeof(*p->iov));
	p->message = calloc(n, sizeof(*p->message));
	if (p->fd < 0 || !p->packet || !p->iov || !p->message) {
		packets_free(p);
		return NULL;
	}
	for (unsigned int i = 0; i < n; i++) {
		p->iov[i] =
			(struct iovec){.iov_base = &p->packet[i], .iov_len = sizeof(*p->packet)};
		p->message[i].msg_hdr = (struct msghdr){
			.msg_name = &p->to,
			.msg_namelen = sizeof(p->to),
			.msg_iov = &p->iov[i],
			.msg_iovlen = 1,
		};
	}
	return p;
}

struct packets *packets_new(uint16_t first, unsigned int n_ports, uint8_t flags)
{
	unsigned int n = n_ports < BATCH ? n_ports * (BATCH / n_ports) : n_ports;
	struct packets *p = allocate(n);

	for (unsigned int i = 0; p && i < n; i++)
		make(&p->packet[i], (uint16_t)(40000 + i % 20000), (uint16_t)(first + i % n_ports),
		     flags);
	return p;
}

long packets_round(struct packets *p)
{
	unsigned int done = 0;

	while (done < p->n) {
		int r = sendmmsg(p->fd, p->message + done, MIN(p->n - done, (unsigned int)BATCH),
				 0);

		if (r < 0 && errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
		if (r > 0)
			done += (unsigned int)r;
	}
	return done;
}

long packets_to_port(uint16_t port, uint8_t flags, unsigned int n)
{
	struct packets *p = allocate(n);
	long r;

	if (!p)
		return -errno;
	for (unsigned int i = 0; i < n; i++)
		make(&p->packet[i], (uint16_t)(40000 + i % 20000), port, flags);
	r = packets_round(p);
	packets_free(p);
	return r;
}
