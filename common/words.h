/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of the contract: names of the enumerations, as they stand in JSON, in the log and in a
 * filter. Each x_name() gives a static string, for a number out of range "invalid"; each x_parse()
 * gives the number or -EINVAL. Names are compared exactly.
 */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include <stdint.h>

enum confidence {
	CONFIDENCE_LOW,
	CONFIDENCE_MEDIUM,
	CONFIDENCE_HIGH,
	CONFIDENCE_CERTAIN,
	CONFIDENCE_MAX,
};

const char *direction_name(unsigned int direction); /* "sent", "received"; "" of kind timeout */
const char *role_name(unsigned int role);	    /* "none", "server", "client" */
const char *owner_source_name(unsigned int source); /* "none", "connect", "listen", ... */
const char *confidence_name(unsigned int confidence);
const char *cause_name(unsigned int cause);
const char *cause_summary(unsigned int cause);

/* syslog's severities by their numbers: "emerg" to "debug" */
#define SEVERITIES 8
extern const char *const severity_names[SEVERITIES];
const char *severity_name(unsigned int severity);

/* TCP states by the kernel's numbers (include/net/tcp_states.h), without "TCP_"; 0 is "". */
const char *tcp_state_name(unsigned int state);

/* errno's symbolic name, for those that a socket gives ("ECONNRESET"); 0 and others: "". */
const char *socket_errno_name(int error);

int direction_parse(const char *text);
int role_parse(const char *text);
int cause_parse(const char *text);

#endif
