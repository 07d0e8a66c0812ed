/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon status': what is watched and what is not. Must put problems first, and leave out what the
 * daemon does not tell rather than show a 0. Proved by tests/unit/cli/status.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>

#include "cli/call.h"
#include "cli/paragraph.h"
#include "cli/table.h"
#include "cli/text.h"
#include "cli/when.h"
#include "common/str.h"

static void heading(FILE *f, const struct cli_options *o, const char *text)
{
	if (!o->no_headings)
		fprintf(f, "\n%s\n", text);
}

static void put_problems(FILE *f, struct json_object *status)
{
	struct json_object *list = cli_array(status, "problems");
	char text[1024];

	cli_text(status, "problems", text, sizeof(text));
	if (*text)
		fprintf(f, "Problems: %s\n\n", text);
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		const char *line = json_object_get_string(json_object_array_get_idx(list, i));

		str_sanitise(text, sizeof(text), line ? line : "", line ? strlen(line) : 0);
		fprintf(f, "Problem: %s\n%s", text,
			i + 1 == json_object_array_length(list) ? "\n" : "");
	}
	if (!*text && cli_true(status, "degraded"))
		fputs("Problems: not everything is watched; see the hooks below.\n\n", f);
}

/* "Since 2026-11-22 14:04:05.678, adopted, generation 3" */
static void put_origin(FILE *f, struct json_object *status, const struct cli_options *o)
{
	uint64_t since = cli_time(status, "since");
	char when[WHEN_TEXT_MAX], origin[32];

	cli_text(status, "origin", origin, sizeof(origin));
	if (!since)
		return;
	fprintf(f, "Since %s", cli_when_format(when, sizeof(when), since, o->utc));
	if (*origin)
		fprintf(f, ", %s", origin);
	if (cli_has(status, "generation"))
		fprintf(f, ", generation %" PRId64, cli_number(status, "generation", 0));
	fputc('\n', f);
}

/* No problem, but not as everywhere. */
static void put_notes(FILE *f, struct json_object *status)
{
	char text[512];

	cli_text(status, "notes", text, sizeof(text));
	if (*text)
		fprintf(f, "Note: %s\n", text);
}

static void put_daemon(FILE *f, struct json_object *status, const struct cli_options *o)
{
	char version[64], kernel[128], names[128], duration[DURATION_TEXT_MAX];
	int64_t uptime = cli_number(status, "uptime_s", -1);

	cli_text(status, "version", version, sizeof(version));
	cli_text(status, "kernel", kernel, sizeof(kernel));
	fprintf(f, "rstmond %s on Linux %s", *version ? version : "?", *kernel ? kernel : "?");
	if (uptime >= 0 && uptime < INT64_MAX / (int64_t)NSEC_PER_SEC)
		fprintf(f, ", up for %s",
			format_duration(duration, sizeof(duration),
					(uint64_t)uptime * NSEC_PER_SEC));
	fputc('\n', f);
	put_origin(f, status, o);
	cli_text(status, "names_from", names, sizeof(names));
	if (*names)
		fprintf(f, "Units and containers by %s\n", names);
}

/* "name=1 other=2" of those numbers of an object that are not 0. */
static void join_numbers(struct json_object *object, bool sign, char *dst, size_t size)
{
	size_t len = 0;

	dst[0] = '\0';
	if (!object)
		return;
	json_object_object_foreach(object, key, value)
	{
		char name[48];
		int n;

		if (!json_object_get_int64(value))
			continue;
		str_sanitise(name, sizeof(name), key, strlen(key));
		n = snprintf(dst + len, size - len, sign ? "%s%s=%+" PRId64 : "%s%s=%" PRId64,
			     len ? " " : "", name, json_object_get_int64(value));
		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

/* One "name  value  remark" line each, where the daemon tells the value. */
struct fact {
	const char *key, *name, *remark;
};

static void put_facts(FILE *f, struct json_object *status, const struct fact *facts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cli_has(status, facts[i].key))
			fprintf(f, "  %-20s %12" PRId64 "%s%s\n", facts[i].name,
				cli_number(status, facts[i].key, 0), *facts[i].remark ? "  " : "",
				facts[i].remark);
}

static bool any_number(struct json_object *object)
{
	if (!object)
		return false;
	json_object_object_foreach(object, key, value)
	{
		(void)key;
		if (json_object_get_int64(value))
			return true;
	}
	return false;
}

/* Namespaces whose counters can be read, and those of them that differ. */
static size_t count_covered(struct json_object *list, size_t *ret_differ)
{
	size_t n = list ? json_object_array_length(list) : 0, differ = 0, covered = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *netns = json_object_array_get_idx(list, i);

		covered += !cli_true(netns, "uncovered");
		differ += any_number(cli_object(netns, "unexplained"));
	}
	*ret_differ = differ;
	return covered;
}

/* What may be behind each difference, in the daemon's words. */
static void put_hidden(FILE *f, struct json_object *hidden)
{
	const struct cli_page page = {.f = f, .width = cli_width(), .bold = "", .plain = ""};

	if (!hidden)
		return;
	json_object_object_foreach(hidden, key, value)
	{
		const char *line = json_object_get_string(value);
		char name[48], label[64], text[512];

		str_sanitise(name, sizeof(name), key, strlen(key));
		str_sanitise(text, sizeof(text), line ? line : "", line ? strlen(line) : 0);
		snprintf(label, sizeof(label), "    %s", name);
		cli_paragraph(&page, 32, label, text);
	}
}

static void put_unexplained(FILE *f, struct json_object *status)
{
	struct json_object *unexplained = cli_object(status, "unexplained");
	size_t covered, differ;
	char text[512];

	if (!unexplained)
		return;
	join_numbers(unexplained, true, text, sizeof(text));
	covered = count_covered(cli_array(status, "netns"), &differ);
	if (!covered && !*text) {
		/* where nothing is compared a 0 would be a lie */
		fprintf(f, "  %-20s not known: no namespace can be compared\n", "unexplained");
		return;
	}
	fprintf(f, "  %-20s %s", "unexplained", *text ? text : "           0");
	if (covered)
		fprintf(f, " in %zu of %zu namespace%s", differ, covered, covered == 1 ? "" : "s");
	fputs("  (the kernel's counters less what was seen)\n", f);
	put_hidden(f, cli_object(status, "hidden"));
}

static void put_resets(FILE *f, struct json_object *status)
{
	static const struct fact facts[] = {
		{"sent", "sent", ""},
		{"received", "received", ""},
		{"spilled", "spilled", "of them counted in their row, without detail"},
		{"lost", "lost", "of them counted in the totals only"},
		{"missed", "missed", "runs that the kernel skipped, counted nowhere else"},
		{"pending", "pending", "counted by the kernel, not read yet"},
		{"decode_errors", "not understood", "records of an unknown form"},
	};
	static const struct fact timeouts[] = {
		{"timeouts", "time-outs", "connections that failed without any reset"},
		{"timeouts_spilled", "spilled time-outs", ""},
		{"timeouts_lost", "lost time-outs", ""},
	};
	char text[512];

	put_facts(f, status, facts, ARRAY_SIZE(facts));
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++)
		if (i == 0 || cli_number(status, timeouts[i].key, 0))
			put_facts(f, status, &timeouts[i], 1);
	put_unexplained(f, status);
	join_numbers(cli_object(status, "failures"), false, text, sizeof(text));
	if (*text)
		fprintf(f, "  %-20s %s\n", "kernel failures", text);
}

static int put_table(FILE *f, struct cli_table *table)
{
	_cleanup_free_ char *text = cli_table_text(table);
	char *rest = NULL;

	if (!text)
		return -ENOMEM;
	/* indented as all else, line by line */
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		fprintf(f, "  %s\n", line);
	return 0;
}

/* A host has hundreds of them, and in most of them nothing ever happens. */
static bool quiet(struct json_object *netns)
{
	return !cli_number(netns, "sent", 0) && !cli_number(netns, "received", 0) &&
	       !cli_number(netns, "timeouts", 0) && !any_number(cli_object(netns, "counters")) &&
	       !any_number(cli_object(netns, "unexplained")) && !cli_true(netns, "uncovered");
}

/* Those that are gone, which a host makes without end, in one line. */
struct gone {
	size_t n;
	int64_t sent, received, timeouts;
};

static bool count_gone(struct json_object *netns, struct gone *gone)
{
	if (!cli_true(netns, "uncovered"))
		return false;
	gone->n++;
	gone->sent += MAX(cli_number(netns, "sent", 0), 0);
	gone->received += MAX(cli_number(netns, "received", 0), 0);
	gone->timeouts += MAX(cli_number(netns, "timeouts", 0), 0);
	return true;
}

static void put_gone(FILE *f, const struct gone *gone, bool more)
{
	fprintf(f, "  %zu%s namespace%s, uncovered (%" PRId64 " sent, %" PRId64 " received",
		gone->n, more ? " more" : "", gone->n == 1 ? "" : "s", gone->sent, gone->received);
	if (gone->timeouts)
		fprintf(f, ", %" PRId64 " time-out%s", gone->timeouts,
			gone->timeouts == 1 ? "" : "s");
	fputs("): no process to read counters through\n", f);
}

static int put_netns(FILE *f, struct json_object *list, const struct cli_options *o)
{
	static const struct cli_column columns[] = {
		{.heading = "NETNS", .right = true},	{.heading = "SENT", .right = true},
		{.heading = "RECEIVED", .right = true}, {.heading = "TIME-OUTS", .right = true},
		{.heading = "KERNEL COUNTED"},		{.heading = "UNEXPLAINED"},
	};
	struct cli_table *table = NULL;
	struct gone gone = {};
	size_t n_quiet = 0, n_shown = 0;
	int r = cli_table_new(columns, ARRAY_SIZE(columns), !o->no_headings, false, &table);

	for (size_t i = 0; !r && i < json_object_array_length(list); i++) {
		struct json_object *netns = json_object_array_get_idx(list, i);
		char inode[24], sent[24], received[24], timeouts[24];
		char counters[512], unexplained[512];
		struct cli_cell cells[ARRAY_SIZE(columns)] = {
			{.text = inode},    {.text = sent},	{.text = received},
			{.text = timeouts}, {.text = counters}, {.text = unexplained}};

		if (quiet(netns)) {
			n_quiet++;
			continue;
		}
		if (count_gone(netns, &gone))
			continue;
		snprintf(inode, sizeof(inode), "%" PRId64, cli_number(netns, "inode", 0));
		snprintf(sent, sizeof(sent), "%" PRId64, cli_number(netns, "sent", 0));
		snprintf(received, sizeof(received), "%" PRId64, cli_number(netns, "received", 0));
		snprintf(timeouts, sizeof(timeouts), "%" PRId64, cli_number(netns, "timeouts", 0));
		join_numbers(cli_object(netns, "counters"), false, counters, sizeof(counters));
		join_numbers(cli_object(netns, "unexplained"), true, unexplained,
			     sizeof(unexplained));
		if (!*unexplained && cli_has(netns, "unexplained"))
			snprintf(unexplained, sizeof(unexplained), "%+" PRId64,
				 cli_number(netns, "unexplained", 0));
		r = cli_table_add(table, cells);
		n_shown++;
	}
	if (!r && n_shown)
		r = put_table(f, table);
	if (n_quiet)
		fprintf(f, "  %zu network namespace%s without a reset\n", n_quiet,
			n_quiet == 1 ? "" : "s");
	if (gone.n)
		put_gone(f, &gone, n_shown + n_quiet > 0);
	cli_table_free(table);
	return r;
}

/* What a daemon of before did not tell is made of what it told. */
static const char *hook_got(struct json_object *hook, const char *why, char *dst, size_t size)
{
	cli_text(hook, "got", dst, size);
	if (*dst)
		return dst;
	if (cli_true(hook, "attached"))
		return "attached";
	if (cli_true(hook, "resting"))
		return "resting";
	/* nobody misses what he does not want */
	return strncmp(why, "switched off", 12) ? "missing" : "off";
}

/* What it adds where it is there, else what its absence means and why. */
static void hook_story(struct json_object *hook, const char *why, char *dst, size_t size)
{
	char adds[200], consequence[200];

	cli_text(hook, "adds", adds, sizeof(adds));
	cli_text(hook, "consequence", consequence, sizeof(consequence));
	if (cli_true(hook, "resting"))
		snprintf(dst, size, "%s (rests until the next accepted connection)", adds);
	else if (cli_true(hook, "attached"))
		snprintf(dst, size, "%s", adds);
	else if (*consequence)
		snprintf(dst, size, "%s%s%s%s", consequence, *why ? " (" : "", why,
			 *why ? ")" : "");
	else if (cli_has(hook, "wanted") && !cli_true(hook, "wanted"))
		snprintf(dst, size, "%s", why);
	else
		snprintf(dst, size, "%s%s%s%s", adds, *why ? " (not attached: " : "", why,
			 *why ? ")" : "");
}

static int put_hooks(FILE *f, struct json_object *list, const struct cli_options *o)
{
	static const struct cli_column columns[] = {{.heading = "HOOK"},
						    {.heading = "WANTED"},
						    {.heading = "GOT"},
						    {.heading = "CONSEQUENCE"}};
	struct cli_table *table = NULL;
	int r = cli_table_new(columns, ARRAY_SIZE(columns), !o->no_headings, false, &table);

	for (size_t i = 0; !r && i < json_object_array_length(list); i++) {
		struct json_object *hook = json_object_array_get_idx(list, i);
		bool unwanted = cli_has(hook, "wanted") && !cli_true(hook, "wanted");
		char name[64], got[16], why[160], story[400];
		struct cli_cell cells[ARRAY_SIZE(columns)] = {
			{.text = name}, {}, {}, {.text = story}};

		cli_text(hook, "name", name, sizeof(name));
		cli_text(hook, "why", why, sizeof(why));
		cells[1].text = unwanted ? "no" : cli_true(hook, "required") ? "must" : "yes";
		cells[2].text = hook_got(hook, why, got, sizeof(got));
		hook_story(hook, why, story, sizeof(story));
		r = cli_table_add(table, cells);
	}
	if (!r)
		r = put_table(f, table);
	cli_table_free(table);
	return r;
}

static void put_bytes(FILE *f, struct json_object *status, const char *key, const char *name)
{
	int64_t n = cli_number(status, key, -1);

	if (n >= 0)
		fprintf(f, "  %-20s %8.1f MiB\n", name, (double)n / (1 << 20));
}

static void put_slots(FILE *f, struct json_object *status)
{
	int64_t all = cli_number(status, "slots", 0);

	if (all > 0)
		fprintf(f, "  %-20s %12" PRId64 "  of %" PRId64 " places for rows without detail\n",
			"slots", cli_number(status, "slots_used", 0), all);
}

static void put_cost(FILE *f, struct json_object *status)
{
	static const struct fact facts[] = {
		{"rows", "rows", ""},
		{"evicted", "rows given up", "rows folded together, and resets in '(all others)'"},
		{"folded", "folded", "resets counted in an owner's row 'other ports'"},
		{"names_evicted", "names given up", ""},
		{"names_skipped", "names not asked for", "too many in one second"},
		{"netns_evicted", "netns given up", ""},
		{"history_evicted", "forgotten early",
		 "connections and owners that a verdict may lack"},
		{"host_evicted", "netns not watched", "their counters are no evidence"},
		{"told_early", "told early", "before the other end could come"},
		{"held_early", "counted early", "received resets that may be none"},
		{"log_dropped", "log lines dropped", "the log did not take them"},
		{"clients", "clients", ""},
		{"watchers", "watchers", ""},
		{"clients_refused", "clients refused", "too many at once"},
		{"watch_dropped", "watch lines left out",
		 "their readers were too slow, or more than 10000 a second"},
		{"bad_messages", "bad requests", ""},
	};
	int64_t ns = cli_number(status, "cpu_ns_per_reset", -1);
	int64_t us = cli_number(status, "cpu_us", -1);

	put_facts(f, status, facts, ARRAY_SIZE(facts));
	put_slots(f, status);
	put_bytes(f, status, "ring_bytes", "ring");
	put_bytes(f, status, "memory_bytes", "memory");
	if (cli_number(status, "kernel_bytes", 0))
		put_bytes(f, status, "kernel_bytes", "kernel's maps");
	if (ns >= 0)
		fprintf(f, "  %-20s %12" PRId64 "  ns in the kernel (sampled)\n", "cost per reset",
			ns);
	if (us >= 0)
		fprintf(f, "  %-20s %12.2f  s of the daemon\n", "processor time", (double)us / 1e6);
}

/* By the minute, as rules and 'rstmon check' have it; the second of the daemon's number would make
 * a 0 of slow ones. */
static char *rate_text(char *dst, size_t size, double per_second)
{
	double rate = 60 * per_second;

	snprintf(dst, size, rate < 1 ? "%.2g/min" : rate < 10 ? "%.1f/min" : "%.0f/min", rate);
	return dst;
}

/* "service-down err service_down, 220/min now, 37 since ..., port 8080" */
static void put_alert(FILE *f, struct json_object *a, const struct cli_options *o)
{
	char name[32], since[WHEN_TEXT_MAX] = "-", cause[48], unit[96], comm[32], severity[16];
	uint64_t began = cli_time(a, "since");
	int64_t port = cli_number(a, "port", 0);
	struct json_object *rate = NULL;
	char per_minute[32];

	cli_text(a, "alert", name, sizeof(name));
	if (began)
		cli_when_format_short(since, sizeof(since), began, o->now, o->utc);
	cli_text(a, "cause", cause, sizeof(cause));
	cli_text(a, "unit", unit, sizeof(unit));
	cli_text(a, "comm", comm, sizeof(comm));
	cli_text(a, "severity", severity, sizeof(severity));
	json_object_object_get_ex(a, "rate", &rate);
	fprintf(f, "  %-20s %-7s %s, %s now, %" PRId64 " since %s", name, severity, cause,
		rate_text(per_minute, sizeof(per_minute), json_object_get_double(rate)),
		cli_number(a, "count", 0), since);
	if (port)
		fprintf(f, ", port %" PRId64, port);
	if (*comm || *unit)
		fprintf(f, ", %s%s%s", comm, *comm && *unit ? " of " : "", unit);
	fputs(cli_true(a, "told") ? "\n" : ", without a line of the log\n", f);
}

char *cli_status_text(struct json_object *status, const struct cli_options *o)
{
	struct json_object *netns = cli_array(status, "netns"), *hooks = cli_array(status, "hooks");
	struct json_object *alerts = cli_array(status, "alerts");
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int r = 0;

	if (!f)
		return NULL;
	put_problems(f, status);
	put_daemon(f, status, o);
	put_notes(f, status);
	heading(f, o, "Resets");
	put_resets(f, status);
	if (alerts && json_object_array_length(alerts)) {
		heading(f, o, "Alerts");
		for (size_t i = 0; i < json_object_array_length(alerts); i++)
			put_alert(f, json_object_array_get_idx(alerts, i), o);
	}
	if (netns && json_object_array_length(netns)) {
		heading(f, o, "Coverage");
		r = put_netns(f, netns, o);
	}
	if (!r && hooks && json_object_array_length(hooks)) {
		heading(f, o, "Hooks");
		r = put_hooks(f, hooks, o);
	}
	heading(f, o, "Limits and cost");
	put_cost(f, status);
	if (fclose(f) != 0 || r < 0)
		return NULL;
	return TAKE_PTR(text);
}

int verb_status(const struct cli_options *o)
{
	_cleanup_free_ char *text = NULL;
	struct cli_reply reply = {};
	int code = cli_call(o, "Status", NULL, &reply);

	if (code)
		return code;
	if (o->json) {
		cli_print_json(reply.parameters);
	} else {
		text = cli_status_text(reply.parameters, o);
		if (text)
			fputs(text, stdout);
		else
			code = cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the status");
	}
	cli_reply_done(&reply);
	return code;
}
