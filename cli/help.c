/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon help': made from the tables of verbs and options, with nothing of its own that could go
 * out of date. Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include <json-c/json.h>

#include "cli/call.h"

static void print_option(int option)
{
	const struct cli_option_info *info = &cli_option_info[option];
	char text[48];

	if (info->letter)
		snprintf(text, sizeof(text), "-%c, --%s%s%s", info->letter, info->name,
			 info->argument ? " " : "", info->argument ? info->argument : "");
	else
		snprintf(text, sizeof(text), "    --%s%s%s", info->name, info->argument ? " " : "",
			 info->argument ? info->argument : "");
	printf("  %-22s %s\n", text, info->help);
}

static void print_options(unsigned int options)
{
	for (int i = 0; i < CLI_OPTION_MAX; i++)
		if (options & (1U << i))
			print_option(i);
}

static void print_all(void)
{
	puts("rstmon tells which TCP resets this host sent and received, whose they were and why.\n\n"
	     "Usage: rstmon [OPTION...] [VERB] [ARGUMENT...]\n\n"
	     "Verbs (list, if none is given):");
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		printf("  %-8s %-12s %s\n", v->name, v->arguments, v->help);
	puts("\nOptions of all verbs; 'rstmon help VERB' shows those of a verb:");
	print_options(CLI_COMMON_OPTIONS);
	puts("\nExamples:\n"
	     "  rstmon list --since 10m port 8080 and direction sent\n"
	     "  rstmon last 50 peer 10.0.0.0/8\n"
	     "  rstmon watch --last 10 not comm 'nginx*'\n"
	     "  rstmon check -w 10/min -c 100/min unit tomcat.service\n\n"
	     "Exit codes: 0 done, 1 failed, 2 usage, 3 rstmond is not running, 4 not permitted.");
}

static void print_verb(const struct cli_verb *v)
{
	printf("Usage: rstmon %s [OPTION...]%s%s\n\n%s: %s\n", v->name, *v->arguments ? " " : "",
	       v->arguments, v->name, v->help);
	if (*v->details)
		printf("\n%s", v->details);
	if (v->options) {
		puts("\nOptions:");
		print_options(v->options);
	}
	puts("\nOptions of all verbs:");
	print_options(CLI_COMMON_OPTIONS);
}

static struct json_object *option_json(int option)
{
	const struct cli_option_info *info = &cli_option_info[option];
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(info->name));
	if (info->letter)
		json_object_object_add(o, "letter", json_object_new_string_len(&info->letter, 1));
	if (info->argument)
		json_object_object_add(o, "argument", json_object_new_string(info->argument));
	json_object_object_add(o, "help", json_object_new_string(info->help));
	return o;
}

static struct json_object *verb_json(const struct cli_verb *v)
{
	struct json_object *o = json_object_new_object(), *options = json_object_new_array();

	json_object_object_add(o, "name", json_object_new_string(v->name));
	json_object_object_add(o, "arguments", json_object_new_string(v->arguments));
	json_object_object_add(o, "help", json_object_new_string(v->help));
	for (int i = 0; i < CLI_OPTION_MAX; i++)
		if ((v->options | CLI_COMMON_OPTIONS) & (1U << i))
			json_object_array_add(options, option_json(i));
	json_object_object_add(o, "options", options);
	return o;
}

static void print_json(const char *topic)
{
	struct json_object *o = json_object_new_object(), *verbs = json_object_new_array();

	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		if (!topic || !strcmp(topic, v->name))
			json_object_array_add(verbs, verb_json(v));
	json_object_object_add(o, "verbs", verbs);
	cli_print_json(o);
	json_object_put(o);
}

int verb_help(const struct cli_options *o)
{
	if (o->json)
		print_json(o->topic);
	else if (o->topic)
		print_verb(cli_verb_find(o->topic));
	else
		print_all();
	return RSTMON_EXIT_OK;
}
