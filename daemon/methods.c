/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the socket answers. Each method checks its parameters whole (an unknown name or a wrong type
 * is an error, never ignored), brings the state up to date and has it published. It must not
 * format, and not read the core's state but through report.h. Proved by tests/unit/daemon/methods.c
 * and tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/methods.h"
#include "daemon/methods_arguments.h"
#include "daemon/methods_parts.h"
#include "daemon/methods_why.h"
#include "daemon/object.h"
#include "daemon/publish.h"

void methods_refresh(struct methods_state *s, struct server_reply *ret)
{
	if (ret->fresh)
		return;
	s->refresh(s->userdata);
	ret->refreshed = true;
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
		json = methods_as_text(publish_reset(f));
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

	methods_refresh(s, ret);
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
	methods_refresh(s, ret);
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
	methods_refresh(s, ret);
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
	{METHOD("List"), methods_list},	      {METHOD("Last"), methods_last},
	{METHOD("Watch"), call_watch},	      {METHOD("Status"), call_status},
	{METHOD("Metrics"), call_metrics},    {METHOD("Why"), methods_why},
	{METHOD("Explain"), methods_explain},
};
