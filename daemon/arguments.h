/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of rstmond, understood. The table of options is the only place that knows their
 * names: the parser, --help and the completion of shells are made from it.
 */
#ifndef DAEMON_ARGUMENTS_H
#define DAEMON_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/print.h"
#include "rstmon/interface.h"

/* X(ID, name, REQUIRED, OPTIONAL or NONE, argument, the words that it may be or NULL, help) */
#define RSTMOND_OPTIONS(X) \
	X(SOCKET, "socket", REQUIRED, "PATH", NULL, "listen there (default " RSTMON_SOCKET_PATH ")") \
	X(CONFIG, "config", REQUIRED, "FILE", NULL, "read this configuration only") \
	X(STATE, "state", REQUIRED, "DIR", NULL, "keep state there (default " RSTMON_STATE_PATH ")") \
	X(LOG, "log", REQUIRED, "TARGET", "auto journal syslog stderr none", \
	  "where lines go: auto, journal, syslog, stderr or none") \
	X(PRINT, "print", OPTIONAL, "text|json", "text json", "a line per reset on stdout") \
	X(RECORD, "record", REQUIRED, "FILE", NULL, "also write the raw records to FILE") \
	X(REPLAY, "replay", REQUIRED, "FILE", NULL, \
	  "take the records from FILE instead of the kernel") \
	X(BTF, "btf", REQUIRED, "FILE", NULL, \
	  "the kernel's types, where /sys/kernel/btf/vmlinux is not to be seen") \
	X(PROBE, "probe", OPTIONAL, "text|json", "text json", \
	  "show what this kernel allows and what follows from it, then end") \
	X(CHECK_CONFIG, "check-config", NONE, NULL, NULL, \
	  "read the configuration, say what is wrong with it, and end") \
	X(PRINT_CONFIG, "print-config", OPTIONAL, "defaults", "defaults", \
	  "show every option with its value and where it comes from, and end") \
	X(VERSION, "version", NONE, NULL, NULL, "print the version, and end") \
	X(HELP, "help", NONE, NULL, NULL, "print this help, and end")

enum probe {
	PROBE_NO,
	PROBE_TEXT,
	PROBE_JSON,
};

struct arguments {
	const char *config, *socket, *state, *log, *record, *replay, *btf; /* NULL: not given */
	enum print_format print;
	enum probe probe;
	bool check_config, print_config, print_defaults, version, help;
};

/* -EINVAL: 'error' holds a sentence. Strings in 'ret' point into argv. */
int arguments_parse(int argc, char *argv[], struct arguments *ret, char *error, size_t error_size);

/* The text of --help. */
void arguments_help(FILE *f);

#endif
