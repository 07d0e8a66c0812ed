/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs are told, and which causes tell them that. Must agree with what the kernel gives to
 * a socket by its state: a reset is EPIPE once the peer's FIN has come. Proved by
 * tests/unit/cli/errors.c.
 */
#include "common/util.h"

#include <errno.h>

#include "cli/errors.h"
#include "common/str.h"

#define C(id) RST_CAUSE_##id

static const struct cli_error errors[] = {
	{ECONNRESET,
	 "ECONNRESET",
	 "Connection reset by peer",
	 {"connection reset", "ConnectionResetError", "socket hang up"},
	 32,
	 {C(KEEPALIVE_RACE_SERVER),
	  C(KEEPALIVE_RACE_CLIENT),
	  C(SERVER_ABORT_UNREAD_REQUEST),
	  C(UPLOAD_NOT_DRAINED),
	  C(CLIENT_ABORT_UNREAD_DATA),
	  C(PROC_KILLED_UNREAD),
	  C(PROC_CRASH_UNREAD),
	  C(PROC_EXIT_UNREAD),
	  C(LINGER_ZERO),
	  C(HEALTH_CHECK_RESET),
	  C(APP_DISCONNECT),
	  C(DATA_AFTER_LOCAL_CLOSE),
	  C(WRITE_AFTER_PEER_CLOSE),
	  C(PEER_APP_ABORT_SENDING),
	  C(PEER_APP_ABORT_IDLE),
	  C(PEER_ABORT_HANDSHAKE),
	  C(LISTENER_CLOSED_PENDING),
	  C(ACCEPT_OVERFLOW_ABORT),
	  C(ACCEPT_OVERFLOW_EXPIRED),
	  C(ACCEPT_OVERFLOW_PEER),
	  C(SYNCOOKIE_FAILED),
	  C(SERVICE_DOWN),
	  C(HALF_OPEN_TO_LISTENER),
	  C(HALF_OPEN_UNKNOWN),
	  C(NAT_STATE_LOST),
	  C(MIDDLEBOX_IDLE_REJECT),
	  C(PEER_LOST_CONNECTION),
	  C(RST_INJECTED),
	  C(ADMIN_ABORT),
	  C(KEEPALIVE_PROBE_TIMEOUT),
	  C(ORPHAN_MEMORY),
	  C(UNKNOWN)}},
	{EPIPE,
	 "EPIPE",
	 "Broken pipe",
	 {"BrokenPipe", "SIGPIPE", "ClientAbortException"},
	 8,
	 {C(WRITE_AFTER_PEER_CLOSE), C(DATA_AFTER_LOCAL_CLOSE), C(PEER_APP_ABORT_SENDING),
	  C(PEER_APP_ABORT_IDLE), C(FIN_WAIT2_TIMEOUT), C(LINGER2_ABORT), C(ORPHAN_MEMORY),
	  C(UNKNOWN)}},
	{ECONNREFUSED,
	 "ECONNREFUSED",
	 "Connection refused",
	 {"ConnectionRefusedError"},
	 4,
	 {C(CLOSED_PORT), C(SERVICE_DOWN), C(REFUSED_SYN), C(ICMP_REFUSED)}},
	{ETIMEDOUT,
	 "ETIMEDOUT",
	 "Connection timed out",
	 {"timed out", "connection timeout", "connect timeout"},
	 3,
	 {C(CONNECT_TIMEOUT), C(SILENT_DROP_TIMEOUT), C(KEEPALIVE_PROBE_TIMEOUT)}},
	{ECONNABORTED,
	 "ECONNABORTED",
	 "Software caused connection abort",
	 {"connection abort", "ConnectionAbortedError"},
	 1,
	 {C(ADMIN_ABORT)}},
	{EHOSTUNREACH,
	 "EHOSTUNREACH",
	 "No route to host",
	 {"host unreachable", "host is unreachable", "NoRouteToHostException"},
	 3,
	 {C(ICMP_REFUSED), C(CONNECT_TIMEOUT), C(SILENT_DROP_TIMEOUT)}},
	{ENETUNREACH,
	 "ENETUNREACH",
	 "Network is unreachable",
	 {"network unreachable"},
	 2,
	 {C(ICMP_REFUSED), C(SILENT_DROP_TIMEOUT)}},
};

const struct cli_error *cli_error_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(errors[i].name, name))
			return &errors[i];
	return NULL;
}

static bool is_in(const struct cli_error *e, const char *words)
{
	if (strcasestr(words, e->name) || strcasestr(words, e->text))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(e->said) && e->said[i]; i++)
		if (strcasestr(words, e->said[i]))
			return true;
	return false;
}

const struct cli_error *cli_error_find(const char *words)
{
	uint32_t number;

	if (parse_u32(words, &number) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
			if ((uint32_t)errors[i].number == number)
				return &errors[i];
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (is_in(&errors[i], words))
			return &errors[i];
	return NULL;
}
