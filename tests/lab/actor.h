/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lab's tool: a process that does to sockets what the words of its command line say, one after the
 * other (actor.c), and that sees and sends single segments (wire.c). A word that cannot be done ends it
 * with a sentence and exit code ACTOR_FAILED; the scenario is then no proof of anything.
 */
#ifndef TESTS_LAB_ACTOR_H
#define TESTS_LAB_ACTOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define ACTOR_FAILED  99
#define ACTOR_WAIT_MS 30000

void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* "8080" (IPv4 loopback), "v6:8080", "any:8080", "any6:8080", "192.0.2.1:8080", "[2001:db8::1]:8080" */
socklen_t parse_address(const char *text, struct sockaddr_storage *ret);

/* Does what word[0] says if it is about segments: number of words used, 0 if it is not. */
int wire_word(char **word, int n);

#endif
