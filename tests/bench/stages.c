/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space pays per reset, from the kernel's record to its row (decode, hold, attribute,
 * history, diagnose, tally, recent): made-up records of several kinds through the daemon's own
 * intake, without kernel and clock. Prints one line a kind: nanoseconds of CPU per reset, median of
 * seven rounds, what that is in resets a second on one core, and the fastest and slowest round.
 * Must measure nothing but intake_drain() in the long run: records are made beforehand, and the
 * first thousands fill the rings untimed.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/intake.h"
#include "daemon/reasons.h"

#define ROUNDS	   7
#define RECORDS	   262144
#define DRAIN	   2048
#define WARM	   (8 * DRAIN) /* until memory has been touched: more than findings are kept */
#define START_NS   (1000 * NSEC_PER_SEC)
#define STEP_NS	   300 /* about three million a second */
#define RECORD_MAX 512

struct fake {
	struct source source;
	uint8_t *record; /* RECORDS of RECORD_MAX bytes */
	unsigned int at, end;
};

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct fake *f = (struct fake *)s;
	unsigned int n = 0;

	for (; n < max && f->at < f->end; n++, f->at++) {
		const uint8_t *record = f->record + (size_t)f->at * RECORD_MAX;
		const struct rst_event *e = (const void *)record;

		fn(record, e->size, userdata);
	}
	return (int)n;
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
	return 1700000000 * (int64_t)NSEC_PER_SEC;
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
	struct rst_event *e = (void *)(f->record + (size_t)i * RECORD_MAX);

	memset(e, 0, size);
	e->version = RST_EVENT_VERSION;
	e->kind = kind;
	e->size = size;
	e->time = START_NS + (uint64_t)i * STEP_NS;
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

static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * (int64_t)NSEC_PER_SEC + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double round_ns(struct fake *f)
{
	struct intake in = {0};
	struct state *state;
	int64_t begin_ns;
	double ns;

	f->at = 0;
	if (state_new(&state) || intake_init(&in, &f->source, state, false)) {
		fprintf(stderr, "stages: no intake\n");
		exit(1);
	}
	in.now = START_NS;
	in.realtime = START_NS + (uint64_t)clock_offset(&f->source);
	while (f->at < WARM && intake_drain(&in, DRAIN) > 0)
		in.now += DRAIN * STEP_NS;
	begin_ns = cpu_ns();
	while (intake_drain(&in, DRAIN) > 0)
		in.now += DRAIN * STEP_NS;
	ns = (double)(cpu_ns() - begin_ns) / (f->end - WARM);
	intake_finish(&in);
	intake_done(&in);
	return ns;
}

static void measure(struct fake *f, const char *words, void (*make)(struct fake *, unsigned int))
{
	double ns[ROUNDS];

	for (unsigned int i = 0; i < RECORDS; i++)
		make(f, i);
	f->end = RECORDS;
	for (unsigned int i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(f);
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("%-34s %8.1f ns  %6.2f million/s   %.1f to %.1f\n", words, ns[ROUNDS / 2],
	       1e3 / ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
}

int main(void)
{
	static struct reasons reasons;
	struct fake f = {.source = {.ops = &ops, .kernel = "none", .reasons = &reasons}};

	if (reasons_add(&reasons, NO_SOCKET, "NO_SOCKET") ||
	    reasons_add(&reasons, ABORT_ON_CLOSE, "TCP_ABORT_ON_CLOSE"))
		return 1;
	f.record = malloc((size_t)RECORDS * RECORD_MAX);
	if (!f.record)
		return 1;
	measure(&f, "sent, to a closed port", closed_port);
	measure(&f, "sent, unread data at close", sent);
	measure(&f, "received, its end unknown", received);
	measure(&f, "both ends of a connection here", both_ends);
	measure(&f, "refused connect, received", refused);
	measure(&f, "time-out", timed_out);
	measure(&f, "all kinds in equal parts", mixed);
	free(f.record);
	return 0;
}
