/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules about resets that a process of this host or a timer sent (CAUSES A.1, F.1); the first
 * that holds on a path wins. To add a cause: an entry, a test, a text (HACKING.md). Must not look
 * beyond the view. Proved by tests/unit/daemon/diagnose.c.
 */
#include "common/util.h"

#include <signal.h>

#include "daemon/diagnose_internal.h"

/* More than the header of any request that a server takes (nginx 8 KiB, Tomcat 8 KiB, Apache 8 KiB
 * per line): what is unread is a body. */
#define BODY_BYTES (16 * 1024)
/* A part of a body that is slow in coming: enough has come before that it was no header. */
#define UPLOAD_BYTES (64 * 1024)
/* Servers that answer early linger for some seconds before they close: nginx lingering_timeout 5 s,
 * Tomcat's poller about 1 s. */
#define EARLY_ANSWER_MS 5000
/* TLS says goodbye in one record; a client that closes without reading it has read all that
 * matters. */
#define TLS_GOODBYE_BYTES 64
/* After the handshake a TLS 1.3 server sends session tickets (OpenSSL two, of 255 bytes each); a
 * client that only sends never reads them, and they are no answer. The server's part of the
 * handshake was read before: even without a certificate it is longer than this. */
#define TLS_TICKETS_BYTES   1024
#define TLS_HANDSHAKE_BYTES 150
/* A request that comes this soon before or after the close was on its way when the server decided.
 */
#define RACE_MS 1000
/* A check of a load balancer lasts no longer than its time-out, which is rarely above a second. */
#define CHECK_MS 1000

static bool exiting(const struct view *v)
{
	return v->r->flags & RST_EVENT_EXITING;
}

static bool killed(const struct view *v)
{
	return exiting(v) && v->r->exit_signal == SIGKILL;
}

/* Signals that a program gets for what it did itself. */
static bool crashed(const struct view *v)
{
	if (!exiting(v))
		return false;
	switch (v->r->exit_signal) {
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGSYS:
		return true;
	default:
		return false;
	}
}

static bool server(const struct view *v)
{
	return v->r->role == RST_ROLE_SERVER && fact_socket_known(v->r);
}

/* Answered and closed, with a body in the queue. */
static bool body_unread(const struct view *v)
{
	return server(v) && v->r->bytes_sent > 0 && v->r->unread_bytes >= BODY_BYTES &&
	       fact_within(v->r->send_idle_ms, EARLY_ANSWER_MS);
}

/* Where as much goes back it may be a tunnel, or a proxy whose other side is gone: no answer. */
static bool body_refused(const struct view *v)
{
	return body_unread(v) && fact_one_way(v->r->bytes_received, v->r->bytes_sent);
}

/* Answered while a body was coming that is longer than the answer; little of it waited. */
static bool body_coming(const struct view *v)
{
	const struct reset *r = v->r;

	return server(v) && r->bytes_sent > 0 && r->unread_bytes > TLS_GOODBYE_BYTES &&
	       r->bytes_received >= UPLOAD_BYTES && r->bytes_received > r->bytes_sent &&
	       fact_within(r->send_idle_ms, EARLY_ANSWER_MS) &&
	       fact_within(r->receive_idle_ms, RACE_MS);
}

static bool goodbye_unread(const struct view *v)
{
	return v->r->flags & RST_EVENT_FIN_RECEIVED && v->r->unread_bytes > 0 &&
	       v->r->unread_bytes <= TLS_GOODBYE_BYTES;
}

/* The request came as the server closed: just before close(), or just after the FIN of a server
 * that shuts down first and closes later (Tomcat, up to a second later). */
static bool came_at_the_close(const struct reset *r)
{
	return fact_within(r->receive_idle_ms, RACE_MS) ||
	       (r->receive_idle_ms >= 0 && r->fin_ms >= r->receive_idle_ms &&
		r->fin_ms - r->receive_idle_ms < RACE_MS);
}

/* Served before, silent since, and a request came as it closed: more than a goodbye. */
static bool request_met_close(const struct view *v)
{
	const struct reset *r = v->r;

	return server(v) && !goodbye_unread(v) && r->bytes_sent > 0 && r->unread_bytes > 0 &&
	       r->unread_bytes < BODY_BYTES && r->bytes_received > r->unread_bytes &&
	       r->send_idle_ms >= KEEPALIVE_IDLE_MS && came_at_the_close(r);
}

/* The server may have been silent because its client only ever sends. */
static bool request_met_silence(const struct view *v)
{
	const struct reset *r = v->r;

	return request_met_close(v) &&
	       !fact_one_way(r->bytes_received - r->unread_bytes, r->bytes_sent);
}

static bool client_ignored_goodbye(const struct view *v)
{
	return fact_client(v) && goodbye_unread(v);
}

static bool client_left_little(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_client(v) && r->unread_bytes <= TLS_TICKETS_BYTES &&
	       r->bytes_received >= r->unread_bytes &&
	       r->bytes_received - r->unread_bytes >= TLS_HANDSHAKE_BYTES;
}

/* What came may have been a goodbye, or a request right after the answer: one can only say that
 * nobody read it. */
static bool server_left_little(const struct view *v)
{
	const struct reset *r = v->r;

	return server(v) && (goodbye_unread(v) ||
			     (r->bytes_sent > 0 && fact_within(r->send_idle_ms, EARLY_ANSWER_MS)));
}

/* Some servers wake their own acceptor by a connection to themselves (Tomcat at its end). */
static bool to_itself(const struct view *v)
{
	const struct other_end *other = &v->past->other;

	return other->known && other->pid && other->pid == v->owner->pid;
}

static bool check_only(const struct view *v)
{
	const struct reset *r = v->r;

	return fact_client(v) && r->bytes_sent == 0 && r->bytes_received == 0 &&
	       fact_within(r->age_ms, CHECK_MS) && !to_itself(v);
}

const struct rule diagnose_sent[] = {
	{RST_CAUSE_MPTCP_SUBFLOW_RESET, ON(MPTCP), NULL, CONFIDENCE_CERTAIN, 0, CLUES(CLUE_ACTOR)},

	/* the process closed, or died, with data unread */
	{RST_CAUSE_PROC_KILLED_UNREAD, ON(CLOSE_UNREAD), killed, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_EXIT, CLUE_UNREAD)},
	{RST_CAUSE_PROC_CRASH_UNREAD, ON(CLOSE_UNREAD), crashed, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_EXIT, CLUE_UNREAD)},
	{RST_CAUSE_PROC_EXIT_UNREAD, ON(CLOSE_UNREAD), exiting, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_EXIT, CLUE_UNREAD)},
	{RST_CAUSE_UPLOAD_NOT_DRAINED, ON(CLOSE_UNREAD), body_refused, CONFIDENCE_HIGH,
	 AGAINST_ROLE, CLUES(CLUE_UNREAD, CLUE_RECEIVED, CLUE_SENT, CLUE_SEND_IDLE)},
	{RST_CAUSE_UPLOAD_NOT_DRAINED, ON(CLOSE_UNREAD), body_unread, CONFIDENCE_MEDIUM,
	 AGAINST_ROLE, CLUES(CLUE_UNREAD, CLUE_RECEIVED, CLUE_SENT, CLUE_SEND_IDLE)},
	{RST_CAUSE_UPLOAD_NOT_DRAINED, ON(CLOSE_UNREAD), body_coming, CONFIDENCE_MEDIUM,
	 AGAINST_ROLE, CLUES(CLUE_RECEIVED, CLUE_UNREAD, CLUE_SENT, CLUE_SEND_IDLE)},
	{RST_CAUSE_KEEPALIVE_RACE_SERVER, ON(CLOSE_UNREAD), request_met_silence, CONFIDENCE_HIGH,
	 AGAINST_ROLE | FOR_IDLE_ALIKE,
	 CLUES(CLUE_SEND_IDLE, CLUE_UNREAD, CLUE_RECEIVE_IDLE, CLUE_IDLE_ALIKE)},
	{RST_CAUSE_KEEPALIVE_RACE_SERVER, ON(CLOSE_UNREAD), request_met_close, CONFIDENCE_MEDIUM,
	 AGAINST_ROLE,
	 CLUES(CLUE_SEND_IDLE, CLUE_UNREAD, CLUE_RECEIVED, CLUE_SENT, CLUE_RECEIVE_IDLE)},
	{RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, ON(CLOSE_UNREAD), client_ignored_goodbye,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE, CLUES(CLUE_UNREAD, CLUE_RECEIVED, CLUE_AGE)},
	{RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, ON(CLOSE_UNREAD), client_left_little,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE,
	 CLUES(CLUE_UNREAD, CLUE_RECEIVED, CLUE_AGE, CLUE_RECEIVE_IDLE)},
	{RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, ON(CLOSE_UNREAD), fact_client, CONFIDENCE_CERTAIN,
	 AGAINST_ROLE, CLUES(CLUE_UNREAD, CLUE_RECEIVED, CLUE_AGE, CLUE_RECEIVE_IDLE)},
	{RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, ON(CLOSE_UNREAD), server_left_little,
	 CONFIDENCE_MEDIUM, AGAINST_ROLE | FOR_BURST,
	 CLUES(CLUE_UNREAD, CLUE_RECEIVE_IDLE, CLUE_SENT, CLUE_SEND_IDLE)},
	{RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, ON(CLOSE_UNREAD), server, CONFIDENCE_HIGH,
	 AGAINST_ROLE, CLUES(CLUE_UNREAD, CLUE_RECEIVE_IDLE, CLUE_SENT, CLUE_AGE)},

	/* the process asked for the reset */
	{RST_CAUSE_HEALTH_CHECK_RESET, ON(CLOSE_LINGER), check_only, CONFIDENCE_MEDIUM,
	 AGAINST_ROLE | FOR_REPEATS, CLUES(CLUE_REPEATS, CLUE_LINGER, CLUE_AGE, CLUE_SENT)},
	{RST_CAUSE_LINGER_ZERO, ON(CLOSE_LINGER), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_LINGER, CLUE_SENT, CLUE_RECEIVED, CLUE_AGE)},
	{RST_CAUSE_APP_DISCONNECT, ON(DISCONNECT), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_ACTOR, CLUE_AGE)},
	{RST_CAUSE_LISTENER_CLOSED_PENDING, ON(LISTENER_STOP), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_ACTOR, CLUE_EXIT, CLUE_AGE, CLUE_RECEIVED)},
	{RST_CAUSE_ADMIN_ABORT, ON(ABORT), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_ACTOR, CLUE_AGE, CLUE_IDLE)},

	/* the kernel gave up */
	{RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, ON(KEEPALIVE), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_PROBES, CLUE_IDLE, CLUE_USER_TIMEOUT)},
	{RST_CAUSE_LINGER2_ABORT, ON(LINGER2), NULL, CONFIDENCE_CERTAIN, 0, CLUES(CLUE_LINGER2)},
	{RST_CAUSE_ORPHAN_MEMORY, ON(MEMORY_CLOSE) | ON(MEMORY_TIMER), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_UNACKED, CLUE_UNSENT, CLUE_RETRANSMITS, CLUE_PROBES)},
	{RST_CAUSE_FIN_WAIT2_TIMEOUT, ON(FIN_WAIT2_TIMER), NULL, CONFIDENCE_CERTAIN, 0,
	 CLUES(CLUE_SINCE_STATE, CLUE_IDLE)},
	{.paths = 0},
};
