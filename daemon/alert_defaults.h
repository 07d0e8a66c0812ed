/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules of alerts that hold without a word in the configuration. */
#ifndef DAEMON_ALERT_DEFAULTS_H
#define DAEMON_ALERT_DEFAULTS_H

#include "daemon/alert_rule.h"

struct alert_default {
	struct alert_rule rule;
	const char *help; /* a comment in rstmond.conf, with '\n' between its lines */
};

/* Their bounds are those of the configuration (config_alert.c): tests/unit/daemon/config_alert.c holds
 * each against them. */
extern const struct alert_default alert_defaults[];
extern const unsigned int alert_defaults_n;

#endif
