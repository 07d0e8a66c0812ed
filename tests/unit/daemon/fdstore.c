/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/fdstore.h"

static struct fdstore store;

static void setup(void)
{
	store = (struct fdstore){.listen_fd = -1};
}

static void teardown(void)
{
	fdstore_done(&store);
}

static int memory(void)
{
	int fd = memfd_create("fdstore-test", MFD_CLOEXEC);

	cr_assert_geq(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void collect(int fd, const char *name)
{
	char *names[] = {(char *)name};

	fdstore_collect(&store, &fd, names, 1);
}

static int listening(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* the kernel chooses an abstract name */
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

TestSuite(fdstore, .init = setup, .fini = teardown);

Test(fdstore, takes_a_state)
{
	int fd = memory();

	collect(fd, "g7.state");
	cr_assert_eq(store.n, 1);
	cr_assert_eq(store.refused, 0);
	cr_assert_eq(store.entry[0].generation, 7);
	cr_assert_eq(store.entry[0].kind, FDSTORE_STATE);
	cr_assert_eq(store.entry[0].fd, fd);
	cr_assert_not_null(fdstore_find(&store, 7, FDSTORE_STATE, ""));
	cr_assert_null(fdstore_find(&store, 8, FDSTORE_STATE, ""));
	cr_assert_null(fdstore_find(&store, 7, FDSTORE_MAP, ""));
}

Test(fdstore, closes_what_has_no_name_of_ours)
{
	static const char *const names[] = {
		"",
		"stored",
		"varlink",
		"g.state",
		"g0.state",
		"g07.state",
		"g7.stateful",
		"g7.state.x",
		"g7.map",
		"g7.map.",
		"g7.maps.ring",
		"g-1.state",
		"g7state",
		"g 7.state",
		"G7.state",
		"g4294967296.state",
		"g4000000000.state",
		"g99999999999999999999.state",
		"g7.",
		"g7.map.012345678901234567890123456789012345678901234567890123456789",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = memory();

		collect(fd, names[i]);
		cr_assert_eq(store.n, 0, "%s", names[i]);
		cr_assert_eq(store.refused, i + 1, "%s", names[i]);
		cr_assert(!is_open(fd), "%s", names[i]);
	}
	cr_assert_str_eq(store.refused_why, "unknown");
}

Test(fdstore, closes_what_is_not_what_its_name_says)
{
	static const char *const names[] = {"g1.map.ring", "g1.link.on_read", "g1.prog.on_read"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = memory();

		collect(fd, names[i]);
		cr_assert(!is_open(fd), "%s", names[i]);
	}
	cr_assert_eq(store.n, 0);
	cr_assert_eq(store.refused, 3);
	cr_assert_str_eq(store.refused_name, "g1.map.ring");
	cr_assert_str_eq(store.refused_why, "not what its name says");
}

Test(fdstore, keeps_the_first_of_two)
{
	int first = memory(), second = memory();

	collect(first, "g1.state");
	collect(second, "g1.state");
	cr_assert_eq(store.n, 1);
	cr_assert_eq(store.entry[0].fd, first);
	cr_assert(!is_open(second));
	cr_assert_str_eq(store.refused_why, "there twice");
}

Test(fdstore, has_a_bound)
{
	char name[32];

	for (uint32_t i = 1; i <= FDSTORE_MAX + 2; i++) {
		snprintf(name, sizeof(name), "g%u.state", i);
		collect(memory(), name);
	}
	cr_assert_eq(store.n, FDSTORE_MAX);
	cr_assert_eq(store.refused, 2);
	cr_assert_str_eq(store.refused_why, "too many");
}

Test(fdstore, knows_the_socket_by_what_it_is)
{
	int fd = listening(), second = listening();
	int plain = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	collect(plain, "varlink");
	cr_assert_eq(store.listen_fd, -1);
	collect(fd, "g1.map.ring");
	cr_assert_eq(store.listen_fd, fd);
	collect(second, "varlink");
	cr_assert_eq(store.listen_fd, fd);
	cr_assert(!is_open(second));
	cr_assert_eq(store.refused, 2);
}

Test(fdstore, a_hostile_name_is_told_harmlessly)
{
	collect(memory(), "g1.\n\033[31mstate");
	cr_assert_eq(store.refused, 1);
	for (const char *p = store.refused_name; *p; p++)
		cr_assert(*p >= ' ' && *p < 127);
}

Test(fdstore, without_a_manager_nothing_is_parked)
{
	int fd = memory();

	cr_assert_eq(fdstore_park(&store, 1, FDSTORE_STATE, "", fd), 0);
	cr_assert_eq(fdstore_barrier(&store), 0);
	cr_assert_eq(store.n, 0);
	close(fd);
}

Test(fdstore, speaks_to_the_manager)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = memory();
	socklen_t length = sizeof(a);
	char name[sizeof(a.sun_path) + 2], text[256];
	ssize_t n;

	cr_assert_eq(bind(manager, (struct sockaddr *)&a, sizeof(sa_family_t)), 0);
	cr_assert_eq(getsockname(manager, (struct sockaddr *)&a, &length), 0);
	snprintf(name, sizeof(name), "@%.*s", (int)(length - sizeof(sa_family_t) - 1),
		 a.sun_path + 1);
	setenv("NOTIFY_SOCKET", name, true);
	store.managed = true;

	cr_assert_eq(fdstore_park(&store, 3, FDSTORE_STATE, "", fd), 0);
	n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	cr_assert_str_eq(text, "FDSTORE=1\nFDNAME=g3.state\nFDPOLL=0");

	cr_assert_eq(store.n, 1);
	fdstore_remove(&store, &store.entry[0]);
	cr_assert_eq(store.n, 0);
	n = recv(manager, text, sizeof(text) - 1, MSG_DONTWAIT);
	cr_assert_gt(n, 0);
	text[n] = '\0';
	cr_assert_str_eq(text, "FDSTOREREMOVE=1\nFDNAME=g3.state");
	unsetenv("NOTIFY_SOCKET");
	close(manager);
	close(fd);
}

Test(fdstore, names)
{
	char name[64];

	fdstore_name(1, FDSTORE_MAP, "rstmon_b.rodata", name, sizeof(name));
	cr_assert_str_eq(name, "g1.map.rstmon_b.rodata");
	fdstore_name(12, FDSTORE_LINK, "on_send_reset", name, sizeof(name));
	cr_assert_str_eq(name, "g12.link.on_send_reset");
	fdstore_name(3, FDSTORE_STATE, "", name, sizeof(name));
	cr_assert_str_eq(name, "g3.state");
}
