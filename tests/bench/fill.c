/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes a recording of a day in which every row, every minute of the busiest and every peer is
 * used, and most of the history: rstmond replays it, and its memory is full. Made-up records, no
 * kernel, no clock; it must not make more than its bounds. Used by run.sh.
 *
 *	fill FILE	prints the number of resets and of rows
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/reasons.h"
#include "daemon/recording_format.h"
#include "rstmon/event.h"
#include "rstmon/interface.h"

#define MINUTES	     1440
#define MINUTE_NS    (60 * NSEC_PER_SEC)
#define BUSY	     RSTMON_DAY_ROWS_MAX
#define EVERY	     60 /* minutes between two resets of the other rows */
#define OWNERLESS    5000
#define OWNED	     (RSTMON_ROWS_MAX - OWNERLESS)
#define PORTS	     200 /* of a process */
#define REALTIME_OFF (1700000000 * (int64_t)NSEC_PER_SEC)
#define NETNS	     4026531840U

/* Numbers of the reasons as this recording has them; names are what counts. */
enum { NO_SOCKET = 1, ABORT_ON_CLOSE = 2 };

static struct recording_writer writer;
static uint64_t serial;

static void begin(struct rst_event *e, uint8_t kind, uint16_t size, uint64_t time)
{
	e->version = RST_EVENT_VERSION;
	e->kind = kind;
	e->size = size;
	e->time = time;
	e->key.netns = NETNS;
	e->key.netns_cookie = 1;
	e->local[0] = e->remote[0] = 10;
	e->local[3] = 1;
	e->remote[1] = 1;
	e->remote[2] = (uint8_t)(serial / 250 % 16);
	e->remote[3] = (uint8_t)(1 + serial % 250);
}

static void closed_port(unsigned int row, uint64_t time)
{
	struct rst_event e = {0};

	begin(&e, RST_EVENT_BARE, sizeof(e), time);
	e.flags = RST_EVENT_SEGMENT;
	e.tcp_flags = 2;
	e.ttl = 64;
	e.key.flags = RST_KEY_SYN;
	e.key.reason = NO_SOCKET;
	e.key.port = e.local_port = (uint16_t)(10000 + row);
	e.remote_port = (uint16_t)(1024 + serial % 60000);
	recording_write(&writer, RECORDING_EVENT, &e, sizeof(e));
}

static uint32_t tgid_of(unsigned int row)
{
	return 1000 + row / PORTS;
}

/* A server that closes with data unread, and a client that gets a reset. */
static void owned(unsigned int row, uint64_t time)
{
	struct rst_event_sock s = {0};
	struct rst_event *e = &s.event;
	bool client = row & 1;

	begin(e, RST_EVENT_SOCK, sizeof(s), time);
	e->key.role = client ? RST_ROLE_CLIENT : RST_ROLE_SERVER;
	e->key.owner_tgid = tgid_of(row);
	e->key.owner_start = 5 * NSEC_PER_SEC;
	e->key.owner_source = RST_OWNER_READ;
	e->key.port = (uint16_t)(2000 + row % PORTS);
	e->local_port = client ? (uint16_t)(1024 + serial % 60000) : e->key.port;
	e->remote_port = client ? e->key.port : (uint16_t)(1024 + serial % 60000);
	s.sk = 0x1000 + serial * 64;
	s.established = time - 30 * NSEC_PER_SEC;
	s.bytes_received = 4000;
	s.bytes_sent = 90000;
	s.bytes_acked = 90001;
	s.receive_idle_ms = s.ack_idle_ms = s.send_idle_ms = 20000;
	e->key.direction = client ? RST_RECEIVED : RST_SENT;
	e->key.reason = client ? RST_REASON_NONE : ABORT_ON_CLOSE;
	e->key.state = client ? 1 : 7;
	e->key.previous_state = client ? 0 : 1;
	if (!client) {
		e->flags = RST_EVENT_OWNED | RST_EVENT_SHUT_READ | RST_EVENT_SHUT_WRITE;
		s.actor_tgid = e->key.owner_tgid;
		s.unread = 120;
	}
	memcpy(s.owner_comm, "server", 7);
	recording_write(&writer, RECORDING_EVENT, &s, sizeof(s));
}

static void processes(void)
{
	for (uint32_t tgid = tgid_of(0); tgid <= tgid_of(OWNED - 1); tgid++) {
		struct rst_process p = {
			.tgid = tgid,
			.start = 5 * NSEC_PER_SEC,
			.netns = NETNS,
			.netns_cookie = 1,
			.comm = "server",
			.exe = "/usr/sbin/server",
		};

		recording_write(&writer, RECORDING_PROCESS, &p, sizeof(p));
	}
}

/* The busy rows are some of those with an owner. */
static void minute(unsigned int m)
{
	uint64_t time = 1000 * NSEC_PER_SEC + m * MINUTE_NS;

	for (unsigned int row = 0; row < RSTMON_ROWS_MAX; row++) {
		if (row >= BUSY && (row + m) % EVERY)
			continue;
		serial++;
		time += NSEC_PER_MSEC;
		if (row < OWNED)
			owned(row, time);
		else
			closed_port(row - OWNED, time);
	}
}

static int fill(const char *path)
{
	static struct reasons reasons;
	int64_t offset = REALTIME_OFF;
	int r = reasons_add(&reasons, NO_SOCKET, "NO_SOCKET");

	if (r == 0)
		r = reasons_add(&reasons, ABORT_ON_CLOSE, "TCP_ABORT_ON_CLOSE");
	if (r == 0)
		r = recording_write_open(&writer, path, "none", &reasons);
	if (r < 0)
		return r;
	recording_write(&writer, RECORDING_TIME, &offset, sizeof(offset));
	processes();
	for (unsigned int m = 0; m < MINUTES; m++)
		minute(m);
	return recording_write_done(&writer);
}

int main(int argc, char *argv[])
{
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: fill FILE\n");
		return 2;
	}
	r = fill(argv[1]);
	if (r < 0) {
		fprintf(stderr, "fill: %s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	printf("%llu %d\n", (unsigned long long)serial, RSTMON_ROWS_MAX);
	return 0;
}
