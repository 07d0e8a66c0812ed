/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attaches programs of a BPF object, says "ready" and waits for its end, which detaches them.
 * It must use nothing of the daemon's: it is what the daemon is held against. Used by run.sh.
 *
 *	empty OBJECT PREFIX	those whose name begins so
 */
#include "common/util.h"

#include <bpf/libbpf.h>
#include <errno.h>

static int attach(const char *path, const char *prefix)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *p;

	if (!object || bpf_object__load(object) < 0)
		return -errno;
	bpf_object__for_each_program(p, object)
	{
		if (strncmp(bpf_program__name(p), prefix, strlen(prefix)) != 0)
			continue;
		if (!bpf_program__attach(p))
			return -errno;
	}
	return 0;
}

int main(int argc, char *argv[])
{
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: empty OBJECT PREFIX\n");
		return 2;
	}
	r = attach(argv[1], argv[2]);
	if (r < 0) {
		fprintf(stderr, "empty: %s: %s\n", argv[1], strerror(-r));
		return 1;
	}
	fprintf(stderr, "empty: ready\n");
	pause();
	return 0;
}
