/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long until a reset is a line of "watch": a child makes resets at a rate, in the present
 * network namespace, and this process watches over the daemon's socket; a line's latency is the
 * time of its arrival less the time of the reset that stands in it. It must not make objects of
 * the lines: that would be part of what is measured. Used by run.sh.
 *
 *	latency SOCKET NETNS syn|refused RATE SECONDS
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/bench/packets.h"

#define PORT_FIRST  1000
#define PORTS	    50
#define RATE_MAX    100000
#define SECONDS_MAX 60
#define LINES_MAX   1000000
#define BUFFER	    (1 << 20)
#define BEGIN_MS    300 /* until the daemon has read the call */
#define QUIET_MS    1000

struct watch {
	int fd;
	char *buffer;
	size_t used;
	double *ms;
	unsigned int n;
};

static int64_t now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * (int64_t)NSEC_PER_SEC + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec t = {
		.tv_sec = ns / (int64_t)NSEC_PER_SEC,
		.tv_nsec = ns % (int64_t)NSEC_PER_SEC,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static long refused(uint16_t port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == ECONNREFUSED
		       ? 1
		       : -EPROTO;
}

/* Many a second come in bursts of 50, as they would off a wire. */
static long make(bool syn, unsigned long rate, unsigned long seconds)
{
	struct packets *p = packets_new(PORT_FIRST, PORTS, PACKET_SYN);
	int64_t start = now(CLOCK_MONOTONIC) + BEGIN_MS * (int64_t)NSEC_PER_MSEC;
	long n = 0, r = 0;

	while (p && r >= 0 && (unsigned long)n < rate * seconds) {
		uint16_t port = (uint16_t)(PORT_FIRST + n % PORTS);

		sleep_until(start + n * (int64_t)NSEC_PER_SEC / (int64_t)rate);
		if (!syn)
			r = refused(port);
		else if (rate < 1000)
			r = packets_to_port(port, PACKET_SYN, 1);
		else
			r = packets_round(p);
		n += MAX(r, 0);
	}
	packets_free(p);
	return r < 0 ? r : n;
}

static int watch_open(const char *path, const char *netns, bool syn, struct watch *w)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char call[256];
	int size = snprintf(call, sizeof(call),
			    "{\"method\":\"io.rstmon.Watch\",\"more\":true,\"parameters\":{"
			    "\"filter\":\"netns %s and direction %s\"}}",
			    netns, syn ? "sent" : "received") +
		   1;

	if ((size_t)size > sizeof(call) || strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	w->buffer = malloc(BUFFER);
	w->ms = malloc(LINES_MAX * sizeof(*w->ms));
	w->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!w->buffer || !w->ms || w->fd < 0 ||
	    connect(w->fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    write(w->fd, call, (size_t)size) != size)
		return -errno;
	return 0;
}

/* "2026-01-31T14:05:00.123456Z" as nanoseconds, or -1. */
static int64_t parse_time(const char *text)
{
	struct tm t = {0};
	int us;

	if (sscanf(text, "%d-%d-%dT%d:%d:%d.%6dZ", &t.tm_year, &t.tm_mon, &t.tm_mday, &t.tm_hour,
		   &t.tm_min, &t.tm_sec, &us) != 7)
		return -1;
	t.tm_year -= 1900;
	t.tm_mon--;
	return timegm(&t) * (int64_t)NSEC_PER_SEC + us * (int64_t)NSEC_PER_USEC;
}

static int line(struct watch *w, const char *text, int64_t arrival)
{
	const char *time = strstr(text, "\"time\":");
	int64_t at;

	if (strstr(text, "\"error\":\"io.rstmon")) {
		fprintf(stderr, "latency: %.200s\n", text);
		return -EPROTO;
	}
	if (!time || w->n == LINES_MAX)
		return 0;
	time += strlen("\"time\":");
	time += strspn(time, " \"");
	at = parse_time(time);
	if (at >= 0)
		w->ms[w->n++] = (double)(arrival - at) / 1e6;
	return 0;
}

/* What has come: each message ends with a NUL byte. */
static int take(struct watch *w)
{
	ssize_t size = read(w->fd, w->buffer + w->used, BUFFER - w->used);
	int64_t arrival = now(CLOCK_REALTIME);
	char *begin = w->buffer, *end;
	int r = 0;

	if (size <= 0)
		return size < 0 ? -errno : -ECONNRESET;
	w->used += (size_t)size;
	while (r == 0 && (end = memchr(begin, 0, w->used - (size_t)(begin - w->buffer)))) {
		r = line(w, begin, arrival);
		begin = end + 1;
	}
	w->used -= (size_t)(begin - w->buffer);
	memmove(w->buffer, begin, w->used);
	return r < 0 ? r : w->used == BUFFER ? -EMSGSIZE : 0;
}

/* Until the child has ended and nothing came for a while; the child's number by *ret. */
static int watch(struct watch *w, int result, long *ret)
{
	struct pollfd fds[2] = {
		{.fd = w->fd, .events = POLLIN},
		{.fd = result, .events = POLLIN},
	};
	bool ended = false;
	int r, n;

	while ((n = poll(fds, 2, ended ? QUIET_MS : -1)) > 0 || (n < 0 && errno == EINTR)) {
		if (n > 0 && fds[0].revents) {
			r = take(w);
			if (r < 0)
				return r;
		}
		if (n > 0 && fds[1].revents) {
			if (read(result, ret, sizeof(*ret)) != sizeof(*ret))
				return -EPIPE;
			ended = true;
			fds[1].fd = -1;
		}
	}
	return *ret < 0 ? (int)*ret : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void tell(const struct watch *w, const char *kind, unsigned long rate, long made)
{
	printf("%-8s %6lu a second: ", kind, rate);
	if (w->n == 0) {
		printf("no line of %ld resets\n", made);
		return;
	}
	qsort(w->ms, w->n, sizeof(w->ms[0]), by_value);
	printf("p50 %7.2f ms, p99 %7.2f ms, worst %7.2f ms; %u lines of %ld resets\n",
	       w->ms[w->n / 2], w->ms[(uint64_t)w->n * 99 / 100], w->ms[w->n - 1], w->n, made);
}

static int run(const char *path, const char *netns, bool syn, unsigned long rate,
	       unsigned long seconds)
{
	struct watch w = {.fd = -1};
	int fd[2], r = watch_open(path, netns, syn, &w);
	long made = 0;
	pid_t pid;

	if (r == 0 && pipe(fd) < 0)
		r = -errno;
	if (r < 0)
		return r;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		made = make(syn, rate, seconds);
		_exit(write(fd[1], &made, sizeof(made)) != sizeof(made));
	}
	close(fd[1]); /* so that the child's death is seen */
	r = watch(&w, fd[0], &made);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (r == 0)
		tell(&w, syn ? "syn" : "refused", rate, made);
	return r;
}

static bool number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;

	*ret = strtoul(text, &end, 10);
	return !*end && *ret > 0 && *ret <= max;
}

int main(int argc, char *argv[])
{
	unsigned long netns, rate, seconds;
	bool syn = argc > 3 && !strcmp(argv[3], "syn");
	int r;

	if (argc != 6 || !number(argv[2], UINT32_MAX, &netns) ||
	    (!syn && strcmp(argv[3], "refused")) || !number(argv[4], RATE_MAX, &rate) ||
	    !number(argv[5], SECONDS_MAX, &seconds)) {
		fprintf(stderr, "usage: latency SOCKET NETNS syn|refused RATE SECONDS\n");
		return 2;
	}
	r = run(argv[1], argv[2], syn, rate, seconds);
	if (r < 0)
		fprintf(stderr, "latency: %s\n", strerror(-r));
	return r < 0;
}
