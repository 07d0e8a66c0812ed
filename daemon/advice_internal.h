/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the files of advice.h only. Sentences are templates: "{key}" stands for a value of the story,
 * and a sentence with a value that is not known, or that does not fit, is left out. So no sentence
 * has a hole, and none is cut. Keys that begin with "if_" are conditions: nothing, or the sentence
 * is left out. "{?}" is "probably " or "possibly ", or nothing, as sure as the story is.
 */
#ifndef DAEMON_ADVICE_INTERNAL_H
#define DAEMON_ADVICE_INTERNAL_H

#include "daemon/advice.h"

#define ADVICE_NARRATIVES 3
#define ADVICE_TEMPLATES  7
#define ADVICE_ELSE	  '|' /* begins a sentence that replaces the one before, if that is left out */
#define ADVICE_VALUE_LEN  160

/* Sentences that advice_texts.c and advice_variants.c share. */
#define ADVICE_RACE_BOTH                                                                           \
	"{A_server} {?}closed connections that had been idle for {idle_range}. {A_client} must "   \
	"give up idle connections before {shortest}: after {below}, for example."
#define ADVICE_CLIENT_BELOW "For {client_program}: {client_keeps}; {below} is short enough here."
#define ADVICE_CLIENT_ANY                                                                          \
	"{if_client_unknown}The client should drop idle connections after {below}: in nginx "      \
	"keepalive_timeout of upstream, in Java -Djdk.httpclient.keepalive.timeout or "            \
	"evictIdleConnections, in Go IdleConnTimeout, in HAProxy pool-purge-delay."
#define ADVICE_RACE_NAME "Where {timeout} comes from: it is {timeout_name}."
#define ADVICE_RACE_SERVER                                                                         \
	"Or raise the time-out of {a_server} well above the client's: {server_closes}."

/* Bits of the general advice of a cause (struct cause_text), by its place there. */
#define ADVICE_ALL 0xff

/* One place per cause; what is not there is told by common/causes.c alone. */
struct advice_entry {
	const char *narrative[ADVICE_NARRATIVES]; /* the first that can be filled */
	const char *what[ADVICE_TEMPLATES];	  /* those that can be filled, in this order */
	const char *retry;			  /* NULL: the cause's own */
	/* General advice that is left out: what is said here already, if anything of 'what' was;
	 * and what does not fit a server, or a client. */
	uint8_t without, not_server, not_client;
};

const struct advice_entry *advice_entry(unsigned int cause);

/* The same cause told otherwise, where a condition is met: the first such is taken. */
struct advice_variant {
	unsigned int cause;
	const char *condition; /* a key */
	struct advice_entry entry;
};

const struct advice_variant *advice_variant(size_t i); /* NULL: there are no more */

/* The value of the key of 'n' bytes. -ENOENT: there is no such key (a mistake in a template);
 * -ENODATA: the story does not know it, or the condition is not met. 'dst' then is undefined. */
int advice_value(const struct story *s, const char *key, size_t n, char dst[ADVICE_VALUE_LEN]);

/* The template with its values, at most 'size' bytes with the end. The same errors, and -ENOSPC. */
int advice_fill(const struct story *s, const char *template, char *dst, size_t size);

/* What is known of a program, by the name of its process. Fragments of sentences, NULL: nothing. */
struct advice_program {
	const char *comm;
	bool prefix;		  /* any name that begins so: "python3.11" */
	const char *name;	  /* for people */
	const char *keeps;	  /* as a client: how long it keeps idle connections */
	const char *closes;	  /* as a server: how long it keeps them */
	const char *backlog;	  /* its own length of the accept queue */
	const char *so_keepalive; /* what turns SO_KEEPALIVE on */
	const char *body;	  /* its limit of a request's size, and what reads the rest */
	struct {
		unsigned int seconds;
		const char *name;
	} timeouts[3]; /* as a server, those that it has by default */
};

const struct advice_program *advice_program(const char *comm); /* NULL: not known */

#endif
