/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of options: what each takes, its bounds, its default and its help. Must not open files,
 * which config_file.c does, and must not log. Proved by tests/unit/daemon/config.c and
 * tests/fuzz/config.c.
 */
#include "common/util.h"

#include <errno.h>
#include <inttypes.h>

#include "common/str.h"
#include "daemon/config.h"
#include "rstmon/interface.h"

enum type {
	TYPE_BOOL,
	TYPE_U32,
	TYPE_POWER, /* u32, a power of two */
	TYPE_DURATION,
	TYPE_PATH, /* absolute */
	TYPE_NAME, /* of a group */
	TYPE_TARGET,
};

struct option {
	const char *section, *key;
	enum type type;
	bool zero; /* 0 is allowed below 'min' and means "off" */
	size_t offset;
	uint64_t min, max; /* of the number, or of the text's length */
	const char *value; /* the default */
	const char *help;
};

#define AT(member)	     offsetof(struct config, member)
#define LINE_TEXT_MAX	     160 /* a line of libinih has 198 bytes */
#define TEXT_MAX(member)     (sizeof(((struct config *)0)->member) - 1)
#define NUMBER_TEXT_(number) #number
#define NUMBER_TEXT(number)  NUMBER_TEXT_(number)

/* clang-format off */
static const struct option options[] = {
	{"daemon", "socket", TYPE_PATH, false, AT(socket), 1, 107, RSTMON_SOCKET_PATH,
	 "The Unix socket that rstmon talks to. Under systemd rstmond.socket decides instead."},
	{"daemon", "state", TYPE_PATH, false, AT(state), 1, LINE_TEXT_MAX, RSTMON_STATE_PATH,
	 "Directory of what outlives the daemon."},
	{"daemon", "ring_kib", TYPE_POWER, false, AT(ring_kib), 64, 65536, "4096",
	 "Size of the ring between kernel and daemon, a power of two. Resets that find it full are\n"
	 "counted without their details."},
	{"daemon", "scan_at_start", TYPE_BOOL, false, AT(scan_at_start), 0, 0, "yes",
	 "Find the owners of sockets that are older than the daemon."},
	{"daemon", "packet_evidence", TYPE_BOOL, false, AT(packet_evidence), 0, 0, "no",
	 "Look at each packet for local sockets, to know what received resets look like. Needs\n"
	 "CAP_NET_ADMIN at the start, which rstmond-packets.conf gives."},
	{"log", "target", TYPE_TARGET, false, AT(log_target), 0, 0, "auto",
	 "Where lines go; auto is the journal where its socket answers, else syslog."},
	{"log", "summary", TYPE_DURATION, true, AT(summary_ns), NSEC_PER_SEC, 86400 * NSEC_PER_SEC,
	 "60s", "Time between two summaries of the rows that moved; 0 for none."},
	{"log", "summary_rows", TYPE_U32, false, AT(summary_rows), 1, 1000, "20",
	 "Lines that one summary may have, busiest rows first."},
	{"log", "resets", TYPE_BOOL, false, AT(log_resets), 0, 0, "no",
	 "A line for each reset."},
	{"log", "resets_per_minute", TYPE_U32, false, AT(resets_per_minute), 1, 1000000, "600",
	 "How many of those lines a minute may have; a loss line counts the others."},
	{"socket", "clients", TYPE_U32, false, AT(clients), 1, RSTMON_CLIENTS_MAX,
	 NUMBER_TEXT(RSTMON_CLIENTS_MAX), "Connections at a time."},
	{"socket", "idle_timeout", TYPE_DURATION, false, AT(idle_timeout_ns), NSEC_PER_SEC,
	 86400 * NSEC_PER_SEC, NUMBER_TEXT(RSTMON_IDLE_TIMEOUT_S) "s",
	 "A client without a running call is let go after this time."},
	{"socket", "group", TYPE_NAME, false, AT(group), 0, TEXT_MAX(group), RSTMON_GROUP,
	 "Group whose members may connect, where it exists; empty for the daemon's own."},
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(options) == CONFIG_OPTIONS, "CONFIG_OPTIONS is not their number");

static void *option_value(const struct option *o, struct config *c)
{
	return (char *)c + o->offset;
}

bool config_has_section(const char *section)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].section, section))
			return true;
	return false;
}

static bool in_bounds(const struct option *o, uint64_t value)
{
	return (value == 0 && o->zero) || (value >= o->min && value <= o->max);
}

/* Each takes a value as text; -EINVAL: it is none; -ERANGE: beyond the bounds. */
static int take_u32(const struct option *o, const char *text, uint32_t *ret)
{
	uint32_t value;
	int r;

	r = parse_u32(text, &value);
	if (r < 0)
		return r;
	if (!in_bounds(o, value))
		return -ERANGE;
	if (o->type == TYPE_POWER && (value & (value - 1)))
		return -EINVAL;
	*ret = value;
	return 0;
}

static int take_duration(const struct option *o, const char *text, uint64_t *ret)
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

/* Blanks at the ends, control bytes and ';' would not survive a configuration file. */
static int take_text(const struct option *o, const char *text, char *ret)
{
	size_t n = strlen(text);

	if (n < o->min || n > o->max)
		return -ERANGE;
	if (o->type == TYPE_PATH && text[0] != '/')
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

static int take(const struct option *o, const char *text, struct config *c)
{
	void *value = option_value(o, c);
	int r;

	switch (o->type) {
	case TYPE_BOOL:
		return parse_bool(text, value);
	case TYPE_U32:
	case TYPE_POWER:
		return take_u32(o, text, value);
	case TYPE_DURATION:
		return take_duration(o, text, value);
	case TYPE_PATH:
	case TYPE_NAME:
		return take_text(o, text, value);
	case TYPE_TARGET:
		r = sink_target_parse(text);
		if (r < 0)
			return r;
		*(uint32_t *)value = (uint32_t)r;
		return 0;
	}
	return -EINVAL;
}

/* What 'o' takes, as the end of a sentence. */
static void describe(const struct option *o, char *dst, size_t size)
{
	switch (o->type) {
	case TYPE_BOOL:
		snprintf(dst, size, "yes or no");
		break;
	case TYPE_U32:
		snprintf(dst, size, "a number from %" PRIu64 " to %" PRIu64, o->min, o->max);
		break;
	case TYPE_POWER:
		snprintf(dst, size, "a power of two from %" PRIu64 " to %" PRIu64, o->min, o->max);
		break;
	case TYPE_DURATION:
		snprintf(dst, size, "a time such as 90s or 5m, from %" PRIu64 "s to %" PRIu64 "s%s",
			 (uint64_t)(o->min / NSEC_PER_SEC), (uint64_t)(o->max / NSEC_PER_SEC),
			 o->zero ? ", or 0" : "");
		break;
	case TYPE_PATH:
		snprintf(dst, size, "an absolute path of at most %" PRIu64 " bytes, without ';'",
			 o->max);
		break;
	case TYPE_NAME:
		snprintf(dst, size, "a name of at most %" PRIu64 " bytes", o->max);
		break;
	case TYPE_TARGET:
		snprintf(dst, size, "auto, journal, syslog, stderr or none");
		break;
	}
}

static const struct option *find(const char *section, const char *key, size_t *ret_index)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (!strcmp(options[i].section, section) && !strcmp(options[i].key, key)) {
			*ret_index = i;
			return &options[i];
		}
	return NULL;
}

int config_assign(struct config *c, const char *section, const char *key, const char *value,
		  const char *origin, char *error, size_t error_size)
{
	char shown_key[64], shown[64], wants[128];
	const struct option *o;
	size_t i;

	o = find(section, key, &i);
	str_sanitise(shown_key, sizeof(shown_key), key, strlen(key));
	if (!o) {
		str_sanitise(shown, sizeof(shown), section, strlen(section));
		snprintf(
			error, error_size,
			config_has_section(section)
				? "unknown option '%s' in section [%s]; rstmond --print-config lists all"
				: "option '%s' in unknown section [%s]; rstmond --print-config lists all",
			shown_key, shown);
		return -EINVAL;
	}
	if (take(o, value, c) < 0) {
		str_sanitise(shown, sizeof(shown), value, strlen(value));
		describe(o, wants, sizeof(wants));
		snprintf(error, error_size, "'%s' is not what %s in section [%s] takes: %s", shown,
			 key, section, wants);
		return -EINVAL;
	}
	str_copy(c->origin[i], sizeof(c->origin[i]), origin);
	return 0;
}

int config_set(struct config *c, const char *section, const char *key, const char *value,
	       char *error, size_t error_size)
{
	return config_assign(c, section, key, value, "command line", error, error_size);
}

void config_default(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		/* A default outside its own bounds is found by the unit test. */
		(void)take(&options[i], options[i].value, c);
		str_copy(c->origin[i], sizeof(c->origin[i]), "default");
	}
}

static void print_value(const struct option *o, const struct config *c, FILE *out)
{
	const void *value = (const char *)c + o->offset;
	uint64_t ns;

	switch (o->type) {
	case TYPE_BOOL:
		fputs(*(const bool *)value ? "yes" : "no", out);
		break;
	case TYPE_U32:
	case TYPE_POWER:
		fprintf(out, "%" PRIu32, *(const uint32_t *)value);
		break;
	case TYPE_DURATION: /* exactly, unlike format_duration() */
		ns = *(const uint64_t *)value;
		if (ns % NSEC_PER_SEC == 0)
			fprintf(out, "%" PRIu64 "s", (uint64_t)(ns / NSEC_PER_SEC));
		else
			fprintf(out, "%" PRIu64 "ms", (uint64_t)(ns / NSEC_PER_MSEC));
		break;
	case TYPE_PATH:
	case TYPE_NAME:
		fputs(value, out);
		break;
	case TYPE_TARGET:
		fputs(sink_target_name(*(const uint32_t *)value), out);
		break;
	}
}

static void print_comment(const char *text, FILE *out)
{
	fputs("# ", out);
	for (; *text; text++) {
		fputc(*text, out);
		if (*text == '\n')
			fputs("# ", out);
	}
	fputc('\n', out);
}

int config_print(const struct config *c, FILE *out)
{
	const char *section = "";
	char wants[128];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (strcmp(section, o->section)) {
			fprintf(out, "%s[%s]\n", *section ? "\n" : "", o->section);
			section = o->section;
		} else {
			fputc('\n', out);
		}
		print_comment(o->help, out);
		describe(o, wants, sizeof(wants));
		fprintf(out, "# Takes %s. Origin: %s\n%s = ", wants, c->origin[i], o->key);
		print_value(o, c, out);
		fputc('\n', out);
	}
	if (fflush(out) != 0)
		return -errno;
	return ferror(out) ? -EIO : 0;
}
