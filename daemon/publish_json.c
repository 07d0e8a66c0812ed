/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list as JSON: the names of the contract stand here. It must not compute: what is not in a
 * report is not told. Proved by tests/unit/daemon/publish.c, which also holds io.rstmon.varlink
 * against what is made here.
 */
#include "common/util.h"

#include "common/addr.h"
#include "common/str.h"
#include "daemon/object.h"
#include "daemon/publish.h"
#include "daemon/publish_internal.h"

void publish_time(struct object *o, const char *key, uint64_t time)
{
	char text[TIME_TEXT_MAX] = "";

	if (time > 0)
		format_time(text, sizeof(text), time);
	object_put_text(o, key, text);
}

static void put_process_row(struct object *o, const struct tally_row *r)
{
	object_put_int(o, "pid", r->pid);
	object_put_text(o, "comm", r->comm);
	object_put_text(o, "exe", r->exe);
	object_put_text(o, "unit", r->unit);
	object_put_text(o, "container", r->container);
	object_put_text(o, "pod", r->pod);
	/* of a process it says nothing: that may have sockets in several */
	if (r->pid == 0 && r->netns > 0)
		object_put_int(o, "netns", r->netns);
	object_put_int(o, "port", r->port);
	object_put_text(o, "role", role_name(r->role));
	object_put_text(o, "direction", direction_name(r->direction));
	object_put_text(o, "cause", cause_name(r->cause));
	object_put_text(o, "owner_source", owner_source_name(r->owner_source));
}

static void put_row_marks(struct object *o, const struct tally_row *r)
{
	if (r->spilled > 0)
		object_put_int(o, "spilled", (int64_t)r->spilled);
	if (r->other_ports)
		object_put_bool(o, "other_ports", true);
	if (r->folded)
		object_put_bool(o, "folded", true);
	if (r->other)
		object_put_bool(o, "other", true);
}

static void put_peer_row(struct object *o, const struct report_row *row)
{
	char text[ENDPOINT_TEXT_MAX];

	addr_format(text, sizeof(text), row->peer.address, row->peer.ipv6);
	object_put_text(o, "peer", text);
	object_put_text(o, "direction", direction_name(row->row.direction));
	object_put_int(o, "count", (int64_t)row->row.count);
	object_put_int(o, "error", (int64_t)row->error);
}

struct json_object *publish_row(const struct report_row *row, enum report_by by)
{
	const struct tally_row *r = &row->row;
	struct object o = object_start();

	if (by == REPORT_BY_PEER) {
		put_peer_row(&o, row);
		return object_finish(&o);
	}

	if (by == REPORT_BY_PROCESS)
		put_process_row(&o, r);
	else if (by == REPORT_BY_PORT)
		object_put_int(&o, "port", r->port);
	else if (by == REPORT_BY_CAUSE)
		object_put_text(&o, "cause", cause_name(r->cause));
	else
		object_put_text(&o, "unit", r->unit);
	object_put_int(&o, "count", (int64_t)r->count);
	publish_time(&o, "first", r->first);
	publish_time(&o, "last", r->last);
	put_row_marks(&o, r);
	return object_finish(&o);
}

static struct json_object *publish_totals(const struct report_list *l)
{
	const struct tally_stats *t = &l->totals;
	struct object o = object_start();

	object_put_int(&o, "sent", (int64_t)t->total[RST_SENT]);
	object_put_int(&o, "received", (int64_t)t->total[RST_RECEIVED]);
	object_put_int(&o, "spilled", (int64_t)sum_directions(t->spilled));
	object_put_int(&o, "lost", (int64_t)sum_directions(t->lost));
	object_put_int(&o, "timeouts", (int64_t)t->total[RST_TIMEOUT]);
	if (l->started > 0)
		publish_time(&o, "from", l->started);
	return object_finish(&o);
}

static struct json_object *publish_rows(const struct report_row *rows, size_t n, enum report_by by)
{
	struct object o = {.json = json_object_new_array()};

	for (size_t i = 0; i < n; i++)
		object_append(&o, o.json, publish_row(&rows[i], by));
	return object_finish(&o);
}

struct json_object *publish_list(const struct report_list *l, enum report_by by)
{
	struct json_object *rows = publish_rows(l->rows, l->n, by);

	return publish_list_of(l, rows, publish_rows(l->timeouts, l->n_timeouts, by));
}

struct json_object *publish_list_of(const struct report_list *l, struct json_object *rows,
				    struct json_object *timeouts)
{
	struct object o = object_start();

	object_put(&o, "rows", rows);
	object_put(&o, "timeouts", timeouts);
	object_put(&o, "totals", publish_totals(l));
	if (l->from > 0)
		publish_time(&o, "from", l->from);
	if (l->partial)
		object_put_bool(&o, "partial", true);
	return object_finish(&o);
}
