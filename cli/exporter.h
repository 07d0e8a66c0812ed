/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What 'rstmon exporter' is made of: where it listens, which format a scraper gets, and an answer of
 * the daemon that is kept for a moment. All of it but the HTTP is pure.
 */
#ifndef CLI_EXPORTER_H
#define CLI_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define EXPORTER_LISTEN	       "127.0.0.1:9941"
#define EXPORTER_CONNECTIONS   32	 /* more of them wait until one of these is over */
#define EXPORTER_BACKLOG       64	 /* so many do */
#define EXPORTER_IDLE_S	       60	 /* then a connection is closed; Prometheus keeps its own open */
#define EXPORTER_CALL_S	       5	 /* for the daemon; scrapers wait ten seconds */
#define EXPORTER_FRESH_NS      500000000 /* an answer is given again: twice a second the daemon is asked at most */
#define EXPORTER_REQUEST_BYTES 16384	 /* memory of a connection, all its headers included */
#define EXPORTER_ACCEPT_MAX    32	 /* formats that a scraper may name; what is behind is not read */

struct exporter_address {
	struct sockaddr_storage address;
	socklen_t size;
};

/* An address and a port, "192.0.2.1:80" or "[2001:db8::1]:80"; no names. -EINVAL: 'error' has
 * "column N: ..." with what to give instead. */
int exporter_listen_parse(const char *text, struct exporter_address *ret, char *error, size_t size);

/* A socket that listens there. -errno. */
int exporter_listen(const struct exporter_address *a);

/* Where a socket is, as an address and a port. */
void exporter_listen_text(int fd, char *dst, size_t size);

enum exporter_format {
	EXPORTER_OPENMETRICS,
	EXPORTER_CLASSIC,
	EXPORTER_FORMAT_MAX,
};

const char *exporter_content_type(enum exporter_format format);

/* For an Accept: header, NULL if there was none. OpenMetrics only to those who name it and do not
 * like the older format better; all others, curl among them, can read the latter. */
enum exporter_format exporter_accept(const char *accept);

/* OpenMetrics text, as rstmond writes it, in the older format. malloc()ed; NULL: no memory. */
char *exporter_classic(const char *openmetrics);

#define EXPORTER_SENTENCE_MAX 768

/* The daemon's latest answer. Who makes it fills in the first three. */
struct exporter_cache {
	/* 0 and a malloc()ed text; else a sentence */
	int (*ask)(void *userdata, char **ret_text, char *ret_sentence, size_t size);
	uint64_t (*clock)(void);
	void *userdata;
	bool asked;
	uint64_t answered; /* when, on that clock */
	char *text[EXPORTER_FORMAT_MAX]; /* NULL: none, or not in this format yet */
	char sentence[EXPORTER_SENTENCE_MAX];
};

/* Asks, if the latest answer is too old; one that failed is kept as long. Lives until the next call.
 * NULL: 'sentence' says why. */
const char *exporter_cache_get(struct exporter_cache *c, enum exporter_format format);
void exporter_cache_done(struct exporter_cache *c);

/* Answers on the socket until a byte, a signal or the end can be read from 'end'. Owns neither. -errno. */
int exporter_serve(int fd, int end, struct exporter_cache *cache);

#endif
