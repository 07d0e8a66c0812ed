/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines of watchers. A finding waits here until its turn, because to make a line takes many times
 * what it takes to read a record; what was published first is told first. It must never make the
 * ring wait, and never lose a line without telling. Proved by tests/unit/daemon/server.c and
 * tests/live/load.c.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/epoll.h>

#include "daemon/publish.h"
#include "daemon/report.h"
#include "daemon/server_internal.h"

#define LINES_PER_TURN 32 /* about a millisecond */
/* So many watchers cost as much to tell as a line costs to make. */
#define WATCHERS_PER_LINE 16

struct waiting {
	struct waiting *next;
	uint64_t number;
	struct finding finding;
};

/* A line on its way to the watchers: made once, at the first who has room; so is that of those who
 * have missed the same number. */
struct publication {
	const struct waiting *waiting;
	struct json_object *json;
	struct varlink_text *text, *dropped_text;
	uint64_t dropped;
};

/* Lines that came due since the last time. The loop's clock stands still during a turn, so that one
 * turn takes no more than a burst. */
static void refill_lines(struct server *s)
{
	unsigned int rate = s->limits.lines_per_second;
	uint64_t now, due;

	if (sd_event_now(s->event, CLOCK_MONOTONIC, &now) < 0)
		return;
	due = MIN(now - s->lines_time, (uint64_t)1000000) * rate / 1000000;
	if (due == 0)
		return;
	s->lines = (unsigned int)MIN(s->lines + due, (uint64_t)RSTMON_WATCH_LINES_BURST);
	s->lines_time = now;
}

/* False in a flood, and while clients do not take what there is. */
static bool may_make_lines(struct server *s)
{
	if (server_busy(s))
		return false;
	/* Some at a time, and what is lost is lost between two of them. */
	if (s->flooded && s->n_waiting > 0)
		return false;
	refill_lines(s);
	return !s->flooded || s->lines >= RSTMON_WATCH_LINES_BURST / 4;
}

/* In a flood calls have their turns between lines. */
static void set_flooded(struct server *s, bool flooded)
{
	if (s->flooded == flooded)
		return;
	s->flooded = flooded;
	server_source_behind(s->making, !flooded);
}

/* True if one more line may be made for so many; takes it. */
static bool take_line(struct server *s, unsigned int watchers)
{
	unsigned int cost = 1 + watchers / WATCHERS_PER_LINE;

	set_flooded(s, s->lines < cost);
	if (s->flooded)
		return false;
	s->lines -= cost;
	return true;
}

static int wait_for_turn(struct server *s, const struct finding *f)
{
	struct waiting *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->next = NULL;
	w->number = ++s->published;
	w->finding = *f;
	*s->waiting_last = w;
	s->waiting_last = &w->next;
	s->n_waiting++;
	sd_event_source_set_enabled(s->making, SD_EVENT_ONESHOT);
	return 0;
}

static void drop_first(struct server *s)
{
	struct waiting *w = s->waiting;

	s->waiting = w->next;
	if (!s->waiting)
		s->waiting_last = &s->waiting;
	s->n_waiting--;
	free(w);
}

static bool wants(const struct client *c, const struct finding *f)
{
	return c->watching && (!c->filter || report_match_finding(c->filter, f));
}

/* What is lost comes behind what waits. */
static void lose(struct server *s, const struct finding *f)
{
	bool later = s->n_waiting > 0;
	uint64_t n = 0;

	for (struct client *c = s->clients; c; c = c->next) {
		if (!wants(c, f))
			continue;
		if (later)
			c->dropped_later++;
		else
			c->dropped++;
		n++;
	}
	s->stats.dropped += n;
}

void server_publish(struct server *s, const struct finding *f)
{
	unsigned int ready = 0, all = 0;

	if (!server_has_watchers(s))
		return;
	if (!may_make_lines(s)) {
		lose(s, f);
		return;
	}
	for (const struct client *c = s->clients; c; c = c->next)
		if (wants(c, f)) {
			all++;
			ready += !c->choked;
		}
	/* who does not read takes no line from the others */
	if (all > 0 && (ready == 0 || !take_line(s, ready) || wait_for_turn(s, f) < 0))
		lose(s, f);
}

/* The line with what a client has missed. */
static struct varlink_text *text_with_dropped(struct client *c, struct publication *p)
{
	struct json_object *n;

	if (p->dropped_text && p->dropped == c->dropped)
		return varlink_text_ref(p->dropped_text);
	n = json_object_new_int64((int64_t)c->dropped);
	if (json_object_object_add(p->json, "dropped", n) < 0) {
		json_object_put(n);
		return NULL;
	}
	varlink_text_unref(p->dropped_text);
	p->dropped_text = varlink_reply(p->json, true, &c->server->text_bytes);
	p->dropped = c->dropped;
	json_object_object_del(p->json, "dropped");
	return p->dropped_text ? varlink_text_ref(p->dropped_text) : NULL;
}

/* NULL: no memory. */
static struct varlink_text *text_for(struct client *c, struct publication *p)
{
	if (!p->json)
		p->json = publish_reset(&p->waiting->finding);
	if (!p->json)
		return NULL;
	if (c->dropped > 0)
		return text_with_dropped(c, p);
	if (!p->text)
		p->text = varlink_reply(p->json, true, &c->server->text_bytes);
	return p->text ? varlink_text_ref(p->text) : NULL;
}

static void tell(struct client *c, struct publication *p)
{
	struct varlink_text *text = NULL;

	if (!c->choked)
		text = text_for(c, p);
	if (text && !client_has_room(c, text)) {
		c->choked = true;
		varlink_text_unref(TAKE_PTR(text));
	}
	if (!text || client_queue(c, text) < 0) {
		c->dropped++;
		c->server->stats.dropped++;
		return;
	}
	c->dropped = 0;
	sd_event_source_set_io_events(c->io, EPOLLOUT);
}

static void tell_all(struct server *s, const struct waiting *w)
{
	struct publication p = {.waiting = w};

	for (struct client *c = s->clients; c; c = c->next)
		if (w->number > c->since && wants(c, &w->finding))
			tell(c, &p);
	varlink_text_unref(p.text);
	varlink_text_unref(p.dropped_text);
	json_object_put(p.json);
}

static int on_making(sd_event_source *source, void *userdata)
{
	struct server *s = userdata;

	for (unsigned int i = 0; i < LINES_PER_TURN && s->waiting; i++) {
		tell_all(s, s->waiting);
		drop_first(s);
	}
	if (s->waiting)
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	for (struct client *c = s->clients; c; c = c->next) {
		c->dropped += c->dropped_later;
		c->dropped_later = 0;
	}
	return 0;
}

int lines_new(struct server *s)
{
	int r;

	r = sd_event_add_defer(s->event, &s->making, on_making, s);
	if (r < 0)
		return r;
	r = sd_event_source_set_enabled(s->making, SD_EVENT_OFF);
	return r < 0 ? r : server_source_behind(s->making, true);
}

void lines_free(struct server *s)
{
	while (s->waiting)
		drop_first(s);
	sd_event_source_disable_unref(s->making);
}

size_t lines_memory(const struct server *s)
{
	return s->n_waiting * sizeof(struct waiting);
}
