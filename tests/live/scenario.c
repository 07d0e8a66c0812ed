/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes down what a scenario knows. It must not look at what rstmond says: judge.c does. */
#include "common/util.h"

#include "tests/live/scenario.h"

struct live_expect *expect(struct stage *s, enum rst_direction direction, enum rst_role role,
			   const struct actor *owner)
{
	struct live_expect *e;

	if (s->truth->n == LIVE_EXPECT_MAX)
		stage_fail(s, "too many expectations");
	e = &s->truth->expect[s->truth->n++];
	*e = (struct live_expect){
		.direction = direction,
		.role = role,
		.port = s->port,
		.exit_signal = LIVE_ANY,
		.exit_status = LIVE_ANY - 1,
		.count = 1,
	};
	if (owner) {
		e->pid = owner->pid;
		snprintf(e->comm, sizeof(e->comm), "%s", owner->comm);
	}
	return e;
}

void expect_actor(struct live_expect *e, const struct actor *actor)
{
	e->actor = actor->pid;
	snprintf(e->actor_comm, sizeof(e->actor_comm), "%s", actor->comm);
}

void expect_or(struct live_expect *e, const struct actor *owner, const char *source)
{
	e->other_pid = owner->pid;
	e->other_source = source;
	snprintf(e->other_comm, sizeof(e->other_comm), "%s", owner->comm);
}

struct live_expect *expect_sent(struct stage *s, enum rst_role role, const struct actor *owner)
{
	struct live_expect *e = expect(s, RST_SENT, role, owner);

	expect_actor(e, owner);
	return e;
}

struct live_expect *expect_received(struct stage *s, enum rst_role role, const struct actor *owner)
{
	return expect(s, RST_RECEIVED, role, owner);
}

void expect_server_sends(struct stage *s, const struct actor *server, const struct actor *client)
{
	expect_sent(s, RST_ROLE_SERVER, server);
	expect_received(s, RST_ROLE_CLIENT, client);
}

void expect_client_sends(struct stage *s, const struct actor *client, const struct actor *server)
{
	expect_sent(s, RST_ROLE_CLIENT, client);
	expect_received(s, RST_ROLE_SERVER, server);
}
