/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon explain': what a cause means and what to do, out of common/causes.c. Must work without a
 * daemon. Proved by tests/unit/cli/explain.c.
 */
#include "common/util.h"

#include "cli/call.h"
#include "cli/errors.h"
#include "cli/paragraph.h"
#include "cli/text.h"
#include "common/causes_json.h"
#include "common/near.h"

/* What was told before a blank line, and what follows. */
static void put_part(const struct cli_page *p, const char *title, const char *text)
{
	if (!text || !*text)
		return;
	fprintf(p->f, "\n%s%s%s\n", p->bold, title, p->plain);
	cli_paragraph(p, 2, "  ", text);
}

static void put_advice(const struct cli_page *p, const struct cause_text *t)
{
	if (t->advice[0])
		fprintf(p->f, "\n%sWhat to do%s\n", p->bold, p->plain);
	for (size_t i = 0; i < CAUSE_ADVICE_MAX && t->advice[i]; i++)
		cli_paragraph(p, 4, "  - ", t->advice[i]);
}

static void put_settings(const struct cli_page *p, const struct cause_text *t)
{
	char name[160];

	if (t->settings[0].name)
		fprintf(p->f, "\n%sSettings%s\n", p->bold, p->plain);
	for (size_t i = 0; i < CAUSE_SETTINGS_MAX && t->settings[i].name; i++) {
		snprintf(name, sizeof(name), "%s: %s", t->settings[i].program, t->settings[i].name);
		cli_paragraph(p, 2, "  ", name);
		cli_paragraph(p, 6, "      ", t->settings[i].meaning ? t->settings[i].meaning : "");
	}
}

static void put_see(const struct cli_page *p, const struct cause_text *t)
{
	if (!t->see[0])
		return;
	fprintf(p->f, "\n%sSee also%s\n ", p->bold, p->plain);
	for (size_t i = 0; i < ARRAY_SIZE(t->see) && t->see[i]; i++)
		fprintf(p->f, "%s %s", i ? "," : "", t->see[i]);
	fputc('\n', p->f);
}

static void put_cause(const struct cli_page *p, unsigned int cause)
{
	const struct cause_text *t = cause_text(cause);

	fprintf(p->f, "%s%s%s: %s\n", p->bold, cause_name(cause), p->plain, cause_summary(cause));
	if (!t)
		return;
	fprintf(p->f, "  (%s; %s)\n", t->kind, t->severity);
	put_part(p, "What it means", t->meaning);
	put_part(p, "How it looks", t->looks);
	put_advice(p, t);
	put_part(p, "Is it safe to try again?", t->retry);
	put_settings(p, t);
	put_see(p, t);
}

static const char *kind_of(unsigned int cause)
{
	const struct cause_text *t = cause_text(cause);

	return t && t->kind ? t->kind : "";
}

static void put_line(const struct cli_page *p, unsigned int cause)
{
	char label[64];

	snprintf(label, sizeof(label), "  %s", cause_name(cause));
	cli_paragraph(p, 30, label, cause_summary(cause));
}

/* Each kind at its first cause, with all that are of it. */
static void put_kind(const struct cli_page *p, const char *kind, bool first)
{
	fprintf(p->f, "%s%s%s%s:\n", first ? "" : "\n", p->bold, *kind ? kind : "other", p->plain);
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		if (strcmp(kind_of(i), kind) == 0)
			put_line(p, i);
	}
}

static void put_all(const struct cli_page *p, bool headings)
{
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++) {
		bool told = false;

		for (unsigned int k = 0; k < i; k++)
			told |= !strcmp(kind_of(k), kind_of(i));
		if (!told)
			put_kind(p, kind_of(i), i == 0);
	}
	if (headings)
		fputs("\n'rstmon explain CAUSE' tells all about one of them.\n", p->f);
}

static void put_error(const struct cli_page *p, const struct cli_error *e, bool headings)
{
	if (headings)
		fprintf(p->f, "%s%s%s (%d, \"%s\") may come of, the likeliest first:\n", p->bold,
			e->name, p->plain, e->number, e->text);
	for (unsigned int i = 0; i < e->n_causes; i++)
		put_line(p, e->causes[i]);
	if (headings)
		fputs("\n'rstmon why' tells which of them it was here, 'rstmon explain CAUSE' all about "
		      "one.\n",
		      p->f);
}

static void put_part_of_ids(const struct cli_page *p, const char *part, bool headings)
{
	for (int i = near_cause_part(part, 0); i >= 0;
	     i = near_cause_part(part, (unsigned int)i + 1))
		put_line(p, (unsigned int)i);
	if (headings)
		fputs("\n'rstmon explain CAUSE' tells all about one of them.\n", p->f);
}

static void put_topic(const struct cli_page *p, const char *name, bool headings)
{
	const struct cli_error *error = cli_error_named(name);
	int cause = cause_parse(name);

	if (cause >= 0)
		put_cause(p, (unsigned int)cause);
	else if (error)
		put_error(p, error, headings);
	else
		put_part_of_ids(p, name, headings);
}

char *cli_explain_text(const char *name, bool headings, bool colors, unsigned int width)
{
	_cleanup_free_ char *text = NULL;
	struct cli_page p = {
		.width = width, .bold = colors ? "\033[1m" : "", .plain = colors ? "\033[0m" : ""};
	size_t size;

	p.f = open_memstream(&text, &size);
	if (!p.f)
		return NULL;
	if (name)
		put_topic(&p, name, headings);
	else
		put_all(&p, headings);
	return fclose(p.f) == 0 ? TAKE_PTR(text) : NULL;
}

struct json_object *cli_explain_json(const char *name)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();
	const struct cli_error *error = name ? cli_error_named(name) : NULL;
	int cause = name ? cause_parse(name) : -1;
	bool ok = o && array;

	for (unsigned int i = 0; ok && error && i < error->n_causes; i++)
		ok = causes_json_append(array, cause_json(error->causes[i]));
	for (unsigned int i = 0; ok && !error && i < RST_CAUSE_MAX; i++)
		if (!name || (cause >= 0 ? cause == (int)i : near_cause_part(name, i) == (int)i))
			ok = causes_json_append(array, cause_json(i));
	if (o && causes_json_put(o, "causes", array) && ok)
		return o;
	if (!o)
		json_object_put(array);
	json_object_put(o);
	return NULL;
}

int verb_explain(const struct cli_options *o)
{
	struct json_object *json = NULL;
	_cleanup_free_ char *text = NULL;

	if (o->json) {
		json = cli_explain_json(o->topic);
		if (!json)
			return cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the text");
		cli_print_json(json);
		json_object_put(json);
		return RSTMON_EXIT_OK;
	}
	text = cli_explain_text(o->topic, !o->no_headings, cli_colors(o), cli_width());
	if (!text)
		return cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the text");
	fputs(text, stdout);
	return RSTMON_EXIT_OK;
}
