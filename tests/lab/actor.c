/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * labtool [-d DIR] [-n COMM] WORD...: a process of the lab, told by words what to do with sockets.
 *It must do nothing else to them, not even close them early: the scenario's name is the truth about
 *the reset. Proved by the lab itself, which checks what the kernel says happened.
 *
 *	listen A  backlog N  accept  connect A  try A  start A  source PORT
 *	use N  (N-th socket that was connected or accepted, from 0; 'use listener')
 *	read N  drain  unread N  write N  push N  end  closed
 *	close  shutdown rd|wr|rdwr  unspec  linger0  linger2 N  nodelay  sndbuf N
 *	keepalive IDLE INTERVAL COUNT  usertimeout MS  defer S  mptcp  md5 A KEY
 *	sleep MS  await FLAG  flag FLAG  say WORD  hold  raise SIGNAL  exit CODE
 *	repeat N WORD... again		and the words of wire.c
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/lab/actor.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

#define SOCKETS_MAX 256

static struct {
	const char *dir;
	int socket[SOCKETS_MAX], n_sockets;
	int listener, current;
	int backlog, source, protocol, user_timeout, defer, send_buffer;
	const char *md5_peer, *md5_key;
} tool = {.dir = ".", .listener = -1, .current = -1, .backlog = 128, .protocol = IPPROTO_TCP};

void fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fflush(stdout);
	fputs("labtool: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(ACTOR_FAILED);
}

static void say(const char *word)
{
	printf("%s\n", word);
	fflush(stdout);
}

static int number(const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end)
		fail("not a number: %s", text);
	return (int)n;
}

static void pause_ms(int ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

socklen_t parse_address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	const char *colon = strrchr(text, ':');
	uint16_t port = htons((uint16_t)number(colon ? colon + 1 : text));
	char host[64] = "127.0.0.1";

	memset(ret, 0, sizeof(*ret));
	if (colon)
		snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (!strcmp(host, "any"))
		snprintf(host, sizeof(host), "0.0.0.0");
	if (!strcmp(host, "v6"))
		snprintf(host, sizeof(host), "[::1]");
	if (!strcmp(host, "any6"))
		snprintf(host, sizeof(host), "[::]");
	if (host[0] == '[') {
		host[strlen(host) - 1] = '\0';
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port};
		if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
			fail("not an address: %s", text);
		return sizeof(*v6);
	}
	*v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
	if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
		fail("not an address: %s", text);
	return sizeof(*v4);
}

static void option(int fd, int level, int name, int value)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		fail("setsockopt %d %d: %s", level, name, strerror(errno));
}

static void sign(int fd)
{
	struct tcp_md5sig md5 = {};
	struct sockaddr_storage peer;

	if (!tool.md5_key)
		return;
	parse_address(tool.md5_peer, &peer);
	md5.tcpm_addr = peer;
	md5.tcpm_keylen = (uint16_t)strlen(tool.md5_key);
	memcpy(md5.tcpm_key, tool.md5_key, strlen(tool.md5_key));
	if (setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &md5, sizeof(md5)) < 0)
		fail("TCP_MD5SIG: %s", strerror(errno));
}

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, tool.protocol);

	if (fd < 0)
		fail("socket: %s", strerror(errno));
	option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (tool.user_timeout)
		option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, tool.user_timeout);
	if (tool.defer)
		option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, tool.defer);
	if (tool.send_buffer)
		option(fd, SOL_SOCKET, SO_SNDBUF, tool.send_buffer);
	sign(fd);
	return fd;
}

static void keep(int fd)
{
	if (tool.n_sockets == SOCKETS_MAX)
		fail("too many sockets");
	tool.socket[tool.n_sockets++] = fd;
	tool.current = fd;
}

/* ---- words ---- */

static void do_listen(char **arg)
{
	struct sockaddr_storage a;
	socklen_t size = parse_address(arg[0], &a);
	int fd = new_socket(a.ss_family);

	if (bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, tool.backlog) < 0)
		fail("listen %s: %s", arg[0], strerror(errno));
	tool.listener = tool.current = fd;
	say("listening");
}

static void wait_for(int fd, short events, const char *what)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r;

	do
		r = poll(&p, 1, ACTOR_WAIT_MS);
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		fail("%s: nothing came", what);
}

static void do_accept(char **arg)
{
	int fd;

	(void)arg;
	wait_for(tool.listener, POLLIN, "accept");
	fd = accept4(tool.listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		fail("accept: %s", strerror(errno));
	keep(fd);
	say("accepted");
}

static int try_connect(const char *to, bool wait)
{
	struct sockaddr_storage a, from;
	socklen_t size = parse_address(to, &a);
	int fd = new_socket(a.ss_family);
	int r = 0;

	if (tool.source) {
		char text[32];

		snprintf(text, sizeof(text), "%s:%d", a.ss_family == AF_INET ? "any" : "any6",
			 tool.source);
		if (bind(fd, (struct sockaddr *)&from, parse_address(text, &from)) < 0)
			fail("bind to port %d: %s", tool.source, strerror(errno));
	}
	if (!wait)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, (struct sockaddr *)&a, size) < 0 && (wait || errno != EINPROGRESS))
		r = -errno;
	fcntl(fd, F_SETFL, 0);
	keep(fd);
	return r;
}

static void do_connect(char **arg)
{
	int r = try_connect(arg[0], true);

	if (r)
		fail("connect %s: %s", arg[0], strerror(-r));
	say("connected");
}

/* Its failure is what the scenario is about; then the socket is closed. */
static void do_try(char **arg)
{
	int r = try_connect(arg[0], true);

	if (!r) {
		say("connected");
		return;
	}
	say(strerrorname_np(-r));
	close(tool.current);
	tool.socket[--tool.n_sockets] = -1;
}

static void do_start(char **arg)
{
	int r = try_connect(arg[0], false);

	if (r)
		fail("connect %s: %s", arg[0], strerror(-r));
}

static void do_use(char **arg)
{
	if (!strcmp(arg[0], "listener")) {
		tool.current = tool.listener;
		return;
	}
	if (number(arg[0]) >= tool.n_sockets)
		fail("no socket %s", arg[0]);
	tool.current = tool.socket[number(arg[0])];
}

static void do_read(char **arg)
{
	static char buffer[65536];
	size_t left = (size_t)number(arg[0]);

	while (left) {
		ssize_t n;

		wait_for(tool.current, POLLIN, "read");
		n = read(tool.current, buffer, MIN(left, sizeof(buffer)));
		if (n <= 0)
			fail("read: %s", n ? strerror(errno) : "end of file");
		left -= (size_t)n;
	}
	say("read");
}

/* Until the end, whatever it is: "eof" or the error's name. */
static void do_drain(char **arg)
{
	static char buffer[65536];
	ssize_t n;

	(void)arg;
	while ((n = read(tool.current, buffer, sizeof(buffer))) > 0)
		;
	say(n ? strerrorname_np(errno) : "eof");
}

static void do_unread(char **arg)
{
	int n = 0;

	for (int ms = 0; ms < ACTOR_WAIT_MS; ms += 2) {
		if (ioctl(tool.current, FIONREAD, &n) == 0 && n >= number(arg[0]))
			return;
		pause_ms(2);
	}
	fail("unread: %d of %s bytes came", n, arg[0]);
}

/* All of it into the socket, "wrote"; or the error's name. */
static void do_push(char **arg)
{
	static char buffer[65536];
	size_t left = (size_t)number(arg[0]);

	while (left) {
		ssize_t n = send(tool.current, buffer, MIN(left, sizeof(buffer)), MSG_NOSIGNAL);

		if (n < 0) {
			say(strerrorname_np(errno));
			return;
		}
		left -= (size_t)n;
	}
	say("wrote");
}

static void do_write(char **arg)
{
	static char buffer[65536];
	size_t left = (size_t)number(arg[0]);

	while (left) {
		ssize_t n = send(tool.current, buffer, MIN(left, sizeof(buffer)), MSG_NOSIGNAL);

		if (n < 0)
			fail("write: %s", strerror(errno));
		left -= (size_t)n;
	}
}

/* Until the peer has closed its side or reset the connection. */
static void do_end(char **arg)
{
	(void)arg;
	wait_for(tool.current, POLLRDHUP, "end");
}

/* Until the connection is gone: reset, timed out, or closed by both. */
static void do_closed(char **arg)
{
	(void)arg;
	wait_for(tool.current, 0, "closed");
	say("closed");
}

static void do_close(char **arg)
{
	(void)arg;
	if (close(tool.current) < 0)
		fail("close: %s", strerror(errno));
	if (tool.current == tool.listener)
		tool.listener = -1;
	tool.current = -1;
}

static void do_shutdown(char **arg)
{
	int how = !strcmp(arg[0], "rd") ? SHUT_RD : !strcmp(arg[0], "wr") ? SHUT_WR : SHUT_RDWR;

	if (shutdown(tool.current, how) < 0)
		fail("shutdown: %s", strerror(errno));
}

static void do_unspec(char **arg)
{
	struct sockaddr a = {.sa_family = AF_UNSPEC};

	(void)arg;
	if (connect(tool.current, &a, sizeof(a)) < 0)
		fail("connect(AF_UNSPEC): %s", strerror(errno));
}

static void do_linger0(char **arg)
{
	struct linger l = {.l_onoff = 1};

	(void)arg;
	if (setsockopt(tool.current, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) < 0)
		fail("SO_LINGER: %s", strerror(errno));
}

static void do_linger2(char **arg)
{
	option(tool.current, IPPROTO_TCP, TCP_LINGER2, number(arg[0]));
}

static void do_nodelay(char **arg)
{
	(void)arg;
	option(tool.current, IPPROTO_TCP, TCP_NODELAY, 1);
}

static void do_keepalive(char **arg)
{
	option(tool.current, IPPROTO_TCP, TCP_KEEPIDLE, number(arg[0]));
	option(tool.current, IPPROTO_TCP, TCP_KEEPINTVL, number(arg[1]));
	option(tool.current, IPPROTO_TCP, TCP_KEEPCNT, number(arg[2]));
	option(tool.current, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static void do_backlog(char **arg)
{
	tool.backlog = number(arg[0]);
}

static void do_source(char **arg)
{
	tool.source = number(arg[0]);
}

static void do_sndbuf(char **arg)
{
	tool.send_buffer = number(arg[0]);
}

static void do_user_timeout(char **arg)
{
	tool.user_timeout = number(arg[0]);
}

static void do_defer(char **arg)
{
	tool.defer = number(arg[0]);
}

static void do_mptcp(char **arg)
{
	(void)arg;
	tool.protocol = IPPROTO_MPTCP;
}

static void do_md5(char **arg)
{
	tool.md5_peer = arg[0];
	tool.md5_key = arg[1];
}

static void do_sleep(char **arg)
{
	pause_ms(number(arg[0]));
}

static const char *flag_path(const char *flag)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/flag.%s", tool.dir, flag);
	return path;
}

static void do_await(char **arg)
{
	for (int ms = 0; ms < 2 * ACTOR_WAIT_MS; ms += 5) {
		if (access(flag_path(arg[0]), F_OK) == 0)
			return;
		pause_ms(5);
	}
	fail("await: %s did not happen", arg[0]);
}

static void do_flag(char **arg)
{
	int fd = open(flag_path(arg[0]), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		fail("flag %s: %s", arg[0], strerror(errno));
	close(fd);
}

static void do_say(char **arg)
{
	say(arg[0]);
}

static void do_hold(char **arg)
{
	(void)arg;
	for (;;)
		pause();
}

/* Dies of a signal as if somebody or a bug had sent it. */
static void do_raise(char **arg)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"KILL", SIGKILL}, {"SEGV", SIGSEGV}, {"TERM", SIGTERM}, {"ABRT", SIGABRT}};
	struct rlimit none = {};

	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!strcmp(signals[i].name, arg[0]))
			kill(getpid(), signals[i].number);
	pause_ms(1000);
	fail("still alive after %s", arg[0]);
}

static void do_exit(char **arg)
{
	fflush(stdout);
	_exit(number(arg[0]));
}

static const struct word {
	const char *name;
	int n_args;
	void (*fn)(char **arg);
} words[] = {
	{"listen", 1, do_listen},
	{"backlog", 1, do_backlog},
	{"accept", 0, do_accept},
	{"connect", 1, do_connect},
	{"try", 1, do_try},
	{"start", 1, do_start},
	{"source", 1, do_source},
	{"use", 1, do_use},
	{"read", 1, do_read},
	{"drain", 0, do_drain},
	{"unread", 1, do_unread},
	{"write", 1, do_write},
	{"push", 1, do_push},
	{"end", 0, do_end},
	{"closed", 0, do_closed},
	{"close", 0, do_close},
	{"shutdown", 1, do_shutdown},
	{"unspec", 0, do_unspec},
	{"linger0", 0, do_linger0},
	{"linger2", 1, do_linger2},
	{"nodelay", 0, do_nodelay},
	{"sndbuf", 1, do_sndbuf},
	{"keepalive", 3, do_keepalive},
	{"usertimeout", 1, do_user_timeout},
	{"defer", 1, do_defer},
	{"mptcp", 0, do_mptcp},
	{"md5", 2, do_md5},
	{"sleep", 1, do_sleep},
	{"await", 1, do_await},
	{"flag", 1, do_flag},
	{"say", 1, do_say},
	{"hold", 0, do_hold},
	{"raise", 1, do_raise},
	{"exit", 1, do_exit},
};

/* Number of words used. */
static int one_word(char **word, int n)
{
	int used;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, word[0]) != 0)
			continue;
		if (n <= words[i].n_args)
			fail("%s takes %d words", word[0], words[i].n_args);
		words[i].fn(word + 1);
		return 1 + words[i].n_args;
	}
	used = wire_word(word, n);
	if (!used)
		fail("no such word: %s", word[0]);
	return used;
}

int main(int argc, char *argv[])
{
	int i = 1, again = 0, times = 0;

	signal(SIGPIPE, SIG_IGN);
	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (!strcmp(argv[i], "-d"))
			tool.dir = argv[i + 1];
		else
			prctl(PR_SET_NAME, argv[i + 1]);
	}
	while (i < argc) {
		if (!strcmp(argv[i], "repeat") && i + 1 < argc) {
			times = number(argv[i + 1]);
			again = i += 2;
		} else if (!strcmp(argv[i], "again")) {
			i = --times > 0 ? again : i + 1;
		} else {
			i += one_word(argv + i, argc - i);
		}
	}
	fflush(stdout);
	return 0;
}
