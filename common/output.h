/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing to stdout or stderr without ever blocking, whatever they are; and all of something to a file. */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

#include <stddef.h>
#include <sys/types.h>

/* A descriptor for 'fd' to be used with output_write(). A terminal is opened anew, because O_NONBLOCK
 * belongs to the open file, which a shell shares; anything else stays what it is. Never fails: where the
 * terminal cannot be opened, 'fd' itself comes back. The caller closes it if it is not 'fd'. */
int output_open(int fd);

/* Writes what can be written now. -1 with errno EAGAIN: nothing. At most PIPE_BUF bytes at a time go
 * whole into a pipe or not at all; a terminal or a stream may take less than all. */
ssize_t output_write(int fd, const void *data, size_t size);

/* Writes as much as the file takes, waiting for it. *ret_n (may be NULL) has its bytes, also on failure. -EIO: it takes
 * nothing and gives no reason; -errno. */
int output_write_all(int fd, const void *data, size_t size, size_t *ret_n);

#endif
