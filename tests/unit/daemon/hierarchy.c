/* SPDX-License-Identifier: GPL-2.0-only */
/* Which hierarchies of cgroup v1 name processes, out of what real hosts have in /proc/PID/cgroup.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "daemon/hierarchy.h"

static const struct {
	const char *text;
	uint32_t systemd, controller;
	const char *name;
} hosts[] = {
	{"", 0, 0, ""},
	{"0::/system.slice/a.service\n", 0, 0, ""}, /* v2 */
	{"0::/\n1:net_cls:/\n", 0, 0, ""},	    /* v2, and somebody's mount */
	/* v1, as Debian 10 has it */
	{"12:memory:/\n11:pids:/a\n10:cpu,cpuacct:/\n4:devices:/x\n1:name=systemd:/init.scope\n"
	 "0::/init.scope\n",
	 1, 12, "memory"},
	/* without systemd */
	{"13:name=openrc:/\n5:cpu,cpuacct:/docker/a\n", 0, 5, "cpu"},
	{"7:cpuset,cpu,cpuacct:/\n3:freezer:/\n", 0, 7, "cpu"},
	{"3:freezer:/\n", 0, 3, "freezer"},
	{"1:name=systemd:/\n", 1, 0, ""},
	/* no such thing */
	{"2:name=systemd2:/\n", 0, 0, ""},
	{"2:memoryx:/\n", 0, 0, ""},
	{"2:xmemory,:/\n", 0, 0, ""},
	{":memory:/\n", 0, 0, ""},
	{"0:memory:/\n", 0, 0, ""},
	{"99999999999:memory:/\n", 0, 0, ""},
	{"4294967296:memory:/\n", 0, 0, ""},
	{"3:memory", 0, 0, ""},
	{"3:", 0, 0, ""},
	{"3", 0, 0, ""},
	{"3:a:/4:memory:/\n", 0, 0, ""}, /* a path may hold anything but a newline */
	{"\n\n9:memory:/\n", 0, 9, "memory"},
};

Test(hierarchies, of_hosts)
{
	struct hierarchy got[RST_HIERARCHIES];

	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
		memset(got, 'x', sizeof(got));
		hierarchies_parse(hosts[i].text, got);
		cr_expect_eq(got[0].number, hosts[i].systemd, "%zu: %u", i, got[0].number);
		cr_expect_str_eq(got[0].name, hosts[i].systemd ? "name=systemd" : "", "%zu", i);
		cr_expect_eq(got[1].number, hosts[i].controller, "%zu: %u", i, got[1].number);
		cr_expect_str_eq(got[1].name, hosts[i].name, "%zu", i);
	}
}
