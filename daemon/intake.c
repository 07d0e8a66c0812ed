/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Drives the stages. Must not log, tell or schedule: it has no clock and knows no client.
 * Proved by tests/golden and tests/live.
 */
#include "common/util.h"

#include <errno.h>
#include <sys/mman.h>

#include "daemon/cgroup.h"
#include "daemon/decode.h"
#include "daemon/diagnose.h"
#include "daemon/intake.h"

#define REFRESH_RECORDS 262144 /* a full ring of the largest size holds no more */
#define DRAIN_STEP	4096
#define LOSSES_NS	(100 * NSEC_PER_MSEC) /* between two sums over all CPUs */

/* The rows lie in a memory file, so that they can be handed on to the next daemon. */
static int map_tally(struct intake *in)
{
	_cleanup_close_ int fd = memfd_create("rstmon-tally", MFD_CLOEXEC);
	void *memory;

	if (fd < 0)
		return -errno;
	in->tally_bytes = tally_size();
	if (ftruncate(fd, (off_t)in->tally_bytes))
		return -errno;
	memory = mmap(NULL, in->tally_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	in->tally = tally_format(memory, in->tally_bytes);
	return in->tally ? 0 : -EINVAL;
}

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
static void change(struct intake *in, struct finding *f, const struct pending_entry *e)
{
	struct verdict verdict;

	if (e->dropped)
		return;
	diagnose(&f->reset, &f->owner, &e->past, &e->host, &verdict);
	/* a count that is in 'other' stays there, and the cause goes with the finding all the same
	 */
	tally_move(in->tally, f, verdict.cause);
	f->verdict = verdict;
	history_changed(in->history, f);
}

/* The second reset of a connection was traced before the first. */
static void follow(struct intake *in, const struct finding *first, uint64_t follower)
{
	struct finding *f = recent_find(in->recent, follower);
	struct pending_entry *e = pending_find(&in->pending, follower);

	if (!f || !e || !e->known)
		return;
	history_second(first, f, &e->past);
	change(in, f, e);
}

static void judge_again(struct intake *in, struct finding *f, const struct pending_entry *e)
{
	enum rst_cause before = f->verdict.cause;
	uint64_t echo;

	change(in, f, e);
	echo = f->verdict.cause != before ? history_echo(in->history, f) : 0;
	if (echo)
		follow(in, f, echo);
}

/* Both ends of a connection are one story: each is judged by what the other turned out to be. The
 * one that is settled, or too old to be judged again, at least learns who the other was. */
static void meet(struct intake *in, uint64_t ticket, struct finding *f, const struct finding *other)
{
	struct pending_entry *e = pending_find(&in->pending, ticket);
	struct past past = {};

	if (e && e->known && !f->verdict.settled) {
		history_other(other, &e->past);
		f->other = e->past.other;
		judge_again(in, f, e);
	} else {
		history_other(other, &past);
		f->other = past.other;
	}
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
	judge_again(in, f, e);
}

static void count(struct intake *in, const struct reset *reset)
{
	uint64_t ticket, earlier, follower, received;
	struct finding *f = recent_next(in->recent, &ticket);
	struct host host;
	struct past past;
	bool paired;

	f->reset = *reset;
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

static void release(struct intake *in, uint64_t now)
{
	struct reset held;
	uint64_t ticket;

	while (hold_release(&in->hold, now, &held))
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

	answer = hold_swallow(&in->hold, sent, &late);
	in->unmatched_swallows += answer == HOLD_UNKNOWN;
	if (answer == HOLD_LATE_FOUND)
		take_back(in, &late);
}

static int on_record(const void *record, size_t size, void *userdata)
{
	struct intake *in = userdata;
	struct reset reset, oldest;

	if (decode(record, size, in->source->reasons, in->source->ops->clock_offset(in->source),
		   &reset)) {
		in->decode_errors++;
		return 0;
	}
	in->record_time = MAX(in->record_time, reset.monotonic);
	/* in the order of the kernel's clock, also when a recording is replayed */
	release(in, reset.monotonic);
	if (reset.flags & RST_EVENT_MAYBE_FALSE) {
		if (hold_add(&in->hold, &reset, &oldest))
			count(in, &oldest);
		return 0;
	}
	if (reset.flags & RST_EVENT_SWALLOWS)
		swallow(in, &reset);
	count(in, &reset);
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
	return in->hold.n > 0 || pending_waiting(&in->pending);
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

static void read_slots(struct intake *in)
{
	const struct rst_slot *slots = in->source->ops->slots(in->source);
	int64_t offset = in->source->ops->clock_offset(in->source);
	struct source_totals totals;

	in->source->ops->totals(in->source, &totals);
	if (!slots || totals.unread_ever == in->unread_seen)
		return;
	in->unread_seen = totals.unread_ever;
	tally_spill_begin(in->tally);
	netns_spill_begin(in->netns);
	for (unsigned int i = 0; i < RST_SLOTS; i++)
		if (__atomic_load_n(&slots[i].ready, __ATOMIC_ACQUIRE))
			add_slot(in, &slots[i], offset);
	tally_spill_end(in->tally, totals.lost, in->realtime);
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

/* Our counts of all namespaces, with everything that has happened until now. */
static void count_netns(void *userdata)
{
	struct intake *in = userdata;
	struct tally_netns n;

	intake_refresh(in);
	netns_hold_begin(in->netns);
	for (unsigned int i = 0; i < in->hold.n; i++)
		netns_held(in->netns, &in->hold.reset[i]);
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
	if (in->live)
		host_minute(in->host, in->attributor, in->now);
	if (tally_pressed(in->tally)) {
		attributor_refresh(in->attributor, in->now);
		tally_processes(in->tally, look_for, in);
	}
}

static unsigned int slots_used(const struct rst_slot *slots)
{
	unsigned int n = 0;

	for (unsigned int i = 0; slots && i < RST_SLOTS; i++)
		n += __atomic_load_n(&slots[i].ready, __ATOMIC_RELAXED) != 0;
	return n;
}

void intake_status(struct intake *in, struct report_status *ret)
{
	attributor_refresh(in->attributor, in->now);
	netns_reconcile(in->netns, in->live ? in->attributor : NULL, count_netns, in);
	in->source->ops->totals(in->source, &ret->totals);
	tally_stats(in->tally, &ret->counted);
	ret->kernel = in->source->kernel;
	ret->hooks = in->source->ops->hooks(in->source, &ret->n_hooks);
	ret->n_netns = netns_report(in->netns, &ret->netns);
	ret->counters_known = netns_unexplained(in->netns, ret->unexplained);
	ret->decode_errors = in->decode_errors;
	ret->names_evicted = attributor_evicted(in->attributor);
	ret->names_skipped = attributor_skipped(in->attributor);
	ret->netns_given_up = ret->counted.netns_evicted + netns_evicted(in->netns);
	ret->false_receives_late = in->late_swallows;
	ret->false_receives_unmatched = in->unmatched_swallows;
	ret->slots = in->source->ops->slots(in->source) ? RST_SLOTS : 0;
	ret->slots_used = slots_used(in->source->ops->slots(in->source));
	ret->history_evicted = history_evicted(in->history);
	ret->host_evicted = host_evicted(in->host);
	ret->told_early = in->pending.overflowed;
	ret->held_early = in->hold.overflowed;
	ret->ring_bytes = in->source->ops->ring_bytes(in->source);
	ret->cpu_ns_per_reset = ret->totals.run_samples
					? (int64_t)(ret->totals.run_ns / ret->totals.run_samples)
					: -1;
}

int intake_init(struct intake *in, struct source *source, bool scan)
{
	char root[RSTMON_EXE_MAX] = "";
	int r;

	in->source = source;
	in->live = scan;
	r = map_tally(in);
	if (!r)
		r = recent_new(&in->recent);
	if (!r)
		r = peers_new(&in->peers);
	if (!r)
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
		/* without a cgroup2 mount, or without the iterator, names are poorer; status says
		 * so */
		if (cgroup_find_root(root, sizeof(root)))
			root[0] = '\0';
		attributor_scan(in->attributor, root[0] ? root : NULL);
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
	peers_free(in->peers);
	recent_free(in->recent);
	if (in->tally)
		munmap(in->tally, in->tally_bytes);
	source_free(in->source);
}
