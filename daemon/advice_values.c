/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The values that sentences of advice ask for by key: numbers, settings and conditions; who took
 * part is in advice_who.c. Must give nothing that the story does not hold, so that sentences
 * without it are left out. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "common/str.h"
#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"

#define TEN_YEARS_MS (10LL * 365 * 86400 * 1000)

int advice_say(char *dst, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(dst, ADVICE_VALUE_LEN, format, ap);
	va_end(ap);
	return n < 0 || n >= ADVICE_VALUE_LEN ? -ENODATA : 0;
}

int advice_milliseconds(char *dst, int64_t ms)
{
	char text[DURATION_TEXT_MAX];

	if (ms < 0 || ms > TEN_YEARS_MS)
		return -ENODATA;
	if (ms < 1000)
		return advice_say(dst, "%" PRId64 " ms", ms);
	if (ms < 100 * 1000)
		return advice_say(dst, "%" PRId64 ".%" PRId64 " s", ms / 1000, ms / 100 % 10);
	if (ms < 600 * 1000)
		return advice_say(dst, "%" PRId64 " s", (ms + 500) / 1000);
	return advice_say(
		dst, "%s",
		format_duration(text, sizeof(text), (uint64_t)(ms / 1000) * NSEC_PER_SEC));
}

int advice_seconds(char *dst, int64_t s)
{
	return s < 0 ? -ENODATA : advice_say(dst, "%" PRId64 " s", s);
}

static int bytes(char *dst, int64_t n)
{
	if (n < 0)
		return -ENODATA;
	if (n < 10 << 10)
		return advice_say(dst, "%" PRId64 " byte%s", n, n == 1 ? "" : "s");
	if (n < 1 << 20)
		return advice_say(dst, "%.1f KiB", (double)(n * 10 >> 10) / 10);
	return advice_say(dst, "%.1f MiB",
			  (double)(n >> 20) + (double)((n & 0xfffff) * 10 >> 20) / 10);
}

/* Where none is no news. */
static int some_bytes(char *dst, int64_t n)
{
	return n > 0 ? bytes(dst, n) : -ENODATA;
}

static int number(char *dst, int64_t n)
{
	return n < 0 ? -ENODATA : advice_say(dst, "%" PRId64, n);
}

static int retransmissions(char *dst, int64_t n)
{
	return n < 1 ? -ENODATA
		     : advice_say(dst, "%" PRId64 " retransmission%s", n, n == 1 ? "" : "s");
}

static int keepalive_probes(char *dst, int64_t n)
{
	return n < 1 ? -ENODATA
		     : advice_say(dst, "%" PRId64 " keep-alive probe%s", n, n == 1 ? "" : "s");
}

int advice_condition(char *dst, bool met)
{
	dst[0] = '\0';
	return met ? 0 : -ENODATA;
}

/* ---- the connection ---- */

#define SPREAD_VALUE(name, field, format)                                                          \
	int value_##name(const struct story *s, char *dst)                                         \
	{                                                                                          \
		return s->field.n ? format(dst, s->field.middle) : -ENODATA;                       \
	}

SPREAD_VALUE(age, age_ms, advice_milliseconds)
SPREAD_VALUE(unread, unread_bytes, some_bytes)
SPREAD_VALUE(unacked, unacked_bytes, some_bytes)
SPREAD_VALUE(sent, bytes_sent, bytes)
SPREAD_VALUE(received, bytes_received, bytes)
SPREAD_VALUE(closed, closed_ms, advice_milliseconds)

/* What the latest of the kept resets says. */
#define LATEST_VALUE(name, expression, format)                                                     \
	int value_##name(const struct story *s, char *dst)                                         \
	{                                                                                          \
		const struct reset *r = &s->latest.reset;                                          \
                                                                                                   \
		return s->samples ? format(dst, expression) : -ENODATA;                            \
	}

LATEST_VALUE(unsent, r->unsent_bytes, some_bytes)
/* the number that the evidence has */
LATEST_VALUE(retransmits, r->retransmits > 0 ? r->retransmits : r->total_retrans, retransmissions)
LATEST_VALUE(probes, r->probes, keepalive_probes)
LATEST_VALUE(user_timeout, r->user_timeout_ms > 0 ? r->user_timeout_ms : -1, advice_milliseconds)
LATEST_VALUE(backlog, r->backlog, number)
LATEST_VALUE(backlog_max, r->backlog_max, number)
LATEST_VALUE(somaxconn, r->somaxconn, number)
LATEST_VALUE(listener_age, r->listener_age_ms, advice_milliseconds)
LATEST_VALUE(stopped, r->closed_ms, advice_milliseconds)
LATEST_VALUE(fin_age, r->since_state_ms, advice_milliseconds)
LATEST_VALUE(linger2, r->linger2 < 0 && r->linger2 >= INT32_MIN ? -(int64_t)r->linger2 : -1, number)
LATEST_VALUE(fin_timeout, r->sysctl_fin_timeout_s, advice_seconds)
LATEST_VALUE(keepalive_time, r->sysctl_keepalive_time_s, advice_seconds)
LATEST_VALUE(syn_retries, r->syn_retries, number)
LATEST_VALUE(synack_retries, r->synack_retries, number)
LATEST_VALUE(retries2, r->retries2, number)
LATEST_VALUE(ttl_reset, r->flags &RST_EVENT_PACKET ? r->packet_ttl : -1, number)
LATEST_VALUE(ttl_base, r->ttl_base > 0 ? r->ttl_base : -1, number)

LATEST_VALUE(keepalive_off, !(r->flags & RST_EVENT_KEEPALIVE), advice_condition)
LATEST_VALUE(keepalive_on, r->flags &RST_EVENT_KEEPALIVE, advice_condition)
LATEST_VALUE(overflow_on, r->abort_on_overflow == 1, advice_condition)
LATEST_VALUE(backlog_short, r->backlog_max >= 0 && r->backlog_max < r->somaxconn, advice_condition)
LATEST_VALUE(somaxconn_short, r->somaxconn >= 0 && r->backlog_max >= r->somaxconn, advice_condition)
LATEST_VALUE(no_user_timeout, r->user_timeout_ms == 0, advice_condition)
LATEST_VALUE(exiting, r->has_exit, advice_condition)

/* Retransmissions of a SYN or a SYN-ACK: 1, 2, 4 ... advice_seconds, and a last wait. */
static int doubling(char *dst, int64_t retries)
{
	return retries < 0 || retries > 16 ? -ENODATA
					   : advice_seconds(dst, (1LL << (retries + 1)) - 1);
}

LATEST_VALUE(syn_wait, r->syn_retries, doubling)
LATEST_VALUE(synack_wait, r->synack_retries, doubling)

/* Of data: from 200 ms on, the least that the kernel waits, doubling up to two minutes. */
static int data_wait(char *dst, int64_t retries)
{
	int64_t ms = 0, wait = 200;

	if (retries < 0 || retries > 255)
		return -ENODATA;
	for (int64_t i = 0; i <= retries; i++) {
		ms += wait;
		wait = MIN(wait * 2, 120 * 1000);
	}
	return advice_milliseconds(dst, ms);
}

LATEST_VALUE(retries2_wait, r->retries2, data_wait)

/* The last probe's answer is waited for, too. */
static int64_t probing_s(const struct reset *r)
{
	int64_t time = r->keepalive_time_s > 0 ? r->keepalive_time_s : r->sysctl_keepalive_time_s;

	if (time < 0 || r->sysctl_keepalive_intvl_s < 0 || r->sysctl_keepalive_probes < 0 ||
	    time > 1 << 30 || r->sysctl_keepalive_intvl_s > 1 << 20 ||
	    r->sysctl_keepalive_probes > 255)
		return -1;
	return time + r->sysctl_keepalive_intvl_s * r->sysctl_keepalive_probes;
}

LATEST_VALUE(keepalive_wait, probing_s(r), advice_seconds)

/* When the first probe is sent; if the silence was longer, probes were answered during it. */
int value_keepalive_first(const struct story *s, char *dst)
{
	const struct reset *r = &s->latest.reset;
	bool own = r->keepalive_time_s > 0;
	int64_t time = own ? r->keepalive_time_s : r->sysctl_keepalive_time_s;

	if (!s->samples || time < 0)
		return -ENODATA;
	return advice_say(dst, "%" PRId64 " s (%s)", time,
			  own ? "TCP_KEEPIDLE of this socket" : "net.ipv4.tcp_keepalive_time");
}

int value_errno(const struct story *s, char *dst)
{
	const char *name = s->samples ? socket_errno_name(s->latest.verdict.error) : "";

	return name[0] ? advice_say(dst, "%s", name) : -ENODATA;
}

int value_port(const struct story *s, char *dst)
{
	return s->port ? number(dst, s->port) : -ENODATA;
}

int value_peers(const struct story *s, char *dst)
{
	if (s->peers < 2)
		return -ENODATA;
	return advice_say(dst, "%s%u remote addresses", s->peers >= 16 ? "at least " : "",
			  s->peers);
}

int value_ports(const struct story *s, char *dst)
{
	return s->ports < 2 ? -ENODATA : number(dst, s->ports);
}

int value_oom(const struct story *s, char *dst)
{
	return advice_condition(dst, s->oom > 0);
}

int value_not_oom(const struct story *s, char *dst)
{
	return advice_condition(dst, s->samples > 0 && s->oom == 0);
}

int value_unacked_any(const struct story *s, char *dst)
{
	return advice_condition(dst, s->unacked_bytes.n && s->unacked_bytes.most > 0);
}

int value_unacked_none(const struct story *s, char *dst)
{
	return advice_condition(dst, s->unacked_bytes.n && s->unacked_bytes.most == 0);
}

int value_hedge(const struct story *s, char *dst)
{
	if (s->confidence >= CONFIDENCE_HIGH)
		return advice_say(dst, "%s", "");
	return advice_say(dst, "%s",
			  s->confidence == CONFIDENCE_MEDIUM ? "probably " : "possibly ");
}

/* After a number that stands for several. */
int value_median(const struct story *s, char *dst)
{
	return advice_say(dst, "%s", s->age_ms.n > 1 || s->unread_bytes.n > 1 ? " (median)" : "");
}
