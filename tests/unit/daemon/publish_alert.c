/* SPDX-License-Identifier: GPL-2.0-only */
/* The two lines of an alert, and its JSON, which is held against the interface's description. */
#include "common/util.h"

#include "daemon/publish.h"
#include "daemon/publish_internal.h"
#include "tests/unit/daemon/alert_fixture.h"
#include "tests/unit/daemon/sample_finding.h"

static struct alert_event sample(void)
{
	struct alert_event e = {
		.begins = true,
		.alert = {.name = "closed",
			  .severity = LOG_WARNING,
			  .window_ns = 10 * SECOND,
			  .id = 42,
			  .since = SAMPLE_TIME,
			  .duration = 75 * SECOND,
			  .count = 37,
			  .in_window = 37,
			  .peak = 50,
			  .told = true},
	};

	e.alert.shown.port = 8080;
	e.alert.shown.cause = RST_CAUSE_CLOSED_PORT;
	e.alert.shown.direction = RST_SENT;
	e.alert.shown.netns = 4026531840U;
	return e;
}

static const char *text_of(const struct alert_event *e, const struct finding *example)
{
	static char text[RSTMON_LOG_LINE_MAX];
	struct line line;

	publish_alert_line(e, example, &line);
	line_format(&line, text, sizeof(text));
	return text;
}

Test(publish_alert, the_two_lines)
{
	struct finding f = sample_finding();
	struct alert_event e = sample();
	struct line line;

	f.verdict.confidence = CONFIDENCE_CERTAIN;
	cr_assert_str_eq(
		text_of(&e, &f),
		"alert cause=closed_port direction=sent comm=\"\" pid=0 port=8080 "
		"count=37 window=10s rate=3.7/s confidence=certain alert=closed id=42 "
		"severity=warning role=none netns=4026531840 "
		"since=2026-11-22T07:31:36.123456Z peer=192.0.2.7 evidence=\"unread_bytes=3 reason=TCP_STATE "
		"state=ESTABLISHED\"");
	cr_assert_null(strstr(text_of(&e, NULL), "confidence"), "nothing is made up");
	e.begins = false;
	e.alert.count = 5000;
	e.alert.in_window = 0;
	cr_assert_str_eq(text_of(&e, NULL),
			 "resolved cause=closed_port direction=sent comm=\"\" pid=0 port=8080 "
			 "count=5000 duration=1m15s peak=5.0/s window=10s rate=0.0/s alert=closed "
			 "id=42 severity=warning role=none netns=4026531840 "
			 "since=2026-11-22T07:31:36.123456Z");
	e.end = ALERT_END_RULE_REMOVED;
	cr_assert(strstr(text_of(&e, NULL), " reason=rule_removed "));
	publish_alert_line(&e, NULL, &line);
	cr_assert_eq(line.priority, LOG_NOTICE);
	e.begins = true;
	e.alert.severity = LOG_ERR;
	publish_alert_line(&e, NULL, &line);
	cr_assert_eq(line.priority, LOG_ERR);
}

Test(publish_alert, what_is_not_shared_is_not_told)
{
	struct alert_event e = sample();

	e.alert.shown.direction = e.alert.shown.role = ALERT_MIXED;
	e.alert.shown.rest = 1;
	e.alert.shown.other_ports = 1;
	e.alert.shown.netns = 0;
	e.alert.in_window = 1;
	e.alert.window_ns = 3600 * SECOND;
	cr_assert(strstr(text_of(&e, NULL), "direction=\"\""));
	cr_assert(strstr(text_of(&e, NULL), "role=\"\""));
	cr_assert(strstr(text_of(&e, NULL), " other_ports=true rest=true"));
	cr_assert_null(strstr(text_of(&e, NULL), "netns"));
	cr_assert(strstr(text_of(&e, NULL), "rate=0.0003/s"), "%s", text_of(&e, NULL));
}

/* The longest names there can be: the line is below its bound, and its name and number are in it.
 */
Test(publish_alert, hostile_names)
{
	struct finding f = sample_finding();
	struct alert_event e = sample();

	memset(e.alert.name, 'n', sizeof(e.alert.name) - 1);
	memset(e.alert.shown.unit, '\x01', sizeof(e.alert.shown.unit) - 1);
	memset(e.alert.shown.comm, '"', sizeof(e.alert.shown.comm) - 1);
	memset(e.alert.shown.container, '\\', sizeof(e.alert.shown.container) - 1);
	for (unsigned int i = 0; i < 2; i++) {
		const char *text;

		e.begins = i;
		text = text_of(&e, &f);
		cr_assert_lt(strlen(text), RSTMON_LOG_LINE_MAX);
		cr_assert(strstr(text, " alert=nnn"));
		cr_assert(strstr(text, " id=42 "));
		cr_assert(strstr(text, " count=37 "));
		for (; *text; text++)
			cr_assert_geq(*text, ' ');
	}
}

/* Each field is described, and no other is. */
static void compare_with_description(struct json_object *o)
{
	_cleanup_fclose_ FILE *file = fopen("daemon/io.rstmon.varlink", "re");
	char all[65536], *at, *end;
	int described = 0;

	cr_assert(file, "unit tests run in the top directory");
	all[fread(all, 1, sizeof(all) - 1, file)] = '\0';
	at = strstr(all, "type Alert (");
	cr_assert(at);
	end = strstr(at, "\n)");
	cr_assert(end);
	*end = '\0';
	json_object_object_foreach(o, key, value)
	{
		char field[64];

		(void)value;
		snprintf(field, sizeof(field), "\n\t%s: ", key);
		cr_assert(strstr(at, field), "%s is not described", key);
	}
	for (const char *p = at; (p = strstr(p, "\n\t")); p++)
		described += p[2] != '#';
	cr_assert_eq(described, json_object_object_length(o));
}

Test(publish_alert, json_of_those_that_are_active)
{
	struct alert_rule rule = make_rule("closed", "", ALERT_BY_SERVICE);
	struct tally_row row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	struct bench b = new_bench(&rule, 1, 30);
	struct json_object *array = publish_alerts(b.a), *o;

	cr_assert_eq(json_object_array_length(array), 0);
	json_object_put(array);
	array = publish_alerts(NULL);
	cr_assert_eq(json_object_array_length(array), 0);
	json_object_put(array);
	grow(&b, &row, 20);
	array = publish_alerts(b.a);
	cr_assert_eq(json_object_array_length(array), 1);
	o = json_object_array_get_idx(array, 0);
	cr_assert_str_eq(json_object_get_string(json_object_object_get(o, "alert")), "closed");
	cr_assert_eq(json_object_get_int64(json_object_object_get(o, "count")), 20);
	cr_assert_float_eq(json_object_get_double(json_object_object_get(o, "rate")), 2, 1e-9);
	cr_assert_str_eq(json_object_get_string(json_object_object_get(o, "unit")), "shop.service");
	cr_assert(json_object_get_boolean(json_object_object_get(o, "told")));
	compare_with_description(o);
	json_object_put(array);
	alerts_free(b.a);
}

Test(publish_alert, a_series_for_each_rule)
{
	struct alert_rule rules[2] = {
		make_rule("one", "port 80", ALERT_BY_SERVICE),
		make_rule("two", "", ALERT_BY_SERVICE),
	};
	struct tally_row row = make_row(7, 80, RST_CAUSE_LINGER_ZERO);
	_cleanup_free_ char *text = NULL;
	struct bench b;
	size_t size;
	FILE *f;

	rules[1].enabled = false;
	b = new_bench(rules, 2, 30);
	grow(&b, &row, 20);
	f = open_memstream(&text, &size);
	publish_alert_metrics(f, b.a);
	publish_alert_metrics(f, NULL);
	fclose(f);
	cr_assert(strstr(text, "\nrstmon_alerts_active{alert=\"one\"} 1\n"));
	cr_assert(strstr(text, "\nrstmon_alerts_active{alert=\"two\"} 0\n"));
	cr_assert(strstr(text, "\nrstmon_alerts_total{alert=\"one\"} 1\n"));
	cr_assert(strstr(text, "\nrstmon_alerts_untold_total 0\n"));
	alerts_free(b.a);
}
