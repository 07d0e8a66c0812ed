/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules about resets that this host received (CAUSES F.2), and about connections that ended
 * without any (F.3); the first that holds on a path wins. Must not look beyond the view.
 * Proved by tests/unit/daemon/diagnose.c.
 *
 * A reset in ESTABLISHED, with nothing but this end's socket, is the hard part. In turn it is
 * asked: did the peer go on afterwards (rst_injected)? Was our first request never acknowledged
 * (accept_overflow_peer)? Did we send after a silence, and another box answered
 * (middlebox_idle_reject), or a program, or as soon as programs do (keepalive_race_client), or a
 * kernel that knows nothing, or later than programs wait (peer_lost_connection)? Did we not provoke
 * it at all, and it came from elsewhere (rst_injected)? Then a program made it, with data on its
 * way (peer_app_abort_sending) or without (peer_app_abort_idle).
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/diagnose_internal.h"

/* Firewalls and NATs forget after 30 s at the least (RFC 4787 and 5382 ask for far more). */
#define MIDDLEBOX_IDLE_MS (30 * 1000)
/* Programs keep idle connections for seconds, to a minute or two at most (nginx 75 s, Tomcat 60 s);
 * what is silent for longer is forgotten rather by a NAT, a firewall, or a restart. */
#define PROGRAM_IDLE_MS (120 * 1000)
/* A connection that waits for accept() is given up after the retries of its SYN-ACK: 63 s with the
 * default 5, 127 s with 6. */
#define ACCEPT_WAIT_MS (130 * 1000)
/* An answer takes a round trip; beside it, what a delayed acknowledgement or a timer may add. */
#define ANSWER_SLACK_MS 200
#define UPLOAD_BYTES	(64 * 1024)
/* More than a request without a body has. */
#define REQUEST_BYTES (16 * 1024)
/* Later than this after its FIN a peer acknowledges only what came after it. */
#define AFTER_FIN_MS 1000
/* Without srtt. */
#define ANSWER_DEFAULT_MS 1000

static bool on_its_way(const struct view *v)
{
	return v->r->unacked_bytes > 0 || v->r->unsent_bytes > 0;
}

/* The last write is so young that the reset may answer it. */
static bool wrote_just_now(const struct view *v)
{
	const struct reset *r = v->r;
	int64_t limit =
		r->srtt_us > 0 ? 3LL * r->srtt_us / 1000 + ANSWER_SLACK_MS : ANSWER_DEFAULT_MS;

	return r->send_idle_ms >= 0 && r->send_idle_ms <= limit;
}

/* Silent before, and then this side wrote: what is on its way has provoked the reset. */
static bool spoke_after_silence(const struct view *v, int64_t ms)
{
	return fact_socket_known(v->r) && on_its_way(v) && v->r->idle_ms >= ms;
}

/* The request itself was acknowledged: only what was heard as data tells of the silence before it.
 */
static bool request_just_acked(const struct view *v)
{
	const struct reset *r = v->r;

	return !on_its_way(v) && wrote_just_now(v) &&
	       r->receive_idle_ms >= KEEPALIVE_IDLE_MS + r->send_idle_ms;
}

/* Nothing that this side sent was ever taken, its SYN but for: the server's kernel had shaken hands
 * and the server had not. */
static bool never_taken(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_client(v) && r->bytes_received == 0 && r->bytes_acked >= 0 &&
	       r->bytes_acked <= 1 && r->unacked_bytes > 0 && r->age_ms <= ACCEPT_WAIT_MS &&
	       fact_ttl(v->r) != TTL_NEARER && fact_ttl(v->r) != TTL_FOREIGN;
}

static bool sent_in_vain(const struct view *v)
{
	return never_taken(v) && (v->r->retransmits > 0 || v->r->total_retrans > 0) &&
	       fact_packet(v) != PACKET_ACTIVE;
}

/* tcp_abort_on_overflow answers the first segment at once, as a kernel without socket does. */
static bool refused_at_once(const struct view *v)
{
	return never_taken(v) && fact_packet(v) == PACKET_BARE && v->r->idle_ms >= 0 &&
	       v->r->idle_ms < KEEPALIVE_IDLE_MS;
}

static bool other_box_after_long_silence(const struct view *v)
{
	return spoke_after_silence(v, MIDDLEBOX_IDLE_MS) && fact_ttl(v->r) == TTL_NEARER &&
	       fact_packet(v) == PACKET_BARE;
}

static bool other_box_after_silence(const struct view *v)
{
	return spoke_after_silence(v, KEEPALIVE_IDLE_MS) &&
	       (fact_ttl(v->r) == TTL_NEARER || fact_ttl(v->r) == TTL_FOREIGN);
}

/* Nobody here wrote, and it came from somewhere else than the peer's segments. */
static bool foreign(const struct view *v)
{
	return fact_ttl(v->r) == TTL_FOREIGN || (fact_ttl(v->r) == TTL_NEARER && !on_its_way(v));
}

/* Keep-alive probes are answered, so with them only data tells of a silence; but only of a request,
 * for an upload hears no data either. */
static bool request_after_probes(const struct view *v)
{
	const struct reset *r = v->r;

	return r->flags & RST_EVENT_KEEPALIVE && on_its_way(v) &&
	       (int64_t)r->unacked_bytes + r->unsent_bytes <= REQUEST_BYTES &&
	       r->receive_idle_ms >= KEEPALIVE_IDLE_MS;
}

static bool request_raced(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_client(v) && r->bytes_received > 0 && fact_packet(v) != PACKET_BARE &&
	       (((spoke_after_silence(v, KEEPALIVE_IDLE_MS) || request_after_probes(v)) &&
		 wrote_just_now(v) && r->retransmits <= 0) ||
		request_just_acked(v));
}

/* As soon as programs do; a reset that was seen to be a program's needs no such limit. */
static bool request_raced_program(const struct view *v)
{
	return request_raced(v) &&
	       (fact_packet(v) == PACKET_ACTIVE || v->r->idle_ms < PROGRAM_IDLE_MS);
}

/* What was acknowledged was a request, and no part of a stream that nobody answers. */
static bool request_raced_silence(const struct view *v)
{
	return request_raced_program(v) &&
	       (on_its_way(v) || !fact_one_way(v->r->bytes_sent, v->r->bytes_received));
}

static bool probing(const struct view *v)
{
	return v->r->probes > 0;
}

static bool kernel_answered(const struct view *v)
{
	return fact_packet(v) == PACKET_BARE && (on_its_way(v) || probing(v));
}

static bool answered_after_silence(const struct view *v)
{
	return fact_packet(v) == PACKET_UNKNOWN &&
	       (spoke_after_silence(v, KEEPALIVE_IDLE_MS) || probing(v) ||
		(on_its_way(v) && v->r->retransmits > 0));
}

/* A kernel answers; here was nothing to answer. */
static bool unprovoked_bare(const struct view *v)
{
	return fact_socket_known(v->r) && fact_packet(v) == PACKET_BARE && !on_its_way(v) &&
	       !wrote_just_now(v);
}

static bool sending(const struct view *v)
{
	return fact_socket_known(v->r) && on_its_way(v);
}

static bool silent(const struct view *v)
{
	return fact_socket_known(v->r) && !on_its_way(v);
}

/* This side spoke last, and only just: more may have been to come. */
static bool silent_since_just_now(const struct view *v)
{
	const struct reset *r = v->r;

	return silent(v) && wrote_just_now(v) &&
	       (r->receive_idle_ms < 0 || r->send_idle_ms < r->receive_idle_ms);
}

/* It was an upload: far more went out than came in, and more than any request without a body. */
static bool upload_paused(const struct view *v)
{
	const struct reset *r = v->r;

	return silent_since_just_now(v) && r->bytes_sent >= UPLOAD_BYTES &&
	       r->bytes_received >= 0 && r->bytes_sent / 4 >= r->bytes_received;
}

/* The peer's FIN came, and nothing was written since. */
static bool wrote_nothing_since_fin(const struct view *v)
{
	const struct reset *r = v->r;

	return silent(v) && r->since_state_ms >= 0 &&
	       (r->send_idle_ms < 0 || r->send_idle_ms > r->since_state_ms);
}

/* A peer that has closed answers the first write with a reset. This one took what was written after
 * its FIN: it had only shut down its own half. Keep-alive probes are answered by who is gone, too.
 */
static bool took_more_after_fin(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_socket_known(r) && !(r->flags & RST_EVENT_KEEPALIVE) && r->idle_ms >= 0 &&
	       r->since_state_ms >= AFTER_FIN_MS && r->since_state_ms - AFTER_FIN_MS >= r->idle_ms;
}

static bool took_more_and_sending(const struct view *v)
{
	return took_more_after_fin(v) && on_its_way(v);
}

/* shutdown(SHUT_WR): the program has sent all, and waits for the answer. */
static bool half_closed(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_socket_known(r) &&
	       (r->state == STATE_FIN_WAIT1 || r->state == STATE_FIN_WAIT2) &&
	       !(r->flags & (RST_EVENT_DEAD | RST_EVENT_SHUT_READ | RST_EVENT_NO_SOCKET_FILE));
}

/* unacked counts the FIN too */
static bool half_closed_sending(const struct view *v)
{
	return half_closed(v) && (v->r->unacked_bytes > 1 || v->r->unsent_bytes > 1);
}

static bool probes_unanswered(const struct view *v)
{
	return silent(v) && probing(v) && v->r->flags & RST_EVENT_KEEPALIVE;
}

#define OPEN_CLUES CLUES(CLUE_PACKET, CLUE_TTL, CLUE_UNACKED, CLUE_UNSENT, CLUE_IDLE, CLUE_SENT)
#define IDLE_CLUES                                                                                 \
	CLUES(CLUE_IDLE, CLUE_PACKET, CLUE_TTL, CLUE_UNACKED, CLUE_SEND_IDLE, CLUE_IDLE_ALIKE)

#define OPEN (ON(RECEIVED_ESTABLISHED) | ON(RECEIVED_CLOSE_WAIT))

const struct rule diagnose_received[] = {
	{RST_CAUSE_REFUSED_SYN, ON(RECEIVED_SYN_SENT), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_TTL)},
	{RST_CAUSE_PEER_ABORT_HANDSHAKE, ON(RECEIVED_SYN_RECV), NULL, CONFIDENCE_MEDIUM, 0,
	 CLUES(CLUE_AGE)},
	{RST_CAUSE_RST_INJECTED, OPEN, fact_aftermath, CONFIDENCE_HIGH, 0, OPEN_CLUES},

	{RST_CAUSE_PEER_APP_ABORT_SENDING, ON(RECEIVED_CLOSED), half_closed_sending,
	 CONFIDENCE_MEDIUM, FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_PEER_APP_ABORT_IDLE, ON(RECEIVED_CLOSED), half_closed, CONFIDENCE_MEDIUM,
	 FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_LATE_RST_AFTER_CLOSE, ON(RECEIVED_CLOSED), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_UNACKED, CLUE_UNSENT, CLUE_SINCE_STATE)},

	{RST_CAUSE_PEER_APP_ABORT_SENDING, ON(RECEIVED_CLOSE_WAIT), took_more_and_sending,
	 CONFIDENCE_MEDIUM, FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_PEER_APP_ABORT_IDLE, ON(RECEIVED_CLOSE_WAIT), took_more_after_fin,
	 CONFIDENCE_MEDIUM, FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_PEER_APP_ABORT_IDLE, ON(RECEIVED_CLOSE_WAIT), wrote_nothing_since_fin,
	 CONFIDENCE_MEDIUM, FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_WRITE_AFTER_PEER_CLOSE, ON(RECEIVED_CLOSE_WAIT), NULL, CONFIDENCE_HIGH, 0,
	 CLUES(CLUE_SINCE_STATE, CLUE_SEND_IDLE, CLUE_UNACKED, CLUE_UNSENT, CLUE_IDLE, CLUE_SENT)},

	{RST_CAUSE_ACCEPT_OVERFLOW_PEER, ON(RECEIVED_ESTABLISHED), sent_in_vain, CONFIDENCE_HIGH,
	 AGAINST_ROLE | FOR_BURST,
	 CLUES(CLUE_ACKED, CLUE_RECEIVED, CLUE_UNACKED, CLUE_RETRANSMITS, CLUE_AGE)},
	{RST_CAUSE_ACCEPT_OVERFLOW_PEER, ON(RECEIVED_ESTABLISHED), refused_at_once,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE | FOR_BURST,
	 CLUES(CLUE_ACKED, CLUE_RECEIVED, CLUE_UNACKED, CLUE_PACKET, CLUE_AGE)},
	{RST_CAUSE_MIDDLEBOX_IDLE_REJECT, ON(RECEIVED_ESTABLISHED), other_box_after_long_silence,
	 CONFIDENCE_HIGH, FOR_IDLE_ALIKE, IDLE_CLUES},
	{RST_CAUSE_MIDDLEBOX_IDLE_REJECT, ON(RECEIVED_ESTABLISHED), other_box_after_silence,
	 CONFIDENCE_MEDIUM, FOR_IDLE_ALIKE, IDLE_CLUES},
	{RST_CAUSE_RST_INJECTED, ON(RECEIVED_ESTABLISHED), foreign, CONFIDENCE_MEDIUM, 0,
	 OPEN_CLUES},
	{RST_CAUSE_KEEPALIVE_RACE_CLIENT, ON(RECEIVED_ESTABLISHED), request_raced_silence,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE | FOR_ACTIVE_PACKET, IDLE_CLUES},
	{RST_CAUSE_KEEPALIVE_RACE_CLIENT, ON(RECEIVED_ESTABLISHED), request_raced_program,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE, IDLE_CLUES},
	{RST_CAUSE_PEER_LOST_CONNECTION, ON(RECEIVED_ESTABLISHED), kernel_answered,
	 CONFIDENCE_MEDIUM, FOR_BURST, IDLE_CLUES},
	{RST_CAUSE_PEER_LOST_CONNECTION, ON(RECEIVED_ESTABLISHED), answered_after_silence,
	 CONFIDENCE_MEDIUM, 0, IDLE_CLUES},
	{RST_CAUSE_RST_INJECTED, ON(RECEIVED_ESTABLISHED), unprovoked_bare, CONFIDENCE_LOW, 0,
	 OPEN_CLUES},
	{RST_CAUSE_PEER_APP_ABORT_SENDING, ON(RECEIVED_ESTABLISHED), sending, CONFIDENCE_MEDIUM,
	 FOR_ACTIVE_PACKET, OPEN_CLUES},
	{RST_CAUSE_PEER_APP_ABORT_SENDING, ON(RECEIVED_ESTABLISHED), upload_paused,
	 CONFIDENCE_MEDIUM, 0,
	 CLUES(CLUE_PACKET, CLUE_TTL, CLUE_SEND_IDLE, CLUE_SENT, CLUE_RECEIVED)},
	{RST_CAUSE_PEER_APP_ABORT_IDLE, ON(RECEIVED_ESTABLISHED), silent_since_just_now,
	 CONFIDENCE_MEDIUM, 0,
	 CLUES(CLUE_PACKET, CLUE_TTL, CLUE_SEND_IDLE, CLUE_IDLE, CLUE_SENT, CLUE_RECEIVED)},
	{RST_CAUSE_PEER_APP_ABORT_IDLE, ON(RECEIVED_ESTABLISHED), silent, CONFIDENCE_MEDIUM,
	 FOR_ACTIVE_PACKET, OPEN_CLUES},

	{RST_CAUSE_CONNECT_TIMEOUT, ON(CONNECT_TIMED_OUT), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_ERROR, CLUE_RETRANSMITS, CLUE_USER_TIMEOUT)},
	{RST_CAUSE_ICMP_REFUSED, ON(CONNECT_ICMP), NULL, CONFIDENCE_HIGH, 0,
	 CLUES(CLUE_ERROR, CLUE_RETRANSMITS)},
	{RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, ON(TIMED_OUT), probes_unanswered, CONFIDENCE_HIGH, 0,
	 CLUES(CLUE_ERROR, CLUE_PROBES, CLUE_IDLE)},
	{RST_CAUSE_SILENT_DROP_TIMEOUT, ON(TIMED_OUT), sending, CONFIDENCE_HIGH, FOR_IDLE_ALIKE,
	 CLUES(CLUE_ERROR, CLUE_IDLE, CLUE_RETRANSMITS, CLUE_UNACKED, CLUE_USER_TIMEOUT,
	       CLUE_IDLE_ALIKE)},
	{RST_CAUSE_SILENT_DROP_TIMEOUT, ON(TIMED_OUT), NULL, CONFIDENCE_MEDIUM, FOR_IDLE_ALIKE,
	 CLUES(CLUE_ERROR, CLUE_IDLE, CLUE_PROBES, CLUE_USER_TIMEOUT)},
	{.paths = 0},
};
