/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors of a BPF object: found, checked, parked. Must not load or attach anything, nor
 * believe a name that the kernel does not confirm. Proved by tests/unit/daemon/fdstore.c,
 * tests/live and tests/survive.
 */
#include "common/util.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>

#include "daemon/source_bpf_parts.h"

#define IDS_MAX 64 /* maps that one program uses */

int bpf_parts_add(struct bpf_parts *p, enum fdstore_kind kind, const char *name, int fd,
		  uint32_t parked)
{
	struct bpf_part *part = &p->part[p->n];

	if (fd < 0)
		return -errno;
	if (p->n == BPF_PARTS_MAX || strlen(name) >= sizeof(part->name)) {
		close(fd);
		return p->n == BPF_PARTS_MAX ? -ENOSPC : -ENAMETOOLONG;
	}
	*part = (struct bpf_part){.kind = kind, .fd = fd, .parked = parked};
	snprintf(part->name, sizeof(part->name), "%s", name);
	p->n++;
	return 0;
}

int bpf_parts_fd(const struct bpf_parts *p, enum fdstore_kind kind, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->part[i].kind == kind && !strcmp(p->part[i].name, name))
			return p->part[i].fd;
	return -1;
}

void bpf_parts_remove(struct bpf_parts *p, enum fdstore_kind kind, const char *name)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->part[i].kind != kind || strcmp(p->part[i].name, name))
			continue;
		close(p->part[i].fd);
		p->part[i] = p->part[--p->n];
		return;
	}
}

void bpf_parts_done(struct bpf_parts *p)
{
	for (size_t i = 0; i < p->n; i++)
		close(p->part[i].fd);
	p->n = 0;
}

int bpf_parts_copy(struct bpf_parts *ret, const struct bpf_parts *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n && !r; i++) {
		const struct bpf_part *part = &from->part[i];

		r = bpf_parts_add(ret, part->kind, part->name, fcntl(part->fd, F_DUPFD_CLOEXEC, 3),
				  part->parked);
	}
	return r;
}

/* ---- what is parked ---- */

/* The kernel keeps fifteen characters of a name. */
static bool same_name(const char *kernels, const char *ours)
{
	return !strncmp(kernels, ours, BPF_OBJ_NAME_LEN - 1);
}

struct used {
	size_t n;
	__u32 id[BPF_PARTS_MAX];
};

static bool uses(const struct used *used, __u32 id)
{
	for (size_t i = 0; i < used->n; i++)
		if (used->id[i] == id)
			return true;
	return false;
}

static void note(struct used *used, __u32 id)
{
	if (!uses(used, id) && used->n < ARRAY_SIZE(used->id))
		used->id[used->n++] = id;
}

static int take(struct bpf_parts *p, const struct fdstore_entry *e)
{
	return bpf_parts_add(p, e->kind, e->name, fcntl(e->fd, F_DUPFD_CLOEXEC, 3), e->generation);
}

static int take_program(struct bpf_parts *p, const struct fdstore_entry *e, struct used *used)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info), ids[IDS_MAX];
	int r;

	info.nr_map_ids = ARRAY_SIZE(ids);
	info.map_ids = (uintptr_t)ids;
	if (bpf_obj_get_info_by_fd(e->fd, &info, &size) || !same_name(info.name, e->name))
		return 0;
	r = take(p, e);
	for (__u32 i = 0; i < MIN(info.nr_map_ids, (__u32)ARRAY_SIZE(ids)); i++)
		note(used, ids[i]);
	return r;
}

static int take_link(struct bpf_parts *p, const struct fdstore_entry *e)
{
	struct bpf_link_info link = {};
	struct bpf_prog_info program = {};
	__u32 link_size = sizeof(link), program_size = sizeof(program);
	int fd = bpf_parts_fd(p, FDSTORE_PROG, e->name);

	if (fd < 0 && !p->orphans++)
		snprintf(p->orphan, sizeof(p->orphan), "%s", e->name);
	if (fd < 0 || bpf_obj_get_info_by_fd(e->fd, &link, &link_size) ||
	    bpf_obj_get_info_by_fd(fd, &program, &program_size) || link.prog_id != program.id)
		return 0;
	return take(p, e);
}

static int take_map(struct bpf_parts *p, const struct fdstore_entry *e, const struct used *used)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(e->fd, &info, &size) || !uses(used, info.id) ||
	    !same_name(info.name, e->name) || bpf_parts_fd(p, FDSTORE_MAP, e->name) >= 0)
		return 0;
	return take(p, e);
}

int bpf_parts_take(struct bpf_parts *ret, struct fdstore *store, uint32_t generation)
{
	struct bpf_parts p = {};
	struct used used = {};
	int r = 0;

	/* programs say which maps and links are theirs */
	for (int kind = FDSTORE_PROG; kind >= FDSTORE_MAP && !r; kind--) {
		for (size_t i = 0; i < store->n && !r; i++) {
			const struct fdstore_entry *e = &store->entry[i];

			if ((int)e->kind != kind || e->fd < 0)
				continue;
			if (kind == FDSTORE_MAP)
				r = take_map(&p, e, &used);
			else if (e->generation == generation)
				r = kind == FDSTORE_PROG ? take_program(&p, e, &used)
							 : take_link(&p, e);
		}
	}
	if (r) {
		bpf_parts_done(&p);
		return r;
	}
	p.unkept = (unsigned int)used.n;
	for (size_t i = 0; i < p.n; i++)
		p.unkept -= p.part[i].kind == FDSTORE_MAP;
	*ret = p;
	return 0;
}

int bpf_parts_park(struct bpf_parts *p, struct fdstore *store, uint32_t generation)
{
	int first = 0;

	for (size_t i = 0; i < p->n; i++) {
		struct bpf_part *part = &p->part[i];
		int r = 0;

		if (part->parked)
			continue;
		r = fdstore_park(store, generation, part->kind, part->name, part->fd);
		part->parked = r ? 0 : generation;
		first = first ? first : r;
	}
	return first;
}

uint32_t bpf_map_number(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

uint32_t bpf_parts_same(const struct bpf_parts *p, enum fdstore_kind kind, const char *name, int fd)
{
	__u32 id = bpf_map_number(fd);

	for (size_t i = 0; i < p->n; i++)
		if (p->part[i].kind == kind && !strcmp(p->part[i].name, name) && id &&
		    bpf_map_number(p->part[i].fd) == id)
			return p->part[i].parked;
	return 0;
}

bool bpf_parts_parked(const struct bpf_parts *p, const struct fdstore_entry *e)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->part[i].parked == e->generation && p->part[i].kind == e->kind &&
		    !strcmp(p->part[i].name, e->name))
			return true;
	return false;
}
