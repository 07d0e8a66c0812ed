/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon version': what this program is. Must not ask the daemon, which may be another version.
 * Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include "cli/call.h"

int verb_version(const struct cli_options *o)
{
	struct json_object *version;

	if (!o->json) {
		puts("rstmon " RSTMON_VERSION);
		return RSTMON_EXIT_OK;
	}
	version = json_object_new_object();
	json_object_object_add(version, "version", json_object_new_string(RSTMON_VERSION));
	cli_print_json(version);
	json_object_put(version);
	return RSTMON_EXIT_OK;
}
