/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of many real shapes of paths, the cache's bound, and the walk of a tree. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/cgroup.h"

#define A64  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B64  "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UID  "8f3c9a1e-1b2c-4d5e-8f90-112233445566"
#define UID_ "8f3c9a1e_1b2c_4d5e_8f90_112233445566"
#define HASH "3d6beaa3004913efb68ce073d73494b0"

static const struct {
	const char *path, *unit, *container;
} paths[] = {
	{"", "", ""},
	{"/", "", ""},
	{"///", "", ""},
	{"/init.scope", "init.scope", ""},
	{"/system.slice", "", ""},
	{"/system.slice/nginx.service", "nginx.service", ""},
	{"//system.slice//nginx.service/", "nginx.service", ""},
	{"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", ""},
	{"/system.slice/system-postgresql.slice/postgresql@15-main.service",
	 "postgresql@15-main.service", ""},
	{"/system.slice/dev-disk-by\\x2duuid-a.swap", "dev-disk-by\\x2duuid-a.swap", ""},
	{"/system.slice/my\\x2dapp.service", "my\\x2dapp.service", ""},
	{"/system.slice/rpc.socket", "rpc.socket", ""},
	{"/system.slice/home.mount", "home.mount", ""},
	{"/system.slice/_cpu.service", "cpu.service", ""},
	{"/system.slice/__x.service", "_x.service", ""},
	{"/_a.slice/b.service", "b.service", ""},
	/* delegated: what is below belongs to the unit */
	{"/system.slice/foo.service/worker.service", "foo.service", ""},
	{"/system.slice/foo.service/sub/deeper", "foo.service", ""},
	{"/system.slice/kubelet.service/x.slice/y.scope", "kubelet.service", ""},
	/* users */
	{"/user.slice/user-1000.slice/session-3.scope", "session-3.scope", ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", "foo.service", ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome.slice/"
	 "app-gnome-firefox-12.scope",
	 "app-gnome-firefox-12.scope", ""},
	{"/user.slice/user-1000.slice/user@1000.service/dbus.service", "dbus.service", ""},
	{"/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service", ""},
	{"/user.slice/user-1000.slice/user@1000.service", "user@1000.service", ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service", ""},
	{"/user.slice/user-1000.slice", "", ""},
	/* no units */
	{"/process_api/38f7718863a4ab84a140bf9678f25863", "", ""},
	{"/foo/bar.service", "", ""}, /* systemd's units stand below slices only */
	{"/system.slice/no suffix", "", ""},
	{"/system.slice/.service", "", ""},
	{"/system.slice/@a.service", "", ""},
	{"/system.slice/a b.service", "", ""},
	{"/system.slice/a\nb.service", "", ""},
	{"/system.slice/a\"b.service", "", ""},
	{"/system.slice/nginx.timer", "", ""},
	/* Docker */
	{"/system.slice/docker-" A64 ".scope", "docker-" A64 ".scope", A64},
	{"/docker/" A64, "", A64},
	{"/docker/" A64 "/system.slice/nginx.service", "", A64},
	{"/docker/buildkit/" A64, "", A64},
	{"/docker/" A64 "/docker/" B64, "", A64}, /* the outer one is the host's */
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" A64 ".scope",
	 "docker-" A64 ".scope", A64},
	{"/system.slice/docker.service", "docker.service", ""},
	{"/system.slice/docker-foo.scope", "docker-foo.scope", ""},
	{"/system.slice/docker-" A64 "0.scope", "docker-" A64 "0.scope", ""}, /* 65 digits */
	{"/system.slice/docker-.scope", "docker-.scope", ""},
	{"/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef", "", ""},
	{"/ecs/0a1b2c/" A64, "", A64},
	{"/ecs/" HASH "/" A64, "", A64},
	{"/ecs/" HASH "/" HASH "-1234567890", "", HASH "-1234567890"}, /* Fargate */
	{"/ecs/" HASH "/" HASH "-", "", ""},
	{"/ecs/" HASH "/" HASH "-12x", "", ""},
	{"/ecs/" HASH "/web", "", ""},
	{"/ecs/" HASH, "", ""},
	{"/ecs", "", ""},
	{"/ecstasks.slice/ecstasks-" HASH ".slice/docker-" A64 ".scope", "docker-" A64 ".scope",
	 A64},
	{"/actions_job/" A64, "", A64}, /* --cgroup-parent */
	{"/system.slice/docker-" A64 ".scope/init.scope", "docker-" A64 ".scope", A64},
	{"/system.slice/docker-" A64 ".scope/docker/" B64, "docker-" A64 ".scope", A64},
	{"/nomad.slice/share.slice/docker-" A64 ".scope", "docker-" A64 ".scope", A64},
	{"/moby/" A64, "", A64},
	{"/system.slice/containerd.service", "containerd.service", ""},
	{"/default/" A64, "", A64}, /* containerd's own namespaces, without systemd */
	{"/k8s.io/" A64, "", A64},
	{"/default/redis", "", ""}, /* a name that ctr was given: anything is called so */
	{"/system.slice/runc-" A64 ".scope", "runc-" A64 ".scope", A64},
	{"/system.slice/runc-web.scope", "runc-web.scope", ""},
	{"/user.slice/crun-" A64 ".scope", "crun-" A64 ".scope", A64},
	/* the reader is in a cgroup namespace of its own */
	{"/../../system.slice/nginx.service", "nginx.service", ""},
	{"/../" A64, "", A64},
	{"/..", "", ""},
	{"/system.slice:docker:" A64, "", A64},
	{"/a:" A64, "", ""},
	{"/a:b:xyz", "", ""},
	{"/a:b:", "", ""},
	/* Podman, nerdctl */
	{"/machine.slice/libpod-" A64 ".scope", "libpod-" A64 ".scope", A64},
	{"/machine.slice/libpod-" A64 ".scope/container", "libpod-" A64 ".scope", A64},
	{"/machine.slice/libpod-conmon-" A64 ".scope", "libpod-conmon-" A64 ".scope", ""},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" A64 ".scope/container",
	 "libpod-" A64 ".scope", A64},
	{"/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_" A64
	 ".slice/libpod-" B64 ".scope/container",
	 "libpod-" B64 ".scope", B64},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/podman-4711.scope",
	 "podman-4711.scope", ""},
	{"/libpod_parent/libpod-" A64, "", A64},
	{"/libpod_parent/libpod-" A64 "/ctr", "", A64},
	{"/libpod_parent/" A64 "/libpod-" B64, "", B64}, /* the pod's id is before it */
	{"/libpod_parent/conmon", "", ""},
	/* --cgroups=split, quadlets: in the unit that started it, its monitor beside it */
	{"/system.slice/nginx.service/libpod-payload-" A64, "nginx.service", A64},
	{"/system.slice/nginx.service/runtime", "nginx.service", ""},
	{"/user.slice/user-1000.slice/user@1000.service/app.slice/redis.service/libpod-payload-" A64,
	 "redis.service", A64},
	{"/system.slice/nerdctl-" A64 ".scope", "nerdctl-" A64 ".scope", A64},
	/* LXC, Incus */
	{"/lxc/web1", "", "web1"},
	{"/lxc/web1/system.slice/nginx.service", "", "web1"},
	{"/lxc.payload.web1", "", "web1"},
	{"/lxc.payload.web1/system.slice/nginx.service", "", "web1"},
	{"/lxc.payload/web1/init.scope", "", "web1"},
	{"/lxc.monitor.web1", "", ""},
	{"/lxc.monitor/web1", "", ""},
	{"/lxc", "", ""},
	{"/lxc.payload.", "", ""},
	{"/lxc.payload.web1/docker/" A64, "", "web1"},
	{"/lxc/we\tb\xff", "", "we?b?"},
	{"/lxc/101/ns/system.slice/nginx.service", "", "101"}, /* Proxmox */
	{"/lxc.payload.101/ns/init.scope", "", "101"},
	{"/lxc.payload.shop_web1/init.scope", "", "shop_web1"}, /* Incus, LXD: PROJECT_NAME */
	{"/lxc.pivot", "", ""},
	{"/user.slice/user-1000.slice/session-1.scope/lxc/web", "session-1.scope", "web"},
	{"/system.slice/lxc@web1.service", "lxc@web1.service", ""}, /* what starts it */
	{"/system.slice/lxcfs.service", "lxcfs.service", ""},
	/* machines */
	{"/machine.slice/machine-web.scope", "machine-web.scope", "web"},
	{"/machine.slice/machine-my\\x2dweb.scope/payload", "machine-my\\x2dweb.scope", "my-web"},
	{"/machine.slice/machine-a\\x2.scope", "machine-a\\x2.scope", "a\\x2"},
	{"/machine.slice/machine-a\\x0ab.scope", "machine-a\\x0ab.scope", "a?b"},
	{"/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service",
	 "systemd-nspawn@web.service", "web"},
	{"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
	 "machine-qemu\\x2d1\\x2dvm.scope", ""},
	{"/machine.slice/machine-.scope", "machine-.scope", ""},
};

/* Kubernetes; the cgroup path is podCgroupNamePrefix and its QoS class (kubelet,
 * pkg/kubelet/cm), of which the container's runtime makes its own by the runtime's driver */
#define POD_SLICE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"
#define POD_FS	  "/kubepods/burstable/pod" UID

static const struct {
	const char *path, *unit, *container, *pod;
} pods[] = {
	{"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	 ".slice/cri-containerd-" A64 ".scope",
	 "cri-containerd-" A64 ".scope", A64, UID},
	{POD_SLICE "/crio-" A64 ".scope", "crio-" A64 ".scope", A64, UID},
	{POD_SLICE "/crio-" A64, "", A64, UID}, /* CRI-O's sandbox */
	/* crun's own cgroup of what it runs */
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" A64 ".scope/container",
	 "crio-" A64 ".scope", A64, UID},
	{"/kubepods.slice/kubepods-pod" UID_ ".slice/docker-" A64 ".scope", "docker-" A64 ".scope",
	 A64, UID},
	/* CRI-O's monitor is no container, but the pod's */
	{POD_SLICE "/crio-conmon-" A64 ".scope", "crio-conmon-" A64 ".scope", "", UID},
	{POD_FS "/crio-conmon-" A64, "", "", UID},
	{POD_SLICE, "", "", UID},
	{POD_FS "/" A64, "", A64, UID},
	{"/kubepods/besteffort/pod" UID "/crio-" A64, "", A64, UID},
	{"/kubepods/pod" UID, "", "", UID},
	{"/kubepods/guaranteed/pod" UID "/" A64, "", A64, UID},
	/* gVisor */
	{POD_SLICE "/runsc-" A64 ".scope", "runsc-" A64 ".scope", A64, UID},
	/* below --cgroup-root=/kubelet, as kind has it */
	{"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
	 "kubelet-kubepods-burstable-pod" UID_ ".slice/cri-containerd-" A64 ".scope",
	 "cri-containerd-" A64 ".scope", A64, UID},
	{"/kubelet/kubepods/besteffort/pod" UID "/" A64, "", A64, UID},
	/* kind, minikube, k3d: the node is what the host's Docker knows, the pod is in it */
	{"/docker/" A64 "/kubelet/kubepods/burstable/pod" UID "/" B64, "", A64, UID},
	{"/docker/" A64 "/kubepods/burstable/pod" UID "/" B64, "", A64, UID},
	{"/system.slice/docker-" A64 ".scope/kubelet.slice/kubelet-kubepods.slice/"
	 "kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" UID_
	 ".slice/cri-containerd-" B64 ".scope",
	 "docker-" A64 ".scope", A64, UID},
	/* static pods have the hash of their manifest for a uid */
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" HASH
	 ".slice/cri-containerd-" A64 ".scope",
	 "cri-containerd-" A64 ".scope", A64, HASH},
	{"/kubepods/besteffort/pod" HASH "/" A64, "", A64, HASH},
	/* containerd told to use systemd, and its runc not */
	{"/system.slice/containerd.service/kubepods-besteffort-pod" UID_
	 ".slice:cri-containerd:" A64,
	 "containerd.service", A64, UID},
	{"/kubepods-besteffort-pod" UID_ ".slice:cri-containerd:" A64, "", A64, UID},
	{"/kubepods-pod" UID_ ".slice:cri-containerd:" A64, "", A64, UID},
	/* no uid: nothing is made up */
	{"/kubepods/burstable/podweb-1/" A64, "", A64, ""},
	{"/kubepods/burstable/pod" UID "0/" A64, "", A64, ""},
	{"/kubepods/burstable/pod8f3c9a1e-1b2c-4d5e-8f90-11223344556g/" A64, "", A64, ""},
	{"/kubepods/burstable/pod8f3c9a1e01b2c-4d5e-8f90-112233445566/" A64, "", A64, ""},
	{"/kubepods/burstable/pod/" A64, "", A64, ""},
	{"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod.slice", "", "", ""},
	{"/kubepods.slice/kubepods-burstable.slice", "", "", ""},
	{"/pods/pod" UID "/" A64, "", A64, ""}, /* not the kubelet's */
	{"/machine.slice/machine-libpod_pod_" A64 ".slice/libpod-" B64 ".scope/container",
	 "libpod-" B64 ".scope", B64, ""},
};

static void expect(const char *path, const char *unit, const char *container, const char *pod)
{
	struct cgroup_names names;

	memset(&names, 'x', sizeof(names));
	cgroup_parse(path, &names);
	cr_expect_str_eq(names.unit, unit, "%s: unit '%s'", path, names.unit);
	cr_expect_str_eq(names.container, container, "%s: container '%s'", path, names.container);
	cr_expect_str_eq(names.pod, pod, "%s: pod '%s'", path, names.pod);
}

Test(cgroup_parse, paths)
{
	unsigned int i;

	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		expect(paths[i].path, paths[i].unit, paths[i].container, "");
	for (i = 0; i < sizeof(pods) / sizeof(*pods); i++)
		expect(pods[i].path, pods[i].unit, pods[i].container, pods[i].pod);
}

Test(cgroup_parse, too_long_is_cut_or_refused)
{
	char path[4096];
	struct cgroup_names names;

	snprintf(path, sizeof(path), "/system.slice/%0200d.service", 0);
	cgroup_parse(path, &names);
	cr_expect_eq(strlen(names.unit), RSTMON_UNIT_MAX - 1);
	snprintf(path, sizeof(path), "/system.slice/%0400d.service", 0);
	cgroup_parse(path, &names);
	cr_expect_str_eq(names.unit, "");
	snprintf(path, sizeof(path), "/lxc/%0400d", 0);
	cgroup_parse(path, &names);
	cr_expect_eq(strlen(names.container), RSTMON_CONTAINER_MAX - 1);
	snprintf(path, sizeof(path), "/machine.slice/machine-%0400d.scope", 0);
	cgroup_parse(path, &names);
	cr_expect_eq(strlen(names.container), RSTMON_CONTAINER_MAX - 1);
}

Test(cgroup_cache, remembers_and_evicts)
{
	struct cgroup_cache *c = NULL;
	uint64_t i, missed = 99;

	cr_assert_eq(cgroup_cache_new(3, &c), 0);
	cr_expect_null(cgroup_cache_get(c, 1, NULL));
	for (i = 1; i <= 3; i++)
		cr_assert_eq(cgroup_cache_put(c, i, "/system.slice/a.service", 0), 0);
	cr_expect_str_eq(cgroup_cache_get(c, 1, &missed)->unit, "a.service");
	cr_expect_eq(missed, 0);
	cr_assert_eq(cgroup_cache_put(c, 4, NULL, 55), 0);
	cr_expect_null(cgroup_cache_get(c, 2, NULL));
	cr_expect_not_null(cgroup_cache_get(c, 1, NULL));
	cr_expect_str_eq(cgroup_cache_get(c, 4, &missed)->unit, "");
	cr_expect_eq(missed, 55);
	cr_assert_eq(cgroup_cache_put(c, 4, "/lxc/web", 0), 0);
	cr_expect_str_eq(cgroup_cache_get(c, 4, &missed)->container, "web");
	cr_expect_eq(missed, 0);
	cr_expect_eq(cgroup_cache_evicted(c), 1);
	for (i = 100; i < 5100; i++)
		cr_assert_eq(cgroup_cache_put(c, i, "/", 0), 0);
	cr_expect_eq(cgroup_cache_count(c), 3);
	cr_expect_eq(cgroup_cache_evicted(c), 5001);
	cgroup_cache_free(c);
	cgroup_cache_free(NULL);
}

struct seen {
	unsigned int n;
	char paths[64][128];
	uint64_t ids[64];
	int stop;
};

static int note(uint64_t id, const char *path, void *userdata)
{
	struct seen *s = userdata;

	if (s->stop)
		return s->stop;
	cr_assert_lt(s->n, 64);
	s->ids[s->n] = id;
	snprintf(s->paths[s->n++], sizeof(s->paths[0]), "%s", path);
	return 0;
}

static char root[64];

static void make_tree(void)
{
	char path[256];
	size_t n;
	int i;

	snprintf(root, sizeof(root), "/tmp/rstmon-cgroup-XXXXXX");
	cr_assert_not_null(mkdtemp(root));
	n = snprintf(path, sizeof(path), "%s/a.slice", root);
	cr_assert_eq(mkdir(path, 0755), 0);
	snprintf(path + n, sizeof(path) - n, "/b.service");
	cr_assert_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/cgroup.procs", root);
	fclose(fopen(path, "w"));
	snprintf(path, sizeof(path), "%s/link", root);
	cr_assert_eq(symlink("/", path), 0);
	n = snprintf(path, sizeof(path), "%s", root);
	for (i = 0; i < 20; i++) {
		n += snprintf(path + n, sizeof(path) - n, "/d");
		cr_assert_eq(mkdir(path, 0755), 0);
	}
}

static void remove_tree(void)
{
	char path[256];
	int i, depth;
	size_t n;

	for (depth = 20; depth > 0; depth--) {
		n = snprintf(path, sizeof(path), "%s", root);
		for (i = 0; i < depth; i++)
			n += snprintf(path + n, sizeof(path) - n, "/d");
		rmdir(path);
	}
	snprintf(path, sizeof(path), "%s/link", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/cgroup.procs", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a.slice/b.service", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a.slice", root);
	rmdir(path);
	rmdir(root);
}

static bool has(const struct seen *s, const char *path, uint64_t *ret_id)
{
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		if (strcmp(s->paths[i], path) == 0) {
			if (ret_id)
				*ret_id = s->ids[i];
			return true;
		}
	}
	return false;
}

Test(cgroup_scan, walks_directories_with_their_inodes, .init = make_tree, .fini = remove_tree)
{
	struct seen s = {0};
	struct stat st;
	char path[256];
	bool cut = false;
	uint64_t id = 0;
	int n;

	n = cgroup_scan(root, 1000, note, &s, &cut);
	cr_expect_eq(n, 1 + 2 + CGROUP_DEPTH_MAX, "%d", n);
	cr_expect_eq((unsigned int)n, s.n);
	cr_expect(cut, "the depth's bound was not told");
	cr_expect_str_eq(s.paths[0], "/");
	cr_expect(has(&s, "/a.slice", NULL));
	cr_expect(has(&s, "/a.slice/b.service", &id));
	cr_expect(has(&s, "/d/d", NULL));
	cr_expect_not(has(&s, "/link", NULL));
	cr_expect_not(has(&s, "/cgroup.procs", NULL));
	snprintf(path, sizeof(path), "%s/a.slice/b.service", root);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(id, st.st_ino);
}

Test(cgroup_scan, bounds_and_errors, .init = make_tree, .fini = remove_tree)
{
	struct seen s = {0};
	bool cut = false;
	char path[256];

	cr_expect_eq(cgroup_scan(root, 2, note, &s, &cut), 2);
	cr_expect(cut);
	cr_expect_eq(s.n, 2);
	s.stop = -EPIPE;
	cut = false;
	cr_expect_eq(cgroup_scan(root, 2, note, &s, &cut), -EPIPE);
	cr_expect_not(cut);
	snprintf(path, sizeof(path), "%s/nothing", root);
	cr_expect_eq(cgroup_scan(path, 2, note, &s, &cut), -ENOENT);
	snprintf(path, sizeof(path), "%s/a.slice", root);
	s = (struct seen){0};
	cr_expect_eq(cgroup_scan(path, 2, note, &s, &cut), 2); /* exactly enough */
	cr_expect_not(cut);
}

Test(cgroup_root, mountinfo)
{
	static const struct {
		const char *text, *expect;
	} cases[] = {
		{"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n"
		 "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
		 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
		 "/sys/fs/cgroup/unified"},
		{"41 31 0:38 / /sys/fs/cgroup rw shared:9 master:2 - cgroup2 cgroup rw,nsdelegate",
		 "/sys/fs/cgroup"},
		{"41 31 0:38 / /a\\040b\\134c rw - cgroup2 x rw\n", "/a b\\c"},
		{"41 31 0:38 /sub /bind rw - cgroup2 x rw\n41 31 0:38 / /whole rw - cgroup2 x rw\n",
		 "/whole"},
		{"41 31 0:38 /sub /bind rw - cgroup2 x rw\n", NULL},
		{"41 31 0:38 / /x rw - cgroup2x x rw\n", NULL},
		{"41 31 0:38 / /x rw - cgroup2", NULL},
		{"41 31 - cgroup2 x rw\n", NULL},
		{" - cgroup2 x rw\n", NULL},
		{"", NULL},
	};
	unsigned int i;
	char got[64];

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r;

		snprintf(got, sizeof(got), "untouched");
		r = cgroup_parse_mountinfo(cases[i].text, NULL, got, sizeof(got));
		cr_expect_eq(r, cases[i].expect ? 0 : -ENOENT, "case %u: %d", i, r);
		cr_expect_str_eq(got, cases[i].expect ? cases[i].expect : "untouched", "case %u",
				 i);
	}
	cr_expect_eq(cgroup_parse_mountinfo(cases[0].text, NULL, got, 22), -ENAMETOOLONG);
	cr_expect_eq(cgroup_parse_mountinfo(cases[0].text, NULL, got, 23), 0);
}

Test(cgroup_root, mountinfo_of_v1)
{
	static const char text[] =
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw\n"
		"32 31 0:30 / /sys/fs/cgroup/memory,x rw - cgroup memory rw,memory_\n"
		"39 31 0:36 /docker/a /bind rw - cgroup cgroup rw,memory\n"
		"40 31 0:37 / /sys/fs/cgroup/systemd rw shared:3 - cgroup cgroup "
		"rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		"42 31 0:39 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		"43 31 0:40 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"44 31 0:41 / /x rw - cgroup cgroup";
	static const struct {
		const char *option, *expect;
	} cases[] = {
		{"name=systemd", "/sys/fs/cgroup/systemd"},
		{"memory", "/sys/fs/cgroup/memory"},
		{"cpu", "/sys/fs/cgroup/cpu,cpuacct"},
		{"cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
		{NULL, "/sys/fs/cgroup/unified"},
		{"pids", NULL},
		{"name=system", NULL},
		{"xattr,name=systemd", NULL},
	};
	char got[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r;

		snprintf(got, sizeof(got), "untouched");
		r = cgroup_parse_mountinfo(text, cases[i].option, got, sizeof(got));
		cr_expect_eq(r, cases[i].expect ? 0 : -ENOENT, "case %zu: %d", i, r);
		cr_expect_str_eq(got, cases[i].expect ? cases[i].expect : "untouched", "case %zu",
				 i);
	}
}
