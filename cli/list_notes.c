/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands below the rows of 'rstmon list': what was left out, since when it counts, and the
 * totals. Must not let a reader take the totals for the sum of the rows. Proved by
 * tests/unit/cli/list.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/text.h"
#include "cli/when.h"

#define HOUR (3600 * NSEC_PER_SEC)

/* What the user should know of the rows above. */
void cli_list_note_rows(FILE *f, struct json_object *rows, size_t shown)
{
	size_t n = rows ? json_object_array_length(rows) : 0;
	bool unknown = false;
	uint64_t rest = 0;
	char cause[48];

	for (size_t i = 0; i < n; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int64_t count = cli_number(row, "count", 0);

		cli_text(row, "cause", cause, sizeof(cause));
		unknown |= i < shown && !strcmp(cause, "unknown");
		if (i >= shown && count > 0)
			rest += (uint64_t)count;
	}
	if (n > shown)
		fprintf(f,
			"… %zu more row%s with %" PRIu64 " reset%s; -n N or a filter shows them\n",
			n - shown, n - shown == 1 ? "" : "s", rest, rest == 1 ? "" : "s");
	if (unknown)
		fputs("unknown: 'rstmon last FILTER' shows reason and state of each\n", f);
}

void cli_list_timeouts(FILE *f, struct json_object *timeouts, size_t shown, const char *table)
{
	size_t n = timeouts ? json_object_array_length(timeouts) : 0;

	if (!n)
		return;
	fprintf(f, "\nTime-outs: connections that failed without any reset\n%s", table);
	if (n > shown)
		fprintf(f, "… %zu more row%s of time-outs\n", n - shown, n - shown == 1 ? "" : "s");
	fputc('\n', f);
}

/* "Counted since 09:27:00.", where the user asked for a time. */
static void since_text(FILE *f, struct json_object *parameters, const struct cli_options *o)
{
	uint64_t from = cli_time(parameters, "from");
	bool late = from > o->since;
	char when[WHEN_TEXT_MAX];

	if (o->since && from)
		fprintf(f, "Counted since %s%s.\n",
			cli_when_format_short(when, sizeof(when), from, o->now, o->utc),
			late ? ", when rstmond began to count" : "");
	/* each row has the last hour */
	if (cli_true(parameters, "partial") && (!late || o->now > from + HOUR))
		fputs("Some rows' history does not reach back to --since: their counts are at least "
		      "these.\n",
		      f);
}

static void totals_text(FILE *f, struct json_object *parameters, const struct cli_options *o)
{
	struct json_object *totals = cli_object(parameters, "totals");
	int64_t timeouts = cli_number(totals, "timeouts", 0);
	uint64_t from = cli_time(totals, "from");
	char when[WHEN_TEXT_MAX];

	if (!o->filter[0] && !o->since)
		fputs("In all", f);
	else if (from)
		fprintf(f, "Whole host since %s",
			cli_when_format_short(when, sizeof(when), from, o->now, o->utc));
	else
		fputs("Whole host", f);
	fprintf(f,
		": %" PRId64 " sent, %" PRId64 " received; %" PRId64
		" counted without detail, %" PRId64 " lost",
		cli_number(totals, "sent", 0), cli_number(totals, "received", 0),
		cli_number(totals, "spilled", 0), cli_number(totals, "lost", 0));
	if (timeouts > 0)
		fprintf(f, "; %" PRId64 " time-out%s", timeouts, timeouts == 1 ? "" : "s");
	fputc('\n', f);
}

void cli_list_notes(FILE *f, struct json_object *parameters, const struct cli_options *o)
{
	since_text(f, parameters, o);
	totals_text(f, parameters, o);
}
