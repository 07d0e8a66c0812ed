/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs of a rstmond cost a load that goes on: attaches and detaches them many times a
 * second, in turn with empty programs on the same tracepoints and with none, and compares how fast
 * a counter of the kernel grows. A machine that is shared changes its speed by a tenth every few
 * seconds; turns this short meet it all alike, which no start of a daemon can. Nobody reads the
 * ring meanwhile: of floods what is counted without a record is measured, which is nearly all, and
 * the few records find it full. Used by lib.sh.
 *
 *	toggle OBJECT COUNTER CYCLES PID...
 *
 * Takes the programs of each process that are attached to tracepoints, says "ready", and waits for
 * a line: they have to be gone by then, or their own links would stay. COUNTER is one of
 * /proc/net/snmp's line "Tcp:". Prints a line for the empty ones of OBJECT and for each process:
 *the rate without, with, and the median of the ratios with the range of the middle half.
 */
#include "common/util.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <time.h>

#define PROGRAMS_MAX 16
#define CYCLES_MAX   2000
#define SETTLE_MS    4 /* detaching waits for nobody */
#define WINDOW_MS    60

enum way { NONE, EMPTY, FIRST, WAYS = FIRST + 4 };

struct set {
	int program[PROGRAMS_MAX], link[PROGRAMS_MAX];
	size_t n;
};

static double rates[WAYS][CYCLES_MAX], ratios[WAYS][CYCLES_MAX];

static void wait_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The second of the two lines "Tcp:" has the numbers of the first one's names. */
static int counter(const char *name, uint64_t *ret)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/net/snmp", "re");
	char names[1024], numbers[1024], *a = NULL, *b = NULL;
	const char *word, *number;

	while (file && fgets(names, sizeof(names), file)) {
		if (strncmp(names, "Tcp:", 4) != 0 || !fgets(numbers, sizeof(numbers), file))
			continue;
		word = strtok_r(names, " \n", &a);
		number = strtok_r(numbers, " \n", &b);
		while (word && number) {
			if (!strcmp(word, name)) {
				*ret = strtoull(number, NULL, 10);
				return 0;
			}
			word = strtok_r(NULL, " \n", &a);
			number = strtok_r(NULL, " \n", &b);
		}
	}
	return -ENOENT;
}

static int target_of(int program, uint32_t *ret)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size) < 0)
		return -errno;
	*ret = info.attach_btf_id;
	return 0;
}

/* The program that a link of somebody's leads to; -ENOENT: it is no link, or not to a tracepoint by
 * its type. */
static int program_of(const char *dir, const char *fd)
{
	char path[512], line[128];
	bool wanted = false;
	uint32_t id = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, fd);

	_cleanup_fclose_ FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file)) {
		wanted |= !strcmp(line, "link_type:\traw_tracepoint\n");
		if (!strncmp(line, "prog_id:", 8))
			id = (uint32_t)strtoul(line + 8, NULL, 10);
	}
	return wanted && id ? bpf_prog_get_fd_by_id(id) : -ENOENT;
}

static int take_programs(const char *pid, struct set *ret)
{
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	for (struct dirent *d = readdir(dir); d && ret->n < PROGRAMS_MAX; d = readdir(dir)) {
		int program = program_of(path, d->d_name);

		if (program >= 0)
			ret->program[ret->n++] = program;
	}
	closedir(dir);
	return ret->n ? 0 : -ESRCH;
}

/* Of the object's those that have one of the daemon's beside them. */
static int take_empty(const char *path, const struct set *daemon, struct set *ret)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *p;

	if (!object || bpf_object__load(object) < 0)
		return -errno;
	bpf_object__for_each_program(p, object)
	{
		uint32_t mine = 0, theirs = 0;

		if (target_of(bpf_program__fd(p), &mine) < 0)
			return -errno;
		for (size_t i = 0; i < daemon->n; i++)
			if (!target_of(daemon->program[i], &theirs) && theirs == mine)
				ret->program[ret->n++] = bpf_program__fd(p);
	}
	return 0;
}

static int attach(struct set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		s->link[i] = bpf_raw_tracepoint_open(NULL, s->program[i]);
		if (s->link[i] < 0)
			return -errno;
	}
	return 0;
}

static void detach(struct set *s)
{
	for (size_t i = 0; i < s->n; i++)
		close(s->link[i]);
}

static int measure(struct set *s, const char *name, double *ret)
{
	uint64_t before, after;
	double begin;
	int r = attach(s);

	if (r < 0)
		return r;
	wait_ms(SETTLE_MS);
	begin = now();
	r = counter(name, &before);
	wait_ms(WINDOW_MS);
	if (!r)
		r = counter(name, &after);
	if (!r)
		*ret = (double)(after - before) / (now() - begin);
	detach(s);
	return r;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of n numbers that are sorted by it. */
static double part(double *numbers, size_t n, double share)
{
	qsort(numbers, n, sizeof(*numbers), by_value);
	return numbers[(size_t)((double)(n - 1) * share)];
}

static int run(struct set sets[WAYS], size_t ways, const char *name, size_t cycles)
{
	for (size_t i = 0; i < cycles; i++) {
		/* each is as often before as behind each other */
		for (size_t j = 0; j < ways; j++) {
			size_t way = i & 1 ? ways - 1 - j : j;
			int r = measure(&sets[way], name, &rates[way][i]);

			if (r < 0)
				return r;
		}
		for (size_t way = 0; way < ways; way++)
			ratios[way][i] = rates[NONE][i] > 0 ? rates[way][i] / rates[NONE][i] : 0;
	}
	for (size_t way = EMPTY; way < ways; way++)
		printf("%s %.0f %.0f %.4f %.4f %.4f\n", way == EMPTY ? "empty" : "rstmond",
		       part(rates[NONE], cycles, 0.5), part(rates[way], cycles, 0.5),
		       part(ratios[way], cycles, 0.5), part(ratios[way], cycles, 0.25),
		       part(ratios[way], cycles, 0.75));
	return 0;
}

int main(int argc, char *argv[])
{
	struct set sets[WAYS] = {0};
	size_t cycles, ways = FIRST;
	char line[8];
	int r = 0;

	if (argc < 5 || argc > 4 + WAYS - FIRST) {
		fprintf(stderr, "usage: toggle OBJECT COUNTER CYCLES PID...\n");
		return 2;
	}
	cycles = MAX(1, MIN(strtoul(argv[3], NULL, 10), CYCLES_MAX));
	for (int i = 4; i < argc && !r; i++)
		r = take_programs(argv[i], &sets[ways++]);
	if (!r)
		r = take_empty(argv[1], &sets[FIRST], &sets[EMPTY]);
	if (!r) {
		fprintf(stderr, "toggle: ready\n");
		if (!fgets(line, sizeof(line), stdin))
			return 1;
		r = run(sets, ways, argv[2], cycles);
	}
	if (r < 0)
		fprintf(stderr, "toggle: %s\n", strerror(-r));
	return r < 0;
}
