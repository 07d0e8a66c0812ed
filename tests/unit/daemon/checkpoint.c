/* SPDX-License-Identifier: GPL-2.0-only */
/* Checkpoints: what comes back, and what becomes of those that nobody can trust. */
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <zlib.h>

#include "daemon/checkpoint_internal.h"
#include "tests/unit/daemon/state_fixture.h"

static struct reasons reasons;
static char dir[] = "/tmp/rstmon-checkpoint-XXXXXX";
static char path[64], sentence[512];

static void setup(void)
{
	fixture_reasons(&reasons);
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/checkpoint", dir);
}

static unsigned int files(const char *part)
{
	struct dirent *entry;
	unsigned int n = 0;
	DIR *d = opendir(dir);

	cr_assert_not_null(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.' && strstr(entry->d_name, part);
	closedir(d);
	return n;
}

static void teardown(void)
{
	struct dirent *entry;
	DIR *d = opendir(dir);

	while (d && (entry = readdir(d)))
		if (unlinkat(dirfd(d), entry->d_name, 0))
			unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	closedir(d);
	rmdir(dir);
}

TestSuite(checkpoint, .init = setup, .fini = teardown);

static const struct source_totals totals = {.sent = 100, .received = 100, .timeouts = 100};

static struct state *filled(void)
{
	struct state *s = NULL;

	cr_assert_eq(state_new(&s), 0);
	fixture_fill(s, &reasons, 300); /* 100 of each */
	state_set_generation(s, 3);
	state_set_position(s, 8192);
	state_set_since(s, 55);
	return s;
}

static void write_one(void)
{
	_cleanup_(free_state) struct state *s = filled();

	cr_assert_eq(checkpoint_write(dir, s, &totals, &reasons), 0);
}

static int read_it(void)
{
	struct state *s = (void *)1;
	int r = checkpoint_read(dir, &reasons, &s, sentence, sizeof(sentence));

	cr_assert(!r == !sentence[0], "%s", sentence);
	cr_assert(!r || !s);
	state_free(s);
	return r;
}

static size_t slurp(uint8_t **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	cr_assert(fd >= 0 && !fstat(fd, &st));
	*ret = malloc((size_t)st.st_size + 1);
	cr_assert_eq(read(fd, *ret, (size_t)st.st_size), st.st_size);
	return (size_t)st.st_size;
}

static void spit(const void *data, size_t size)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, size), (ssize_t)size);
}

Test(checkpoint, none_is_no_failure)
{
	struct state *s = (void *)1;

	cr_expect_eq(checkpoint_read(dir, &reasons, &s, sentence, sizeof(sentence)), 0);
	cr_expect_null(s);
	cr_expect_str_eq(sentence, "");
	cr_expect_eq(checkpoint_read("/nonexistent/x", &reasons, &s, sentence, sizeof(sentence)),
		     0);
}

Test(checkpoint, what_was_written_comes_back)
{
	_cleanup_(free_state) struct state *s = filled(), *back = NULL;
	uint64_t sum = fixture_sum(s);
	unsigned int held = fixture_held(s);
	struct stat st;

	cr_assert_gt(held, 0);
	cr_assert_eq(checkpoint_write(dir, s, &totals, &reasons), 0);
	cr_expect_eq(fixture_sum(s), sum, "the state itself is as it was");
	cr_expect_eq(fixture_held(s), held);
	cr_expect_eq(state_generation(s), 3);
	cr_expect_eq(state_base(s)->sent, 0);
	cr_expect_eq(files(""), 1, "nothing is left beside it");
	cr_expect(!stat(path, &st) && (st.st_mode & 0777) == 0600);
	cr_expect_lt(st.st_size, 500000);

	cr_assert_eq(checkpoint_read(dir, &reasons, &back, sentence, sizeof(sentence)), 0);
	cr_assert_not_null(back);
	cr_expect_eq(state_generation(back), 0, "its hooks are gone");
	cr_expect_eq(state_position(back), 0);
	cr_expect_not(state_absorb_due(back));
	cr_expect_eq(state_since(back), 55);
	cr_expect_eq(fixture_held(back), 0);
	state_count_held(s);
	state_absorb(s, &totals, 0);
	fixture_expect_same(s, back);
	cr_expect_eq(fixture_sum(back), state_base(back)->sent + state_base(back)->received +
						state_base(back)->timeouts);
	cr_expect_eq(files("checkpoint"), 1, "it stays until another replaces it");
}

Test(checkpoint, the_next_one_replaces_it)
{
	_cleanup_(free_state) struct state *s = filled(), *back = NULL;

	write_one();
	fixture_fill(s, &reasons, 30);
	cr_assert_eq(checkpoint_write(dir, s, &totals, &reasons), 0);
	cr_assert_eq(checkpoint_read(dir, &reasons, &back, sentence, sizeof(sentence)), 0);
	cr_expect_geq(fixture_sum(back), 330);
	cr_expect_eq(files(""), 1);
}

Test(checkpoint, spilled_counts_go_into_it)
{
	_cleanup_(free_state) struct state *s = filled(), *back = NULL;
	struct source_totals with = totals;
	const uint64_t lost[RST_DIRECTION_MAX] = {7};
	struct finding f = fixture_finding(&reasons, 0);
	struct tally_stats stats;

	tally_spill_begin(state_tally(s));
	tally_spill_add(state_tally(s), &f, 50, f.reset.time, f.reset.time);
	tally_spill_end(state_tally(s), lost, f.reset.time);
	with.sent += 50 + 7;
	with.spilled[RST_SENT] = 50;
	with.lost[RST_SENT] = 7;
	cr_assert_eq(checkpoint_write(dir, s, &with, &reasons), 0);
	tally_stats(state_tally(s), &stats);
	cr_expect_eq(stats.spilled[RST_SENT], 50, "in the state they stay the slots'");
	cr_assert_eq(checkpoint_read(dir, &reasons, &back, sentence, sizeof(sentence)), 0);
	tally_stats(state_tally(back), &stats);
	cr_expect_eq(stats.spilled[RST_SENT], 0);
	cr_expect_geq(stats.total[RST_SENT], 157);
	cr_expect_eq(state_base(back)->sent, stats.total[RST_SENT]);
	cr_expect_eq(state_base(back)->spilled[RST_SENT], 50);
}

Test(checkpoint, whatever_is_cut_off)
{
	_cleanup_free_ uint8_t *data = NULL;
	size_t size;

	write_one();
	size = slurp(&data);
	for (size_t i = 0; i < 60; i++) {
		size_t length = i < 30 ? i : size - 1 - (i - 30) * (size / 40);

		spit(data, length);
		cr_assert_eq(read_it(), -EBADMSG, "%zu", length);
		cr_assert_not_null(strstr(sentence, i ? "cut short" : "empty"), "%zu: %s", length,
				   sentence);
		cr_assert_not_null(strstr(sentence, "checkpoint.corrupt-1"), "%s", sentence);
		cr_assert_eq(files("corrupt"), 1);
		cr_assert_eq(files(""), 1);
		teardown();
		cr_assert_eq(mkdir(dir, 0700), 0);
	}
}

/* Some bits say nothing (gzip's own head, where a match of equal bytes is taken from): then all is
 * there. */
Test(checkpoint, flipped_bits)
{
	_cleanup_(free_state) struct state *whole = NULL;
	_cleanup_free_ uint8_t *data = NULL;
	unsigned int refused = 0;
	size_t size;

	write_one();
	size = slurp(&data);
	cr_assert_eq(checkpoint_read(dir, &reasons, &whole, sentence, sizeof(sentence)), 0);
	for (size_t i = 0; i < 300; i++) {
		size_t at = i < 20 ? i : (i * 2654435761U) % size;
		_cleanup_(free_state) struct state *s = NULL;
		int r;

		data[at] ^= (uint8_t)(1 << i % 8);
		spit(data, size);
		data[at] ^= (uint8_t)(1 << i % 8);
		r = checkpoint_read(dir, &reasons, &s, sentence, sizeof(sentence));
		cr_assert(!r || r == -EBADMSG || r == -EPROTO, "%zu: %d", at, r);
		if (!r)
			fixture_expect_same(whole, s);
		refused += r != 0;
		teardown();
		cr_assert_eq(mkdir(dir, 0700), 0);
	}
	cr_expect_gt(refused, 200, "%u", refused);
}

/* As a builder of another version would write it, checksum and all. */
static void write_with(void (*change)(struct checkpoint_head *h))
{
	_cleanup_(free_state) struct state *s = filled();
	struct checkpoint_head head = {
		.magic = CHECKPOINT_MAGIC, .format = CHECKPOINT_FORMAT, .size = sizeof(head)};
	gzFile file = gzopen(path, "wb1");

	head.state = *s->header;
	change(&head);
	cr_assert_not_null(file);
	cr_assert_gt(gzwrite(file, &head, sizeof(head)), 0);
	cr_assert_eq(gzclose(file), Z_OK);
}

static void other_format(struct checkpoint_head *h)
{
	h->format++;
}

static void other_layout(struct checkpoint_head *h)
{
	h->state.layout++;
}

static void other_causes(struct checkpoint_head *h)
{
	h->state.fingerprint++;
}

static void other_magic(struct checkpoint_head *h)
{
	h->magic++;
}

Test(checkpoint, other_versions_are_set_aside_as_foreign)
{
	void (*const change[])(struct checkpoint_head *) = {other_format, other_layout,
							    other_causes, other_magic};

	for (unsigned int i = 0; i < ARRAY_SIZE(change); i++) {
		char name[64];

		write_with(change[i]);
		cr_assert_eq(read_it(), -EPROTO, "%u", i);
		snprintf(name, sizeof(name), "checkpoint.foreign-%u", i + 1);
		cr_assert_not_null(strstr(sentence, name), "%s", sentence);
		cr_assert_not_null(strstr(sentence, dir), "%s", sentence);
		cr_assert_eq(files("foreign"), i + 1);
	}
	cr_assert_eq(read_it(), 0, "told once");
}

Test(checkpoint, a_text_file_is_foreign)
{
	spit("[rstmon]\nsummary = 60s\n", 23);
	cr_expect_eq(read_it(), -EPROTO, "%s", sentence);
	spit("\0\0\0\0\0\0\0\0\0\0\0", 11);
	cr_expect_eq(read_it(), -EPROTO, "%s", sentence);
	cr_expect_eq(files("foreign"), 2);
}

Test(checkpoint, a_directory_is_foreign)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(read_it(), -EPROTO, "%s", sentence);
	cr_expect_not_null(strstr(sentence, "no regular file"));
	write_one();
	cr_expect_eq(read_it(), 0);
}

Test(checkpoint, a_link_is_not_followed)
{
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	cr_expect_eq(read_it(), -ELOOP, "%s", sentence);
	cr_expect_not_null(strstr(sentence, "checkpoint.unreadable-1"), "%s", sentence);
	cr_assert_eq(symlink("/etc/passwd", path), 0);
	write_one(); /* sets it aside too */
	cr_expect_eq(files("unreadable"), 2);
	cr_expect_eq(read_it(), 0);
}

Test(checkpoint, a_pipe_does_not_block)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_expect_eq(read_it(), -EPROTO, "%s", sentence);
}

Test(checkpoint, nothing_of_others_is_ever_overwritten)
{
	_cleanup_(free_state) struct state *s = filled();

	for (unsigned int i = 0; i < CHECKPOINT_ASIDE_MAX; i++) {
		spit("", 0);
		cr_assert_eq(read_it(), -EBADMSG);
	}
	cr_assert_eq(files("corrupt"), CHECKPOINT_ASIDE_MAX);
	spit("", 0);
	cr_expect_eq(read_it(), -EBADMSG);
	cr_expect_not_null(strstr(sentence, "stays there"), "%s", sentence);
	cr_expect_eq(checkpoint_write(dir, s, &totals, &reasons), -EEXIST);
	cr_expect_eq(files(""), CHECKPOINT_ASIDE_MAX + 1, "the new one is gone again");
	snprintf(sentence, sizeof(sentence), "%s/checkpoint.corrupt-2", dir);
	cr_assert_eq(unlink(sentence), 0);
	cr_expect_eq(checkpoint_write(dir, s, &totals, &reasons), 0);
	cr_expect_eq(read_it(), 0);
	cr_expect_eq(files("corrupt"), CHECKPOINT_ASIDE_MAX);
}

Test(checkpoint, content_is_checked_as_the_memory_is)
{
	_cleanup_(free_state) struct state *s = filled();
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	recent_find(state_recent(s), 5)->reset.role = RST_ROLE_MAX;
	cr_assert_eq(checkpoint_put(fd, s), 0);
	cr_expect_eq(read_it(), -EBADMSG, "%s", sentence);
	cr_expect_not_null(strstr(sentence, "holds what cannot be"), "%s", sentence);
}

Test(checkpoint, pieces_beyond_the_end)
{
	static const struct checkpoint_piece piece[] = {
		{.offset = UINT64_MAX - 4096, .length = 8192}, {.offset = 1ULL << 40, .length = 8},
		{.offset = 0, .length = UINT64_MAX},	       {.offset = 4096, .length = 0},
		{.offset = CHECKPOINT_END, .length = 1},
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(piece); i++) {
		struct checkpoint_head head = {.magic = CHECKPOINT_MAGIC,
					       .format = CHECKPOINT_FORMAT,
					       .size = sizeof(head)};
		static const uint8_t data[8192];
		gzFile file;

		state_header_fill(&head.state);
		file = gzopen(path, "wb1");
		cr_assert_not_null(file);
		gzwrite(file, &head, sizeof(head));
		gzwrite(file, &piece[i], sizeof(piece[i]));
		gzwrite(file, data, sizeof(data));
		cr_assert_eq(gzclose(file), Z_OK);
		cr_assert_eq(read_it(), -EBADMSG, "%u", i);
		teardown();
		cr_assert_eq(mkdir(dir, 0700), 0);
	}
}

Test(checkpoint, without_a_directory_nothing_is_written)
{
	_cleanup_(free_state) struct state *s = filled();
	struct state *back;

	cr_expect_eq(checkpoint_write("/nonexistent", s, &totals, &reasons), -ENOENT);
	spit("x", 1);
	cr_expect_eq(checkpoint_write(path, s, &totals, &reasons), -ENOTDIR);
	cr_expect_eq(checkpoint_read(path, &reasons, &back, sentence, sizeof(sentence)), -ENOTDIR);
	cr_expect_not_null(strstr(sentence, path), "%s", sentence);
}

/* As by a second rstmond that was started by hand with the same state directory. */
Test(checkpoint, one_at_a_time)
{
	_cleanup_(free_state) struct state *s = filled();
	_cleanup_close_ int other = open(dir, O_RDONLY | O_DIRECTORY);

	cr_assert_eq(flock(other, LOCK_EX), 0);
	cr_expect_eq(checkpoint_write(dir, s, &totals, &reasons), -EWOULDBLOCK);
	cr_expect_eq(files("checkpoint"), 0);
	cr_assert_eq(flock(other, LOCK_UN), 0);
	cr_expect_eq(checkpoint_write(dir, s, &totals, &reasons), 0);
	cr_expect_eq(files("checkpoint"), 1);
}
