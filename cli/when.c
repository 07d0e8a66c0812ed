/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Times as people write them. Must not read a clock, so that every case can be tested.
 * Proved by tests/unit/cli/when.c.
 */
#include "common/util.h"

#include <errno.h>
#include <time.h>

#include "cli/when.h"
#include "common/str.h"

static struct tm split(uint64_t realtime_ns, bool utc)
{
	time_t seconds = (time_t)(realtime_ns / NSEC_PER_SEC);
	struct tm tm = {};

	if (utc)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	return tm;
}

static int64_t join(struct tm tm, bool utc)
{
	tm.tm_isdst = -1; /* the zone's rules decide */
	return utc ? timegm(&tm) : mktime(&tm);
}

/* "14:05" or "14:05:30": today, or yesterday if that is still to come. */
static int parse_clock(const char *text, uint64_t now, bool utc, uint64_t *ret)
{
	size_t len = strlen(text);
	char whole[sizeof("1970-01-01T14:05:30Z")];
	struct tm tm = split(now, utc);
	uint64_t clock;
	int64_t t;

	if (len != strlen("14:05") && len != strlen("14:05:30"))
		return -EINVAL;
	snprintf(whole, sizeof(whole), "1970-01-01T%s%sZ", text, len == 5 ? ":00" : "");
	if (parse_time(whole, &clock) < 0)
		return -EINVAL;
	clock /= NSEC_PER_SEC;
	tm.tm_hour = (int)(clock / 3600);
	tm.tm_min = (int)(clock / 60 % 60);
	tm.tm_sec = (int)(clock % 60);
	t = join(tm, utc);
	if (t > (int64_t)(now / NSEC_PER_SEC)) {
		tm.tm_mday--;
		t = join(tm, utc);
	}
	if (t < 0)
		return -ERANGE;
	*ret = (uint64_t)t * NSEC_PER_SEC;
	return 0;
}

/* A date, with or without a time of day, without a zone: local. With a zone it is RFC 3339. */
static int parse_date(const char *text, bool utc, uint64_t *ret)
{
	static const char *const rests[] = {"Z", ":00Z", "T00:00:00Z"};
	struct tm tm;
	uint64_t wall;
	int64_t t;
	bool zoned = strlen(text) > 10 && strpbrk(text + 10, "Zz+-");
	int r = -EINVAL;

	if (zoned)
		return parse_time(text, ret);
	for (size_t i = 0; i < ARRAY_SIZE(rests) && r < 0; i++) {
		char whole[TIME_TEXT_MAX + 16];

		if ((size_t)snprintf(whole, sizeof(whole), "%s%s", text, rests[i]) < sizeof(whole))
			r = parse_time(whole, &wall);
	}
	if (r < 0)
		return r;
	tm = split(wall, true);
	t = join(tm, utc);
	if (t < 0)
		return -ERANGE;
	*ret = (uint64_t)t * NSEC_PER_SEC + wall % NSEC_PER_SEC;
	return 0;
}

int cli_when_parse(const char *text, uint64_t now, bool utc, uint64_t *ret_realtime_ns)
{
	uint64_t t;
	int r = parse_duration(text, &t);

	if (!r) {
		if (t > now)
			return -ERANGE;
		t = now - t;
	} else if (r == -EINVAL) {
		r = parse_clock(text, now, utc, &t);
		if (r == -EINVAL)
			r = parse_date(text, utc, &t);
	}
	if (r < 0)
		return r;
	if (t > now)
		return -ERANGE;
	*ret_realtime_ns = t;
	return 0;
}

char *cli_when_format(char *dst, size_t size, uint64_t realtime_ns, bool utc)
{
	struct tm tm = split(realtime_ns, utc);

	snprintf(dst, size, "%04d-%02d-%02d %02d:%02d:%02d.%03d%s", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(realtime_ns % NSEC_PER_SEC / NSEC_PER_MSEC), utc ? "Z" : "");
	return dst;
}

char *cli_when_format_short(char *dst, size_t size, uint64_t realtime_ns, uint64_t now, bool utc)
{
	struct tm tm = split(realtime_ns, utc), today = split(now, utc);
	bool same_day = tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
	char date[WHEN_TEXT_MAX] = "";

	if (!same_day)
		snprintf(date, sizeof(date), "%04d-%02d-%02d ", tm.tm_year + 1900, tm.tm_mon + 1,
			 tm.tm_mday);
	snprintf(dst, size, "%s%02d:%02d:%02d%s", date, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 utc ? "Z" : "");
	return dst;
}
