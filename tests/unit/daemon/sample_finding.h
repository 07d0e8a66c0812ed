/* SPDX-License-Identifier: GPL-2.0-only */
/* A finding with something in most fields, for tests of what is made of findings. */
#ifndef TESTS_SAMPLE_FINDING_H
#define TESTS_SAMPLE_FINDING_H

#include "common/util.h"
#include "daemon/diagnose_internal.h"

/* 2026-11-22T07:31:36.123456Z */
#define SAMPLE_TIME (1795332696ULL * NSEC_PER_SEC + 123456 * NSEC_PER_USEC)

static inline struct finding sample_finding(void)
{
	return (struct finding){
		.reset = {
			.time = SAMPLE_TIME,
			.monotonic = 1,
			.flags = RST_EVENT_SEGMENT | RST_EVENT_LINGER,
			.netns = 4026531840U,
			.cgroup = 77,
			.local = {.address = {127, 0, 0, 1}, .port = 8080},
			.remote = {.address = {192, 0, 2, 7}, .port = 40000},
			.port = 8080,
			.direction = RST_SENT,
			.role = RST_ROLE_SERVER,
			.state = STATE_ESTABLISHED,
			.previous_state = STATE_SYN_RECV,
			.reason_name = "TCP_STATE",
			.seq = 4000000000U,
			.ack = 1,
			.payload = 5,
			.tcp_flags = 0x12,
			.ttl = 64,
			.owner_tgid = 812,
			.owner_start = 5,
			.owner_source = RST_OWNER_READ,
			.owner_comm = "nginx",
			.actor_tgid = 813,
			.actor_comm = "ss",
			.has_exit = true,
			.exit_signal = 9,
			.exit_status = -1,
			.age_ms = 1500,
			.idle_ms = -1,
			.bytes_received = 10,
			.bytes_sent = 20,
			.unread_bytes = 3,
			.unacked_bytes = -1,
		},
		.owner = {
			.pid = 812,
			.start = 5,
			.comm = "nginx",
			.exe = "/usr/sbin/nginx",
			.unit = "nginx.service",
			.source = RST_OWNER_READ,
		},
		.verdict = {
			.cause = RST_CAUSE_CLOSED_PORT,
			.confidence = CONFIDENCE_HIGH,
			.error = 104, /* ECONNRESET */
			.basis = {.clues = {CLUE_UNREAD}},
		},
	};
}

#endif
