/* SPDX-License-Identifier: GPL-2.0-only */
/* Heavy hitters: exact below the bound, within the stated error beyond it. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/peers.h"

#define HOSTS 20000

static void free_peers(struct peers **p)
{
	peers_free(*p);
}

static struct finding from(uint32_t host, uint64_t time)
{
	struct finding f = {0};

	f.reset.time = time;
	f.reset.remote.port = (uint16_t)time; /* of no account */
	memcpy(f.reset.remote.address, &host, sizeof(host));
	return f;
}

static void add(struct peers *p, uint32_t host, uint64_t time)
{
	struct finding f = from(host, time);

	peers_add(p, &f);
}

static const struct peer *get(const struct peers *p, uint32_t host)
{
	for (unsigned int i = 0; i < RSTMON_PEERS_MAX; i++) {
		const struct peer *peer = peers_get(p, i);

		if (peer && !peer->address.ipv6 && !memcmp(peer->address.address, &host, 4))
			return peer;
	}
	return NULL;
}

Test(peers, exact_as_long_as_all_fit)
{
	_cleanup_(free_peers) struct peers *p = NULL;

	cr_assert_eq(peers_new(&p), 0);
	cr_assert_null(peers_get(p, 0));
	for (uint32_t round = 0; round < 5; round++)
		for (uint32_t host = round; host < RSTMON_PEERS_MAX; host++)
			add(p, host, 100 + round);
	for (uint32_t host = 0; host < RSTMON_PEERS_MAX; host++) {
		const struct peer *peer = get(p, host);

		cr_assert(peer);
		cr_assert_eq(peer->count, MIN(host + 1, 5U));
		cr_assert_eq(peer->error, 0);
		cr_assert_eq(peer->first, 100);
		cr_assert_eq(peer->last, 100 + MIN(host, 4U));
		cr_assert_eq(peer->address.port, 0);
	}
	cr_assert_null(peers_get(p, RSTMON_PEERS_MAX));
	cr_assert_geq(peers_memory(p), RSTMON_PEERS_MAX * sizeof(struct peer));
	peers_free(NULL);
}

Test(peers, families_do_not_mix_and_an_ipv4_address_is_four_bytes)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	struct finding f = from(0x01020304, 1);

	cr_assert_eq(peers_new(&p), 0);
	peers_add(p, &f);
	f.reset.remote.address[9] = 9; /* behind an IPv4 address: nothing */
	f.reset.direction = RST_RECEIVED;
	peers_add(p, &f);
	cr_assert_eq(peers_get(p, 0)->count, 2);
	cr_assert_eq(peers_get(p, 0)->direction, RST_RECEIVED);
	cr_assert_eq(peers_get(p, 0)->address.address[9], 0);
	f.reset.remote.ipv6 = true;
	peers_add(p, &f);
	f.reset.remote.address[9] = 8;
	peers_add(p, &f);
	cr_assert_eq(peers_get(p, 1)->count, 1);
	cr_assert_eq(peers_get(p, 2)->count, 1);
	cr_assert_null(peers_get(p, 3));
}

Test(peers, who_never_answered_reset_nothing)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	struct finding f = from(1, 1);

	cr_assert_eq(peers_new(&p), 0);
	f.reset.direction = RST_TIMEOUT;
	peers_add(p, &f);
	cr_assert_null(peers_get(p, 0));
}

/* Against exact counts: never too low, at most 'error' too high, no heavy hitter missing. */
Test(peers, property_of_space_saving)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	static uint64_t exact[HOSTS];
	uint64_t state = 5, total = 0, sum = 0;
	const uint64_t n = 300000;

	cr_assert_eq(peers_new(&p), 0);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t host;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		host = (uint32_t)(state >> 33) % HOSTS;
		if (state >> 62) /* three in four come from few */
			host = host % (1U + host % 700);
		exact[host]++;
		total++;
		add(p, host, i);
	}
	for (unsigned int i = 0; i < RSTMON_PEERS_MAX; i++) {
		const struct peer *peer = peers_get(p, i);
		uint32_t host;

		cr_assert(peer);
		memcpy(&host, peer->address.address, sizeof(host));
		cr_assert_geq(peer->count, exact[host]);
		cr_assert_leq(peer->count - peer->error, exact[host]);
		cr_assert_leq(peer->error, total / RSTMON_PEERS_MAX);
		sum += peer->count;
	}
	cr_assert_eq(sum, total, "counters are handed on, never made");
	for (uint32_t host = 0; host < HOSTS; host++)
		if (exact[host] > total / RSTMON_PEERS_MAX)
			cr_assert(get(p, host), "host %u is missing", host);
}

/* Spoofed addresses, each once, do not drive out the one that comes again and again. */
Test(peers, flood_of_strangers)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	const struct peer *peer;

	cr_assert_eq(peers_new(&p), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		add(p, 1000 + i, i);
		if (i % 100 == 0)
			add(p, 7, i);
	}
	peer = get(p, 7);
	cr_assert(peer);
	cr_assert_geq(peer->count, 2000);
	cr_assert_leq(peer->count - peer->error, 2000);
}

/* A kill may leave one of them twice: what takes the place of the second begins at 0. */
Test(peers, an_adopted_table_has_no_leftovers)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	struct peer *last;

	cr_assert_eq(peers_new(&p), 0);
	for (uint32_t host = 0; host < 100; host++)
		for (unsigned int i = 0; i < 5; i++)
			add(p, host, 100);
	last = (struct peer *)get(p, 99);
	last->address = get(p, 50)->address;
	cr_assert_eq(peers_adopt(p, peers_size(), &p), 0);
	cr_expect_null(get(p, 99));
	add(p, 1000, 200);
	cr_assert(get(p, 1000));
	cr_expect_eq(get(p, 1000)->count, 1);
	cr_expect_eq(get(p, 1000)->error, 0);
}
