/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Thousands of sockets that connect in vain, from two processors at once: their states share sets
 * and take each other's places, and still each attempt is its process's, counted once, and none is
 * a time-out besides.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/live/box.h"

#define CROWD	   8000 /* sockets of each process, half as many as there are places */
#define ROUNDS	   12	/* each of them connects so often */
#define CROWDS	   2
#define FIRST_PORT 26001

static int size; /* of a crowd, here */

/* Inherited by all. A root that may not raise its limit has a smaller crowd, which says less. */
static void take_files(void)
{
	struct rlimit files = {2 * CROWD, 2 * CROWD};

	if (setrlimit(RLIMIT_NOFILE, &files)) {
		getrlimit(RLIMIT_NOFILE, &files);
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	size = (int)MIN(files.rlim_cur / 2, (rlim_t)CROWD);
	if (size < CROWD)
		fprintf(stderr, "not more than %llu files: %d sockets of each, not %d\n",
			(unsigned long long)files.rlim_cur, size, CROWD);
}

static int connect_one(int fd, uint16_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	/* on loopback it is refused before the call returns; the next call fetches the error */
	return connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == EINPROGRESS ? 0 : -errno;
}

static int socket_new(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Memory of sockets is given back and taken in ever another order. */
static int crowd_round(int *fd, uint16_t port, unsigned int *seed)
{
	for (int i = 0; i < size; i++) {
		int k = rand_r(seed) % size, r = connect_one(fd[k], port);

		if (r)
			return r;
		close(fd[k]);
		fd[k] = socket_new();
		if (fd[k] < 0)
			return -errno;
	}
	return 0;
}

static int crowd(int number)
{
	char name[16];
	unsigned int seed = (unsigned int)number + 1;
	static int fd[CROWD];
	cpu_set_t cpu;
	int r = 0;

	CPU_ZERO(&cpu);
	CPU_SET(number % (int)sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu); /* without it the test says less */
	snprintf(name, sizeof(name), "crowd%d", number);
	if (prctl(PR_SET_NAME, name))
		return -errno;
	for (int i = 0; i < size; i++) {
		fd[i] = socket_new();
		if (fd[i] < 0)
			return -errno;
	}
	for (int i = 0; i < ROUNDS && !r; i++)
		r = crowd_round(fd, (uint16_t)(FIRST_PORT + number), &seed);
	return r;
}

static long crowds(long n)
{
	long r = 0;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			r = -errno;
		if (!pid)
			_exit(crowd(i) ? 1 : 0);
	}
	for (int status; wait(&status) > 0;)
		r = status ? -EIO : r;
	return r;
}

struct told {
	int64_t of_crowd, received, timeouts;
};

static void add_row(struct json_object *row, int number, bool timeout, struct told *t)
{
	int64_t n = json_int(row, "count");
	char name[16];

	if (json_int(row, "port") != FIRST_PORT + number)
		return;
	snprintf(name, sizeof(name), "crowd%d", number);
	if (timeout)
		t->timeouts += n;
	else if (!strcmp(json_str(row, "direction"), "received"))
		t->received += n;
	if (!timeout && !strcmp(json_str(row, "comm"), name) &&
	    !strcmp(json_str(row, "owner_source"), "connect"))
		t->of_crowd += n;
}

static struct told told(struct json_object *list, int number)
{
	static const char *const tables[] = {"rows", "timeouts"};
	struct told t = {};

	for (size_t k = 0; k < ARRAY_SIZE(tables); k++) {
		struct json_object *rows = json_at(list, tables[k]);

		for (size_t i = 0; rows && i < json_object_array_length(rows); i++)
			add_row(json_object_array_get_idx(rows, i), number, k, &t);
	}
	return t;
}

Test(live, clients_share_places, .timeout = 300)
{
	static const char *const args[] = {"list", "-n", "100000", NULL};
	const char *impossible = live_impossible();
	struct json_object *status, *list;
	static struct live_daemon d;
	struct box b;

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&d, false), 0, "rstmond does not start");
	take_files();
	cr_assert_eq(box_start(&b, "crowds"), 0);
	cr_assert_eq(box_call(&b, &d, crowds, CROWDS), 0);
	status = live_status(&d);
	list = live_cli(&d, args);
	cr_assert(status && list);
	for (int i = 0; i < CROWDS; i++) {
		struct told t = told(list, i);

		cr_expect_eq(t.received, size * ROUNDS, "%lld received", (long long)t.received);
		cr_expect_eq(t.of_crowd, size * ROUNDS, "%lld of the process that connected",
			     (long long)t.of_crowd);
		cr_expect_eq(t.timeouts, 0, "%lld are time-outs, too", (long long)t.timeouts);
	}
	fprintf(stderr, "%d connects from %d processors, each counted once\n",
		CROWDS * size * ROUNDS, CROWDS);
	json_object_put(status);
	json_object_put(list);
	box_end(&b);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
}
