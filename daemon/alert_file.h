/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file "alerts" of the state directory: those that were told and are active, as JSON. Replaced in one step; one
 * that cannot be trusted is set aside (aside.h), and nothing of it is used.
 */
#ifndef DAEMON_ALERT_FILE_H
#define DAEMON_ALERT_FILE_H

#include "daemon/alert.h"

#define ALERT_FILE_NAME "alerts"
#define ALERT_FILE_MAX	(1 << 20)

/* Without any the file is removed. -errno: nothing was replaced; -EEXIST: what stands there is none of ours, and no
 * name is left to set it aside. */
int alert_file_write(const char *dir, const struct alert_kept *kept, size_t n);

/* At most 'max' into 'ret'; no file is none. On failure *ret_n is 0 and 'sentence' says what was set aside, where
 * and why. */
int alert_file_read(const char *dir, struct alert_kept *ret, size_t max, size_t *ret_n,
		    char *sentence, size_t size);

#endif
