/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filter expressions, as in "port 8080 and direction sent and not comm nginx".
 *
 *	expression = term { ("and" | "or") term }     "and" binds tighter
 *	term       = "not" term | "(" expression ")" | field [operator] value
 *	operator   = "=" | "!=" | "<" | "<=" | ">" | ">="     "=" if left out
 *	value      = word | "quoted text"
 *
 * Text is compared with fnmatch(3) patterns ("comm http*"), numbers as numbers, 'peer', 'local' and
 * 'remote' as address, prefix (10.0.0.0/8) or address with port; times ('time') as RFC 3339.
 * Words of an enumeration (direction, role, cause, ...) are checked when the filter is parsed.
 * Two terms side by side without a word between them are an error, as is an unknown field; a field
 * that exists but not in this scope is an error that names the verbs that have it. Pure.
 */
#ifndef COMMON_FILTER_H
#define COMMON_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum filter_scope {
	FILTER_ROWS,   /* list, check: pid comm exe unit container pod netns port role direction cause */
	FILTER_RESETS, /* watch, last: every field of a reset's JSON, and peer */
};

/* Fields in the order of INTERFACE's table of one reset; the name in JSON is the lower-case name. */
#define FILTER_FIELDS(X) \
	X(TIME, "time", TIME) X(KIND, "kind", TEXT) X(DIRECTION, "direction", TEXT) \
	X(CAUSE, "cause", TEXT) X(CONFIDENCE, "confidence", TEXT) X(PID, "pid", NUMBER) \
	X(COMM, "comm", TEXT) X(EXE, "exe", TEXT) X(UNIT, "unit", TEXT) X(CONTAINER, "container", TEXT) \
	X(POD, "pod", TEXT) \
	X(OWNER_SOURCE, "owner_source", TEXT) X(ACTOR_PID, "actor_pid", NUMBER) \
	X(ACTOR_COMM, "actor_comm", TEXT) X(ROLE, "role", TEXT) X(PORT, "port", NUMBER) \
	X(LOCAL, "local", ADDRESS) X(REMOTE, "remote", ADDRESS) X(PEER, "peer", ADDRESS) \
	X(FAMILY, "family", TEXT) X(STATE, "state", TEXT) X(PREVIOUS_STATE, "previous_state", TEXT) \
	X(REASON, "reason", TEXT) X(ERRNO, "errno", TEXT) X(NETNS, "netns", NUMBER) \
	X(CGROUP, "cgroup", NUMBER) X(AGE_MS, "age_ms", NUMBER) X(IDLE_MS, "idle_ms", NUMBER) \
	X(BYTES_RECEIVED, "bytes_received", NUMBER) X(BYTES_SENT, "bytes_sent", NUMBER) \
	X(UNREAD_BYTES, "unread_bytes", NUMBER) X(UNACKED_BYTES, "unacked_bytes", NUMBER) \
	X(EXIT_SIGNAL, "exit_signal", NUMBER) X(EXIT_STATUS, "exit_status", NUMBER)

enum filter_field {
#define X(id, name, type) FILTER_##id,
	FILTER_FIELDS(X)
#undef X
	FILTER_FIELD_MAX,
};

enum filter_type {
	FILTER_TYPE_TEXT,
	FILTER_TYPE_NUMBER,
	FILTER_TYPE_ADDRESS,
	FILTER_TYPE_TIME,
};

/* What an object has in a field. Of an address: sixteen bytes in network order (IPv4 in the first
 * four) and the port. */
struct filter_value {
	enum filter_type type;
	const char *text;
	int64_t number; /* also a time, CLOCK_REALTIME ns */
	const uint8_t *address;
	uint16_t port;
	bool ipv6;
};

/* Fills 'ret' with the object's value of the field; called only for fields of the filter's scope. */
typedef void (*filter_value_fn)(const void *object, enum filter_field field, struct filter_value *ret);

struct filter;

#define FILTER_ERROR_MAX 384 /* room for each sentence */

/* Parses 'text' (RSTMON_FILTER_MAX bytes at most). An empty or blank text gives *ret = NULL, which
 * matches everything. -EINVAL: 'error' holds one sentence with the place ("column 12: ..."). -ENOMEM.
 * The caller frees *ret with filter_free(). */
int filter_parse(const char *text, enum filter_scope scope, struct filter **ret, char *error,
		 size_t error_size);
void filter_free(struct filter *f);

bool filter_match(const struct filter *f, filter_value_fn value, const void *object);

/* True if the filter uses the field at all. */
bool filter_uses(const struct filter *f, enum filter_field field);

const char *filter_field_name(enum filter_field field);
bool filter_field_in_scope(enum filter_field field, enum filter_scope scope);

/* The n-th word that a field of an enumeration can have, NULL behind the last one and for fields
 * whose text is free. */
const char *filter_field_word(enum filter_field field, unsigned int n);

#endif
