/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From findings and reports to JSON, log lines and metrics text: the field names of the contract stand
 * here and nowhere else. Pure. The caller owns what is returned; NULL means no memory.
 */
#ifndef DAEMON_PUBLISH_H
#define DAEMON_PUBLISH_H

#include <json-c/json.h>

#include "daemon/alert.h"
#include "daemon/history.h"
#include "daemon/report.h"
#include "daemon/sink.h"
#include "daemon/stories.h"

struct json_object *publish_reset(const struct finding *f);  /* one reset */
struct json_object *publish_list(const struct report_list *l, enum report_by by);

/* The same in parts: a row, and the list around arrays of them, which it takes over. */
struct json_object *publish_row(const struct report_row *row, enum report_by by);
struct json_object *publish_list_of(const struct report_list *l, struct json_object *rows,
				    struct json_object *timeouts);

/* What "why" tells beside its stories. */
struct publish_why {
	const struct history *history; /* its incidents, the latest first; NULL: none */
	uint64_t since;		       /* of incidents; 0: all that are kept */
	uint64_t from;		       /* since when the stories count, 0: not known */
	/* Growth of the kernel's own counters over all covered namespaces: resets that no hook sees. */
	uint64_t handshake_rst_embryonic, rst_ignored;
};

#define PUBLISH_INCIDENTS_MAX 16

struct json_object *publish_why(const struct stories *s, const struct publish_why *w);
struct json_object *publish_incident(const struct incident *i);
struct json_object *publish_status(const struct report_status *s);
struct json_object *publish_alerts(const struct alerts *a); /* those that are active; of NULL none */
struct json_object *publish_hook(const struct source_hook *h);

/* OpenMetrics text, "# EOF" at the end; labels without pid, peer and ephemeral ports, at most
 * 'series' of rstmon_resets_total and as many of rstmon_timeouts_total, the rest under unit="other".
 * malloc()ed. */
char *publish_metrics(const struct report_list *by_process, const struct report_status *s,
		      unsigned int series);

/* "07:31:36.123456 sent closed_port ..." : one line for people, without newline; for --print. */
void publish_text(const struct finding *f, char *dst, size_t size);

/* Kind "reset" or "timeout". */
void publish_reset_line(const struct finding *f, struct line *ret);
/* Told when it opens and when it is over. */
void publish_incident_line(const struct incident *i, struct line *ret);
/* Kind "alert" or "resolved"; 'example' NULL: no single reset of it is kept. */
void publish_alert_line(const struct alert_event *e, const struct finding *example, struct line *ret);
void publish_summary_line(const struct report_row *r, uint64_t moved, uint64_t window_ns,
			  struct line *ret);

#endif
