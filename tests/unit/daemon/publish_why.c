/* SPDX-License-Identifier: GPL-2.0-only */
/* Stories, incidents and counters as JSON, and io.rstmon.varlink held against them. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "common/causes_json.h"
#include "daemon/publish.h"
#include "tests/unit/daemon/sample_finding.h"

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	cr_assert(json_object_object_get_ex(o, key, &value), "%s is missing", key);
	return value;
}

static const char *text(struct json_object *o, const char *key)
{
	return json_object_get_string(get(o, key));
}

static int64_t number(struct json_object *o, const char *key)
{
	cr_expect(json_object_is_type(get(o, key), json_type_int), "%s", key);
	return json_object_get_int64(get(o, key));
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

static struct story sample_story(void)
{
	struct story s = {
		.cause = RST_CAUSE_KEEPALIVE_RACE_SERVER,
		.confidence = CONFIDENCE_HIGH,
		.port = 8080,
		.ports = 1,
		.count = {37, 36, 0},
		.first = SAMPLE_TIME,
		.last = SAMPLE_TIME + NSEC_PER_SEC,
		.n_parties = 2,
		.more_parties = 1,
		.party = {{.pid = 812, .comm = "java", .unit = "tomcat.service", .count = 37},
			  {.pid = 640,
			   .comm = "nginx",
			   .role = RST_ROLE_CLIENT,
			   .direction = RST_RECEIVED,
			   .count = 36}},
		.samples = 73,
		.pairs = 72,
		.peers = 1,
		.latest = sample_finding(),
		.idle_ms = {.n = 37, .least = 59000, .middle = 60000, .most = 61000},
		.oom = 1,
		.error = 104, /* ECONNRESET */
		.error_pid = 640,
		.error_comm = "nginx",
	};

	s.exit_signal[9] = 3;
	return s;
}

static struct json_object *why_of(struct story *story, const struct publish_why *w)
{
	struct stories s = {.story = story,
			    .n = story ? 1 : 0,
			    .rest = 5,
			    .more = 2,
			    .totals = {.total = {40, 41, 42}}};
	struct json_object *o = publish_why(&s, w);

	cr_assert(o);
	return o;
}

Test(publish_why, a_story_has_every_field)
{
	struct story story = sample_story();
	struct publish_why w = {.from = SAMPLE_TIME};
	struct json_object *why, *o, *party;

	story.echoes = 2;
	why = why_of(&story, &w);
	cr_expect_eq(number(why, "rest"), 5);
	cr_expect_eq(number(why, "more"), 2);
	cr_expect_eq(number(get(why, "totals"), "timeouts"), 42);
	cr_expect_str_eq(text(why, "from"), "2026-11-22T07:31:36.123456Z");
	cr_expect_not(has(why, "partial"));
	cr_expect_eq(json_object_array_length(get(why, "incidents")), 0);
	cr_expect_eq(json_object_array_length(get(why, "counters")), 0);

	o = json_object_array_get_idx(get(why, "stories"), 0);
	cr_expect_str_eq(text(o, "cause"), "keepalive_race_server");
	cr_expect_str_eq(text(o, "confidence"), "high");
	cr_expect_gt(strlen(text(o, "kind")), 0);
	cr_expect_gt(strlen(text(o, "narrative")), 0);
	cr_expect_gt(strlen(text(o, "fact")), 0);
	cr_expect_eq(number(o, "count"), 73);
	cr_expect_eq(number(o, "sent"), 37);
	cr_expect_eq(number(o, "received"), 36);
	cr_expect_eq(number(o, "timeouts"), 0);
	cr_expect_eq(number(get(o, "idle_ms"), "least"), 59000);
	cr_expect_eq(number(get(o, "idle_ms"), "median"), 60000);
	cr_expect_eq(number(get(o, "idle_ms"), "most"), 61000);
	cr_expect_not(has(o, "age_ms"), "what is not known is not there");
	cr_expect_str_eq(text(o, "errno"), "ECONNRESET");
	cr_expect_eq(number(o, "errno_pid"), 640);
	cr_expect_str_eq(text(o, "errno_comm"), "nginx");
	cr_expect_eq(json_object_array_length(get(o, "evidence")), 3);
	cr_expect_eq(number(get(o, "exit_signals"), "9"), 3);
	cr_expect_eq(number(o, "oom"), 1);
	cr_expect_eq(number(o, "more_parties"), 1);
	cr_expect_eq(number(o, "echoes"), 2);
	party = json_object_array_get_idx(get(o, "parties"), 1);
	cr_expect_str_eq(text(party, "comm"), "nginx");
	cr_expect_str_eq(text(party, "role"), "client");
	cr_expect_str_eq(text(party, "direction"), "received");
	cr_expect_str_eq(text(get(o, "example"), "kind"), "reset");
	json_object_put(why);
}

Test(publish_why, without_kept_resets_no_detail_is_made_up)
{
	static const char *const absent[] = {"example", "evidence", "errno", "exit_signals", "oom"};
	struct story story = sample_story();
	struct publish_why w = {0};
	struct json_object *why, *o;

	story.samples = 0;
	why = why_of(&story, &w);
	o = json_object_array_get_idx(get(why, "stories"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
		cr_expect_not(has(o, absent[i]), "%s", absent[i]);
	cr_expect_not(has(why, "from"));
	json_object_put(why);
}

Test(publish_why, counters_are_there_when_they_moved)
{
	struct publish_why w = {.handshake_rst_embryonic = 3, .rst_ignored = 4};
	struct json_object *why = why_of(NULL, &w), *counters = get(why, "counters"), *o;

	cr_assert_eq(json_object_array_length(counters), 2);
	o = json_object_array_get_idx(counters, 1);
	cr_expect_str_eq(text(o, "cause"), "rst_ignored");
	cr_expect_eq(number(o, "count"), 4);
	cr_expect_eq(json_object_array_length(get(why, "stories")), 0);
	json_object_put(why);
}

static struct incident sample_incident(void)
{
	return (struct incident){.id = 7,
				 .start = SAMPLE_TIME,
				 .last = SAMPLE_TIME,
				 .open = true,
				 .pid = 812,
				 .comm = "java",
				 .by_peer = true,
				 .peer = {.address = {192, 0, 2, 7}},
				 .count = {20, 1, 2},
				 .cause = RST_CAUSE_LISTENER_CLOSED_PENDING,
				 .cause_count = 19};
}

Test(publish_why, an_incident_has_every_field)
{
	struct incident i = sample_incident();
	struct json_object *o = publish_incident(&i);

	cr_expect_eq(number(o, "id"), 7);
	cr_expect_str_eq(text(o, "peer"), "192.0.2.7");
	cr_expect_eq(number(o, "count"), 23);
	cr_expect_eq(number(o, "cause_count"), 19);
	cr_expect_str_eq(text(o, "cause"), "listener_closed_pending");
	json_object_put(o);
	i.by_peer = false;
	o = publish_incident(&i);
	cr_expect_str_eq(text(o, "peer"), "");
	json_object_put(o);
}

/* The part of the description between 'from' and 'to'. */
static char *description(const char *from, const char *to)
{
	_cleanup_fclose_ FILE *file = fopen("daemon/io.rstmon.varlink", "re");
	static char all[65536];
	char *start, *end;

	cr_assert(file, "unit tests run in the top directory");
	all[fread(all, 1, sizeof(all) - 1, file)] = '\0';
	start = strstr(all, from);
	cr_assert(start, "%s", from);
	end = strstr(start + strlen(from), to);
	cr_assert(end, "%s", to);
	return strndup(start, (size_t)(end - start));
}

static const char *type_of(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_int:
		return "int";
	case json_type_boolean:
		return "bool";
	case json_type_string:
		return "string";
	case json_type_array:
		return "[]";
	default:
		return "";
	}
}

/* Every field of 'o' is described with its type; what is described and not there must be optional.
 */
static void compare(struct json_object *o, const char *part)
{
	char line[64];

	json_object_object_foreach(o, key, value)
	{
		char plain[64], maybe[64];

		snprintf(plain, sizeof(plain), "\n\t%s: %s", key, type_of(value));
		snprintf(maybe, sizeof(maybe), "\n\t%s: ?%s", key, type_of(value));
		cr_expect(strstr(part, plain) || strstr(part, maybe), "%s is not described", key);
	}
	for (const char *p = part; (p = strstr(p, "\n\t")); p++) {
		char *colon;

		snprintf(line, sizeof(line), "%.*s", (int)strcspn(p + 2, "\n"), p + 2);
		colon = strchr(line, ':');
		if (line[0] == '#' || !colon)
			continue;
		*colon = '\0';
		cr_expect(has(o, line) || colon[2] == '?', "%s is described, but not there", line);
	}
}

Test(publish_why, the_description_describes_what_is_sent)
{
	_cleanup_free_ char *why_part = description("method Why(", "\n)\n\n");
	_cleanup_free_ char *story_part = description("type Story (", "\n)");
	_cleanup_free_ char *party_part = description("type Party (", "\n)");
	_cleanup_free_ char *spread_part = description("type Spread (", "\n)");
	_cleanup_free_ char *counter_part = description("type Counter (", "\n)");
	_cleanup_free_ char *incident_part = description("type Incident (", "\n)");
	_cleanup_free_ char *cause_part = description("type Cause (", "\n)");
	_cleanup_free_ char *setting_part = description("type Setting (", "\n)");
	struct publish_why w = {.rst_ignored = 1, .from = 1};
	struct incident incident = sample_incident();
	struct story story = sample_story();
	struct json_object *why = why_of(&story, &w), *o;
	char *reply = strstr(why_part, ") -> (");

	cr_assert(reply);
	compare(why, reply);
	o = json_object_array_get_idx(get(why, "stories"), 0);
	compare(o, story_part);
	compare(get(o, "idle_ms"), spread_part);
	compare(json_object_array_get_idx(get(o, "parties"), 0), party_part);
	compare(json_object_array_get_idx(get(why, "counters"), 0), counter_part);
	json_object_put(why);
	o = publish_incident(&incident);
	compare(o, incident_part);
	json_object_put(o);

	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		struct json_object *settings;

		o = cause_json(i);
		compare(o, cause_part);
		settings = get(o, "settings");
		for (size_t k = 0; k < json_object_array_length(settings); k++)
			compare(json_object_array_get_idx(settings, k), setting_part);
		json_object_put(o);
	}
}
