/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences about stories: for every cause, with this story's numbers, whole or not at all. */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>

#include <criterion/criterion.h>

#include "common/causes.h"
#include "daemon/advice.h"
#include "daemon/advice_internal.h"
#include "daemon/path.h"

#define LONG_TEXT "a,{b]%s\\\"'<>-_" /* fills a comm */

static struct spread spread(unsigned int n, int64_t least, int64_t middle, int64_t most)
{
	return (struct spread){.n = n, .least = least, .middle = middle, .most = most};
}

/* java[812] serves nginx[640] on this host; numbers in all fields. */
static struct story sample(enum rst_cause cause)
{
	return (struct story){
		.cause = cause,
		.confidence = CONFIDENCE_HIGH,
		.port = 8080,
		.count = {[RST_SENT] = 37, [RST_RECEIVED] = 37},
		.n_parties = 2,
		.party = {{812, "java", "tomcat.service", RST_ROLE_SERVER, RST_SENT, 37},
			  {640, "nginx", "nginx.service", RST_ROLE_CLIENT, RST_RECEIVED, 37}},
		.samples = 12,
		.pairs = 12,
		.peers = 1,
		.latest =
			{
				.reset =
					{
						.local = {.address = {127, 0, 0, 1}, .port = 8080},
						.remote = {.address = {192, 0, 2, 7},
							   .port = 40000},
						.port = 8080,
						.role = RST_ROLE_SERVER,
						.actor_tgid = 99,
						.actor_comm = "ss",
						.actor_parent_tgid = 98,
						.actor_parent_comm = "cleaner",
						.exit_status = -1,
						.backlog = 2,
						.backlog_max = 1,
						.somaxconn = 4096,
						.abort_on_overflow = 1,
						.retransmits = 6,
						.total_retrans = 6,
						.probes = 9,
						.syn_retries = 6,
						.synack_retries = 5,
						.retries2 = 15,
						.sysctl_keepalive_time_s = 7200,
						.sysctl_keepalive_intvl_s = 75,
						.sysctl_keepalive_probes = 9,
						.sysctl_fin_timeout_s = 60,
						.unsent_bytes = 3800000,
						.listener_age_ms = 9000,
						.closed_ms = 12000,
						.since_state_ms = 40,
						.linger2 = -2,
						.ttl_base = 63,
						.packet_ttl = 64,
						.flags = RST_EVENT_PACKET,
					},
				.owner = {.pid = 812, .comm = "java"},
				.other = {.known = true,
					  .pid = 640,
					  .role = RST_ROLE_CLIENT,
					  .direction = RST_RECEIVED,
					  .comm = "nginx"},
				.verdict = {.cause = cause,
					    .path = PATH_CLOSE_UNREAD,
					    .error = ECONNRESET},
			},
		.error = ECONNRESET,
		.error_pid = 640,
		.error_comm = "nginx",
		.idle_ms = spread(12, 19950, 20010, 20400),
		.age_ms = spread(12, 21000, 25000, 90000),
		.send_idle_ms = spread(12, 19950, 20010, 20400),
		.unread_bytes = spread(12, 1, 106496, 106496),
		.unacked_bytes = spread(12, 1, 700, 800),
		.bytes_sent = spread(12, 1, 4321, 5000),
		.bytes_received = spread(12, 1, 1234, 5000),
		.closed_ms = spread(12, 1, 40, 50),
	};
}

/* The same without anything that is kept. */
static struct story bare(enum rst_cause cause)
{
	return (struct story){.cause = cause, .confidence = CONFIDENCE_LOW, .count = {1}};
}

static const char *everything(const struct advice *a, char *dst, size_t size)
{
	size_t used = (size_t)snprintf(dst, size, "%s\n%s\n%s\n", a->fact, a->narrative, a->retry);

	for (unsigned int i = 0; i < a->n; i++)
		used += (size_t)snprintf(dst + used, size - used, "%s\n", a->what[i]);
	return dst;
}

static bool says(const struct story *s, const char *words)
{
	char text[(ADVICE_MAX + 3) * ADVICE_LEN];
	struct advice a;

	advice_make(s, &a);
	if (strstr(everything(&a, text, sizeof(text)), words))
		return true;
	return false;
}

static void check_sentence(const char *cause, const char *text)
{
	size_t n = strlen(text);

	cr_expect(n > 10 && n < ADVICE_LEN, "%s: %s", cause, text);
	cr_expect(n && (strchr(".?", text[n - 1])), "%s: no end: %s", cause, text);
	cr_expect_null(strchr(text, '{'), "%s: %s", cause, text);
	cr_expect_null(strchr(text, '}'), "%s: %s", cause, text);
	cr_expect_null(strstr(text, "  "), "%s: %s", cause, text);
	cr_expect_null(strstr(text, "(null)"), "%s: %s", cause, text);
	cr_expect_null(strstr(text, "-1 "), "%s: %s", cause, text);
	for (size_t i = 0; i < n; i++)
		cr_expect(!iscntrl((unsigned char)text[i]), "%s: %s", cause, text);
}

static void check_advice(const struct story *s)
{
	const char *cause = cause_name(s->cause);
	struct advice a;

	memset(&a, 0x5a, sizeof(a));
	advice_make(s, &a);
	check_sentence(cause, a.fact);
	check_sentence(cause, a.narrative);
	if (a.retry[0])
		check_sentence(cause, a.retry);
	cr_expect(a.n >= 1 && a.n <= ADVICE_MAX, "%s: %u", cause, a.n);
	for (unsigned int i = 0; i < a.n && i < ADVICE_MAX; i++) {
		check_sentence(cause, a.what[i]);
		for (unsigned int j = 0; j < i; j++)
			cr_expect_str_neq(a.what[i], a.what[j]);
	}
}

Test(advice, every_cause_has_advice_with_and_without_numbers)
{
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		struct story full = sample(c), empty = bare(c);

		check_advice(&full);
		check_advice(&empty);
		full.latest.reset.role = full.party[0].role = RST_ROLE_CLIENT;
		check_advice(&full);
		full.latest.other.known = false;
		full.latest.reset.flags |= RST_EVENT_KEEPALIVE;
		check_advice(&full);
		full.latest.reset.direction = RST_RECEIVED;
		full.latest.reset.local = full.latest.reset.remote;
		full.latest.reset.receive_idle_ms = full.latest.reset.send_idle_ms = 5000;
		check_advice(&full);
		full.latest.reset.role = RST_ROLE_SERVER;
		full.latest.reset.bytes_sent = 1;
		full.oom = 1;
		check_advice(&full);
		empty.n_parties = 1;
		empty.party[0].role = RST_ROLE_CLIENT;
		check_advice(&empty);
		empty.party[0].role = RST_ROLE_SERVER;
		check_advice(&empty);
		empty.count[RST_SENT] = 0;
		empty.count[RST_TIMEOUT] = 1;
		check_advice(&empty);
	}
}

static void check_template(unsigned int cause, const char *template)
{
	struct story full = sample(cause);
	char text[ADVICE_LEN], value[ADVICE_VALUE_LEN];
	const char *p = template;

	while ((p = strchr(p, '{'))) {
		const char *end = strchr(p, '}');

		cr_assert_not_null(end, "%s", template);
		cr_expect_neq(advice_value(&full, p + 1, (size_t)(end - p - 1), value), -ENOENT,
			      "no such key in: %s", template);
		p = end;
	}
	cr_expect_neq(advice_fill(&full, template, text, sizeof(text)), -ENOSPC, "%s", template);
}

static void check_entry(unsigned int cause, const struct advice_entry *e)
{
	for (unsigned int i = 0; i < ADVICE_NARRATIVES && e->narrative[i]; i++)
		check_template(cause, e->narrative[i]);
	cr_expect(!e->what[0] || e->what[0][0] != ADVICE_ELSE);
	for (unsigned int i = 0; i < ADVICE_TEMPLATES && e->what[i]; i++)
		check_template(cause, e->what[i]);
	if (e->retry)
		check_sentence(cause_name(cause), e->retry);
	for (unsigned int i = 0; i < 8; i++) {
		const struct cause_text *text = cause_text(cause);

		/* a bit for general advice that is not there is a mistake */
		if (e->without != ADVICE_ALL && e->without & 1U << i)
			cr_expect_not_null(text->advice[i], "%s: %u", cause_name(cause), i);
		if ((e->not_server | e->not_client) & 1U << i)
			cr_expect_not_null(text->advice[i], "%s: %u", cause_name(cause), i);
	}
}

Test(advice, every_template_has_only_keys_that_exist_and_fits)
{
	unsigned int empty = 0;

	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		const struct advice_entry *e = advice_entry(c);

		check_entry(c, e);
		empty += !e->narrative[0];
	}
	for (size_t i = 0; advice_variant(i); i++) {
		const struct advice_variant *v = advice_variant(i);
		struct story s = sample(v->cause);
		char value[ADVICE_VALUE_LEN];

		check_entry(v->cause, &v->entry);
		cr_expect_not_null(v->entry.narrative[0]);
		cr_expect_neq(advice_value(&s, v->condition, strlen(v->condition), value), -ENOENT);
	}
	/* unknown, and the two that only counters know */
	cr_expect_eq(empty, 3U);
}

Test(advice, a_template_is_filled_whole_or_not_at_all)
{
	struct story s = sample(RST_CAUSE_UNKNOWN);
	char text[24] = "before";

	cr_expect_eq(advice_fill(&s, "{owner} on {port}", text, sizeof(text)), 0);
	cr_expect_str_eq(text, "java[812] on 8080");
	cr_expect_eq(advice_fill(&s, "{owner}", text, 9), -ENOSPC);
	cr_expect_eq(advice_fill(&s, "{owner}", text, 10), 0);
	cr_expect_eq(advice_fill(&s, "{nonsense}", text, sizeof(text)), -ENOENT);
	cr_expect_eq(advice_fill(&s, "{owner", text, sizeof(text)), -ENOENT);
	cr_expect_eq(advice_fill(&s, "{user_timeout}", text, sizeof(text)), -ENODATA);
	cr_expect_eq(advice_fill(&s, "{if_oom}x", text, sizeof(text)), -ENODATA);
	s.oom = 1;
	cr_expect_eq(advice_fill(&s, "{if_oom}x", text, sizeof(text)), 0);
	cr_expect_str_eq(text, "x");
}

Test(advice, keepalive_race_names_both_ends_and_both_timeouts)
{
	struct story s = sample(RST_CAUSE_KEEPALIVE_RACE_SERVER);

	cr_expect(says(&s, "java[812] closed an idle keep-alive connection after 20.0 s just as "
			   "nginx[640] sent the next request on it; nginx[640] got ECONNRESET."));
	cr_expect(says(&s,
		       "java[812] closed connections that had been idle for 19.9 s to 20.4 s (12 "
		       "measured, median 20.0 s). nginx[640] must give up idle connections before "
		       "that: after 15 s, for example."));
	cr_expect(says(
		&s,
		"For nginx: keepalive_timeout in its upstream block (default 60 s); 15 s is short"));
	cr_expect(says(
		&s,
		"Where 20 s comes from: it is the connectionTimeout of Tomcat's shipped server.xml."));
	cr_expect(says(&s, "keepAliveTimeout of the Connector"));
	cr_expect(says(&s, "37 resets were sent by java[812] and 37 received by nginx[640] on port "
			   "8080: closed with data unread"));
	cr_expect(says(&s, "\nSafe: the server closed"));

	/* somebody else got it */
	s.error_pid = 641;
	cr_expect(
		says(&s, "request came from nginx[640], which got a reset instead of an answer."));
	/* nobody was seen at the other end */
	s.latest.other.known = false;
	cr_expect(says(&s, "the next request came from the client 192.0.2.7"));
	cr_expect(says(&s, "The client should drop idle connections after 15 s"));

	/* the server's own last word, as the request itself ended the silence */
	s.idle_ms = spread(12, 0, 1, 2);
	cr_expect(says(&s, "before that: after 15 s"));
	s.send_idle_ms = spread(0, 0, 0, 0);
	s.latest.reset.has_former = true;
	s.latest.reset.former_send_idle_ms = 5010;
	cr_expect(says(&s, "idle for 5.0 s (measured once)."));
}

Test(advice, the_clients_side_of_the_race)
{
	struct story s = sample(RST_CAUSE_KEEPALIVE_RACE_CLIENT);

	s.latest.reset.role = RST_ROLE_CLIENT;
	s.latest.owner = (struct owner){.pid = 640, .comm = "python3.11"};
	s.latest.other.known = false;
	s.idle_ms = spread(3, 60000, 75000, 300000);
	cr_expect(says(&s,
		       "python3.11[640] sent a request on a connection that had been idle for "
		       "75.0 s, while the server 192.0.2.7 was closing it, and got ECONNRESET."));
	/* scattered: the least is what counts */
	cr_expect(says(&s, "idle for 60.0 s to 300 s (3 measured, median 75.0 s)"));
	cr_expect(says(&s,
		       "must give up idle connections before the shortest of these: after 45 s,"));
	cr_expect(says(&s, "For Python: requests has no such time-out, so mount"));
}

Test(advice, never_more_certain_than_the_story)
{
	struct story s = sample(RST_CAUSE_KEEPALIVE_RACE_SERVER);

	s.confidence = CONFIDENCE_MEDIUM;
	cr_expect(says(&s, "java[812] probably closed an idle"));
	cr_expect(says(&s, "java[812] probably closed connections that"));
	cr_expect(says(&s, "Probably safe: the server"));
	s.confidence = CONFIDENCE_LOW;
	cr_expect(says(&s, "java[812] possibly closed an idle"));
	cr_expect(says(&s, "Not certain, as the cause is not"));
	s.confidence = CONFIDENCE_CERTAIN;
	cr_expect(says(&s, "java[812] closed an idle"));

	s = bare(RST_CAUSE_RST_IGNORED);
	cr_expect(says(&s, "Possibly: resets arrived that the kernel did not believe."));
	s.confidence = CONFIDENCE_MEDIUM;
	cr_expect(says(&s, "Probably: resets arrived"));
	s.confidence = CONFIDENCE_CERTAIN;
	cr_expect(says(&s, "\nResets arrived that the kernel did not believe."));

	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		const struct advice_entry *e = advice_entry(c);

		/* what was seen happening needs no doubt: who asked, and that nobody answered */
		if (c == RST_CAUSE_CLOSED_PORT || c == RST_CAUSE_REFUSED_SYN ||
		    c == RST_CAUSE_CONNECT_TIMEOUT || c == RST_CAUSE_ICMP_REFUSED ||
		    c == RST_CAUSE_FIREWALL_REJECT || c == RST_CAUSE_LATE_RST_AFTER_CLOSE)
			continue;
		for (unsigned int i = 0; i < ADVICE_NARRATIVES && e->narrative[i]; i++)
			cr_expect_not_null(strstr(e->narrative[i], "{?}"), "%s", e->narrative[i]);
	}
}

Test(advice, a_full_accept_queue_with_its_limits)
{
	struct story s = sample(RST_CAUSE_ACCEPT_OVERFLOW_ABORT);

	cr_expect(says(&s, "its accept queue was full (2 of 1)"));
	cr_expect(says(
		&s, "net.core.somaxconn is 4096, so the program's own backlog (1) is the limit"));
	cr_expect(says(&s, "in Tomcat acceptCount (default 100)"));
	cr_expect(says(&s, "tcp_abort_on_overflow to 0 (it is 1 here)"));
	s.latest.reset.backlog_max = 4096;
	cr_expect(says(&s, "net.core.somaxconn is 4096 and the limit of the queue (4096)"));
	s.cause = RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED;
	cr_expect(says(&s, "had expired, which takes 63 s (net.ipv4.tcp_synack_retries is 5)."));
}

Test(advice, idle_connections_and_the_sysctls)
{
	struct story s = sample(RST_CAUSE_MIDDLEBOX_IDLE_REJECT);

	s.latest.owner = (struct owner){.pid = 5, .comm = "postgres"};
	s.latest.other.known = false;
	s.idle_ms = spread(4, 350100, 350200, 350400);
	cr_expect(says(&s, "postgres[5] used a connection with 192.0.2.7 after 350 s of silence"));
	cr_expect(says(
		&s, "SO_KEEPALIVE is off on this socket, so net.ipv4.tcp_keepalive_time (7200 s)"));
	cr_expect(says(&s, "turned on by tcp_keepalives_idle"));
	cr_expect(says(
		&s,
		"time-out of about 350 s: all of them had been idle for 350 s (each of 4 times)."));
	cr_expect(says(&s, "(TTL 64 of the reset, 63 of the peer's packets)"));
	s.latest.reset.flags |= RST_EVENT_KEEPALIVE;
	cr_expect(says(&s, "only after 7200 s (net.ipv4.tcp_keepalive_time): it must come before"));

	s.cause = RST_CAUSE_PEER_LOST_CONNECTION;
	cr_expect(says(&s, "only after 7200 s (net.ipv4.tcp_keepalive_time): it must come before"));
	s.latest.reset.keepalive_time_s = 600;
	cr_expect(says(&s, "only after 600 s (TCP_KEEPIDLE of this socket)"));
	s.idle_ms = spread(1, 1200, 1200, 1200); /* a restart: nothing forgets so soon */
	cr_expect_not(says(&s, "SO_KEEPALIVE is on"));
	s.latest.reset.keepalive_time_s = 0;
	s.idle_ms = spread(4, 350100, 350200, 350400);

	s.cause = RST_CAUSE_SILENT_DROP_TIMEOUT;
	s.latest.reset.total_retrans = 7;
	cr_expect(says(&s, "ip route get 192.0.2.7"));
	cr_expect_not(says(&s, "350 s")); /* the retransmissions are in it */
	s.latest.verdict.error = ETIMEDOUT;
	cr_expect(says(&s, "after 6 retransmissions postgres[5] got ETIMEDOUT"));
	cr_expect(says(&s, "tcp_retries2 (15) lets it take 15m24s at least"));
	s.latest.reset.user_timeout_ms = 1500;
	cr_expect(says(&s,
		       "after 6 retransmissions and 1.5 s (its TCP_USER_TIMEOUT) postgres[5] got"));

	s.cause = RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT;
	cr_expect(says(&s, "left 9 keep-alive probes unanswered"));
	cr_expect(says(&s, "keep-alive did its work, 7875 s after the last word."));

	s.cause = RST_CAUSE_CONNECT_TIMEOUT;
	cr_expect(says(&s, "up to 127 s to fail (net.ipv4.tcp_syn_retries is 6)."));
}

Test(advice, how_processes_ended)
{
	struct story s = sample(RST_CAUSE_PROC_KILLED_UNREAD);

	s.exit_signal[9] = 3;
	cr_expect(says(&s, "java[812] was killed by SIGKILL while 104.0 KiB from nginx[640]"));
	cr_expect(says(&s, "Find out who sent SIGKILL (the kernel's OOM killer was not it)"));
	cr_expect_not(says(&s, "grep -i oom"));
	cr_expect_not(says(&s, "out of memory"));
	s.oom = 3;
	cr_expect(says(&s, "killed by SIGKILL for want of memory"));
	cr_expect(says(&s, "Give java[812] more memory"));
	cr_expect_not(says(&s, "who sent"));

	s = sample(RST_CAUSE_PROC_EXIT_UNREAD);
	s.age_ms.n = s.unread_bytes.n = 1;
	s.latest.reset.has_exit = true;
	s.latest.reset.exit_status = 3;
	s.unread_bytes.middle = 1;
	cr_expect(says(&s, "java[812] ended with exit status 3 while 1 byte from"));
	/* nothing is said of nothing */
	s.unread_bytes.middle = 0;
	cr_expect(says(&s, "java[812] ended while data from"));

	s = sample(RST_CAUSE_SERVICE_DOWN);
	s.latest.owner = (struct owner){0};
	s.latest.other.known = false;
	s.latest.reset.has_former = true;
	s.latest.reset.former_tgid = 812;
	snprintf(s.latest.reset.former_comm, sizeof(s.latest.reset.former_comm), "java");
	s.latest.reset.former_flags = RST_FORMER_EXITING;
	s.latest.reset.former_exit_signal = 15;
	cr_expect(says(&s,
		       "192.0.2.7 asked for port 8080, where java[812] stopped listening 12.0 s "
		       "before (ended by SIGTERM)."));
}

/* As an idle server that closed 2 s after its last word, 8 s before the next request. */
static struct story idle_server(void)
{
	struct story s = sample(RST_CAUSE_DATA_AFTER_LOCAL_CLOSE);
	struct reset *r = &s.latest.reset;

	s.latest.owner = (struct owner){.pid = 70, .comm = "node"};
	s.latest.other.comm[0] = '\0';
	s.latest.other.known = false;
	r->has_former = true;
	r->former_role = RST_ROLE_SERVER;
	r->former_fin_ms = r->closed_ms = 8000;
	r->former_send_idle_ms = 2001;
	r->former_receive_idle_ms = 2005;
	r->former_bytes_sent = 300;
	r->flags = RST_EVENT_SEGMENT;
	r->payload = 78;
	return s;
}

Test(advice, an_idle_server_that_had_closed_before)
{
	struct story s = idle_server();

	cr_expect(says(&s, "node[70] had closed the connection after 2.0 s of silence; the client "
			   "192.0.2.7 used it again 8.0 s later."));
	cr_expect(says(&s, "Let the client 192.0.2.7 drop idle connections sooner than node[70] "
			   "does, which closed after 2.0 s here: after 1.5 s, for example."));
	cr_expect(says(&s, "server.keepAliveTimeout"));
	cr_expect(says(&s, "test a connection before it is used again"));
	cr_expect(says(&s, "\nSafe: the request came after"));
	cr_expect_not(says(&s, "end of file"));
	cr_expect_not(says(&s, "gave up"));
	snprintf(s.latest.owner.comm, sizeof(s.latest.owner.comm), "redis-server");
	cr_expect(says(&s, "timeout in redis.conf"));

	/* its end, not a request */
	s.latest.reset.payload = 0;
	cr_expect_not(says(&s, "of silence"));
	s = idle_server();
	s.latest.reset.former_send_idle_ms = 999;
	cr_expect_not(says(&s, "of silence"));
	cr_expect(says(&s, "read to the end of file"));
	cr_expect_not(says(&s, "If the closer is a client"));
	cr_expect_not(says(&s, "If a client gave up"));

	/* a socket that is still there counts on after its FIN */
	s = idle_server();
	s.latest.reset.has_former = false;
	s.latest.reset.bytes_sent = 300;
	s.latest.reset.send_idle_ms = 10000;
	s.latest.reset.fin_ms = 8000;
	cr_expect(says(&s, "after 2.0 s of silence; the client 192.0.2.7 used it again 8.0 s"));
	s.latest.reset.send_idle_ms = INT64_MIN;
	cr_expect_not(says(&s, "of silence"));
	s.latest.reset.send_idle_ms = 10000;
	s.latest.reset.fin_ms = 9500;
	cr_expect_not(says(&s, "of silence"));

	/* a restart closes all; but PostgreSQL's processes end with their connection */
	s = idle_server();
	s.latest.reset.former_flags = RST_FORMER_EXITING;
	s.latest.reset.former_exit_signal = 15;
	cr_expect(says(&s, "Look for the reason in its log: node[70] ended by SIGTERM, and"));
	snprintf(s.latest.owner.comm, sizeof(s.latest.owner.comm), "postgres");
	cr_expect_not(says(&s, "of silence"));
	s.latest.reset.former_exit_signal = 0;
	s.latest.reset.former_exit_status = 1;
	s.latest.reset.former_send_idle_ms = 0;
	cr_expect(says(&s, "postgres[70] had closed the connection after 2.0 s of silence"));
	cr_expect(says(&s, "idle_session_timeout and idle_in_transaction_session_timeout"));
}

Test(advice, the_clients_side_of_an_idle_server)
{
	struct story s = sample(RST_CAUSE_WRITE_AFTER_PEER_CLOSE);

	s.latest.reset.role = RST_ROLE_CLIENT;
	s.latest.reset.receive_idle_ms = 10000;
	s.latest.reset.since_state_ms = 8000;
	s.latest.owner = (struct owner){.pid = 640, .comm = "nginx"};
	s.latest.other = (struct other_end){.known = true, .pid = 812, .comm = "java"};
	cr_expect(says(&s, "java[812] had closed the connection after 2.0 s of silence; nginx[640] "
			   "used it again 8.0 s later, and got ECONNRESET."));
	cr_expect(says(&s, "\nSafe: the request came"));
	cr_expect(says(&s, "keepalive_timeout in its upstream block"));
	s.latest.reset.receive_idle_ms = 900;
	cr_expect_not(says(&s, "of silence"));
	cr_expect_not(says(&s, "On a server"));
	s.latest.reset.role = RST_ROLE_SERVER;
	s.latest.reset.receive_idle_ms = 10000;
	cr_expect_not(says(&s, "of silence"));
	cr_expect_not(says(&s, "On a client"));
}

Test(advice, a_client_that_ended_is_no_server)
{
	static const enum rst_cause causes[] = {RST_CAUSE_PROC_EXIT_UNREAD,
						RST_CAUSE_PROC_KILLED_UNREAD,
						RST_CAUSE_PROC_CRASH_UNREAD};
	struct story s;

	for (unsigned int i = 0; i < ARRAY_SIZE(causes); i++) {
		for (unsigned int numbers = 0; numbers < 2; numbers++) {
			s = numbers ? sample(causes[i]) : bare(causes[i]);
			s.latest.reset.role = s.party[0].role = RST_ROLE_CLIENT;
			s.n_parties = 1;
			cr_expect_not(says(&s, "balancer"));
			cr_expect_not(says(&s, "gracefully"));
			cr_expect_not(says(&s, "Restart="));
			cr_expect_not(says(&s, "unread were never seen"));
		}
	}
	s = sample(RST_CAUSE_PROC_EXIT_UNREAD);
	s.latest.reset.role = RST_ROLE_CLIENT;
	s.latest.owner = (struct owner){.pid = 9, .comm = "curl"};
	s.latest.other.known = false;
	s.exit_signal[2] = 1;
	cr_expect(says(&s, "curl[9] was ended by SIGINT before it had read the answer of 192.0.2.7 "
			   "to its end (104.0 KiB unread)."));
	cr_expect(says(&s, "the user stopped it (SIGINT = Ctrl-C). It is harmless"));
	cr_expect(says(&s, "\nThe server may have read the request"));
	s.exit_signal[2] = 0;
	s.latest.reset.has_exit = true;
	s.latest.reset.exit_status = 23;
	cr_expect(says(&s, "exit status (23)"));
	s.cause = RST_CAUSE_PROC_KILLED_UNREAD;
	s.exit_signal[9] = 1;
	cr_expect(says(&s, "Find out who sent SIGKILL to this client"));
}

Test(advice, a_reset_that_only_a_rule_of_this_host_can_have_sent)
{
	static const enum rst_cause causes[] = {
		RST_CAUSE_REFUSED_SYN, RST_CAUSE_RST_INJECTED, RST_CAUSE_PEER_APP_ABORT_SENDING,
		RST_CAUSE_PEER_APP_ABORT_IDLE, RST_CAUSE_PEER_LOST_CONNECTION};

	for (unsigned int i = 0; i < ARRAY_SIZE(causes); i++) {
		struct story s = sample(causes[i]);
		struct advice a;

		s.latest.reset.direction = RST_RECEIVED;
		s.latest.other.known = false;
		cr_expect_not(says(&s, "nft list ruleset"));
		s.latest.reset.local = s.latest.reset.remote;
		advice_make(&s, &a);
		cr_expect_not_null(strstr(a.what[0], "nft list ruleset"), "%s", a.what[0]);
		cr_expect_not_null(strstr(a.what[0], "namespace of java[812]"), "%s", a.what[0]);
		cr_expect_not(says(&s, "network's owner"));
		/* loopback has more addresses than one */
		s.latest.reset.remote = (struct endpoint){.address = {127, 0, 0, 2}};
		cr_expect(says(&s, "iptables-save | grep -i reject"));
		s.latest.reset.local = s.latest.reset.remote =
			(struct endpoint){.address = {[15] = 1}, .ipv6 = true};
		cr_expect(says(&s, "nft list ruleset"));
		/* who sent it was seen, or it is not known where it came from */
		s.latest.other.known = true;
		cr_expect_not(says(&s, "nft list ruleset"));
		s.latest.other.known = false;
		s.latest.reset.local = s.latest.reset.remote = (struct endpoint){.port = 1};
		cr_expect_not(says(&s, "nft list ruleset"));
	}
}

Test(advice, a_client_that_closed_before_its_answer)
{
	struct story s = sample(RST_CAUSE_DATA_AFTER_LOCAL_CLOSE);

	s.latest.reset.role = RST_ROLE_CLIENT;
	s.latest.reset.send_idle_ms = 30000;
	cr_expect(says(&s, "Look for a time limit of about 25.0 s (median) in java[812]"));
	cr_expect(says(&s, "\nIf a client gave up"));
	cr_expect_not(says(&s, "end of file"));
	cr_expect_not(says(&s, "idle"));
	s.latest.reset.has_former = true;
	s.latest.reset.former_role = RST_ROLE_CLIENT;
	s.latest.reset.former_flags = RST_FORMER_EXITING;
	s.latest.reset.former_exit_signal = 2;
	cr_expect(says(&s, "Nothing, if that was meant: java[812] ended by SIGINT"));
}

Test(advice, numbers_as_people_write_them)
{
	struct story s = sample(RST_CAUSE_UNKNOWN);
	char text[ADVICE_LEN];
	static const struct {
		int64_t bytes;
		const char *text;
	} sizes[] = {{0, "0 bytes"},	     {1, "1 byte"},
		     {10239, "10239 bytes"}, {10240, "10.0 KiB"},
		     {106496, "104.0 KiB"},  {1048575, "1023.9 KiB"},
		     {1048576, "1.0 MiB"},   {1610612735, "1535.9 MiB"}};

	for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
		s.bytes_sent.middle = sizes[i].bytes;
		cr_expect_eq(advice_fill(&s, "{sent}", text, sizeof(text)), 0);
		cr_expect_str_eq(text, sizes[i].text);
	}
	s.idle_ms = spread(27, 2000, 2010, 2040);
	cr_expect_eq(advice_fill(&s, "{idle_range}", text, sizeof(text)), 0);
	cr_expect_str_eq(text, "2.0 s (each of 27 times)");
}

/* "To do" holds things to do, each once. */
Test(advice, nothing_is_said_twice)
{
	struct story s = sample(RST_CAUSE_SERVICE_DOWN);
	struct advice a;

	advice_make(&s, &a);
	for (unsigned int i = 1; i < a.n; i++)
		cr_expect_null(strstr(a.what[i], "tart the service,"), "%s", a.what[i]);
	s = sample(RST_CAUSE_RST_INJECTED);
	advice_make(&s, &a);
	cr_expect_not_null(strstr(a.what[0], "network's owner"));
	for (unsigned int i = 1; i < a.n; i++)
		cr_expect_null(strstr(a.what[i], "network's owner"), "%s", a.what[i]);
	for (unsigned int c = 0; c < RST_CAUSE_MAX; c++) {
		s = sample(c);
		cr_expect_not(says(&s, "Never read"));
		cr_expect_not(says(&s, "did so."));
		cr_expect_not(says(&s, "It was ended"));
	}
}

Test(advice, facts_count_one_and_many)
{
	struct story s = sample(RST_CAUSE_CLOSED_PORT);

	s.n_parties = 0;
	s.count[RST_SENT] = 1;
	s.count[RST_RECEIVED] = 0;
	cr_expect(says(&s, "The kernel sent 1 reset on port 8080: "));
	s.count[RST_SENT] = 2;
	s.port = 0;
	s.ports = 300;
	cr_expect(says(&s, "The kernel sent 2 resets on 300 ports: "));
	s.latest.other.known = false;
	s.peers = 3;
	s.port = 9;
	cr_expect(says(
		&s, "One of 3 peers asked for port 9, and nobody listens on it at that address."));
	s.peers = 16;
	cr_expect(says(&s, "One of at least 16 peers asked for port 9"));
	s.cause = RST_CAUSE_FIREWALL_REJECT;
	s.peers = 3;
	cr_expect(says(&s, "One of 3 peers sent something for port 9, and a firewall rule of this "
			   "host refused it with a reset."));
	cr_expect(says(&s, "if port 9 is to be open, mend that rule"));
	s.port = 0;
	cr_expect(says(&s, "Something was sent to 300 ports, and firewall rules"));
	cr_expect(says(&s, "if one of the 300 ports is to be open, mend its rule"));
	cr_expect(says(&s, "port scan, and the rules do what they are for"));
	s = sample(RST_CAUSE_PEER_APP_ABORT_IDLE);
	s.count[RST_SENT] = 0;
	s.count[RST_RECEIVED] = 1;
	cr_expect(says(&s, "nginx[640] received 1 reset on port 8080: "));
	s.count[RST_SENT] = 1;
	cr_expect(says(&s, "1 reset was sent by java[812] and 1 received by nginx[640]"));
	s.party[0].direction = RST_RECEIVED;
	s.count[RST_SENT] = 0;
	cr_expect(says(&s, "java[812] and 1 other received 1 reset"));
	s.more_parties = 7;
	s.count[RST_RECEIVED] = 100;
	cr_expect(says(&s, "java[812] and others received 100 resets"));

	/* one server, whose clients are too many to be shown */
	s = sample(RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST);
	s.more_parties = 96;
	s.count[RST_RECEIVED] = 133;
	cr_expect(says(
		&s, "37 resets were sent by java[812] and 133 received by nginx[640] and others"));

	s = bare(RST_CAUSE_CONNECT_TIMEOUT);
	s.count[RST_SENT] = 0;
	s.count[RST_TIMEOUT] = 1;
	cr_expect(says(&s, "1 connection of this host ended without a reset."));
	s.count[RST_TIMEOUT] = 2;
	cr_expect(says(&s, "2 connections of this host ended without a reset."));
}

Test(advice, programs_are_known_by_name_alone)
{
	cr_expect_str_eq(advice_program("python3.11")->name, "Python");
	cr_expect_str_eq(advice_program("nginx")->name, "nginx");
	cr_expect_null(advice_program("nginx2"));
	cr_expect_null(advice_program(""));
	cr_expect_null(advice_program("jav"));
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Numbers of any size and sign, names of any printable bytes. */
static void randomise(struct story *s, uint64_t *state)
{
	unsigned char *p = (unsigned char *)s;
	char *names[] = {s->latest.owner.comm,
			 s->latest.other.comm,
			 s->latest.reset.actor_comm,
			 s->latest.reset.actor_parent_comm,
			 s->latest.reset.former_comm,
			 s->party[0].comm,
			 s->party[1].comm,
			 s->error_comm};

	for (size_t i = 0; i < sizeof(*s); i++)
		p[i] = (unsigned char)next(state);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		snprintf(names[i], RSTMON_COMM_MAX, "%s", next(state) % 4 ? LONG_TEXT : "");
	for (unsigned int i = 0; i < STORY_PARTIES_MAX; i++) {
		s->party[i].comm[RSTMON_COMM_MAX - 1] = '\0';
		s->party[i].unit[0] = '\0';
		if (i > 1)
			s->party[i].comm[0] = '\0';
	}
	/* what the language itself forbids to be random */
	s->latest.reset.reason_name = "";
	s->latest.reset.has_former = next(state) & 1;
	s->latest.reset.has_exit = next(state) & 1;
	s->latest.reset.syn = false;
	s->latest.reset.local.ipv6 = next(state) & 1;
	s->latest.reset.remote.ipv6 = next(state) & 1;
	s->latest.verdict.settled = false;
	s->latest.other.known = next(state) & 1;
	s->n_parties = (unsigned int)(next(state) % (STORY_PARTIES_MAX + 2));
	if (next(state) % 8)
		s->cause = (enum rst_cause)(next(state) % RST_CAUSE_MAX);
}

Test(advice, random_stories_never_overflow)
{
	uint64_t state = 88172645463325252ULL;

	for (unsigned int i = 0; i < 20000; i++) {
		struct advice a;
		struct story s;

		randomise(&s, &state);
		memset(&a, 0x5a, sizeof(a));
		advice_make(&s, &a);
		cr_assert(a.n >= 1 && a.n <= ADVICE_MAX, "%u", a.n);
		cr_assert(memchr(a.fact, 0, ADVICE_LEN) && memchr(a.narrative, 0, ADVICE_LEN) &&
			  memchr(a.retry, 0, ADVICE_LEN));
		cr_assert(a.fact[0] && a.narrative[0]);
		for (unsigned int j = 0; j < a.n; j++) {
			cr_assert_not_null(memchr(a.what[j], 0, ADVICE_LEN));
			cr_assert(a.what[j][0] && strchr(".?", a.what[j][strlen(a.what[j]) - 1]));
		}
	}
}
