/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Single TCP segments over IPv4, seen and forged: what a middlebox, an attacker or a host without
 *this kernel does. It must never answer by itself. Proved by the lab, which checks what the kernel
 *says.
 *
 *	tun NAME	plays the host behind this tun device
 *	sniff NAME	sees what passes a device ("lo"), without taking it away
 *	catch FLAGS [port=N] [from=N]	waits for a segment: letters of S F R A, and D: with data
 *	acks N		answers data with acknowledgements until N bytes have come
 *	raw FLAGS reply|same|FROM TO [seq=N] [ack=N] [ttl=N] [win=N] [id=N] [len=N] [opt=1]
 *			sends one: as the answer to the last that was caught, as what follows it
 *from the same end, or between two addresses. seq=+N and -N: beside what fits.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/actor.h"

#define FLAG_FIN	 0x01
#define FLAG_SYN	 0x02
#define FLAG_RST	 0x04
#define FLAG_PSH	 0x08
#define FLAG_ACK	 0x10
#define SEGMENT_DATA_MAX 1400

struct segment {
	struct in_addr from, to;
	uint16_t from_port, to_port;
	uint32_t seq, ack, length; /* length: of the data */
	uint8_t flags;
};

static int tun = -1, sniffer = -1, raw = -1;
static struct segment last;

static long value(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end)
		fail("not a number: %s", text);
	return n;
}

static void open_tun(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int probe;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0)
		fail("tun %s: %s", name, strerror(errno));
	request.ifr_flags = 0;
	/* before the device says so, what the host sends into it is lost */
	probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (int ms = 0; !(request.ifr_flags & IFF_RUNNING); ms++) {
		if (ms > ACTOR_WAIT_MS || ioctl(probe, SIOCGIFFLAGS, &request) < 0)
			fail("tun %s does not run", name);
		usleep(1000);
	}
	close(probe);
	printf("tun\n");
	fflush(stdout);
}

static void open_sniffer(const char *name)
{
	struct ifreq request = {};
	struct sockaddr_ll device = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};

	sniffer = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP));
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (sniffer < 0 || ioctl(sniffer, SIOCGIFINDEX, &request) < 0)
		fail("sniff %s: %s", name, strerror(errno));
	device.sll_ifindex = request.ifr_ifindex;
	if (bind(sniffer, (struct sockaddr *)&device, sizeof(device)) < 0)
		fail("sniff %s: %s", name, strerror(errno));
	printf("sniffing\n");
	fflush(stdout);
}

/* False if it is no TCP over IPv4. */
static bool parse(const uint8_t *p, size_t size, struct segment *ret)
{
	struct iphdr ip;
	struct tcphdr tcp;

	if (size < sizeof(ip))
		return false;
	memcpy(&ip, p, sizeof(ip));
	if (ip.version != 4 || ip.protocol != IPPROTO_TCP || size < ip.ihl * 4U + sizeof(tcp))
		return false;
	memcpy(&tcp, p + ip.ihl * 4, sizeof(tcp));
	*ret = (struct segment){
		.from.s_addr = ip.saddr,
		.to.s_addr = ip.daddr,
		.from_port = ntohs(tcp.source),
		.to_port = ntohs(tcp.dest),
		.seq = ntohl(tcp.seq),
		.ack = ntohl(tcp.ack_seq),
		.length = ntohs(ip.tot_len) - ip.ihl * 4U - tcp.doff * 4U,
		.flags = p[ip.ihl * 4 + 13],
	};
	return true;
}

static struct segment next_segment(const char *what)
{
	static uint8_t buffer[65536];
	struct pollfd p = {.fd = tun >= 0 ? tun : sniffer, .events = POLLIN};
	struct sockaddr_ll from = {};
	struct segment s;

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n;

		if (poll(&p, 1, 2 * ACTOR_WAIT_MS) <= 0)
			fail("catch %s: nothing came", what);
		n = tun >= 0 ? read(tun, buffer, sizeof(buffer))
			     : recvfrom(sniffer, buffer, sizeof(buffer), 0,
					(struct sockaddr *)&from, &size);
		/* on loopback each passes twice */
		if (n > 0 && from.sll_pkttype != PACKET_OUTGOING && parse(buffer, (size_t)n, &s))
			return s;
	}
}

static uint8_t parse_flags(const char *text, bool *ret_data)
{
	static const char letters[] = "FSRPA";
	uint8_t flags = 0;

	*ret_data = false;
	for (; *text; text++) {
		const char *letter = strchr(letters, *text);

		if (*text == 'D')
			*ret_data = true;
		else if (letter)
			flags |= (uint8_t)(1 << (letter - letters));
		else
			fail("not a flag: %c", *text);
	}
	return flags;
}

static uint16_t add_up(const void *data, size_t size, uint32_t sum)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

struct extra {
	uint8_t ttl;
	uint16_t window, id;
	bool options; /* as long a header as that of a kernel that aborts */
};

static void send_segment(const struct segment *s, const struct extra *extra)
{
	static struct {
		struct iphdr ip;
		struct tcphdr tcp;
		uint8_t rest[12 + SEGMENT_DATA_MAX];
	} p;
	size_t header = sizeof(p.tcp) + (extra->options ? 12 : 0);
	size_t size = header + s->length;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = s->to};
	uint32_t sum;

	memset(&p, 0, sizeof(p));
	if (extra->options)
		memset(p.rest, 1, 12); /* no-operation */
	p.ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.ttl = extra->ttl,
		.id = htons(extra->id),
		.frag_off = extra->id ? 0 : htons(0x4000),
		.protocol = IPPROTO_TCP,
		.tot_len = htons((uint16_t)(sizeof(p.ip) + size)),
		.saddr = s->from.s_addr,
		.daddr = s->to.s_addr,
	};
	p.ip.check = htons((uint16_t)~add_up(&p.ip, sizeof(p.ip), 0));
	p.tcp = (struct tcphdr){
		.source = htons(s->from_port),
		.dest = htons(s->to_port),
		.seq = htonl(s->seq),
		.ack_seq = htonl(s->ack),
		.doff = (uint16_t)(header / 4) & 15,
		.window = htons(extra->window),
	};
	((uint8_t *)&p.tcp)[13] = s->flags;
	sum = add_up(&p.ip.saddr, 8, IPPROTO_TCP + (uint32_t)size);
	p.tcp.check = htons((uint16_t)~add_up(&p.tcp, size, sum));
	size += sizeof(p.ip);
	if (tun >= 0 ? write(tun, &p, size) != (ssize_t)size
		     : sendto(raw, &p, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("raw: %s", strerror(errno));
}

static uint32_t after(const struct segment *s)
{
	return s->seq + s->length + !!(s->flags & FLAG_SYN) + !!(s->flags & FLAG_FIN);
}

static struct segment opposite(const struct segment *s)
{
	return (struct segment){
		.from = s->to,
		.to = s->from,
		.from_port = s->to_port,
		.to_port = s->from_port,
		.seq = s->ack,
		.ack = after(s),
	};
}

static uint32_t beside(uint32_t fits, const char *text)
{
	return *text == '+' || *text == '-' ? fits + (uint32_t)value(text) : (uint32_t)value(text);
}

static int do_raw(char **word, int n)
{
	struct extra extra = {.ttl = 64, .window = 64240};
	struct sockaddr_storage end;
	struct segment s = {};
	bool data;
	int i = 3;

	if (n < 3)
		fail("raw takes flags and the ends");
	if (!strcmp(word[2], "reply")) {
		s = opposite(&last);
	} else if (!strcmp(word[2], "same")) {
		s = last;
		s.seq = after(&last);
	} else {
		parse_address(word[2], &end);
		s.from = ((struct sockaddr_in *)&end)->sin_addr;
		s.from_port = ntohs(((struct sockaddr_in *)&end)->sin_port);
		parse_address(word[i++], &end);
		s.to = ((struct sockaddr_in *)&end)->sin_addr;
		s.to_port = ntohs(((struct sockaddr_in *)&end)->sin_port);
	}
	s.length = 0;
	s.flags = parse_flags(word[1], &data);
	if (!(s.flags & FLAG_ACK))
		s.ack = 0;
	for (; i < n && strchr(word[i], '='); i++) {
		const char *v = strchr(word[i], '=') + 1;

		if (!strncmp(word[i], "seq=", 4))
			s.seq = beside(s.seq, v);
		else if (!strncmp(word[i], "ack=", 4))
			s.ack = beside(s.ack, v);
		else if (!strncmp(word[i], "ttl=", 4))
			extra.ttl = (uint8_t)value(v);
		else if (!strncmp(word[i], "win=", 4))
			extra.window = (uint16_t)value(v);
		else if (!strncmp(word[i], "id=", 3))
			extra.id = (uint16_t)value(v);
		else if (!strncmp(word[i], "len=", 4))
			s.length = MIN((uint32_t)value(v), SEGMENT_DATA_MAX);
		else if (!strncmp(word[i], "opt=", 4))
			extra.options = value(v);
		else
			fail("raw: %s", word[i]);
	}
	if (raw < 0 && tun < 0)
		raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	send_segment(&s, &extra);
	return i;
}

static int do_catch(char **word, int n)
{
	uint16_t port = 0, from = 0;
	uint8_t flags;
	bool data;
	int i = 2;

	if (n < 2)
		fail("catch takes flags");
	flags = parse_flags(word[1], &data);
	for (; i < n && strchr(word[i], '='); i++) {
		const char *v = strchr(word[i], '=') + 1;

		if (word[i][0] == 'p')
			port = (uint16_t)value(v);
		else
			from = (uint16_t)value(v);
	}
	for (;;) {
		struct segment s = next_segment(word[1]);

		if ((port && s.to_port != port) || (from && s.from_port != from))
			continue;
		if (data ? !s.length : s.length || (s.flags & 0x17) != flags)
			continue;
		last = s;
		printf("caught %s\n", word[1]);
		fflush(stdout);
		return i;
	}
}

static int do_acks(char **word, int n)
{
	struct extra extra = {.ttl = 64, .window = 64240};
	uint32_t expected = last.flags & FLAG_SYN ? 0 : after(&last);
	long left;

	if (n < 2)
		fail("acks takes a number");
	left = value(word[1]);
	while (left > 0) {
		struct segment s = next_segment("data"), answer;

		if (!s.length || (expected && s.seq != expected))
			continue;
		last = s;
		expected = after(&s);
		left -= s.length;
		answer = opposite(&s);
		answer.flags = FLAG_ACK;
		send_segment(&answer, &extra);
	}
	printf("acked\n");
	fflush(stdout);
	return 2;
}

int wire_word(char **word, int n)
{
	if (!strcmp(word[0], "raw"))
		return do_raw(word, n);
	if (!strcmp(word[0], "catch"))
		return do_catch(word, n);
	if (!strcmp(word[0], "acks"))
		return do_acks(word, n);
	if (n > 1 && !strcmp(word[0], "tun")) {
		open_tun(word[1]);
		return 2;
	}
	if (n > 1 && !strcmp(word[0], "sniff")) {
		open_sniffer(word[1]);
		return 2;
	}
	return 0;
}
