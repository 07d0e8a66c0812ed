/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of 'stories' share while stories are made; nobody else includes this.
 *
 *	stories.c	  which rows are one story, and which stories are told
 *	stories_fill.c	  what a story tells: who took part, and what the kept resets know
 */
#ifndef DAEMON_STORIES_INTERNAL_H
#define DAEMON_STORIES_INTERNAL_H

#include "daemon/stories.h"

/* The rows of one cause and port, which stand together in the list, and the story they go to. */
struct group {
	enum rst_cause cause;
	uint16_t port;
	size_t begin, end; /* of the rows */
	size_t to;	   /* the group that tells of it, itself if it stands alone */
	uint64_t count[RST_DIRECTION_MAX], sum;
	uint64_t first, last;
	unsigned int ports;
	bool more_ports;
	unsigned int samples, pairs, echoes; /* as in struct story */
};

struct sample {
	const struct finding *finding;
	size_t group;
};

struct work {
	const struct report_query *q;
	uint64_t since;		 /* the whole minute, as rows are counted */
	struct report_row *rows; /* of resets and of time-outs */
	size_t n_rows;
	struct tally_stats totals;
	bool partial;
	struct group *groups;
	size_t n_groups;
	struct sample *samples;
	size_t n_samples;
	int64_t *values; /* of one quantity, to sort them */
};

static inline int stories_compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* True if 'f' was sent at the other end of the connection on which 'received' came in. */
bool stories_other_end(const struct finding *f, const struct finding *received);

/* True if the other end of the connection is certainly on this host, whether it was found or not: in a
 * flood not all find each other in time. */
bool stories_both_here(const struct finding *f);

/* True if the kernel sent it after another reset of the same connection: to people it is one event. */
bool stories_echo(const struct finding *f);

/* What the kept resets tell of a group, and who took part. -ENOMEM. */
int stories_fill(const struct work *w, size_t group, struct story *ret);

#endif
