/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs: one table from which dispatch, help, completion and man page are made. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/options.h"
#include "common/filter.h"

struct cli_verb {
	const char *name;
	const char *arguments; /* behind the options, as in "[N] [FILTER]" */
	const char *help;      /* one line */
	const char *details;   /* for 'help VERB' */
	int (*run)(const struct cli_options *o); /* an exit code */
	unsigned int options; /* bits of enum cli_option, beside CLI_COMMON_OPTIONS */
	bool filtered;
	enum filter_scope scope; /* if filtered */
};

/* In the order of help; ends with a verb without a name. */
extern const struct cli_verb cli_verbs[];

const struct cli_verb *cli_verb_find(const char *name); /* NULL: none */

int verb_list(const struct cli_options *o);
int verb_last(const struct cli_options *o);
int verb_watch(const struct cli_options *o);
int verb_why(const struct cli_options *o);
int verb_explain(const struct cli_options *o);
int verb_status(const struct cli_options *o);
int verb_metrics(const struct cli_options *o);
int verb_exporter(const struct cli_options *o);
int verb_check(const struct cli_options *o);
int verb_help(const struct cli_options *o);
int verb_version(const struct cli_options *o);

/* The exit code for 'code' of this verb: check has those of monitoring plugins. */
int cli_verb_exit(const struct cli_verb *verb, int code);

/* Tells the user: one sentence on stderr (without a dot at its end, as tools do), for check also the
 * line, or with --json the object, that a monitoring system reads. Returns cli_verb_exit(). */
int cli_fail(const struct cli_options *o, int code, const char *sentence);

/* The verb that was probably meant, two letters off at most. NULL: none. */
const struct cli_verb *cli_verb_nearest(const char *name);

#endif
