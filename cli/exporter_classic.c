/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From OpenMetrics to the text format 0.0.4 of Prometheus, which is all that node_exporter's text
 * files and promtool read: there a counter's family has the name of its samples, with _total, and
 * there are neither infos nor units. Sample lines are the same in both. Must not read anything but
 * what rstmond writes: no exemplars, no times. Proved by tests/unit/cli/exporter.c.
 */
#include "common/util.h"

#include "cli/exporter.h"

struct line {
	const char *text;
	size_t len;
};

/* Takes a word off the beginning of the line. */
static struct line word(struct line *l)
{
	const char *blank = memchr(l->text, ' ', l->len);
	struct line first = {l->text, blank ? (size_t)(blank - l->text) : l->len};
	size_t gone = first.len + (blank ? 1 : 0);

	l->text += gone;
	l->len -= gone;
	return first;
}

static bool is(struct line l, const char *text)
{
	return l.len == strlen(text) && !memcmp(l.text, text, l.len);
}

struct family {
	struct line name;
	const char *suffix; /* of its samples */
};

static void put_type(FILE *f, struct family *family, struct line name, struct line type)
{
	const char *classic = NULL;

	*family = (struct family){.name = name, .suffix = ""};
	if (is(type, "counter")) {
		family->suffix = "_total";
	} else if (is(type, "info")) {
		family->suffix = "_info";
		classic = "gauge";
	} else if (is(type, "stateset")) {
		classic = "gauge";
	} else if (is(type, "unknown")) {
		classic = "untyped";
	}
	fprintf(f, "# TYPE %.*s%s %.*s\n", (int)name.len, name.text, family->suffix,
		classic ? (int)strlen(classic) : (int)type.len, classic ? classic : type.text);
}

/* In a help text a quote is escaped there, and must not be here. */
static void put_help(FILE *f, const struct family *family, struct line name, struct line help)
{
	bool same = name.len == family->name.len && !memcmp(name.text, family->name.text, name.len);

	fprintf(f, "# HELP %.*s%s ", (int)name.len, name.text, same ? family->suffix : "");
	for (size_t i = 0; i < help.len; i++) {
		if (help.text[i] == '\\' && i + 1 < help.len) {
			if (help.text[i + 1] != '"')
				fputc('\\', f);
			i++;
		}
		fputc(help.text[i], f);
	}
	fputc('\n', f);
}

static void put_line(FILE *f, struct family *family, struct line l)
{
	struct line rest = l, keyword, name;

	if (!is(word(&rest), "#")) {
		fprintf(f, "%.*s\n", (int)l.len, l.text);
		return;
	}
	keyword = word(&rest);
	name = word(&rest);
	if (is(keyword, "TYPE"))
		put_type(f, family, name, rest);
	else if (is(keyword, "HELP"))
		put_help(f, family, name, rest);
	else if (is(keyword, "EOF"))
		fputs("# EOF\n", f); /* a comment here; it still shows that the text is whole */
}

char *exporter_classic(const char *openmetrics)
{
	_cleanup_free_ char *text = NULL;
	struct family family = {.suffix = ""};
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool bad;

	if (!f)
		return NULL;
	while (*openmetrics) {
		size_t len = strcspn(openmetrics, "\n");

		put_line(f, &family, (struct line){openmetrics, len});
		openmetrics += len + (openmetrics[len] == '\n');
	}
	bad = ferror(f);
	if (fclose(f) != 0 || bad)
		return NULL;
	return TAKE_PTR(text);
}
