/* SPDX-License-Identifier: GPL-2.0-only */
/* Ten thousand records, and as many resets that no record makes: always a cause, within all bounds.
 */
#include "common/util.h"

#include <criterion/criterion.h>

#include "daemon/decode.h"
#include "daemon/diagnose.h"
#include "tests/unit/daemon/sample_reset.h"

#define RECORDS 10000

static unsigned int seed;

/* rand() has 15 bits for certain */
static uint64_t noise(void)
{
	uint64_t n = 0;

	for (int i = 0; i < 5; i++)
		n = n << 13 ^ (uint64_t)rand_r(&seed);
	return n;
}

static void fill(void *to, size_t size)
{
	uint8_t *byte = to;

	while (size--)
		*byte++ = (uint8_t)noise();
}

/* Small numbers are where rules decide; the rest is anything. */
static int64_t number(void)
{
	switch (noise() % 8) {
	case 0:
		return -1;
	case 1:
		return (int64_t)noise();
	case 2:
		return noise() % 2 ? INT64_MAX : INT64_MIN;
	default:
		return (int64_t)(noise() % (1ULL << noise() % 20));
	}
}

static void check_evidence(const struct finding *f)
{
	struct evidence e;

	memset(&e, 0xff, sizeof(e));
	evidence_format(f, &e);
	cr_assert_leq(e.n, RSTMON_EVIDENCE_MAX);
	for (unsigned int i = 0; i < e.n; i++) {
		const char *equals = memchr(e.text[i], '=', RSTMON_EVIDENCE_LEN);

		cr_assert_lt(strnlen(e.text[i], RSTMON_EVIDENCE_LEN), RSTMON_EVIDENCE_LEN);
		cr_assert(equals && equals != e.text[i], "%s", e.text[i]);
	}
}

/* What diagnose says makes no difference makes none. */
static void check_other_end(const struct reset *r, const struct owner *owner,
			    const struct past *past, const struct host *host,
			    const struct verdict *v)
{
	struct past other = *past;
	struct verdict again;

	other.other_cause = noise() % RST_CAUSE_HANDSHAKE_RST_EMBRYONIC;
	other.other_confidence = noise() % CONFIDENCE_MAX;
	other.other.role = noise() % RST_ROLE_MAX;
	memset(other.other.comm, 'y', sizeof(other.other.comm) - 1);
	if (diagnose_other_differs(past, &other))
		return;
	diagnose(r, owner, &other, host, &again);
	cr_assert(again.cause == v->cause && again.confidence == v->confidence &&
		  again.path == v->path && again.settled == v->settled &&
		  again.basis.facts == v->basis.facts);
}

static void check(const struct reset *r, const struct past *past, const struct host *host,
		  unsigned int seen[RST_CAUSE_MAX])
{
	const struct owner owner = {.pid = r->owner_tgid};
	struct verdict v;

	memset(&v, 0xff, sizeof(v));
	diagnose(r, &owner, past, host, &v);
	cr_assert_lt(v.cause, RST_CAUSE_MAX);
	cr_assert_lt(v.confidence, CONFIDENCE_MAX);
	cr_assert_lt(v.path, PATH_MAX_);
	cr_assert_neq(v.cause, RST_CAUSE_HANDSHAKE_RST_EMBRYONIC);
	cr_assert_neq(v.cause, RST_CAUSE_RST_IGNORED);
	check_evidence(&(struct finding){.reset = *r, .other = past->other, .verdict = v});
	diagnose_wants_host(r);
	check_other_end(r, &owner, past, host, &v);
	seen[v.cause]++;
}

static void random_past(struct past *past)
{
	memset(past, 0, sizeof(*past));
	if (noise() % 2)
		return;
	past->second = noise() % 4 == 0;
	past->second_cause = noise() % (RST_CAUSE_HANDSHAKE_RST_EMBRYONIC);
	past->second_confidence = noise() % CONFIDENCE_MAX;
	past->second_ms = number();
	past->aftermath = noise() % 8 == 0;
	past->other.known = noise() % 3 == 0;
	past->other.pid = (uint32_t)noise();
	past->other.direction = (uint8_t)(noise() % RST_DIRECTION_MAX);
	memset(past->other.comm, 'x', sizeof(past->other.comm) - 1);
	past->other_cause = noise() % (RST_CAUSE_HANDSHAKE_RST_EMBRYONIC);
	past->other_confidence = noise() % CONFIDENCE_MAX;
	past->burst = (unsigned int)noise();
	past->ports_asked = (unsigned int)noise();
	past->repeats = noise() % 5;
	past->repeat_ms = number();
	past->idle_alike = noise() % 5;
	past->idle_alike_ms = number();
}

static void random_host(struct host *host)
{
	*host = (struct host){.watched_ms = number(),
			      .lossy = noise() % 2,
			      .overflowed = (int8_t)(noise() % 3) - 1,
			      .cookies_failed = (int8_t)(noise() % 3) - 1,
			      .sibling = (int8_t)(noise() % 3) - 1};
}

static void name_reasons(struct reasons *reasons)
{
	static const char *const names[] = {
		"NOT_SPECIFIED",
		"NO_SOCKET",
		"TCP_INVALID_ACK_SEQUENCE",
		"TCP_RFC7323_PAWS",
		"TCP_TOO_OLD_ACK",
		"TCP_ACK_UNSENT_DATA",
		"TCP_FLAGS",
		"TCP_OLD_ACK",
		"TCP_ABORT_ON_DATA",
		"TCP_TIMEWAIT_SOCKET",
		"INVALID_SYN",
		"TCP_ABORT_ON_CLOSE",
		"TCP_ABORT_ON_LINGER",
		"TCP_ABORT_ON_MEMORY",
		"TCP_STATE",
		"TCP_KEEPALIVE_TIMEOUT",
		"TCP_DISCONNECT_WITH_DATA",
		"MPTCP_RST_EMPTCP",
		"a name as long as any name of a reason may ever become, and longer",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		reasons_add(reasons, i, names[i]);
}

static size_t record_size(uint8_t kind)
{
	switch (kind) {
	case RST_EVENT_BARE:
		return sizeof(struct rst_event);
	case RST_EVENT_FORMER:
		return sizeof(struct rst_event_former);
	case RST_EVENT_SOCK:
		return sizeof(struct rst_event_sock);
	default:
		return sizeof(struct rst_event_sock_former);
	}
}

Test(diagnose_random, records)
{
	static unsigned int seen[RST_CAUSE_MAX];
	static struct reasons reasons;
	unsigned int decoded = 0;

	seed = 20261122;
	name_reasons(&reasons);
	while (decoded < RECORDS) {
		struct rst_event_sock_former record;
		struct rst_event *e = &record.sock.event;
		struct reset r;
		struct past past;
		struct host host;

		fill(&record, sizeof(record));
		e->version = RST_EVENT_VERSION;
		e->kind = (uint8_t)(1 + noise() % 4);
		e->size = (uint16_t)record_size(e->kind);
		e->key.direction = (uint8_t)(noise() % RST_DIRECTION_MAX);
		e->key.role = (uint8_t)(noise() % RST_ROLE_MAX);
		e->key.reason = (uint8_t)(noise() % 24);
		e->key.state = (uint8_t)(noise() % 13);
		e->key.previous_state = (uint8_t)(noise() % 13);
		e->key.owner_source = (uint8_t)(noise() % RST_OWNER_SOURCE_MAX);
		if (decode(&record, e->size, &reasons, (int64_t)noise(), &r))
			continue;
		decoded++;
		random_past(&past);
		random_host(&host);
		check(&r, &past, &host, seen);
	}
}

static void random_numbers(struct reset *r)
{
	int64_t *const wide[] = {
		&r->age_ms,
		&r->idle_ms,
		&r->bytes_received,
		&r->bytes_sent,
		&r->bytes_acked,
		&r->receive_idle_ms,
		&r->ack_idle_ms,
		&r->send_idle_ms,
		&r->since_state_ms,
		&r->fin_ms,
		&r->linger_time_s,
		&r->closed_ms,
		&r->drops,
		&r->listener_age_ms,
		&r->former_fin_ms,
		&r->former_age_ms,
		&r->former_receive_idle_ms,
		&r->former_send_idle_ms,
		&r->former_bytes_received,
		&r->former_bytes_sent,
	};
	int32_t *const middle[] = {
		&r->unread_bytes,    &r->unacked_bytes, &r->unsent_bytes,
		&r->user_timeout_ms, &r->backlog,	&r->backlog_max,
		&r->linger2,	     &r->total_retrans, &r->requests,
	};
	int16_t *const narrow[] = {
		&r->retransmits,
		&r->probes,
		&r->ttl_base,
		&r->abort_on_overflow,
	};

	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		*wide[i] = number();
	for (size_t i = 0; i < ARRAY_SIZE(middle); i++)
		*middle[i] = (int32_t)number();
	for (size_t i = 0; i < ARRAY_SIZE(narrow); i++)
		*narrow[i] = (int16_t)number();
	r->srtt_us = (int32_t)noise();
	r->error = (uint16_t)(noise() % 4 ? noise() % 120 : noise());
	r->exit_signal = (int16_t)(noise() % 4 ? noise() % 32 : 9);
	r->exit_status = (int16_t)((int)(noise() % 256) - 1);
	r->former_exit_signal = (int16_t)(noise() % 32);
}

Test(diagnose_random, resets)
{
	static unsigned int seen[RST_CAUSE_MAX];
	unsigned int causes = 0;

	seed = 3;
	for (int i = 0; i < RECORDS; i++) {
		struct reset r =
			sample_key((uint8_t)(noise() % RST_DIRECTION_MAX),
				   (uint8_t)(noise() % RST_ROLE_MAX), (uint8_t)(noise() % 13));
		struct past past;
		struct host host;

		random_numbers(&r);
		r.flags = (uint32_t)(noise() & noise());
		r.reason = noise() % REASON_MAX;
		r.reason_name = noise() % 2 ? NULL : "";
		r.syn = noise() % 2;
		r.previous_state = (uint8_t)(noise() % 13);
		r.payload = (uint16_t)noise();
		r.tcp_flags = (uint8_t)noise();
		r.packet_flags = (uint8_t)noise();
		r.packet_window = noise() % 2 ? 0 : (uint16_t)noise();
		r.packet_header = noise() % 2 ? 20 : (uint8_t)noise();
		r.packet_ttl = (uint8_t)noise();
		r.has_former = noise() % 2;
		r.former_reset = (uint8_t)(noise() % 3);
		r.former_role = (uint8_t)(noise() % RST_ROLE_MAX);
		r.former_flags = (uint32_t)noise();
		r.has_exit = noise() % 2;
		r.owner_source = (uint8_t)(noise() % RST_OWNER_SOURCE_MAX);
		memset(r.former_comm, 'y', sizeof(r.former_comm) - 1);
		r.former_tgid = r.actor_tgid = (uint32_t)noise();
		random_past(&past);
		random_host(&host);
		check(&r, &past, &host, seen);
	}
	for (unsigned int i = 0; i < RST_CAUSE_MAX; i++)
		causes += seen[i] > 0;
	cr_assert_gt(causes, RST_CAUSE_MAX / 2, "noise that reaches %u causes is a poor test",
		     causes);
}
