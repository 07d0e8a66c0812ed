/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Building a JSON object field by field without a check after each: a failure is remembered, and
 * object_finish() gives NULL then. Keys must be literals; json-c keeps the pointer.
 */
#ifndef DAEMON_OBJECT_H
#define DAEMON_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

/* How all of our JSON is written: one line, "/" as it is. */
#define OBJECT_FORMAT (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct object {
	struct json_object *json;
	bool failed;
};

static inline struct object object_start(void)
{
	struct object o = {.json = json_object_new_object()};

	o.failed = !o.json;
	return o;
}

/* Takes 'value' over; NULL is a failure. A key may be there once only. */
static inline void object_put(struct object *o, const char *key, struct json_object *value)
{
	const unsigned int flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT;

	if (value && !o->failed && json_object_object_add_ex(o->json, key, value, flags) == 0)
		return;
	json_object_put(value);
	o->failed = true;
}

static inline void object_put_text(struct object *o, const char *key, const char *value)
{
	object_put(o, key, value ? json_object_new_string(value) : NULL);
}

static inline void object_put_int(struct object *o, const char *key, int64_t value)
{
	object_put(o, key, json_object_new_int64(value));
}

static inline void object_put_bool(struct object *o, const char *key, bool value)
{
	object_put(o, key, json_object_new_boolean(value));
}

/* "Nobody knows", which is no failure. */
static inline void object_put_null(struct object *o, const char *key)
{
	const unsigned int flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT;

	if (o->failed || json_object_object_add_ex(o->json, key, NULL, flags) != 0)
		o->failed = true;
}

/* Appends to an array that is being built for 'o'; takes 'value' over. */
static inline void object_append(struct object *o, struct json_object *array,
				 struct json_object *value)
{
	if (array && value && !o->failed && json_object_array_add(array, value) == 0)
		return;
	json_object_put(value);
	o->failed = true;
}

/* The object, owned by the caller, or NULL if anything failed. */
static inline struct json_object *object_finish(struct object *o)
{
	struct json_object *json = o->json;

	o->json = NULL;
	if (!o->failed)
		return json;
	json_object_put(json);
	return NULL;
}

#endif
