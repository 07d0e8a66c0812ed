/* SPDX-License-Identifier: GPL-2.0-only */
/* What is remembered of resets: connections, bursts, askers, rhythms, idle times, incidents,
 * bounds. */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/history.h"

#define MS    NSEC_PER_MSEC
#define START (1000 * NSEC_PER_SEC)
#define WALL  (1700000000 * NSEC_PER_SEC)

static void free_history(struct history **h)
{
	history_free(*h);
}

#define _history_ _cleanup_(free_history) struct history

static struct history *make(void)
{
	struct history *h = NULL;

	cr_assert_eq(history_new(&h), 0);
	return h;
}

static struct endpoint address(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct endpoint){.address = {a, b, c, d}, .port = port};
}

/* One that a server sent at 'ms', by its own will. */
static struct finding sent(uint64_t ms)
{
	return (struct finding){
		.reset = {.monotonic = START + ms * MS,
			  .time = WALL + ms * MS,
			  .netns = 7,
			  .netns_cookie = 1,
			  .local = address(192, 0, 2, 1, 8080),
			  .remote = address(192, 0, 2, 9, 40000),
			  .port = 8080,
			  .direction = RST_SENT,
			  .role = RST_ROLE_SERVER,
			  .state = STATE_CLOSE,
			  .age_ms = -1,
			  .idle_ms = -1},
		.owner = {.pid = 812, .start = 5, .comm = "java", .unit = "tomcat.service"},
		.verdict = {.cause = RST_CAUSE_KEEPALIVE_RACE_SERVER,
			    .confidence = CONFIDENCE_HIGH},
	};
}

/* The other end of the same connection. */
static struct finding received(uint64_t ms)
{
	struct finding f = sent(ms);
	struct endpoint local = f.reset.local;

	f.reset.local = f.reset.remote;
	f.reset.remote = local;
	f.reset.direction = RST_RECEIVED;
	f.reset.role = RST_ROLE_CLIENT;
	f.reset.state = STATE_ESTABLISHED;
	f.owner = (struct owner){.pid = 640, .start = 6, .comm = "nginx"};
	f.verdict.cause = RST_CAUSE_PEER_APP_ABORT_IDLE;
	f.verdict.confidence = CONFIDENCE_MEDIUM;
	return f;
}

/* The answer to a SYN for a port that nobody has. */
static struct finding refused(uint64_t ms, uint16_t port, uint8_t peer)
{
	struct finding f = sent(ms);

	f.reset.flags = RST_EVENT_SEGMENT;
	f.reset.syn = true;
	f.reset.state = 0;
	f.reset.role = RST_ROLE_NONE;
	f.reset.local.port = f.reset.port = port;
	f.reset.remote = address(198, 51, 100, peer, (uint16_t)(1024 + ms % 60000));
	f.owner = (struct owner){};
	f.verdict.cause = RST_CAUSE_CLOSED_PORT;
	f.verdict.confidence = CONFIDENCE_CERTAIN;
	f.verdict.settled = true;
	return f;
}

static struct past look(struct history *h, const struct finding *f)
{
	struct past past;

	memset(&past, 0xff, sizeof(past));
	history_look(h, &f->reset, &f->owner, &past);
	return past;
}

static uint64_t note(struct history *h, const struct finding *f, uint64_t ticket)
{
	uint64_t other = 0;

	return history_note(h, f, ticket, &other) ? other : 0;
}

Test(history, nothing_is_remembered_at_first)
{
	_history_ *h = make();
	struct finding f = sent(0);
	struct past past = look(h, &f), nothing = {.burst = 1};

	cr_assert_eq(memcmp(&past, &nothing, sizeof(past)), 0);
	cr_assert_null(history_incident(h, 0));
	cr_assert_not(history_restless(h));
	cr_assert_eq(history_evicted(h), 0);
	history_free(NULL);
}

Test(history, the_two_ends_meet_in_either_order)
{
	for (int first_sent = 0; first_sent < 2; first_sent++) {
		_history_ *h = make();
		struct finding a = first_sent ? sent(0) : received(0);
		struct finding b = first_sent ? received(1) : sent(1);
		struct past past;

		b.reset.netns = 8; /* in a container */
		b.reset.netns_cookie = 2;
		cr_expect_eq(note(h, &a, 11), 0);
		past = look(h, &b);
		cr_expect(past.other.known && past.other.pid == a.owner.pid);
		cr_expect_str_eq(past.other.comm, a.owner.comm);
		cr_expect_eq(past.other.direction, a.reset.direction);
		cr_expect_eq(past.other.role, a.reset.role);
		cr_expect_eq(past.other_cause, a.verdict.cause);
		cr_expect_eq(past.other_confidence, a.verdict.confidence);
		cr_expect_not(past.second || past.aftermath);
		cr_expect_eq(note(h, &b, 12), 11);
	}
}

Test(history, the_other_end_out_of_a_finding)
{
	struct finding f = sent(0);
	struct past past = {};

	history_other(&f, &past);
	cr_assert(past.other.known && past.other.pid == 812 && past.other.direction == RST_SENT &&
		  past.other.role == RST_ROLE_SERVER);
	cr_assert_str_eq(past.other.comm, "java");
	cr_assert_eq(past.other_cause, RST_CAUSE_KEEPALIVE_RACE_SERVER);
	cr_assert_eq(past.other_confidence, CONFIDENCE_HIGH);
}

Test(history, a_pair_is_of_one_moment_and_of_both_directions)
{
	_history_ *h = make();
	struct finding a = sent(0), late = received(60), both = received(1);

	note(h, &a, 1);
	cr_expect_not(look(h, &late).other.known);
	cr_expect_eq(note(h, &late, 2), 0);
	both.reset.direction = RST_SENT;
	cr_expect_not(look(h, &both).other.known);
	both.reset.direction = RST_TIMEOUT;
	cr_expect_not(look(h, &both).other.known);
	both = received(1);
	both.reset.local.port++;
	cr_expect_not(look(h, &both).other.known, "another connection");
	both = received(1);
	both.reset.remote.ipv6 = both.reset.local.ipv6 = true;
	cr_expect_not(look(h, &both).other.known, "another family");
}

Test(history, loopback_means_another_host_in_each_namespace)
{
	_history_ *h = make();
	struct finding a = sent(0), b = received(1);

	a.reset.local = b.reset.remote = address(127, 0, 0, 1, 8080);
	a.reset.remote = b.reset.local = address(127, 0, 0, 2, 40000);
	note(h, &a, 1);
	b.reset.netns = 8;
	cr_expect_not(look(h, &b).other.known);
	b.reset.netns = 7;
	b.reset.netns_cookie = 2;
	cr_expect_not(look(h, &b).other.known, "the inode was used again");
	b.reset.netns_cookie = 1;
	cr_expect(look(h, &b).other.known);
}

Test(history, ipv6_ends_meet_and_its_loopback_is_kept_apart)
{
	_history_ *h = make();
	struct finding a = sent(0), b = received(1);

	a.reset.local = b.reset.remote =
		(struct endpoint){.address = {[15] = 1}, .port = 8080, .ipv6 = true};
	a.reset.remote = b.reset.local =
		(struct endpoint){.address = {[15] = 1}, .port = 40000, .ipv6 = true};
	note(h, &a, 1);
	cr_expect(look(h, &b).other.known);
	b.reset.netns = 8;
	cr_expect_not(look(h, &b).other.known);
}

Test(history, a_connection_to_itself_is_no_pair)
{
	_history_ *h = make();
	struct finding a = sent(0), b;

	a.reset.remote = a.reset.local;
	b = a;
	b.reset.direction = RST_RECEIVED;
	note(h, &a, 1);
	cr_expect_not(look(h, &b).other.known);
	cr_expect_eq(note(h, &b, 2), 0);
}

Test(history, a_second_reset_follows_the_first)
{
	_history_ *h = make();
	struct finding first = sent(0), second = sent(30);
	struct past past;

	second.reset.flags = RST_EVENT_SEGMENT;
	note(h, &first, 1);
	past = look(h, &second);
	cr_assert(past.second && past.second_direction == RST_SENT && past.second_ms == 30);
	cr_assert_eq(past.second_cause, RST_CAUSE_KEEPALIVE_RACE_SERVER);
	cr_assert_eq(past.second_confidence, CONFIDENCE_HIGH);
	cr_assert_not(past.aftermath || past.other.known);
}

Test(history, what_is_no_second_reset)
{
	_history_ *h = make();
	struct finding first = sent(0), f = sent(2100);

	note(h, &first, 1);
	cr_expect_not(look(h, &f).second, "too late");
	f = sent(30);
	f.reset.syn = true;
	cr_expect_not(look(h, &f).second, "a SYN begins another connection");
	f = sent(1000);
	f.reset.age_ms = 500;
	cr_expect_not(look(h, &f).second, "the connection is younger than the first reset");
	f.reset.age_ms = 1500;
	cr_expect(look(h, &f).second);
	f = sent(30);
	f.reset.netns = 8;
	cr_expect_not(look(h, &f).second, "another namespace has another such connection");
	f = received(30);
	cr_expect_not(look(h, &f).second, "the other end");
}

/* tcp_send_active_reset() is traced after the transmission, when on one host all answers are there.
 */
Test(history, the_second_may_be_traced_before_the_first)
{
	_history_ *h = make();
	struct finding answer = sent(0), client = received(0), first = sent(1);
	uint64_t ticket = 0;
	struct past past = {};

	answer.reset.flags = RST_EVENT_SEGMENT;
	note(h, &answer, 1);
	cr_expect_not(history_follower(h, &ticket));
	note(h, &client, 2);
	cr_expect_eq(note(h, &first, 3), 2);
	cr_assert(history_follower(h, &ticket));
	cr_assert_eq(ticket, 1);
	history_second(&first, &answer, &past);
	cr_expect(past.second && past.second_ms == 0 &&
		  past.second_cause == RST_CAUSE_KEEPALIVE_RACE_SERVER);
	note(h, &client, 4);
	cr_expect_not(history_follower(h, &ticket), "that was of the one before");
}

Test(history, the_other_end_is_the_one_that_acted)
{
	_history_ *h = make();
	struct finding answer = sent(0), first = sent(1), client = received(2);

	answer.reset.flags = RST_EVENT_SEGMENT;
	answer.verdict.cause = RST_CAUSE_HALF_OPEN_TO_LISTENER;
	note(h, &answer, 1);
	note(h, &first, 2);
	cr_expect_eq(look(h, &client).other_cause, RST_CAUSE_KEEPALIVE_RACE_SERVER);
	cr_expect_eq(note(h, &client, 3), 2);
}

Test(history, an_echo_does_not_take_the_place_of_the_one_that_acted)
{
	_history_ *h = make();
	struct finding first = sent(0), client = received(1), echo = sent(2);

	echo.reset.flags = RST_EVENT_SEGMENT;
	note(h, &first, 1);
	cr_expect_eq(note(h, &client, 2), 1);
	cr_expect_eq(note(h, &echo, 3), 0);
}

Test(history, the_peer_of_a_forged_reset_goes_on)
{
	_history_ *h = make();
	struct finding forged = received(0), answer = received(200);
	uint64_t ticket = 0;

	answer.reset.direction = RST_SENT;
	answer.reset.flags = RST_EVENT_SEGMENT;
	note(h, &forged, 1);
	cr_expect(look(h, &answer).aftermath);
	cr_expect(look(h, &answer).second);
	answer.reset.flags = 0;
	cr_expect_not(look(h, &answer).aftermath, "nothing of the peer came");
	answer.reset.flags = RST_EVENT_SEGMENT | RST_EVENT_SWALLOWS;
	cr_expect_not(look(h, &answer).aftermath, "the twin of data after close");
	note(h, &answer, 2);
	cr_expect_not(history_forged(h, &ticket));
	answer.reset.flags = RST_EVENT_SEGMENT;
	answer.reset.monotonic++;
	note(h, &answer, 3);
	cr_expect(history_forged(h, &ticket));
	cr_expect_eq(ticket, 1, "that is the one to judge again");
}

Test(history, a_reset_that_the_peer_sent_is_not_forged)
{
	_history_ *h = make();
	struct finding client = received(0), server = sent(1), answer = received(200);

	answer.reset.direction = RST_SENT;
	answer.reset.flags = RST_EVENT_SEGMENT;
	note(h, &client, 1);
	note(h, &server, 2);
	cr_expect_not(look(h, &answer).aftermath);
}

Test(history, connections_are_bounded)
{
	_history_ *h = make();
	struct finding f = sent(0), first = sent(0);
	size_t memory = history_memory(h);

	note(h, &first, 1);
	for (unsigned int i = 1; i <= 4 * RSTMON_HISTORY_CONNECTIONS; i++) {
		f.reset.remote.address[1] = (uint8_t)(i >> 8);
		f.reset.remote.address[2] = (uint8_t)i;
		note(h, &f, i + 1);
	}
	cr_expect_gt(history_evicted(h), 2 * RSTMON_HISTORY_CONNECTIONS);
	cr_expect(look(h, &f).second, "the latest is there");
	cr_expect_not(look(h, &first).second, "the oldest is gone");
	cr_expect_eq(history_memory(h), memory);
}

Test(history, bursts_count_one_owner_for_a_second)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int i = 0; i < 30; i++) {
		f = sent(i * 10);
		f.reset.remote.port = (uint16_t)(40000 + i);
		cr_expect_eq(look(h, &f).burst, i + 1, "%u: %u", i, look(h, &f).burst);
		note(h, &f, i + 1);
	}
	f.owner.start++;
	cr_expect_eq(look(h, &f).burst, 1, "another process");
	f = sent(3000);
	cr_expect_eq(look(h, &f).burst, 1);
}

Test(history, rhythms)
{
	static const unsigned int at[] = {0, 2000, 4100, 6000, 8050};
	_history_ *h = make();
	struct finding f;

	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
		f = received(at[i]);
		f.reset.local.port = (uint16_t)(40000 + i);
		cr_expect_eq(look(h, &f).repeats, i < 2 ? 0 : i + 1);
		note(h, &f, i + 1);
	}
	cr_expect(look(h, &f).repeats == 0, "nothing at no distance");
	f = received(10050);
	f.reset.local.port = 50000;
	cr_expect_eq(look(h, &f).repeats, 6);
	cr_expect(look(h, &f).repeat_ms > 1900 && look(h, &f).repeat_ms < 2100);
	f.owner.pid++;
	cr_expect_eq(look(h, &f).repeats, 0, "another client");
	f = received(15000);
	f.reset.local.port = 50001;
	cr_expect_eq(look(h, &f).repeats, 0, "out of step");
	note(h, &f, 9);
	f = received(21900);
	f.reset.local.port = 50002;
	cr_expect_eq(look(h, &f).repeats, 3, "another rhythm");
}

Test(history, a_remote_client_has_a_rhythm_too)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int i = 0; i < 4; i++) {
		f = refused(5000 * i, 81, 9);
		cr_expect_eq(look(h, &f).repeats, i < 2 ? 0 : i + 1);
		note(h, &f, i + 1);
	}
}

Test(history, idle_times_lie_together)
{
	static const int64_t idle[] = {60010, 75000, 60200, 5000, 59900, 75100, 60100};
	static const unsigned int alike[] = {0, 0, 2, 0, 3, 2, 4};
	_history_ *h = make();
	struct finding f;

	for (unsigned int i = 0; i < ARRAY_SIZE(idle); i++) {
		f = sent(i * 3000);
		f.reset.idle_ms = idle[i];
		cr_expect_eq(look(h, &f).idle_alike, alike[i], "%u: %u", i, look(h, &f).idle_alike);
		note(h, &f, i + 1);
	}
	cr_expect(look(h, &f).idle_alike_ms >= 59900 && look(h, &f).idle_alike_ms <= 60200);
	f.reset.port++;
	cr_expect_eq(look(h, &f).idle_alike, 0, "another port");
	f = sent(90000);
	f.reset.idle_ms = 20;
	note(h, &f, 20);
	note(h, &f, 21);
	cr_expect_eq(look(h, &f).idle_alike, 0, "that is not idle");
}

Test(history, a_second_reset_is_no_second_idle_time)
{
	_history_ *h = make();
	struct finding f = sent(0);

	f.reset.idle_ms = 60000;
	note(h, &f, 1);
	f.reset.monotonic += 5 * MS;
	note(h, &f, 2);
	cr_expect_eq(look(h, &f).idle_alike, 2, "the first and this one");
}

/* ---- incidents ---- */

struct told {
	unsigned int n;
	struct incident incident[16];
};

static void tell(const struct incident *i, void *userdata)
{
	struct told *t = userdata;

	cr_assert_lt(t->n, ARRAY_SIZE(t->incident));
	t->incident[t->n++] = *i;
}

Test(history, a_burst_is_one_incident)
{
	_history_ *h = make();
	struct told told = {};
	const struct incident *i;
	struct finding f;

	for (unsigned int n = 0; n < RSTMON_INCIDENT_BURST - 1; n++) {
		f = sent(n);
		f.reset.remote.address[3] = (uint8_t)(100 + n % 3);
		note(h, &f, n + 1);
	}
	cr_expect_not(history_restless(h));
	cr_expect_null(history_incident(h, 0));
	f = sent(19);
	f.verdict.cause = RST_CAUSE_PROC_EXIT_UNREAD;
	note(h, &f, 20);
	cr_assert(history_restless(h));
	for (unsigned int n = 0; n < 10; n++) {
		f = sent(900 * (n + 1));
		note(h, &f, 30 + n);
	}
	i = history_incident(h, 0);
	cr_assert_not_null(i);
	cr_assert_null(history_incident(h, 1));
	cr_expect(i->id == 1 && i->open && i->pid == 812 && !i->by_peer);
	cr_expect_str_eq(i->comm, "java");
	cr_expect_str_eq(i->unit, "tomcat.service");
	cr_expect_eq(i->count[RST_SENT], 30, "%llu", (unsigned long long)i->count[RST_SENT]);
	cr_expect_eq(i->count[RST_RECEIVED], 0);
	cr_expect(i->peers == 4 && i->ports == 1 && i->port == 8080);
	cr_expect(i->cause == RST_CAUSE_KEEPALIVE_RACE_SERVER && i->cause_count == 29 &&
		  i->confidence == CONFIDENCE_HIGH);
	cr_expect(i->start >= WALL - 2 * MS && i->start <= WALL + 2 * MS);
	cr_expect_eq(i->last, WALL + 9000 * MS);

	history_tick(h, START + 9100 * MS, tell, &told);
	cr_assert(told.n == 1 && told.incident[0].open);
	history_tick(h, START + 10000 * MS, tell, &told);
	cr_assert_eq(told.n, 1);
	cr_assert(history_restless(h));
	history_tick(h, START + 12000 * MS, tell, &told);
	cr_assert(told.n == 2 && !told.incident[1].open && told.incident[1].id == 1);
	cr_assert_not(history_restless(h));
	history_tick(h, START + 20000 * MS, tell, &told);
	cr_assert_eq(told.n, 2);
}

Test(history, after_quiet_it_is_another_incident)
{
	_history_ *h = make();
	struct told told = {};
	struct finding f;

	for (unsigned int n = 0; n < 2 * RSTMON_INCIDENT_BURST; n++) {
		f = sent(n / RSTMON_INCIDENT_BURST * 3500 + n);
		note(h, &f, n + 1);
	}
	cr_assert_not_null(history_incident(h, 1));
	cr_expect_eq(history_incident(h, 0)->id, 2);
	cr_expect_eq(history_incident(h, 0)->count[RST_SENT], RSTMON_INCIDENT_BURST);
	cr_expect_eq(history_incident(h, 1)->count[RST_SENT], RSTMON_INCIDENT_BURST);
	/* the first opened and closed before anybody asked */
	history_tick(h, START + 3700 * MS, tell, &told);
	cr_assert_eq(told.n, 3);
	cr_expect(told.incident[0].id == 1 && told.incident[0].open);
	cr_expect(told.incident[1].id == 1 && !told.incident[1].open);
	cr_expect(told.incident[2].id == 2 && told.incident[2].open);
}

Test(history, slow_resets_are_no_incident)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n < 100; n++) {
		f = sent(n * 60);
		f.reset.remote.port = (uint16_t)(40000 + n);
		note(h, &f, n + 1);
	}
	cr_expect_null(history_incident(h, 0));
}

Test(history, of_nobody_a_port_holds_it_together)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n < 40; n++) {
		f = refused(n, n & 1 ? 81 : 82, (uint8_t)n);
		note(h, &f, n + 1);
	}
	cr_assert_not_null(history_incident(h, 1));
	cr_expect_null(history_incident(h, 2));
	cr_expect(!history_incident(h, 0)->by_peer && !history_incident(h, 0)->pid);
	cr_expect_eq(history_incident(h, 0)->port, 81);
	cr_expect_eq(history_incident(h, 0)->peers, INCIDENT_PEERS_MAX);
	cr_expect_eq(history_incident(h, 1)->port, 82);
}

Test(history, a_peer_that_resets_many_holds_it_together)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n < 25; n++) {
		f = received(n);
		f.reset.local.port = (uint16_t)(40000 + n);
		f.owner.pid = 640 + n;
		note(h, &f, n + 1);
	}
	cr_assert_not_null(history_incident(h, 0));
	cr_expect(history_incident(h, 0)->by_peer && !history_incident(h, 0)->pid);
	cr_expect_eq(history_incident(h, 0)->peer.address[3], 1);
	cr_expect_eq(history_incident(h, 0)->peer.port, 0);
	cr_expect_eq(history_incident(h, 0)->count[RST_RECEIVED], 25);
}

Test(history, both_ends_here_are_one_incident)
{
	_history_ *h = make();

	for (unsigned int n = 0; n < 100; n++) {
		struct finding client = received(n), server = sent(n);

		client.reset.local.port = server.reset.remote.port = (uint16_t)(40000 + n);
		note(h, &client, 2 * n + 1);
		cr_expect_eq(note(h, &server, 2 * n + 2), 2 * n + 1);
	}
	cr_assert_not_null(history_incident(h, 0));
	cr_expect_null(history_incident(h, 1));
	cr_expect_eq(history_incident(h, 0)->pid, 812);
}

Test(history, a_port_scan_is_of_its_peer)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n < 40; n++) {
		f = refused(n * 200, (uint16_t)(1000 + n), 9);
		cr_expect_eq(look(h, &f).ports_asked, n + 1);
		note(h, &f, n + 1);
		cr_expect_eq(look(h, &f).ports_asked, n + 1, "the same port again");
	}
	cr_assert_not_null(history_incident(h, 0));
	cr_expect_null(history_incident(h, 1));
	cr_expect(history_incident(h, 0)->by_peer);
	cr_expect_eq(history_incident(h, 0)->peer.address[0], 198);
	cr_expect_eq(history_incident(h, 0)->port, 0);
	cr_expect_eq(history_incident(h, 0)->ports, INCIDENT_PEERS_MAX);
	f = refused(40 * 200, 5000, 8);
	cr_expect_eq(look(h, &f).ports_asked, 1, "another peer");
	f = refused(60000, 5000, 9);
	cr_expect_eq(look(h, &f).ports_asked, 1, "long after");
	f = sent(60000);
	cr_expect_eq(look(h, &f).ports_asked, 0);
}

Test(history, an_open_incident_gives_back_what_came_from_this_host)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n <= 25; n++) {
		f = received(n);
		f.reset.local.port = (uint16_t)(40000 + n);
		note(h, &f, n + 1);
	}
	cr_assert_eq(history_incident(h, 0)->count[RST_RECEIVED], 26);
	f = sent(26);
	f.reset.remote.port = 40025;
	cr_expect_eq(note(h, &f, 30), 26);
	cr_expect_eq(history_incident(h, 0)->count[RST_RECEIVED], 25);
	cr_expect_eq(history_incident(h, 0)->cause_count, 25);
	cr_expect_null(history_incident(h, 1));
}

Test(history, a_scan_is_another_story_than_what_its_peer_resets)
{
	_history_ *h = make();
	struct finding f;

	for (unsigned int n = 0; n < 40; n++) {
		f = refused(n, (uint16_t)(1000 + n), 9);
		note(h, &f, n + 1);
	}
	f = received(50);
	f.reset.remote = address(198, 51, 100, 9, 80);
	note(h, &f, 50);
	cr_expect_eq(history_incident(h, 0)->count[RST_RECEIVED], 0);
}

Test(history, a_changed_verdict_changes_its_incident)
{
	_history_ *h = make();
	struct finding f[RSTMON_INCIDENT_BURST + 2];

	for (unsigned int n = 0; n < ARRAY_SIZE(f); n++) {
		f[n] = sent(n);
		f[n].reset.remote.port = (uint16_t)(40000 + n);
		note(h, &f[n], n + 1);
	}
	for (unsigned int n = 19; n < ARRAY_SIZE(f); n++) {
		f[n].verdict.cause = RST_CAUSE_PROC_EXIT_UNREAD;
		history_changed(h, &f[n], n + 1);
		history_changed(h, &f[n], n + 1);
	}
	/* only those that joined it are known to it one by one */
	cr_expect_eq(history_incident(h, 0)->cause_count, RSTMON_INCIDENT_BURST - 1);
	cr_expect_eq(history_incident(h, 0)->cause, RST_CAUSE_KEEPALIVE_RACE_SERVER);
	f[0].reset.remote.port = 1;
	history_changed(h, &f[0], 1); /* nobody knows it */
}

Test(history, incidents_are_bounded)
{
	_history_ *h = make();
	unsigned int ticket = 0;

	for (unsigned int owner = 0; owner < RSTMON_INCIDENTS_MAX + 8; owner++) {
		for (unsigned int n = 0; n < RSTMON_INCIDENT_BURST; n++) {
			struct finding f = sent(n);

			f.owner.pid = 1000 + owner;
			note(h, &f, ++ticket);
		}
	}
	cr_assert_not_null(history_incident(h, RSTMON_INCIDENTS_MAX - 1));
	cr_assert_null(history_incident(h, RSTMON_INCIDENTS_MAX));
	cr_expect_eq(history_incident(h, 0)->id, RSTMON_INCIDENTS_MAX + 8);
	cr_expect_geq(history_evicted(h), 8);
}

static void count_told(const struct incident *i, void *userdata)
{
	(void)i;
	++*(unsigned int *)userdata;
}

Test(history, a_flood_is_one_incident_of_exact_count)
{
	const unsigned int million = 1000000;
	_history_ *h = make();
	unsigned int told = 0;
	struct finding f;

	for (unsigned int n = 0; n < million; n++) {
		f = refused(0, 81, (uint8_t)n);
		f.reset.monotonic += (uint64_t)n * 300;
		f.reset.remote.port = (uint16_t)n;
		cr_assert_eq(note(h, &f, n + 1), 0);
	}
	cr_expect_gt(look(h, &f).burst, 100000);
	cr_expect_null(history_incident(h, 1));
	cr_expect_eq(history_incident(h, 0)->count[RST_SENT], million);
	cr_expect_eq(history_incident(h, 0)->cause_count, million);
	history_tick(h, f.reset.monotonic, count_told, &told);
	history_tick(h, UINT64_MAX, count_told, &told);
	cr_expect_eq(told, 2);
}

Test(history, random_resets_never_lead_outside)
{
	_history_ *h = make();
	uint64_t x = 88172645463325252ULL;
	unsigned int told = 0;
	struct finding f;

	for (unsigned int n = 0; n < 50000; n++) {
		uint64_t *words = (uint64_t *)&f;
		uint64_t other;

		for (size_t i = 0; i < sizeof(f) / sizeof(*words); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[i] = x;
		}
		f.reset.local.ipv6 = x >> 7 & 1;
		f.reset.remote.ipv6 = x >> 8 & 1;
		f.reset.syn = x >> 9 & 1;
		f.verdict.settled = x >> 10 & 1;
		f.other.known = f.reset.has_exit = f.reset.has_former = false;
		f.verdict.cause = x % RST_CAUSE_MAX;
		f.verdict.confidence = x % CONFIDENCE_MAX;
		f.owner.comm[sizeof(f.owner.comm) - 1] = '\0';
		look(h, &f);
		history_note(h, &f, n + 1, &other);
		history_changed(h, &f, n + 1);
		if (n % 100 == 0)
			history_tick(h, f.reset.monotonic, count_told, &told);
	}
}
