/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Space-Saving over the remote addresses: a known address counts up, a new one takes over the
 * smallest counter and inherits its count as its possible error. The smallest is at the root of a
 * heap. Must not allocate per reset. Proved by tests/unit/daemon/peers.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/index.h"
#include "daemon/peers.h"

#define PEER_SLOTS 4096
#define PEER_MASK  (PEER_SLOTS - 1)

_Static_assert(PEER_SLOTS >= 2 * RSTMON_PEERS_MAX, "an index needs empty slots");

struct peers {
	struct peer peer[RSTMON_PEERS_MAX];
	uint32_t hash[RSTMON_PEERS_MAX];
	uint16_t heap[RSTMON_PEERS_MAX];     /* place -> peer, smallest count first */
	uint16_t position[RSTMON_PEERS_MAX]; /* peer -> its place in the heap */
	uint64_t slots[PEER_SLOTS];
	uint64_t seed; /* remote hosts choose their addresses; they must not choose their slots */
	unsigned int n;
};

size_t peers_size(void)
{
	return sizeof(struct peers);
}

struct peers *peers_format(void *memory, size_t size)
{
	struct peers *p = memory;

	if (!memory || size < sizeof(*p))
		return NULL;
	p->seed = index_mix((uintptr_t)p); /* as random as the address space's layout */
	return p;
}

int peers_new(struct peers **ret)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*ret = peers_format(p, sizeof(*p));
	return 0;
}

void peers_free(struct peers *p)
{
	free(p);
}

static uint32_t address_hash(const struct peers *p, const struct endpoint *e)
{
	uint64_t word[2] = {0};

	memcpy(word, e->address, e->ipv6 ? 16 : 4);
	return (uint32_t)index_mix(word[0] ^ p->seed ^ index_mix(word[1] ^ p->seed ^ e->ipv6));
}

static uint32_t find(const struct peers *p, const struct endpoint *e, uint32_t hash)
{
	uint32_t position = hash, i;

	while ((i = index_next(p->slots, PEER_MASK, hash, &position)) != INDEX_NONE) {
		const struct endpoint *have = &p->peer[i].address;

		if (have->ipv6 == e->ipv6 && !memcmp(have->address, e->address, e->ipv6 ? 16 : 4))
			break;
	}
	return i;
}

static uint64_t heap_count(const struct peers *p, unsigned int place)
{
	return p->peer[p->heap[place]].count;
}

static void heap_put(struct peers *p, unsigned int place, uint16_t i)
{
	p->heap[place] = i;
	p->position[i] = (uint16_t)place;
}

/* Counts only grow, so a peer only ever moves away from the root. */
static void heap_down(struct peers *p, uint16_t i)
{
	unsigned int place = p->position[i];

	for (;;) {
		unsigned int child = 2 * place + 1;

		if (child >= p->n)
			break;
		if (child + 1 < p->n && heap_count(p, child + 1) < heap_count(p, child))
			child++;
		if (heap_count(p, child) >= p->peer[i].count)
			break;
		heap_put(p, place, p->heap[child]);
		place = child;
	}
	heap_put(p, place, i);
}

/* A new peer has count 0 as long as there are free counters: it starts at the root, where no count
 * is smaller, and what stood there moves to the end, below the path that leads to it. */
static void heap_grow(struct peers *p, uint16_t i)
{
	unsigned int place = p->n++;

	while (place) {
		unsigned int parent = (place - 1) / 2;

		heap_put(p, place, p->heap[parent]);
		place = parent;
	}
	heap_put(p, 0, i);
}

static bool peer_valid(const struct peer *peer)
{
	uint8_t ipv6;

	memcpy(&ipv6, &peer->address.ipv6, sizeof(ipv6));
	return ipv6 <= 1 && peer->direction < RST_RESET_DIRECTIONS && peer->error <= peer->count;
}

/* Enters peer i at the end of the heap and lets it rise. */
static void heap_enter(struct peers *p, uint16_t i)
{
	unsigned int place = p->n++;

	while (place && heap_count(p, (place - 1) / 2) > p->peer[i].count) {
		heap_put(p, place, p->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	heap_put(p, place, i);
}

/* A kill in the middle of take_over() may leave a peer twice, or one without an address: of those
 * the later ones go, which is as exact as this table ever is. */
int peers_adopt(void *memory, size_t size, struct peers **ret)
{
	struct peers *p = memory;
	unsigned int n;

	if (!memory || size < sizeof(*p) || p->n > RSTMON_PEERS_MAX)
		return -EBADMSG;
	for (unsigned int i = 0; i < p->n; i++)
		if (!peer_valid(&p->peer[i]))
			return -EBADMSG;
	n = p->n;
	p->n = 0;
	memset(p->slots, 0, sizeof(p->slots));
	for (unsigned int i = 0; i < n; i++) {
		struct peer *peer = &p->peer[p->n];
		uint32_t hash;

		*peer = p->peer[i];
		peer->address.port = 0;
		hash = address_hash(p, &peer->address);
		if (!peer->count || find(p, &peer->address, hash) != INDEX_NONE)
			continue;
		p->hash[p->n] = hash;
		index_insert(p->slots, PEER_MASK, hash, p->n);
		heap_enter(p, (uint16_t)p->n);
	}
	/* a new one begins at 0, and at the root of the heap */
	memset(&p->peer[p->n], 0, (n - p->n) * sizeof(p->peer[0]));
	*ret = p;
	return 0;
}

static uint32_t take_over(struct peers *p, const struct finding *f, uint32_t hash)
{
	struct peer *peer;
	uint16_t i;

	if (p->n < RSTMON_PEERS_MAX) {
		i = (uint16_t)p->n;
		heap_grow(p, i);
	} else {
		i = p->heap[0];
		index_remove(p->slots, PEER_MASK, p->hash[i], i);
	}
	peer = &p->peer[i];
	peer->error = peer->count;
	peer->address = (struct endpoint){.ipv6 = f->reset.remote.ipv6};
	memcpy(peer->address.address, f->reset.remote.address, peer->address.ipv6 ? 16 : 4);
	peer->first = f->reset.time;
	peer->last = 0;
	p->hash[i] = hash;
	index_insert(p->slots, PEER_MASK, hash, i);
	return i;
}

void peers_add(struct peers *p, const struct finding *f)
{
	uint32_t hash = address_hash(p, &f->reset.remote);
	uint32_t i = find(p, &f->reset.remote, hash);
	struct peer *peer;

	/* the table is of who resets; whom nobody reaches would drive those out */
	if (f->reset.direction >= RST_RESET_DIRECTIONS)
		return;
	if (i == INDEX_NONE)
		i = take_over(p, f, hash);
	peer = &p->peer[i];
	peer->count++;
	peer->direction = f->reset.direction;
	peer->first = MIN(peer->first, f->reset.time);
	peer->last = MAX(peer->last, f->reset.time);
	heap_down(p, (uint16_t)i);
}

const struct peer *peers_get(const struct peers *p, unsigned int i)
{
	return i < p->n ? &p->peer[i] : NULL;
}

size_t peers_memory(const struct peers *p)
{
	return sizeof(*p);
}
