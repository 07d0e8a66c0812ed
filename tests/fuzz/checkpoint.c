/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a checkpoint, or a good one with some of its bytes changed and its checksum put
 * right: whatever is taken for a state must be one that can be used. The first byte says which of
 * the two.
 */
#include "common/util.h"

#include <sys/mman.h>
#include <zlib.h>

#include "daemon/checkpoint_internal.h"
#include "daemon/publish.h"
#include "daemon/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGE 5 /* bytes of input for each: where, and how */

static struct reasons reasons;
static uint8_t *good; /* a stream as it is without gzip, which zlib reads as well */
static size_t good_size;

static void fill(struct state *s)
{
	struct reset out;

	for (unsigned int i = 0; i < 20; i++) {
		struct finding f = {
			.reset = {.time = 1795332696 * NSEC_PER_SEC,
				  .netns = 7,
				  .port = (uint16_t)(80 + i),
				  .direction = i % RST_DIRECTION_MAX,
				  .socket = i,
				  .reason_name = ""},
			.owner = {.pid = i % 4,
				  .start = i % 4,
				  .comm = "java",
				  .unit = "a.service"},
		};

		f.reset.remote.address[3] = (uint8_t)i;
		tally_add(state_tally(s), &f);
		recent_add(state_recent(s), &f);
		peers_add(state_peers(s), &f);
		hold_add(state_hold(s), &f.reset, &out);
	}
	tally_minute(state_tally(s), 1795332700 * NSEC_PER_SEC);
}

static void make_good(void)
{
	int fd = memfd_create("good", MFD_CLOEXEC);
	struct state *s = NULL;
	gzFile file;

	if (reasons_add(&reasons, 1, "NO_SOCKET") || fd < 0 || state_new(&s))
		abort();
	fill(s);
	good = malloc(state_bytes(s));
	if (!good || checkpoint_put(fd, s) || lseek(fd, 0, SEEK_SET))
		abort();
	file = gzdopen(fd, "rb");
	good_size = (size_t)gzread(file, good, (unsigned int)state_bytes(s));
	gzclose(file);
	state_free(s);
}

/* What is kept is told when somebody asks. */
static void tell(struct state *s)
{
	struct report_query q = {.now = 1795332700 * NSEC_PER_SEC, .since = 1};
	struct report_list list = {};
	const struct finding *f;
	char text[512];

	for (unsigned int i = 0; i < 40 && (f = recent_get(state_recent(s), i)); i++) {
		publish_text(f, text, sizeof(text));
		json_object_put(publish_reset(f));
	}
	if (!report_list(state_tally(s), state_peers(s), &q, &list))
		json_object_put(publish_list(&list, q.by));
	report_list_done(&list);
}

static void use(struct state *s)
{
	struct tally_row row;
	uint64_t n;

	tell(s);
	fill(s);
	state_count_held(s);
	state_absorb(s, NULL, 0);
	for (unsigned int i = 0; i < TALLY_PLACES; i++)
		if (tally_row(state_tally(s), i, &row) && strlen(row.comm) >= RSTMON_COMM_MAX)
			abort();
	for (unsigned int i = 0; i < TALLY_PLACES; i += 61)
		tally_since(state_tally(s), i, 1795332000 * NSEC_PER_SEC, 0, &n);
}

static void try_file(int fd)
{
	struct state *s = NULL;
	const char *why;
	int memory;

	if (checkpoint_get(fd, &memory, &why))
		return;
	if (!state_adopt(memory, &reasons, &s))
		use(s);
	state_free(s);
	close(memory);
}

static void put_changed(int fd, const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(good_size);
	struct checkpoint_piece last = {.offset = CHECKPOINT_END};
	size_t end = good_size - sizeof(last);

	memcpy(bytes, good, good_size);
	for (; size >= CHANGE; data += CHANGE, size -= CHANGE) {
		uint32_t at;

		memcpy(&at, data, sizeof(at));
		bytes[at % end] ^= data[4];
	}
	last.length = crc32(crc32(0, NULL, 0), bytes, (unsigned int)end);
	memcpy(bytes + end, &last, sizeof(last));
	if (write(fd, bytes, good_size) != (ssize_t)good_size)
		abort();
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = memfd_create("checkpoint", MFD_CLOEXEC);

	if (!good)
		make_good();
	if (!size || fd < 0)
		return 0;
	if (data[0] & 1)
		put_changed(fd, data + 1, size - 1);
	else if (write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		abort();
	if (lseek(fd, 0, SEEK_SET))
		abort();
	try_file(fd);
	return 0;
}
