/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables for people: columns as wide as their content, cut at the terminal's edge where they may be. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct cli_column {
	const char *heading;
	bool right, cut;
};

struct cli_cell {
	const char *text;  /* "" and NULL are shown as "-" */
	const char *color; /* name of a color, NULL: none */
};

struct cli_table;

int cli_table_new(const struct cli_column *columns, size_t n_columns, bool headings, bool colors,
		  struct cli_table **ret);
void cli_table_free(struct cli_table *t);

/* 'cells' are as many as there are columns, and copied. -ENOMEM. */
int cli_table_add(struct cli_table *t, const struct cli_cell *cells);

/* All of it, each line ended; malloc()ed. NULL: no memory. */
char *cli_table_text(struct cli_table *t);

#endif
