/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hooks on reads and writes rest while they find nothing new, and come back for the next
 * connection that is accepted: what that one's reader is must be known all the same.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "tests/live/box.h"

#define ROUNDS                                                                                     \
	5000 /* of a byte there and a byte back; few, so that a rest is seen soon after it began   \
	      */
#define REST_MS 20000 /* others who accept connections all the time keep the hooks busy */
#define BACK_MS 8000  /* without being called they come back after 10 seconds */
#define PORT	23000

struct both {
	int listener, client, server;
};

static void both_close(struct both *b)
{
	if (b->server >= 0)
		close(b->server);
	if (b->client >= 0)
		close(b->client);
	if (b->listener >= 0)
		close(b->listener);
}

/* Both ends of a connection in this process. */
static int both_open(struct both *b, uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	*b = (struct both){.server = -1};
	b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	b->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (b->listener < 0 || b->client < 0 ||
	    setsockopt(b->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(b->listener, (struct sockaddr *)&a, sizeof(a)) || listen(b->listener, 1) ||
	    connect(b->client, (struct sockaddr *)&a, sizeof(a)))
		return -errno;
	b->server = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
	return b->server < 0 ? -errno : 0;
}

static int byte(int from, int to)
{
	char c = 'x';

	if (write(from, &c, 1) != 1 || read(to, &c, 1) != 1)
		return -EPIPE;
	return 0;
}

static struct both busy = {-1, -1, -1};

static long keep_busy(long rounds)
{
	int r = 0;

	if (busy.listener < 0)
		r = both_open(&busy, PORT);
	while (rounds-- && !r) {
		r = byte(busy.client, busy.server);
		if (!r)
			r = byte(busy.server, busy.client);
	}
	return r;
}

/* A connection that calls the hooks back, and that ends in a reset: bytes that nobody read at the
 * close. In between its reader takes its time. */
static struct both last = {-1, -1, -1};

static long open_last(long port)
{
	return both_open(&last, (uint16_t)port);
}

static long reset_last(long bytes)
{
	int r = 0;

	while (bytes-- && !r)
		r = byte(last.client, last.server);
	if (!r && write(last.client, "unread", 6) != 6)
		r = -EPIPE;
	both_close(&last);
	return r;
}

static bool rests(struct live_daemon *d)
{
	static const char *const args[] = {"status", NULL};
	struct json_object *status = live_cli(d, args), *hooks = json_at(status, "hooks");
	unsigned int n = 0;

	for (size_t i = 0; hooks && i < json_object_array_length(hooks); i++) {
		struct json_object *resting =
			json_at(json_object_array_get_idx(hooks, i), "resting");

		n += resting && json_object_get_boolean(resting);
	}
	json_object_put(status);
	return n > 0;
}

static bool await_rest(struct live_daemon *d, struct box *b)
{
	int64_t deadline = now_ms() + REST_MS;

	while (!rests(d)) {
		if (now_ms() > deadline)
			return false;
		cr_assert_eq(box_call(b, d, keep_busy, ROUNDS), 0);
	}
	return true;
}

static bool await_back(struct live_daemon *d)
{
	int64_t deadline = now_ms() + BACK_MS;

	while (rests(d) && now_ms() < deadline)
		live_pump(d, -1, 5);
	return now_ms() < deadline;
}

static void check_owner(const struct live_daemon *d, const struct box *b)
{
	unsigned int n = 0;

	for (size_t i = 0; i < d->n; i++) {
		struct json_object *line = d->line[i];

		if ((uint64_t)json_int(line, "netns") != b->netns ||
		    strcmp(json_str(line, "direction"), "sent"))
			continue;
		n++;
		cr_expect_eq(json_int(line, "pid"), b->pid);
		cr_expect_str_eq(json_str(line, "owner_source"), "read",
				 "the hook on reads was not there: %s",
				 json_str(line, "owner_source"));
	}
	cr_expect_eq(n, 1, "%u resets", n);
}

Test(live, hooks_rest_and_come_back, .timeout = 300)
{
	const char *impossible = live_impossible();
	static struct live_daemon d;
	struct box b;
	bool rested;

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&d, true), 0, "rstmond does not start");
	cr_assert_eq(box_start(&b, "busy"), 0);
	rested = await_rest(&d, &b);
	if (rested) {
		cr_expect_eq(box_call(&b, &d, open_last, PORT + 1), 0);
		cr_expect(await_back(&d), "a connection does not call them back");
		cr_expect_eq(box_call(&b, &d, reset_last, 20), 0);
		cr_expect(live_await(&d, b.netns, 2, 20000), "%zu lines", live_lines(&d, b.netns));
		check_owner(&d, &b);
	}
	box_end(&b);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
	if (!rested)
		cr_skip_test("others on this host accept connections all the time");
}
