/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon check': a monitoring plugin. Must print one line with performance data whatever happens,
 * and must not say OK when it does not know. Counts resets, not time-outs. Proved by
 * tests/unit/cli/check.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/text.h"
#include "common/str.h"

#define MINUTE (60 * NSEC_PER_SEC)

void cli_check_compute(struct json_object *parameters, uint64_t since, const struct cli_options *o,
		       struct cli_check *ret)
{
	struct json_object *rows = cli_array(parameters, "rows");
	struct cli_check c = {.partial = cli_true(parameters, "partial")};
	uint64_t from = cli_time(parameters, "from");

	/* time in which nothing was counted would make the rate lower than it is */
	c.short_span = from > since;
	from = MIN(MAX(from, since), o->now);
	c.span_ns = o->now - from;

	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		int64_t n = cli_number(json_object_array_get_idx(rows, i), "count", 0);

		c.count += n > 0 ? (uint64_t)n : 0;
	}
	c.per_minute = (double)c.count / ((double)MAX(c.span_ns, MINUTE) / (double)MINUTE);
	if (o->critical >= 0 && c.per_minute > o->critical)
		c.exit = 2;
	else if (o->warning >= 0 && c.per_minute > o->warning)
		c.exit = 1;
	*ret = c;
}

const char *cli_check_word(const struct cli_check *c)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL"};

	return words[c->exit];
}

/* "10" for a threshold, nothing where there is none: neither has a unit, as plugins want it. */
static void put_threshold(FILE *f, double rate)
{
	fputc(';', f);
	if (rate >= 0)
		fprintf(f, "%.10g", rate);
}

char *cli_check_text(const struct cli_check *c, const struct cli_options *o)
{
	char span[DURATION_TEXT_MAX], window[DURATION_TEXT_MAX];
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "RSTMON %s - %" PRIu64 " reset%s in %s", cli_check_word(c), c->count,
		c->count == 1 ? "" : "s", format_duration(span, sizeof(span), c->span_ns));
	if (c->short_span)
		fprintf(f, ", of %s asked for: rstmond counts since then",
			format_duration(window, sizeof(window), o->window_ns));
	fprintf(f, " (%.3g/min)", c->per_minute);
	/* every row has the last hour; a shorter span is all there */
	if (c->partial && (!c->short_span || c->span_ns > 60 * MINUTE))
		fputs(", at least: the history is partial", f);
	fprintf(f, " | resets_per_min=%.10g", c->per_minute);
	put_threshold(f, o->warning);
	put_threshold(f, o->critical);
	fprintf(f, ";0 count=%" PRIu64 ";;;0", c->count);
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}

static void print_json(const struct cli_check *c)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "status", json_object_new_string(cli_check_word(c)));
	json_object_object_add(object, "count", json_object_new_int64((int64_t)c->count));
	json_object_object_add(object, "per_minute", json_object_new_double(c->per_minute));
	json_object_object_add(object, "window_s",
			       json_object_new_double((double)c->span_ns / (double)NSEC_PER_SEC));
	if (c->partial)
		json_object_object_add(object, "partial", json_object_new_boolean(true));
	cli_print_json(object);
	json_object_put(object);
}

int verb_check(const struct cli_options *o)
{
	struct json_object *parameters = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	struct cli_reply reply = {};
	struct cli_check c;
	uint64_t since = o->now > o->window_ns ? o->now - o->window_ns : 0;
	int code;

	/* counts are kept by the minute: begin with a whole one, and divide by what that makes */
	since -= since % MINUTE;
	cli_put_time(parameters, "since", since);
	cli_put_text(parameters, "filter", o->filter);
	code = cli_call(o, "List", parameters, &reply);
	json_object_put(parameters);
	if (code)
		return code;
	cli_check_compute(reply.parameters, since, o, &c);
	cli_reply_done(&reply);
	if (o->json) {
		print_json(&c);
		return c.exit;
	}
	text = cli_check_text(&c, o);
	if (!text)
		return cli_fail(o, RSTMON_EXIT_FAILED, "no memory for a line");
	puts(text);
	return c.exit;
}
