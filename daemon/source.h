/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where records come from: the kernel (source_bpf.c) or a recording (source_recording.c). The rest of
 * the daemon cannot tell them apart, so all of it runs in tests without privileges.
 *
 * A source also knows names that only its origin can know: a process's executable, a cgroup's path,
 * the kernel's name of a reason.
 */
#ifndef DAEMON_SOURCE_H
#define DAEMON_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/reasons.h"
#include "rstmon/event.h"

struct source;

/* One hook of the kernel, for status: what it is and what is missing without it. */
struct source_hook {
	const char *name;	 /* "tp_btf/tcp_send_reset" */
	const char *adds;	 /* what rstmon knows because of it, in a few words */
	const char *consequence; /* of its absence: what is not known then, as a sentence's end; or NULL */
	bool required;
	bool extra; /* some kernels refuse it to everybody: missing it is no problem that could be mended */
	bool minor; /* no count depends on it: a kernel without such a place is no problem, but worth a note */
	bool attached;
	bool unwanted; /* not attached, and no problem: not needed on this kernel, or off */
	bool off;      /* with 'unwanted': as the configuration has it, so that something may be missing */
	bool absent;   /* this kernel has no such place; what it has, and is not attached, it refused */
	bool resting;  /* it had nothing to find: not attached for a while, and no problem */
	char why[128]; /* why it is not attached, else "" */
	uint64_t missed; /* runs that the kernel skipped, because one was under way on that CPU */
};

/* "attached", "resting", "off" (not wanted), "absent" or "refused". */
static inline const char *source_hook_got(const struct source_hook *h)
{
	if (h->attached)
		return "attached";
	if (h->resting)
		return "resting";
	if (h->unwanted)
		return "off";
	return h->absent ? "absent" : "refused";
}

/* What its absence means here; "" if it is there, or not needed. */
static inline const char *source_hook_consequence(const struct source_hook *h)
{
	bool missing = !h->attached && !h->resting && (!h->unwanted || h->off);

	return missing && h->consequence ? h->consequence : "";
}

/* It could not be there, and what is lost is little. */
static inline bool source_hook_is_limit(const struct source_hook *h)
{
	return h->minor && h->absent && !h->attached && !h->unwanted;
}

/* It should be there. */
static inline bool source_hook_is_problem(const struct source_hook *h)
{
	return !h->attached && !h->unwanted && !h->extra && !h->resting && h->why[0] &&
	       !source_hook_is_limit(h);
}

/* Sums over all CPUs. */
struct source_totals {
	uint64_t sent, received; /* every reset, the spilled and the lost included, the false ones not */
	uint64_t timeouts; /* connections that failed without any reset; in none of the two above */
	uint64_t spilled[RST_DIRECTION_MAX];
	uint64_t lost[RST_DIRECTION_MAX];
	uint64_t unread_ever; /* only grows, with every change of a spill slot and of 'lost' */
	uint64_t missed;   /* runs that the kernel skipped, outside sent and received */
	uint64_t failures[RST_FAIL_MAX];
	uint64_t run_ns, run_samples; /* sampled cost of the reset programs, not of time-outs */
};

/* Called for each record, in the ring's order; the record is valid during the call only. A negative
 * value ends the drain and is returned from it. */
typedef int (*source_record_fn)(const void *record, size_t size, void *userdata);

struct source_ops {
	/* Hands over at most 'max' records and returns their number; 0: nothing there now;
	 * -ENODATA: there will never be more (a recording's end); else -errno. */
	int (*drain)(struct source *s, unsigned int max, source_record_fn fn, void *userdata);

	/* Of the record that is being handed over: the ring's position behind it, for state_set_position(). Grows
	 * by the records' sizes; 0 for a source whose records cannot come again. */
	uint64_t (*position)(struct source *s);

	/* Readable when a record arrives while the source sleeps, -1 if that never happens. */
	int (*fd)(struct source *s);

	/* Asks for a wake-up by the next record. False: there are records now, drain again. A true
	 * answer wants one more look a few milliseconds later: see ARCHITECTURE.md, "Waking up". */
	bool (*sleep)(struct source *s);

	/* Does what the programs have asked for, at 'now' (CLOCK_MONOTONIC ns). Called after each drain that leaves
	 * the ring empty; the answer is after how many ns again at the latest, 0: not before the next. NULL: nothing. */
	uint64_t (*tend)(struct source *s, uint64_t now);

	void (*totals)(struct source *s, struct source_totals *ret);

	/* The spill slots, or NULL. They change under the reader. */
	const struct rst_slot *(*slots)(struct source *s);
	size_t (*n_slots)(struct source *s); /* how many; NULL means RST_SLOTS */

	/* Process 'tgid' that started at 'start' (0: whichever has the number now).
	 * -ESRCH: unknown and gone. */
	int (*process)(struct source *s, uint32_t tgid, uint64_t start, struct rst_process *ret);

	/* Calls fn with a struct rst_process for every process there is. */
	int (*processes)(struct source *s, source_record_fn fn, void *userdata);

	/* Path of cgroup 'id' below the cgroup root, "/" first. -ENOENT: unknown. */
	int (*cgroup)(struct source *s, uint64_t id, char *ret_path, size_t size);

	const struct source_hook *(*hooks)(struct source *s, size_t *ret_n);

	/* CLOCK_REALTIME - CLOCK_MONOTONIC at the time of the records handed over last, ns. */
	int64_t (*clock_offset)(struct source *s);

	size_t (*ring_bytes)(struct source *s);

	void (*free)(struct source *s);
};

struct source {
	const struct source_ops *ops;
	const struct reasons *reasons;
	const char *kernel; /* release, "6.1.0-18-amd64" */
	bool wants_cap_bpf; /* to go on being asked, not only to be opened */
};

static inline void source_free(struct source *s)
{
	if (s)
		s->ops->free(s);
}

#endif
