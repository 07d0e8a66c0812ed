/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long connections had been idle, and the time-outs that this shows. Must not make a time-out
 * of one value by chance: sentences say how many were measured. Proved by
 * tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"

static const struct spread *longer(const struct spread *a, const struct spread *b)
{
	return b->n && (!a->n || b->middle > a->middle) ? b : a;
}

/* How long the connection was idle before its end. The request that met a server's close was heard
 * just before the reset, so there the server's own last word counts. */
static struct spread idle_of(const struct story *s)
{
	const struct reset *r = &s->latest.reset;
	struct spread former = {.n = 0};

	if (s->cause != RST_CAUSE_KEEPALIVE_RACE_SERVER)
		return s->idle_ms.n ? s->idle_ms : s->send_idle_ms;
	if (s->samples && r->has_former && r->former_send_idle_ms >= 0) {
		former.n = 1;
		former.least = former.middle = former.most = r->former_send_idle_ms;
	}
	return *longer(longer(&s->idle_ms, &s->send_idle_ms), &former);
}

/* They lie so close together that it is a time-out and no chance. */
static bool tight(const struct spread *i)
{
	return i->n && i->least >= 0 && i->middle >= i->least && i->most >= i->middle &&
	       i->most - i->least <= MAX(1000, i->middle / 4);
}

/* The time-out that closed the connections, as one would write it into a configuration. */
int64_t advice_timeout_ms(const struct story *s)
{
	struct spread i = idle_of(s);
	int64_t ms = tight(&i) ? i.middle : i.least;

	if (!i.n || ms < 500 || ms > 86400 * 1000)
		return -1;
	return ms >= 4000 ? (ms + 250) / 1000 * 1000 : ms / 100 * 100;
}

static int whole(char *dst, int64_t ms)
{
	return ms % 1000 ? advice_milliseconds(dst, ms) : advice_seconds(dst, ms / 1000);
}

int value_idle(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return i.n ? advice_milliseconds(dst, i.middle) : -ENODATA;
}

int value_idle_range(const struct story *s, char *dst)
{
	char least[ADVICE_VALUE_LEN], middle[ADVICE_VALUE_LEN], most[ADVICE_VALUE_LEN];
	struct spread i = idle_of(s);

	if (!i.n || advice_milliseconds(least, i.least) < 0 ||
	    advice_milliseconds(middle, i.middle) < 0 || advice_milliseconds(most, i.most) < 0)
		return -ENODATA;
	if (i.n == 1)
		return advice_say(dst, "measured once: %.32s", middle);
	return advice_say(dst, "median of %u: %.32s, from %.32s to %.32s", i.n, middle, least,
			  most);
}

int value_timeout(const struct story *s, char *dst)
{
	int64_t ms = advice_timeout_ms(s);

	return ms < 0 ? -ENODATA : whole(dst, ms);
}

/* Three quarters of it: room for a slow network and for clocks that tick in whole seconds. */
int value_below(const struct story *s, char *dst)
{
	int64_t ms = advice_timeout_ms(s), below = ms * 3 / 4;

	if (ms < 0)
		return -ENODATA;
	return whole(dst, below >= 2000 ? below / 1000 * 1000 : below / 100 * 100);
}

/* Nothing on the way forgets sooner: after a shorter silence it was no time-out, and keep-alive
 * would not have helped. */
#define FORGETS_MS (30 * 1000)

int value_idle_long(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return advice_condition(dst, i.n && i.middle >= FORGETS_MS);
}

int value_tight(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return advice_condition(dst, i.n > 1 && tight(&i));
}
