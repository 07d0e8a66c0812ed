/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reads unit, container and pod out of a cgroup's path: systemd's rules for the unit, one table of
 * the container managers' patterns for the container. Pure, looks at no file. Proved by the table
 * of paths in tests/unit/daemon/cgroup.c.
 */
#include "common/util.h"

#include <ctype.h>

#include "common/str.h"
#include "daemon/cgroup.h"

/* One component of a path, not ended. */
struct part {
	const char *text;
	size_t n;
};

#define UNIT_NAME_MAX 256 /* systemd's limit */
#define HEX_MIN	      12  /* shortest container id that a manager writes */
#define HEX_FULL      64
#define HEX_TASK      32
#define UUID_DIGITS   32
#define UUID_LENGTH   36
#define KUBELET	      "kubepods" /* its cgroup for pods, below whatever root it was given */

/* "..": the path begins above the reader's own root, which has no name here. */
static bool part_next(const char **path, struct part *ret)
{
	do {
		*path += strspn(*path, "/");
		ret->text = *path;
		ret->n = strcspn(*path, "/");
		*path += ret->n;
	} while (ret->n == 2 && memcmp(ret->text, "..", 2) == 0);
	return ret->n > 0;
}

static bool part_is(struct part p, const char *text)
{
	return p.n == strlen(text) && memcmp(p.text, text, p.n) == 0;
}

static bool part_starts(struct part p, const char *prefix)
{
	size_t n = strlen(prefix);

	return p.n >= n && memcmp(p.text, prefix, n) == 0;
}

static bool part_ends(struct part p, const char *suffix)
{
	size_t n = strlen(suffix);

	return p.n >= n && memcmp(p.text + p.n - n, suffix, n) == 0;
}

static bool part_has(struct part p, const char *text)
{
	return memmem(p.text, p.n, text, strlen(text)) != NULL;
}

/* Takes prefix and suffix off; false unless both are there with something between them. */
static bool part_between(struct part p, const char *prefix, const char *suffix, struct part *ret)
{
	size_t head = strlen(prefix), tail = strlen(suffix);

	if (p.n <= head + tail || !part_starts(p, prefix) || !part_ends(p, suffix))
		return false;
	*ret = (struct part){p.text + head, p.n - head - tail};
	return true;
}

static bool part_is_hex(struct part p, size_t least)
{
	size_t i;

	if (p.n < least || p.n > HEX_FULL)
		return false;
	for (i = 0; i < p.n; i++)
		if (!isdigit((unsigned char)p.text[i]) && (p.text[i] < 'a' || p.text[i] > 'f'))
			return false;
	return true;
}

/* systemd puts '_' before a unit's name where the kernel has a file of that name or it begins with
 * '_' or '.'; and only there, so one is always taken off. */
static struct part part_unescape(struct part p)
{
	if (p.n > 1 && p.text[0] == '_')
		return (struct part){p.text + 1, p.n - 1};
	return p;
}

static bool part_is_unit_name(struct part p)
{
	size_t i;

	if (p.n >= UNIT_NAME_MAX || p.text[0] == '@' || p.text[0] == '.')
		return false;
	for (i = 0; i < p.n; i++)
		if (!isalnum((unsigned char)p.text[i]) && !strchr(":-_.\\@", p.text[i]))
			return false;
	return true;
}

static bool part_is_slice(struct part p)
{
	p = part_unescape(p);
	return part_ends(p, ".slice") && part_is_unit_name(p);
}

/* The types of unit that own processes. */
static bool part_is_unit(struct part p)
{
	static const char *const suffix[] = {".service", ".scope", ".socket", ".mount", ".swap"};
	unsigned int i;

	if (!part_is_unit_name(p))
		return false;
	for (i = 0; i < ARRAY_SIZE(suffix); i++)
		if (part_ends(p, suffix[i]))
			return p.n > strlen(suffix[i]);
	return false;
}

/* The first unit after any slices; 'path' is then behind it. */
static bool unit_next(const char **path, struct part *ret)
{
	struct part p;

	do {
		if (!part_next(path, &p))
			return false;
	} while (part_is_slice(p));
	p = part_unescape(p);
	if (!part_is_unit(p))
		return false;
	*ret = p;
	return true;
}

/* What stands below a unit is that unit's own business (Delegate=), so the first one is it; only a
 * user's manager has units of its own below. Its init.scope holds the manager itself. */
static void unit_parse(const char *path, struct cgroup_names *ret)
{
	struct part p, inner;

	if (!unit_next(&path, &p))
		return;
	if (part_between(p, "user@", ".service", &inner) && unit_next(&path, &inner) &&
	    !part_is(inner, "init.scope"))
		p = inner;
	str_sanitise(ret->unit, sizeof(ret->unit), p.text, p.n);
}

/* Undoes unit_name_escape(): "\x2d" is a byte. Bad escapes stay as they are. */
static void name_unescape(struct part p, struct part *ret, char buf[static UNIT_NAME_MAX])
{
	unsigned int byte;
	size_t i, n = 0;

	for (i = 0; i < p.n && n < UNIT_NAME_MAX; i++) {
		if (p.n - i >= 4 && p.text[i] == '\\' && p.text[i + 1] == 'x' &&
		    part_is_hex((struct part){p.text + i + 2, 2}, 2)) {
			char hex[3] = {p.text[i + 2], p.text[i + 3], '\0'};

			byte = strtoul(hex, NULL, 16);
			buf[n++] = byte;
			i += 3;
		} else {
			buf[n++] = p.text[i];
		}
	}
	*ret = (struct part){buf, n};
}

enum pattern_kind {
	PATTERN_HEX, /* an id in hexadecimal; whatever else stands there is a helper, as "conmon-ID"
		      */
	PATTERN_TASK,	 /* the whole component; a task of Fargate follows, then its container */
	PATTERN_NAME,	 /* a name as it is */
	PATTERN_MACHINE, /* a machine's name, escaped; libvirt's virtual machines are none */
	PATTERN_PARENT,	 /* the whole component; the name is the next one */
};

static const struct {
	const char *prefix, *suffix;
	enum pattern_kind kind;
} patterns[] = {
	{"docker-", ".scope", PATTERN_HEX},
	{"cri-containerd-", ".scope", PATTERN_HEX},
	{"crio-", ".scope", PATTERN_HEX},
	{"crio-", "", PATTERN_HEX},
	{"libpod-", ".scope", PATTERN_HEX},
	{"libpod-payload-", "", PATTERN_HEX}, /* below its unit: --cgroups=split, quadlets */
	{"libpod-", "", PATTERN_HEX},
	{"nerdctl-", ".scope", PATTERN_HEX},
	{"runc-", ".scope", PATTERN_HEX},
	{"crun-", ".scope", PATTERN_HEX},
	{"runsc-", ".scope", PATTERN_HEX},
	{"ecs", "", PATTERN_TASK},
	{"machine-", ".scope", PATTERN_MACHINE},
	{"systemd-nspawn@", ".service", PATTERN_MACHINE},
	{"lxc.payload.", "", PATTERN_NAME},
	{"lxc.payload", "", PATTERN_PARENT},
	{"lxc", "", PATTERN_PARENT},
};

/* "SLICE:RUNTIME:ID": runc's notation for systemd, which it also takes for a name without systemd.
 */
static bool part_is_runc(struct part p, struct part *ret)
{
	const char *colon = memrchr(p.text, ':', p.n);

	if (!colon || !memchr(p.text, ':', colon - p.text))
		return false;
	*ret = (struct part){colon + 1, p.text + p.n - colon - 1};
	return part_is_hex(*ret, HEX_MIN);
}

/* Podman's pods without systemd: the id of the pod, then that of the container. */
static bool is_podman_pod(const char *rest)
{
	struct part p;

	return part_next(&rest, &p) && part_between(p, "libpod-", "", &p) &&
	       part_is_hex(p, HEX_MIN);
}

/* "/ecs/TASK/TASK-NUMBER": Fargate. On other hosts of ECS it is Docker's id. */
static bool is_fargate(struct part task, const char *rest, struct part *ret)
{
	size_t i;

	if (task.n != HEX_TASK || !part_is_hex(task, HEX_TASK) || !part_next(&rest, ret) ||
	    ret->n < HEX_TASK + 2 || memcmp(ret->text, task.text, HEX_TASK) ||
	    ret->text[HEX_TASK] != '-')
		return false;
	for (i = HEX_TASK + 1; i < ret->n; i++)
		if (!isdigit((unsigned char)ret->text[i]))
			return false;
	return true;
}

static bool is_virtual_machine(struct part p)
{
	return part_starts(p, "qemu-") && p.n > 5 && isdigit((unsigned char)p.text[5]);
}

/* 'rest' is the path behind 'p'. */
static bool container_of_part(struct part p, const char *rest, struct part *ret,
			      char buf[static UNIT_NAME_MAX])
{
	unsigned int i;

	/* Docker, containerd and others without systemd: nothing else has names like that. */
	*ret = p;
	if (p.n == HEX_FULL && part_is_hex(p, HEX_FULL))
		return !is_podman_pod(rest);
	if (part_is_runc(p, ret))
		return true;
	for (i = 0; i < ARRAY_SIZE(patterns); i++) {
		if (patterns[i].kind == PATTERN_PARENT) {
			if (part_is(p, patterns[i].prefix) && part_next(&rest, ret))
				return true;
			continue;
		}
		if (patterns[i].kind == PATTERN_TASK) {
			const char *below = rest;
			struct part task;

			if (part_is(p, patterns[i].prefix) && part_next(&below, &task) &&
			    is_fargate(task, below, ret))
				return true;
			continue;
		}
		if (!part_between(p, patterns[i].prefix, patterns[i].suffix, ret))
			continue;
		if (patterns[i].kind == PATTERN_NAME)
			return true;
		if (patterns[i].kind == PATTERN_HEX && part_is_hex(*ret, HEX_MIN))
			return true;
		if (patterns[i].kind == PATTERN_MACHINE) {
			name_unescape(*ret, ret, buf);
			if (!is_virtual_machine(*ret))
				return true;
		}
	}
	return false;
}

static void container_parse(const char *path, struct cgroup_names *ret)
{
	char buf[UNIT_NAME_MAX];
	struct part p, name;

	while (part_next(&path, &p)) {
		if (container_of_part(p, path, &name, buf)) {
			str_sanitise(ret->container, sizeof(ret->container), name.text, name.n);
			return;
		}
	}
}

/* A uid is a UUID, which a slice's name has with '_' for '-': there '-' begins a level. A static
 * pod has a hash of its manifest in its place. */
static bool pod_uid(struct part p, char ret[static RSTMON_POD_MAX])
{
	static const size_t dashes[] = {8, 13, 18, 23};
	char digits[UUID_DIGITS];
	size_t i, n = 0, dash = 0;

	if (p.n == UUID_DIGITS && part_is_hex(p, UUID_DIGITS)) {
		memcpy(ret, p.text, UUID_DIGITS);
		ret[UUID_DIGITS] = '\0';
		return true;
	}
	if (p.n != UUID_LENGTH)
		return false;
	for (i = 0; i < p.n; i++) {
		if (dash < ARRAY_SIZE(dashes) && i == dashes[dash]) {
			if (p.text[i] != '-' && p.text[i] != '_')
				return false;
			dash++;
		} else {
			digits[n++] = p.text[i];
		}
	}
	if (!part_is_hex((struct part){digits, n}, UUID_DIGITS))
		return false;
	for (i = 0; i < p.n; i++)
		ret[i] = p.text[i] == '_' ? '-' : p.text[i];
	ret[p.n] = '\0';
	return true;
}

/* "...-podUID", the uid 'n' bytes long. */
static bool pod_tail(struct part p, size_t n, char ret[static RSTMON_POD_MAX])
{
	struct part head = {p.text, p.n > n ? p.n - n : 0};

	return part_ends(head, "-pod") && pod_uid((struct part){p.text + head.n, n}, ret);
}

/* "podUID" without systemd, "kubepods-burstable-podUID.slice" with it, whatever the kubelet's
 * --cgroup-root puts before; and both as runc's notation for systemd. */
static bool pod_of_part(struct part p, char ret[static RSTMON_POD_MAX])
{
	const char *colon = memchr(p.text, ':', p.n);
	struct part uid = p;

	if (colon)
		uid.n = colon - p.text;
	if (part_between(uid, "pod", "", &uid))
		return pod_uid(uid, ret);
	if (!part_between(uid, "", ".slice", &uid) || !part_has(uid, KUBELET))
		return false;
	return pod_tail(uid, UUID_LENGTH, ret) || pod_tail(uid, UUID_DIGITS, ret);
}

static void pod_parse(const char *path, struct cgroup_names *ret)
{
	bool kubelet = false;
	struct part p;

	while (part_next(&path, &p)) {
		kubelet |= part_has(p, KUBELET);
		if (kubelet && pod_of_part(p, ret->pod))
			return;
	}
}

void cgroup_parse(const char *path, struct cgroup_names *ret)
{
	memset(ret, 0, sizeof(*ret));
	unit_parse(path, ret);
	container_parse(path, ret);
	pod_parse(path, ret);
}
