/* SPDX-License-Identifier: GPL-2.0-only */
/* What intake counts is what status holds against the kernel: records, slots, what is held, what is
 * taken back. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "daemon/intake.h"
#include "daemon/process.h"
#include "tests/unit/daemon/fake_source.h"

#define MS    1000000ULL
#define NETNS 7

static struct {
	struct fake_source source;
	struct source_ops ops;
	struct intake in;
	struct report_status status;
	struct reasons reasons;
	struct rst_event_sock record;
	bool there; /* the record, not drained yet */
	uint64_t unread;
	uint64_t kernel[COUNTER_MAX_];
	struct rst_slot slots[RST_SLOTS];
} bed;

static int drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	(void)s;
	if (!max || !bed.there)
		return 0;
	bed.there = false;
	fn(&bed.record, sizeof(bed.record), userdata);
	return 1;
}

static int64_t clock_offset(struct source *s)
{
	(void)s;
	return 0;
}

static const struct rst_slot *slots(struct source *s)
{
	(void)s;
	return bed.slots;
}

static void totals(struct source *s, struct source_totals *ret)
{
	(void)s;
	*ret = (struct source_totals){.unread_ever = bed.unread};
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
	return 4096;
}

static void keep(struct source *s)
{
	(void)s;
}

static int read_kernel(void *userdata, uint32_t pid, struct netns_reading *ret)
{
	(void)userdata;
	(void)pid;
	*ret = (struct netns_reading){.start = 1, .id = 2, .known = (1U << COUNTER_MAX_) - 1};
	memcpy(ret->value, bed.kernel, sizeof(ret->value));
	return 0;
}

static void begin(void)
{
	int fd = process_open(getpid());
	struct state *state = NULL;
	struct rst_process *p;
	uint64_t ticks;

	memset(&bed, 0, sizeof(bed));
	fake_init(&bed.source);
	bed.ops = *bed.source.source.ops;
	bed.ops.drain = drain;
	bed.ops.clock_offset = clock_offset;
	bed.ops.slots = slots;
	bed.ops.totals = totals;
	bed.ops.hooks = hooks;
	bed.ops.ring_bytes = ring_bytes;
	bed.ops.free = keep;
	bed.source.source.ops = &bed.ops;
	bed.source.source.reasons = &bed.reasons;
	cr_assert_eq(process_read_start(fd, &ticks), 0);
	close(fd);
	p = fake_add(&bed.source, getpid(), ticks * (1000000000ULL / sysconf(_SC_CLK_TCK)), "test",
		     "");
	p->netns = NETNS;
	p->netns_cookie = 1;
	bed.in.now = 1000 * MS;
	cr_assert_eq(state_new(&state), 0);
	cr_assert_eq(intake_init(&bed.in, &bed.source.source, state, false), 0);
	bed.in.live = true;
	netns_set_reader(bed.in.netns, read_kernel, NULL);
}

static void end(void)
{
	intake_done(&bed.in);
}

TestSuite(intake_netns, .init = begin, .fini = end);

static int64_t unexplained(enum report_counter counter)
{
	bed.status = (struct report_status){};
	intake_status(&bed.in, &bed.status);
	cr_assert(bed.status.counters_known & 1U << counter, "no namespace is covered");
	return bed.status.unexplained[counter];
}

/* A refused SYN that was only counted. */
static void spill(unsigned int i, uint64_t n)
{
	bed.slots[i].key = (struct rst_key){
		.netns = NETNS,
		.netns_cookie = 1,
		.direction = RST_SENT,
		.reason = RST_REASON_NONE,
		.flags = RST_KEY_SYN,
		.port = (uint16_t)i,
	};
	bed.slots[i].tag = i + 1;
	bed.slots[i].count += n;
	bed.slots[i].ready = 1;
	bed.unread += n;
}

Test(intake_netns, slots_are_counted_once_however_often_they_are_read)
{
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	spill(1, 10);
	spill(RST_SLOTS - 1, 5);
	bed.kernel[COUNTER_OUT_RSTS] = 15;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	spill(1, 1);
	bed.kernel[COUNTER_OUT_RSTS] = 16;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	bed.kernel[COUNTER_OUT_RSTS] = 18;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 2);
	cr_expect_eq(bed.status.slots_used, 2);
	cr_expect_eq(bed.status.slots, RST_SLOTS);
}

/* Netfilter's are among the sent, and no counter of TCP's stands against them. */
Test(intake_netns, what_netfilter_sent_is_not_missed_in_the_counters)
{
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	spill(1, 10);
	spill(2, 7);
	bed.slots[2].key.flags |= RST_KEY_REJECT;
	bed.kernel[COUNTER_OUT_RSTS] = 10;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 0);
	bed.kernel[COUNTER_OUT_RSTS] = 11;
	cr_expect_eq(unexplained(COUNTER_OUT_RSTS), 1);
}

/* It may be data after close: not counted for some milliseconds, and the kernel's counter has
 * moved. */
Test(intake_netns, what_is_held_is_explained)
{
	cr_expect_eq(unexplained(COUNTER_ESTAB_RESETS), 0);
	bed.record.event = (struct rst_event){
		.version = RST_EVENT_VERSION,
		.kind = RST_EVENT_SOCK,
		.size = sizeof(bed.record),
		.flags = RST_EVENT_MAYBE_FALSE,
		.time = 1000 * MS,
		.key = {.netns = NETNS,
			.netns_cookie = 1,
			.direction = RST_RECEIVED,
			.role = RST_ROLE_CLIENT,
			.reason = RST_REASON_NONE,
			.state = STATE_CLOSE_WAIT},
	};
	bed.record.sk = 42;
	bed.there = true;
	bed.kernel[COUNTER_ESTAB_RESETS] = 1;
	cr_expect_eq(unexplained(COUNTER_ESTAB_RESETS), 0);
	cr_expect_eq(bed.status.counted.total[RST_RECEIVED], 0, "it is held");
	bed.in.now += 1000 * MS;
	cr_expect_eq(unexplained(COUNTER_ESTAB_RESETS), 0);
	cr_expect_eq(bed.status.counted.total[RST_RECEIVED], 1, "it is counted");
}

Test(intake_netns, a_recording_has_no_kernel)
{
	bed.in.live = false;
	spill(1, 10);
	intake_status(&bed.in, &bed.status);
	cr_expect_eq(bed.status.counters_known, 0);
	cr_assert_eq(bed.status.n_netns, 1);
	cr_expect_not(bed.status.netns[0].covered);
	cr_expect_eq(bed.status.netns[0].sent, 10);
}
