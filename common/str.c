/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hostile text made harmless, and whole-text numbers, durations and times. Must not depend on the
 * locale or read a clock. Proved by tests/unit/common/str.c.
 */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <time.h>

#include "common/str.h"

/* Length of the UTF-8 character at 's' and its code point; 0 if it is none: overlong forms,
 * surrogates and what lies beyond U+10FFFF are no characters. */
static size_t utf8_decode(const unsigned char *s, size_t n, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c;
	size_t len;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] < 0xe0) {
		len = 2;
		c = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		len = 3;
		c = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] < 0xf5) {
		len = 4;
		c = s[0] & 0x07;
	} else {
		return 0;
	}
	if (len > n)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return len;
}

/* C0, DEL, C1; and those that break or reorder a line of text on a terminal without being controls
 * by name: line and paragraph separator, the bidirectional overrides and isolates, the BOM. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || c == 0x061c ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t str_sanitise(char *dst, size_t size, const char *src, size_t n)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t len = 0;

	if (!size)
		return 0;
	/* most text is nothing else than printable ASCII */
	while (len < n && len < size - 1 && s[len] >= ' ' && s[len] < 0x7f) {
		dst[len] = src[len];
		len++;
	}
	for (size_t i = len; i < n && s[i];) {
		uint32_t c = 0;
		size_t taken = utf8_decode(s + i, n - i, &c);
		bool bad = !taken || is_control(c);
		size_t put = bad ? 1 : taken;

		if (put >= size - len)
			break;
		if (bad)
			dst[len] = '?';
		else
			memcpy(dst + len, s + i, taken);
		len += put;
		i += taken ? taken : 1;
	}
	dst[len] = '\0';
	return len;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t len = strlen(src);

	if (!size)
		return false;
	if (len < size) {
		memcpy(dst, src, len + 1);
		return true;
	}
	memcpy(dst, src, size - 1);
	dst[size - 1] = '\0';
	return false;
}

/* Digits at *text, which moves behind them. */
static int take_u64(const char **text, uint64_t *ret)
{
	const char *s = *text;
	uint64_t n = 0;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*s - '0'), &n))
			return -ERANGE;
	}
	*text = s;
	*ret = n;
	return 0;
}

static int parse_up_to(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t n;
	int r;

	/* "70000x" is no number at all rather than one out of range */
	if (text[strspn(text, "0123456789")])
		return -EINVAL;
	r = take_u64(&text, &n);
	if (r < 0)
		return r;
	if (n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

int parse_u16(const char *text, uint16_t *ret)
{
	uint64_t n;
	int r = parse_up_to(text, UINT16_MAX, &n);

	if (!r)
		*ret = (uint16_t)n;
	return r;
}

int parse_u32(const char *text, uint32_t *ret)
{
	uint64_t n;
	int r = parse_up_to(text, UINT32_MAX, &n);

	if (!r)
		*ret = (uint32_t)n;
	return r;
}

int parse_u64(const char *text, uint64_t *ret)
{
	return parse_up_to(text, UINT64_MAX, ret);
}

int parse_double(const char *text, double *ret)
{
	char *end;
	double d;

	/* strtod() takes blanks, signs, hexadecimal, "inf" and "nan" too */
	if (!isdigit((unsigned char)text[0]) && text[0] != '.')
		return -EINVAL;
	if (text[strspn(text, "0123456789.eE+-")])
		return -EINVAL;
	d = strtod(text, &end);
	if (end == text || *end)
		return -EINVAL;
	if (!isfinite(d))
		return -ERANGE;
	*ret = d;
	return 0;
}

int parse_bool(const char *text, bool *ret)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	/* largest first: a text may not go back to a larger or the same one */
	{"w", 7 * 86400 * NSEC_PER_SEC},
	{"d", 86400 * NSEC_PER_SEC},
	{"h", 3600 * NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC},
	{"s", NSEC_PER_SEC},
	{"ms", NSEC_PER_MSEC},
	{"us", NSEC_PER_USEC},
	{"ns", 1},
};

int parse_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0;
	size_t next = 0;

	if (!*text)
		return -EINVAL;
	for (bool first = true; *text; first = false) {
		uint64_t n;
		size_t len, i;
		int r = take_u64(&text, &n);

		if (r < 0)
			return r;
		len = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		for (i = next; i < ARRAY_SIZE(units); i++)
			if (strlen(units[i].name) == len && !strncmp(text, units[i].name, len))
				break;
		if (first && !*text)
			i = 4; /* seconds */
		if (i == ARRAY_SIZE(units))
			return -EINVAL;
		next = i + 1;
		text += len;
		if (__builtin_mul_overflow(n, units[i].ns, &n) ||
		    __builtin_add_overflow(sum, n, &sum))
			return -ERANGE;
	}
	*ret_ns = sum;
	return 0;
}

char *format_duration(char *dst, size_t size, uint64_t ns)
{
	size_t i = 1; /* weeks are for reading only */
	uint64_t rest;

	while (i < ARRAY_SIZE(units) - 1 && ns < units[i].ns)
		i++;
	rest = ns % units[i].ns;
	if (!ns)
		snprintf(dst, size, "0s");
	else if (units[i].ns == NSEC_PER_SEC && ns < 10 * NSEC_PER_SEC && rest >= NSEC_PER_SEC / 10)
		snprintf(dst, size, "%llu.%llus", (unsigned long long)(ns / NSEC_PER_SEC),
			 (unsigned long long)(rest / (NSEC_PER_SEC / 10)));
	else if (units[i].ns > NSEC_PER_SEC && rest >= units[i + 1].ns)
		snprintf(dst, size, "%llu%s%llu%s", (unsigned long long)(ns / units[i].ns),
			 units[i].name, (unsigned long long)(rest / units[i + 1].ns),
			 units[i + 1].name);
	else
		snprintf(dst, size, "%llu%s", (unsigned long long)(ns / units[i].ns),
			 units[i].name);
	return dst;
}

char *format_time(char *dst, size_t size, uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / NSEC_PER_SEC);
	struct tm tm = {};

	gmtime_r(&seconds, &tm);
	snprintf(dst, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06lluZ", tm.tm_year + 1900,
		 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned long long)(realtime_ns % NSEC_PER_SEC / NSEC_PER_USEC));
	return dst;
}

/* Exactly 'digits' digits, from 'min' to 'max', then 'after' (if it is not NUL). */
static bool take_field(const char **text, int digits, int min, int max, char after, int *ret)
{
	int n = 0;

	for (int i = 0; i < digits; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		n = n * 10 + (**text - '0');
	}
	if (n < min || n > max || (after && **text != after))
		return false;
	*text += !!after;
	*ret = n;
	return true;
}

static bool take_offset(const char **text, int *ret_seconds)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	*ret_seconds = 0;
	if (!**text)
		return true;
	if (**text == 'Z' || **text == 'z') {
		(*text)++;
		return true;
	}
	if (**text != '+' && **text != '-')
		return false;
	(*text)++;
	if (!take_field(text, 2, 0, 23, ':', &hours) || !take_field(text, 2, 0, 59, '\0', &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int days_of_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int parse_time(const char *text, uint64_t *ret_realtime_ns)
{
	int year, month, day, hour, minute, second, offset;
	uint64_t fraction = 0, scale = NSEC_PER_SEC;
	struct tm tm = {};
	int64_t t;

	/* nanoseconds since 1970 fit 64 bits until 2554 */
	if (!take_field(&text, 4, 1970, 2553, '-', &year) ||
	    !take_field(&text, 2, 1, 12, '-', &month) ||
	    !take_field(&text, 2, 1, days_of_month(year, month), '\0', &day) || !*text ||
	    !strchr("Tt ", *text))
		return -EINVAL;
	text++;
	if (!take_field(&text, 2, 0, 23, ':', &hour) ||
	    !take_field(&text, 2, 0, 59, ':', &minute) ||
	    !take_field(&text, 2, 0, 60, '\0', &second))
		return -EINVAL;
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return -EINVAL;
		for (; isdigit((unsigned char)*text); text++) {
			scale /= 10;
			fraction += (uint64_t)(*text - '0') * scale;
		}
	}
	if (!take_offset(&text, &offset) || *text)
		return -EINVAL;

	tm = (struct tm){.tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute,
			 .tm_sec = second};
	t = (int64_t)timegm(&tm) - offset;
	if (t < 0)
		return -EINVAL;
	*ret_realtime_ns = (uint64_t)t * NSEC_PER_SEC + fraction;
	return 0;
}
