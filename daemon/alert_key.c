/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which rows count for the same alert, and what they share. Must not compare what a rule does not
 * group by. Proved by tests/unit/daemon/alert_key.c.
 */
#include "common/util.h"

#include "common/str.h"
#include "daemon/alert_internal.h"

/* Keys are compared and hashed as bytes: nothing may be left of other texts. */
static void put_text(char *dst, size_t size, const char *text)
{
	memset(dst, 0, size);
	str_copy(dst, size, text ? text : "");
}

void alert_key_all(const struct tally_row *row, struct alert_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	put_text(ret->unit, sizeof(ret->unit), row->unit);
	put_text(ret->comm, sizeof(ret->comm), row->comm);
	put_text(ret->container, sizeof(ret->container), row->container);
	ret->start = row->start;
	ret->pid = row->pid;
	/* a process's row may be in several, and a group's in any */
	ret->netns = row->pid || row->folded ? 0 : row->netns;
	ret->port = row->port;
	ret->role = row->role;
	ret->direction = row->direction;
	ret->cause = row->cause;
	ret->other_ports = row->other_ports;
}

void alert_key_of(const struct tally_row *row, enum alert_by by, struct alert_key *ret)
{
	struct alert_key all;

	alert_key_all(row, &all);
	if (by == ALERT_BY_PROCESS) {
		*ret = all;
		return;
	}
	memset(ret, 0, sizeof(*ret));
	switch (by) {
	case ALERT_BY_SERVICE:
		*ret = all;
		ret->pid = 0;
		ret->start = 0;
		return;
	case ALERT_BY_PORT:
		ret->port = all.port;
		ret->other_ports = all.other_ports;
		ret->role = all.role;
		ret->direction = all.direction;
		return;
	case ALERT_BY_CAUSE:
		ret->direction = all.direction;
		ret->cause = all.cause;
		return;
	default:
		return;
	}
}

void alert_key_rest(struct alert_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->rest = 1;
}

uint32_t alert_key_hash(const struct alert_key *key, unsigned int rule)
{
	const unsigned char *p = (const unsigned char *)key;
	uint64_t h = index_mix(rule + 1), word;

	_Static_assert(sizeof(*key) % sizeof(word) == 0, "a key is hashed by words");
	for (size_t i = 0; i < sizeof(*key); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		h = index_mix(h ^ word) + i;
	}
	return (uint32_t)h;
}

bool alert_key_equal(const struct alert_key *a, const struct alert_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void join_text(char *shown, size_t size, const char *text)
{
	if (strcmp(shown, text))
		memset(shown, 0, size);
}

/* The cause that most resets had, as a vote: who has more than half of them wins. */
static void vote(struct alert_state *s, uint8_t cause, uint64_t growth)
{
	uint32_t n = (uint32_t)MIN(growth, (uint64_t)UINT32_MAX / 2);

	if (s->shown.cause == cause) {
		s->votes = MIN(s->votes + n, UINT32_MAX / 2);
	} else if (n > s->votes) {
		s->shown.cause = cause;
		s->votes = n - s->votes;
	} else {
		s->votes -= n;
	}
}

void alert_key_join(struct alert_state *s, const struct tally_row *row, uint64_t growth)
{
	struct alert_key *shown = &s->shown, other;

	/* what was told stays: both of its lines have the same words */
	if (s->told)
		return;
	alert_key_all(row, &other);
	if (!s->sum && !s->active) {
		*shown = other;
		shown->rest = s->key.rest;
		s->votes = (uint32_t)MIN(growth, (uint64_t)UINT32_MAX / 2);
		return;
	}
	join_text(shown->unit, sizeof(shown->unit), other.unit);
	join_text(shown->comm, sizeof(shown->comm), other.comm);
	join_text(shown->container, sizeof(shown->container), other.container);
	if (shown->pid != other.pid || shown->start != other.start)
		shown->pid = 0, shown->start = 0;
	if (shown->netns != other.netns)
		shown->netns = 0;
	if (shown->port != other.port)
		shown->port = 0;
	if (shown->role != other.role)
		shown->role = ALERT_MIXED;
	if (shown->direction != other.direction)
		shown->direction = ALERT_MIXED;
	shown->other_ports |= other.other_ports;
	vote(s, other.cause, growth);
}
