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
#include "daemon/methods_arguments.h"
#include "daemon/methods_why.h"
#include "daemon/object.h"
#include "daemon/publish.h"

#define LAST_DEFAULT 20
#define MINUTE_NS    (60 * NSEC_PER_SEC)

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
		server_reply_error(ret, METHODS_INVALID, "parameter", name,
				   "Peers are counted from the beginning and by nothing else: "
				   "leave out 'since' and 'filter', or use another 'by'.");
}

/* Who divides a count by a time has to know how long that really was. */
static void tell_span(struct report_list *list, const struct report_query *q, uint64_t started)
{
	list->started = started;
	list->from = MAX(q->since - q->since % MINUTE_NS, started);
	if (q->since > 0 && list->from > q->since)
		list->partial = true;
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
	q.by = arguments_word(&a, "by", report_by_parse,
			      "The parameter must be process, port, cause, unit or peer.");
	q.sort = arguments_word(
		&a, "sort", report_sort_parse,
		"The parameter must be count, last, first, pid, comm, unit, port, cause or "
		"direction.");
	q.limit = arguments_number(&a, "limit", 0);
	q.since = arguments_time(&a, "since", q.now, 0);
	q.filter = filter = arguments_filter(&a, FILTER_ROWS);
	if (!arguments_done(&a, known))
		return;

	s->refresh(s->userdata);
	r = report_list(s->tally, s->peers, &q, &list);
	if (r < 0) {
		list_failed(r, &q, ret);
		return;
	}
	tell_span(&list, &q, s->started);
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
	limit = arguments_number(&a, "limit", LAST_DEFAULT);
	p.since = arguments_time(&a, "since", now, 0);
	p.until = arguments_time(&a, "until", now, UINT64_MAX);
	p.filter = filter = arguments_filter(&a, FILTER_RESETS);
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
	put_kept(&o, s->recent);
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

	/* what waits to be told will come by itself */
	for (unsigned int i = s->untold ? s->untold(s->userdata) : 0;
	     used + ret->dropped < n && (f = recent_get(s->recent, i)); i++) {
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
	last = arguments_number(&a, "last", 0);
	ret->filter = arguments_filter(&a, FILTER_RESETS);
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
	{METHOD("List"), call_list},	      {METHOD("Last"), call_last},
	{METHOD("Watch"), call_watch},	      {METHOD("Status"), call_status},
	{METHOD("Metrics"), call_metrics},    {METHOD("Why"), methods_why},
	{METHOD("Explain"), methods_explain},
};
