/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drives the stages. Must not log, tell or schedule: it has no clock and knows no client.
 * Proved by tests/golden and tests/live.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/cgroup.h"
#include "daemon/decode.h"
#include "daemon/diagnose.h"
#include "daemon/intake.h"

#define REFRESH_RECORDS 262144 /* a full ring of the largest size holds no more */
#define DRAIN_STEP	4096
#define LOSSES_NS	(100 * NSEC_PER_MSEC) /* between two sums over all CPUs */

/* ---- one reset ---- */

static void tell(struct intake *in, uint64_t ticket)
{
	const struct finding *f = recent_find(in->recent, ticket);

	if (f && in->tell)
		in->tell(f, in->userdata);
}

unsigned int intake_untold(struct intake *in)
{
	uint64_t oldest = pending_oldest(&in->pending);

	return oldest ? (unsigned int)(recent_latest(in->recent) - oldest + 1) : 0;
}

/* Telling may wait, the order of lines may not change. */
static void wait_or_tell(struct intake *in, const struct finding *f, uint64_t ticket,
			 const struct past *past, const struct host *host)
{
	uint64_t oldest;

	if (f->verdict.settled && !pending_waiting(&in->pending))
		tell(in, ticket);
	else if (pending_add(&in->pending, ticket, f->reset.monotonic,
			     f->verdict.settled ? NULL : past, host, &oldest))
		tell(in, oldest);
}

/* What is there beside the record. */
static void look_around(struct intake *in, const struct finding *f, struct past *past,
			struct host *host)
{
	history_look(in->history, &f->reset, &f->owner, past);
	*host = HOST_UNKNOWN;
	if (!in->live)
		return;
	host_seen(in->host, in->attributor, f->reset.netns, f->reset.netns_cookie, in->now);
	host_look(in->host, &f->reset, in->now, host);
	if (diagnose_wants_host(&f->reset))
		host_ask(in->host, in->attributor, &f->reset, in->now, host);
}

/* A verdict anew, its count moved and its finding changed where it is kept. */
static void change(struct intake *in, struct finding *f, uint64_t ticket,
		   const struct pending_entry *e)
{
	struct verdict verdict;
	bool moved, changed;

	if (e->dropped)
		return;
	diagnose(&f->reset, &f->owner, &e->past, &e->host, &verdict);
	moved = verdict.cause != f->verdict.cause;
	changed = moved || verdict.confidence != f->verdict.confidence;
	/* a count that is in 'other' stays there, and the cause goes with the finding all the same
	 */
	if (moved)
		tally_move(in->tally, f, verdict.cause);
	f->verdict = verdict;
	if (changed)
		history_changed(in->history, f, ticket);
}

/* The second reset of a connection was traced before the first. */
static void follow(struct intake *in, const struct finding *first, uint64_t follower)
{
	struct finding *f = recent_find(in->recent, follower);
	struct pending_entry *e = pending_find(&in->pending, follower);

	if (!f || !e || !e->known)
		return;
	history_second(first, f, &e->past);
	change(in, f, follower, e);
}

static void judge_again(struct intake *in, struct finding *f, uint64_t ticket,
			const struct pending_entry *e)
{
	enum rst_cause before = f->verdict.cause;
	uint64_t echo;

	change(in, f, ticket, e);
	echo = f->verdict.cause != before ? history_echo(in->history, f, ticket) : 0;
	if (echo)
		follow(in, f, echo);
}

/* Both ends of a connection are one story: each is judged by what the other turned out to be. The
 * one that is settled, or too old to be judged again, at least learns who the other was. */
static void meet(struct intake *in, uint64_t ticket, struct finding *f, const struct finding *other)
{
	struct pending_entry *e = pending_find(&in->pending, ticket);
	struct past past = {};

	history_other(other, &past);
	f->other = past.other;
	if (!e || !e->known || f->verdict.settled || !diagnose_other_differs(&e->past, &past))
		return;
	e->past.other = past.other;
	e->past.other_cause = past.other_cause;
	e->past.other_confidence = past.other_confidence;
	judge_again(in, f, ticket, e);
}

static void pair(struct intake *in, uint64_t ticket, uint64_t earlier)
{
	struct finding *a = recent_find(in->recent, earlier);
	struct finding *b = recent_find(in->recent, ticket);

	if (!a || !b)
		return;
	meet(in, earlier, a, b);
	meet(in, ticket, b, a);
}

/* The peer goes on: it did not send the reset that this end received. Known even long after. */
static void doubt(struct intake *in, uint64_t received)
{
	struct finding *f = recent_find(in->recent, received);
	struct pending_entry *e = pending_find(&in->pending, received);
	struct pending_entry unknown = {.host = HOST_UNKNOWN};

	if (!f)
		return;
	if (!e || !e->known)
		e = &unknown;
	e->past.aftermath = true;
	judge_again(in, f, received, e);
}

/* A finding of which nothing is known but the reset. */
static void count_finding(struct intake *in, struct finding *f, uint64_t ticket)
{
	uint64_t earlier, follower, received;
	struct host host;
	struct past past;
	bool paired;

	attribute(in->attributor, &f->reset, &f->owner);
	look_around(in, f, &past, &host);
	diagnose(&f->reset, &f->owner, &past, &host, &f->verdict);
	f->other = past.other;
	tally_add(in->tally, f);
	peers_add(in->peers, f);
	netns_counted(in->netns, f, 1);
	paired = history_note(in->history, f, ticket, &earlier);
	wait_or_tell(in, f, ticket, &past, &host);
	if (paired)
		pair(in, ticket, earlier);
	if (history_follower(in->history, &follower))
		follow(in, f, follower);
	if (history_forged(in->history, &received))
		doubt(in, received);
}

static void count(struct intake *in, const struct reset *reset)
{
	uint64_t ticket;
	struct finding *f = recent_next(in->recent, &ticket);

	f->reset = *reset;
	count_finding(in, f, ticket);
}

static void release(struct intake *in, uint64_t now)
{
	struct reset held;
	uint64_t ticket;

	while (hold_release(in->hold, now, &held))
		count(in, &held);
	while (pending_release(&in->pending, now, &ticket))
		tell(in, ticket);
}

/* ---- what turns out to be no reset ---- */

/* The finding of a reset that was counted a short while ago, and may have changed its row since. */
static struct finding *find_counted(struct intake *in, const struct reset *reset,
				    uint64_t *ret_ticket)
{
	const struct finding *newest;

	for (unsigned int i = 0; (newest = recent_get(in->recent, i)); i++) {
		if (newest->reset.socket != reset->socket ||
		    newest->reset.monotonic != reset->monotonic)
			continue;
		*ret_ticket = recent_latest(in->recent) - i;
		return recent_find(in->recent, *ret_ticket);
	}
	return NULL;
}

static void take_back(struct intake *in, const struct reset *late)
{
	struct finding alone = {.reset = *late}, *f;
	const struct host host = HOST_UNKNOWN;
	const struct past past = {};
	struct pending_entry *e;
	uint64_t ticket = 0;

	f = find_counted(in, late, &ticket);
	if (!f) {
		f = &alone;
		attribute(in->attributor, &f->reset, &f->owner);
		diagnose(&f->reset, &f->owner, &past, &host, &f->verdict);
	}
	if (tally_take_back(in->tally, f)) {
		in->unmatched_swallows++;
	} else {
		in->late_swallows++;
		netns_counted(in->netns, f, -1);
	}
	e = pending_find(&in->pending, ticket);
	if (e)
		e->dropped = true;
}

static void swallow(struct intake *in, const struct reset *sent)
{
	enum hold_answer answer;
	struct reset late;

	answer = hold_swallow(in->hold, sent, &late);
	in->unmatched_swallows += answer == HOLD_UNKNOWN;
	if (answer == HOLD_LATE_FOUND)
		take_back(in, &late);
}

static void decode_here(struct intake *in, const void *record, struct reset *ret)
{
	decode_checked(record, in->source->reasons, in->source->ops->clock_offset(in->source), ret);
}

/* One that may be no reset, or shows that another was none. */
static void handle_doubtful(struct intake *in, const void *record)
{
	struct reset reset, oldest;

	decode_here(in, record, &reset);
	if (reset.flags & RST_EVENT_MAYBE_FALSE) {
		if (hold_add(in->hold, &reset, &oldest))
			count(in, &oldest);
		return;
	}
	swallow(in, &reset);
	count(in, &reset);
}

static void handle(struct intake *in, const void *record, size_t size)
{
	const struct rst_event *e = record;
	struct finding *f;
	uint64_t ticket;

	if (decode_check(record, size)) {
		in->decode_errors++;
		return;
	}
	in->record_time = MAX(in->record_time, e->time);
	/* in the order of the kernel's clock, also when a recording is replayed */
	release(in, e->time);
	if (e->flags & (RST_EVENT_MAYBE_FALSE | RST_EVENT_SWALLOWS)) {
		handle_doubtful(in, record);
		return;
	}
	f = recent_next(in->recent, &ticket);
	decode_here(in, record, &f->reset);
	count_finding(in, f, ticket);
}

/*
 * What a kill can do here. The position is stored last, and the reader's own goes on after this has
 *returned:
 *
 *	before the row's count	the record comes again and is counted then
 *	after it, before the	it comes again and is counted twice: one too many. Whatever the kill
 *left half position		done meanwhile is about one count and takes one off at most: what
 *leaves the hold is out before it is counted, a move is first off, then on after the position	it
 *comes again and is not counted again
 *
 * Rows that become one are finished by who adopts them (tally_adopt.c).
 */
static int on_record(const void *record, size_t size, void *userdata)
{
	struct intake *in = userdata;
	uint64_t position = in->source->ops->position ? in->source->ops->position(in->source) : 0;

	if (position && position <= state_position(in->state))
		return 0;
	handle(in, record, size);
	if (position)
		state_set_position(in->state, position);
	return 0;
}

/* What was lost lately may be what a verdict lacks. */
static void look_for_losses(struct intake *in)
{
	struct source_totals totals;

	if (!in->live || (in->losses_at && in->now - in->losses_at < LOSSES_NS))
		return;
	in->losses_at = in->now;
	in->source->ops->totals(in->source, &totals);
	host_losses(in->host, totals.unread_ever, in->now);
}

int intake_drain(struct intake *in, unsigned int max)
{
	int n;

	/* what the hooks before these counted comes first: rows and totals must not mix */
	if (state_absorb_due(in->state))
		return 0;
	look_for_losses(in);
	n = in->source->ops->drain(in->source, max, on_record, in);
	in->ended |= n == -ENODATA;
	/* while more records wait, the twin or the other end of one may be the next: then only
	 * their own time counts (on_record), and always in a recording */
	if (in->ended)
		release(in, UINT64_MAX);
	else if (n >= 0 && (unsigned int)n < max && in->live)
		release(in, in->now);
	return n;
}

void intake_finish(struct intake *in)
{
	intake_refresh(in);
	release(in, UINT64_MAX);
}

bool intake_waiting(const struct intake *in)
{
	return hold_waiting(in->hold) || pending_waiting(&in->pending);
}

void intake_tick(struct intake *in, history_incident_fn fn, void *userdata)
{
	uint64_t now = in->live ? in->now : in->ended ? UINT64_MAX : in->record_time;

	history_tick(in->history, now, fn, userdata);
}

/* ---- the spilled ---- */

/* A slot's key decides its row as a record's would, as far as a key can. */
static void add_slot(struct intake *in, const struct rst_slot *slot, int64_t offset)
{
	const struct host host = HOST_UNKNOWN;
	const struct past past = {};
	struct finding f = {};
	uint64_t spilled = __atomic_load_n(&slot->count, __ATOMIC_RELAXED);

	if (!spilled || decode_key(&slot->key, in->source->reasons, &f.reset))
		return;
	f.reset.monotonic = in->now; /* what bounds questions about names is a rate */
	memcpy(f.reset.owner_comm, slot->comm, sizeof(f.reset.owner_comm) - 1);
	f.reset.cgroup = slot->cgroup;
	attribute(in->attributor, &f.reset, &f.owner);
	diagnose(&f.reset, &f.owner, &past, &host, &f.verdict);
	netns_spilled(in->netns, &f, spilled);
	tally_spill_add(in->tally, &f, spilled, slot->first + (uint64_t)offset,
			slot->last + (uint64_t)offset);
}

static size_t n_slots(struct source *source)
{
	if (!source->ops->slots(source))
		return 0;
	return source->ops->n_slots ? source->ops->n_slots(source) : RST_SLOTS;
}

static void read_slots_of(struct intake *in, struct source *source,
			  const struct source_totals *totals)
{
	const struct rst_slot *slots = source->ops->slots(source);
	int64_t offset = source->ops->clock_offset(source);

	tally_spill_begin(in->tally);
	netns_spill_begin(in->netns);
	for (size_t i = 0; i < n_slots(source); i++)
		if (__atomic_load_n(&slots[i].ready, __ATOMIC_ACQUIRE))
			add_slot(in, &slots[i], offset);
	tally_spill_end(in->tally, totals->lost, in->realtime);
}

static void read_slots(struct intake *in)
{
	struct source_totals totals;

	/* the rows still have what the slots of the hooks before these say */
	if (state_absorb_due(in->state))
		return;
	in->source->ops->totals(in->source, &totals);
	if (!in->source->ops->slots(in->source) || totals.unread_ever == in->unread_seen)
		return;
	in->unread_seen = totals.unread_ever;
	read_slots_of(in, in->source, &totals);
}

void intake_refresh(struct intake *in)
{
	unsigned int handled = 0;
	int n;

	do {
		n = intake_drain(in, DRAIN_STEP);
		handled += n > 0 ? (unsigned int)n : 0;
	} while (n > 0 && handled < REFRESH_RECORDS);
	read_slots(in);
}

/* ---- hooks before these ---- */

struct absorption {
	struct intake *in;
	struct source *old;
};

/* A record of another version, of which only the head can be read: its row, its time. */
static int decode_head(struct absorption *a, const void *record, size_t size, struct reset *ret)
{
	struct rst_event e;
	int r;

	if (size < offsetof(struct rst_event, local))
		return -EBADMSG;
	memcpy(&e, record, offsetof(struct rst_event, local));
	r = decode_key(&e.key, a->in->source->reasons, ret);
	if (r)
		return r;
	ret->monotonic = e.time;
	ret->time = e.time + (uint64_t)a->old->ops->clock_offset(a->old);
	return 0;
}

/* Counts and keeps, and no more: whom it is about is not known well enough to pair it. */
static void count_alone(struct intake *in, const struct reset *reset)
{
	const struct host host = HOST_UNKNOWN;
	const struct past past = {};
	struct finding *f;
	uint64_t ticket;

	f = recent_next(in->recent, &ticket);
	f->reset = *reset;
	attribute(in->attributor, &f->reset, &f->owner);
	diagnose(&f->reset, &f->owner, &past, &host, &f->verdict);
	tally_add(in->tally, f);
	netns_seen(in->netns, f->reset.netns, f->reset.netns_cookie);
}

static int on_old_record(const void *record, size_t size, void *userdata)
{
	struct absorption *a = userdata;
	struct source *old = a->old;
	const uint8_t *version = record;
	struct reset reset;
	uint64_t position;

	position = old->ops->position ? old->ops->position(old) : 0;
	if (position && position <= state_left_position(a->in->state))
		return 0;
	if (size && *version == RST_EVENT_VERSION)
		handle(a->in, record, size);
	else if (decode_head(a, record, size, &reset))
		a->in->decode_errors++;
	else
		count_alone(a->in, &reset);
	return 0;
}

static int drain_old(struct intake *in, struct source *old)
{
	struct absorption a = {.in = in, .old = old};
	int n;

	do
		n = old->ops->drain(old, DRAIN_STEP, on_old_record, &a);
	while (n > 0);
	return n == -ENODATA ? 0 : n;
}

int intake_absorb(struct intake *in, struct source *old)
{
	struct source_totals totals;
	struct reset held;

	/* one that cannot be read to its end must not keep each daemon to come from starting: what
	 * it still had is in the totals, and goes to 'other' */
	if (old && drain_old(in, old) < 0)
		in->decode_errors++;
	/* what would swallow these was written by the hooks that are gone */
	while (hold_release(in->hold, UINT64_MAX, &held))
		count(in, &held);
	if (old) {
		old->ops->totals(old, &totals);
		read_slots_of(in, old, &totals);
	}
	state_absorb(in->state, old ? &totals : NULL, in->realtime);
	/* all of that is older than what the kernel's counters are compared with */
	netns_spill_begin(in->netns);
	netns_rebase(in->netns);
	in->unread_seen = 0;
	return 0;
}

/* Our counts of all namespaces, with everything that has happened until now. */
static void count_netns(void *userdata)
{
	struct intake *in = userdata;
	struct tally_netns n;

	intake_refresh(in);
	netns_hold_begin(in->netns);
	for (unsigned int i = 0; i < HOLD_MAX; i++)
		if (hold_get(in->hold, i))
			netns_held(in->netns, hold_get(in->hold, i));
	for (unsigned int i = 0; i < RSTMON_NETNS_MAX; i++)
		if (tally_netns(in->tally, i, &n))
			netns_set_count(in->netns, &n);
}

static void look_for(uint32_t pid, uint64_t start, void *userdata)
{
	struct intake *in = userdata;

	if (!attributor_alive(in->attributor, pid, start))
		tally_gone(in->tally, pid, start);
}

void intake_minute(struct intake *in)
{
	read_slots(in);
	tally_minute(in->tally, in->realtime);
	/* an idle host is looked at half as often: its files are most of what it makes us do */
	if (in->live && (in->record_time != in->minute_record || in->minute_skipped)) {
		host_minute(in->host, in->attributor, in->now);
		in->minute_skipped = false;
	} else {
		in->minute_skipped = true;
	}
	in->minute_record = in->record_time;
	if (tally_pressed(in->tally)) {
		attributor_refresh(in->attributor, in->now);
		tally_processes(in->tally, look_for, in);
	}
}

static unsigned int slots_used(struct source *source)
{
	const struct rst_slot *slots = source->ops->slots(source);
	unsigned int n = 0;

	for (size_t i = 0; i < n_slots(source); i++)
		n += __atomic_load_n(&slots[i].ready, __ATOMIC_RELAXED) != 0;
	return n;
}

bool intake_names(const struct intake *in)
{
	bool seen = in->unified_seen;

	for (unsigned int i = 0; i < RST_HIERARCHIES; i++)
		seen = seen || in->hierarchy_seen[i];
	return seen;
}

/* "cgroup v1 (name=systemd, memory), cgroup v2": those that can be read. */
static void tell_hierarchies(const struct intake *in, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned int i = 0; i < RST_HIERARCHIES; i++)
		if (in->hierarchy_seen[i] && n < size)
			n += (size_t)snprintf(dst + n, size - n, "%s%s", n ? ", " : "cgroup v1 (",
					      in->hierarchy[i].name);
	if (n && n < size)
		n += (size_t)snprintf(dst + n, size - n, ")");
	if (in->unified_seen && n < size)
		snprintf(dst + n, size - n, "%scgroup v2", n ? ", " : "");
}

void intake_status(struct intake *in, struct report_status *ret)
{
	attributor_refresh(in->attributor, in->now);
	netns_reconcile(in->netns, in->live ? in->attributor : NULL, count_netns, in);
	intake_totals(in, &ret->totals);
	tally_stats(in->tally, &ret->counted);
	ret->kernel = in->source->kernel;
	ret->hooks = in->source->ops->hooks(in->source, &ret->n_hooks);
	ret->n_netns = netns_report(in->netns, &ret->netns);
	ret->counters_known = netns_unexplained(in->netns, ret->unexplained);
	ret->decode_errors = in->decode_errors;
	ret->names_evicted = attributor_evicted(in->attributor);
	ret->names_skipped = attributor_skipped(in->attributor);
	tell_hierarchies(in, ret->names_from, sizeof(ret->names_from));
	ret->netns_given_up = ret->counted.netns_evicted + netns_evicted(in->netns);
	ret->false_receives_late = in->late_swallows;
	ret->false_receives_unmatched = in->unmatched_swallows;
	ret->slots = (unsigned int)n_slots(in->source);
	ret->slots_used = slots_used(in->source);
	ret->history_evicted = history_evicted(in->history);
	ret->host_evicted = host_evicted(in->host);
	ret->told_early = in->pending.overflowed;
	ret->held_early = in->hold->overflowed;
	ret->ring_bytes = in->source->ops->ring_bytes(in->source);
	ret->cpu_ns_per_reset = ret->totals.run_samples
					? (int64_t)(ret->totals.run_ns / ret->totals.run_samples)
					: -1;
}

void intake_totals(const struct intake *in, struct source_totals *ret)
{
	in->source->ops->totals(in->source, ret);
	state_add_totals(ret, state_base(in->state));
}

static bool has_spilled(const struct tally *t)
{
	struct tally_stats stats;
	uint64_t sum = 0;

	tally_stats(t, &stats);
	for (unsigned int d = 0; d < RST_DIRECTION_MAX; d++)
		sum += stats.spilled[d] + stats.lost[d];
	return sum;
}

static void use_state(struct intake *in, struct state *state)
{
	in->state = state;
	in->tally = state_tally(state);
	in->recent = state_recent(state);
	in->peers = state_peers(state);
	in->hold = state_hold(state);
	/* what the rows know of slots may be older; where neither knows any, none is looked at */
	in->unread_seen = has_spilled(in->tally) ? UINT64_MAX : 0;
	state_set_kernel(state, in->source->kernel, in->source->reasons);
	if (!state_since(state))
		state_set_since(state, in->realtime);
}

/* Without a mount of what names processes, or without the iterator, names are poorer; status says
 * so. */
static void scan_names(struct intake *in)
{
	struct hierarchy *h = in->hierarchy;
	char root[RSTMON_EXE_MAX];

	hierarchies_read(h);
	for (unsigned int i = 0; i < RST_HIERARCHIES; i++) {
		if (!h[i].number)
			continue;
		in->hierarchy_seen[i] =
			!cgroup_find_hierarchy(h[i].name, root, sizeof(root)) &&
			!attributor_scan_hierarchy(in->attributor, RST_CGROUP_HIERARCHY(i), root);
	}
	in->unified_seen = !cgroup_find_root(root, sizeof(root));
	attributor_scan(in->attributor, in->unified_seen ? root : NULL);
}

int intake_init(struct intake *in, struct source *source, struct state *state, bool scan)
{
	int r;

	in->source = source;
	in->live = scan;
	use_state(in, state);
	r = netns_new(&in->netns);
	if (!r)
		r = history_new(&in->history);
	if (!r)
		r = host_new(in->now, &in->host);
	if (!r)
		r = attributor_new(source, &in->attributor);
	if (r)
		return r;
	if (scan) {
		scan_names(in);
		netns_seen_all(in->netns, source);
		host_seen_all(in->host, in->attributor, in->now);
		netns_reconcile(in->netns, in->attributor, count_netns, in);
	}
	return 0;
}

void intake_done(struct intake *in)
{
	attributor_free(in->attributor);
	history_free(in->history);
	host_free(in->host);
	netns_free(in->netns);
	state_free(in->state);
	source_free(in->source);
}
