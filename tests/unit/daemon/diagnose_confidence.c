/* SPDX-License-Identifier: GPL-2.0-only */
/* Every step of confidence: each ground for and against a rule, alone, and the bounds at both ends.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/diagnose_internal.h"
#include "tests/unit/daemon/sample_reset.h"

static const struct host watched = {
	.watched_ms = 3600 * 1000, .overflowed = -1, .cookies_failed = -1, .sibling = -1};

struct circumstances {
	struct reset r;
	struct past past;
	struct host host;
};

/* Nothing for, nothing against. */
static struct circumstances plain(void)
{
	struct circumstances c = {.r = sample_closed(RST_ROLE_SERVER, REASON_TCP_ABORT_ON_CLOSE),
				  .host = watched};

	c.r.drops = 0;
	return c;
}

static enum confidence level(const struct circumstances *c, enum confidence base, uint16_t grounds)
{
	static const struct owner nobody;
	const struct view v = {&c->r, &nobody, &c->past, &c->host, PATH_CLOSE_UNREAD};
	const struct rule rule = {.confidence = base, .grounds = grounds};

	return diagnose_confidence(&v, &rule);
}

/* One step up where the rule asks for it, none where it does not, and never beyond 'high'. */
static void supports(const struct circumstances *c, uint16_t ground)
{
	const struct circumstances without = plain();

	cr_assert_eq(level(&without, CONFIDENCE_MEDIUM, ground), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(c, CONFIDENCE_MEDIUM, 0), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(c, CONFIDENCE_LOW, ground), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(c, CONFIDENCE_MEDIUM, ground), CONFIDENCE_HIGH);
	cr_assert_eq(level(c, CONFIDENCE_HIGH, ground), CONFIDENCE_HIGH);
	cr_assert_eq(level(c, CONFIDENCE_CERTAIN, ground), CONFIDENCE_CERTAIN);
}

static void opposes(const struct circumstances *c, uint16_t ground)
{
	const struct circumstances without = plain();

	cr_assert_eq(level(&without, CONFIDENCE_MEDIUM, ground), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(c, CONFIDENCE_HIGH, ground), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(c, CONFIDENCE_MEDIUM, ground), CONFIDENCE_LOW);
	cr_assert_eq(level(c, CONFIDENCE_LOW, ground), CONFIDENCE_LOW);
}

Test(confidence, for_a_programs_packet)
{
	struct circumstances c = plain();

	sample_packet(&c.r, true, 63);
	supports(&c, FOR_ACTIVE_PACKET);
	sample_packet(&c.r, false, 63);
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_ACTIVE_PACKET), CONFIDENCE_MEDIUM);
}

Test(confidence, for_what_history_knows)
{
	struct circumstances c = plain();

	c.past.other.known = true;
	supports(&c, FOR_OTHER_END);
	c = plain();
	c.past.burst = RSTMON_INCIDENT_BURST;
	supports(&c, FOR_BURST);
	c.past.burst--;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_BURST), CONFIDENCE_MEDIUM);
	c = plain();
	c.past.idle_alike = 3;
	supports(&c, FOR_IDLE_ALIKE);
	c.past.idle_alike = 2;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_IDLE_ALIKE), CONFIDENCE_MEDIUM);
	c = plain();
	c.past.repeats = 3;
	supports(&c, FOR_REPEATS);
	c.past.repeats = 2;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_REPEATS), CONFIDENCE_MEDIUM);
}

Test(confidence, for_what_the_kernel_knows)
{
	struct circumstances c = plain();

	c.r.drops = 1;
	supports(&c, FOR_DROPS);
	c = plain();
	c.r.has_former = true;
	c.r.former_reset = 1;
	supports(&c, FOR_FORMER_RESET);
	c.r.former_reset = 2;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_FORMER_RESET), CONFIDENCE_MEDIUM);
	c = plain();
	c.r.listener_age_ms = 60000;
	supports(&c, FOR_NEVER_HERE);
	c.host.lossy = true;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_NEVER_HERE), CONFIDENCE_MEDIUM);
	c.host.lossy = false;
	c.host.watched_ms = 59999;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_NEVER_HERE), CONFIDENCE_MEDIUM);
}

Test(confidence, two_grounds_are_two_steps)
{
	struct circumstances c = plain();

	c.past.other.known = true;
	c.r.drops = 1;
	cr_assert_eq(level(&c, CONFIDENCE_LOW, FOR_OTHER_END | FOR_DROPS), CONFIDENCE_HIGH);
	c.past.burst = 50;
	cr_assert_eq(level(&c, CONFIDENCE_LOW, FOR_OTHER_END | FOR_DROPS | FOR_BURST),
		     CONFIDENCE_HIGH);
}

Test(confidence, against_a_kernel_without_reasons)
{
	struct circumstances c = plain();
	static const enum reason none[] = {REASON_NONE, REASON_OTHER, REASON_NOT_SPECIFIED};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		c.r.reason = none[i];
		opposes(&c, 0);
		cr_assert_eq(level(&c, CONFIDENCE_CERTAIN, 0), CONFIDENCE_HIGH);
	}
	c.r.direction = RST_RECEIVED; /* no kernel gives a reason for these */
	cr_assert_eq(level(&c, CONFIDENCE_HIGH, 0), CONFIDENCE_HIGH);
}

Test(confidence, against_a_guessed_role)
{
	struct circumstances c = plain();

	c.r.owner_source = RST_OWNER_ITERATOR;
	opposes(&c, AGAINST_ROLE);
	c.r.owner_source = RST_OWNER_NONE;
	opposes(&c, AGAINST_ROLE);
	c = plain();
	c.r.flags |= RST_EVENT_SEEDED;
	opposes(&c, AGAINST_ROLE);
	cr_assert_eq(level(&c, CONFIDENCE_CERTAIN, AGAINST_ROLE), CONFIDENCE_MEDIUM,
		     "never a confident client or server");
	c.past.other.known = true;
	cr_assert_eq(level(&c, CONFIDENCE_HIGH, AGAINST_ROLE | FOR_OTHER_END), CONFIDENCE_MEDIUM);
	cr_assert_eq(level(&c, CONFIDENCE_HIGH, 0), CONFIDENCE_HIGH,
		     "where the role decides nothing");
}

Test(confidence, against_a_short_memory)
{
	struct circumstances c = plain();

	c.host.lossy = true;
	opposes(&c, AGAINST_UNKNOWN);
	c = plain();
	c.host.watched_ms = 3000;
	opposes(&c, AGAINST_UNKNOWN);
	c.host.lossy = true;
	opposes(&c, AGAINST_UNKNOWN); /* one ground, not two */
	c = plain();
	c.host.watched_ms = -1;
	opposes(&c, AGAINST_UNKNOWN);
}

Test(confidence, for_and_against_cancel)
{
	struct circumstances c = plain();

	c.past.other.known = true;
	c.host.lossy = true;
	cr_assert_eq(level(&c, CONFIDENCE_MEDIUM, FOR_OTHER_END | AGAINST_UNKNOWN),
		     CONFIDENCE_MEDIUM);
}

/* ---- facts ---- */

static struct reset seen(uint8_t flags, uint16_t window, uint8_t header, uint8_t ttl, int64_t base)
{
	struct reset r = sample_socket(RST_RECEIVED, RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.flags |= RST_EVENT_PACKET;
	r.packet_flags = flags;
	r.packet_window = window;
	r.packet_header = header;
	r.packet_ttl = ttl;
	r.ttl_base = base;
	return r;
}

static enum packet packet_of(struct reset r)
{
	const struct view v = {.r = &r};

	return fact_packet(&v);
}

static enum ttl ttl_of(struct reset r)
{
	const struct view v = {.r = &r};

	return fact_ttl(v.r);
}

Test(confidence, contents_of_a_reset)
{
	cr_assert_eq(packet_of(seen(0x14, 502, 32, 63, 63)), PACKET_ACTIVE);
	cr_assert_eq(packet_of(seen(0x14, 0, 32, 63, 63)), PACKET_ACTIVE);
	cr_assert_eq(packet_of(seen(0x04, 0, 20, 63, 63)), PACKET_BARE);
	cr_assert_eq(packet_of(seen(0x14, 0, 20, 63, 63)), PACKET_UNKNOWN,
		     "some systems make all of theirs so");
	cr_assert_eq(packet_of(seen(0x04, 8192, 20, 63, 63)), PACKET_UNKNOWN);
	struct reset r = seen(0x04, 0, 20, 63, 63);

	r.flags &= ~(uint32_t)RST_EVENT_PACKET;
	cr_assert_eq(packet_of(r), PACKET_UNKNOWN);
}

Test(confidence, how_far_a_reset_came)
{
	cr_assert_eq(ttl_of(seen(4, 0, 20, 63, 63)), TTL_SAME);
	cr_assert_eq(ttl_of(seen(4, 0, 20, 62, 63)), TTL_SAME, "ways differ by a hop");
	cr_assert_eq(ttl_of(seen(4, 0, 20, 64, 63)), TTL_NEARER);
	cr_assert_eq(ttl_of(seen(4, 0, 20, 41, 63)), TTL_FOREIGN);
	cr_assert_eq(ttl_of(seen(4, 0, 20, 254, 63)), TTL_FOREIGN);
	cr_assert_eq(ttl_of(seen(4, 0, 20, 64, -1)), TTL_UNKNOWN);
	cr_assert_eq(ttl_of(seen(4, 0, 20, 0, 63)), TTL_UNKNOWN);
}
