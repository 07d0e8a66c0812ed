/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * perf events on tcp_send_reset and tcp_receive_reset, on all CPUs, for all processes. It must use
 * nothing of rstmon. Proved by its agreement with TcpOutRsts in exact.c.
 */
#include "common/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "tests/live/witness.h"

#define RING_PAGES 256

static const char *const tracepoint[RST_RESET_DIRECTIONS] = {
	[RST_SENT] = "tcp_send_reset",
	[RST_RECEIVED] = "tcp_receive_reset",
};

/* tracefs, mounted for this process alone if it is mounted nowhere. */
static const char *tracefs(void)
{
	static const char *const where = "/sys/kernel/tracing";

	if (access("/sys/kernel/tracing/events/tcp", F_OK) == 0)
		return where;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tracefs", where, "tracefs", 0, NULL) < 0)
		return NULL;
	return where;
}

static int read_id(const char *root, const char *name, unsigned int *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[256];

	snprintf(path, sizeof(path), "%s/events/tcp/%s/id", root, name);
	f = fopen(path, "re");
	return f && fscanf(f, "%u", ret) == 1 ? 0 : -ENOENT;
}

static int read_offset(const char *root, const char *name, const char *field, unsigned int *ret)
{
	_cleanup_fclose_ FILE *f = NULL;
	char path[256], line[512];

	snprintf(path, sizeof(path), "%s/events/tcp/%s/format", root, name);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		char *p = strstr(line, field), *o = strstr(line, "offset:");

		if (p && o && p < o && (p[strlen(field)] == ';' || p[strlen(field)] == '[') &&
		    p[-1] == ' ')
			return sscanf(o, "offset:%u", ret) == 1 ? 0 : -EPROTO;
	}
	return -ENOENT;
}

/* Where the ports are: fields of their own, or (tcp_send_reset since 6.10) inside a sockaddr, two
 * bytes after its family and in network order. */
static int read_layout(struct witness *w, const char *root)
{
	int r;

	for (int d = 0; d < RST_RESET_DIRECTIONS; d++) {
		r = read_id(root, tracepoint[d], &w->id[d]);
		if (r < 0)
			return r;
		if (read_offset(root, tracepoint[d], "sport", &w->local[d]) == 0 &&
		    read_offset(root, tracepoint[d], "dport", &w->remote[d]) == 0)
			continue;
		r = read_offset(root, tracepoint[d], "saddr", &w->local[d]);
		if (r == 0)
			r = read_offset(root, tracepoint[d], "daddr", &w->remote[d]);
		if (r < 0)
			return r;
		w->local[d] += 2;
		w->remote[d] += 2;
	}
	return 0;
}

static int open_event(unsigned int id, int cpu, bool samples)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
		.sample_period = samples ? 1 : 0,
		.sample_type = samples ? PERF_SAMPLE_TID | PERF_SAMPLE_RAW : 0,
	};

	return (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

static int open_cpu(struct witness *w, unsigned int cpu, bool samples)
{
	size_t size = (1 + RING_PAGES) * (size_t)getpagesize();

	for (int d = 0; d < RST_RESET_DIRECTIONS; d++) {
		w->fd[d][cpu] = open_event(w->id[d], (int)cpu, samples);
		if (w->fd[d][cpu] < 0)
			return -errno;
	}
	if (!samples)
		return 0;
	w->ring[cpu] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd[0][cpu], 0);
	if (w->ring[cpu] == MAP_FAILED) {
		w->ring[cpu] = NULL;
		return -errno;
	}
	return ioctl(w->fd[1][cpu], PERF_EVENT_IOC_SET_OUTPUT, w->fd[0][cpu]) < 0 ? -errno : 0;
}

int witness_open(bool samples, struct witness *ret)
{
	const char *root = tracefs();
	struct witness w = {};
	int r = root ? read_layout(&w, root) : -ENOENT;

	if (r < 0)
		return r;
	memset(w.fd, -1, sizeof(w.fd));
	w.n_cpus = (unsigned int)MIN(sysconf(_SC_NPROCESSORS_CONF), WITNESS_CPUS);
	for (unsigned int cpu = 0; cpu < w.n_cpus; cpu++) {
		r = open_cpu(&w, cpu, samples);
		if (r < 0 && r != -ENODEV) { /* a CPU that is offline counts nothing */
			witness_close(&w);
			return r;
		}
	}
	*ret = w;
	return 0;
}

void witness_close(struct witness *w)
{
	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++) {
		if (w->ring[cpu])
			munmap(w->ring[cpu], (1 + RING_PAGES) * (size_t)getpagesize());
		for (int d = 0; d < RST_RESET_DIRECTIONS; d++)
			util_close(&w->fd[d][cpu]);
	}
	free(w->sample);
	*w = (struct witness){};
}

uint64_t witness_count(const struct witness *w, enum rst_direction direction)
{
	uint64_t sum = 0, n;

	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++)
		if (w->fd[direction][cpu] >= 0 &&
		    read(w->fd[direction][cpu], &n, sizeof(n)) == sizeof(n))
			sum += n;
	return sum;
}

static uint16_t port_at(const uint8_t *raw, unsigned int offset)
{
	uint16_t port;

	memcpy(&port, raw + offset, sizeof(port));
	return port;
}

static void add_sample(struct witness *w, const uint8_t *record)
{
	const uint8_t *raw =
		record + sizeof(struct perf_event_header) + 2 * sizeof(uint32_t) + sizeof(uint32_t);
	struct witness_sample s = {};
	uint32_t pid;
	uint16_t type;

	if (w->n == w->allocated) {
		w->allocated = w->allocated ? 2 * w->allocated : 1024;
		w->sample = reallocarray(w->sample, w->allocated, sizeof(*w->sample));
		if (!w->sample)
			abort();
	}
	memcpy(&pid, record + sizeof(struct perf_event_header), sizeof(pid));
	memcpy(&type, raw, sizeof(type)); /* common_type */
	s.pid = (pid_t)pid;
	s.direction = type == w->id[RST_SENT] ? RST_SENT : RST_RECEIVED;
	s.local = port_at(raw, w->local[s.direction]);
	s.remote = port_at(raw, w->remote[s.direction]);
	if (s.direction == RST_SENT) {
		s.local = ntohs(s.local);
		s.remote = ntohs(s.remote);
	}
	w->sample[w->n++] = s;
}

static void read_ring(struct witness *w, void *ring)
{
	struct perf_event_mmap_page *page = ring;
	size_t size = RING_PAGES * (size_t)getpagesize();
	const uint8_t *data = (const uint8_t *)ring + getpagesize();
	uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = page->data_tail;
	uint8_t record[512];

	while (tail < head) {
		struct perf_event_header h;

		/* records are 8-aligned, so a header never wraps, but what follows may */
		memcpy(&h, data + tail % size, sizeof(h));
		for (size_t i = 0; i < MIN((size_t)h.size, sizeof(record)); i++)
			record[i] = data[(tail + i) % size];
		if (h.type == PERF_RECORD_SAMPLE)
			add_sample(w, record);
		else if (h.type == PERF_RECORD_LOST)
			w->lost++;
		tail += h.size;
	}
	__atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
}

void witness_read(struct witness *w)
{
	for (unsigned int cpu = 0; cpu < w->n_cpus; cpu++)
		if (w->ring[cpu])
			read_ring(w, w->ring[cpu]);
}
