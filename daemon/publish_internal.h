/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of 'publish' share. */
#ifndef DAEMON_PUBLISH_INTERNAL_H
#define DAEMON_PUBLISH_INTERNAL_H

#include <stdint.h>
#include <stdio.h>

#include "daemon/alert.h"
#include "daemon/object.h"
#include "daemon/reset.h"

/* All resets: both directions together, the time-outs not. */
static inline uint64_t sum_directions(const uint64_t n[RST_DIRECTION_MAX])
{
	return n[RST_SENT] + n[RST_RECEIVED];
}

/* The array of what the verdict rests on. */
void publish_evidence(struct object *o, const struct finding *f);

/* RFC 3339, "" for 0. */
void publish_time(struct object *o, const char *key, uint64_t time);

/* What is active by rule, and what found no room; nothing of NULL. */
void publish_alert_metrics(FILE *out, const struct alerts *a);

#endif
