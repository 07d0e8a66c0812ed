/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line for each story: how often, which cause, where, between whom. Must stand in the order of
 * the stories below, whose numbers these are. Proved by tests/unit/cli/why.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/table.h"
#include "cli/text.h"
#include "cli/why.h"
#include "common/str.h"

/* Where both ends are on this host each of them counts what is one event to people. */
int64_t why_events(struct json_object *s)
{
	int64_t samples = cli_number(s, "samples", 0);
	int64_t sent = cli_number(s, "sent", 0), received = cli_number(s, "received", 0);
	int64_t timeouts = cli_number(s, "timeouts", 0);

	sent = MAX(sent - cli_number(s, "echoes", 0), (int64_t)0);
	if (samples > 0 && cli_number(s, "pairs", 0) == samples)
		return MAX(sent, received) + timeouts;
	return sent + received + timeouts;
}

/* The busiest of a direction, with how many more; false if there is none. */
static bool side_of(struct json_object *s, const char *direction, char *dst, size_t size)
{
	struct json_object *parties = cli_array(s, "parties");
	size_t n = parties ? json_object_array_length(parties) : 0, others = 0;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct json_object *party = json_object_array_get_idx(parties, i);
		char side[16], comm[64];

		cli_text(party, "direction", side, sizeof(side));
		if (strcmp(side, direction) != 0)
			continue;
		if (found) {
			others++;
			continue;
		}
		found = true;
		cli_text(party, "comm", comm, sizeof(comm));
		snprintf(dst, size, "%s", *comm ? comm : "no process");
	}
	if (others > 0)
		snprintf(dst + strlen(dst), size - strlen(dst), " +%zu", others);
	return found;
}

/* "java -> nginx"; what is not on this host is a remote host. */
static void put_sides(struct json_object *s, char *dst, size_t size)
{
	const char *far = cli_number(s, "pairs", 0) > 0 ? "this host" : "remote host";
	char from[96], to[96];
	bool sent = side_of(s, "sent", from, sizeof(from));
	bool received = side_of(s, "received", to, sizeof(to));

	if (sent || received)
		snprintf(dst, size, "%s -> %s", sent ? from : far, received ? to : far);
	else if (!side_of(s, "", dst, size))
		dst[0] = '\0';
}

static int add_line(struct cli_table *table, struct json_object *s)
{
	int64_t port = cli_number(s, "port", 0), ports = cli_number(s, "ports", 0);
	char count[32], cause[48], where[32] = "", sides[256], confidence[16];
	struct cli_cell cells[] = {{.text = count},
				   {.text = cause},
				   {.text = where},
				   {.text = sides},
				   {.text = confidence}};

	snprintf(count, sizeof(count), "%" PRId64 " x", why_events(s));
	cli_text(s, "cause", cause, sizeof(cause));
	cli_text(s, "confidence", confidence, sizeof(confidence));
	if (cli_number(s, "samples", 0) <= 0 || !strcmp(cause, "unknown"))
		confidence[0] = '\0';
	if (port > 0)
		snprintf(where, sizeof(where), "port %" PRId64, port);
	else if (ports > 1)
		snprintf(where, sizeof(where), "%" PRId64 "%s ports", ports,
			 cli_true(s, "more_ports") ? "+" : "");
	put_sides(s, sides, sizeof(sides));
	return cli_table_add(table, cells);
}

void why_overview(const struct cli_page *p, struct json_object *stories)
{
	static const struct cli_column columns[] = {{.heading = "COUNT", .right = true},
						    {.heading = "CAUSE"},
						    {.heading = "WHERE"},
						    {.heading = "WHO"},
						    {.heading = "CONFIDENCE"}};
	size_t n = stories ? json_object_array_length(stories) : 0;
	_cleanup_free_ char *text = NULL;
	struct cli_table *table = NULL;
	int r = cli_table_new(columns, ARRAY_SIZE(columns), false, false, &table);

	for (size_t i = 0; !r && i < n; i++)
		r = add_line(table, json_object_array_get_idx(stories, i));
	text = r ? NULL : cli_table_text(table);
	for (char *line = text, *end; line && *line; line = end) {
		end = line + strcspn(line, "\n");
		fprintf(p->f, "  %.*s\n", (int)(end - line), line);
		end += *end == '\n';
	}
	cli_table_free(table);
}
