/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translates the kernel's reset reasons. Knows names, never numbers.
 * Proved by tests/unit/daemon/reasons.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/reasons.h"

#define PREFIX "SK_RST_REASON_"

static const struct {
	const char *name;
	enum reason meaning;
} known[] = {
	{"NOT_SPECIFIED", REASON_NOT_SPECIFIED},
	{"NO_SOCKET", REASON_NO_SOCKET},
	{"TCP_INVALID_ACK_SEQUENCE", REASON_TCP_INVALID_ACK_SEQUENCE},
	{"TCP_RFC7323_PAWS", REASON_TCP_RFC7323_PAWS},
	{"TCP_TOO_OLD_ACK", REASON_TCP_TOO_OLD_ACK},
	{"TCP_ACK_UNSENT_DATA", REASON_TCP_ACK_UNSENT_DATA},
	{"TCP_FLAGS", REASON_TCP_FLAGS},
	{"TCP_OLD_ACK", REASON_TCP_OLD_ACK},
	{"TCP_ABORT_ON_DATA", REASON_TCP_ABORT_ON_DATA},
	{"TCP_TIMEWAIT_SOCKET", REASON_TCP_TIMEWAIT_SOCKET},
	{"INVALID_SYN", REASON_INVALID_SYN},
	{"TCP_ABORT_ON_CLOSE", REASON_TCP_ABORT_ON_CLOSE},
	{"TCP_ABORT_ON_LINGER", REASON_TCP_ABORT_ON_LINGER},
	{"TCP_ABORT_ON_MEMORY", REASON_TCP_ABORT_ON_MEMORY},
	{"TCP_STATE", REASON_TCP_STATE},
	{"TCP_KEEPALIVE_TIMEOUT", REASON_TCP_KEEPALIVE_TIMEOUT},
	{"TCP_DISCONNECT_WITH_DATA", REASON_TCP_DISCONNECT_WITH_DATA},
};

static enum reason meaning_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return known[i].meaning;
	if (!strncmp(name, "MPTCP_RST_", strlen("MPTCP_RST_")))
		return REASON_MPTCP;
	return REASON_OTHER;
}

int reasons_add(struct reasons *r, unsigned int number, const char *name)
{
	if (number >= REASONS_MAX)
		return -ERANGE;
	if (!strncmp(name, PREFIX, strlen(PREFIX)))
		name += strlen(PREFIX);
	str_sanitise(r->name[number], sizeof(r->name[number]), name, strlen(name));
	r->meaning[number] = meaning_of(r->name[number]);
	r->n = MAX(r->n, number + 1);
	return 0;
}

const char *reasons_name(const struct reasons *r, uint8_t number)
{
	return number < r->n ? r->name[number] : "";
}

enum reason reasons_meaning(const struct reasons *r, uint8_t number)
{
	if (number == RST_REASON_NONE)
		return REASON_NONE;
	return number < r->n && r->name[number][0] ? r->meaning[number] : REASON_OTHER;
}
