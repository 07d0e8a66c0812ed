/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What publishers may see: plain structures, filled from the stages' state by this file and turned
 * into JSON or text by others. Nobody formats inside the core, and nobody reads core state from the
 * socket. Strings point into the tally and live until it changes.
 */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

#include "common/filter.h"
#include "daemon/peers.h"
#include "daemon/recent.h"
#include "daemon/report_counters.h"
#include "daemon/source.h"
#include "daemon/tally.h"

enum report_by {
	REPORT_BY_PROCESS, /* every row as it is */
	REPORT_BY_PORT,
	REPORT_BY_CAUSE,
	REPORT_BY_UNIT,
	REPORT_BY_PEER,
	REPORT_BY_MAX,
};

const char *report_by_name(unsigned int by); /* "process", "port", ... */
int report_by_parse(const char *text);	     /* -EINVAL */

enum report_sort {
	REPORT_SORT_COUNT, /* busiest first */
	REPORT_SORT_LAST,  /* latest first */
	REPORT_SORT_FIRST,
	REPORT_SORT_PID,
	REPORT_SORT_COMM,
	REPORT_SORT_UNIT,
	REPORT_SORT_PORT,
	REPORT_SORT_CAUSE,
	REPORT_SORT_DIRECTION,
	REPORT_SORT_MAX,
};

const char *report_sort_name(unsigned int sort);
int report_sort_parse(const char *text); /* -EINVAL */

struct report_query {
	enum report_by by;
	enum report_sort sort;
	unsigned int limit; /* rows at most, 0: all; and as many of time-outs */
	uint64_t since;	    /* CLOCK_REALTIME ns, 0: from the beginning */
	uint64_t now;
	const struct filter *filter; /* scope FILTER_ROWS, NULL: all rows */
};

/* With 'by' other than process, only the fields that it groups by, direction-less sums of count,
 * first and last are set. */
struct report_row {
	struct tally_row row;
	struct endpoint peer; /* by peer */
	uint64_t error;	      /* by peer: the count may be that much too high */
};

struct report_list {
	struct report_row *rows; /* of resets: they add up to the totals of the two directions */
	size_t n;
	struct report_row *timeouts; /* the same of connections that failed without any reset */
	size_t n_timeouts;	     /* none by peer */
	struct tally_stats totals; /* of everything counted, whatever the filter */
	bool partial; /* 'since' reaches further back than counting or some rows' history */
	uint64_t from;	  /* since when the rows are counted, CLOCK_REALTIME ns; 0: not known */
	uint64_t started; /* the same of the totals */
};

/* -ENOMEM; -EOPNOTSUPP: peers know neither 'since' nor the fields of the filter */
int report_list(const struct tally *t, const struct peers *p, const struct report_query *q,
		struct report_list *ret);
void report_list_done(struct report_list *l);

/* A filter of scope FILTER_RESETS on one finding, of scope FILTER_ROWS on a row. NULL matches. */
bool report_match_finding(const struct filter *f, const struct finding *finding);
bool report_match_row(const struct filter *f, const struct tally_row *row);

struct report_netns {
	uint32_t inode;
	bool covered; /* the kernel's counters could be read, and since when the hooks ran */
	uint64_t sent, received, timeouts;
	uint32_t known;			    /* a bit for each counter that its kernel has */
	int64_t counters[COUNTER_MAX_];	    /* growth of the kernel's since the baseline */
	int64_t unexplained[COUNTER_MAX_];  /* less what our counts explain of it */
};

struct publish_said;
struct alerts;

struct report_status {
	const char *version, *kernel;
	uint64_t uptime_s;
	const char *origin;  /* what the daemon went on with: outlive_origin_name(); "" of a recording */
	uint32_t generation; /* of the hooks that count; 0 of a recording */
	uint64_t since;	     /* CLOCK_REALTIME ns: when counting began, perhaps daemons ago; 0: not known */
	struct source_totals totals; /* the kernel's own */
	struct tally_stats counted;  /* what has been read of them */
	const struct source_hook *hooks;
	size_t n_hooks;
	const struct report_netns *netns;
	size_t n_netns;
	uint32_t counters_known; /* a bit for each counter that a covered namespace has */
	int64_t unexplained[COUNTER_MAX_]; /* over all covered namespaces */
	uint64_t decode_errors;	      /* records that could not be understood */
	uint64_t names_evicted;
	uint64_t names_skipped;	      /* names not asked for: a second had had its share of questions */
	char names_from[96];	      /* the hierarchies of cgroups that tell units and containers; "": none, or nobody knows */
	uint64_t netns_given_up;      /* namespaces that are not compared for want of room */
	uint64_t false_receives_late; /* counted, told, and taken back */
	uint64_t false_receives_unmatched; /* taken back by the kernel alone */
	unsigned int slots_used, slots; /* that count what is spilled; 'slots' 0: there are none */
	uint64_t history_evicted; /* connections, owners and the like that a verdict may lack */
	uint64_t host_evicted;	  /* the same of namespaces' counters */
	uint64_t told_early;	  /* findings told before their other end could come, for want of room */
	uint64_t held_early;	  /* doubtful receives counted before their time, for want of room */
	size_t ring_bytes, memory_bytes;
	size_t kernel_bytes; /* what the BPF maps hold, the ring included; 0: not known */
	uint64_t log_dropped;
	unsigned int clients, watchers;
	uint64_t clients_refused, watch_dropped, bad_messages;
	uint64_t clients_busy, clients_stalled; /* answered Busy; closed because they did not read */
	int64_t cpu_ns_per_reset; /* -1: not known yet */
	uint64_t cpu_us;	  /* user and system time of the daemon */
	struct publish_said *said_resets, *said_timeouts; /* of metrics; NULL: nothing is remembered */
	const struct alerts *alerts; /* NULL: there are none */
	bool cap_bpf;		  /* the capability that an old kernel wants for each look; else it has none */
	bool degraded;		  /* a hook is missing or a limit bites; 'problems' says which */
	char problems[512];	  /* sentences, "" if none */
};

#endif
