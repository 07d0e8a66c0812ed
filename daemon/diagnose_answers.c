/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules about resets with which the kernel answered a segment (CAUSES A.2, F.1); the first that
 * holds on a path wins. Must not look beyond the view. Proved by tests/unit/daemon/diagnose.c.
 */
#include "common/util.h"

#include "daemon/diagnose_internal.h"

/* More than a request without a body has. */
#define REQUEST_BYTES (16 * 1024)
/* A request that comes this soon after the FIN was on its way when the server decided.
 */
#define RACE_MS 1000

/* The segment carries data; of a row's key alone that is not known. */
static bool with_data(const struct view *v)
{
	return v->r->flags & RST_EVENT_SEGMENT && v->r->payload > 0;
}

static bool with_fin(const struct view *v)
{
	return v->r->flags & RST_EVENT_SEGMENT && v->r->tcp_flags & 1;
}

static bool bare_ack(const struct view *v)
{
	return v->r->flags & RST_EVENT_SEGMENT && !v->r->payload && !(v->r->tcp_flags & 1);
}

static uint8_t role_then(const struct view *v)
{
	return fact_former_connection(v->r) && v->r->former_role ? v->r->former_role : v->r->role;
}

static int64_t sent_then(const struct view *v)
{
	return fact_former_connection(v->r) && v->r->former_bytes_sent >= 0
		       ? v->r->former_bytes_sent
		       : v->r->bytes_sent;
}

/* The connection was closed here in good order, as far as is remembered. */
static bool closed_before(const struct view *v)
{
	const struct reset *r = v->r;

	if (v->path == PATH_DATA_AFTER_CLOSE || v->path == PATH_TIME_WAIT)
		return true;
	return fact_former_connection(r) && !r->former_reset;
}

/* At the close the server had been silent for long enough: what came next was a new request. */
static bool idle_server_closed(const struct view *v)
{
	const struct reset *r = v->r;

	if (role_then(v) != RST_ROLE_SERVER || sent_then(v) <= 0 || !with_data(v) ||
	    r->payload >= REQUEST_BYTES)
		return false;
	if (v->path == PATH_DATA_AFTER_CLOSE)
		return r->send_idle_ms >= KEEPALIVE_IDLE_MS;
	return fact_former_connection(r) && r->former_send_idle_ms >= KEEPALIVE_IDLE_MS;
}

/* Its owner ended: a restart closes all connections, however long they had been idle. */
static bool ended(const struct view *v)
{
	const struct reset *r = v->r;

	return r->flags & RST_EVENT_EXITING ||
	       (fact_former_connection(r) && r->former_flags & RST_FORMER_EXITING);
}

/*
 * Was the request on its way when the server closed? It was if it came within a second of the FIN.
 * An orphan in FIN_WAIT1 has not even had the FIN acknowledged, so its peer cannot have known.
 */
static bool request_met_fin(const struct view *v)
{
	const struct reset *r = v->r;

	if (!closed_before(v) || !idle_server_closed(v) || ended(v))
		return false;
	if (v->path == PATH_DATA_AFTER_CLOSE)
		return r->previous_state == STATE_FIN_WAIT1 || fact_within(r->fin_ms, RACE_MS);
	/* without the time of the FIN, the end of the connection is not before it */
	return fact_within(r->former_fin_ms >= 0 ? r->former_fin_ms : r->closed_ms, RACE_MS);
}

/* The server may have been silent because its client only ever sends. */
static bool request_met_silence(const struct view *v)
{
	const struct reset *r = v->r;
	int64_t came = fact_former_connection(r)	? r->former_bytes_received
		       : r->bytes_received > r->payload ? r->bytes_received - r->payload
							: 0;

	return request_met_fin(v) && !fact_one_way(came, sent_then(v));
}

static bool idle_server_closed_earlier(const struct view *v)
{
	return closed_before(v) && idle_server_closed(v);
}

/*
 * The close is certain, that it was not an idle server's is not: nothing is remembered of it, or
 * only the row's key is known. And what carries no data may be a belated end of a close in good
 * order.
 */
static bool closed_somehow(const struct view *v)
{
	const struct reset *r = v->r;
	bool remembered =
		v->path == PATH_DATA_AFTER_CLOSE ? fact_socket_known(r) : fact_former_connection(r);

	if (!closed_before(v))
		return false;
	return (!remembered && r->role != RST_ROLE_CLIENT) ||
	       (r->flags & RST_EVENT_SEGMENT && !r->payload);
}

static bool unknown_here(const struct view *v)
{
	return !fact_former_connection(v->r) && v->r->flags & RST_EVENT_SEGMENT;
}

static bool queue_full(const struct view *v)
{
	return v->r->backlog >= 0 && v->r->backlog_max >= 0 && v->r->backlog > v->r->backlog_max;
}

static bool request_to_full_queue(const struct view *v)
{
	return unknown_here(v) && with_data(v) && queue_full(v);
}

/* The queue has room again, or the client had nothing to say before it gave up. */
static bool request_after_overflow(const struct view *v)
{
	return unknown_here(v) &&
	       ((with_fin(v) && queue_full(v)) || (with_data(v) && v->host->overflowed == 1));
}

static bool cookie_was_bad(const struct view *v)
{
	return unknown_here(v) && bare_ack(v) && v->host->cookies_failed == 1;
}

/* The same peer has another connection that lives: it did not restart, and neither did this host.
 */
static bool peer_is_here_otherwise(const struct view *v)
{
	return unknown_here(v) && with_data(v) && v->host->sibling == 1;
}

static bool handshake_under_way(const struct view *v)
{
	return unknown_here(v) && bare_ack(v) && v->r->requests > 0;
}

static bool bare_and_unknown(const struct view *v)
{
	return unknown_here(v) && bare_ack(v);
}

static bool listener_stopped(const struct view *v)
{
	return v->r->flags & RST_EVENT_FORMER_LISTENER;
}

static bool segment_known(const struct view *v)
{
	return v->r->flags & RST_EVENT_SEGMENT;
}

/* What follows a close in good order, on whichever path the segment took. */
#define AFTER_CLOSE (ON(DATA_AFTER_CLOSE) | ON(TIME_WAIT) | ON(NO_SOCKET) | ON(LISTENER_ACK))

#define FORMER_CLUES                                                                               \
	CLUES(CLUE_SEGMENT, CLUE_FORMER_FIN, CLUE_FIN, CLUE_FORMER_SEND_IDLE, CLUE_FORMER,         \
	      CLUE_FORMER_EXIT, CLUE_SEND_IDLE)

const struct rule diagnose_answers[] = {
	/* first, for floods are made of it */
	{RST_CAUSE_SERVICE_DOWN, ON(NO_SOCKET_SYN), listener_stopped, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_FORMER, CLUE_CLOSED, CLUE_LISTENER_AGE, CLUE_FORMER_EXIT, CLUE_SEGMENT)},
	{RST_CAUSE_CLOSED_PORT, ON(NO_SOCKET_SYN), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_PORTS_ASKED, CLUE_SEGMENT)},
	{RST_CAUSE_FIREWALL_REJECT, ON(REJECT), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_PORTS_ASKED, CLUE_SEGMENT)},

	{RST_CAUSE_ACCEPT_OVERFLOW_ABORT, ON(LISTENER_OVERFLOW), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_BACKLOG, CLUE_ABORT_ON_OVERFLOW, CLUE_SEGMENT)},
	{RST_CAUSE_BAD_SYN, ON(REQUEST_SYN) | ON(TIME_WAIT_SYN), NULL, CONFIDENCE_HIGH, 0,
	 CLUES(CLUE_SEGMENT)},
	{RST_CAUSE_STALE_PEER_CONNECTION, ON(SYN_SENT_ACK), NULL, CONFIDENCE_HIGH, 0,
	 CLUES(CLUE_SEGMENT)},
	{RST_CAUSE_HANDSHAKE_BAD_ACK, ON(SYN_RECV_ACK), NULL, CONFIDENCE_MEDIUM, 0,
	 CLUES(CLUE_SEGMENT, CLUE_AGE)},
	{RST_CAUSE_RST_INJECTED, ON(NO_SOCKET) | ON(LISTENER_ACK), fact_aftermath, CONFIDENCE_HIGH,
	 0, CLUES(CLUE_SEGMENT, CLUE_CLOSED, CLUE_FORMER_RESET, CLUE_FORMER)},
	{RST_CAUSE_KEEPALIVE_RACE_SERVER, AFTER_CLOSE, request_met_silence, CONFIDENCE_HIGH,
	 AGAINST_ROLE | FOR_IDLE_ALIKE, FORMER_CLUES},
	{RST_CAUSE_KEEPALIVE_RACE_SERVER, AFTER_CLOSE, request_met_fin, CONFIDENCE_MEDIUM,
	 AGAINST_ROLE, FORMER_CLUES},
	{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, AFTER_CLOSE, idle_server_closed_earlier,
	 CONFIDENCE_MEDIUM, 0, FORMER_CLUES},
	{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, AFTER_CLOSE, closed_somehow, CONFIDENCE_MEDIUM, 0,
	 FORMER_CLUES},
	{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, AFTER_CLOSE, closed_before, CONFIDENCE_CERTAIN,
	 AGAINST_ROLE, FORMER_CLUES},
	{RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED, ON(LISTENER_ACK), request_to_full_queue,
	 CONFIDENCE_HIGH, AGAINST_UNKNOWN | FOR_DROPS | FOR_BURST,
	 CLUES(CLUE_BACKLOG, CLUE_DROPS, CLUE_SEGMENT, CLUE_HOST, CLUE_LISTENER_AGE)},
	{RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED, ON(LISTENER_ACK), request_after_overflow,
	 CONFIDENCE_MEDIUM, AGAINST_UNKNOWN | FOR_DROPS | FOR_BURST,
	 CLUES(CLUE_HOST, CLUE_BACKLOG, CLUE_DROPS, CLUE_SEGMENT, CLUE_LISTENER_AGE)},
	{RST_CAUSE_SYNCOOKIE_FAILED, ON(LISTENER_ACK), cookie_was_bad, CONFIDENCE_MEDIUM,
	 AGAINST_UNKNOWN, CLUES(CLUE_HOST, CLUE_SEGMENT, CLUE_BACKLOG)},
	{RST_CAUSE_NAT_STATE_LOST, ON(LISTENER_ACK) | ON(NO_SOCKET), peer_is_here_otherwise,
	 CONFIDENCE_MEDIUM, AGAINST_UNKNOWN | FOR_NEVER_HERE,
	 CLUES(CLUE_HOST, CLUE_SEGMENT, CLUE_LISTENER_AGE)},
	{RST_CAUSE_HANDSHAKE_BAD_ACK, ON(LISTENER_ACK), handshake_under_way, CONFIDENCE_MEDIUM,
	 AGAINST_UNKNOWN, CLUES(CLUE_SEGMENT, CLUE_BACKLOG)},
	{RST_CAUSE_HALF_OPEN_TO_LISTENER, ON(LISTENER_ACK), bare_and_unknown, CONFIDENCE_LOW,
	 FOR_OTHER_END, CLUES(CLUE_SEGMENT, CLUE_LISTENER_AGE)},
	{RST_CAUSE_HALF_OPEN_TO_LISTENER, ON(LISTENER_ACK), segment_known, CONFIDENCE_MEDIUM,
	 AGAINST_UNKNOWN | FOR_OTHER_END | FOR_BURST | FOR_FORMER_RESET,
	 CLUES(CLUE_SEGMENT, CLUE_LISTENER_AGE, CLUE_CLOSED, CLUE_FORMER_RESET, CLUE_FORMER)},
	{RST_CAUSE_HALF_OPEN_UNKNOWN, ON(NO_SOCKET), bare_and_unknown, CONFIDENCE_LOW,
	 FOR_OTHER_END, CLUES(CLUE_SEGMENT)},
	{RST_CAUSE_HALF_OPEN_UNKNOWN, ON(NO_SOCKET), segment_known, CONFIDENCE_MEDIUM,
	 AGAINST_UNKNOWN | FOR_OTHER_END | FOR_BURST | FOR_FORMER_RESET,
	 CLUES(CLUE_SEGMENT, CLUE_CLOSED, CLUE_FORMER_RESET, CLUE_FORMER)},
	{.paths = 0},
};
