/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each cause means, for people: the one table behind 'rstmon explain', the man page
 * rstmon-causes(7) and the journal catalog, so that they cannot drift apart. Advice with a host's
 * own numbers is made in daemon/advice.c; what stands here holds for every host.
 */
#ifndef COMMON_CAUSES_H
#define COMMON_CAUSES_H

#include "common/words.h"
#include "rstmon/cause.h"

#define CAUSE_ADVICE_MAX   8
#define CAUSE_SETTINGS_MAX 16

/* A knob of a program, with its default in the version that it was verified with. */
struct cause_setting {
	const char *program; /* "nginx", "Tomcat", "Linux", "Java HttpClient" */
	const char *name;    /* "keepalive_timeout (upstream)" */
	const char *meaning; /* its default and what to do with it: one sentence */
};

struct cause_text {
	const char *kind;     /* "sent", "received", "sent or received", "no reset", "counters" */
	const char *severity; /* "harmless", "check", "act" */
	const char *meaning;  /* what happened and why, for someone who has never seen TCP states */
	const char *looks;    /* in programs' logs, and what rstmon recognises it by */
	const char *advice[CAUSE_ADVICE_MAX]; /* what to do, most effective first; ends with NULL */
	struct cause_setting settings[CAUSE_SETTINGS_MAX]; /* ends with an empty one */
	const char *retry; /* is it safe for the client to send the request again? */
	const char *see[5]; /* related causes' ids; ends with NULL */
};

/* NULL out of range; every cause has a text (a unit test holds that). */
const struct cause_text *cause_text(unsigned int cause);

#endif
