/* SPDX-License-Identifier: GPL-2.0-only */
/* Reports: grouping keeps sums, sorting is total, and every field of a filter matches what it
 * names. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/report.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define START  (1000000 * MINUTE)

static void free_peers(struct peers **p)
{
	peers_free(*p);
}

static void free_filter(struct filter **f)
{
	filter_free(*f);
}

static struct finding make(uint32_t pid, uint16_t port, unsigned int direction,
			   enum rst_cause cause, const char *unit)
{
	struct finding f = {0};

	f.reset.time = START;
	f.reset.netns = 77;
	f.reset.port = port;
	f.reset.direction = (uint8_t)direction;
	f.reset.reason_name = "";
	f.reset.remote.address[0] = 10;
	f.reset.remote.address[3] = (uint8_t)port;
	f.verdict.cause = cause;
	f.owner.pid = pid;
	f.owner.start = pid;
	if (pid)
		snprintf(f.owner.comm, sizeof(f.owner.comm), "comm%u", pid);
	snprintf(f.owner.unit, sizeof(f.owner.unit), "%s", unit);
	return f;
}

/* Four rows, an "other ports" and an 'other'. */
static struct tally *sample(struct peers *p)
{
	struct tally *t = tally_format(calloc(1, tally_size()), tally_size());
	const uint64_t lost[RST_DIRECTION_MAX] = {4, 0};
	const struct finding f[] = {
		make(1, 80, RST_SENT, RST_CAUSE_BAD_SYN, "web.service"),
		make(1, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN, "web.service"),
		make(2, 80, RST_SENT, RST_CAUSE_UNKNOWN, "api.service"),
		make(0, 80, RST_SENT, RST_CAUSE_CLOSED_PORT, ""),
	};

	cr_assert(t);
	for (unsigned int i = 0; i < ARRAY_SIZE(f); i++)
		for (unsigned int n = 0; n <= i; n++) {
			tally_add(t, &f[i]);
			if (p)
				peers_add(p, &f[i]);
		}
	for (uint32_t port = 1; port <= 300; port++) {
		struct finding scan = make(3, (uint16_t)(1000 + port), RST_RECEIVED,
					   RST_CAUSE_REFUSED_SYN, "scan.service");

		tally_add(t, &scan);
	}
	tally_spill_begin(t);
	tally_spill_add(t, &f[0], 50, START, START + 1);
	tally_spill_end(t, lost, START + 2 * MINUTE);
	return t;
}

static struct report_list list(const struct tally *t, const struct peers *p, enum report_by by,
			       enum report_sort sort, const char *filter)
{
	_cleanup_(free_filter) struct filter *f = NULL;
	struct report_query q = {.by = by, .sort = sort, .now = START + 2 * MINUTE};
	struct report_list l = {0};
	char error[256];

	cr_assert_eq(filter_parse(filter, FILTER_ROWS, &f, error, sizeof(error)), 0, "%s", error);
	q.filter = f;
	cr_assert_eq(report_list(t, p, &q, &l), 0);
	return l;
}

static uint64_t sum(const struct report_list *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += l->rows[i].row.count;
	return n;
}

#define TOTAL (1 + 2 + 3 + 4 + 300 + 50 + 4)

Test(report, names)
{
	for (int i = 0; i < REPORT_BY_MAX; i++)
		cr_assert_eq(report_by_parse(report_by_name((unsigned int)i)), i);
	for (int i = 0; i < REPORT_SORT_MAX; i++)
		cr_assert_eq(report_sort_parse(report_sort_name((unsigned int)i)), i);
	cr_assert_eq(report_by_parse("Port"), -EINVAL);
	cr_assert_eq(report_sort_parse(""), -EINVAL);
	cr_assert_str_eq(report_by_name(REPORT_BY_MAX), "invalid");
	cr_assert_str_eq(report_sort_name(REPORT_SORT_MAX), "invalid");
}

Test(report, every_grouping_has_the_same_sum)
{
	_cleanup_free_ struct tally *t = sample(NULL);

	for (unsigned int by = 0; by < REPORT_BY_PEER; by++) {
		struct report_list l = list(t, NULL, by, REPORT_SORT_COUNT, "");
		bool other = false;

		cr_assert_eq(sum(&l), TOTAL, "%s", report_by_name(by));
		cr_assert_eq(l.totals.total[RST_SENT] + l.totals.total[RST_RECEIVED], TOTAL);
		for (size_t i = 0; i < l.n; i++)
			other |= l.rows[i].row.other;
		cr_assert(other, "%s", report_by_name(by));
		report_list_done(&l);
		cr_assert_null(l.rows);
	}
}

Test(report, by_port)
{
	_cleanup_free_ struct tally *t = sample(NULL);
	struct report_list l = list(t, NULL, REPORT_BY_PORT, REPORT_SORT_COUNT, "");
	unsigned int special = 0;

	cr_assert_eq(l.rows[0].row.port, 80);
	cr_assert_eq(l.rows[0].row.count, 1 + 3 + 4 + 50);
	cr_assert_eq(l.rows[0].row.spilled, 50);
	cr_assert_eq(l.rows[0].row.last, START + 1);
	/* nothing of a member shows in a group */
	cr_assert_eq(l.rows[0].row.pid, 0);
	cr_assert_str_eq(l.rows[0].row.comm, "");
	cr_assert_str_eq(l.rows[0].row.unit, "");
	for (size_t i = 0; i < l.n; i++)
		if (l.rows[i].row.other_ports || l.rows[i].row.other) {
			special++;
			cr_assert_eq(l.rows[i].row.port, 0);
			cr_assert_eq(l.rows[i].row.count, l.rows[i].row.other ? 4 : 44);
		}
	cr_assert_eq(special, 2);
	cr_assert_eq(l.n, 2 + 256 + 2);
	report_list_done(&l);
}

Test(report, by_cause_and_by_unit)
{
	_cleanup_free_ struct tally *t = sample(NULL);
	struct report_list l = list(t, NULL, REPORT_BY_CAUSE, REPORT_SORT_CAUSE, "");

	cr_assert_eq(l.n, 5);
	cr_assert_eq(l.rows[0].row.cause, RST_CAUSE_BAD_SYN);
	cr_assert_eq(l.rows[0].row.count, 51);
	cr_assert_eq(l.rows[2].row.cause, RST_CAUSE_REFUSED_SYN);
	cr_assert_eq(l.rows[2].row.count, 300);
	cr_assert_eq(l.rows[3].row.count, 5, "unknown, busiest first ...");
	cr_assert(l.rows[4].row.other, "... and apart from it what has no row");
	report_list_done(&l);

	l = list(t, NULL, REPORT_BY_UNIT, REPORT_SORT_UNIT, "");
	cr_assert_eq(l.n, 5);
	cr_assert_str_eq(l.rows[2].row.unit, "api.service");
	cr_assert_eq(l.rows[2].row.count, 3);
	cr_assert_str_eq(l.rows[4].row.unit, "web.service");
	cr_assert_eq(l.rows[4].row.count, 53);
	report_list_done(&l);
}

Test(report, filter_limit_and_sort)
{
	_cleanup_free_ struct tally *t = sample(NULL);
	struct report_query q = {.sort = REPORT_SORT_COUNT, .limit = 2, .now = START};
	struct report_list l =
		list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_PID, "port 80 and direction sent");

	cr_assert_eq(l.n, 3);
	cr_assert_eq(l.rows[0].row.pid, 0);
	cr_assert_eq(l.rows[1].row.pid, 1);
	cr_assert_eq(l.rows[2].row.pid, 2);
	cr_assert_eq(l.totals.total[RST_RECEIVED], 302, "totals know no filter");
	report_list_done(&l);

	l = list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_LAST,
		 "unit web.service and not comm nginx");
	cr_assert_eq(l.n, 2);
	cr_assert_eq(l.rows[0].row.last, START + 1);
	report_list_done(&l);

	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert_eq(l.n, 2);
	cr_assert_eq(l.rows[0].row.count, 51);
	cr_assert_eq(l.rows[1].row.count, 44);
	report_list_done(&l);
}

Test(report, sorted_by_each_field)
{
	_cleanup_free_ struct tally *t = sample(NULL);

	for (unsigned int sort = 0; sort < REPORT_SORT_MAX; sort++) {
		struct report_list l = list(t, NULL, REPORT_BY_PROCESS, sort, "");

		for (size_t i = 1; i < l.n; i++) {
			const struct tally_row *a = &l.rows[i - 1].row, *b = &l.rows[i].row;
			const bool ordered[REPORT_SORT_MAX] = {
				[REPORT_SORT_COUNT] = a->count >= b->count,
				[REPORT_SORT_LAST] = a->last >= b->last,
				[REPORT_SORT_FIRST] = a->first <= b->first,
				[REPORT_SORT_PID] = a->pid <= b->pid,
				[REPORT_SORT_COMM] = strcmp(a->comm, b->comm) <= 0,
				[REPORT_SORT_UNIT] = strcmp(a->unit, b->unit) <= 0,
				[REPORT_SORT_PORT] = a->port <= b->port,
				[REPORT_SORT_CAUSE] =
					strcmp(cause_name(a->cause), cause_name(b->cause)) <= 0,
				[REPORT_SORT_DIRECTION] = a->direction <= b->direction,
			};

			cr_assert(ordered[sort], "%s at %zu", report_sort_name(sort), i);
		}
		report_list_done(&l);
	}
}

Test(report, since)
{
	_cleanup_free_ struct tally *t = sample(NULL);
	struct report_query q = {.since = START + MINUTE, .now = START + 2 * MINUTE};
	struct finding f = make(1, 443, RST_RECEIVED, RST_CAUSE_UNKNOWN, "web.service");
	struct report_list l;

	f.reset.time = START + 2 * MINUTE;
	tally_add(t, &f);
	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert_eq(l.n, 2, "the row that moved, and the lost");
	cr_assert_eq(sum(&l), 1 + 4);
	cr_assert_not(l.partial);
	report_list_done(&l);

	/* two hours later the hour's ring no longer reaches back */
	f.reset.time = START + 120 * MINUTE;
	tally_add(t, &f);
	q.now = f.reset.time;
	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert(l.partial);
	report_list_done(&l);
	q.since = START + 119 * MINUTE;
	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert_not(l.partial);
	cr_assert_eq(sum(&l), 1);
	report_list_done(&l);
}

Test(report, by_peer)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	_cleanup_(free_filter) struct filter *f = NULL;
	_cleanup_free_ struct tally *t = NULL;
	struct report_query q = {.by = REPORT_BY_PEER};
	struct report_list l;
	char error[256];

	cr_assert_eq(peers_new(&p), 0);
	t = sample(p);
	l = list(t, p, REPORT_BY_PEER, REPORT_SORT_COUNT, "");
	cr_assert_eq(l.n, 2);
	cr_assert_eq(l.rows[0].peer.address[3], 80);
	cr_assert_eq(l.rows[0].row.count, 8);
	cr_assert_eq(l.rows[0].error, 0);
	cr_assert_str_eq(l.rows[0].row.comm, "");
	cr_assert_eq(l.rows[1].row.count, 2);
	report_list_done(&l);
	l = list(t, NULL, REPORT_BY_PEER, REPORT_SORT_COUNT, "");
	cr_assert_eq(l.n, 0);
	report_list_done(&l);

	q.since = START;
	cr_assert_eq(report_list(t, p, &q, &l), -EOPNOTSUPP);
	q.since = 0;
	cr_assert_eq(filter_parse("port 80", FILTER_ROWS, &f, error, sizeof(error)), 0);
	q.filter = f;
	cr_assert_eq(report_list(t, p, &q, &l), -EOPNOTSUPP);
}

/* The sample, and five time-outs in two rows, seven more in a slot and two without even that. */
static struct tally *sample_with_timeouts(struct peers *p)
{
	const struct finding f[] = {
		make(1, 80, RST_TIMEOUT, RST_CAUSE_CONNECT_TIMEOUT, "web.service"),
		make(2, 5432, RST_TIMEOUT, RST_CAUSE_SILENT_DROP_TIMEOUT, "api.service"),
	};
	struct tally *t = sample(p);

	for (unsigned int i = 0; i < 5; i++) {
		tally_add(t, &f[i % 2]);
		if (p)
			peers_add(p, &f[i % 2]);
	}
	tally_spill_begin(t);
	tally_spill_add(t, &f[1], 7, START, START + 2 * MINUTE);
	tally_spill_end(t, (const uint64_t[RST_DIRECTION_MAX]){4, 0, 2}, START + 2 * MINUTE);
	return t;
}

#define SPILLED_BEFORE 50 /* the sample's slot, which the second reading does not have */

static uint64_t sum_timeouts(const struct report_list *l)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->n_timeouts; i++)
		n += l->timeouts[i].row.count;
	return n;
}

Test(report, timeouts_are_in_no_row_of_resets)
{
	_cleanup_free_ struct tally *t = sample_with_timeouts(NULL);

	for (unsigned int by = 0; by < REPORT_BY_PEER; by++) {
		struct report_list l = list(t, NULL, by, REPORT_SORT_COUNT, "");

		cr_assert_eq(sum(&l), TOTAL - SPILLED_BEFORE, "%s", report_by_name(by));
		cr_assert_eq(l.totals.total[RST_SENT] + l.totals.total[RST_RECEIVED],
			     TOTAL - SPILLED_BEFORE);
		cr_assert_eq(sum_timeouts(&l), 5 + 7 + 2, "%s", report_by_name(by));
		cr_assert_eq(l.totals.total[RST_TIMEOUT], 5 + 7 + 2);
		cr_assert_eq(l.n_timeouts, 3, "two and 'other'");
		cr_assert_eq(l.timeouts[0].row.count, 2 + 7, "sorted like the rows");
		cr_assert_eq(l.timeouts[0].row.spilled, 7);
		report_list_done(&l);
		cr_assert_null(l.timeouts);
	}
}

Test(report, timeouts_are_filtered_and_cut_like_rows)
{
	_cleanup_free_ struct tally *t = sample_with_timeouts(NULL);
	struct report_query q = {.limit = 1, .now = START + 2 * MINUTE};
	struct report_list l = list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_COUNT, "port 80");

	cr_assert_eq(l.n, 3);
	cr_assert_eq(l.n_timeouts, 1);
	cr_assert_eq(l.timeouts[0].row.cause, RST_CAUSE_CONNECT_TIMEOUT);
	report_list_done(&l);
	l = list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_COUNT, "direction sent");
	cr_assert_eq(l.n_timeouts, 0);
	report_list_done(&l);
	l = list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_COUNT, "direction \"\"");
	cr_assert_eq(l.n, 0);
	cr_assert_eq(l.n_timeouts, 3);
	report_list_done(&l);
	l = list(t, NULL, REPORT_BY_PROCESS, REPORT_SORT_COUNT,
		 "not direction sent and not direction received");
	cr_assert_eq(l.n, 0);
	cr_assert_eq(l.n_timeouts, 3);
	report_list_done(&l);

	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert(l.n == 1 && l.n_timeouts == 1);
	report_list_done(&l);
	q.since = START + MINUTE;
	q.limit = 0;
	cr_assert_eq(report_list(t, NULL, &q, &l), 0);
	cr_assert_eq(sum_timeouts(&l), 7 + 2, "what was read later");
	report_list_done(&l);
}

Test(report, no_peer_of_a_timeout)
{
	_cleanup_(free_peers) struct peers *p = NULL;
	_cleanup_free_ struct tally *t = NULL;
	struct report_list l;

	cr_assert_eq(peers_new(&p), 0);
	t = sample_with_timeouts(p);
	l = list(t, p, REPORT_BY_PEER, REPORT_SORT_COUNT, "");
	cr_assert_eq(l.n, 2);
	cr_assert_eq(sum(&l), 1 + 2 + 3 + 4);
	cr_assert_eq(l.n_timeouts, 0);
	report_list_done(&l);
}

static void expect_match(const struct finding *f, const char *text, bool expected)
{
	_cleanup_(free_filter) struct filter *filter = NULL;
	char error[256];

	cr_assert_eq(filter_parse(text, FILTER_RESETS, &filter, error, sizeof(error)), 0, "%s: %s",
		     text, error);
	cr_assert_eq(report_match_finding(filter, f), expected, "%s", text);
}

static struct finding full_finding(void)
{
	struct finding f = make(812, 8080, RST_RECEIVED, RST_CAUSE_REFUSED_SYN, "web.service");
	struct reset *r = &f.reset;

	r->local = (struct endpoint){.address = {192, 0, 2, 1}, .port = 40000};
	r->remote = (struct endpoint){.address = {10, 1, 2, 3}, .port = 8080};
	r->role = RST_ROLE_CLIENT;
	r->state = STATE_SYN_SENT;
	r->previous_state = STATE_CLOSE;
	r->reason_name = "NO_SOCKET";
	r->cgroup = 4711;
	r->actor_tgid = 99;
	snprintf(r->actor_comm, sizeof(r->actor_comm), "ss");
	r->age_ms = -1;
	r->idle_ms = 12;
	r->bytes_received = 13;
	r->bytes_sent = 14;
	r->unread_bytes = 15;
	r->unacked_bytes = 16;
	r->has_exit = true;
	r->exit_signal = 9;
	r->exit_status = -1;
	snprintf(f.owner.exe, sizeof(f.owner.exe), "/usr/bin/curl");
	snprintf(f.owner.container, sizeof(f.owner.container), "c0ffee");
	snprintf(f.owner.pod, sizeof(f.owner.pod), "d00d");
	f.owner.source = RST_OWNER_CONNECT;
	f.verdict.confidence = CONFIDENCE_CERTAIN;
	f.verdict.error = ECONNREFUSED;
	return f;
}

/* One that holds and one that does not, for every field there is. */
static const struct {
	enum filter_field field;
	const char *yes, *no;
} fields[] = {
	{FILTER_TIME, "time < 1990-01-01T00:00:00Z", "time < 1971-01-01T00:00:00Z"},
	{FILTER_KIND, "kind reset", "kind timeout"},
	{FILTER_DIRECTION, "direction received", "direction sent"},
	{FILTER_CAUSE, "cause refused_syn", "cause closed_port"},
	{FILTER_CONFIDENCE, "confidence certain", "confidence low"},
	{FILTER_PID, "pid 812", "pid 0"},
	{FILTER_COMM, "comm comm8*", "comm nginx"},
	{FILTER_EXE, "exe /usr/bin/*", "exe /usr/sbin/*"},
	{FILTER_UNIT, "unit web.service", "unit api.service"},
	{FILTER_CONTAINER, "container c0*", "container d*"},
	{FILTER_POD, "pod d0*", "pod c*"},
	{FILTER_OWNER_SOURCE, "owner_source connect", "owner_source read"},
	{FILTER_ACTOR_PID, "actor_pid 99", "actor_pid 812"},
	{FILTER_ACTOR_COMM, "actor_comm ss", "actor_comm curl"},
	{FILTER_ROLE, "role client", "role server"},
	{FILTER_PORT, "port >= 8080", "port > 8080"},
	{FILTER_LOCAL, "local 192.0.2.1:40000", "local 10.0.0.0/8"},
	{FILTER_REMOTE, "remote 10.1.2.3", "remote 192.0.2.1"},
	{FILTER_PEER, "peer 10.0.0.0/8", "peer 192.0.2.0/24"},
	{FILTER_FAMILY, "family ipv4", "family ipv6"},
	{FILTER_STATE, "state SYN_SENT", "state ESTABLISHED"},
	{FILTER_PREVIOUS_STATE, "previous_state CLOSE", "previous_state LISTEN"},
	{FILTER_REASON, "reason NO_SOCKET", "reason TCP_STATE"},
	{FILTER_ERRNO, "errno ECONNREFUSED", "errno ECONNRESET"},
	{FILTER_NETNS, "netns 77", "netns 78"},
	{FILTER_CGROUP, "cgroup 4711", "cgroup 0"},
	{FILTER_AGE_MS, "not age_ms >= 0", "age_ms 0"},
	{FILTER_IDLE_MS, "idle_ms 12", "idle_ms < 12"},
	{FILTER_BYTES_RECEIVED, "bytes_received 13", "bytes_received 14"},
	{FILTER_BYTES_SENT, "bytes_sent 14", "bytes_sent 13"},
	{FILTER_UNREAD_BYTES, "unread_bytes 15", "unread_bytes 16"},
	{FILTER_UNACKED_BYTES, "unacked_bytes 16", "unacked_bytes 15"},
	{FILTER_EXIT_SIGNAL, "exit_signal 9", "exit_signal 0"},
	{FILTER_EXIT_STATUS, "not exit_status >= 0", "exit_status 0"},
};
_Static_assert(ARRAY_SIZE(fields) == FILTER_FIELD_MAX, "every field of a filter has its test");

Test(report, a_filter_on_every_field_of_a_finding)
{
	struct finding f = full_finding();

	for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
		cr_assert_eq(fields[i].field, i);
		expect_match(&f, fields[i].yes, true);
		expect_match(&f, fields[i].no, false);
	}
	cr_assert(report_match_finding(NULL, &f));
}

Test(report, a_finding_without_anything)
{
	struct finding f = {0};

	f.reset.exit_signal = 7; /* without has_exit: nothing */
	expect_match(&f, "exit_signal 0 and not exit_status 0", true);
	expect_match(&f, "pid 0 and comm \"\" and reason \"\" and errno \"\"", true);
	f.reset.local.ipv6 = true;
	expect_match(&f, "family ipv6", true);
	expect_match(&f, "kind timeout", false);
	f.reset.direction = RST_TIMEOUT;
	expect_match(&f, "kind timeout and direction \"\" and not direction sent", true);
}

Test(report, a_filter_on_every_field_of_a_row)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
		{"pid 5", true},
		{"pid 6", false},
		{"comm ng*", true},
		{"comm x", false},
		{"exe /bin/n", true},
		{"exe y", false},
		{"unit u.service", true},
		{"unit z", false},
		{"container c", true},
		{"pod p", true},
		{"pod c", false},
		{"container d", false},
		{"netns 9", true},
		{"netns 8", false},
		{"port 80", true},
		{"port 81", false},
		{"role server", true},
		{"role none", false},
		{"direction sent", true},
		{"direction received", false},
		{"cause closed_port", true},
		{"cause unknown", false},
	};
	const struct tally_row row = {
		.pid = 5,
		.comm = "nginx",
		.exe = "/bin/n",
		.unit = "u.service",
		.container = "c",
		.pod = "p",
		.netns = 9,
		.port = 80,
		.role = RST_ROLE_SERVER,
		.direction = RST_SENT,
		.cause = RST_CAUSE_CLOSED_PORT,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(free_filter) struct filter *f = NULL;
		char error[256];

		cr_assert_eq(filter_parse(cases[i].text, FILTER_ROWS, &f, error, sizeof(error)), 0);
		cr_assert_eq(report_match_row(f, &row), cases[i].expected, "%s", cases[i].text);
	}
	cr_assert(report_match_row(NULL, &row));
}
