/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every user-space file needs: cleanup attributes, and names that are never used here.
 * A destructor takes NULL and undoes half-built objects; TAKE_PTR and TAKE_FD hand over ownership.
 */
#ifndef COMMON_UTIL_H
#define COMMON_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

static inline void util_free(void *p)
{
	free(*(void **)p);
}

static inline void util_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void util_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(f)	 __attribute__((cleanup(f)))
#define _cleanup_free_	 _cleanup_(util_free)
#define _cleanup_close_	 _cleanup_(util_close)
#define _cleanup_fclose_ _cleanup_(util_fclose)
#define _printf_(a, b)	 __attribute__((format(printf, a, b)))

#define TAKE_PTR(p) \
	({ \
		__typeof__(p) taken_ = (p); \
		(p) = NULL; \
		taken_; \
	})

#define TAKE_FD(fd) \
	({ \
		int taken_ = (fd); \
		(fd) = -1; \
		taken_; \
	})

#pragma GCC poison atoi atol strtok sprintf vsprintf strcpy strcat strncpy gets

#endif
