/* SPDX-License-Identifier: GPL-2.0-only */
/* A block that somebody else left: another layout, corrupt rows, flipped bytes. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/mman.h>

#include "tests/unit/daemon/tally_fixture.h"

Test(tally_adopt, adopt_refuses_other_layouts)
{
	_cleanup_free_ struct tally *t = new_tally();
	struct tally *u = NULL;

	cr_assert_eq(tally_adopt(t, tally_size() - 1, &u), -EPROTO);
	cr_assert_eq(tally_adopt((char *)t + 1, tally_size(), &u), -EINVAL);
	cr_assert_eq(tally_adopt(NULL, tally_size(), &u), -EINVAL);
	t->layout++;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EPROTO);
	t->layout--;
	t->magic ^= 1;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EPROTO);
	t->magic ^= 1;
	t->rows_top = RSTMON_ROWS_MAX + 1;
	cr_assert_eq(tally_adopt(t, tally_size(), &u), -EBADMSG);
	cr_assert_null(u);
}

Test(tally_adopt, adopt_refuses_corrupt_rows)
{
	struct tally *u;

#define CORRUPT(change)                                                                            \
	do {                                                                                       \
		_cleanup_free_ struct tally *t = new_tally();                                      \
		add(t, 1, 80, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		add(t, 1, 81, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		add(t, 2, 81, RST_SENT, RST_CAUSE_UNKNOWN);                                        \
		tally_minute(t, START);                                                            \
		cr_assert_eq(tally_adopt(t, tally_size(), &u), 0);                                 \
		change;                                                                            \
		cr_assert_eq(tally_adopt(t, tally_size(), &u), -EBADMSG, #change);                 \
	} while (0)

	CORRUPT(t->rows[0].key.owner = 2);
	CORRUPT(t->rows[0].key.direction = RST_DIRECTION_MAX);
	CORRUPT(t->rows[0].key.cause = RST_CAUSE_MAX);
	CORRUPT(t->rows[0].key.role = RST_ROLE_MAX);
	CORRUPT(t->rows[0].owner_source = RST_OWNER_SOURCE_MAX);
	CORRUPT(t->rows[0].used = 2);
	CORRUPT(t->rows[0].key.port = 81); /* a row twice */
	CORRUPT(t->rows[0].key.reserved[2] = 1);
	CORRUPT(t->rows[OTHER_PLACE(1)].used = 0);
	CORRUPT(t->rows[OTHER_PLACE(1)].key.direction = 0);
	CORRUPT(t->rows[OTHER_PLACE(RST_TIMEOUT)].used = 0);
	CORRUPT(t->rows[OTHER_PLACE(RST_TIMEOUT)].key.direction = RST_SENT);
	CORRUPT(memset(t->processes[0].comm, 'x', RSTMON_COMM_MAX));
	CORRUPT(memset(t->processes[0].exe, 'x', RSTMON_EXE_MAX));
	CORRUPT(t->processes[0].pid = 0);
	CORRUPT(t->processes[0].folded = 2);
	CORRUPT((t->processes[1].pid = 1, t->processes[1].start = 1000));
	CORRUPT(t->days[0].row = 4);
	CORRUPT(t->days[1].row = t->days[0].row);
	CORRUPT(t->netns[0].used = 7);
	CORRUPT(t->netns[1] = t->netns[0]);
#undef CORRUPT
}

static void use_everything(struct tally *t)
{
	static struct chaos c;
	struct tally_netns netns;
	struct tally_stats stats;
	struct tally_row row;
	uint64_t n;

	c.now = START + 100 * MINUTE;
	for (unsigned int i = 0; i < 60; i++)
		chaos_step(t, &c);
	for (unsigned int i = 0; i < t->processes_top; i++)
		if (t->processes[i].used && random_below(2))
			tally_gone(t, t->processes[i].pid, t->processes[i].start);
	tally_make_room(t);
	chaos_spill(t, &c);
	tally_minute(t, c.now);
	t->clock += 2 * TALLY_QUIET_NS;
	tally_expire(t);
	for (unsigned int i = 0; i < TALLY_PLACES; i++) {
		tally_since(t, i, c.now - random_below(2000) * MINUTE, c.now, &n);
		if (tally_row(t, i, &row))
			cr_assert(strlen(row.comm) < RSTMON_COMM_MAX &&
				  strlen(row.exe) < RSTMON_EXE_MAX);
	}
	for (unsigned int i = 0; i < RSTMON_NETNS_MAX; i++)
		tally_netns(t, i, &netns);
	tally_stats(t, &stats);
}

/* Somewhere that matters, in most cases. */
static size_t random_place(const struct tally *t)
{
	switch (random_below(6)) {
	case 0:
		return random_below(offsetof(struct tally, row_slots));
	case 1:
		return offsetof(struct tally, rows) +
		       random_below(t->rows_top * (uint32_t)sizeof(struct row));
	case 2:
		return offsetof(struct tally, processes) +
		       random_below(t->processes_top * (uint32_t)sizeof(struct process));
	case 3:
		return offsetof(struct tally, days) +
		       random_below(RSTMON_DAY_ROWS_MAX) * sizeof(struct day) + random_below(16);
	case 4:
		return offsetof(struct tally, rows) + RSTMON_ROWS_MAX * sizeof(struct row) +
		       random_below(2 * sizeof(struct row));
	default:
		return random_below((uint32_t)sizeof(struct tally));
	}
}

/* Any byte may be wrong: adopt refuses, or nothing that follows leaves the block. The block ends at
 * a page that cannot be touched; -fsanitize=bounds watches its arrays. */
Test(tally_adopt, adopt_survives_flipped_bytes)
{
	_cleanup_close_ int fd = memfd_create("tally", MFD_CLOEXEC);
	size_t size = (tally_size() + 4095) / 4096 * 4096, offset = (size - tally_size()) & ~7UL;
	_cleanup_free_ struct tally *t = new_tally();
	struct chaos c = {.now = START};
	unsigned int adopted = 0;

	random_state = 13;
	for (unsigned int i = 0; i < 2000; i++) {
		chaos_step(t, &c);
		if (i % 500 == 499)
			tally_minute(t, c.now);
	}
	chaos_spill(t, &c);
	tally_gone(t, t->processes[3].pid, t->processes[3].start);
	cr_assert_eq(ftruncate(fd, (off_t)size), 0);
	cr_assert_eq(pwrite(fd, t, tally_size(), (off_t)offset), (ssize_t)tally_size());
	for (unsigned int i = 0; i < 2000; i++) {
		char *map = mmap(NULL, size + 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char *block;
		struct tally *u;

		cr_assert_neq(map, MAP_FAILED);
		cr_assert_eq(
			mmap(map, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0),
			map);
		block = map + offset;
		for (unsigned int k = 1 + random_below(4); k; k--)
			block[random_place(t)] ^= (char)(1 << random_below(8));
		if (!tally_adopt(block, tally_size(), &u)) {
			adopted++;
			use_everything(u);
		}
		munmap(map, size + 4096);
	}
	cr_assert_gt(adopted, 300, "%u", adopted);
	cr_assert_lt(adopted, 2000);
}
