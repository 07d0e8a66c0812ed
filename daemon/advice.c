/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What to say about a story: fact, narrative, what to do. Must not read a clock or the host, cut a
 * sentence or say more than is known; the sentences are in advice_texts*.c, their values in
 * advice_values.c. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "common/causes.h"
#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"
#include "daemon/path.h"

/* With what was measured; then the general advice of the cause, up to so many in all. */
#define ADVICE_ENOUGH 4

int advice_fill(const struct story *s, const char *template, char *dst, size_t size)
{
	size_t used = 0;

	while (*template) {
		char value[ADVICE_VALUE_LEN];
		const char *part = template, *end;
		size_t n;

		if (*template == '{') {
			int r;

			end = strchr(template, '}');
			if (!end)
				return -ENOENT;
			r = advice_value(s, template + 1, (size_t)(end - template - 1), value);
			if (r < 0)
				return r;
			part = value;
			n = strlen(value);
			template = end + 1;
		} else {
			n = strcspn(template, "{");
			template += n;
		}
		if (n >= size - used)
			return -ENOSPC;
		memcpy(dst + used, part, n);
		used += n;
	}
	dst[used] = '\0';
	return 0;
}

/* All or nothing. */
static void _printf_(2, 3) say(char dst[ADVICE_LEN], const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(dst, ADVICE_LEN, format, ap);
	va_end(ap);
	if (n < 0 || n >= ADVICE_LEN)
		dst[0] = '\0';
}

static void add(struct advice *a, const char *text)
{
	if (!text[0] || a->n >= ADVICE_MAX || strlen(text) >= ADVICE_LEN)
		return;
	for (unsigned int i = 0; i < a->n; i++)
		if (strcmp(a->what[i], text) == 0)
			return;
	snprintf(a->what[a->n++], ADVICE_LEN, "%s", text);
}

static uint64_t total(const struct story *s)
{
	uint64_t sum = 0;

	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		sum += s->count[d];
	return sum;
}

/* The busiest of a direction, "java[812]" or "java[812] and 2 others"; "" if nobody owns them. */
static void name_parties(const struct story *s, unsigned int direction, char *dst, size_t size)
{
	const struct party *first = NULL;
	unsigned int others = 0;
	uint64_t shown = 0;
	char who[64];

	dst[0] = '\0';
	for (unsigned int i = 0; i < MIN(s->n_parties, (unsigned int)STORY_PARTIES_MAX); i++) {
		const struct party *p = &s->party[i];

		if (p->direction != direction)
			continue;
		shown += p->count;
		if (p->pid == 0 && !p->comm[0])
			continue;
		if (first)
			others++;
		else
			first = p;
	}
	if (!first)
		return;
	if (first->pid && first->comm[0])
		snprintf(who, sizeof(who), "%s[%" PRIu32 "]", first->comm, first->pid);
	else if (first->pid)
		snprintf(who, sizeof(who), "process %" PRIu32, first->pid);
	else
		snprintf(who, sizeof(who), "%s", first->comm);
	/* those that are not shown may all be of the other direction */
	if (s->more_parties && shown < s->count[direction])
		snprintf(dst, size, "%s and others", who);
	else if (others)
		snprintf(dst, size, "%s and %u other%s", who, others, others > 1 ? "s" : "");
	else
		snprintf(dst, size, "%s", who);
}

/* "37 resets were sent by java[812] and 37 received by nginx[640] on port 8080". */
static void make_fact(const struct story *s, char dst[ADVICE_LEN])
{
	uint64_t sent = s->count[RST_SENT], received = s->count[RST_RECEIVED];
	char sender[96], receiver[96], who[96], place[32] = "", reason[128] = "";

	name_parties(s, RST_SENT, sender, sizeof(sender));
	name_parties(s, RST_RECEIVED, receiver, sizeof(receiver));
	name_parties(s, RST_TIMEOUT, who, sizeof(who));
	if (s->port)
		snprintf(place, sizeof(place), " on port %u", s->port);
	else if (s->ports > 1)
		snprintf(place, sizeof(place), " on %u ports", s->ports);
	if (s->samples && s->latest.verdict.path != PATH_UNKNOWN)
		snprintf(reason, sizeof(reason), ": %s", path_fact(s->latest.verdict.path));

	if (sent && received)
		say(dst, "%" PRIu64 " reset%s sent by %s and %" PRIu64 " received by %s%s%s.", sent,
		    sent > 1 ? "s were" : " was", sender[0] ? sender : "the kernel", received,
		    receiver[0] ? receiver : "this host", place, reason);
	else if (sent)
		say(dst, "%s sent %" PRIu64 " reset%s%s%s.", sender[0] ? sender : "The kernel",
		    sent, sent > 1 ? "s" : "", place, reason);
	else if (received)
		say(dst, "%s received %" PRIu64 " reset%s%s%s.",
		    receiver[0] ? receiver : "This host", received, received > 1 ? "s" : "", place,
		    reason);
	else
		say(dst, "%" PRIu64 " connection%s of %s%s ended without a reset%s.", total(s),
		    total(s) == 1 ? "" : "s", who[0] ? who : "this host", place, reason);
}

/* The cause's own line where nothing more is known: "nobody listens on the port that was asked
 * for". */
static void make_narrative(const struct story *s, const struct advice_entry *entry,
			   char dst[ADVICE_LEN])
{
	static const char *const sure[] = {
		[CONFIDENCE_LOW] = "Possibly: ",
		[CONFIDENCE_MEDIUM] = "Probably: ",
		[CONFIDENCE_HIGH] = "",
		[CONFIDENCE_CERTAIN] = "",
	};
	unsigned int confidence = MIN((unsigned int)s->confidence, CONFIDENCE_MAX - 1U);

	for (unsigned int i = 0; i < ADVICE_NARRATIVES && entry->narrative[i]; i++)
		if (advice_fill(s, entry->narrative[i], dst, ADVICE_LEN) == 0)
			return;
	say(dst, "%s%s.", s->cause == RST_CAUSE_UNKNOWN ? "" : sure[confidence],
	    cause_summary(s->cause));
	if (islower((unsigned char)dst[0]))
		dst[0] = (char)toupper((unsigned char)dst[0]);
}

/* "Safe: ..." is true only if the cause is. */
static void make_retry(const struct story *s, const char *text, char dst[ADVICE_LEN])
{
	bool safe = strncmp(text, "Safe", 4) == 0;

	if (strncmp(text, "Does not arise", 14) == 0)
		dst[0] = '\0';
	else if (safe && s->confidence == CONFIDENCE_LOW)
		say(dst, "Not certain, as the cause is not: only if the request may run twice.");
	else if (safe && s->confidence == CONFIDENCE_MEDIUM)
		say(dst, "Probably s%s", text + 1);
	else
		say(dst, "%s", text);
}

static const struct advice_entry *entry_for(const struct story *s, unsigned int cause)
{
	const struct advice_variant *v;
	char value[ADVICE_VALUE_LEN];

	for (size_t i = 0; (v = advice_variant(i)); i++)
		if (v->cause == cause &&
		    advice_value(s, v->condition, strlen(v->condition), value) == 0)
			return &v->entry;
	return advice_entry(cause);
}

static void add_measured(const struct story *s, const struct advice_entry *entry, struct advice *a)
{
	bool filled = false;

	for (unsigned int i = 0; i < ADVICE_TEMPLATES && entry->what[i]; i++) {
		bool instead = entry->what[i][0] == ADVICE_ELSE;
		char sentence[ADVICE_LEN];

		if (instead && filled)
			continue;
		filled = advice_fill(s, entry->what[i] + instead, sentence, sizeof(sentence)) == 0;
		if (filled)
			add(a, sentence);
	}
}

static void add_general(const struct story *s, const struct advice_entry *entry,
			const struct cause_text *text, struct advice *a)
{
	uint8_t role = advice_role(s);
	unsigned int without = a->n ? entry->without : 0;

	if (role == RST_ROLE_SERVER)
		without |= entry->not_server;
	if (role == RST_ROLE_CLIENT)
		without |= entry->not_client;
	for (unsigned int i = 0; i < CAUSE_ADVICE_MAX && text->advice[i] && a->n < ADVICE_ENOUGH;
	     i++)
		if (!(without & 1U << i))
			add(a, text->advice[i]);
}

void advice_make(const struct story *s, struct advice *ret)
{
	unsigned int cause = s->cause < RST_CAUSE_MAX ? s->cause : RST_CAUSE_UNKNOWN;
	const struct advice_entry *entry = entry_for(s, cause);
	const struct cause_text *text = cause_text(cause);
	struct advice *a = ret;

	memset(a, 0, sizeof(*a));
	make_fact(s, a->fact);
	make_narrative(s, entry, a->narrative);
	make_retry(s, entry->retry ? entry->retry : text->retry, a->retry);
	add_measured(s, entry, a);
	add_general(s, entry, text, a);
}
