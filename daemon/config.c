/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of options: what each takes, its bounds, its default and its help; and where values
 * come from. Must not open files, which config_file.c does, and must not log. Proved by
 * tests/unit/daemon/config.c and tests/fuzz/config.c.
 */
#include "common/util.h"

#include <errno.h>

#include "common/str.h"
#include "daemon/config_internal.h"
#include "rstmon/interface.h"

#define AT(member)	     offsetof(struct config, member)
#define TEXT_MAX(member)     (sizeof(((struct config *)0)->member) - 1)
#define NUMBER_TEXT_(number) #number
#define NUMBER_TEXT(number)  NUMBER_TEXT_(number)

/* clang-format off */
const struct config_option config_options[CONFIG_OPTIONS] = {
	{"daemon", "socket", CONFIG_PATH, false, AT(socket), 1, 107, RSTMON_SOCKET_PATH,
	 "The Unix socket that rstmon talks to. Under systemd rstmond.socket decides instead."},
	{"daemon", "state", CONFIG_PATH, false, AT(state), 1, CONFIG_LINE_TEXT_MAX, RSTMON_STATE_PATH,
	 "Directory of what outlives the daemon."},
	{"daemon", "ring_kib", CONFIG_POWER, false, AT(ring_kib), 64, 65536, "4096",
	 "Size of the ring between kernel and daemon, a power of two. Resets that find it full are\n"
	 "counted without their details."},
	{"daemon", "scan_at_start", CONFIG_BOOL, false, AT(scan_at_start), 0, 0, "yes",
	 "Find the owners of sockets that are older than the daemon."},
	{"daemon", "packet_evidence", CONFIG_BOOL, false, AT(packet_evidence), 0, 0, "no",
	 "Look at each packet for local sockets, to know what received resets look like. Needs\n"
	 "CAP_NET_ADMIN at the start, which rstmond-packets.conf gives."},
	{"log", "target", CONFIG_TARGET, false, AT(log_target), 0, 0, "auto",
	 "Where lines go; auto is the journal where its socket answers, else syslog."},
	{"log", "summary", CONFIG_DURATION, true, AT(summary_ns), NSEC_PER_SEC, 86400 * NSEC_PER_SEC,
	 "60s", "Time between two summaries of the rows that moved; 0 for none."},
	{"log", "summary_rows", CONFIG_U32, false, AT(summary_rows), 1, 1000, "20",
	 "Lines that one summary may have, busiest rows first."},
	{"log", "resets", CONFIG_BOOL, false, AT(log_resets), 0, 0, "no",
	 "A line for each reset."},
	{"log", "resets_per_minute", CONFIG_U32, false, AT(resets_per_minute), 1, 1000000, "600",
	 "How many of those lines a minute may have; a loss line counts the others."},
	{"log", "alerts_per_minute", CONFIG_U32, false, AT(alerts_per_minute), 1, 1000, "30",
	 "How many alerts a minute may have a line when they begin. One more line counts the\n"
	 "others, and each that had one has another at its end."},
	{"socket", "clients", CONFIG_U32, false, AT(clients), 1, RSTMON_CLIENTS_MAX,
	 NUMBER_TEXT(RSTMON_CLIENTS_MAX), "Connections at a time."},
	{"socket", "idle_timeout", CONFIG_DURATION, false, AT(idle_timeout_ns), NSEC_PER_SEC,
	 86400 * NSEC_PER_SEC, NUMBER_TEXT(RSTMON_IDLE_TIMEOUT_S) "s",
	 "A client without a running call is let go after this time."},
	{"socket", "group", CONFIG_NAME, false, AT(group), 0, TEXT_MAX(group), RSTMON_GROUP,
	 "Group whose members may connect, where it exists; empty for the daemon's own."},
};
/* clang-format on */

bool config_has_section(const char *section)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		if (!strcmp(config_options[i].section, section))
			return true;
	return false;
}

static const struct config_option *find(const char *section, const char *key)
{
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		if (!strcmp(config_options[i].section, section) &&
		    !strcmp(config_options[i].key, key))
			return &config_options[i];
	return NULL;
}

int config_assign(struct config *c, const char *section, const char *key, const char *value,
		  struct config_origin origin, char *error, size_t error_size)
{
	const struct config_option *o = find(section, key);
	char shown_key[64], shown[64];

	if (!o) {
		str_sanitise(shown_key, sizeof(shown_key), key, strlen(key));
		str_sanitise(shown, sizeof(shown), section, strlen(section));
		snprintf(
			error, error_size,
			config_has_section(section)
				? "unknown option '%s' in section [%s]; rstmond --print-config lists all"
				: "option '%s' in unknown section [%s]; rstmond --print-config lists all",
			shown_key, shown);
		return -EINVAL;
	}
	if (config_take(o, value, c) < 0) {
		config_refuse(o, section, value, error, error_size);
		return -EINVAL;
	}
	c->origin[o - config_options] = origin;
	return 0;
}

int config_set(struct config *c, const char *section, const char *key, const char *value,
	       enum config_from from, char *error, size_t error_size)
{
	const struct config_origin origin = {.from = from};

	return config_assign(c, section, key, value, origin, error, error_size);
}

void config_default(struct config *c)
{
	memset(c, 0, sizeof(*c)); /* also every origin: CONFIG_FROM_DEFAULT */
	/* A default outside its own bounds is found by the unit test. */
	for (size_t i = 0; i < CONFIG_OPTIONS; i++)
		(void)config_take(&config_options[i], config_options[i].value, c);
	config_alert_default(c);
}

int config_origin_file(struct config *c, const char *path, struct config_origin *ret)
{
	unsigned int i;

	for (i = 0; i < c->files; i++)
		if (!strcmp(c->file[i], path))
			break;
	if (i == CONFIG_FILES_MAX)
		return -E2BIG;
	if (i == c->files) {
		str_copy(c->file[i], sizeof(c->file[i]), path);
		c->files++;
	}
	*ret = (struct config_origin){.from = CONFIG_FROM_FILE, .file = (uint16_t)i};
	return 0;
}

const char *config_origin_text(const struct config *c, struct config_origin origin, char *dst,
			       size_t size)
{
	char path[CONFIG_PATH_MAX];

	switch (origin.from) {
	case CONFIG_FROM_DEFAULT:
		snprintf(dst, size, "default");
		break;
	case CONFIG_FROM_COMMAND_LINE:
		snprintf(dst, size, "command line");
		break;
	case CONFIG_FROM_ENVIRONMENT:
		snprintf(dst, size, "environment");
		break;
	case CONFIG_FROM_FILE:
		str_sanitise(path, sizeof(path), c->file[origin.file],
			     strlen(c->file[origin.file]));
		snprintf(dst, size, "%s:%u", path, origin.line);
		break;
	}
	return dst;
}
