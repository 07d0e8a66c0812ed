/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the socket answers to Last. Which resets these are is settled at once, and they are made
 * into JSON in parts, the oldest first, because new ones overwrite those. It must not format.
 * Proved by tests/unit/daemon/methods.c.
 */
#include "common/util.h"

#include "common/str.h"
#include "daemon/methods_arguments.h"
#include "daemon/methods_parts.h"
#include "daemon/object.h"
#include "daemon/publish.h"

#define LAST_DEFAULT	20
#define RESETS_PER_TURN 64   /* about two milliseconds */
#define RESET_BYTES	2560 /* of JSON, more than usual */

struct last_item {
	uint64_t ticket;
	struct json_object *json; /* once it is made */
};

struct last_work {
	struct server_work work;
	struct recent *recent;
	struct last_item *item; /* the newest first */
	size_t n, left;		/* items, and those that are still to be made */
};

struct period {
	uint64_t since, until;
	const struct filter *filter;
};

/* JSON as its text: a tree of json-c takes ten times the memory, and "last 8192" is many trees. */
struct json_object *methods_as_text(struct json_object *tree)
{
	_cleanup_free_ char *text = NULL;
	const char *json = NULL;
	struct json_object *o;

	if (tree)
		json = json_object_to_json_string_ext(tree, OBJECT_FORMAT);
	if (json)
		text = strdup(json);
	json_object_put(tree);
	o = text ? json_object_new_object() : NULL;
	if (o)
		json_object_set_serializer(o, json_object_userdata_to_json_string, TAKE_PTR(text),
					   json_object_free_userdata);
	return o;
}

static void filter_freep(struct filter **f)
{
	filter_free(*f);
}

static void last_free(struct server_work *work)
{
	struct last_work *w = (struct last_work *)work;

	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		json_object_put(w->item[i].json);
	free(w->item);
	free(w);
}

static void last_freep(struct last_work **w)
{
	last_free((struct server_work *)*w);
}

static bool matches(const struct finding *f, const struct period *p)
{
	return f->reset.time >= p->since && f->reset.time <= p->until &&
	       report_match_finding(p->filter, f);
}

/* It was overwritten, and so was all that is older: an answer has no gap. */
static void forget_from(struct last_work *w, size_t from)
{
	for (size_t i = from; i < w->n; i++)
		json_object_put(w->item[i].json);
	w->n = from;
}

/* What an empty answer may be due to: single resets are kept for a while only. */
static void put_kept(struct object *o, const struct recent *recent)
{
	const struct finding *f, *oldest = NULL;
	char text[TIME_TEXT_MAX];
	unsigned int n;

	for (n = 0; (f = recent_get(recent, n)); n++)
		oldest = f;
	object_put_int(o, "kept", n);
	if (oldest)
		object_put_text(o, "oldest", format_time(text, sizeof(text), oldest->reset.time));
}

static struct json_object *finish(struct last_work *w)
{
	struct json_object *resets = json_object_new_array();
	struct object o = object_start();

	for (size_t i = 0; i < w->n; i++)
		object_append(&o, resets, TAKE_PTR(w->item[i].json));
	object_put(&o, "resets", resets);
	put_kept(&o, w->recent);
	return object_finish(&o);
}

static bool last_step(struct server_work *work, struct server_reply *ret)
{
	struct last_work *w = (struct last_work *)work;

	for (unsigned int i = 0; i < RESETS_PER_TURN && w->left > 0; i++) {
		struct last_item *item = &w->item[--w->left];
		const struct finding *f = recent_find(w->recent, item->ticket);

		if (f)
			item->json = methods_as_text(publish_reset(f));
		else
			forget_from(w, w->left);
		if (f && !item->json)
			return true;
	}
	if (w->left > 0)
		return false;
	ret->parameters = finish(w);
	return true;
}

/* NULL: no memory. */
static struct last_work *last_new(struct recent *recent, const struct period *p, size_t limit)
{
	_cleanup_(last_freep) struct last_work *w = calloc(1, sizeof(*w));
	size_t max = limit ? MIN(limit, (size_t)RSTMON_RECENT_MAX) : RSTMON_RECENT_MAX;
	uint64_t latest = recent_latest(recent);
	const struct finding *f;

	if (!w)
		return NULL;
	w->work = (struct server_work){.step = last_step, .free = last_free};
	w->recent = recent;
	w->item = calloc(max, sizeof(*w->item));
	if (!w->item)
		return NULL;
	for (unsigned int i = 0; w->n < max && (f = recent_get(recent, i)); i++)
		if (matches(f, p))
			w->item[w->n++].ticket = latest - i;
	w->left = w->n;
	w->work.bytes = w->n * RESET_BYTES;
	return TAKE_PTR(w);
}

void methods_last(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret)
{
	static const char *const known[] = {"limit", "since", "until", "filter", NULL};
	_cleanup_(filter_freep) struct filter *filter = NULL;
	_cleanup_(last_freep) struct last_work *w = NULL;
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	uint64_t now = s->now(s->userdata);
	struct period p = {0};
	size_t limit;

	(void)more;
	limit = arguments_number(&a, "limit", LAST_DEFAULT);
	p.since = arguments_time(&a, "since", now, 0);
	p.until = arguments_time(&a, "until", now, UINT64_MAX);
	p.filter = filter = arguments_filter(&a, FILTER_RESETS);
	if (!arguments_done(&a, known))
		return;

	methods_refresh(s, ret);
	w = last_new(s->recent, &p, limit);
	if (w && !last_step(&w->work, ret))
		ret->work = &TAKE_PTR(w)->work;
}
