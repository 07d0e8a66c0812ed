/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon says of itself: status, what does not work, and what systemd shows. Must change
 * nothing but bring the rows up to date. Proved by tests/live and tests/check/input.sh.
 */
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "daemon/daemon_internal.h"
#include "daemon/privilege.h"
#include "daemon/publish_said.h"
#include "daemon/recording.h"

void daemon_answer_refresh(void *userdata)
{
	daemon_refresh(userdata);
}

unsigned int daemon_answer_untold(void *userdata)
{
	struct daemon *d = userdata;

	return intake_untold(&d->intake);
}

uint64_t daemon_answer_now(void *userdata)
{
	(void)userdata;
	return daemon_clock_ns(CLOCK_REALTIME);
}

void daemon_answer_losses(void *userdata, uint64_t spilled[RST_DIRECTION_MAX],
			  uint64_t lost[RST_DIRECTION_MAX])
{
	struct daemon *d = userdata;
	struct source_totals totals;

	intake_totals(&d->intake, &totals);
	memcpy(spilled, totals.spilled, sizeof(totals.spilled));
	memcpy(lost, totals.lost, sizeof(totals.lost));
}

/* A recording has no kernel of its own to ask. A challenge ACK answers a reset that was not
 * believed, or a SYN, which is counted apart. */
void daemon_answer_counters(void *userdata, uint64_t *ret_embryonic, uint64_t *ret_ignored)
{
	struct daemon *d = userdata;
	struct host_counters c = {0};

	if (d->intake.live)
		host_counters(d->intake.host, d->intake.attributor, d->intake.now, &c);
	*ret_embryonic = c.embryonic_rsts;
	*ret_ignored = c.challenge_acks - MIN(c.challenge_acks, c.syn_challenges);
}

static size_t resident_bytes(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	unsigned long total, resident;

	if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
		return 0;
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* What the kernel says of each map that this process has open. */
static size_t map_bytes(int dir, const char *name)
{
	_cleanup_fclose_ FILE *f = NULL;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	unsigned long long bytes;
	char line[128];
	bool map = false;
	size_t sum = 0;

	if (fd < 0)
		return 0;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return 0;
	}
	while (fgets(line, sizeof(line), f)) {
		map |= !strncmp(line, "map_type:", 9);
		if (map && sscanf(line, "memlock: %llu", &bytes) == 1)
			sum += (size_t)bytes;
	}
	return sum;
}

/* A map that is open twice is counted twice: nothing here opens one again. */
static size_t kernel_bytes(void)
{
	DIR *dir = opendir("/proc/self/fdinfo");
	const struct dirent *entry;
	size_t sum = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			sum += map_bytes(dirfd(dir), entry->d_name);
	closedir(dir);
	return sum;
}

/* Everything that does not work as it should, in sentences. */
static void find_problems(struct daemon *d, const struct report_status *s)
{
	FILE *f = fmemopen(d->problems, sizeof(d->problems), "w");

	d->problems[0] = '\0'; /* of which nothing is said now, nothing is left */
	if (!f)
		return;
	for (size_t i = 0; i < s->n_hooks; i++)
		if (source_hook_is_problem(&s->hooks[i]))
			fprintf(f, "%s is not attached (%s): %s. ", s->hooks[i].name,
				s->hooks[i].why, source_hook_consequence(&s->hooks[i]));
	if (s->totals.lost[RST_SENT] + s->totals.lost[RST_RECEIVED])
		fprintf(f,
			"Some resets were counted without a row: they are in the row \"other\". ");
	if (s->totals.lost[RST_TIMEOUT])
		fprintf(f, "Some time-outs were counted without a row: they are in theirs. ");
	if (s->decode_errors)
		fprintf(f, "%llu records could not be understood. ",
			(unsigned long long)s->decode_errors);
	if (d->intake.live && !intake_names(&d->intake))
		fprintf(f, "No hierarchy of cgroups is mounted here: of what is older than the "
			   "daemon, units and containers are not known. ");
	if (d->outlives && d->options->outlive->unkept)
		fprintf(f, "The service manager keeps no descriptors (Type=notify, "
			   "FileDescriptorStoreMax=): the hooks end with the daemon. ");
	if (d->outlives && d->options->outlive->lost[0])
		fprintf(f, "%s ", d->options->outlive->lost);
	if (d->outlives && d->options->outlive->trouble[0])
		fprintf(f, "%s", d->options->outlive->trouble);
	if (d->alert_trouble[0])
		fprintf(f, "%s", d->alert_trouble);
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

/* The rules whose alerts are active, with how many each. */
static void put_alerts(const struct daemon *d, FILE *f)
{
	struct alerts_stats stats;
	unsigned int n = 0;

	if (!d->alerts)
		return;
	alerts_stats(d->alerts, &stats);
	if (!stats.active)
		return;
	fprintf(f, "; %u alert%s active:", stats.active, stats.active == 1 ? "" : "s");
	for (unsigned int i = 0; i < stats.n_rules; i++)
		if (stats.rule[i].active)
			fprintf(f, "%s %s", n++ ? "," : "", stats.rule[i].name);
}

/* Made once a minute, and when an alert begins or ends: so it takes what somebody else has asked
 * for. Whether a hook is attached stands in the source's own table, which is always so. */
static void put_status(struct daemon *d, FILE *f)
{
	struct report_status s = {.hooks = d->hooks,
				  .n_hooks = d->n_hooks,
				  .totals = d->totals,
				  .decode_errors = d->intake.decode_errors};
	struct tally_stats stats;

	tally_stats(d->intake.tally, &stats);
	find_problems(d, &s);
	fprintf(f, "STATUS=%llu resets sent, %llu received",
		(unsigned long long)stats.total[RST_SENT],
		(unsigned long long)stats.total[RST_RECEIVED]);
	put_alerts(d, f);
	if (d->reload_error[0])
		fprintf(f, "; the old configuration stays: %s", d->reload_error);
	if (d->problems[0])
		fprintf(f, "; degraded: %s", d->problems);
}

void daemon_notify_status(struct daemon *d)
{
	char text[sizeof(d->shown)] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	if (!f)
		return;
	put_status(d, f);
	fclose(f);
	if (!strcmp(text, d->shown))
		return;
	snprintf(d->shown, sizeof(d->shown), "%s", text);
	sd_notify(false, text);
}

/* What scrapers were told, while this daemon lives: there is one daemon in a process. */
static struct publish_said said_resets, said_timeouts;

void daemon_answer_status(void *userdata, struct report_status *ret)
{
	struct daemon *d = userdata;
	struct server_stats clients = {};
	struct rusage usage;

	daemon_set_time(d);
	memset(ret, 0, sizeof(*ret));
	ret->version = RSTMON_VERSION;
	ret->uptime_s = (d->intake.now - d->started) / NSEC_PER_SEC;
	ret->origin = d->outlives ? outlive_origin_name(d->options->outlive->origin) : "";
	ret->generation = d->outlives ? d->options->outlive->generation : 0;
	ret->since = d->outlives ? state_since(d->intake.state) : 0;
	intake_status(&d->intake, ret);
	daemon_wake(d);
	ret->memory_bytes = resident_bytes();
	ret->kernel_bytes = kernel_bytes();
	ret->log_dropped = sink_dropped(d->sink);
	if (d->server)
		server_stats(d->server, &clients);
	ret->clients = clients.clients;
	ret->watchers = clients.watchers;
	ret->clients_refused = clients.refused;
	ret->watch_dropped = clients.dropped;
	ret->bad_messages = clients.bad_messages;
	ret->clients_busy = clients.busy;
	ret->clients_stalled = clients.stalled;
	if (!getrusage(RUSAGE_SELF, &usage))
		ret->cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
			      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	ret->said_resets = &said_resets;
	ret->said_timeouts = &said_timeouts;
	ret->alerts = d->alerts;
	ret->cap_bpf = privilege_has_bpf();
	d->hooks = ret->hooks;
	d->n_hooks = ret->n_hooks;
	d->totals = ret->totals;
	find_problems(d, ret);
	ret->degraded = d->problems[0];
	snprintf(ret->problems, sizeof(ret->problems), "%s", d->problems);
}
