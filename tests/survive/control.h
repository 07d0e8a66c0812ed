/* SPDX-License-Identifier: GPL-2.0-only */
/* Commands to the supervisor, one for each connection. */
#ifndef TESTS_SURVIVE_CONTROL_H
#define TESTS_SURVIVE_CONTROL_H

#include "tests/survive/service.h"

#define CONTROL_LINE_MAX 512

/* Until "quit", or SIGTERM. -errno. */
int control_loop(struct service *s, int listen);

#endif
