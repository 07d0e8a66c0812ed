/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of alerts, of sections [alert NAME]: the table of their keys, what a rule is that says only
 * some of them, and what is wrong with one. Must not open files. Proved by
 * tests/unit/daemon/config_alert.c and tests/fuzz/config.c.
 */
#include "common/util.h"

#include <ctype.h>
#include <errno.h>

#include "common/filter.h"
#include "common/near.h"
#include "common/str.h"
#include "daemon/alert_defaults.h"
#include "daemon/config_internal.h"

#define PREFIX	     "alert "
#define AT(member)   offsetof(struct alert_rule, member)
#define RATE_MAX     1000000 /* a second */
#define NEAR_ENOUGH  3
#define SECTION_TEXT 64

enum {
	KEY_ENABLED,
	KEY_FILTER,
	KEY_BY,
	KEY_RATE,
	KEY_CLEAR,
	KEY_WINDOW,
	KEY_COOLDOWN,
	KEY_SEVERITY,
};

/* clang-format off */
const struct config_option config_alert_keys[CONFIG_ALERT_KEYS] = {
	[KEY_ENABLED] = {"alert", "enabled", CONFIG_BOOL, false, AT(enabled), 0, 0, "yes",
	 "A rule that is not enabled is read and checked, and alerts nobody."},
	[KEY_FILTER] = {"alert", "filter", CONFIG_FILTER, false, AT(filter), 0, RSTMON_FILTER_MAX, "",
	 "The resets that it is about, empty for all. Several lines of one section are one filter."},
	[KEY_BY] = {"alert", "by", CONFIG_BY, false, AT(by), 0, 0, "service",
	 "What resets must have in common to be counted together, and to be one alert."},
	[KEY_RATE] = {"alert", "rate", CONFIG_RATE, false, AT(rate), 0, RATE_MAX, "10/min",
	 "It alerts at this rate or above, as a mean over the window."},
	[KEY_CLEAR] = {"alert", "clear", CONFIG_RATE, false, AT(clear), 0, RATE_MAX, "5/min",
	 "It is over below this rate, at most the one above; half of that where it is not given."},
	[KEY_WINDOW] = {"alert", "window", CONFIG_DURATION, false, AT(window_ns), NSEC_PER_SEC,
	 3600 * NSEC_PER_SEC, "60s", "The time that the rate is taken over."},
	[KEY_COOLDOWN] = {"alert", "cooldown", CONFIG_DURATION, true, AT(cooldown_ns), NSEC_PER_SEC,
	 86400 * NSEC_PER_SEC, "300s", "From its end to the next alert of the same kind."},
	[KEY_SEVERITY] = {"alert", "severity", CONFIG_SEVERITY, false, AT(severity), 0, 0, "warning",
	 "The priority of its line in syslog and journal."},
};
/* clang-format on */

bool config_is_alert(const char *section)
{
	return !strncmp(section, PREFIX, strlen(PREFIX));
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n >= RSTMON_ALERT_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
			return false;
	return true;
}

static bool given(const struct config *c, unsigned int rule, unsigned int key)
{
	return c->alert_origin[rule][key].from != CONFIG_FROM_DEFAULT;
}

void config_alert_default(struct config *c)
{
	c->alerts = 0;
	for (unsigned int i = 0; i < MIN(alert_defaults_n, RSTMON_ALERT_RULES_MAX); i++) {
		const struct alert_rule *from = &alert_defaults[i].rule;
		struct alert_rule *rule = &c->alert[c->alerts++];

		/* member by member: equal configurations are equal byte by byte */
		str_copy(rule->name, sizeof(rule->name), from->name);
		str_copy(rule->filter, sizeof(rule->filter), from->filter);
		rule->enabled = from->enabled;
		rule->by = from->by;
		rule->rate = from->rate;
		rule->clear = from->clear;
		rule->window_ns = from->window_ns;
		rule->cooldown_ns = from->cooldown_ns;
		rule->severity = from->severity;
	}
}

static int find(const struct config *c, const char *name)
{
	for (unsigned int i = 0; i < c->alerts; i++)
		if (!strcmp(c->alert[i].name, name))
			return (int)i;
	return -ENOENT;
}

int config_alert_begin(struct config *c, struct config_block *b, const char *section,
		       struct config_origin origin, char *error, size_t error_size)
{
	const char *name = section + strlen(PREFIX);
	char shown[SECTION_TEXT];
	int i;

	if (!is_name(name)) {
		str_sanitise(shown, sizeof(shown), name, strlen(name));
		snprintf(error, error_size,
			 "'%s' is no name of an alert: 1 to %d letters, digits, '_' or '-'", shown,
			 RSTMON_ALERT_NAME_MAX - 1);
		return -EINVAL;
	}
	i = find(c, name);
	if (i < 0) {
		if (c->alerts == RSTMON_ALERT_RULES_MAX) {
			snprintf(error, error_size,
				 "[alert %s] is one too many: there are at most %d, %u of them "
				 "built in",
				 name, RSTMON_ALERT_RULES_MAX, alert_defaults_n);
			return -E2BIG;
		}
		i = (int)c->alerts++;
		memset(&c->alert[i], 0, sizeof(c->alert[i]));
		str_copy(c->alert[i].name, sizeof(c->alert[i].name), name);
		for (size_t k = 0; k < CONFIG_ALERT_KEYS; k++)
			(void)config_take(&config_alert_keys[k], config_alert_keys[k].value,
					  &c->alert[i]);
		c->alert_place[i] = origin;
	}
	*b = (struct config_block){.rule = i};
	return 0;
}

/* The first line of a section replaces what files before or the defaults said, the others go on. */
static int add_filter_line(struct alert_rule *rule, struct config_block *b, const char *value,
			   unsigned int line, char *error, size_t error_size)
{
	const struct config_option *o = &config_alert_keys[KEY_FILTER];
	char text[2 * RSTMON_FILTER_MAX], section[SECTION_TEXT];
	unsigned int column = 1;
	size_t before = 0;

	text[0] = '\0';
	if (strlen(value) > CONFIG_LINE_TEXT_MAX) {
		snprintf(error, error_size,
			 "more than %d bytes of a filter in a line; go on in another 'filter =' "
			 "line below it",
			 CONFIG_LINE_TEXT_MAX);
		return -EINVAL;
	}
	if (!*value) /* as elsewhere under systemd: forget it */
		b->lines = 0;
	else if (b->lines > 0)
		before = (size_t)snprintf(text, sizeof(text), "%s ", rule->filter);
	snprintf(text + before, sizeof(text) - before, "%s", value);
	for (char *s = text; (s = strchr(s, '\t'));)
		*s = ' ';
	if (b->lines == CONFIG_FILTER_LINES_MAX || strlen(text) > RSTMON_FILTER_MAX) {
		snprintf(
			error, error_size,
			"the filter of [alert %s] is longer than %d bytes or %d lines; make several "
			"rules of it, or let patterns such as 'comm http*' stand for many names",
			rule->name, RSTMON_FILTER_MAX, CONFIG_FILTER_LINES_MAX);
		return -EINVAL;
	}
	if (config_take(o, text, rule) < 0) {
		snprintf(section, sizeof(section), PREFIX "%s", rule->name);
		config_refuse(o, section, value, error, error_size);
		return -EINVAL;
	}
	for (size_t i = 0; i < before; i++)
		column += (text[i] & 0xc0) != 0x80;
	if (*value) {
		b->filter[b->lines].line = line;
		b->filter[b->lines].column = column;
		b->lines++;
	}
	return 0;
}

int config_alert_assign(struct config *c, struct config_block *b, const char *key,
			const char *value, struct config_origin origin, char *error,
			size_t error_size)
{
	struct alert_rule *rule = &c->alert[b->rule];
	char section[SECTION_TEXT], shown[64];
	bool goes_on = b->lines > 0;
	int r;

	for (size_t i = 0; i < CONFIG_ALERT_KEYS; i++) {
		const struct config_option *o = &config_alert_keys[i];

		if (strcmp(o->key, key))
			continue;
		if (i == KEY_FILTER) {
			r = add_filter_line(rule, b, value, origin.line, error, error_size);
			if (!r && (!goes_on || !*value))
				c->alert_origin[b->rule][i] = origin;
			return r;
		}
		r = config_take(o, value, rule);
		if (r < 0) {
			snprintf(section, sizeof(section), PREFIX "%s", rule->name);
			config_refuse(o, section, value, error, error_size);
			return -EINVAL;
		}
		c->alert_origin[b->rule][i] = origin;
		return 0;
	}
	str_sanitise(shown, sizeof(shown), key, strlen(key));
	snprintf(error, error_size,
		 "unknown option '%s' in section [alert %s]; a filter's next line begins with "
		 "'filter =' too, and rstmond --print-config lists all options",
		 shown, rule->name);
	return -EINVAL;
}

int config_alert_end(struct config *c, struct config_block *b, unsigned int *line, char *error,
		     size_t error_size)
{
	const struct alert_rule *rule;
	struct filter *filter = NULL;
	unsigned int column = 1, i;
	char text[FILTER_ERROR_MAX];
	int n = 0, r;

	if (b->rule < 0 || b->lines == 0) {
		b->rule = -1;
		return 0;
	}
	rule = &c->alert[b->rule];
	b->rule = -1;
	r = filter_parse(rule->filter, FILTER_ROWS, &filter, text, sizeof(text));
	filter_free(filter);
	if (r == -ENOMEM) {
		snprintf(error, error_size, "no memory for the filter of [alert %s]", rule->name);
		return r;
	}
	if (r == 0)
		return 0;
	/* the column of the whole, as one of the line that it is in */
	if (sscanf(text, "column %u: %n", &column, &n) != 1)
		n = 0;
	for (i = b->lines - 1; i > 0 && b->filter[i].column > column; i--)
		;
	*line = b->filter[i].line;
	snprintf(error, error_size, "filter of [alert %s], column %u: %s", rule->name,
		 column - b->filter[i].column + 1, text + n);
	return -EINVAL;
}

bool config_alert_derived(const struct config *c, unsigned int rule, unsigned int key)
{
	return key == KEY_CLEAR && !given(c, rule, KEY_CLEAR) && given(c, rule, KEY_RATE);
}

/* A rule without one is a misspelt name, or alerts of everything by mistake. */
static int say_unknown(const struct config *c, const char *name, char *error, size_t error_size)
{
	const char *nearest = NULL;
	size_t least = NEAR_ENOUGH + 1;

	for (unsigned int i = 0; i < MIN(alert_defaults_n, c->alerts); i++) {
		size_t distance = near_distance(name, c->alert[i].name);

		if (distance < least) {
			least = distance;
			nearest = c->alert[i].name;
		}
	}
	snprintf(
		error, error_size,
		"no rule [alert %s] is built in, and a new one needs a filter ('filter =' for all)%s%s%s",
		name, nearest ? "; did you mean [alert " : "", nearest ? nearest : "",
		nearest ? "]?" : "");
	return -EINVAL;
}

static int finish_rule(struct config *c, unsigned int i, struct config_origin *ret_place,
		       char *error, size_t error_size)
{
	struct alert_rule *rule = &c->alert[i];
	bool built_in = i < alert_defaults_n;
	struct config_origin place = c->alert_place[i];

	if (!built_in && !given(c, i, KEY_FILTER)) {
		*ret_place = place;
		return say_unknown(c, rule->name, error, error_size);
	}
	if (config_alert_derived(c, i, KEY_CLEAR) || (!given(c, i, KEY_CLEAR) && !built_in))
		rule->clear = MAX(rule->rate / 2, CONFIG_RATE_MIN);
	if (rule->clear > rule->rate) {
		*ret_place = c->alert_origin[i][KEY_CLEAR];
		snprintf(error, error_size,
			 "[alert %s] would be over at a higher rate than it begins at: clear is at "
			 "most the rate",
			 rule->name);
		return -EINVAL;
	}
	return 0;
}

int config_alert_finish(struct config *c, struct config_origin *ret_place, char *error,
			size_t error_size)
{
	int r = 0;

	for (unsigned int i = 0; i < c->alerts && r == 0; i++)
		r = finish_rule(c, i, ret_place, error, error_size);
	return r;
}
