/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration, read by libinih. One table in config.c holds every option: section, key, type,
 * bounds, default, help, and where the value lies in struct config. Read in this order, the last word
 * on an option stands:
 *
 *	1. rstmond.conf in /etc/rstmon, or where there is none in /usr/lib/rstmon;
 *	2. the drop-ins of rstmond.conf.d/ in both directories, sorted by name; one in /etc hides the
 *	   one of the same name in /usr/lib, so that a link to /dev/null switches that off;
 *	3. the command line.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/sink.h"

#define CONFIG_PATH_MAX	   256
#define CONFIG_ORIGIN_MAX  (CONFIG_PATH_MAX + 12) /* "file:line" */
#define CONFIG_OPTIONS	   13 /* asserted in config.c */
#define CONFIG_DROPINS_MAX 64
#define CONFIG_FILE_MAX	   65536 /* bytes of one file */

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
	/* [socket] */
	uint32_t clients;
	uint64_t idle_timeout_ns;
	char group[64]; /* "": the socket stays with the daemon's own group */

	char origin[CONFIG_OPTIONS][CONFIG_ORIGIN_MAX]; /* in the order of the table */
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

/* Sets one option as a command line does ("log.target", "journal"). -EINVAL with a sentence, and then 'c'
 * is untouched. */
int config_set(struct config *c, const char *section, const char *key, const char *value, char *error,
	       size_t error_size);

/* The same with another origin. */
int config_assign(struct config *c, const char *section, const char *key, const char *value,
		  const char *origin, char *error, size_t error_size);
bool config_has_section(const char *section);

#endif
