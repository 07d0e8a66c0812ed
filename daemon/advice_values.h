/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the files of advice.h that give values, and the table of keys that joins them: X(KEY,
 * FUNCTION). Each function gives a value of the story, or -ENODATA.
 */
#ifndef DAEMON_ADVICE_VALUES_H
#define DAEMON_ADVICE_VALUES_H

#include "daemon/advice_internal.h"

#define ADVICE_KEYS(X) \
	X("?", hedge) \
	/* advice_who.c */ \
	X("owner", owner) \
	X("Owner", owner_start) \
	X("peer", peer) \
	X("a_peer", a_peer) \
	X("A_peer", a_peer_start) \
	X("server", server) \
	X("client", client) \
	X("a_server", a_server) \
	X("A_server", a_server_start) \
	X("a_client", a_client) \
	X("A_client", a_client_start) \
	X("client_errno", client_errno) \
	X("remote", remote) \
	X("actor", actor) \
	X("actor_parent", actor_parent) \
	X("former", former) \
	X("if_client", is_client) \
	X("if_server", is_server) \
	X("if_own_host", own_host) \
	/* advice_ended.c */ \
	X("former_end", former_end) \
	X("signal", signal) \
	X("stopped_by", stopped_by) \
	X("status", status) \
	/* advice_programs.c */ \
	X("client_program", client_program) \
	X("client_keeps", client_keeps) \
	X("server_closes", server_closes) \
	X("server_backlog", server_backlog) \
	X("server_body", server_body) \
	X("timeout_name", timeout_name) \
	X("so_keepalive", so_keepalive) \
	X("if_client_unknown", client_unknown) \
	/* advice_idle.c */ \
	X("idle", idle) \
	X("idle_range", idle_range) \
	X("shortest", shortest) \
	X("closed_ago", closed_ago) \
	X("if_idle_closed", idle_closed) \
	X("timeout", timeout) \
	X("below", below) \
	X("if_tight", tight) \
	X("if_idle_long", idle_long) \
	X("if_paused", paused) \
	/* advice_values.c */ \
	X("median", median) \
	X("age", age) \
	X("unread", unread) \
	X("unacked", unacked) \
	X("unsent", unsent) \
	X("sent", sent) \
	X("received", received) \
	X("closed", closed) \
	X("retransmits", retransmits) \
	X("probes", probes) \
	X("user_timeout", user_timeout) \
	X("backlog", backlog) \
	X("backlog_max", backlog_max) \
	X("somaxconn", somaxconn) \
	X("listener_age", listener_age) \
	X("stopped", stopped) \
	X("fin_age", fin_age) \
	X("linger2", linger2) \
	X("fin_timeout", fin_timeout) \
	X("keepalive_time", keepalive_time) \
	X("keepalive_first", keepalive_first) \
	X("keepalive_wait", keepalive_wait) \
	X("syn_retries", syn_retries) \
	X("syn_wait", syn_wait) \
	X("synack_retries", synack_retries) \
	X("synack_wait", synack_wait) \
	X("retries2", retries2) \
	X("retries2_wait", retries2_wait) \
	X("ttl_reset", ttl_reset) \
	X("ttl_base", ttl_base) \
	X("errno", errno) \
	X("port", port) \
	X("peers", peers) \
	X("ports", ports) \
	X("if_keepalive_off", keepalive_off) \
	X("if_keepalive_on", keepalive_on) \
	X("if_overflow_on", overflow_on) \
	X("if_backlog_short", backlog_short) \
	X("if_somaxconn_short", somaxconn_short) \
	X("if_no_user_timeout", no_user_timeout) \
	X("if_exiting", exiting) \
	X("if_oom", oom) \
	X("if_not_oom", not_oom) \
	X("if_unacked", unacked_any) \
	X("if_all_acked", unacked_none)

#define X(key, function) int value_##function(const struct story *s, char *dst);
ADVICE_KEYS(X)
#undef X

/* Formats a value; -ENODATA if it does not fit. */
int advice_say(char *dst, const char *format, ...) _printf_(2, 3);

/* -ENODATA of what is negative, unknown that is. */
int advice_milliseconds(char *dst, int64_t ms);
int advice_seconds(char *dst, int64_t s);
int advice_condition(char *dst, bool met);

/* The name of the process in that role, or of the local one; "" if nobody is known. */
const char *advice_comm(const struct story *s, uint8_t role);
const char *advice_comm_owner(const struct story *s);

/* Of the local side, RST_ROLE_*. */
uint8_t advice_role(const struct story *s);

/* Of an idle server that had closed when the client used the connection again; -1: another story */
int64_t advice_silence_ms(const struct story *s);

/* The idle time-out that the story shows, -1: none. */
int64_t advice_timeout_ms(const struct story *s);

#endif
