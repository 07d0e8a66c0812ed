/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of a call, taken one by one. It must not let anything pass: an unknown name or a wrong
 * type is an error, never ignored. Proved by tests/unit/daemon/methods.c and tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/methods_arguments.h"

static void refuse(struct arguments *a, const char *name, const char *message)
{
	if (!a->failed)
		server_reply_error(a->reply, METHODS_INVALID, "parameter", name, message);
	a->failed = true;
}

/* The value of a name; absent and null are the same in Varlink. */
static struct json_object *take(struct arguments *a, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(a->json, name, &value))
		a->taken++;
	return a->failed ? NULL : value;
}

const char *arguments_text(struct arguments *a, const char *name)
{
	struct json_object *value = take(a, name);
	const char *text;

	if (!value)
		return NULL;
	if (!json_object_is_type(value, json_type_string)) {
		refuse(a, name, "The parameter must be a string.");
		return NULL;
	}
	text = json_object_get_string(value);
	if (strlen(text) != (size_t)json_object_get_string_len(value)) {
		refuse(a, name, "The parameter must not contain a NUL character.");
		return NULL;
	}
	return text;
}

unsigned int arguments_number(struct arguments *a, const char *name, unsigned int otherwise)
{
	struct json_object *value = take(a, name);
	int64_t n;

	if (!value)
		return otherwise;
	n = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
	if (n < 0 || n > INT32_MAX) {
		refuse(a, name, "The parameter must be a whole number from 0 to 2147483647.");
		return otherwise;
	}
	return (unsigned int)n;
}

uint64_t arguments_time(struct arguments *a, const char *name, uint64_t now, uint64_t otherwise)
{
	const char *text = arguments_text(a, name);
	uint64_t time, before;

	if (!text)
		return otherwise;
	if (parse_time(text, &time) == 0)
		return time;
	if (parse_duration(text, &before) == 0)
		return before < now ? now - before : 0;
	refuse(a, name,
	       "The parameter must be a time such as 2026-11-22T07:31:36Z or a duration such as 10m.");
	return otherwise;
}

unsigned int arguments_word(struct arguments *a, const char *name, int (*parse)(const char *),
			    const char *words)
{
	const char *text = arguments_text(a, name);
	int r;

	if (!text)
		return 0;
	r = parse(text);
	if (r < 0) {
		refuse(a, name, words);
		return 0;
	}
	return (unsigned int)r;
}

struct filter *arguments_filter(struct arguments *a, enum filter_scope scope)
{
	const char *text = arguments_text(a, "filter");
	struct filter *filter = NULL;
	char error[FILTER_ERROR_MAX] = "";
	int r;

	if (!text)
		return NULL;
	r = filter_parse(text, scope, &filter, error, sizeof(error));
	if (r == -ENOMEM) {
		a->failed = true; /* without an error of its own: the server tells */
	} else if (r < 0) {
		server_reply_error(a->reply, RSTMON_VARLINK_INTERFACE ".BadFilter", NULL, NULL,
				   error);
		a->failed = true;
	}
	return filter;
}

bool arguments_done(struct arguments *a, const char *const known[])
{
	if (a->failed)
		return false;
	if (a->taken == (unsigned int)json_object_object_length(a->json))
		return true;

	json_object_object_foreach(a->json, key, value)
	{
		const char *const *k = known;

		(void)value;
		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			refuse(a, key, "The method has no such parameter.");
	}
	return !a->failed;
}
