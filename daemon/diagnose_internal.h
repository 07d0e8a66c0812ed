/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of diagnose share: the form of a rule, and what a rule looks at. The rules stand in
 * three tables, by path: resets that somebody here made, those that answer a segment, and what was
 * received or waited for in vain.
 */
#ifndef DAEMON_DIAGNOSE_INTERNAL_H
#define DAEMON_DIAGNOSE_INTERNAL_H

#include "daemon/diagnose.h"

/* All that a verdict may depend on. */
struct view {
	const struct reset *r;
	const struct owner *owner;
	const struct past *past;
	const struct host *host;
	enum path path;
};

/*
 * Grounds to be surer or less sure of a rule; a rule names those that bear on it. Each that holds is one
 * step. Reasons that the kernel does not give are a ground against every rule about a sent reset.
 */
enum {
	FOR_ACTIVE_PACKET = 1 << 0, /* the reset looks like a program's, not like a kernel's without socket */
	FOR_OTHER_END = 1 << 1,	    /* the other end is here, and it had the connection open */
	FOR_BURST = 1 << 2,	    /* many at once */
	FOR_IDLE_ALIKE = 1 << 3,    /* others ended like this after the same idle time */
	FOR_REPEATS = 1 << 4,	    /* it happens at a steady interval */
	FOR_DROPS = 1 << 5,	    /* the listener itself dropped handshakes */
	FOR_FORMER_RESET = 1 << 6,  /* the connection was ended by a reset that its peer did not get */
	FOR_NEVER_HERE = 1 << 7,    /* it would be remembered if it had been here since the listener is */
	AGAINST_ROLE = 1 << 8,	    /* the role is a guess and the rule rests on it: medium at most */
	AGAINST_UNKNOWN = 1 << 9,   /* it rests on what is not remembered, and memory is short or has gaps */
};

/* Evidence by number: a quantity of struct reset, shown under its name where it is known. */
#define NUMBER_CLUES(X) \
	X(UNREAD, unread_bytes) \
	X(UNACKED, unacked_bytes) \
	X(UNSENT, unsent_bytes) \
	X(RECEIVED, bytes_received) \
	X(SENT, bytes_sent) \
	X(ACKED, bytes_acked) \
	X(AGE, age_ms) \
	X(IDLE, idle_ms) \
	X(RECEIVE_IDLE, receive_idle_ms) \
	X(SEND_IDLE, send_idle_ms) \
	X(SINCE_STATE, since_state_ms) \
	X(FIN, fin_ms) \
	X(RETRANSMITS, retransmits) \
	X(PROBES, probes) \
	X(DROPS, drops) \
	X(LISTENER_AGE, listener_age_ms) \
	X(ABORT_ON_OVERFLOW, abort_on_overflow) \
	X(CLOSED, closed_ms) \
	X(FORMER_FIN, former_fin_ms) \
	X(FORMER_SEND_IDLE, former_send_idle_ms) \
	X(FORMER_RECEIVED, former_bytes_received) \
	X(FORMER_SENT, former_bytes_sent) \
	X(USER_TIMEOUT, user_timeout_ms) \
	X(LINGER2, linger2)

/* The rest is made by a function each. */
#define MADE_CLUES(X) \
	X(EXIT) \
	X(LINGER) \
	X(BACKLOG) \
	X(SEGMENT) \
	X(ACTOR) \
	X(FORMER) \
	X(FORMER_EXIT) \
	X(FORMER_RESET) \
	X(PORTS_ASKED) \
	X(REPEATS) \
	X(PACKET) \
	X(TTL) \
	X(HOST) \
	X(IDLE_ALIKE) \
	X(ERROR)

enum clue {
	CLUE_END,
#define X(id, member) CLUE_##id,
	NUMBER_CLUES(X)
#undef X
#define X(id) CLUE_##id,
	MADE_CLUES(X)
#undef X
	CLUE_MAX,
};

/* First match within a path wins. */
struct rule {
	enum rst_cause cause;
	uint32_t paths;			      /* ON(PATH) | ... */
	bool (*when)(const struct view *v);   /* NULL: always */
	enum confidence confidence;	      /* certain only where the path alone decides the cause */
	uint16_t grounds;		      /* FOR_* and AGAINST_* */
	uint8_t clues[RST_CLUES_MAX];	      /* most telling first */
};

#define ON(path)   (1u << PATH_##path)
#define CLUES(...) {__VA_ARGS__}
_Static_assert(PATH_MAX_ <= 32, "paths of a rule are a bit mask");

/* The tables end with a rule for no path. */
extern const struct rule diagnose_sent[];
extern const struct rule diagnose_answers[];
extern const struct rule diagnose_received[];

enum confidence diagnose_confidence(const struct view *v, const struct rule *rule);

/* Facts that several rules ask for (diagnose_facts.c). */

enum ttl { TTL_UNKNOWN, TTL_SAME, TTL_NEARER, TTL_FOREIGN };

enum packet { PACKET_UNKNOWN, PACKET_ACTIVE, PACKET_BARE };

enum ttl fact_ttl(const struct reset *r);
enum packet fact_packet(const struct view *v);
bool fact_reason_known(const struct reset *r);
bool fact_socket_known(const struct reset *r);
bool fact_within(int64_t ms, int64_t limit);
bool fact_client(const struct view *v);
bool fact_role_guessed(const struct view *v);
bool fact_former_connection(const struct reset *r);
bool fact_memory_short(const struct view *v);
bool fact_aftermath(const struct view *v);
bool fact_one_way(int64_t there, int64_t back);

/* The connection was served before and then nobody spoke for as long as makes a keep-alive. */
#define KEEPALIVE_IDLE_MS 1000

#endif
