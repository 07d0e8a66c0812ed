/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ordinary traffic pays, finely enough to see single nanoseconds: one process, one thread,
 * one core, TCP on loopback, CPU time. It must not know who listens in: hookcost.sh starts and
 * stops that between two of its measurements, so that code and memory are the same.
 *
 * For each line on standard input it prints a line with nanoseconds of CPU, medians of many short
 * batches: for a byte written and read on a connection that lasts, and for a connection from
 * connect() to close() on both sides with a byte of request and one of answer. After a line "open"
 * it opens connections instead, prints how many, and keeps them until the next line.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

#define BATCHES	     61
#define BYTES	     2000 /* of a batch: about 4 ms */
#define CONNECTS     150
#define WARM_BATCHES 5
#define KEPT	     400

struct ends {
	struct sockaddr_in address;
	int listener, client, server;
};

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * (int64_t)NSEC_PER_SEC + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool byte(int from, int to)
{
	char c = 'x';

	return write(from, &c, 1) == 1 && read(to, &c, 1) == 1;
}

static int listen_somewhere(struct ends *e)
{
	socklen_t size = sizeof(e->address);

	e->address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	e->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (e->listener < 0 ||
	    bind(e->listener, (struct sockaddr *)&e->address, sizeof(e->address)) < 0 ||
	    listen(e->listener, 8) < 0 ||
	    getsockname(e->listener, (struct sockaddr *)&e->address, &size) < 0)
		return -errno;
	return 0;
}

static int open_pair(struct ends *e)
{
	int on = 1;

	e->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (e->client < 0 ||
	    connect(e->client, (struct sockaddr *)&e->address, sizeof(e->address)) < 0)
		return -errno;
	e->server = accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
	if (e->server < 0 || setsockopt(e->client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    setsockopt(e->server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static void close_pair(struct ends *e)
{
	util_close(&e->client);
	util_close(&e->server);
	e->client = e->server = -1;
}

/* Of one byte there and one back. */
static int bytes(struct ends *e)
{
	for (int i = 0; i < BYTES / 2; i++)
		if (!byte(e->client, e->server) || !byte(e->server, e->client))
			return -EPIPE;
	return 0;
}

/* The client closes first, so the listener's port has no time-wait sockets. */
static int connects(struct ends *e)
{
	for (int i = 0; i < CONNECTS; i++) {
		int r = open_pair(e);

		if (r == 0 && (!byte(e->client, e->server) || !byte(e->server, e->client)))
			r = -EPIPE;
		close_pair(e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Median of the batches, of which each does 'n' operations. */
static int measure(struct ends *e, int (*fn)(struct ends *), unsigned int n, double *ret)
{
	double ns[BATCHES];

	for (int i = -WARM_BATCHES; i < BATCHES; i++) {
		int64_t begin = cpu_ns();
		int r = fn(e);

		if (r < 0)
			return r;
		if (i >= 0)
			ns[i] = (double)(cpu_ns() - begin) / n;
	}
	qsort(ns, BATCHES, sizeof(ns[0]), by_value);
	*ret = ns[BATCHES / 2];
	return 0;
}

static int turn(void)
{
	struct ends e = {.listener = -1, .client = -1, .server = -1};
	double per_byte = 0, per_connection = 0;
	int r = listen_somewhere(&e);

	if (r == 0)
		r = open_pair(&e);
	if (r == 0)
		r = measure(&e, bytes, BYTES, &per_byte);
	close_pair(&e);
	if (r == 0)
		r = measure(&e, connects, CONNECTS, &per_connection);
	util_close(&e.listener);
	if (r == 0)
		printf("%.1f %.1f\n", per_byte, per_connection);
	fflush(stdout);
	return r;
}

/* Set-up alone: whoever measures does so while the connections are there. */
static int open_and_wait(void)
{
	static struct ends kept[KEPT];
	char line[64];
	int n, r = listen_somewhere(&kept[0]);

	for (n = 0; n < KEPT && r == 0; n++) {
		kept[n].listener = kept[0].listener;
		kept[n].address = kept[0].address;
		kept[n].client = kept[n].server = -1;
		r = open_pair(&kept[n]);
	}
	if (r == 0) {
		printf("%d\n", n);
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			r = -EPIPE;
	}
	while (n > 0)
		close_pair(&kept[--n]);
	util_close(&kept[0].listener);
	return r;
}

int main(void)
{
	char line[64];
	int r = 0;

	while (r == 0 && fgets(line, sizeof(line), stdin))
		r = strcmp(line, "open\n") != 0 ? turn() : open_and_wait();
	if (r < 0)
		fprintf(stderr, "hookcost: %s\n", strerror(-r));
	return r < 0;
}
