/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which format a scraper wants (RFC 9110, 12.5.1). Must take any header that a client can send.
 * Proved by tests/unit/cli/exporter.c.
 */
#include "common/util.h"

#include <strings.h>

#include "cli/exporter.h"
#include "common/str.h"

const char *exporter_content_type(enum exporter_format format)
{
	return format == EXPORTER_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

struct piece {
	const char *text;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct piece trim(struct piece p)
{
	while (p.len && is_blank(*p.text)) {
		p.text++;
		p.len--;
	}
	while (p.len && is_blank(p.text[p.len - 1]))
		p.len--;
	return p;
}

/* Takes what stands before the next 'end', or the end of the text, off its beginning. */
static struct piece take(struct piece *from, char end)
{
	const char *at = memchr(from->text, end, from->len);
	struct piece first = {from->text, at ? (size_t)(at - from->text) : from->len};
	size_t gone = first.len + (at ? 1 : 0);

	from->text += gone;
	from->len -= gone;
	return trim(first);
}

static bool is(struct piece p, const char *word)
{
	return p.len == strlen(word) && !strncasecmp(p.text, word, p.len);
}

/* One media range: how much it is liked, and whether it has a version that is not ours. */
struct range {
	struct piece type;
	double quality;
	struct piece version;
};

static struct range read_range(struct piece text)
{
	struct range r = {.type = take(&text, ';'), .quality = 1};

	while (text.len) {
		struct piece value = take(&text, ';'), name = take(&value, '=');
		char number[16] = "";

		value = trim(value);
		if (value.len >= 2 && *value.text == '"' && value.text[value.len - 1] == '"')
			value = (struct piece){value.text + 1, value.len - 2};
		if (is(name, "version"))
			r.version = value;
		if (!is(name, "q"))
			continue;
		memcpy(number, value.text, MIN(value.len, sizeof(number) - 1));
		if (parse_double(number, &r.quality) < 0)
			r.quality = 0; /* what cannot be read is not wished for */
	}
	return r;
}

enum exporter_format exporter_accept(const char *accept)
{
	struct piece rest = {accept, accept ? strlen(accept) : 0};
	double open = 0, classic = 0;

	for (unsigned int i = 0; rest.len && i < EXPORTER_ACCEPT_MAX; i++) {
		struct range r = read_range(take(&rest, ','));
		bool any = !r.version.len;

		if (is(r.type, "application/openmetrics-text") && (any || is(r.version, "1.0.0")))
			open = MAX(open, r.quality);
		else if (is(r.type, "text/plain") && (any || is(r.version, "0.0.4")))
			classic = MAX(classic, r.quality);
	}
	return open > 0 && open >= classic ? EXPORTER_OPENMETRICS : EXPORTER_CLASSIC;
}
