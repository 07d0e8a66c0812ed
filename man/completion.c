/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * At build time: what shells complete, out of the tables that parsers and help are made of.
 * "completion SHELL PROGRAM" copies a script from stdin (man/completion/completion.SHELL), puts the
 * program's name in place of @PROGRAM@ and tables in place of the line "#TABLES". It must not know
 * any verb, option or word by itself. Proved by tests/check/completion.sh.
 */
#include "common/util.h"

#include <errno.h>

#include "cli/errors.h"
#include "cli/verbs.h"
#include "common/words.h"
#include "daemon/arguments.h"

/*
 * The tables, each a key with words and what they mean:
 *
 *	verbs			the verbs
 *	options:VERB		its options; without VERB those that hold where none is given
 *	takes:OPTION		file, directory, value or optional (only as --option=value)
 *	values:OPTION		what it may be, or examples
 *	arguments:VERB		words behind the verb
 *	filter:VERB		rows or resets, if what follows is a filter
 *	fields:rows|resets	the fields that the filter may have
 *	words:FIELD		what such a field may be
 */

/* ---- how each shell writes them ---- */

struct shell {
	const char *name;
	void (*begin)(const char *kind, const char *name); /* an entry; its key is both in one */
	void (*put)(const char *word, const char *help);
	const char *end;
};

static void put_quoted(const char *text, const char *quote)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, stdout);
		else
			putchar(*text);
	}
	putchar('\'');
}

static void begin_bash(const char *kind, const char *name)
{
	printf("\t%s%s) echo", kind, name);
}

static void put_bash(const char *word, const char *help)
{
	(void)help;
	printf(" %s", word);
}

static void begin_zsh(const char *kind, const char *name)
{
	printf("\t%s%s)\n\t\treply=(", kind, name);
}

/* "word:meaning"; a colon in the word would end it */
static void put_zsh(const char *word, const char *help)
{
	char text[320];
	size_t at = 0;

	for (; *word && at < sizeof(text) - 2; word++) {
		if (*word == ':')
			text[at++] = '\\';
		text[at++] = *word;
	}
	snprintf(text + at, sizeof(text) - at, "%s%s", *help ? ":" : "", help);
	fputs("\n\t\t\t", stdout);
	put_quoted(text, "'\\''");
}

static void begin_fish(const char *kind, const char *name)
{
	printf("\tcase '%s%s'\n\t\tprintf '%%s\\t%%s\\n'", kind, name);
}

static void put_fish(const char *word, const char *help)
{
	fputs(" \\\n\t\t\t", stdout);
	put_quoted(word, "\\'");
	putchar(' ');
	put_quoted(help, "\\'");
}

static const struct shell shells[] = {
	{"bash", begin_bash, put_bash, " ;;\n"},
	{"zsh", begin_zsh, put_zsh, ") ;;\n"},
	{"fish", begin_fish, put_fish, "\n"},
};

static const struct shell *shell;

static void end(void)
{
	fputs(shell->end, stdout);
}

static void put_words(const char *words)
{
	while (*words) {
		size_t n = strcspn(words, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)n, words);
		shell->put(word, "");
		words += n + strspn(words + n, " ");
	}
}

/* ---- options ---- */

/* What an option takes is told by the word that help has for it. */
static const struct {
	const char *argument, *takes, *examples;
} arguments[] = {
	{"PATH", "file", NULL},
	{"FILE", "file", NULL},
	{"DIR", "directory", NULL},
	{"N", "value", "10 20 50 100"},
	{"TIME", "value", "1m 5m 10m 1h 24h"},
	{"ADDRESS", "value", "127.0.0.1:9941 127.0.0.1:0"},
	{"RATE", "value", "1/min 10/min 100/min 5/s"},
};

static int put_argument(const char *option, const char *argument, const char *words)
{
	const char *takes = words ? "value" : NULL, *examples = words;

	for (size_t i = 0; !takes && i < ARRAY_SIZE(arguments); i++)
		if (!strcmp(arguments[i].argument, argument)) {
			takes = arguments[i].takes;
			examples = arguments[i].examples;
		}
	if (!takes) {
		fprintf(stderr,
			"completion: %s takes %s, of which man/completion.c knows nothing\n",
			option, argument);
		return -EINVAL;
	}
	shell->begin("takes:", option);
	shell->put(takes, "");
	end();
	if (!examples)
		return 0;
	shell->begin("values:", option);
	put_words(examples);
	end();
	return 0;
}

static void put_options(const char *verb, unsigned int options)
{
	char name[64];

	shell->begin("options:", verb);
	for (int i = 0; i < CLI_OPTION_MAX; i++) {
		const struct cli_option_info *info = &cli_option_info[i];

		if (!(options & (1U << i)))
			continue;
		snprintf(name, sizeof(name), "--%s", info->name);
		shell->put(name, info->help);
		if (!info->letter)
			continue;
		snprintf(name, sizeof(name), "-%c", info->letter);
		shell->put(name, info->help);
	}
	end();
}

static int put_option_arguments(enum cli_option option)
{
	const struct cli_option_info *info = &cli_option_info[option];
	char name[64];
	int r;

	if (!info->argument)
		return 0;
	snprintf(name, sizeof(name), "--%s", info->name);
	r = put_argument(name, info->argument, cli_option_words(option));
	if (r || !info->letter)
		return r;
	snprintf(name, sizeof(name), "-%c", info->letter);
	return put_argument(name, info->argument, cli_option_words(option));
}

/* ---- what stands behind a verb ---- */

static void put_verbs(void)
{
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		shell->put(v->name, v->help);
}

/* A cause, or an error that a program got. */
static void put_causes(void)
{
	const char *error;

	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++)
		shell->put(cause_name(c), cause_summary(c));
	for (unsigned int i = 0; (error = filter_field_word(FILTER_ERRNO, i)); i++)
		if (cli_error_named(error))
			shell->put(error, cli_error_named(error)->text);
}

static int put_verb_arguments(const struct cli_verb *v)
{
	if (v->filtered) {
		shell->begin("filter:", v->name);
		shell->put(v->scope == FILTER_ROWS ? "rows" : "resets", "");
		end();
	}
	if (!*v->arguments || !strcmp(v->arguments, "[FILTER]"))
		return 0;
	shell->begin("arguments:", v->name);
	if (!strcmp(v->arguments, "[N] [FILTER]")) {
		put_words("10 20 50 100");
	} else if (!strcmp(v->arguments, "[CAUSE]")) {
		put_causes();
	} else if (!strcmp(v->arguments, "[VERB]")) {
		put_verbs();
	} else {
		fprintf(stderr,
			"completion: 'rstmon %s' takes %s, of which man/completion.c knows "
			"nothing\n",
			v->name, v->arguments);
		return -EINVAL;
	}
	end();
	return 0;
}

static void put_fields(const char *name, enum filter_scope scope)
{
	shell->begin("fields:", name);
	for (unsigned int f = 0; f < FILTER_FIELD_MAX; f++)
		if (filter_field_in_scope(f, scope))
			shell->put(filter_field_name(f), "");
	shell->put("not", "");
	end();
}

static void put_field_words(enum filter_field field)
{
	const char *word = filter_field_word(field, 0);

	if (!word)
		return;
	shell->begin("words:", filter_field_name(field));
	for (unsigned int i = 1; word; word = filter_field_word(field, i++))
		if (*word)
			shell->put(word, field == FILTER_CAUSE ? cause_summary(i - 1) : "");
	end();
}

/* ---- the two programs ---- */

static int put_rstmon(void)
{
	const struct cli_verb *none = cli_verb_find("list");
	int r = 0;

	shell->begin("verbs", "");
	put_verbs();
	end();
	put_options("", none->options | CLI_COMMON_OPTIONS);
	for (const struct cli_verb *v = cli_verbs; !r && v->name; v++) {
		put_options(v->name, v->options | CLI_COMMON_OPTIONS);
		r = put_verb_arguments(v);
	}
	for (int i = 0; !r && i < CLI_OPTION_MAX; i++)
		r = put_option_arguments((enum cli_option)i);
	put_fields("rows", FILTER_ROWS);
	put_fields("resets", FILTER_RESETS);
	for (unsigned int f = 0; f < FILTER_FIELD_MAX; f++)
		put_field_words(f);
	return r;
}

enum has_argument {
	NONE,
	REQUIRED,
	OPTIONAL,
};

static int put_rstmond(void)
{
	int r = 0;

	shell->begin("options:", "");
#define X(id, name, has, argument, words, help) shell->put("--" name, help);
	RSTMOND_OPTIONS(X)
#undef X
	end();
#define X(id, name, has, argument, words, help)                                                    \
	if (!r && has == REQUIRED)                                                                 \
		r = put_argument("--" name, argument, words);                                      \
	if (has == OPTIONAL) {                                                                     \
		shell->begin("takes:", "--" name);                                                 \
		shell->put("optional", "");                                                        \
		end();                                                                             \
		shell->begin("values:", "--" name);                                                \
		put_words(words);                                                                  \
		end();                                                                             \
	}
	RSTMOND_OPTIONS(X)
#undef X
	return r;
}

static int copy(const char *program)
{
	static const char mark[] = "@PROGRAM@";
	unsigned int tables = 0;
	char line[1024];
	int r = 0;

	while (!r && fgets(line, sizeof(line), stdin)) {
		const char *rest = line, *found;

		if (!strcmp(line, "#TABLES\n")) {
			r = !strcmp(program, "rstmon") ? put_rstmon() : put_rstmond();
			tables++;
			continue;
		}
		while ((found = strstr(rest, mark))) {
			printf("%.*s%s", (int)(found - rest), rest, program);
			rest = found + strlen(mark);
		}
		fputs(rest, stdout);
	}
	/* without tables, the file that was given is not a script */
	return r ? r : ferror(stdin) || tables != 1 ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	bool known = argc == 3 && (!strcmp(argv[2], "rstmon") || !strcmp(argv[2], "rstmond"));
	int r;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(shells); i++)
		if (!strcmp(shells[i].name, argv[1]))
			shell = &shells[i];
	if (!shell || !known) {
		fprintf(stderr,
			"completion: usage: completion bash|zsh|fish rstmon|rstmond < SCRIPT\n");
		return 1;
	}
	r = copy(argv[2]);
	if (r == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "completion: %s\n", strerror(-r));
	return r < 0 ? 1 : 0;
}
