/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reset as JSON: the names of the contract stand in the tables here. It must not compute: what
 * is not in a finding is not told. Proved by tests/unit/daemon/publish.c, which also holds
 * io.rstmon.varlink against what is made here.
 */
#include "common/util.h"

#include "common/addr.h"
#include "daemon/diagnose.h"
#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

#define TCP_FLAGS_TEXT_MAX 36 /* eight names of three letters, and what is between them */

/* Quantities that are -1 where unknown. Those of a former connection are known only with it. */
static const struct {
	const char *name;
	struct quantity quantity;
	bool former;
} numbers[] = {
#define NUMBER(field)                                                                              \
	{                                                                                          \
#field, RESET_QUANTITY(field), false                                               \
	}
#define FORMER(field)                                                                              \
	{                                                                                          \
#field, RESET_QUANTITY(field), true                                                \
	}
	NUMBER(age_ms),
	NUMBER(idle_ms),
	NUMBER(bytes_received),
	NUMBER(bytes_sent),
	NUMBER(unread_bytes),
	NUMBER(unacked_bytes),
	NUMBER(unsent_bytes),
	NUMBER(bytes_acked),
	NUMBER(receive_idle_ms),
	NUMBER(ack_idle_ms),
	NUMBER(send_idle_ms),
	NUMBER(since_state_ms),
	NUMBER(fin_ms),
	NUMBER(closed_ms),
	NUMBER(srtt_us),
	NUMBER(user_timeout_ms),
	NUMBER(keepalive_time_s),
	NUMBER(linger_time_s),
	NUMBER(linger2),
	NUMBER(backlog),
	NUMBER(backlog_max),
	NUMBER(drops),
	NUMBER(requests),
	NUMBER(listener_age_ms),
	NUMBER(retransmits),
	NUMBER(total_retrans),
	NUMBER(backoff),
	NUMBER(probes),
	NUMBER(ttl_base),
	FORMER(former_age_ms),
	FORMER(former_fin_ms),
	FORMER(former_receive_idle_ms),
	FORMER(former_send_idle_ms),
	FORMER(former_bytes_received),
	FORMER(former_bytes_sent),
	NUMBER(abort_on_overflow),
	NUMBER(syn_retries),
	NUMBER(synack_retries),
	NUMBER(retries2),
	NUMBER(sysctl_keepalive_time_s),
	NUMBER(sysctl_keepalive_intvl_s),
	NUMBER(sysctl_keepalive_probes),
	NUMBER(sysctl_fin_timeout_s),
	NUMBER(somaxconn),
#undef FORMER
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
	{"seeded", RST_EVENT_SEEDED},	    {"oom", RST_EVENT_OOM},
};

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
	object_put_text(o, "pod", w->pod);
	object_put_text(o, "owner_source", owner_source_name(w->source));
	object_put_int(o, "actor_pid", r->actor_tgid);
	object_put_text(o, "actor_comm", r->actor_comm);
	object_put_int(o, "actor_parent_pid", r->actor_parent_tgid);
	object_put_text(o, "actor_parent_comm", r->actor_parent_comm);
	object_put_int(o, "exit_signal", r->has_exit ? r->exit_signal : 0);
	object_put_int(o, "exit_status", r->has_exit ? r->exit_status : -1);
}

/* The other end of the connection, where it is on this host. */
static void put_other(struct object *o, const struct other_end *other)
{
	object_put_int(o, "other_pid", other->known ? other->pid : 0);
	object_put_text(o, "other_comm", other->known ? other->comm : "");
	object_put_text(o, "other_role", other->known ? role_name(other->role) : "");
}

/* Who had the connection or the listener before, and how it ended. */
static void put_former(struct object *o, const struct reset *r)
{
	static const char *const ended[] = {"", "sent", "received"}; /* by a reset */
	bool exited = r->has_former && (r->former_flags & RST_FORMER_EXITING);

	object_put_int(o, "former_pid", r->former_tgid);
	object_put_text(o, "former_comm", r->former_comm);
	object_put_text(o, "former_state", r->has_former ? tcp_state_name(r->former_state) : "");
	object_put_text(
		o, "former_reset",
		r->has_former && r->former_reset < ARRAY_SIZE(ended) ? ended[r->former_reset] : "");
	object_put_int(o, "former_exit_signal", exited ? r->former_exit_signal : 0);
	object_put_int(o, "former_exit_status", exited ? r->former_exit_status : -1);
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

/* The reset itself, where the packet program saw it. */
static void put_packet(struct object *o, const struct reset *r)
{
	bool known = r->flags & RST_EVENT_PACKET;
	char text[TCP_FLAGS_TEXT_MAX] = "";

	if (known)
		tcp_flags_text(text, sizeof(text), r->packet_flags);
	object_put_text(o, "packet_flags", text);
	object_put_int(o, "packet_ttl", known ? r->packet_ttl : -1);
	object_put_int(o, "packet_window", known ? r->packet_window : -1);
	object_put_int(o, "packet_id", known ? r->packet_id : -1);
	object_put_int(o, "packet_header", known ? r->packet_header : -1);
}

void publish_evidence(struct object *o, const struct finding *f)
{
	struct json_object *texts = json_object_new_array();
	struct evidence evidence;

	evidence_format(f, &evidence);
	for (unsigned int i = 0; i < evidence.n; i++)
		object_append(o, texts, json_object_new_string(evidence.text[i]));
	object_put(o, "evidence", texts);
}

static void put_verdict(struct object *o, const struct finding *f)
{
	const struct verdict *v = &f->verdict;

	object_put_text(o, "cause", cause_name(v->cause));
	object_put_text(o, "confidence", confidence_name(v->confidence));
	object_put_text(o, "path", path_name(v->path));
	object_put_text(o, "fact", path_fact(v->path));
	object_put_text(o, "errno", socket_errno_name(v->error));
	publish_evidence(o, f);
}

static void put_numbers(struct object *o, const struct reset *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t n = reset_quantity(r, numbers[i].quantity);

		object_put_int(o, numbers[i].name, numbers[i].former && !r->has_former ? -1 : n);
	}
}

struct json_object *publish_reset(const struct finding *f)
{
	const struct reset *r = &f->reset;
	struct object o = object_start();

	publish_time(&o, "time", r->time);
	object_put_text(&o, "kind", r->direction == RST_TIMEOUT ? "timeout" : "reset");
	object_put_text(&o, "direction", direction_name(r->direction));
	put_verdict(&o, f);
	put_owner(&o, f);
	put_other(&o, &f->other);
	put_former(&o, r);
	put_place(&o, r);
	put_numbers(&o, r);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		object_put_bool(&o, flags[i].name, r->flags & flags[i].flag);
	object_put_text(&o, "error", socket_errno_name(r->error));
	object_put_text(&o, "error_soft", socket_errno_name(r->error_soft));
	put_segment(&o, r);
	put_packet(&o, r);
	return object_finish(&o);
}
