/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reset as a line for people, of 'last' and 'watch'. Must show who, where and why before
 * anything else, and nothing that is not known. Proved by tests/unit/cli/reset.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/text.h"
#include "cli/when.h"
#include "common/str.h"

#define EVIDENCE_SHOWN 2 /* strings of it in a line */

static const char RESET[] = "\033[0m";

bool cli_colors(const struct cli_options *o)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return !o->no_color && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 &&
	       isatty(STDOUT_FILENO);
}

static void put_time(FILE *f, struct json_object *reset, const struct cli_options *o)
{
	char text[TIME_TEXT_MAX + 1], when[WHEN_TEXT_MAX];
	uint64_t t;

	cli_text(reset, "time", text, sizeof(text));
	fputs(parse_time(text, &t) == 0 ? cli_when_format(when, sizeof(when), t, o->utc) : "-", f);
}

static void put_direction(FILE *f, struct json_object *reset, bool colors)
{
	char text[16];
	bool received;

	cli_text(reset, "direction", text, sizeof(text));
	if (!*text)
		cli_text(reset, "kind", text, sizeof(text));
	received = !strcmp(text, "received");
	if (colors)
		fputs(received ? "\033[36m" : "\033[33m", f);
	fprintf(f, "  %-8s", text);
	if (colors)
		fputs(RESET, f);
}

/* What the name rests on, where a reader should know. */
static const char *hint(struct json_object *reset)
{
	static const struct {
		const char *source, *hint;
	} hints[] = {
		{"listen", " (listener)"},
		{"closed", " (closed it before)"},
		{"kernel", " (kernel)"},
	};
	char source[16];

	cli_text(reset, "owner_source", source, sizeof(source));
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (!strcmp(source, hints[i].source))
			return hints[i].hint;
	return "";
}

static void put_process(FILE *f, struct json_object *reset)
{
	char comm[64], owner[96], actor[96] = "", other[96] = "", whole[384];
	int64_t pid = cli_number(reset, "pid", 0), actor_pid = cli_number(reset, "actor_pid", 0);
	int64_t other_pid = cli_number(reset, "other_pid", 0);

	cli_text(reset, "comm", comm, sizeof(comm));
	cli_process_text(owner, sizeof(owner), comm, pid);
	if (actor_pid > 0 && actor_pid != pid) {
		cli_text(reset, "actor_comm", comm, sizeof(comm));
		cli_process_text(actor, sizeof(actor), comm, actor_pid);
	}
	/* who is at the other end, where that is this host too */
	if (other_pid > 0) {
		cli_text(reset, "other_comm", comm, sizeof(comm));
		cli_process_text(other, sizeof(other), comm, other_pid);
	}
	snprintf(whole, sizeof(whole), "%s%s%s%s%s%s", owner, hint(reset), *actor ? " by " : "",
		 actor, *other ? " with " : "", other);
	fprintf(f, "  %-22s", whole);
}

static void put_connection(FILE *f, struct json_object *reset)
{
	char local[80], remote[80], direction[16], role[16], state[24], previous[24];

	cli_text(reset, "local", local, sizeof(local));
	cli_text(reset, "remote", remote, sizeof(remote));
	cli_text(reset, "role", role, sizeof(role));
	cli_text(reset, "state", state, sizeof(state));
	cli_text(reset, "previous_state", previous, sizeof(previous));
	/* which way the reset went, the local side first */
	fprintf(f, "  %s %s %s", *local ? local : "?",
		!strcmp(cli_text(reset, "direction", direction, sizeof(direction)), "received")
			? "<-"
			: "->",
		*remote ? remote : "?");
	/* the role of a socket; without one there is only the port */
	if (!strcmp(role, "server") || !strcmp(role, "client"))
		fprintf(f, "  %s", role);
	fprintf(f, "%sport %" PRId64, strcmp(role, "none") && *role ? " " : "  ",
		cli_number(reset, "port", 0));
	/* the kernel sets CLOSE before it sends: what was before says more */
	if (!strcmp(state, "CLOSE") && *previous)
		fprintf(f, "  %s>CLOSE", previous);
	else if (*state)
		fprintf(f, "  %s", state);
}

static void put_cause(FILE *f, struct json_object *reset, bool colors)
{
	char cause[48], reason[64], confidence[16];

	cli_text(reset, "cause", cause, sizeof(cause));
	cli_text(reset, "reason", reason, sizeof(reason));
	cli_text(reset, "confidence", confidence, sizeof(confidence));
	if (strcmp(cause, "unknown") != 0 && *cause) {
		fprintf(f, "  %s%s%s", colors ? "\033[1m" : "", cause, colors ? RESET : "");
		if (*confidence && strcmp(confidence, "certain") != 0)
			fprintf(f, " (%s)", confidence);
	} else if (*reason && strcmp(reason, "NOT_SPECIFIED") != 0)
		fprintf(f, "  %s", reason);
	else
		fputs("  unknown", f);
}

/* What else the cause rests on; the daemon names first what tells most. */
static void put_evidence(FILE *f, struct json_object *reset, bool first)
{
	static const char *const told[] = {
		"state",   "previous_state", "reason",	    "unread",	   "unread_bytes",
		"unacked", "unacked_bytes",  "idle",	    "idle_ms",	   "age",
		"age_ms",  "signal",	     "exit_signal", "exit_status", "errno",
		"role",	   "port",	     "direction",   "other_end",   "actor"};
	struct json_object *evidence = cli_array(reset, "evidence");
	size_t n = evidence ? json_object_array_length(evidence) : 0;
	unsigned int shown = 0;

	for (size_t i = 0; i < n && shown < EVIDENCE_SHOWN; i++) {
		struct json_object *value = json_object_array_get_idx(evidence, i);
		char text[RSTMON_EVIDENCE_LEN];
		const char *raw = json_object_get_string(value);
		size_t len, k = 0;

		if (!json_object_is_type(value, json_type_string))
			continue;
		str_sanitise(text, sizeof(text), raw, strlen(raw));
		len = strcspn(text, "=");
		while (k < ARRAY_SIZE(told) &&
		       (strlen(told[k]) != len || strncmp(told[k], text, len) != 0))
			k++;
		if (k < ARRAY_SIZE(told) || !*text)
			continue;
		/* the option with time 0, which "linger=0" would tell to be off */
		fprintf(f, "%s%s", first ? "  " : " ",
			!strcmp(text, "linger=0") ? "SO_LINGER=0" : text);
		first = false;
		shown++;
	}
}

static void put_details(FILE *f, struct json_object *reset)
{
	static const struct {
		const char *key, *name;
		int64_t least;
		bool duration;
	} details[] = {
		{"age_ms", "age", 0, true},	      {"idle_ms", "idle", 0, true},
		{"unread_bytes", "unread", 1, false}, {"unacked_bytes", "unacked", 1, false},
		{"exit_signal", "signal", 1, false},  {"exit_status", "exit", 0, false},
	};
	char text[DURATION_TEXT_MAX], error[24];
	bool first;

	cli_text(reset, "errno", error, sizeof(error));
	first = !*error;
	if (*error)
		fprintf(f, "  errno=%s", error);
	for (size_t i = 0; i < ARRAY_SIZE(details); i++) {
		int64_t n = cli_number(reset, details[i].key, -1);

		if (n < details[i].least)
			continue;
		fprintf(f, "%s%s=", first ? "  " : " ", details[i].name);
		if (details[i].duration && n < INT64_MAX / (int64_t)NSEC_PER_MSEC)
			fputs(format_duration(text, sizeof(text), (uint64_t)n * NSEC_PER_MSEC), f);
		else
			fprintf(f, "%" PRId64, n);
		first = false;
	}
	put_evidence(f, reset, first);
}

char *cli_reset_text(struct json_object *reset, const struct cli_options *o, bool colors)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	put_time(f, reset, o);
	put_direction(f, reset, colors);
	put_process(f, reset);
	put_connection(f, reset);
	put_cause(f, reset, colors);
	put_details(f, reset);
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}
