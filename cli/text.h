/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies as text for people. Pure: JSON in, text out; nothing is printed here, and nothing in a reply
 * is trusted. What returns char * is malloc()ed, NULL without memory.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdio.h>

#include <json-c/json.h>

#include "cli/options.h"
#include "cli/verbs.h"

/* Colors only on a terminal that the user did not forbid them on. */
bool cli_colors(const struct cli_options *o);

/* "nginx[812]", "nginx" without a pid, "-" for nobody. Returns dst. */
char *cli_process_text(char *dst, size_t size, const char *comm, int64_t pid);

/* Shows the first 'most' rows, 0: all; says what it left out. */
char *cli_list_text(struct json_object *parameters, const struct cli_options *o, bool colors,
		    size_t most);
/* The lines below the table of rows, of which so many are shown; the table of time-outs, which are no
 * resets; and the lines below both. */
void cli_list_note_rows(FILE *f, struct json_object *rows, size_t shown);
void cli_list_timeouts(FILE *f, struct json_object *timeouts, size_t shown, const char *table);
void cli_list_notes(FILE *f, struct json_object *parameters, const struct cli_options *o);
/* What 'last' says instead of lines. */
char *cli_last_nothing(struct json_object *parameters, const struct cli_options *o);
char *cli_reset_text(struct json_object *reset, const struct cli_options *o, bool colors);
char *cli_status_text(struct json_object *parameters, const struct cli_options *o);

/* The whole answer of Why in lines of 'width' columns. */
char *cli_why_text(struct json_object *parameters, const struct cli_options *o, bool colors,
		   unsigned int width);
/* One cause; those of an error's name, or of a part of ids, in short; NULL: all of them in short. */
char *cli_explain_text(const char *name, bool headings, bool colors, unsigned int width);
struct json_object *cli_explain_json(const char *name);

/* What check says and how it exits. */
struct cli_check {
	uint64_t count;
	uint64_t span_ns; /* that the count is of, which may be less than was asked for */
	bool short_span;  /* it is: the daemon counts only since then */
	double per_minute;
	bool partial;
	int exit; /* 0 OK, 1 WARNING, 2 CRITICAL */
};

/* 'since': from when on counts were asked for */
void cli_check_compute(struct json_object *parameters, uint64_t since, const struct cli_options *o,
		       struct cli_check *ret);
char *cli_check_text(const struct cli_check *c, const struct cli_options *o);
const char *cli_check_word(const struct cli_check *c); /* "OK", ... */

#endif
