/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One row or two of the ownership table: a script that makes resets, and what is true about them. Each
 * runs in a stage of its own, in a fresh network namespace.
 */
#ifndef TESTS_LIVE_SCENARIO_H
#define TESTS_LIVE_SCENARIO_H

#include "tests/live/actor.h"

struct scenario {
	const char *name;
	/* makes what shall be older than the daemon; runs before it starts; NULL: nothing */
	void (*before)(struct stage *s);
	void (*run)(struct stage *s);
};

extern const struct scenario scenarios_plain[], scenarios_owner[], scenarios_old[],
	scenarios_end[], scenarios_special[]; /* each ended by a name of NULL */

/* What 'owner' (NULL: no process) is to be named for. The defaults: actor nobody, everything else
 * unchecked. The caller may change what it gets back. */
struct live_expect *expect(struct stage *s, enum rst_direction direction, enum rst_role role,
			   const struct actor *owner);

/* sent by 'owner' itself, in its own context */
struct live_expect *expect_sent(struct stage *s, enum rst_role role, const struct actor *owner);
struct live_expect *expect_received(struct stage *s, enum rst_role role,
				    const struct actor *owner);

/* Also right, because no more can be known and the source says so. */
void expect_or(struct live_expect *e, const struct actor *owner, const char *source);
void expect_actor(struct live_expect *e, const struct actor *actor);

/* The usual pair of ends: the server sends, the client receives; or the other way round. */
void expect_server_sends(struct stage *s, const struct actor *server, const struct actor *client);
void expect_client_sends(struct stage *s, const struct actor *client, const struct actor *server);

#endif
