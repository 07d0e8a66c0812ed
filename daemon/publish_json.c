/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reset, the list and the status as JSON: the names of the contract stand in the tables here.
 * It must not compute: what is not in a finding or a report is not told. Proved by
 * tests/unit/daemon/publish.c, which also holds io.rstmon.varlink against what is made here.
 */
#include "common/util.h"

#include "common/addr.h"
#include "common/str.h"
#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

#define TCP_FLAGS_TEXT_MAX 36 /* eight names of three letters, and what is between them */

/* Quantities that are -1 where unknown. */
static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
#define NUMBER(field)                                                                              \
	{                                                                                          \
#field, offsetof(struct reset, field)                                              \
	}
	NUMBER(age_ms),		  NUMBER(idle_ms),	 NUMBER(bytes_received),
	NUMBER(bytes_sent),	  NUMBER(unread_bytes),	 NUMBER(unacked_bytes),
	NUMBER(unsent_bytes),	  NUMBER(bytes_acked),	 NUMBER(receive_idle_ms),
	NUMBER(ack_idle_ms),	  NUMBER(send_idle_ms),	 NUMBER(since_state_ms),
	NUMBER(closed_ms),	  NUMBER(srtt_us),	 NUMBER(user_timeout_ms),
	NUMBER(keepalive_time_s), NUMBER(linger_time_s), NUMBER(linger2),
	NUMBER(backlog),	  NUMBER(backlog_max),	 NUMBER(retransmits),
	NUMBER(total_retrans),	  NUMBER(backoff),	 NUMBER(probes),
	NUMBER(ttl_base),
#undef NUMBER
};

static const struct {
	const char *name;
	uint32_t flag;
} flags[] = {
	{"linger", RST_EVENT_LINGER},	    {"keepalive", RST_EVENT_KEEPALIVE},
	{"orphan", RST_EVENT_DEAD},	    {"fin_received", RST_EVENT_FIN_RECEIVED},
	{"shut_read", RST_EVENT_SHUT_READ}, {"shut_write", RST_EVENT_SHUT_WRITE},
	{"mptcp", RST_EVENT_MPTCP},	    {"time_wait", RST_EVENT_TIME_WAIT},
	{"request", RST_EVENT_REQUEST},	    {"listener", RST_EVENT_LISTENER},
	{"seeded", RST_EVENT_SEEDED},
};

static void put_time(struct object *o, const char *key, uint64_t time)
{
	char text[TIME_TEXT_MAX] = "";

	if (time > 0)
		format_time(text, sizeof(text), time);
	object_put_text(o, key, text);
}

static void put_endpoint(struct object *o, const char *key, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];

	endpoint_format(text, sizeof(text), e->address, e->ipv6, e->port);
	object_put_text(o, key, text);
}

static void put_owner(struct object *o, const struct finding *f)
{
	const struct reset *r = &f->reset;
	const struct owner *w = &f->owner;

	object_put_int(o, "pid", w->pid);
	object_put_text(o, "comm", w->comm);
	object_put_text(o, "exe", w->exe);
	object_put_text(o, "unit", w->unit);
	object_put_text(o, "container", w->container);
	object_put_text(o, "owner_source", owner_source_name(w->source));
	object_put_int(o, "actor_pid", r->actor_tgid);
	object_put_text(o, "actor_comm", r->actor_comm);
	object_put_int(o, "former_pid", r->former_tgid);
	object_put_text(o, "former_comm", r->former_comm);
	object_put_int(o, "exit_signal", r->has_exit ? r->exit_signal : 0);
	object_put_int(o, "exit_status", r->has_exit ? r->exit_status : -1);
}

static void put_place(struct object *o, const struct reset *r)
{
	object_put_text(o, "role", role_name(r->role));
	object_put_int(o, "port", r->port);
	put_endpoint(o, "local", &r->local);
	put_endpoint(o, "remote", &r->remote);
	object_put_text(o, "family", r->flags & RST_EVENT_IPV6 ? "ipv6" : "ipv4");
	object_put_text(o, "state", tcp_state_name(r->state));
	object_put_text(o, "previous_state", tcp_state_name(r->previous_state));
	object_put_text(o, "reason", r->reason_name ? r->reason_name : "");
	object_put_int(o, "netns", r->netns);
	object_put_int(o, "netns_cookie", r->netns_cookie);
	object_put_int(o, "cgroup", (int64_t)r->cgroup);
}

/* "SYN|ACK". Returns dst. */
static char *tcp_flags_text(char *dst, size_t size, uint8_t tcp_flags)
{
	static const char *const names[8] = {"FIN", "SYN", "RST", "PSH",
					     "ACK", "URG", "ECE", "CWR"};
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; i < ARRAY_SIZE(names) && n < size; i++)
		if (tcp_flags & (1U << i))
			n += snprintf(dst + n, size - n, "%s%s", n > 0 ? "|" : "", names[i]);
	return dst;
}

/* The segment that provoked the reset, or was it. */
static void put_segment(struct object *o, const struct reset *r)
{
	bool known = r->flags & RST_EVENT_SEGMENT;
	char text[TCP_FLAGS_TEXT_MAX] = "";

	if (known)
		tcp_flags_text(text, sizeof(text), r->tcp_flags);
	object_put_text(o, "tcp_flags", text);
	object_put_int(o, "seq", known ? (int64_t)r->seq : -1);
	object_put_int(o, "ack", known ? (int64_t)r->ack : -1);
	object_put_int(o, "payload", known ? r->payload : -1);
	object_put_int(o, "ttl", known ? r->ttl : -1);
}

static void put_verdict(struct object *o, const struct verdict *v)
{
	struct json_object *evidence = json_object_new_array();

	object_put_text(o, "cause", cause_name(v->cause));
	object_put_text(o, "confidence", confidence_name(v->confidence));
	object_put_text(o, "errno", socket_errno_name(v->error));
	for (unsigned int i = 0; i < MIN(v->n_evidence, (unsigned int)RSTMON_EVIDENCE_MAX); i++)
		object_append(o, evidence, json_object_new_string(v->evidence[i]));
	object_put(o, "evidence", evidence);
}

struct json_object *publish_reset(const struct finding *f)
{
	const struct reset *r = &f->reset;
	struct object o = object_start();

	put_time(&o, "time", r->time);
	object_put_text(&o, "kind", "reset");
	object_put_text(&o, "direction", direction_name(r->direction));
	put_verdict(&o, &f->verdict);
	put_owner(&o, f);
	put_place(&o, r);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t n;

		memcpy(&n, (const char *)r + numbers[i].offset, sizeof(n));
		object_put_int(&o, numbers[i].name, n);
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		object_put_bool(&o, flags[i].name, r->flags & flags[i].flag);
	object_put_text(&o, "error", socket_errno_name(r->error));
	object_put_text(&o, "error_soft", socket_errno_name(r->error_soft));
	put_segment(&o, r);
	return object_finish(&o);
}

static void put_process_row(struct object *o, const struct tally_row *r)
{
	object_put_int(o, "pid", r->pid);
	object_put_text(o, "comm", r->comm);
	object_put_text(o, "exe", r->exe);
	object_put_text(o, "unit", r->unit);
	object_put_text(o, "container", r->container);
	/* of a process it says nothing: that may have sockets in several */
	if (r->pid == 0 && r->netns > 0)
		object_put_int(o, "netns", r->netns);
	object_put_int(o, "port", r->port);
	object_put_text(o, "role", role_name(r->role));
	object_put_text(o, "direction", direction_name(r->direction));
	object_put_text(o, "cause", cause_name(r->cause));
	object_put_text(o, "owner_source", owner_source_name(r->owner_source));
}

static void put_row_marks(struct object *o, const struct tally_row *r)
{
	if (r->spilled > 0)
		object_put_int(o, "spilled", (int64_t)r->spilled);
	if (r->other_ports)
		object_put_bool(o, "other_ports", true);
	if (r->folded)
		object_put_bool(o, "folded", true);
	if (r->other)
		object_put_bool(o, "other", true);
}

static void put_peer_row(struct object *o, const struct report_row *row)
{
	char text[ENDPOINT_TEXT_MAX];

	addr_format(text, sizeof(text), row->peer.address, row->peer.ipv6);
	object_put_text(o, "peer", text);
	object_put_text(o, "direction", direction_name(row->row.direction));
	object_put_int(o, "count", (int64_t)row->row.count);
	object_put_int(o, "error", (int64_t)row->error);
}

static struct json_object *publish_row(const struct report_row *row, enum report_by by)
{
	const struct tally_row *r = &row->row;
	struct object o = object_start();

	if (by == REPORT_BY_PEER) {
		put_peer_row(&o, row);
		return object_finish(&o);
	}

	if (by == REPORT_BY_PROCESS)
		put_process_row(&o, r);
	else if (by == REPORT_BY_PORT)
		object_put_int(&o, "port", r->port);
	else if (by == REPORT_BY_CAUSE)
		object_put_text(&o, "cause", cause_name(r->cause));
	else
		object_put_text(&o, "unit", r->unit);
	object_put_int(&o, "count", (int64_t)r->count);
	put_time(&o, "first", r->first);
	put_time(&o, "last", r->last);
	put_row_marks(&o, r);
	return object_finish(&o);
}

static struct json_object *publish_totals(const struct report_list *l)
{
	const struct tally_stats *t = &l->totals;
	struct object o = object_start();

	object_put_int(&o, "sent", (int64_t)t->total[RST_SENT]);
	object_put_int(&o, "received", (int64_t)t->total[RST_RECEIVED]);
	object_put_int(&o, "spilled", (int64_t)sum_directions(t->spilled));
	object_put_int(&o, "lost", (int64_t)sum_directions(t->lost));
	if (l->started > 0)
		put_time(&o, "from", l->started);
	return object_finish(&o);
}

struct json_object *publish_list(const struct report_list *l, enum report_by by)
{
	struct json_object *rows = json_object_new_array();
	struct object o = object_start();

	for (size_t i = 0; i < l->n; i++)
		object_append(&o, rows, publish_row(&l->rows[i], by));
	object_put(&o, "rows", rows);
	object_put(&o, "totals", publish_totals(l));
	if (l->from > 0)
		put_time(&o, "from", l->from);
	if (l->partial)
		object_put_bool(&o, "partial", true);
	return object_finish(&o);
}
