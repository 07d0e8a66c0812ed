/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types of options: from text, to text, and in words. Must not know single options; what it
 * writes it reads as the same value. Proved by tests/unit/daemon/config.c, config_alert.c and
 * tests/fuzz/config.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>

#include "common/rate.h"
#include "common/str.h"
#include "common/words.h"
#include "daemon/config_internal.h"
#include "rstmon/interface.h"

static const char *const by_names[] = {"service", "process", "port", "cause", "rule"};

_Static_assert(ARRAY_SIZE(by_names) == ALERT_BY_MAX, "a name for each");

static bool in_bounds(const struct config_option *o, uint64_t value)
{
	return (value == 0 && o->zero) || (value >= o->min && value <= o->max);
}

static int take_u32(const struct config_option *o, const char *text, uint32_t *ret)
{
	uint32_t value;
	int r;

	r = parse_u32(text, &value);
	if (r < 0)
		return r;
	if (!in_bounds(o, value))
		return -ERANGE;
	if (o->type == CONFIG_POWER && (value & (value - 1)))
		return -EINVAL;
	*ret = value;
	return 0;
}

static int take_duration(const struct config_option *o, const char *text, uint64_t *ret)
{
	uint64_t value;
	int r;

	r = parse_duration(text, &value);
	if (r < 0)
		return r;
	if (!in_bounds(o, value))
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Bounds of a rate are in resets a second. */
static int take_rate(const struct config_option *o, const char *text, double *ret)
{
	double value;
	int r;

	r = rate_parse(text, &value);
	if (r < 0)
		return r;
	if (value < CONFIG_RATE_MIN || value > 60.0 * (double)o->max)
		return -ERANGE;
	*ret = value;
	return 0;
}

/* Blanks at the ends, control bytes and ';' would not survive a configuration file. */
static int take_text(const struct config_option *o, const char *text, char *ret)
{
	size_t n = strlen(text);

	if (n < o->min || n > o->max)
		return -ERANGE;
	if (o->type == CONFIG_PATH && text[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == ';')
			return -EINVAL;
	if (n > 0 && (text[0] == ' ' || text[n - 1] == ' '))
		return -EINVAL;
	memset(ret, 0, o->max + 1); /* equal configurations are equal byte by byte */
	memcpy(ret, text, n);
	return 0;
}

static int take_word(const char *const names[], size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(text, names[i]))
			return (int)i;
	return -EINVAL;
}

int config_take(const struct config_option *o, const char *text, void *base)
{
	void *value = (char *)base + o->offset;
	int r;

	switch (o->type) {
	case CONFIG_BOOL:
		return parse_bool(text, value);
	case CONFIG_U32:
	case CONFIG_POWER:
		return take_u32(o, text, value);
	case CONFIG_DURATION:
		return take_duration(o, text, value);
	case CONFIG_PATH:
	case CONFIG_NAME:
	case CONFIG_FILTER:
		return take_text(o, text, value);
	case CONFIG_RATE:
		return take_rate(o, text, value);
	case CONFIG_TARGET:
		r = sink_target_parse(text);
		if (r >= 0)
			*(uint32_t *)value = (uint32_t)r;
		return MIN(r, 0);
	case CONFIG_BY:
		r = take_word(by_names, ARRAY_SIZE(by_names), text);
		if (r >= 0)
			*(enum alert_by *)value = (enum alert_by)r;
		return MIN(r, 0);
	case CONFIG_SEVERITY:
		r = take_word(severity_names, SEVERITIES, text);
		if (r >= 0)
			*(int *)value = r;
		return MIN(r, 0);
	}
	return -EINVAL;
}

static void describe_words(const char *const names[], size_t n, char *dst, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(dst + len, size - len, "%s%s",
					i == 0	     ? ""
					: i == n - 1 ? " or "
						     : ", ",
					names[i]);
}

void config_describe(const struct config_option *o, char *dst, size_t size)
{
	switch (o->type) {
	case CONFIG_BOOL:
		snprintf(dst, size, "yes or no");
		break;
	case CONFIG_U32:
		snprintf(dst, size, "a number from %" PRIu64 " to %" PRIu64, o->min, o->max);
		break;
	case CONFIG_POWER:
		snprintf(dst, size, "a power of two from %" PRIu64 " to %" PRIu64, o->min, o->max);
		break;
	case CONFIG_DURATION:
		snprintf(dst, size, "a time such as 90s or 5m, from %" PRIu64 "s to %" PRIu64 "s%s",
			 (uint64_t)(o->min / NSEC_PER_SEC), (uint64_t)(o->max / NSEC_PER_SEC),
			 o->zero ? ", or 0" : "");
		break;
	case CONFIG_PATH:
		snprintf(dst, size, "an absolute path of at most %" PRIu64 " bytes, without ';'",
			 o->max);
		break;
	case CONFIG_NAME:
		snprintf(dst, size, "a name of at most %" PRIu64 " bytes", o->max);
		break;
	case CONFIG_TARGET:
		snprintf(dst, size, "auto, journal, syslog, stderr or none");
		break;
	case CONFIG_RATE:
		snprintf(dst, size,
			 "a rate such as 5/s, 10/min or 100/h, above 0 and at most %" PRIu64 "/s",
			 o->max);
		break;
	case CONFIG_FILTER:
		snprintf(dst, size, "a filter as 'rstmon list' takes it, without ';'");
		break;
	case CONFIG_BY:
		describe_words(by_names, ARRAY_SIZE(by_names), dst, size);
		break;
	case CONFIG_SEVERITY:
		describe_words(severity_names, SEVERITIES, dst, size);
		break;
	}
}

void config_refuse(const struct config_option *o, const char *section, const char *value,
		   char *error, size_t error_size)
{
	char shown[64], wants[160];

	str_sanitise(shown, sizeof(shown), value, strlen(value));
	config_describe(o, wants, sizeof(wants));
	snprintf(error, error_size, "'%s' is not what %s in section [%s] takes: %s", shown, o->key,
		 section, wants);
}

/* A long filter goes over several lines, each of which the reader joins to the one before with a
 * blank: so it is cut where a single blank stands. There is one soon enough, as each line that was
 * read was no longer than one that is written. */
static void print_filter(const char *key, const char *text, const char *before, FILE *out)
{
	size_t n = strlen(text);

	while (n > CONFIG_LINE_TEXT_MAX) {
		size_t cut = CONFIG_LINE_TEXT_MAX;

		while (cut > 0 &&
		       (text[cut] != ' ' || text[cut - 1] == ' ' || text[cut + 1] == ' '))
			cut--;
		if (cut == 0)
			break;
		fprintf(out, "%s%s = %.*s\n", before, key, (int)cut, text);
		text += cut + 1;
		n -= cut + 1;
	}
	fprintf(out, "%s%s =%s%s\n", before, key, n ? " " : "", text);
}

void config_print_value(const struct config_option *o, const void *base, const char *before,
			FILE *out)
{
	const void *value = (const char *)base + o->offset;
	char rate[RATE_TEXT_MAX];
	uint64_t ns;

	if (o->type == CONFIG_FILTER) {
		print_filter(o->key, value, before, out);
		return;
	}
	fprintf(out, "%s%s = ", before, o->key);
	switch (o->type) {
	case CONFIG_BOOL:
		fputs(*(const bool *)value ? "yes" : "no", out);
		break;
	case CONFIG_U32:
	case CONFIG_POWER:
		fprintf(out, "%" PRIu32, *(const uint32_t *)value);
		break;
	case CONFIG_DURATION: /* exactly, unlike format_duration() */
		ns = *(const uint64_t *)value;
		if (ns % NSEC_PER_SEC == 0)
			fprintf(out, "%" PRIu64 "s", (uint64_t)(ns / NSEC_PER_SEC));
		else
			fprintf(out, "%" PRIu64 "ms", (uint64_t)(ns / NSEC_PER_MSEC));
		break;
	case CONFIG_PATH:
	case CONFIG_NAME:
	case CONFIG_FILTER:
		fputs(value, out);
		break;
	case CONFIG_TARGET:
		fputs(sink_target_name(*(const uint32_t *)value), out);
		break;
	case CONFIG_RATE:
		fputs(rate_format(rate, sizeof(rate), *(const double *)value), out);
		break;
	case CONFIG_BY:
		fputs(by_names[*(const enum alert_by *)value], out);
		break;
	case CONFIG_SEVERITY:
		fputs(severity_names[*(const int *)value], out);
		break;
	}
	fputc('\n', out);
}
