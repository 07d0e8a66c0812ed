/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages in a row: source -> decode -> hold -> attribute -> history, host -> diagnose -> tally,
 * recent, peers, network namespaces -> pending -> told. A reset is counted and kept on arrival, and judged
 * again when its other end turns up; only telling waits for that. Everything that is known is in here; who is told is the daemon's business.
 */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include "daemon/attribute.h"
#include "daemon/history.h"
#include "daemon/hierarchy.h"
#include "daemon/hold.h"
#include "daemon/host.h"
#include "daemon/netns.h"
#include "daemon/peers.h"
#include "daemon/pending.h"
#include "daemon/recent.h"
#include "daemon/report.h"
#include "daemon/source.h"
#include "daemon/state.h"
#include "daemon/tally.h"

struct intake {
	struct source *source;
	struct attributor *attributor;
	struct state *state;
	struct tally *tally; /* these four are the state's */
	struct recent *recent;
	struct peers *peers;
	struct hold *hold;
	struct netns_table *netns;
	struct history *history;
	struct host_watch *host;
	struct pending pending;
	struct hierarchy hierarchy[RST_HIERARCHIES]; /* of cgroup v1, where names come from too */
	bool hierarchy_seen[RST_HIERARCHIES], unified_seen; /* mounted, and read at start */
	bool live;	    /* records are of now, and of this host */
	bool ended;	    /* there will be no more records */
	uint64_t record_time; /* CLOCK_MONOTONIC of the latest record */
	uint64_t minute_record; /* record_time at the last minute */
	bool minute_skipped;	/* the last minute had nothing to look at */
	uint64_t losses_at; /* when records that were lost were looked for */
	uint64_t decode_errors;
	uint64_t late_swallows; /* counts taken back after they had been told */
	uint64_t unmatched_swallows; /* the kernel took back what was never here */
	uint64_t unread_seen;	     /* source_totals.unread_ever when the slots were last read */

	/* set by the daemon before it calls anything here: CLOCK_MONOTONIC and CLOCK_REALTIME, ns */
	uint64_t now, realtime;

	/* told of every finding once, in the order of counting, when its other end came or did not come */
	void (*tell)(const struct finding *f, void *userdata);
	void *userdata;
};

/* Takes over 'source' and 'state', also when it fails: intake_done() frees both. 'scan': read all processes
 * and cgroups now. -errno. */
int intake_init(struct intake *in, struct source *source, struct state *state, bool scan);
void intake_done(struct intake *in);

/* Handles at most 'max' records; as source_ops.drain. */
int intake_drain(struct intake *in, unsigned int max);

/* The last call but intake_tick(): reads what is there, counts what is still held, tells what waits. */
void intake_finish(struct intake *in);

/* How many of the newest findings that are kept have not been told yet. */
unsigned int intake_untold(struct intake *in);

/* True while something waits for its time: do not sleep yet. */
bool intake_waiting(const struct intake *in);

/* Tells of incidents that began or ended. Called within a second while history_restless(). */
void intake_tick(struct intake *in, history_incident_fn fn, void *userdata);

/* Brings the rows up to date with everything that has happened: drains what is there, reads the
 * slots. */
void intake_refresh(struct intake *in);

/* Closes minutes, and looks for processes that are gone when room is needed. */
void intake_minute(struct intake *in);

/* What was counted since the first start: by this source, and by those that are gone. */
void intake_totals(const struct intake *in, struct source_totals *ret);

/* Reads 'old', the source of hooks that count no more, to its end: its records are counted by their keys if they
 * are of another version, its slots and totals are absorbed. For an upgrade, on a copy of the old state: parking
 * the copy is what makes it happen once. 'old' stays the caller's; NULL: nothing is left of those hooks, and what
 * the rows know of their slots is kept for good. -errno. */
int intake_absorb(struct intake *in, struct source *old);

/* Whether there is a hierarchy of cgroups that units and containers are read from. */
bool intake_names(const struct intake *in);

/* Fills what the stages know; the daemon adds its own. */
void intake_status(struct intake *in, struct report_status *ret);

#endif
