/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any bytes as a configuration file: either an error that is one line with a place, and nothing
 * changed, or a configuration that prints as one that loads to the same values.
 */
#include "common/util.h"

#include <sys/mman.h>

#include "daemon/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load_bytes(struct config *c, const void *bytes, size_t n, char *error, size_t error_size)
{
	_cleanup_close_ int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return config_load(c, path, error, error_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config defaults = {}, c = {}, again = {};
	_cleanup_free_ char *text = NULL;
	char error[512];
	FILE *out;
	size_t n;

	config_default(&defaults);
	c = again = defaults;
	if (load_bytes(&c, data, size, error, sizeof(error)) < 0) {
		if (!*error || strchr(error, '\n') || memcmp(&c, &defaults, sizeof(c)))
			abort();
		return 0;
	}

	out = open_memstream(&text, &n);
	if (!out || config_print(&c, out) < 0 || fclose(out) != 0)
		abort();
	if (load_bytes(&again, text, n, error, sizeof(error)) < 0)
		abort();
	if (memcmp(&c, &again, offsetof(struct config, origin)))
		abort();
	return 0;
}
