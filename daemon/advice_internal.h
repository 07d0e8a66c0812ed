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
#define ADVICE_VALUE_LEN  160

/* One place per cause; what is not there is told by common/causes.c alone. */
struct advice_entry {
	const char *narrative[ADVICE_NARRATIVES]; /* the first that can be filled */
	const char *what[ADVICE_TEMPLATES];	  /* those that can be filled, in this order */
};

const struct advice_entry *advice_entry(unsigned int cause);

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
