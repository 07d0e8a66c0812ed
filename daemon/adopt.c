/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checks resets and findings that somebody else left. Must not read a bool, follow a pointer or
 * look for the end of a text before it was checked. Proved by tests/unit/daemon/state.c, which
 * flips bytes.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/adopt.h"
#include "daemon/path.h"

int adopt_reasons(const char names[REASONS_MAX][RSTMON_REASON_MAX], unsigned int n,
		  const struct reasons *now, struct adopt_reasons *ret)
{
	if (n > REASONS_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < n; i++)
		if (!memchr(names[i], '\0', RSTMON_REASON_MAX))
			return -EBADMSG;
	for (unsigned int i = 0; i < REASONS_MAX; i++) {
		ret->name[i] = "";
		ret->number[i] = RST_REASON_NONE;
		if (i >= n || !names[i][0])
			continue;
		for (unsigned int k = 0; k < now->n && k < REASONS_MAX; k++) {
			if (strcmp(names[i], now->name[k]))
				continue;
			ret->name[i] = now->name[k];
			ret->number[i] = (uint8_t)k;
			break;
		}
	}
	return 0;
}

/* A bool with another value than these two is none; reading it as one would be undefined. */
static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, sizeof(byte));
	return byte <= 1;
}

#define ENDED(text) (memchr(text, '\0', sizeof(text)) != NULL)

static bool endpoint_valid(const struct endpoint *e)
{
	return is_bool(&e->ipv6);
}

bool adopt_reset_valid(const struct reset *r)
{
	if (!endpoint_valid(&r->local) || !endpoint_valid(&r->remote) || !is_bool(&r->syn) ||
	    !is_bool(&r->has_exit) || !is_bool(&r->has_former))
		return false;
	if (r->direction >= RST_DIRECTION_MAX || r->role >= RST_ROLE_MAX ||
	    r->state > STATE_NEW_SYN_RECV || r->previous_state > STATE_NEW_SYN_RECV ||
	    (unsigned int)r->reason >= REASON_MAX || r->owner_source >= RST_OWNER_SOURCE_MAX ||
	    r->former_role >= RST_ROLE_MAX || r->former_state > STATE_NEW_SYN_RECV)
		return false;
	return ENDED(r->owner_comm) && ENDED(r->actor_comm) && ENDED(r->actor_parent_comm) &&
	       ENDED(r->former_comm);
}

void adopt_reset(struct reset *r, const struct adopt_reasons *reasons)
{
	uint8_t number = r->reason_number;

	r->reason_name = number < REASONS_MAX ? reasons->name[number] : "";
	r->reason_number = number < REASONS_MAX ? reasons->number[number] : RST_REASON_NONE;
}

static bool verdict_valid(const struct verdict *v)
{
	/* evidence_format() trusts nothing of v->basis */
	return v->cause < RST_CAUSE_MAX && v->confidence < CONFIDENCE_MAX && v->path < PATH_MAX_ &&
	       is_bool(&v->settled);
}

bool adopt_finding_valid(const struct finding *f)
{
	const struct owner *o = &f->owner;
	const struct other_end *other = &f->other;

	return adopt_reset_valid(&f->reset) && o->source < RST_OWNER_SOURCE_MAX && ENDED(o->comm) &&
	       ENDED(o->exe) && ENDED(o->unit) && ENDED(o->container) && ENDED(o->pod) &&
	       verdict_valid(&f->verdict) && is_bool(&other->known) &&
	       other->direction < RST_DIRECTION_MAX && other->role < RST_ROLE_MAX &&
	       ENDED(other->comm);
}
