/* SPDX-License-Identifier: GPL-2.0-only */
/* Periodic lines to the log: what moved since the last ones, and what was lost. */
#ifndef DAEMON_SUMMARY_H
#define DAEMON_SUMMARY_H

#include "daemon/moved.h"
#include "daemon/report.h"
#include "daemon/sink.h"

struct summary {
	uint64_t at; /* of the last lines, CLOCK_MONOTONIC ns */
	struct moved moved;
	uint64_t spilled, lost, missed, log_dropped;
	uint64_t timeouts_spilled, timeouts_lost;
};

/* What the rows hold now was told before: to begin with rows that outlived another daemon. */
void summary_begin(struct summary *s, const struct tally *t);

/* The same of what was spilled, lost and missed. */
void summary_begin_losses(struct summary *s, const struct source_totals *totals);

/* A line for each row that moved, busiest first, at most 'rows' and one "and M more". Time-outs have as
 * many of their own behind those of the resets, with kind=timeout, so that nobody adds them up. */
void summary_write(struct summary *s, const struct tally *t, uint64_t now, unsigned int rows,
		   struct sink *sink);

/* A line if anything was spilled, lost or missed since the last one, or lines of the log were dropped
 * or left out. 'left_out' is the number of reset lines that their bound has cost meanwhile.
 * False: the line itself found no room; what it had to say is kept for the next one. */
bool summary_loss(struct summary *s, const struct source_totals *totals, uint64_t left_out,
		  struct sink *sink);

#endif
