/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the kernel's counters a reset moved on its way. Must not guess beyond what path and
 * states decide: what it leaves out shows as a difference. Proved by
 * tests/unit/daemon/report_counters.c and, against the kernel, by tests/live/reconcile.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/report_counters.h"

#define BIT(id) (1U << COUNTER_##id)

static const struct {
	const char *prefix, *column, *name, *hidden;
} counters[] = {
#define X(id, prefix, column, hidden) [COUNTER_##id] = {prefix, column, prefix column, hidden},
	REPORT_COUNTERS(X)
#undef X
};

_Static_assert(ARRAY_SIZE(counters) == COUNTER_MAX_, "every counter has its texts");

const char *report_counter_prefix(unsigned int counter)
{
	return counter < COUNTER_MAX_ ? counters[counter].prefix : "invalid";
}

const char *report_counter_column(unsigned int counter)
{
	return counter < COUNTER_MAX_ ? counters[counter].column : "invalid";
}

const char *report_counter_name(unsigned int counter)
{
	return counter < COUNTER_MAX_ ? counters[counter].name : "invalid";
}

const char *report_counter_hidden(unsigned int counter)
{
	return counter < COUNTER_MAX_ ? counters[counter].hidden : "invalid";
}

/* The state that ended: tcp_set_state(CLOSE) may have come before the tracepoint. */
static uint8_t ended_state(const struct reset *r)
{
	return r->state == STATE_CLOSE ? r->previous_state : r->state;
}

/* tcp_set_state() counts by the state that a connection leaves for CLOSE. */
static uint32_t of_end(const struct reset *r)
{
	uint8_t state = ended_state(r);

	return state == STATE_ESTABLISHED || state == STATE_CLOSE_WAIT ? BIT(ESTAB_RESETS) : 0;
}

static uint32_t of_sent(const struct reset *r, enum path path)
{
	switch (path) {
	case PATH_CLOSE_UNREAD:
		return of_end(r) | BIT(ABORT_ON_CLOSE);
	case PATH_CLOSE_LINGER:
	case PATH_DATA_AFTER_CLOSE:
		return of_end(r) | BIT(ABORT_ON_DATA);
	case PATH_LINGER2:
		/* the ACK of its FIN found the orphan, or close() did */
		return of_end(r) |
		       (r->reason == REASON_TCP_ABORT_ON_DATA || r->flags & RST_EVENT_SEGMENT
				? BIT(ABORT_ON_DATA)
				: BIT(ABORT_ON_LINGER));
	case PATH_MEMORY_CLOSE:
	case PATH_MEMORY_TIMER:
		return of_end(r) | BIT(ABORT_ON_MEMORY);
	case PATH_KEEPALIVE:
		return of_end(r) | BIT(ABORT_ON_TIMEOUT);
	case PATH_LISTENER_OVERFLOW:
		return BIT(EMBRYONIC_RSTS);
	case PATH_REQUEST_SYN:
		return BIT(ATTEMPT_FAILS) | BIT(EMBRYONIC_RSTS);
	case PATH_DISCONNECT:
	case PATH_LISTENER_STOP:
	case PATH_ABORT:
	case PATH_MPTCP:
		return of_end(r);
	case PATH_UNKNOWN:
		/* only a key is known: SO_LINGER 0, or one of its rare neighbours */
		return of_end(r) | (r->reason == REASON_TCP_STATE && r->state == STATE_CLOSE
					    ? BIT(ABORT_ON_DATA)
					    : 0);
	default:
		return 0;
	}
}

static uint32_t of_received(const struct reset *r)
{
	switch (r->state) {
	case STATE_SYN_SENT:
	case STATE_SYN_RECV:
		return BIT(ATTEMPT_FAILS);
	case STATE_ESTABLISHED:
	case STATE_CLOSE_WAIT:
		return BIT(ESTAB_RESETS);
	default:
		return 0;
	}
}

/* tcp_write_err() gives the error that ICMP had told before, if it did. */
static bool time_ran_out(const struct reset *r)
{
	return r->error == ETIMEDOUT || r->error == 0 || r->error == r->error_soft;
}

static uint32_t of_timeout(const struct reset *r)
{
	uint32_t out = time_ran_out(r) ? BIT(ABORT_ON_TIMEOUT) : 0;
	uint8_t state = ended_state(r);

	/* one that only lies in the error queue ended nothing: the socket is in SYN_SENT still */
	if (r->state == STATE_SYN_SENT && !out)
		return 0;
	if (state == STATE_SYN_SENT || state == STATE_SYN_RECV)
		return out | BIT(ATTEMPT_FAILS);
	return out | of_end(r);
}

uint32_t report_counters_of(const struct reset *r, enum path path)
{
	switch (r->direction) {
	case RST_SENT:
		/* netfilter sends it past TCP and its counters (nf_send_reset()) */
		if (path == PATH_REJECT)
			return 0;
		return BIT(OUT_RSTS) | of_sent(r, path);
	case RST_RECEIVED:
		return of_received(r);
	case RST_TIMEOUT:
		return of_timeout(r);
	default:
		return 0;
	}
}
