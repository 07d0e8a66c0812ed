/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of the contract, letter by letter; what is made of a finding in JSON, text and log;
 * metrics whose labels and counters behave; and io.rstmon.varlink held against the JSON.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/path.h"
#include "daemon/publish.h"
#include "daemon/publish_said.h"
#include "tests/unit/daemon/sample_finding.h"

static struct json_object *get(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	cr_expect(json_object_object_get_ex(o, key, &value), "%s is missing", key);
	return value;
}

static const char *text(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key);

	cr_expect(json_object_is_type(value, json_type_string), "%s is no string", key);
	return value ? json_object_get_string(value) : "";
}

static int64_t number(struct json_object *o, const char *key)
{
	struct json_object *value = get(o, key);

	cr_expect(json_object_is_type(value, json_type_int), "%s is no integer", key);
	return json_object_get_int64(value);
}

static bool has(struct json_object *o, const char *key)
{
	return json_object_object_get_ex(o, key, NULL);
}

Test(publish, a_reset_has_every_field_of_the_contract)
{
	struct finding f = sample_finding();
	struct json_object *o, *evidence;

	f.verdict.path = PATH_CLOSE_UNREAD;
	o = publish_reset(&f);
	cr_assert(o);
	cr_expect_str_eq(text(o, "time"), "2026-11-22T07:31:36.123456Z");
	cr_expect_str_eq(text(o, "kind"), "reset");
	cr_expect_str_eq(text(o, "direction"), "sent");
	cr_expect_str_eq(text(o, "cause"), "closed_port");
	cr_expect_str_eq(text(o, "confidence"), "high");
	cr_expect_str_eq(text(o, "path"), path_name(PATH_CLOSE_UNREAD));
	cr_expect_str_eq(text(o, "fact"), "closed with data unread in the receive queue");
	cr_expect_eq(number(o, "pid"), 812);
	cr_expect_str_eq(text(o, "comm"), "nginx");
	cr_expect_str_eq(text(o, "exe"), "/usr/sbin/nginx");
	cr_expect_str_eq(text(o, "unit"), "nginx.service");
	cr_expect_str_eq(text(o, "container"), "");
	cr_expect_str_eq(text(o, "pod"), "");
	cr_expect_str_eq(text(o, "owner_source"), "read");
	cr_expect_eq(number(o, "actor_pid"), 813);
	cr_expect_str_eq(text(o, "actor_comm"), "ss");
	cr_expect_str_eq(text(o, "role"), "server");
	cr_expect_eq(number(o, "port"), 8080);
	cr_expect_str_eq(text(o, "local"), "127.0.0.1:8080");
	cr_expect_str_eq(text(o, "remote"), "192.0.2.7:40000");
	cr_expect_str_eq(text(o, "family"), "ipv4");
	cr_expect_str_eq(text(o, "state"), "ESTABLISHED");
	cr_expect_str_eq(text(o, "previous_state"), "SYN_RECV");
	cr_expect_str_eq(text(o, "reason"), "TCP_STATE");
	cr_expect_str_eq(text(o, "errno"), "ECONNRESET");
	cr_expect_eq(number(o, "netns"), 4026531840);
	cr_expect_eq(number(o, "cgroup"), 77);
	cr_expect_eq(number(o, "age_ms"), 1500);
	cr_expect_eq(number(o, "idle_ms"), -1);
	cr_expect_eq(number(o, "bytes_received"), 10);
	cr_expect_eq(number(o, "bytes_sent"), 20);
	cr_expect_eq(number(o, "unread_bytes"), 3);
	cr_expect_eq(number(o, "unacked_bytes"), -1);
	cr_expect_eq(number(o, "exit_signal"), 9);
	cr_expect_eq(number(o, "exit_status"), -1);
	evidence = get(o, "evidence");
	cr_assert_eq(json_object_array_length(evidence), 3);
	cr_expect_str_eq(json_object_get_string(json_object_array_get_idx(evidence, 0)),
			 "unread_bytes=3");
	cr_expect_str_eq(text(o, "tcp_flags"), "SYN|ACK");
	cr_expect_eq(number(o, "seq"), 4000000000);
	cr_expect_eq(number(o, "ttl"), 64);
	cr_expect(json_object_get_boolean(get(o, "linger")));
	cr_expect_not(json_object_get_boolean(get(o, "keepalive")));
	json_object_put(o);
}

Test(publish, a_timeout_is_no_reset)
{
	struct finding f = sample_finding();
	struct json_object *o;

	f.reset.direction = RST_TIMEOUT;
	f.verdict.cause = RST_CAUSE_CONNECT_TIMEOUT;
	o = publish_reset(&f);
	cr_expect_str_eq(text(o, "kind"), "timeout");
	cr_expect_str_eq(text(o, "direction"), "");
	json_object_put(o);
}

Test(publish, the_other_end_and_the_former_owner_are_told_where_known)
{
	struct finding f = sample_finding();
	struct json_object *o;

	f.other = (struct other_end){.pid = 640, .role = RST_ROLE_CLIENT, .comm = "nginx"};
	f.reset.former_age_ms = 5;
	f.reset.former_reset = 1;
	f.reset.former_state = STATE_LAST_ACK;
	f.reset.packet_ttl = 63;
	o = publish_reset(&f);
	cr_expect_eq(number(o, "other_pid"), 0);
	cr_expect_str_eq(text(o, "other_comm"), "");
	cr_expect_str_eq(text(o, "other_role"), "");
	cr_expect_eq(number(o, "former_age_ms"), -1);
	cr_expect_str_eq(text(o, "former_reset"), "");
	cr_expect_str_eq(text(o, "former_state"), "");
	cr_expect_eq(number(o, "former_exit_status"), -1);
	cr_expect_eq(number(o, "packet_ttl"), -1);
	cr_expect_str_eq(text(o, "packet_flags"), "");
	json_object_put(o);

	f.other.known = true;
	f.reset.has_former = true;
	f.reset.former_flags = RST_FORMER_EXITING;
	f.reset.former_exit_signal = 9;
	f.reset.flags |= RST_EVENT_PACKET | RST_EVENT_OOM;
	f.reset.packet_flags = 0x14;
	o = publish_reset(&f);
	cr_expect_eq(number(o, "other_pid"), 640);
	cr_expect_str_eq(text(o, "other_comm"), "nginx");
	cr_expect_str_eq(text(o, "other_role"), "client");
	cr_expect_eq(number(o, "former_age_ms"), 5);
	cr_expect_str_eq(text(o, "former_reset"), "sent");
	cr_expect_str_eq(text(o, "former_state"), "LAST_ACK");
	cr_expect_eq(number(o, "former_exit_signal"), 9);
	cr_expect_eq(number(o, "packet_ttl"), 63);
	cr_expect_str_eq(text(o, "packet_flags"), "RST|ACK");
	cr_expect(json_object_get_boolean(get(o, "oom")));
	json_object_put(o);
	f.reset.former_reset = 7; /* of a recording */
	o = publish_reset(&f);
	cr_expect_str_eq(text(o, "former_reset"), "");
	json_object_put(o);
}

Test(publish, a_reset_of_nobody_says_so)
{
	struct finding f = {.reset = {.direction = RST_RECEIVED, .flags = RST_EVENT_IPV6}};
	struct json_object *o;

	f.reset.remote = (struct endpoint){
		.address = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 443, .ipv6 = true};
	f.reset.local.ipv6 = true;
	o = publish_reset(&f);
	cr_assert(o);
	cr_expect_eq(number(o, "pid"), 0);
	cr_expect_str_eq(text(o, "comm"), "");
	cr_expect_str_eq(text(o, "owner_source"), "none");
	cr_expect_str_eq(text(o, "role"), "none");
	cr_expect_str_eq(text(o, "reason"), "");
	cr_expect_str_eq(text(o, "errno"), "");
	cr_expect_str_eq(text(o, "state"), "");
	cr_expect_str_eq(text(o, "remote"), "[2001:db8::1]:443");
	cr_expect_str_eq(text(o, "family"), "ipv6");
	cr_expect_str_eq(text(o, "cause"), "unknown");
	cr_expect_eq(number(o, "exit_signal"), 0);
	cr_expect_eq(number(o, "exit_status"), -1);
	cr_expect_str_eq(text(o, "tcp_flags"), "");
	cr_expect_eq(number(o, "seq"), -1);
	cr_expect_eq(json_object_array_length(get(o, "evidence")), 0);
	json_object_put(o);
}

Test(publish, names_every_flag_of_a_segment)
{
	struct finding f = sample_finding();
	struct json_object *o;

	f.reset.tcp_flags = 0xff;
	o = publish_reset(&f);
	cr_expect_str_eq(text(o, "tcp_flags"), "FIN|SYN|RST|PSH|ACK|URG|ECE|CWR");
	json_object_put(o);
}

static struct report_row sample_row(uint16_t port, uint64_t count, const char *unit)
{
	return (struct report_row){.row = {
					   .pid = 812,
					   .comm = "nginx",
					   .exe = "/usr/sbin/nginx",
					   .unit = unit,
					   .container = "",
					   .pod = "",
					   .port = port,
					   .role = RST_ROLE_SERVER,
					   .direction = RST_RECEIVED,
					   .cause = RST_CAUSE_REFUSED_SYN,
					   .owner_source = RST_OWNER_LISTEN,
					   .count = count,
					   .first = SAMPLE_TIME,
					   .last = SAMPLE_TIME + NSEC_PER_SEC,
				   }};
}

Test(publish, a_row_has_every_field_of_the_contract)
{
	struct report_row rows[] = {sample_row(8080, 37, "nginx.service")};
	struct report_list l = {
		.rows = rows,
		.n = 1,
		.totals = {.total = {3, 37, 8}, .spilled = {1, 2, 5}, .lost = {0, 4, 6}}};
	struct json_object *o = publish_list(&l, REPORT_BY_PROCESS), *row, *totals;

	cr_assert(o);
	cr_expect_eq(json_object_object_length(o), 3);
	cr_expect_eq(json_object_array_length(get(o, "timeouts")), 0);
	row = json_object_array_get_idx(get(o, "rows"), 0);
	cr_expect_eq(number(row, "pid"), 812);
	cr_expect_str_eq(text(row, "comm"), "nginx");
	cr_expect_str_eq(text(row, "exe"), "/usr/sbin/nginx");
	cr_expect_str_eq(text(row, "unit"), "nginx.service");
	cr_expect_str_eq(text(row, "container"), "");
	cr_expect_str_eq(text(row, "pod"), "");
	cr_expect_eq(number(row, "port"), 8080);
	cr_expect_str_eq(text(row, "role"), "server");
	cr_expect_str_eq(text(row, "direction"), "received");
	cr_expect_str_eq(text(row, "cause"), "refused_syn");
	cr_expect_eq(number(row, "count"), 37);
	cr_expect_str_eq(text(row, "first"), "2026-11-22T07:31:36.123456Z");
	cr_expect_str_eq(text(row, "last"), "2026-11-22T07:31:37.123456Z");
	for (const char **key =
		     (const char *[]){"netns", "spilled", "other_ports", "folded", "other", NULL};
	     *key; key++)
		cr_expect_not(has(row, *key), "%s is there only where set", *key);
	totals = get(o, "totals");
	cr_expect_eq(number(totals, "sent"), 3);
	cr_expect_eq(number(totals, "received"), 37);
	cr_expect_eq(number(totals, "spilled"), 3);
	cr_expect_eq(number(totals, "lost"), 4);
	cr_expect_eq(number(totals, "timeouts"), 8);
	json_object_put(o);
}

Test(publish, timeouts_have_rows_of_their_own)
{
	struct report_row rows[] = {sample_row(8080, 37, "a.service")};
	struct report_row timeouts[] = {sample_row(5432, 4, "b.service")};
	struct report_list l = {.rows = rows, .n = 1, .timeouts = timeouts, .n_timeouts = 1};
	struct json_object *o, *row;

	timeouts[0].row.direction = RST_TIMEOUT;
	timeouts[0].row.cause = RST_CAUSE_CONNECT_TIMEOUT;
	o = publish_list(&l, REPORT_BY_PROCESS);
	cr_assert_eq(json_object_array_length(get(o, "rows")), 1);
	cr_assert_eq(json_object_array_length(get(o, "timeouts")), 1);
	row = json_object_array_get_idx(get(o, "timeouts"), 0);
	cr_expect_str_eq(text(row, "direction"), "");
	cr_expect_str_eq(text(row, "cause"), "connect_timeout");
	cr_expect_eq(number(row, "port"), 5432);
	cr_expect_eq(number(row, "count"), 4);
	json_object_put(o);
	o = publish_list(&l, REPORT_BY_UNIT);
	row = json_object_array_get_idx(get(o, "timeouts"), 0);
	cr_expect_str_eq(text(row, "unit"), "b.service");
	cr_expect_not(has(row, "cause"));
	json_object_put(o);
}

Test(publish, a_row_is_marked_where_it_is_special)
{
	struct report_row rows[] = {sample_row(0, 37, "")};
	struct report_list l = {.rows = rows, .n = 1, .partial = true};
	struct json_object *o, *row;

	rows[0].row.pid = 0;
	rows[0].row.netns = 4026531840;
	rows[0].row.spilled = 5;
	rows[0].row.other_ports = rows[0].row.folded = rows[0].row.other = true;
	o = publish_list(&l, REPORT_BY_PROCESS);
	cr_expect(json_object_get_boolean(get(o, "partial")));
	row = json_object_array_get_idx(get(o, "rows"), 0);
	cr_expect_eq(number(row, "netns"), 4026531840);
	cr_expect_eq(number(row, "spilled"), 5);
	cr_expect(json_object_get_boolean(get(row, "other_ports")));
	cr_expect(json_object_get_boolean(get(row, "folded")));
	cr_expect(json_object_get_boolean(get(row, "other")));
	json_object_put(o);
}

Test(publish, a_grouped_row_has_only_what_it_is_grouped_by)
{
	static const struct {
		enum report_by by;
		const char *json;
	} expected[] = {
#define TIMES "\"first\":\"2026-11-22T07:31:36.123456Z\",\"last\":\"2026-11-22T07:31:37.123456Z\"}"
		{REPORT_BY_PORT, "{\"port\":8080,\"count\":37," TIMES},
		{REPORT_BY_CAUSE, "{\"cause\":\"refused_syn\",\"count\":37," TIMES},
		{REPORT_BY_UNIT, "{\"unit\":\"a.service\",\"count\":37," TIMES},
		{REPORT_BY_PEER,
		 "{\"peer\":\"192.0.2.7\",\"direction\":\"received\",\"count\":37,\"error\":2}"},
	};
	struct report_row rows[] = {sample_row(8080, 37, "a.service")};
	struct report_list l = {.rows = rows, .n = 1};

	rows[0].peer = (struct endpoint){.address = {192, 0, 2, 7}};
	rows[0].error = 2;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct json_object *o = publish_list(&l, expected[i].by);
		struct json_object *row = json_object_array_get_idx(get(o, "rows"), 0);

		cr_expect_str_eq(json_object_to_json_string_ext(row, JSON_C_TO_STRING_PLAIN),
				 expected[i].json);
		json_object_put(o);
	}
}

static struct report_status sample_status(void)
{
	static const struct source_hook hooks[] = {
		{.name = "tp_btf/tcp_send_reset",
		 .adds = "sent resets",
		 .required = true,
		 .attached = true},
		{.name = "fentry/inet_csk_accept",
		 .adds = "the exact acceptor",
		 .consequence = "workers are not told apart",
		 .why = "refused"},
	};
	static const struct report_netns netns[] = {
		{.inode = 1,
		 .covered = true,
		 .sent = 5,
		 .received = 6,
		 .timeouts = 2,
		 .known = 1 << COUNTER_OUT_RSTS | 1 << COUNTER_EMBRYONIC_RSTS,
		 .counters = {[COUNTER_OUT_RSTS] = 4, [COUNTER_EMBRYONIC_RSTS] = 3},
		 .unexplained = {[COUNTER_OUT_RSTS] = -1, [COUNTER_ABORT_FAILED] = 9}},
		{.inode = 2, .sent = 7},
	};

	return (struct report_status){
		.version = "0.1.0",
		.kernel = "6.1.0\"x\\",
		.uptime_s = 9,
		.origin = "adopted",
		.generation = 3,
		.since = 1000000000ULL * NSEC_PER_SEC,
		.totals = {.sent = 100,
			   .received = 50,
			   .timeouts = 9,
			   .spilled = {1, 2, 14},
			   .lost = {3, 4, 15},
			   .missed = 5,
			   .failures = {11, 12, 13}},
		.counted = {.total = {90, 50, 6}, .rows = 17, .evicted = 18, .folded = 19},
		.hooks = hooks,
		.n_hooks = 2,
		.netns = netns,
		.n_netns = 2,
		.counters_known = 1 << COUNTER_OUT_RSTS | 1 << COUNTER_EMBRYONIC_RSTS,
		.unexplained = {[COUNTER_OUT_RSTS] = -1, [COUNTER_EMBRYONIC_RSTS] = 2},
		.slots_used = 31,
		.slots = 32,
		.history_evicted = 33,
		.host_evicted = 34,
		.told_early = 35,
		.held_early = 36,
		.kernel_bytes = 37,
		.ring_bytes = 262144,
		.memory_bytes = 4096,
		.log_dropped = 21,
		.cpu_ns_per_reset = -1,
		.cpu_us = 1500001,
		.clients = 2,
		.watchers = 1,
	};
}

Test(publish, a_capability_that_is_kept_is_told_and_no_problem)
{
	struct report_status s = sample_status();
	struct json_object *o;

	s.cap_bpf = true;
	o = publish_status(&s);
	cr_assert_eq(json_object_array_length(get(o, "capabilities")), 1);
	cr_expect_str_eq(
		json_object_get_string(json_object_array_get_idx(get(o, "capabilities"), 0)),
		"CAP_BPF");
	cr_expect(strstr(text(o, "notes"), "keeps CAP_BPF"));
	cr_expect_not(strstr(text(o, "problems"), "CAP_BPF"));
	json_object_put(o);
}

Test(publish, what_an_old_kernel_lacks_is_a_note_if_no_count_depends_on_it)
{
	struct report_status s = sample_status();
	struct source_hook hooks[] = {
		{.name = "tp_btf/a", .consequence = "a is vague", .minor = true, .absent = true},
		{.name = "tp_btf/b", .consequence = "b is vague", .minor = true},
		{.name = "tp_btf/c", .consequence = "c is lost", .absent = true},
		{.name = "fentry/d", .consequence = "d is vague", .extra = true, .absent = true},
		{.name = "tp_btf/e", .consequence = "e is vague", .minor = true, .attached = true},
	};
	static const bool problem[ARRAY_SIZE(hooks)] = {false, true, true, false, false};
	struct json_object *o;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		hooks[i].adds = "more";
		snprintf(hooks[i].why, sizeof(hooks[i].why), hooks[i].attached ? "" : "no such");
		cr_expect_eq(source_hook_is_problem(&hooks[i]), problem[i], "%s", hooks[i].name);
	}
	s.hooks = hooks;
	s.n_hooks = ARRAY_SIZE(hooks);
	o = publish_status(&s);
	cr_expect_str_eq(text(o, "notes"), "Without tp_btf/a (no such) a is vague.");
	json_object_put(o);
	s.cap_bpf = true;
	o = publish_status(&s);
	cr_expect(strstr(text(o, "notes"), "needs no capability. Without tp_btf/a "), "%s",
		  text(o, "notes"));
	json_object_put(o);
}

Test(publish, the_status_has_every_field_of_the_contract)
{
	struct report_status s = sample_status();
	struct json_object *o = publish_status(&s), *netns, *hook;

	cr_assert(o);
	cr_expect_str_eq(text(o, "version"), "0.1.0");
	cr_expect_eq(json_object_array_length(get(o, "capabilities")), 0);
	cr_expect_str_eq(text(o, "notes"), "");
	cr_expect_str_eq(text(o, "kernel"), "6.1.0\"x\\");
	cr_expect_eq(number(o, "uptime_s"), 9);
	cr_expect_str_eq(text(o, "origin"), "adopted");
	cr_expect_eq(number(o, "generation"), 3);
	cr_expect(strstr(text(o, "since"), "2001-09-09T"));
	cr_expect_eq(number(o, "sent"), 100);
	cr_expect_eq(number(o, "received"), 50);
	cr_expect_eq(number(o, "spilled"), 3);
	cr_expect_eq(number(o, "lost"), 7);
	cr_expect_eq(number(o, "missed"), 5);
	cr_expect_eq(number(o, "timeouts"), 9);
	cr_expect_eq(number(o, "timeouts_spilled"), 14);
	cr_expect_eq(number(o, "timeouts_lost"), 15);
	cr_expect_eq(number(o, "pending"), 10);
	cr_expect_eq(number(get(o, "unexplained"), "TcpOutRsts"), -1);
	cr_expect_eq(number(get(o, "unexplained"), "TcpExtEmbryonicRsts"), 2);
	cr_expect_not(has(get(o, "unexplained"), "TcpExtTCPAbortFailed"), "nobody knows it");
	cr_expect_eq(json_object_object_length(get(o, "hidden")), 1);
	cr_expect_str_eq(text(get(o, "hidden"), "TcpOutRsts"),
			 report_counter_hidden(COUNTER_OUT_RSTS));
	cr_expect_eq(number(o, "slots_used"), 31);
	cr_expect_eq(number(o, "slots"), 32);
	cr_expect_eq(number(o, "history_evicted"), 33);
	cr_expect_eq(number(o, "host_evicted"), 34);
	cr_expect_eq(number(o, "told_early"), 35);
	cr_expect_eq(number(o, "held_early"), 36);
	cr_expect_eq(number(o, "kernel_bytes"), 37);
	cr_expect_eq(number(o, "rows"), 17);
	cr_expect_eq(number(o, "evicted"), 18);
	cr_expect_eq(number(o, "ring_bytes"), 262144);
	cr_expect_eq(number(o, "memory_bytes"), 4096);
	cr_expect_eq(number(o, "log_dropped"), 21);
	cr_expect_eq(number(o, "cpu_ns_per_reset"), -1);
	cr_expect_eq(number(get(o, "failures"), "storage"), 11);
	cr_expect_eq(number(get(o, "failures"), "map"), 12);
	cr_expect_eq(number(get(o, "failures"), "read"), 13);

	netns = json_object_array_get_idx(get(o, "netns"), 0);
	cr_expect_eq(number(netns, "inode"), 1);
	cr_expect_eq(number(netns, "sent"), 5);
	cr_expect_eq(number(netns, "received"), 6);
	cr_expect_eq(number(netns, "timeouts"), 2);
	cr_expect_eq(number(get(netns, "counters"), "TcpOutRsts"), 4);
	cr_expect_eq(number(get(netns, "counters"), "TcpExtEmbryonicRsts"), 3);
	cr_expect_not(has(get(netns, "counters"), "TcpExtTCPAbortFailed"));
	cr_expect_eq(number(get(netns, "unexplained"), "TcpOutRsts"), -1);
	cr_expect_not(has(netns, "uncovered"));
	netns = json_object_array_get_idx(get(o, "netns"), 1);
	cr_expect(json_object_get_boolean(get(netns, "uncovered")));
	cr_expect_not(has(netns, "unexplained"), "uncovered is not 0");

	hook = json_object_array_get_idx(get(o, "hooks"), 0);
	cr_expect_str_eq(text(hook, "name"), "tp_btf/tcp_send_reset");
	cr_expect_str_eq(text(hook, "adds"), "sent resets");
	cr_expect(json_object_get_boolean(get(hook, "attached")));
	hook = json_object_array_get_idx(get(o, "hooks"), 1);
	cr_expect_not(json_object_get_boolean(get(hook, "attached")));
	cr_expect_str_eq(text(hook, "why"), "refused");
	cr_expect_str_eq(text(hook, "got"), "refused");
	cr_expect_str_eq(text(hook, "consequence"), "workers are not told apart");
	cr_expect(json_object_get_boolean(get(hook, "wanted")));
	json_object_put(o);
}

Test(publish, one_line_for_people)
{
	struct finding f = sample_finding();
	char line[256], small[8];

	publish_text(&f, line, sizeof(line));
	cr_expect_str_eq(line,
			 "07:31:36.123456 sent     nginx[812] by ss[813] server 127.0.0.1:8080 -> "
			 "192.0.2.7:40000 ESTABLISHED closed_port (high) ECONNRESET unread=3 "
			 "signal=9 unit=nginx.service");
	f.verdict.cause = RST_CAUSE_UNKNOWN;
	f.reset.state = STATE_CLOSE;
	publish_text(&f, line, sizeof(line));
	cr_expect_not_null(strstr(line, " SYN_RECV>CLOSE TCP_STATE "), "%s", line);
	f.verdict.cause = RST_CAUSE_CLOSED_PORT;
	f.verdict.confidence = CONFIDENCE_CERTAIN;
	f.reset.actor_tgid = 0;
	f.reset.unread_bytes = 0;
	f.reset.exit_signal = 0;
	f.owner = (struct owner){0};
	f.reset.direction = RST_RECEIVED;
	f.reset.role = RST_ROLE_NONE;
	f.reset.state = 0;
	f.verdict.error = 0;
	publish_text(&f, line, sizeof(line));
	cr_expect_str_eq(line, "07:31:36.123456 received - none 127.0.0.1:8080 <- 192.0.2.7:40000 "
			       "closed_port");
	publish_text(&f, small, sizeof(small));
	cr_expect_str_eq(small, "07:31:3");
}

Test(publish, a_line_tells_the_other_end_and_two_pieces_of_evidence)
{
	struct finding f = sample_finding();
	char line[512], out[RSTMON_LOG_LINE_MAX];
	struct line log;

	f.other = (struct other_end){.known = true, .pid = 640, .comm = "nginx"};
	f.reset.actor_tgid = 0;
	f.verdict.basis = (struct basis){
		.facts = BASIS_OTHER_END,
		.clues = {CLUE_SEGMENT, CLUE_UNREAD, CLUE_LINGER, CLUE_SENT},
	};
	publish_text(&f, line, sizeof(line));
	cr_expect_not_null(strstr(line, " nginx[812] with nginx[640] server "), "%s", line);
	cr_expect_not_null(strstr(line, " signal=9 segment=SYN|ACK+5 SO_LINGER=0 unit="), "%s",
			   line);
	publish_reset_line(&f, &log);
	line_format(&log, out, sizeof(out));
	cr_expect_not_null(strstr(out, " path=unknown other_pid=640 other_comm=nginx "), "%s", out);
	cr_expect_not_null(strstr(out, " evidence=\"other_end=nginx[640] segment=SYN|ACK+5 "
				       "unread_bytes=3 linger=0 bytes_sent=20 reason=TCP_STATE "
				       "state=ESTABLISHED\""),
			   "%s", out);
	f.other.pid = 0; /* nobody's */
	publish_text(&f, line, sizeof(line));
	cr_expect_null(strstr(line, " with "), "%s", line);
}

Test(publish, a_timeout_is_a_line_of_its_own_kind)
{
	struct finding f = sample_finding();
	char line[512];
	struct line log;

	f.reset.direction = RST_TIMEOUT;
	publish_text(&f, line, sizeof(line));
	cr_expect_not_null(strstr(line, "123456 timeout  nginx[812]"), "%s", line);
	cr_expect_not_null(strstr(line, " 127.0.0.1:8080 -> 192.0.2.7:40000 "), "%s", line);
	publish_reset_line(&f, &log);
	line_format(&log, line, sizeof(line));
	cr_expect_eq(strncmp(line, "timeout cause=closed_port direction=\"\" ", 39), 0, "%s", line);
}

Test(publish, an_incident_is_a_line)
{
	struct incident i = {.id = 3,
			     .start = SAMPLE_TIME,
			     .pid = 812,
			     .comm = "java",
			     .unit = "tomcat.service",
			     .port = 8080,
			     .count = {240, 1, 2},
			     .peers = 5,
			     .ports = 1,
			     .cause = RST_CAUSE_LISTENER_CLOSED_PENDING,
			     .confidence = CONFIDENCE_CERTAIN,
			     .cause_count = 239};
	char out[RSTMON_LOG_LINE_MAX];
	struct line line;

	publish_incident_line(&i, &line);
	line_format(&line, out, sizeof(out));
	cr_expect_str_eq(out, "incident cause=listener_closed_pending comm=java pid=812 port=8080 "
			      "count=243 sent=240 received=1 timeouts=2 open=false "
			      "confidence=certain cause_count=239 peers=5 ports=1 "
			      "unit=tomcat.service id=3 start=2026-11-22T07:31:36.123456Z");
	i.by_peer = true;
	i.peer.address[0] = 10;
	publish_incident_line(&i, &line);
	line_format(&line, out, sizeof(out));
	cr_expect_not_null(strstr(out, " peer=10.0.0.0 "), "%s", out);
}

Test(publish, the_longest_reset_line_keeps_the_important_fields)
{
	struct finding f = sample_finding();
	char out[RSTMON_LOG_LINE_MAX];
	struct line line;
	size_t n;

	memset(f.owner.exe, 'e', sizeof(f.owner.exe) - 1);
	memset(f.owner.unit, 'u', sizeof(f.owner.unit) - 1);
	memset(f.owner.container, 'c', sizeof(f.owner.container) - 1);
	memset(f.owner.pod, 'p', sizeof(f.owner.pod) - 1);
	publish_reset_line(&f, &line);
	cr_expect_lt(line.n, LINE_FIELDS_MAX, "no field is lost to the limit");
	n = line_format(&line, out, sizeof(out));
	cr_expect_lt(n, RSTMON_LOG_LINE_MAX);
	cr_expect(strstr(out, "reset cause=closed_port direction=sent comm=nginx pid=812 port=8080 "
			      "role=server local=127.0.0.1:8080 remote=192.0.2.7:40000"),
		  "%s", out);
}

Test(publish, a_summary_line_counts_what_moved)
{
	struct report_row row = sample_row(8080, 1000, "");
	char out[RSTMON_LOG_LINE_MAX];
	struct line line;

	row.row.comm = "";
	row.row.pid = 0;
	row.row.other = true;
	publish_summary_line(&row, 37, 10 * NSEC_PER_SEC, &line);
	line_format(&line, out, sizeof(out));
	cr_expect_str_eq(out,
			 "summary cause=refused_syn direction=received comm=\"\" pid=0 port=8080 "
			 "role=server count=37 window=10s rate=3.7/s total=1000 other=true");
	publish_summary_line(&row, 37, 0, &line);
	line_format(&line, out, sizeof(out));
	cr_expect_null(strstr(out, "rate="));
	row.row.direction = RST_TIMEOUT;
	publish_summary_line(&row, 37, 0, &line);
	line_format(&line, out, sizeof(out));
	cr_expect(strstr(out, "summary kind=timeout cause=refused_syn direction=\"\" comm="), "%s",
		  out);
}

Test(publish, metrics_are_openmetrics)
{
	struct report_row rows[] = {sample_row(8080, 30, "a\"b\\c\nd"),
				    sample_row(8080, 7, "a\"b\\c\nd"),
				    sample_row(0, 5, "x.service")};
	struct report_row timeouts[] = {sample_row(5432, 4, "x.service"),
					sample_row(5432, 2, "x.service")};
	struct report_list l = {.rows = rows, .n = 3, .timeouts = timeouts, .n_timeouts = 2};
	struct report_status s = sample_status();
	_cleanup_free_ char *m = NULL;
	static const char *const lines[] = {
		"# TYPE rstmon_resets counter\n",
		"rstmon_resets_total{direction=\"received\",cause=\"refused_syn\",unit=\"a\\\"b\\\\c\\nd\","
		"port=\"8080\"} 37\n",
		"rstmon_resets_total{direction=\"received\",cause=\"refused_syn\",unit=\"x.service\","
		"port=\"other\"} 5\n",
		"# TYPE rstmon_timeouts counter\n",
		"\nrstmon_timeouts_total{cause=\"connect_timeout\",unit=\"x.service\",port=\"5432\"} 6\n",
		"\nrstmon_spilled_total 3\n",
		"\nrstmon_lost_total 7\n",
		"\nrstmon_timeouts_spilled_total 14\n",
		"\nrstmon_timeouts_lost_total 15\n",
		"\nrstmon_missed_total 5\n",
		"\nrstmon_unexplained{counter=\"TcpOutRsts\"} -1\n",
		"\nrstmon_unexplained{counter=\"TcpExtEmbryonicRsts\"} 2\n",
		"\nrstmon_rows 17\n",
		"\nrstmon_rows_evicted_total 18\n",
		"\nrstmon_log_dropped_total 21\n",
		"\n# UNIT rstmon_ring_bytes bytes\n",
		"\nrstmon_ring_bytes 262144\n",
		"\nrstmon_memory_bytes 4096\n",
		"\nrstmon_cpu_seconds_total 1.500001\n",
		"\nrstmon_build_info{version=\"0.1.0\",kernel=\"6.1.0\\\"x\\\\\"} 1\n",
	};

	rows[1].row.pid = 900; /* another worker of the same unit: the same series */
	for (size_t i = 0; i < ARRAY_SIZE(timeouts); i++) {
		timeouts[i].row.direction = RST_TIMEOUT;
		timeouts[i].row.cause = RST_CAUSE_CONNECT_TIMEOUT;
	}
	m = publish_metrics(&l, &s, 1000);
	cr_assert(m);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		cr_expect(strstr(m, lines[i]), "%s is not in\n%s", lines[i], m);
	cr_assert_gt(strlen(m), 6);
	cr_expect_str_eq(m + strlen(m) - 6, "# EOF\n");
	cr_expect_null(strstr(m, "pid"));
	cr_expect_null(strstr(m, "direction=\"\""), "a time-out is no reset of no direction");
}

static unsigned int count_family(const char *m, const char *family, uint64_t *ret_sum)
{
	unsigned int n = 0;

	*ret_sum = 0;
	for (const char *p = m; (p = strstr(p, family)); n++) {
		p = strstr(p, "} ");
		*ret_sum += strtoull(p + 2, NULL, 10);
	}
	return n;
}

static unsigned int count_series(const char *m, uint64_t *ret_sum)
{
	return count_family(m, "\nrstmon_resets_total{", ret_sum);
}

static uint64_t value_of(const char *m, const char *labels)
{
	const char *p = strstr(m, labels);

	return p ? strtoull(strstr(p, "} ") + 2, NULL, 10) : 0;
}

/* The rows that come later grow past the earlier ones: no series may go, none may fall. */
Test(publish, series_are_capped_and_never_fall)
{
	static struct report_row rows[500];
	struct report_list l = {.rows = rows, .n = 400};
	struct report_status s = sample_status();
	const unsigned int max = 2 * RST_RESET_DIRECTIONS * RST_CAUSE_MAX;
	_cleanup_free_ char *before = NULL, *after = NULL;
	uint64_t sum_before, sum_after;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i] =
			sample_row((uint16_t)(500 - i), i < 400 ? 1000 - i : 1000000, "u.service");
		rows[i].row.first += i;
	}
	before = publish_metrics(&l, &s, max);
	cr_expect_leq(count_series(before, &sum_before), max);
	cr_expect_gt(count_series(before, &sum_before), max / 2);
	l.n = 500;
	for (unsigned int i = 100; i < 400; i++)
		rows[i].row.count += 50000;
	after = publish_metrics(&l, &s, max);
	cr_expect_leq(count_series(after, &sum_after), max);
	cr_expect_eq(sum_after, sum_before + 100 * 1000000 + 300 * 50000, "the cap loses no count");

	for (unsigned int i = 0; i < 400; i++) {
		char labels[64];

		snprintf(labels, sizeof(labels), "unit=\"u.service\",port=\"%u\"", 500 - i);
		cr_expect_geq(value_of(after, labels), value_of(before, labels), "%s", labels);
		cr_expect_eq(!!strstr(after, labels), !!strstr(before, labels), "%s", labels);
	}
	cr_expect_geq(value_of(after, "unit=\"other\",port=\"other\""),
		      value_of(before, "unit=\"other\",port=\"other\""));
}

Test(publish, series_of_timeouts_are_capped_by_themselves)
{
	static struct report_row rows[300];
	struct report_list l = {.timeouts = rows, .n_timeouts = ARRAY_SIZE(rows)};
	struct report_status s = sample_status();
	const unsigned int max = 2 * RST_CAUSE_MAX;
	_cleanup_free_ char *m = NULL;
	uint64_t sum;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		rows[i] = sample_row((uint16_t)(1000 + i), 2, "u.service");
		rows[i].row.direction = RST_TIMEOUT;
		rows[i].row.cause = i % RST_CAUSE_MAX;
	}
	m = publish_metrics(&l, &s, max);
	cr_assert(m);
	cr_expect_eq(count_series(m, &sum), 0);
	cr_expect_leq(count_family(m, "\nrstmon_timeouts_total{", &sum), max);
	cr_expect_eq(sum, 2 * ARRAY_SIZE(rows), "the cap loses no count");
}

/* The memory of it is the caller's, in the status; what it does is in publish_said.c. */
Test(publish, series_never_fall_where_what_was_said_is_remembered)
{
	static struct publish_said resets, timeouts;
	struct report_row rows[] = {sample_row(8080, 30, "a.service")};
	struct report_list l = {.rows = rows, .n = 1};
	struct report_status s = sample_status();
	_cleanup_free_ char *before = NULL, *after = NULL, *forgetful = NULL;
	uint64_t sum;

	s.said_resets = &resets;
	s.said_timeouts = &timeouts;
	before = publish_metrics(&l, &s, 1000);
	rows[0].row.count = 29;
	after = publish_metrics(&l, &s, 1000);
	cr_expect_eq(value_of(before, "unit=\"a.service\",port=\"8080\""), 30);
	cr_expect_eq(value_of(after, "unit=\"a.service\",port=\"8080\""), 30);
	l.n = 0;
	free(after);
	after = publish_metrics(&l, &s, 1000);
	cr_expect_eq(count_series(after, &sum), 1);
	cr_expect_eq(sum, 30);
	s.said_resets = NULL;
	forgetful = publish_metrics(&l, &s, 1000);
	cr_expect_eq(count_series(forgetful, &sum), 0);
}

Test(publish, metrics_of_nothing_are_whole)
{
	struct report_list l = {0};
	struct report_status s = sample_status();
	_cleanup_free_ char *m = publish_metrics(&l, &s, 0);
	uint64_t sum;

	cr_assert(m);
	cr_expect_eq(count_series(m, &sum), 0);
	cr_expect(strstr(m, "# EOF\n"));
}

/* The part of the description between 'from' and 'to'. */
static char *description(const char *from, const char *to)
{
	_cleanup_fclose_ FILE *file = fopen("daemon/io.rstmon.varlink", "re");
	char all[32768];
	char *start, *end;

	cr_assert(file, "unit tests run in the top directory");
	all[fread(all, 1, sizeof(all) - 1, file)] = '\0';
	start = strstr(all, from);
	cr_assert(start, "%s", from);
	end = strstr(start + strlen(from), to);
	cr_assert(end, "%s", to);
	return strndup(start, (size_t)(end - start));
}

static const char *type_of(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_int:
		return "int";
	case json_type_boolean:
		return "bool";
	case json_type_string:
		return "string";
	default:
		return "";
	}
}

/* Every field of 'o' is described with its type, and nothing else is. */
static void compare(struct json_object *o, const char *part, unsigned int extra)
{
	unsigned int described = 0;

	json_object_object_foreach(o, key, value)
	{
		char plain[64], maybe[64];

		snprintf(plain, sizeof(plain), "\n\t%s: %s", key, type_of(value));
		snprintf(maybe, sizeof(maybe), "\n\t%s: ?%s", key, type_of(value));
		cr_expect(strstr(part, plain) || strstr(part, maybe), "%s is not described", key);
	}
	for (const char *p = part; (p = strstr(p, "\n\t")); p++)
		described += p[2] != '#';
	cr_expect_eq(described, (unsigned int)json_object_object_length(o) + extra);
}

Test(publish, the_description_describes_what_is_sent)
{
	struct report_row rows[] = {sample_row(1, 1, "")};
	struct report_list l = {.rows = rows, .n = 1};
	struct finding f = sample_finding();
	struct report_status s = sample_status();
	_cleanup_free_ char *type = description("type Reset (", "\n)");
	_cleanup_free_ char *watch = description("last: ?int\n) -> (", "\n)");
	_cleanup_free_ char *status = description("method Status() -> (", "\n)");
	_cleanup_free_ char *row = description("type Row (", "\n)");
	_cleanup_free_ char *totals = description("type Totals (", "\n)");
	_cleanup_free_ char *netns = description("type Namespace (", "\n)");
	struct json_object *o;

	o = publish_reset(&f);
	compare(o, type, 0);
	compare(o, watch, 1); /* dropped */
	json_object_put(o);
	o = publish_status(&s);
	compare(o, status, 0);
	compare(json_object_array_get_idx(get(o, "netns"), 0), netns, 1); /* uncovered */
	json_object_put(o);

	rows[0].row.pid = 0;
	rows[0].row.netns = 1;
	rows[0].row.spilled = 1;
	rows[0].row.folded = rows[0].row.other = rows[0].row.other_ports = true;
	o = publish_list(&l, REPORT_BY_PROCESS);
	compare(json_object_array_get_idx(get(o, "rows"), 0), row, 2); /* peer, error */
	compare(get(o, "totals"), totals, 1);			       /* from */
	json_object_put(o);
}
