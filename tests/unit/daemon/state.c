/* SPDX-License-Identifier: GPL-2.0-only */
/* The memory file: taken over whole, refused when anything in it is odd, copied without filling its
 * holes. */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/unit/daemon/state_fixture.h"

static struct reasons reasons;

static void setup(void)
{
	fixture_reasons(&reasons);
}

TestSuite(state, .init = setup);

static size_t bytes_used(const struct state *s)
{
	struct stat st;

	cr_assert_eq(fstat(state_fd(s), &st), 0);
	return (size_t)st.st_blocks * 512;
}

Test(state, an_empty_one_is_nearly_nothing)
{
	_cleanup_(free_state) struct state *s = NULL, *adopted = NULL, *copy = NULL;

	cr_assert_eq(state_new(&s), 0);
	cr_expect_lt(bytes_used(s), 100000, "%zu", bytes_used(s));
	cr_expect_gt(state_bytes(s), 10000000);
	cr_expect_eq(state_generation(s), 0);
	cr_expect_eq(state_position(s), 0);
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &adopted), 0);
	tally_minute(state_tally(adopted), SAMPLE_TIME);
	cr_expect_lt(bytes_used(s), 500000, "looking is touching: %zu", bytes_used(s));
	cr_assert_eq(state_copy(s, &reasons, &copy), 0);
	cr_expect_lt(bytes_used(copy), 500000, "%zu", bytes_used(copy));
}

/* Where vm.memfd_noexec is 2 no other kind can be made. */
Test(state, nobody_can_execute_it)
{
	_cleanup_(free_state) struct state *s = NULL;
	int seals, fd = memfd_create("test", MFD_CLOEXEC | 8U);

	if (fd < 0)
		cr_skip_test("a kernel before 6.3");
	close(fd);
	cr_assert_eq(state_new(&s), 0);
	seals = fcntl(state_fd(s), F_GET_SEALS);
	cr_expect(seals & F_SEAL_SHRINK);
	cr_expect(seals & 0x20, "F_SEAL_EXEC");
}

Test(state, whoever_adopts_it_goes_on)
{
	_cleanup_(free_state) struct state *s = NULL, *next = NULL;
	struct finding f;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 300);
	state_set_generation(s, 5);
	state_set_position(s, 4096);
	state_set_since(s, 77);
	state_base(s)->sent = 12;
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), 0);
	cr_expect_neq(state_fd(next), state_fd(s));
	fixture_expect_same(s, next);
	cr_expect_eq(state_generation(next), 5);
	cr_expect_eq(state_position(next), 4096);
	cr_expect_eq(state_since(next), 77);
	cr_expect_eq(state_base(next)->sent, 12);
	cr_expect_str_eq(state_kernel(next), "6.1.0-test");
	cr_expect_not(state_absorb_due(next));
	f = fixture_finding(&reasons, 1);
	tally_add(state_tally(next), &f);
	recent_add(state_recent(next), &f);
	peers_add(state_peers(next), &f);
	cr_expect_eq(fixture_sum(next), 301);
	cr_expect_eq(recent_latest(state_recent(next)), 301);
}

Test(state, the_full_one_too)
{
	_cleanup_(free_state) struct state *s = NULL, *next = NULL;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, RSTMON_RECENT_MAX + RSTMON_RECENT_KEPT + 100);
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), 0);
	fixture_expect_same(s, next);
	cr_expect_not_null(recent_get(state_recent(next), RSTMON_RECENT_MAX - 1));
	cr_expect_not_null(recent_kept(state_recent(next), RSTMON_RECENT_KEPT - 1));
}

Test(state, reasons_go_by_their_names)
{
	_cleanup_(free_state) struct state *s = NULL, *next = NULL;
	static struct reasons other;
	const struct finding *f;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 40);
	cr_assert_eq(reasons_add(&other, 3, "TCP_STATE"), 0);
	cr_assert_eq(reasons_add(&other, 14, "SOMETHING_ELSE"), 0);
	cr_assert_eq(state_adopt(state_fd(s), &other, &next), 0);
	for (unsigned int i = 0; (f = recent_get(state_recent(next), i)); i++) {
		bool known = f->reset.monotonic % 2 == 0;

		cr_assert_eq(f->reset.reason_name, known ? other.name[3] : f->reset.reason_name);
		cr_assert_str_eq(f->reset.reason_name, known ? "TCP_STATE" : "");
		cr_assert_eq(f->reset.reason_number, known ? 3 : RST_REASON_NONE);
	}
	state_free(next);
	next = NULL;
	/* and back: numbers are those of the second kernel by now */
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), 0);
	f = recent_get(state_recent(next), 0);
	cr_expect_str_eq(f->reset.reason_name, "TCP_STATE");
	cr_expect_eq(f->reset.reason_number, 14);
}

Test(state, a_copy_is_another)
{
	_cleanup_(free_state) struct state *s = NULL, *copy = NULL;
	struct finding f = fixture_finding(&reasons, 3);

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 100);
	cr_assert_eq(state_copy(s, &reasons, &copy), 0);
	fixture_expect_same(s, copy);
	tally_add(state_tally(copy), &f);
	cr_expect_eq(fixture_sum(s), 100);
	cr_expect_eq(fixture_sum(copy), 101);
}

Test(state, other_files_are_foreign)
{
	_cleanup_close_ int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING), null;
	_cleanup_(free_state) struct state *s = NULL;
	struct state *next = NULL;

	cr_assert_eq(state_new(&s), 0);
	cr_expect_eq(state_adopt(fd, &reasons, &next), -EPROTO, "empty");
	cr_assert_eq(ftruncate(fd, (off_t)state_bytes(s)), 0);
	cr_expect_eq(state_adopt(fd, &reasons, &next), -EPROTO, "it could shrink under us");
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	cr_expect_eq(state_adopt(fd, &reasons, &next), -EPROTO, "zeros");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	cr_expect_eq(state_adopt(null, &reasons, &next), -EPROTO);
	close(null);
	cr_expect_eq(state_adopt(-1, &reasons, &next), -EBADF);
	cr_expect_null(next);
	cr_expect_eq(ftruncate(state_fd(s), 4096), -1, "nor do ours shrink");
}

Test(state, another_layout_is_foreign)
{
	_cleanup_(free_state) struct state *s = NULL;
	struct state *next = NULL;

#define FOREIGN(member)                                                                            \
	do {                                                                                       \
		s->header->member++;                                                               \
		cr_expect_eq(state_adopt(state_fd(s), &reasons, &next), -EPROTO, #member);         \
		s->header->member--;                                                               \
	} while (0)

	cr_assert_eq(state_new(&s), 0);
	FOREIGN(magic);
	FOREIGN(layout);
	FOREIGN(header_size);
	FOREIGN(size);
	FOREIGN(part_size[1]);
	FOREIGN(fingerprint);
#undef FOREIGN
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), 0);
	state_free(next);
}

/* Causes are only ever added at the end: the numbers of an older build mean the same. */
Test(state, of_a_build_with_fewer_causes)
{
	_cleanup_(free_state) struct state *s = NULL;
	struct state *next = NULL;

	cr_assert_eq(state_new(&s), 0);
	s->header->fingerprint = state_fingerprint(RST_CAUSE_FIREWALL_REJECT);
	cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), 0);
	/* the older build would not understand what is written from now on */
	cr_expect_eq(s->header->fingerprint, state_fingerprint(RST_CAUSE_MAX));
	cr_expect_neq(state_fingerprint(RST_CAUSE_FIREWALL_REJECT),
		      state_fingerprint(RST_CAUSE_MAX));
	state_free(next);
}

static void use(struct state *s)
{
	const struct finding *f;
	uint64_t length = 0;

	for (unsigned int i = 0; (f = recent_get(state_recent(s), i)); i++)
		length += strlen(f->reset.reason_name) + strlen(f->owner.exe) +
			  strlen(f->reset.actor_comm) + strlen(cause_name(f->verdict.cause)) +
			  f->other.known + f->verdict.settled + f->reset.local.ipv6;
	for (unsigned int i = 0; i < 3; i++) {
		struct finding more = fixture_finding(&reasons, i);

		tally_add(state_tally(s), &more);
		peers_add(state_peers(s), &more);
		recent_add(state_recent(s), &more);
	}
	tally_minute(state_tally(s), SAMPLE_TIME);
	state_count_held(s);
	state_absorb(s, NULL, SAMPLE_TIME);
	cr_assert_geq(length, 0);
}

/* What was flipped is refused, or harmless; a fresh copy each time. */
static bool adopt_flipped(const struct state *s, size_t at, uint8_t bits)
{
	struct state *next = NULL, *copy = NULL;
	int r;

	cr_assert_eq(state_copy(s, &reasons, &copy), 0);
	((uint8_t *)copy->header)[at] ^= bits;
	r = state_adopt(state_fd(copy), &reasons, &next);
	cr_assert(!r || r == -EPROTO || r == -EBADMSG, "%zu: %d", at, r);
	if (!r)
		use(next);
	state_free(next);
	state_free(copy);
	return !r;
}

Test(state, every_byte_of_the_head_may_be_wrong)
{
	_cleanup_(free_state) struct state *s = NULL;
	unsigned int refused = 0;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 30);
	for (size_t i = 0; i < sizeof(struct state_header); i++) {
		/* the names behind are alike */
		if (i > offsetof(struct state_header, reasons[2]) && i % 61)
			continue;
		refused += !adopt_flipped(s, i, (uint8_t)(1 << i % 8));
	}
	cr_expect_geq(refused, 8 + 4 + 4 + 8 + 32 + 8);
}

static size_t part_at(const struct state *s, const void *part)
{
	return (size_t)((const char *)part - (const char *)s->header);
}

Test(state, any_byte_of_the_rest_may_be_wrong)
{
	_cleanup_(free_state) struct state *s = NULL;
	unsigned int refused = 0;
	uint64_t x = 88172645463325252ULL;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 60);
	for (unsigned int i = 0; i < 1500; i++) {
		const size_t begin[] = {part_at(s, s->recent), part_at(s, s->peers),
					part_at(s, s->hold)};
		const size_t length[] = {60 * sizeof(struct finding) + 16, peers_size(),
					 sizeof(struct hold)};

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		refused += !adopt_flipped(s, begin[i % 3] + x % length[i % 3],
					  (uint8_t)(1 << (x >> 40) % 8));
	}
	cr_expect_gt(refused, 5, "%u", refused);
	cr_expect_lt(refused, 1400, "%u", refused);
}

Test(state, what_is_odd_is_refused)
{
	_cleanup_(free_state) struct state *s = NULL;
	struct finding *f;

#define ODD(change)                                                                                \
	do {                                                                                       \
		struct state *next = NULL;                                                         \
		state_free(s);                                                                     \
		cr_assert_eq(state_new(&s), 0);                                                    \
		fixture_fill(s, &reasons, 30);                                                     \
		f = recent_find(s->recent, 7);                                                     \
		change;                                                                            \
		cr_assert_eq(state_adopt(state_fd(s), &reasons, &next), -EBADMSG, #change);        \
	} while (0)

	ODD(f->verdict.cause = RST_CAUSE_MAX);
	ODD(f->verdict.confidence = CONFIDENCE_MAX);
	ODD(f->verdict.path = 200);
	ODD(memset(&f->verdict.settled, 2, 1));
	ODD(memset(&f->other.known, 255, 1));
	ODD(memset(&f->reset.local.ipv6, 2, 1));
	ODD(f->reset.direction = RST_DIRECTION_MAX);
	ODD(f->reset.role = RST_ROLE_MAX);
	ODD(f->reset.state = 40);
	ODD(f->reset.owner_source = RST_OWNER_SOURCE_MAX);
	ODD(f->owner.source = RST_OWNER_SOURCE_MAX);
	ODD(memset(f->owner.comm, 'x', sizeof(f->owner.comm)));
	ODD(memset(f->owner.exe, 'x', sizeof(f->owner.exe)));
	ODD(memset(f->owner.unit, 'x', sizeof(f->owner.unit)));
	ODD(memset(f->owner.container, 'x', sizeof(f->owner.container)));
	ODD(memset(f->owner.pod, 'x', sizeof(f->owner.pod)));
	ODD(memset(f->reset.actor_comm, 'x', sizeof(f->reset.actor_comm)));
	ODD(memset(f->reset.former_comm, 'x', sizeof(f->reset.former_comm)));
	ODD(memset(f->other.comm, 'x', sizeof(f->other.comm)));
	ODD(s->hold->end = s->hold->begin + HOLD_MAX + 1);
	ODD(s->hold->gone[3] = 9);
	ODD(s->hold->reset[0].role = 77);
	ODD(memset(s->hold->late[0].owner_comm, 'x', sizeof(s->hold->late[0].owner_comm)));
	ODD(s->header->n_reasons = REASONS_MAX + 1);
	ODD(memset(s->header->reasons[1], 'x', RSTMON_REASON_MAX));
	ODD(memset(s->header->kernel, 'x', STATE_KERNEL_MAX));
	ODD(s->header->absorb_due = 2);
#undef ODD
}

Test(state, new_hooks_begin_at_0_and_old_ones_are_due)
{
	_cleanup_(free_state) struct state *s = NULL;

	cr_assert_eq(state_new(&s), 0);
	state_set_generation(s, 1);
	cr_expect_not(state_absorb_due(s), "there were none before");
	state_set_position(s, 1000);
	state_set_generation(s, 2);
	cr_expect_eq(state_position(s), 0);
	cr_expect_eq(state_left_position(s), 1000);
	cr_expect(state_absorb_due(s));
	state_absorb(s, NULL, 1);
	cr_expect_not(state_absorb_due(s));
	cr_expect_eq(state_left_position(s), 0);
}

Test(state, absorbed_totals_and_rows_agree)
{
	_cleanup_(free_state) struct state *s = NULL;
	const struct source_totals totals = {
		.sent = 500, .received = 0, .timeouts = 12, .spilled = {30}, .lost = {4}};
	const uint64_t lost[RST_DIRECTION_MAX] = {4};
	struct tally_stats stats;
	struct finding f = fixture_finding(&reasons, 0);

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 30); /* 10 of each */
	tally_spill_begin(state_tally(s));
	tally_spill_add(state_tally(s), &f, 30, f.reset.time, f.reset.time);
	tally_spill_end(state_tally(s), lost, f.reset.time);
	state_absorb(s, &totals, f.reset.time);
	tally_stats(state_tally(s), &stats);
	cr_expect_eq(stats.total[RST_SENT], 500, "what had no record is in 'other'");
	cr_expect_eq(stats.total[RST_RECEIVED], 10);
	cr_expect_eq(stats.total[RST_TIMEOUT], 12);
	cr_expect_eq(stats.spilled[RST_SENT] + stats.lost[RST_SENT], 0);
	cr_expect_eq(state_base(s)->sent, 500);
	cr_expect_eq(state_base(s)->received, 10, "what was counted was there");
	cr_expect_eq(state_base(s)->timeouts, 12);
	cr_expect_eq(state_base(s)->spilled[RST_SENT], 30);
	state_absorb(s, &(struct source_totals){.sent = 3}, f.reset.time);
	tally_stats(state_tally(s), &stats);
	cr_expect_eq(stats.total[RST_SENT], 503);
	cr_expect_eq(state_base(s)->sent, 503);
}

Test(state, what_is_held_can_be_counted)
{
	_cleanup_(free_state) struct state *s = NULL;
	unsigned int held;
	uint64_t sum;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 100);
	held = fixture_held(s);
	sum = fixture_sum(s);
	cr_assert_gt(held, 0);
	state_count_held(s);
	cr_expect_eq(fixture_sum(s), sum + held);
	cr_expect_not(hold_waiting(state_hold(s)));
	cr_expect_eq(recent_latest(state_recent(s)), 100 + held);
}
