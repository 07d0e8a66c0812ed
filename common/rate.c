/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rates as text, for thresholds of 'rstmon check' and of alerts. Must not lose a bit on the way out
 * and in. Proved by tests/unit/common/rate.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/rate.h"
#include "common/str.h"

static const struct {
	const char *name;
	double per_minute;
} units[] = {{"/s", 60}, {"/min", 1}, {"/h", 1.0 / 60}, {"/sec", 60}, {"/m", 1}};

#define UNITS_WRITTEN 3 /* the first ones */

int rate_parse(const char *text, double *ret_per_minute)
{
	const char *slash = strchr(text, '/');
	char number[RATE_TEXT_MAX];
	double d;
	int r;

	if (!slash || (size_t)(slash - text) >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, (size_t)(slash - text));
	number[slash - text] = '\0';
	r = parse_double(number, &d);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(slash, units[i].name))
			continue;
		d *= units[i].per_minute;
		if (d > 1e300) /* also what overflowed */
			return -ERANGE;
		*ret_per_minute = d;
		return 0;
	}
	return -EINVAL;
}

char *rate_format(char *dst, size_t size, double per_minute)
{
	for (size_t i = 0; i < UNITS_WRITTEN; i++) {
		double again;

		snprintf(dst, size, "%.9g%s", per_minute / units[i].per_minute, units[i].name);
		/* a whole number of digits, not of tens of thousands */
		if (!strpbrk(dst, ".e") && rate_parse(dst, &again) == 0 && again >= per_minute &&
		    again <= per_minute)
			return dst;
	}
	snprintf(dst, size, "%.17g/min", per_minute);
	return dst;
}
