/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Breaking lines at blanks. Must not cut a word: one that is longer than a line stands alone and
 * sticks out, so that it can be copied. Proved by tests/unit/cli/paragraph.c.
 */
#include "common/util.h"

#include <sys/ioctl.h>

#include "cli/paragraph.h"

unsigned int cli_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return PARAGRAPH_WIDTH;
	return MAX(MIN(size.ws_col, PARAGRAPH_WIDTH), PARAGRAPH_WIDTH_MIN);
}

/* Characters, which are columns for what is written here; bold and plain take none. */
static unsigned int columns(const char *text, size_t bytes)
{
	unsigned int n = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\033')
			i += strcspn(text + i, "m");
		else
			n += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return n;
}

static unsigned int fill(FILE *f, unsigned int from, unsigned int to)
{
	if (from < to)
		fprintf(f, "%*s", (int)(to - from), "");
	return MAX(from, to);
}

void cli_paragraph(const struct cli_page *p, unsigned int indent, const char *label,
		   const char *text)
{
	unsigned int at, len = columns(label, strlen(label));
	bool begin = true; /* of a line */

	if (!*text)
		return;
	fputs(label, p->f);
	at = fill(p->f, len, indent);
	while (*text) {
		size_t n = strcspn(text, " \n");
		unsigned int word = columns(text, n);

		if (!begin && at + 1 + word > p->width) {
			fputc('\n', p->f);
			at = fill(p->f, 0, indent);
			begin = true;
		}
		if (!begin && n > 0) {
			fputc(' ', p->f);
			at++;
		}
		fprintf(p->f, "%.*s", (int)n, text);
		at += word;
		begin = begin && n == 0;
		text += n;
		if (*text == '\n' && text[1]) {
			fputc('\n', p->f);
			at = fill(p->f, 0, indent);
			begin = true;
		}
		text += *text != '\0';
	}
	fputc('\n', p->f);
}
