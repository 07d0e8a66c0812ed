/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Varlink on the wire: JSON objects, each ended by a NUL byte. Bytes in, messages out; replies in,
 * bytes out. Pure: no socket, no method, no log.
 *
 * Limits (include/rstmon/interface.h): RSTMON_MESSAGE_MAX bytes of a message without its NUL,
 * RSTMON_JSON_DEPTH objects and arrays inside each other, the message itself being the first.
 */
#ifndef DAEMON_VARLINK_H
#define DAEMON_VARLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/* What has arrived and was not yet taken. All zero: empty. */
struct varlink_input {
	char *data;
	size_t start, end; /* of the bytes that are in use */
	size_t scanned;	   /* bytes after 'start' that are known to hold no NUL */
	size_t size;
};

void varlink_input_done(struct varlink_input *in);

/* How many bytes varlink_input_add() takes now; 0: take messages first. */
size_t varlink_input_room(const struct varlink_input *in);

/* -EMSGSIZE: more than there is room for; -ENOMEM. */
int varlink_input_add(struct varlink_input *in, const void *data, size_t n);

/* True if varlink_input_next() has something to say, a message or an error. */
bool varlink_input_ready(struct varlink_input *in);

/* Takes the next message, which the caller owns. 1: here it is; 0: it is not complete; -EMSGSIZE: too
 * long; -EBADMSG: no JSON object, too deep, or not UTF-8; -ENOMEM. After an error the stream is out of
 * step and worth nothing; '*ret_error' is then one readable sentence. */
int varlink_input_next(struct varlink_input *in, struct json_object **ret, const char **ret_error);

/* One message ready to be sent, NUL included; shared by all clients that get it. */
struct varlink_text {
	unsigned int refs;
	size_t size;
	size_t *account; /* sum of the bytes of all texts that live, or NULL */
	char data[];
};

/* Both borrow 'parameters' (NULL: none) and return NULL without memory. */
struct varlink_text *varlink_reply(struct json_object *parameters, bool continues, size_t *account);
struct varlink_text *varlink_error(const char *error, struct json_object *parameters,
				   size_t *account);
struct varlink_text *varlink_text_ref(struct varlink_text *t);
void varlink_text_unref(struct varlink_text *t);

#endif
