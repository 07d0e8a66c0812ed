/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon last': the latest single resets, oldest first, so that the newest stands above the
 * prompt. Must not hold more than the daemon's answer. Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/text.h"
#include "cli/when.h"
#include "common/str.h"

#define LINES_DEFAULT 20

/* Who names a time, or reads by program, wants all of it. */
static uint32_t limit(const struct cli_options *o)
{
	return o->limit || o->since || o->until || o->json ? o->limit : LINES_DEFAULT;
}

static bool newest_first(struct json_object *resets, size_t n)
{
	char first[TIME_TEXT_MAX + 1], last[TIME_TEXT_MAX + 1];

	if (n < 2)
		return false;
	cli_text(json_object_array_get_idx(resets, 0), "time", first, sizeof(first));
	cli_text(json_object_array_get_idx(resets, n - 1), "time", last, sizeof(last));
	return strcmp(first, last) > 0; /* one form, one zone: their order is that of the text */
}

char *cli_last_nothing(struct json_object *parameters, const struct cli_options *o)
{
	int64_t kept = cli_number(parameters, "kept", -1);
	uint64_t oldest = cli_time(parameters, "oldest");
	char when[WHEN_TEXT_MAX];
	char *text = NULL;

	if (kept == 0 || (kept < 0 && !o->filter[0] && !o->since && !o->until))
		return strdup("No resets so far.");
	if (kept < 0 || !oldest)
		return strdup("No reset matches.");
	if (asprintf(&text,
		     "No reset matches among the %" PRId64 " kept, the oldest of %s; 'rstmon list' "
		     "has the counts",
		     kept, cli_when_format_short(when, sizeof(when), oldest, o->now, o->utc)) < 0)
		return NULL;
	return text;
}

static int print(struct json_object *parameters, const struct cli_options *o)
{
	struct json_object *resets = cli_array(parameters, "resets");
	size_t n = resets ? json_object_array_length(resets) : 0;
	bool backwards = newest_first(resets, n), colors = cli_colors(o);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *line = cli_reset_text(
			json_object_array_get_idx(resets, backwards ? n - 1 - i : i), o, colors);

		if (!line)
			return cli_fail(o, RSTMON_EXIT_FAILED, "no memory for a line");
		puts(line);
	}
	if (!n && !o->no_headings) {
		_cleanup_free_ char *nothing = cli_last_nothing(parameters, o);

		puts(nothing ? nothing : "No reset matches.");
	}
	return RSTMON_EXIT_OK;
}

int verb_last(const struct cli_options *o)
{
	struct json_object *parameters = json_object_new_object();
	struct cli_reply reply = {};
	int code;

	/* 0, for all, has to be said: the daemon has a default of its own */
	json_object_object_add(parameters, "limit", json_object_new_int64(limit(o)));
	cli_put_time(parameters, "since", o->since);
	cli_put_time(parameters, "until", o->until);
	cli_put_text(parameters, "filter", o->filter);
	code = cli_call(o, "Last", parameters, &reply);
	json_object_put(parameters);
	if (code)
		return code;
	if (o->json)
		cli_print_json(reply.parameters);
	else
		code = print(reply.parameters, o);
	cli_reply_done(&reply);
	return code;
}
