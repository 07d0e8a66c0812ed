/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load of the benchmark: SYNs at closed loopback ports as fast as one core goes, or refused
 * connects, in a network namespace of its own, or in the present one with "here". It must measure
 * nothing but rates. Used by run.sh.
 *
 *	flood syn PORTS SECONDS [here]	one line: segments, segments a second, growth of TcpOutRsts
 *	flood connect PORTS SECONDS [here]
 *					the same with connect(): each makes a sent and a received
 *reset
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/bench/packets.h"

#define PORT_FIRST   1000
#define PORTS_MAX    30000
#define SECONDS_MAX  60
#define CONNECT_TURN 256

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int own_namespace(void)
{
	_cleanup_close_ int fd = -1;
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 ? -errno : 0;
}

static long out_rsts(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/net/snmp", "re");
	char line[1024];
	long n = -1;

	/* the second "Tcp:" line; OutRsts is its fourteenth number */
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld",
			   &n) == 1)
			break;
	return n;
}

static int refused(uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == ECONNREFUSED ? 0
											  : -EPROTO;
}

static long connect_turn(unsigned int ports)
{
	static unsigned int next;

	for (unsigned int i = 0; i < CONNECT_TURN; i++, next++) {
		int r = refused((uint16_t)(PORT_FIRST + next % ports));

		if (r < 0)
			return r;
	}
	return CONNECT_TURN;
}

static int flood(bool syn, unsigned int ports, double seconds)
{
	struct packets *p = packets_new(PORT_FIRST, ports, PACKET_SYN);
	long n = 0, r = 0, before = out_rsts();
	double start = now(), took;

	if (!p)
		return -errno;
	do {
		r = syn ? packets_round(p) : connect_turn(ports);
		n += MAX(r, 0);
		took = now() - start;
	} while (r >= 0 && took < seconds);
	packets_free(p);
	printf("%ld %.0f %ld\n", n, (double)n / took, out_rsts() - before);
	return r < 0 ? (int)r : 0;
}

static bool number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	*ret = strtoul(text, &end, 10);
	return !*end && *ret > 0 && *ret <= max;
}

int main(int argc, char *argv[])
{
	unsigned long ports, seconds;
	bool syn = argc > 1 && !strcmp(argv[1], "syn");
	bool here = argc == 5 && !strcmp(argv[4], "here");
	int r;

	if ((argc != 4 && !here) || (!syn && strcmp(argv[1], "connect")) ||
	    !number(argv[2], PORTS_MAX, &ports) || !number(argv[3], SECONDS_MAX, &seconds)) {
		fprintf(stderr, "usage: flood syn|connect PORTS SECONDS [here]\n");
		return 2;
	}
	r = here ? 0 : own_namespace();
	if (r == 0)
		r = flood(syn, (unsigned int)ports, (double)seconds);
	if (r < 0)
		fprintf(stderr, "flood: %s\n", strerror(-r));
	return r < 0;
}
