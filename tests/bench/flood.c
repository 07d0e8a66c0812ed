/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The load of the benchmark: SYNs at closed loopback ports as fast as cores go, or refused
 * connects, in a network namespace of its own, or in the present one with "here". It must measure
 * nothing but rates. Used by run.sh.
 *
 *	flood syn|connect PORTS SECONDS [here [PROCESSES]]
 *
 * First line: segments or connects, the same a second, growth of TcpOutRsts, and the same per
 * second of CPU, which others on the machine disturb less. With PROCESSES a line for each follows:
 * its pid, what it made. Of SYNs every port gets the same number from each, and each has a core to
 * itself, from the last one on.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>

#include "tests/bench/packets.h"

#define PORT_FIRST    1000
#define PORTS_MAX     30000
#define SECONDS_MAX   60
#define PROCESSES_MAX 64
#define CONNECT_TURN  256
#define START_S	      0.05 /* until all have begun */
#define SETTLE_MS     5
#define SETTLE_TURNS  400

struct load {
	bool syn;
	unsigned int ports, processes;
	double start, seconds;
};

/* What each of the processes leaves in shared memory. */
struct part {
	pid_t pid;
	int error;
	long n;
	double took, cpu;
};

static double now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double now(void)
{
	return now_of(CLOCK_MONOTONIC);
}

static void sleep_until(double time)
{
	struct timespec t = {.tv_sec = (time_t)time};

	t.tv_nsec = (long)((time - (double)t.tv_sec) * 1e9);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
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

/* Until nothing is answered any more: ksoftirqd may still be at it. */
static long settled_out_rsts(void)
{
	long before, n = out_rsts();

	for (int i = 0; i < SETTLE_TURNS; i++) {
		before = n;
		sleep_until(now() + SETTLE_MS / 1e3);
		n = out_rsts();
		if (n == before)
			break;
	}
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

static void own_core(unsigned int i)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (n < 1)
		return;
	CPU_ZERO(&set);
	CPU_SET((size_t)(n - 1 - i % n), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void play(const struct load *load, struct part *part)
{
	struct packets *p = packets_new(PORT_FIRST, load->ports, PACKET_SYN);
	double cpu = now_of(CLOCK_THREAD_CPUTIME_ID);
	long r = 0;

	if (!p) {
		part->error = errno;
		return;
	}
	sleep_until(load->start);
	do {
		r = load->syn ? packets_round(p) : connect_turn(load->ports);
		part->n += MAX(r, 0);
		part->took = now() - load->start;
	} while (r >= 0 && part->took < load->seconds);
	part->cpu = now_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
	packets_free(p);
	part->error = r < 0 ? (int)-r : 0;
}

static int start_parts(const struct load *load, struct part *part)
{
	for (unsigned int i = 0; i < load->processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (load->syn)
				own_core(i);
			play(load, &part[i]);
			_exit(0);
		}
		part[i].pid = pid;
	}
	return 0;
}

static int flood(struct load *load, bool tell_parts)
{
	size_t size = load->processes * sizeof(struct part);
	struct part *part =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long before = out_rsts(), n = 0;
	double rate = 0, cpu = 0;
	int r;

	if (part == MAP_FAILED)
		return -errno;
	load->start = now() + START_S;
	r = start_parts(load, part);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	for (unsigned int i = 0; i < load->processes; i++) {
		n += part[i].n;
		rate += part[i].took > 0 ? (double)part[i].n / part[i].took : 0;
		cpu += part[i].cpu;
		r = r < 0 ? r : -part[i].error;
	}
	printf("%ld %.0f %ld %.0f\n", n, rate, settled_out_rsts() - before,
	       cpu > 0 ? (double)n / cpu : 0);
	for (unsigned int i = 0; tell_parts && i < load->processes; i++)
		printf("%d %ld\n", (int)part[i].pid, part[i].n);
	munmap(part, size);
	return r;
}

static bool number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	*ret = strtoul(text, &end, 10);
	return !*end && *ret > 0 && *ret <= max;
}

int main(int argc, char *argv[])
{
	unsigned long ports, seconds, processes = 1;
	bool syn = argc > 1 && !strcmp(argv[1], "syn");
	bool here = argc >= 5 && !strcmp(argv[4], "here");
	struct load load;
	int r;

	if (argc < 4 || argc > 6 || (argc > 4 && !here) || (!syn && strcmp(argv[1], "connect")) ||
	    !number(argv[2], PORTS_MAX, &ports) || !number(argv[3], SECONDS_MAX, &seconds) ||
	    (argc == 6 && !number(argv[5], PROCESSES_MAX, &processes))) {
		fprintf(stderr, "usage: flood syn|connect PORTS SECONDS [here [PROCESSES]]\n");
		return 2;
	}
	load = (struct load){
		.syn = syn,
		.ports = (unsigned int)ports,
		.processes = (unsigned int)processes,
		.seconds = (double)seconds,
	};
	r = here ? 0 : own_namespace();
	if (r == 0)
		r = flood(&load, argc == 6);
	if (r < 0)
		fprintf(stderr, "flood: %s\n", strerror(-r));
	return r < 0;
}
