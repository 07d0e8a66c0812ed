/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for owners: from the cache, from the source, of the dead, after exec, under a flood. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/attribute.h"
#include "daemon/process.h"
#include "tests/unit/daemon/fake_source.h"

#define SECOND 1000000000ULL

static struct fake_source fake;
static struct attributor *a;

static void setup(void)
{
	fake_init(&fake);
	cr_assert_eq(attributor_new(&fake.source, &a), 0);
}

static void teardown(void)
{
	attributor_free(a);
}

static struct reset make(uint32_t tgid, uint64_t start, const char *comm, uint64_t cgroup)
{
	struct reset r = {
		.owner_tgid = tgid,
		.owner_start = start,
		.owner_source = RST_OWNER_READ,
		.cgroup = cgroup,
		.monotonic = 100 * SECOND,
		.reason_name = "",
	};

	snprintf(r.owner_comm, sizeof(r.owner_comm), "%s", comm);
	return r;
}

/* The start of a living process as a source would give it: any time within its clock tick. */
static uint64_t start_of(pid_t pid)
{
	int fd = process_open(pid);
	uint64_t ticks;

	cr_assert_geq(fd, 0);
	cr_assert_eq(process_read_start(fd, &ticks), 0);
	close(fd);
	return ticks * (SECOND / sysconf(_SC_CLK_TCK)) + 4321;
}

TestSuite(attribute, .init = setup, .fini = teardown);

Test(attribute, asks_once_then_remembers)
{
	struct reset r = make(10, 100, "nginx", 5);
	struct owner o;
	int i;

	fake_add(&fake, 10, 100, "nginx", "/usr/sbin/nginx");
	fake_add_cgroup(&fake, 5, "/system.slice/nginx.service");
	for (i = 0; i < 3; i++) {
		memset(&o, 'x', sizeof(o));
		attribute(a, &r, &o);
		cr_expect_eq(o.pid, 10);
		cr_expect_eq(o.start, 100);
		cr_expect_eq(o.source, RST_OWNER_READ);
		cr_expect_str_eq(o.comm, "nginx");
		cr_expect_str_eq(o.exe, "/usr/sbin/nginx");
		cr_expect_str_eq(o.unit, "nginx.service");
		cr_expect_str_eq(o.container, "");
	}
	cr_expect_eq(fake.asked_process, 1);
	cr_expect_eq(fake.asked_cgroup, 1);
}

/* What was answered is given again without a question, until a cache has learnt something new. */
Test(attribute, an_answer_lasts_until_something_changes)
{
	struct reset r = make(10, 100, "nginx", 5), other = make(11, 100, "nginx", 5);
	struct rst_process *p = fake_add(&fake, 10, 100, "nginx", "/usr/sbin/nginx");
	struct owner o;

	fake_add(&fake, 11, 100, "nginx", "/opt/nginx");
	fake_add_cgroup(&fake, 5, "/system.slice/nginx.service");
	attribute(a, &r, &o);
	attribute(a, &other, &o);
	cr_expect_str_eq(o.exe, "/opt/nginx");
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/usr/sbin/nginx");
	snprintf(p->exe, sizeof(p->exe), "/usr/sbin/nginx-next");
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/usr/sbin/nginx");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	memset(&o, 'x', sizeof(o));
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/usr/sbin/nginx-next");
	cr_expect_str_eq(o.unit, "nginx.service");
	cr_expect_str_eq(o.container, "");
	r.cgroup = 0; /* the same process, but of a socket that tells less */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "");
}

Test(attribute, nobody_has_no_names)
{
	struct reset r = make(0, 0, "swapper", 5);
	struct owner o;

	r.owner_source = RST_OWNER_NONE;
	fake_add_cgroup(&fake, 5, "/system.slice/nginx.service");
	attribute(a, &r, &o);
	cr_expect_eq(o.pid, 0);
	cr_expect_str_eq(o.comm, "");
	cr_expect_str_eq(o.exe, "");
	cr_expect_str_eq(o.unit, "");
	cr_expect_eq(fake.asked_process + fake.asked_cgroup, 0);
}

Test(attribute, the_scanned_are_named_after_they_are_gone)
{
	struct reset r = make(10, 100, "", 0);
	struct owner o;

	fake_add(&fake, 10, 100, "gone", "/opt/gone")->cgroup = 9;
	fake_add_cgroup(&fake, 9,
			"/docker/0123456789abcdef0123456789abcdef0123456789abcdef"
			"0123456789abcdef");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	fake.n_processes = 0;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "gone");
	cr_expect_str_eq(o.exe, "/opt/gone");
	cr_expect_eq(strlen(o.container), 64);
	cr_expect_eq(fake.asked_process, 0);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Sockets of a host with cgroup v1 are all in v2's root (1 here); hybrid, v2 may tell of a service
 * what v1 tells of a container. The answers are those of a process that is gone when it is asked
 * for. */
static const struct {
	const char *v2, *systemd, *controller; /* paths; NULL: not known */
	const char *unit, *container, *pod;
} homes[] = {
	{"/", "/system.slice/a.service", "/system.slice/a.service", "a.service", "", ""},
	{"/", "/system.slice/docker-" ID ".scope", "/", "docker-" ID ".scope", ID, ""},
	{"/", "/", "/docker/" ID, "", ID, ""},
	{"/", "/kubepods/pod8f3c9a1e-1b2c-4d5e-8f90-112233445566/" ID, "/", "", ID,
	 "8f3c9a1e-1b2c-4d5e-8f90-112233445566"},
	{"/", "/system.slice/docker.service", "/docker/" ID, "", ID, ""},
	{"/system.slice/containerd.service", "/docker/" ID, NULL, "", ID, ""},
	{"/system.slice/b.service", "/system.slice/a.service", "/", "b.service", "", ""},
	{"/system.slice/b.service", "/", "/system.slice/c.service", "b.service", "", ""},
	{"/init.scope", "/system.slice/a.service", "/", "a.service", "", ""},
	{"/lxc.payload.web", "/docker/" ID, "/docker/" ID, "", "web", ""},
	{"/", NULL, "/docker/" ID, "", ID, ""},
	{"/", NULL, NULL, "", "", ""},
};

Test(attribute, hierarchies_of_v1)
{
	for (unsigned int i = 0; i < sizeof(homes) / sizeof(*homes); i++) {
		struct reset r = make(10 + i, 100, "nginx", 1000 + i);
		struct rst_process *p = fake_add(&fake, 10 + i, 100, "nginx", "/usr/sbin/nginx");
		struct owner o;

		fake.n_cgroups = 0;
		fake_add_cgroup(&fake, 1000 + i, homes[i].v2);
		p->cgroup = 1000 + i;
		p->home[0] = (2000 + i) | RST_CGROUP_HIERARCHY(0);
		p->home[1] = (2000 + i) | RST_CGROUP_HIERARCHY(1);
		if (homes[i].systemd)
			fake_add_cgroup(&fake, p->home[0], homes[i].systemd);
		if (homes[i].controller)
			fake_add_cgroup(&fake, p->home[1], homes[i].controller);
		for (int again = 0; again < 2; again++) {
			attribute(a, &r, &o);
			cr_expect_str_eq(o.unit, homes[i].unit, "%u: unit '%s'", i, o.unit);
			cr_expect_str_eq(o.container, homes[i].container, "%u: '%s'", i,
					 o.container);
			cr_expect_str_eq(o.pod, homes[i].pod, "%u: pod '%s'", i, o.pod);
		}
		fake.n_processes = 0;
	}
}

/* A process that is dying is in no cgroup any more as far as /proc tells. */
Test(attribute, a_home_is_not_replaced_by_nothing)
{
	struct reset r = make(10, 100, "nginx", 0);
	struct rst_process *p = fake_add(&fake, 10, 100, "nginx", "/usr/sbin/nginx");
	struct owner o;

	p->home[0] = 5 | RST_CGROUP_HIERARCHY(0);
	fake_add_cgroup(&fake, p->home[0], "/system.slice/a.service");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	p->home[0] = 0;
	cr_assert_eq(attributor_scan(a, NULL), 0);
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "a.service");
}

Test(attribute, a_reused_number_is_somebody_else)
{
	struct reset r = make(10, 100, "old", 0);
	struct owner o;

	fake_add(&fake, 10, 200, "new", "/opt/new");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "old");
	cr_expect_str_eq(o.exe, "");
	r = make(10, 0, "unsure", 0); /* without a start the number tells nothing */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "unsure");
	cr_expect_str_eq(o.exe, "");
}

Test(attribute, the_dead_cost_one_question)
{
	struct reset r = make(10, 100, "dead", 0);
	struct owner o;
	int i;

	for (i = 0; i < 1000; i++)
		attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "dead");
	cr_expect_eq(fake.asked_process, 1);
}

Test(attribute, a_flood_of_the_dead_is_bounded_and_counted)
{
	struct owner o;
	uint32_t i;

	for (i = 0; i < 10000; i++) {
		struct reset r = make(100 + i, 7 + i, "dead", 0);

		attribute(a, &r, &o);
		cr_assert_str_eq(o.comm, "dead");
	}
	cr_expect_leq(fake.asked_process, 2048);
	cr_expect_eq(fake.asked_process + attributor_skipped(a), 10000);
	/* the next second has its own share */
	fake_add(&fake, 5, 5, "alive", "/bin/alive");
	struct reset r = make(5, 5, "alive", 0);

	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "");
	r.monotonic += SECOND;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/bin/alive");
}

Test(attribute, a_fault_of_the_source_is_no_proof_of_death)
{
	struct reset r = make(10, 100, "x", 5);
	struct owner o;

	fake_add(&fake, 10, 100, "x", "/bin/x");
	fake_add_cgroup(&fake, 5, "/system.slice/x.service");
	fake.error = -EMFILE;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "");
	cr_expect_str_eq(o.unit, "");
	fake.error = 0;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/bin/x");
	cr_expect_str_eq(o.unit, "x.service");
}

Test(attribute, exec_changes_the_executable)
{
	struct reset r = make(10, 100, "curl", 0);
	struct owner o;
	int i;

	fake_add(&fake, 10, 100, "bash", "/bin/bash");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	snprintf(fake.processes[0].comm, 16, "curl");
	snprintf(fake.processes[0].exe, 256, "/usr/bin/curl");
	for (i = 0; i < 3; i++)
		attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "curl");
	cr_expect_str_eq(o.exe, "/usr/bin/curl");
	cr_expect_eq(fake.asked_process, 1);
}

Test(attribute, a_comm_of_its_own_choice_is_asked_for_once)
{
	struct reset r = make(10, 100, "worker 1", 0);
	struct owner o;
	int i;

	fake_add(&fake, 10, 100, "python3", "/usr/bin/python3");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	for (i = 0; i < 5; i++)
		attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "worker 1");
	cr_expect_str_eq(o.exe, "/usr/bin/python3");
	cr_expect_eq(fake.asked_process, 1);
}

Test(attribute, no_executable_rather_than_a_stale_one)
{
	struct reset r = make(10, 100, "curl", 0);
	struct owner o;

	fake_add(&fake, 10, 100, "bash", "/bin/bash")->cgroup = 5;
	fake_add_cgroup(&fake, 5, "/system.slice/cron.service");
	cr_assert_eq(attributor_scan(a, NULL), 0);
	fake.n_processes = 0; /* gone, and nobody saw what it executed */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "curl");
	cr_expect_str_eq(o.exe, "");
	cr_expect_str_eq(o.unit, "cron.service");
	r = make(10, 100, "bash", 0);
	attribute(a, &r, &o);
	cr_expect_str_eq(o.exe, "/bin/bash");
}

Test(attribute, unit_of_the_socket_then_of_the_process)
{
	struct reset r = make(10, 100, "x", 5);
	struct owner o;

	fake_add(&fake, 10, 100, "x", "/x")->cgroup = 6;
	fake_add_cgroup(&fake, 5, "/system.slice/socket.service");
	fake_add_cgroup(&fake, 6, "/system.slice/process.service");
	fake_add_cgroup(&fake, 7, "/init.scope");
	fake_add_cgroup(&fake, 8, "/");
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "socket.service");
	r.cgroup = 0;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "process.service");
	r.cgroup = 99; /* unknown */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "process.service");
	r.cgroup = 8; /* the root tells nothing */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "process.service");
	r.cgroup = 7; /* a socket unit's: the manager made the socket */
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "process.service");
	fake.processes[0].cgroup = 7; /* the manager itself */
	cr_assert_eq(attributor_scan(a, NULL), 0);
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "init.scope");
}

Test(attribute, an_unknown_cgroup_is_asked_for_once_a_second)
{
	struct reset r = make(10, 100, "x", 5);
	struct owner o;
	int i;

	for (i = 0; i < 100; i++)
		attribute(a, &r, &o);
	cr_expect_eq(fake.asked_cgroup, 1);
	fake_add_cgroup(&fake, 5, "/system.slice/late.service");
	r.monotonic += SECOND;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "late.service");
}

Test(attribute, a_removed_cgroup_keeps_its_name)
{
	struct reset r = make(10, 100, "x", 5);
	struct owner o;

	fake_add_cgroup(&fake, 5, "/system.slice/x.service");
	attribute(a, &r, &o);
	fake.n_cgroups = 0;
	r.monotonic += 3600 * SECOND;
	attribute(a, &r, &o);
	cr_expect_str_eq(o.unit, "x.service");
}

Test(attribute, hostile_names_are_made_harmless)
{
	struct reset r = make(10, 100, "a\nb\033[31m", 0);
	struct owner o;

	fake_add(&fake, 10, 100, "a\nb\033[31m", "/tmp/\n\xff");
	attribute(a, &r, &o);
	cr_expect_str_eq(o.comm, "a?b?[31m");
	cr_expect_str_eq(o.exe, "/tmp/??");
	memset(r.owner_comm, 'z', sizeof(r.owner_comm) - 1);
	attribute(a, &r, &o);
	cr_expect_eq(strlen(o.comm), RSTMON_COMM_MAX - 1);
}

Test(attribute, refresh_at_most_once_a_second)
{
	attributor_refresh(a, 10 * SECOND);
	attributor_refresh(a, 10 * SECOND + 999999999);
	cr_expect_eq(fake.asked_processes, 1);
	attributor_refresh(a, 11 * SECOND);
	cr_expect_eq(fake.asked_processes, 2);
}

Test(attribute, scan_tells_what_failed)
{
	cr_expect_eq(attributor_scan(a, "/nonexistent/cgroup"), -ENOENT);
	fake.error = -EPERM;
	cr_expect_eq(attributor_scan(a, NULL), -EPERM);
}

Test(attribute, alive_is_that_very_process)
{
	uint64_t start = start_of(getpid());
	int status;
	pid_t pid;

	cr_expect(attributor_alive(a, getpid(), start));
	cr_expect(attributor_alive(a, getpid(), 0));
	cr_expect_not(attributor_alive(a, getpid(), start - SECOND));
	cr_expect_not(attributor_alive(a, getpid(), start + SECOND));
	pid = fork();
	if (pid == 0)
		_exit(0); /* no cr_ call before: Criterion would wait for ever for whom it does not
			     know */
	cr_assert_geq(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_not(attributor_alive(a, pid, 0));
	cr_expect_not(attributor_alive(a, 4194304 + 5, 0));
}

Test(attribute, a_process_of_a_namespace_is_alive_and_there)
{
	uint64_t start = start_of(getpid());
	struct rst_process *p;

	p = fake_add(&fake, 4194304 + 5, 1, "gone", "");
	p->netns = 7;
	p->netns_cookie = 1;
	p = fake_add(&fake, getpid(), start, "test", "");
	p->netns = 7;
	p->netns_cookie = 1;
	cr_expect_eq(attributor_netns_process(a, 7, 1), 0);
	cr_assert_eq(attributor_scan(a, NULL), 0);
	cr_expect_eq(attributor_netns_process(a, 7, 1), (uint32_t)getpid());
	cr_expect_eq(attributor_netns_process(a, 7, 2), 0);
	p->netns = 8; /* it moves */
	p->netns_cookie = 2;
	cr_expect_eq(attributor_netns_process(a, 7, 1), 0);
	cr_expect_eq(attributor_netns_process(a, 8, 2), (uint32_t)getpid());
	fake.error = -EPERM; /* the source may say no more: what it said stands */
	cr_expect_eq(attributor_netns_process(a, 8, 2), (uint32_t)getpid());
	fake.error = 0;
	fake.n_processes = 0; /* no more in the scan */
	attributor_refresh(a, SECOND);
	cr_expect_eq(attributor_netns_process(a, 8, 2), 0);
}

Test(attribute, a_zombie_lives_in_no_namespace)
{
	struct rst_process *p = fake_add(&fake, getpid(), start_of(getpid()), "test", "");

	p->netns = 7;
	cr_assert_eq(attributor_scan(a, NULL), 0);
	p->netns = 0;
	cr_expect_eq(attributor_netns_process(a, 7, 0), 0);
}

Test(attribute, memory_is_bounded)
{
	struct owner o;
	uint32_t i;

	cr_expect_gt(attributor_memory(a), 0);
	for (i = 0; i < RSTMON_CGROUP_CACHE_MAX + 100; i++) {
		struct reset r = make(1, 0, "x", 1000 + i);

		r.monotonic += i * SECOND;
		attribute(a, &r, &o);
	}
	cr_expect_eq(attributor_evicted(a), 100);
	cr_expect_lt(attributor_memory(a), 4 << 20);
	attributor_free(NULL);
}
