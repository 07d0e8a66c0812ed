/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who took part in a story; how processes ended is in advice_ended.c. Must not name a process that
 * the story does not: others are "the server", "the client". Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>

#include "common/addr.h"
#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"

struct who {
	uint32_t pid;
	const char *comm;
};

static bool known(const struct who *w)
{
	return w->pid || w->comm[0];
}

static int name(char *dst, const struct who *w)
{
	if (!known(w))
		return -ENODATA;
	if (!w->pid)
		return advice_say(dst, "%s", w->comm);
	if (!w->comm[0])
		return advice_say(dst, "process %" PRIu32, w->pid);
	return advice_say(dst, "%s[%" PRIu32 "]", w->comm, w->pid);
}

/* The local process of the latest reset, or of the busiest row where none is kept. */
static struct who owner(const struct story *s)
{
	if (s->samples)
		return (struct who){s->latest.owner.pid, s->latest.owner.comm};
	if (s->n_parties)
		return (struct who){s->party[0].pid, s->party[0].comm};
	return (struct who){0, ""};
}

static uint8_t owner_role(const struct story *s)
{
	const struct reset *r = &s->latest.reset;

	if (!s->samples)
		return s->n_parties ? s->party[0].role : RST_ROLE_NONE;
	/* what the connection was, not what is left of it */
	if (r->has_former && !(r->flags & RST_EVENT_FORMER_LISTENER) && r->former_role)
		return r->former_role;
	return r->role;
}

uint8_t advice_role(const struct story *s)
{
	return owner_role(s);
}

int value_is_client(const struct story *s, char *dst)
{
	return advice_condition(dst, owner_role(s) == RST_ROLE_CLIENT);
}

int value_is_server(const struct story *s, char *dst)
{
	return advice_condition(dst, owner_role(s) == RST_ROLE_SERVER);
}

static bool loopback(const struct endpoint *e)
{
	static const uint8_t one[16] = {[15] = 1};

	return e->ipv6 ? memcmp(e->address, one, sizeof(one)) == 0 : e->address[0] == 127;
}

/* The reset came from this very host, but rstmon saw nobody send it: netfilter's are not seen. */
int value_own_host(const struct story *s, char *dst)
{
	static const uint8_t nothing[16];
	const struct endpoint *l = &s->latest.reset.local, *r = &s->latest.reset.remote;
	bool known_address = memcmp(r->address, nothing, sizeof(nothing)) != 0;
	bool same = known_address && l->ipv6 == r->ipv6 &&
		    memcmp(l->address, r->address, r->ipv6 ? 16 : 4) == 0;

	return advice_condition(dst, s->samples && s->latest.reset.direction == RST_RECEIVED &&
					     !s->latest.other.known && (same || loopback(r)));
}

static struct who other(const struct story *s)
{
	if (s->samples && s->latest.other.known)
		return (struct who){s->latest.other.pid, s->latest.other.comm};
	return (struct who){0, ""};
}

static struct who in_role(const struct story *s, uint8_t role)
{
	uint8_t mine = owner_role(s);

	if (mine == RST_ROLE_NONE)
		return (struct who){0, ""};
	return mine == role ? owner(s) : other(s);
}

int value_owner(const struct story *s, char *dst)
{
	struct who w = owner(s);

	return name(dst, &w);
}

int value_owner_start(const struct story *s, char *dst)
{
	return value_owner(s, dst) == 0 ? 0 : advice_say(dst, "This host");
}

int value_peer(const struct story *s, char *dst)
{
	struct who w = other(s);

	return name(dst, &w);
}

int value_remote(const struct story *s, char *dst)
{
	static const uint8_t nothing[16];
	const struct endpoint *e = &s->latest.reset.remote;

	if (!s->samples || memcmp(e->address, nothing, sizeof(nothing)) == 0)
		return -ENODATA;
	addr_format(dst, ENDPOINT_TEXT_MAX, e->address, e->ipv6);
	return 0;
}

/* The named one, else by address, else in general. */
static int a_role(const struct story *s, uint8_t role, const char *word, char *dst)
{
	char address[ADVICE_VALUE_LEN];
	struct who w = in_role(s, role);

	if (known(&w))
		return name(dst, &w);
	if (owner_role(s) != role && s->peers <= 1 && value_remote(s, address) == 0)
		return advice_say(dst, "%s %.64s", word, address);
	return advice_say(dst, "%s", word);
}

int value_server(const struct story *s, char *dst)
{
	struct who w = in_role(s, RST_ROLE_SERVER);

	return name(dst, &w);
}

int value_client(const struct story *s, char *dst)
{
	struct who w = in_role(s, RST_ROLE_CLIENT);

	return name(dst, &w);
}

int value_a_server(const struct story *s, char *dst)
{
	return a_role(s, RST_ROLE_SERVER, "the server", dst);
}

int value_a_server_start(const struct story *s, char *dst)
{
	return a_role(s, RST_ROLE_SERVER, "The server", dst);
}

int value_a_client(const struct story *s, char *dst)
{
	return a_role(s, RST_ROLE_CLIENT, "the client", dst);
}

int value_a_client_start(const struct story *s, char *dst)
{
	return a_role(s, RST_ROLE_CLIENT, "The client", dst);
}

static int a_peer(const struct story *s, const char *the, const char *one, char *dst)
{
	char address[ADVICE_VALUE_LEN];
	struct who w = other(s);

	if (known(&w))
		return name(dst, &w);
	if (s->peers > 1)
		return advice_say(dst, "%s of %s%u peers", one, s->peers >= 16 ? "at least " : "",
				  s->peers);
	if (value_remote(s, address) == 0)
		return advice_say(dst, "%.64s", address);
	return advice_say(dst, "%s peer", the);
}

int value_a_peer(const struct story *s, char *dst)
{
	return a_peer(s, "the", "one", dst);
}

int value_a_peer_start(const struct story *s, char *dst)
{
	return a_peer(s, "The", "One", dst);
}

/* Only if it is the client who got it. */
int value_client_errno(const struct story *s, char *dst)
{
	struct who w = in_role(s, RST_ROLE_CLIENT);
	const char *text = socket_errno_name(s->error);

	if (!known(&w) || w.pid != s->error_pid || strcmp(w.comm, s->error_comm) != 0 || !text[0])
		return -ENODATA;
	return advice_say(dst, "%s", text);
}

int value_actor(const struct story *s, char *dst)
{
	struct who w = {s->latest.reset.actor_tgid, s->latest.reset.actor_comm};

	return s->samples ? name(dst, &w) : -ENODATA;
}

int value_actor_parent(const struct story *s, char *dst)
{
	struct who w = {s->latest.reset.actor_parent_tgid, s->latest.reset.actor_parent_comm};

	return s->samples ? name(dst, &w) : -ENODATA;
}

/* Who listened on the port, or had the connection, before. */
int value_former(const struct story *s, char *dst)
{
	const struct reset *r = &s->latest.reset;
	struct who w = {r->former_tgid, r->former_comm};

	if (!s->samples || !r->has_former)
		return -ENODATA;
	return known(&w) ? name(dst, &w) : value_owner(s, dst);
}

const char *advice_comm(const struct story *s, uint8_t role)
{
	return in_role(s, role).comm;
}

const char *advice_comm_owner(const struct story *s)
{
	return owner(s).comm;
}

static const struct {
	const char *key;
	int (*value)(const struct story *s, char *dst);
} keys[] = {
#define X(key_, function) {key_, value_##function},
	ADVICE_KEYS(X)
#undef X
};

int advice_value(const struct story *s, const char *key, size_t n, char dst[ADVICE_VALUE_LEN])
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == n && memcmp(keys[i].key, key, n) == 0)
			return keys[i].value(s, dst);
	return -ENOENT;
}
