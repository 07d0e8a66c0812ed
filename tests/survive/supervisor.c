/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs one service as PID 1 would with Type=notify, Restart=on-failure and FileDescriptorStoreMax=,
 *and kills it when told to: sd_notify(3), sd_listen_fds(3), systemd.service(5). It must not help
 *the service in any way that systemd does not. Used by run.sh; tests/vm holds the same service
 *against the real one.
 *
 *	supervisor [OPTION...] -- BINARY [ARGUMENT...]
 *		--listen PATH	 of the socket that is passed as "varlink"
 *		--last		 it comes after the stored descriptors, not before
 *		--control PATH	 for commands
 *		--notify PATH	 NOTIFY_SOCKET; without it an abstract one
 *		--max N		 descriptors that are stored
 *		--by-inode	 compares descriptors as where there is no kcmp()
 *	supervisor ask CONTROL COMMAND...
 *
 * Commands (control.c) answer when the service is where they want it.
 */
#include "common/util.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/survive/control.h"
#include "tests/survive/service.h"

static int address(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path) >=
	    (int)sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int listen_at(const char *path)
{
	struct sockaddr_un a;
	_cleanup_close_ int fd = address(path, &a);

	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 128))
		return -errno;
	return TAKE_FD(fd);
}

/* The answer ends with a line that begins with "ok" or "failed". */
static int ask(const char *path, int argc, char *argv[])
{
	struct sockaddr_un a;
	_cleanup_close_ int fd = address(path, &a);
	_cleanup_fclose_ FILE *f = NULL;
	char line[CONTROL_LINE_MAX] = "";

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		fprintf(stderr, "supervisor: %s: %s\n", path, strerror(errno));
		return 1;
	}
	for (int i = 0; i < argc; i++)
		dprintf(fd, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	f = fdopen(TAKE_FD(fd), "r");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stdout);
	return strncmp(line, "ok", 2) != 0;
}

static int parse(int argc, char *argv[], struct service *s, const char **ret_control)
{
	enum { LISTEN = 1, LAST, CONTROL, NOTIFY, STORED, BY_INODE };
	static const struct option options[] = {
		{"listen", required_argument, NULL, LISTEN},
		{"last", no_argument, NULL, LAST},
		{"control", required_argument, NULL, CONTROL},
		{"notify", required_argument, NULL, NOTIFY},
		{"max", required_argument, NULL, STORED},
		{"by-inode", no_argument, NULL, BY_INODE},
		{},
	};
	const char *listen_path = NULL, *notify = "";
	bool last = false, by_inode = false;
	size_t max = STORE_MAX;
	int c;

	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case LISTEN:
			listen_path = optarg;
			break;
		case LAST:
			last = true;
			break;
		case CONTROL:
			*ret_control = optarg;
			break;
		case NOTIFY:
			notify = optarg;
			break;
		case STORED:
			max = strtoul(optarg, NULL, 10);
			break;
		case BY_INODE:
			by_inode = true;
			break;
		default:
			return -EINVAL;
		}
	}
	if (!*ret_control || !listen_path || optind >= argc)
		return -EINVAL;
	c = service_init(s, argv + optind, notify, max);
	if (c)
		return c;
	s->listen = listen_at(listen_path);
	s->listen_last = last;
	s->store.by_inode = by_inode;
	return s->listen < 0 ? s->listen : 0;
}

int main(int argc, char *argv[])
{
	static struct service s;
	const char *control = NULL;
	int fd, r;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 3 && !strcmp(argv[1], "ask"))
		return ask(argv[2], argc - 3, argv + 3);
	umask(077);
	r = parse(argc, argv, &s, &control);
	fd = r ? r : listen_at(control);
	if (fd < 0) {
		fprintf(stderr, "supervisor: %s\n", strerror(-fd));
		return 2;
	}
	r = service_start(&s);
	if (!r)
		r = control_loop(&s, fd);
	service_end(&s);
	if (r)
		fprintf(stderr, "supervisor: %s\n", strerror(-r));
	return r < 0;
}
