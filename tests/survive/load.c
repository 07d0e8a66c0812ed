/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resets at a bounded rate, by processes that count what they make, in a network namespace of their
 *own. It must know nothing of rstmon: its counts and TcpOutRsts are what rstmon has to agree with.
 *Used by run.sh and in the virtual machine of tests/vm.
 *
 *	load SYNS CONNECTS PROCESSES ABORTS	resets a second of each kind; PROCESSES share the
 *connects
 *
 * Each goes on until a line comes on stdin; then the counts are printed, and the namespace stays
 *until stdin ends:
 *
 *	netns INODE
 *	out_rsts N			the kernel's own count
 *	rate N				resets a second, sent and received
 *	nobody SENT			sent for no process: closed ports
 *	process PID SENT RECEIVED	a line for each
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/bench/packets.h"

#define CLOSED_FIRST  1000 /* of the SYNs */
#define CLOSED_PORTS  64
#define CONNECT_FIRST 2000 /* one for each process */
#define PROCESSES_MAX 32
#define BYSTANDER     20 /* aborts a second of a process of its own */
#define LIFE_SECONDS  240
#define TICK_NS	      (2 * NSEC_PER_MSEC)
#define DEBT_MAX      0.5 /* seconds of work that a late turn makes up for */

struct actor {
	pid_t pid;
	uint64_t nobody, sent, received;
	int error;
};

struct shared {
	bool stop;
	struct actor actor[PROCESSES_MAX];
};

struct job {
	struct shared *shared;
	struct actor *actor;
	struct packets *packets;
	int listener;
	struct sockaddr_in to;
	/* one or more resets; how many, or -errno */
	long (*act)(struct job *j);
};

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

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Tcp: %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %*d %ld",
			   &n) == 1)
			break;
	return n;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static long act_syn(struct job *j)
{
	long n = packets_round(j->packets);

	j->actor->nobody += (uint64_t)MAX(n, 0);
	return n;
}

/* Refused: nobody sends the reset, this process receives it. */
static long act_connect(struct job *j)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&j->to, sizeof(j->to)))
		return -EPROTO;
	if (errno != ECONNREFUSED)
		return -errno;
	j->actor->nobody++;
	j->actor->received++;
	return 2;
}

static int open_listener(struct job *j)
{
	socklen_t length = sizeof(j->to);

	j->to = loopback(0);
	j->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (j->listener < 0 || bind(j->listener, (struct sockaddr *)&j->to, sizeof(j->to)) ||
	    listen(j->listener, 16) || getsockname(j->listener, (struct sockaddr *)&j->to, &length))
		return -errno;
	return 0;
}

/* This process is both ends: it sends the reset and receives it. */
static long act_abort(struct job *j)
{
	const struct linger hard = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int other = -1;
	struct pollfd p = {.events = POLLIN};
	int r = j->listener < 0 ? open_listener(j) : 0;

	if (r)
		return r;
	if (fd < 0 || connect(fd, (struct sockaddr *)&j->to, sizeof(j->to)))
		return -errno;
	other = accept4(j->listener, NULL, NULL, SOCK_CLOEXEC);
	if (other < 0 || setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)))
		return -errno;
	close(fd);
	j->actor->sent++;
	/* else the other end would be closed before the reset is there, and be answered by another
	 * one */
	p.fd = other;
	if (poll(&p, 1, 5000) != 1)
		return -ETIMEDOUT;
	j->actor->received++;
	return 2;
}

static long work(struct job *j, double rate)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	double last = now(), due = 0;

	while (!__atomic_load_n(&j->shared->stop, __ATOMIC_ACQUIRE)) {
		double t = now();

		due = MIN(due + (t - last) * rate, MAX(DEBT_MAX * rate, 1));
		last = t;
		while (due >= 1) {
			long n = j->act(j);

			if (n < 0)
				return n;
			due -= (double)n;
		}
		nanosleep(&tick, NULL);
	}
	return 0;
}

/* The child goes on until it is told to stop, then waits for the end of all: a process that is gone
 * could not be looked at. */
static int start_one(struct job job, double rate)
{
	pid_t parent = getpid(), pid;

	if (rate <= 0)
		return 0;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		job.actor->pid = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LIFE_SECONDS);
	if (getppid() == parent) {
		job.actor->error = (int)work(&job, rate);
		__atomic_store_n(&job.actor->pid, -getpid(), __ATOMIC_RELEASE);
		pause();
	}
	_exit(0);
}

static int start_all(struct shared *s, const double rate[4])
{
	struct job j = {.shared = s, .actor = s->actor, .listener = -1, .act = act_syn};
	unsigned int n = (unsigned int)MIN(rate[2], PROCESSES_MAX - 3);
	int r;

	j.packets = packets_new(CLOSED_FIRST, CLOSED_PORTS, PACKET_SYN);
	if (!j.packets)
		return -errno;
	r = start_one(j, rate[0]);
	j.act = act_connect;
	for (unsigned int i = 0; !r && i < n; i++) {
		j.actor++;
		j.to = loopback((uint16_t)(CONNECT_FIRST + i));
		r = start_one(j, rate[1] / n);
	}
	j.act = act_abort;
	for (unsigned int i = 0; !r && i < 2; i++) {
		j.actor++;
		r = start_one(j, i ? BYSTANDER : rate[3]);
	}
	return r;
}

static int stop_all(struct shared *s)
{
	const struct timespec tick = {.tv_nsec = TICK_NS};
	int r = 0;

	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < PROCESSES_MAX; i++) {
		while (__atomic_load_n(&s->actor[i].pid, __ATOMIC_ACQUIRE) > 0)
			nanosleep(&tick, NULL);
		if (s->actor[i].error)
			r = s->actor[i].error;
	}
	return r;
}

static void report(const struct shared *s, long before, double seconds)
{
	uint64_t nobody = 0, all = 0;
	struct stat st;

	for (unsigned int i = 0; i < PROCESSES_MAX; i++)
		nobody += s->actor[i].nobody, all += s->actor[i].sent + s->actor[i].received;
	stat("/proc/self/ns/net", &st);
	printf("netns %lu\nout_rsts %ld\nrate %.0f\nnobody %lu\n", (unsigned long)st.st_ino,
	       out_rsts() - before, (double)(all + nobody) / seconds, (unsigned long)nobody);
	for (unsigned int i = 0; i < PROCESSES_MAX; i++)
		if (s->actor[i].sent || s->actor[i].received)
			printf("process %d %lu %lu\n", -s->actor[i].pid,
			       (unsigned long)s->actor[i].sent,
			       (unsigned long)s->actor[i].received);
	fflush(stdout);
}

static int run(const double rate[4])
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char line[16];
	double start;
	long before;
	int r;

	if (s == MAP_FAILED)
		return -errno;
	r = own_namespace();
	if (r)
		return r;
	before = out_rsts();
	start = now();
	r = start_all(s, rate);
	if (r)
		return r;
	alarm(LIFE_SECONDS);
	printf("started\n");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	r = stop_all(s);
	report(s, before, now() - start);
	while (!r && fgets(line, sizeof(line), stdin))
		;
	return r;
}

int main(int argc, char *argv[])
{
	double rate[4];
	int r;

	for (int i = 0; i < 4; i++) {
		char *end = "?";

		rate[i] = i + 1 < argc ? strtod(argv[i + 1], &end) : -1;
		if (argc != 5 || *end || rate[i] < 0 || rate[i] > 1e6) {
			fprintf(stderr, "usage: load SYNS CONNECTS PROCESSES ABORTS\n");
			return 2;
		}
	}
	r = run(rate);
	if (r < 0)
		fprintf(stderr, "load: %s\n", strerror(-r));
	return r < 0;
}
