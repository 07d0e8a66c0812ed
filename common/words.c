/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Name tables of the contract's enumerations. Must not know anything but numbers and names; a
 * number out of range is a word too, never a crash. Proved by tests/unit/common/words.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/words.h"
#include "rstmon/cause.h"
#include "rstmon/event.h"

static const char *const directions[] = {
	[RST_SENT] = "sent", [RST_RECEIVED] = "received", [RST_TIMEOUT] = "", /* of kind "timeout"
									       */
};
_Static_assert(ARRAY_SIZE(directions) == RST_DIRECTION_MAX, "a direction has no name");

static const char *const roles[] = {
	[RST_ROLE_NONE] = "none",
	[RST_ROLE_SERVER] = "server",
	[RST_ROLE_CLIENT] = "client",
};
_Static_assert(ARRAY_SIZE(roles) == RST_ROLE_MAX, "a role has no name");

static const char *const owner_sources[] = {
	[RST_OWNER_NONE] = "none",	   [RST_OWNER_CONNECT] = "connect",
	[RST_OWNER_LISTEN] = "listen",	   [RST_OWNER_ACCEPT] = "accept",
	[RST_OWNER_READ] = "read",	   [RST_OWNER_WRITE] = "write",
	[RST_OWNER_ITERATOR] = "iterator", [RST_OWNER_CLOSED] = "closed",
	[RST_OWNER_KERNEL] = "kernel",
};
_Static_assert(ARRAY_SIZE(owner_sources) == RST_OWNER_SOURCE_MAX, "an owner source has no name");

static const char *const confidences[] = {
	[CONFIDENCE_LOW] = "low",
	[CONFIDENCE_MEDIUM] = "medium",
	[CONFIDENCE_HIGH] = "high",
	[CONFIDENCE_CERTAIN] = "certain",
};
_Static_assert(ARRAY_SIZE(confidences) == CONFIDENCE_MAX, "a confidence has no name");

static const char *const causes[] = {
#define X(id, name, summary) name,
	RST_CAUSES(X)
#undef X
};

static const char *const summaries[] = {
#define X(id, name, summary) summary,
	RST_CAUSES(X)
#undef X
};

/* sys/syslog.h: LOG_EMERG is 0 */
const char *const severity_names[SEVERITIES] = {"emerg",   "alert",  "crit", "err",
						"warning", "notice", "info", "debug"};

/* include/net/tcp_states.h; the kernel has never renumbered them. */
static const char *const states[] = {
	"",	     "ESTABLISHED", "SYN_SENT",	    "SYN_RECV",	      "FIN_WAIT1",
	"FIN_WAIT2", "TIME_WAIT",   "CLOSE",	    "CLOSE_WAIT",     "LAST_ACK",
	"LISTEN",    "CLOSING",	    "NEW_SYN_RECV", "BOUND_INACTIVE",
};

static const char *name_of(const char *const *table, size_t n, unsigned int number)
{
	return number < n ? table[number] : "invalid";
}

static int number_of(const char *const *table, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i], text))
			return (int)i;
	return -EINVAL;
}

const char *direction_name(unsigned int direction)
{
	return name_of(directions, ARRAY_SIZE(directions), direction);
}

const char *role_name(unsigned int role)
{
	return name_of(roles, ARRAY_SIZE(roles), role);
}

const char *owner_source_name(unsigned int source)
{
	return name_of(owner_sources, ARRAY_SIZE(owner_sources), source);
}

const char *confidence_name(unsigned int confidence)
{
	return name_of(confidences, ARRAY_SIZE(confidences), confidence);
}

const char *cause_name(unsigned int cause)
{
	return name_of(causes, ARRAY_SIZE(causes), cause);
}

const char *cause_summary(unsigned int cause)
{
	return name_of(summaries, ARRAY_SIZE(summaries), cause);
}

const char *severity_name(unsigned int severity)
{
	return name_of(severity_names, SEVERITIES, severity);
}

const char *tcp_state_name(unsigned int state)
{
	return name_of(states, ARRAY_SIZE(states), state);
}

const char *socket_errno_name(int error)
{
	switch (error) {
#define ERROR(e)                                                                                   \
	case e:                                                                                    \
		return #e
		ERROR(ECONNRESET);
		ERROR(EPIPE);
		ERROR(ECONNREFUSED);
		ERROR(ECONNABORTED);
		ERROR(ETIMEDOUT);
		ERROR(EHOSTUNREACH);
		ERROR(ENETUNREACH);
		ERROR(EHOSTDOWN);
		ERROR(ENETDOWN);
		ERROR(ENOTCONN);
		ERROR(EADDRNOTAVAIL);
		ERROR(ENOPROTOOPT);
		ERROR(EOPNOTSUPP);
		ERROR(EPROTO);
		ERROR(EMSGSIZE);
		ERROR(EACCES);
		ERROR(EPERM);
		ERROR(ENOBUFS);
		ERROR(ENOMEM);
		ERROR(EBADMSG);
#undef ERROR
	default:
		return "";
	}
}

int direction_parse(const char *text)
{
	/* no text is the name of a direction that is none */
	return number_of(directions, RST_RESET_DIRECTIONS, text);
}

int role_parse(const char *text)
{
	return number_of(roles, ARRAY_SIZE(roles), text);
}

int cause_parse(const char *text)
{
	return number_of(causes, ARRAY_SIZE(causes), text);
}
