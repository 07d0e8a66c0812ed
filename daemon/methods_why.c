/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the socket answers to Why and Explain. As every method: checks its parameters whole, brings
 * the state up to date and has it published, formats nothing itself. Proved by
 * tests/unit/daemon/methods.c and tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include "common/causes_json.h"
#include "common/near.h"
#include "daemon/methods_arguments.h"
#include "daemon/methods_parts.h"
#include "daemon/methods_why.h"
#include "daemon/publish.h"

#define STORIES_DEFAULT 20
#define MINUTE_NS	(60 * NSEC_PER_SEC)

static void filter_freep(struct filter **f)
{
	filter_free(*f);
}

void methods_why(struct json_object *parameters, bool more, void *userdata,
		 struct server_reply *ret)
{
	static const char *const known[] = {"since", "filter", "limit", NULL};
	_cleanup_(filter_freep) struct filter *filter = NULL;
	_cleanup_(stories_done) struct stories stories = {0};
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	struct report_query q = {.now = s->now(s->userdata)};
	struct publish_why why = {.history = s->history};

	(void)more;
	q.limit = arguments_number(&a, "limit", STORIES_DEFAULT);
	q.since = arguments_time(&a, "since", q.now, 0);
	q.filter = filter = arguments_filter(&a, FILTER_ROWS);
	if (!arguments_done(&a, known))
		return;

	methods_refresh(s, ret);
	if (stories_make(s->tally, s->recent, &q, &stories) < 0)
		return;
	why.since = q.since - q.since % MINUTE_NS;
	why.from = MAX(why.since, s->started);
	stories.partial |= q.since > 0 && why.from > q.since;
	/* neither knows the fields of a filter */
	if (filter)
		why.history = NULL;
	else if (s->counters)
		s->counters(s->userdata, &why.handshake_rst_embryonic, &why.rst_ignored);
	ret->parameters = publish_why(&stories, &why);
}

static void no_such_cause(const char *name, struct server_reply *ret)
{
	const char *near = near_cause(name);
	char message[160];

	if (near)
		snprintf(message, sizeof(message),
			 "There is no such cause; did you mean %s? Without 'cause' all are listed.",
			 near);
	else
		snprintf(message, sizeof(message),
			 "There is no such cause; without 'cause' all are listed.");
	server_reply_error(ret, METHODS_INVALID, "parameter", "cause", message);
}

void methods_explain(struct json_object *parameters, bool more, void *userdata,
		     struct server_reply *ret)
{
	static const char *const known[] = {"cause", NULL};
	struct arguments a = {.json = parameters, .reply = ret};
	const char *name = arguments_text(&a, "cause");
	int cause = name ? cause_parse(name) : 0;

	(void)more;
	(void)userdata;
	if (!arguments_done(&a, known))
		return;
	if (cause < 0)
		no_such_cause(name, ret);
	else
		ret->parameters = causes_json(!name, (unsigned int)cause);
}
