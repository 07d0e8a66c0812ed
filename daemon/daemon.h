/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: the one file that knows all stages, and the loop that drives them. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/config.h"
#include "daemon/outlive.h"
#include "daemon/print.h"
#include "daemon/source.h"

struct daemon_options {
	struct config config;
	/* makes the configuration anew at SIGHUP; on failure 'error' holds one sentence */
	int (*reload)(struct config *ret, void *userdata, char *error, size_t size);
	void *reload_userdata;
	struct print print;
	bool serve;	    /* open the socket */
	const char *replay; /* the source is this recording, NULL: it is the kernel */
	const char *record; /* the source writes this recording, NULL: none */
	struct outlive *outlive; /* what is kept beyond this process; of a replay the passed socket alone */
	struct state *state; /* to go on with, then the daemon's; NULL: a new one */
	bool exit_at_end;   /* when the source ends */
};

/* Runs until SIGTERM, SIGINT or, with exit_at_end, the source's end. Takes over 'source'. 0, or -errno
 * with one sentence in 'error'. */
int daemon_run(const struct daemon_options *options, struct source *source, char *error,
	       size_t error_size);

#endif
