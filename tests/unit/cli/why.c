/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>

#include "cli/text.h"

#define NOW (1795332696ULL * NSEC_PER_SEC) /* 2026-11-22T07:31:36Z */

static const struct cli_options plain = {.now = NOW, .utc = true};

static char *text_of(const char *json, const struct cli_options *o, unsigned int width)
{
	struct json_object *parameters = json_tokener_parse(json);
	char *text;

	cr_assert_not_null(parameters, "%s", json);
	text = cli_why_text(parameters, o, false, width);
	cr_assert_not_null(text);
	json_object_put(parameters);
	return text;
}

#define ASSERT_PART(text, part) cr_expect(strstr(text, part), "'%s' is not in\n%s", part, text)
#define ASSERT_NOT(text, part)	cr_expect(!strstr(text, part), "'%s' is in\n%s", part, text)

#define STORY                                                                                                                               \
	"{\"cause\":\"keepalive_race_server\",\"summary\":\"S\",\"confidence\":\"high\","                                                   \
	"\"kind\":\"sent\",\"severity\":\"act\",\"port\":8080,\"ports\":1,\"count\":73,"                                                    \
	"\"sent\":37,\"received\":36,\"timeouts\":0,\"first\":\"2026-11-22T07:30:00.5Z\","                                                  \
	"\"last\":\"2026-11-22T07:31:00Z\",\"fact\":\"closed with data unread\","                                                           \
	"\"narrative\":\"java[812] closed an idle connection.\",\"retry\":\"Yes, once.\","                                                  \
	"\"advice\":[\"Set keepalive_timeout of nginx below 60 s.\",\"Retry.\"],"                                                           \
	"\"parties\":[{\"pid\":812,\"comm\":\"java\",\"unit\":\"tomcat.service\",\"role\":"                                                 \
	"\"server\",\"direction\":\"sent\",\"count\":37},{\"pid\":0,\"comm\":\"nginx\",\"unit\":"                                           \
	"\"\",\"role\":\"client\",\"direction\":\"received\",\"count\":36}],\"more_parties\":2,"                                            \
	"\"samples\":73,\"pairs\":73,\"peers\":1,\"evidence\":[\"other_end=nginx[640]\",\"idle_alike=5\",\"both_ends\"],"                   \
	"\"errno\":\"ECONNRESET\",\"errno_pid\":640,\"errno_comm\":\"nginx\",\"idle_ms\":{\"least\":59000,\"median\":60000,\"most\":61000," \
	"\"known\":9},\"unread_bytes\":{\"least\":3,\"median\":3,\"most\":3,\"known\":9}}"

Test(cli_why, a_story_as_people_read_it)
{
	_cleanup_free_ char *text =
		text_of("{\"stories\":[" STORY "],\"incidents\":[],\"counters\":[],\"rest\":0,"
			"\"more\":0,\"from\":\"2026-11-22T07:00:00Z\"}",
			&plain, 100);

	cr_assert_str_eq(
		text,
		"1 cause of TCP resets and time-outs since 07:00:00Z:\n\n"
		"1. keepalive_race_server on port 8080: 37 resets sent, 36 received; high "
		"confidence\n"
		"   java[812] closed an idle connection.\n\n"
		"   Fact     closed with data unread\n"
		"   Who      java[812] of tomcat.service, the server: 37 sent\n"
		"            nginx (ended), the client: 36 received\n"
		"            and 2 more\n"
		"   When     07:30:00Z to 07:31:00Z; both ends are on this host\n"
		"   Measured the last data had arrived 59s to 1m1s before, typically 1m; not read: 3 "
		"bytes\n"
		"   Evidence idle_alike=5, both_ends\n"
		"   Error    nginx[640] got ECONNRESET, \"Connection reset by peer\"\n"
		"   To do    - Set keepalive_timeout of nginx below 60 s.\n"
		"            - Retry.\n"
		"   Retry    Yes, once.\n\n"
		"'rstmon explain CAUSE' tells all about a cause, 'rstmon last cause CAUSE' shows "
		"single resets.\n",
		"%s", text);
}

Test(cli_why, lines_are_as_wide_as_the_terminal)
{
	_cleanup_free_ char *text = text_of("{\"stories\":[" STORY "]}", &plain, 60);

	ASSERT_PART(text, "59s to 1m1s before,\n            typically 1m;");
	ASSERT_PART(text, "1. keepalive_race_server on port 8080: 37 resets sent, 36\n"
			  "   received; high confidence\n");
	ASSERT_NOT(text, "since");
}

#define PARTY(comm, direction)                                                                     \
	"{\"pid\":5,\"comm\":\"" comm "\",\"direction\":\"" direction "\",\"count\":3}"

/* clang-format off */
static const char several[] =
	"{\"stories\":[" STORY ","
	"{\"cause\":\"linger_zero\",\"confidence\":\"certain\",\"ports\":4,\"more_ports\":true,"
	"\"count\":9,\"sent\":9,\"samples\":9,\"pairs\":0,"
	"\"parties\":[" PARTY("a", "sent") "," PARTY("b", "sent") "]},"
	"{\"cause\":\"connect_timeout\",\"confidence\":\"high\",\"port\":81,\"timeouts\":2,"
	"\"samples\":2,\"parties\":[" PARTY("curl", "") "]},"
	"{\"cause\":\"admin_abort\",\"port\":81,\"sent\":5,\"received\":3,\"echoes\":2,"
	"\"samples\":8,\"pairs\":8,\"errno\":\"ECONNABORTED\",\"errno_comm\":\"a\",\"errno_pid\":5,"
	"\"parties\":[" PARTY("a", "sent") ","
	"{\"pid\":6,\"comm\":\"b\",\"direction\":\"received\"}]}],\"more\":2,\"rest\":1}";
/* clang-format on */

Test(cli_why, the_overview_has_a_line_per_cause)
{
	struct cli_options brief = plain, bare = plain;
	_cleanup_free_ char *text = text_of(several, &plain, 100), *alone = NULL, *lines = NULL;
	const char *overview =
		"  37 x  keepalive_race_server  port 8080  java -> nginx        high\n"
		"   9 x  linger_zero            4+ ports   a +1 -> remote host  certain\n"
		"   2 x  connect_timeout        port 81    curl                 high\n"
		"   3 x  admin_abort            port 81    a -> b               -\n";

	ASSERT_PART(text, overview);
	cr_expect_lt(strstr(text, overview), strstr(text, "\n1. keepalive_race_server"));
	ASSERT_PART(text, "… 2 more causes with 1 reset or time-out; ");
	brief.brief = true;
	alone = text_of(several, &brief, 100);
	ASSERT_PART(alone, overview);
	ASSERT_PART(alone, "The first 4 causes");
	ASSERT_PART(alone, "… 2 more causes");
	ASSERT_NOT(alone, "1. keepalive");
	bare.brief = bare.no_headings = true;
	lines = text_of(several, &bare, 100);
	cr_expect_str_eq(lines, overview, "%s", lines);
}

Test(cli_why, both_ends_of_a_killed_connection_are_told)
{
	_cleanup_free_ char *text = text_of(several, &plain, 100);

	ASSERT_PART(text,
		    "   Error    a[5] got ECONNABORTED, \"Software caused connection abort\"\n"
		    "            b[6] got ECONNRESET, \"Connection reset by peer\"\n");
	ASSERT_PART(text, "5 resets sent (2 of them the kernel's echo), 3 received");
}

Test(cli_why, evidence_that_says_something)
{
	_cleanup_free_ char *text = text_of(
		"{\"stories\":[{\"cause\":\"linger_zero\",\"evidence\":[\"linger=0\","
		"\"state=CLOSE\",\"reason=TCP_STATE\",\"state=LISTEN\",\"state=FIN_WAIT2\"]},"
		"{\"cause\":\"unknown\",\"evidence\":[\"state=CLOSE\"]}]}",
		&plain, 100);

	ASSERT_PART(text, "   Evidence SO_LINGER 0, state=FIN_WAIT2\n");
	cr_expect_null(strstr(strstr(text, "2. unknown"), "Evidence"), "%s", text);
}

#define MEASURED(cause, key, least, median, most)                                                  \
	"{\"stories\":[{\"cause\":\"" cause "\",\"" key "\":{\"least\":" #least                    \
	",\"median\":" #median ",\"most\":" #most "}}]}"

Test(cli_why, quantities_in_words)
{
	static const struct {
		const char *json, *expected; /* NULL: nothing */
	} cases[] = {
		{MEASURED("unknown", "unread_bytes", 1, 1, 1), "not read: 1 byte\n"},
		{MEASURED("unknown", "unread_bytes", 1, 2, 10239),
		 "not read: 1 byte to 10239 bytes, typically 2 bytes\n"},
		{MEASURED("unknown", "unread_bytes", 0, 10240, 1572864),
		 "not read: up to 1.5 MiB, typically 10.0 KiB\n"},
		{MEASURED("unknown", "unread_bytes", 0, 0, 0), NULL},
		{MEASURED("unknown", "backlog", 1, 1, 1), "waiting to be accepted: 1\n"},
		{MEASURED("unknown", "idle_ms", 0, 0, 968),
		 "the last data had arrived up to 968ms before, typically less than 1ms\n"},
		{MEASURED("keepalive_race_server", "idle_ms", 4, 4, 4), NULL},
		{MEASURED("keepalive_race_server", "send_idle_ms", 4, 4, 4),
		 "the last data had been sent 4ms before\n"},
		{MEASURED("unknown", "closed_ms", 4, 4, 4), "closed here 4ms before\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = text_of(cases[i].json, &plain, 200);

		if (cases[i].expected)
			ASSERT_PART(text, cases[i].expected);
		else
			ASSERT_NOT(text, "Measured");
	}
}

Test(cli_why, what_is_not_known_is_not_shown)
{
	_cleanup_free_ char *text = text_of(
		"{\"stories\":[{\"cause\":\"unknown\",\"summary\":\"S.\",\"confidence\":\"low\","
		"\"count\":1,\"timeouts\":1,\"ports\":3,\"more_ports\":true,\"port\":0,\"samples\":0,\"peers\":16}]}",
		&plain, 100);

	ASSERT_PART(text, "1. unknown on more than 3 ports: 1 time-out\n   S.\n");
	ASSERT_NOT(text, "confidence");
	ASSERT_NOT(text, "Who");
	ASSERT_NOT(text, "When");
	ASSERT_NOT(text, "Measured");
	ASSERT_NOT(text, "Evidence");
	ASSERT_NOT(text, "Error");
	ASSERT_NOT(text, "To do");
}

Test(cli_why, nothing_is_an_answer)
{
	struct cli_options filtered = plain;
	_cleanup_free_ char *since = text_of("{\"stories\":[],\"incidents\":[],\"from\":"
					     "\"2026-11-22T07:00:00Z\"}",
					     &plain, 100);
	_cleanup_free_ char *never = text_of("{}", &plain, 100);
	_cleanup_free_ char *match = NULL;

	cr_expect_str_eq(since, "No resets and no time-outs since 07:00:00Z.\n");
	cr_expect_str_eq(never, "No resets and no time-outs so far.\n");
	snprintf(filtered.filter, sizeof(filtered.filter), "port 80");
	match = text_of("{}", &filtered, 100);
	cr_expect_str_eq(match, "No reset and no time-out matches.\n");
}

/* What joined an incident are the records, and of a flood those are a sample. */
Test(cli_why, an_incident_of_a_flood_pretends_no_exact_number)
{
	_cleanup_free_ char *text = text_of(
		"{\"incidents\":[{\"start\":\"2026-11-22T07:30:00Z\",\"peer\":\"192.0.2.7\","
		"\"count\":13013,\"cause_count\":13013,\"cause\":\"closed_port\","
		"\"confidence\":\"certain\",\"peers\":1,\"ports\":16},{\"start\":"
		"\"2026-11-22T07:30:00Z\",\"comm\":\"java\",\"pid\":812,\"count\":1000,"
		"\"cause_count\":900,\"cause\":\"closed_port\",\"confidence\":\"certain\","
		"\"peers\":16,\"ports\":15},{\"start\":\"2026-11-22T07:30:00Z\",\"comm\":\"a\","
		"\"count\":999,\"cause_count\":999,\"peers\":1,\"ports\":1}]}",
		&plain, 300);

	ASSERT_PART(text, "done by 192.0.2.7: at least 13013 within");
	ASSERT_PART(text, "all that were recorded closed_port (certain); "
			  "1 remote address, 16 ports or more\n");
	ASSERT_PART(text, "java[812]: at least 1000 within");
	ASSERT_PART(text, "mostly closed_port (certain); 16 remote addresses or more, 15 ports\n");
	ASSERT_PART(text, ": 999 within");
	ASSERT_PART(text, "all 999 of them");
}

Test(cli_why, incidents_counters_and_the_rest)
{
	_cleanup_free_ char *text = text_of(
		"{\"stories\":[" STORY "],\"incidents\":[{\"id\":1,\"start\":"
		"\"2026-11-22T07:30:00Z\",\"last\":\"2026-11-22T07:30:01.2Z\",\"open\":true,"
		"\"pid\":812,\"comm\":\"java\",\"unit\":\"\",\"peer\":\"\",\"port\":8080,"
		"\"count\":243,\"peers\":5,\"ports\":1,\"cause\":\"listener_closed_pending\","
		"\"confidence\":\"certain\",\"cause_count\":239},{\"start\":"
		"\"2026-11-22T07:30:00Z\",\"peer\":\"192.0.2.7\",\"count\":20,\"cause_count\":20,"
		"\"cause\":\"closed_port\",\"confidence\":\"certain\",\"peers\":1,\"ports\":16}],"
		"\"counters\":[{\"cause\":\"rst_ignored\",\"summary\":\"not believed\","
		"\"count\":4}],\"rest\":17,\"more\":3,\"partial\":true}",
		&plain, 100);

	ASSERT_PART(text, "The first cause of ");
	ASSERT_PART(text, "   07:30:00Z  java[812]: 243 within 1.2s and going on, 239 of them "
			  "listener_closed_pending");
	ASSERT_PART(text, "done by 192.0.2.7: 20 within");
	ASSERT_PART(text, "all 20 of them");
	ASSERT_PART(text, "   at most 4 rst_ignored: not believed\n");
	ASSERT_PART(text,
		    "… 3 more causes with 17 resets or time-outs; -n N or a filter shows them\n");
	ASSERT_PART(text, "Counts may be higher");
}

Test(cli_why, without_headings_only_stories)
{
	struct cli_options o = plain;
	_cleanup_free_ char *text = NULL, *nothing = NULL;

	o.no_headings = true;
	text = text_of("{\"stories\":[" STORY "],\"more\":1}", &o, 100);
	cr_expect_eq(strncmp(text, "1. keepalive", 12), 0);
	ASSERT_NOT(text, "rstmon explain");
	nothing = text_of("{}", &o, 100);
	cr_expect_str_eq(nothing, "");
}

Test(cli_why, hostile_replies)
{
	static const char *const replies[] = {
		"{\"stories\":[5,null,[],\"x\",{}]}",
		"{\"stories\":{},\"incidents\":[7,{}],\"counters\":[null,{\"count\":\"x\"}]}",
		"{\"stories\":[{\"cause\":\"\\u001b]0;x\\u0007\",\"narrative\":\"a\\nb\\u001b[2J\","
		"\"advice\":[1,\"\\u001b\"],\"evidence\":[{},\"\\u0007\"],\"parties\":[1,{\"comm\":"
		"\"\\u001b\",\"pid\":5}],\"idle_ms\":{\"most\":9223372036854775807},\"age_ms\":5,"
		"\"count\":-9223372036854775807,\"sent\":\"\",\"first\":5,\"samples\":1}]}",
		"{\"from\":7,\"more\":\"x\",\"partial\":1}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
		_cleanup_free_ char *text = text_of(replies[i], &plain, 100);

		cr_assert_not(strpbrk(text, "\033\007"), "%s", text);
	}
}
