/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The methods whose answers may be long: List and Last. What one turn of the loop has time for is
 * answered at once; more is made in parts (struct server_work), and says what was so when it was asked.
 */
#ifndef DAEMON_METHODS_PARTS_H
#define DAEMON_METHODS_PARTS_H

#include "daemon/methods.h"

void methods_list(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret);
void methods_last(struct json_object *parameters, bool more, void *userdata,
		  struct server_reply *ret);

/* Brings the state up to date, unless that was done since the call came. */
void methods_refresh(struct methods_state *s, struct server_reply *ret);

/* JSON as its text: a tree of json-c takes ten times the memory. Takes 'tree' over. */
struct json_object *methods_as_text(struct json_object *tree);

#endif
