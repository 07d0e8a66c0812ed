/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration as a file: what holds, each value with its origin, and the defaults, commented
 * out. Must write nothing but what is read as the same values. Proved by
 * tests/unit/daemon/config_print.c, tests/check/input_config.sh and tests/fuzz/config.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/alert_defaults.h"
#include "daemon/config_internal.h"

/* Two kinds of lines: of what holds, and of defaults, which have no origin but a '#'. */
struct printing {
	const struct config *c;
	FILE *out;
	const char *before; /* of a value */
};

static void print_comment(const char *text, const char *before, FILE *out)
{
	fprintf(out, "# %s", before);
	for (; *text; text++) {
		fputc(*text, out);
		if (*text == '\n')
			fprintf(out, "# %s", before);
	}
	fputc('\n', out);
}

static void print_origin(const struct printing *p, struct config_origin origin)
{
	char text[CONFIG_ORIGIN_MAX];

	fprintf(p->out, "Origin: %s\n", config_origin_text(p->c, origin, text, sizeof(text)));
}

static void print_options(const struct printing *p)
{
	const char *section = "";
	char wants[160];

	for (size_t i = 0; i < CONFIG_OPTIONS; i++) {
		const struct config_option *o = &config_options[i];

		if (strcmp(section, o->section)) {
			fprintf(p->out, "%s[%s]\n", *section ? "\n" : "", o->section);
			section = o->section;
		} else {
			fputc('\n', p->out);
		}
		print_comment(o->help, "", p->out);
		config_describe(o, wants, sizeof(wants));
		fprintf(p->out, "# Takes %s.%s", wants, *p->before ? "\n" : " ");
		if (!*p->before)
			print_origin(p, p->c->origin[i]);
		config_print_value(o, p->c, p->before, p->out);
	}
}

static void print_rule_origin(const struct printing *p, unsigned int rule, unsigned int key)
{
	const struct config *c = p->c;

	fputs("# ", p->out);
	if (config_alert_derived(c, rule, key))
		fputs("Origin: half of the rate above\n", p->out);
	else
		print_origin(p, c->alert_origin[rule][key]);
}

/* What the keys of all rules are is told once. */
static void print_alert_help(FILE *out)
{
	char wants[160];

	fputs("\n"
	      "# Rules of alerts: a section with the name of a rule below changes that one, one with\n"
	      "# another name makes a new rule. What that does not say is as it is here.\n"
	      "#\n"
	      "# [alert NAME]\n",
	      out);
	for (size_t i = 0; i < CONFIG_ALERT_KEYS; i++) {
		const struct config_option *o = &config_alert_keys[i];

		fprintf(out, "# %s:\n", o->key);
		print_comment(o->help, "  ", out);
		config_describe(o, wants, sizeof(wants));
		fprintf(out, "#   Takes %s.\n#   Default: %s.\n", wants,
			*o->value ? o->value : "empty");
	}
}

static void print_rule(const struct printing *p, unsigned int i)
{
	bool commented = *p->before;

	fputc('\n', p->out);
	if (i < alert_defaults_n)
		print_comment(alert_defaults[i].help, "", p->out);
	fprintf(p->out, "%s[alert %s]\n", p->before, p->c->alert[i].name);
	for (size_t k = 0; k < CONFIG_ALERT_KEYS; k++) {
		if (!commented)
			print_rule_origin(p, i, (unsigned int)k);
		config_print_value(&config_alert_keys[k], &p->c->alert[i], p->before, p->out);
	}
}

static int print(const struct printing *p)
{
	print_options(p);
	print_alert_help(p->out);
	for (unsigned int i = 0; i < p->c->alerts; i++)
		print_rule(p, i);
	if (fflush(p->out) != 0)
		return -errno;
	return ferror(p->out) ? -EIO : 0;
}

int config_print(const struct config *c, FILE *out)
{
	const struct printing p = {.c = c, .out = out, .before = ""};

	return print(&p);
}

int config_print_defaults(FILE *out)
{
	_cleanup_free_ struct config *c = calloc(1, sizeof(*c));
	const struct printing p = {.c = c, .out = out, .before = "#"};

	if (!c)
		return -ENOMEM;
	config_default(c);
	fputs("# The configuration of rstmond, see rstmond.conf(5): every option as it is without this\n"
	      "# file. To change one, take the # in front of its line away, and of a rule of alerts\n"
	      "# that in front of its [section], too; or write it into a file of your own in\n"
	      "# /etc/rstmon/rstmond.conf.d/. \"rstmond --check-config\" tries it, \"systemctl reload\n"
	      "# rstmond\" puts it to use.\n\n",
	      out);
	return print(&p);
}
