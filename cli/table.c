/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables by libsmartcols, which knows how wide characters and terminals are. Must not be given text
 * that was not sanitised, and makes no JSON. Proved by tests/unit/cli/table.c.
 */
#include "common/util.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>

#include "cli/table.h"

struct cli_table {
	struct libscols_table *table;
	size_t n_columns;
};

int cli_table_new(const struct cli_column *columns, size_t n_columns, bool headings, bool colors,
		  struct cli_table **ret)
{
	struct cli_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->table = scols_new_table();
	t->n_columns = n_columns;
	if (!t->table)
		goto fail;
	scols_table_enable_noheadings(t->table, !headings);
	scols_table_enable_colors(t->table, colors);
	scols_table_set_column_separator(t->table, "  ");
	for (size_t i = 0; i < n_columns; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].cut ? SCOLS_FL_TRUNC : 0);

		/* a heading that is not shown would still widen its column */
		if (!scols_table_new_column(t->table, headings ? columns[i].heading : "", 0, flags))
			goto fail;
	}
	*ret = t;
	return 0;
fail:
	cli_table_free(t);
	return -ENOMEM;
}

void cli_table_free(struct cli_table *t)
{
	if (!t)
		return;
	scols_unref_table(t->table);
	free(t);
}

int cli_table_add(struct cli_table *t, const struct cli_cell *cells)
{
	struct libscols_line *line = scols_table_new_line(t->table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_columns; i++) {
		const char *text = cells[i].text && *cells[i].text ? cells[i].text : "-";

		if (scols_line_set_data(line, i, text) < 0)
			return -ENOMEM;
		if (cells[i].color &&
		    scols_cell_set_color(scols_line_get_cell(line, i), cells[i].color) < 0)
			return -ENOMEM;
	}
	return 0;
}

char *cli_table_text(struct cli_table *t)
{
	char *text = NULL, *whole;
	size_t len;

	if (scols_table_is_empty(t->table))
		return strdup("");
	if (scols_print_table_to_string(t->table, &text) < 0)
		return NULL;
	/* libsmartcols leaves out the last line's end */
	len = strlen(text);
	if (!len || text[len - 1] == '\n')
		return text;
	whole = realloc(text, len + 2);
	if (!whole) {
		free(text);
		return NULL;
	}
	memcpy(whole + len, "\n", 2);
	return whole;
}
