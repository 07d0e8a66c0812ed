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

/* A pause that makes what comes next a new request: shorter ones are within an answer. */
#define PAUSE_MS 1000

static int64_t shorter(int64_t a, int64_t b)
{
	return b >= 0 && b < a ? b : a;
}

/* What a silence until now was when the connection was closed, that long ago. */
static int64_t before(int64_t silence, int64_t ago)
{
	return silence >= 0 && ago > 0 ? silence - ago : silence;
}

/* PostgreSQL has a process for each connection: it ends with it, and says a last word before. */
static bool process_per_connection(const struct story *s)
{
	const struct reset *r = &s->latest.reset;
	int signal = r->has_exit ? r->exit_signal : r->has_former ? r->former_exit_signal : 0;

	return signal == 0 && strcmp(advice_comm(s, RST_ROLE_SERVER), "postgres") == 0;
}

/* Of a server that had closed before: its own silence when it did. Of one that ended it says
 * nothing, and what carries no data is no request. */
static int64_t servers_silence(const struct story *s)
{
	const struct reset *r = &s->latest.reset;
	bool former = r->has_former && !(r->flags & RST_EVENT_FORMER_LISTENER);
	int64_t sent = former ? r->former_bytes_sent : r->bytes_sent;

	if (advice_role(s) != RST_ROLE_SERVER || sent == 0 ||
	    (r->flags & RST_EVENT_SEGMENT && !r->payload))
		return -1;
	if (process_per_connection(s))
		return former ? r->former_receive_idle_ms : before(r->receive_idle_ms, r->fin_ms);
	if (r->flags & RST_EVENT_EXITING || (former && r->former_flags & RST_FORMER_EXITING))
		return -1;
	if (former && r->former_send_idle_ms >= 0)
		return shorter(r->former_send_idle_ms, r->former_receive_idle_ms);
	return before(r->send_idle_ms, r->fin_ms);
}

/* Of a client that writes to a server that had closed: until the server's FIN came. */
static int64_t clients_silence(const struct story *s)
{
	const struct reset *r = &s->latest.reset;

	if (advice_role(s) != RST_ROLE_CLIENT || r->receive_idle_ms < PAUSE_MS)
		return -1;
	return before(r->receive_idle_ms, r->since_state_ms);
}

/* How long a connection had been idle when its server closed it, and the client used it later;
 * -1: that is not the story. */
int64_t advice_silence_ms(const struct story *s)
{
	int64_t ms = -1;

	if (s->samples && s->cause == RST_CAUSE_DATA_AFTER_LOCAL_CLOSE)
		ms = servers_silence(s);
	if (s->samples && s->cause == RST_CAUSE_WRITE_AFTER_PEER_CLOSE)
		ms = clients_silence(s);
	return ms >= PAUSE_MS && ms <= 365LL * 86400 * 1000 ? ms : -1;
}

int value_idle_closed(const struct story *s, char *dst)
{
	return advice_condition(dst, advice_silence_ms(s) >= 0);
}

/* How long before the request the server had closed. */
int value_closed_ago(const struct story *s, char *dst)
{
	const struct reset *r = &s->latest.reset;
	int64_t ms = r->since_state_ms;

	if (!s->samples)
		return -ENODATA;
	if (s->cause == RST_CAUSE_DATA_AFTER_LOCAL_CLOSE)
		ms = r->former_fin_ms >= 0 ? r->former_fin_ms
		     : r->fin_ms >= 0	   ? r->fin_ms
					   : r->closed_ms;
	return advice_milliseconds(dst, ms);
}

/* How long the connection was idle before its end. The request that met a server's close was heard
 * just before the reset, so there the server's own last word counts. */
static struct spread idle_of(const struct story *s)
{
	const struct reset *r = &s->latest.reset;
	struct spread former = {.n = 0};

	if (advice_silence_ms(s) >= 0) {
		former.n = 1;
		former.least = former.middle = former.most = advice_silence_ms(s);
		return former;
	}
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
	/* what is advised must lie below the shortest that was seen, too */
	int64_t ms = tight(&i) && i.least >= i.middle / 4 * 3 ? i.middle : i.least;

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
		return advice_say(dst, "%.32s (measured once)", middle);
	if (strcmp(least, most) == 0)
		return advice_say(dst, "%.32s (each of %u times)", middle, i.n);
	return advice_say(dst, "%.32s to %.32s (%u measured, median %.32s)", least, most, i.n,
			  middle);
}

/* What the client's time-out must be below. */
int value_shortest(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return i.n ? advice_say(dst, "%s", tight(&i) ? "that" : "the shortest of these") : -ENODATA;
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

int value_paused(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return advice_condition(dst, i.n && i.middle >= PAUSE_MS);
}

int value_tight(const struct story *s, char *dst)
{
	struct spread i = idle_of(s);

	return advice_condition(dst, i.n > 1 && tight(&i));
}
