/* SPDX-License-Identifier: GPL-2.0-only */
/* Resets with a known cause, and their verdict, for the tests of diagnose. */
#ifndef TESTS_SAMPLE_CAUSE_H
#define TESTS_SAMPLE_CAUSE_H

#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>

#include "daemon/diagnose.h"
#include "tests/unit/daemon/sample_reset.h"

static const struct past nothing;
static const struct host long_watched = {
	.watched_ms = 3600 * 1000, .overflowed = -1, .cookies_failed = -1, .sibling = -1};

static inline struct verdict judge(const struct reset *r, const struct past *past, const struct host *host)
{
	static const struct owner nobody;
	struct verdict v;

	diagnose(r, &nobody, past, host, &v);
	return v;
}

static inline struct verdict verdict_of(struct reset r)
{
	return judge(&r, &nothing, &long_watched);
}

#define cr_assert_cause(v, c, level)                                                               \
	do {                                                                                       \
		struct verdict v_ = (v);                                                           \
		cr_assert_str_eq(cause_name(v_.cause), cause_name(c));                             \
		cr_assert_str_eq(confidence_name(v_.confidence), confidence_name(level));          \
	} while (0)

/* What is told of the reset, judged like that. */
static inline struct evidence evidence_of(const struct reset *r, const struct past *past)
{
	struct finding f = {.reset = *r, .other = past->other};
	struct evidence e;

	f.verdict = judge(r, past, &long_watched);
	evidence_format(&f, &e);
	return e;
}

static inline bool has_evidence(const struct evidence *e, const char *text)
{
	for (unsigned int i = 0; i < e->n; i++)
		if (!strcmp(e->text[i], text))
			return true;
	return false;
}

static inline struct reset unread(uint8_t role)
{
	struct reset r = sample_closed(role, REASON_TCP_ABORT_ON_CLOSE);

	r.unread_bytes = 500;
	r.bytes_received = 500;
	r.receive_idle_ms = 100;
	return r;
}

static inline struct reset died(int signal, int status)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.flags |= RST_EVENT_EXITING;
	r.has_exit = true;
	r.exit_signal = signal;
	r.exit_status = status;
	return r;
}

static inline struct reset upload(void)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.bytes_received = 300000;
	r.unread_bytes = 50000;
	r.bytes_sent = 400;
	r.send_idle_ms = 1020;
	return r;
}

static inline struct reset race_server(void)
{
	struct reset r = unread(RST_ROLE_SERVER);

	r.bytes_received = 1000;
	r.bytes_sent = 4000;
	r.send_idle_ms = 20000;
	return r;
}

static inline struct reset lingering(void)
{
	struct reset r = sample_closed(RST_ROLE_SERVER, REASON_TCP_STATE);

	r.flags |= RST_EVENT_LINGER;
	return r;
}

static inline struct reset health_check(void)
{
	struct reset r = sample_closed(RST_ROLE_CLIENT, REASON_TCP_STATE);

	r.flags |= RST_EVENT_LINGER;
	r.age_ms = 1;
	return r;
}

static inline struct reset disconnected(void)
{
	struct reset r = sample_closed(RST_ROLE_CLIENT, REASON_TCP_STATE);

	r.flags = RST_EVENT_OWNED;
	return r;
}

static inline struct reset listener_stopped(void)
{
	struct reset r = sample_closed(RST_ROLE_SERVER, REASON_TCP_STATE);

	r.flags = RST_EVENT_NO_SOCKET_FILE;
	return r;
}

static inline struct reset living(enum reason reason, uint8_t state, uint32_t flags)
{
	struct reset r = sample_socket(RST_SENT, RST_ROLE_CLIENT, state);

	r.reason = reason;
	r.flags = flags;
	return r;
}

static inline struct reset handshake(enum reason reason, uint8_t state)
{
	struct reset r = living(reason, state, 0);

	sample_segment(&r, ACK, 0);
	return r;
}

static inline struct reset full_queue(enum reason reason)
{
	struct reset r = sample_answer(reason, STATE_LISTEN, ACK | PSH, 80);

	r.backlog = 129;
	return r;
}

static inline struct reset received(uint8_t role, uint8_t state)
{
	struct reset r = sample_socket(RST_RECEIVED, role, state);

	r.bytes_received = 3000;
	r.bytes_sent = 800;
	r.bytes_acked = 801;
	r.idle_ms = r.receive_idle_ms = r.ack_idle_ms = 20;
	r.send_idle_ms = 20;
	return r;
}

static inline struct reset after_silence(int64_t idle_ms)
{
	struct reset r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.idle_ms = r.receive_idle_ms = r.ack_idle_ms = idle_ms;
	r.unacked_bytes = 90;
	r.send_idle_ms = 1;
	return r;
}

static inline struct reset never_taken(void)
{
	struct reset r = received(RST_ROLE_CLIENT, STATE_ESTABLISHED);

	r.bytes_received = 0;
	r.bytes_acked = 1;
	r.unacked_bytes = 80;
	r.retransmits = 4;
	r.idle_ms = r.age_ms = 3300;
	return r;
}

static inline struct reset timeout(uint8_t previous_state, int error)
{
	struct reset r = sample_socket(RST_TIMEOUT, RST_ROLE_CLIENT, STATE_CLOSE);

	r.previous_state = previous_state;
	r.error = error;
	return r;
}

static inline struct reset with_packet(struct reset r, bool active, uint8_t ttl)
{
	sample_packet(&r, active, ttl);
	return r;
}

static inline struct reset former(struct reset r, uint8_t role, int64_t idle_ms, int64_t fin_ms)
{
	sample_former(&r, role, idle_ms, fin_ms);
	return r;
}

static inline struct reset flagged(struct reset r, uint32_t flags)
{
	r.flags |= flags;
	return r;
}

static inline struct reset in_flight(struct reset r, int64_t bytes)
{
	r.unacked_bytes = bytes;
	return r;
}

#endif
