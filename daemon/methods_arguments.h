/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of a call. The first that is wrong makes the error reply, the others are then not looked at;
 * whether all went well is asked once, with arguments_done(). Absent and null are the same in Varlink.
 */
#ifndef DAEMON_METHODS_ARGUMENTS_H
#define DAEMON_METHODS_ARGUMENTS_H

#include "daemon/server.h"

#define METHODS_INVALID "org.varlink.service.InvalidParameter"

struct arguments {
	struct json_object *json;
	struct server_reply *reply;
	unsigned int taken;
	bool failed;
};

const char *arguments_text(struct arguments *a, const char *name); /* NULL: absent */
unsigned int arguments_number(struct arguments *a, const char *name, unsigned int otherwise);
/* RFC 3339, or a duration before 'now'; CLOCK_REALTIME ns */
uint64_t arguments_time(struct arguments *a, const char *name, uint64_t now, uint64_t otherwise);
/* A word of an enumeration, 0 if absent; 'words' is the sentence that names them all. */
unsigned int arguments_word(struct arguments *a, const char *name, int (*parse)(const char *),
		       const char *words);
struct filter *arguments_filter(struct arguments *a, enum filter_scope scope); /* the caller frees it */
/* The last step: a name that is not in 'known' (ended by NULL) is an error too. */
bool arguments_done(struct arguments *a, const char *const known[]);

#endif
