/* SPDX-License-Identifier: GPL-2.0-only */
/* daemon/arguments.c: every option is understood, every mistake is told with what would be right.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/arguments.h"
#include "daemon/sink.h"

#define WORDS_MAX 6

static int parse(const char *const *words, struct arguments *ret, char *error, size_t size)
{
	char *argv[WORDS_MAX + 2] = {(char *)(uintptr_t) "rstmond"};
	int argc = 1;

	for (; argc <= WORDS_MAX && words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	return arguments_parse(argc, argv, ret, error, size);
}

Test(arguments, nothing_is_asked_for)
{
	const char *const words[] = {NULL};
	struct arguments a = {.help = true};
	char error[256] = "";

	cr_assert_eq(parse(words, &a, error, sizeof(error)), 0, "%s", error);
	cr_assert_null(a.socket);
	cr_assert_eq(a.print, PRINT_NONE);
	cr_assert_eq(a.probe, PROBE_NO);
	cr_assert_not(a.help);
}

Test(arguments, values)
{
	const char *const words[] = {"--socket",   "/s",      "--print=json",
				     "--log=none", "--probe", NULL};
	struct arguments a;
	char error[256] = "";

	cr_assert_eq(parse(words, &a, error, sizeof(error)), 0, "%s", error);
	cr_assert_str_eq(a.socket, "/s");
	cr_assert_str_eq(a.log, "none");
	cr_assert_eq(a.print, PRINT_JSON);
	cr_assert_eq(a.probe, PROBE_TEXT);
}

Test(arguments, mistakes)
{
	static const struct {
		const char *words[WORDS_MAX], *sentence;
	} mistakes[] = {
		{{"--nonsense"}, "there is no option --nonsense"},
		{{"-x"}, "there is no option -x"},
		{{"--record"}, "--record wants FILE behind it"},
		{{"--socket", ""}, "--socket wants PATH behind it, not an empty word"},
		{{"--help=me"}, "--help takes no value"},
		{{"--log", "file"}, "--log is auto, journal, syslog, stderr or none, not file"},
		{{"--log", "auto journal"},
		 "--log is auto, journal, syslog, stderr or none, not auto journal"},
		{{"--print=xml"}, "--print is text or json, not xml"},
		{{"--probe="}, "--probe is text or json, not "},
		{{"--print", "json"}, "there are no arguments but options: json"},
		{{"--record", "a", "--replay", "b"}, "--record and --replay exclude each other"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		struct arguments a = {.socket = "untouched"};
		char error[256] = "";

		cr_assert_eq(parse(mistakes[i].words, &a, error, sizeof(error)), -EINVAL, "%s",
			     mistakes[i].sentence);
		cr_assert_str_eq(error, mistakes[i].sentence);
		cr_assert_str_eq(a.socket, "untouched");
	}
}

/* The words of the table are those that other files take. */
Test(arguments, words_are_known)
{
	for (unsigned int t = 0; t < SINK_TARGET_MAX; t++) {
		const char *const words[] = {"--log", sink_target_name(t), NULL};
		struct arguments a;
		char error[256] = "";

		cr_assert_eq(parse(words, &a, error, sizeof(error)), 0, "%s", error);
	}
	cr_assert_eq(print_format_parse("json"), PRINT_JSON);
	cr_assert_eq(print_format_parse("text"), PRINT_TEXT);
}

Test(arguments, help_has_all)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	arguments_help(f);
	fclose(f);
#define X(id, name, has, argument, words, help)                                                    \
	cr_assert(strstr(text, "  --" name), name);                                                \
	cr_assert(strstr(text, help), help);
	RSTMOND_OPTIONS(X)
#undef X
}
