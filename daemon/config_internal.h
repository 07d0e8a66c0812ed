/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the configuration share: config.c has the table of options, config_alert.c that of
 * a rule's keys, config_value.c the types of both, config_print.c what is shown of them, and
 * config_file.c the reader. Nobody else includes this. */
#ifndef DAEMON_CONFIG_INTERNAL_H
#define DAEMON_CONFIG_INTERNAL_H

#include "daemon/config.h"

enum config_type {
	CONFIG_BOOL,
	CONFIG_U32,
	CONFIG_POWER, /* u32, a power of two */
	CONFIG_DURATION,
	CONFIG_PATH, /* absolute */
	CONFIG_NAME, /* of a group */
	CONFIG_TARGET,
	CONFIG_RATE,
	CONFIG_FILTER,
	CONFIG_BY,
	CONFIG_SEVERITY,
};

struct config_option {
	const char *section, *key;
	enum config_type type;
	bool zero; /* 0 is allowed below 'min' and means "off" */
	size_t offset; /* in struct config, or of a rule's key in struct alert_rule */
	uint64_t min, max; /* of the number, or of the text's length */
	const char *value; /* the default */
	const char *help;
};

#define CONFIG_RATE_MIN 1e-6 /* a minute: one reset in two years */
#define CONFIG_LINE_TEXT_MAX 160 /* a line of libinih has 198 bytes */

extern const struct config_option config_options[CONFIG_OPTIONS];
extern const struct config_option config_alert_keys[CONFIG_ALERT_KEYS];

/* ---- config_value.c ---- */

/* Takes a value as text into the member of 'base'. -EINVAL: it is none; -ERANGE: beyond the bounds. */
int config_take(const struct config_option *o, const char *text, void *base);

/* What 'o' takes, as the end of a sentence. */
void config_describe(const struct config_option *o, char *dst, size_t size);

/* "'x' is not what KEY in section [SECTION] takes: ..." */
void config_refuse(const struct config_option *o, const char *section, const char *value, char *error,
		   size_t error_size);

/* Lines "KEY = value", each with 'before' in front: only a filter can have more than one. */
void config_print_value(const struct config_option *o, const void *base, const char *before, FILE *out);

/* ---- config_alert.c ---- */

/* A section of a file while it is read. */
struct config_block {
	int rule; /* in config.alert, -1: no section of a rule */
	unsigned int lines; /* of its filter */
	struct {
		unsigned int line, column; /* in the file, and where its text begins in the filter */
	} filter[CONFIG_FILTER_LINES_MAX];
};

bool config_is_alert(const char *section);

/* The rules as they are without a word of the user's. */
void config_alert_default(struct config *c);

/* "[alert NAME]": finds the rule or makes it. */
int config_alert_begin(struct config *c, struct config_block *b, const char *section,
		       struct config_origin origin, char *error, size_t error_size);

int config_alert_assign(struct config *c, struct config_block *b, const char *key, const char *value,
			struct config_origin origin, char *error, size_t error_size);

/* The section ends: its filter is whole. '*line' becomes the one that 'error' is about. */
int config_alert_end(struct config *c, struct config_block *b, unsigned int *line, char *error,
		     size_t error_size);

/* The value is neither given nor a default: it is half of a rate that was given. */
bool config_alert_derived(const struct config *c, unsigned int rule, unsigned int key);

/* All files are read. '*ret_place' says where what is wrong was said. */
int config_alert_finish(struct config *c, struct config_origin *ret_place, char *error,
			size_t error_size);

#endif
