/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "cli/options.h"
#include "cli/verbs.h"
#include "common/str.h"

#define NOW (1795332696ULL * NSEC_PER_SEC) /* 2026-11-22T07:31:36Z */

static char error[1024];

#define PARSE(o, ...)                                                                              \
	({                                                                                         \
		char *argv_[] = {"rstmon", ##__VA_ARGS__, NULL};                                   \
		error[0] = '\0';                                                                   \
		cli_options_parse((int)ARRAY_SIZE(argv_) - 1, argv_, NOW, (o), error,              \
				  sizeof(error));                                                  \
	})

#define ASSERT_USAGE(expected, ...)                                                                \
	do {                                                                                       \
		struct cli_options bad_;                                                           \
		cr_assert_eq(PARSE(&bad_, ##__VA_ARGS__), -EINVAL);                                \
		cr_assert(strstr(error, expected), "'%s' lacks '%s'", error, expected);            \
	} while (0)

static void clear_environment(void)
{
	unsetenv(RSTMON_SOCKET_ENV);
}

TestSuite(cli_options, .init = clear_environment);

Test(cli_options, nothing_is_list)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o), 0, "%s", error);
	cr_assert_str_eq(o.verb->name, "list");
	cr_assert_str_eq(o.socket, RSTMON_SOCKET_PATH);
	cr_assert_str_eq(o.filter, "");
	cr_assert_str_eq(o.by, "process");
	cr_assert_eq(o.since, 0);
	cr_assert_eq(o.limit, 0);
}

Test(cli_options, options_stand_anywhere)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "--json", "list", "port", "8080", "-n", "5", "and", "--utc", "not",
			   "comm", "nginx*", "--sort=last"),
		     0, "%s", error);
	cr_assert_str_eq(o.filter, "port 8080 and not comm nginx*");
	cr_assert(o.json);
	cr_assert(o.utc);
	cr_assert_eq(o.limit, 5);
	cr_assert_str_eq(o.sort, "last");
}

Test(cli_options, two_dashes_end_options)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "watch", "--count", "2", "--", "age_ms", "=", "-1"), 0, "%s", error);
	cr_assert_str_eq(o.filter, "age_ms = -1");
	cr_assert_eq(o.count, 2);
	ASSERT_USAGE("no option '-1'", "watch", "age_ms", "=", "-1");
}

Test(cli_options, posixly_correct_changes_nothing)
{
	struct cli_options o;

	setenv("POSIXLY_CORRECT", "1", 1);
	cr_assert_eq(PARSE(&o, "list", "--json", "port", "80", "--utc"), 0, "%s", error);
	cr_assert(o.json && o.utc);
	unsetenv("POSIXLY_CORRECT");
}

Test(cli_options, socket_comes_from_the_environment_first)
{
	struct cli_options o;

	setenv(RSTMON_SOCKET_ENV, "/a", 1);
	cr_assert_eq(PARSE(&o, "status"), 0);
	cr_assert_str_eq(o.socket, "/a");
	cr_assert_eq(PARSE(&o, "status", "--socket", "/b"), 0);
	cr_assert_str_eq(o.socket, "/b");
	setenv(RSTMON_SOCKET_ENV, "", 1);
	cr_assert_eq(PARSE(&o, "status"), 0);
	cr_assert_str_eq(o.socket, RSTMON_SOCKET_PATH);
	ASSERT_USAGE("--socket", "status", "--socket=");
}

Test(cli_options, last_takes_a_number_first)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "last", "50", "port", "80"), 0, "%s", error);
	cr_assert_eq(o.limit, 50);
	cr_assert_str_eq(o.filter, "port 80");
	cr_assert_eq(PARSE(&o, "last", "port", "80"), 0, "%s", error);
	cr_assert_eq(o.limit, 0);
	ASSERT_USAGE("no number of resets", "last", "0");
	ASSERT_USAGE("no number of resets", "last", "4294967295");
	ASSERT_USAGE("bad filter", "last", "5x");
}

Test(cli_options, verbs_of_later_work_are_none)
{
	static char *const names[] = {"top", "history", "report", "List", "lis", ""};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ASSERT_USAGE("there is no verb", names[i]);
	ASSERT_USAGE("did you mean 'rstmon list port ...'", "port", "80");
}

Test(cli_options, why_and_explain)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "why", "-n", "3", "--since", "10m", "port", "80"), 0, "%s", error);
	cr_assert_eq(o.limit, 3);
	cr_assert_str_eq(o.filter, "port 80");
	ASSERT_USAGE("bad filter", "why", "peer", "10.0.0.1");
	ASSERT_USAGE("has no option --until", "why", "--until", "10m");
	cr_assert_not(o.brief);
	cr_assert_eq(PARSE(&o, "why", "--brief"), 0, "%s", error);
	cr_assert(o.brief);
	ASSERT_USAGE("has no option --brief", "list", "--brief");
	cr_assert_eq(PARSE(&o, "explain"), 0, "%s", error);
	cr_assert_null(o.topic);
	cr_assert_eq(PARSE(&o, "explain", "linger_zero", "--json"), 0, "%s", error);
	cr_assert_str_eq(o.topic, "linger_zero");
	ASSERT_USAGE("there is no cause 'linger-zero'; did you mean 'linger_zero'?", "explain",
		     "linger-zero");
	ASSERT_USAGE("there is no cause 'zzzz'; 'rstmon explain' lists them", "explain", "zzzz");
	cr_assert_eq(PARSE(&o, "explain", "connection", "reset", "by", "peer"), 0, "%s", error);
	cr_assert_str_eq(o.topic, "ECONNRESET");
	cr_assert_eq(PARSE(&o, "explain", "Broken pipe"), 0, "%s", error);
	cr_assert_str_eq(o.topic, "EPIPE");
	cr_assert_eq(PARSE(&o, "explain", "111"), 0, "%s", error);
	cr_assert_str_eq(o.topic, "ECONNREFUSED");
	cr_assert_eq(PARSE(&o, "explain", "keepalive"), 0, "%s", error);
	cr_assert_str_eq(o.topic, "keepalive");
	ASSERT_USAGE("there is no cause 'ke'", "explain", "ke");
	ASSERT_USAGE("there is no cause '999'", "explain", "999");
	ASSERT_USAGE("takes no argument 'now'", "explain", "linger_zero", "now");
	ASSERT_USAGE("has no option -n", "explain", "-n", "1");
	cr_assert_eq(PARSE(&o, "explain", "--help"), 0, "%s", error);
	cr_assert_str_eq(o.verb->name, "help");
	ASSERT_USAGE("did you mean 'explain'?", "explian");
}

Test(cli_options, unknown_and_incomplete_options)
{
	ASSERT_USAGE("there is no option '--bogus'", "list", "--bogus");
	ASSERT_USAGE("there is no option '--bogus=1'", "--bogus=1", "list");
	ASSERT_USAGE("there is no option '-z'", "-z");
	ASSERT_USAGE("--count wants N behind it", "watch", "--count");
	ASSERT_USAGE("-n wants N behind it", "list", "-n");
	ASSERT_USAGE("--json takes no value", "list", "--json=yes");
	ASSERT_USAGE("'rstmon list' has no option --window", "list", "--window", "5m");
	ASSERT_USAGE("'rstmon status' has no option -n", "status", "-n", "5");
	ASSERT_USAGE("takes no argument 'now'", "status", "now");
}

Test(cli_options, the_verb_is_known_even_if_an_option_is_not)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "--bogus", "check", "-w", "1/min"), -EINVAL);
	cr_assert_str_eq(o.verb->name, "check");
	cr_assert_eq(PARSE(&o, "nosuch"), -EINVAL);
	cr_assert_null(o.verb);
}

Test(cli_options, numbers_and_words_are_checked)
{
	ASSERT_USAGE("no number of lines", "list", "-n", "0");
	ASSERT_USAGE("no number of lines", "list", "-n", "5x");
	ASSERT_USAGE("no number of lines", "list", "-n", "-5");
	ASSERT_USAGE("no number of lines", "list", "-n", "2147483648");
	ASSERT_USAGE("none of: process port cause unit peer", "list", "--by", "host");
	ASSERT_USAGE("none of", "list", "--by", "port cause");
	ASSERT_USAGE("none of", "list", "--by", "");
	ASSERT_USAGE("none of", "list", "--sort", "size");
	ASSERT_USAGE("no length of time", "watch", "--timeout", "soon");
	ASSERT_USAGE("no length of time", "watch", "--timeout", "0");
	ASSERT_USAGE("--textfile: the name is empty", "metrics", "--textfile", "");
}

Test(cli_options, times)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "last", "--since", "10m", "--until=2026-11-22T07:30:00Z"), 0, "%s",
		     error);
	cr_assert_eq(o.since, NOW - 600 * NSEC_PER_SEC);
	cr_assert_eq(o.until, NOW - 96 * NSEC_PER_SEC);
	cr_assert_eq(PARSE(&o, "list", "--since", "07:30", "--utc"), 0, "%s", error);
	cr_assert_eq(o.since, NOW - 96 * NSEC_PER_SEC);
	ASSERT_USAGE("is no time", "list", "--since", "yesterday");
	ASSERT_USAGE("is not in the past", "list", "--since", "2030-01-01T00:00:00Z");
	ASSERT_USAGE("--until is not after --since", "last", "--since", "5m", "--until", "10m");
}

Test(cli_options, check_wants_rates_that_make_sense)
{
	struct cli_options o;

	cr_assert_eq(
		PARSE(&o, "check", "-w", "1/s", "-c", "90/min", "--window", "10m", "port", "80"), 0,
		"%s", error);
	cr_assert_eq(o.warning, 60);
	cr_assert_eq(o.critical, 90);
	cr_assert_eq(o.window_ns, 600 * NSEC_PER_SEC);
	cr_assert_eq(PARSE(&o, "check", "-c", "0/min"), 0, "%s", error);
	cr_assert_lt(o.warning, 0);
	cr_assert_eq(o.critical, 0);
	cr_assert_eq(o.window_ns, 300 * NSEC_PER_SEC);
	ASSERT_USAGE("wants a rate", "check");
	ASSERT_USAGE("-w is above -c", "check", "-w", "5/min", "-c", "4/min");
	ASSERT_USAGE("is no rate", "check", "-w", "5");
	ASSERT_USAGE("is no rate", "check", "-w", "5/day");
	ASSERT_USAGE("shorter than a minute", "check", "-w", "5/min", "--window", "30s");
}

Test(cli_options, filters_are_tried_here)
{
	_cleanup_free_ char *long_word = malloc(RSTMON_FILTER_MAX + 1);

	cr_assert_not_null(long_word);
	memset(long_word, 'x', RSTMON_FILTER_MAX);
	long_word[RSTMON_FILTER_MAX] = '\0';
	ASSERT_USAGE("bad filter, column 6: port is a number", "list", "port", "http");
	ASSERT_USAGE("use watch or last", "list", "state", "CLOSE");
	ASSERT_USAGE("use watch or last", "check", "-w", "1/min", "peer", "10.0.0.0/8");
	ASSERT_USAGE("longer than 1024 bytes", "list", "comm", long_word);
}

Test(cli_options, help_and_version)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "--help"), 0);
	cr_assert_str_eq(o.verb->name, "help");
	cr_assert_null(o.topic);
	cr_assert_eq(PARSE(&o, "check", "-h"), 0, "%s", error);
	cr_assert_str_eq(o.verb->name, "help");
	cr_assert_str_eq(o.topic, "check");
	cr_assert_eq(PARSE(&o, "help", "last"), 0);
	cr_assert_str_eq(o.topic, "last");
	cr_assert_eq(PARSE(&o, "list", "--version"), 0);
	cr_assert_str_eq(o.verb->name, "version");
	ASSERT_USAGE("there is no verb 'history'", "help", "history");
	ASSERT_USAGE("takes no argument", "help", "list", "last");
	ASSERT_USAGE("there is no verb 'history'", "history", "--help");
}

Test(cli_options, every_option_belongs_to_a_verb)
{
	unsigned int all = CLI_COMMON_OPTIONS;

	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		all |= v->options;
	cr_assert_eq(all, (1ULL << CLI_OPTION_MAX) - 1);
}

Test(cli_options, mistakes_point_to_the_help_of_the_verb)
{
	ASSERT_USAGE("there is no option '--bogus'; see 'rstmon help last'", "--bogus", "last");
	ASSERT_USAGE("there is no option '-z'; see 'rstmon --help'", "-z");
	ASSERT_USAGE("there is no option '-z'; see 'rstmon --help'", "-z", "nonsense");
	ASSERT_USAGE("--since wants TIME behind it; see 'rstmon help list'", "list", "--since");
	ASSERT_USAGE("--json takes no value; see 'rstmon help list'", "list", "--json=1");
}

Test(cli_options, where_the_exporter_listens)
{
	struct cli_options o;

	cr_assert_eq(PARSE(&o, "exporter"), 0, "%s", error);
	cr_assert_str_eq(o.listen, "127.0.0.1:9941");
	cr_assert_eq(PARSE(&o, "exporter", "--listen", "[::1]:0"), 0, "%s", error);
	cr_assert_str_eq(o.listen, "[::1]:0");
	ASSERT_USAGE("bad --listen, column 11: 'x' is no port", "exporter", "--listen=127.0.0.1:x");
	ASSERT_USAGE("has no option --listen", "list", "--listen", "[::1]:0");
	ASSERT_USAGE("takes no argument", "exporter", "[::1]:0");
}

Test(cli_options, a_verb_with_a_slip)
{
	ASSERT_USAGE("there is no verb 'lsit'; did you mean 'list'?", "lsit");
	ASSERT_USAGE("did you mean 'watch'?", "wacht");
	ASSERT_USAGE("did you mean 'status'?", "help", "stats");
	ASSERT_USAGE("there is no verb 'importer2'; 'rstmon help'", "importer2");
	ASSERT_USAGE("there is no verb 'listlistlistlist'; 'rstmon help'", "listlistlistlist");
	ASSERT_USAGE("did you mean 'rstmon list port ...'?", "port");
}

Test(cli_options, rows_have_what_they_are_sorted_by)
{
	struct cli_options o;

	ASSERT_USAGE("rows by port have no pid; give one of: count last first port", "list", "--by",
		     "port", "--sort", "pid");
	ASSERT_USAGE("rows by cause have no unit", "--by", "cause", "--sort", "unit");
	ASSERT_USAGE("rows by unit have no direction", "--by", "unit", "--sort", "direction");
	ASSERT_USAGE("rows by peer have no port", "--by", "peer", "--sort", "port");
	cr_assert_eq(PARSE(&o, "list", "--by", "port", "--sort", "port"), 0, "%s", error);
	cr_assert_eq(PARSE(&o, "list", "--by", "peer", "--sort", "direction"), 0, "%s", error);
	cr_assert_eq(PARSE(&o, "list", "--sort", "pid"), 0, "%s", error);
	cr_assert_eq(PARSE(&o, "list", "--by", "unit"), 0, "%s", error);
}

Test(cli_options, peers_take_no_filter)
{
	ASSERT_USAGE("leave out --since, or", "list", "--by", "peer", "--since", "5m");
	ASSERT_USAGE("leave out the filter, or", "list", "--by", "peer", "port", "80");
	ASSERT_USAGE("leave out --since and the filter, or", "--by", "peer", "--since", "5m",
		     "list", "port", "80");
}
