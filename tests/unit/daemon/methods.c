/* SPDX-License-Identifier: GPL-2.0-only */
/* The methods over a real tally, table of peers and ring of recent resets: parameters and answers.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/methods.h"
#include "daemon/object.h"
#include "tests/unit/daemon/sample_finding.h"

#define N 30

struct fixture {
	struct methods_state state;
	void *memory;
	unsigned int refreshed;
};

static void refresh(void *userdata)
{
	struct fixture *f = userdata;

	f->refreshed++;
}

static void status(void *userdata, struct report_status *ret)
{
	struct fixture *f = userdata;

	cr_expect_gt(f->refreshed, 0, "the state is brought up to date first");
	ret->version = "0.1.0";
	ret->kernel = "6.1.0";
	tally_stats(f->state.tally, &ret->counted);
}

static uint64_t now(void *userdata)
{
	(void)userdata;
	return SAMPLE_TIME + N * NSEC_PER_SEC;
}

/* Reset i of N: port 1000 + i % 3, i seconds after SAMPLE_TIME, sent if i is even. */
static void add(struct fixture *f, unsigned int i)
{
	struct finding finding = sample_finding();

	finding.reset.time += i * NSEC_PER_SEC;
	finding.reset.port = (uint16_t)(1000 + i % 3);
	finding.reset.direction = i % 2 ? RST_RECEIVED : RST_SENT;
	tally_add(f->state.tally, &finding);
	recent_add(f->state.recent, &finding);
	peers_add(f->state.peers, &finding);
}

static void setup(struct fixture *f)
{
	*f = (struct fixture){.memory = calloc(1, tally_size())};
	cr_assert(f->memory);
	f->state = (struct methods_state){
		.tally = tally_format(f->memory, tally_size()),
		.refresh = refresh,
		.status = status,
		.now = now,
		.userdata = f,
	};
	cr_assert_eq(recent_new(&f->state.recent), 0);
	cr_assert_eq(peers_new(&f->state.peers), 0);
	for (unsigned int i = 0; i < N; i++)
		add(f, i);
}

static void teardown(struct fixture *f)
{
	recent_free(f->state.recent);
	peers_free(f->state.peers);
	free(f->memory);
}

static void call_raw(struct fixture *f, const char *name, const char *parameters, bool more,
		     struct server_reply *ret)
{
	struct json_object *o = json_tokener_parse(parameters);

	cr_assert(o, "%s", parameters);
	*ret = (struct server_reply){0};
	for (size_t i = 0; i < METHODS_N; i++)
		if (strcmp(methods_table[i].name, name) == 0) {
			methods_table[i].call(o, more, &f->state, ret);
			while (!server_work_step(ret))
				;
			json_object_put(o);
			return;
		}
	cr_assert_fail("no method %s", name);
}

/* A reply's parameters as a client reads them. */
static struct json_object *call(struct fixture *f, const char *name, const char *parameters)
{
	struct server_reply reply;
	struct json_object *o = NULL;

	call_raw(f, name, parameters, false, &reply);
	cr_assert_null(reply.error, "%s: %s", reply.error,
		       json_object_to_json_string(reply.parameters));
	cr_assert(reply.parameters);
	o = json_tokener_parse(json_object_to_json_string_ext(reply.parameters, OBJECT_FORMAT));
	server_reply_done(&reply);
	cr_assert(o);
	return o;
}

static void expect_error(struct fixture *f, const char *name, const char *parameters,
			 const char *error, const char *parameter)
{
	struct json_object *message = NULL, *value = NULL;
	struct server_reply reply;

	call_raw(f, name, parameters, true, &reply);
	cr_assert(reply.error, "%s %s", name, parameters);
	cr_expect_str_eq(reply.error, error, "%s: %s", parameters, reply.error);
	cr_expect_not(reply.watch);
	cr_assert(reply.parameters);
	cr_expect(json_object_object_get_ex(reply.parameters, "message", &message));
	cr_expect_gt(json_object_get_string_len(message), 10);
	if (parameter) {
		cr_assert(json_object_object_get_ex(reply.parameters, "parameter", &value));
		cr_expect_str_eq(json_object_get_string(value), parameter, "%s", parameters);
	}
	server_reply_done(&reply);
}

static struct json_object *list_of(struct json_object *o, const char *key)
{
	struct json_object *list = NULL;

	cr_assert(json_object_object_get_ex(o, key, &list));
	cr_assert(json_object_is_type(list, json_type_array));
	return list;
}

static int64_t field(struct json_object *o, const char *key)
{
	struct json_object *value;

	cr_assert(json_object_object_get_ex(o, key, &value), "%s", key);
	return json_object_get_int64(value);
}

static int64_t sum_of(struct json_object *rows)
{
	int64_t sum = 0;

	for (size_t i = 0; i < json_object_array_length(rows); i++)
		sum += field(json_object_array_get_idx(rows, i), "count");
	return sum;
}

Test(methods, list_gives_all_rows_and_totals)
{
	struct json_object *o, *totals;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.List", "{}");
	cr_expect_eq(f.refreshed, 1);
	cr_expect_eq(json_object_array_length(list_of(o, "rows")), 6);
	cr_expect_eq(sum_of(list_of(o, "rows")), N);
	json_object_object_get_ex(o, "totals", &totals);
	cr_expect_eq(field(totals, "sent"), N / 2);
	cr_expect_eq(field(totals, "received"), N / 2);
	json_object_put(o);
	teardown(&f);
}

Test(methods, list_takes_every_parameter)
{
	struct json_object *o, *row;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.List",
		 "{\"by\":\"port\",\"sort\":\"port\",\"limit\":2,\"filter\":\"port > 1000\"}");
	cr_expect_eq(json_object_array_length(list_of(o, "rows")), 2);
	row = json_object_array_get_idx(list_of(o, "rows"), 0);
	cr_expect_eq(field(row, "port"), 1001);
	cr_expect_eq(field(row, "count"), N / 3);
	json_object_put(o);

	o = call(&f, "io.rstmon.List", "{\"since\":\"10m\",\"by\":null,\"limit\":null}");
	cr_expect_eq(sum_of(list_of(o, "rows")), N);
	json_object_put(o);
	o = call(&f, "io.rstmon.List", "{\"since\":\"2026-11-22T08:30:00Z\"}");
	cr_expect_eq(sum_of(list_of(o, "rows")), 0);
	json_object_put(o);
	o = call(&f, "io.rstmon.List", "{\"by\":\"peer\"}");
	cr_expect_eq(sum_of(list_of(o, "rows")), N);
	json_object_put(o);
	o = call(&f, "io.rstmon.List", "{\"filter\":\"  \"}");
	cr_expect_eq(sum_of(list_of(o, "rows")), N);
	json_object_put(o);
	teardown(&f);
}

static void expect_text(struct json_object *o, const char *key, const char *expected)
{
	struct json_object *value = NULL;

	cr_expect_eq(json_object_object_get_ex(o, key, &value), expected != NULL, "%s", key);
	if (expected && value)
		cr_expect_str_eq(json_object_get_string(value), expected);
}

static void expect_span(struct fixture *f, const char *parameters, const char *from, bool partial)
{
	struct json_object *o = call(f, "io.rstmon.List", parameters), *value = NULL;

	expect_text(o, "from", from);
	cr_expect_eq(json_object_object_get_ex(o, "partial", &value), partial, "%s", parameters);
	json_object_put(o);
}

/* SAMPLE_TIME is 07:31:36.123456, now is 07:32:06.123456 */
Test(methods, list_tells_since_when_it_counts)
{
	struct json_object *o, *totals;
	struct fixture f;

	setup(&f);
	expect_span(&f, "{}", NULL, false);
	expect_span(&f, "{\"since\":\"2m\"}", "2026-11-22T07:30:00.000000Z", false);
	f.state.started = SAMPLE_TIME - 10 * NSEC_PER_SEC;
	expect_span(&f, "{}", "2026-11-22T07:31:26.123456Z", false);
	expect_span(&f, "{\"since\":\"10s\"}", "2026-11-22T07:31:26.123456Z", false);
	expect_span(&f, "{\"since\":\"2m\"}", "2026-11-22T07:31:26.123456Z", true);
	expect_span(&f, "{\"since\":\"5s\"}", "2026-11-22T07:32:00.000000Z", false);
	o = call(&f, "io.rstmon.List", "{\"since\":\"5s\"}");
	cr_assert(json_object_object_get_ex(o, "totals", &totals));
	expect_text(totals, "from", "2026-11-22T07:31:26.123456Z");
	json_object_put(o);
	teardown(&f);
}

Test(methods, last_tells_what_is_kept)
{
	struct json_object *o;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.Last", "{\"limit\":3,\"filter\":\"port 9\"}");
	cr_expect_eq(field(o, "kept"), N);
	expect_text(o, "oldest", "2026-11-22T07:31:36.123456Z");
	json_object_put(o);
	recent_free(f.state.recent);
	cr_assert_eq(recent_new(&f.state.recent), 0);
	o = call(&f, "io.rstmon.Last", "{}");
	cr_expect_eq(field(o, "kept"), 0);
	expect_text(o, "oldest", NULL);
	json_object_put(o);
	teardown(&f);
}

#define INVALID "org.varlink.service.InvalidParameter"

Test(methods, refuses_unknown_and_wrong_parameters)
{
	struct fixture f;

	setup(&f);
	expect_error(&f, "io.rstmon.List", "{\"bye\":\"port\"}", INVALID, "bye");
	expect_error(&f, "io.rstmon.List", "{\"by\":\"port\",\"x\":null}", INVALID, "x");
	expect_error(&f, "io.rstmon.List", "{\"by\":\"ports\"}", INVALID, "by");
	expect_error(&f, "io.rstmon.List", "{\"by\":1}", INVALID, "by");
	expect_error(&f, "io.rstmon.List", "{\"by\":\"port\\u0000s\"}", INVALID, "by");
	expect_error(&f, "io.rstmon.List", "{\"sort\":\"\"}", INVALID, "sort");
	expect_error(&f, "io.rstmon.List", "{\"limit\":\"3\"}", INVALID, "limit");
	expect_error(&f, "io.rstmon.List", "{\"limit\":-1}", INVALID, "limit");
	expect_error(&f, "io.rstmon.List", "{\"limit\":1.5}", INVALID, "limit");
	expect_error(&f, "io.rstmon.List", "{\"limit\":2147483648}", INVALID, "limit");
	expect_error(&f, "io.rstmon.List", "{\"limit\":99999999999999999999}", INVALID, "limit");
	expect_error(&f, "io.rstmon.List", "{\"since\":\"yesterday\"}", INVALID, "since");
	expect_error(&f, "io.rstmon.List", "{\"since\":10}", INVALID, "since");
	expect_error(&f, "io.rstmon.List", "{\"filter\":[]}", INVALID, "filter");
	expect_error(&f, "io.rstmon.List", "{\"by\":\"peer\",\"since\":\"5m\"}", INVALID, "since");
	expect_error(&f, "io.rstmon.List", "{\"by\":\"peer\",\"filter\":\"port 1\"}", INVALID,
		     "filter");
	expect_error(&f, "io.rstmon.Last", "{\"sort\":\"pid\"}", INVALID, "sort");
	expect_error(&f, "io.rstmon.Last", "{\"until\":true}", INVALID, "until");
	expect_error(&f, "io.rstmon.Watch", "{\"last\":-1}", INVALID, "last");
	expect_error(&f, "io.rstmon.Watch", "{\"limit\":1}", INVALID, "limit");
	expect_error(&f, "io.rstmon.Why", "{\"by\":\"port\"}", INVALID, "by");
	expect_error(&f, "io.rstmon.Why", "{\"limit\":-1}", INVALID, "limit");
	expect_error(&f, "io.rstmon.Why", "{\"since\":1}", INVALID, "since");
	expect_error(&f, "io.rstmon.Explain", "{\"cause\":1}", INVALID, "cause");
	expect_error(&f, "io.rstmon.Explain", "{\"cause\":\"\"}", INVALID, "cause");
	expect_error(&f, "io.rstmon.Explain", "{\"cause\":\"zzzz\",\"x\":1}", INVALID, "x");
	expect_error(&f, "io.rstmon.Status", "{\"x\":1}", INVALID, "x");
	expect_error(&f, "io.rstmon.Metrics", "{\"text\":\"\"}", INVALID, "text");
	cr_expect_leq(f.refreshed, 2, "nothing is done for a call that is refused");
	teardown(&f);
}

Test(methods, refuses_a_bad_filter_with_its_place)
{
	static const char bad[] = "io.rstmon.BadFilter";
	struct fixture f;

	setup(&f);
	expect_error(&f, "io.rstmon.List", "{\"filter\":\"port\"}", bad, NULL);
	expect_error(&f, "io.rstmon.List", "{\"filter\":\"peer 10.0.0.1\"}", bad, NULL);
	expect_error(&f, "io.rstmon.Last", "{\"filter\":\"colour red\"}", bad, NULL);
	expect_error(&f, "io.rstmon.Why", "{\"filter\":\"peer 10.0.0.1\"}", bad, NULL);
	expect_error(&f, "io.rstmon.Watch", "{\"filter\":\"(port 1\"}", bad, NULL);
	expect_error(&f, "io.rstmon.Watch", "{\"filter\":\"port 1\",\"x\":1}", INVALID, "x");
	teardown(&f);
}

static void expect_last(struct fixture *f, const char *parameters, size_t n, const char *newest)
{
	struct json_object *o = call(f, "io.rstmon.Last", parameters), *list, *time;

	list = list_of(o, "resets");
	cr_expect_eq(json_object_array_length(list), n, "%s: %zu", parameters,
		     json_object_array_length(list));
	if (newest) {
		json_object_object_get_ex(json_object_array_get_idx(list, 0), "time", &time);
		cr_expect_str_eq(json_object_get_string(time), newest);
	}
	json_object_put(o);
}

Test(methods, last_gives_the_newest_first)
{
	struct fixture f;

	setup(&f);
	expect_last(&f, "{}", 20, "2026-11-22T07:32:05.123456Z");
	expect_last(&f, "{\"limit\":3}", 3, "2026-11-22T07:32:05.123456Z");
	expect_last(&f, "{\"limit\":0}", N, "2026-11-22T07:32:05.123456Z");
	expect_last(&f, "{\"filter\":\"port 1000 and direction sent\"}", N / 6,
		    "2026-11-22T07:32:00.123456Z");
	expect_last(&f, "{\"filter\":\"peer 192.0.2.0/24\",\"limit\":5}", 5, NULL);
	expect_last(&f, "{\"filter\":\"peer 10.0.0.0/8\"}", 0, NULL);
	expect_last(&f, "{\"since\":\"5s\"}", 5, "2026-11-22T07:32:05.123456Z");
	expect_last(&f, "{\"until\":\"2026-11-22T07:31:38.5Z\"}", 3, "2026-11-22T07:31:38.123456Z");
	expect_last(&f, "{\"since\":\"2026-11-22T07:31:38Z\",\"until\":\"2026-11-22T07:31:40Z\"}",
		    2, "2026-11-22T07:31:39.123456Z");
	teardown(&f);
}

Test(methods, last_gives_all_that_are_kept)
{
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < RSTMON_RECENT_MAX + 10; i++)
		add(&f, i);
	expect_last(&f, "{\"limit\":0}", RSTMON_RECENT_MAX, NULL);
	teardown(&f);
}

Test(methods, watch_needs_more)
{
	struct server_reply reply;
	struct fixture f;

	setup(&f);
	call_raw(&f, "io.rstmon.Watch", "{}", false, &reply);
	cr_assert(reply.error);
	cr_expect_str_eq(reply.error, "org.varlink.service.ExpectedMore");
	cr_expect_not(reply.watch);
	server_reply_done(&reply);

	call_raw(&f, "io.rstmon.Watch", "{}", true, &reply);
	cr_expect_null(reply.error);
	cr_expect(reply.watch);
	cr_expect_null(reply.filter);
	cr_expect_eq(reply.n_backlog, 0);
	server_reply_done(&reply);
	teardown(&f);
}

Test(methods, watch_shows_the_latest_that_match_oldest_first)
{
	struct json_object *o, *time;
	struct server_reply reply;
	struct fixture f;

	setup(&f);
	call_raw(&f, "io.rstmon.Watch", "{\"filter\":\"direction sent\",\"last\":2}", true, &reply);
	cr_expect(reply.watch);
	cr_expect(reply.filter);
	cr_assert_eq(reply.n_backlog, 2);
	o = json_tokener_parse(json_object_to_json_string(reply.backlog[0]));
	json_object_object_get_ex(o, "time", &time);
	cr_expect_str_eq(json_object_get_string(time), "2026-11-22T07:32:02.123456Z");
	json_object_put(o);
	o = json_tokener_parse(json_object_to_json_string(reply.backlog[1]));
	json_object_object_get_ex(o, "time", &time);
	cr_expect_str_eq(json_object_get_string(time), "2026-11-22T07:32:04.123456Z");
	json_object_put(o);
	cr_expect_eq(reply.dropped, 0);
	server_reply_done(&reply);
	teardown(&f);
}

static unsigned int two_untold(void *userdata)
{
	(void)userdata;
	return 2;
}

Test(methods, watch_leaves_what_is_still_to_be_told)
{
	struct server_reply reply;
	struct fixture f;

	setup(&f);
	f.state.untold = two_untold;
	call_raw(&f, "io.rstmon.Watch", "{\"last\":1000}", true, &reply);
	cr_assert_eq(reply.n_backlog, N - 2);
	server_reply_done(&reply);
	teardown(&f);
}

Test(methods, watch_makes_no_more_backlog_than_a_queue_takes)
{
	struct server_reply reply;
	struct fixture f;

	setup(&f);
	for (unsigned int i = 0; i < RSTMON_RECENT_MAX; i++)
		add(&f, i);
	call_raw(&f, "io.rstmon.Watch", "{\"last\":1000000}", true, &reply);
	cr_expect(reply.watch);
	cr_expect_gt(reply.n_backlog, 100);
	cr_expect_gt(reply.dropped, 0);
	cr_expect_eq(reply.n_backlog + reply.dropped, RSTMON_RECENT_MAX);
	server_reply_done(&reply);
	teardown(&f);
}

static void counters(void *userdata, uint64_t *ret_embryonic, uint64_t *ret_ignored)
{
	struct fixture *f = userdata;

	cr_expect_gt(f->refreshed, 0);
	*ret_embryonic = 5;
	*ret_ignored = 0;
}

Test(methods, why_tells_stories)
{
	struct json_object *o, *story;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.Why", "{}");
	cr_expect_eq(json_object_array_length(list_of(o, "stories")), 3);
	cr_expect_eq(sum_of(list_of(o, "stories")), N);
	cr_expect_eq(json_object_array_length(list_of(o, "incidents")), 0);
	cr_expect_eq(json_object_array_length(list_of(o, "counters")), 0);
	cr_expect_eq(field(o, "rest"), 0);
	json_object_put(o);

	f.state.counters = counters;
	o = call(&f, "io.rstmon.Why", "{\"limit\":1,\"since\":\"5m\"}");
	cr_expect_eq(json_object_array_length(list_of(o, "stories")), 1);
	story = json_object_array_get_idx(list_of(o, "stories"), 0);
	cr_expect_eq(field(o, "rest"), N - field(story, "count"));
	cr_expect_eq(field(o, "more"), 2);
	cr_expect_eq(field(json_object_array_get_idx(list_of(o, "counters"), 0), "count"), 5);
	expect_text(o, "from", "2026-11-22T07:27:00.000000Z");
	json_object_put(o);

	o = call(&f, "io.rstmon.Why", "{\"filter\":\"port 1001 and direction sent\"}");
	cr_expect_eq(sum_of(list_of(o, "stories")), N / 6);
	cr_expect_eq(json_object_array_length(list_of(o, "counters")), 0,
		     "a filter knows nothing of counters");
	json_object_put(o);
	o = call(&f, "io.rstmon.Why", "{\"filter\":\"port 9\"}");
	cr_expect_eq(json_object_array_length(list_of(o, "stories")), 0);
	json_object_put(o);
	teardown(&f);
}

Test(methods, explain_gives_one_cause_or_all)
{
	struct json_object *o, *causes;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.Explain", "{}");
	causes = list_of(o, "causes");
	cr_expect_eq(json_object_array_length(causes), RST_CAUSE_MAX);
	expect_text(json_object_array_get_idx(causes, 0), "cause", "unknown");
	json_object_put(o);
	o = call(&f, "io.rstmon.Explain", "{\"cause\":\"linger_zero\"}");
	causes = list_of(o, "causes");
	cr_assert_eq(json_object_array_length(causes), 1);
	expect_text(json_object_array_get_idx(causes, 0), "cause", "linger_zero");
	json_object_put(o);
	teardown(&f);
}

Test(methods, explain_names_the_nearest)
{
	struct json_object *message;
	struct server_reply reply;
	struct fixture f;

	setup(&f);
	call_raw(&f, "io.rstmon.Explain", "{\"cause\":\"lingerzero\"}", false, &reply);
	cr_assert(reply.error);
	cr_assert(json_object_object_get_ex(reply.parameters, "message", &message));
	cr_expect(strstr(json_object_get_string(message), "did you mean linger_zero?"));
	server_reply_done(&reply);
	teardown(&f);
}

Test(methods, status_and_metrics_answer)
{
	struct json_object *o, *text;
	struct fixture f;

	setup(&f);
	o = call(&f, "io.rstmon.Status", "{}");
	cr_expect_eq(field(o, "rows"), 6);
	json_object_put(o);

	o = call(&f, "io.rstmon.Metrics", "{}");
	cr_expect_eq(json_object_object_length(o), 1);
	cr_assert(json_object_object_get_ex(o, "text", &text));
	cr_expect(strstr(json_object_get_string(text),
			 "rstmon_resets_total{direction=\"sent\",cause=\"closed_port\","
			 "unit=\"nginx.service\",port=\"1000\"} 5\n"));
	json_object_put(o);
	teardown(&f);
}

/* ---- answers in parts ---- */

/* Asks, lets 'between' happen after the first part, and takes the rest. */
static struct json_object *call_in_parts(struct fixture *f, const char *name,
					 void (*between)(struct fixture *))
{
	struct json_object *parameters = json_tokener_parse("{\"limit\":0}"), *o;
	struct server_reply reply = {0};

	for (size_t i = 0; i < METHODS_N; i++)
		if (strcmp(methods_table[i].name, name) == 0)
			methods_table[i].call(parameters, false, &f->state, &reply);
	cr_assert(reply.work, "it takes more than one turn");
	cr_expect_gt(reply.work->bytes, 0);
	cr_assert_null(reply.parameters);
	between(f);
	while (!server_work_step(&reply))
		;
	cr_assert(reply.parameters);
	o = json_tokener_parse(json_object_to_json_string_ext(reply.parameters, OBJECT_FORMAT));
	server_reply_done(&reply);
	json_object_put(parameters);
	return o;
}

static void add_ports(struct fixture *f, unsigned int first, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct finding finding = sample_finding();

		finding.reset.port = (uint16_t)(first + i);
		finding.owner.pid = 0;
		finding.owner.comm[0] = '\0';
		finding.reset.owner_tgid = 0;
		finding.owner.source = RST_OWNER_NONE;
		tally_add(f->state.tally, &finding);
		recent_add(f->state.recent, &finding);
	}
}

static void wipe_the_tally(struct fixture *f)
{
	memset(f->memory, 0xff, tally_size());
}

/* The rows of the moment of the question, whatever comes later. */
Test(methods, a_long_list_is_of_one_moment)
{
	struct json_object *o, *rows;
	struct fixture f;

	setup(&f);
	add_ports(&f, 10000, 500);
	o = call_in_parts(&f, "io.rstmon.List", wipe_the_tally);
	rows = list_of(o, "rows");
	cr_expect_eq(json_object_array_length(rows), 506);
	cr_expect_eq(sum_of(rows), N + 500);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *comm, *row = json_object_array_get_idx(rows, i);

		cr_assert(json_object_object_get_ex(row, "comm", &comm));
		cr_expect_str_eq(json_object_get_string(comm),
				 field(row, "pid") ? sample_finding().owner.comm : "");
	}
	json_object_put(o);
	teardown(&f);
}

static void one_more(struct fixture *f)
{
	add_ports(f, 1, 1);
}

static void all_but_100(struct fixture *f)
{
	add_ports(f, 1, RSTMON_RECENT_MAX - 100);
}

/* The newest of the moment of the question come first, and there is no gap. */
Test(methods, a_long_last_has_no_gap)
{
	static const struct {
		void (*between)(struct fixture *);
		unsigned int expected;
	} cases[] = {{one_more, N + 500}, {all_but_100, 100}};

	for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
		struct json_object *o, *resets;
		struct fixture f;

		setup(&f);
		add_ports(&f, 10000, 500);
		o = call_in_parts(&f, "io.rstmon.Last", cases[c].between);
		resets = list_of(o, "resets");
		cr_assert_eq(json_object_array_length(resets), cases[c].expected);
		for (unsigned int i = 0; i < MIN(cases[c].expected, 500u); i++)
			cr_expect_eq(field(json_object_array_get_idx(resets, i), "port"),
				     10499 - i);
		json_object_put(o);
		teardown(&f);
	}
}

/* A client that goes away in the middle of it leaves nothing behind. */
Test(methods, a_long_answer_may_be_given_up)
{
	static const char *const names[] = {"io.rstmon.List", "io.rstmon.Last"};
	struct fixture f;

	setup(&f);
	add_ports(&f, 10000, 500);
	for (size_t c = 0; c < ARRAY_SIZE(names); c++) {
		struct json_object *parameters = json_tokener_parse("{\"limit\":0}");
		struct server_reply reply = {0};

		for (size_t i = 0; i < METHODS_N; i++)
			if (strcmp(methods_table[i].name, names[c]) == 0)
				methods_table[i].call(parameters, false, &f.state, &reply);
		cr_expect(reply.work);
		server_reply_done(&reply);
		json_object_put(parameters);
	}
	teardown(&f);
}
