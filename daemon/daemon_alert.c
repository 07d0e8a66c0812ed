/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the rows are looked at for alerts, and what is told of them. Must let a host without resets
 * sleep: the timer is on for a second after records, and until the stage's next date. Proved by
 * tests/live/alert.c.
 */
#include "common/util.h"

#include <errno.h>
#include <syslog.h>

#include "daemon/alert_file.h"
#include "daemon/daemon_internal.h"
#include "daemon/publish.h"

#define LOOK_NS	  NSEC_PER_SEC
#define LEAST_NS  (50 * NSEC_PER_MSEC)
#define ALARM_OFF UINT64_MAX

/* A recording's alerts are nobody's. */
static bool outlives(const struct daemon *d)
{
	return !d->options->replay;
}

static int restore(struct daemon *d, const struct tally *t)
{
	_cleanup_free_ struct alert_kept *kept = calloc(RSTMON_ALERTS_TOLD_MAX, sizeof(*kept));
	size_t n;

	if (!kept)
		return -ENOMEM;
	/* what cannot be read has a sentence, and is no reason not to start */
	alert_file_read(d->config.state, kept, RSTMON_ALERTS_TOLD_MAX, &n, d->alert_said,
			sizeof(d->alert_said));
	alerts_restore(d->alerts, kept, n, t, d->intake.now, d->intake.realtime);
	return 0;
}

void daemon_keep_alerts(struct daemon *d)
{
	_cleanup_free_ struct alert_kept *kept = calloc(RSTMON_ALERTS_TOLD_MAX, sizeof(*kept));
	char trouble[sizeof(d->alert_trouble)] = "";
	size_t n = 0;
	int r = -ENOMEM;

	if (!outlives(d))
		return;
	if (kept) {
		n = alerts_keep(d->alerts, d->intake.tally, kept, RSTMON_ALERTS_TOLD_MAX);
		r = alert_file_write(d->config.state, kept, n);
		if (r == -ENOENT && outlive_may_be_missing(d->options->outlive))
			r = 0;
	}
	if (r)
		snprintf(trouble, sizeof(trouble), "%.160s/" ALERT_FILE_NAME ": %s: %s. ",
			 d->config.state, strerror(-r),
			 "alerts that are active would not be known after a restart");
	if (r && !d->alert_trouble[0])
		sink_say(d->sink, LOG_WARNING, "%s", trouble);
	snprintf(d->alert_trouble, sizeof(d->alert_trouble), "%s", trouble);
}

int daemon_alerts_begin(struct daemon *d, const struct tally *t)
{
	char error[256] = "";
	int r;

	d->alert_at = ALARM_OFF;
	d->alert_rows = calloc(1, sizeof(*d->alert_rows));
	if (!d->alert_rows)
		return -ENOMEM;
	moved_begin(d->alert_rows, t);
	r = alerts_new(&d->alerts);
	if (!r)
		r = alerts_set_rules(d->alerts, d->config.alert, d->config.alerts,
				     d->config.alerts_per_minute, d->intake.now, error,
				     sizeof(error));
	return !r && outlives(d) ? restore(d, t) : r;
}

void daemon_alerts_end(struct daemon *d)
{
	alerts_free(d->alerts);
	free(d->alert_rows);
	sd_event_source_unref(d->alarm);
}

static void write_line(struct daemon *d, const struct alert_event *e)
{
	const struct finding *example =
		e->begins ? alerts_example(d->alerts, &e->alert, d->intake.recent) : NULL;
	struct line line;

	publish_alert_line(e, example, &line);
	sink_write(d->sink, &line);
}

static void write_lines(struct daemon *d, bool begins)
{
	const struct alert_event *e;
	size_t n;

	e = alerts_events(d->alerts, &n);
	for (size_t i = 0; i < n; i++)
		if (e[i].begins == begins)
			write_line(d, &e[i]);
}

static void tell(struct daemon *d)
{
	uint64_t more;
	size_t n;

	alerts_events(d->alerts, &n);
	if (n) {
		/* A kill in between costs neither an end nor tells a beginning twice. */
		write_lines(d, false);
		daemon_keep_alerts(d);
		write_lines(d, true);
		alerts_handled(d->alerts);
		daemon_notify_status(d);
	}
	more = alerts_more(d->alerts);
	if (more)
		sink_say(d->sink, LOG_NOTICE,
			 "and %llu more alerts than the %u that a minute has lines for "
			 "(alerts_per_minute); rstmon status has those that are active",
			 (unsigned long long)more, d->config.alerts_per_minute);
	if (sink_pending(d->sink) && !d->flush_usec)
		daemon_arm_flush(d);
}

static void count(const struct move *m, void *userdata)
{
	struct daemon *d = userdata;

	alerts_count(d->alerts, m->row, m->growth - (int64_t)m->brought, d->intake.now);
}

static int arm(struct daemon *d, uint64_t in_ns)
{
	if (in_ns == UINT64_MAX || !d->alarm)
		return 0;
	in_ns = MAX(in_ns, LEAST_NS);
	if (d->alert_at != ALARM_OFF && d->alert_at <= d->intake.now + in_ns)
		return 0;
	d->alert_at = d->intake.now + in_ns;
	return daemon_arm(d->alarm, in_ns / NSEC_PER_USEC + 1);
}

void daemon_look_for_alerts(struct daemon *d)
{
	daemon_refresh_if_moved(d);
	d->alert_record = d->intake.record_time;
	moved_look(d->alert_rows, d->intake.tally, count, d);
	alerts_tick(d->alerts, d->intake.now, d->intake.realtime, d->intake.recent);
	tell(d);
}

/* Records of a recording are of another time. */
int daemon_arm_alerts(struct daemon *d)
{
	if (!d->intake.live || d->alert_record == d->intake.record_time)
		return 0;
	return arm(d, LOOK_NS);
}

int daemon_begin_to_look(struct daemon *d)
{
	return d->intake.live ? arm(d, LOOK_NS) : 0;
}

int daemon_on_alerts(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	d->alert_at = ALARM_OFF;
	daemon_look_for_alerts(d);
	return arm(d, alerts_due(d->alerts, d->intake.now));
}

void daemon_alerts_reload(struct daemon *d)
{
	char error[256] = "no memory";

	if (d->intake.live)
		daemon_look_for_alerts(d);
	if (alerts_set_rules(d->alerts, d->config.alert, d->config.alerts,
			     d->config.alerts_per_minute, d->intake.now, error, sizeof(error)))
		sink_say(d->sink, LOG_ERR, "the rules of alerts stay as they are: %s", error);
	tell(d);
	arm(d, alerts_due(d->alerts, d->intake.now));
}
