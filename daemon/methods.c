/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the socket answers. Each method checks its parameters whole (an unknown name or a wrong type
 * is an error, never ignored), brings the state up to date and has it published. It must not
 * format, and not read the core's state but through report.h. Proved by tests/unit/daemon/methods.c
 * and tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/methods.h"
#include "daemon/object.h"
#include "daemon/publish.h"

#define LAST_DEFAULT  20
#define ERROR_INVALID "org.varlink.service.InvalidParameter"
#define ERROR_FILTER  RSTMON_VARLINK_INTERFACE ".BadFilter"

/* The parameters of a call; 'failed' once one was refused, the rest is then not looked at. */
struct arguments {
	struct json_object *json;
	struct server_reply *reply;
	unsigned int taken;
	bool failed;
};

static void refuse(struct arguments *a, const char *name, const char *message)
{
	if (!a->failed)
		server_reply_error(a->reply, ERROR_INVALID, "parameter", name, message);
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

static const char *take_text(struct arguments *a, const char *name)
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

static unsigned int take_number(struct arguments *a, const char *name, unsigned int otherwise)
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

/* RFC 3339, or a duration before 'now'. */
static uint64_t take_time(struct arguments *a, const char *name, uint64_t now, uint64_t otherwise)
{
	const char *text = take_text(a, name);
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

/* A word of an enumeration; x_parse() and the words to name when it is none. */
static unsigned int take_word(struct arguments *a, const char *name, int (*parse)(const char *),
			      const char *words)
{
	const char *text = take_text(a, name);
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

static struct filter *take_filter(struct arguments *a, enum filter_scope scope)
{
	const char *text = take_text(a, "filter");
	struct filter *filter = NULL;
	char error[256] = "";
	int r;

	if (!text)
		return NULL;
	r = filter_parse(text, scope, &filter, error, sizeof(error));
	if (r == -ENOMEM) {
		a->failed = true; /* without an error of its own: the server tells */
	} else if (r < 0) {
		server_reply_error(a->reply, ERROR_FILTER, NULL, NULL, error);
		a->failed = true;
	}
	return filter;
}

/* The last step: a name that nobody took is not known. */
static bool arguments_done(struct arguments *a, const char *const known[])
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

static void filter_freep(struct filter **f)
{
	filter_free(*f);
}

/* JSON as its text: a tree of json-c takes ten times the memory, and "last 8192" is many trees. */
static struct json_object *as_text(struct json_object *tree)
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

static void list_failed(int r, const struct report_query *q, struct server_reply *ret)
{
	const char *name = q->since ? "since" : "filter";

	if (r == -EOPNOTSUPP)
		server_reply_error(ret, ERROR_INVALID, "parameter", name,
				   "Peers are counted from the beginning and by nothing else: "
				   "leave out 'since' and 'filter', or use another 'by'.");
}

static void call_list(struct json_object *parameters, bool more, void *userdata,
		      struct server_reply *ret)
{
	static const char *const known[] = {"by", "sort", "limit", "since", "filter", NULL};
	_cleanup_(filter_freep) struct filter *filter = NULL;
	_cleanup_(report_list_done) struct report_list list = {0};
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	struct report_query q = {.now = s->now(s->userdata)};
	int r;

	(void)more;
	q.by = take_word(&a, "by", report_by_parse,
			 "The parameter must be process, port, cause, unit or peer.");
	q.sort = take_word(
		&a, "sort", report_sort_parse,
		"The parameter must be count, last, first, pid, comm, unit, port, cause or "
		"direction.");
	q.limit = take_number(&a, "limit", 0);
	q.since = take_time(&a, "since", q.now, 0);
	q.filter = filter = take_filter(&a, FILTER_ROWS);
	if (!arguments_done(&a, known))
		return;

	s->refresh(s->userdata);
	r = report_list(s->tally, s->peers, &q, &list);
	if (r < 0)
		list_failed(r, &q, ret);
	else
		ret->parameters = publish_list(&list, q.by);
}

struct period {
	uint64_t since, until;
	const struct filter *filter;
};

static bool matches(const struct finding *f, const struct period *p)
{
	return f->reset.time >= p->since && f->reset.time <= p->until &&
	       report_match_finding(p->filter, f);
}

static void call_last(struct json_object *parameters, bool more, void *userdata,
		      struct server_reply *ret)
{
	static const char *const known[] = {"limit", "since", "until", "filter", NULL};
	_cleanup_(filter_freep) struct filter *filter = NULL;
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	uint64_t now = s->now(s->userdata);
	struct period p = {0};
	const struct finding *f;
	struct json_object *resets;
	struct object o;
	size_t limit, n = 0;

	(void)more;
	limit = take_number(&a, "limit", LAST_DEFAULT);
	p.since = take_time(&a, "since", now, 0);
	p.until = take_time(&a, "until", now, UINT64_MAX);
	p.filter = filter = take_filter(&a, FILTER_RESETS);
	if (!arguments_done(&a, known))
		return;

	s->refresh(s->userdata);
	o = object_start();
	resets = json_object_new_array();
	for (unsigned int i = 0; (f = recent_get(s->recent, i)) && (limit == 0 || n < limit); i++) {
		if (!matches(f, &p))
			continue;
		object_append(&o, resets, as_text(publish_reset(f)));
		n++;
	}
	object_put(&o, "resets", resets);
	ret->parameters = object_finish(&o);
}

/* The latest 'n' that match, oldest first. Made from the newest on, and no more than a watcher's
 * queue takes: what is left out is told as dropped. */
static int watch_backlog(struct methods_state *s, size_t n, struct server_reply *ret)
{
	struct json_object **list, *json;
	const struct finding *f;
	size_t used = 0, bytes = 0, length;

	n = MIN(n, (size_t)RSTMON_RECENT_MAX);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	ret->backlog = list;

	for (unsigned int i = 0; used + ret->dropped < n && (f = recent_get(s->recent, i)); i++) {
		if (!report_match_finding(ret->filter, f))
			continue;
		if (bytes > RSTMON_OUTPUT_MAX) {
			ret->dropped++;
			continue;
		}
		json = as_text(publish_reset(f));
		if (!json || !json_object_to_json_string_length(json, OBJECT_FORMAT, &length)) {
			json_object_put(json);
			return -ENOMEM;
		}
		bytes += length;
		list[used++] = json;
		ret->n_backlog = used;
	}
	for (size_t i = 0; i < used / 2; i++) {
		json = list[i];
		list[i] = list[used - 1 - i];
		list[used - 1 - i] = json;
	}
	return 0;
}

static void call_watch(struct json_object *parameters, bool more, void *userdata,
		       struct server_reply *ret)
{
	static const char *const known[] = {"filter", "last", NULL};
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	size_t last;

	if (!more) {
		server_reply_error(ret, "org.varlink.service.ExpectedMore", NULL, NULL,
				   "Watch answers with many replies; call it with 'more'.");
		return;
	}
	last = take_number(&a, "last", 0);
	ret->filter = take_filter(&a, FILTER_RESETS);
	if (!arguments_done(&a, known))
		return;

	s->refresh(s->userdata);
	ret->watch = watch_backlog(s, last, ret) == 0;
}

static bool no_arguments(struct json_object *parameters, struct server_reply *ret)
{
	static const char *const known[] = {NULL};
	struct arguments a = {.json = parameters, .reply = ret};

	return arguments_done(&a, known);
}

static void call_status(struct json_object *parameters, bool more, void *userdata,
			struct server_reply *ret)
{
	struct methods_state *s = userdata;
	struct report_status status = {0};

	(void)more;
	if (!no_arguments(parameters, ret))
		return;
	s->refresh(s->userdata);
	s->status(s->userdata, &status);
	ret->parameters = publish_status(&status);
}

static void call_metrics(struct json_object *parameters, bool more, void *userdata,
			 struct server_reply *ret)
{
	_cleanup_(report_list_done) struct report_list list = {0};
	_cleanup_free_ char *text = NULL;
	struct methods_state *s = userdata;
	struct report_status status = {0};
	struct report_query q = {.now = s->now(s->userdata)};
	struct object o;

	(void)more;
	if (!no_arguments(parameters, ret))
		return;
	s->refresh(s->userdata);
	s->status(s->userdata, &status);
	if (report_list(s->tally, s->peers, &q, &list) < 0)
		return;
	text = publish_metrics(&list, &status, s->series ? s->series : METHODS_SERIES);
	if (!text)
		return;
	o = object_start();
	object_put_text(&o, "text", text);
	ret->parameters = object_finish(&o);
}

#define METHOD(name) RSTMON_VARLINK_INTERFACE "." name

const struct server_method methods_table[METHODS_N] = {
	{METHOD("List"), call_list},	   {METHOD("Last"), call_last},
	{METHOD("Watch"), call_watch},	   {METHOD("Status"), call_status},
	{METHOD("Metrics"), call_metrics},
};
