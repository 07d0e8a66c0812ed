/* SPDX-License-Identifier: GPL-2.0-only */
/* Text from the kernel, a process or a peer is hostile; here it is made harmless, once. Pure. */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies at most 'n' bytes of 'src' up to its first NUL into 'dst' (size bytes, always ended): each
 * control character and each byte that is no valid UTF-8 becomes '?'; cut at a character's boundary.
 * Returns the length. */
size_t str_sanitise(char *dst, size_t size, const char *src, size_t n);

/* Copies and ends; true if all of it fitted. */
bool str_copy(char *dst, size_t size, const char *src);

/* Whole-text numbers: -EINVAL for anything else, "443 " included; -ERANGE beyond the type. */
int parse_u16(const char *text, uint16_t *ret);
int parse_u32(const char *text, uint32_t *ret);
int parse_u64(const char *text, uint64_t *ret);
int parse_double(const char *text, double *ret); /* finite, not negative */
int parse_bool(const char *text, bool *ret);	  /* yes no true false on off 1 0 */

/* "90", "90s", "5m", "1h30m", "2d", "250ms" -> ns; a bare number is seconds. -EINVAL, -ERANGE. */
int parse_duration(const char *text, uint64_t *ret_ns);

/* "1.5s", "12ms", "3m20s", "4d": at most two units, for people. Returns dst. */
char *format_duration(char *dst, size_t size, uint64_t ns);

/* RFC 3339 in UTC with microseconds: "2026-11-22T07:31:36.123456Z". Returns dst. */
char *format_time(char *dst, size_t size, uint64_t realtime_ns);

/* RFC 3339, with or without fraction and offset. -EINVAL. */
int parse_time(const char *text, uint64_t *ret_realtime_ns);

#define TIME_TEXT_MAX 32
#define DURATION_TEXT_MAX 24

#endif
