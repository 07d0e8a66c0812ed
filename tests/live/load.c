/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Load on the socket: 64 watchers, of which some never read, and a client in each millisecond,
 * while resets come as fast as a core makes them. Nothing may be lost but lines, and those are
 * told; what has left leaves nothing behind, and the daemon sleeps again. Counts only, no times.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "tests/bench/packets.h"
#include "tests/live/box.h"

#define WATCHERS    64
#define SILENT	    8  /* of them */
#define ASKERS_MAX  48 /* at a time */
#define FLOOD_MS    2000
#define FLOOD_FIRST 1000
#define FLOOD_PORTS 500
#define LAST_PORT   900 /* of the resets after the flood */
#define ENOUGH_MS   30000
#define BUDGET_MS   700
#define WINDOW_MS   500
#define WINDOWS	    16

/* What the swarm and the test tell each other. */
struct shared {
	uint64_t told[WATCHERS]; /* lines, and what they say was dropped */
	uint64_t lines, dropped;
	uint64_t asked, answered, refused, wrong;
	bool asking; /* the test's word */
};

struct line {
	int fd; /* -1: none */
	char *text;
	size_t n, size;
};

struct swarm {
	struct shared *shared;
	const char *path;
	struct line watcher[WATCHERS], asker[ASKERS_MAX];
};

/* ---- the swarm: one process, one poll() ---- */

static int dial(const char *path, const char *call)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ssize_t n = (ssize_t)strlen(call) + 1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    send(fd, call, (size_t)n, MSG_NOSIGNAL) == n)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void hang_up(struct line *l)
{
	util_close(&l->fd);
	l->fd = -1;
	l->n = 0;
}

static void on_line(struct swarm *s, unsigned int i, const char *text)
{
	const char *dropped = strstr(text, "\"dropped\":");
	uint64_t n = dropped ? strtoull(dropped + strlen("\"dropped\":"), NULL, 10) : 0;

	if (!strstr(text, "\"continues\":true")) {
		s->shared->wrong++;
		return;
	}
	s->shared->lines++;
	s->shared->dropped += n;
	__atomic_add_fetch(&s->shared->told[i], n + 1, __ATOMIC_RELEASE);
}

static void on_answer(struct swarm *s, struct line *l)
{
	if (strstr(l->text, "\"error\":\"io.rstmon.TooManyClients\""))
		s->shared->refused++;
	else if (strstr(l->text, "{\"parameters\":{") == l->text)
		s->shared->answered++;
	else
		s->shared->wrong++;
	hang_up(l);
}

/* False at its end. */
static bool take(struct line *l)
{
	ssize_t n;

	if (l->size - l->n < 65536) {
		l->size = 2 * l->size + 65536;
		l->text = realloc(l->text, l->size);
		if (!l->text)
			abort();
	}
	n = recv(l->fd, l->text + l->n, l->size - l->n, MSG_DONTWAIT);
	l->n += n > 0 ? (size_t)n : 0;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void hear_watcher(struct swarm *s, unsigned int i)
{
	struct line *l = &s->watcher[i];
	size_t start = 0;
	char *nul;

	if (!take(l)) {
		s->shared->wrong++;
		hang_up(l);
		return;
	}
	while ((nul = memchr(l->text + start, '\0', l->n - start))) {
		on_line(s, i, l->text + start);
		start = (size_t)(nul - l->text) + 1;
	}
	memmove(l->text, l->text + start, l->n - start);
	l->n -= start;
}

static void hear_asker(struct swarm *s, struct line *l)
{
	if (!take(l)) {
		s->shared->wrong++;
		hang_up(l);
	} else if (memchr(l->text, '\0', l->n)) {
		on_answer(s, l);
	}
}

static void ask(struct swarm *s)
{
	static const char *const calls[] = {
		"{\"method\":\"io.rstmon.List\"}",
		"{\"method\":\"io.rstmon.Status\"}",
		"{\"method\":\"io.rstmon.Last\",\"parameters\":{\"limit\":100}}",
		"{\"method\":\"io.rstmon.Metrics\"}",
	};

	for (unsigned int i = 0; i < ASKERS_MAX; i++) {
		if (s->asker[i].fd >= 0)
			continue;
		s->asker[i].fd = dial(s->path, calls[s->shared->asked % ARRAY_SIZE(calls)]);
		s->shared->asked += s->asker[i].fd >= 0;
		return;
	}
}

static void turn(struct swarm *s)
{
	struct pollfd p[WATCHERS + ASKERS_MAX];

	for (unsigned int i = 0; i < WATCHERS; i++)
		p[i] = (struct pollfd){
			.fd = i < SILENT ? -1 : s->watcher[i].fd,
			.events = POLLIN,
		};
	for (unsigned int i = 0; i < ASKERS_MAX; i++)
		p[WATCHERS + i] = (struct pollfd){.fd = s->asker[i].fd, .events = POLLIN};
	if (poll(p, ARRAY_SIZE(p), 1) <= 0)
		return;
	for (unsigned int i = 0; i < WATCHERS; i++)
		if (p[i].revents)
			hear_watcher(s, i);
	for (unsigned int i = 0; i < ASKERS_MAX; i++)
		if (p[WATCHERS + i].revents)
			hear_asker(s, &s->asker[i]);
}

static void swarm(struct shared *shared, const char *path, uint64_t netns)
{
	struct swarm s = {.shared = shared, .path = path};
	int64_t asked_at = 0;
	char call[160];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(call, sizeof(call),
		 "{\"method\":\"io.rstmon.Watch\",\"more\":true,"
		 "\"parameters\":{\"filter\":\"netns %llu\"}}",
		 (unsigned long long)netns);
	for (unsigned int i = 0; i < WATCHERS; i++)
		s.watcher[i].fd = dial(path, call);
	for (unsigned int i = 0; i < ASKERS_MAX; i++)
		s.asker[i].fd = -1;
	/* until it is ended: the kernel hangs up then, without a word */
	for (;;) {
		bool asking = __atomic_load_n(&shared->asking, __ATOMIC_ACQUIRE);

		if (asking && asked_at != now_ms()) {
			asked_at = now_ms();
			ask(&s);
		}
		turn(&s);
	}
}

/* ---- the test ---- */

struct load {
	struct live_daemon daemon;
	struct box box;
	struct shared *shared;
	pid_t swarm;
	unsigned int fds; /* of the daemon, without clients */
};

static unsigned int count_fds(pid_t pid)
{
	unsigned int n = 0;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* A client that has just left may still be there for a moment. */
static unsigned int await_fds(pid_t pid, unsigned int n)
{
	int64_t deadline = now_ms() + ENOUGH_MS;

	while (count_fds(pid) != n && now_ms() < deadline)
		poll(NULL, 0, 5);
	return count_fds(pid);
}

static struct json_object *status_of(struct load *l)
{
	static const char *const args[] = {"status", NULL};
	struct json_object *o = live_cli(&l->daemon, args);

	cr_assert_not_null(o, "rstmon status gives nothing");
	return o;
}

static int64_t status_int(struct load *l, const char *key)
{
	struct json_object *o = status_of(l);
	int64_t n = json_int(o, key);

	json_object_put(o);
	return n;
}

static bool await_watchers(struct load *l, int64_t n)
{
	int64_t deadline = now_ms() + ENOUGH_MS;

	while (status_int(l, "watchers") != n)
		if (now_ms() > deadline)
			return false;
	return true;
}

static void begin(struct load *l)
{
	const char *impossible = live_impossible();

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	cr_assert_eq(live_start(&l->daemon, false), 0, "rstmond does not start");
	cr_assert_eq(box_start(&l->box, "flooder"), 0);
	l->fds = count_fds(l->daemon.pid);
	l->shared = mmap(NULL, sizeof(*l->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(l->shared, MAP_FAILED);
	l->swarm = fork();
	cr_assert_geq(l->swarm, 0);
	if (l->swarm == 0)
		swarm(l->shared, l->daemon.socket, l->box.netns);
	cr_assert(await_watchers(l, WATCHERS), "not all may watch");
}

static void end_swarm(struct load *l)
{
	kill(l->swarm, SIGKILL);
	waitpid(l->swarm, NULL, 0);
}

static long flood(long ms)
{
	struct packets *p = packets_new(FLOOD_FIRST, FLOOD_PORTS, PACKET_SYN);
	int64_t deadline = now_ms() + ms;
	long n = 0, r = 0;

	if (!p)
		return -errno;
	while (r >= 0 && now_ms() < deadline) {
		r = packets_round(p);
		n += MAX(r, 0);
	}
	packets_free(p);
	return r < 0 ? r : n;
}

static long one_reset(long port)
{
	return packets_to_port((uint16_t)port, PACKET_SYN, 1);
}

/* Rows of the namespace: all that was counted, and what was not told because it has no record. */
static int64_t sum_rows(struct load *l, const char *key)
{
	static const char *const args[] = {"list", "-n", "100000", NULL};
	struct json_object *list = live_cli(&l->daemon, args), *rows = json_at(list, "rows");
	int64_t n = 0;

	cr_assert_not_null(rows, "rstmon list gives nothing");
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if ((uint64_t)json_int(row, "netns") == l->box.netns)
			n += json_int(row, key);
	}
	json_object_put(list);
	return n;
}

/* True if each one that reads knows of so many. */
static bool all_know(struct load *l, uint64_t n)
{
	for (unsigned int i = SILENT; i < WATCHERS; i++)
		if (__atomic_load_n(&l->shared->told[i], __ATOMIC_ACQUIRE) != n)
			return false;
	return true;
}

/* What was dropped is told by the next line: resets follow until all have got one. Returns how many
 * were made. */
static unsigned int tell_all(struct load *l, uint64_t before)
{
	int64_t deadline = now_ms() + ENOUGH_MS;
	unsigned int n = 0;

	while (!all_know(l, before + n) && now_ms() < deadline) {
		int64_t wait = now_ms() + WINDOW_MS;

		cr_assert_eq(box_call(&l->box, &l->daemon, one_reset, LAST_PORT), 1);
		n++;
		while (!all_know(l, before + n) && now_ms() < wait)
			live_pump(&l->daemon, -1, 5);
	}
	return n;
}

static uint64_t switches(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	unsigned long long n = 0;
	char path[32], text[160];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(text, sizeof(text), f))
		if (sscanf(text, "voluntary_ctxt_switches: %llu", &n) == 1)
			break;
	return n;
}

/* Resets of others wake it, so a window counts only if there were none; an incident of the flood
 * keeps a timer for some seconds. */
static bool sleeps(struct load *l, bool *ret_quiet)
{
	*ret_quiet = false;
	for (int i = 0; i < WINDOWS; i++) {
		int64_t seen = status_int(l, "sent") + status_int(l, "received");
		uint64_t before, after;
		bool quiet;

		live_pump(&l->daemon, -1, WINDOW_MS / 2); /* it goes to sleep */
		before = switches(l->daemon.pid);
		live_pump(&l->daemon, -1, WINDOW_MS);
		after = switches(l->daemon.pid);
		quiet = seen == status_int(l, "sent") + status_int(l, "received");
		*ret_quiet |= quiet;
		/* one: a timer of a minute may be due */
		if (quiet && after - before <= 1)
			return true;
	}
	return false;
}

static void check_counts(struct load *l, int64_t made)
{
	struct json_object *status = live_status(&l->daemon);
	struct json_object *o = live_status_netns(status, l->box.netns);

	cr_expect_eq(netns_out_rsts(l->box.pid), made);
	cr_expect_eq(o ? json_int(o, "sent") : -1, made, "status: %lld of %lld",
		     o ? (long long)json_int(o, "sent") : -1, (long long)made);
	cr_expect_eq(sum_rows(l, "count"), made, "rows: %lld of %lld",
		     (long long)sum_rows(l, "count"), (long long)made);
	cr_expect_eq(json_int(status, "lost"), 0);
	json_object_put(status);
}

static void check_clients(const struct shared *s)
{
	fprintf(stderr,
		"%llu lines, %llu told as dropped; %llu calls, %llu answered, %llu refused\n",
		(unsigned long long)s->lines, (unsigned long long)s->dropped,
		(unsigned long long)s->asked, (unsigned long long)s->answered,
		(unsigned long long)s->refused);
	cr_expect_eq(s->wrong, 0, "%llu answers were none", (unsigned long long)s->wrong);
	cr_expect_gt(s->answered, 0);
	cr_expect_gt(s->lines, 0);
}

Test(live, load_on_the_socket, .timeout = 120)
{
	static struct load l;
	unsigned int more, fds;
	int64_t made, told;
	bool quiet;
	int r;

	begin(&l);
	__atomic_store_n(&l.shared->asking, true, __ATOMIC_RELEASE);
	made = box_call(&l.box, &l.daemon, flood, FLOOD_MS);
	__atomic_store_n(&l.shared->asking, false, __ATOMIC_RELEASE);
	cr_assert_gt(made, 0);
	check_counts(&l, made);

	told = sum_rows(&l, "count") - sum_rows(&l, "spilled");
	/* what comes next gets a record again: the kernel's budget of them is for half a second */
	for (int64_t until = now_ms() + BUDGET_MS; now_ms() < until;)
		live_pump(&l.daemon, -1, 50);
	more = tell_all(&l, (uint64_t)told);
	for (unsigned int i = SILENT; i < WATCHERS; i++)
		cr_expect_eq(l.shared->told[i], (uint64_t)told + more,
			     "watcher %u: lines and dropped are %llu of %llu", i,
			     (unsigned long long)l.shared->told[i],
			     (unsigned long long)told + more);
	check_counts(&l, made + more);
	check_clients(l.shared);

	end_swarm(&l);
	cr_expect(await_watchers(&l, 0), "who is gone watches no more");
	fds = await_fds(l.daemon.pid, l.fds);
	cr_expect_eq(fds, l.fds, "descriptors: %u, %u before", fds, l.fds);
	if (!sleeps(&l, &quiet))
		cr_expect_not(quiet, "it is idle and wakes up all the same");
	box_end(&l.box);
	r = live_stop(&l.daemon);
	cr_expect_eq(r, 0, "rstmond ended with %d; it said:\n%s", r, l.daemon.log);
	live_free(&l.daemon);
}
