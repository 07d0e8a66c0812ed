/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which way through the kernel made a reset: by the kernel's own reason where it means one thing,
 * else by the socket's fields, which are enough on kernels without reasons. Must not guess why
 * anybody did it. Proved by tests/unit/daemon/path.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/path.h"

/* Everything that only a full socket has is unknown in what a key alone tells. */
static bool socket_known(const struct reset *r)
{
	return r->unread_bytes >= 0;
}

/* tcp_v{4,6}_send_reset() answers a segment, and it alone acts without a full socket. */
static bool answers_segment(const struct reset *r)
{
	return r->flags & (RST_EVENT_SEGMENT | RST_EVENT_TIME_WAIT | RST_EVENT_REQUEST) ||
	       r->state == 0 || r->state == STATE_TIME_WAIT || r->state == STATE_LISTEN;
}

/* TCP_LINGER2 below 0 ends an orphan at the ACK of its FIN; data would have been refused before
 * that. */
static bool linger2_ended_it(const struct reset *r)
{
	return r->flags & RST_EVENT_DEAD && socket_known(r) && r->linger2 < 0 && !r->payload;
}

static enum path of_listener(const struct reset *r)
{
	if (r->syn)
		return PATH_REQUEST_SYN;
	/* a queue is full when it holds more than its limit (sk_acceptq_is_full()) */
	if (r->abort_on_overflow == 1 && r->backlog >= 0 && r->backlog > r->backlog_max)
		return PATH_LISTENER_OVERFLOW;
	return PATH_LISTENER_ACK;
}

static enum path of_segment(const struct reset *r)
{
	if (r->flags & RST_EVENT_TIME_WAIT || r->state == STATE_TIME_WAIT)
		return r->syn ? PATH_TIME_WAIT_SYN : PATH_TIME_WAIT;
	if (r->flags & RST_EVENT_REQUEST)
		return r->syn ? PATH_REQUEST_SYN : PATH_SYN_RECV_ACK;
	switch (r->state) {
	case 0:
		return r->syn ? PATH_NO_SOCKET_SYN : PATH_NO_SOCKET;
	case STATE_LISTEN:
		return of_listener(r);
	case STATE_SYN_SENT:
		return PATH_SYN_SENT_ACK;
	case STATE_SYN_RECV:
	case STATE_NEW_SYN_RECV:
		return PATH_SYN_RECV_ACK;
	case STATE_CLOSE:
		return linger2_ended_it(r) ? PATH_LINGER2 : PATH_DATA_AFTER_CLOSE;
	default:
		return PATH_UNKNOWN;
	}
}

/* The socket was CLOSE already: its owner, or the owner of its listener, closed it (CAUSES.md A.3).
 */
static enum path of_closer(const struct reset *r)
{
	bool asked_for_disconnect =
		r->reason == REASON_TCP_STATE || r->reason == REASON_TCP_DISCONNECT_WITH_DATA;

	if (r->flags & RST_EVENT_DEAD)
		return r->linger2 < 0 ? PATH_LINGER2 : PATH_MEMORY_CLOSE;
	if (r->flags & RST_EVENT_NO_SOCKET_FILE)
		return PATH_LISTENER_STOP;
	/* close() shuts both directions down before anything else; what is not shut down was not
	 * closed */
	if (!(r->flags & (RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE)))
		return PATH_DISCONNECT;
	/* unread data is looked for before the lingering, and has a reason of its own */
	if (r->unread_bytes > 0 && !asked_for_disconnect)
		return PATH_CLOSE_UNREAD;
	if (r->flags & RST_EVENT_LINGER && r->linger_time_s == 0)
		return PATH_CLOSE_LINGER;
	return asked_for_disconnect ? PATH_DISCONNECT : PATH_UNKNOWN;
}

/* tcp_send_active_reset(), from process context or a timer. */
static enum path of_actor(const struct reset *r)
{
	bool unowned = !(r->flags & RST_EVENT_OWNED);

	if (!socket_known(r)) {
		/* tcp_abort() alone leaves these states as they were */
		if (r->reason == REASON_TCP_STATE &&
		    (r->state == STATE_ESTABLISHED || r->state == STATE_SYN_RECV ||
		     r->state == STATE_CLOSE_WAIT))
			return PATH_ABORT;
		return PATH_UNKNOWN;
	}
	if (r->state == STATE_CLOSE)
		return of_closer(r);
	if (r->flags & RST_EVENT_DEAD && unowned) {
		if (r->state == STATE_FIN_WAIT2 &&
		    (r->reason == REASON_TCP_STATE || (r->retransmits <= 0 && r->probes <= 0)))
			return PATH_FIN_WAIT2_TIMER;
		return PATH_MEMORY_TIMER;
	}
	if (unowned && r->flags & RST_EVENT_KEEPALIVE && r->probes > 0)
		return PATH_KEEPALIVE;
	return PATH_ABORT;
}

/* Reasons that mean one thing wherever they are given; the others need the fields. */
static enum path of_reason(const struct reset *r)
{
	switch (r->reason) {
	case REASON_MPTCP:
		return PATH_MPTCP;
	case REASON_NO_SOCKET:
		return r->syn ? PATH_NO_SOCKET_SYN : PATH_NO_SOCKET;
	case REASON_TCP_TIMEWAIT_SOCKET:
		return r->syn ? PATH_TIME_WAIT_SYN : PATH_TIME_WAIT;
	case REASON_TCP_FLAGS:
		return r->state == STATE_LISTEN ? PATH_LISTENER_ACK : PATH_UNKNOWN;
	case REASON_INVALID_SYN:
		return r->syn ? PATH_REQUEST_SYN : PATH_LISTENER_OVERFLOW;
	case REASON_TCP_INVALID_ACK_SEQUENCE:
	case REASON_TCP_RFC7323_PAWS:
		return r->state == STATE_SYN_SENT ? PATH_SYN_SENT_ACK : PATH_UNKNOWN;
	case REASON_TCP_OLD_ACK:
	case REASON_TCP_TOO_OLD_ACK:
	case REASON_TCP_ACK_UNSENT_DATA:
		return r->state == STATE_SYN_RECV ? PATH_SYN_RECV_ACK : PATH_UNKNOWN;
	case REASON_TCP_ABORT_ON_DATA:
		return linger2_ended_it(r) ? PATH_LINGER2 : PATH_DATA_AFTER_CLOSE;
	case REASON_TCP_ABORT_ON_CLOSE:
		return PATH_CLOSE_UNREAD;
	case REASON_TCP_ABORT_ON_LINGER:
		return PATH_LINGER2;
	case REASON_TCP_ABORT_ON_MEMORY:
		return r->state == STATE_CLOSE ? PATH_MEMORY_CLOSE : PATH_MEMORY_TIMER;
	case REASON_TCP_KEEPALIVE_TIMEOUT:
		return PATH_KEEPALIVE;
	default:
		return PATH_UNKNOWN;
	}
}

/* A listener that takes Multipath TCP carries the flag too, whatever its clients speak; there, and
 * for the answer to a segment, the kernel's reason says more. */
static bool of_mptcp(const struct reset *r)
{
	if (!(r->flags & RST_EVENT_MPTCP))
		return false;
	if (answers_segment(r))
		return r->reason == REASON_NOT_SPECIFIED && r->state == STATE_LISTEN;
	return r->reason != REASON_TCP_ABORT_ON_DATA;
}

static enum path path_sent(const struct reset *r)
{
	enum path path;

	/* TCP had no part in it: neither state nor reason say anything */
	if (r->flags & RST_EVENT_REJECT)
		return PATH_REJECT;
	if (of_mptcp(r))
		return PATH_MPTCP;
	path = of_reason(r);
	if (path != PATH_UNKNOWN)
		return path;
	return answers_segment(r) ? of_segment(r) : of_actor(r);
}

static enum path path_received(const struct reset *r)
{
	switch (r->state) {
	case STATE_SYN_SENT:
		return PATH_RECEIVED_SYN_SENT;
	case STATE_SYN_RECV:
	case STATE_NEW_SYN_RECV:
		return PATH_RECEIVED_SYN_RECV;
	case STATE_ESTABLISHED:
		return r->flags & RST_EVENT_DEAD ? PATH_RECEIVED_CLOSED : PATH_RECEIVED_ESTABLISHED;
	case STATE_CLOSE_WAIT:
		return r->flags & RST_EVENT_DEAD ? PATH_RECEIVED_CLOSED : PATH_RECEIVED_CLOSE_WAIT;
	case STATE_FIN_WAIT1:
	case STATE_FIN_WAIT2:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
	case STATE_TIME_WAIT:
	case STATE_CLOSE:
		return PATH_RECEIVED_CLOSED;
	default:
		return PATH_UNKNOWN;
	}
}

/* inet_sk_error_report comes after the state was set since 6.10, before it in older kernels. */
static enum path path_timeout(const struct reset *r)
{
	bool connecting = r->state == STATE_SYN_SENT ||
			  (r->state == STATE_CLOSE && r->previous_state == STATE_SYN_SENT);

	switch (r->error) {
	case 0:
	case ECONNRESET:
	case EPIPE:
		return PATH_UNKNOWN;
	case ECONNABORTED:
		return PATH_ABORT;
	case ETIMEDOUT:
		return connecting ? PATH_CONNECT_TIMED_OUT : PATH_TIMED_OUT;
	default:
		/* of an open connection: what ICMP had said before it timed out */
		return connecting ? PATH_CONNECT_ICMP : PATH_TIMED_OUT;
	}
}

enum path path_of(const struct reset *r)
{
	switch (r->direction) {
	case RST_SENT:
		return path_sent(r);
	case RST_RECEIVED:
		return path_received(r);
	case RST_TIMEOUT:
		return path_timeout(r);
	default:
		return PATH_UNKNOWN;
	}
}

static const struct {
	const char *name, *fact;
} paths[] = {
#define X(id, name, fact) [PATH_##id] = {name, fact},
	RST_PATHS(X)
#undef X
};

_Static_assert(ARRAY_SIZE(paths) == PATH_MAX_, "every path has its texts");

const char *path_name(unsigned int path)
{
	return path < ARRAY_SIZE(paths) ? paths[path].name : "invalid";
}

const char *path_fact(unsigned int path)
{
	return path < ARRAY_SIZE(paths) ? paths[path].fact : "invalid";
}
