/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What several rules ask for, and how sure a verdict is. Must not name a cause.
 * Proved by tests/unit/daemon/diagnose_confidence.c.
 */
#include "common/util.h"

#include "daemon/diagnose_internal.h"

/* Long enough for a connection that was open to be closed, remembered and spoken to again. */
#define MEMORY_MS (60 * 1000)

/* A reset that is on its way may be overtaken by what its sender had sent just before; a fifth of a
 * second is more than a round trip nearly everywhere. */
#define AFTERMATH_MS 200

/* Ways that differ in length make one hop of difference; more is another box. */
#define TTL_NOISE 1
/* Beyond it, another initial TTL (64, 128, 255) is meant: another system. */
#define HOPS_MAX 32

#define TCP_HEADER 20

bool fact_reason_known(const struct reset *r)
{
	switch (r->reason) {
	case REASON_NONE:
	case REASON_OTHER:
	case REASON_NOT_SPECIFIED:
		return false;
	default:
		return true;
	}
}

/* A row's key alone knows none of what a full socket tells. */
bool fact_socket_known(const struct reset *r)
{
	return r->unread_bytes >= 0;
}

/* Known, and less than the limit. */
bool fact_within(int64_t ms, int64_t limit)
{
	return ms >= 0 && ms < limit;
}

bool fact_client(const struct view *v)
{
	return v->r->role == RST_ROLE_CLIENT && fact_socket_known(v->r);
}

/* Sockets older than the daemon have the role that somebody listens on their port, or nobody. */
bool fact_role_guessed(const struct view *v)
{
	const struct reset *r = v->r;

	return r->role == RST_ROLE_NONE || r->owner_source == RST_OWNER_NONE ||
	       r->owner_source == RST_OWNER_ITERATOR || r->flags & RST_EVENT_SEEDED;
}

bool fact_former_connection(const struct reset *r)
{
	return r->has_former && !(r->flags & RST_EVENT_FORMER_LISTENER);
}

bool fact_memory_short(const struct view *v)
{
	return v->host->lossy || v->host->watched_ms < MEMORY_MS;
}

enum ttl fact_ttl(const struct reset *r)
{
	int64_t difference;

	if (!(r->flags & RST_EVENT_PACKET) || r->ttl_base <= 0 || !r->packet_ttl)
		return TTL_UNKNOWN;
	difference = (int64_t)r->packet_ttl - r->ttl_base;
	/* a router between here and the peer begins with the same TTL, and loses less of it */
	if (difference > 0 && difference <= HOPS_MAX)
		return TTL_NEARER;
	return difference <= 0 && difference >= -TTL_NOISE ? TTL_SAME : TTL_FOREIGN;
}

/*
 * Contents of a reset (CAUSES.md E.3): Linux gives a program's reset an ACK, its last window, and
 * the options of the connection; what a kernel sends without a socket has none of them. Other
 * systems give every reset an ACK, so that alone says nothing.
 */
enum packet fact_packet(const struct view *v)
{
	const struct reset *r = v->r;
	bool ack = r->packet_flags & 0x10;

	if (!(r->flags & RST_EVENT_PACKET))
		return PACKET_UNKNOWN;
	if (ack && (r->packet_window || r->packet_header > TCP_HEADER))
		return PACKET_ACTIVE;
	if (!ack && !r->packet_window && r->packet_header <= TCP_HEADER)
		return PACKET_BARE;
	return PACKET_UNKNOWN;
}

/* The peer goes on sending on a connection that it is said to have reset. */
bool fact_aftermath(const struct view *v)
{
	const struct reset *r = v->r;

	/* where the other end is here, and it did reset, there is nothing forged */
	if (v->past->other.known && v->past->other.direction == RST_SENT)
		return false;
	if (v->past->aftermath)
		return true;
	return r->direction == RST_SENT && fact_former_connection(r) && r->former_reset == 2 &&
	       r->closed_ms >= AFTERMATH_MS && !r->syn;
}

/* Requests and answers are of a size, more or less. Where nearly all goes one way (logs,
 * measurements, uploads) a silence of the other way says nothing: nobody waited for a next request.
 */
bool fact_one_way(int64_t there, int64_t back)
{
	return back >= 0 && there / 4 > back;
}

static int steps_for(const struct view *v, unsigned int grounds)
{
	const struct past *past = v->past;
	const struct reset *r = v->r;
	int n = 0;

	n += grounds & FOR_ACTIVE_PACKET && fact_packet(v) == PACKET_ACTIVE;
	n += grounds & FOR_OTHER_END && past->other.known;
	n += grounds & FOR_BURST && past->burst >= RSTMON_INCIDENT_BURST;
	n += grounds & FOR_IDLE_ALIKE && past->idle_alike >= 3;
	n += grounds & FOR_REPEATS && past->repeats >= 3; /* two make no interval to compare */
	n += grounds & FOR_DROPS && r->drops > 0;
	n += grounds & FOR_FORMER_RESET && fact_former_connection(r) && r->former_reset == 1;
	n += grounds & FOR_NEVER_HERE && r->listener_age_ms >= 0 &&
	     v->host->watched_ms >= r->listener_age_ms && !v->host->lossy;
	return n;
}

static int steps_against(const struct view *v, unsigned int grounds)
{
	int n = 0;

	/* reasons are TCP's, and what netfilter made needs none */
	n += v->r->direction == RST_SENT && v->path != PATH_REJECT && !fact_reason_known(v->r);
	n += grounds & AGAINST_ROLE && fact_role_guessed(v);
	n += grounds & AGAINST_UNKNOWN && fact_memory_short(v);
	return n;
}

/* Grounds never make certain what the path alone does not decide. */
enum confidence diagnose_confidence(const struct view *v, const struct rule *rule)
{
	int most = rule->confidence == CONFIDENCE_CERTAIN ? CONFIDENCE_CERTAIN : CONFIDENCE_HIGH;
	int level = rule->confidence;

	level += steps_for(v, rule->grounds) - steps_against(v, rule->grounds);
	level = MIN(level, most);
	if (rule->grounds & AGAINST_ROLE && fact_role_guessed(v))
		level = MIN(level, (int)CONFIDENCE_MEDIUM);
	return (enum confidence)MAX(level, (int)CONFIDENCE_LOW);
}
