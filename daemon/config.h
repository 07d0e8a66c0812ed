/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration, read by libinih. One table in config.c holds every option: section, key, type,
 * bounds, default, help, and where the value lies in struct config; one of the same kind in
 * config_alert.c the keys of a section [alert NAME]. Read in this order, the last word on an option
 * stands:
 *
 *	1. rstmond.conf in the first of these directories that has one: /etc/rstmon, /run/rstmon,
 *	   /usr/local/lib/rstmon, /usr/lib/rstmon;
 *	2. the drop-ins of rstmond.conf.d/ in all of them, sorted by name; one in a directory that stands
 *	   further to the front hides those of the same name, so that a link to /dev/null switches one
 *	   off;
 *	3. the environment, then the command line.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/alert_rule.h"
#include "daemon/sink.h"
#include "rstmon/interface.h"

#define CONFIG_PATH_MAX	   256
#define CONFIG_ORIGIN_MAX  (CONFIG_PATH_MAX + 12) /* "file:line" */
#define CONFIG_OPTIONS	   14
#define CONFIG_ALERT_KEYS  8
#define CONFIG_DROPINS_MAX 64
#define CONFIG_FILES_MAX   (CONFIG_DROPINS_MAX + 2)
#define CONFIG_FILTER_LINES_MAX 32
#define CONFIG_FILE_MAX	   262144 /* bytes of one file; what --print-config writes is a file, too */

enum config_from {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENVIRONMENT,
	CONFIG_FROM_COMMAND_LINE,
};

struct config_origin {
	enum config_from from;
	uint16_t file; /* in config.file */
	uint32_t line;
};

struct config {
	/* [daemon] */
	char socket[CONFIG_PATH_MAX];
	char state[CONFIG_PATH_MAX];
	uint32_t ring_kib;     /* power of two, 64 .. 65536 */
	bool scan_at_start;    /* owners of sockets older than the daemon */
	bool packet_evidence;  /* look at the received resets themselves */
	/* [log] */
	uint32_t log_target;   /* enum sink_target */
	uint64_t summary_ns;   /* interval of summary lines, 0: none */
	uint32_t summary_rows; /* lines a summary may have */
	bool log_resets;       /* a line per reset */
	uint32_t resets_per_minute; /* bound of those lines */
	uint32_t alerts_per_minute; /* and of those about alerts */
	/* [socket] */
	uint32_t clients;
	uint64_t idle_timeout_ns;
	char group[64]; /* "": the socket stays with the daemon's own group */

	/* [alert NAME]: the built-in rules, then those of the files in their order; the rest is zero */
	struct alert_rule alert[RSTMON_ALERT_RULES_MAX];
	unsigned int alerts;

	/* where it comes from, in the order of the tables */
	struct config_origin origin[CONFIG_OPTIONS];
	struct config_origin alert_origin[RSTMON_ALERT_RULES_MAX][CONFIG_ALERT_KEYS];
	struct config_origin alert_place[RSTMON_ALERT_RULES_MAX]; /* the first section of the rule */
	char file[CONFIG_FILES_MAX][CONFIG_PATH_MAX];
	unsigned int files;
};

/* The defaults, as the table has them. */
void config_default(struct config *c);

/* Reads 'path' (NULL: the standard places, where a missing file is no error) over what 'c' holds.
 * On failure 'c' is untouched, -EINVAL (bad content) or -errno, and 'error' holds one sentence with
 * file and line. An unknown key or section is an error too: a misspelt limit must not pass. */
int config_load(struct config *c, const char *path, char *error, size_t error_size);

/* The same with all standard places looked for below 'root', for tests. */
int config_load_below(struct config *c, const char *root, char *error, size_t error_size);

/* Every option in sections, commented with its help, each value with its origin ("default" or
 * file:line); valid as a configuration file itself. -errno of the stream. */
int config_print(const struct config *c, FILE *out);

/* The file that is installed: the same of the defaults, all of it commented out. */
int config_print_defaults(FILE *out);

/* Sets one option as a command line does ("log.target", "journal"). -EINVAL with a sentence, and then 'c'
 * is untouched. */
int config_set(struct config *c, const char *section, const char *key, const char *value,
	       enum config_from from, char *error, size_t error_size);

/* The same with the place in a file. */
int config_assign(struct config *c, const char *section, const char *key, const char *value,
		  struct config_origin origin, char *error, size_t error_size);
bool config_has_section(const char *section);

/* The origin of what is in 'path'; -E2BIG: that are too many files. */
int config_origin_file(struct config *c, const char *path, struct config_origin *ret);
const char *config_origin_text(const struct config *c, struct config_origin origin, char *dst,
			       size_t size);

#endif
