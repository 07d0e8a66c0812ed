/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What outlives the daemon, in one memory file: the rows, the latest resets, the peers, the doubtful
 * records that are held, the totals of hooks that are gone, and how far the ring was read. Flat and
 * position-independent. The file's descriptor is parked with the service manager; whoever maps it next
 * goes on where its writer was killed.
 *
 * Survival has three cases, and none counts twice (ARCHITECTURE.md, "Outliving itself"):
 *	restart, crash	the memory file is adopted, and so are the hooks that counted meanwhile
 *	upgrade		the same, then what the old hooks counted is absorbed (tally_absorb(), state_base())
 *			in a *copy* of the memory file: parking the copy is the commit
 *	stop, reboot	a checkpoint in the state directory (checkpoint.h); the memory file wins if both are there
 *
 * Pure but for memory: no clock, no log.
 */
#ifndef DAEMON_STATE_H
#define DAEMON_STATE_H

#include "daemon/hold.h"
#include "daemon/peers.h"
#include "daemon/recent.h"
#include "daemon/source.h"
#include "daemon/tally.h"

struct state;

/* An empty one in a memory file of its own. -errno. */
int state_new(struct state **ret);

/* Takes over the memory file 'fd', which stays the caller's and must be one that cannot shrink, as
 * state_new() makes them. Everything in it is checked before it is trusted. 'reasons' are the running kernel's: names of reasons in what is kept are looked up anew.
 * -EPROTO: of another layout; -EBADMSG: corrupt. */
int state_adopt(int fd, const struct reasons *reasons, struct state **ret);

/* A second memory file with the same content. -errno. */
int state_copy(const struct state *s, const struct reasons *reasons, struct state **ret);

/* Unmaps and closes; the memory stays as long as its descriptor is parked elsewhere. NULL is allowed. */
void state_free(struct state *s);

int state_fd(const struct state *s); /* stays the state's */
size_t state_bytes(const struct state *s);

struct tally *state_tally(struct state *s);
struct recent *state_recent(struct state *s);
struct peers *state_peers(struct state *s);
struct hold *state_hold(struct state *s);

/* The kernel that the records are of: its release (NULL: as it was) and its names of reasons, which are kept as pointers into
 * 'reasons'. intake_init() says so. */
void state_set_kernel(struct state *s, const char *release, const struct reasons *reasons);
const char *state_kernel(const struct state *s);

/* Which hooks' counts it goes with: rst_control.generation of those. 0 in a new one, and in one out of a
 * checkpoint, whose hooks are gone.
 * To be set once for hooks that are new, never for those that go on: the position begins at 0 again. Had it
 * a generation before, then what those hooks still have is due to be absorbed (intake_absorb()), and until
 * then nothing of the new ones is read; how far the old ring was read is state_left_position(). */
uint32_t state_generation(const struct state *s);
void state_set_generation(struct state *s, uint32_t generation);
bool state_absorb_due(const struct state *s);
uint64_t state_left_position(const struct state *s);

/* CLOCK_REALTIME ns of the first start: "counts are since". */
uint64_t state_since(const struct state *s);
void state_set_since(struct state *s, uint64_t since);

/* What hooks counted that are gone; to be added to those of the present source. */
struct source_totals *state_base(struct state *s);

/* How far the ring of this generation was read: source_ops.position() of the last record that was
 * counted, kept, or taken into the hold. Stored as the last step of each, so that a record that was counted
 * before a kill is not counted again: the reader's own position may lag by one. */
uint64_t state_position(const struct state *s);
void state_set_position(struct state *s, uint64_t position);

/* Takes the counts of hooks that are gone, or on their way, into the rows and into the base: what was spilled
 * becomes counts, 'totals' are added to the base, and what the rows lack of these goes to 'other'. NULL:
 * nobody knows their totals any more, and what the rows have is taken for them. 'time' is CLOCK_REALTIME ns, 0:
 * that of the newest row.
 * The hold must be empty: state_count_held(). */
void state_absorb(struct state *s, const struct source_totals *totals, uint64_t time);

/* Counts what is still held by what is known of it, because what would swallow it can come no more. */
void state_count_held(struct state *s);

/* *to += *add */
void state_add_totals(struct source_totals *to, const struct source_totals *add);

#endif
