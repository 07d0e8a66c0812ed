/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chooses the hierarchies of cgroup v1 that name processes. Must not look at a mount: a hierarchy
 * is there as long as the kernel lists it. Proved by tests/unit/daemon/hierarchy.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>

#include "common/str.h"
#include "daemon/hierarchy.h"

#define TEXT_MAX 16384 /* a path has up to 4096 bytes, and there are some fourteen lines */

/* Every manager limits one of these, the first most likely; net_cls and its like are none: somebody
 * may have mounted one beside v2. */
static const char *const controllers[] = {"memory", "pids", "cpu", "devices", "cpuset", "freezer"};

static bool list_has(const char *list, size_t n, const char *word)
{
	size_t length = strlen(word), at = 0;

	while (at < n) {
		size_t one = strcspn(list + at, ",");

		one = MIN(one, n - at);
		if (one == length && memcmp(list + at, word, length) == 0)
			return true;
		at += one + 1;
	}
	return false;
}

/* The number of the hierarchy whose list has 'word', 0: none. */
static uint32_t find(const char *text, const char *word)
{
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n"), digits = strspn(line, "0123456789");
		const char *list = line + digits + 1, *end;
		char number[12];
		uint32_t r;

		if (digits > 0 && digits < sizeof(number) && line[digits] == ':') {
			end = memchr(list, ':', n - digits - 1);
			memcpy(number, line, digits);
			number[digits] = '\0';
			if (end && list_has(list, (size_t)(end - list), word) &&
			    parse_u32(number, &r) == 0)
				return r;
		}
		line += n + (line[n] == '\n');
	}
	return 0;
}

static bool choose(const char *text, const char *word, struct hierarchy *ret)
{
	uint32_t number = find(text, word);

	if (!number)
		return false;
	ret->number = number;
	snprintf(ret->name, sizeof(ret->name), "%s", word);
	return true;
}

void hierarchies_parse(const char *text, struct hierarchy ret[RST_HIERARCHIES])
{
	memset(ret, 0, RST_HIERARCHIES * sizeof(*ret));
	choose(text, "name=systemd", &ret[0]);
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (choose(text, controllers[i], &ret[1]))
			return;
}

void hierarchies_read(struct hierarchy ret[RST_HIERARCHIES])
{
	_cleanup_close_ int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = calloc(1, TEXT_MAX);
	size_t have = 0;
	ssize_t n;

	memset(ret, 0, RST_HIERARCHIES * sizeof(*ret));
	if (fd < 0 || !text)
		return;
	while ((n = read(fd, text + have, TEXT_MAX - 1 - have)) > 0)
		have += (size_t)n;
	hierarchies_parse(text, ret);
}
