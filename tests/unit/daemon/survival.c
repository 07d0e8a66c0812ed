/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A daemon is killed and another goes on with its memory: at a record's end with a reader that
 * lags, at any instruction (one is stepped through, and at each step its memory is taken over), in
 * an upgrade.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "daemon/intake.h"
#include "tests/unit/daemon/fake_source.h"
#include "tests/unit/daemon/tally_fixture.h"

static void free_state(struct state **s)
{
	state_free(*s);
}

#define BEGIN	(1000 * NSEC_PER_SEC)
#define RECORDS 64

enum { NO_SOCKET = 1, ABORT_ON_CLOSE = 2, ABORT_ON_DATA = 3 };

/* A ring that outlives its readers; each of these has read up to 'at'. */
struct ring {
	struct fake_source fake;
	struct source_ops ops;
	struct rst_event_sock record[RECORDS];
	uint64_t position[RECORDS];
	unsigned int at, end;
	unsigned int damaged; /* nothing can be read from there on; 0: all is well */
	struct source_totals totals;
	struct rst_slot slot[4];
	size_t n_slots;
};

static struct reasons reasons;
static struct ring rings[2];

static struct ring *ring_of(struct source *s)
{
	return (struct ring *)s;
}

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	struct ring *ring = ring_of(s);
	unsigned int n = 0;

	for (; n < max && ring->at < ring->end; n++) {
		if (ring->damaged && ring->at >= ring->damaged)
			return -EBADMSG;
		fn(&ring->record[ring->at], ring->record[ring->at].event.size, userdata);
		ring->at++;
	}
	return (int)n;
}

static uint64_t position(struct source *s)
{
	return ring_of(s)->position[ring_of(s)->at];
}

static int64_t clock_offset(struct source *s)
{
	(void)s;
	return 5000;
}

static const struct rst_slot *slots(struct source *s)
{
	return ring_of(s)->n_slots ? ring_of(s)->slot : NULL;
}

static size_t n_slots(struct source *s)
{
	return ring_of(s)->n_slots;
}

static void totals(struct source *s, struct source_totals *ret)
{
	*ret = ring_of(s)->totals;
}

static void keep(struct source *s)
{
	(void)s;
}

static void setup(void)
{
	cr_assert_eq(reasons_add(&reasons, NO_SOCKET, "NO_SOCKET"), 0);
	cr_assert_eq(reasons_add(&reasons, ABORT_ON_CLOSE, "TCP_ABORT_ON_CLOSE"), 0);
	cr_assert_eq(reasons_add(&reasons, ABORT_ON_DATA, "TCP_ABORT_ON_DATA"), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct ring *r = &rings[i];

		fake_init(&r->fake);
		r->ops = *r->fake.source.ops;
		r->ops.drain = drain;
		r->ops.position = position;
		r->ops.clock_offset = clock_offset;
		r->ops.slots = slots;
		r->ops.n_slots = n_slots;
		r->ops.totals = totals;
		r->ops.free = keep;
		r->fake.source.ops = &r->ops;
		r->fake.source.reasons = &reasons;
		r->fake.source.kernel = "6.18.0";
	}
}

TestSuite(survival, .init = setup);

static struct rst_event_sock *put(struct ring *ring, uint64_t ms, bool received, uint16_t port)
{
	unsigned int i = ring->end++;
	struct rst_event_sock *s = &ring->record[i];
	struct rst_event *e = &s->event;

	cr_assert_lt(i, RECORDS);
	*s = (struct rst_event_sock){};
	e->version = RST_EVENT_VERSION;
	e->kind = RST_EVENT_SOCK;
	e->size = sizeof(*s);
	e->time = BEGIN + ms * NSEC_PER_MSEC;
	e->key.netns = 7;
	e->key.port = 8080;
	e->key.direction = received ? RST_RECEIVED : RST_SENT;
	e->key.role = received ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	e->key.owner_tgid = received ? 640 : 812;
	e->key.owner_start = 5;
	e->key.owner_source = RST_OWNER_READ;
	e->key.state = received ? STATE_ESTABLISHED : STATE_CLOSE;
	e->key.previous_state = received ? 0 : STATE_ESTABLISHED;
	e->key.reason = received ? RST_REASON_NONE : ABORT_ON_CLOSE;
	e->local[0] = e->remote[0] = 192;
	e->local[3] = received ? 9 : 1;
	e->remote[3] = received ? 1 : 9;
	e->local_port = received ? port : 8080;
	e->remote_port = received ? 8080 : port;
	s->sk = 0x1000u + i;
	s->established = e->time - 30 * NSEC_PER_SEC;
	s->bytes_received = 4000;
	s->bytes_sent = 9000;
	s->bytes_acked = 9001;
	s->receive_idle_ms = s->ack_idle_ms = s->send_idle_ms = 20000;
	if (received) {
		s->unacked = 120;
		s->send_idle_ms = 0;
	} else {
		e->flags = RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE;
		s->actor_tgid = 812;
		s->receive_idle_ms = 1;
		s->unread = 120;
	}
	memcpy(s->owner_comm, received ? "nginx" : "java", received ? 6 : 5);
	ring->position[i] = (uint64_t)(i + 1) * sizeof(*s);
	*(received ? &ring->totals.received : &ring->totals.sent) += 1;
	return s;
}

static void doubtful(struct ring *ring, uint64_t ms)
{
	put(ring, ms, true, 40000)->event.flags |= RST_EVENT_MAYBE_FALSE;
}

/* A daemon takes over what stands in 'fd', or begins with nothing. */
static struct intake *begin(struct ring *ring, int fd, uint64_t ms)
{
	struct intake *in = calloc(1, sizeof(*in));
	struct state *state = NULL;

	cr_assert_not_null(in);
	in->now = in->realtime = BEGIN + ms * NSEC_PER_MSEC;
	cr_assert_eq(fd < 0 ? state_new(&state) : state_adopt(fd, &reasons, &state), 0);
	cr_assert_eq(intake_init(in, &ring->fake.source, state, false), 0);
	in->live = true;
	return in;
}

static void end(struct intake *in)
{
	intake_done(in);
	free(in);
}

static uint64_t sum_of(struct tally *t)
{
	struct tally_stats stats;
	uint64_t sum = 0;

	tally_stats(t, &stats);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		sum += stats.total[d];
	return sum;
}

static unsigned int held(const struct hold *h)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < HOLD_MAX; i++)
		n += hold_get(h, i) != NULL;
	return n;
}

Test(survival, a_record_that_was_counted_is_not_counted_again)
{
	struct ring *ring = &rings[0];
	struct intake *in = begin(ring, -1, 0), *next;

	for (unsigned int i = 0; i < 5; i++)
		put(ring, i, false, (uint16_t)(40000 + i));
	cr_assert_eq(intake_drain(in, 64), 5);
	cr_assert_eq(state_position(in->state), ring->position[4]);
	ring->at = 4; /* the kill came before the reader went on */
	put(ring, 6, false, 40006);
	next = begin(ring, state_fd(in->state), 10);
	cr_assert_eq(sum_of(next->tally), 5);
	cr_assert_eq(intake_drain(next, 64), 2);
	cr_expect_eq(sum_of(next->tally), 6);
	cr_expect_eq(recent_latest(next->recent), 6);
	cr_expect_eq(recent_get(next->recent, 5)->reset.remote.port, 40000);
	cr_expect_str_eq(recent_get(next->recent, 5)->reset.reason_name, "TCP_ABORT_ON_CLOSE");
	end(in);
	end(next);
}

Test(survival, a_doubtful_one_is_swallowed_by_the_next_daemon)
{
	struct ring *ring = &rings[0];
	struct intake *in = begin(ring, -1, 0), *next;
	struct rst_event_sock *s;

	doubtful(ring, 0);
	doubtful(ring, 1);
	cr_assert_eq(intake_drain(in, 64), 2);
	next = begin(ring, state_fd(in->state), 2);
	cr_expect(intake_waiting(next));
	cr_expect_eq(sum_of(next->tally), 0);
	s = put(ring, 3, false, 8080);
	s->sk = ring->record[0].sk;
	s->event.key.reason = ABORT_ON_DATA;
	s->event.flags |= RST_EVENT_SWALLOWS | RST_EVENT_SEGMENT;
	cr_assert_eq(intake_drain(next, 64), 1);
	next->now += NSEC_PER_SEC;
	intake_drain(next, 64);
	cr_expect_eq(sum_of(next->tally), 2, "the other one was a reset");
	cr_expect_not(intake_waiting(next));
	end(in);
	end(next);
}

static void spill_slot(struct ring *ring, unsigned int i, uint16_t port, uint64_t count)
{
	ring->slot[i] = (struct rst_slot){
		.tag = i + 1,
		.count = count,
		.first = BEGIN,
		.last = BEGIN,
		.key = {.netns = 7, .port = port, .reason = NO_SOCKET, .flags = RST_KEY_SYN},
		.ready = 1,
	};
	ring->n_slots = 4;
	ring->totals.sent += count;
	ring->totals.spilled[RST_SENT] += count;
	ring->totals.unread_ever += count;
}

static void expect_exact(struct intake *in, uint64_t sent, uint64_t received)
{
	struct source_totals all;
	struct tally_stats stats;

	intake_totals(in, &all);
	tally_stats(in->tally, &stats);
	cr_expect_eq(all.sent, sent, "%lu", all.sent);
	cr_expect_eq(all.received, received, "%lu", all.received);
	cr_expect_eq(stats.total[RST_SENT], sent, "%lu", stats.total[RST_SENT]);
	cr_expect_eq(stats.total[RST_RECEIVED], received);
}

Test(survival, slots_are_read_anew_by_the_next_daemon)
{
	struct ring *ring = &rings[0];
	struct intake *in = begin(ring, -1, 0), *next;

	spill_slot(ring, 0, 80, 100);
	put(ring, 0, false, 40000);
	intake_refresh(in);
	expect_exact(in, 101, 0);
	spill_slot(ring, 1, 81, 10); /* while nobody runs */
	next = begin(ring, state_fd(in->state), 10);
	intake_refresh(next);
	expect_exact(next, 111, 0);
	end(in);
	end(next);
}

/* The old hooks' ring, slots and totals go over to a copy, once, beside those of the new ones. */
Test(survival, an_upgrade_takes_everything_over)
{
	struct ring *old = &rings[0], *new = &rings[1];
	struct intake *in = begin(old, -1, 0), *next;
	struct state *copy = NULL;
	struct rst_event_sock *s;

	state_set_generation(in->state, 1);
	spill_slot(old, 0, 80, 100);
	for (unsigned int i = 0; i < 4; i++)
		put(old, i, false, (uint16_t)(40000 + i));
	doubtful(old, 5);
	intake_refresh(in);
	cr_expect(sum_of(in->tally) == 104 && held(in->hold) == 1);
	old->at -= 2; /* killed, the reader lags */
	put(old, 6, false, 40006);
	s = put(old, 7, false, 40007); /* of a future version: only the head is what it was */
	s->event.version = RST_EVENT_VERSION + 1;
	s->event.kind = 99;
	memset(s->event.local, 0xff, sizeof(*s) - offsetof(struct rst_event, local));
	s = put(old, 8, false, 40008);
	s->event.version = RST_EVENT_VERSION - 1;
	s->event.key.role = 77; /* that nobody can read */
	old->totals.lost[RST_SENT] = 3;
	old->totals.sent += 3;
	spill_slot(old, 1, 81, 50);

	cr_assert_eq(state_copy(in->state, &reasons, &copy), 0);
	state_set_generation(copy, 2);
	end(in);
	put(new, 9, true, 40009);
	spill_slot(new, 2, 82, 7);
	next = calloc(1, sizeof(*next));
	next->now = next->realtime = BEGIN + NSEC_PER_SEC;
	cr_assert_eq(intake_init(next, &new->fake.source, copy, false), 0);
	next->live = true;
	intake_refresh(next); /* as a reconciliation at the start would */
	cr_assert_eq(intake_absorb(next, &old->fake.source), 0);
	cr_expect_eq(old->at, old->end);
	intake_refresh(next);
	expect_exact(next, 4 + 3 + 100 + 50 + 3 + 7, 2);
	cr_expect_eq(state_base(next->state)->sent, 4 + 3 + 100 + 50 + 3);
	cr_expect_eq(next->decode_errors, 1);
	cr_expect_eq(state_position(next->state), new->position[0]);
	cr_expect_not(state_absorb_due(next->state));
	end(next);
}

/* Else no daemon would ever start again. */
Test(survival, an_old_ring_that_is_damaged_ends_there)
{
	struct ring *old = &rings[0], *new = &rings[1];
	struct intake *in = begin(old, -1, 0), *next;

	state_set_generation(in->state, 1);
	spill_slot(old, 0, 80, 100);
	intake_refresh(in);
	for (unsigned int i = 0; i < 5; i++)
		put(old, i, false, (uint16_t)(40000 + i));
	old->damaged = 2;
	next = begin(new, state_fd(in->state), 10);
	state_set_generation(next->state, 2);
	cr_assert_eq(intake_absorb(next, &old->fake.source), 0);
	intake_refresh(next);
	expect_exact(next, 105, 0);
	cr_expect_eq(next->decode_errors, 1);
	cr_expect_not(state_absorb_due(next->state));
	end(in);
	end(next);
}

Test(survival, hooks_that_left_nothing)
{
	struct ring *old = &rings[0], *new = &rings[1];
	struct intake *in = begin(old, -1, 0), *next;
	struct source_totals all;

	state_set_generation(in->state, 1);
	spill_slot(old, 0, 80, 100);
	put(old, 0, false, 40000);
	doubtful(old, 1);
	intake_refresh(in);
	next = begin(new, state_fd(in->state), 10);
	state_set_generation(next->state, 2);
	cr_assert_eq(intake_absorb(next, NULL), 0);
	intake_refresh(next);
	expect_exact(next, 101, 1);
	intake_totals(next, &all);
	cr_expect_eq(all.sent, 101);
	end(in);
	end(next);
}

/* ---- at any instruction ---- */

struct span {
	uint64_t least, most;
	unsigned int steps, looks;
};

/* Runs 'act' in a process of its own, an instruction at a time; every 'stride' of them its memory
 * is copied as a kill would leave it, and 'look' says what is counted in it. */
static struct span step_through(void (*act)(void *), void *arg, uint64_t (*look)(void *),
				unsigned int stride)
{
	struct span span = {.least = UINT64_MAX};
	pid_t child = fork();
	int status;

	/* no cr_ call in the child: Criterion would wait for ever for whom it does not know */
	if (!child) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(77);
		raise(SIGSTOP);
		act(arg);
		_exit(0);
	}
	cr_assert_geq(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		cr_skip_test("ptrace is not allowed here");
	while (WIFSTOPPED(status)) {
		if (span.steps++ % stride == 0) {
			uint64_t n = look(arg);

			span.least = MIN(span.least, n);
			span.most = MAX(span.most, n);
			span.looks++;
		}
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL))
			break;
		cr_assert_eq(waitpid(child, &status, 0), child);
	}
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return span;
}

static void act_drain(void *arg)
{
	intake_drain(arg, 1);
}

/* What there will be once the record under way is read again, if it is. */
static uint64_t look_at_state(void *arg)
{
	struct intake *in = arg;
	struct state *copy = NULL;
	uint64_t sum;

	cr_assert_eq(state_copy(in->state, &reasons, &copy), 0);
	sum = sum_of(state_tally(copy)) + held(state_hold(copy)) +
	      (state_position(copy) < rings[0].position[rings[0].end - 1]);
	state_free(copy);
	return sum;
}

/* Of the last record in the ring; all before it are handled already. */
static void step_last(struct intake *in, const char *what)
{
	struct span span = step_through(act_drain, in, look_at_state, 13);
	uint64_t exact = look_at_state(in);

	cr_expect_gt(span.looks, 50, "%s", what);
	cr_expect(span.least + 1 >= exact && span.most <= exact + 1, "%s: %lu to %lu for %lu", what,
		  span.least, span.most, exact);
	cr_expect_eq(exact, sum_of(in->tally) + held(in->hold), "%s", what);
	rings[0].at = rings[0].end;
}

Test(survival, a_kill_at_any_instruction_costs_one_record_at_most)
{
	struct ring *ring = &rings[0];
	struct intake *in = begin(ring, -1, 0);
	struct rst_event_sock *s;

	put(ring, 0, false, 40000);
	step_last(in, "the first of all");
	put(ring, 1, false, 40001);
	step_last(in, "one more of a row");
	put(ring, 2, true, 40002);
	intake_drain(in, 64);
	doubtful(ring, 3);
	step_last(in, "a doubtful one");
	s = put(ring, 4, false, 8080);
	s->sk = ring->record[ring->end - 2].sk;
	s->event.key.reason = ABORT_ON_DATA;
	s->event.flags |= RST_EVENT_SWALLOWS | RST_EVENT_SEGMENT;
	step_last(in, "one that swallows");
	doubtful(ring, 5);
	intake_drain(in, 64);
	put(ring, 50, false, 40010);
	step_last(in, "one whose time releases another");
	put(ring, 60, true, 40020);
	intake_drain(in, 64);
	put(ring, 61, false, 40020);
	step_last(in, "the other end of one that moves");
	end(in);
}

static void act_fold(void *arg)
{
	tally_make_room(arg);
}

static void act_expire(void *arg)
{
	tally_expire(arg);
}

static uint64_t look_at_tally(void *arg)
{
	_cleanup_free_ void *copy = malloc(tally_size());
	struct tally *t;

	memcpy(copy, arg, tally_size());
	cr_assert_eq(tally_adopt(copy, tally_size(), &t), 0);
	return sum_of(t);
}

Test(survival, a_kill_while_rows_fold_costs_nothing)
{
	_cleanup_(free_state) struct state *s = NULL;
	struct tally *t;
	struct span span;
	unsigned int rows;
	uint64_t sum;

	cr_assert_eq(state_new(&s), 0);
	t = state_tally(s);
	for (uint32_t pid = 1; pid <= 6; pid++)
		for (unsigned int i = 0; i < 12; i++)
			add(t, pid % 2 ? 100 + pid : 200, (uint16_t)(80 + i % 4), RST_SENT,
			    RST_CAUSE_UNKNOWN);
	for (unsigned int i = 0; i < 5; i++)
		add(t, 0, (uint16_t)(1000 + i), RST_SENT, RST_CAUSE_CLOSED_PORT);
	for (uint32_t i = 0; i < t->processes_top; i++) {
		snprintf(t->processes[i].comm, sizeof(t->processes[i].comm), "same");
		tally_gone(t, t->processes[i].pid, t->processes[i].start);
	}
	sum = sum_of(t);
	rows = t->rows_used;
	span = step_through(act_fold, t, look_at_tally, 59);
	cr_expect_lt(t->rows_used, rows, "it did fold");
	cr_expect(span.least == sum && span.most == sum, "%lu to %lu for %lu", span.least,
		  span.most, sum);
	rows = t->rows_used;
	t->clock = START + 3 * TALLY_QUIET_NS;
	span = step_through(act_expire, t, look_at_tally, 59);
	cr_expect_lt(t->rows_used, rows, "it did expire");
	cr_expect(span.least == sum && span.most == sum, "%lu to %lu for %lu", span.least,
		  span.most, sum);
}
