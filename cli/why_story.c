/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One story of 'rstmon why', for people who have never seen a TCP state: what happened first, then
 * who and when, what speaks for it, what to do. Must show nothing that is not known, and never
 * sound more certain than the daemon is. Proved by tests/unit/cli/why.c.
 */
#include "common/util.h"

#include <inttypes.h>
#include <stdarg.h>

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
	int64_t timeouts = cli_number(s, "timeouts", 0);

	if (sent > 0)
		append(dst, size, "%" PRId64 " reset%s sent", sent, plural(sent));
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
	char cause[48], confidence[16], severity[16], line[TEXT_MAX] = "";
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
	fprintf(p->f, "%zu. %s\n", number, line);
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
		append(text, sizeof(text), "; in part both ends are on this host");
	else if (*text && samples > 0 && peers > 1)
		append(text, sizeof(text), "; %" PRId64 "%s remote addresses", peers,
		       peers >= 16 ? " or more" : "");
	cli_paragraph(p, WHY_LABEL, "   When", text);
}

/* A quantity with its unit. Returns dst. */
static char *quantity(char *dst, size_t size, int64_t n, bool duration)
{
	if (n < 0 || n >= INT64_MAX / (int64_t)NSEC_PER_MSEC)
		n = 0;
	if (duration)
		format_duration(dst, size, (uint64_t)n * NSEC_PER_MSEC);
	else
		snprintf(dst, size, "%" PRId64, n);
	return dst;
}

static void put_spread(char *dst, size_t size, struct json_object *spread, const char *name,
		       const char *unit, bool duration)
{
	char least[DURATION_TEXT_MAX], median[DURATION_TEXT_MAX], most[DURATION_TEXT_MAX];
	int64_t a = cli_number(spread, "least", 0), z = cli_number(spread, "most", 0);

	if (z <= 0)
		return;
	quantity(least, sizeof(least), a, duration);
	quantity(median, sizeof(median), cli_number(spread, "median", 0), duration);
	quantity(most, sizeof(most), z, duration);
	append(dst, size, "%s%s ", *dst ? "; " : "", name);
	if (!strcmp(least, most))
		append(dst, size, "%s%s", most, unit);
	else
		append(dst, size, "%s to %s%s, typically %s", least, most, unit, median);
}

static void put_numbers(const struct cli_page *p, struct json_object *s)
{
	static const struct {
		const char *key, *name, *unit;
		bool duration;
	} spreads[] = {
		{"age_ms", "the connection was open for", "", true},
		{"idle_ms", "nothing had arrived for", "", true},
		{"send_idle_ms", "nothing had been sent for", "", true},
		{"closed_ms", "closed here before:", "", true},
		{"unread_bytes", "not read:", " bytes", false},
		{"unacked_bytes", "not acknowledged:", " bytes", false},
		{"backlog", "waiting to be accepted:", "", false},
	};
	char text[TEXT_MAX] = "";

	for (size_t i = 0; i < ARRAY_SIZE(spreads); i++)
		put_spread(text, sizeof(text), cli_object(s, spreads[i].key), spreads[i].name,
			   spreads[i].unit, spreads[i].duration);
	cli_paragraph(p, WHY_LABEL, "   Measured", text);
}

static void put_evidence(const struct cli_page *p, struct json_object *s)
{
	struct json_object *evidence = cli_array(s, "evidence");
	size_t n = evidence ? json_object_array_length(evidence) : 0;
	char text[TEXT_MAX] = "";

	for (size_t i = 0; i < n; i++) {
		struct json_object *value = json_object_array_get_idx(evidence, i);
		char clean[RSTMON_EVIDENCE_LEN];
		const char *raw = json_object_is_type(value, json_type_string)
					  ? json_object_get_string(value)
					  : "";

		str_sanitise(clean, sizeof(clean), raw, strlen(raw));
		/* who took part is told already */
		if (*clean && strncmp(clean, "other_end=", 10) != 0)
			append(text, sizeof(text), "%s%s", *text ? ", " : "", clean);
	}
	cli_paragraph(p, WHY_LABEL, "   Evidence", text);
}

/* As programs print it, so that it can be found in their logs. */
static void put_error(const struct cli_page *p, struct json_object *s)
{
	static const struct {
		const char *name, *text;
	} errors[] = {
		{"ECONNRESET", "Connection reset by peer"},
		{"EPIPE", "Broken pipe"},
		{"ECONNREFUSED", "Connection refused"},
		{"ECONNABORTED", "Software caused connection abort"},
		{"ETIMEDOUT", "Connection timed out"},
		{"EHOSTUNREACH", "No route to host"},
		{"ENETUNREACH", "Network is unreachable"},
	};
	char error[24], comm[64], owner[96] = "the program", text[TEXT_MAX] = "";

	cli_text(s, "errno", error, sizeof(error));
	if (!*error)
		return;
	cli_text(s, "errno_comm", comm, sizeof(comm));
	if (*comm)
		cli_process_text(owner, sizeof(owner), comm, cli_number(s, "errno_pid", 0));
	append(text, sizeof(text), "%s got %s", owner, error);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(errors[i].name, error))
			append(text, sizeof(text), ", \"%s\"", errors[i].text);
	cli_paragraph(p, WHY_LABEL, "   Error", text);
}

static void put_advice(const struct cli_page *p, struct json_object *s)
{
	struct json_object *advice = cli_array(s, "advice");
	size_t n = advice ? json_object_array_length(advice) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *value = json_object_array_get_idx(advice, i);
		const char *raw = json_object_is_type(value, json_type_string)
					  ? json_object_get_string(value)
					  : "";
		char clean[TEXT_MAX], label[32];

		str_sanitise(clean, sizeof(clean), raw, strlen(raw));
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
	put_numbers(p, s);
	put_evidence(p, s);
	put_error(p, s);
	put_advice(p, s);
	cli_paragraph(p, WHY_LABEL, "   Retry", retry);
	fputc('\n', p->f);
}
