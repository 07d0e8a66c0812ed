/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line. Must find every mistake before anything is asked of the daemon, and say what to
 * type instead. Proved by tests/unit/cli/options.c.
 */
#include "common/util.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>

#include "cli/errors.h"
#include "cli/exporter.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/when.h"
#include "common/near.h"
#include "common/rate.h"
#include "common/str.h"
#include "common/words.h"

const struct cli_option_info cli_option_info[CLI_OPTION_MAX] = {
#define X(id, name_, letter_, argument_, help_)                                                    \
	[CLI_OPTION_##                                                                             \
		id] = {.name = name_, .letter = letter_, .argument = argument_, .help = help_},
	CLI_OPTIONS(X)
#undef X
};
_Static_assert(CLI_OPTION_MAX <= 32, "an option has no bit");

/* Values of getopt_long() for options: above all letters. */
#define OPTION_BASE 256

struct parser {
	struct cli_options *options;
	char *error; /* the first mistake; later ones are not told */
	size_t error_size;
	bool failed;
	bool see_help; /* the mistake is to end with where the options are told */
	char **words;
	int n_words;
	const char *arguments[CLI_OPTION_MAX];
};

static _printf_(2, 3) void fail(struct parser *p, const char *format, ...)
{
	va_list args;

	if (p->failed)
		return;
	p->failed = true;
	va_start(args, format);
	vsnprintf(p->error, p->error_size, format, args);
	va_end(args);
}

bool cli_option_given(const struct cli_options *o, enum cli_option option)
{
	return o->given & (1U << option);
}

const char *cli_option_words(enum cli_option option)
{
	static const char *const words[CLI_OPTION_MAX] = {
#define X(id, words_) [CLI_OPTION_##id] = words_,
		CLI_OPTION_WORDS(X)
#undef X
	};

	return words[option];
}

static int option_of_letter(int letter)
{
	for (int i = 0; i < CLI_OPTION_MAX; i++)
		if (cli_option_info[i].letter && cli_option_info[i].letter == letter)
			return i;
	return -1;
}

/* "--socket" or "-n", as the user would type it. */
static void option_text(int option, char *dst, size_t size)
{
	const struct cli_option_info *info = &cli_option_info[option];

	if (option == CLI_OPTION_LIMIT || option == CLI_OPTION_WARNING ||
	    option == CLI_OPTION_CRITICAL)
		snprintf(dst, size, "-%c", info->letter);
	else
		snprintf(dst, size, "--%s", info->name);
}

static void bad_option(struct parser *p, int c, char *word)
{
	char name[32];
	int option = optopt >= OPTION_BASE ? optopt - OPTION_BASE : option_of_letter(optopt);

	if (option >= 0 && option < CLI_OPTION_MAX) {
		option_text(option, name, sizeof(name));
		if (c == ':')
			fail(p, "%s wants %s behind it", name, cli_option_info[option].argument);
		else
			fail(p, "%s takes no value", name);
	} else if (optopt) {
		fail(p, "there is no option '-%c'", optopt);
	} else {
		fail(p, "there is no option '%s'", word);
	}
	p->see_help = true;
}

/* The verb may stand behind the mistake, so this comes when it is known. */
static void point_to_help(struct parser *p, bool named)
{
	const struct cli_verb *verb = p->options->verb;
	size_t len = strlen(p->error);

	if (!p->see_help)
		return;
	if (named && verb)
		snprintf(p->error + len, p->error_size - len, "; see 'rstmon help %s'", verb->name);
	else
		snprintf(p->error + len, p->error_size - len, "; see 'rstmon --help'");
}

static void no_verb(struct parser *p, const char *name)
{
	const struct cli_verb *nearest = cli_verb_nearest(name);

	if (nearest)
		fail(p, "there is no verb '%s'; did you mean '%s'? 'rstmon help' lists them", name,
		     nearest->name);
	else
		fail(p, "there is no verb '%s'; 'rstmon help' lists them", name);
}

/* Sorts argv into options and words. Our own order of words does not depend on POSIXLY_CORRECT. */
static void read_arguments(struct parser *p, int argc, char **argv)
{
	struct option longs[CLI_OPTION_MAX + 1] = {};
	char letters[2 + 2 * CLI_OPTION_MAX + 1] = "-:", *next = letters + 2;
	int c;

	for (int i = 0; i < CLI_OPTION_MAX; i++) {
		const struct cli_option_info *info = &cli_option_info[i];

		longs[i] =
			(struct option){.name = info->name,
					.has_arg = info->argument ? required_argument : no_argument,
					.val = OPTION_BASE + i};
		if (info->letter) {
			*next++ = info->letter;
			if (info->argument)
				*next++ = ':';
		}
	}
	*next = '\0';

	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int option = c >= OPTION_BASE ? c - OPTION_BASE : option_of_letter(c);

		if (c == 1) {
			p->words[p->n_words++] = optarg;
		} else if (c == '?' || c == ':') {
			bad_option(p, c, argv[optind - 1]);
		} else {
			p->options->given |= 1U << option;
			p->arguments[option] = optarg;
		}
	}
	while (optind < argc)
		p->words[p->n_words++] = argv[optind++];
}

static bool is_field(const char *word)
{
	for (unsigned int i = 0; i < FILTER_FIELD_MAX; i++)
		if (!strcmp(word, filter_field_name(i)))
			return true;
	return false;
}

/* The first word is the verb; --help and --version are verbs as well. */
static void find_verb(struct parser *p)
{
	struct cli_options *o = p->options;
	bool named = p->n_words;

	o->verb = cli_verb_find("list");
	if (named) {
		const char *name = p->words[0];

		o->verb = cli_verb_find(name);
		p->words++;
		p->n_words--;
		if (!o->verb && is_field(name))
			fail(p, "there is no verb '%s'; did you mean 'rstmon list %s ...'?", name,
			     name);
		else if (!o->verb)
			no_verb(p, name);
	}
	point_to_help(p, named);
	if (!o->verb)
		return;
	if (cli_option_given(o, CLI_OPTION_HELP)) {
		if (named && o->verb->run != verb_help)
			o->topic = o->verb->name;
		o->verb = cli_verb_find("help");
	} else if (cli_option_given(o, CLI_OPTION_VERSION)) {
		o->verb = cli_verb_find("version");
	}
}

static void check_options(struct parser *p)
{
	const struct cli_options *o = p->options;
	unsigned int wrong = o->given & ~(CLI_COMMON_OPTIONS | o->verb->options);
	char name[32];

	for (int i = 0; i < CLI_OPTION_MAX; i++) {
		if (!(wrong & (1U << i)))
			continue;
		option_text(i, name, sizeof(name));
		fail(p, "'rstmon %s' has no option %s; see 'rstmon help %s'", o->verb->name, name,
		     o->verb->name);
	}
}

static void read_time(struct parser *p, enum cli_option option, uint64_t *ret)
{
	const char *text = p->arguments[option];
	int r;

	if (!text)
		return;
	r = cli_when_parse(text, p->options->now, p->options->utc, ret);
	if (r == -ERANGE)
		fail(p, "--%s: '%s' is not in the past; give a time that is, such as 10m or 14:05",
		     cli_option_info[option].name, text);
	else if (r < 0)
		fail(p, "--%s: '%s' is no time; give 10m, 14:05 or 2026-01-31T14:05:00Z",
		     cli_option_info[option].name, text);
}

static void read_duration(struct parser *p, enum cli_option option, uint64_t *ret)
{
	const char *text = p->arguments[option];

	if (text && (parse_duration(text, ret) < 0 || !*ret))
		fail(p, "--%s: '%s' is no length of time; give one like 5s or 10m",
		     cli_option_info[option].name, text);
}

static void read_number(struct parser *p, enum cli_option option, uint32_t *ret)
{
	const char *text = p->arguments[option];
	char name[32];

	if (!text)
		return;
	option_text(option, name, sizeof(name));
	if (parse_u32(text, ret) < 0 || !*ret || *ret > INT32_MAX)
		fail(p, "%s: '%s' is no number of lines; give one from 1 on", name, text);
}

static void read_rate(struct parser *p, enum cli_option option, double *ret)
{
	const char *text = p->arguments[option];
	char name[32];

	if (!text)
		return;
	option_text(option, name, sizeof(name));
	if (rate_parse(text, ret) < 0)
		fail(p, "%s: '%s' is no rate; give one like 5/s, 10/min or 100/h", name, text);
}

static void read_word(struct parser *p, enum cli_option option, const char **ret)
{
	const char *text = p->arguments[option], *words = cli_option_words(option);
	char all[128], padded[64];

	if (!text)
		return;
	*ret = text;
	snprintf(all, sizeof(all), " %s ", words);
	snprintf(padded, sizeof(padded), " %s ", text);
	if (!*text || strchr(text, ' ') || strlen(text) > sizeof(padded) - 3 ||
	    !strstr(all, padded))
		fail(p, "--%s: '%s' is none of: %s", cli_option_info[option].name, text, words);
}

/* Rows that are put together have what they are put together by, and counts. */
static void check_grouping(struct parser *p)
{
	static const struct {
		const char *by, *fields;
	} groupings[] = {
		{"port", " count last first port "},
		{"cause", " count last first cause "},
		{"unit", " count last first unit "},
		{"peer", " count last first direction "},
	};
	const struct cli_options *o = p->options;
	char padded[64];

	snprintf(padded, sizeof(padded), " %s ", o->sort ? o->sort : "count");
	for (size_t i = 0; i < ARRAY_SIZE(groupings); i++)
		if (!strcmp(groupings[i].by, o->by) && !strstr(groupings[i].fields, padded))
			fail(p, "--sort: rows by %s have no %s; give one of:%.*s", o->by, o->sort,
			     (int)strlen(groupings[i].fields) - 1, groupings[i].fields);
	if (!strcmp(o->by, "peer") && (o->since || o->filter[0]))
		fail(p,
		     "peers are counted since the start and by nothing else; leave out %s, or "
		     "use another --by",
		     !o->since	     ? "the filter"
		     : !o->filter[0] ? "--since"
				     : "--since and the filter");
}

static void read_listen(struct parser *p)
{
	const char *text = p->arguments[CLI_OPTION_LISTEN];
	struct exporter_address address;
	char error[256];

	if (!text)
		return;
	p->options->listen = text;
	if (exporter_listen_parse(text, &address, error, sizeof(error)) < 0)
		fail(p, "bad --listen, %s", error);
}

static void read_values(struct parser *p)
{
	struct cli_options *o = p->options;
	uint32_t count = 0;

	o->no_headings = cli_option_given(o, CLI_OPTION_NO_HEADINGS);
	o->no_color = cli_option_given(o, CLI_OPTION_NO_COLOR);
	o->utc = cli_option_given(o, CLI_OPTION_UTC);
	o->classic = cli_option_given(o, CLI_OPTION_CLASSIC);
	o->brief = cli_option_given(o, CLI_OPTION_BRIEF);
	if (p->arguments[CLI_OPTION_SOCKET])
		o->socket = p->arguments[CLI_OPTION_SOCKET];
	if (!*o->socket)
		fail(p, "--socket: the path is empty; give one like " RSTMON_SOCKET_PATH);
	o->textfile = p->arguments[CLI_OPTION_TEXTFILE];
	if (o->textfile && !*o->textfile)
		fail(p, "--textfile: the name is empty; give the path of a file");
	read_listen(p);
	read_number(p, CLI_OPTION_LIMIT, &o->limit);
	read_number(p, CLI_OPTION_LAST, &o->last);
	read_number(p, CLI_OPTION_COUNT, &count);
	o->count = count;
	read_word(p, CLI_OPTION_BY, &o->by);
	read_word(p, CLI_OPTION_SORT, &o->sort);
	read_time(p, CLI_OPTION_SINCE, &o->since);
	read_time(p, CLI_OPTION_UNTIL, &o->until);
	if (o->since && o->until && o->until <= o->since)
		fail(p, "--until is not after --since; exchange them");
	read_duration(p, CLI_OPTION_TIMEOUT, &o->timeout_ns);
	read_duration(p, CLI_OPTION_WINDOW, &o->window_ns);
	read_rate(p, CLI_OPTION_WARNING, &o->warning);
	read_rate(p, CLI_OPTION_CRITICAL, &o->critical);
}

static void check_rates(struct parser *p)
{
	const struct cli_options *o = p->options;

	if (o->warning < 0 && o->critical < 0)
		fail(p, "check wants a rate to compare with; give -w 10/min, -c 100/min or both");
	if (o->warning >= 0 && o->critical >= 0 && o->warning > o->critical)
		fail(p, "-w is above -c, so that nothing could ever be a warning; exchange them");
	if (o->window_ns < 60 * NSEC_PER_SEC)
		fail(p, "--window is shorter than a minute, which is what counts are kept by; "
			"give 1m or more");
}

/* What is left is the filter: joined with blanks, and tried here, so that a mistake is found
 * without a daemon. */
static void read_filter(struct parser *p)
{
	struct cli_options *o = p->options;
	struct filter *f = NULL;
	char error[512];
	size_t len = 0;
	int r;

	for (int i = 0; i < p->n_words; i++) {
		int n = snprintf(o->filter + len, sizeof(o->filter) - len, "%s%s", i ? " " : "",
				 p->words[i]);

		if (n < 0 || (size_t)n >= sizeof(o->filter) - len) {
			fail(p, "the filter is longer than %d bytes; give a shorter one",
			     RSTMON_FILTER_MAX);
			return;
		}
		len += (size_t)n;
	}
	r = filter_parse(o->filter, o->verb->scope, &f, error, sizeof(error));
	if (r == -EINVAL)
		fail(p, "bad filter, %s", error);
	else if (r < 0)
		fail(p, "no memory for the filter");
	filter_free(f);
}

/* All words, as a text of an error has several; false if they are too long for one. */
static bool join_words(const struct parser *p, char *dst, size_t size)
{
	size_t len = 0;

	dst[0] = '\0';
	for (int i = 0; i < p->n_words; i++) {
		int n = snprintf(dst + len, size - len, "%s%s", i ? " " : "", p->words[i]);

		if (n < 0 || (size_t)n >= size - len)
			return false;
		len += (size_t)n;
	}
	return true;
}

/* What an error, or a part of several ids, stands for is looked up again where it is told. */
static void read_cause(struct parser *p)
{
	struct cli_options *o = p->options;
	const struct cli_error *error;
	char words[256];
	const char *near;

	if (!p->n_words)
		return;
	o->topic = p->words[0];
	error = join_words(p, words, sizeof(words)) ? cli_error_find(words) : NULL;
	if (error && cause_parse(o->topic) < 0) {
		o->topic = error->name;
		p->n_words = 0;
		return;
	}
	p->words++;
	p->n_words--;
	if (cause_parse(o->topic) >= 0 || near_cause_part(o->topic, 0) >= 0)
		return;
	near = near_cause(o->topic);
	if (near)
		fail(p, "there is no cause '%s'; did you mean '%s'? 'rstmon explain' lists them",
		     o->topic, near);
	else
		fail(p, "there is no cause '%s'; 'rstmon explain' lists them", o->topic);
}

static void read_words(struct parser *p)
{
	struct cli_options *o = p->options;

	if (o->verb->run == verb_explain)
		read_cause(p);
	else if (o->verb->run == verb_help && p->n_words && !o->topic) {
		o->topic = p->words[0];
		p->words++;
		p->n_words--;
		if (!cli_verb_find(o->topic))
			no_verb(p, o->topic);
	} else if (o->verb->run == verb_last && p->n_words && !parse_u32(p->words[0], &o->limit)) {
		if (!o->limit || o->limit > INT32_MAX)
			fail(p, "'%s' is no number of resets; give one from 1 on", p->words[0]);
		p->words++;
		p->n_words--;
	}
	if (cli_option_given(o, CLI_OPTION_HELP) || cli_option_given(o, CLI_OPTION_VERSION))
		return;
	if (o->verb->filtered)
		read_filter(p);
	else if (p->n_words)
		fail(p, "'rstmon %s' takes no argument '%s'; see 'rstmon help %s'", o->verb->name,
		     p->words[0], o->verb->name);
	if (o->verb->run == verb_check)
		check_rates(p);
	if (o->verb->run == verb_list)
		check_grouping(p);
}

int cli_options_parse(int argc, char **argv, uint64_t now, struct cli_options *ret, char *error,
		      size_t error_size)
{
	const char *environment = getenv(RSTMON_SOCKET_ENV);
	_cleanup_free_ char **words = calloc((size_t)argc + 1, sizeof(*words));
	struct parser p = {.options = ret, .error = error, .error_size = error_size};

	*ret = (struct cli_options){.now = now,
				    .socket = environment && *environment ? environment
									  : RSTMON_SOCKET_PATH,
				    .by = "process",
				    .listen = EXPORTER_LISTEN,
				    .warning = -1,
				    .critical = -1,
				    .window_ns = 300 * NSEC_PER_SEC};
	if (!words) {
		fail(&p, "no memory for the command line");
		return -ENOMEM;
	}
	p.words = words;
	read_arguments(&p, argc, argv);
	/* also a mistake is told in the form that was asked for */
	ret->json = cli_option_given(ret, CLI_OPTION_JSON);
	find_verb(&p);
	if (ret->verb && !p.failed) {
		if (!cli_option_given(ret, CLI_OPTION_HELP) &&
		    !cli_option_given(ret, CLI_OPTION_VERSION))
			check_options(&p);
		read_values(&p);
		read_words(&p);
	}
	return p.failed ? -EINVAL : 0;
}
