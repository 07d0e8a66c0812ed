/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "rstmon why": rows and the latest single resets, told as stories: one per cause and service port,
 * both ends of connections on this host in one. Counts come from the tally and are exact; numbers of
 * single connections come from the resets that are kept. Pure.
 */
#ifndef DAEMON_STORIES_H
#define DAEMON_STORIES_H

#include "daemon/history.h"
#include "daemon/recent.h"
#include "daemon/report.h"

#define STORY_PARTIES_MAX 4

/* Values of a quantity over the resets that are kept; n 0: none known. */
struct spread {
	unsigned int n;
	int64_t least, middle, most; /* middle: the median */
};

/* Someone who took part: a row's process, or a unit's processes that are gone. */
struct party {
	uint32_t pid;
	char comm[RSTMON_COMM_MAX];
	char unit[RSTMON_UNIT_MAX];
	uint8_t role, direction;
	uint64_t count;
};

struct story {
	enum rst_cause cause;
	enum confidence confidence; /* the one most of the kept resets have */
	uint16_t port;		    /* service port; 0: several */
	unsigned int ports;	    /* different ones, with port 0 */
	bool more_ports;	    /* and more, which have no row of their own */
	uint64_t count[RST_DIRECTION_MAX];
	uint64_t first, last;
	unsigned int n_parties, more_parties;
	struct party party[STORY_PARTIES_MAX]; /* busiest first */

	/* of the kept resets; 'samples' 0: none is kept any more, then what follows is empty */
	unsigned int samples;
	unsigned int pairs; /* of them, with the other end on this host */
	unsigned int echoes; /* of them, sent by the kernel after another of the same connection */
	unsigned int peers; /* different remote addresses, at most 16 are told apart */
	struct finding latest; /* the latest of them, preferably of the side that knows more */
	int error;	       /* what an application got the latest time that one got any, 0: none did */
	uint32_t error_pid;    /* and which */
	char error_comm[RSTMON_COMM_MAX];
	/* of one end of a connection: where both are here, of the one that sent the reset */
	struct spread idle_ms, age_ms, send_idle_ms, unread_bytes, unacked_bytes, bytes_sent,
		bytes_received, backlog, closed_ms;
	unsigned int exit_signal[32]; /* how often; [0]: exited by itself */
	unsigned int oom;
	/* sysctls and limits are those of 'latest' */
};

struct stories {
	struct story *story; /* most frequent first */
	size_t n;
	uint64_t rest; /* resets and time-outs in stories beyond the limit */
	size_t more;   /* those stories */
	bool partial;  /* as in struct report_list: counts are at least these */
	struct tally_stats totals;
};

/* 'q' as for report_list(): since, now, filter, limit; 'by' and 'sort' are not looked at. -ENOMEM */
int stories_make(const struct tally *t, const struct recent *r, const struct report_query *q,
		 struct stories *ret);
void stories_done(struct stories *s);

#endif
