/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon tells by itself: a line per reset, summaries, losses, and where they go. Must not
 * block and must not count. Proved by tests/check/input_log.sh and tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>

#include "common/str.h"
#include "daemon/daemon_internal.h"
#include "daemon/publish.h"

#define FLUSH_USEC	200000	 /* first try after a line had to wait, then twice as long ... */
#define FLUSH_MAX_USEC	30000000 /* ... up to this: a host without a log stays asleep */
#define FLUSH_BUSY_USEC 10000	 /* while the reader takes what waits */

#define INCIDENT_USEC		  500000 /* from a burst to its line */
#define INCIDENT_LINES_PER_MINUTE 120

static void write_reset_line(struct daemon *d, const struct finding *f)
{
	struct line line;

	if (d->reset_lines >= d->config.resets_per_minute) {
		d->reset_lines_left_out++;
		return;
	}
	d->reset_lines++;
	publish_reset_line(f, &line);
	sink_write(d->sink, &line);
}

void daemon_tell(const struct finding *f, void *userdata)
{
	struct daemon *d = userdata;

	if (d->print.format != PRINT_NONE)
		print_finding(&d->print, f);
	if (d->server && server_has_watchers(d->server))
		server_publish(d->server, f);
	if (d->config.log_resets)
		write_reset_line(d, f);
}

int daemon_arm_flush(struct daemon *d)
{
	uint64_t usec = d->flush_usec ? d->flush_usec : FLUSH_USEC;

	if (!sink_pending(d->sink)) {
		d->flush_usec = 0;
		return 0;
	}
	d->flush_usec = MIN(2 * usec, FLUSH_MAX_USEC);
	return daemon_arm(d->flush, usec);
}

/* A reader that reads again gets the rest as fast as it takes it: journald and rsyslogd have room
 * for ten lines at a time. */
static int flush(struct daemon *d)
{
	if (sink_flush(d->sink))
		d->flush_usec = FLUSH_BUSY_USEC;
	return daemon_arm_flush(d);
}

int daemon_on_flush(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	return flush(d);
}

static void write_incident(const struct incident *i, void *userdata)
{
	struct daemon *d = userdata;
	struct line line;

	if (d->incident_lines >= INCIDENT_LINES_PER_MINUTE) {
		d->incident_lines_left_out++;
		return;
	}
	d->incident_lines++;
	publish_incident_line(i, &line);
	sink_write(d->sink, &line);
}

void daemon_write_incidents(struct daemon *d)
{
	intake_tick(&d->intake, write_incident, d);
	if (sink_pending(d->sink) && !d->flush_usec)
		daemon_arm_flush(d);
}

int daemon_arm_incidents(struct daemon *d)
{
	int on = SD_EVENT_OFF;

	if (!history_restless(d->intake.history) ||
	    (sd_event_source_get_enabled(d->incidents, &on) >= 0 && on != SD_EVENT_OFF))
		return 0;
	return daemon_arm(d->incidents, INCIDENT_USEC);
}

void daemon_end_incident_minute(struct daemon *d)
{
	if (d->incident_lines_left_out)
		sink_say(d->sink, LOG_NOTICE, "%llu lines about incidents were left out",
			 (unsigned long long)d->incident_lines_left_out);
	d->incident_lines = 0;
	d->incident_lines_left_out = 0;
}

int daemon_on_incidents(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	daemon_set_time(d);
	daemon_write_incidents(d);
	return daemon_arm_incidents(d);
}

void daemon_write_losses(struct daemon *d)
{
	intake_totals(&d->intake, &d->totals);
	if (summary_loss(d->summary, &d->totals, d->reset_lines_left_out, d->sink))
		d->reset_lines_left_out = 0;
	flush(d);
}

int daemon_on_lines(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	daemon_refresh_if_moved(d);
	summary_write(d->summary, d->intake.tally, d->intake.now, d->config.summary_rows, d->sink);
	daemon_write_losses(d);
	return daemon_arm(d->lines, d->config.summary_ns / NSEC_PER_USEC);
}

int daemon_arm_lines(struct daemon *d)
{
	if (!d->config.summary_ns)
		return sd_event_source_set_enabled(d->lines, SD_EVENT_OFF);
	return daemon_arm(d->lines, d->config.summary_ns / NSEC_PER_USEC);
}

/* [log] and [alert] take effect; what is open (socket, ring, limits of clients) stays as it is
 * until a restart. */
static void apply(struct daemon *d, const struct config *c)
{
	struct sink *sink = NULL;
	int r = 0;

	if (c->log_target != d->config.log_target) {
		r = sink_new(c->log_target, NULL, &sink);
		if (r)
			sink_say(d->sink, LOG_ERR, "the log stays where it is, %s is not there: %s",
				 sink_target_name(c->log_target), strerror(-r));
	}
	if (sink) {
		sink_replace(sink, d->sink);
		d->sink = sink;
		d->config.log_target = c->log_target;
	}
	d->config.summary_ns = c->summary_ns;
	d->config.summary_rows = c->summary_rows;
	d->config.log_resets = c->log_resets;
	d->config.resets_per_minute = c->resets_per_minute;
	d->config.alerts_per_minute = c->alerts_per_minute;
	memcpy(d->config.alert, c->alert, sizeof(d->config.alert));
	d->config.alerts = c->alerts;
	daemon_alerts_reload(d);
	daemon_arm_lines(d);
	sink_say(d->sink, LOG_INFO,
		 "read the configuration again; [daemon] and [socket] take effect at "
		 "the next start");
}

int daemon_on_reload(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;
	char error[640];
	struct config c;

	(void)s;
	(void)info;
	daemon_set_time(d);
	/* the time is for Type=notify-reload (253), where systemd itself sends the signal */
	sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(d->intake.now / NSEC_PER_USEC));
	d->reload_error[0] = '\0';
	if (d->options->reload(&c, d->options->reload_userdata, error, sizeof(error))) {
		str_copy(d->reload_error, sizeof(d->reload_error), error);
		sink_say(d->sink, LOG_ERR, "the old configuration stays: %s", error);
	} else {
		apply(d, &c);
	}
	daemon_notify_status(d);
	sd_notify(false, "READY=1");
	return 0;
}
