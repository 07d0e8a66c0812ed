/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is left of a flood: every reset in its row, a sample of them as lines, and beside them what
 * is rare.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <poll.h>

#include "tests/bench/packets.h"
#include "tests/live/box.h"

#define FLOODED	     1000   /* the port */
#define FLOOD_RESETS 200000 /* at least: many times the budget of all CPUs */
#define RARE_FIRST   25001
#define RARE_PORTS   8

/* Half of the flood, then one connect() to each of the rare ports, then the rest. The number of
 * resets that the flood made. */
static long flood_with_guests(long resets)
{
	struct packets *p = packets_new(FLOODED, 1, PACKET_SYN);
	bool invited = false;
	long n = 0, r = 0;
	int64_t deadline;

	if (!p)
		return -1;
	while (n < resets && r >= 0) {
		if (n >= resets / 2 && !invited) {
			for (long port = 0; port < RARE_PORTS && r >= 0; port++)
				r = box_refused(RARE_FIRST + port);
			invited = true;
		}
		if (r >= 0)
			r = packets_round(p);
		n += r > 0 ? r : 0;
	}
	packets_free(p);
	deadline = now_ms() + 5000;
	while (netns_out_rsts(getpid()) < n + RARE_PORTS && now_ms() < deadline)
		poll(NULL, 0, 1);
	return r < 0 ? r : n;
}

static int64_t count_of(struct json_object *list, uint64_t netns, const char *direction, int port)
{
	struct json_object *rows = json_at(list, "rows");
	int64_t n = 0;

	for (size_t i = 0; rows && i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if ((uint64_t)json_int(row, "netns") == netns && json_int(row, "port") == port &&
		    !strcmp(json_str(row, "direction"), direction))
			n += json_int(row, "count");
	}
	return n;
}

/* Of the rare ports, those with a line of the sent reset. */
static unsigned int seen_ports(const struct live_daemon *d, uint64_t netns)
{
	bool seen[RARE_PORTS] = {};
	unsigned int n = 0;

	for (size_t i = 0; i < d->n; i++) {
		int64_t port = json_int(d->line[i], "port") - RARE_FIRST;

		if ((uint64_t)json_int(d->line[i], "netns") != netns || port < 0 ||
		    port >= RARE_PORTS || strcmp(json_str(d->line[i], "direction"), "sent"))
			continue;
		n += !seen[port];
		seen[port] = true;
	}
	return n;
}

Test(live, flood_is_sampled, .timeout = 300)
{
	static const char *const args[] = {"list", "-n", "100000", NULL};
	const char *impossible = live_impossible();
	static struct live_daemon d;
	struct json_object *status, *list;
	unsigned int seen;
	struct box b;
	long made;

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&d, true), 0, "rstmond does not start");
	cr_assert_eq(box_start(&b, "flood"), 0);
	made = box_call(&b, &d, flood_with_guests, FLOOD_RESETS);
	cr_assert_geq(made, FLOOD_RESETS);
	status = live_status(&d);
	list = live_cli(&d, args);
	cr_assert(status && list);

	cr_expect_eq(count_of(list, b.netns, "sent", FLOODED), made, "%lld in the row",
		     (long long)count_of(list, b.netns, "sent", FLOODED));
	for (int i = 0; i < RARE_PORTS; i++)
		cr_expect_eq(count_of(list, b.netns, "sent", RARE_FIRST + i), 1);
	cr_expect_gt(json_int(status, "spilled"), made / 2, "every reset had its record");
	cr_expect_eq(json_int(status, "lost"), 0);
	seen = seen_ports(&d, b.netns);
	fprintf(stderr, "%ld resets, %lld of them without a record; %u of %d rare ports seen\n",
		made + RARE_PORTS, (long long)json_int(status, "spilled"), seen, RARE_PORTS);
	/* one may share its counter with the flood */
	cr_expect_geq(seen, RARE_PORTS - 1);
	json_object_put(status);
	json_object_put(list);
	box_end(&b);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
}
