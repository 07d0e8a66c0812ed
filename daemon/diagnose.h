/* SPDX-License-Identifier: GPL-2.0-only */
/* From a reset and its owner to a cause, with evidence. Pure: same input, same verdict. */
#ifndef DAEMON_DIAGNOSE_H
#define DAEMON_DIAGNOSE_H

#include "daemon/reset.h"

/* Never fails: without decisive evidence the cause is RST_CAUSE_UNKNOWN with low confidence. */
void diagnose(const struct reset *reset, const struct owner *owner, struct verdict *ret);

#endif
