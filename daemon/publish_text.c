/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reset as one line for people, and as the fields of a line for the log; a row that moved as the
 * fields of a summary line. It must not quote (line_format() does) and must say the most important
 * first, as a line may be cut. Proved by tests/unit/daemon/publish.c.
 */
#include "common/util.h"

#include <stdarg.h>
#include <syslog.h>

#include "common/addr.h"
#include "common/str.h"
#include "daemon/diagnose.h"
#include "daemon/publish.h"

#define EVIDENCE_TOLD 2 /* strings of it in a line for people */

/* The time of day out of "2026-11-22T07:31:36.123456Z". */
static void time_of_day(char *dst, size_t size, uint64_t time)
{
	char text[TIME_TEXT_MAX];
	size_t n;

	format_time(text, sizeof(text), time);
	n = strlen(text);
	if (n > 12)
		snprintf(dst, size, "%.*s", (int)(n - 12), text + 11);
	else
		snprintf(dst, size, "%s", text);
}

static void endpoint_text(char dst[ENDPOINT_TEXT_MAX], const struct endpoint *e)
{
	endpoint_format(dst, ENDPOINT_TEXT_MAX, e->address, e->ipv6, e->port);
}

/* A word where there is one; what does not fit is left out. */
static void put(char *dst, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void put(char *dst, size_t size, const char *format, ...)
{
	size_t used = strlen(dst);
	va_list args;

	va_start(args, format);
	vsnprintf(dst + used, size - used, format, args);
	va_end(args);
}

/* "java[812]", with who acted where that was somebody else, or "-". */
static void put_owner(const struct finding *f, char *dst, size_t size)
{
	const struct reset *r = &f->reset;

	if (f->owner.pid > 0)
		put(dst, size, " %s[%u]", f->owner.comm, f->owner.pid);
	else
		put(dst, size, " -");
	if (f->owner.source == RST_OWNER_LISTEN && r->state != STATE_LISTEN)
		put(dst, size, "(listener)");
	if (r->actor_tgid > 0 && r->actor_tgid != f->owner.pid)
		put(dst, size, " by %s[%u]", r->actor_comm, r->actor_tgid);
}

static void put_state(const struct reset *r, char *dst, size_t size)
{
	const char *before = tcp_state_name(r->previous_state), *now = tcp_state_name(r->state);

	if (*now && *before && r->state == STATE_CLOSE)
		put(dst, size, " %s>%s", before, now);
	else if (*now)
		put(dst, size, " %s", now);
}

/* What a cause rests on and the line has not told yet: the first that diagnose names tell most. */
static void put_evidence(const struct finding *f, char *dst, size_t size)
{
	static const char *const told[] = {
		"state",       "previous_state", "reason", "unread",  "unread_bytes",
		"unacked",     "unacked_bytes",	 "idle",   "idle_ms", "signal",
		"exit_signal", "unit",		 "errno",  "role",    "port",
		"direction",   "other_end",	 "actor"};
	unsigned int put_so_far = 0;
	struct evidence evidence;

	evidence_format(f, &evidence);
	for (unsigned int i = 0; i < evidence.n && put_so_far < EVIDENCE_TOLD; i++) {
		const char *text = evidence.text[i];
		size_t n = strcspn(text, "="), k = 0;

		while (k < ARRAY_SIZE(told) &&
		       (strlen(told[k]) != n || strncmp(told[k], text, n) != 0))
			k++;
		if (k < ARRAY_SIZE(told))
			continue;
		/* the option with time 0, which "linger=0" would tell to be off */
		put(dst, size, " %s", !strcmp(text, "linger=0") ? "SO_LINGER=0" : text);
		put_so_far++;
	}
}

/* "keepalive_race_server (high)"; nothing behind what is certain. */
static void put_cause(const struct finding *f, char *dst, size_t size)
{
	const struct verdict *v = &f->verdict;
	const char *reason = f->reset.reason_name;

	/* what decides nothing by itself is still what there is to know */
	if (v->cause == RST_CAUSE_UNKNOWN) {
		put(dst, size, "%s%s", reason && *reason ? " " : "", reason ? reason : "");
		return;
	}
	put(dst, size, " %s", cause_name(v->cause));
	if (v->confidence != CONFIDENCE_CERTAIN)
		put(dst, size, " (%s)", confidence_name(v->confidence));
}

/* The process at the other end, where that is on this host. */
static void put_other(const struct other_end *other, char *dst, size_t size)
{
	if (other->known && other->pid > 0)
		put(dst, size, " with %s[%u]", other->comm, other->pid);
}

void publish_text(const struct finding *f, char *dst, size_t size)
{
	char time[TIME_TEXT_MAX], local[ENDPOINT_TEXT_MAX], remote[ENDPOINT_TEXT_MAX];
	const struct reset *r = &f->reset;
	const char *error = socket_errno_name(f->verdict.error);

	time_of_day(time, sizeof(time), r->time);
	endpoint_text(local, &r->local);
	endpoint_text(remote, &r->remote);
	snprintf(dst, size, "%s %-8s", time,
		 r->direction == RST_TIMEOUT ? "timeout" : direction_name(r->direction));
	put_owner(f, dst, size);
	put_other(&f->other, dst, size);
	put(dst, size, " %s %s %s %s", role_name(r->role), local,
	    r->direction == RST_RECEIVED ? "<-" : "->", remote);
	put_state(r, dst, size);
	put_cause(f, dst, size);
	if (*error)
		put(dst, size, " %s", error);
	if (r->unread_bytes > 0)
		put(dst, size, " unread=%lld", (long long)r->unread_bytes);
	if (r->unacked_bytes > 0)
		put(dst, size, " unacked=%lld", (long long)r->unacked_bytes);
	if (r->idle_ms >= 1000)
		put(dst, size, " idle=%llds", (long long)r->idle_ms / 1000);
	if (r->exit_signal)
		put(dst, size, " signal=%d", r->exit_signal);
	put_evidence(f, dst, size);
	if (*f->owner.unit)
		put(dst, size, " unit=%s", f->owner.unit);
}

static void add_endpoint(struct line *l, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	endpoint_text(text, e);
	line_add(l, key, text);
}

/* Quantities that are unknown are left out. */
static void add_known(struct line *l, const char *key, int64_t value)
{
	if (value >= 0)
		line_add_u64(l, key, (uint64_t)value);
}

static void add_text(struct line *l, const char *key, const char *value)
{
	if (value && *value)
		line_add(l, key, value);
}

/* In one field: a key of its own could be that of another field. */
static void add_evidence(struct line *l, const struct finding *f)
{
	char text[LINE_VALUE_MAX] = "";
	struct evidence evidence;

	evidence_format(f, &evidence);
	for (unsigned int i = 0; i < evidence.n; i++)
		put(text, sizeof(text), "%s%s", i > 0 ? " " : "", evidence.text[i]);
	add_text(l, "evidence", text);
}

void publish_reset_line(const struct finding *f, struct line *ret)
{
	const struct reset *r = &f->reset;

	line_start(ret, r->direction == RST_TIMEOUT ? LINE_TIMEOUT : LINE_RESET, LOG_INFO);
	line_add(ret, "cause", cause_name(f->verdict.cause));
	line_add(ret, "direction", direction_name(r->direction));
	line_add(ret, "comm", f->owner.comm);
	line_add_u64(ret, "pid", f->owner.pid);
	line_add_u64(ret, "port", r->port);
	line_add(ret, "role", role_name(r->role));
	add_endpoint(ret, "local", &r->local);
	add_endpoint(ret, "remote", &r->remote);
	line_add(ret, "confidence", confidence_name(f->verdict.confidence));
	line_add(ret, "path", path_name(f->verdict.path));
	if (f->other.known) {
		line_add_u64(ret, "other_pid", f->other.pid);
		line_add(ret, "other_comm", f->other.comm);
	}
	add_text(ret, "state", tcp_state_name(r->state));
	add_text(ret, "previous_state", tcp_state_name(r->previous_state));
	add_text(ret, "reason", r->reason_name);
	add_text(ret, "errno", socket_errno_name(f->verdict.error));
	add_text(ret, "unit", f->owner.unit);
	add_text(ret, "container", f->owner.container);
	add_text(ret, "pod", f->owner.pod);
	line_add(ret, "owner_source", owner_source_name(f->owner.source));
	if (r->actor_tgid > 0) {
		line_add_u64(ret, "actor_pid", r->actor_tgid);
		line_add(ret, "actor_comm", r->actor_comm);
	}
	line_add_u64(ret, "netns", r->netns);
	add_known(ret, "age_ms", r->age_ms);
	add_known(ret, "idle_ms", r->idle_ms);
	add_known(ret, "bytes_received", r->bytes_received);
	add_known(ret, "bytes_sent", r->bytes_sent);
	add_known(ret, "unread_bytes", r->unread_bytes);
	add_known(ret, "unacked_bytes", r->unacked_bytes);
	if (r->has_exit) {
		line_add_format(ret, "exit_signal", "%d", r->exit_signal);
		line_add_format(ret, "exit_status", "%d", r->exit_status);
	}
	add_evidence(ret, f);
	add_text(ret, "exe", f->owner.exe);
}

void publish_incident_line(const struct incident *i, struct line *ret)
{
	char peer[ENDPOINT_TEXT_MAX], time[TIME_TEXT_MAX];

	line_start(ret, LINE_INCIDENT, LOG_NOTICE);
	line_add(ret, "cause", cause_name(i->cause));
	line_add(ret, "comm", i->comm);
	line_add_u64(ret, "pid", i->pid);
	line_add_u64(ret, "port", i->port);
	line_add_u64(ret, "count",
		     i->count[RST_SENT] + i->count[RST_RECEIVED] + i->count[RST_TIMEOUT]);
	line_add_u64(ret, "sent", i->count[RST_SENT]);
	line_add_u64(ret, "received", i->count[RST_RECEIVED]);
	line_add_u64(ret, "timeouts", i->count[RST_TIMEOUT]);
	line_add(ret, "open", i->open ? "true" : "false");
	line_add(ret, "confidence", confidence_name(i->confidence));
	line_add_u64(ret, "cause_count", i->cause_count);
	if (i->by_peer) {
		addr_format(peer, sizeof(peer), i->peer.address, i->peer.ipv6);
		line_add(ret, "peer", peer);
	}
	line_add_u64(ret, "peers", i->peers);
	line_add_u64(ret, "ports", i->ports);
	add_text(ret, "unit", i->unit);
	line_add_u64(ret, "id", i->id);
	line_add(ret, "start", format_time(time, sizeof(time), i->start));
}

void publish_summary_line(const struct report_row *row, uint64_t moved, uint64_t window_ns,
			  struct line *ret)
{
	const struct tally_row *r = &row->row;
	char window[DURATION_TEXT_MAX];

	line_start(ret, LINE_SUMMARY, LOG_INFO);
	if (r->direction == RST_TIMEOUT)
		line_add(ret, "kind", "timeout");
	line_add(ret, "cause", cause_name(r->cause));
	line_add(ret, "direction", direction_name(r->direction));
	line_add(ret, "comm", r->comm);
	line_add_u64(ret, "pid", r->pid);
	line_add_u64(ret, "port", r->port);
	line_add(ret, "role", role_name(r->role));
	line_add_u64(ret, "count", moved);
	if (window_ns > 0) {
		line_add(ret, "window", format_duration(window, sizeof(window), window_ns));
		line_add_format(ret, "rate", "%.1f/s",
				(double)moved * (double)NSEC_PER_SEC / (double)window_ns);
	}
	line_add_u64(ret, "total", r->count);
	add_text(ret, "unit", r->unit);
	add_text(ret, "container", r->container);
	add_text(ret, "pod", r->pod);
	if (r->pid == 0 && r->netns > 0)
		line_add_u64(ret, "netns", r->netns);
	if (r->other_ports)
		line_add(ret, "other_ports", "true");
	if (r->folded)
		line_add(ret, "folded", "true");
	if (r->other)
		line_add(ret, "other", "true");
}
