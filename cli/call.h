/* SPDX-License-Identifier: GPL-2.0-only */
/* Between a verb and the client: a call with its errors told to the user, and text out of JSON. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "cli/client.h"
#include "cli/verbs.h"

#define CLI_TEXT_MAX 300

/* All of these give an exit code; anything but RSTMON_EXIT_OK was told to the user. */
int cli_call_open(const struct cli_options *o, struct cli_client **ret);
int cli_call_send(const struct cli_options *o, struct cli_client *c, const char *method,
		  struct json_object *parameters, bool more, uint64_t deadline);

/* One call and its one reply; borrows 'parameters'. */
int cli_call(const struct cli_options *o, const char *method, struct json_object *parameters,
	     struct cli_reply *ret);

/* The same for a program that goes on: tells nobody, but hands over what it would have told. */
struct cli_failure {
	int code; /* an exit code */
	char sentence[768];
};

int cli_call_quietly(const struct cli_options *o, const char *method,
		     struct json_object *parameters, unsigned int seconds, struct cli_reply *ret,
		     struct cli_failure *ret_failure);

/* Tells what went wrong with a reply: r < 0, or an error that the daemon sent. */
int cli_call_fail(const struct cli_options *o, int r);
int cli_call_refused(const struct cli_options *o, const struct cli_reply *reply);

/* Puts parameters together; NULL or 0 is left out. The sum of a failure is a NULL *parameters. */
void cli_put_text(struct json_object *parameters, const char *key, const char *value);
void cli_put_number(struct json_object *parameters, const char *key, uint64_t value);
void cli_put_time(struct json_object *parameters, const char *key, uint64_t realtime_ns);

/* Members of an object: "" / 'otherwise' / false where there is none of that type. Text is made
 * harmless for a terminal and cut to 'size'. */
const char *cli_text(struct json_object *object, const char *key, char *dst, size_t size);
int64_t cli_number(struct json_object *object, const char *key, int64_t otherwise);
uint64_t cli_time(struct json_object *object, const char *key); /* CLOCK_REALTIME ns, 0: none */
bool cli_true(struct json_object *object, const char *key);
bool cli_has(struct json_object *object, const char *key);
struct json_object *cli_array(struct json_object *object, const char *key);	/* or NULL */
struct json_object *cli_object(struct json_object *object, const char *key); /* or NULL */

/* One line. */
void cli_print_json(struct json_object *object);

#endif
