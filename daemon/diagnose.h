/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a reset, its owner, what happened before and what the host says to a cause, its confidence and
 * the evidence for it. Pure: same input, same verdict.
 *
 * Three layers, never more certain than the evidence: the path through the kernel is a fact; the cause
 * follows from it with a confidence, raised a step by each independent support (contents of the reset,
 * TTL, aftermath, the other end, idle times alike), lowered where the owner's storage was missing,
 * records were lost or the kernel gives no reason; advice is made of both elsewhere (advice.h).
 */
#ifndef DAEMON_DIAGNOSE_H
#define DAEMON_DIAGNOSE_H

#include "daemon/context.h"
#include "daemon/path.h"

/* Never fails: without decisive evidence the cause is RST_CAUSE_UNKNOWN with low confidence. */
void diagnose(const struct reset *reset, const struct owner *owner, const struct past *past,
	      const struct host *host, struct verdict *ret);

/* False: a verdict with the other end as 'b' has it is the same as with 'a'. */
bool diagnose_other_differs(const struct past *a, const struct past *b);

/* What a verdict rests on, as text: numbers and identifiers only, most telling first. Made when somebody
 * is told, and out of what is kept: the same whenever it is asked for. */
struct evidence {
	unsigned int n;
	char text[RSTMON_EVIDENCE_MAX][RSTMON_EVIDENCE_LEN]; /* "key=value" */
};

void evidence_format(const struct finding *f, struct evidence *ret);

/* True if what the host says (struct host but for watched_ms and lossy, which cost nothing) could
 * change the verdict of this reset: asking costs a look into /proc. */
bool diagnose_wants_host(const struct reset *reset);

#endif
