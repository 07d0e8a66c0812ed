/* SPDX-License-Identifier: GPL-2.0-only */
/* Journal and syslog as fakes in a temporary directory: reading, stuck, restarted, absent. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>

#include "daemon/sink_frame.h"
#include "rstmon/interface.h"

static char directory[64];
static uint64_t clock_ns;

static uint64_t fake_now(void)
{
	return clock_ns;
}

static char *place(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void setup(void)
{
	snprintf(directory, sizeof(directory), "/tmp/rstmon-sink-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(mkdir(place("systemd"), 0700), 0);
	cr_assert_eq(mkdir(place("systemd/journal"), 0700), 0);
}

static void teardown(void)
{
	unlink(place("systemd/journal/socket"));
	unlink(place("log"));
	rmdir(place("systemd/journal"));
	rmdir(place("systemd"));
	rmdir(directory);
}

static int receiver(const char *name, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	cr_assert_geq(fd, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
	unlink(address.sun_path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(fd, 4), 0);
	return fd;
}

/* One datagram as text with its end; false: there is none. */
static bool receive(int fd, char *dst, size_t size)
{
	ssize_t n = recv(fd, dst, size - 1, 0);

	if (n < 0)
		return false;
	dst[n] = '\0';
	return true;
}

static void write_numbered(struct sink *s, uint64_t number)
{
	struct line l;

	line_start(&l, LINE_RESET, LOG_INFO);
	line_add_u64(&l, "number", number);
	sink_write(s, &l);
}

static uint64_t number_of(const char *text)
{
	const char *p = strstr(text, "number=");

	cr_assert_not_null(p, "%s", text);
	return strtoull(p + strlen("number="), NULL, 10);
}

Test(sink, targets_have_names)
{
	for (int i = 0; i < SINK_TARGET_MAX; i++)
		cr_assert_eq(sink_target_parse(sink_target_name((unsigned int)i)), i);
	cr_assert_eq(sink_target_parse("journald"), -EINVAL);
	cr_assert_eq(sink_target_parse(""), -EINVAL);
	cr_assert_str_eq(sink_target_name(SINK_TARGET_MAX), "invalid");
}

Test(sink, journal_that_is_not_there_is_an_error, .init = setup, .fini = teardown)
{
	struct sink *s = NULL;
	int fd;

	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), -ENOTCONN);
	cr_assert_null(s);

	fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	close(fd); /* the file stays, nobody reads */
	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), -ENOTCONN);
	cr_assert_null(s);
}

Test(sink, auto_prefers_the_journal_and_falls_back, .init = setup, .fini = teardown)
{
	int log = receiver("log", SOCK_DGRAM), journal;
	struct sink *s;

	cr_assert_eq(sink_new(SINK_AUTO, directory, &s), 0);
	cr_assert_eq(sink_active(s), SINK_SYSLOG);
	sink_free(s);

	journal = receiver("systemd/journal/socket", SOCK_DGRAM);
	cr_assert_eq(sink_new(SINK_AUTO, directory, &s), 0);
	cr_assert_eq(sink_active(s), SINK_JOURNAL);
	sink_free(s);
	close(log);
	close(journal);
}

Test(sink, a_path_too_long_for_a_socket_is_an_error)
{
	char prefix[300];
	struct sink *s = NULL;

	memset(prefix, 'x', sizeof(prefix));
	prefix[sizeof(prefix) - 1] = '\0';
	cr_assert_eq(sink_new(SINK_JOURNAL, prefix, &s), -ENOTCONN);
	cr_assert_null(s);
}

Test(sink, syslog_line_as_rfc_3164_has_it, .init = setup, .fini = teardown)
{
	char text[2048], expected[128];
	int fd = receiver("log", SOCK_DGRAM);
	struct sink *s;
	struct line l;

	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	line_start(&l, LINE_LOSS, LOG_WARNING);
	line_add(&l, "comm", "a b");
	sink_write(s, &l);
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_eq(strncmp(text, "<28>", 4), 0, "%s", text);
	snprintf(expected, sizeof(expected), " rstmond[%d]: loss comm=\"a b\"", (int)getpid());
	cr_assert_str_eq(text + 4 + strlen("Mon dd hh:mm:ss"), expected);
	cr_assert_not(sink_pending(s));
	cr_assert_eq(sink_dropped(s), 0);
	sink_free(s);
	close(fd);
}

Test(sink, syslog_frame_pads_the_day_and_keeps_its_bound)
{
	struct tm tm = {.tm_mon = 10, .tm_mday = 2, .tm_hour = 7, .tm_min = 31, .tm_sec = 6};
	char text[64], small[16];

	syslog_frame(LOG_INFO, &tm, 812, "hello", text, sizeof(text));
	cr_assert_str_eq(text, "<30>Nov  2 07:31:06 rstmond[812]: hello");
	cr_assert_eq(syslog_frame(LOG_INFO, &tm, 812, "hello", small, sizeof(small)), 15);
	cr_assert_eq(strlen(small), 15);
}

Test(sink, syslog_that_listens_for_streams, .init = setup, .fini = teardown)
{
	int listener = receiver("log", SOCK_STREAM), fd;
	char text[4096];
	struct sink *s;
	ssize_t n;

	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	write_numbered(s, 1);
	write_numbered(s, 2);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
	n = recv(fd, text, sizeof(text), 0);
	cr_assert_gt(n, 0);
	cr_assert_eq(text[n - 1], '\0');
	cr_assert_eq(number_of(text), 1);
	cr_assert_eq(number_of(text + strlen(text) + 1), 2);
	sink_free(s);
	close(fd);
	close(listener);
}

/* A stream takes a part of a line when it is full: the rest must follow, and nothing twice. */
Test(sink, a_stream_that_fills_up_gets_every_byte_once, .init = setup, .fini = teardown)
{
	int listener = receiver("log", SOCK_STREAM), fd, size;
	_cleanup_free_ char *all = calloc(1, 1 << 22);
	uint64_t written = 0, expected = 0;
	size_t length = 0;
	struct sink *s;
	ssize_t n;

	cr_assert_not_null(all);
	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0);
	size = 4096;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	while (sink_dropped(s) == 0 && written < 100000)
		write_numbered(s, written++);
	cr_assert(sink_pending(s));

	do {
		while ((n = recv(fd, all + length, MIN((size_t)777, (1 << 22) - length - 1), 0)) >
		       0)
			length += (size_t)n;
		sink_flush(s);
	} while (sink_pending(s));
	while ((n = recv(fd, all + length, (1 << 22) - length - 1, 0)) > 0)
		length += (size_t)n;

	for (char *p = all; p < all + length; p += strlen(p) + 1)
		cr_assert_eq(number_of(p), expected++);
	cr_assert_eq(expected + sink_dropped(s), written);
	sink_free(s);
	close(fd);
	close(listener);
}

static void stuck_reader(enum sink_target target, const char *name)
{
	int fd = receiver(name, SOCK_DGRAM);
	uint64_t written = 0, expected = 0;
	char text[SINK_FRAME_MAX];
	struct sink *s;

	cr_assert_eq(sink_new(target, directory, &s), 0);
	/* the kernel takes some, the queue its bound, then lines are dropped: nothing blocks */
	while (sink_dropped(s) < 3 && written < 100000)
		write_numbered(s, written++);
	cr_assert_eq(sink_dropped(s), 3);
	cr_assert(sink_pending(s));
	cr_assert_geq(written, SINK_QUEUE_LINES + 3);

	do {
		while (receive(fd, text, sizeof(text)))
			cr_assert_eq(number_of(text), expected++);
		sink_flush(s);
	} while (sink_pending(s));
	while (receive(fd, text, sizeof(text)))
		cr_assert_eq(number_of(text), expected++);

	cr_assert_eq(expected, written - 3, "the oldest lines, in order");
	write_numbered(s, expected);
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_eq(number_of(text), expected);
	sink_free(s);
	close(fd);
}

Test(sink, syslog_that_stopped_reading, .init = setup, .fini = teardown)
{
	stuck_reader(SINK_SYSLOG, "log");
}

Test(sink, journal_that_stopped_reading, .init = setup, .fini = teardown)
{
	stuck_reader(SINK_JOURNAL, "systemd/journal/socket");
}

/* At a stop: as much as the reader takes within the time given, and the rest is known. */
Test(sink, the_last_flush_waits_for_room_but_not_for_ever, .init = setup, .fini = teardown)
{
	int fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	uint64_t written = 0, taken = 0;
	char text[SINK_FRAME_MAX];
	unsigned int left;
	struct sink *s;
	pid_t reader;
	int status;

	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), 0);
	cr_assert_eq(sink_finish(s, 10000), 0, "nothing to wait for");
	while (sink_dropped(s) == 0 && written < 100000)
		write_numbered(s, written++);
	left = sink_finish(s, 5);
	cr_assert_eq(left, SINK_QUEUE_LINES, "nobody reads: %u", left);

	reader = fork();
	cr_assert_geq(reader, 0);
	if (reader == 0) {
		int flags = fcntl(fd, F_GETFL);

		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
		for (; taken < written - 1; taken++)
			if (!receive(fd, text, sizeof(text)) || number_of(text) != taken)
				_exit(1);
		_exit(0);
	}
	cr_assert_eq(sink_finish(s, 10000), 0);
	cr_assert_eq(waitpid(reader, &status, 0), reader);
	cr_assert_eq(status, 0, "every line, in order");
	cr_assert_eq(sink_dropped(s), 1);
	close(fd);
	write_numbered(s, 1);
	cr_assert_eq(sink_finish(s, 10000), 1, "no reader, no wait");
	sink_free(s);
}

Test(sink, long_lines_are_bounded_by_bytes_too, .init = setup, .fini = teardown)
{
	int fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	char value[LINE_VALUE_MAX];
	unsigned int written = 0;
	struct sink *s;
	struct line l;

	memset(value, '\n', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	line_start(&l, LINE_RESET, LOG_INFO);
	for (int i = 0; i < LINE_FIELDS_MAX; i++)
		line_add(&l, "a_rather_long_name_of_a_field", value);
	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), 0);
	for (; sink_dropped(s) == 0 && written < 100000; written++)
		sink_write(s, &l);
	cr_assert_leq(written, SINK_QUEUE_LINES / 2 + 2000);
	sink_free(s); /* with a full queue: the sanitiser sees a leak */
	close(fd);
}

Test(sink, restarted_reader_gets_the_queue, .init = setup, .fini = teardown)
{
	int fd = receiver("log", SOCK_DGRAM);
	char text[2048];
	struct sink *s;

	clock_ns = 100 * NSEC_PER_SEC;
	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	sink_set_clock(s, fake_now);
	write_numbered(s, 1);
	cr_assert(receive(fd, text, sizeof(text)));

	close(fd);
	unlink(place("log"));
	write_numbered(s, 2); /* looks for another reader at once, finds none */
	write_numbered(s, 3);
	cr_assert(sink_pending(s));

	fd = receiver("log", SOCK_DGRAM);
	sink_flush(s);
	cr_assert_not(receive(fd, text, sizeof(text)), "it looks at most once a second");
	cr_assert(sink_pending(s));

	clock_ns += SINK_REOPEN_NS;
	sink_flush(s);
	cr_assert_not(sink_pending(s));
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_eq(number_of(text), 2);
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_eq(number_of(text), 3);
	cr_assert_eq(sink_dropped(s), 0);
	sink_free(s);
	close(fd);
}

Test(sink, reader_back_at_once_loses_nothing, .init = setup, .fini = teardown)
{
	int fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	char text[2048];
	struct sink *s;

	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), 0);
	close(fd);
	fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	write_numbered(s, 7);
	cr_assert_not(sink_pending(s));
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_eq(number_of(text), 7);
	sink_free(s);
	close(fd);
}

Test(sink, stream_reader_that_leaves_raises_no_signal, .init = setup, .fini = teardown)
{
	int listener = receiver("log", SOCK_STREAM), fd;
	char text[2048];
	struct sink *s;

	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	fd = accept(listener, NULL, NULL);
	close(fd);
	write_numbered(s, 1); /* EPIPE without MSG_NOSIGNAL would end the test */
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	cr_assert_geq(fd, 0, "a new connection");
	cr_assert_gt(recv(fd, text, sizeof(text), 0), 0);
	cr_assert_eq(number_of(text), 1);
	sink_free(s);
	close(fd);
	close(listener);
}

/* What journald does with a datagram: the value of 'name', NULL if the entry has none. */
static const char *journal_field(const char *entry, size_t size, const char *name)
{
	static char value[SINK_FRAME_MAX];
	const char *p = entry, *end = entry + size;

	while (p < end) {
		size_t name_length = strcspn(p, "=\n"), length;
		const char *field = p;
		uint64_t little;

		p += name_length;
		cr_assert_lt(p, end);
		if (*p++ == '=') {
			length = (size_t)((const char *)memchr(p, '\n', (size_t)(end - p)) - p);
		} else {
			memcpy(&little, p, sizeof(little));
			length = le64toh(little);
			p += sizeof(little);
			cr_assert_lt(length, (size_t)(end - p));
		}
		cr_assert_eq(p[length], '\n');
		if (name_length == strlen(name) && !memcmp(field, name, name_length)) {
			memcpy(value, p, length);
			value[length] = '\0';
			return value;
		}
		p += length + 1;
	}
	return NULL;
}

Test(sink, journal_entry_parsed_back, .init = setup, .fini = teardown)
{
	int fd = receiver("systemd/journal/socket", SOCK_DGRAM);
	char entry[SINK_FRAME_MAX + 1];
	struct sink *s;
	struct line l;
	ssize_t n;

	cr_assert_eq(sink_new(SINK_JOURNAL, directory, &s), 0);
	line_start(&l, LINE_RESET, LOG_NOTICE);
	line_add(&l, "cause", "closed_port");
	line_add(&l, "exe", "/tmp/a\nMESSAGE=forged");
	line_add(&l, "age-ms", "a=b");
	sink_write(s, &l);
	n = recv(fd, entry, SINK_FRAME_MAX, 0);
	cr_assert_gt(n, 0);
	entry[n] = '\0';

	cr_assert_str_eq(journal_field(entry, (size_t)n, "MESSAGE"),
			 "reset cause=closed_port exe=\"/tmp/a\\nMESSAGE=forged\" age-ms=\"a=b\"");
	cr_assert_str_eq(journal_field(entry, (size_t)n, "PRIORITY"), "5");
	cr_assert_str_eq(journal_field(entry, (size_t)n, "SYSLOG_IDENTIFIER"), "rstmond");
	cr_assert_str_eq(journal_field(entry, (size_t)n, "MESSAGE_ID"),
			 line_kind_message_id(LINE_RESET));
	cr_assert_str_eq(journal_field(entry, (size_t)n, "RST_CAUSE"), "closed_port");
	cr_assert_str_eq(journal_field(entry, (size_t)n, "RST_EXE"), "/tmp/a\nMESSAGE=forged");
	cr_assert_str_eq(journal_field(entry, (size_t)n, "RST_AGE_MS"), "a=b");
	sink_free(s);
	close(fd);
}

Test(sink, journal_frame_never_overruns)
{
	_cleanup_free_ char *whole = malloc(SINK_FRAME_MAX);
	struct line l;
	size_t full;

	line_start(&l, LINE_RESET, LOG_INFO);
	line_add(&l, "comm", "a\nb");
	line_add(&l, "port", "80");
	full = journal_frame(&l, "text", whole, SINK_FRAME_MAX);
	for (size_t size = 0; size <= full; size++) {
		char *dst = malloc(size + 1);

		cr_assert_not_null(dst);
		cr_assert_leq(journal_frame(&l, "text", dst, size), size);
		free(dst);
	}
}

Test(sink, say_is_a_status_line_cut_below_the_bound, .init = setup, .fini = teardown)
{
	int fd = receiver("log", SOCK_DGRAM);
	char text[4096], sentence[3000];
	struct sink *s;

	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &s), 0);
	sink_say(s, LOG_ERR, "no BTF at %s", "/sys/kernel/btf/vmlinux");
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_not_null(strstr(text, "]: status message=\"no BTF at /sys/kernel/btf/vmlinux\""),
			   "%s", text);

	memset(sentence, '"', sizeof(sentence));
	sentence[sizeof(sentence) - 1] = '\0';
	sink_say(s, LOG_ERR, "%s", sentence);
	cr_assert(receive(fd, text, sizeof(text)));
	cr_assert_lt(strlen(strstr(text, "status")), RSTMON_LOG_LINE_MAX);
	cr_assert_gt(strlen(text), RSTMON_LOG_LINE_MAX / 2);
	cr_assert_eq(text[strlen(text) - 1], '"');
	sink_free(s);
	close(fd);
}

Test(sink, none_takes_everything_and_says_nothing)
{
	struct sink *s;

	cr_assert_eq(sink_new(SINK_NONE, NULL, &s), 0);
	for (int i = 0; i < 5000; i++)
		write_numbered(s, 1);
	cr_assert_not(sink_pending(s));
	cr_assert_eq(sink_dropped(s), 0);
	sink_flush(s);
	sink_free(s);
	sink_free(NULL);
}

/* stderr as a pipe nobody reads, then one whose reader left. */
Test(sink, stderr_never_blocks_and_raises_no_signal)
{
	int ends[2], keep;
	uint64_t written = 0, dropped;
	char text[64];
	struct sink *s;

	keep = dup(STDERR_FILENO);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	cr_assert_eq(sink_new(SINK_STDERR, NULL, &s), 0);

	while (sink_dropped(s) == 0 && written < 100000)
		write_numbered(s, written++);
	cr_assert(sink_pending(s));
	cr_assert_eq(read(ends[0], text, 26), 26);
	cr_assert_eq(strncmp(text, "rstmond: reset number=0\n", 24), 0);
	dropped = sink_dropped(s);

	close(ends[0]);
	sink_flush(s);
	dup2(keep, STDERR_FILENO);
	cr_assert_not(sink_pending(s), "nobody will read it");
	cr_assert_gt(sink_dropped(s), dropped);
	sink_free(s);
	close(keep);
}

/* Another target at a reload: what waits goes out or is counted, and the count never falls. */
Test(sink, one_that_is_replaced_hands_its_count_on, .init = setup, .fini = teardown)
{
	int fd = receiver("log", SOCK_DGRAM);
	struct sink *old, *new;
	uint64_t dropped;

	cr_assert_geq(fd, 0);
	cr_assert_eq(sink_new(SINK_SYSLOG, directory, &old), 0);
	for (uint64_t i = 0; i < 3000; i++)
		write_numbered(old, i);
	cr_assert(sink_pending(old));
	dropped = sink_dropped(old);
	cr_assert_eq(sink_new(SINK_NONE, directory, &new), 0);
	sink_replace(new, old);
	cr_expect_gt(sink_dropped(new), dropped, "what was queued is lost with the old target");
	sink_free(new);
	close(fd);
}
