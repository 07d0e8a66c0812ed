/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes up records of resets and hands them over like the kernel's ring: one behind the other, each
 * as long as it is, in a ring as large as the daemon's. Must not read a clock. Used by stages.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/reasons.h"
#include "tests/bench/stages.h"

#define RING   (4 << 20)
#define HEADER 8 /* of a record in the ring: its length, and what only the kernel reads */

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct fake *f = (struct fake *)s;
	unsigned int n = 0;

	while (n < max && f->begin < f->end) {
		const uint8_t *at = f->ring + f->begin;
		uint32_t size = *(const uint32_t *)at;

		f->begin += HEADER + ((size + 7U) & ~7U);
		fn(at + HEADER, size, userdata);
		n++;
	}
	return (int)n;
}

static uint64_t position(struct source *s)
{
	const struct fake *f = (const struct fake *)s;

	return f->base + f->begin;
}

static int fd(struct source *s)
{
	(void)s;
	return -1;
}

static void totals(struct source *s, struct source_totals *ret)
{
	(void)s;
	memset(ret, 0, sizeof(*ret));
}

static const struct rst_slot *slots(struct source *s)
{
	(void)s;
	return NULL;
}

static int process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret)
{
	(void)s;
	*ret = (struct rst_process){
		.tgid = tgid, .start = start, .comm = "java", .exe = "/usr/bin/java"};
	return 0;
}

static int processes(struct source *s, source_record_fn fn, void *userdata)
{
	(void)s;
	(void)fn;
	(void)userdata;
	return 0;
}

static int cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	(void)s;
	(void)id;
	snprintf(ret_path, size, "/system.slice/tomcat.service");
	return 0;
}

static int64_t clock_offset(struct source *s)
{
	(void)s;
	return (int64_t)STAGES_OFFSET_NS;
}

static const struct source_hook *hooks(struct source *s, size_t *ret_n)
{
	(void)s;
	*ret_n = 0;
	return NULL;
}

static size_t ring_bytes(struct source *s)
{
	(void)s;
	return 0;
}

static void keep(struct source *s)
{
	(void)s;
}

static const struct source_ops ops = {
	.drain = drain,
	.position = position,
	.fd = fd,
	.totals = totals,
	.slots = slots,
	.process = process,
	.processes = processes,
	.cgroup = cgroup,
	.hooks = hooks,
	.clock_offset = clock_offset,
	.ring_bytes = ring_bytes,
	.free = keep,
};

/* Numbers of the reasons as this program has them; names are what counts. */
enum { NO_SOCKET = 1, ABORT_ON_CLOSE = 2 };

static void put_address(struct rst_event *e, unsigned int i, uint16_t local, uint16_t remote)
{
	e->local[0] = e->remote[0] = 192;
	e->local[2] = e->remote[2] = 2;
	e->local[3] = 1;
	e->remote[3] = (uint8_t)(2 + i / 60000 % 200);
	e->local_port = local;
	e->remote_port = remote;
}

static struct rst_event *begin(struct fake *f, unsigned int i, uint8_t kind, uint16_t size)
{
	struct rst_event *e = (void *)(f->ring + f->end + HEADER);

	*(uint32_t *)(f->ring + f->end) = size;
	f->end += HEADER + ((size + 7U) & ~7U);
	memset(e, 0, size);
	e->version = RST_EVENT_VERSION;
	e->kind = kind;
	e->size = size;
	e->time = STAGES_START_NS + (uint64_t)i * STAGES_STEP_NS;
	e->key.netns = 4026531840U;
	e->key.netns_cookie = 1;
	return e;
}

static void closed_port(struct fake *f, unsigned int i)
{
	struct rst_event *e = begin(f, i, RST_EVENT_BARE, sizeof(struct rst_event));

	e->flags = RST_EVENT_SEGMENT;
	e->tcp_flags = 2;
	e->ttl = 64;
	e->key.flags = RST_KEY_SYN;
	e->key.reason = NO_SOCKET;
	e->key.port = (uint16_t)(10000 + i % 64);
	put_address(e, i, e->key.port, (uint16_t)(1024 + i % 60000));
}

/* The i-th of a server's connections; both ends are told apart by 'client'. */
static struct rst_event_sock *connection(struct fake *f, unsigned int i, unsigned int pair,
					 bool client)
{
	struct rst_event *e = begin(f, i, RST_EVENT_SOCK, sizeof(struct rst_event_sock));
	struct rst_event_sock *s = (void *)e;
	uint16_t port = (uint16_t)(1024 + pair % 60000);

	e->key.role = client ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	e->key.owner_tgid = client ? 640 : 812;
	e->key.owner_start = 5 * NSEC_PER_SEC;
	e->key.owner_source = RST_OWNER_READ;
	e->key.port = 8080;
	put_address(e, pair, client ? port : 8080, client ? 8080 : port);
	if (client) { /* the same connection from the other side */
		uint8_t address[16];

		memcpy(address, e->local, sizeof(address));
		memcpy(e->local, e->remote, sizeof(address));
		memcpy(e->remote, address, sizeof(address));
	}
	s->sk = 0x1000 + i;
	s->established = e->time - 30 * NSEC_PER_SEC;
	s->bytes_received = 4000;
	s->bytes_sent = 90000;
	s->bytes_acked = 90001;
	s->receive_idle_ms = s->ack_idle_ms = 20000;
	s->send_idle_ms = 20000;
	memcpy(s->owner_comm, client ? "nginx" : "java", client ? 6 : 5);
	return s;
}

static void make_sent(struct fake *f, unsigned int i, unsigned int pair)
{
	struct rst_event_sock *s = connection(f, i, pair, false);

	s->event.key.direction = RST_SENT;
	s->event.key.reason = ABORT_ON_CLOSE;
	s->event.key.state = 7;
	s->event.key.previous_state = 1;
	s->event.flags = RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE;
	s->actor_tgid = 812;
	s->receive_idle_ms = 1;
	s->unread = 120;
}

static void make_received(struct fake *f, unsigned int i, unsigned int pair)
{
	struct rst_event_sock *s = connection(f, i, pair, true);

	s->event.key.direction = RST_RECEIVED;
	s->event.key.reason = RST_REASON_NONE;
	s->event.key.state = 1;
	s->unacked = 120;
	s->send_idle_ms = 0;
}

static void sent(struct fake *f, unsigned int i)
{
	make_sent(f, i, i);
}

static void received(struct fake *f, unsigned int i)
{
	make_received(f, i, i);
}

static void both_ends(struct fake *f, unsigned int i)
{
	if (i & 1)
		make_sent(f, i, i / 2);
	else
		make_received(f, i, i / 2);
}

/* What a connect() to a closed port gets: on loopback the other half of a flood at closed ports. */
static void refused(struct fake *f, unsigned int i)
{
	struct rst_event_sock *s = connection(f, i, i, true);

	s->event.key.owner_source = RST_OWNER_CONNECT;
	s->event.key.direction = RST_RECEIVED;
	s->event.key.reason = RST_REASON_NONE;
	s->event.key.state = 2;
	s->event.key.previous_state = 7;
	s->established = 0;
	s->bytes_received = s->bytes_sent = s->bytes_acked = 0;
	s->receive_idle_ms = s->ack_idle_ms = s->send_idle_ms = ~0U;
	s->unacked = 1;
}

/* A peer that is gone without a word: no reset at all. */
static void timed_out(struct fake *f, unsigned int i)
{
	struct rst_event_sock *s = connection(f, i, i, false);

	s->event.key.direction = RST_TIMEOUT;
	s->event.key.reason = RST_REASON_NONE;
	s->event.key.state = 7;
	s->event.key.previous_state = 1;
	s->error = ETIMEDOUT;
	s->unacked = 1448;
	s->retransmits = s->backoff = 15;
	s->total_retrans = 15;
}

static void mixed(struct fake *f, unsigned int i)
{
	static void (*const make[])(struct fake *, unsigned int) = {
		closed_port, sent, received, NULL, refused, timed_out};
	unsigned int kind = i / 2 % ARRAY_SIZE(make);

	/* a connection of its own for each record, but one for both ends */
	if (make[kind])
		make[kind](f, i);
	else if (i & 1)
		make_sent(f, i, i - 1);
	else
		make_received(f, i, i);
}

const struct kind stages_kinds[] = {
	{"closed", "sent, to a closed port", closed_port},
	{"unread", "sent, unread data at close", sent},
	{"received", "received, its end unknown", received},
	{"both", "both ends of a connection here", both_ends},
	{"refused", "refused connect, received", refused},
	{"timeout", "time-out", timed_out},
	{"mixed", "all kinds in equal parts", mixed},
	{NULL, NULL, NULL},
};

int stages_init(struct fake *f)
{
	static struct reasons reasons;

	if (reasons_add(&reasons, NO_SOCKET, "NO_SOCKET") ||
	    reasons_add(&reasons, ABORT_ON_CLOSE, "TCP_ABORT_ON_CLOSE"))
		return -ERANGE;
	*f = (struct fake){.source = {.ops = &ops, .kernel = "none", .reasons = &reasons}};
	f->ring = malloc(RING);
	return f->ring ? 0 : -ENOMEM;
}

void stages_done(struct fake *f)
{
	free(f->ring);
}

void stages_rewind(struct fake *f)
{
	f->base = f->made = 0;
	f->begin = f->end = 0;
}

void stages_fill(struct fake *f, make_fn make, unsigned int max)
{
	f->base += f->end;
	f->begin = f->end = 0;
	while (f->made < max && f->end + HEADER + sizeof(struct rst_event_sock_former) <= RING)
		make(f, f->made++);
}
