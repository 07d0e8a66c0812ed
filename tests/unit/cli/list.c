/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <time.h>

#include "cli/text.h"

#define NOW (1795332696ULL * NSEC_PER_SEC) /* 2026-11-22T07:31:36Z */

static const struct cli_options plain = {.now = NOW, .utc = true, .by = "process"};

static char *text_of_most(const char *json, const struct cli_options *o, size_t most)
{
	struct json_object *parameters = json_tokener_parse(json);
	char *text = cli_list_text(parameters, o, false, most);

	cr_assert_not_null(parameters);
	cr_assert_not_null(text);
	json_object_put(parameters);
	return text;
}

static char *text_of(const char *json, const struct cli_options *o)
{
	return text_of_most(json, o, 0);
}

#define TOTALS	     "\"totals\":{\"sent\":37,\"received\":12,\"spilled\":1,\"lost\":2}"
#define ROW(members) "{\"last\":\"2026-11-22T07:30:00.000001Z\",\"count\":5," members "}"

Test(cli_list, rows_and_totals)
{
	_cleanup_free_ char *text = text_of(
		"{\"rows\":[" ROW(
			"\"pid\":812,\"comm\":\"nginx\",\"unit\":\"nginx.service\",\"port\":"
			"8080,\"role\":\"server\",\"direction\":\"sent\",\"cause\":"
			"\"unknown\"") "," ROW("\"pid\":0,\"comm\":\"\",\"unit\":\"\","
					       "\"port\":9,\"role\":\"none\",\"direction\":"
					       "\"sent\",\"cause\":\"closed_port\"") "]," TOTALS
										     "}",
		&plain);

	cr_assert(strstr(text, "COUNT"));
	cr_assert(strstr(text, "nginx[812]"), "%s", text);
	cr_assert(strstr(text, "07:30:00Z"));
	cr_assert(strstr(text, "nginx.service"));
	cr_assert(strstr(text, "closed_port"));
	cr_assert(strstr(text, "  -  "), "nobody is a dash");
	cr_assert(strstr(text, "In all: 37 sent, 12 received; 1 counted without detail, 2 lost\n"));
	cr_assert_not(strstr(text, "CONTAINER"), "nothing to tell apart");
	cr_assert_not(strstr(text, "\033"));
}

Test(cli_list, rows_that_stand_for_many)
{
	_cleanup_free_ char *text = text_of(
		"{\"rows\":[" ROW("\"pid\":7,\"comm\":\"scan\",\"other_ports\":true,\"port\":0") "," ROW(
			"\"pid\":0,\"comm\":\"java\",\"folded\":true,\"port\":80") "," ROW("\"other\":true,\"pid\":0,\"comm\":\"\"") "]}",
		&plain);

	cr_assert(strstr(text, "scan[7]"));
	cr_assert(strstr(text, "others"));
	cr_assert(strstr(text, "java (ended)"));
	cr_assert(strstr(text, "(all others)"));
}

Test(cli_list, columns_that_tell_rows_apart)
{
	_cleanup_free_ char *text = text_of(
		"{\"rows\":[" ROW("\"netns\":4026531840,\"container\":\"0123456789abcdef\",\"pod\":\"p1\"") "," ROW(
			"\"netns\":4026532000,\"container\":\"fedcba9876543210\",\"pod\":\"p2\"") "]}",
		&plain);

	cr_assert(strstr(text, "NETNS"));
	cr_assert(strstr(text, "4026532000"));
	cr_assert(strstr(text, "0123456789ab"));
	cr_assert_not(strstr(text, "0123456789abc"), "short, as container tools show it");
	cr_assert(strstr(text, "POD"));
	cr_assert(strstr(text, "p2"));
}

Test(cli_list, other_groupings_have_their_own_columns)
{
	struct cli_options o = plain;
	_cleanup_free_ char *port = NULL, *peer = NULL;

	o.by = "port";
	port = text_of("{\"rows\":[{\"port\":80,\"count\":3}]}", &o);
	cr_assert(strstr(port, "PORT"));
	cr_assert_not(strstr(port, "PROCESS"));
	o.by = "peer";
	peer = text_of("{\"rows\":[{\"peer\":\"192.0.2.1\",\"direction\":\"sent\",\"count\":3,"
		       "\"error\":1}]}",
		       &o);
	cr_assert(strstr(peer, "ERROR"));
	cr_assert(strstr(peer, "192.0.2.1"));
	cr_assert(strstr(peer, "LATEST"));
	cr_assert_not(strstr(peer, "DIRECTION"), "its count is of both");
}

Test(cli_list, nothing_and_partial)
{
	struct cli_options o = plain;
	_cleanup_free_ char *none = text_of("{\"rows\":[]}", &o), *matching = NULL, *quiet = NULL;

	cr_assert(strstr(none, "No resets so far.\nIn all: 0 sent"));
	snprintf(o.filter, sizeof(o.filter), "port 80");
	matching = text_of("{\"rows\":[],\"partial\":true}", &o);
	cr_assert(strstr(matching, "No reset matches."));
	cr_assert(strstr(matching, "does not reach back"));
	o.no_headings = true;
	quiet = text_of("{\"rows\":[]}", &o);
	cr_assert_str_eq(quiet, "");
}

#define TIMEOUT_ROW                                                                                \
	ROW("\"pid\":7,\"comm\":\"curl\",\"unit\":\"\",\"port\":443,\"role\":\"client\","          \
	    "\"direction\":\"\",\"cause\":\"connect_timeout\"")

Test(cli_list, timeouts_are_a_table_of_their_own)
{
	struct cli_options o = plain;
	_cleanup_free_ char *text = NULL, *cut = NULL, *none = NULL, *quiet = NULL;
	static const char two[] = "{\"rows\":[],\"timeouts\":[" TIMEOUT_ROW "," TIMEOUT_ROW
				  "],\"totals\":{\"sent\":1,\"received\":0,\"spilled\":0,"
				  "\"lost\":0,\"timeouts\":10}}";
	const char *table;

	text = text_of(
		"{\"rows\":[" ROW(
			"\"pid\":1,\"comm\":\"java\",\"direction\":\"sent\"") "],"
									      "\"timeouts\":[" TIMEOUT_ROW
									      "],\"totals\":{\"sent\":5,\"timeouts\":1}}",
		&o);
	table = strstr(text, "\nTime-outs: connections that failed without any reset\nCOUNT");
	cr_assert(table, "%s", text);
	cr_assert_lt(strstr(text, "java[1]"), table);
	cr_assert_gt(strstr(text, "curl[7]"), table);
	cr_assert_not(strstr(table, "DIRECTION"), "they have none");
	cr_assert(strstr(table, "connect_timeout\n\nIn all: 5 sent, 0 received; 0 counted "
				"without detail, 0 lost; 1 time-out\n"),
		  "%s", text);

	cut = text_of_most(two, &o, 1);
	cr_assert(strstr(cut, "No resets so far.\n\nTime-outs: "), "%s", cut);
	cr_assert(strstr(cut, "\n… 1 more row of time-outs\n"));
	cr_assert(strstr(cut, "0 lost; 10 time-outs\n"));
	none = text_of("{\"rows\":[],\"timeouts\":[],\"totals\":{\"timeouts\":0}}", &o);
	cr_assert_not(strstr(none, "ime-out"));
	o.no_headings = true;
	quiet = text_of(two, &o);
	cr_assert_str_eq(quiet, "");
}

Test(cli_list, without_headings_only_rows)
{
	struct cli_options o = plain;
	_cleanup_free_ char *text = NULL;

	o.no_headings = true;
	o.by = "cause";
	text = text_of("{\"rows\":[{\"cause\":\"closed_port\",\"count\":3}]}", &o);
	cr_assert_str_eq(text, "3  -  closed_port\n");
}

Test(cli_list, hostile_replies)
{
	static const char *const replies[] = {
		"{}",
		"{\"rows\":5,\"totals\":[]}",
		"{\"rows\":[5,null,\"x\",[]]}",
		"{\"rows\":[],\"timeouts\":[5,null,\"\\u001b[2J\",{\"comm\":\"\\u001b\"}]}",
		"{\"timeouts\":{}}",
		"{\"rows\":[{\"pid\":\"x\",\"comm\":5,\"last\":7,\"port\":-1,\"count\":{}}]}",
		"{\"rows\":[{\"comm\":\"a\\u001b[2Jb\\u0000c\",\"unit\":\"\\u009b\\n\"}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		_cleanup_free_ char *text = text_of(replies[i], &plain);

		cr_assert_not(strstr(text, "\033"));
		cr_assert_not(strstr(text, "\xc2\x9b"));
	}
}

#define TIME(time) "\"from\":\"2026-11-22T" time "Z\""

Test(cli_list, since_when_it_counts)
{
	struct cli_options o = plain;
	_cleanup_free_ char *rounded = NULL, *late = NULL, *both = NULL, *never = NULL;

	o.since = NOW - 276 * NSEC_PER_SEC; /* 07:27:00 */
	rounded =
		text_of("{\"rows\":[]," TIME("07:27:00") ",\"totals\":{" TIME("05:00:00") "}}", &o);
	cr_assert(strstr(rounded, "Counted since 07:27:00Z.\n"), "%s", rounded);
	cr_assert(strstr(rounded, "Whole host since 05:00:00Z: 0 sent"), "%s", rounded);
	cr_assert_not(strstr(rounded, "In all"));
	late = text_of("{\"rows\":[],\"partial\":true," TIME("07:30:00") "}", &o);
	cr_assert(strstr(late, "Counted since 07:30:00Z, when rstmond began to count.\n"), "%s",
		  late);
	cr_assert_not(strstr(late, "does not reach back"), "nothing older is there");
	o.since = NOW - 36000 * NSEC_PER_SEC;
	both = text_of("{\"rows\":[],\"partial\":true," TIME("05:00:00") "}", &o);
	cr_assert(strstr(both, "when rstmond began"));
	cr_assert(strstr(both, "does not reach back"));
	never = text_of("{\"rows\":[]," TIME("05:00:00") "}", &plain);
	cr_assert_not(strstr(never, "Counted since"), "nobody asked");
}

#define CAUSE_ROW(cause, count) "{\"cause\":\"" cause "\",\"count\":" count "}"

Test(cli_list, a_terminal_gets_the_first_rows)
{
	static const char rows[] = "{\"rows\":[" CAUSE_ROW("closed_port", "9") "," CAUSE_ROW(
		"bad_syn", "5") "," CAUSE_ROW("unknown", "1") "]}";
	struct cli_options o = plain;
	_cleanup_free_ char *one = NULL, *two = NULL, *all = NULL;

	o.by = "cause";
	one = text_of_most(rows, &o, 1);
	cr_assert(strstr(one, "\n… 2 more rows with 6 resets; -n N or a filter shows them\n"), "%s",
		  one);
	cr_assert_not(strstr(one, "bad_syn"));
	cr_assert_not(strstr(one, "unknown:"), "no row that is shown");
	two = text_of_most(rows, &o, 2);
	cr_assert(strstr(two, "… 1 more row with 1 reset;"));
	all = text_of_most(rows, &o, 3);
	cr_assert_not(strstr(all, "more row"));
	cr_assert(strstr(all, "\nunknown: 'rstmon last FILTER' shows reason and state of each\n"));
}

Test(cli_list, the_listener_is_named_as_such)
{
	_cleanup_free_ char *text = text_of(
		"{\"rows\":[" ROW("\"pid\":7,\"comm\":\"java\",\"owner_source\":\"listen\"") "," ROW(
			"\"pid\":8,\"comm\":\"java\",\"owner_source\":\"read\"") "]}",
		&plain);

	cr_assert(strstr(text, "java[7] (listener)"));
	cr_assert(strstr(text, "java[8] "));
	cr_assert_not(strstr(text, "java[8] (listener)"));
}
