/* SPDX-License-Identifier: GPL-2.0-only */
/* The methods Why and Explain, for the table of methods only. */
#ifndef DAEMON_METHODS_WHY_H
#define DAEMON_METHODS_WHY_H

#include "daemon/methods.h"

void methods_why(struct json_object *parameters, bool more, void *userdata,
		 struct server_reply *ret);
void methods_explain(struct json_object *parameters, bool more, void *userdata,
		     struct server_reply *ret);

#endif
