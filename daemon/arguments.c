/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of rstmond. Must find every mistake before anything is opened, and do nothing
 * else. Proved by tests/unit/daemon/arguments.c.
 */
#include "common/util.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#include "daemon/arguments.h"

enum option_id {
#define X(id, name, has, argument, words, help) OPTION_##id,
	RSTMOND_OPTIONS(X)
#undef X
		OPTION_MAX,
};

enum has_argument {
	NONE = no_argument,
	REQUIRED = required_argument,
	OPTIONAL = optional_argument,
};

static const struct {
	const char *name;
	enum has_argument has;
	const char *argument, *words, *help;
} table[OPTION_MAX] = {
#define X(id, name_, has_, argument_, words_, help_)                                               \
	[OPTION_##id] = {.name = name_,                                                            \
			 .has = has_,                                                              \
			 .argument = argument_,                                                    \
			 .words = words_,                                                          \
			 .help = help_},
	RSTMOND_OPTIONS(X)
#undef X
};

struct mistake {
	char *text;
	size_t size;
};

static _printf_(2, 3) int fail(const struct mistake *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(m->text, m->size, format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_one_of(const char *word, const char *words)
{
	size_t n = strlen(word);

	for (const char *next = words; *next; next += strspn(next, " ")) {
		size_t len = strcspn(next, " ");

		if (len == n && !memcmp(next, word, n))
			return true;
		next += len;
	}
	return false;
}

/* "auto, journal or none" */
static void list_words(const char *words, char *dst, size_t size)
{
	size_t at = 0;

	for (const char *next = words; *next && at < size;) {
		size_t len = strcspn(next, " ");
		const char *after = next + len + strspn(next + len, " ");
		const char *join = !*after ? "" : strchr(after, ' ') ? ", " : " or ";

		at += (size_t)snprintf(dst + at, size - at, "%.*s%s", (int)len, next, join);
		next = after;
	}
}

static int check_value(enum option_id id, const char *value, const struct mistake *m)
{
	char words[80];

	if (table[id].has == REQUIRED && !value[0])
		return fail(m, "--%s wants %s behind it, not an empty word", table[id].name,
			    table[id].argument);
	if (!table[id].words || is_one_of(value, table[id].words))
		return 0;
	list_words(table[id].words, words, sizeof(words));
	return fail(m, "--%s is %s, not %s", table[id].name, words, value);
}

static void set(struct arguments *a, enum option_id id, const char *value)
{
	switch (id) {
	case OPTION_SOCKET:
		a->socket = value;
		break;
	case OPTION_CONFIG:
		a->config = value;
		break;
	case OPTION_STATE:
		a->state = value;
		break;
	case OPTION_LOG:
		a->log = value;
		break;
	case OPTION_PRINT:
		/* the table has its words already */
		a->print = (enum print_format)print_format_parse(value[0] ? value : "text");
		break;
	case OPTION_RECORD:
		a->record = value;
		break;
	case OPTION_REPLAY:
		a->replay = value;
		break;
	case OPTION_BTF:
		a->btf = value;
		break;
	case OPTION_PROBE:
		a->probe = !strcmp(value, "json") ? PROBE_JSON : PROBE_TEXT;
		break;
	case OPTION_CHECK_CONFIG:
		a->check_config = true;
		break;
	case OPTION_PRINT_CONFIG:
		a->print_defaults = value[0];
		a->print_config = !value[0];
		break;
	case OPTION_VERSION:
		a->version = true;
		break;
	case OPTION_HELP:
		a->help = true;
		break;
	case OPTION_MAX:
		break;
	}
}

/* What getopt_long() did not like, in our words. Its numbers of options begin with 1. */
static int bad_option(const char *word, const struct mistake *m)
{
	if (optopt < 1 || optopt > OPTION_MAX)
		return fail(m, "there is no option %s", word);
	if (table[optopt - 1].has == NONE)
		return fail(m, "--%s takes no value", table[optopt - 1].name);
	return fail(m, "--%s wants %s behind it", table[optopt - 1].name,
		    table[optopt - 1].argument);
}

int arguments_parse(int argc, char *argv[], struct arguments *ret, char *error, size_t error_size)
{
	const struct mistake m = {error, error_size};
	struct option longs[OPTION_MAX + 1] = {};
	struct arguments a = {};
	int c, r;

	for (int i = 0; i < OPTION_MAX; i++)
		longs[i] = (struct option){
			.name = table[i].name, .has_arg = (int)table[i].has, .val = i + 1};
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		const char *value = optarg ? optarg : "";

		if (c < 1 || c > OPTION_MAX)
			return bad_option(argv[optind - 1], &m);
		/* an optional one that is missing is the first of its words */
		if (optarg || table[c - 1].has == REQUIRED) {
			r = check_value((enum option_id)(c - 1), value, &m);
			if (r)
				return r;
		}
		set(&a, (enum option_id)(c - 1), value);
	}
	if (optind < argc)
		return fail(&m, "there are no arguments but options: %s", argv[optind]);
	if (a.record && a.replay)
		return fail(&m, "--record and --replay exclude each other");
	*ret = a;
	return 0;
}

static void put_option(FILE *f, enum option_id id)
{
	char text[48];

	if (table[id].has == OPTIONAL)
		snprintf(text, sizeof(text), "--%s[=%s]", table[id].name, table[id].argument);
	else
		snprintf(text, sizeof(text), "--%s%s%s", table[id].name,
			 table[id].argument ? " " : "",
			 table[id].argument ? table[id].argument : "");
	fprintf(f, "  %-25s %s\n", text, table[id].help);
}

void arguments_help(FILE *f)
{
	fputs("rstmond sees every TCP reset that this host sends or receives, and says whose it "
	      "was.\n\n  rstmond [OPTION...]\n\n",
	      f);
	for (int i = 0; i < OPTION_MAX; i++)
		put_option(f, (enum option_id)i);
	fputs("\nIt stays in the foreground and prints \"ready\" when all is attached. What it saw, "
	      "rstmon\ntells. See rstmond(8), rstmond.conf(5), rstmon(1).\n"
	      "Exit codes: 0 done, 1 failed, 2 usage.\n",
	      f);
}
