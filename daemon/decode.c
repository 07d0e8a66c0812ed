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

int decode_key(const struct rst_key *key, const struct reasons *reasons, struct reset *ret)
{
	struct reset r = {
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
	};

	if (key->direction >= RST_DIRECTION_MAX || key->role >= RST_ROLE_MAX ||
	    key->owner_source >= RST_OWNER_SOURCE_MAX || key->state > STATE_NEW_SYN_RECV ||
	    key->previous_state > STATE_NEW_SYN_RECV)
		return -EBADMSG;
	r.netns = key->netns;
	r.netns_cookie = key->netns_cookie;
	r.port = key->port;
	r.direction = key->direction;
	r.role = key->role;
	r.state = key->state;
	r.previous_state = key->previous_state;
	r.reason_number = key->reason;
	r.reason = reasons_meaning(reasons, key->reason);
	r.reason_name = reasons_name(reasons, key->reason);
	r.syn = key->flags & RST_KEY_SYN;
	r.flags = key->flags & RST_KEY_MPTCP ? RST_EVENT_MPTCP : 0;
	r.owner_tgid = key->owner_tgid;
	r.owner_start = key->owner_start;
	r.owner_source = key->owner_source;
	*ret = r;
	return 0;
}

static void decode_endpoint(const uint8_t address[16], uint16_t port, bool ipv6,
			    struct endpoint *ret)
{
	memcpy(ret->address, address, ipv6 ? 16 : 4);
	ret->port = port;
	ret->ipv6 = ipv6;
}

static void decode_former(const struct rst_event_former *e, struct reset *r)
{
	const struct rst_former *f = &e->former;

	if (r->flags & RST_EVENT_FORMER_LISTENER) {
		r->former_tgid = f->owner_tgid;
		str_sanitise(r->former_comm, sizeof(r->former_comm), f->comm, sizeof(f->comm));
	} else {
		str_sanitise(r->owner_comm, sizeof(r->owner_comm), f->comm, sizeof(f->comm));
		r->cgroup = f->cgroup;
		r->bytes_received = (int64_t)MIN(f->bytes_received, INT64_MAX);
		r->bytes_sent = (int64_t)MIN(f->bytes_sent, INT64_MAX);
	}
	r->closed_ms = since_ms(f->closed, e->event.time);
	if (r->closed_ms >= 0 && f->receive_idle_ms != UNKNOWN_MS &&
	    !(r->flags & RST_EVENT_FORMER_LISTENER))
		r->idle_ms = r->closed_ms + f->receive_idle_ms;
}

static void decode_sock(const struct rst_event_sock *e, struct reset *r)
{
	bool listener = r->state == STATE_LISTEN;

	r->socket = e->sk;
	r->cgroup = e->cgroup;
	r->actor_tgid = e->actor_tgid;
	str_sanitise(r->owner_comm, sizeof(r->owner_comm), e->owner_comm, sizeof(e->owner_comm));
	str_sanitise(r->actor_comm, sizeof(r->actor_comm), e->actor_comm, sizeof(e->actor_comm));
	if (r->flags & RST_EVENT_EXITING) {
		r->has_exit = true;
		r->exit_signal = e->exit_code & 0x7f;
		r->exit_status = r->exit_signal ? -1 : (int)(e->exit_code >> 8 & 0xff);
	}
	r->backlog_max = e->backlog_max;
	r->error = e->error;
	r->error_soft = e->error_soft;
	r->linger_time_s = e->linger_time_s;
	if (listener) {
		r->backlog = e->backlog;
		return;
	}
	r->age_ms = since_ms(e->established, e->event.time);
	r->since_state_ms = since_ms(e->state_since, e->event.time);
	r->receive_idle_ms = idle(e->receive_idle_ms, r->age_ms);
	r->ack_idle_ms = idle(e->ack_idle_ms, r->age_ms);
	r->send_idle_ms = idle(e->send_idle_ms, r->age_ms);
	r->idle_ms = least(r->receive_idle_ms, r->ack_idle_ms);
	r->bytes_received = (int64_t)MIN(e->bytes_received, INT64_MAX);
	r->bytes_sent = (int64_t)MIN(e->bytes_sent, INT64_MAX);
	r->bytes_acked = (int64_t)MIN(e->bytes_acked, INT64_MAX);
	r->unread_bytes = e->unread;
	/* the SYN takes a sequence number, but is no data */
	r->unacked_bytes = r->state == STATE_SYN_SENT ? 0 : e->unacked;
	r->unsent_bytes = e->unsent;
	r->srtt_us = e->srtt_us;
	r->user_timeout_ms = e->user_timeout_ms;
	r->keepalive_time_s = e->keepalive_time_s;
	r->linger2 = e->linger2;
	r->retransmits = e->retransmits;
	r->total_retrans = e->total_retrans;
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
	default:
		return 0;
	}
}

int decode(const void *record, size_t size, const struct reasons *reasons, int64_t clock_offset,
	   struct reset *ret)
{
	const struct rst_event *e = record;
	struct reset r;
	bool ipv6;
	int error;

	if (size < sizeof(*e))
		return -EBADMSG;
	if (e->version != RST_EVENT_VERSION)
		return -EPROTO;
	if (size != kind_size(e->kind) || e->size != size)
		return -EBADMSG;
	error = decode_key(&e->key, reasons, &r);
	if (error)
		return error;

	r.flags |= e->flags;
	r.monotonic = e->time;
	r.time = e->time + (uint64_t)clock_offset;
	ipv6 = e->flags & RST_EVENT_IPV6;
	decode_endpoint(e->local, e->local_port, ipv6, &r.local);
	decode_endpoint(e->remote, e->remote_port, ipv6, &r.remote);
	if (e->flags & RST_EVENT_SEGMENT) {
		r.seq = e->seq;
		r.ack = e->ack;
		r.payload = e->payload;
		r.tcp_flags = e->tcp_flags;
		r.ttl = e->ttl;
	}
	if (e->kind == RST_EVENT_FORMER)
		decode_former(record, &r);
	else if (e->kind == RST_EVENT_SOCK)
		decode_sock(record, &r);
	*ret = r;
	return 0;
}
