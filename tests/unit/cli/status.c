/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "cli/text.h"
#include "common/str.h"

static char *text_with(const char *json, const struct cli_options *o)
{
	struct json_object *status = json_tokener_parse(json);
	char *text = cli_status_text(status, o);

	cr_assert_not_null(text);
	json_object_put(status);
	return text;
}

static char *text_of(const char *json)
{
	const struct cli_options o = {.utc = true};

	return text_with(json, &o);
}

Test(cli_status, sections)
{
	_cleanup_free_ char *text = text_of(
		"{\"version\":\"0.1.0\",\"kernel\":\"6.18.44\",\"uptime_s\":11520,\"sent\":37,"
		"\"received\":12,\"spilled\":0,\"lost\":0,\"missed\":0,\"unexplained\":{\"TcpOutRsts\":"
		"-2},\"netns\":[{\"inode\":4026531840,\"sent\":37,\"received\":12,\"counters\":{"
		"\"TcpOutRsts\":35},\"unexplained\":{\"TcpOutRsts\":-2}},{\"inode\":5,\"sent\":0,"
		"\"received\":0,\"counters\":{},\"uncovered\":true}],\"hooks\":[{\"name\":"
		"\"tcp_send_reset\",\"attached\":true,\"adds\":\"resets sent\"},{\"name\":\"extra\","
		"\"attached\":false,\"adds\":\"more\",\"why\":\"not permitted\"},{\"name\":\"quiet\","
		"\"attached\":false,\"why\":\"switched off in the configuration\"}],\"rows\":3,"
		"\"ring_bytes\":1048576,\"cpu_ns_per_reset\":112,\"failures\":{\"map\":1}}");

	cr_assert(strstr(text, "rstmond 0.1.0 on Linux 6.18.44, up for 3h12m\n"), "%s", text);
	cr_assert(strstr(text, "TcpOutRsts=-2"));
	cr_assert(strstr(text, "1 more namespace, uncovered (0 sent, 0 received)"));
	cr_assert(strstr(text, "TcpOutRsts=-2 in 1 of 1 namespace  ("));
	cr_assert(strstr(text, "missing   more (not attached: not permitted)"), "%s", text);
	cr_assert(strstr(text, "quiet           yes     off "), "%s", text);
	cr_assert(strstr(text, "1.0 MiB"));
	cr_assert(strstr(text, "112  ns"));
	cr_assert(strstr(text, "map=1"));
	cr_assert_not(strstr(text, "Since"), "what is not told is not shown");
	cr_assert_not(strstr(text, "Problem"));
	cr_assert_not(strstr(text, "watchers"), "what is not told is not shown");
}

Test(cli_status, alerts)
{
	_cleanup_free_ char *text = text_of(
		"{\"alerts\":[{\"alert\":\"service-down\",\"severity\":\"err\",\"told\":true,"
		"\"since\":\"2026-01-02T03:04:05Z\",\"count\":37,\"rate\":3.66,\"cause\":"
		"\"service_down\",\"port\":8080,\"comm\":\"\",\"unit\":\"\"},{\"alert\":"
		"\"evil\\u001b[2J\",\"told\":false,\"comm\":\"java\",\"unit\":\"a\\nb\",\"rate\":"
		"{}},7]}");
	_cleanup_free_ char *none = text_of("{\"alerts\":[]}");

	cr_assert(strstr(text, "\n  service-down         err     service_down, 220/min now, 37 "
			       "since 2026-01-02 03:04:05Z, port 8080\n"),
		  "%s", text);
	cr_assert(strstr(text, ", java of a?b, without a line of the log\n"), "%s", text);
	cr_assert_null(strchr(text, '\x1b'));
	cr_assert_null(strstr(none, "Alerts"));
}

Test(cli_status, rates_of_alerts_are_those_of_the_configuration)
{
	static const struct {
		const char *per_second, *text;
	} rates[] = {
		{"0", " 0/min now,"},	       {"0.0333333", " 2.0/min now,"},
		{"0.00666", " 0.4/min now,"},  {"0.9", " 54/min now,"},
		{"2e5", " 12000000/min now,"}, {"1e308", " inf/min now,"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		_cleanup_free_ char *text = NULL;
		char json[96];

		snprintf(json, sizeof(json), "{\"alerts\":[{\"alert\":\"a\",\"rate\":%s}]}",
			 rates[i].per_second);
		text = text_of(json);
		cr_expect(strstr(text, rates[i].text), "%s gave %s", rates[i].per_second, text);
	}
}

Test(cli_status, origin)
{
	_cleanup_free_ char *adopted =
		text_of("{\"version\":\"1\",\"since\":\"2026-01-02T03:04:05.678Z\","
			"\"origin\":\"adopted\",\"generation\":3}");
	_cleanup_free_ char *recording = text_of("{\"since\":\"2026-01-02T03:04:05.678Z\"}");

	cr_assert(strstr(adopted, "\nSince 2026-01-02 03:04:05.678Z, adopted, generation 3\n"),
		  "%s", adopted);
	cr_assert(strstr(recording, "Since 2026-01-02 03:04:05.678Z\n"), "%s", recording);
}

Test(cli_status, times_are_those_of_the_place)
{
	const char json[] = "{\"version\":\"1\",\"since\":\"2026-01-02T03:04:05.678Z\",\"alerts\":["
			    "{\"alert\":\"a\",\"since\":\"2026-01-02T03:04:05Z\"},"
			    "{\"alert\":\"b\",\"since\":\"soon\"}]}";
	struct cli_options o = {};
	_cleanup_free_ char *here = NULL, *utc = NULL;

	setenv("TZ", "TST-2", 1); /* no rules, no files */
	tzset();
	cr_assert_eq(parse_time("2026-01-02T12:00:00Z", &o.now), 0);
	here = text_with(json, &o);
	o.utc = true;
	utc = text_with(json, &o);
	cr_expect(strstr(here, "\nSince 2026-01-02 05:04:05.678\n"), "%s", here);
	cr_expect(strstr(here, " since 05:04:05,"), "%s", here);
	cr_expect(strstr(here, " since -,"), "%s", here);
	cr_expect(strstr(utc, "\nSince 2026-01-02 03:04:05.678Z\n"), "%s", utc);
	cr_expect(strstr(utc, " since 03:04:05Z,"), "%s", utc);
}

Test(cli_status, a_note_is_no_problem)
{
	_cleanup_free_ char *text =
		text_of("{\"version\":\"1\",\"problems\":\"\",\"notes\":\"It keeps CAP_BPF.\"}");
	_cleanup_free_ char *none = text_of("{\"version\":\"1\",\"notes\":\"\"}");

	cr_assert_not_null(strstr(text, "\nNote: It keeps CAP_BPF.\n"), "%s", text);
	cr_assert_null(strstr(text, "Problem"));
	cr_assert_null(strstr(none, "Note"));
}

Test(cli_status, problems_come_first)
{
	_cleanup_free_ char *text =
		text_of("{\"degraded\":true,\"problems\":\"A hook is missing.\"}");
	_cleanup_free_ char *list = text_of("{\"problems\":[\"one\",\"two\"]}");
	_cleanup_free_ char *silent = text_of("{\"degraded\":true,\"problems\":\"\"}");

	cr_assert_eq(strstr(text, "Problems: A hook is missing."), text);
	cr_assert_eq(strstr(list, "Problem: one\nProblem: two\n"), list);
	cr_assert_eq(strstr(silent, "Problems: "), silent);
}

Test(cli_status, hostile_status)
{
	static const char *const replies[] = {
		"{}",
		"{\"netns\":[5,null,{}],\"hooks\":[[],{}],\"unexplained\":[],\"failures\":5}",
		"{\"version\":\"\\u001b[2J\",\"problems\":[null,5],\"uptime_s\":9223372036854775807,"
		"\"unexplained\":{\"\\u001b\":\"x\"}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		_cleanup_free_ char *text = text_of(replies[i]);

		cr_assert_not(strchr(text, '\033'));
	}
}

#define GONE(sent) "{\"inode\":7,\"sent\":" sent ",\"received\":1,\"uncovered\":true}"

Test(cli_status, namespaces_that_are_gone_are_one_line)
{
	_cleanup_free_ char *text = text_of(
		"{\"unexplained\":{\"TcpOutRsts\":3},\"netns\":[{\"inode\":99,\"unexplained\":{"
		"\"TcpOutRsts\":3}},{\"inode\":98,\"unexplained\":{\"TcpOutRsts\":0}}," GONE(
			"5") "," GONE("6") "]}");

	cr_assert(strstr(text, "TcpOutRsts=+3 in 1 of 2 namespaces  ("), "%s", text);
	cr_assert(strstr(text, "2 more namespaces, uncovered (11 sent, 2 received)"), "%s", text);
	cr_assert(strstr(text, "1 network namespace without a reset"));
	cr_assert_not(strstr(text, " 7  "));
}

Test(cli_status, without_a_namespace_to_compare_there_is_no_zero)
{
	_cleanup_free_ char *gone = text_of("{\"unexplained\":{},\"netns\":[" GONE("5") "]}");
	_cleanup_free_ char *none = text_of("{\"unexplained\":{\"TcpOutRsts\":0}}");

	cr_expect(strstr(gone, "unexplained          not known: no namespace can be compared\n"),
		  "%s", gone);
	cr_expect(strstr(gone, "  1 namespace, uncovered (5 sent, 1 received): "), "%s", gone);
	cr_expect_null(strstr(gone, "more"), "%s", gone);
	cr_expect_null(strstr(gone, "NETNS"), "%s", gone);
	cr_expect(strstr(none, "not known: no namespace can be compared\n"), "%s", none);
}

Test(cli_status, a_hook_that_rests_says_until_when)
{
	_cleanup_free_ char *text = text_of(
		"{\"hooks\":[{\"name\":\"a\",\"attached\":false,\"resting\":true,\"adds\":\"readers\","
		"\"why\":\"rests: it had nothing to find\"}]}");

	cr_expect(strstr(text, "resting"), "%s", text);
	cr_expect(strstr(text, "readers (rests until the next accepted connection)"), "%s", text);
	cr_expect_null(strstr(text, "not attached"), "%s", text);
}

/* As --probe shows them. */
Test(cli_status, a_hook_that_is_not_there_says_what_that_means)
{
	_cleanup_free_ char *text = text_of(
		"{\"hooks\":[{\"name\":\"a\",\"wanted\":true,\"attached\":true,\"got\":\"attached\","
		"\"adds\":\"resets\",\"consequence\":\"\",\"required\":true},"
		"{\"name\":\"b\",\"wanted\":true,\"attached\":false,\"got\":\"absent\",\"adds\":\"x\","
		"\"consequence\":\"no errors\",\"why\":\"no such tracepoint\"},"
		"{\"name\":\"c\",\"wanted\":false,\"attached\":false,\"got\":\"off\",\"adds\":\"y\","
		"\"consequence\":\"\",\"why\":\"not needed here\"}]}");

	cr_expect(strstr(text, "HOOK  WANTED  GOT       CONSEQUENCE\n"), "%s", text);
	cr_expect(strstr(text, "a     must    attached  resets\n"), "%s", text);
	cr_expect(strstr(text, "b     yes     absent    no errors (no such tracepoint)\n"), "%s",
		  text);
	cr_expect(strstr(text, "c     no      off       not needed here\n"), "%s", text);
}

Test(cli_status, timeouts_are_told_beside_the_resets)
{
	_cleanup_free_ char *text = text_of(
		"{\"sent\":5,\"timeouts\":3,\"timeouts_spilled\":0,\"timeouts_lost\":2,\"netns\":[{"
		"\"inode\":99,\"sent\":0,\"received\":0,\"timeouts\":3},{"
		"\"inode\":98,\"sent\":1,\"timeouts\":4,\"uncovered\":true}]}");

	cr_assert(strstr(text, " 3  connections that failed without any reset\n"), "%s", text);
	cr_assert(strstr(text, "lost time-outs"));
	cr_assert_not(strstr(text, "spilled time-outs"), "only where there are any");
	cr_assert(strstr(text, "TIME-OUTS"));
	cr_assert_not(strstr(text, "without a reset\n"), "not a quiet namespace");
	cr_assert(strstr(text, "1 more namespace, uncovered (1 sent, 0 received, 4 time-outs): "));
}

Test(cli_status, limits_are_explained)
{
	_cleanup_free_ char *text = text_of("{\"evicted\":4,\"folded\":5,\"watch_dropped\":6}");

	cr_assert(strstr(text, "5  resets counted in an owner's row 'other ports'"), "%s", text);
	cr_assert(strstr(text, "6  their readers were too slow, or more than 10000 a second"));
	cr_assert(strstr(text, "4  rows folded together, and resets in '(all others)'"));
}

Test(cli_status, a_difference_is_told_with_what_may_be_behind_it)
{
	_cleanup_free_ char *text = text_of(
		"{\"unexplained\":{\"TcpOutRsts\":0,\"TcpExtEmbryonicRsts\":2},\"hidden\":{"
		"\"TcpExtEmbryonicRsts\":\"half-open \\u001b and more words than fit into one line of "
		"it, so that the second line has to begin where the first one did\"},\"netns\":[{"
		"\"inode\":9,\"sent\":1,\"counters\":{\"TcpOutRsts\":1,\"TcpExtEmbryonicRsts\":2},"
		"\"unexplained\":{\"TcpOutRsts\":0,\"TcpExtEmbryonicRsts\":2}}],\"slots\":64,"
		"\"slots_used\":3,\"kernel_bytes\":3145728}");
	_cleanup_free_ char *none = text_of(
		"{\"unexplained\":{\"TcpOutRsts\":0},\"hidden\":{},\"slots\":0,\"kernel_bytes\":0,"
		"\"netns\":[{\"inode\":9,\"unexplained\":{\"TcpOutRsts\":0}}]}");

	cr_expect(
		strstr(text, "unexplained          TcpExtEmbryonicRsts=+2 in 1 of 1 namespace  ("),
		"%s", text);
	cr_expect(strstr(text, "    TcpExtEmbryonicRsts         half-open "), "%s", text);
	cr_expect(strstr(text, "\n                                "), "%s", text);
	cr_expect_null(strstr(text, "TcpOutRsts=+0"));
	cr_expect_null(strchr(text, '\033'));
	cr_expect(strstr(text, "           3  of 64 places"), "%s", text);
	cr_expect(strstr(text, "3.0 MiB"), "%s", text);
	cr_expect(strstr(none, "unexplained                     0 in 0 of 1 namespace  ("), "%s",
		  none);
	cr_expect_null(strstr(none, "places"));
	cr_expect_null(strstr(none, "maps"));
}
