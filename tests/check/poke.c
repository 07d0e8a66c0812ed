/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bad client of tests/check/input.sh: raw bytes to the daemon's socket, sockets that hold on,
 * and resets to be counted. Must not outlive its test, so every wait of it ends after five minutes.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/str.h"

#define INPUT_MAX (8 << 20)
#define PATIENCE  300 /* seconds */

static const char help[] =
	"poke talk SOCKET     send stdin, say that it ends, show the answers\n"
	"poke wait SOCKET     send stdin, show answers until the daemon closes\n"
	"poke vanish SOCKET   send stdin and be gone\n"
	"poke hold SOCKET N   N clients, each sends stdin; then stay, read nothing\n"
	"poke dial PORT N     N connections, one by one, to 127.0.0.1:PORT\n"
	"poke hear SOCKET     stand in for the service manager: show what is told there\n";

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "poke: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int dial_unix(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(path);
	return fd;
}

static size_t read_stdin(char *dst)
{
	size_t n = 0;
	ssize_t r;

	while (n < INPUT_MAX && (r = read(STDIN_FILENO, dst + n, INPUT_MAX - n)) > 0)
		n += (size_t)r;
	return n;
}

/* What the daemon says meanwhile is left where it is; one that closes early is no error here. */
static void send_all(int fd, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t r = send(fd, data, n, MSG_NOSIGNAL);

		if (r < 0)
			return;
		data += r;
		n -= (size_t)r;
	}
}

/* Until the daemon closes. Each NUL becomes the end of a line. */
static void show_answers(int fd)
{
	char buffer[4096];
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < n; i++)
			putchar(buffer[i] ? buffer[i] : '\n');
	puts("closed");
}

static int hold(const char *path, uint32_t n, const char *data, size_t size)
{
	for (uint32_t i = 0; i < n; i++)
		send_all(dial_unix(path), data, size);
	puts("held");
	fflush(stdout);
	pause();
	return 0;
}

static int dial(uint16_t port, uint32_t n)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};

	for (uint32_t i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ||
		    errno != ECONNREFUSED)
			die("this connection was not refused");
		close(fd);
	}
	return 0;
}

static int talk(const char *how, const char *path, const char *data, size_t n)
{
	int fd = dial_unix(path);

	send_all(fd, data, n);
	if (!strcmp(how, "talk"))
		shutdown(fd, SHUT_WR);
	if (strcmp(how, "vanish") != 0)
		show_answers(fd);
	return 0;
}

/* Descriptors that come along are closed by the kernel: nothing asks for them here. */
static int hear(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[4096];
	ssize_t n;

	if (!str_copy(a.sun_path, sizeof(a.sun_path), path) || fd < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die(path);
	while ((n = recv(fd, text, sizeof(text), 0)) >= 0) {
		if (write(STDOUT_FILENO, text, (size_t)n) != n ||
		    write(STDOUT_FILENO, "\n", 1) != 1)
			die("stdout");
	}
	die("recv");
}

int main(int argc, char *argv[])
{
	static char data[INPUT_MAX];
	const char *verb = argc > 1 ? argv[1] : "";
	uint16_t port;
	uint32_t n;

	alarm(PATIENCE);
	if (argc == 4 && !strcmp(verb, "dial") && !parse_u16(argv[2], &port) &&
	    !parse_u32(argv[3], &n))
		return dial(port, n);
	if (argc == 4 && !strcmp(verb, "hold") && !parse_u32(argv[3], &n))
		return hold(argv[2], n, data, read_stdin(data));
	if (argc == 3 && !strcmp(verb, "hear"))
		return hear(argv[2]);
	if (argc == 3 &&
	    (!strcmp(verb, "talk") || !strcmp(verb, "wait") || !strcmp(verb, "vanish")))
		return talk(verb, argv[2], data, read_stdin(data));
	fputs(help, stderr);
	return 2;
}
