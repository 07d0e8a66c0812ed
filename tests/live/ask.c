/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the live tests ask: rstmon about the daemon, /proc about the kernel's counters; and network
 * namespaces to ask about. It must not change what it asks about. Proved by the live tests.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <bpf/btf.h>

#include "tests/live/live.h"

#define CLI_MS	  30000
#define CLI_ARGS  12
#define STATUS_MS 10000

static void run_cli(const struct live_daemon *d, const char *const args[], int out)
{
	const char *path = getenv("RSTMON"), *argv[CLI_ARGS + 3] = {"rstmon"};
	size_t n = 1;

	while (args[n - 1] && n <= CLI_ARGS) {
		argv[n] = args[n - 1];
		n++;
	}
	argv[n] = "--json";
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	setenv("RSTMON_SOCKET", d->socket, 1);
	path = path && *path ? path : "build/rstmon";
	execv(path, (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

static char *read_all(struct live_daemon *d, int fd)
{
	int64_t deadline = now_ms() + slow_ms(CLI_MS);
	size_t n = 0, allocated = 1 << 16;
	char *text = malloc(allocated);
	ssize_t got;

	while (text) {
		/* the daemon must be able to print while it answers */
		while (!live_pump(d, fd, 1000) && now_ms() < deadline)
			;
		got = now_ms() < deadline ? read(fd, text + n, allocated - n - 1) : 0;
		if (got <= 0)
			break;
		n += (size_t)got;
		if (n + 1 == allocated) {
			allocated *= 2;
			text = realloc(text, allocated);
		}
	}
	if (text)
		text[n] = '\0';
	return text;
}

/* Its output is complete, so it ends by itself, unless it hangs. */
static int reap(struct live_daemon *d, pid_t pid)
{
	int64_t deadline = now_ms() + slow_ms(5000);
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() >= deadline)
			kill(pid, SIGKILL);
		live_pump(d, -1, 1);
	}
	return status;
}

struct json_object *live_cli(struct live_daemon *d, const char *const args[])
{
	_cleanup_close_ int in = -1, out = -1;
	_cleanup_free_ char *text = NULL;
	struct json_object *o;
	int p[2], status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return NULL;
	in = p[0];
	out = p[1];
	pid = fork();
	if (pid == 0)
		run_cli(d, args, out);
	if (pid < 0)
		return NULL;
	close(TAKE_FD(out));
	text = read_all(d, in);
	status = reap(d, pid);
	o = text ? json_tokener_parse(text) : NULL;
	if (!o)
		fprintf(stderr, "rstmon %s: status %d, said: %.200s\n", args[0], status,
			text ? text : "");
	return o;
}

static bool settled(struct json_object *a, struct json_object *b)
{
	return json_int(a, "sent") == json_int(b, "sent") &&
	       json_int(a, "received") == json_int(b, "received");
}

unsigned long live_unprinted(struct live_daemon *d)
{
	static const char *const args[] = {"status", NULL};
	struct json_object *status = live_cli(d, args);
	const char *problems = json_str(status, "problems"), *end;
	unsigned long n = 0;

	end = strstr(problems, " printed lines were dropped");
	while (end && end > problems && end[-1] >= '0' && end[-1] <= '9')
		end--;
	if (end)
		n = strtoul(end, NULL, 10);
	json_object_put(status);
	return n;
}

/* Sum of the namespaces' counts, which come from records, against the totals, which the kernel
 * counts first: they differ while records are in flight. */
static bool drained(struct json_object *status)
{
	struct json_object *list = json_at(status, "netns");
	int64_t sum = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		sum += json_int(o, "sent") + json_int(o, "received");
	}
	return sum >= json_int(status, "sent") + json_int(status, "received");
}

struct json_object *live_status(struct live_daemon *d)
{
	static const char *const args[] = {"status", NULL};
	struct json_object *last = live_cli(d, args), *o;
	int64_t deadline = now_ms() + slow_ms(STATUS_MS);

	while (last && now_ms() < deadline) {
		live_pump(d, -1, 60); /* longer than a line may be held to pair it */
		o = live_cli(d, args);
		if (!o)
			break;
		if (settled(last, o) && (drained(o) || !json_at(o, "netns"))) {
			json_object_put(last);
			return o;
		}
		json_object_put(last);
		last = o;
	}
	return last;
}

int64_t live_unseen(struct json_object *status)
{
	return json_int(json_at(status, "unexplained"), "TcpOutRsts");
}

struct json_object *live_status_netns(struct json_object *status, uint64_t inode)
{
	struct json_object *list = json_at(status, "netns");

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if ((uint64_t)json_int(o, "inode") == inode)
			return o;
	}
	return NULL;
}

int netns_enter_new(uint64_t *ret_inode)
{
	_cleanup_close_ int fd = -1;
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	struct stat st;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) < 0 || stat("/proc/self/ns/net", &st) < 0)
		return -errno;
	*ret_inode = st.st_ino;
	return 0;
}

/* The number of word 'what' in a line, -1 if it is not there. */
static int column(char *line, const char *what)
{
	char *save = NULL, *word;
	int i = 0;

	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save), i++)
		if (!strcmp(word, what))
			return i;
	return -1;
}

int64_t netns_out_rsts(pid_t pid)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[64], line[1024], *save = NULL, *word;
	int want = -1;

	snprintf(path, sizeof(path), "/proc/%d/net/snmp", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Tcp:", 4))
			continue;
		if (want < 0) {
			want = column(line, "OutRsts");
			continue;
		}
		word = strtok_r(line, " \n", &save);
		while (word && want--)
			word = strtok_r(NULL, " \n", &save);
		return word ? strtoll(word, NULL, 10) : -1;
	}
	return -1;
}

bool live_has_reason(const char *name)
{
	static struct btf *btf;
	const struct btf_type *t;
	char full[96];
	int id;

	if (!btf)
		btf = btf__parse("/sys/kernel/btf/vmlinux", NULL);
	id = btf ? btf__find_by_name_kind(btf, "sk_rst_reason", BTF_KIND_ENUM) : -1;
	t = id > 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;
	if (!t || !*name)
		return t;
	snprintf(full, sizeof(full), "SK_RST_REASON_%s", name);
	for (int i = 0; i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_enum(t)[i].name_off), full))
			return true;
	return false;
}
