/* SPDX-License-Identifier: GPL-2.0-only */
/* Stories over a real tally and ring of recent resets: what belongs together, counts that add up,
 * and numbers of what is kept.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/stories.h"
#include "tests/unit/daemon/sample_finding.h"

struct fixture {
	void *memory;
	struct tally *tally;
	struct recent *recent;
	struct report_query q;
};

static void setup(struct fixture *f)
{
	*f = (struct fixture){.memory = calloc(1, tally_size())};
	cr_assert(f->memory);
	f->tally = tally_format(f->memory, tally_size());
	f->q.now = SAMPLE_TIME + 60 * NSEC_PER_SEC;
	cr_assert_eq(recent_new(&f->recent), 0);
}

static void teardown(struct fixture *f)
{
	recent_free(f->recent);
	free(f->memory);
}

static void add(struct fixture *f, const struct finding *finding)
{
	tally_add(f->tally, finding);
	recent_add(f->recent, finding);
}

static struct finding finding_of(enum rst_cause cause, uint16_t port, uint8_t direction)
{
	struct finding f = sample_finding();

	f.verdict.cause = cause;
	f.reset.port = port;
	f.reset.direction = direction;
	return f;
}

static struct finding nobodys(enum rst_cause cause, uint16_t port)
{
	struct finding f = finding_of(cause, port, RST_SENT);

	f.owner = (struct owner){0};
	f.reset.owner_tgid = 0;
	f.reset.owner_start = 0;
	f.reset.role = RST_ROLE_NONE;
	return f;
}

static uint64_t sum_of(const struct stories *s)
{
	uint64_t sum = s->rest;

	for (size_t i = 0; i < s->n; i++)
		for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
			sum += s->story[i].count[d];
	return sum;
}

Test(stories, nothing_makes_no_story)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.n, 0);
	cr_expect_eq(s.rest, 0);
	stories_done(&s);
	teardown(&f);
}

/* nginx wrote to java, which had closed: both are on this host */
static void add_pair(struct fixture *f, unsigned int second)
{
	struct finding a = finding_of(RST_CAUSE_KEEPALIVE_RACE_SERVER, 8080, RST_SENT), b = a;

	snprintf(a.owner.comm, sizeof(a.owner.comm), "java");
	a.owner.pid = a.reset.owner_tgid = 900;
	a.reset.time += second * NSEC_PER_SEC;
	a.reset.idle_ms = 60000 + second;
	a.verdict.error = 0;
	a.other = (struct other_end){.known = true, .pid = 812, .direction = RST_RECEIVED};
	b.reset.time = a.reset.time + 1000;
	b.reset.local = a.reset.remote;
	b.reset.remote = a.reset.local;
	b.reset.direction = RST_RECEIVED;
	b.reset.role = RST_ROLE_CLIENT;
	b.reset.idle_ms = 1;
	b.verdict.confidence = CONFIDENCE_CERTAIN;
	b.verdict.error = 104; /* ECONNRESET */
	b.other = (struct other_end){.known = true, .pid = 900, .direction = RST_SENT};
	add(f, &a);
	add(f, &b);
}

Test(stories, both_ends_are_one_story_and_the_sender_tells_it)
{
	const struct story *story;
	struct stories s;
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < 3; i++)
		add_pair(&f, i);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	story = &s.story[0];
	cr_expect_eq(story->cause, RST_CAUSE_KEEPALIVE_RACE_SERVER);
	cr_expect_eq(story->port, 8080);
	cr_expect_eq(story->count[RST_SENT], 3);
	cr_expect_eq(story->count[RST_RECEIVED], 3);
	cr_expect_eq(story->samples, 6);
	cr_expect_eq(story->pairs, 6);
	cr_expect_eq(story->latest.reset.direction, RST_SENT);
	cr_expect_eq(story->latest.reset.time, SAMPLE_TIME + 2 * NSEC_PER_SEC);
	cr_expect_eq(story->confidence, CONFIDENCE_HIGH, "as many are certain, the lower is told");
	cr_expect_eq(story->first, SAMPLE_TIME);
	cr_expect_eq(story->peers, 1);
	cr_expect_eq(story->idle_ms.n, 3, "of one end only");
	cr_expect_eq(story->idle_ms.least, 60000);
	cr_expect_eq(story->error, 104);
	cr_expect_eq(story->error_pid, 812, "the one who got it");
	cr_expect_str_eq(story->error_comm, "nginx");
	cr_assert_eq(story->n_parties, 2);
	cr_expect_eq(story->more_parties, 0);
	cr_expect_eq(story->party[0].pid, 812);
	cr_expect_eq(story->party[0].role, RST_ROLE_CLIENT);
	cr_expect_eq(story->party[1].pid, 900);
	cr_expect_eq(story->party[1].direction, RST_SENT);
	cr_expect_str_eq(story->party[1].comm, "java");
	stories_done(&s);
	teardown(&f);
}

/* Nobody listens on 8081, and who asks is on this host: two causes, one story. */
static void add_refused(struct fixture *f, unsigned int i, bool known)
{
	struct finding a = nobodys(RST_CAUSE_CLOSED_PORT, 8081), b;

	b = finding_of(RST_CAUSE_REFUSED_SYN, 8081, RST_RECEIVED);
	a.reset.local.port = 8081;
	a.reset.remote.port = (uint16_t)(40000 + i);
	a.other = (struct other_end){.known = known, .pid = 812, .direction = RST_RECEIVED};
	b.reset.local = a.reset.remote;
	b.reset.remote = a.reset.local;
	b.reset.role = RST_ROLE_CLIENT;
	b.other = (struct other_end){.known = known, .direction = RST_SENT};
	add(f, &a);
	add(f, &b);
}

Test(stories, ends_with_causes_of_their_own_are_one_story)
{
	struct stories s;
	struct fixture f;
	struct finding x;

	setup(&f);
	for (unsigned int i = 0; i < 4; i++)
		add_refused(&f, i, true);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].cause, RST_CAUSE_CLOSED_PORT);
	cr_expect_eq(s.story[0].port, 8081);
	cr_expect_eq(s.story[0].ports, 1);
	cr_expect_eq(s.story[0].count[RST_SENT], 4);
	cr_expect_eq(s.story[0].count[RST_RECEIVED], 4);
	cr_expect_eq(s.story[0].samples, 8);
	cr_expect_eq(s.story[0].n_parties, 2);
	cr_expect_eq(sum_of(&s), 8);
	stories_done(&s);

	x = finding_of(RST_CAUSE_REFUSED_SYN, 8081, RST_RECEIVED); /* by another host */
	add(&f, &x);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 2, "what came from elsewhere is another story");
	cr_expect_eq(sum_of(&s), 9);
	stories_done(&s);
	teardown(&f);
}

Test(stories, ends_that_nobody_paired_stay_apart)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	add_refused(&f, 0, false);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.n, 2);
	stories_done(&s);
	teardown(&f);
}

/* A process has no more rows than its share; the rest of its ports is one row. */
Test(stories, a_local_scan_is_one_story_however_many_found_each_other)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < 600; i++) {
		struct finding a = nobodys(RST_CAUSE_CLOSED_PORT, (uint16_t)(1000 + i)), b;

		b = finding_of(RST_CAUSE_REFUSED_SYN, (uint16_t)(1000 + i), RST_RECEIVED);
		a.reset.local.port = (uint16_t)(1000 + i);
		a.reset.remote = (struct endpoint){.address = {127, 0, 0, 1}, .port = 40000};
		b.reset.local = a.reset.remote;
		b.reset.remote = a.reset.local;
		a.other.known = b.other.known = i % 3 == 0;
		add(&f, &a);
		add(&f, &b);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].cause, RST_CAUSE_CLOSED_PORT);
	cr_expect_eq(s.story[0].port, 0);
	cr_expect_eq(s.story[0].ports, 600);
	cr_expect_eq(s.story[0].count[RST_RECEIVED], 600);
	cr_expect_eq(s.story[0].pairs, 1200);
	stories_done(&s);

	f.q.filter = NULL;
	cr_assert_eq(filter_parse("direction received", FILTER_ROWS, (struct filter **)&f.q.filter,
				  NULL, 0),
		     0);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].cause, RST_CAUSE_REFUSED_SYN);
	cr_expect(s.story[0].more_ports);
	cr_expect_eq(s.story[0].ports, RSTMON_ROWS_OWNER_MAX);
	stories_done(&s);
	filter_free((struct filter *)f.q.filter);
	teardown(&f);
}

Test(stories, spreads_are_of_what_is_known)
{
	const struct story *story;
	struct stories s;
	struct fixture f;

	setup(&f);
	for (int i = 0; i < 5; i++) {
		struct finding x = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_SENT);

		x.reset.idle_ms = i == 4 ? -1 : 100 * (4 - i);
		x.reset.age_ms = -1;
		x.reset.has_exit = i < 3;
		x.reset.exit_signal = i == 0 ? 9 : 0;
		x.reset.flags |= i == 0 ? RST_EVENT_OOM : 0;
		add(&f, &x);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	story = &s.story[0];
	cr_expect_eq(story->idle_ms.n, 4);
	cr_expect_eq(story->idle_ms.least, 100);
	cr_expect_eq(story->idle_ms.middle, 200, "%ld", (long)story->idle_ms.middle);
	cr_expect_eq(story->idle_ms.most, 400);
	cr_expect_eq(story->age_ms.n, 0);
	cr_expect_eq(story->unread_bytes.n, 5);
	cr_expect_eq(story->exit_signal[9], 1);
	cr_expect_eq(story->exit_signal[0], 2);
	cr_expect_eq(story->oom, 1);
	stories_done(&s);
	teardown(&f);
}

Test(stories, how_a_former_owner_ended_counts_too)
{
	struct finding x = nobodys(RST_CAUSE_SERVICE_DOWN, 80);
	struct stories s;
	struct fixture f;

	setup(&f);
	x.reset.has_exit = false;
	x.reset.has_former = true;
	x.reset.former_flags = RST_FORMER_EXITING | RST_FORMER_OOM;
	x.reset.former_exit_signal = 9;
	add(&f, &x);
	x.reset.former_exit_signal = 64; /* real-time: no room, no crash */
	add(&f, &x);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.story[0].exit_signal[9], 1);
	cr_expect_eq(s.story[0].oom, 2);
	stories_done(&s);
	teardown(&f);
}

Test(stories, a_scan_is_one_story_and_hides_nobody)
{
	struct stories s;
	struct fixture f;
	struct finding x;

	setup(&f);
	for (unsigned int port = 1; port <= 3000; port++) {
		x = nobodys(RST_CAUSE_CLOSED_PORT, (uint16_t)port);
		add(&f, &x);
	}
	for (unsigned int i = 0; i < 1500; i++) { /* someone's wrong configuration */
		x = nobodys(RST_CAUSE_CLOSED_PORT, 8081);
		add(&f, &x);
	}
	x = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_SENT);
	add(&f, &x);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 3);
	cr_expect_eq(s.story[0].port, 0);
	cr_expect_eq(s.story[0].ports, 3000);
	cr_expect_eq(s.story[0].count[RST_SENT], 3000);
	cr_expect_eq(s.story[0].samples, 3000);
	cr_expect_eq(s.story[0].n_parties, 1, "nobody is one party");
	cr_expect_eq(s.story[0].party[0].count, 3000);
	cr_expect_eq(s.story[1].port, 8081);
	cr_expect_eq(s.story[1].ports, 1);
	cr_expect_eq(s.story[2].cause, RST_CAUSE_LINGER_ZERO);
	cr_expect_eq(sum_of(&s), 4501);
	stories_done(&s);
	teardown(&f);
}

Test(stories, few_closed_ports_have_a_story_each)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	for (unsigned int port = 1; port <= 3; port++) {
		struct finding x = nobodys(RST_CAUSE_CLOSED_PORT, (uint16_t)port);

		for (unsigned int i = 0; i < 100 * port * port; i++)
			add(&f, &x);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 3);
	cr_expect_eq(s.story[0].port, 3);
	cr_expect_eq(s.story[2].port, 1);
	stories_done(&s);
	teardown(&f);
}

Test(stories, the_limit_loses_no_count)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < 200; i++) {
		struct finding x = finding_of(RST_CAUSE_LINGER_ZERO, (uint16_t)(1 + i), RST_SENT);

		for (unsigned int k = 0; k <= i; k++)
			add(&f, &x);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.n, RSTMON_STORIES_MAX);
	cr_expect_eq(s.more, 200 - RSTMON_STORIES_MAX);
	cr_expect_eq(sum_of(&s), 200 * 201 / 2);
	cr_expect_eq(s.story[0].count[RST_SENT], 200);
	stories_done(&s);
	f.q.limit = 2;
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.n, 2);
	cr_expect_eq(s.rest, 200 * 201 / 2 - 200 - 199);
	cr_expect_eq(s.totals.total[RST_SENT], 200 * 201 / 2);
	stories_done(&s);
	f.q.limit = 1000000;
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.n, RSTMON_STORIES_MAX);
	stories_done(&s);
	teardown(&f);
}

Test(stories, filter_and_since_hold_for_rows_and_samples)
{
	struct finding a = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_SENT);
	struct finding b = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_RECEIVED);
	struct filter *filter = NULL;
	struct stories s;
	struct fixture f;

	setup(&f);
	a.reset.time -= 600 * NSEC_PER_SEC;
	tally_minute(f.tally, a.reset.time);
	add(&f, &a);
	tally_minute(f.tally, b.reset.time);
	add(&f, &b);
	cr_assert_eq(filter_parse("direction received", FILTER_ROWS, &filter, NULL, 0), 0);
	f.q.filter = filter;
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].count[RST_SENT], 0);
	cr_expect_eq(s.story[0].samples, 1);
	cr_expect_eq(s.story[0].latest.reset.direction, RST_RECEIVED);
	stories_done(&s);

	f.q.filter = NULL;
	f.q.since = SAMPLE_TIME - 120 * NSEC_PER_SEC;
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].count[RST_SENT], 0);
	cr_expect_eq(s.story[0].count[RST_RECEIVED], 1);
	cr_expect_eq(s.story[0].samples, 1);
	cr_expect_geq(s.story[0].first, f.q.since - f.q.since % (60 * NSEC_PER_SEC));
	stories_done(&s);
	filter_free(filter);
	teardown(&f);
}

Test(stories, what_is_no_longer_kept_still_counts)
{
	struct finding x = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_SENT);
	struct stories s;
	struct fixture f;

	setup(&f);
	tally_add(f.tally, &x);
	x.verdict.cause = RST_CAUSE_UNKNOWN;
	recent_add(f.recent, &x); /* its row is gone */
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].samples, 0);
	cr_expect_eq(s.story[0].confidence, CONFIDENCE_LOW);
	cr_expect_eq(s.story[0].idle_ms.n, 0);
	stories_done(&s);
	cr_assert_eq(stories_make(f.tally, NULL, &f.q, &s), 0);
	stories_done(&s);
	teardown(&f);
}

Test(stories, more_parties_are_a_number)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	for (uint32_t i = 1; i <= 7; i++) {
		struct finding x = finding_of(RST_CAUSE_LINGER_ZERO, 80, RST_SENT);

		x.owner.pid = x.reset.owner_tgid = i;
		for (uint32_t k = 0; k < i; k++)
			add(&f, &x);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_expect_eq(s.story[0].n_parties, STORY_PARTIES_MAX);
	cr_expect_eq(s.story[0].more_parties, 3);
	cr_expect_eq(s.story[0].party[0].pid, 7);
	cr_expect_eq(s.story[0].party[3].pid, 4);
	stories_done(&s);
	teardown(&f);
}

Test(stories, timeouts_are_counted_beside_resets)
{
	struct finding x = finding_of(RST_CAUSE_CONNECT_TIMEOUT, 5432, RST_TIMEOUT);
	struct stories s;
	struct fixture f;

	setup(&f);
	add(&f, &x);
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 1);
	cr_expect_eq(s.story[0].count[RST_TIMEOUT], 1);
	cr_expect_eq(s.story[0].count[RST_SENT] + s.story[0].count[RST_RECEIVED], 0);
	stories_done(&s);
	teardown(&f);
}

static void add_echo(struct fixture *f)
{
	struct finding e = finding_of(RST_CAUSE_KEEPALIVE_RACE_SERVER, 8080, RST_SENT);

	e.other = (struct other_end){.known = true, .pid = 812, .direction = RST_RECEIVED};
	e.verdict.basis = (struct basis){.facts = BASIS_SECOND, .second_ms = 1};
	add(f, &e);
}

/* three pairs and an echo are three events: four resets that were sent to elsewhere come first */
Test(stories, two_ends_and_echoes_are_one_event)
{
	struct stories s;
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < 3; i++)
		add_pair(&f, i);
	add_echo(&f);
	for (unsigned int i = 0; i < 4; i++) {
		struct finding alone = finding_of(RST_CAUSE_LINGER_ZERO, 81, RST_SENT);

		alone.other = (struct other_end){0};
		add(&f, &alone);
	}
	cr_assert_eq(stories_make(f.tally, f.recent, &f.q, &s), 0);
	cr_assert_eq(s.n, 2);
	cr_expect_eq(s.story[0].cause, RST_CAUSE_LINGER_ZERO);
	cr_expect_eq(s.story[0].echoes, 0);
	cr_expect_eq(s.story[1].count[RST_SENT], 4, "no count is changed by that");
	cr_expect_eq(s.story[1].count[RST_RECEIVED], 3);
	cr_expect_eq(s.story[1].samples, 7);
	cr_expect_eq(s.story[1].echoes, 1);
	cr_expect_eq(sum_of(&s), 11);
	stories_done(&s);
	teardown(&f);
}
