/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One story of 'rstmon why', for people who have never seen a TCP state: what happened first, then
 * who and when, what speaks for it, what to do. Must show nothing that is not known, and never
 * sound more certain than the daemon is. Proved by tests/unit/cli/why.c.
 */
#include "common/util.h"

#include <inttypes.h>
#include <stdarg.h>

#include "cli/errors.h"
#include "cli/text.h"
#include "cli/when.h"
#include "cli/why.h"
#include "common/str.h"

#define TEXT_MAX 1024

static void append(char *dst, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *dst, size_t size, const char *format, ...)
{
	size_t used = strlen(dst);
	va_list args;

	va_start(args, format);
	vsnprintf(dst + used, size - used, format, args);
	va_end(args);
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

char *why_owner(char *dst, size_t size, struct json_object *object)
{
	char comm[64], unit[128];
	int64_t pid = cli_number(object, "pid", 0);

	cli_text(object, "comm", comm, sizeof(comm));
	cli_text(object, "unit", unit, sizeof(unit));
	if (pid > 0)
		cli_process_text(dst, size, comm, pid);
	else if (*comm)
		snprintf(dst, size, "%s (ended)", comm);
	else
		str_copy(dst, size, "no process");
	if (*unit)
		append(dst, size, " of %s", unit);
	return dst;
}

char *why_span(char *dst, size_t size, uint64_t first, uint64_t last, const struct cli_options *o)
{
	char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX];

	cli_when_format_short(from, sizeof(from), first, o->now, o->utc);
	cli_when_format_short(to, sizeof(to), last, o->now, o->utc);
	snprintf(dst, size, strcmp(from, to) != 0 ? "%s to %s" : "%s", from, to);
	return dst;
}

/* "37 resets sent, 36 received, 2 time-outs" */
static void put_counts(char *dst, size_t size, struct json_object *s)
{
	int64_t sent = cli_number(s, "sent", 0), received = cli_number(s, "received", 0);
	int64_t timeouts = cli_number(s, "timeouts", 0), echoes = cli_number(s, "echoes", 0);

	if (sent > 0)
		append(dst, size, "%" PRId64 " reset%s sent", sent, plural(sent));
	/* the kernel resets once more what arrives for a connection that was reset */
	if (sent > 0 && echoes > 0)
		append(dst, size, " (%" PRId64 " of them the kernel's echo)", echoes);
	if (received > 0 && sent > 0)
		append(dst, size, ", %" PRId64 " received", received);
	else if (received > 0)
		append(dst, size, "%" PRId64 " reset%s received", received, plural(received));
	if (timeouts > 0)
		append(dst, size, "%s%" PRId64 " time-out%s", sent > 0 || received > 0 ? ", " : "",
		       timeouts, plural(timeouts));
}

/* "1. keepalive_race_server on port 8080: 37 resets sent, 36 received; high confidence" */
static void put_headline(const struct cli_page *p, struct json_object *s, size_t number)
{
	char cause[48], confidence[16], severity[16], label[16], line[TEXT_MAX] = "";
	int64_t port = cli_number(s, "port", 0), ports = cli_number(s, "ports", 0);

	cli_text(s, "cause", cause, sizeof(cause));
	cli_text(s, "confidence", confidence, sizeof(confidence));
	cli_text(s, "severity", severity, sizeof(severity));
	append(line, sizeof(line), "%s%s%s", p->bold, *cause ? cause : "unknown", p->plain);
	if (port > 0)
		append(line, sizeof(line), " on port %" PRId64, port);
	else if (ports > 1)
		append(line, sizeof(line), " on %s%" PRId64 " ports",
		       cli_true(s, "more_ports") ? "more than " : "", ports);
	append(line, sizeof(line), ": ");
	put_counts(line, sizeof(line), s);
	if (cli_number(s, "samples", 0) > 0 && *confidence && strcmp(cause, "unknown") != 0)
		append(line, sizeof(line), "; %s%s", confidence,
		       strcmp(confidence, "certain") != 0 ? " confidence" : "");
	if (!strcmp(severity, "harmless"))
		append(line, sizeof(line), "; harmless");
	snprintf(label, sizeof(label), "%zu.", number);
	cli_paragraph(p, (unsigned int)strlen(label) + 1, label, line);
}

static void put_parties(const struct cli_page *p, struct json_object *s)
{
	struct json_object *parties = cli_array(s, "parties");
	size_t n = parties ? json_object_array_length(parties) : 0;
	int64_t more = cli_number(s, "more_parties", 0);
	char text[TEXT_MAX] = "";

	for (size_t i = 0; i < n; i++) {
		struct json_object *party = json_object_array_get_idx(parties, i);
		char owner[256], role[16], direction[16];
		int64_t count = cli_number(party, "count", 0);

		why_owner(owner, sizeof(owner), party);
		cli_text(party, "role", role, sizeof(role));
		cli_text(party, "direction", direction, sizeof(direction));
		append(text, sizeof(text), "%s%s", i ? "\n" : "", owner);
		if (!strcmp(role, "server") || !strcmp(role, "client"))
			append(text, sizeof(text), ", the %s", role);
		append(text, sizeof(text), ": %" PRId64 " %s", count,
		       *direction ? direction : "timed out");
	}
	if (more > 0)
		append(text, sizeof(text), "\nand %" PRId64 " more", more);
	cli_paragraph(p, WHY_LABEL, "   Who", text);
}

static void put_when(const struct cli_page *p, struct json_object *s, const struct cli_options *o)
{
	uint64_t first = cli_time(s, "first"), last = cli_time(s, "last");
	int64_t samples = cli_number(s, "samples", 0), pairs = cli_number(s, "pairs", 0);
	int64_t peers = cli_number(s, "peers", 0);
	char text[TEXT_MAX] = "";

	if (first && last)
		why_span(text, sizeof(text), first, last, o);
	if (*text && samples > 0 && pairs == samples)
		append(text, sizeof(text), "; both ends are on this host");
	else if (*text && samples > 0 && pairs > 0)
		append(text, sizeof(text), "; of some both ends are on this host");
	else if (*text && samples > 0 && peers > 1)
		append(text, sizeof(text), "; %" PRId64 "%s remote addresses", peers,
		       peers >= 16 ? " or more" : "");
	cli_paragraph(p, WHY_LABEL, "   When", text);
}

/* Of an array of texts, one; "" if it is none. */
static char *text_at(char *dst, size_t size, struct json_object *array, size_t i)
{
	struct json_object *value = json_object_array_get_idx(array, i);
	const char *raw =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

	str_sanitise(dst, size, raw, strlen(raw));
	return dst;
}

/* What tells people nothing here: who took part is told already, and these states and this reason
 * are those of most resets. */
static bool is_news(const char *evidence)
{
	static const char *const dull[] = {"state=CLOSE", "state=LISTEN", "reason=TCP_STATE"};

	for (size_t i = 0; i < ARRAY_SIZE(dull); i++)
		if (!strcmp(evidence, dull[i]))
			return false;
	return *evidence && strncmp(evidence, "other_end=", 10) != 0;
}

static void put_evidence(const struct cli_page *p, struct json_object *s)
{
	struct json_object *evidence = cli_array(s, "evidence");
	size_t n = evidence ? json_object_array_length(evidence) : 0;
	char text[TEXT_MAX] = "";

	for (size_t i = 0; i < n; i++) {
		char clean[RSTMON_EVIDENCE_LEN];

		if (!is_news(text_at(clean, sizeof(clean), evidence, i)))
			continue;
		/* the option with time 0, which "linger=0" would tell to be off */
		if (!strcmp(clean, "linger=0"))
			str_copy(clean, sizeof(clean), "SO_LINGER 0");
		append(text, sizeof(text), "%s%s", *text ? ", " : "", clean);
	}
	cli_paragraph(p, WHY_LABEL, "   Evidence", text);
}

static void append_error(char *dst, size_t size, const char *comm, int64_t pid, const char *error)
{
	const struct cli_error *known = cli_error_named(error);
	char owner[96] = "the program";

	if (*comm)
		cli_process_text(owner, sizeof(owner), comm, pid);
	append(dst, size, "%s%s got %s", *dst ? "\n" : "", owner, error);
	if (known)
		append(dst, size, ", \"%s\"", known->text);
}

/* Who kills a connection tells both of its ends, each in words of its own. */
static void append_both_errors(char *dst, size_t size, struct json_object *s, const char *error,
			       int64_t error_pid)
{
	struct json_object *parties = cli_array(s, "parties");
	size_t n = parties ? json_object_array_length(parties) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *party = json_object_array_get_idx(parties, i);
		int64_t pid = cli_number(party, "pid", 0);
		char comm[64], direction[16];
		bool killed;

		cli_text(party, "comm", comm, sizeof(comm));
		cli_text(party, "direction", direction, sizeof(direction));
		killed = !strcmp(direction, "sent");
		if (pid > 0 && *comm && *direction)
			append_error(dst, size, comm, pid,
				     killed		? "ECONNABORTED"
				     : pid == error_pid ? error
							: "ECONNRESET");
	}
}

/* As programs print it, so that it can be found in their logs. */
static void put_error(const struct cli_page *p, struct json_object *s)
{
	char error[24], cause[48], comm[64], text[TEXT_MAX] = "";
	int64_t pid = cli_number(s, "errno_pid", 0);

	cli_text(s, "errno", error, sizeof(error));
	cli_text(s, "cause", cause, sizeof(cause));
	cli_text(s, "errno_comm", comm, sizeof(comm));
	if (!*error)
		return;
	if (!strcmp(cause, "admin_abort"))
		append_both_errors(text, sizeof(text), s, error, pid);
	if (!*text)
		append_error(text, sizeof(text), comm, pid, error);
	cli_paragraph(p, WHY_LABEL, "   Error", text);
}

static void put_advice(const struct cli_page *p, struct json_object *s)
{
	struct json_object *advice = cli_array(s, "advice");
	size_t n = advice ? json_object_array_length(advice) : 0;

	for (size_t i = 0; i < n; i++) {
		char clean[TEXT_MAX], label[32];

		text_at(clean, sizeof(clean), advice, i);
		snprintf(label, sizeof(label), "   %-*s-", WHY_LABEL - 3, i ? "" : "To do");
		cli_paragraph(p, WHY_LABEL + 2, label, clean);
	}
}

void why_story(const struct cli_page *p, struct json_object *s, size_t number,
	       const struct cli_options *o)
{
	char narrative[TEXT_MAX], fact[TEXT_MAX], retry[TEXT_MAX];

	put_headline(p, s, number);
	cli_text(s, "narrative", narrative, sizeof(narrative));
	if (!*narrative)
		cli_text(s, "summary", narrative, sizeof(narrative));
	cli_text(s, "fact", fact, sizeof(fact));
	cli_text(s, "retry", retry, sizeof(retry));
	cli_paragraph(p, 3, "   ", narrative);
	fputc('\n', p->f);
	if (strcmp(fact, narrative) != 0)
		cli_paragraph(p, WHY_LABEL, "   Fact", fact);
	put_parties(p, s);
	put_when(p, s, o);
	why_measured(p, s);
	put_evidence(p, s);
	put_error(p, s);
	put_advice(p, s);
	cli_paragraph(p, WHY_LABEL, "   Retry", retry);
	fputc('\n', p->f);
}
