/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>

#include "cli/exporter.h"
#include "common/str.h"

static char error[256];

static int parse(const char *text, struct exporter_address *ret)
{
	error[0] = '\0';
	return exporter_listen_parse(text, ret, error, sizeof(error));
}

Test(exporter, places)
{
	static const char six[16] = {[15] = 1};
	struct exporter_address a = {};
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a.address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a.address;

	cr_assert_eq(parse(EXPORTER_LISTEN, &a), 0, "%s", error);
	cr_assert_eq(in->sin_family, AF_INET);
	cr_assert_eq(ntohs(in->sin_port), 9941);
	cr_assert_eq(ntohl(in->sin_addr.s_addr), INADDR_LOOPBACK);
	cr_assert_eq(a.size, sizeof(*in));
	cr_assert_eq(parse("[::1]:0", &a), 0, "%s", error);
	cr_assert_eq(in6->sin6_family, AF_INET6);
	cr_assert_eq(in6->sin6_port, 0);
	cr_assert_arr_eq(&in6->sin6_addr, six, sizeof(six));
	cr_assert_eq(a.size, sizeof(*in6));
	cr_assert_eq(parse("0.0.0.0:65535", &a), 0);
	cr_assert_eq(parse("[::ffff:192.0.2.1]:80", &a), 0);
}

Test(exporter, mistakes_have_their_place)
{
	static const struct {
		const char *text, *sentence;
	} wrong[] = {
		{"", "column 1: a port is missing"},
		{":9941", "column 1: '' is no IPv4 address"},
		{"127.0.0.1", "column 10: a port is missing"},
		{"127.0.0.1:", "column 11: '' is no port"},
		{"127.0.0.1:http", "column 11: 'http' is no port"},
		{"127.0.0.1:65536", "column 11: '65536' is no port"},
		{"127.0.0.1:80 ", "column 11: '80 ' is no port"},
		{"127.0.0.1:-1", "column 11: '-1' is no port"},
		{"127.1:80", "column 1: '127.1' is no IPv4 address"},
		{"localhost:80", "column 1: 'localhost' is no IPv4 address"},
		{"\xc3\xa4\xc3\xb6:x:y", "column 1: an IPv6 address stands in brackets"},
		{"\xc3\xa4\xc3\xb6", "column 3: a port is missing"},
		{"::1:80", "column 1: an IPv6 address stands in brackets"},
		{"[::1]", "column 6: a port is missing"},
		{"[::1]x:80", "column 6: a port is missing"},
		{"[::1", "column 5: a ']' is missing"},
		{"[]:80", "column 2: '' is no IPv6 address"},
		{"[::1%lo]:80", "column 2: '::1%lo' is no IPv6 address"},
		{"[127.0.0.1]:80", "column 2: '127.0.0.1' is no IPv6 address"},
		{"[::1]:x", "column 7: 'x' is no port"},
		{"127.0.0.1:80:", "column 1: an IPv6 address stands in brackets"},
	};
	struct exporter_address a = {.size = 7};
	char longer[400];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		cr_expect_eq(parse(wrong[i].text, &a), -EINVAL, "%s", wrong[i].text);
		cr_expect(!strncmp(error, wrong[i].sentence, strlen(wrong[i].sentence)), "%s: %s",
			  wrong[i].text, error);
	}
	memset(longer, '1', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	cr_expect_eq(parse(longer, &a), -EINVAL);
	longer[300] = ':';
	cr_expect_eq(parse(longer, &a), -EINVAL);
	cr_expect_lt(strlen(error), sizeof(error));
	cr_expect_eq(a.size, 7, "untouched");
}

Test(exporter, listens_and_tells_where)
{
	struct exporter_address a;
	_cleanup_close_ int fd = -1, again = -1;
	char text[64];

	cr_assert_eq(parse("127.0.0.1:0", &a), 0);
	fd = exporter_listen(&a);
	cr_assert_geq(fd, 0);
	exporter_listen_text(fd, text, sizeof(text));
	cr_assert(!strncmp(text, "127.0.0.1:", 10), "%s", text);
	cr_assert_str_neq(text, "127.0.0.1:0");
	cr_assert_eq(parse(text, &a), 0);
	again = exporter_listen(&a);
	cr_assert_eq(again, -EADDRINUSE);
}

Test(exporter, formats)
{
	static const struct {
		const char *accept;
		enum exporter_format format;
	} wishes[] = {
		/* Prometheus 2.42, 2.50, 3.0, and before it knew OpenMetrics */
		{"application/openmetrics-text;version=1.0.0,application/"
		 "openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		 EXPORTER_OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;q=0.5,application/"
		 "openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		 EXPORTER_OPENMETRICS},
		{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		 "text/plain;version=0.0.4;q=0.5,*/*;q=0.3",
		 EXPORTER_OPENMETRICS},
		{"text/plain;version=0.0.4;q=1,*/*;q=0.1", EXPORTER_CLASSIC},
		/* who prefers the other, a version that is none of ours, browsers, curl, nobody */
		{"application/openmetrics-text;q=0.3, text/plain", EXPORTER_CLASSIC},
		{"application/openmetrics-text;version=0.0.1,text/plain;q=0.5", EXPORTER_CLASSIC},
		{"application/openmetrics-text; version=2.0.0", EXPORTER_CLASSIC},
		{"application/openmetrics-text;q=0", EXPORTER_CLASSIC},
		{"text/html,application/xhtml+xml,*/*;q=0.8", EXPORTER_CLASSIC},
		{"*/*", EXPORTER_CLASSIC},
		{"", EXPORTER_CLASSIC},
		{NULL, EXPORTER_CLASSIC},
		/* the grammar's liberties */
		{" APPLICATION/OpenMetrics-Text ; Version=\"1.0.0\" ; Q=0.5 ",
		 EXPORTER_OPENMETRICS},
		{",,;;=,application/openmetrics-text", EXPORTER_OPENMETRICS},
		/* nonsense */
		{"application/openmetrics-text;q=nan", EXPORTER_CLASSIC},
		{"application/openmetrics-text;q=-1", EXPORTER_CLASSIC},
		{"application/openmetrics-text;q", EXPORTER_CLASSIC},
		{"application/openmetrics-textual", EXPORTER_CLASSIC},
		{"application/openmetrics-text;version=", EXPORTER_OPENMETRICS},
		{";q=1,/,*", EXPORTER_CLASSIC},
		{"application/openmetrics-text;version=\"", EXPORTER_CLASSIC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
		cr_expect_eq(exporter_accept(wishes[i].accept), wishes[i].format, "%s",
			     wishes[i].accept);
}

Test(exporter, many_formats_are_not_read)
{
	char accept[256] = "", *end = accept;

	for (int i = 0; i < EXPORTER_ACCEPT_MAX; i++)
		end = stpcpy(end, "a,");
	stpcpy(end, "application/openmetrics-text");
	cr_assert_eq(exporter_accept(accept), EXPORTER_CLASSIC);
	cr_assert_eq(exporter_accept(accept + 2), EXPORTER_OPENMETRICS);
}

Test(exporter, classic)
{
	static const struct {
		const char *open, *classic;
	} texts[] = {
		{"# TYPE a counter\n# HELP a All.\na_total{x=\"1\"} 5\n# TYPE b gauge\n# UNIT b "
		 "bytes\n# HELP b Be.\nb 1\n# EOF\n",
		 "# TYPE a_total counter\n# HELP a_total All.\na_total{x=\"1\"} 5\n# TYPE b "
		 "gauge\n# HELP b Be.\nb 1\n# EOF\n"},
		{"# TYPE a info\n# HELP a A \\\"b\\\" \\\\ c.\na_info{v=\"# EOF\"} 1\n",
		 "# TYPE a_info gauge\n# HELP a_info A \"b\" \\\\ c.\na_info{v=\"# EOF\"} 1\n"},
		{"# TYPE a stateset\n# TYPE b unknown\n", "# TYPE a gauge\n# TYPE b untyped\n"},
		/* what is none of rstmond's comes to no harm */
		{"", ""},
		{"\n", "\n"},
		{"#\n# x\n#TYPE a counter\n", "#TYPE a counter\n"},
		{"# TYPE\n# TYPE a\n# HELP\n# HELP b \\",
		 "# TYPE  \n# TYPE a \n# HELP  \n# HELP b \\\n"},
		{"a 1", "a 1\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *text = exporter_classic(texts[i].open);

		cr_assert_not_null(text);
		cr_expect_str_eq(text, texts[i].classic, "%zu: %s", i, text);
	}
}

static struct daemon {
	unsigned int calls;
	bool away;
	uint64_t takes;
} daemon_;
static uint64_t now;

static uint64_t clock_(void)
{
	return now;
}

static int ask(void *userdata, char **ret_text, char *ret_sentence, size_t size)
{
	struct daemon *d = userdata;

	d->calls++;
	now += d->takes;
	if (d->away) {
		str_copy(ret_sentence, size, "it is away");
		return 3;
	}
	*ret_text = strdup("# TYPE a counter\na_total 1\n# EOF\n");
	return 0;
}

static struct exporter_cache cache = {.ask = ask, .clock = clock_, .userdata = &daemon_};

static void forget(void)
{
	exporter_cache_done(&cache);
}

TestSuite(exporter_cache, .fini = forget);

Test(exporter_cache, those_who_come_together_get_one_answer)
{
	cr_assert(strstr(exporter_cache_get(&cache, EXPORTER_OPENMETRICS), "# TYPE a counter"));
	cr_assert(strstr(exporter_cache_get(&cache, EXPORTER_CLASSIC), "# TYPE a_total counter"));
	now += EXPORTER_FRESH_NS - 1;
	cr_assert(exporter_cache_get(&cache, EXPORTER_OPENMETRICS));
	cr_assert_eq(daemon_.calls, 1);
	now++;
	cr_assert(strstr(exporter_cache_get(&cache, EXPORTER_CLASSIC), "# TYPE a_total counter"));
	cr_assert_eq(daemon_.calls, 2);
}

Test(exporter_cache, who_waits_for_a_slow_daemon_waits_once)
{
	daemon_ = (struct daemon){.away = true, .takes = 10 * (uint64_t)EXPORTER_FRESH_NS};
	for (int i = 0; i < 3; i++) {
		cr_assert_null(exporter_cache_get(&cache, EXPORTER_CLASSIC));
		cr_assert_str_eq(cache.sentence, "it is away");
	}
	cr_assert_eq(daemon_.calls, 1);
	now += EXPORTER_FRESH_NS;
	daemon_.away = false;
	cr_assert_not_null(exporter_cache_get(&cache, EXPORTER_CLASSIC));
	cr_assert_str_empty(cache.sentence);
	now += EXPORTER_FRESH_NS;
	daemon_.away = true;
	cr_assert_null(exporter_cache_get(&cache, EXPORTER_OPENMETRICS), "no old text");
}
