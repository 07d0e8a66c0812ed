/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The line "Measured" of a story: least, most and median in words. Must not round a value to one
 * that was not measured, as "0s" for a part of a millisecond. Proved by tests/unit/cli/why.c.
 */
#include "common/util.h"

#include <inttypes.h>

#include "cli/call.h"
#include "cli/why.h"
#include "common/str.h"

#define TEXT_MAX     1024
#define QUANTITY_MAX 40
#define KIB	     1024
#define MIB	     (KIB * KIB)
#define BYTES_EXACT  (10 * KIB) /* from here on in larger units */
#define RACE_MS	     1000 /* data that came so late before a race is the request that lost it */

enum unit { UNIT_TIME, UNIT_BYTES, UNIT_NONE };

struct measure {
	const char *key, *name, *after;
	enum unit unit;
};

/* A quantity with its unit. Returns dst. */
static char *quantity(char *dst, size_t size, int64_t n, enum unit unit)
{
	if (n < 0 || n >= INT64_MAX / (int64_t)NSEC_PER_MSEC)
		n = 0;
	if (unit == UNIT_TIME && n == 0)
		str_copy(dst, size, "less than 1ms");
	else if (unit == UNIT_TIME)
		format_duration(dst, size, (uint64_t)n * NSEC_PER_MSEC);
	else if (unit == UNIT_BYTES && n >= MIB)
		snprintf(dst, size, "%.1f MiB", (double)n / MIB);
	else if (unit == UNIT_BYTES && n >= BYTES_EXACT)
		snprintf(dst, size, "%.1f KiB", (double)n / KIB);
	else
		snprintf(dst, size, "%" PRId64 "%s", n,
			 unit == UNIT_NONE ? ""
			 : n == 1	   ? " byte"
					   : " bytes");
	return dst;
}

static void put_spread(FILE *f, struct json_object *spread, const struct measure *m, bool first)
{
	int64_t a = cli_number(spread, "least", 0), z = cli_number(spread, "most", 0);
	char least[QUANTITY_MAX], median[QUANTITY_MAX], most[QUANTITY_MAX];

	quantity(least, sizeof(least), a, m->unit);
	quantity(median, sizeof(median), cli_number(spread, "median", 0), m->unit);
	quantity(most, sizeof(most), z, m->unit);
	fprintf(f, "%s%s ", first ? "" : "; ", m->name);
	if (!strcmp(least, most))
		fprintf(f, "%s%s", most, m->after);
	else if (a <= 0)
		fprintf(f, "up to %s%s, typically %s", most, m->after, median);
	else
		fprintf(f, "%s to %s%s, typically %s", least, most, m->after, median);
}

/* That the request that lost a race arrived is no news, and its few milliseconds seem to deny the
 * silence before it. */
static bool is_request(struct json_object *s, struct json_object *spread, const struct measure *m)
{
	char cause[48];

	cli_text(s, "cause", cause, sizeof(cause));
	return !strcmp(m->key, "idle_ms") && !strncmp(cause, "keepalive_race_", 15) &&
	       cli_number(spread, "least", 0) < RACE_MS;
}

void why_measured(const struct cli_page *p, struct json_object *s)
{
	static const struct measure measures[] = {
		{"age_ms", "the connection was open for", "", UNIT_TIME},
		{"idle_ms", "the last data had arrived", " before", UNIT_TIME},
		{"send_idle_ms", "the last data had been sent", " before", UNIT_TIME},
		{"closed_ms", "closed here", " before", UNIT_TIME},
		{"unread_bytes", "not read:", "", UNIT_BYTES},
		{"unacked_bytes", "not acknowledged:", "", UNIT_BYTES},
		{"backlog", "waiting to be accepted:", "", UNIT_NONE},
	};
	_cleanup_free_ char *text = NULL;
	size_t size, n = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(measures); i++) {
		struct json_object *spread = cli_object(s, measures[i].key);

		if (cli_number(spread, "most", 0) > 0 && !is_request(s, spread, &measures[i]))
			put_spread(f, spread, &measures[i], n++ == 0);
	}
	if (fclose(f) == 0)
		cli_paragraph(p, WHY_LABEL, "   Measured", text);
}
