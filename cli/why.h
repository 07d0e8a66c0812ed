/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of what 'rstmon why' shows. Nothing in a reply is trusted. */
#ifndef CLI_WHY_H
#define CLI_WHY_H

#include "cli/call.h"
#include "cli/paragraph.h"

#define WHY_LABEL 12 /* column where texts begin */

/* One story; 'number' from 1 on. */
void why_story(const struct cli_page *p, struct json_object *story, size_t number,
	       const struct cli_options *o);

/* A line of each story; nothing without any, or without memory. */
void why_overview(const struct cli_page *p, struct json_object *stories);

/* How often a story happened, by which the daemon sorts: both ends on this host are one. */
int64_t why_events(struct json_object *story);

/* The line "Measured" of a story. */
void why_measured(const struct cli_page *p, struct json_object *story);

/* Of an object, "java[812] of tomcat.service", "no process". Returns dst. */
char *why_owner(char *dst, size_t size, struct json_object *object);

/* "14:05:30", or "14:05:30 to 14:06:00". Returns dst. */
char *why_span(char *dst, size_t size, uint64_t first, uint64_t last, const struct cli_options *o);

#endif
