/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names out of real cgroups: of v2, of v1 (systemd's hierarchy and one of a controller), and of
 * both at once. Each row's process makes its resets while the daemon is held still, which goes on
 * only when the process and its cgroups are gone; once it is older than the daemon and once
 * younger. The paths' shapes are judged by tests/unit/daemon/cgroup.c; here it is whether they
 * arrive.
 */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/live/live.h"
#include "tests/live/result.h"

#define TABLE	    "names"
#define PORT	    24100
#define TOLD_MS	    10000
#define PATH_LENGTH 1024

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "8f3c9a1e-1b2c-4d5e-8f90-112233445566"

enum tree {
	UNIFIED,
	SYSTEMD,
	MEMORY,
	TREES,
};

static const char *const tree_name[TREES] = {"cgroup v2", "name=systemd of v1", "memory of v1"};

static char root[TREES][256]; /* "": not mounted */

static const struct row {
	const char *name, *path[TREES]; /* NULL: left where it is */
	const char *unit, *container, *pod;
} rows[] = {
	{"v2: unit",
	 {[UNIFIED] = "system.slice/rstmon-test.service"},
	 "rstmon-test.service",
	 "",
	 ""},
	{"v2: Docker, systemd",
	 {[UNIFIED] = "system.slice/docker-" ID ".scope"},
	 "docker-" ID ".scope",
	 ID,
	 ""},
	{"v2: Podman in its own cgroup",
	 {[UNIFIED] = "machine.slice/libpod-" ID ".scope/container"},
	 "libpod-" ID ".scope",
	 ID,
	 ""},
	{"v2: pod, systemd",
	 {[UNIFIED] = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-"
		      "pod8f3c9a1e_1b2c_4d5e_8f90_112233445566.slice/cri-containerd-" ID ".scope"},
	 "cri-containerd-" ID ".scope",
	 ID,
	 POD},
	{"v1: unit",
	 {[SYSTEMD] = "system.slice/rstmon-test.service"},
	 "rstmon-test.service",
	 "",
	 ""},
	{"v1: user's unit",
	 {[SYSTEMD] = "user.slice/user-7.slice/user@7.service/app.slice/rstmon-test.service"},
	 "rstmon-test.service",
	 "",
	 ""},
	{"v1: Docker", {[SYSTEMD] = "docker/" ID, [MEMORY] = "docker/" ID}, "", ID, ""},
	{"v1: LXC", {[SYSTEMD] = "lxc.payload.rstmon-test/init.scope"}, "", "rstmon-test", ""},
	{"v1: pod, systemd",
	 {[SYSTEMD] = "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-"
		      "pod8f3c9a1e_1b2c_4d5e_8f90_112233445566.slice/crio-" ID ".scope"},
	 "crio-" ID ".scope",
	 ID,
	 POD},
	{"v1: pod", {[SYSTEMD] = "kubepods/burstable/pod" POD "/" ID}, "", ID, POD},
	{"v1: container by its controller alone", {[MEMORY] = "docker/" ID}, "", ID, ""},
	{"v1: in a service, container by its controller",
	 {[SYSTEMD] = "system.slice/rstmon-test.service", [MEMORY] = "docker/" ID},
	 "",
	 ID,
	 ""},
	{"both: unit",
	 {[UNIFIED] = "system.slice/rstmon-test.service",
	  [SYSTEMD] = "system.slice/rstmon-test.service"},
	 "rstmon-test.service",
	 "",
	 ""},
	{"both: v2 has the manager's service, v1 the container",
	 {[UNIFIED] = "system.slice/rstmon-test.service", [SYSTEMD] = "docker/" ID},
	 "",
	 ID,
	 ""},
};

struct member {
	const struct row *row;
	bool older; /* than the daemon */
	pid_t pid;
	int line, net; /* 'net' keeps the number of its namespace from being used again */
	uint64_t netns;
	char made[TREES][PATH_LENGTH]; /* the topmost directory that was not there; "": none */
	const char *skip, *why;	       /* it was not made; it did not do what it should */
};

/* ---- cgroups ---- */

/* Where the tree is mounted; those of v1 by an option. */
static void find_root(enum tree tree)
{
	static const char *const option[TREES] = {"", "name=systemd", "memory"};
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mounts", "re");
	char line[1024], where[256], type[64], options[512];

	root[tree][0] = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		char *rest = NULL;

		if (sscanf(line, "%*s %255s %63s %511s", where, type, options) != 3 ||
		    strcmp(type, tree == UNIFIED ? "cgroup2" : "cgroup") != 0)
			continue;
		if (tree == UNIFIED)
			snprintf(root[tree], sizeof(root[tree]), "%s", where);
		for (char *o = strtok_r(options, ",", &rest); o && tree != UNIFIED;
		     o = strtok_r(NULL, ",", &rest))
			if (!strcmp(o, option[tree]))
				snprintf(root[tree], sizeof(root[tree]), "%s", where);
	}
}

/* In a mount namespace of this test's own: what is missing is mounted there, if the kernel can. */
static void find_roots(const char *dir)
{
	char place[128];

	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	for (enum tree t = 0; t < TREES; t++)
		find_root(t);
	for (enum tree t = UNIFIED; t <= SYSTEMD; t++) {
		snprintf(place, sizeof(place), "%s/tree%d", dir, (int)t);
		if (root[t][0] || mkdir(place, 0755))
			continue;
		if (mount("rstmon-test", place, t == UNIFIED ? "cgroup2" : "cgroup", 0,
			  t == UNIFIED ? NULL : "none,name=systemd"))
			fprintf(stderr, "%s cannot be mounted: %s\n", tree_name[t],
				strerror(errno));
		else
			snprintf(root[t], sizeof(root[t]), "%s", place);
	}
}

static int make_path(struct member *m, enum tree tree)
{
	char path[PATH_LENGTH];
	size_t n;

	snprintf(path, sizeof(path), "%s/%s/", root[tree], m->row->path[tree]);
	for (n = strlen(root[tree]) + 1; path[n]; n++) {
		if (path[n] != '/')
			continue;
		path[n] = '\0';
		if (!mkdir(path, 0755)) {
			if (!m->made[tree][0])
				snprintf(m->made[tree], sizeof(m->made[tree]), "%s", path);
		} else if (errno != EEXIST) {
			return -errno;
		}
		path[n] = '/';
	}
	return 0;
}

/* From the leaf up to the topmost that was made here. */
static int remove_path(const struct member *m, enum tree tree)
{
	char path[PATH_LENGTH], *slash;

	snprintf(path, sizeof(path), "%s/%s", root[tree], m->row->path[tree]);
	while (m->made[tree][0] && strlen(path) >= strlen(m->made[tree])) {
		if (rmdir(path))
			return -errno;
		slash = strrchr(path, '/');
		*slash = '\0';
	}
	return 0;
}

static int enter(const struct member *m, enum tree tree)
{
	_cleanup_close_ int fd = -1;
	char path[PATH_LENGTH];

	snprintf(path, sizeof(path), "%s/%s/cgroup.procs", root[tree], m->row->path[tree]);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, "0", 1) != 1 ? -errno : 0;
}

/* ---- who makes resets ---- */

/* A child that never calls execve() connects and ends with SO_LINGER: its exit sends the reset. */
static int make_resets(void)
{
	const struct linger linger = {.l_onoff = 1};
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct pollfd p = {.events = POLLIN};
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	pid_t pid;

	if (l < 0 || bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1))
		return -errno;
	pid = fork();
	if (!pid) {
		c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (c < 0 || connect(c, (struct sockaddr *)&a, sizeof(a)) ||
		    setsockopt(c, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
			_exit(1);
		_exit(0);
	}
	p.fd = accept(l, NULL, NULL);
	if (p.fd < 0 || poll(&p, 1, 5000) != 1 || waitpid(pid, NULL, 0) != pid)
		return -EIO;
	return 0;
}

static void be_member(struct member *m, int line)
{
	uint64_t netns = 0;
	char go;
	int r = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (enum tree t = 0; t < TREES && !r; t++)
		if (m->row->path[t])
			r = enter(m, t);
	if (!r)
		r = netns_enter_new(&netns);
	if (write(line, r ? &(uint64_t){0} : &netns, sizeof(netns)) != sizeof(netns) || r ||
	    read(line, &go, 1) != 1)
		_exit(1);
	_exit(make_resets() ? 1 : 0);
}

static const char *start(struct member *m)
{
	char path[64];
	int line[2];

	for (enum tree t = 0; t < TREES; t++)
		if (m->row->path[t] && !root[t][0])
			return tree_name[t];
	for (enum tree t = 0; t < TREES; t++)
		if (m->row->path[t] && make_path(m, t))
			return "cannot make the cgroup";
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line))
		return "no socketpair";
	m->pid = fork();
	if (!m->pid)
		be_member(m, line[1]);
	close(line[1]);
	m->line = line[0];
	if (read(m->line, &m->netns, sizeof(m->netns)) != sizeof(m->netns) || !m->netns)
		return "cannot enter the cgroup";
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->pid);
	m->net = open(path, O_RDONLY | O_CLOEXEC);
	return NULL;
}

/* Its resets, and then it is gone. */
static void finish(struct member *m)
{
	int status = -1;

	if (m->skip)
		return;
	if (write(m->line, "g", 1) != 1 || waitpid(m->pid, &status, 0) != m->pid || status)
		m->why = "made no resets";
	close(m->line);
}

static void remove_paths(struct member *m)
{
	for (enum tree t = 0; t < TREES; t++)
		if (m->row->path[t] && remove_path(m, t) && !m->why)
			m->why = "its cgroup stays";
}

/* ---- judgement ---- */

static void judge_member(struct live_daemon *d, const struct member *m)
{
	const char *why = m->why;
	char text[400] = "", item[96];

	snprintf(item, sizeof(item), "%s, %s", m->row->name, m->older ? "older" : "younger");
	if (m->skip) {
		fprintf(stderr, "%-60s skipped: no %s\n", item, m->skip);
		result_skip(TABLE, item, m->skip);
		return;
	}
	if (!why && !live_await(d, m->netns, 2, (int)slow_ms(TOLD_MS)))
		why = "not all resets were told";
	for (size_t i = 0; i < d->n && !why; i++) {
		struct json_object *line = d->line[i];

		if ((uint64_t)json_int(line, "netns") != m->netns)
			continue;
		if (!strcmp(json_str(line, "unit"), m->row->unit) &&
		    !strcmp(json_str(line, "container"), m->row->container) &&
		    !strcmp(json_str(line, "pod"), m->row->pod))
			continue;
		snprintf(text, sizeof(text), "%s by %s: unit \"%s\" container \"%s\" pod \"%s\"",
			 json_str(line, "direction"), json_str(line, "owner_source"),
			 json_str(line, "unit"), json_str(line, "container"),
			 json_str(line, "pod"));
	}
	if (!why && text[0])
		why = text;
	fprintf(stderr, "%-60s %s%s\n", item, why ? "WRONG: " : "right", why ? why : "");
	result_is(!why, TABLE, item, why ? why : "");
	cr_expect(!why, "%s: %s", item, why ? why : "");
}

/* Rows keep the pod, too, and filters know it. */
static void judge_list(struct live_daemon *d)
{
	static const char *const args[] = {"list", "pod", POD, "and", "container", ID, NULL};
	struct json_object *list = live_cli(d, args), *some = json_at(list, "rows");
	size_t n = some ? json_object_array_length(some) : 0;
	bool right = n > 0;

	for (size_t i = 0; i < n; i++)
		right &= !strcmp(json_str(json_object_array_get_idx(some, i), "pod"), POD);
	result_is(right, TABLE, "rows of the pod", "none, or of others");
	cr_expect(right, "%zu rows of the pod", n);
	json_object_put(list);
}

static void judge_status(struct live_daemon *d, bool unified)
{
	struct json_object *status = live_status(d);
	const char *from = json_str(status, "names_from");
	bool right = !strstr(from, "cgroup v2") == !unified &&
		     !strstr(from, "name=systemd") == !root[SYSTEMD][0];

	fprintf(stderr, "names from: %s\n", from);
	result_is(right, TABLE, unified ? "status" : "status without v2", from);
	cr_expect(right, "names from \"%s\"", from);
	json_object_put(status);
}

/* The daemon is held still from before the first of them makes its resets until the cgroups of all
 * are gone: in the opposite order, for they may share some. */
static void run_members(struct live_daemon *d, struct member *m, size_t n)
{
	kill(d->pid, SIGSTOP);
	for (size_t i = 0; i < n; i++)
		if (!m[i].older)
			m[i].skip = start(&m[i]);
	for (size_t i = 0; i < n; i++)
		finish(&m[i]);
	for (size_t i = n; i > 0; i--)
		remove_paths(&m[i - 1]);
	kill(d->pid, SIGCONT);
	for (size_t i = 0; i < n; i++)
		judge_member(d, &m[i]);
}

/* Every row, or every one that needs no v2; half of its processes are there before the daemon. */
static void run_rows(bool unified)
{
	struct member older[ARRAY_SIZE(rows)], younger[ARRAY_SIZE(rows)];
	static struct live_daemon d;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!unified && rows[i].path[UNIFIED])
			continue;
		older[n] = (struct member){.row = &rows[i], .older = true, .net = -1};
		older[n].skip = start(&older[n]);
		younger[n++] = (struct member){.row = &rows[i], .net = -1};
	}
	memset(&d, 0, sizeof(d));
	cr_assert_eq(live_start(&d, true), 0, "rstmond does not start: %s", d.log);
	run_members(&d, older, n);
	run_members(&d, younger, n);
	judge_status(&d, unified);
	judge_list(&d);
	cr_expect_eq(live_stop(&d), 0, "it said:\n%s", d.log);
	live_free(&d);
	for (size_t i = 0; i < n; i++) {
		close(older[i].net);
		close(younger[i].net);
	}
}

Test(live, names_of_cgroups, .timeout = 300)
{
	const char *impossible = live_impossible(), *live_dir = getenv("LIVE_DIR");
	char dir[64];

	if (impossible)
		cr_skip_test("live tests: %s", impossible);
	snprintf(dir, sizeof(dir), "%s/trees-XXXXXX", live_dir ? live_dir : "/tmp");
	cr_assert_not_null(mkdtemp(dir));
	find_roots(dir);
	run_rows(true);
	/* the same on a host that has v1 alone: a daemon that sees no v2 */
	if (root[SYSTEMD][0] && root[UNIFIED][0]) {
		fprintf(stderr, "without v2:\n");
		while (root[UNIFIED][0] && !umount2(root[UNIFIED], MNT_DETACH))
			find_root(UNIFIED);
		run_rows(false);
	}
}
