/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The judge of the ownership table. It must know no scenario: everything it needs is in the truth.
 * A row is right only if each of its resets is right in every field that the truth gives, none is
 * missing and none is there that nobody made.
 */
#include "common/util.h"

#include <stdarg.h>

#include "tests/live/judge.h"
#include "tests/live/result.h"

static const char *const directions[] = {[RST_SENT] = "sent", [RST_RECEIVED] = "received"};
static const char *const roles[] = {"none", "server", "client"};

unsigned int judge_expected(const struct live_truth *truth)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < truth->n; i++)
		n += truth->expect[i].count;
	return n;
}

/* The number after the last colon. */
static unsigned int port_of(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon ? (unsigned int)strtoul(colon + 1, NULL, 10) : 0;
}

static bool fail(struct live_expect *e, const char *format, ...) _printf_(2, 3);
static bool fail(struct live_expect *e, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	if (!e->wrong)
		vsnprintf(e->why, sizeof(e->why), format, ap);
	va_end(ap);
	e->wrong = true;
	return false;
}

static bool text_is(struct live_expect *e, struct json_object *line, const char *key,
		    const char *want)
{
	if (!want || !strcmp(json_str(line, key), want))
		return true;
	return fail(e, "%s is \"%s\", not \"%s\"", key, json_str(line, key), want);
}

static bool number_is(struct live_expect *e, struct json_object *line, const char *key,
		      int64_t want)
{
	if (json_int(line, key) == want)
		return true;
	return fail(e, "%s is %lld, not %lld", key, (long long)json_int(line, key),
		    (long long)want);
}

/* Where functions can be hooked, who accepts is known before anything is read. */
static bool source_is(struct live_expect *e, struct json_object *line)
{
	if (e->source && !strcmp(e->source, "read") &&
	    !strcmp(json_str(line, "owner_source"), "accept"))
		return true;
	return text_is(e, line, "owner_source", e->source);
}

static bool owner_is(struct live_expect *e, struct json_object *line)
{
	const char *source = json_str(line, "owner_source");
	const char *comm = json_str(line, "comm");
	int64_t pid = json_int(line, "pid");

	if (e->other_source && !strcmp(source, e->other_source) && pid == e->other_pid &&
	    !strcmp(comm, e->other_comm)) {
		e->less++;
		return true;
	}
	if (pid != e->pid || strcmp(comm, e->comm))
		return fail(e, "owner is %s(%lld) by %s, not %s(%d)", comm, (long long)pid, source,
			    e->comm, (int)e->pid);
	if (e->other_source && !strcmp(source, e->other_source))
		return fail(e, "source %s names who it cannot know", source);
	if ((pid == 0) != !strcmp(source, "none"))
		return fail(e, "pid %lld by %s", (long long)pid, source);
	return source_is(e, line);
}

/* Who receives acts at most himself, when he finds the reset while he has the socket locked. */
static bool actor_is(struct live_expect *e, struct json_object *line)
{
	int64_t actor = json_int(line, "actor_pid");

	if (e->actor == LIVE_ANY || (e->direction == RST_RECEIVED && actor && actor == e->pid))
		return true;
	if (!number_is(e, line, "actor_pid", e->actor))
		return false;
	return text_is(e, line, "actor_comm", e->actor_comm);
}

/* Kernels before 6.10 give none, and some later ones not all of them. */
static bool reason_is(struct live_expect *e, struct json_object *line)
{
	if (e->reason && *e->reason && !live_has_reason(e->reason))
		return true;
	return text_is(e, line, "reason", e->reason);
}

static bool address_is(struct live_expect *e, struct json_object *line)
{
	const char *local = json_str(line, "local");
	size_t n = e->address ? strlen(e->address) : 0;

	if (!e->address || (!strncmp(local, e->address, n) && local[n] == ':'))
		return true;
	return fail(e, "local is %s, not at %s", local, e->address);
}

static void check(struct live_expect *e, struct json_object *line)
{
	bool ok = owner_is(e, line) && actor_is(e, line) &&
		  text_is(e, line, "role", roles[e->role]) && number_is(e, line, "port", e->port) &&
		  address_is(e, line) && text_is(e, line, "family", e->family) &&
		  text_is(e, line, "state", e->state) && reason_is(e, line) &&
		  text_is(e, line, "cause", e->cause) && text_is(e, line, "errno", e->error) &&
		  text_is(e, line, "unit", *e->unit ? e->unit : NULL);

	if (ok && e->exit_signal != LIVE_ANY)
		ok = number_is(e, line, "exit_signal", e->exit_signal);
	if (ok && e->exit_status != LIVE_ANY - 1)
		number_is(e, line, "exit_status", e->exit_status);
}

/* Ports only: whose it is, is what is to be judged. 'exact': the right owner, too. */
static bool concerns(const struct live_expect *e, struct json_object *line, bool exact)
{
	unsigned int local = port_of(json_str(line, "local"));
	unsigned int remote = port_of(json_str(line, "remote"));

	if (strcmp(json_str(line, "direction"), directions[e->direction]) || e->got == e->count ||
	    (e->local && e->local != local) || (e->remote && e->remote != remote))
		return false;
	if (local != e->port && remote != e->port)
		return false;
	return !exact || json_int(line, "pid") == e->pid;
}

static struct live_expect *choose(struct live_truth *t, struct json_object *line)
{
	for (int exact = 1; exact >= 0; exact--)
		for (unsigned int i = 0; i < t->n; i++)
			if (concerns(&t->expect[i], line, exact))
				return &t->expect[i];
	return NULL;
}

static void assign(struct live_truth *t, const struct live_daemon *d, unsigned int extra[],
		   char *why, size_t size)
{
	for (size_t i = 0; i < d->n; i++) {
		struct json_object *line = d->line[i];
		struct live_expect *e;

		if ((uint64_t)json_int(line, "netns") != t->netns)
			continue;
		e = choose(t, line);
		if (e) {
			e->got++;
			check(e, line);
			if (e->wrong && getenv("LIVE_SHOW"))
				fprintf(stderr, "%s\n", json_object_to_json_string(line));
			continue;
		}
		if (strcmp(json_str(line, "kind"), "reset") != 0)
			continue; /* beside the resets, and not what a scenario is about */
		extra[!strcmp(json_str(line, "direction"), "received")]++;
		snprintf(why, size, "nobody made: %s", json_object_to_json_string(line));
	}
}

/* What naming 'current' would have said of the same resets. Ports of different scenarios differ. */
static void assign_current(struct live_truth *t, struct witness *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct witness_sample *s = &w->sample[i];

		for (unsigned int j = 0; j < t->n && !s->used; j++) {
			struct live_expect *e = &t->expect[j];

			if (e->direction != s->direction ||
			    (s->local != e->port && s->remote != e->port) ||
			    (e->local && e->local != s->local) ||
			    (e->remote && s->remote && e->remote != s->remote))
				continue;
			s->used = true;
			e->current_right += s->pid == e->pid;
		}
	}
}

static void describe(const struct live_truth *t, int direction, char *dst, size_t size)
{
	unsigned int n = 0, owners = 0;
	const struct live_expect *first = NULL;

	for (unsigned int i = 0; i < t->n; i++) {
		const struct live_expect *e = &t->expect[i];

		if ((int)e->direction != direction)
			continue;
		if (!first || first->pid != e->pid)
			owners++;
		first = first ? first : e;
		n += e->count;
	}
	if (!first)
		snprintf(dst, size, "nothing");
	else if (owners > 1)
		snprintf(dst, size, "%u, of several", n);
	else if (first->pid)
		snprintf(dst, size, "%u, %s(%d)", n, first->comm, (int)first->pid);
	else
		snprintf(dst, size, "%u, no process", n);
}

static void judge_row(const char *scenario, struct live_truth *t, int direction, unsigned int extra,
		      const char *extra_why, bool witness, struct score *score)
{
	unsigned int n = 0, got = 0, less = 0, wrong = 0, current = 0;
	const char *why = extra ? extra_why : "", *note;
	char expected[64];

	for (unsigned int i = 0; i < t->n; i++) {
		struct live_expect *e = &t->expect[i];

		if ((int)e->direction != direction)
			continue;
		n += e->count;
		got += e->got;
		less += e->less;
		current += MIN(e->current_right, e->count);
		wrong += e->wrong ? MAX(e->got, 1u) : 0;
		if (e->got < e->count)
			fail(e, "%u of %u missing", e->count - e->got, e->count);
		if (e->wrong && !*why)
			why = e->why;
	}
	if (!n && !extra)
		return;
	note = less ? "(the listener's process, and the source says so)" : t->note;
	describe(t, direction, expected, sizeof(expected));
	result_of(!*why, "ownership", why, "%s, %s", scenario, directions[direction]);
	score->rows++;
	score->right += !*why;
	score->current_right += current == n;
	score->resets += n;
	score->resets_right += got - wrong;
	score->resets_current_right += current;
	fprintf(stderr, "%-34s %-8s %-24s %-5s %-11s %s%s\n", scenario, directions[direction],
		expected, *why ? "WRONG" : "right",
		!witness       ? "-"
		: current == n ? "same"
			       : "other name",
		why, *why ? "" : note);
}

void judge(const char *scenario, struct live_truth *truth, const struct live_daemon *d,
	   struct witness *w, struct score *score)
{
	unsigned int extra[RST_RESET_DIRECTIONS] = {};
	char why[300] = "";

	assign(truth, d, extra, why, sizeof(why));
	if (w)
		assign_current(truth, w);
	for (int i = 0; i < RST_RESET_DIRECTIONS; i++)
		judge_row(scenario, truth, i, extra[i], why, w, score);
}

void judge_heading(void)
{
	fprintf(stderr, "%-34s %-8s %-24s %-5s %-11s\n", "scenario", "", "expected", "got",
		"(naive)");
}

void judge_total(const struct score *score, bool witness)
{
	fprintf(stderr, "rstmon: %u/%u rows right, %u/%u resets", score->right, score->rows,
		score->resets_right, score->resets);
	fprintf(stderr, "\n");
	if (witness)
		fprintf(stderr,
			"(naive), for comparison, is who ran on the CPU at that moment: the owner in"
			" %u/%u rows, %u/%u resets\n",
			score->current_right, score->rows, score->resets_current_right,
			score->resets);
}
