/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Varlink framing over json-c. It must neither read a socket nor know a method, and never hold more
 * of a client's bytes than one message may have. Proved by tests/unit/daemon/varlink.c and
 * tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/object.h"
#include "daemon/varlink.h"
#include "rstmon/interface.h"

/* A message and its NUL; more of a client's bytes are never held. */
#define INPUT_MAX (RSTMON_MESSAGE_MAX + 1)

void varlink_input_done(struct varlink_input *in)
{
	free(in->data);
	*in = (struct varlink_input){0};
}

size_t varlink_input_room(const struct varlink_input *in)
{
	return INPUT_MAX - (in->end - in->start);
}

/* Makes room for n bytes behind the end. */
static int input_reserve(struct varlink_input *in, size_t n)
{
	size_t used = in->end - in->start, size;
	char *data;

	if (n <= in->size - in->end)
		return 0;

	if (in->start > 0) {
		memmove(in->data, in->data + in->start, used);
		in->start = 0;
		in->end = used;
	}
	if (n <= in->size - used)
		return 0;

	size = MIN((size_t)INPUT_MAX, MAX(2 * in->size, used + n));
	data = realloc(in->data, size);
	if (!data)
		return -ENOMEM;
	in->data = data;
	in->size = size;
	return 0;
}

int varlink_input_add(struct varlink_input *in, const void *data, size_t n)
{
	int r;

	if (n > varlink_input_room(in))
		return -EMSGSIZE;
	if (n == 0)
		return 0;

	r = input_reserve(in, n);
	if (r < 0)
		return r;
	memcpy(in->data + in->end, data, n);
	in->end += n;
	return 0;
}

/* The NUL of the first message. Remembers how far it looked: a client that sends byte by byte must
 * not make every byte cost the whole message. */
static const char *input_end(struct varlink_input *in)
{
	size_t used = in->end - in->start;
	const char *nul;

	if (used == in->scanned)
		return NULL;
	nul = memchr(in->data + in->start + in->scanned, '\0', used - in->scanned);
	if (!nul)
		in->scanned = used;
	return nul;
}

bool varlink_input_ready(struct varlink_input *in)
{
	return varlink_input_room(in) == 0 || input_end(in);
}

static int parse_object(const char *text, size_t n, struct json_object **ret,
			const char **ret_error)
{
	enum json_tokener_error error;
	struct json_tokener *tokener;
	struct json_object *o;
	bool whole;

	/* The tokener's depth counts the values inside the innermost object too. */
	tokener = json_tokener_new_ex(RSTMON_JSON_DEPTH + 1);
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(tokener, text, (int)n);
	error = json_tokener_get_error(tokener);
	whole = json_tokener_get_parse_end(tokener) == n;
	json_tokener_free(tokener);

	if (error == json_tokener_success && whole && json_object_is_type(o, json_type_object)) {
		*ret = o;
		return 1;
	}
	json_object_put(o);
	if (error == json_tokener_error_depth)
		*ret_error = "The message nests objects or arrays too deeply.";
	else if (error == json_tokener_error_parse_utf8_string)
		*ret_error = "The message is not valid UTF-8.";
	else if (error == json_tokener_success && whole)
		*ret_error = "The message is not a JSON object.";
	else
		*ret_error = "The message is not valid JSON.";
	return -EBADMSG;
}

int varlink_input_next(struct varlink_input *in, struct json_object **ret, const char **ret_error)
{
	const char *nul, *text;

	nul = input_end(in);
	if (!nul) {
		if (varlink_input_room(in) > 0)
			return 0;
		*ret_error = "The message is longer than 65536 bytes.";
		return -EMSGSIZE;
	}

	text = in->data + in->start;
	in->start += nul - text + 1;
	in->scanned = 0;
	return parse_object(text, nul - text, ret, ret_error);
}

_Static_assert(RSTMON_MESSAGE_MAX == 65536, "the sentence in varlink_input_next() names it");

static struct varlink_text *text_new(struct json_object *message, size_t *account)
{
	struct varlink_text *t;
	const char *json;
	size_t n;

	json = json_object_to_json_string_length(message, OBJECT_FORMAT, &n);
	if (!json)
		return NULL;
	t = malloc(sizeof(*t) + n + 1);
	if (!t)
		return NULL;
	t->refs = 1;
	t->size = n + 1;
	t->account = account;
	memcpy(t->data, json, n + 1);
	if (account)
		*account += t->size;
	return t;
}

/* Ends a message and turns it into text. */
static struct varlink_text *message_finish(struct object *message, size_t *account)
{
	struct json_object *o = object_finish(message);
	struct varlink_text *t = NULL;

	if (o)
		t = text_new(o, account);
	json_object_put(o);
	return t;
}

static void put_parameters(struct object *message, struct json_object *parameters)
{
	object_put(message, "parameters",
		   parameters ? json_object_get(parameters) : json_object_new_object());
}

struct varlink_text *varlink_reply(struct json_object *parameters, bool continues, size_t *account)
{
	struct object message = object_start();

	put_parameters(&message, parameters);
	if (continues)
		object_put_bool(&message, "continues", true);
	return message_finish(&message, account);
}

struct varlink_text *varlink_error(const char *error, struct json_object *parameters,
				   size_t *account)
{
	struct object message = object_start();

	object_put_text(&message, "error", error);
	put_parameters(&message, parameters);
	return message_finish(&message, account);
}

struct varlink_text *varlink_text_ref(struct varlink_text *t)
{
	t->refs++;
	return t;
}

void varlink_text_unref(struct varlink_text *t)
{
	if (!t || --t->refs > 0)
		return;
	if (t->account)
		*t->account -= t->size;
	free(t);
}
