/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon list': rows of counters as a table. Must not add up or sort anything, the daemon did.
 * Proved by tests/unit/cli/list.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/when.h"
#include "common/str.h"

#define TERMINAL_ROWS 40

enum column {
	COLUMN_COUNT,
	COLUMN_ERROR,
	COLUMN_LAST,
	COLUMN_PROCESS,
	COLUMN_UNIT,
	COLUMN_CONTAINER,
	COLUMN_POD,
	COLUMN_NETNS,
	COLUMN_PEER,
	COLUMN_PORT,
	COLUMN_ROLE,
	COLUMN_DIRECTION,
	COLUMN_CAUSE,
	COLUMN_LATEST,
	COLUMN_MAX,
};

#define BIT(id) (1U << COLUMN_##id)

static const struct cli_column columns[COLUMN_MAX] = {
	[COLUMN_COUNT] = {.heading = "COUNT", .right = true},
	[COLUMN_ERROR] = {.heading = "ERROR", .right = true},
	[COLUMN_LAST] = {.heading = "LAST"},
	[COLUMN_PROCESS] = {.heading = "PROCESS"},
	[COLUMN_UNIT] = {.heading = "UNIT", .cut = true},
	[COLUMN_CONTAINER] = {.heading = "CONTAINER", .cut = true},
	[COLUMN_POD] = {.heading = "POD", .cut = true},
	[COLUMN_NETNS] = {.heading = "NETNS", .right = true},
	[COLUMN_PEER] = {.heading = "PEER"},
	[COLUMN_PORT] = {.heading = "PORT", .right = true},
	[COLUMN_ROLE] = {.heading = "ROLE"},
	[COLUMN_DIRECTION] = {.heading = "DIRECTION"},
	[COLUMN_CAUSE] = {.heading = "CAUSE"},
	/* a peer is counted in both directions; it has that of the latest */
	[COLUMN_LATEST] = {.heading = "LATEST"},
};

/* Which columns each --by has. Those of 'varying' are shown where rows differ in them. */
static const struct {
	const char *by;
	unsigned int columns, varying;
} views[] = {
	{"process",
	 BIT(COUNT) | BIT(LAST) | BIT(PROCESS) | BIT(UNIT) | BIT(PORT) | BIT(ROLE) |
		 BIT(DIRECTION) | BIT(CAUSE),
	 BIT(CONTAINER) | BIT(POD) | BIT(NETNS)},
	{"port", BIT(COUNT) | BIT(LAST) | BIT(PORT), 0},
	{"cause", BIT(COUNT) | BIT(LAST) | BIT(CAUSE), 0},
	{"unit", BIT(COUNT) | BIT(LAST) | BIT(UNIT), 0},
	{"peer", BIT(COUNT) | BIT(ERROR) | BIT(PEER) | BIT(LATEST), 0},
};

char *cli_process_text(char *dst, size_t size, const char *comm, int64_t pid)
{
	if (pid > 0)
		snprintf(dst, size, "%s[%" PRId64 "]", *comm ? comm : "?", pid);
	else
		str_copy(dst, size, *comm ? comm : "-");
	return dst;
}

static void process_cell(struct json_object *row, char *dst, size_t size)
{
	char comm[64], source[16];

	cli_text(row, "comm", comm, sizeof(comm));
	if (cli_true(row, "other"))
		str_copy(dst, size, "(all others)");
	else if (cli_true(row, "folded"))
		snprintf(dst, size, "%s (ended)", *comm ? comm : "?");
	else
		cli_process_text(dst, size, comm, cli_number(row, "pid", 0));
	/* as in 'last': who uses the connection is not known */
	if (!strcmp(cli_text(row, "owner_source", source, sizeof(source)), "listen")) {
		size_t len = strlen(dst);

		snprintf(dst + len, size - len, " (listener)");
	}
}

static void port_cell(struct json_object *row, char *dst, size_t size)
{
	int64_t port = cli_number(row, "port", 0);

	if (cli_true(row, "other_ports"))
		str_copy(dst, size, "others");
	else if (port > 0)
		snprintf(dst, size, "%" PRId64, port);
	else
		str_copy(dst, size, "-");
}

static void number_cell(struct json_object *row, const char *key, char *dst, size_t size)
{
	snprintf(dst, size, "%" PRId64, cli_number(row, key, 0));
}

static void last_cell(struct json_object *row, const struct cli_options *o, char *dst, size_t size)
{
	char text[TIME_TEXT_MAX + 1];
	uint64_t t;

	if (parse_time(cli_text(row, "last", text, sizeof(text)), &t) == 0)
		cli_when_format_short(dst, size, t, o->now, o->utc);
	else
		str_copy(dst, size, "-");
}

static void cell(struct json_object *row, enum column column, const struct cli_options *o,
		 char *dst, size_t size)
{
	static const char *const keys[COLUMN_MAX] = {
		[COLUMN_UNIT] = "unit",	  [COLUMN_CONTAINER] = "container",
		[COLUMN_POD] = "pod",	  [COLUMN_PEER] = "peer",
		[COLUMN_ROLE] = "role",	  [COLUMN_DIRECTION] = "direction",
		[COLUMN_CAUSE] = "cause", [COLUMN_LATEST] = "direction",
	};

	switch (column) {
	case COLUMN_COUNT:
		number_cell(row, "count", dst, size);
		break;
	case COLUMN_ERROR:
		number_cell(row, "error", dst, size);
		break;
	case COLUMN_NETNS: /* told where nobody owns the row */
		dst[0] = '\0';
		if (cli_number(row, "netns", 0))
			number_cell(row, "netns", dst, size);
		break;
	case COLUMN_LAST:
		last_cell(row, o, dst, size);
		break;
	case COLUMN_PROCESS:
		process_cell(row, dst, size);
		break;
	case COLUMN_PORT:
		port_cell(row, dst, size);
		break;
	default:
		cli_text(row, keys[column], dst, size);
		if (column == COLUMN_CONTAINER && strlen(dst) > 12)
			dst[12] = '\0'; /* as container tools show it */
	}
}

static const char *color_of(enum column column, const char *text)
{
	if (column == COLUMN_DIRECTION || column == COLUMN_LATEST)
		return !strcmp(text, "received") ? "cyan" : "yellow";
	if (column == COLUMN_CAUSE && strcmp(text, "unknown") != 0)
		return "bold";
	return NULL;
}

/* Whether rows have different texts in a column; those without one do not count. */
static bool varies(struct json_object *rows, size_t n, enum column column,
		   const struct cli_options *o)
{
	char first[CLI_TEXT_MAX] = "", text[CLI_TEXT_MAX];

	for (size_t i = 0; i < n; i++) {
		cell(json_object_array_get_idx(rows, i), column, o, text, sizeof(text));
		if (!*first)
			str_copy(first, sizeof(first), text);
		else if (*text && strcmp(first, text) != 0)
			return true;
	}
	return false;
}

/* The columns of this view in 'shown', in order, but none of 'without'; their number. */
static size_t choose_columns(struct json_object *rows, size_t n_rows, const struct cli_options *o,
			     unsigned int without, enum column shown[COLUMN_MAX])
{
	size_t n = 0, view = 0;

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(views[i].by, o->by))
			view = i;
	for (enum column c = 0; c < COLUMN_MAX; c++)
		if (!(without & (1U << c)) &&
		    ((views[view].columns & (1U << c)) ||
		     ((views[view].varying & (1U << c)) && varies(rows, n_rows, c, o))))
			shown[n++] = c;
	return n;
}

static char *rows_text(struct json_object *rows, size_t n_rows, const struct cli_options *o,
		       bool colors, unsigned int without)
{
	struct cli_column used[COLUMN_MAX];
	enum column shown[COLUMN_MAX];
	size_t n = choose_columns(rows, n_rows, o, without, shown);
	struct cli_table *table = NULL;
	char *text = NULL;
	int r;

	for (size_t i = 0; i < n; i++)
		used[i] = columns[shown[i]];
	r = cli_table_new(used, n, !o->no_headings, colors, &table);
	for (size_t i = 0; i < n_rows && !r; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		char texts[COLUMN_MAX][CLI_TEXT_MAX];
		struct cli_cell cells[COLUMN_MAX];

		for (size_t c = 0; c < n; c++) {
			cell(row, shown[c], o, texts[c], sizeof(texts[c]));
			cells[c] = (struct cli_cell){texts[c], color_of(shown[c], texts[c])};
		}
		r = cli_table_add(table, cells);
	}
	if (!r)
		text = cli_table_text(table);
	cli_table_free(table);
	return text;
}

static size_t count_shown(struct json_object *rows, size_t most)
{
	size_t n = rows ? json_object_array_length(rows) : 0;

	return most ? MIN(n, most) : n;
}

char *cli_list_text(struct json_object *parameters, const struct cli_options *o, bool colors,
		    size_t most)
{
	struct json_object *rows = cli_array(parameters, "rows");
	struct json_object *timeouts = cli_array(parameters, "timeouts");
	size_t shown = count_shown(rows, most), shown_timeouts = count_shown(timeouts, most);
	_cleanup_free_ char *table = rows_text(rows, shown, o, colors, 0);
	_cleanup_free_ char *table_timeouts =
		rows_text(timeouts, shown_timeouts, o, colors, BIT(DIRECTION));
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f;

	if (!table || !table_timeouts)
		return NULL;
	f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	fputs(table, f);
	/* without headings nothing would tell the second table from the first */
	if (!o->no_headings) {
		if (!*table)
			fputs(o->filter[0] || o->since ? "No reset matches.\n"
						       : "No resets so far.\n",
			      f);
		cli_list_note_rows(f, rows, shown);
		cli_list_timeouts(f, timeouts, shown_timeouts, table_timeouts);
		cli_list_notes(f, parameters, o);
	}
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}

/* A terminal's reader has lost what scrolled away; a program, or who asks for N, gets all. */
static size_t most_rows(const struct cli_options *o)
{
	bool complete = o->limit || o->no_headings || !isatty(STDOUT_FILENO);

	return complete ? 0 : TERMINAL_ROWS;
}

int verb_list(const struct cli_options *o)
{
	struct json_object *parameters = json_object_new_object();
	_cleanup_free_ char *text = NULL;
	struct cli_reply reply = {};
	int code;

	cli_put_text(parameters, "by", o->by);
	cli_put_text(parameters, "sort", o->sort);
	cli_put_number(parameters, "limit", o->limit);
	cli_put_time(parameters, "since", o->since);
	cli_put_text(parameters, "filter", o->filter);
	code = cli_call(o, "List", parameters, &reply);
	json_object_put(parameters);
	if (code)
		return code;
	if (o->json) {
		cli_print_json(reply.parameters);
	} else {
		text = cli_list_text(reply.parameters, o, cli_colors(o), most_rows(o));
		if (text)
			fputs(text, stdout);
		else
			code = cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the table");
	}
	cli_reply_done(&reply);
	return code;
}
