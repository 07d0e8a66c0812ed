/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the daemon share: daemon.c has the loop, daemon_log.c what goes to the log and to
 * stdout, daemon_status.c what the daemon says of itself. Nobody else includes this. */
#ifndef DAEMON_DAEMON_INTERNAL_H
#define DAEMON_DAEMON_INTERNAL_H

#include <systemd/sd-event.h>

#include "daemon/alert.h"
#include "daemon/daemon.h"
#include "daemon/intake.h"
#include "daemon/methods.h"
#include "daemon/moved.h"
#include "daemon/server.h"
#include "daemon/summary.h"

struct daemon {
	const struct daemon_options *options;
	struct config config;
	sd_event *event;
	struct intake intake;
	struct server *server;
	struct sink *sink;
	struct summary *summary;
	struct methods_state methods;
	struct alerts *alerts;
	struct moved *alert_rows; /* as they were counted for alerts */

	sd_event_source *ring;	/* the kernel's wake-up; off while awake */
	sd_event_source *drain; /* the timer; off while asleep */
	sd_event_source *minute, *lines, *flush;
	sd_event_source *incidents; /* on while one is open: an idle host stays asleep */
	sd_event_source *tend;	    /* on while hooks rest */
	sd_event_source *alarm;	    /* on while an alert may begin or end */
	char alert_said[512];	 /* of the file of the daemon before, "" if all was as it should be */
	char alert_trouble[320]; /* it cannot be written, a sentence */
	uint64_t alert_at;     /* when the alarm goes off, UINT64_MAX: never */
	uint64_t alert_record; /* record_time of the intake when rows were looked at for alerts */
	uint64_t flush_usec; /* until the next try, 0: nothing waits */
	unsigned int empty_rounds;
	bool running; /* everything is open */
	bool outlives; /* what it counts is for the next daemon, too */
	bool ended;  /* the source has no more records */
	bool asleep; /* the flag is set; one more look may still be due */

	uint64_t started;
	struct print print;
	uint64_t reset_lines; /* of this minute */
	uint64_t reset_lines_left_out;
	uint64_t incident_lines, incident_lines_left_out; /* of this minute */
	const char *replay_error; /* the recording's, when it ended early */
	int record_error;	  /* of the one that is written, once it was told; else 0 */
	const struct source_hook *hooks; /* the source's own, from when they were asked for last ... */
	size_t n_hooks;
	struct source_totals totals; /* ... and so are these: each costs dozens of system calls */
	char problems[512];
	char reload_error[640]; /* why the configuration could not be read again, until it can */
	char shown[1536];	/* the status that systemd has: sent again only when it changes */
	struct source_totals refreshed; /* the rows had all of it at the last look */
};

/* ---- daemon.c ---- */

uint64_t daemon_clock_ns(clockid_t clock);
void daemon_set_time(struct daemon *d);
int daemon_arm(sd_event_source *timer, uint64_t usec); /* one shot, from now */

/* Everything that reads records outside the loop's own rounds ends here. A record may have arrived
 * meanwhile, taken the flag and woken us for nothing: its wake-up is lost once the ring is empty, and
 * with the flag gone no later record would wake us. So the rounds start again, and set the flag anew. */
void daemon_wake(struct daemon *d);

/* Brings the rows up to date. */
void daemon_refresh(struct daemon *d);

/* The same for periodic work, which lets a sleeping daemon sleep while the kernel has counted nothing. */
void daemon_refresh_if_moved(struct daemon *d);

/* ---- daemon_log.c ---- */

/* Of every finding, after it is counted; userdata is the daemon. */
void daemon_tell(const struct finding *f, void *userdata);

/* Lines that could not leave at once are tried again later and later. */
int daemon_arm_flush(struct daemon *d);

/* Lines that the configuration asks for; 0 switches them off. */
int daemon_arm_lines(struct daemon *d);

/* What was lost on the way to the rows or to the log since the last time. */
void daemon_write_losses(struct daemon *d);

/* Lines of incidents, while there are any; a timer asks for them. */
void daemon_write_incidents(struct daemon *d);
int daemon_arm_incidents(struct daemon *d);

/* Says how many of them the minute had no room for. */
void daemon_end_incident_minute(struct daemon *d);

int daemon_on_flush(sd_event_source *s, uint64_t usec, void *userdata);
int daemon_on_lines(sd_event_source *s, uint64_t usec, void *userdata);
int daemon_on_incidents(sd_event_source *s, uint64_t usec, void *userdata);

/* SIGHUP: the new configuration, or one sentence and the old one. */
int daemon_on_reload(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata);

/* ---- daemon_alert.c ---- */

/* The stage with its rules, and what the rows hold now for no news. -errno. */
int daemon_alerts_begin(struct daemon *d, const struct tally *t);
void daemon_alerts_end(struct daemon *d);

/* Writes those that were told and are active, for the next daemon. */
void daemon_keep_alerts(struct daemon *d);

/* A look within a second, if there were records since the last. */
int daemon_arm_alerts(struct daemon *d);
int daemon_begin_to_look(struct daemon *d); /* what outlived a daemon is looked at, too */
void daemon_look_for_alerts(struct daemon *d);
void daemon_alerts_reload(struct daemon *d); /* d->config has other rules */
int daemon_on_alerts(sd_event_source *s, uint64_t usec, void *userdata);

/* ---- daemon_status.c ---- */

/* What methods.c asks; userdata is the daemon. */
void daemon_answer_refresh(void *userdata);
uint64_t daemon_answer_now(void *userdata);
unsigned int daemon_answer_untold(void *userdata);
void daemon_answer_losses(void *userdata, uint64_t spilled[RST_DIRECTION_MAX],
			  uint64_t lost[RST_DIRECTION_MAX]);
void daemon_answer_counters(void *userdata, uint64_t *ret_embryonic, uint64_t *ret_ignored);
void daemon_answer_status(void *userdata, struct report_status *ret);

/* Tells systemd in a sentence. */
void daemon_notify_status(struct daemon *d);

#endif
