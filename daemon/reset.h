/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One reset as it travels through the stages of the daemon. Each stage fills its own part and leaves
 * the earlier ones alone: decode -> struct reset, attribute -> struct owner, diagnose -> struct
 * verdict. All is in host order, times are nanoseconds, text is sanitised and ends in NUL.
 */
#ifndef DAEMON_RESET_H
#define DAEMON_RESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/words.h"
#include "rstmon/cause.h"
#include "rstmon/event.h"
#include "rstmon/interface.h"

/* The causes of resets that the kernel itself names (enum sk_rst_reason), independent of its numbers.
 * REASON_NONE: the kernel gives none; REASON_OTHER: one that this table does not know. */
enum reason {
	REASON_NONE,
	REASON_OTHER,
	REASON_NOT_SPECIFIED,
	REASON_NO_SOCKET,
	REASON_TCP_INVALID_ACK_SEQUENCE,
	REASON_TCP_RFC7323_PAWS,
	REASON_TCP_TOO_OLD_ACK,
	REASON_TCP_ACK_UNSENT_DATA,
	REASON_TCP_FLAGS,
	REASON_TCP_OLD_ACK,
	REASON_TCP_ABORT_ON_DATA,
	REASON_TCP_TIMEWAIT_SOCKET,
	REASON_INVALID_SYN,
	REASON_TCP_ABORT_ON_CLOSE,
	REASON_TCP_ABORT_ON_LINGER,
	REASON_TCP_ABORT_ON_MEMORY,
	REASON_TCP_STATE,
	REASON_TCP_KEEPALIVE_TIMEOUT,
	REASON_TCP_DISCONNECT_WITH_DATA,
	REASON_MPTCP, /* any of MPTCP_RST_* */
	REASON_MAX,
};

/* Kernel TCP states used by name (include/net/tcp_states.h). */
enum {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT1,
	STATE_FIN_WAIT2,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	STATE_NEW_SYN_RECV,
};

/* An address with its family; IPv4 in the first four bytes. */
struct endpoint {
	uint8_t address[16]; /* network order */
	uint16_t port;
	bool ipv6;
};

/* The part that 'decode' fills. Quantities are signed and -1 where unknown. Thousands of these are kept:
 * members are as wide as the kernel's numbers and ordered by their size. */
struct reset {
	uint64_t time;	    /* CLOCK_REALTIME */
	uint64_t monotonic; /* CLOCK_MONOTONIC, to pair records */
	uint64_t cgroup;
	uint64_t socket; /* opaque, 0 without one */
	const char *reason_name; /* the kernel's name, "" if none; lives as long as the reasons table */
	uint64_t owner_start;

	/* the connection */
	int64_t age_ms, idle_ms;
	int64_t bytes_received, bytes_sent, bytes_acked;
	int64_t receive_idle_ms, ack_idle_ms, send_idle_ms;
	int64_t since_state_ms; /* since the previous state was left */
	int64_t fin_ms; /* since this side closed or shut down its half */
	int64_t linger_time_s;
	int64_t closed_ms;	 /* RST_EVENT_FORMER: how long ago it was closed */
	int64_t drops;		 /* of a listener */
	int64_t listener_age_ms; /* of a listener that answered, or of the one that was closed */

	/* The connection that the segment belongs to, or with RST_EVENT_FORMER_LISTENER the listener on
	 * its port, was closed here before ('has_former'). The owner of a reset without a full socket is
	 * the former owner of the connection; 'former_tgid' is set for a closed listener and for a
	 * listener's reset, whose owner is the listener's. */
	int64_t former_fin_ms; /* since its owner closed or shut down its side */
	int64_t former_age_ms; /* how long it had lived when it was closed */
	int64_t former_receive_idle_ms, former_send_idle_ms;
	int64_t former_bytes_received, former_bytes_sent;
	uint32_t former_tgid;
	uint32_t former_flags; /* RST_FORMER_* */

	uint32_t flags; /* RST_EVENT_* */
	uint32_t netns;
	uint32_t netns_cookie;
	uint32_t owner_tgid, actor_tgid, actor_parent_tgid;
	uint32_t seq, ack; /* of the offending segment; valid with RST_EVENT_SEGMENT, as is its rest */

	/* the connection */
	int32_t unread_bytes, unacked_bytes, unsent_bytes;
	int32_t srtt_us, user_timeout_ms, keepalive_time_s;
	int32_t backlog, backlog_max;
	int32_t linger2, total_retrans;
	int32_t requests; /* of a listener */

	/* sysctls of the namespace; -1 unknown */
	int32_t sysctl_keepalive_time_s, sysctl_keepalive_intvl_s;
	int32_t sysctl_fin_timeout_s, somaxconn;
	int16_t abort_on_overflow, syn_retries, synack_retries, retries2;
	int16_t sysctl_keepalive_probes;

	int16_t retransmits, backoff, probes;
	int16_t ttl_base;
	uint16_t error, error_soft;
	int16_t exit_signal, former_exit_signal; /* 0 without one; the latter with RST_FORMER_EXITING */
	int16_t exit_status, former_exit_status; /* -1 unknown */

	uint16_t port; /* service port */
	uint16_t payload;
	uint16_t packet_window, packet_id; /* the reset itself; valid with RST_EVENT_PACKET, as is its rest */
	struct endpoint local, remote;

	uint8_t direction; /* RST_TIMEOUT: no reset, 'error' is what the application got */
	uint8_t role, state, previous_state;
	uint8_t reason_number; /* the kernel's */
	uint8_t reason;	       /* enum reason */
	uint8_t owner_source;
	bool syn; /* the offending segment had SYN */
	uint8_t tcp_flags, ttl;
	uint8_t packet_ttl, packet_flags, packet_header;
	bool has_exit, has_former;
	uint8_t former_role, former_state, former_reset; /* as in struct rst_former */

	/* who had it, as the kernel knows */
	char owner_comm[RSTMON_COMM_MAX];
	char actor_comm[RSTMON_COMM_MAX];
	char actor_parent_comm[RSTMON_COMM_MAX];
	char former_comm[RSTMON_COMM_MAX];
};

/* A quantity by its place, for tables of them; they differ in size. */
struct quantity {
	uint16_t offset, size;
};

#define RESET_QUANTITY(member) \
	{ \
		offsetof(struct reset, member), sizeof(((struct reset *)NULL)->member) \
	}

static inline int64_t reset_quantity(const struct reset *r, struct quantity q)
{
	const char *at = (const char *)r + q.offset;
	int64_t wide;
	int32_t middle;
	int16_t narrow;

	switch (q.size) {
	case sizeof(wide):
		memcpy(&wide, at, sizeof(wide));
		return wide;
	case sizeof(middle):
		memcpy(&middle, at, sizeof(middle));
		return middle;
	default:
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
}

/* The part that 'attribute' fills: names of the process that the kernel identified. */
struct owner {
	uint64_t start;
	uint32_t pid;	/* 0: no process */
	uint8_t source; /* enum rst_owner_source */
	char comm[RSTMON_COMM_MAX];
	char unit[RSTMON_UNIT_MAX];
	char container[RSTMON_CONTAINER_MAX];
	char pod[RSTMON_POD_MAX];
	char exe[RSTMON_EXE_MAX];
};

#define RST_CLUES_MAX 7 /* kinds of evidence that a rule names */

/* What a verdict rests on beside the reset itself, as numbers: nobody reads most of them, and they become
 * text only when somebody does (evidence_format()). 0: not known, or nothing to tell. */
struct basis {
	int64_t idle_alike_ms;
	uint32_t idle_alike, repeats, repeat_ms; /* as in struct past, as are the next */
	uint32_t burst, ports_asked, second_ms;
	uint8_t facts;		      /* BASIS_* */
	uint8_t clues[RST_CLUES_MAX]; /* of the rule: enum clue, most telling first */
};

#define BASIS_SECOND	     (1 << 0) /* it followed another reset of this end */
#define BASIS_AFTERMATH	     (1 << 1) /* the peer went on after its reset */
#define BASIS_OTHER_END	     (1 << 2) /* the other end is a process of this host, in the same story */
#define BASIS_OVERFLOWED     (1 << 3) /* as in struct host, as are the next two */
#define BASIS_COOKIES_FAILED (1 << 4)
#define BASIS_SIBLING	     (1 << 5)

/* The part that 'diagnose' fills. */
struct verdict {
	uint8_t cause;	    /* enum rst_cause */
	uint8_t confidence; /* enum confidence */
	uint8_t path;	    /* enum path: what the kernel did, which is certain */
	bool settled;	    /* nothing that becomes known later can change cause or story */
	int error;	    /* the errno that the local application gets, 0: none */
	struct basis basis;
};

/* The other end of the same connection, where it is on this host and had its part in the same story. */
struct other_end {
	bool known;
	uint32_t pid; /* 0: no process */
	uint8_t direction, role;
	char comm[RSTMON_COMM_MAX];
};

struct finding {
	struct reset reset;
	struct owner owner;
	struct verdict verdict;
	struct other_end other;
};

#endif
