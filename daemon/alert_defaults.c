/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The built-in rules of alerts. Must not cry wolf: what health checks, scans and impatient clients
 * do all day is counted and alerts nobody. Proved by tests/unit/daemon/config_alert.c.
 */
#include "common/util.h"

#include <syslog.h>

#include "daemon/alert_defaults.h"

const struct alert_default alert_defaults[] = {
	{
		.rule = {.name = "overflow",
			 .enabled = true,
			 .filter = "cause accept_overflow_abort or cause accept_overflow_expired",
			 .by = ALERT_BY_SERVICE,
			 .rate = 10,
			 .clear = 5,
			 .window_ns = 60 * NSEC_PER_SEC,
			 .cooldown_ns = 300 * NSEC_PER_SEC,
			 .severity = LOG_WARNING},
		.help = "A service that does not accept as fast as clients come.",
	},
};

const unsigned int alert_defaults_n = ARRAY_SIZE(alert_defaults);
