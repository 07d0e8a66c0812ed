/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of verbs, and how a verb says that it failed. Must not know what a verb does.
 * Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include "cli/call.h"
#include "cli/verbs.h"
#include "common/near.h"
#include "common/str.h"

#define FILTER_DETAILS                                                                             \
	"FILTER reads like that of ss: port 8080 and direction sent and not comm 'nginx*'.\n"
#define ROW_FIELDS "Fields: pid comm exe unit container pod netns port role direction cause.\n"
#define LINE_DETAILS                                                                               \
	"Behind the process: (listener) it called listen(), who uses the connection is not\n"      \
	"known; (closed it before) it had the connection, which was closed before the reset;\n"    \
	"(kernel) the socket is the kernel's; \"X by Y\": it is X's, Y acted.\n\n"
#define RESET_FIELDS                                                                               \
	"Fields: time kind direction cause confidence pid comm exe unit container pod\n"           \
	"owner_source actor_pid actor_comm role port local remote peer family state\n"             \
	"previous_state reason errno netns cgroup age_ms idle_ms bytes_received bytes_sent\n"      \
	"unread_bytes unacked_bytes exit_signal exit_status; peer is the remote address, as in peer 10.0.0.0/8.\n"

const struct cli_verb cli_verbs[] = {
	{
		.name = "list",
		.arguments = "[FILTER]",
		.help = "counters, busiest first",
		.details =
			"Who sent and received how many resets, on which port, and why; one row per\n"
			"process, port, role, direction and cause unless --by says otherwise.\n"
			"With --by peer a count may be too high by the error that stands beside it.\n"
			"Connections that failed without any reset (time-outs) have a table of their own,\n"
			"but not with --no-headings; the filter direction '\"\"' has them alone.\n\n" FILTER_DETAILS
				ROW_FIELDS,
		.run = verb_list,
		.options = CLI_BIT(BY) | CLI_BIT(SORT) | CLI_BIT(LIMIT) | CLI_BIT(SINCE),
		.filtered = true,
		.scope = FILTER_ROWS,
	},
	{
		.name = "last",
		.arguments = "[N] [FILTER]",
		.help = "the latest single resets",
		.details =
			"The latest N resets of the 8192 that are kept; without N the latest 20, with\n"
			"--since, --until or --json all of them.\n\n" LINE_DETAILS FILTER_DETAILS
				RESET_FIELDS,
		.run = verb_last,
		.options = CLI_BIT(LIMIT) | CLI_BIT(SINCE) | CLI_BIT(UNTIL),
		.filtered = true,
		.scope = FILTER_RESETS,
	},
	{
		.name = "watch",
		.arguments = "[FILTER]",
		.help = "a line per reset as it happens",
		.details =
			"Ends with --count, with --timeout, or when you interrupt it.\n\n" LINE_DETAILS
				FILTER_DETAILS RESET_FIELDS,
		.run = verb_watch,
		.options = CLI_BIT(LAST) | CLI_BIT(COUNT) | CLI_BIT(TIMEOUT),
		.filtered = true,
		.scope = FILTER_RESETS,
	},
	{
		.name = "why",
		.arguments = "[FILTER]",
		.help = "why it happened, and what to do",
		.details =
			"The causes of resets and time-outs, most frequent first: what happened, who took\n"
			"part, what speaks for it, what the program was told, what to do; before that an\n"
			"overview, which is all that --brief prints. -n is the number of causes: 64 at\n"
			"most; if it is not given 10, with --json 20. --since reaches back as that of\n"
			"list does.\n\n" FILTER_DETAILS ROW_FIELDS,
		.run = verb_why,
		.options = CLI_BIT(LIMIT) | CLI_BIT(SINCE) | CLI_BIT(BRIEF),
		.filtered = true,
		.scope = FILTER_ROWS,
	},
	{
		.name = "explain",
		.arguments = "[CAUSE]",
		.help = "what a cause means; without CAUSE, all of them",
		.details =
			"Instead of CAUSE a part of it, to list all that have it in their names; or an error\n"
			"that a program got (ECONNRESET, 104, \"connection reset by peer\"), to list the\n"
			"causes that it may come of. Needs no daemon.\n",
		.run = verb_explain,
	},
	{
		.name = "status",
		.arguments = "",
		.help = "what is watched, what is missing, what it costs",
		.details =
			"Hooks and what each adds, coverage against the kernel's own counters, what\n"
			"was spilled or lost, memory and cost; problems come first.\n",
		.run = verb_status,
	},
	{
		.name = "check",
		.arguments = "[FILTER]",
		.help = "a monitoring plugin: one line, exit 0 to 3",
		.details =
			"Compares the rate of resets in the window with -w and -c; at least one of\n"
			"them must be given. Exit 0: OK, 1: WARNING, 2: CRITICAL, 3: UNKNOWN.\n"
			"Connections that failed without any reset (time-outs) are not counted.\n\n" FILTER_DETAILS
				ROW_FIELDS,
		.run = verb_check,
		.options = CLI_BIT(WARNING) | CLI_BIT(CRITICAL) | CLI_BIT(WINDOW),
		.filtered = true,
		.scope = FILTER_ROWS,
	},
	{
		.name = "metrics",
		.arguments = "",
		.help = "all counters as OpenMetrics text",
		.details =
			"With --textfile for a textfile collector, which reads the older text format alone:\n"
			"FILE is in that, and is replaced in one step. --classic prints it, for promtool.\n",
		.run = verb_metrics,
		.options = CLI_BIT(TEXTFILE) | CLI_BIT(CLASSIC),
	},
	{
		.name = "exporter",
		.arguments = "",
		.help = "serve the metrics over HTTP, for Prometheus",
		.details =
			"Serves /metrics until it is ended, in the format that the scraper asks for, and\n"
			"prints where. Asks the daemon for each scrape; while that is not running the answer\n"
			"is 503, and says so. Port 0 takes any that is free.\n",
		.run = verb_exporter,
		.options = CLI_BIT(LISTEN),
	},
	{
		.name = "help",
		.arguments = "[VERB]",
		.help = "this text, or all about a verb",
		.details = "",
		.run = verb_help,
	},
	{
		.name = "version",
		.arguments = "",
		.help = "the version of rstmon",
		.details = "That of the daemon stands in rstmon status.\n",
		.run = verb_version,
	},
	{},
};

const struct cli_verb *cli_verb_find(const char *name)
{
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

const struct cli_verb *cli_verb_nearest(const char *name)
{
	const struct cli_verb *nearest = NULL;
	size_t best = 3;

	for (const struct cli_verb *v = cli_verbs; v->name; v++) {
		size_t d = near_distance(name, v->name);

		if (d < best) {
			best = d;
			nearest = v;
		}
	}
	return nearest;
}

int cli_verb_exit(const struct cli_verb *verb, int code)
{
	/* whatever keeps check from an answer is UNKNOWN */
	return verb && verb->run == verb_check && code != RSTMON_EXIT_OK ? 3 : code;
}

static void print_unknown(const char *sentence)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "status", json_object_new_string("UNKNOWN"));
	json_object_object_add(object, "message", json_object_new_string(sentence));
	cli_print_json(object);
	json_object_put(object);
}

int cli_fail(const struct cli_options *o, int code, const char *sentence)
{
	/* A monitoring system reads stdout alone, a person would read it twice. */
	const struct cli_verb *verb = o->verb;
	bool plugin = verb && verb->run == verb_check;
	char text[1024];

	str_sanitise(text, sizeof(text), sentence, strlen(sentence));
	if (plugin && o->json)
		print_unknown(text);
	else if (plugin)
		printf("RSTMON UNKNOWN - %s\n", text);
	if (!plugin || !isatty(STDOUT_FILENO))
		fprintf(stderr, "rstmon: %s\n", text);
	return cli_verb_exit(verb, code);
}
