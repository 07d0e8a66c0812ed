/* SPDX-License-Identifier: GPL-2.0-only */
/* The built-in rules: what they tell, and what they must be silent about. */
#include "common/util.h"

#include "daemon/alert_defaults.h"
#include "tests/unit/daemon/alert_fixture.h"

static struct bench defaults(void)
{
	struct alert_rule rules[RSTMON_ALERT_RULES_MAX];

	cr_assert_leq(alert_defaults_n, RSTMON_ALERT_RULES_MAX / 2, "room for those of the file");
	for (unsigned int i = 0; i < alert_defaults_n; i++)
		rules[i] = alert_defaults[i].rule;
	return new_bench(rules, alert_defaults_n, 30);
}

static struct tally_row row_of(enum rst_cause cause, unsigned int direction, unsigned int role)
{
	struct tally_row row = make_row(role == RST_ROLE_NONE ? 0 : 7, 8080, cause);

	row.direction = (uint8_t)direction;
	row.role = (uint8_t)role;
	return row;
}

/* Which rule tells of so many within a minute, "" if none does. */
static const char *told(enum rst_cause cause, unsigned int direction, unsigned int role,
			unsigned int n)
{
	static char name[RSTMON_ALERT_NAME_MAX];
	struct tally_row row = row_of(cause, direction, role);
	struct bench b = defaults();

	while (n--) {
		grow(&b, &row, 1);
		b.now += SECOND / 10;
	}
	cr_assert_leq(b.begun, 1, "one incident is told by two rules");
	str_copy(name, sizeof(name), b.begun ? b.last.alert.name : "");
	wait_for(&b, 700);
	cr_assert_eq(b.ended, b.begun);
	alerts_free(b.a);
	return name;
}

Test(alert_defaults, names_and_numbers_are_sane)
{
	for (unsigned int i = 0; i < alert_defaults_n; i++) {
		const struct alert_rule *r = &alert_defaults[i].rule;

		for (unsigned int k = 0; k < i; k++)
			cr_assert_str_neq(r->name, alert_defaults[k].rule.name);
		cr_assert(r->enabled);
		cr_assert_gt(r->clear, 0);
		cr_assert_leq(r->clear, r->rate);
		/* one reset at least must fit between the two, and make it */
		cr_assert_geq(r->rate * (double)r->window_ns / 60e9, 1);
		cr_assert_gt(strlen(alert_defaults[i].help), 20);
		cr_assert_leq(r->severity, LOG_NOTICE);
	}
}

Test(alert_defaults, what_ruins_requests_is_told)
{
	static const struct {
		enum rst_cause cause;
		unsigned int direction, role, n;
		const char *name;
	} cases[] = {
		{RST_CAUSE_ACCEPT_OVERFLOW_ABORT, RST_SENT, RST_ROLE_SERVER, 5,
		 "accept-queue-full"},
		{RST_CAUSE_ACCEPT_OVERFLOW_EXPIRED, RST_SENT, RST_ROLE_SERVER, 5,
		 "accept-queue-full"},
		{RST_CAUSE_ACCEPT_OVERFLOW_PEER, RST_RECEIVED, RST_ROLE_CLIENT, 5,
		 "peer-overloaded"},
		{RST_CAUSE_PROC_KILLED_UNREAD, RST_SENT, RST_ROLE_SERVER, 1, "process-died"},
		{RST_CAUSE_PROC_CRASH_UNREAD, RST_SENT, RST_ROLE_SERVER, 1, "process-died"},
		{RST_CAUSE_PROC_CRASH_UNREAD, RST_SENT, RST_ROLE_CLIENT, 1, "process-died"},
		{RST_CAUSE_SERVER_ABORT_UNREAD_REQUEST, RST_SENT, RST_ROLE_SERVER, 20,
		 "requests-dropped"},
		{RST_CAUSE_PROC_EXIT_UNREAD, RST_SENT, RST_ROLE_SERVER, 20, "requests-dropped"},
		{RST_CAUSE_LISTENER_CLOSED_PENDING, RST_SENT, RST_ROLE_SERVER, 3,
		 "listener-closed"},
		{RST_CAUSE_UPLOAD_NOT_DRAINED, RST_SENT, RST_ROLE_SERVER, 10, "upload-cut"},
		{RST_CAUSE_KEEPALIVE_RACE_SERVER, RST_SENT, RST_ROLE_SERVER, 10, "keepalive-race"},
		{RST_CAUSE_KEEPALIVE_RACE_CLIENT, RST_RECEIVED, RST_ROLE_CLIENT, 10,
		 "keepalive-race"},
		{RST_CAUSE_SERVICE_DOWN, RST_SENT, RST_ROLE_NONE, 10, "service-down"},
		{RST_CAUSE_REFUSED_SYN, RST_RECEIVED, RST_ROLE_CLIENT, 60, "dependency-down"},
		{RST_CAUSE_CONNECT_TIMEOUT, RST_TIMEOUT, RST_ROLE_CLIENT, 5, "connect-timeout"},
		{RST_CAUSE_ICMP_REFUSED, RST_TIMEOUT, RST_ROLE_CLIENT, 5, "connect-timeout"},
		{RST_CAUSE_SILENT_DROP_TIMEOUT, RST_TIMEOUT, RST_ROLE_CLIENT, 5, "silent-drop"},
		{RST_CAUSE_KEEPALIVE_PROBE_TIMEOUT, RST_SENT, RST_ROLE_CLIENT, 5, "silent-drop"},
		{RST_CAUSE_SILENT_DROP_TIMEOUT, RST_TIMEOUT, RST_ROLE_SERVER, 100,
		 "clients-silent"},
		{RST_CAUSE_MIDDLEBOX_IDLE_REJECT, RST_RECEIVED, RST_ROLE_CLIENT, 10,
		 "connection-lost"},
		{RST_CAUSE_PEER_LOST_CONNECTION, RST_RECEIVED, RST_ROLE_CLIENT, 10,
		 "connection-lost"},
		{RST_CAUSE_NAT_STATE_LOST, RST_SENT, RST_ROLE_SERVER, 10, "connection-lost"},
		{RST_CAUSE_RST_INJECTED, RST_RECEIVED, RST_ROLE_CLIENT, 5, "rst-injected"},
		{RST_CAUSE_ORPHAN_MEMORY, RST_SENT, RST_ROLE_SERVER, 1, "orphan-memory"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name =
			told(cases[i].cause, cases[i].direction, cases[i].role, cases[i].n);

		cr_assert_str_eq(name, cases[i].name, "%u of %s are '%s'", cases[i].n,
				 cause_name(cases[i].cause), name);
		if (cases[i].n > 1)
			cr_assert_str_eq(told(cases[i].cause, cases[i].direction, cases[i].role,
					      cases[i].n - 1),
					 "", "one less is not told: %s",
					 cause_name(cases[i].cause));
	}
}

Test(alert_defaults, what_happens_every_day_is_not)
{
	static const struct {
		enum rst_cause cause;
		unsigned int direction, role;
	} cases[] = {
		{RST_CAUSE_CLOSED_PORT, RST_SENT, RST_ROLE_NONE}, /* scans */
		{RST_CAUSE_FIREWALL_REJECT, RST_SENT, RST_ROLE_NONE},
		{RST_CAUSE_BAD_SYN, RST_SENT, RST_ROLE_SERVER},
		{RST_CAUSE_HEALTH_CHECK_RESET, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_HANDSHAKE_RST_EMBRYONIC, RST_RECEIVED, RST_ROLE_SERVER},
		{RST_CAUSE_PEER_ABORT_HANDSHAKE, RST_RECEIVED, RST_ROLE_SERVER},
		{RST_CAUSE_CLIENT_ABORT_UNREAD_DATA, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_PROC_KILLED_UNREAD, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_PEER_APP_ABORT_SENDING, RST_RECEIVED, RST_ROLE_SERVER},
		{RST_CAUSE_PEER_APP_ABORT_IDLE, RST_RECEIVED, RST_ROLE_SERVER},
		{RST_CAUSE_WRITE_AFTER_PEER_CLOSE, RST_RECEIVED, RST_ROLE_SERVER},
		{RST_CAUSE_LATE_RST_AFTER_CLOSE, RST_RECEIVED, RST_ROLE_CLIENT},
		{RST_CAUSE_DATA_AFTER_LOCAL_CLOSE, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_MPTCP_SUBFLOW_RESET, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_LINGER_ZERO, RST_SENT, RST_ROLE_CLIENT},
		{RST_CAUSE_ADMIN_ABORT, RST_SENT, RST_ROLE_SERVER},
		/* the end that only received what the other end, here too, has told */
		{RST_CAUSE_UPLOAD_NOT_DRAINED, RST_RECEIVED, RST_ROLE_CLIENT},
		{RST_CAUSE_KEEPALIVE_RACE_SERVER, RST_RECEIVED, RST_ROLE_CLIENT},
		{RST_CAUSE_ACCEPT_OVERFLOW_ABORT, RST_RECEIVED, RST_ROLE_CLIENT},
		{RST_CAUSE_PROC_KILLED_UNREAD, RST_RECEIVED, RST_ROLE_CLIENT},
		{RST_CAUSE_LISTENER_CLOSED_PENDING, RST_RECEIVED, RST_ROLE_CLIENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = told(cases[i].cause, cases[i].direction, cases[i].role, 3000);

		cr_assert_str_eq(name, "", "%s is told by '%s'", cause_name(cases[i].cause), name);
	}
}

/* A program that tries all ports: rows of a port each, then the one of its other ports. */
Test(alert_defaults, a_scan_from_here_is_not)
{
	struct bench b = defaults();
	struct tally_row row = row_of(RST_CAUSE_REFUSED_SYN, RST_RECEIVED, RST_ROLE_CLIENT);

	for (uint16_t port = 1; port <= 256; port++) {
		row.port = port;
		grow(&b, &row, 2);
	}
	row.port = 0;
	row.other_ports = true;
	grow(&b, &row, 60000);
	cr_assert_eq(b.begun, 0);
	alerts_free(b.a);
}
