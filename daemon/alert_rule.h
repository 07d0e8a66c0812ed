/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rule of alerts, as a section [alert NAME] of the configuration says it (config_alert.c) and as the stage of
 * alerts takes it (alert.c). Several rows may count for one alert: 'by' says what they must have in common, and each
 * such key alerts, and is over, for itself.
 */
#ifndef DAEMON_ALERT_RULE_H
#define DAEMON_ALERT_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "rstmon/interface.h"

enum alert_by {
	ALERT_BY_SERVICE, /* unit, comm, container, port, role, direction and cause; of nobody's rows the netns */
	ALERT_BY_PROCESS, /* the same of one process */
	ALERT_BY_PORT,	  /* port, role and direction */
	ALERT_BY_CAUSE,	  /* cause and direction */
	ALERT_BY_RULE,	  /* all that the filter lets through */
	ALERT_BY_MAX,
};

struct alert_rule {
	char name[RSTMON_ALERT_NAME_MAX]; /* of [A-Za-z0-9_-] */
	bool enabled;
	char filter[RSTMON_FILTER_MAX + 1]; /* in the scope of rows; "": everything */
	enum alert_by by;
	double rate;  /* resets a minute over the window: it alerts at this rate or above ... */
	double clear; /* ... and is over below this one, which is at most 'rate' */
	uint64_t window_ns;
	uint64_t cooldown_ns; /* from the end of one to the next with the same key */
	int severity;	      /* LOG_INFO, ... of syslog.h */
};

#endif
