/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is every counter of the kernel explained? Each way to end a connection, alone in a network
 * namespace: the kernel's counters must move, and what rstmond counted must explain all of it, but
 * for what no tracepoint shows, and that must be as large as it really was. Nothing here knows how
 * rstmond explains.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/bench/packets.h"
#include "tests/live/box.h"
#include "tests/live/live.h"
#include "tests/live/result.h"

#define TIMES 3 /* each way */
#define PORT  24001
#define GONE  "192.0.2.9" /* an address that is taken away */

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return errno ? -(long)__LINE__ * 1000 - errno : -(long)__LINE__ * 1000;    \
	} while (0)

struct ends {
	int listener, server, client;
};

static struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

static int listen_at(const char *address, int backlog)
{
	struct sockaddr_in a = at(address, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog))
		return -1;
	return fd;
}

static int connect_to(const char *address)
{
	struct sockaddr_in a = at(address, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 5};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

static bool open_ends(struct ends *e, const char *address)
{
	e->listener = listen_at(address, 8);
	e->client = connect_to(address);
	e->server = e->listener < 0 ? -1 : accept4(e->listener, NULL, NULL, SOCK_CLOEXEC);
	return e->listener >= 0 && e->client >= 0 && e->server >= 0;
}

static void close_ends(struct ends *e)
{
	close(e->client);
	close(e->server);
	close(e->listener);
}

/* Until there is something to read, or the end, or an error. */
static bool await(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 5000) == 1;
}

static void set_lingering(int fd)
{
	struct linger l = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void set_tcp(int fd, int option, int value)
{
	setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/* ---- the ways ---- */

static long close_unread(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	CHECK(write(e.client, "unread", 6) == 6 && await(e.server));
	close(e.server);
	CHECK(await(e.client));
	close_ends(&e);
	return 0;
}

static long lingering(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	set_lingering(e.client);
	close(e.client);
	CHECK(await(e.server));
	close_ends(&e);
	return 0;
}

static long disconnect(long n)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	CHECK(!connect(e.client, &nowhere, sizeof(nowhere)));
	CHECK(await(e.server));
	close_ends(&e);
	return 0;
}

static long listener_closed(long n)
{
	int l = listen_at("127.0.0.1", 8), c = connect_to("127.0.0.1");

	(void)n;
	CHECK(l >= 0 && c >= 0);
	close(l);
	CHECK(await(c));
	close(c);
	return 0;
}

static long refused(long n)
{
	return box_refused(PORT + 1 + n);
}

/* The receive side is shut: the kernel says that a reset came, and none did. */
static long data_after_shutdown(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	CHECK(!shutdown(e.server, SHUT_RDWR) && await(e.client));
	CHECK(write(e.client, "late", 4) == 4);
	for (int i = 0; i < 100 && write(e.client, "more", 4) > 0; i++)
		poll(NULL, 0, 10);
	close_ends(&e);
	return 0;
}

/* Answered by a time-wait socket, and received by one whose peer had closed. */
static long data_after_close(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	close(e.server);
	CHECK(await(e.client));
	poll(NULL, 0, 100); /* its FIN is acknowledged */
	CHECK(write(e.client, "late", 4) == 4);
	for (int i = 0; i < 100 && write(e.client, "more", 4) > 0; i++)
		poll(NULL, 0, 10);
	close_ends(&e);
	return 0;
}

static long linger2(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	set_tcp(e.server, TCP_LINGER2, -1);
	close(e.server);
	CHECK(await(e.client));
	poll(NULL, 0, 100);
	close_ends(&e);
	return 0;
}

static long linger2_late(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	set_tcp(e.server, TCP_LINGER2, -1);
	CHECK(!shutdown(e.server, SHUT_WR) && await(e.client));
	poll(NULL, 0, 100); /* FIN_WAIT2 */
	close(e.server);
	poll(NULL, 0, 100);
	close_ends(&e);
	return 0;
}

static long killed_by_ss(long n)
{
	struct ends e;

	(void)n;
	CHECK(open_ends(&e, "127.0.0.1"));
	CHECK(box_run("ss -K -t sport = :24001", -1) == 0);
	CHECK(await(e.client) && await(e.server));
	close_ends(&e);
	return 0;
}

/* Requests that wait for their data all become connections at once, and the queue takes two. */
static long overflow(long n)
{
	_cleanup_close_ int f =
		open("/proc/sys/net/ipv4/tcp_abort_on_overflow", O_WRONLY | O_CLOEXEC);
	int l, c[4];

	(void)n;
	CHECK(f >= 0 && write(f, "1", 1) == 1);
	l = listen_at("127.0.0.1", 1);
	set_tcp(l, TCP_DEFER_ACCEPT, 5);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		CHECK((c[i] = connect_to("127.0.0.1")) >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		CHECK(write(c[i], "data", 4) == 4);
	poll(NULL, 0, 100);
	for (size_t i = 0; i < ARRAY_SIZE(c); i++)
		close(c[i]);
	poll(NULL, 0, 50);
	close(l);
	return 0;
}

/* This host's answer to the SYN-ACK is a reset, which ends the request. */
static long half_open(long n)
{
	int l = listen_at("127.0.0.1", 8);

	CHECK(l >= 0);
	CHECK(packets_to_port(PORT, PACKET_SYN, 1) == 1);
	(void)n;
	poll(NULL, 0, 50);
	close(l);
	return 0;
}

/* Everything sent there vanishes: nobody at the other end of the wire has that address. */
static bool take_away(void)
{
	box_run("ip addr del " GONE "/32 dev lo", -1);
	return !box_run("ip route replace " GONE "/32 dev void src 192.0.2.1", -1);
}

static bool give_back(void)
{
	box_run("ip route del " GONE "/32 dev void", -1);
	return !box_run("ip addr replace " GONE "/32 dev lo", -1);
}

static long prepare(long n)
{
	(void)n;
	signal(SIGPIPE, SIG_IGN);
	CHECK(!box_run("ip link add void type veth peer name wall", -1));
	CHECK(!box_run("ip link set wall up", -1) && !box_run("ip link set void up", -1));
	CHECK(!box_run("ip addr add 192.0.2.1/32 dev void", -1));
	CHECK(!box_run("ip neigh replace " GONE " lladdr 02:00:00:00:00:01 dev void", -1));
	return 0;
}

static long keepalive(long n)
{
	struct ends e;
	int on = 1;

	(void)n;
	CHECK(give_back() && open_ends(&e, GONE));
	setsockopt(e.client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	set_tcp(e.client, TCP_KEEPCNT, 1);
	set_tcp(e.client, TCP_KEEPINTVL, 1);
	set_tcp(e.client, TCP_KEEPIDLE, 1);
	CHECK(take_away());
	CHECK(await(e.client));
	CHECK(recv(e.client, &on, 1, MSG_DONTWAIT) < 0 && errno == ETIMEDOUT);
	errno = 0;
	close(e.client);
	CHECK(give_back()); /* the server's end closes in peace: there is nobody */
	close(e.server);
	close(e.listener);
	poll(NULL, 0, 100);
	return 0;
}

static long written_in_vain(long n)
{
	struct ends e;
	char c;

	(void)n;
	CHECK(give_back() && open_ends(&e, GONE));
	set_tcp(e.client, TCP_USER_TIMEOUT, 300);
	CHECK(take_away());
	CHECK(write(e.client, "data", 4) == 4);
	CHECK(await(e.client));
	CHECK(recv(e.client, &c, 1, MSG_DONTWAIT) < 0 && errno == ETIMEDOUT);
	errno = 0;
	set_lingering(e.server);
	close(e.client);
	close(e.server); /* a reset that meets no route or no socket */
	close(e.listener);
	return 0;
}

static long connect_in_vain(long n)
{
	struct sockaddr_in a = at(GONE, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)n;
	take_away();
	errno = 0;
	set_tcp(fd, TCP_USER_TIMEOUT, 300);
	CHECK(connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == ETIMEDOUT);
	errno = 0;
	close(fd);
	return 0;
}

/* Its program has closed: when its time runs out nobody is told. */
static long orphan(long n)
{
	struct ends e;

	(void)n;
	CHECK(give_back() && open_ends(&e, GONE));
	set_tcp(e.client, TCP_USER_TIMEOUT, 300);
	CHECK(take_away());
	CHECK(write(e.client, "data", 4) == 4);
	close(e.client);
	poll(NULL, 0, 2500);
	set_lingering(e.server);
	close(e.server);
	close(e.listener);
	return 0;
}

/* Lingering, and not connected yet: nothing to reset, and counted all the same. */
static long linger_connecting(long n)
{
	struct sockaddr_in a = at(GONE, PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)n;
	take_away();
	errno = 0;
	CHECK(connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EINPROGRESS);
	errno = 0;
	set_lingering(fd);
	close(fd);
	return 0;
}

/* ---- what is true ---- */

#define OUT_RSTS      "TcpOutRsts"
#define ESTAB_RESETS  "TcpEstabResets"
#define ATTEMPT_FAILS "TcpAttemptFails"
#define EMBRYONIC     "TcpExtEmbryonicRsts"
#define ON_DATA	      "TcpExtTCPAbortOnData"
#define ON_CLOSE      "TcpExtTCPAbortOnClose"
#define ON_MEMORY     "TcpExtTCPAbortOnMemory"
#define ON_TIMEOUT    "TcpExtTCPAbortOnTimeout"
#define ON_LINGER     "TcpExtTCPAbortOnLinger"
#define FAILED	      "TcpExtTCPAbortFailed"

static const char *const names[] = {OUT_RSTS, ESTAB_RESETS, ATTEMPT_FAILS, EMBRYONIC, ON_DATA,
				    ON_CLOSE, ON_MEMORY,    ON_TIMEOUT,	   ON_LINGER, FAILED};

static const struct way {
	const char *name;
	box_fn fn;
	const char *moves[4];  /* what the kernel must have counted */
	const char *hidden[3]; /* what of it nothing explains, once each time */
} ways[] = {
	{"close with unread data", close_unread, {OUT_RSTS, ESTAB_RESETS, ON_CLOSE}, {}},
	{"SO_LINGER 0", lingering, {OUT_RSTS, ESTAB_RESETS, ON_DATA}, {}},
	{"connect(AF_UNSPEC)", disconnect, {OUT_RSTS, ESTAB_RESETS}, {}},
	{"listener closed", listener_closed, {OUT_RSTS, ESTAB_RESETS}, {}},
	{"refused connect", refused, {OUT_RSTS, ATTEMPT_FAILS}, {}},
	{"data after shutdown", data_after_shutdown, {OUT_RSTS, ESTAB_RESETS, ON_DATA}, {}},
	{"data after close", data_after_close, {OUT_RSTS, ESTAB_RESETS}, {}},
	{"TCP_LINGER2 < 0", linger2, {OUT_RSTS, ESTAB_RESETS, ON_DATA}, {}},
	{"the same in FIN_WAIT2", linger2_late, {OUT_RSTS, ESTAB_RESETS, ON_LINGER}, {}},
	{"ss -K", killed_by_ss, {OUT_RSTS, ESTAB_RESETS}, {}},
	{"accept queue overflow", overflow, {OUT_RSTS, ESTAB_RESETS, EMBRYONIC}, {}},
	{"keep-alive", keepalive, {OUT_RSTS, ESTAB_RESETS, ON_TIMEOUT}, {}},
	{"user time-out", written_in_vain, {ESTAB_RESETS, ON_TIMEOUT}, {}},
	{"connect time-out", connect_in_vain, {ATTEMPT_FAILS, ON_TIMEOUT}, {}},
	{"half-open, reset", half_open, {EMBRYONIC, ATTEMPT_FAILS}, {EMBRYONIC, ATTEMPT_FAILS}},
	{"orphan's time-out", orphan, {ON_TIMEOUT}, {ON_TIMEOUT}},
	{"SO_LINGER 0, connecting", linger_connecting, {ON_DATA}, {ON_DATA}},
};

static bool among(const char *name, const char *const list[], size_t n)
{
	for (size_t i = 0; i < n && list[i]; i++)
		if (!strcmp(list[i], name))
			return true;
	return false;
}

/* Growth of one counter of 'what' ("counters", "unexplained") between two looks. */
static int64_t growth(struct json_object *before, struct json_object *after, uint64_t netns,
		      const char *what, const char *name)
{
	struct json_object *a = live_status_netns(before, netns),
			   *b = live_status_netns(after, netns);

	return json_int(json_at(b, what), name) - json_int(json_at(a, what), name);
}

static bool agrees(const struct way *w, struct json_object *before, struct json_object *after,
		   uint64_t netns)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int64_t apart = growth(before, after, netns, "unexplained", names[i]);

		if (strcmp(names[i], FAILED) != 0 &&
		    apart != (among(names[i], w->hidden, ARRAY_SIZE(w->hidden)) ? TIMES : 0))
			return false;
	}
	return true;
}

/* The kernel's counters and rstmond's own are read one after the other: who is between is there at
 * the second look. */
static struct json_object *settled(const struct way *w, struct live_daemon *d,
				   struct json_object *before, uint64_t netns)
{
	struct json_object *after = live_status(d);

	if (after && agrees(w, before, after, netns))
		return after;
	json_object_put(after);
	for (int64_t until = now_ms() + slow_ms(500); now_ms() < until;)
		live_pump(d, -1, 100);
	return live_status(d);
}

static void judge(const struct way *w, struct json_object *before, struct json_object *after,
		  uint64_t netns)
{
	fprintf(stderr, "%-24s", w->name);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int64_t kernel = growth(before, after, netns, "counters", names[i]);
		int64_t apart = growth(before, after, netns, "unexplained", names[i]);
		bool hidden = among(names[i], w->hidden, ARRAY_SIZE(w->hidden));
		bool must_move = among(names[i], w->moves, ARRAY_SIZE(w->moves));
		bool judged = strcmp(names[i], FAILED) != 0;
		char why[64];

		if (kernel || apart)
			fprintf(stderr, " %s %lld (%+lld)", names[i], (long long)kernel,
				(long long)apart);
		snprintf(why, sizeof(why), "%lld counted, %+lld apart", (long long)kernel,
			 (long long)apart);
		if (must_move || (judged && (kernel || apart)))
			result_of((!must_move || kernel >= TIMES) &&
					  (!judged || apart == (hidden ? TIMES : 0)),
				  "counters", why, "%s, %s", w->name, names[i]);
		if (must_move)
			cr_expect_geq(kernel, TIMES, "%s: %s moved by %lld", w->name, names[i],
				      (long long)kernel);
		/* whether a reset could be sent is nobody's secret, and nobody's event */
		if (judged)
			cr_expect_eq(apart, hidden ? TIMES : 0, "%s: %s is %+lld apart", w->name,
				     names[i], (long long)apart);
	}
	fputc('\n', stderr);
}

/* Processes are looked for once a second at most. */
static struct json_object *found(struct live_daemon *d, uint64_t netns)
{
	int64_t deadline = now_ms() + slow_ms(5000);
	struct json_object *status = live_status(d);

	while (!live_status_netns(status, netns) && now_ms() < deadline) {
		live_pump(d, -1, 200);
		json_object_put(status);
		status = live_status(d);
	}
	return status;
}

/* If it is not found by its processes, a reset makes it known, and the rest can be judged. */
static struct json_object *known(struct live_daemon *d, struct box *b)
{
	struct json_object *status = found(d, b->netns);
	bool is_known = live_status_netns(status, b->netns);

	result_is(is_known, "counters", "a namespace without resets is known", "it is not");
	cr_expect(is_known, "the namespace is not known");
	if (is_known)
		return status;
	json_object_put(status);
	cr_assert_eq(box_call(b, d, box_refused, PORT), 0);
	status = found(d, b->netns);
	cr_assert_not_null(live_status_netns(status, b->netns), "nor is it after a reset");
	return status;
}

/* Where a program is skipped now and then on top of PID 1, as on some machines (HACKING.md,
 * "Traps"), a timer's reset is missing once in a while. What is wrong by a fault is wrong each
 * time. */
#define TRIES 5

static struct json_object *walk(const struct way *w, struct live_daemon *d, struct box *b,
				struct json_object **before)
{
	struct json_object *after;
	long r;

	for (int try = 1;; try++) {
		for (int n = 0; n < TIMES; n++) {
			r = box_call(b, d, w->fn, n);
			cr_expect_eq(r, 0, "%s: line %ld, error %ld", w->name, -r / 1000,
				     -r % 1000);
			if (r)
				result_of(false, "counters", "it cannot be made", "%s: line %ld",
					  w->name, -r / 1000);
		}
		after = settled(w, d, *before, b->netns);
		cr_assert_not_null(after, "rstmon status gives nothing");
		if (try == TRIES || agrees(w, *before, after, b->netns))
			return after;
		fprintf(stderr, "%s: a number is apart, tried again\n", w->name);
		json_object_put(*before);
		*before = after;
	}
}

Test(live, every_counter_is_explained, .timeout = 300)
{
	const char *impossible = live_impossible();
	struct json_object *before, *after;
	static struct live_daemon d;
	struct box b;
	long r;

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&d, false), 0, "rstmond does not start");
	cr_assert_eq(box_start(&b, "ways"), 0);
	r = box_call(&b, &d, prepare, 0);
	cr_assert_eq(r, 0, "no dummy device: %ld", r);
	before = known(&d, &b);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		after = walk(&ways[i], &d, &b, &before);
		judge(&ways[i], before, after, b.netns);
		json_object_put(before);
		before = after;
	}
	json_object_put(before);
	box_end(&b);
	r = live_stop(&d);
	cr_expect_eq(r, 0, "rstmond ended with %ld; it said:\n%s", r, d.log);
	live_free(&d);
}
