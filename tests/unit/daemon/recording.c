/* SPDX-License-Identifier: GPL-2.0-only */
/* What goes through a recorder comes out of the recording; what is broken says where. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/recording.h"
#include "daemon/recording_format.h"
#include "daemon/recording_names.h"
#include "rstmon/interface.h"

#define EVENTS 6

static char path[64];
static char error[512];

/* A kernel that is none: six records, two processes, one cgroup, two slots. */
struct fake {
	struct source source;
	struct reasons reasons;
	unsigned int next;
	unsigned int asked; /* calls of process() and cgroup() */
	bool freed;
	struct rst_slot slots[RST_SLOTS];
};

static struct fake *fake;

static size_t fake_record(unsigned int i, struct rst_event_sock *ret)
{
	static const size_t sizes[] = {sizeof(struct rst_event), sizeof(struct rst_event_former),
				       sizeof(struct rst_event_sock)};

	memset(ret, (int)i + 1, sizeof(*ret));
	ret->event = (struct rst_event){.version = RST_EVENT_VERSION,
					.kind = (__u8)(i % 3 + 1),
					.size = (__u16)sizes[i % 3],
					.time = 1000 + i,
					.local_port = (__u16)i};
	ret->event.key.direction = i % 2 ? RST_RECEIVED : RST_SENT;
	if (i == 4)
		ret->event.flags = RST_EVENT_SWALLOWS;
	if (i == 5) {
		ret->event.key.owner_tgid = 11;
		ret->event.key.owner_start = 5;
	}
	return sizes[i % 3];
}

static int fake_drain(struct source *s, unsigned int max, source_record_fn fn, void *userdata)
{
	unsigned int n;

	(void)s;
	for (n = 0; n < max && fake->next < EVENTS; n++) {
		struct rst_event_sock record;
		size_t size = fake_record(fake->next++, &record);
		int r = fn(&record, size, userdata);

		if (r < 0)
			return r;
	}
	return (int)n;
}

static int fake_fd(struct source *s)
{
	(void)s;
	return 42;
}

static bool fake_sleep(struct source *s)
{
	(void)s;
	return fake->next == EVENTS;
}

static void fake_totals(struct source *s, struct source_totals *ret)
{
	(void)s;
	*ret = (struct source_totals){.sent = 7};
}

static const struct rst_slot *fake_slots(struct source *s)
{
	(void)s;
	return fake->slots;
}

static int fake_process(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret)
{
	(void)s;
	fake->asked++;
	if (tgid != 10 && tgid != 11)
		return -ESRCH;
	*ret = (struct rst_process){.tgid = tgid, .start = start ? start : 77, .comm = "curl"};
	snprintf(ret->exe, sizeof(ret->exe), "/usr/bin/p%u", tgid);
	return 0;
}

static int fake_processes(struct source *s, source_record_fn fn, void *userdata)
{
	struct rst_process p = {.tgid = 13, .start = 6, .comm = "bystander"};
	int r;

	r = fn(&p, sizeof(p), userdata);
	fake_process(s, 11, 5, &p);
	return r < 0 ? r : fn(&p, sizeof(p), userdata);
}

static int fake_cgroup(struct source *s, uint64_t id, char *ret_path, size_t size)
{
	(void)s;
	fake->asked++;
	if (id != 99)
		return -ENOENT;
	snprintf(ret_path, size, "/system.slice/nginx.service");
	return 0;
}

static const struct source_hook *fake_hooks(struct source *s, size_t *ret_n)
{
	(void)s;
	*ret_n = 0;
	return NULL;
}

/* Changes by little after the second record, by much after the fourth. */
static int64_t fake_clock_offset(struct source *s)
{
	(void)s;
	return fake->next <= 2 ? 5000 : fake->next <= 4 ? 5000 + 999999 : 5000 + 5000000;
}

static size_t fake_ring_bytes(struct source *s)
{
	(void)s;
	return 4096;
}

static void fake_free(struct source *s)
{
	(void)s;
	fake->freed = true;
}

static const struct source_ops fake_ops = {
	.drain = fake_drain,
	.fd = fake_fd,
	.sleep = fake_sleep,
	.totals = fake_totals,
	.slots = fake_slots,
	.process = fake_process,
	.processes = fake_processes,
	.cgroup = fake_cgroup,
	.hooks = fake_hooks,
	.clock_offset = fake_clock_offset,
	.ring_bytes = fake_ring_bytes,
	.free = fake_free,
};

static void setup(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/rstmon-recording-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	close(fd);

	fake = calloc(1, sizeof(*fake));
	cr_assert_not_null(fake);
	fake->source = (struct source){
		.ops = &fake_ops, .reasons = &fake->reasons, .kernel = "6.1.0-test"};
	reasons_add(&fake->reasons, 0, "SK_RST_REASON_NOT_SPECIFIED");
	reasons_add(&fake->reasons, 2, "SK_RST_REASON_NO_SOCKET");
	fake->slots[3] = (struct rst_slot){.tag = 1, .count = 100, .ready = 1, .comm = "scan"};
	fake->slots[3].key.direction = RST_RECEIVED;
	fake->slots[4] = (struct rst_slot){.tag = 2, .count = 1}; /* being made */
	fake->slots[RST_SLOTS - 2] = (struct rst_slot){.tag = 3, .count = 20, .ready = 1};
	fake->slots[RST_SLOTS - 1] = (struct rst_slot){.tag = 4, .count = 9, .ready = 1};
	fake->slots[RST_SLOTS - 1].key.direction = RST_TIMEOUT;
}

static void teardown(void)
{
	unlink(path);
	free(fake);
}

struct taken {
	unsigned int n;
	int64_t offset[EVENTS];
	struct source *source;
};

/* Every record must be the fake's, in order. */
static int take(const void *record, size_t size, void *userdata)
{
	struct taken *t = userdata;
	struct rst_event_sock expected;

	cr_assert_lt(t->n, EVENTS);
	cr_assert_eq(size, fake_record(t->n, &expected));
	cr_assert_eq(memcmp(record, &expected, size), 0);
	cr_assert_eq((uintptr_t)record % 8, 0);
	if (t->source)
		t->offset[t->n] = t->source->ops->clock_offset(t->source);
	t->n++;
	return 0;
}

static int stop(const void *record, size_t size, void *userdata)
{
	(void)record;
	(void)size;
	(void)userdata;
	return -ECANCELED;
}

static int count(const void *record, size_t size, void *userdata)
{
	(void)record;
	cr_assert_eq(size, sizeof(struct rst_process));
	++*(unsigned int *)userdata;
	return 0;
}

/* Makes the recording that all tests read. */
static void make(void)
{
	struct taken t = {};
	struct rst_process p;
	unsigned int n = 0;
	struct source *s;
	char text[128];

	cr_assert_eq(recorder_new(&fake->source, path, &s), 0);
	cr_assert_str_eq(s->kernel, "6.1.0-test");
	cr_assert_eq(s->reasons, &fake->reasons);
	cr_assert_eq(s->ops->fd(s), 42);
	cr_assert_eq(s->ops->ring_bytes(s), 4096);
	cr_assert_eq(s->ops->drain(s, 4, take, &t), 4);
	cr_assert_not(s->ops->sleep(s));
	cr_assert_eq(s->ops->process(s, 10, 1, &p), 0);
	cr_assert_eq(s->ops->process(s, 10, 1, &p), 0);
	cr_assert_eq(s->ops->process(s, 10, 2, &p), 0);
	cr_assert_eq(s->ops->process(s, 12, 1, &p), -ESRCH);
	cr_assert_eq(s->ops->processes(s, count, &n), 0);
	cr_assert_eq(n, 2);
	cr_assert_eq(s->ops->cgroup(s, 99, text, sizeof(text)), 0);
	cr_assert_eq(s->ops->cgroup(s, 99, text, sizeof(text)), 0);
	cr_assert_eq(s->ops->cgroup(s, 98, text, sizeof(text)), -ENOENT);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 2);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 0);
	cr_assert_eq(t.n, EVENTS);
	cr_assert_eq(recorder_error(s), 0);
	source_free(s);
	cr_assert(fake->freed);
}

static unsigned char *file_bytes(size_t *ret_n)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	unsigned char *bytes = malloc(65536);

	cr_assert_not_null(f);
	cr_assert_not_null(bytes);
	*ret_n = fread(bytes, 1, 65536, f);
	cr_assert_lt(*ret_n, 65536);
	return bytes;
}

static void write_bytes(const void *bytes, size_t n)
{
	_cleanup_fclose_ FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
}

/* Opens and drains; gives the number of events, -errno if it could not be opened. */
static int replay(char *ret_error, size_t size)
{
	struct taken t = {};
	struct source *s;
	const char *text;
	int r;

	r = recording_open(path, &s, ret_error, size);
	if (r < 0)
		return r;
	while ((r = s->ops->drain(s, 100, take, &t)) > 0)
		;
	cr_assert_eq(r, -ENODATA);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), -ENODATA);
	text = recording_error(s);
	snprintf(ret_error, size, "%s", text ? text : "");
	source_free(s);
	return (int)t.n;
}

Test(recording, round_trip, .init = setup, .fini = teardown)
{
	static const int64_t offsets[EVENTS] = {5000, 5000, 5000, 5000, 5005000, 5005000};
	struct source_totals totals;
	struct rst_process p;
	struct taken t = {};
	struct source *s;
	unsigned int n = 0;
	char text[128];
	size_t hooks;

	make();
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0, "%s", error);
	cr_assert_str_eq(s->kernel, "6.1.0-test");
	cr_assert_str_eq(reasons_name(s->reasons, 2), "NO_SOCKET");
	cr_assert_str_eq(reasons_name(s->reasons, 1), "");
	cr_assert_eq(s->ops->fd(s), -1);
	cr_assert_eq(s->ops->ring_bytes(s), 0);
	cr_assert_not_null(s->ops->hooks(s, &hooks));
	cr_assert_eq(hooks, 1);
	cr_assert_not(s->ops->sleep(s));

	/* names are there before the first event */
	cr_assert_eq(s->ops->clock_offset(s), 5000);
	cr_assert_eq(s->ops->process(s, 10, 1, &p), 0);
	cr_assert_str_eq(p.exe, "/usr/bin/p10");
	cr_assert_eq(s->ops->process(s, 10, 3, &p), -ESRCH);
	cr_assert_eq(s->ops->process(s, 10, 0, &p), 0);
	cr_assert_eq(p.start, 2, "the latest with that number");
	cr_assert_eq(s->ops->process(s, 12, 0, &p), -ESRCH);
	cr_assert_eq(s->ops->process(s, 11, 5, &p), 0, "found by the scan, and owner of a reset");
	cr_assert_eq(s->ops->process(s, 13, 6, &p), -ESRCH, "found by the scan, but a bystander");
	cr_assert_eq(s->ops->processes(s, count, &n), 0);
	cr_assert_eq(n, 3);
	cr_assert_eq(s->ops->processes(s, stop, NULL), -ECANCELED);
	cr_assert_eq(s->ops->cgroup(s, 99, text, sizeof(text)), 0);
	cr_assert_str_eq(text, "/system.slice/nginx.service");
	cr_assert_eq(s->ops->cgroup(s, 99, text, 10), -ENAMETOOLONG);
	cr_assert_eq(s->ops->cgroup(s, 98, text, sizeof(text)), -ENOENT);

	t.source = s;
	cr_assert_eq(s->ops->drain(s, 0, take, &t), 0);
	cr_assert_eq(s->ops->drain(s, 4, take, &t), 4);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 2);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), -ENODATA);
	cr_assert(s->ops->sleep(s));
	cr_assert_null(recording_error(s));
	for (int i = 0; i < EVENTS; i++)
		cr_assert_eq(t.offset[i], offsets[i], "event %d", i);

	/* 3 sent, 3 received of which one was none; 20 and 100 spilled, and 9 time-outs */
	s->ops->totals(s, &totals);
	cr_assert_eq(totals.sent, 3 + 20);
	cr_assert_eq(totals.received, 3 - 1 + 100);
	cr_assert_eq(totals.spilled[RST_SENT], 20);
	cr_assert_eq(totals.spilled[RST_RECEIVED], 100);
	cr_assert_eq(totals.lost[RST_SENT], 0);
	cr_assert_eq(totals.timeouts, 9);
	cr_assert_eq(totals.spilled[RST_TIMEOUT], 9);
	cr_assert_eq(totals.unread_ever, 20 + 100 + 9);
	source_free(s);
}

Test(recording, slots_come_back, .init = setup, .fini = teardown)
{
	const struct rst_slot *slots;
	struct source *s;
	unsigned int n = 0;

	make();
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0);
	slots = s->ops->slots(s);
	for (size_t i = 0; i < RST_SLOTS; i++)
		n += slots[i].ready;
	cr_assert_eq(n, 3, "the one that was being made is none");
	cr_assert_eq(slots[0].count, 100);
	cr_assert_str_eq(slots[0].comm, "scan");
	cr_assert_eq(slots[1].count, 20);
	source_free(s);
}

Test(recording, a_recording_can_be_recorded, .init = setup, .fini = teardown)
{
	_cleanup_free_ unsigned char *first = NULL;
	struct source *inner, *s;
	struct taken t = {};
	char copy[80];
	size_t n;

	make();
	first = file_bytes(&n);
	snprintf(copy, sizeof(copy), "%s.copy", path);
	cr_assert_eq(recording_open(path, &inner, error, sizeof(error)), 0);
	cr_assert_eq(recorder_new(inner, copy, &s), 0);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), EVENTS);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), -ENODATA);
	source_free(s);
	cr_assert_eq(rename(copy, path), 0);
	cr_assert_eq(replay(error, sizeof(error)), EVENTS);
	cr_assert_str_eq(error, "");
}

Test(recording, the_file_is_private, .init = setup, .fini = teardown)
{
	struct stat st;

	cr_assert_eq(chmod(path, 0644), 0);
	make();
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(recording, a_link_is_not_followed, .init = setup, .fini = teardown)
{
	struct source *s = NULL;
	char link[80];

	snprintf(link, sizeof(link), "%s.link", path);
	cr_assert_eq(symlink(path, link), 0);
	cr_assert_eq(recorder_new(&fake->source, link, &s), -ELOOP);
	cr_assert_null(s);
	cr_assert_not(fake->freed);
	unlink(link);
}

Test(recording, a_consumer_that_stops_is_obeyed, .init = setup, .fini = teardown)
{
	struct taken t = {.n = 1};
	struct source *s;

	make();
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0);
	cr_assert_eq(s->ops->drain(s, 100, stop, NULL), -ECANCELED);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), EVENTS - 1, "goes on behind it");
	source_free(s);
}

/* Cut at every byte: a sentence with an offset, and never fewer events than are whole. */
Test(recording, cut_at_every_byte, .init = setup, .fini = teardown)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	unsigned int last = 0;
	size_t n, clean = 0;

	make();
	bytes = file_bytes(&n);
	for (size_t cut = 0; cut < n; cut++) {
		size_t header = sizeof(struct recording_header) + 3 * RSTMON_REASON_MAX;
		int r;

		write_bytes(bytes, cut);
		error[0] = '\0';
		r = replay(error, sizeof(error));
		if (cut < header) {
			cr_assert_eq(r, -EBADMSG, "cut at %zu", cut);
			cr_assert_not_null(strstr(error, ": byte "), "%s", error);
			continue;
		}
		cr_assert_geq(r, (int)last, "cut at %zu", cut);
		last = (unsigned int)r;
		if (*error)
			cr_assert_eq(strncmp(error, "byte ", 5), 0, "%s", error);
		else
			clean++;
	}
	/* between frames a cut cannot be seen: 6 events, 2 offsets, 3 processes, 1 cgroup, 3 slots
	 */
	cr_assert_eq(clean, 15);
	cr_assert_eq(last, EVENTS);
}

/* One flipped byte anywhere is found, and what stands before it is still delivered. */
Test(recording, every_flipped_byte_is_found, .init = setup, .fini = teardown)
{
	_cleanup_free_ unsigned char *bytes = NULL;
	int last = 0;
	size_t n;

	make();
	bytes = file_bytes(&n);
	for (size_t i = 0; i < n; i++) {
		int r;

		bytes[i] ^= (unsigned char)(1 + i % 255);
		write_bytes(bytes, n);
		bytes[i] ^= (unsigned char)(1 + i % 255);
		error[0] = '\0';
		r = replay(error, sizeof(error));
		cr_assert(r >= 0 || r == -EBADMSG, "byte %zu gave %d", i, r);
		cr_assert_not_null(strstr(error, "byte "), "byte %zu: '%s'", i, error);
		cr_assert_null(strchr(error, '\n'));
		if (r >= 0) {
			cr_assert_geq(r, last, "byte %zu", i);
			last = r;
		}
	}
	cr_assert_eq(last, EVENTS);
}

Test(recording, wrong_magic_and_versions_are_named, .init = setup, .fini = teardown)
{
	struct recording_header h = {.version = RECORDING_VERSION,
				     .event_version = RST_EVENT_VERSION};

	write_bytes("GIF89a and more", 15);
	cr_assert_eq(replay(error, sizeof(error)), -EBADMSG);
	cr_assert_not_null(strstr(error, ": byte 0: this is no recording"), "%s", error);

	memcpy(h.magic, RECORDING_MAGIC, sizeof(h.magic));
	h.version = RECORDING_VERSION + 1;
	write_bytes(&h, sizeof(h));
	cr_assert_eq(replay(error, sizeof(error)), -EBADMSG);
	cr_assert_not_null(strstr(error, ": byte 8: version 2 of the format"), "%s", error);

	h.version = RECORDING_VERSION;
	h.event_version = 200;
	write_bytes(&h, sizeof(h));
	cr_assert_eq(replay(error, sizeof(error)), -EBADMSG);
	cr_assert_not_null(strstr(error, ": byte 12: records of version 200"), "%s", error);

	h.event_version = RST_EVENT_VERSION;
	h.n_reasons = ~0U;
	write_bytes(&h, sizeof(h));
	cr_assert_eq(replay(error, sizeof(error)), -EBADMSG);
	cr_assert_not_null(strstr(error, " reasons, at most "), "%s", error);
}

/* Frames with a right checksum and a wrong content. */
static void append(enum recording_type type, const void *payload, uint32_t length)
{
	_cleanup_fclose_ FILE *f = fopen(path, "a");
	struct recording_frame frame = {.type = type, .length = length};

	cr_assert_not_null(f);
	frame.crc = recording_crc(&frame, offsetof(struct recording_frame, crc), payload, length);
	cr_assert_eq(fwrite(&frame, sizeof(frame), 1, f), 1);
	if (length > 0)
		cr_assert_eq(fwrite(payload, 1, length, f), length);
}

Test(recording, hostile_frames_end_it, .init = setup, .fini = teardown)
{
	static char large[RECORDING_PAYLOAD_MAX + 1];
	struct rst_slot slot = {.count = 1};
	const struct {
		uint32_t type;
		const void *payload;
		uint32_t length;
		const char *expected;
	} cases[] = {
		{0, "", 0, "unknown type 0"},
		{6, "", 0, "unknown type 6"},
		{RECORDING_EVENT, "", 0, "cannot have 0 bytes"},
		{RECORDING_EVENT, large, RECORDING_RECORD_MAX + 1, "cannot have 1025 bytes"},
		{RECORDING_TIME, "1234567", 7, "cannot have 7 bytes"},
		{RECORDING_PROCESS, large, sizeof(struct rst_process) - 1, "cannot have 319 bytes"},
		{RECORDING_CGROUP, large, sizeof(large), "cannot have 4105 bytes"},
		{RECORDING_CGROUP, "12345678", 8, "cannot have 8 bytes"},
		{RECORDING_CGROUP, "12345678relative", 16, "path is none"},
		{RECORDING_CGROUP, "12345678/a\0b", 12, "path is none"},
		{RECORDING_SLOT, &slot, sizeof(slot), "slot of no direction"},
	};

	slot.key.direction = RST_DIRECTION_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		fake->next = 0;
		make();
		append(cases[i].type, cases[i].payload, cases[i].length);
		cr_assert_eq(replay(error, sizeof(error)), EVENTS);
		cr_assert_not_null(strstr(error, cases[i].expected), "%s", error);
	}
}

Test(recording, names_without_end_get_one, .init = setup, .fini = teardown)
{
	struct rst_process p;
	struct source *s;

	make();
	memset(&p, 'x', sizeof(p));
	append(RECORDING_PROCESS, &p, sizeof(p));
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0);
	cr_assert_eq(s->ops->process(s, 0x78787878, 0, &p), 0);
	cr_assert_eq(strlen(p.comm), sizeof(p.comm) - 1);
	cr_assert_eq(strlen(p.exe), sizeof(p.exe) - 1);
	source_free(s);
}

Test(recording, tables_are_bounded, .init = setup, .fini = teardown)
{
	struct recording_frame frame = {.type = RECORDING_CGROUP, .length = 10};
	FILE *f;

	make();
	f = fopen(path, "a");
	cr_assert_not_null(f);
	for (uint64_t id = 1000; id < 1000 + RECORDING_CGROUPS_MAX; id++) {
		char payload[10] = "12345678/x";

		memcpy(payload, &id, sizeof(id));
		frame.crc =
			recording_crc(&frame, offsetof(struct recording_frame, crc), payload, 10);
		fwrite(&frame, sizeof(frame), 1, f);
		fwrite(payload, sizeof(payload), 1, f);
	}
	fclose(f);
	cr_assert_eq(replay(error, sizeof(error)), EVENTS);
	cr_assert_not_null(strstr(error, ": more than 16384 cgroups"), "%s", error);
}

Test(recording, what_is_no_file_is_refused, .init = setup, .fini = teardown)
{
	struct source *s = NULL;

	cr_assert_eq(recording_open("/nonexistent/x.rec", &s, error, sizeof(error)), -ENOENT);
	cr_assert_eq(strncmp(error, "/nonexistent/x.rec: ", 20), 0, "%s", error);
	cr_assert_eq(recording_open("/tmp", &s, error, sizeof(error)), -EISDIR);
	cr_assert_eq(recording_open("/dev/null", &s, error, sizeof(error)), -ESPIPE);
	cr_assert_null(s);
}

/* Whoever waits for the other end of a pipe waits for ever. */
Test(recording, a_pipe_does_not_stop_anybody, .init = setup, .fini = teardown)
{
	_cleanup_close_ int reader = -1;
	struct source *s = NULL;

	unlink(path);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), -ESPIPE);
	cr_assert_not_null(strstr(error, ": no regular file"), "%s", error);
	cr_assert_eq(recorder_new(&fake->source, path, &s), -ESPIPE, "nobody reads");
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	cr_assert_geq(reader, 0);
	cr_assert_eq(recorder_new(&fake->source, path, &s), -ESPIPE, "somebody reads");
	cr_assert_null(s);
	cr_assert_not(fake->freed);
}

Test(recording, a_socket_is_refused, .init = setup, .fini = teardown)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct source *s = NULL;

	unlink(path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), -ESPIPE);
	cr_assert_eq(recorder_new(&fake->source, path, &s), -ESPIPE);
	cr_assert_null(s);
}

Test(recording, full_disk_at_start_is_an_error, .init = setup, .fini = teardown)
{
	struct source *s = NULL;

	cr_assert_eq(recorder_new(&fake->source, "/dev/full", &s), -ENOSPC);
	cr_assert_eq(recorder_new(&fake->source, "/nonexistent/x.rec", &s), -ENOENT);
	cr_assert_null(s);
	cr_assert_not(fake->freed, "it is still the caller's");
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A disk that fills up later, at any byte: the recording ends with a whole frame, as many as there
 * is room for; the flow goes on. */
Test(recording, full_disk_ends_the_recording_only, .init = setup, .fini = teardown)
{
	const size_t header = sizeof(struct recording_header) + 3 * RSTMON_REASON_MAX;
	_cleanup_free_ unsigned char *bytes = NULL;
	size_t n, frame_end = header;
	int events = 0;

	make();
	bytes = file_bytes(&n);
	for (size_t room = header; room < n - 2 * (sizeof(struct rst_slot) + 12); room++) {
		struct recording_frame frame;
		struct taken t = {};
		struct source *s;
		struct stat st;

		fake->next = 0;
		limit_files(room);
		cr_assert_eq(recorder_new(&fake->source, path, &s), 0);
		cr_assert_eq(s->ops->drain(s, 3, take, &t), 3);
		cr_assert_eq(s->ops->drain(s, 100, take, &t), 3);
		cr_assert_eq(recorder_error(s), 0, "still in the buffer");
		cr_assert_eq(s->ops->drain(s, 100, take, &t), 0);
		if (recorder_error(s) == 0) { /* there was room for all events */
			source_free(s);
			break;
		}
		cr_assert_eq(recorder_error(s), -EFBIG);
		cr_assert_eq(t.n, EVENTS);
		cr_assert_eq(recorder_finish(s), -EFBIG);
		source_free(s);
		limit_files(RLIM_INFINITY);

		cr_assert_eq(stat(path, &st), 0);
		cr_assert_leq((size_t)st.st_size, room);
		cr_assert_geq((size_t)st.st_size, frame_end, "never less than before");
		frame_end = (size_t)st.st_size;
		cr_assert_lt(room - frame_end, sizeof(frame) + RECORDING_RECORD_MAX);
		cr_assert_geq(replay(error, sizeof(error)), events);
		events = replay(error, sizeof(error));
		cr_assert_str_eq(error, "", "room for %zu bytes", room);
	}
	limit_files(RLIM_INFINITY);
	cr_assert_geq(events, EVENTS - 1);
}

/* The slots come last: that there is no room for them is told as well. */
Test(recording, full_disk_at_the_end_is_told, .init = setup, .fini = teardown)
{
	struct taken t = {};
	struct source *s;
	struct stat st;
	off_t size;

	cr_assert_eq(recorder_new(&fake->source, path, &s), 0);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), EVENTS);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 0);
	cr_assert_eq(stat(path, &st), 0);
	size = st.st_size;
	limit_files((rlim_t)size + 20);
	cr_assert_eq(recorder_error(s), 0);
	cr_assert_eq(recorder_finish(s), -EFBIG);
	cr_assert_eq(recorder_finish(s), -EFBIG, "it remembers");
	cr_assert_eq(recorder_error(s), -EFBIG);
	source_free(s);
	limit_files(RLIM_INFINITY);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, size, "no half of a slot");
	cr_assert_eq(replay(error, sizeof(error)), EVENTS);
	cr_assert_str_eq(error, "");
}

Test(recording, finish_is_the_end, .init = setup, .fini = teardown)
{
	const struct rst_slot *slots;
	struct taken t = {};
	struct source *s;

	cr_assert_eq(recorder_new(&fake->source, path, &s), 0);
	cr_assert_eq(s->ops->drain(s, 4, take, &t), 4);
	cr_assert_eq(recorder_finish(s), 0);
	cr_assert_eq(recorder_finish(s), 0);
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 2, "the flow goes on");
	cr_assert_eq(s->ops->drain(s, 100, take, &t), 0);
	cr_assert_eq(recorder_error(s), 0);
	source_free(s);

	cr_assert_eq(replay(error, sizeof(error)), 4);
	cr_assert_str_eq(error, "");
	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0);
	slots = s->ops->slots(s);
	cr_assert(slots[2].ready);
	cr_assert_not(slots[3].ready, "they were written once");
	source_free(s);
}

/* More frames than the buffer holds, and more processes than the recorder remembers: the latest are
 * there, and one of long ago that goes on to be of use is written once. */
Test(recording, the_recorder_forgets_the_oldest, .init = setup, .fini = teardown)
{
	const uint64_t last = RSTMON_PROCESS_CACHE_MAX + 100;
	struct rst_process p;
	struct source *s;
	struct stat st;
	unsigned int n = 0;

	memset(fake->slots, 0, sizeof(fake->slots));
	cr_assert_eq(recorder_new(&fake->source, path, &s), 0);
	for (uint64_t start = 1; start <= last; start++) {
		cr_assert_eq(s->ops->process(s, 10, start, &p), 0);
		cr_assert_eq(s->ops->process(s, 11, 1, &p), 0);
	}
	cr_assert_eq(s->ops->process(s, 10, 1, &p), 0, "forgotten, written again");
	cr_assert_eq(s->ops->process(s, 10, last, &p), 0, "remembered");
	cr_assert_eq(recorder_finish(s), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq((size_t)st.st_size, sizeof(struct recording_header) + 3 * RSTMON_REASON_MAX +
						 (last + 2) * (sizeof(struct recording_frame) +
							       sizeof(struct rst_process)));
	source_free(s);

	cr_assert_eq(recording_open(path, &s, error, sizeof(error)), 0);
	cr_assert_null(recording_error(s));
	cr_assert_eq(s->ops->processes(s, count, &n), 0);
	cr_assert_eq(n, last + 1);
	cr_assert_eq(s->ops->process(s, 10, last, &p), 0);
	source_free(s);
}
