/* SPDX-License-Identifier: GPL-2.0-only */
/* The latest RSTMON_RECENT_MAX findings, oldest overwritten first; for 'last'. Pure. */
#ifndef DAEMON_RECENT_H
#define DAEMON_RECENT_H

#include "daemon/reset.h"

struct recent;

int recent_new(struct recent **ret); /* -ENOMEM */
void recent_free(struct recent *r);
void recent_add(struct recent *r, const struct finding *f);

/* The i-th latest (0: the newest), NULL beyond the oldest; valid until the next recent_add(). */
const struct finding *recent_get(const struct recent *r, unsigned int i);
size_t recent_memory(const struct recent *r);

#endif
