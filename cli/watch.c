/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon watch': a line per reset as it happens. Must write each line out at once, and say when
 * the daemon had to leave some out. Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>

#include "cli/call.h"
#include "cli/text.h"

struct watch {
	const struct cli_options *o;
	struct cli_client *client;
	uint64_t deadline; /* 0: none */
	uint64_t shown;
	bool colors;
};

/* -ENOMEM; -EIO: nobody takes what is written, which the caller tells. */
static int show(struct watch *w, struct json_object *reset)
{
	_cleanup_free_ char *line = NULL;
	int64_t dropped = cli_number(reset, "dropped", 0);

	if (dropped > 0 && !w->o->json)
		fprintf(stderr,
			"rstmon: %" PRId64 " lines were left out, this output is too slow for "
			"them\n",
			dropped);
	if (!cli_has(reset, "time"))
		return 0;
	if (w->o->json) {
		cli_print_json(reset);
	} else {
		line = cli_reset_text(reset, w->o, w->colors);
		if (!line)
			return -ENOMEM;
		puts(line);
	}
	w->shown++;
	return fflush(stdout) == 0 ? 0 : -EIO;
}

static int follow(struct watch *w)
{
	for (;;) {
		struct cli_reply reply = {};
		bool over;
		int r = cli_client_receive(w->client, w->deadline, &reply);

		if (r == -ETIMEDOUT)
			return RSTMON_EXIT_OK; /* --timeout; there is no other */
		if (r < 0)
			return cli_call_fail(w->o, r);
		if (reply.error) {
			int code = cli_call_refused(w->o, &reply);

			cli_reply_done(&reply);
			return code;
		}
		r = show(w, reply.parameters);
		over = !reply.continues;
		cli_reply_done(&reply);
		if (r == -EIO)
			return RSTMON_EXIT_OK; /* what is wrong with stdout is told at the end */
		if (r < 0)
			return cli_fail(w->o, RSTMON_EXIT_FAILED, "no memory for a line");
		if (over || (w->o->count && w->shown >= w->o->count))
			return RSTMON_EXIT_OK;
	}
}

int verb_watch(const struct cli_options *o)
{
	struct watch w = {.o = o, .colors = cli_colors(o)};
	struct json_object *parameters;
	uint64_t now = cli_clock();
	int code;

	if (o->timeout_ns)
		w.deadline = now + o->timeout_ns < now ? UINT64_MAX : now + o->timeout_ns;
	code = cli_call_open(o, &w.client);
	if (code)
		return code;
	parameters = json_object_new_object();
	cli_put_text(parameters, "filter", o->filter);
	cli_put_number(parameters, "last", o->last);
	code = cli_call_send(o, w.client, "Watch", parameters, true,
			     now + CLI_CALL_TIMEOUT_S * NSEC_PER_SEC);
	json_object_put(parameters);
	if (!code)
		code = follow(&w);
	cli_client_free(w.client);
	return code;
}
