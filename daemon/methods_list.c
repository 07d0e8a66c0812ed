/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the socket answers to List. The rows are taken at once and made into JSON in parts, so that
 * the ring does not wait for 8,192 of them. It must not format, and not read the core's state but
 * through report.h. Proved by tests/unit/daemon/methods.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/methods_arguments.h"
#include "daemon/methods_parts.h"
#include "daemon/object.h"
#include "daemon/publish.h"

#define ROWS_PER_TURN 128 /* about two milliseconds */
#define ROW_BYTES     512 /* of JSON, more than usual */
#define MINUTE_NS     (60 * NSEC_PER_SEC)

struct list_work {
	struct server_work work;
	struct report_list list;
	enum report_by by;
	char *texts; /* of the rows, when the tally may change */
	struct json_object *rows, *timeouts;
	size_t done; /* rows and time-outs that are in there */
	bool failed;
};

static void filter_freep(struct filter **f)
{
	filter_free(*f);
}

static void list_free(struct server_work *work)
{
	struct list_work *w = (struct list_work *)work;

	if (!w)
		return;
	report_list_done(&w->list);
	json_object_put(w->rows);
	json_object_put(w->timeouts);
	free(w->texts);
	free(w);
}

static void list_freep(struct list_work **w)
{
	list_free((struct server_work *)*w);
}

static void append(struct list_work *w, struct json_object *array, const struct report_row *row)
{
	struct object o = {};

	object_append(&o, array, methods_as_text(publish_row(row, w->by)));
	w->failed |= o.failed;
}

static bool list_step(struct server_work *work, struct server_reply *ret)
{
	struct list_work *w = (struct list_work *)work;
	const struct report_list *l = &w->list;
	size_t all = l->n + l->n_timeouts, end = MIN(all, w->done + ROWS_PER_TURN);

	for (; w->done < end && !w->failed; w->done++) {
		if (w->done < l->n)
			append(w, w->rows, &l->rows[w->done]);
		else
			append(w, w->timeouts, &l->timeouts[w->done - l->n]);
	}
	if (w->failed)
		return true;
	if (w->done < all)
		return false;
	ret->parameters = publish_list_of(l, TAKE_PTR(w->rows), TAKE_PTR(w->timeouts));
	return true;
}

/* ---- the texts of rows that have to outlive a change of the tally ---- */

/* Where a row's texts go; rows of one process share theirs. */
struct keeper {
	char *to; /* NULL: they are only measured */
	size_t size;
	const char *last[5], *kept[5];
};

static void keep_text(struct keeper *k, unsigned int i, const char **text)
{
	size_t n = strlen(*text) + 1;

	if (*text != k->last[i]) {
		k->last[i] = *text;
		k->kept[i] = k->to ? memcpy(k->to + k->size, *text, n) : NULL;
		k->size += n;
	}
	if (k->to)
		*text = k->kept[i];
}

static size_t keep_all(struct report_list *l, char *to)
{
	struct keeper k = {.to = to};

	for (size_t i = 0; i < l->n + l->n_timeouts; i++) {
		struct tally_row *r = i < l->n ? &l->rows[i].row : &l->timeouts[i - l->n].row;

		keep_text(&k, 0, &r->comm);
		keep_text(&k, 1, &r->exe);
		keep_text(&k, 2, &r->unit);
		keep_text(&k, 3, &r->container);
		keep_text(&k, 4, &r->pod);
	}
	return k.size;
}

static int keep_texts(struct list_work *w)
{
	w->texts = malloc(keep_all(&w->list, NULL));
	if (!w->texts)
		return -ENOMEM;
	keep_all(&w->list, w->texts);
	return 0;
}

/* ---- the call ---- */

static void list_failed(int r, const struct report_query *q, struct server_reply *ret)
{
	const char *name = q->since ? "since" : "filter";

	if (r == -EOPNOTSUPP)
		server_reply_error(ret, METHODS_INVALID, "parameter", name,
				   "Peers are counted from the beginning and by nothing else: "
				   "leave out 'since' and 'filter', or use another 'by'.");
}

/* Who divides a count by a time has to know how long that really was. */
static void tell_span(struct report_list *list, const struct report_query *q, uint64_t started)
{
	list->started = started;
	list->from = MAX(q->since - q->since % MINUTE_NS, started);
	if (q->since > 0 && list->from > q->since)
		list->partial = true;
}

static struct list_work *list_new(void)
{
	_cleanup_(list_freep) struct list_work *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->work = (struct server_work){.step = list_step, .free = list_free};
	w->rows = json_object_new_array();
	w->timeouts = json_object_new_array();
	return w->rows && w->timeouts ? TAKE_PTR(w) : NULL;
}

void methods_list(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret)
{
	static const char *const known[] = {"by", "sort", "limit", "since", "filter", NULL};
	_cleanup_(filter_freep) struct filter *filter = NULL;
	_cleanup_(list_freep) struct list_work *w = list_new();
	struct arguments a = {.json = parameters, .reply = ret};
	struct methods_state *s = userdata;
	struct report_query q = {.now = s->now(s->userdata)};
	int r;

	(void)more;
	q.by = arguments_word(&a, "by", report_by_parse,
			      "The parameter must be process, port, cause, unit or peer.");
	q.sort = arguments_word(
		&a, "sort", report_sort_parse,
		"The parameter must be count, last, first, pid, comm, unit, port, cause or "
		"direction.");
	q.limit = arguments_number(&a, "limit", 0);
	q.since = arguments_time(&a, "since", q.now, 0);
	q.filter = filter = arguments_filter(&a, FILTER_ROWS);
	if (!arguments_done(&a, known))
		return;

	methods_refresh(s, ret);
	if (!w)
		return;
	w->by = q.by;
	r = report_list(s->tally, s->peers, &q, &w->list);
	if (!r && s->losses)
		s->losses(s->userdata, w->list.totals.spilled, w->list.totals.lost);
	if (r < 0) {
		list_failed(r, &q, ret);
		return;
	}
	tell_span(&w->list, &q, s->started);
	if (list_step(&w->work, ret) || keep_texts(w) < 0)
		return;
	w->work.bytes = (w->list.n + w->list.n_timeouts) * ROW_BYTES;
	ret->work = &TAKE_PTR(w)->work;
}
