/* SPDX-License-Identifier: GPL-2.0-only */
/* clang-format off */
/*
 * Restart, upgrade, start from a checkpoint: what to go on with. Must not count anything twice, nor
 * trust what it finds. Proved by tests/survive.
 *
 * Two things decide, each changed by one step: the gate (rst_control.generation: whose hooks count)
 * and the highest generation N that has a memory file parked (what is counted up to where). M is
 * the generation after N. The daemon may be killed anywhere; the next one finds
 *
 *   no gate, no state: killed before the first state was parked.
 *       It begins anew; hooks that lie there never counted.
 *   gate 0, state N: killed before the first of all began.
 *       It begins N.
 *   gate N, state N: killed anywhere in plain running.
 *       It adopts N: the ring goes on behind the record that state_position() names.
 *   gate N, state N, some of M: killed while M was parked.
 *       It adopts N, or upgrades from it. M never counted and is removed.
 *   gate M, state N, M complete: killed between the gate and M's state.
 *       It absorbs N into a copy of N's state: that is M's. M's ring was not touched, N's is only
 *       looked at.
 *   gate M, state M, rest of N: killed while N was removed.
 *       It goes on with M and removes the rest.
 *
 * "Absorb" always works on a copy of the memory file, and always from the beginning; parking the
 * copy is the commit. What the gate names is described by rst_control.object: it is 0 while that
 * changes, and who finds 0 does not adopt but upgrades once more, then with two generations to
 * absorb. A number is never used for a second set of hooks.
 *
 * Something of it may be missing, or not be what its name says: the manager is no more to be trusted
 * than any input. What that costs is said in one sentence in the log, and in status if counts are
 * lost.
 */
/* clang-format on */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/checkpoint.h"
#include "daemon/outlive.h"
#include "rstmon/interface.h"

#define CHECKPOINT_NS (600 * NSEC_PER_SEC)
#define ASIDE_MAX     4

const char *outlive_origin_name(enum outlive_origin origin)
{
	static const char *const names[OUTLIVE_ORIGIN_MAX] = {
		[OUTLIVE_FRESH] = "fresh",
		[OUTLIVE_CHECKPOINT] = "checkpoint",
		[OUTLIVE_ADOPTED] = "adopted",
		[OUTLIVE_UPGRADED] = "upgraded",
	};

	return names[origin];
}

static void _printf_(2, 3) say(struct outlive *o, const char *format, ...)
{
	size_t n = strlen(o->said);
	va_list args;

	va_start(args, format);
	if (n)
		n += (size_t)snprintf(o->said + n, sizeof(o->said) - n, " ");
	if (n < sizeof(o->said))
		vsnprintf(o->said + n, sizeof(o->said) - n, format, args);
	va_end(args);
}

/* ---- the state directory ---- */

bool outlive_may_be_missing(const struct outlive *o)
{
	return !getenv("STATE_DIRECTORY") && !strcmp(o->dir, RSTMON_STATE_PATH);
}

static void tell_trouble(struct outlive *o)
{
	snprintf(o->trouble, sizeof(o->trouble), "%s%s", o->unparked, o->unwritten);
}

/* Known at the start and not ten minutes later, or when it is too late. */
static void try_dir(struct outlive *o)
{
	if (!faccessat(AT_FDCWD, o->dir, W_OK | X_OK, AT_EACCESS) ||
	    (errno == ENOENT && outlive_may_be_missing(o)))
		return;
	snprintf(o->unwritten, sizeof(o->unwritten), "No checkpoints can be written: %.160s: %s. ",
		 o->dir, strerror(errno));
	tell_trouble(o);
}

static void read_checkpoint(struct outlive *o, const struct reasons *reasons, struct state **ret)
{
	char sentence[256] = "";
	struct stat st;
	int r;

	if (stat(o->dir, &st))
		return;
	r = checkpoint_read(o->dir, reasons, ret, sentence, sizeof(sentence));
	if (r)
		say(o, "%s", sentence[0] ? sentence : strerror(-r));
}

static int copy_file(int from, int to)
{
	char buffer[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		ssize_t written = write(to, buffer, (size_t)n);

		if (written != n)
			return written < 0 ? -errno : -ENOSPC;
		at += n;
	}
	return n < 0 ? -errno : 0;
}

/* A memory file that we cannot read may be of use to the version that wrote it. */
static void set_aside(struct outlive *o, int fd, int why)
{
	const char *what = why == -EPROTO ? "foreign" : "corrupt";
	char path[300] = "";
	int r = -EEXIST;

	for (int i = 1; i <= ASIDE_MAX && r == -EEXIST; i++) {
		_cleanup_close_ int to = -1;

		snprintf(path, sizeof(path), "%s/memory.%s-%d", o->dir, what, i);
		to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		r = to < 0 ? -errno : copy_file(fd, to);
		/* a part of it would pass for the whole */
		if (r && to >= 0)
			unlink(path);
	}
	if (r)
		say(o,
		    "The counts of the daemon before are %s and could not be kept as a file: %s.",
		    what, strerror(-r));
	else
		say(o, "The counts of the daemon before are %s: they are kept in %s.", what, path);
}

/* Once it is known what there is instead. Status tells it, and the start. */
static void say_lost(struct outlive *o, const char *what)
{
	snprintf(o->lost, sizeof(o->lost), "%s: %s.", what,
		 o->origin == OUTLIVE_CHECKPOINT
			 ? "counting goes on from the checkpoint, what was counted after it is lost"
			 : "there is no checkpoint either, counting began anew");
}

/* ---- what is parked ---- */

struct found {
	uint32_t highest; /* number that was ever used, as far as can be seen */
	uint32_t state;	  /* highest generation with a memory file, 0: none */
	struct source
		*chain[OUTLIVE_GENERATIONS]; /* that of the state, and those that came after it */
	size_t n;
};

static void found_done(struct found *f)
{
	for (size_t i = 0; i < f->n; i++)
		source_free(f->chain[i]);
	f->n = 0;
}

/* The memory file counts that has its hooks beside it; one alone is the last resort. */
static void find_state(struct outlive *o, struct found *f)
{
	for (size_t i = 0; i < o->store.n; i++) {
		const struct fdstore_entry *e = &o->store.entry[i];
		struct source *s;

		f->highest = MAX(f->highest, e->generation);
		if (e->kind != FDSTORE_STATE || (f->n && e->generation < f->state))
			continue;
		if (source_parked_open(&o->store, e->generation, &s)) {
			f->state = f->n ? f->state : MAX(f->state, e->generation);
			continue;
		}
		found_done(f);
		f->state = e->generation;
		f->chain[f->n++] = s;
	}
}

/* A map that is missing costs no count, the kernel holds it as long as its programs live; but
 * nobody could go on with it. */
static void say_missing(struct outlive *o, const struct source *s)
{
	struct source_parked_missing m;

	source_parked_missing(s, &m);
	if (m.maps)
		say(o,
		    "The service manager did not keep %u map%s of the hooks of generation %u: no count "
		    "is lost, the hooks are loaded and attached anew, and what was known there of open "
		    "connections is forgotten.",
		    m.maps, m.maps == 1 ? "" : "s", source_parked_generation(s));
	if (m.hooks)
		say(o,
		    "The service manager did not keep the hook %s%s of generation %u: what happened "
		    "there until now was not seen, and it is attached anew.",
		    m.hook, m.hooks == 1 ? "" : " and others", source_parked_generation(s));
}

/* Hooks without counts: did they ever count? Those of a first start that was killed did not. */
static bool counted_unkept(struct outlive *o, const struct found *f)
{
	struct source *s = NULL;
	bool counted;

	if (f->state || !f->highest)
		return false;
	counted = source_parked_open(&o->store, f->highest, &s) || source_parked_active(s);
	source_free(s);
	return counted;
}

static void look(struct outlive *o, struct found *f)
{
	struct source *s;
	uint32_t active;

	find_state(o, f);
	if (!f->n)
		return;
	active = source_parked_active(f->chain[0]);
	for (uint32_t g = f->state + 1; g <= MIN(active, f->highest); g++) {
		if (source_parked_open(&o->store, g, &s))
			continue;
		if (f->n == OUTLIVE_GENERATIONS ||
		    source_parked_gate(s) != source_parked_gate(f->chain[0])) {
			say(o, "What the hooks of generation %u counted is lost.", g);
			source_free(s);
			continue;
		}
		f->chain[f->n++] = s;
	}
	say_missing(o, f->chain[f->n - 1]);
}

/* The last of the chain is what counts now, and what we would load: it goes on. */
static bool can_adopt(const struct found *f, const struct source_bpf_options *options)
{
	const struct source *last = f->n ? f->chain[f->n - 1] : NULL;
	uint32_t active = last ? source_parked_active(last) : 0;

	return last && (!active || active == source_parked_generation(last)) &&
	       source_parked_fits(last, options);
}

/* ---- start ---- */

static int begin_anew(struct outlive *o, const struct source_bpf_options *options,
		      struct state **ret_state, char *error, size_t size)
{
	struct state *state = NULL;
	int r;

	r = source_bpf_open(options, &o->live, error, size);
	if (r)
		return r;
	o->generation = options->generation;
	read_checkpoint(o, o->live->reasons, &state);
	o->origin = state ? OUTLIVE_CHECKPOINT : OUTLIVE_FRESH;
	r = state ? 0 : state_new(&state);
	if (r) {
		snprintf(error, size, "cannot set up the tables: %s", strerror(-r));
		source_free(o->live);
		return r;
	}
	state_set_generation(state, o->generation);
	*ret_state = state;
	return 0;
}

/* The state that goes with it: the parked one, or a copy that is about to be the next generation's.
 */
static int take_state(struct outlive *o, int fd, struct state **ret)
{
	struct state *parked, *copy;
	int r;

	r = state_adopt(fd, o->live->reasons, &parked);
	/* ours can always be mapped for writing */
	if (r == -EPERM || r == -EACCES)
		return -EPROTO;
	if (r)
		return r;
	if (!o->n_old && !o->hooks_lost) {
		source_bpf_skip(o->live, state_position(parked));
		*ret = parked;
		return 0;
	}
	r = state_copy(parked, o->live->reasons, &copy);
	state_free(parked);
	if (r)
		return r;
	state_set_generation(copy, o->generation);
	*ret = copy;
	return 0;
}

static int go_on(struct outlive *o, struct found *f, struct source_bpf_options *options,
		 char *error, size_t size)
{
	struct source *last = f->n ? f->chain[f->n - 1] : NULL;
	int r;

	o->hooks_lost = !last;
	if (can_adopt(f, options) && !source_bpf_adopt(options, last, &o->live, error, size)) {
		source_free(last);
		f->n--;
		o->origin = f->n ? OUTLIVE_UPGRADED : OUTLIVE_ADOPTED;
	} else {
		/* also if it could not be adopted: that changed nothing of it */
		error[0] = '\0';
		options->go_on = last;
		r = source_bpf_open(options, &o->live, error, size);
		if (r)
			return r;
		o->origin = OUTLIVE_UPGRADED;
	}
	o->generation = source_bpf_generation(o->live);
	for (; o->n_old < f->n; o->n_old++) {
		o->old[o->n_old] = f->chain[o->n_old];
		source_parked_names(o->old[o->n_old], o->live);
	}
	f->n = 0;
	if (o->hooks_lost)
		snprintf(o->lost, sizeof(o->lost),
			 "The hooks of the daemon before were not kept complete: what they counted "
			 "after it ended is lost, and they were attached anew.");
	return 0;
}

static void drop_old(struct outlive *o)
{
	while (o->n_old)
		source_free(o->old[--o->n_old]);
}

/* systemd says so to what it started itself. */
static bool is_service(void)
{
	const char *text = getenv("SYSTEMD_EXEC_PID");
	uint32_t pid;

	return text && !parse_u32(text, &pid) && pid == (uint32_t)getpid();
}

int outlive_open(struct outlive *o, const char *dir, const struct source_bpf_options *wanted,
		 struct source **ret_source, struct state **ret_state, char *error, size_t size)
{
	struct source_bpf_options options = *wanted;
	struct found found = {};
	int fd, r;

	o->dir = dir;
	o->unkept = !o->store.managed && is_service();
	if (o->store.refused)
		say(o, "Closed %u of the service manager's descriptors, %s among them: %s.",
		    o->store.refused, o->store.refused_name, o->store.refused_why);
	try_dir(o);
	look(o, &found);
	options.generation = found.highest + 1;
	if (!found.state) {
		r = begin_anew(o, &options, ret_state, error, size);
		if (!r && counted_unkept(o, &found))
			say_lost(o, "The memory file with the counts was not kept");
	} else {
		fd = fdstore_find(&o->store, found.state, FDSTORE_STATE, "")->fd;
		r = go_on(o, &found, &options, error, size);
		found_done(&found);
		if (r)
			return r;
		r = take_state(o, fd, ret_state);
		if (r && r != -EPROTO && r != -EBADMSG) {
			/* it may be whole, and the manager has it for the next try */
			snprintf(error, size,
				 "cannot take over the counts of the daemon before: %s",
				 strerror(-r));
			drop_old(o);
			source_free(o->live);
			o->live = NULL;
			return r;
		}
		if (r) {
			set_aside(o, fd, r);
			drop_old(o);
			source_free(o->live);
			o->hooks_lost = false;
			options.go_on = NULL;
			r = begin_anew(o, &options, ret_state, error, size);
			if (!r)
				say_lost(o, "The memory file with the counts could not be read");
		}
	}
	if (r)
		return r;
	/* what is read into a copy that is not parked yet would be read by nobody if we were killed
	 * now */
	source_bpf_hold(o->live, o->n_old || o->hooks_lost);
	*ret_source = o->live;
	return 0;
}

/* ---- commit ---- */

static int park_state(struct outlive *o, struct intake *in)
{
	int r = fdstore_park(&o->store, o->generation, FDSTORE_STATE, "", state_fd(in->state));

	if (!r)
		r = fdstore_barrier(&o->store);
	if (!r)
		return 0;
	say(o, "The service manager does not keep our counts: %s.", strerror(-r));
	snprintf(o->unparked, sizeof(o->unparked),
		 "The service manager does not keep our counts (%s): a daemon after this one goes "
		 "on with older ones. ",
		 strerror(-r));
	tell_trouble(o);
	return r;
}

static int absorb(struct outlive *o, struct intake *in)
{
	int r = 0;

	for (size_t i = 0; i < o->n_old; i++)
		source_parked_detach(o->old[i], &o->store);
	for (size_t i = 0; i < o->n_old && !r; i++)
		r = intake_absorb(in, o->old[i]);
	if (!r && o->hooks_lost)
		r = intake_absorb(in, NULL);
	return r;
}

static void remove_rest(struct outlive *o)
{
	for (size_t i = 0; i < o->store.n;) {
		struct fdstore_entry *e = &o->store.entry[i];

		if (source_bpf_parked(o->live, e) ||
		    (e->kind == FDSTORE_STATE && e->generation == o->generation)) {
			if (e->fd >= 0)
				close(e->fd);
			e->fd = -1;
			i++;
		} else {
			fdstore_remove(&o->store, e);
		}
	}
}

int outlive_commit(struct outlive *o, struct intake *in)
{
	bool replaces = o->n_old || o->hooks_lost, unsafe = false;
	int r;

	/* step 1: nothing of ours counts */
	r = source_bpf_park(o->live, &o->store);
	if (r)
		say(o, "The service manager does not keep our hooks: %s.", strerror(-r));
	/* step 2: a copy is no state before it is complete */
	if (!replaces && o->origin != OUTLIVE_ADOPTED)
		park_state(o, in);
	else if (replaces && fdstore_barrier(&o->store))
		say(o, "The service manager does not answer.");
	/* step 3: the gate is about to move */
	source_bpf_begin(o->live, o->old, o->n_old);
	/* step 4: ours count */
	if (replaces) {
		r = absorb(o, in);
		if (r)
			return r;
		/* step 5: absorbed, and nobody knows */
		unsafe = park_state(o, in);
		/* step 6: committed */
		drop_old(o);
	}
	/* a state that could not be parked has not taken the place of the one before: who starts
	 * next has nothing but that */
	if (!unsafe)
		remove_rest(o);
	/* step 7: done */
	source_bpf_hold(o->live, false);
	o->checkpoint_at = in->now;
	return 0;
}

/* ---- checkpoints and the end ---- */

static uint64_t counted(const struct intake *in)
{
	struct source_totals t;

	intake_totals(in, &t);
	return t.sent + t.received + t.timeouts;
}

bool outlive_due(const struct outlive *o, const struct intake *in)
{
	return in->now - o->checkpoint_at >= CHECKPOINT_NS && counted(in) != o->checkpoint_count;
}

void outlive_checkpoint(struct outlive *o, struct intake *in)
{
	struct source_totals totals;
	struct stat st;
	int r;

	if (stat(o->dir, &st) && errno == ENOENT && outlive_may_be_missing(o))
		return;
	in->source->ops->totals(in->source, &totals);
	r = checkpoint_write(o->dir, in->state, &totals, in->source->reasons);
	o->checkpoint_at = in->now;
	o->unwritten[0] = '\0';
	if (r)
		snprintf(o->unwritten, sizeof(o->unwritten),
			 "No checkpoint could be written: %.160s: %s. ", o->dir, strerror(-r));
	else
		o->checkpoint_count = counted(in);
	tell_trouble(o);
}

void outlive_end(struct outlive *o)
{
	/* with a manager they count on: it closes them if the unit stops, and hands them to the
	 * next daemon if it restarts */
	if (!o->store.managed && o->live)
		source_bpf_end(o->live);
}

void outlive_done(struct outlive *o)
{
	drop_old(o);
	fdstore_done(&o->store);
}
