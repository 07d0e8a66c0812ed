/* SPDX-License-Identifier: GPL-2.0-only */
/* Resets as decode makes them, for the tests of path and diagnose: unknown is -1. */
#ifndef TESTS_SAMPLE_RESET_H
#define TESTS_SAMPLE_RESET_H

#include "common/util.h"

#include "daemon/decode.h"

static const struct reasons sample_no_reasons;

/* What a row's key alone tells; nothing of a socket. */
static inline struct reset sample_key(uint8_t direction, uint8_t role, uint8_t state)
{
	const struct rst_key key = {
		.direction = direction,
		.role = role,
		.state = state,
		.reason = RST_REASON_NONE,
		.owner_source = role == RST_ROLE_CLIENT	  ? RST_OWNER_CONNECT
				: role == RST_ROLE_SERVER ? RST_OWNER_READ
							  : RST_OWNER_NONE,
	};
	struct reset r;

	if (decode_key(&key, &sample_no_reasons, &r))
		abort();
	return r;
}

/* A full socket that nothing has happened on. */
static inline struct reset sample_socket(uint8_t direction, uint8_t role, uint8_t state)
{
	struct reset r = sample_key(direction, role, state);

	r.age_ms = 5000;
	r.idle_ms = r.receive_idle_ms = r.ack_idle_ms = r.send_idle_ms = -1;
	r.bytes_received = r.bytes_sent = r.bytes_acked = 0;
	r.unread_bytes = r.unacked_bytes = r.unsent_bytes = 0;
	r.retransmits = r.total_retrans = r.backoff = r.probes = 0;
	r.linger2 = 0;
	r.linger_time_s = 0;
	r.srtt_us = 1000;
	r.abort_on_overflow = 0;
	return r;
}

/* Closed by its owner: what close() leaves behind. */
static inline struct reset sample_closed(uint8_t role, enum reason reason)
{
	struct reset r = sample_socket(RST_SENT, role, STATE_CLOSE);

	r.reason = reason;
	r.flags = RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE;
	r.actor_tgid = 7;
	return r;
}

static inline void sample_segment(struct reset *r, uint8_t tcp_flags, uint16_t payload)
{
	r->flags |= RST_EVENT_SEGMENT;
	r->tcp_flags = tcp_flags;
	r->payload = payload;
	r->syn = tcp_flags & 2;
}

#define ACK 16
#define PSH 8
#define SYN 2
#define FIN 1

/* No socket, or only a listener, and a segment. */
static inline struct reset sample_answer(enum reason reason, uint8_t state, uint8_t tcp_flags,
					 uint16_t payload)
{
	struct reset r =
		sample_key(RST_SENT, state == STATE_LISTEN ? RST_ROLE_SERVER : RST_ROLE_NONE, state);

	r.reason = reason;
	sample_segment(&r, tcp_flags, payload);
	if (state == STATE_LISTEN) {
		r.backlog = 0;
		r.backlog_max = 128;
		r.requests = 0;
		r.drops = 0;
		r.listener_age_ms = 60000;
		r.abort_on_overflow = 0;
	}
	return r;
}

/* The connection was here before, served, and was closed in good order. */
static inline void sample_former(struct reset *r, uint8_t role, int64_t idle_ms, int64_t fin_ms)
{
	r->has_former = true;
	r->former_role = role;
	r->former_send_idle_ms = r->former_receive_idle_ms = idle_ms;
	r->former_fin_ms = r->closed_ms = fin_ms;
	r->former_bytes_sent = r->former_bytes_received = 900;
	r->former_age_ms = idle_ms + 10;
	if (r->state != STATE_LISTEN) {
		r->role = role;
		r->owner_source = RST_OWNER_CLOSED;
		r->bytes_sent = r->bytes_received = 900;
	}
}

/* The reset itself, as Linux makes it for a program (active) or without a socket. */
static inline void sample_packet(struct reset *r, bool active, uint8_t ttl)
{
	r->flags |= RST_EVENT_PACKET;
	r->packet_flags = active ? 0x14 : 0x04;
	r->packet_window = active ? 502 : 0;
	r->packet_header = active ? 32 : 20;
	r->packet_ttl = ttl;
	r->ttl_base = 63;
}

#endif
