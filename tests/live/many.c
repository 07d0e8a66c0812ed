/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways on which the kernel has no socket or no segment for its tracepoints, 10,000 times each.
 * A program that follows such a pointer is an oops on some kernels, so who runs this looks at the
 * kernel's log afterwards; here each must be counted.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "tests/bench/packets.h"
#include "tests/live/box.h"
#include "tests/live/result.h"

#define MANY   10000 /* LIVE_MANY: another number */
#define BATCH  50    /* what a slow machine takes in one go */
#define PORT   27001
#define CLOSED 27002
#define TABLE  "many"

/* A listener, and 'n' times both ends of a connection to it; how it ends is end()'s. */
static long connections(long n, bool (*end)(int client, int server))
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	_cleanup_close_ int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l, 8) < 0)
		return -errno;
	for (long i = 0; i < n; i++) {
		_cleanup_close_ int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int s;

		if (connect(c, (struct sockaddr *)&a, sizeof(a)) < 0)
			return -errno;
		s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
		if (s < 0 || !end(c, s))
			return -EPROTO;
	}
	return 0;
}

static bool end_by_linger(int client, int server)
{
	struct linger on = {.l_onoff = 1};

	(void)client;
	setsockopt(server, SOL_SOCKET, SO_LINGER, &on, sizeof(on));
	return close(server) == 0;
}

/* What comes after close() is answered by what is left of the socket. */
static bool end_by_time_wait(int client, int server)
{
	struct pollfd p = {.fd = client, .events = POLLIN};

	close(server);
	return poll(&p, 1, 5000) == 1 && write(client, "late", 4) == 4;
}

static long lingering(long n)
{
	return connections(n, end_by_linger);
}

static long time_waiting(long n)
{
	return connections(n, end_by_time_wait);
}

static long closed(long n)
{
	for (; n > 0; n -= BATCH)
		if (packets_to_port(CLOSED, PACKET_SYN, BATCH) != BATCH)
			return -EIO;
	return 0;
}

static long closed6(long n)
{
	long r = 0;

	while (n-- && r == 0)
		r = box_refused6(CLOSED);
	return r;
}

static const struct way {
	const char *name;
	box_fn fn;
} ways[] = {
	{"no socket, closed port", closed},
	{"no socket, closed port, IPv6", closed6},
	{"no segment, SO_LINGER 0", lingering},
	{"no whole socket, time-wait", time_waiting},
};

static int64_t sent_in(struct live_daemon *d, uint64_t netns)
{
	struct json_object *status = live_status(d), *o = live_status_netns(status, netns);
	int64_t n = o ? json_int(o, "sent") : 0;

	json_object_put(status);
	return n;
}

static long many(void)
{
	const char *s = getenv("LIVE_MANY");
	long n = s ? strtol(s, NULL, 10) : MANY;

	return MAX(n, BATCH) / BATCH * BATCH;
}

/* A segment that overtakes another on a second CPU may be answered twice, so there may be more. */
static void play(struct live_daemon *d, const struct way *w, struct box *b)
{
	long r = box_call(b, d, w->fn, many());
	int64_t rsts, sent;
	char why[96];

	cr_expect_eq(r, 0, "%s: %s", w->name, strerror((int)-r));
	rsts = netns_out_rsts(b->pid);
	sent = sent_in(d, b->netns);
	snprintf(why, sizeof(why), "%lld told, %lld sent, %ld made%s%s", (long long)sent,
		 (long long)rsts, many(), r ? ": " : "", r ? strerror((int)-r) : "");
	fprintf(stderr, "%s: %s\n", w->name, why);
	result_is(!r && rsts >= many() && sent == rsts, TABLE, w->name, why);
	cr_expect(rsts >= many() && sent == rsts, "%s: %s", w->name, why);
}

Test(live, many_without_socket, .timeout = 300)
{
	const char *impossible = live_impossible();
	static struct live_daemon d;
	struct box box[ARRAY_SIZE(ways)];

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(live_start(&d, false), 0, "rstmond does not start");
	/* all of them stay, or a namespace could get the number of one before it */
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		cr_assert_eq(box_start(&box[i], "many"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		play(&d, &ways[i], &box[i]);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		box_end(&box[i]);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
}
