/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages in a row over a made-up source: both ends of a connection on this host, their counts,
 * what is kept and what is told, and in which order.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/intake.h"
#include "tests/unit/daemon/fake_source.h"

#define MS	 NSEC_PER_MSEC
#define START	 (1000 * NSEC_PER_SEC)
#define RECORDS	 1024
#define TOLD_MAX 1024

enum { NO_SOCKET = 1, ABORT_ON_CLOSE = 2, ABORT_ON_DATA = 3, TCP_STATE = 4 };

static struct bed {
	struct fake_source source;
	struct source_ops ops;
	struct reasons reasons;
	struct intake in;
	struct rst_event_sock record[RECORDS];
	unsigned int at, end;
	bool over; /* -ENODATA after the last */
	unsigned int told;
	struct finding finding[TOLD_MAX];
} bed;

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	unsigned int n = 0;

	(void)s;
	for (; n < max && bed.at < bed.end; n++) {
		const struct rst_event *e = &bed.record[bed.at++].event;

		fn(e, e->size, userdata);
	}
	return n || !bed.over ? (int)n : -ENODATA;
}

static int64_t clock_offset(struct source *s)
{
	(void)s;
	return 0;
}

static const struct rst_slot *slots(struct source *s)
{
	(void)s;
	return NULL;
}

static void totals(struct source *s, struct source_totals *ret)
{
	(void)s;
	memset(ret, 0, sizeof(*ret));
}

static void keep(struct source *s)
{
	(void)s;
}

static void tell(const struct finding *f, void *userdata)
{
	(void)userdata;
	cr_assert_lt(bed.told, TOLD_MAX);
	bed.finding[bed.told++] = *f;
}

static void begin(void)
{
	struct state *state = NULL;

	fake_init(&bed.source);
	bed.ops = *bed.source.source.ops;
	bed.ops.drain = drain;
	bed.ops.clock_offset = clock_offset;
	bed.ops.slots = slots;
	bed.ops.totals = totals;
	bed.ops.free = keep;
	bed.source.source.ops = &bed.ops;
	bed.source.source.reasons = &bed.reasons;
	cr_assert_eq(reasons_add(&bed.reasons, NO_SOCKET, "NO_SOCKET"), 0);
	cr_assert_eq(reasons_add(&bed.reasons, ABORT_ON_CLOSE, "TCP_ABORT_ON_CLOSE"), 0);
	cr_assert_eq(reasons_add(&bed.reasons, TCP_STATE, "TCP_STATE"), 0);
	cr_assert_eq(reasons_add(&bed.reasons, ABORT_ON_DATA, "TCP_ABORT_ON_DATA"), 0);
	bed.in.now = START;
	cr_assert_eq(state_new(&state), 0);
	cr_assert_eq(intake_init(&bed.in, &bed.source.source, state, false), 0);
	bed.in.live = true;
	bed.in.tell = tell;
}

static void end(void)
{
	intake_done(&bed.in);
}

TestSuite(intake, .init = begin, .fini = end);

static struct rst_event_sock *add(uint64_t ms, uint16_t client_port, bool client)
{
	struct rst_event_sock *s = &bed.record[bed.end++];
	struct rst_event *e = &s->event;

	cr_assert_leq(bed.end, RECORDS);
	*s = (struct rst_event_sock){};
	e->version = RST_EVENT_VERSION;
	e->kind = RST_EVENT_SOCK;
	e->size = sizeof(*s);
	e->time = START + ms * MS;
	e->key.netns = 7;
	e->key.port = 8080;
	e->key.role = client ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	e->key.owner_tgid = client ? 640 : 812;
	e->key.owner_start = 5;
	e->key.owner_source = RST_OWNER_READ;
	e->local[0] = e->remote[0] = 192;
	e->local[3] = client ? 9 : 1;
	e->remote[3] = client ? 1 : 9;
	e->local_port = client ? client_port : 8080;
	e->remote_port = client ? 8080 : client_port;
	s->sk = 0x1000u + bed.end;
	s->established = e->time - 30 * NSEC_PER_SEC;
	s->bytes_received = 4000;
	s->bytes_sent = 9000;
	s->bytes_acked = 9001;
	s->receive_idle_ms = s->ack_idle_ms = s->send_idle_ms = 20000;
	memcpy(s->owner_comm, client ? "nginx" : "java", client ? 6 : 5);
	return s;
}

/* A server closes an idle connection as a request arrives. */
static struct rst_event_sock *add_sent(uint64_t ms, uint16_t port)
{
	struct rst_event_sock *s = add(ms, port, false);

	s->event.key.reason = ABORT_ON_CLOSE;
	s->event.key.state = STATE_CLOSE;
	s->event.key.previous_state = STATE_ESTABLISHED;
	s->event.flags = RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE;
	s->actor_tgid = 812;
	s->receive_idle_ms = 1;
	s->unread = 120;
	return s;
}

static struct rst_event_sock *add_received(uint64_t ms, uint16_t port)
{
	struct rst_event_sock *s = add(ms, port, true);

	s->event.key.direction = RST_RECEIVED;
	s->event.key.reason = RST_REASON_NONE;
	s->event.key.state = STATE_ESTABLISHED;
	s->unacked = 120;
	s->send_idle_ms = 0;
	return s;
}

/* The answer to a SYN of nobody's port. */
static void add_refused(uint64_t ms, uint16_t port)
{
	struct rst_event *e = &add(ms, 40000, false)->event;

	e->kind = RST_EVENT_BARE;
	e->size = sizeof(*e);
	e->flags = RST_EVENT_SEGMENT;
	e->tcp_flags = 2;
	e->key.owner_tgid = 0;
	e->key.owner_source = RST_OWNER_NONE;
	e->key.role = RST_ROLE_NONE;
	e->key.reason = NO_SOCKET;
	e->key.flags = RST_KEY_SYN;
	e->key.port = e->local_port = port;
}

static void run(uint64_t now_ms)
{
	bed.in.now = START + now_ms * MS;
	bed.in.realtime = bed.in.now;
	while (intake_drain(&bed.in, 64) > 0)
		;
}

/* Counts of rows by cause; the sum of all rows must be the totals. */
static uint64_t counted(enum rst_cause cause, unsigned int direction)
{
	uint64_t sum = 0, all[RST_DIRECTION_MAX] = {0};
	struct tally_stats stats;
	struct tally_row row;

	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		if (!tally_row(bed.in.tally, i, &row))
			continue;
		all[row.direction] += row.count;
		if (row.cause == cause && row.direction == direction)
			sum += row.count;
	}
	tally_stats(bed.in.tally, &stats);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		cr_assert_eq(all[d], stats.total[d]);
	return sum;
}

static uint64_t total(unsigned int direction)
{
	struct tally_stats stats;

	tally_stats(bed.in.tally, &stats);
	return stats.total[direction];
}

/* What is kept is what is counted. */
static void check_kept(void)
{
	uint64_t kept[RST_CAUSE_MAX][RST_DIRECTION_MAX] = {0};
	const struct finding *f;

	for (unsigned int i = 0; (f = recent_get(bed.in.recent, i)); i++)
		kept[f->verdict.cause][f->reset.direction]++;
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++)
		for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
			cr_assert_eq(counted(c, d), kept[c][d], "%s %u", cause_name(c), d);
}

Test(intake, both_ends_are_one_story_in_either_order)
{
	enum rst_cause cause[2][2];

	for (unsigned int first = 0; first < 2; first++) {
		uint16_t port = (uint16_t)(40000 + first);
		uint64_t before = total(RST_SENT) + total(RST_RECEIVED);
		unsigned int told = bed.told, ms = first * 1000;

		if (first)
			add_sent(ms, port);
		add_received(ms, port);
		if (!first)
			add_sent(ms, port);
		run(ms + 1);
		cr_expect_eq(total(RST_SENT) + total(RST_RECEIVED), before + 2, "counted at once");
		cr_expect_eq(bed.told, told, "nobody is told yet");
		cr_expect(intake_waiting(&bed.in));
		check_kept();
		run(ms + 60);
		cr_assert_eq(bed.told, told + 2);
		cr_expect_not(intake_waiting(&bed.in));
		for (unsigned int i = 0; i < 2; i++) {
			const struct finding *f = &bed.finding[told + i];
			bool sent = f->reset.direction == RST_SENT;

			cause[first][sent] = f->verdict.cause;
			cr_expect_eq(sent, i != first, "in the order of arrival");
			cr_expect(f->other.known && f->other.pid == (sent ? 640 : 812));
			cr_expect_str_eq(f->other.comm, sent ? "nginx" : "java");
			cr_expect_eq(f->other.direction, sent ? RST_RECEIVED : RST_SENT);
		}
	}
	cr_expect_eq(cause[0][0], cause[1][0], "the order decides nothing");
	cr_expect_eq(cause[0][1], cause[1][1]);
	check_kept();
}

Test(intake, the_end_that_knows_moves_the_others_count)
{
	enum rst_cause guess, known;

	add_received(0, 40000);
	run(1);
	guess = recent_get(bed.in.recent, 0)->verdict.cause;
	cr_assert_eq(counted(guess, RST_RECEIVED), 1);
	add_sent(1, 40000);
	run(2);
	known = recent_get(bed.in.recent, 0)->verdict.cause;
	cr_assert_neq(known, guess, "a scene where they differ: %s", cause_name(known));
	cr_expect_eq(recent_get(bed.in.recent, 1)->verdict.cause, known);
	cr_expect_eq(counted(guess, RST_RECEIVED), 0);
	cr_expect_eq(counted(known, RST_RECEIVED), 1);
	cr_expect_eq(total(RST_RECEIVED), 1);
	check_kept();
}

Test(intake, an_earlier_one_that_was_told_is_mended_all_the_same)
{
	add_received(0, 40000);
	run(45);
	cr_assert_eq(bed.told, 1);
	add_sent(46, 40000);
	run(47);
	cr_expect(recent_get(bed.in.recent, 1)->other.known);
	cr_expect_eq(recent_get(bed.in.recent, 1)->verdict.cause,
		     recent_get(bed.in.recent, 0)->verdict.cause);
	check_kept();
	run(200);
	cr_expect_eq(bed.told, 2, "each is told once");
}

Test(intake, settled_ones_do_not_wait_but_for_the_order)
{
	add_refused(0, 81);
	run(1);
	cr_expect_eq(bed.told, 1);
	add_received(2, 40000);
	add_refused(3, 81);
	run(4);
	cr_expect_eq(bed.told, 1);
	run(60);
	cr_assert_eq(bed.told, 3);
	cr_expect_eq(bed.finding[1].reset.direction, RST_RECEIVED);
	cr_expect_eq(bed.finding[2].verdict.cause, RST_CAUSE_CLOSED_PORT);
}

Test(intake, without_room_the_oldest_is_told_early)
{
	for (unsigned int i = 0; i < RSTMON_PENDING_MAX + 10; i++)
		add_received(0, (uint16_t)(40000 + i));
	run(1);
	cr_expect_eq(bed.told, 10);
	cr_expect_eq(bed.finding[0].reset.local.port, 40000);
	intake_finish(&bed.in);
	cr_assert_eq(bed.told, RSTMON_PENDING_MAX + 10);
	for (unsigned int i = 0; i < bed.told; i++)
		cr_assert_eq(bed.finding[i].reset.local.port, 40000 + i);
	cr_expect_not(intake_waiting(&bed.in));
}

Test(intake, a_replay_goes_by_the_records_clock)
{
	bed.in.live = false;
	add_received(0, 40000);
	run(1000000); /* whatever time it is now */
	cr_expect_eq(bed.told, 0);
	add_sent(1, 40000);
	add_received(100, 40001);
	run(1000000);
	cr_expect_eq(bed.told, 2);
	cr_expect(bed.finding[0].other.known);
	bed.over = true;
	run(1000000);
	cr_expect_eq(bed.told, 3, "the end of a recording waits for nothing");
	cr_expect_not(intake_waiting(&bed.in));
}

Test(intake, a_false_receive_is_counted_nowhere)
{
	struct rst_event_sock *s = add_received(0, 40000), *twin;

	s->event.flags = RST_EVENT_MAYBE_FALSE;
	twin = add_sent(0, 40000);
	twin->sk = s->sk;
	twin->event.key.reason = ABORT_ON_DATA;
	twin->event.flags |= RST_EVENT_SWALLOWS | RST_EVENT_SEGMENT;
	run(100);
	cr_expect(total(RST_RECEIVED) == 0 && total(RST_SENT) == 1);
	cr_expect_eq(bed.told, 1);
	check_kept();
}

/* Released after 20 ms, paired, its count moved: then the sent record says it was none. */
Test(intake, a_late_swallow_takes_back_the_count_where_it_is)
{
	struct rst_event_sock *s = add_received(0, 40000), *twin;

	s->event.flags = RST_EVENT_MAYBE_FALSE;
	run(25);
	cr_assert_eq(total(RST_RECEIVED), 1);
	add_sent(26, 40000);
	run(27);
	cr_assert(recent_get(bed.in.recent, 1)->other.known);
	twin = add(28, 40000, true);
	twin->sk = s->sk;
	twin->event.key.reason = ABORT_ON_DATA;
	twin->event.key.state = STATE_CLOSE;
	twin->event.flags = RST_EVENT_SWALLOWS | RST_EVENT_SEGMENT;
	run(29);
	cr_expect_eq(total(RST_RECEIVED), 0);
	cr_expect_eq(total(RST_SENT), 2);
	cr_expect(bed.in.late_swallows == 1 && bed.in.unmatched_swallows == 0);
	counted(RST_CAUSE_UNKNOWN, RST_SENT); /* sums */
	run(200);
	cr_expect_eq(bed.told, 2, "nobody is told of what was none");
	cr_expect(bed.finding[0].reset.direction == RST_SENT &&
		  bed.finding[1].reset.direction == RST_SENT);
}

/* On one host the answer to the challenge ACK is traced before the reset that began it. */
Test(intake, the_second_reset_before_the_first)
{
	struct rst_event *e = &add(0, 40000, false)->event;

	e->kind = RST_EVENT_BARE;
	e->size = sizeof(*e);
	e->flags = RST_EVENT_SEGMENT;
	e->tcp_flags = 16;
	e->key.owner_tgid = 0;
	e->key.owner_source = RST_OWNER_NONE;
	e->key.role = RST_ROLE_NONE;
	e->key.reason = NO_SOCKET;
	add_received(0, 40000);
	add_sent(0, 40000);
	run(1);
	cr_assert_eq(total(RST_SENT), 2);
	cr_expect_eq(recent_get(bed.in.recent, 2)->verdict.cause,
		     recent_get(bed.in.recent, 0)->verdict.cause, "%s",
		     cause_name(recent_get(bed.in.recent, 2)->verdict.cause));
	cr_expect_not(recent_get(bed.in.recent, 0)->verdict.basis.facts & BASIS_SECOND,
		      "the first is no second");
	check_kept();
}

/* A server that wakes its own acceptor with a connection to itself looks like a health check, until
 * the other end turns out to be its own; the answer that followed changes with it. */
Test(intake, an_echo_goes_with_what_it_follows)
{
	struct rst_event *e = &add(0, 40000, true)->event;
	struct rst_event_sock *s;

	e->kind = RST_EVENT_BARE;
	e->size = sizeof(*e);
	e->flags = RST_EVENT_SEGMENT;
	e->tcp_flags = 16;
	e->key.owner_tgid = 0;
	e->key.owner_source = RST_OWNER_NONE;
	e->key.role = RST_ROLE_NONE;
	e->key.reason = NO_SOCKET;
	s = add(0, 40000, true);
	s->event.key.reason = TCP_STATE;
	s->event.key.state = STATE_CLOSE;
	s->event.key.previous_state = STATE_ESTABLISHED;
	s->event.flags =
		RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE | RST_EVENT_LINGER;
	s->established = s->event.time - MS;
	s->bytes_sent = s->bytes_received = 0;
	run(1);
	cr_assert_eq(recent_get(bed.in.recent, 0)->verdict.cause, RST_CAUSE_HEALTH_CHECK_RESET);
	cr_assert_eq(recent_get(bed.in.recent, 1)->verdict.cause, RST_CAUSE_HEALTH_CHECK_RESET);

	s = add(1, 40000, false);
	s->event.key.direction = RST_RECEIVED;
	s->event.key.reason = RST_REASON_NONE;
	s->event.key.state = STATE_ESTABLISHED;
	s->event.key.owner_tgid = 640;
	s->established = s->event.time - 2 * MS;
	run(2);
	for (unsigned int i = 0; i < 3; i++)
		cr_expect_eq(recent_get(bed.in.recent, i)->verdict.cause, RST_CAUSE_LINGER_ZERO,
			     "%u: %s", i, cause_name(recent_get(bed.in.recent, i)->verdict.cause));
	check_kept();
}

Test(intake, the_aftermath_changes_what_was_received)
{
	struct rst_event *e;
	struct rst_event_sock *s = add_received(0, 40000);

	s->unacked = 0;
	run(100);
	cr_assert_eq(bed.told, 1);
	e = &add(300, 40000, true)->event; /* the peer's data finds nobody */
	e->kind = RST_EVENT_BARE;
	e->size = sizeof(*e);
	e->flags = RST_EVENT_SEGMENT;
	e->payload = 10;
	e->tcp_flags = 24;
	e->key.owner_tgid = 0;
	e->key.owner_source = RST_OWNER_NONE;
	e->key.role = RST_ROLE_NONE;
	e->key.reason = NO_SOCKET;
	run(301);
	cr_expect_eq(recent_get(bed.in.recent, 1)->verdict.cause, RST_CAUSE_RST_INJECTED, "%s",
		     cause_name(recent_get(bed.in.recent, 1)->verdict.cause));
	cr_expect_eq(counted(RST_CAUSE_RST_INJECTED, RST_RECEIVED), 1);
	check_kept();
}

static void count_incident(const struct incident *i, void *userdata)
{
	unsigned int *n = userdata;

	cr_expect_eq(i->open, *n == 0);
	++*n;
}

Test(intake, incidents_are_told_by_the_records_clock_in_a_replay)
{
	unsigned int n = 0;

	bed.in.live = false;
	for (unsigned int i = 0; i < 2 * RSTMON_INCIDENT_BURST; i++)
		add_refused(i, 81);
	run(1000000);
	intake_tick(&bed.in, count_incident, &n);
	cr_expect_eq(n, 1);
	cr_expect(history_restless(bed.in.history));
	bed.over = true;
	run(1000000);
	intake_tick(&bed.in, count_incident, &n);
	cr_expect_eq(n, 2);
	cr_expect_not(history_restless(bed.in.history));
}

/* Whatever comes in whatever order: each is counted once, told once, and kept as it is counted. */
Test(intake, random_stories_keep_the_sums)
{
	uint64_t x = 88172645463325252ULL, ms = 0, sent = 0;

	for (unsigned int i = 0; i < RECORDS; i++) {
		struct rst_event *e;
		uint16_t port;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		port = (uint16_t)(40000 + (x >> 8) % 16);
		ms += (x >> 16) % 8 ? (x >> 20) % 3 : (x >> 20) % 2500;
		switch (x % 5) {
		case 0:
			add_refused(ms, (uint16_t)(80 + (x >> 30) % 60));
			break;
		case 1:
			add_received(ms, port);
			break;
		case 2:
			add_sent(ms, port);
			break;
		default: /* the answer to a segment of no known connection, of either end */
			e = &add(ms, port, x >> 40 & 1)->event;
			e->kind = RST_EVENT_BARE;
			e->size = sizeof(*e);
			e->flags = RST_EVENT_SEGMENT;
			e->tcp_flags = 16;
			e->payload = x >> 41 & 1;
			e->key.owner_tgid = 0;
			e->key.owner_source = RST_OWNER_NONE;
			e->key.reason = NO_SOCKET;
		}
		sent += bed.record[i].event.key.direction == RST_SENT;
		if (x >> 50 & 1)
			run(ms);
		if (i % 64 == 0)
			check_kept();
	}
	bed.in.now = START + ms * MS;
	intake_finish(&bed.in);
	check_kept();
	cr_expect_eq(total(RST_SENT), sent);
	cr_expect_eq(total(RST_SENT) + total(RST_RECEIVED), RECORDS);
	cr_assert_eq(bed.told, RECORDS);
	for (unsigned int i = 0; i < RECORDS; i++)
		cr_assert_eq(bed.finding[i].reset.monotonic, bed.record[i].event.time);
}
