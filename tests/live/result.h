/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests found, a line each, for who adds up over several kernels: tests/kernels. Written to the
 * file that LIVE_RESULTS names; without it nothing is.
 */
#ifndef TESTS_LIVE_RESULT_H
#define TESTS_LIVE_RESULT_H

#include <stdbool.h>

#include "common/util.h"

/* "right|wrong|skip TAB table TAB item TAB why" */
void result_is(bool right, const char *table, const char *item, const char *why);
void result_skip(const char *table, const char *item, const char *why);

/* As result_is(), the number in the item's words. */
void result_of(bool right, const char *table, const char *why, const char *format, ...)
	_printf_(4, 5);

#endif
