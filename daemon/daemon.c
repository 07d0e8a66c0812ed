/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop: when to drain, when to sleep, whom to tell. The only file that reads a clock and
 * knows every stage. Proved by tests/golden and tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "daemon/daemon.h"
#include "daemon/intake.h"
#include "daemon/methods.h"
#include "daemon/privilege.h"
#include "daemon/publish.h"
#include "daemon/recording.h"
#include "daemon/server.h"
#include "daemon/summary.h"

#define DRAIN_RECORDS	  2048 /* of one turn: about a millisecond */
#define DRAIN_PERIOD_USEC 4000 /* while awake */
#define EMPTY_ROUNDS	  6    /* without a record, then sleep */
#define MINUTE_USEC	  60000000ULL
#define FLUSH_USEC	  200000   /* first try after a line had to wait, then twice as long ... */
#define FLUSH_MAX_USEC	  30000000 /* ... up to this: a host without a log stays asleep */
#define FLUSH_BUSY_USEC	  10000	   /* while the reader takes what waits */

struct daemon {
	const struct daemon_options *options;
	struct config config;
	sd_event *event;
	struct intake intake;
	struct server *server;
	struct sink *sink;
	struct summary *summary;
	struct methods_state methods;

	sd_event_source *ring;	/* the kernel's wake-up; off while awake */
	sd_event_source *drain; /* the timer; off while asleep */
	sd_event_source *minute, *lines, *flush;
	uint64_t flush_usec;
	unsigned int empty_rounds;
	bool ended;  /* the source has no more records */
	bool asleep; /* the flag is set; one more look may still be due */

	uint64_t started;
	struct print print;
	uint64_t reset_lines; /* of this minute */
	uint64_t reset_lines_left_out;
	const char *replay_error; /* the recording's, when it ended early */
	char problems[512];
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void set_time(struct daemon *d)
{
	d->intake.now = clock_ns(CLOCK_MONOTONIC);
	d->intake.realtime = clock_ns(CLOCK_REALTIME);
}

static int arm(sd_event_source *timer, uint64_t usec)
{
	int r = sd_event_source_set_time_relative(timer, usec);

	return r < 0 ? r : sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

/* ---- telling ---- */

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

static void tell(const struct finding *f, void *userdata)
{
	struct daemon *d = userdata;

	if (d->print.format != PRINT_NONE)
		print_finding(&d->print, f);
	if (d->server && server_has_watchers(d->server))
		server_publish(d->server, f);
	if (d->config.log_resets)
		write_reset_line(d, f);
}

/* Lines that could not leave at once are tried again later and later. */
static int arm_flush(struct daemon *d)
{
	uint64_t usec = d->flush_usec;

	if (!sink_pending(d->sink)) {
		d->flush_usec = FLUSH_USEC;
		return 0;
	}
	d->flush_usec = MIN(2 * usec, FLUSH_MAX_USEC);
	return arm(d->flush, usec);
}

/* A reader that reads again gets the rest as fast as it takes it: journald and rsyslogd have room
 * for ten lines at a time. */
static int flush(struct daemon *d)
{
	if (sink_flush(d->sink))
		d->flush_usec = FLUSH_BUSY_USEC;
	return arm_flush(d);
}

/* ---- the ring: draining and sleeping (ARCHITECTURE.md, "Waking up") ---- */

static int sleep_now(struct daemon *d)
{
	sd_event_source_set_enabled(d->drain, SD_EVENT_OFF);
	return d->ring ? sd_event_source_set_enabled(d->ring, SD_EVENT_ON) : 0;
}

/*
 * Everything that reads records outside round_of_draining() ends here. A record may have arrived
 * meanwhile, taken the flag and woken us for nothing: its wake-up is lost once the ring is empty,
 * and with the flag gone no later record would wake us. So the rounds start again, and set the flag
 * anew.
 */
static void wake(struct daemon *d)
{
	if (d->ended)
		return;
	if (d->ring)
		sd_event_source_set_enabled(d->ring, SD_EVENT_OFF);
	d->asleep = false;
	d->empty_rounds = 0;
	arm(d->drain, DRAIN_PERIOD_USEC);
}

static void refresh(struct daemon *d)
{
	set_time(d);
	intake_refresh(&d->intake);
	wake(d);
}

static int source_ended(struct daemon *d)
{
	d->ended = true;
	sd_event_source_set_enabled(d->drain, SD_EVENT_OFF);
	intake_refresh(&d->intake);
	if (d->options->replay)
		d->replay_error = recording_error(d->intake.source);
	if (d->replay_error)
		sink_say(d->sink, LOG_ERR, "%s: %s", d->options->replay, d->replay_error);
	if (!d->options->exit_at_end)
		return 0;
	return sd_event_exit(d->event, d->replay_error ? -EBADMSG : 0);
}

static int round_of_draining(struct daemon *d)
{
	struct source *source = d->intake.source;
	int n;

	set_time(d);
	n = intake_drain(&d->intake, DRAIN_RECORDS);
	if (n == -ENODATA)
		return source_ended(d);
	if (n < 0) {
		sink_say(d->sink, LOG_ERR, "cannot read the ring: %s", strerror(-n));
		return sd_event_exit(d->event, n);
	}
	if (sink_pending(d->sink) && d->flush_usec == FLUSH_USEC)
		arm_flush(d);
	if (n > 0 || intake_waiting(&d->intake)) {
		d->empty_rounds = 0;
		d->asleep = false;
		return arm(d->drain, n == DRAIN_RECORDS ? 0 : DRAIN_PERIOD_USEC);
	}
	if (d->asleep)
		/* the look after the flag was set a whole period ago: nothing can be stranded now
		 */
		return sleep_now(d);
	if (++d->empty_rounds >= EMPTY_ROUNDS)
		d->asleep = source->ops->sleep(source);
	return arm(d->drain, DRAIN_PERIOD_USEC);
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
	wake(d);
	return round_of_draining(d);
}

/* ---- periodic work ---- */

static void notify_status(struct daemon *d)
{
	struct tally_stats stats;

	tally_stats(d->intake.tally, &stats);
	sd_notifyf(false, "STATUS=%llu resets sent, %llu received, %u rows%s%s",
		   (unsigned long long)stats.total[RST_SENT],
		   (unsigned long long)stats.total[RST_RECEIVED], stats.rows,
		   d->problems[0] ? "; " : "", d->problems);
}

/* What was lost on the way to the rows or to the log since the last time. */
static void write_losses(struct daemon *d)
{
	struct source_totals totals;

	d->intake.source->ops->totals(d->intake.source, &totals);
	if (summary_loss(d->summary, &totals, d->reset_lines_left_out, d->sink))
		d->reset_lines_left_out = 0;
	flush(d);
}

static int on_minute(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	set_time(d);
	intake_minute(&d->intake);
	d->reset_lines = 0;
	write_losses(d);
	notify_status(d);
	return arm(d->minute, MINUTE_USEC);
}

static int on_flush(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	return flush(d);
}

static int on_lines(sd_event_source *s, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)s;
	(void)usec;
	refresh(d);
	summary_write(d->summary, d->intake.tally, d->intake.now, d->config.summary_rows, d->sink);
	write_losses(d);
	return arm(d->lines, d->config.summary_ns / NSEC_PER_USEC);
}

/* Lines that a new configuration asks for; 0 switches them off. */
static int arm_lines(struct daemon *d)
{
	if (!d->config.summary_ns)
		return sd_event_source_set_enabled(d->lines, SD_EVENT_OFF);
	return arm(d->lines, d->config.summary_ns / NSEC_PER_USEC);
}

/* [log] takes effect; what is open (socket, ring, limits of clients) stays as it is until a
 * restart. */
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
		sink_free(d->sink);
		d->sink = sink;
		d->config.log_target = c->log_target;
	}
	d->config.summary_ns = c->summary_ns;
	d->config.summary_rows = c->summary_rows;
	d->config.log_resets = c->log_resets;
	d->config.resets_per_minute = c->resets_per_minute;
	arm_lines(d);
	sink_say(d->sink, LOG_INFO,
		 "read the configuration again; [daemon] and [socket] take effect at "
		 "the next start");
}

static int on_reload(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
	struct daemon *d = userdata;
	char error[640];
	struct config c;

	(void)s;
	(void)info;
	sd_notify(false, "RELOADING=1");
	if (d->options->reload(&c, d->options->reload_userdata, error, sizeof(error)))
		sink_say(d->sink, LOG_ERR, "the old configuration stays: %s", error);
	else
		apply(d, &c);
	sd_notify(false, "READY=1");
	return 0;
}

static int on_end(sd_event_source *s, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

/* ---- what methods.c asks ---- */

static void methods_refresh(void *userdata)
{
	refresh(userdata);
}

static uint64_t methods_now(void *userdata)
{
	(void)userdata;
	return clock_ns(CLOCK_REALTIME);
}

static size_t resident_bytes(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	unsigned long total, resident;

	if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
		return 0;
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Everything that does not work as it should, in sentences. */
static void find_problems(struct daemon *d, const struct report_status *s)
{
	FILE *f = fmemopen(d->problems, sizeof(d->problems), "w");

	if (!f)
		return;
	for (size_t i = 0; i < s->n_hooks; i++)
		if (!s->hooks[i].attached && s->hooks[i].why[0])
			fprintf(f, "%s is not attached (%s): no %s. ", s->hooks[i].name,
				s->hooks[i].why, s->hooks[i].adds);
	if (s->totals.lost[RST_SENT] + s->totals.lost[RST_RECEIVED])
		fprintf(f,
			"Some resets were counted without a row: they are in the row \"other\". ");
	if (s->decode_errors)
		fprintf(f, "%llu records could not be understood. ",
			(unsigned long long)s->decode_errors);
	if (d->replay_error)
		fprintf(f, "%s: %s. ", d->options->replay, d->replay_error);
	if (d->options->record && recorder_error(d->intake.source))
		fprintf(f, "The recording ended early: %s. ",
			strerror(-recorder_error(d->intake.source)));
	if (d->print.dropped)
		fprintf(f, "%llu printed lines were dropped: the reader of stdout is too slow. ",
			(unsigned long long)d->print.dropped);
	fclose(f);
}

static void methods_status(void *userdata, struct report_status *ret)
{
	struct daemon *d = userdata;
	struct server_stats clients = {};
	struct rusage usage;

	set_time(d);
	memset(ret, 0, sizeof(*ret));
	ret->version = RSTMON_VERSION;
	ret->uptime_s = (d->intake.now - d->started) / NSEC_PER_SEC;
	intake_status(&d->intake, ret);
	wake(d);
	ret->memory_bytes = resident_bytes();
	ret->log_dropped = sink_dropped(d->sink);
	if (d->server)
		server_stats(d->server, &clients);
	ret->clients = clients.clients;
	ret->watchers = clients.watchers;
	ret->clients_refused = clients.refused;
	ret->watch_dropped = clients.dropped;
	ret->bad_messages = clients.bad_messages;
	if (!getrusage(RUSAGE_SELF, &usage))
		ret->cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	find_problems(d, ret);
	ret->degraded = d->problems[0];
	snprintf(ret->problems, sizeof(ret->problems), "%s", d->problems);
}

/* ---- start and end ---- */

static int open_server(struct daemon *d, char *error, size_t size)
{
	const struct server_limits limits = {
		.clients = d->config.clients,
		.idle_timeout_ns = d->config.idle_timeout_ns,
	};
	int passed = sd_listen_fds(true);
	int r;

	d->methods = (struct methods_state){
		.tally = d->intake.tally,
		.recent = d->intake.recent,
		.peers = d->intake.peers,
		.refresh = methods_refresh,
		.status = methods_status,
		.now = methods_now,
		.userdata = d,
	};
	r = server_new(d->event, d->config.socket, passed > 0 ? SD_LISTEN_FDS_START : -1,
		       d->config.group, &limits, methods_table, METHODS_N, &d->methods, &d->server);
	if (r == -EADDRINUSE)
		snprintf(error, size, "%s: another rstmond answers there; stop it or use --socket",
			 d->config.socket);
	else if (r == -ENOTSOCK)
		snprintf(error, size, "%s: something else than a socket is there; use --socket",
			 d->config.socket);
	else if (r)
		snprintf(error, size, "%s: cannot listen: %s", d->config.socket, strerror(-r));
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
	r = sd_event_add_signal(d->event, NULL, SIGHUP, on_reload, d);
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
		r = add_timer(d, &d->drain, on_drain, 500);
	if (r >= 0)
		r = add_timer(d, &d->minute, on_minute, 1000000);
	if (r >= 0)
		r = add_timer(d, &d->lines, on_lines, 1000000);
	if (r >= 0)
		r = add_timer(d, &d->flush, on_flush, 50000);
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
	d->summary = calloc(1, sizeof(*d->summary));
	if (!d->summary) {
		snprintf(error, size, "no memory");
		return -ENOMEM;
	}
	if (d->options->serve) {
		r = open_server(d, error, size);
		if (r)
			return r;
	}
	/* all is attached and bound; from here on nothing needs a capability */
	r = privilege_drop();
	if (r) {
		snprintf(error, size, "cannot drop capabilities: %s", strerror(-r));
		return r;
	}
	d->intake.tell = tell;
	d->intake.userdata = d;
	arm(d->drain, 0);
	arm(d->minute, MINUTE_USEC);
	d->summary->at = d->intake.now;
	arm_lines(d);
	return 0;
}

static void report_start(struct daemon *d)
{
	struct report_status s;

	methods_status(d, &s);
	if (s.degraded)
		sink_say(d->sink, LOG_WARNING, "%s", s.problems);
	sink_say(d->sink, LOG_INFO, "rstmond %s watches the resets of kernel %s", RSTMON_VERSION,
		 d->intake.source->kernel);
	notify_status(d);
	sd_notify(false, "READY=1");
	fprintf(stderr, "rstmond: %s%s%sready\n", d->problems[0] ? "with problems: " : "",
		d->problems, d->problems[0] ? "" : "");
}

/* What has happened until now is told before the end. */
static void finish(struct daemon *d)
{
	set_time(d);
	intake_finish(&d->intake);
	if (d->config.summary_ns && d->summary)
		summary_write(d->summary, d->intake.tally, d->intake.now, d->config.summary_rows,
			      d->sink);
}

static void stop(struct daemon *d)
{
	sd_notify(false, "STOPPING=1");
	if (d->sink) {
		finish(d);
		sink_say(d->sink, LOG_INFO, "rstmond stops");
		sink_flush(d->sink);
	}
	server_free(d->server);
	sink_free(d->sink);
	sd_event_source_unref(d->ring);
	sd_event_source_unref(d->drain);
	sd_event_source_unref(d->minute);
	sd_event_source_unref(d->lines);
	sd_event_source_unref(d->flush);
	intake_done(&d->intake);
	sd_event_unref(d->event);
	free(d->summary);
}

int daemon_run(const struct daemon_options *options, struct source *source, char *error,
	       size_t error_size)
{
	struct daemon *d = calloc(1, sizeof(*d));
	int r;

	if (!d) {
		source_free(source);
		snprintf(error, error_size, "no memory");
		return -ENOMEM;
	}
	d->options = options;
	d->config = options->config;
	d->print = options->print;
	set_time(d);
	d->started = d->intake.now;
	d->flush_usec = FLUSH_USEC;
	r = intake_init(&d->intake, source, source->ops->fd(source) >= 0);
	if (r)
		snprintf(error, error_size, "cannot set up the tables: %s", strerror(-r));
	else
		r = start(d, error, error_size);
	if (!r) {
		report_start(d);
		r = sd_event_loop(d->event);
		if (d->replay_error)
			snprintf(error, error_size, "%s: %s", options->replay, d->replay_error);
		else if (r)
			snprintf(error, error_size, "the event loop ended: %s", strerror(-r));
	}
	stop(d);
	free(d);
	return r;
}
