/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon why': what happened, as stories with advice. Must say what it leaves out and since when
 * it counts; that nothing happened is an answer too. Proved by tests/unit/cli/why.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/text.h"
#include "cli/when.h"
#include "cli/why.h"
#include "common/str.h"

#define STORIES 10 /* that a reader is shown unless told otherwise */

/* Of a flood the kernel records a sample, and only records join an incident (bpf/detail.bpf.h). */
#define INCIDENT_SAMPLED    1000
#define INCIDENT_TOLD_APART 16 /* addresses and ports: INCIDENT_PEERS_MAX of the daemon */

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_nothing(const struct cli_page *p, struct json_object *reply,
			const struct cli_options *o)
{
	uint64_t from = cli_time(reply, "from");
	char when[WHEN_TEXT_MAX];

	fputs(o->filter[0] ? "No reset and no time-out matches" : "No resets and no time-outs",
	      p->f);
	if (from)
		fprintf(p->f, " since %s",
			cli_when_format_short(when, sizeof(when), from, o->now, o->utc));
	else if (!o->filter[0])
		fputs(" so far", p->f);
	fputs(".\n", p->f);
}

/* "12 resets and 2 time-outs since 14:05:00, most frequent cause first" */
static void put_heading(const struct cli_page *p, struct json_object *reply,
			const struct cli_options *o)
{
	struct json_object *stories = cli_array(reply, "stories");
	size_t n = json_object_array_length(stories);
	uint64_t from = cli_time(reply, "from");
	int64_t more = cli_number(reply, "more", 0);
	char when[WHEN_TEXT_MAX];

	if (more > 0 && n == 1)
		fputs("The first cause", p->f);
	else
		fprintf(p->f, "%s%zu cause%s", more > 0 ? "The first " : "", n, plural((int64_t)n));
	fprintf(p->f, " of TCP resets and time-outs%s", o->filter[0] ? " that match" : "");
	if (from)
		fprintf(p->f, " since %s",
			cli_when_format_short(when, sizeof(when), from, o->now, o->utc));
	fputs(n == 1 && more <= 0 ? ":\n\n" : ", most frequent first:\n\n", p->f);
}

/* "243", "at least 13013" */
static char *at_least(char *dst, size_t size, int64_t n)
{
	snprintf(dst, size, "%s%" PRId64, n >= INCIDENT_SAMPLED ? "at least " : "", n);
	return dst;
}

/* "239 of them closed_port", "all of them"; of a sample the rest is not known. */
static void put_most(char *dst, size_t size, struct json_object *i)
{
	int64_t count = cli_number(i, "count", 0), most = cli_number(i, "cause_count", 0);
	char cause[48], confidence[16];

	cli_text(i, "cause", cause, sizeof(cause));
	cli_text(i, "confidence", confidence, sizeof(confidence));
	if (count >= INCIDENT_SAMPLED)
		snprintf(dst, size, "%s %s (%s)",
			 most == count ? "all that were recorded" : "mostly", cause, confidence);
	else
		snprintf(dst, size, "%s%" PRId64 " of them %s (%s)", most == count ? "all " : "",
			 most, cause, confidence);
}

/* "1 remote address, 16 ports or more" */
static void put_spread(char *dst, size_t size, struct json_object *i)
{
	int64_t peers = cli_number(i, "peers", 0), ports = cli_number(i, "ports", 0);

	snprintf(dst, size, "%" PRId64 " remote address%s%s, %" PRId64 " port%s%s", peers,
		 peers == 1 ? "" : "es", peers >= INCIDENT_TOLD_APART ? " or more" : "", ports,
		 plural(ports), ports >= INCIDENT_TOLD_APART ? " or more" : "");
}

static void put_incident(const struct cli_page *p, struct json_object *i,
			 const struct cli_options *o)
{
	uint64_t start = cli_time(i, "start"), last = cli_time(i, "last");
	char owner[256], peer[64], count[48], most[128], spread[128], text[1024], label[64];
	char duration[DURATION_TEXT_MAX], when[WHEN_TEXT_MAX];

	why_owner(owner, sizeof(owner), i);
	cli_text(i, "peer", peer, sizeof(peer));
	put_most(most, sizeof(most), i);
	put_spread(spread, sizeof(spread), i);
	snprintf(text, sizeof(text), "%s%s: %s within %s%s, %s; %s", *peer ? "done by " : "",
		 *peer ? peer : owner, at_least(count, sizeof(count), cli_number(i, "count", 0)),
		 format_duration(duration, sizeof(duration), last > start ? last - start : 0),
		 cli_true(i, "open") ? " and going on" : "", most, spread);
	snprintf(label, sizeof(label), "   %s",
		 cli_when_format_short(when, sizeof(when), start, o->now, o->utc));
	cli_paragraph(p, (unsigned int)strlen(label) + 2, label, text);
}

static void put_incidents(const struct cli_page *p, struct json_object *reply,
			  const struct cli_options *o)
{
	struct json_object *incidents = cli_array(reply, "incidents");
	size_t n = incidents ? json_object_array_length(incidents) : 0;

	if (n == 0)
		return;
	fprintf(p->f, "%sIncidents%s, many at once:\n", p->bold, p->plain);
	for (size_t i = 0; i < n; i++)
		put_incident(p, json_object_array_get_idx(incidents, i), o);
	fputc('\n', p->f);
}

static void put_counters(const struct cli_page *p, struct json_object *reply)
{
	struct json_object *counters = cli_array(reply, "counters");
	size_t n = counters ? json_object_array_length(counters) : 0;

	if (n == 0)
		return;
	fprintf(p->f, "%sNot among them%s, the kernel only counts these:\n", p->bold, p->plain);
	for (size_t i = 0; i < n; i++) {
		struct json_object *counter = json_object_array_get_idx(counters, i);
		char cause[48], summary[256], text[512];

		cli_text(counter, "cause", cause, sizeof(cause));
		cli_text(counter, "summary", summary, sizeof(summary));
		/* challenge ACKs, which other segments than resets provoke as well */
		snprintf(text, sizeof(text), "%s%" PRId64 " %s: %s",
			 !strcmp(cause, "rst_ignored") ? "at most " : "",
			 cli_number(counter, "count", 0), cause, summary);
		cli_paragraph(p, 3, "   ", text);
	}
	fputc('\n', p->f);
}

static void put_left_out(const struct cli_page *p, struct json_object *reply)
{
	int64_t more = cli_number(reply, "more", 0), rest = cli_number(reply, "rest", 0);

	if (more > 0)
		fprintf(p->f,
			"… %" PRId64 " more cause%s with %" PRId64
			" reset%s or time-out%s; -n N or a filter shows them\n",
			more, plural(more), rest, plural(rest), plural(rest));
	if (cli_true(reply, "partial"))
		fputs("Counts may be higher: not all of them reach back to --since.\n", p->f);
}

static void put_notes(const struct cli_page *p, struct json_object *reply)
{
	put_left_out(p, reply);
	cli_paragraph(p, 0, "",
		      "'rstmon explain CAUSE' tells all about a cause, 'rstmon last cause CAUSE' "
		      "shows single resets.");
}

static void put_brief(const struct cli_page *p, struct json_object *reply,
		      const struct cli_options *o)
{
	struct json_object *stories = cli_array(reply, "stories");
	size_t n = stories ? json_object_array_length(stories) : 0;

	if (n > 0 && !o->no_headings)
		put_heading(p, reply, o);
	why_overview(p, stories);
	if (n == 0 && !o->no_headings)
		put_nothing(p, reply, o);
	if (n > 0 && !o->no_headings)
		put_left_out(p, reply);
}

static void put_reply(const struct cli_page *p, struct json_object *reply,
		      const struct cli_options *o)
{
	struct json_object *stories = cli_array(reply, "stories");
	size_t n = stories ? json_object_array_length(stories) : 0;

	if (n > 0 && !o->no_headings)
		put_heading(p, reply, o);
	if (n > 1 && !o->no_headings) { /* of a single one the headline tells as much */
		why_overview(p, stories);
		fputc('\n', p->f);
	}
	for (size_t i = 0; i < n; i++)
		why_story(p, json_object_array_get_idx(stories, i), i + 1, o);
	if (n == 0 && !o->no_headings)
		put_nothing(p, reply, o);
	put_incidents(p, reply, o);
	put_counters(p, reply);
	if (n > 0 && !o->no_headings)
		put_notes(p, reply);
}

char *cli_why_text(struct json_object *parameters, const struct cli_options *o, bool colors,
		   unsigned int width)
{
	_cleanup_free_ char *text = NULL;
	struct cli_page p = {
		.width = width, .bold = colors ? "\033[1m" : "", .plain = colors ? "\033[0m" : ""};
	size_t size;

	p.f = open_memstream(&text, &size);
	if (!p.f)
		return NULL;
	if (o->brief)
		put_brief(&p, parameters, o);
	else
		put_reply(&p, parameters, o);
	return fclose(p.f) == 0 ? TAKE_PTR(text) : NULL;
}

int verb_why(const struct cli_options *o)
{
	struct json_object *parameters = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	struct cli_reply reply = {};
	int code;

	cli_put_time(parameters, "since", o->since);
	cli_put_text(parameters, "filter", o->filter);
	cli_put_number(parameters, "limit", o->limit || o->json ? o->limit : STORIES);
	code = cli_call(o, "Why", parameters, &reply);
	json_object_put(parameters);
	if (code)
		return code;
	if (o->json) {
		cli_print_json(reply.parameters);
	} else {
		text = cli_why_text(reply.parameters, o, cli_colors(o), cli_width());
		if (text)
			fputs(text, stdout);
		else
			code = cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the text");
	}
	cli_reply_done(&reply);
	return code;
}
