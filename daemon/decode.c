/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the kernel's record to struct reset. Trusts no length and no number: a record may come from
 * a damaged recording. Must not look anything up. Proved by tests/unit/daemon/decode.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/decode.h"

#define UNKNOWN_MS 0xffffffffU

/* Stamps of a socket that never heard or sent anything look as old as the boot (CAUSES.md H). */
static int64_t idle(uint32_t ms, int64_t age_ms)
{
	if (ms == UNKNOWN_MS)
		return -1;
	if (age_ms >= 0 && (int64_t)ms > age_ms + 1000)
		return -1;
	return ms;
}

static int64_t least(int64_t a, int64_t b)
{
	if (a < 0)
		return b;
	if (b < 0)
		return a;
	return MIN(a, b);
}

static int64_t since_ms(uint64_t then, uint64_t now)
{
	return then && then <= now ? (int64_t)((now - then) / NSEC_PER_MSEC) : -1;
}

/* Nothing is known yet. */
static const struct reset unknown = {
	.age_ms = -1,
	.idle_ms = -1,
	.bytes_received = -1,
	.bytes_sent = -1,
	.bytes_acked = -1,
	.unread_bytes = -1,
	.unacked_bytes = -1,
	.unsent_bytes = -1,
	.receive_idle_ms = -1,
	.ack_idle_ms = -1,
	.send_idle_ms = -1,
	.since_state_ms = -1,
	.fin_ms = -1,
	.srtt_us = -1,
	.user_timeout_ms = -1,
	.keepalive_time_s = -1,
	.backlog = -1,
	.backlog_max = -1,
	.linger_time_s = -1,
	.linger2 = -1,
	.retransmits = -1,
	.total_retrans = -1,
	.backoff = -1,
	.probes = -1,
	.ttl_base = -1,
	.closed_ms = -1,
	.exit_status = -1,
	.drops = -1,
	.requests = -1,
	.listener_age_ms = -1,
	.abort_on_overflow = -1,
	.syn_retries = -1,
	.synack_retries = -1,
	.retries2 = -1,
	.sysctl_keepalive_time_s = -1,
	.sysctl_keepalive_intvl_s = -1,
	.sysctl_keepalive_probes = -1,
	.sysctl_fin_timeout_s = -1,
	.somaxconn = -1,
	.former_exit_status = -1,
	.former_fin_ms = -1,
	.former_age_ms = -1,
	.former_receive_idle_ms = -1,
	.former_send_idle_ms = -1,
	.former_bytes_received = -1,
	.former_bytes_sent = -1,
};

static bool key_is_valid(const struct rst_key *key)
{
	return key->direction < RST_DIRECTION_MAX && key->role < RST_ROLE_MAX &&
	       key->owner_source < RST_OWNER_SOURCE_MAX && key->state <= STATE_NEW_SYN_RECV &&
	       key->previous_state <= STATE_NEW_SYN_RECV;
}

static void fill_key(const struct rst_key *key, const struct reasons *reasons, struct reset *r)
{
	*r = unknown;
	r->netns = key->netns;
	r->netns_cookie = key->netns_cookie;
	r->port = key->port;
	r->direction = key->direction;
	r->role = key->role;
	r->state = key->state;
	r->previous_state = key->previous_state;
	r->reason_number = key->reason;
	r->reason = reasons_meaning(reasons, key->reason);
	r->reason_name = reasons_name(reasons, key->reason);
	r->syn = key->flags & RST_KEY_SYN;
	r->flags = (key->flags & RST_KEY_MPTCP ? RST_EVENT_MPTCP : 0) |
		   (key->flags & RST_KEY_FORMER_LISTENER ? RST_EVENT_FORMER_LISTENER : 0) |
		   (key->flags & RST_KEY_REJECT ? RST_EVENT_REJECT : 0);
	r->owner_tgid = key->owner_tgid;
	r->owner_start = key->owner_start;
	r->owner_source = key->owner_source;
}

int decode_key(const struct rst_key *key, const struct reasons *reasons, struct reset *ret)
{
	if (!key_is_valid(key))
		return -EBADMSG;
	fill_key(key, reasons, ret);
	return 0;
}

static void decode_endpoint(const uint8_t address[16], uint16_t port, bool ipv6,
			    struct endpoint *ret)
{
	memcpy(ret->address, address, ipv6 ? 16 : 4);
	ret->port = port;
	ret->ipv6 = ipv6;
}

/* The kernel counts the peer's FIN among the bytes, because it has a sequence number. */
static int64_t payload(uint64_t bytes, bool fin_received)
{
	if (fin_received && bytes)
		bytes--;
	return (int64_t)MIN(bytes, INT64_MAX);
}

/* 'ret' is empty already, and most are. */
static void decode_comm(char ret[RSTMON_COMM_MAX], const char comm[RST_COMM_LEN])
{
	if (comm[0])
		str_sanitise(ret, RSTMON_COMM_MAX, comm, RST_COMM_LEN);
}

/* An exit code as wait(2) has it. */
static void decode_exit(uint32_t code, int16_t *ret_signal, int16_t *ret_status)
{
	*ret_signal = code & 0x7f;
	*ret_status = *ret_signal ? -1 : (int16_t)(code >> 8 & 0xff);
}

/* How the connection, or the listener, that was here before had ended. */
static void decode_former(const struct rst_former *f, struct reset *r)
{
	uint64_t end = f->fin_sent ? f->fin_sent : f->closed;

	r->has_former = true;
	r->former_role = f->role;
	r->former_state = f->previous_state;
	r->former_reset = f->reset;
	r->former_flags = f->flags;
	if (f->flags & RST_FORMER_EXITING)
		decode_exit(f->exit_code, &r->former_exit_signal, &r->former_exit_status);
	decode_comm(r->former_comm, f->comm);
	r->closed_ms = since_ms(f->closed, r->monotonic);
	r->former_fin_ms = since_ms(f->fin_sent, r->monotonic);
	r->former_age_ms = since_ms(f->established, f->closed);
	if (r->flags & RST_EVENT_FORMER_LISTENER) {
		r->listener_age_ms = r->former_age_ms;
		return;
	}
	r->former_receive_idle_ms = idle(f->receive_idle_ms, since_ms(f->established, end));
	r->former_send_idle_ms = idle(f->send_idle_ms, since_ms(f->established, end));
	r->former_bytes_received =
		payload(f->bytes_received, f->previous_state == STATE_CLOSE_WAIT ||
						   f->previous_state == STATE_LAST_ACK ||
						   f->previous_state == STATE_CLOSING);
	r->former_bytes_sent = (int64_t)MIN(f->bytes_sent, INT64_MAX);
}

/* A reset without a full socket. The owner is who had the connection; of a closed listener nobody.
 */
static void decode_without_socket(const struct rst_event_former *e, struct reset *r)
{
	const struct rst_former *f = &e->former;

	decode_former(f, r);
	if (r->flags & RST_EVENT_FORMER_LISTENER) {
		r->former_tgid = f->owner_tgid;
		return;
	}
	if (e->event.key.owner_tgid) {
		memcpy(r->owner_comm, r->former_comm, sizeof(r->owner_comm));
		r->cgroup = f->cgroup;
	} else {
		r->former_tgid = f->owner_tgid; /* too long ago to be the owner of this */
	}
	r->bytes_received = r->former_bytes_received;
	r->bytes_sent = r->former_bytes_sent;
	/* idle times were measured when the owner closed, if that is known */
	if (r->former_receive_idle_ms >= 0)
		r->idle_ms = r->former_fin_ms >= 0 ? r->former_fin_ms + r->former_receive_idle_ms
			     : r->closed_ms >= 0   ? r->closed_ms + r->former_receive_idle_ms
						   : -1;
}

/* The kernel's own is an int where these are used; a damaged record may have anything. */
static int32_t number(uint32_t value)
{
	return (int32_t)MIN(value, (uint32_t)INT32_MAX);
}

/* 0 where that is no value that a sysctl can have: it was not read. */
static int32_t sysctl(uint32_t value)
{
	return value ? number(value) : -1;
}

static int16_t short_sysctl(uint8_t value)
{
	return value ? value : -1;
}

static void decode_sysctls(const struct rst_event_sock *e, struct reset *r)
{
	r->syn_retries = short_sysctl(e->syn_retries);
	r->synack_retries = short_sysctl(e->synack_retries);
	r->retries2 = short_sysctl(e->retries2);
	r->sysctl_keepalive_time_s = sysctl(e->sysctl_keepalive_time_s);
	r->sysctl_keepalive_intvl_s = sysctl(e->sysctl_keepalive_intvl_s);
	r->sysctl_keepalive_probes = short_sysctl(e->sysctl_keepalive_probes);
	r->sysctl_fin_timeout_s = sysctl(e->sysctl_fin_timeout_s);
	r->somaxconn = sysctl(e->somaxconn);
	/* 0 is the usual value; it was read if its neighbours were */
	if (e->retries2 || e->syn_retries)
		r->abort_on_overflow = e->abort_on_overflow;
}

static void decode_actor(const struct rst_event_sock *e, struct reset *r)
{
	r->actor_tgid = e->actor_tgid;
	decode_comm(r->actor_comm, e->actor_comm);
	r->actor_parent_tgid = e->actor_parent_tgid;
	decode_comm(r->actor_parent_comm, e->actor_parent_comm);
	if (r->flags & RST_EVENT_EXITING) {
		r->has_exit = true;
		decode_exit(e->exit_code, &r->exit_signal, &r->exit_status);
	}
}

static void decode_packet(const struct rst_event_sock *e, struct reset *r)
{
	if (!(r->flags & RST_EVENT_PACKET))
		return;
	r->packet_window = e->packet_window;
	r->packet_id = e->packet_id;
	r->packet_ttl = e->packet_ttl;
	r->packet_flags = e->packet_flags;
	r->packet_header = e->packet_header;
}

/* True if the connection never came to be: its SYN takes a sequence number, but is no data. */
static bool is_attempt(const struct reset *r)
{
	return r->state == STATE_SYN_SENT ||
	       (r->state == STATE_CLOSE && r->previous_state == STATE_SYN_SENT);
}

static void decode_sock(const struct rst_event_sock *e, struct reset *r)
{
	bool listener = r->state == STATE_LISTEN;

	r->socket = e->sk;
	r->cgroup = e->cgroup;
	decode_comm(r->owner_comm, e->owner_comm);
	decode_actor(e, r);
	decode_packet(e, r);
	decode_sysctls(e, r);
	r->backlog_max = number(e->backlog_max);
	/* a connect() that did not wait is told of what lies in its error queue */
	r->error = e->error || r->direction != RST_TIMEOUT ? e->error : e->error_soft;
	r->error_soft = e->error_soft;
	r->linger_time_s = e->linger_time_s;
	if (listener) {
		r->backlog = number(e->backlog);
		r->drops = e->drops;
		r->requests = number(e->requests);
		r->listener_age_ms = since_ms(e->state_since, e->event.time);
		return;
	}
	r->age_ms = since_ms(e->established, e->event.time);
	r->since_state_ms = since_ms(e->state_since, e->event.time);
	r->fin_ms = since_ms(e->fin_sent, e->event.time);
	r->receive_idle_ms = idle(e->receive_idle_ms, r->age_ms);
	r->ack_idle_ms = idle(e->ack_idle_ms, r->age_ms);
	r->send_idle_ms = idle(e->send_idle_ms, r->age_ms);
	r->idle_ms = least(r->receive_idle_ms, r->ack_idle_ms);
	r->bytes_received = payload(e->bytes_received, r->flags & RST_EVENT_FIN_RECEIVED);
	r->bytes_sent = (int64_t)MIN(e->bytes_sent, INT64_MAX);
	r->bytes_acked = (int64_t)MIN(e->bytes_acked, INT64_MAX);
	r->unread_bytes = number(e->unread);
	r->unacked_bytes = is_attempt(r) ? 0 : number(e->unacked);
	r->unsent_bytes = number(e->unsent);
	r->srtt_us = number(e->srtt_us);
	r->user_timeout_ms = number(e->user_timeout_ms);
	r->keepalive_time_s = number(e->keepalive_time_s);
	r->linger2 = e->linger2;
	r->retransmits = e->retransmits;
	r->total_retrans = number(e->total_retrans);
	r->backoff = e->backoff;
	r->probes = e->probes;
	/* 1 is what a socket has by default */
	r->ttl_base = e->ttl_base > 1 ? e->ttl_base : -1;
}

static size_t kind_size(uint8_t kind)
{
	switch (kind) {
	case RST_EVENT_BARE:
		return sizeof(struct rst_event);
	case RST_EVENT_FORMER:
		return sizeof(struct rst_event_former);
	case RST_EVENT_SOCK:
		return sizeof(struct rst_event_sock);
	case RST_EVENT_SOCK_FORMER:
		return sizeof(struct rst_event_sock_former);
	default:
		return 0;
	}
}

/* The former connection's enumerations go into tables, too. */
static bool former_is_valid(const struct rst_former *f)
{
	return f->role < RST_ROLE_MAX && f->previous_state <= STATE_NEW_SYN_RECV &&
	       f->owner_source < RST_OWNER_SOURCE_MAX && f->reset <= 2;
}

static bool record_is_valid(const struct rst_event *e)
{
	const struct rst_event_former *without = (const void *)e;
	const struct rst_event_sock_former *with = (const void *)e;

	if (!key_is_valid(&e->key))
		return false;
	if (e->kind == RST_EVENT_FORMER)
		return former_is_valid(&without->former);
	return e->kind != RST_EVENT_SOCK_FORMER || former_is_valid(&with->former);
}

/* What the kinds add to the first part of the record. */
static void decode_rest(const void *record, uint8_t kind, struct reset *r)
{
	const struct rst_event_sock_former *with = record;

	if (kind == RST_EVENT_FORMER)
		decode_without_socket(record, r);
	else if (kind == RST_EVENT_SOCK)
		decode_sock(record, r);
	if (kind != RST_EVENT_SOCK_FORMER)
		return;
	decode_sock(&with->sock, r);
	/* this record is of the connection */
	r->flags &= ~(uint32_t)RST_EVENT_FORMER_LISTENER;
	r->former_tgid = with->former.owner_tgid;
	decode_former(&with->former, r);
}

/* All is looked at before anything is written, so that it is written where it belongs at once. */
int decode_check(const void *record, size_t size)
{
	const struct rst_event *e = record;

	if (size < sizeof(*e))
		return -EBADMSG;
	if (e->version != RST_EVENT_VERSION)
		return -EPROTO;
	if (size != kind_size(e->kind) || e->size != size || !record_is_valid(e))
		return -EBADMSG;
	return 0;
}

void decode_checked(const void *record, const struct reasons *reasons, int64_t clock_offset,
		    struct reset *ret)
{
	const struct rst_event *e = record;
	bool ipv6 = e->flags & RST_EVENT_IPV6;

	fill_key(&e->key, reasons, ret);
	ret->flags |= e->flags & ~(uint32_t)RST_EVENT_REJECT;
	ret->monotonic = e->time;
	ret->time = e->time + (uint64_t)clock_offset;
	decode_endpoint(e->local, e->local_port, ipv6, &ret->local);
	decode_endpoint(e->remote, e->remote_port, ipv6, &ret->remote);
	if (e->flags & RST_EVENT_SEGMENT) {
		ret->seq = e->seq;
		ret->ack = e->ack;
		ret->payload = e->payload;
		ret->tcp_flags = e->tcp_flags;
		ret->ttl = e->ttl;
	}
	decode_rest(record, e->kind, ret);
}

int decode(const void *record, size_t size, const struct reasons *reasons, int64_t clock_offset,
	   struct reset *ret)
{
	int r = decode_check(record, size);

	if (!r)
		decode_checked(record, reasons, clock_offset, ret);
	return r;
}
