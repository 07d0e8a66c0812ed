/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Twins: the two alerts of connects that are refused on this host, of which one is told. Must not
 * let a rule of the configuration speak for another, nor anything for what is more severe. Proved
 * by tests/unit/daemon/alert_twin.c.
 */
#include "common/util.h"

#include "daemon/alert_defaults.h"
#include "daemon/alert_internal.h"

/* Both ends have the same address, or what can only be this host's. */
static bool both_ends_here(const struct finding *f)
{
	static const uint8_t loopback[16] = {[15] = 1};
	const struct endpoint *l = &f->reset.local, *r = &f->reset.remote;

	return f->other.known || !memcmp(l->address, r->address, sizeof(l->address)) ||
	       (r->ipv6 ? !memcmp(r->address, loopback, sizeof(loopback)) : r->address[0] == 127);
}

static bool refuses(const struct alert_key *k)
{
	return k->direction == RST_SENT &&
	       (k->cause == RST_CAUSE_SERVICE_DOWN || k->cause == RST_CAUSE_CLOSED_PORT ||
		k->cause == RST_CAUSE_FIREWALL_REJECT);
}

static bool is_refused(const struct alert_key *k)
{
	return k->direction == RST_RECEIVED && k->cause == RST_CAUSE_REFUSED_SYN;
}

static bool is_built_in(const struct alert_rule *rule)
{
	for (unsigned int i = 0; i < alert_defaults_n; i++)
		if (!strcmp(alert_defaults[i].rule.name, rule->name))
			return true;
	return false;
}

/* Whether 'o' tells, or is about to tell, what 's' would: who refused goes first. A rule of the
 * configuration speaks for itself alone, and nothing for what is more severe. */
static bool tells_for(const struct alerts *a, const struct alert_state *o,
		      const struct alert_state *s)
{
	if (!o->used || !o->active || o->twin || o->shown.port != s->shown.port ||
	    a->slot[o->rule].rule.severity > a->slot[s->rule].rule.severity ||
	    !is_built_in(&a->slot[o->rule].rule))
		return false;
	return is_refused(&s->shown) ? refuses(&o->shown) : o->told && is_refused(&o->shown);
}

static bool may_be_twin(const struct alerts *a, const struct alert_state *s)
{
	return s->shown.port && (refuses(&s->shown) || is_refused(&s->shown)) &&
	       is_built_in(&a->slot[s->rule].rule);
}

/* A connect that is refused on this host is a reset in two rows, whose causes differ. Who made a
 * rule for one of them gets what it asks for; the built-in ones tell it once. */
bool alert_is_twin(const struct alerts *a, const struct alert_state *s, const struct recent *recent)
{
	const struct finding *example;
	struct alert alert;

	if (!recent || !may_be_twin(a, s))
		return false;
	for (unsigned int i = 0; i < ALERTS_PLACES; i++) {
		const struct alert_state *o = &a->state[i];

		if (!tells_for(a, o, s))
			continue;
		alert_fill(a, refuses(&s->shown) ? o : s, &alert);
		example = alerts_example(a, &alert, recent);
		if (example && both_ends_here(example))
			return true;
	}
	return false;
}

bool alert_is_spoken_for(const struct alerts *a, const struct alert_state *s)
{
	for (unsigned int i = 0; may_be_twin(a, s) && i < ALERTS_PLACES; i++)
		if (tells_for(a, &a->state[i], s))
			return true;
	return false;
}
