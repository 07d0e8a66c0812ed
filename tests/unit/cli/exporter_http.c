/* SPDX-License-Identifier: GPL-2.0-only */
/* The HTTP of the exporter in a thread of the test, over sockets on loopback. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/time.h>

#include "cli/exporter.h"
#include "common/str.h"

static struct exporter_address place;
static int listening = -1, end = -1, result;
static unsigned int calls;
static bool away;
static pthread_t thread;
static char reply[65536];

static uint64_t clock_(void)
{
	static uint64_t now;

	return now += EXPORTER_FRESH_NS; /* nobody finds the last answer fresh */
}

static int ask(void *userdata, char **ret_text, char *ret_sentence, size_t size)
{
	(void)userdata;
	calls++;
	if (away) {
		str_copy(ret_sentence, size, "rstmond is not running");
		return 3;
	}
	*ret_text = strdup("# TYPE a counter\na_total 1\n# EOF\n");
	return 0;
}

static struct exporter_cache cache = {.ask = ask, .clock = clock_};

static void *serve(void *data)
{
	(void)data;
	result = exporter_serve(listening, end, &cache);
	return NULL;
}

static void start(void)
{
	char error[256];

	cr_assert_eq(exporter_listen_parse("127.0.0.1:0", &place, error, sizeof(error)), 0);
	listening = exporter_listen(&place);
	cr_assert_geq(listening, 0);
	cr_assert_eq(getsockname(listening, (struct sockaddr *)&place.address, &place.size), 0);
	end = eventfd(0, EFD_CLOEXEC);
	cr_assert_geq(end, 0);
	cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void stop(void)
{
	cr_assert_eq(eventfd_write(end, 1), 0);
	pthread_join(thread, NULL);
	cr_assert_eq(result, 0);
	close(listening);
	close(end);
	exporter_cache_done(&cache);
}

TestSuite(exporter_http, .init = start, .fini = stop);

static int connected(void)
{
	const struct timeval patience = {.tv_sec = 30};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	cr_assert_eq(connect(fd, (const struct sockaddr *)&place.address, place.size), 0);
	return fd;
}

/* All that comes until the server closes the connection. */
static const char *request(const char *text)
{
	_cleanup_close_ int fd = connected();
	size_t have = 0;
	ssize_t n;

	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	while ((n = recv(fd, reply + have, sizeof(reply) - 1 - have, 0)) > 0)
		have += (size_t)n;
	reply[have] = '\0';
	return reply;
}

#define GET(path, more)                                                                            \
	request("GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" more "\r\n")

#define ASSERT_HAS(text, part) cr_assert(strstr(text, part), "'%s' lacks '%s'", text, part)

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

Test(exporter_http, metrics)
{
	const char *text =
		GET("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");

	cr_assert(begins(text, "HTTP/1.1 200 "), "%s", text);
	ASSERT_HAS(text,
		   "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n");
	ASSERT_HAS(text, "\r\n\r\n# TYPE a counter\n");
	text = GET("/metrics?x=y", "");
	cr_assert(begins(text, "HTTP/1.1 200 "), "%s", text);
	ASSERT_HAS(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	ASSERT_HAS(text, "\r\n\r\n# TYPE a_total counter\n");
}

Test(exporter_http, head_has_the_length_and_no_more)
{
	const char *text =
		request("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

	cr_assert(begins(text, "HTTP/1.1 200 "), "%s", text);
	ASSERT_HAS(text, "Content-Length: 39\r\n");
	cr_assert_str_eq(strstr(text, "\r\n\r\n"), "\r\n\r\n");
}

Test(exporter_http, other_paths_and_methods)
{
	const char *text = GET("/", "");

	cr_assert(begins(text, "HTTP/1.1 200 "), "%s", text);
	ASSERT_HAS(text, "<a href=\"/metrics\">");
	cr_assert(begins(GET("/metrics/", ""), "HTTP/1.1 404 "), "%s", reply);
	cr_assert(begins(GET("/../metrics", ""), "HTTP/1.1 404 "), "%s", reply);
	text = request("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
	cr_assert(begins(text, "HTTP/1.1 405 "), "%s", text);
	ASSERT_HAS(text, "Allow: GET, HEAD\r\n");
	cr_assert(begins(request("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 405 "), "%s",
		  reply);
	cr_assert_eq(calls, 0);
}

Test(exporter_http, no_daemon_is_503_and_a_sentence)
{
	away = true;
	cr_assert(begins(GET("/metrics", ""), "HTTP/1.1 503 "), "%s", reply);
	ASSERT_HAS(reply, "\r\n\r\nrstmond is not running\n");
	away = false;
	cr_assert(begins(GET("/metrics", ""), "HTTP/1.1 200 "), "%s", reply);
}

Test(exporter_http, a_connection_goes_on)
{
	const char *one = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	_cleanup_close_ int fd = connected();

	for (int i = 0; i < 3; i++) {
		size_t have = 0;
		ssize_t n = 0;

		cr_assert_eq(send(fd, one, strlen(one), MSG_NOSIGNAL), (ssize_t)strlen(one));
		while (!(have >= 8 && !strcmp(reply + have - 8, "</html>\n")) &&
		       (n = recv(fd, reply + have, sizeof(reply) - 1 - have, 0)) > 0) {
			have += (size_t)n;
			reply[have] = '\0';
		}
		cr_assert_gt(n, 0);
		cr_assert_null(strstr(reply, "Connection: close"));
	}
}

Test(exporter_http, nonsense_and_too_much)
{
	_cleanup_free_ char *huge = calloc(1, 2 * EXPORTER_REQUEST_BYTES + 64);

	cr_assert_not_null(huge);
	GET("/metrics", "Content-Length: 5\r\n");
	request("\r\n\r\nnonsense\r\n\r\n");
	snprintf(huge, 64, "GET / HTTP/1.1\r\nHost: x\r\nX: ");
	memset(huge + strlen(huge), 'x', 2 * EXPORTER_REQUEST_BYTES);
	{
		_cleanup_close_ int fd = connected();

		(void)send(fd, huge, strlen(huge), MSG_NOSIGNAL);
		while (recv(fd, reply, sizeof(reply), 0) > 0)
			;
	}
	cr_assert(begins(GET("/", ""), "HTTP/1.1 200 "), "%s", reply);
}

Test(exporter_http, who_holds_connections_holds_up_nobody_for_ever)
{
	int held[EXPORTER_CONNECTIONS];
	const char *one = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
	const char *keep = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	_cleanup_close_ int late = -1;

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = connected();
		cr_assert_eq(send(held[i], keep, strlen(keep), MSG_NOSIGNAL),
			     (ssize_t)strlen(keep));
		cr_assert_gt(recv(held[i], reply, sizeof(reply), 0), 0); /* it is in use now */
	}
	late = connected();
	cr_assert_eq(send(late, one, strlen(one), MSG_NOSIGNAL), (ssize_t)strlen(one));
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		close(held[i]);
	cr_assert_gt(recv(late, reply, sizeof(reply), 0), 0);
}
