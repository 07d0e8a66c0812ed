/* SPDX-License-Identifier: GPL-2.0-only */
/* Text in lines no longer than the terminal is wide. Pure but for cli_width(). */
#ifndef CLI_PARAGRAPH_H
#define CLI_PARAGRAPH_H

#include <stdio.h>

#define PARAGRAPH_WIDTH	    100 /* at most: longer lines are hard to read */
#define PARAGRAPH_WIDTH_MIN 40

/* Columns to write in: the terminal's, within the two bounds; PARAGRAPH_WIDTH where it is none. */
unsigned int cli_width(void);

/* One page: where it goes, and how. */
struct cli_page {
	FILE *f;
	unsigned int width;
	const char *bold, *plain; /* "" without colors */
};

/* 'label' stands alone to the left, then comes 'text' from column 'indent' on, in as many lines as it
 * takes. Without a text nothing is written. A line break in 'text' begins a new line. */
void cli_paragraph(const struct cli_page *p, unsigned int indent, const char *label,
		   const char *text);

#endif
