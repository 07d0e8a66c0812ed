/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text of a cause as JSON: what the daemon's method Explain answers and 'rstmon explain --json'
 * prints, made in one place. In a header, so that what needs no JSON is not linked with it. Both give
 * NULL without memory.
 */
#ifndef COMMON_CAUSES_JSON_H
#define COMMON_CAUSES_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#include "common/causes.h"

static inline bool causes_json_put(struct json_object *o, const char *key,
				   struct json_object *value)
{
	if (value && json_object_object_add(o, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static inline bool causes_json_append(struct json_object *array, struct json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static inline bool causes_json_text(struct json_object *o, const char *key, const char *text)
{
	return causes_json_put(o, key, json_object_new_string(text ? text : ""));
}

/* An array of the texts up to NULL. */
static inline bool causes_json_texts(struct json_object *o, const char *key,
				     const char *const *texts, size_t most)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < most && texts[i]; i++)
		ok = causes_json_append(array, json_object_new_string(texts[i]));
	return causes_json_put(o, key, array) && ok;
}

static inline bool causes_json_settings(struct json_object *o, const struct cause_setting *settings)
{
	struct json_object *array = json_object_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < CAUSE_SETTINGS_MAX && settings[i].name; i++) {
		struct json_object *setting = json_object_new_object();

		ok = setting && causes_json_text(setting, "program", settings[i].program) &&
		     causes_json_text(setting, "name", settings[i].name) &&
		     causes_json_text(setting, "meaning", settings[i].meaning);
		ok = causes_json_append(array, setting) && ok;
	}
	return causes_json_put(o, "settings", array) && ok;
}

static inline struct json_object *cause_json(unsigned int cause)
{
	static const struct cause_text nothing;
	const struct cause_text *t = cause_text(cause);
	struct json_object *o = json_object_new_object();

	t = t ? t : &nothing;
	if (o && causes_json_text(o, "cause", cause_name(cause)) &&
	    causes_json_text(o, "summary", cause_summary(cause)) &&
	    causes_json_text(o, "kind", t->kind) && causes_json_text(o, "severity", t->severity) &&
	    causes_json_text(o, "meaning", t->meaning) && causes_json_text(o, "looks", t->looks) &&
	    causes_json_texts(o, "advice", t->advice, CAUSE_ADVICE_MAX) &&
	    causes_json_settings(o, t->settings) && causes_json_text(o, "retry", t->retry) &&
	    causes_json_texts(o, "see", t->see, sizeof(t->see) / sizeof(t->see[0])))
		return o;
	json_object_put(o);
	return NULL;
}

/* {"causes": [...]}, all of them or the one. */
static inline struct json_object *causes_json(bool all, unsigned int cause)
{
	struct json_object *o = json_object_new_object(), *array = json_object_new_array();
	bool ok = o && array;

	for (unsigned int i = 0; ok && i < RST_CAUSE_MAX; i++)
		if (all || i == cause)
			ok = causes_json_append(array, cause_json(i));
	if (o && causes_json_put(o, "causes", array) && ok)
		return o;
	if (!o)
		json_object_put(array);
	json_object_put(o);
	return NULL;
}

#endif
