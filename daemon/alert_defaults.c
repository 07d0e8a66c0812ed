/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The built-in rules of alerts: what ruins requests. Must not cry wolf: scans, health checks,
 * clients that hang up and single failures are counted and alert nobody; nor tell one incident
 * twice, so of connections whose ends are both on this host only the end that sent the reset
 * counts. Proved by tests/unit/daemon/alert_defaults.c.
 *
 * A rate is by the minute: 2 over five minutes are ten resets. "port != 0" leaves out the rows that
 * hold the ports of a scan.
 */
#include "common/util.h"

#include <syslog.h>

#include "daemon/alert_defaults.h"

#define RULE(rule_name, text, at, below, minutes, quiet, level)                                    \
	{                                                                                          \
		.name = rule_name, .enabled = true, .filter = text, .by = ALERT_BY_SERVICE,        \
		.rate = at, .clear = below, .window_ns = (minutes)*60 * NSEC_PER_SEC,              \
		.cooldown_ns = (quiet)*60 * NSEC_PER_SEC, .severity = level,                       \
	}

const struct alert_default alert_defaults[] = {
	{RULE("accept-queue-full",
	      "(cause accept_overflow_abort or cause accept_overflow_expired) and direction sent",
	      5, 1, 1, 5, LOG_WARNING),
	 "A server accepts more slowly than clients come: requests are lost at its door."},
	{RULE("peer-overloaded", "cause accept_overflow_peer and direction received", 5, 1, 1, 5,
	      LOG_WARNING),
	 "The same of a server elsewhere that this host's programs ask."},
	{RULE("process-died",
	      "(cause proc_crash_unread or cause proc_killed_unread and role server) and "
	      "direction sent",
	      1, 1, 1, 10, LOG_ERR),
	 "A process crashed, or a server was killed, with requests unread: once is enough."},
	{RULE("requests-dropped",
	      "(cause server_abort_unread_request or cause proc_exit_unread) and role server and "
	      "direction sent",
	      20, 5, 1, 5, LOG_WARNING),
	 "A server closes connections, or ends, without reading what it was asked."},
	{RULE("listener-closed", "cause listener_closed_pending and direction sent", 3, 1, 1, 5,
	      LOG_WARNING),
	 "A server stopped listening while connections waited: a restart that loses requests."},
	{RULE("upload-cut", "cause upload_not_drained and direction sent", 2, 0.5, 5, 10,
	      LOG_WARNING),
	 "A server answers uploads early and closes: clients may never see the answer."},
	{RULE("keepalive-race",
	      "cause keepalive_race_server and direction sent or "
	      "cause keepalive_race_client and direction received",
	      2, 0.5, 5, 15, LOG_WARNING),
	 "Idle connections are closed just as they are used again: time-outs that do not fit."},
	{RULE("service-down", "cause service_down and direction sent", 10, 1, 1, 5, LOG_ERR),
	 "Clients still come to a port whose service has stopped."},
	{RULE("dependency-down",
	      "cause refused_syn and role client and direction received and port != 0", 12, 3, 5,
	      10, LOG_WARNING),
	 "A program of this host asks again and again where nobody listens: for longer than one\n"
	 "waits for a service that is starting."},
	{RULE("connect-timeout",
	      "(cause connect_timeout or cause icmp_refused) and role client and port != 0", 1, 0.4,
	      5, 10, LOG_WARNING),
	 "Attempts to connect are answered by nobody, or refused on the way."},
	{RULE("silent-drop",
	      "(cause silent_drop_timeout or cause keepalive_probe_timeout) and role client", 1,
	      0.4, 5, 10, LOG_WARNING),
	 "Connections of this host's clients go silent: a firewall that drops, a host that died."},
	{RULE("clients-silent",
	      "(cause silent_drop_timeout or cause keepalive_probe_timeout) and role server", 20, 5,
	      5, 15, LOG_NOTICE),
	 "Many clients of a server go silent at once; a few do every day."},
	{RULE("connection-lost",
	      "(cause middlebox_idle_reject or cause peer_lost_connection) and direction received "
	      "or cause nat_state_lost and direction sent",
	      2, 0.5, 5, 15, LOG_WARNING),
	 "A firewall, a NAT or the other end forgot connections that were in use here."},
	{RULE("rst-injected", "cause rst_injected and direction received", 1, 0.4, 5, 15,
	      LOG_WARNING),
	 "Resets that neither end made: a device on the way, or an attack."},
	{RULE("orphan-memory", "cause orphan_memory", 1, 1, 1, 10, LOG_ERR),
	 "The kernel had no room left for closed connections and gave up data."},
};

const unsigned int alert_defaults_n = ARRAY_SIZE(alert_defaults);
