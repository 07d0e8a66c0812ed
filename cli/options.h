/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line, understood: which verb, its options, its filter. Pure but for the environment.
 * The table of options is the only place that knows their names; help, completion and man page are
 * made from it.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rstmon/interface.h"

/* X(ID, name, letter or 0, argument or NULL, help) */
#define CLI_OPTIONS(X) \
	X(JSON, "json", 0, NULL, "print what the daemon answers, one JSON object per line") \
	X(SOCKET, "socket", 0, "PATH", "the daemon's socket (default: $" RSTMON_SOCKET_ENV " or " RSTMON_SOCKET_PATH ")") \
	X(NO_HEADINGS, "no-headings", 0, NULL, "leave out headings and totals") \
	X(NO_COLOR, "no-color", 0, NULL, "no colors (also: NO_COLOR in the environment)") \
	X(UTC, "utc", 0, NULL, "times in UTC, printed and given") \
	X(HELP, "help", 'h', NULL, "print this help") \
	X(VERSION, "version", 'V', NULL, "print the version") \
	X(LIMIT, "limit", 'n', "N", "at most N lines") \
	X(BY, "by", 0, "WHAT", "one row per process, port, cause, unit or peer") \
	X(SORT, "sort", 0, "FIELD", "by count, last, first, pid, comm, unit, port, cause or direction") \
	X(SINCE, "since", 0, "TIME", "from then on: 10m (ago), 14:05, 2026-01-31T14:05:00Z") \
	X(UNTIL, "until", 0, "TIME", "up to then") \
	X(LAST, "last", 0, "N", "first show the latest N") \
	X(COUNT, "count", 0, "N", "end after N resets") \
	X(TIMEOUT, "timeout", 0, "TIME", "end after that time, as in 5s") \
	X(WARNING, "warning", 'w', "RATE", "warn above this rate: 5/s, 10/min, 100/h") \
	X(CRITICAL, "critical", 'c', "RATE", "critical above this rate") \
	X(WINDOW, "window", 0, "TIME", "time that the rate is taken over (default: 5m)") \
	X(TEXTFILE, "textfile", 0, "FILE", "write to FILE, atomically") \
	X(CLASSIC, "classic", 0, NULL, "the older text format, as promtool and text files want it") \
	X(LISTEN, "listen", 0, "ADDRESS", "where to serve: 127.0.0.1:9941 (the default), [::1]:9941") \
	X(BRIEF, "brief", 0, NULL, "one line per cause, without the stories")

/* X(ID, words): options whose value is one of a few words; what the others take, the argument says */
#define CLI_OPTION_WORDS(X) \
	X(BY, "process port cause unit peer") \
	X(SORT, "count last first pid comm unit port cause direction")

enum cli_option {
#define X(id, name, letter, argument, help) CLI_OPTION_##id,
	CLI_OPTIONS(X)
#undef X
	CLI_OPTION_MAX,
};

#define CLI_BIT(id) (1U << CLI_OPTION_##id)
#define CLI_COMMON_OPTIONS \
	(CLI_BIT(JSON) | CLI_BIT(SOCKET) | CLI_BIT(NO_HEADINGS) | CLI_BIT(NO_COLOR) | \
	 CLI_BIT(UTC) | CLI_BIT(HELP) | CLI_BIT(VERSION))

struct cli_option_info {
	const char *name;
	char letter;
	const char *argument, *help;
};

extern const struct cli_option_info cli_option_info[CLI_OPTION_MAX];

/* The words, with blanks between them; NULL: it is no choice. */
const char *cli_option_words(enum cli_option option);

struct cli_verb;

struct cli_options {
	const struct cli_verb *verb; /* never NULL on success */
	unsigned int given;	     /* bits of enum cli_option */
	uint64_t now;		     /* CLOCK_REALTIME ns, as passed in */
	bool json, no_headings, no_color, utc, brief;
	const char *socket;
	uint32_t limit; /* -n, or the N of "last N"; 0: all */
	const char *by, *sort;
	uint64_t since, until; /* CLOCK_REALTIME ns, 0: not given */
	uint32_t last;
	uint64_t count, timeout_ns; /* 0: none */
	double warning, critical;   /* per minute; -1: not given */
	uint64_t window_ns;
	const char *textfile;
	bool classic;
	const char *listen; /* an address and port that exporter_listen_parse() takes */
	const char *topic; /* of help and explain (a cause, an error's name, a part of ids); NULL: all */
	char filter[RSTMON_FILTER_MAX + 1];
};

/* -EINVAL: 'error' holds a sentence; ret->verb is then the verb that was meant, or NULL. Strings in
 * 'ret' point into argv and the environment. */
int cli_options_parse(int argc, char **argv, uint64_t now, struct cli_options *ret, char *error,
		      size_t error_size);

bool cli_option_given(const struct cli_options *o, enum cli_option option);

#endif
