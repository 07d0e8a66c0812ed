/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alerts as lines of the log, as JSON and as metrics. Must say the same of an alert in both of its
 * lines, and what tells it from others first, as a line may be cut. Proved by
 * tests/unit/daemon/publish_alert.c.
 */
#include "common/util.h"

#include <syslog.h>

#include "common/addr.h"
#include "common/str.h"
#include "common/words.h"
#include "daemon/diagnose.h"
#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

static const char *shared_direction(const struct alert_key *k)
{
	return k->direction == ALERT_MIXED ? "" : direction_name(k->direction);
}

static const char *shared_role(const struct alert_key *k)
{
	return k->role == ALERT_MIXED ? "" : role_name(k->role);
}

/* Slow ones have more digits: a reset in ten minutes is not none. */
static void add_rate(struct line *l, const char *key, uint64_t count, uint64_t window_ns)
{
	double rate = alert_rate(count, window_ns);

	line_add_format(l, key, rate >= 0.1 || rate <= 0 ? "%.1f/s" : "%.4f/s", rate);
}

static void add_window(struct line *l, const char *key, uint64_t ns)
{
	char text[DURATION_TEXT_MAX];

	line_add(l, key, format_duration(text, sizeof(text), ns));
}

static void add_text(struct line *l, const char *key, const char *value)
{
	if (*value)
		line_add(l, key, value);
}

/* Whose and what: the beginning of both lines. */
static void add_subject(struct line *l, const struct alert *a)
{
	const struct alert_key *k = &a->shown;

	line_add(l, "cause", cause_name(k->cause));
	line_add(l, "direction", shared_direction(k));
	line_add(l, "comm", k->comm);
	line_add_u64(l, "pid", k->pid);
	line_add_u64(l, "port", k->port);
}

static void add_place(struct line *l, const struct alert *a)
{
	const struct alert_key *k = &a->shown;

	line_add(l, "alert", a->name);
	line_add_u64(l, "id", a->id);
	line_add(l, "severity", severity_name((unsigned int)a->severity));
	line_add(l, "role", shared_role(k));
	add_text(l, "unit", k->unit);
	add_text(l, "container", k->container);
	if (k->netns)
		line_add_u64(l, "netns", k->netns);
	if (k->other_ports)
		line_add(l, "other_ports", "true");
	if (k->rest)
		line_add(l, "rest", "true");
}

/* What is known of one reset, for who asks no further. */
static void add_example(struct line *l, const struct finding *f)
{
	char text[ENDPOINT_TEXT_MAX], evidence_text[LINE_VALUE_MAX] = "";
	struct evidence evidence;
	size_t n = 0;

	addr_format(text, sizeof(text), f->reset.remote.address, f->reset.remote.ipv6);
	line_add(l, "peer", text);
	evidence_format(f, &evidence);
	for (unsigned int i = 0; i < evidence.n && n < sizeof(evidence_text); i++)
		n += (size_t)snprintf(evidence_text + n, sizeof(evidence_text) - n, "%s%s",
				      i ? " " : "", evidence.text[i]);
	add_text(l, "evidence", evidence_text);
}

static void begin_line(const struct alert *a, const struct finding *example, struct line *ret)
{
	char time[TIME_TEXT_MAX];

	line_start(ret, LINE_ALERT, a->severity);
	add_subject(ret, a);
	line_add_u64(ret, "count", a->count);
	add_window(ret, "window", a->window_ns);
	add_rate(ret, "rate", a->in_window, a->window_ns);
	if (example)
		line_add(ret, "confidence", confidence_name(example->verdict.confidence));
	add_place(ret, a);
	line_add(ret, "since", format_time(time, sizeof(time), a->since));
	if (example)
		add_example(ret, example);
}

void publish_alert_line(const struct alert_event *e, const struct finding *example,
			struct line *ret)
{
	const struct alert *a = &e->alert;
	char time[TIME_TEXT_MAX];

	if (e->begins) {
		begin_line(a, example, ret);
		return;
	}
	line_start(ret, LINE_RESOLVED, LOG_NOTICE);
	add_subject(ret, a);
	line_add_u64(ret, "count", a->count);
	add_window(ret, "duration", a->duration);
	add_rate(ret, "peak", a->peak, a->window_ns);
	add_window(ret, "window", a->window_ns);
	add_rate(ret, "rate", a->in_window, a->window_ns);
	add_text(ret, "reason", alert_end_name(e->end));
	add_place(ret, a);
	line_add(ret, "since", format_time(time, sizeof(time), a->since));
}

/* ---- JSON ---- */

static void put_double(struct object *o, const char *key, double value)
{
	object_put(o, key, json_object_new_double(value));
}

static struct json_object *publish_alert(const struct alert *a)
{
	const struct alert_key *k = &a->shown;
	struct object o = object_start();

	object_put_text(&o, "alert", a->name);
	object_put_int(&o, "id", (int64_t)a->id);
	object_put_text(&o, "severity", severity_name((unsigned int)a->severity));
	object_put_bool(&o, "told", a->told);
	publish_time(&o, "since", a->since);
	object_put_int(&o, "count", (int64_t)a->count);
	put_double(&o, "rate", alert_rate(a->in_window, a->window_ns));
	put_double(&o, "peak", alert_rate(a->peak, a->window_ns));
	object_put_int(&o, "window_s", (int64_t)(a->window_ns / NSEC_PER_SEC));
	object_put_text(&o, "cause", cause_name(k->cause));
	object_put_text(&o, "direction", shared_direction(k));
	object_put_text(&o, "role", shared_role(k));
	object_put_int(&o, "pid", k->pid);
	object_put_text(&o, "comm", k->comm);
	object_put_text(&o, "unit", k->unit);
	object_put_text(&o, "container", k->container);
	object_put_int(&o, "port", k->port);
	object_put_int(&o, "netns", k->netns);
	object_put_bool(&o, "other_ports", k->other_ports);
	object_put_bool(&o, "rest", k->rest);
	return object_finish(&o);
}

struct json_object *publish_alerts(const struct alerts *a)
{
	struct json_object *array = json_object_new_array();
	struct object o = {0};
	struct alert alert;

	for (unsigned int i = 0; array && a && i < ALERTS_PLACES; i++)
		if (alerts_get(a, i, &alert))
			object_append(&o, array, publish_alert(&alert));
	if (!o.failed)
		return array;
	json_object_put(array);
	return NULL;
}

/* ---- metrics ---- */

/* Names of rules are of [A-Za-z0-9_-]. */
void publish_alert_metrics(FILE *out, const struct alerts *a)
{
	struct alerts_stats s;

	if (!a)
		return;
	alerts_stats(a, &s);
	fputs("# TYPE rstmon_alerts_active gauge\n"
	      "# HELP rstmon_alerts_active Alerts that are active, by rule.\n",
	      out);
	for (unsigned int i = 0; i < s.n_rules; i++)
		fprintf(out, "rstmon_alerts_active{alert=\"%s\"} %u\n", s.rule[i].name,
			s.rule[i].active);
	fputs("# TYPE rstmon_alerts counter\n"
	      "# HELP rstmon_alerts Alerts that began, by rule.\n",
	      out);
	for (unsigned int i = 0; i < s.n_rules; i++)
		fprintf(out, "rstmon_alerts_total{alert=\"%s\"} %llu\n", s.rule[i].name,
			(unsigned long long)s.rule[i].alerts);
	fprintf(out,
		"# TYPE rstmon_alerts_untold counter\n"
		"# HELP rstmon_alerts_untold Alerts that ended before there was room for a line.\n"
		"rstmon_alerts_untold_total %llu\n"
		"# TYPE rstmon_alerts_evicted counter\n"
		"# HELP rstmon_alerts_evicted Keys of alerts that are followed with others, for "
		"want of room.\n"
		"rstmon_alerts_evicted_total %llu\n",
		(unsigned long long)s.untold, (unsigned long long)s.evicted);
}
