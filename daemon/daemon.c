/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: when to drain, when to sleep, whom to ask. The only file that reads a clock and,
 * with daemon_log.c and daemon_status.c, knows every stage. Proved by tests/golden and tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <signal.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/daemon_internal.h"
#include "daemon/privilege.h"
#include "daemon/recording.h"

#define DRAIN_RECORDS	  2048 /* of one turn: about a millisecond */
#define DRAIN_PERIOD_USEC 4000 /* while awake */
#define DRAIN_AGAIN_USEC  250  /* after a turn that hit its bound: others are heard between turns */
#define EMPTY_ROUNDS	  6    /* without a record, then sleep */
#define MINUTE_USEC	  60000000ULL
#define LAST_FLUSH_MS	  300 /* a log that takes ten lines at a time gets the last ones, too */

uint64_t daemon_clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

void daemon_set_time(struct daemon *d)
{
	d->intake.now = daemon_clock_ns(CLOCK_MONOTONIC);
	d->intake.realtime = daemon_clock_ns(CLOCK_REALTIME);
}

int daemon_arm(sd_event_source *timer, uint64_t usec)
{
	int r = sd_event_source_set_time_relative(timer, usec);

	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* ---- the ring: draining and sleeping (ARCHITECTURE.md, "Waking up") ---- */

static int sleep_now(struct daemon *d)
{
	sd_event_source_set_enabled(d->drain, SD_EVENT_OFF);
	return d->ring ? sd_event_source_set_enabled(d->ring, SD_EVENT_ON) : 0;
}

void daemon_wake(struct daemon *d)
{
	if (d->ended)
		return;
	if (d->ring)
		sd_event_source_set_enabled(d->ring, SD_EVENT_OFF);
	d->asleep = false;
	d->empty_rounds = 0;
	daemon_arm(d->drain, DRAIN_PERIOD_USEC);
}

void daemon_refresh(struct daemon *d)
{
	daemon_set_time(d);
	intake_refresh(&d->intake);
	daemon_wake(d);
}

void daemon_refresh_if_moved(struct daemon *d)
{
	struct source *source = d->intake.source;
	struct source_totals t;
	bool moved;

	source->ops->totals(source, &t);
	/* what waits in the ring has taken the flag, and wakes us by itself */
	moved = t.sent != d->refreshed.sent || t.received != d->refreshed.received ||
		t.timeouts != d->refreshed.timeouts || t.unread_ever != d->refreshed.unread_ever;
	d->refreshed = t;
	if (moved || !d->asleep)
		daemon_refresh(d);
	else
		daemon_set_time(d);
}

static int source_ended(struct daemon *d)
{
	d->ended = true;
	sd_event_source_set_enabled(d->drain, SD_EVENT_OFF);
	intake_refresh(&d->intake);
	daemon_write_incidents(d);
	if (d->options->replay)
		d->replay_error = recording_error(d->intake.source);
	if (d->replay_error)
		sink_say(d->sink, LOG_ERR, "%s: %s", d->options->replay, d->replay_error);
	if (!d->options->exit_at_end)
		return 0;
	return sd_event_exit(d->event, d->replay_error ? -EBADMSG : 0);
}

/* A recording that ends early is told when it happens, once. */
static void look_at_recording(struct daemon *d)
{
	if (!d->options->record || d->record_error)
		return;
	d->record_error = recorder_error(d->intake.source);
	if (d->record_error && d->sink)
		sink_say(d->sink, LOG_ERR, "%s: the recording ended early: %s", d->options->record,
			 strerror(-d->record_error));
}

static void tend(struct daemon *d)
{
	struct source *source = d->intake.source;
	uint64_t ns = source->ops->tend ? source->ops->tend(source, d->intake.now) : 0;

	if (ns)
		daemon_arm(d->tend, ns / 1000 + 1);
}

static int on_tend(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	daemon_set_time(userdata);
	tend(userdata);
	return 0;
}

static int round_of_draining(struct daemon *d)
{
	struct source *source = d->intake.source;
	int n;

	daemon_set_time(d);
	n = intake_drain(&d->intake, DRAIN_RECORDS);
	look_at_recording(d);
	if (n == -ENODATA)
		return source_ended(d);
	if (n < 0) {
		sink_say(d->sink, LOG_ERR, "cannot read the ring: %s", strerror(-n));
		return sd_event_exit(d->event, n);
	}
	if (n < DRAIN_RECORDS)
		tend(d);
	if (sink_pending(d->sink) && !d->flush_usec)
		daemon_arm_flush(d);
	daemon_arm_incidents(d);
	daemon_arm_alerts(d);
	if (n > 0 || intake_waiting(&d->intake)) {
		d->empty_rounds = 0;
		d->asleep = false;
		return daemon_arm(d->drain,
				  n == DRAIN_RECORDS ? DRAIN_AGAIN_USEC : DRAIN_PERIOD_USEC);
	}
	if (d->asleep)
		/* the look after the flag was set a whole period ago: nothing can be stranded now
		 */
		return sleep_now(d);
	if (++d->empty_rounds >= EMPTY_ROUNDS)
		d->asleep = source->ops->sleep(source);
	return daemon_arm(d->drain, DRAIN_PERIOD_USEC);
}

static int on_drain(sd_event_source *s, uint64_t usec, void *userdata)
{
	(void)s;
	(void)usec;
	return round_of_draining(userdata);
}

static int on_ring(sd_event_source *s, int fd, uint32_t events, void *userdata)
{
	struct daemon *d = userdata;

	(void)fd;
	(void)events;
	(void)s;
	/* the ring stays readable until it is empty: the timer takes over */
	daemon_wake(d);
	return round_of_draining(d);
}

/* ---- periodic work ---- */

static int on_minute(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	daemon_set_time(d);
	intake_minute(&d->intake);
	look_at_recording(d);
	d->reset_lines = 0;
	if (d->outlives && outlive_due(d->options->outlive, &d->intake)) {
		daemon_refresh(d);
		outlive_checkpoint(d->options->outlive, &d->intake);
	}
	daemon_end_incident_minute(d);
	if (d->alert_trouble[0])
		daemon_keep_alerts(d);
	daemon_write_losses(d);
	daemon_notify_status(d);
	return daemon_arm(d->minute, MINUTE_USEC);
}

static int on_end(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

/* ---- start and end ---- */

static int open_server(struct daemon *d, char *error, size_t size)
{
	const struct server_limits limits = {
		.clients = d->config.clients,
		.idle_timeout_ns = d->config.idle_timeout_ns,
	};
	int passed = d->options->outlive->store.listen_fd;
	int r;

	d->methods = (struct methods_state){
		.tally = d->intake.tally,
		.recent = d->intake.recent,
		.peers = d->intake.peers,
		.history = d->intake.history,
		.started = d->options->replay ? 0 : state_since(d->intake.state),
		.refresh = daemon_answer_refresh,
		.status = daemon_answer_status,
		.counters = daemon_answer_counters,
		.losses = daemon_answer_losses,
		.untold = daemon_answer_untold,
		.now = daemon_answer_now,
		.userdata = d,
	};
	r = server_new(d->event, d->config.socket, passed, d->config.group, &limits, methods_table,
		       METHODS_N, &d->methods, &d->server);
	if (!r)
		d->options->outlive->store.listen_fd = -1;
	if (r == -EADDRINUSE)
		snprintf(error, size, "%s: another rstmond answers there; stop it or use --socket",
			 d->config.socket);
	else if (r == -ENOTSOCK)
		snprintf(error, size, "%s: something else than a socket is there; use --socket",
			 d->config.socket);
	else if (r)
		snprintf(error, size, "%s: cannot listen: %s%s", d->config.socket, strerror(-r),
			 r == -ENOENT ? "; make its directory, or use --socket" : "");
	return r;
}

static int add_timer(struct daemon *d, sd_event_source **ret, sd_event_time_handler_t handler,
		     uint64_t accuracy_usec)
{
	int r = sd_event_add_time_relative(d->event, ret, CLOCK_MONOTONIC, 0, accuracy_usec,
					   handler, d);

	return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

static int add_signals(struct daemon *d)
{
	static const int ends[] = {SIGTERM, SIGINT};
	sigset_t set;
	int r;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a recording at a limit ends, the daemon does not */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		r = sd_event_add_signal(d->event, NULL, ends[i], on_end, d);
		if (r < 0)
			return r;
	}
	r = sd_event_add_signal(d->event, NULL, SIGHUP, daemon_on_reload, d);
	return r < 0 ? r : 0;
}

static int build_loop(struct daemon *d)
{
	struct source *source = d->intake.source;
	int fd = source->ops->fd(source);
	int r;

	r = sd_event_default(&d->event);
	if (r >= 0)
		r = add_signals(d);
	if (r >= 0)
		r = add_timer(d, &d->drain, on_drain, DRAIN_AGAIN_USEC);
	if (r >= 0)
		r = add_timer(d, &d->minute, on_minute, 1000000);
	if (r >= 0)
		r = add_timer(d, &d->lines, daemon_on_lines, 1000000);
	if (r >= 0)
		r = add_timer(d, &d->flush, daemon_on_flush, 50000);
	if (r >= 0)
		r = add_timer(d, &d->incidents, daemon_on_incidents, 50000);
	if (r >= 0)
		r = add_timer(d, &d->tend, on_tend, 50000);
	if (r >= 0)
		r = add_timer(d, &d->alarm, daemon_on_alerts, 100000);
	if (r >= 0 && fd >= 0) {
		r = sd_event_add_io(d->event, &d->ring, fd, EPOLLIN, on_ring, d);
		if (r >= 0)
			r = sd_event_source_set_enabled(d->ring, SD_EVENT_OFF);
	}
	/* only a loop that turns pings: systemd restarts one that hangs */
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, true);
	return r < 0 ? r : 0;
}

static int start(struct daemon *d, char *error, size_t size)
{
	int r = build_loop(d);

	if (r) {
		snprintf(error, size, "cannot set up the event loop: %s", strerror(-r));
		return r;
	}
	r = sink_new(d->config.log_target, NULL, &d->sink);
	if (r) {
		snprintf(error, size, "cannot open the log: %s",
			 r == -ENOTCONN ? "no journal answers, use --log auto" : strerror(-r));
		return r;
	}
	if (d->options->serve) {
		r = open_server(d, error, size);
		if (r)
			return r;
	}
	d->outlives = !d->options->replay;
	if (d->outlives) {
		r = outlive_commit(d->options->outlive, &d->intake);
		if (r) {
			snprintf(error, size,
				 "cannot go on with the counts of the daemon before: %s",
				 strerror(-r));
			return r;
		}
	}
	/* all is attached and bound; from here on nothing needs a capability, but on old kernels */
	r = privilege_drop(d->intake.source->wants_cap_bpf);
	if (r) {
		snprintf(error, size, "cannot drop capabilities: %s", strerror(-r));
		return r;
	}
	d->intake.tell = daemon_tell;
	d->intake.userdata = d;
	daemon_arm(d->drain, 0);
	daemon_arm(d->minute, MINUTE_USEC);
	d->summary->at = d->intake.now;
	daemon_arm_lines(d);
	daemon_begin_to_look(d);
	return 0;
}

static void say_origin(struct daemon *d, const struct report_status *s)
{
	static const char *const how[OUTLIVE_ORIGIN_MAX] = {
		[OUTLIVE_CHECKPOINT] = "the counts of a checkpoint",
		[OUTLIVE_ADOPTED] = "the counts and the hooks of the daemon before",
		[OUTLIVE_UPGRADED] = "the counts of the daemon before, with hooks of its own",
	};
	const struct outlive *o = d->options->outlive;

	if (d->outlives && how[o->origin])
		sink_say(d->sink, LOG_INFO, "goes on with %s: %llu resets sent, %llu received",
			 how[o->origin], (unsigned long long)s->totals.sent,
			 (unsigned long long)s->totals.received);
}

static void report_start(struct daemon *d)
{
	struct report_status s;

	daemon_answer_status(d, &s);
	if (d->options->outlive->said[0])
		sink_say(d->sink, LOG_WARNING, "%s", d->options->outlive->said);
	if (d->alert_said[0])
		sink_say(d->sink, LOG_WARNING, "%s", d->alert_said);
	if (s.degraded)
		sink_say(d->sink, LOG_WARNING, "%s", s.problems);
	sink_say(d->sink, LOG_INFO, "rstmond %s watches the resets of kernel %s", RSTMON_VERSION,
		 d->intake.source->kernel);
	say_origin(d, &s);
	daemon_notify_status(d);
	sd_notify(false, "READY=1");
	fprintf(stderr, "rstmond: %s%s%sready\n", d->problems[0] ? "with problems: " : "",
		d->problems, d->problems[0] ? "" : "");
}

/* What has happened until now is told before the end. */
static void finish(struct daemon *d)
{
	daemon_set_time(d);
	if (d->outlives)
		outlive_end(d->options->outlive);
	intake_finish(&d->intake);
	if (d->outlives)
		outlive_checkpoint(d->options->outlive, &d->intake);
	daemon_write_incidents(d);
	if (d->intake.live)
		daemon_look_for_alerts(d);
	daemon_keep_alerts(d);
	if (d->options->record)
		recorder_finish(d->intake.source);
	look_at_recording(d);
	if (d->config.summary_ns && d->summary)
		summary_write(d->summary, d->intake.tally, d->intake.now, d->config.summary_rows,
			      d->sink);
	if (d->summary)
		daemon_write_losses(d);
	if (d->outlives && d->options->outlive->trouble[0])
		sink_say(d->sink, LOG_WARNING, "%s", d->options->outlive->trouble);
}

static void stop(struct daemon *d)
{
	sd_notify(false, "STOPPING=1");
	if (d->sink && d->running) {
		finish(d);
		sink_say(d->sink, LOG_INFO, "rstmond stops");
		sink_finish(d->sink, LAST_FLUSH_MS);
	}
	server_free(d->server);
	sink_free(d->sink);
	sd_event_source_unref(d->ring);
	sd_event_source_unref(d->drain);
	sd_event_source_unref(d->minute);
	sd_event_source_unref(d->lines);
	sd_event_source_unref(d->flush);
	sd_event_source_unref(d->incidents);
	sd_event_source_unref(d->tend);
	daemon_alerts_end(d);
	intake_done(&d->intake);
	sd_event_unref(d->event);
	free(d->summary);
}

static void give_up(struct source *source, struct state *state)
{
	source_free(source);
	state_free(state);
}

/* A daemon that ended told everything in its last summary; of one that was killed what it had not
 * told yet is in the rows, and stays untold. */
static void begin_summary(struct daemon *d, struct source *source, struct state *state)
{
	struct source_totals totals;

	source->ops->totals(source, &totals);
	state_add_totals(&totals, state_base(state));
	summary_begin(d->summary, state_tally(state));
	if (d->options->outlive && d->options->outlive->origin != OUTLIVE_FRESH)
		summary_begin_losses(d->summary, &totals);
}

int daemon_run(const struct daemon_options *options, struct source *source, char *error,
	       size_t error_size)
{
	struct daemon *d = calloc(1, sizeof(*d));
	struct state *state = options->state;
	int r;

	if (!d) {
		source_free(source);
		state_free(state);
		snprintf(error, error_size, "no memory");
		return -ENOMEM;
	}
	d->options = options;
	d->config = options->config;
	d->print = options->print;
	daemon_set_time(d);
	d->started = d->intake.now;
	r = state ? 0 : state_new(&state);
	d->summary = calloc(1, sizeof(*d->summary));
	if (!r && !d->summary)
		r = -ENOMEM;
	/* before what happened while nobody was here is read: that is news */
	if (!r)
		begin_summary(d, source, state);
	if (!r)
		r = daemon_alerts_begin(d, state_tally(state));
	if (!r)
		r = intake_init(&d->intake, source, state, source->ops->fd(source) >= 0);
	else
		give_up(source, state);
	if (r)
		snprintf(error, error_size, "cannot set up the tables: %s", strerror(-r));
	else
		r = start(d, error, error_size);
	if (!r) {
		d->running = true;
		report_start(d);
		r = sd_event_loop(d->event);
		if (d->replay_error)
			snprintf(error, error_size, "%s: %s", options->replay, d->replay_error);
		else if (r)
			snprintf(error, error_size, "the event loop ended: %s", strerror(-r));
	}
	stop(d);
	if (!r && d->record_error) {
		r = d->record_error;
		snprintf(error, error_size, "%s: the recording ended early: %s", options->record,
			 strerror(-r));
	}
	if (!r && options->exit_at_end && d->print.dropped) {
		r = -EIO;
		snprintf(error, error_size, "stdout did not take %llu of the lines",
			 (unsigned long long)d->print.dropped);
	}
	free(d);
	return r;
}
