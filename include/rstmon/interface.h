/* SPDX-License-Identifier: GPL-2.0-only */
/* Paths, names and limits that daemon, CLI and tests share. Every limit of the project is here. */
#ifndef RSTMON_INTERFACE_H
#define RSTMON_INTERFACE_H

#define RSTMON_VERSION		"0.1.0"
#define RSTMON_SOCKET_PATH	"/run/rstmon/rstmon.sock"
#define RSTMON_SOCKET_ENV	"RSTMON_SOCKET"
#define RSTMON_GROUP		"rstmon"
#define RSTMON_USER		"rstmon"
#define RSTMON_CONFIG_PATH	"/etc/rstmon/rstmond.conf"
#define RSTMON_STATE_PATH	"/var/lib/rstmon"
#define RSTMON_VARLINK_INTERFACE "io.rstmon"

/* Rows and names */
#define RSTMON_ROWS_MAX		8192
#define RSTMON_ROWS_OWNERLESS_MAX 5120 /* of them; so 5,000 ports of nobody have a row each */
#define RSTMON_ROWS_OWNER_MAX	256    /* of one process, beyond it "other ports" */
#define RSTMON_PROCESSES_MAX	4096   /* processes named in rows */
#define RSTMON_NETNS_MAX	1024
#define RSTMON_PEERS_MAX	1024   /* heavy-hitter table of --by peer */
#define RSTMON_DAY_ROWS_MAX	256    /* rows with 24 hours of minutes */
#define RSTMON_RECENT_MAX	8192   /* resets kept for 'last' */
#define RSTMON_RECENT_KEPT	2048   /* kept longer for 'why', when a flood pushes them out */
#define RSTMON_PROCESS_CACHE_MAX 16384 /* names of living processes */
#define RSTMON_CGROUP_CACHE_MAX 4096

/* History: what single resets are held against */
#define RSTMON_HISTORY_CONNECTIONS 4096
#define RSTMON_HISTORY_BURSTS	1024
#define RSTMON_HISTORY_ASKERS	512
#define RSTMON_HISTORY_RHYTHMS	512
#define RSTMON_HISTORY_IDLES	1024
#define RSTMON_INCIDENTS_MAX	128 /* the latest that are kept */
#define RSTMON_INCIDENT_BURST	20  /* resets of one owner within a second */
#define RSTMON_INCIDENT_QUIET_S 3   /* then it is over */
#define RSTMON_PENDING_MAX	256 /* resets that wait for their other end before they are told */
#define RSTMON_STORIES_MAX	64  /* of "why", beyond it the rest is a number */

/* Alerts */
#define RSTMON_ALERT_RULES_MAX	32
#define RSTMON_ALERT_NAME_MAX	32
#define RSTMON_ALERTS_MAX	1024 /* keys whose rate is followed; the rest share one key a rule */
#define RSTMON_ALERTS_TOLD_MAX	128  /* active at a time with a line of their own */

/* Text */
#define RSTMON_COMM_MAX		16
#define RSTMON_EXE_MAX		256
#define RSTMON_UNIT_MAX		96
#define RSTMON_CONTAINER_MAX	72 /* 64 hexadecimal digits and the end */
#define RSTMON_POD_MAX		40 /* a UUID and the end */
#define RSTMON_REASON_MAX	48
#define RSTMON_FILTER_MAX	1024 /* bytes of a filter expression */
#define RSTMON_FILTER_TERMS	64   /* terms in it */
#define RSTMON_FILTER_DEPTH	16   /* parentheses and "not" */
#define RSTMON_EVIDENCE_MAX	8    /* strings of evidence with a verdict */
#define RSTMON_EVIDENCE_LEN	64
#define RSTMON_LOG_LINE_MAX	1000

/* Socket */
#define RSTMON_CLIENTS_MAX	128
#define RSTMON_CLIENTS_KEPT	4 /* of them for root and the daemon's own user */
#define RSTMON_MESSAGE_MAX	65536 /* bytes of one request */
#define RSTMON_JSON_DEPTH	8
#define RSTMON_OUTPUT_MAX	(1 << 20) /* bytes queued to a watcher, then its lines are dropped */
#define RSTMON_OUTSTANDING_MAX	(64 << 20) /* bytes that wait for all clients, then calls must wait */
#define RSTMON_STALL_TIMEOUT_S	20	   /* of a client that does not read what waits for it */
#define RSTMON_WATCH_LINES_PER_S 10000 /* made for all watchers together; beyond it they lose lines */
#define RSTMON_WATCH_LINES_BURST 1024
#define RSTMON_IDLE_TIMEOUT_S	300	  /* of a client without a running call */

/* Exit codes of rstmon; 'check' has those of monitoring plugins instead */
enum rstmon_exit {
	RSTMON_EXIT_OK = 0,
	RSTMON_EXIT_FAILED = 1,
	RSTMON_EXIT_USAGE = 2,
	RSTMON_EXIT_NOT_RUNNING = 3,
	RSTMON_EXIT_NOT_PERMITTED = 4,
};

#endif
