/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The server over a real socket and a real event loop, turned by hand: calls, limits, watchers that
 * read and that do not, clients that vanish, and the making of the socket. What it includes from
 * inside the server is for taking its last descriptor away.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <criterion/criterion.h>

#include "daemon/object.h"
#include "daemon/server_internal.h"
#include "tests/unit/daemon/sample_finding.h"

#define BIG 3000000

struct fixture {
	char dir[32], path[64];
	sd_event *event;
	struct server *server;
	unsigned int calls;
};

static void echo(struct json_object *parameters, bool more, void *userdata,
		 struct server_reply *ret)
{
	struct fixture *f = userdata;

	(void)more;
	f->calls++;
	ret->parameters = json_object_get(parameters);
}

static void big(struct json_object *parameters, bool more, void *userdata, struct server_reply *ret)
{
	_cleanup_free_ char *text = malloc(BIG);
	struct object o = object_start();

	(void)parameters;
	(void)more;
	(void)userdata;
	cr_assert(text);
	memset(text, 'x', BIG);
	object_put(&o, "text", json_object_new_string_len(text, BIG));
	ret->parameters = object_finish(&o);
}

static void nothing(struct json_object *parameters, bool more, void *userdata,
		    struct server_reply *ret)
{
	(void)parameters;
	(void)more;
	(void)userdata;
	(void)ret;
}

/* {"filter": text, "last": n} */
static void watch(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret)
{
	struct json_object *value;
	char error[128];

	(void)userdata;
	if (!more) {
		server_reply_error(ret, "org.varlink.service.ExpectedMore", NULL, NULL, "more");
		return;
	}
	if (json_object_object_get_ex(parameters, "filter", &value))
		cr_assert_eq(filter_parse(json_object_get_string(value), FILTER_RESETS,
					  &ret->filter, error, sizeof(error)),
			     0, "%s", error);
	if (json_object_object_get_ex(parameters, "last", &value)) {
		ret->n_backlog = (size_t)json_object_get_int(value);
		ret->backlog = calloc(ret->n_backlog, sizeof(*ret->backlog));
		cr_assert(ret->backlog);
	}
	for (size_t i = 0; i < ret->n_backlog; i++) {
		struct object o = object_start();

		object_put_int(&o, "old", (int64_t)i);
		ret->backlog[i] = object_finish(&o);
	}
	ret->watch = true;
}

static void parts(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret);
static void fresh(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret);

static const struct server_method table[] = {
	{"io.rstmon.Fresh", fresh}, {"io.rstmon.Parts", parts},	    {"io.rstmon.Echo", echo},
	{"io.rstmon.Big", big},	    {"io.rstmon.Nothing", nothing}, {"io.rstmon.Watch", watch},
};

static int start(struct fixture *f, unsigned int clients, uint64_t timeout_ns)
{
	struct server_limits limits = {
		.clients = clients,
		.idle_timeout_ns = timeout_ns,
		.lines_per_second = UINT32_MAX, /* the limit has a test of its own */
	};

	return server_new(f->event, f->path, -1, NULL, &limits, table, ARRAY_SIZE(table), f,
			  &f->server);
}

static void open_fixture(struct fixture *f)
{
	*f = (struct fixture){.dir = "/tmp/rstmon-unit-XXXXXX"};
	cr_assert(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	cr_assert_geq(sd_event_new(&f->event), 0);
}

static void setup(struct fixture *f, unsigned int clients)
{
	open_fixture(f);
	cr_assert_eq(start(f, clients, 300 * NSEC_PER_SEC), 0);
}

static void teardown(struct fixture *f)
{
	server_free(f->server);
	sd_event_unref(f->event);
	unlink(f->path);
	cr_expect_eq(rmdir(f->dir), 0, "nothing is left beside the socket");
}

/* Lets the loop do all that it can do now. */
static void turn(struct fixture *f)
{
	for (int i = 0; i < 1000; i++)
		if (sd_event_run(f->event, 0) == 0)
			return;
	cr_assert_fail("the loop spins");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int client(struct fixture *f)
{
	int fd = connect_to(f->path);

	cr_assert_geq(fd, 0);
	turn(f);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t n = strlen(text) + 1;

	cr_assert_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* Reads up to 'size' bytes that are there; -1: the other side has closed. */
static ssize_t take(int fd, char *dst, size_t size)
{
	ssize_t n = recv(fd, dst, size, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return -1;
	return n < 0 ? 0 : n;
}

/* The next message, which must be there as a whole after some turns; NULL: closed or nothing. */
static struct json_object *hear(struct fixture *f, int fd)
{
	struct json_object *message = NULL;
	size_t used = 0, size = 1 << 16;
	char *text = malloc(size);

	for (int i = 0; i < 100000 && text; i++) {
		turn(f);
		if (used == size)
			text = realloc(text, size *= 2);
		/* byte by byte at the end, so that the next message stays in the socket */
		ssize_t n = recv(fd, text + used, size - used, MSG_DONTWAIT | MSG_PEEK);
		char *nul = n > 0 ? memchr(text + used, '\0', (size_t)n) : NULL;

		if (n <= 0)
			break;
		if (nul)
			n = nul - (text + used) + 1;
		cr_assert_eq(recv(fd, text + used, (size_t)n, MSG_DONTWAIT), n);
		used += (size_t)n;
		if (nul) {
			message = json_tokener_parse(text);
			break;
		}
	}
	free(text);
	return message;
}

static struct json_object *call(struct fixture *f, int fd, const char *text)
{
	say(fd, text);
	return hear(f, fd);
}

static struct json_object *get(struct json_object *o, const char *a, const char *b)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(o, a, &value);
	if (value && b) {
		struct json_object *inner = NULL;

		json_object_object_get_ex(value, b, &inner);
		return inner;
	}
	return value;
}

static void expect_error(struct json_object *message, const char *error)
{
	const char *text;

	cr_assert(message);
	text = json_object_get_string(get(message, "error", NULL));
	cr_assert(text, "%s", json_object_to_json_string(message));
	cr_expect_str_eq(text, error);
	cr_expect(get(message, "parameters", "message"), "every error has a readable text");
	json_object_put(message);
}

static bool closed(struct fixture *f, int fd)
{
	char byte;

	turn(f);
	return take(fd, &byte, 1) < 0;
}

Test(server, answers_calls_in_order)
{
	struct json_object *message;
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	for (int i = 0; i < 20; i++)
		say(fd, i % 2 ? "{\"method\":\"io.rstmon.Echo\",\"parameters\":{\"n\":1}}"
			      : "{\"method\":\"io.rstmon.Echo\"}");
	for (int i = 0; i < 20; i++) {
		message = hear(&f, fd);
		cr_assert(message);
		cr_expect_eq(!!get(message, "parameters", "n"), i % 2);
		cr_expect_null(get(message, "continues", NULL));
		json_object_put(message);
	}
	cr_expect_eq(f.calls, 20);
	close(fd);
	teardown(&f);
}

Test(server, tells_about_itself)
{
	struct json_object *message;
	struct fixture f;
	const char *text;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	message = call(&f, fd, "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{}}");
	for (const char **key = (const char *[]){"vendor", "product", "version", "url", NULL}; *key;
	     key++)
		cr_expect(json_object_is_type(get(message, "parameters", *key), json_type_string));
	cr_expect_eq(json_object_array_length(get(message, "parameters", "interfaces")), 2);
	json_object_put(message);

	message = call(&f, fd,
		       "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		       "\"parameters\":{\"interface\":\"io.rstmon\"}}");
	text = json_object_get_string(get(message, "parameters", "description"));
	cr_assert(text);
	cr_expect(strstr(text, "\ninterface io.rstmon\n"));
	cr_expect(strstr(text, "\nmethod Watch("));
	cr_expect_eq(text[strlen(text) - 1], '\n');
	json_object_put(message);

	message = call(&f, fd,
		       "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		       "\"parameters\":{\"interface\":\"org.varlink.service\"}}");
	text = json_object_get_string(get(message, "parameters", "description"));
	cr_expect(text && strstr(text, "interface org.varlink.service\n"));
	json_object_put(message);
	close(fd);
	teardown(&f);
}

Test(server, refuses_what_it_does_not_have)
{
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	expect_error(call(&f, fd, "{\"method\":\"io.rstmon.Nope\"}"),
		     "org.varlink.service.MethodNotFound");
	expect_error(call(&f, fd, "{\"method\":\"org.varlink.service.Nope\"}"),
		     "org.varlink.service.MethodNotFound");
	expect_error(call(&f, fd, "{\"method\":\"io.rstmonitor.List\"}"),
		     "org.varlink.service.InterfaceNotFound");
	expect_error(call(&f, fd, "{\"method\":\"List\"}"),
		     "org.varlink.service.InterfaceNotFound");
	expect_error(call(&f, fd, "{\"method\":\"\"}"), "org.varlink.service.InterfaceNotFound");
	expect_error(call(&f, fd, "{\"method\":\"org.varlink.service.GetInterfaceDescription\"}"),
		     "org.varlink.service.InvalidParameter");
	expect_error(call(&f, fd,
			  "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
			  "\"parameters\":{\"interface\":\"a.b\"}}"),
		     "org.varlink.service.InterfaceNotFound");
	expect_error(call(&f, fd,
			  "{\"method\":\"org.varlink.service.GetInfo\",\"parameters\":{\"x\":1}}"),
		     "org.varlink.service.InvalidParameter");
	expect_error(call(&f, fd, "{\"method\":\"io.rstmon.Echo\",\"upgrade\":true}"),
		     "org.varlink.service.InvalidParameter");
	expect_error(call(&f, fd, "{\"method\":\"io.rstmon.Nothing\"}"), "io.rstmon.Failed");
	expect_error(call(&f, fd, "{\"method\":\"io.rstmon.Watch\"}"),
		     "org.varlink.service.ExpectedMore");
	json_object_put(call(&f, fd, "{\"method\":\"io.rstmon.Echo\"}"));
	cr_expect_eq(f.calls, 1, "an error does not end the connection");
	close(fd);
	teardown(&f);
}

Test(server, closes_after_bytes_that_are_no_call)
{
	static const char *const bad[] = {
		"x",
		"[]",
		"{}",
		"{\"method\":1}",
		"{\"method\":\"a\\u0000b\"}",
		"{\"method\":\"io.rstmon.Echo\",\"parameters\":[]}",
		"{\"method\":\"io.rstmon.Echo\",\"more\":1}",
		"{\"method\":\"io.rstmon.Echo\",\"oneway\":\"yes\"}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
	};
	struct server_stats stats;
	struct fixture f;

	setup(&f, 4);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int fd = client(&f);

		say(fd, bad[i]);
		say(fd, "{\"method\":\"io.rstmon.Echo\"}");
		expect_error(hear(&f, fd), "io.rstmon.BadMessage");
		cr_expect(closed(&f, fd), "%s", bad[i]);
		close(fd);
	}
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.bad_messages, ARRAY_SIZE(bad));
	cr_expect_eq(stats.clients, 0);
	cr_expect_eq(f.calls, 0);
	teardown(&f);
}

Test(server, refuses_a_message_that_is_too_long)
{
	static char junk[4096];
	struct server_stats stats;
	struct fixture f;
	int fd;

	memset(junk, ' ', sizeof(junk));
	setup(&f, 4);
	fd = client(&f);
	for (int i = 0; i < 40; i++) {
		ssize_t n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL | MSG_DONTWAIT);

		(void)n; /* the server may have closed by now */
		turn(&f);
		server_stats(f.server, &stats);
		cr_expect_leq(stats.memory, RSTMON_MESSAGE_MAX + 4096);
	}
	expect_error(hear(&f, fd), "io.rstmon.BadMessage");
	cr_expect(closed(&f, fd));
	close(fd);
	teardown(&f);
}

Test(server, gives_oneway_calls_no_reply)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	say(fd, "{\"method\":\"io.rstmon.Echo\",\"oneway\":true}");
	say(fd, "{\"method\":\"io.rstmon.Nope\",\"oneway\":true}");
	say(fd, "{\"method\":\"io.rstmon.Watch\",\"more\":true,\"oneway\":true}");
	message = call(&f, fd, "{\"method\":\"io.rstmon.Echo\",\"parameters\":{\"n\":1}}");
	cr_expect(get(message, "parameters", "n"), "the only reply is the last call's");
	json_object_put(message);
	cr_expect_eq(f.calls, 1, "what nobody hears is not done");
	server_stats(f.server, &stats);
	cr_expect_eq(stats.watchers, 0);
	close(fd);
	teardown(&f);
}

Test(server, answers_a_half_closed_client)
{
	struct json_object *message;
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	for (int i = 0; i < 3; i++)
		say(fd, "{\"method\":\"io.rstmon.Big\"}");
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	for (int i = 0; i < 3; i++) {
		message = hear(&f, fd);
		cr_assert(message);
		cr_expect_eq(json_object_get_string_len(get(message, "parameters", "text")), BIG);
		json_object_put(message);
	}
	cr_expect(closed(&f, fd));
	close(fd);

	fd = client(&f);
	cr_assert_eq(send(fd, "{\"meth", 6, MSG_NOSIGNAL), 6);
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	cr_expect(closed(&f, fd), "half a message and an end is an end");
	close(fd);
	teardown(&f);
}

/* One big reply at a time: a client that asks and never reads cannot make the daemon hold more. */
Test(server, holds_one_reply_for_a_client_that_does_not_read)
{
	struct server_stats stats;
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	for (int i = 0; i < 50; i++)
		say(fd, "{\"method\":\"io.rstmon.Big\"}");
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_geq(stats.memory, BIG / 2);
	cr_expect_leq(stats.memory, BIG + 65536);
	close(fd);
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.clients, 0);
	cr_expect_leq(stats.memory, 4096);
	teardown(&f);
}

Test(server, puts_calls_off_while_too_much_is_waiting)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd[32], asker;

	setup(&f, 64);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = client(&f);
		say(fd[i], "{\"method\":\"io.rstmon.Big\"}");
		turn(&f);
	}
	server_stats(f.server, &stats);
	cr_expect_geq(stats.memory, RSTMON_OUTSTANDING_MAX);
	cr_expect_leq(stats.memory, RSTMON_OUTSTANDING_MAX + BIG + 65536 * 16);
	cr_expect_gt(stats.busy, 0);
	expect_error(hear(&f, fd[31]), "io.rstmon.Busy");

	asker = client(&f);
	expect_error(call(&f, asker, "{\"method\":\"io.rstmon.Echo\"}"), "io.rstmon.Busy");
	cr_expect_eq(f.calls, 0, "the method is not run");
	say(asker, "{\"method\":\"io.rstmon.Echo\",\"oneway\":true}");
	cr_expect_null(hear(&f, asker));

	message = hear(&f, fd[0]);
	cr_expect(message, "one that reads");
	json_object_put(message);
	message = call(&f, asker, "{\"method\":\"io.rstmon.Echo\"}");
	cr_expect(get(message, "parameters", NULL), "makes room");
	cr_expect_eq(f.calls, 1);
	json_object_put(message);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	close(asker);
	teardown(&f);
}

/* The loop handles one source at a time; so between two calls of one client others have theirs. */
Test(server, takes_one_call_of_a_client_in_a_turn)
{
	struct fixture f;
	int fd;

	setup(&f, 4);
	fd = client(&f);
	for (int i = 0; i < 5; i++)
		say(fd, "{\"method\":\"io.rstmon.Echo\"}");
	cr_expect_gt(sd_event_run(f.event, 0), 0);
	cr_expect_eq(f.calls, 0, "it is heard first");
	for (unsigned int i = 1; i <= 5; i++) {
		cr_expect_gt(sd_event_run(f.event, 0), 0);
		cr_expect_eq(f.calls, i);
	}
	close(fd);
	teardown(&f);
}

/* Brings up to date what was not since the call came, as methods do. */
static void fresh(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret)
{
	struct fixture *f = userdata;

	(void)parameters;
	(void)more;
	f->calls += !ret->fresh;
	ret->refreshed = !ret->fresh;
	ret->parameters = json_object_new_object();
}

/* What had happened when all of them had asked is counted once; and again for who asks later. */
Test(server, brings_up_to_date_once_for_all_who_have_asked)
{
	struct fixture f;
	int fd[10];

	setup(&f, 16);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = client(&f);
	for (unsigned int round = 1; round <= 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
			say(fd[i], "{\"method\":\"io.rstmon.Fresh\"}");
		for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
			json_object_put(hear(&f, fd[i]));
		cr_expect_eq(f.calls, round);
	}
	for (unsigned int i = 1; i <= 3; i++) {
		json_object_put(call(&f, fd[0], "{\"method\":\"io.rstmon.Fresh\"}"));
		cr_expect_eq(f.calls, 3 + i, "one after the other");
	}
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	teardown(&f);
}

static int count(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	++*(unsigned int *)userdata;
	return 0;
}

Test(server, lets_everything_else_in_the_loop_go_first)
{
	sd_event_source *other = NULL;
	unsigned int runs = 0;
	struct fixture f;
	int fd, ready;

	setup(&f, 4);
	fd = client(&f);
	ready = eventfd(1, EFD_CLOEXEC);
	cr_assert_geq(ready, 0);
	cr_assert_geq(sd_event_add_io(f.event, &other, ready, EPOLLIN, count, &runs), 0);
	say(fd, "{\"method\":\"io.rstmon.Echo\"}");
	for (int i = 0; i < 20; i++)
		sd_event_run(f.event, 0);
	cr_expect_eq(runs, 20);
	cr_expect_eq(f.calls, 0);
	sd_event_source_disable_unref(other);
	close(ready);
	turn(&f);
	cr_expect_eq(f.calls, 1);
	close(fd);
	teardown(&f);
}

Test(server, keeps_places_for_those_who_do_not_watch)
{
	static const char watch_call[] = "{\"method\":\"io.rstmon.Watch\",\"more\":true}";
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd[7];

	setup(&f, 8);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = client(&f);
		say(fd[i], watch_call);
		turn(&f);
	}
	server_stats(f.server, &stats);
	cr_expect_eq(stats.watchers, 6);
	cr_expect_eq(stats.refused, 1);
	expect_error(hear(&f, fd[6]), "io.rstmon.TooManyWatchers");
	message = call(&f, fd[6], "{\"method\":\"io.rstmon.Echo\"}");
	cr_expect(message, "the connection goes on");
	json_object_put(message);

	close(fd[0]);
	turn(&f);
	say(fd[6], watch_call);
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.watchers, 6, "a watcher's place is free again");
	for (size_t i = 1; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	teardown(&f);
}

static int connect_as(struct fixture *f, uid_t uid)
{
	int fd;

	cr_assert_eq(seteuid(uid), 0);
	fd = connect_to(f->path);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_geq(fd, 0, "%s", strerror(-fd));
	turn(f);
	return fd;
}

Test(server, keeps_places_for_root)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd[13], root[4], last;

	if (geteuid() != 0)
		cr_skip_test("only root can be somebody else");
	setup(&f, 16);
	cr_assert_eq(chmod(f.dir, 0755), 0);
	cr_assert_eq(chmod(f.path, 0666), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = connect_as(&f, 65534);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.clients, 12);
	expect_error(hear(&f, fd[12]), "io.rstmon.TooManyClients");
	for (size_t i = 0; i < ARRAY_SIZE(root); i++) {
		root[i] = client(&f);
		message = call(&f, root[i], "{\"method\":\"io.rstmon.Echo\"}");
		cr_expect(message);
		json_object_put(message);
	}
	last = client(&f);
	expect_error(hear(&f, last), "io.rstmon.TooManyClients");

	close(last);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
	for (size_t i = 0; i < ARRAY_SIZE(root); i++)
		close(root[i]);
	teardown(&f);
}

/* Takes all descriptors that this process may have. */
static int fill_descriptors(int *ret, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		ret[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (ret[i] < 0)
			break;
	}
	cr_assert_lt(i, n);
	return i;
}

Test(server, waits_when_it_cannot_accept)
{
	struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd[2], taken[64], n;

	setup(&f, 4);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 2; i++) {
		fd[i] = connect_to(f.path);
		cr_assert_geq(fd[i], 0);
	}
	n = fill_descriptors(taken, 64);
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.refused, 2, "with the reserve it can say so");
	cr_expect_geq(f.server->reserve_fd, 0);

	close(taken[--n]);
	close(fd[1]);
	fd[1] = connect_to(f.path);
	cr_assert_geq(fd[1], 0);
	close(f.server->reserve_fd);
	f.server->reserve_fd = -1;
	n += fill_descriptors(taken + n, 64 - n);
	turn(&f); /* which fails if the loop spins */
	server_stats(f.server, &stats);
	cr_expect_eq(stats.refused, 2);

	while (n > 0)
		close(taken[--n]);
	for (int i = 0; i < 100 && stats.clients == 0; i++) {
		sd_event_run(f.event, 10 * 1000 * 1000);
		server_stats(f.server, &stats);
	}
	message = call(&f, fd[1], "{\"method\":\"io.rstmon.Echo\"}");
	cr_expect(message, "who waited is served");
	json_object_put(message);
	cr_expect_geq(f.server->reserve_fd, 0, "and the reserve is there again");
	close(fd[0]);
	close(fd[1]);
	teardown(&f);
}

Test(server, refuses_more_clients_than_its_limit)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int a, b, c;

	setup(&f, 2);
	a = client(&f);
	b = client(&f);
	c = client(&f);
	expect_error(hear(&f, c), "io.rstmon.TooManyClients");
	cr_expect(closed(&f, c));
	close(c);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.clients, 2);
	cr_expect_eq(stats.refused, 1);

	close(a);
	turn(&f);
	c = client(&f);
	message = call(&f, c, "{\"method\":\"io.rstmon.Echo\"}");
	cr_expect(message, "a place is free again");
	json_object_put(message);
	close(b);
	close(c);
	teardown(&f);
}

/* Waits for the timer, not for a time: the test ends when the clients are gone. */
static void wait_until_gone(struct fixture *f, unsigned int left)
{
	struct server_stats stats;

	for (int i = 0; i < 100; i++) {
		server_stats(f->server, &stats);
		if (stats.clients == left)
			return;
		sd_event_run(f->event, 10 * 1000 * 1000);
	}
	cr_assert_fail("%u clients are still there", stats.clients);
}

Test(server, closes_idle_clients_but_no_watcher)
{
	struct server_stats stats;
	struct fixture f;
	int idle, half, watcher;

	open_fixture(&f);
	cr_assert_eq(start(&f, 8, NSEC_PER_SEC / 2), 0);
	watcher = client(&f);
	say(watcher, "{\"method\":\"io.rstmon.Watch\",\"more\":true}");
	half = client(&f);
	cr_assert_eq(send(half, "{\"method\"", 9, MSG_NOSIGNAL), 9);
	idle = client(&f);

	wait_until_gone(&f, 1);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.watchers, 1);
	cr_expect(closed(&f, idle));
	cr_expect(closed(&f, half));
	cr_expect_not(closed(&f, watcher));
	close(idle);
	close(half);
	close(watcher);
	teardown(&f);
}

static int watcher(struct fixture *f, const char *parameters)
{
	int fd = client(f);
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"method\":\"io.rstmon.Watch\",\"more\":true,\"parameters\":%s}", parameters);
	say(fd, text);
	turn(f);
	return fd;
}

static void publish(struct fixture *f, uint16_t port)
{
	struct finding finding = sample_finding();

	finding.reset.port = port;
	server_publish(f->server, &finding);
}

Test(server, closes_clients_that_do_not_read)
{
	struct server_limits limits = {
		.clients = 16,
		.idle_timeout_ns = 300 * NSEC_PER_SEC,
		.stall_timeout_ns = NSEC_PER_SEC / 2,
		.lines_per_second = UINT32_MAX,
	};
	int asker, stopped, quiet, idle;
	struct server_stats stats;
	struct fixture f;

	open_fixture(&f);
	cr_assert_eq(server_new(f.event, f.path, -1, NULL, &limits, table, ARRAY_SIZE(table), &f,
				&f.server),
		     0);
	idle = client(&f);
	quiet = watcher(&f, "{\"filter\":\"port 1\"}");
	stopped = watcher(&f, "{}");
	asker = client(&f);
	say(asker, "{\"method\":\"io.rstmon.Big\"}");
	/* First less than a queue, so that the loop sees the socket full; then the rest. */
	for (int i = 0; i < 300; i++)
		publish(&f, 80);
	turn(&f);
	do {
		publish(&f, 80);
		server_stats(f.server, &stats);
	} while (stats.dropped == 0);

	wait_until_gone(&f, 3);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.stalled, 1);
	cr_expect_eq(stats.watchers, 2, "a watcher that has stopped loses lines, not its place");
	cr_expect_not(closed(&f, stopped));
	cr_expect_not(closed(&f, quiet));
	cr_expect_not(closed(&f, idle));
	close(asker);
	close(stopped);
	close(quiet);
	close(idle);
	teardown(&f);
}

static void expect_line(struct fixture *f, int fd, int port)
{
	struct json_object *message = hear(f, fd);

	cr_assert(message);
	cr_expect_eq(json_object_get_int(get(message, "parameters", "port")), port);
	cr_expect(json_object_get_boolean(get(message, "continues", NULL)));
	cr_expect_null(get(message, "parameters", "dropped"));
	json_object_put(message);
}

Test(server, tells_watchers_what_their_filter_lets_through)
{
	struct server_stats stats;
	struct fixture f;
	int all, one;

	setup(&f, 8);
	cr_expect_not(server_has_watchers(f.server));
	publish(&f, 1);
	all = watcher(&f, "{}");
	one = watcher(&f, "{\"filter\":\"port 443\"}");
	cr_expect(server_has_watchers(f.server));
	publish(&f, 80);
	publish(&f, 443);
	publish(&f, 8443);
	expect_line(&f, all, 80);
	expect_line(&f, all, 443);
	expect_line(&f, all, 8443);
	expect_line(&f, one, 443);
	cr_expect_null(hear(&f, one));

	close(all);
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.watchers, 1);
	cr_expect_eq(stats.dropped, 0);
	close(one);
	turn(&f);
	cr_expect_not(server_has_watchers(f.server));
	publish(&f, 80);
	teardown(&f);
}

Test(server, gives_the_backlog_before_the_first_live_line)
{
	struct json_object *message;
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{\"last\":3}");
	publish(&f, 80);
	for (int i = 0; i < 3; i++) {
		message = hear(&f, fd);
		cr_assert(message);
		cr_expect_eq(json_object_get_int(get(message, "parameters", "old")), i);
		cr_expect(json_object_get_boolean(get(message, "continues", NULL)));
		json_object_put(message);
	}
	expect_line(&f, fd, 80);
	close(fd);
	teardown(&f);
}

Test(server, makes_no_lines_while_too_much_is_waiting)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{}");
	f.server->text_bytes += RSTMON_OUTSTANDING_MAX + 1;
	publish(&f, 80);
	f.server->text_bytes -= RSTMON_OUTSTANDING_MAX + 1;
	server_stats(f.server, &stats);
	cr_expect_eq(stats.dropped, 1);
	publish(&f, 81);
	message = hear(&f, fd);
	cr_expect_eq(json_object_get_int(get(message, "parameters", "port")), 81);
	cr_expect_eq(json_object_get_int(get(message, "parameters", "dropped")), 1);
	json_object_put(message);
	close(fd);
	teardown(&f);
}

/* The text is made once and shared: 60 watchers cost the memory of one. */
Test(server, makes_a_line_once_for_all_watchers)
{
	struct server_stats before, after;
	struct fixture f;
	int fd[60];

	setup(&f, 128);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		fd[i] = watcher(&f, "{}");
	server_stats(f.server, &before);
	publish(&f, 80);
	cr_assert_gt(sd_event_run(f.event, 0), 0); /* it is made, and not yet sent */
	server_stats(f.server, &after);
	cr_expect_gt(after.memory, before.memory + 500);
	cr_expect_lt(after.memory, before.memory + 4000);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		expect_line(&f, fd[i], 80);
		close(fd[i]);
	}
	teardown(&f);
}

Test(server, a_slow_watcher_loses_lines_and_is_told_how_many)
{
	struct json_object *message, *dropped;
	struct server_stats stats;
	uint64_t lines = 0, lost = 0;
	struct fixture f;
	int slow, fast;

	setup(&f, 8);
	slow = watcher(&f, "{}");
	fast = watcher(&f, "{}");
	for (int i = 0; i < 4000; i++) {
		publish(&f, 80);
		expect_line(&f, fast, 80);
	}
	server_stats(f.server, &stats);
	cr_expect_gt(stats.dropped, 0);
	cr_expect_leq(stats.memory, RSTMON_OUTPUT_MAX + 65536);

	while ((message = hear(&f, slow))) {
		cr_expect_null(get(message, "parameters", "dropped"));
		json_object_put(message);
		lines++;
	}
	publish(&f, 81);
	message = hear(&f, slow);
	cr_assert(message);
	dropped = get(message, "parameters", "dropped");
	cr_assert(dropped, "the first line after a loss tells it");
	lost = (uint64_t)json_object_get_int64(dropped);
	json_object_put(message);
	cr_expect_eq(lines + lost, 4000);
	cr_expect_eq(lost, stats.dropped);

	expect_line(&f, fast, 81);
	publish(&f, 82);
	expect_line(&f, slow, 82); /* and only the first */
	close(slow);
	close(fast);
	teardown(&f);
}

/* A full queue gets no line before it is half empty: else each line would carry a loss of its own,
 * and be made for this watcher alone. */
Test(server, a_full_queue_takes_lines_again_when_half_empty)
{
	struct json_object *message;
	struct server_stats stats;
	unsigned int marks = 0;
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{}");
	do {
		publish(&f, 80);
		turn(&f);
		server_stats(f.server, &stats);
	} while (stats.dropped == 0);
	for (int i = 0; i < 100; i++) { /* less than half of what waits */
		message = hear(&f, fd);
		cr_assert(message);
		marks += !!get(message, "parameters", "dropped");
		json_object_put(message);
		publish(&f, 80);
		publish(&f, 80);
	}
	for (; (message = hear(&f, fd)); json_object_put(message))
		marks += !!get(message, "parameters", "dropped");
	cr_expect_eq(marks, 0);
	publish(&f, 80);
	message = hear(&f, fd);
	cr_expect_geq(json_object_get_int64(get(message, "parameters", "dropped")), 200);
	json_object_put(message);
	close(fd);
	teardown(&f);
}

/* The loop's clock stands still between two turns: no more than a burst is made, whoever watches.
 */
Test(server, makes_no_more_lines_than_a_burst_in_one_turn)
{
	struct server_limits limits = {
		.clients = 8,
		.idle_timeout_ns = 300 * NSEC_PER_SEC,
		.lines_per_second = 1,
	};
	unsigned int lines[2] = {0}, n = RSTMON_WATCH_LINES_BURST + 500;
	struct server_stats stats;
	struct json_object *message;
	struct fixture f;
	int fd[2];

	open_fixture(&f);
	cr_assert_eq(server_new(f.event, f.path, -1, NULL, &limits, table, ARRAY_SIZE(table), &f,
				&f.server),
		     0);
	for (int i = 0; i < 2; i++)
		fd[i] = watcher(&f, "{\"filter\":\"port < 3000\"}");
	for (unsigned int i = 0; i < n; i++) {
		publish(&f, (uint16_t)(i % 2000));
		for (int j = 0; j < 2 && i % 100 == 0; j++)
			for (; (message = hear(&f, fd[j])); lines[j]++)
				json_object_put(message);
	}
	for (int j = 0; j < 2; j++) {
		for (; (message = hear(&f, fd[j])); lines[j]++)
			json_object_put(message);
		close(fd[j]);
	}
	server_stats(f.server, &stats);
	cr_expect_eq(lines[0], lines[1], "both get the same");
	cr_expect_geq(lines[0], RSTMON_WATCH_LINES_BURST);
	cr_expect_lt(lines[0], RSTMON_WATCH_LINES_BURST + RSTMON_WATCH_LINES_BURST / 4,
		     "after a flood there is a pause");
	cr_expect_eq(lines[0] + lines[1] + stats.dropped, 2 * n, "what is lost is counted");
	teardown(&f);
}

/* Lines are made in turns of the loop, so that a burst does not make the ring wait. */
Test(server, makes_some_lines_in_a_turn)
{
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{}");
	for (int i = 0; i < 300; i++)
		publish(&f, 80);
	cr_expect_eq(f.server->n_waiting, 300);
	cr_assert_gt(sd_event_run(f.event, 0), 0);
	cr_expect_lt(f.server->n_waiting, 300);
	cr_expect_gt(f.server->n_waiting, 200, "most still wait");
	for (int i = 0; i < 300; i++)
		expect_line(&f, fd, 80);
	cr_expect_null(hear(&f, fd));
	close(fd);
	teardown(&f);
}

/* What is told already when somebody begins to watch is in the backlog of the call. */
Test(server, tells_a_new_watcher_what_is_published_later)
{
	struct fixture f;
	int old, fd;

	setup(&f, 8);
	old = watcher(&f, "{}");
	fd = client(&f);
	say(fd, "{\"method\":\"io.rstmon.Watch\",\"more\":true}");
	turn(&f);
	publish(&f, 80);
	expect_line(&f, fd, 80);
	expect_line(&f, old, 80);
	for (int i = 0; i < 100; i++)
		publish(&f, 81);
	f.server->clients->since = f.server->published; /* as if it had called now */
	publish(&f, 82);
	expect_line(&f, fd, 82);
	close(old);
	close(fd);
	teardown(&f);
}

Test(server, keeps_the_newest_of_a_backlog_that_is_too_long)
{
	struct json_object *message;
	int64_t first = -1, last = -1;
	struct server_stats stats;
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{\"last\":200000}");
	server_stats(f.server, &stats);
	cr_expect_gt(stats.dropped, 0);
	while ((message = hear(&f, fd))) {
		last = json_object_get_int64(get(message, "parameters", "old"));
		if (first < 0)
			first = last;
		json_object_put(message);
	}
	cr_expect_eq(first, (int64_t)stats.dropped);
	cr_expect_eq(last, 199999);
	publish(&f, 80);
	message = hear(&f, fd);
	cr_expect_eq(json_object_get_int64(get(message, "parameters", "dropped")), first);
	json_object_put(message);
	close(fd);
	teardown(&f);
}

Test(server, survives_clients_that_vanish)
{
	struct server_stats stats;
	struct fixture f;
	int fd;

	setup(&f, 8);
	fd = watcher(&f, "{}");
	publish(&f, 80);
	close(fd);
	for (int i = 0; i < 3000; i++)
		publish(&f, 80); /* more than its queue, before the loop sees that it is gone */
	turn(&f);
	fd = client(&f);
	say(fd, "{\"method\":\"io.rstmon.Big\"}");
	close(fd);
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.clients, 0);
	cr_expect_eq(stats.watchers, 0);
	teardown(&f);
}

/* A call that takes long is made in parts, one in a turn of the loop. */
struct parts {
	struct server_work work;
	struct fixture *fixture;
	unsigned int left;
};

static bool parts_step(struct server_work *work, struct server_reply *ret)
{
	struct parts *p = (struct parts *)work;

	p->fixture->calls++;
	if (--p->left > 0)
		return false;
	ret->parameters = json_object_new_object();
	return true;
}

static void parts_free(struct server_work *work)
{
	free(work);
}

static void parts(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret)
{
	struct parts *p = calloc(1, sizeof(*p));

	(void)parameters;
	(void)more;
	cr_assert(p);
	*p = (struct parts){
		.work = {.step = parts_step, .free = parts_free, .bytes = BIG},
		.fixture = userdata,
		.left = 5,
	};
	ret->work = &p->work;
}

Test(server, makes_a_long_answer_in_parts)
{
	struct json_object *message;
	struct server_stats stats;
	struct fixture f;
	int slow, quick;

	setup(&f, 4);
	slow = client(&f);
	quick = client(&f);
	say(slow, "{\"method\":\"io.rstmon.Parts\"}");
	cr_assert_gt(sd_event_run(f.event, 0), 0);
	say(quick, "{\"method\":\"org.varlink.service.GetInfo\"}");
	for (unsigned int i = 0; i < 4; i++)
		cr_assert_gt(sd_event_run(f.event, 0), 0);
	cr_expect_lt(f.calls, 5, "others have their turn in between");
	server_stats(f.server, &stats);
	cr_expect_geq(stats.memory, BIG, "what it may hold counts");
	message = hear(&f, quick);
	cr_expect(message);
	json_object_put(message);
	message = hear(&f, slow);
	cr_assert(message);
	cr_expect(get(message, "parameters", NULL));
	cr_expect_eq(f.calls, 5);
	json_object_put(message);

	say(slow, "{\"method\":\"io.rstmon.Parts\"}");
	say(slow, "{\"method\":\"io.rstmon.Echo\",\"parameters\":{\"n\":1}}");
	cr_assert_eq(shutdown(slow, SHUT_WR), 0);
	json_object_put(hear(&f, slow));
	message = hear(&f, slow);
	cr_expect(get(message, "parameters", "n"), "the next call waits");
	json_object_put(message);
	close(slow);

	say(quick, "{\"method\":\"io.rstmon.Parts\"}");
	cr_assert_gt(sd_event_run(f.event, 0), 0);
	close(quick); /* in the middle of it */
	turn(&f);
	server_stats(f.server, &stats);
	cr_expect_eq(stats.clients, 0);
	cr_expect_leq(stats.memory, 4096);
	teardown(&f);
}

Test(server, makes_a_private_socket_and_takes_it_away)
{
	struct fixture f;
	struct stat st;

	open_fixture(&f);
	umask(0);
	cr_assert_eq(start(&f, 4, NSEC_PER_SEC), 0);
	cr_assert_eq(lstat(f.path, &st), 0);
	cr_expect(S_ISSOCK(st.st_mode));
	cr_expect_eq(st.st_mode & 07777, 0660);
	cr_expect_eq(umask(022), 0, "the process's own umask is as before");
	server_free(f.server);
	f.server = NULL;
	cr_expect_eq(lstat(f.path, &st), -1);
	teardown(&f);
}

Test(server, takes_over_only_what_is_stale)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fixture f, second;
	int fd;

	setup(&f, 4);
	second = f;
	second.server = NULL;
	cr_expect_eq(start(&second, 4, NSEC_PER_SEC), -EADDRINUSE, "its daemon lives");
	fd = client(&f);
	json_object_put(call(&f, fd, "{\"method\":\"io.rstmon.Echo\"}"));
	cr_expect_eq(f.calls, 1, "and was not disturbed");
	close(fd);
	server_free(f.server);

	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	cr_expect_eq(start(&f, 4, NSEC_PER_SEC), 0, "stale");
	fd = client(&f);
	json_object_put(call(&f, fd, "{\"method\":\"io.rstmon.Echo\"}"));
	cr_expect_eq(f.calls, 2);
	close(fd);
	server_free(f.server);
	f.server = NULL;

	fd = open(f.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	cr_expect_eq(start(&f, 4, NSEC_PER_SEC), -ENOTSOCK, "a file that is no socket is nobody's");
	unlink(f.path);
	teardown(&f);
}

/* One that is too busy to take a client is no stale one. */
Test(server, does_not_take_over_a_busy_socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct fixture f;
	int fd, waiting[8], n = 0;

	open_fixture(&f);
	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 0), 0);
	while (n < (int)ARRAY_SIZE(waiting) && (waiting[n] = connect_to(f.path)) >= 0)
		n++;
	cr_assert_lt(n, (int)ARRAY_SIZE(waiting));
	cr_expect_eq(waiting[n], -EAGAIN);
	cr_expect_eq(start(&f, 4, NSEC_PER_SEC), -EADDRINUSE);
	while (n > 0)
		close(waiting[--n]);
	close(fd);
	teardown(&f);
}

Test(server, leaves_the_socket_of_its_successor_alone)
{
	struct fixture f, second;
	struct stat st;

	setup(&f, 4);
	second = f;
	unlink(f.path);
	cr_assert_eq(start(&second, 4, NSEC_PER_SEC), 0);
	server_free(f.server);
	f.server = second.server;
	cr_expect_eq(lstat(f.path, &st), 0);
	teardown(&f);
}

Test(server, says_why_it_cannot_listen)
{
	struct fixture f;

	open_fixture(&f);
	snprintf(f.path, sizeof(f.path), "%s/none/sock", f.dir);
	cr_expect_eq(start(&f, 4, NSEC_PER_SEC), -ENOENT);
	cr_expect_null(f.server);
	teardown(&f);
}

Test(server, uses_the_socket_that_it_is_given)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct server_limits limits = {.clients = 4, .idle_timeout_ns = NSEC_PER_SEC};
	struct fixture f;
	struct stat st;
	int fd;

	open_fixture(&f);
	memcpy(address.sun_path, f.path, strlen(f.path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 4), 0);
	cr_assert_eq(server_new(f.event, NULL, fd, NULL, &limits, table, ARRAY_SIZE(table), &f,
				&f.server),
		     0);
	fd = client(&f);
	json_object_put(call(&f, fd, "{\"method\":\"io.rstmon.Echo\"}"));
	cr_expect_eq(f.calls, 1);
	close(fd);
	server_free(f.server);
	f.server = NULL;
	cr_expect_eq(lstat(f.path, &st), 0, "systemd's socket stays");
	teardown(&f);
}
