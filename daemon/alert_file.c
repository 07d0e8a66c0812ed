/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Active alerts as a file. Must not believe what it reads: each value has its type and its bounds,
 * or the whole is set aside. Proved by tests/unit/daemon/alert_file.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "common/output.h"
#include "common/str.h"
#include "common/words.h"
#include "daemon/alert_file.h"
#include "daemon/aside.h"
#include "daemon/object.h"

#define NEW    ALERT_FILE_NAME ".new"
#define FORMAT 1
#define DEPTH  5

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- out ---- */

static void put_u64(struct object *o, const char *key, uint64_t value)
{
	object_put_int(o, key, (int64_t)MIN(value, (uint64_t)INT64_MAX));
}

static struct json_object *key_json(const struct alert_key *k)
{
	struct object o = object_start();

	object_put_text(&o, "unit", k->unit);
	object_put_text(&o, "comm", k->comm);
	object_put_text(&o, "container", k->container);
	put_u64(&o, "start", k->start);
	put_u64(&o, "pid", k->pid);
	put_u64(&o, "netns", k->netns);
	put_u64(&o, "port", k->port);
	put_u64(&o, "role", k->role);
	put_u64(&o, "direction", k->direction);
	object_put_text(&o, "cause", cause_name(k->cause));
	put_u64(&o, "other_ports", k->other_ports);
	put_u64(&o, "rest", k->rest);
	return object_finish(&o);
}

static struct json_object *kept_json(const struct alert_kept *k)
{
	const struct alert *a = &k->alert;
	struct object o = object_start();

	object_put_text(&o, "alert", a->name);
	put_u64(&o, "by", a->by);
	put_u64(&o, "severity", (uint64_t)a->severity);
	put_u64(&o, "window_ns", a->window_ns);
	put_u64(&o, "id", a->id);
	put_u64(&o, "since", a->since);
	put_u64(&o, "count", a->count);
	put_u64(&o, "peak", a->peak);
	put_u64(&o, "rows", k->rows);
	object_put(&o, "key", key_json(&a->key));
	object_put(&o, "shown", key_json(&a->shown));
	return object_finish(&o);
}

static int write_new(int dir, const struct alert_kept *kept, size_t n)
{
	_cleanup_close_ int fd = openat(dir, NEW,
					O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK |
						O_NOCTTY | O_CLOEXEC,
					0600);
	struct json_object *array = json_object_new_array(), *json;
	struct object o = object_start();
	const char *text;
	size_t length;
	int r = -ENOMEM;

	if (fd < 0)
		r = -errno;
	object_put_int(&o, "format", FORMAT);
	for (size_t i = 0; i < n; i++)
		object_append(&o, array, kept_json(&kept[i]));
	object_put(&o, "alerts", array);
	json = object_finish(&o);
	text = json ? json_object_to_json_string_length(json, OBJECT_FORMAT, &length) : NULL;
	if (text && fd >= 0)
		r = output_write_all(fd, text, length, NULL);
	json_object_put(json);
	return r;
}

/* ---- in ---- */

static bool get_u64(struct json_object *o, const char *key, uint64_t max, uint64_t *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
	    (uint64_t)json_object_get_int64(value) > max)
		return false;
	*ret = (uint64_t)json_object_get_int64(value);
	return true;
}

/* As the daemon writes it: whole, and harmless. */
static bool get_text(struct json_object *o, const char *key, char *dst, size_t size)
{
	struct json_object *value;
	const char *text;
	size_t n;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return false;
	text = json_object_get_string(value);
	n = (size_t)json_object_get_string_len(value);
	memset(dst, 0, size);
	return n < size && str_sanitise(dst, size, text, n) == n && !strcmp(dst, text);
}

static bool get_name(struct json_object *o, const char *key, char *dst, size_t size)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

	return get_text(o, key, dst, size) && dst[0] && dst[strspn(dst, allowed)] == '\0';
}

static bool get_key(struct json_object *o, const char *name, struct alert_key *ret)
{
	uint64_t start, pid, netns, port, role, direction, other_ports, rest;
	struct json_object *k;
	char cause[48];
	int number;

	memset(ret, 0, sizeof(*ret));
	if (!json_object_object_get_ex(o, name, &k) || !json_object_is_type(k, json_type_object) ||
	    !get_text(k, "unit", ret->unit, sizeof(ret->unit)) ||
	    !get_text(k, "comm", ret->comm, sizeof(ret->comm)) ||
	    !get_text(k, "container", ret->container, sizeof(ret->container)) ||
	    !get_u64(k, "start", INT64_MAX, &start) || !get_u64(k, "pid", UINT32_MAX, &pid) ||
	    !get_u64(k, "netns", UINT32_MAX, &netns) || !get_u64(k, "port", UINT16_MAX, &port) ||
	    !get_u64(k, "role", ALERT_MIXED, &role) ||
	    !get_u64(k, "direction", ALERT_MIXED, &direction) ||
	    !get_text(k, "cause", cause, sizeof(cause)) ||
	    !get_u64(k, "other_ports", 1, &other_ports) || !get_u64(k, "rest", 1, &rest))
		return false;
	number = cause_parse(cause);
	if (number < 0)
		number = RST_CAUSE_UNKNOWN; /* of a newer daemon: that it is over is told all the
					       same */
	if ((role >= RST_ROLE_MAX && role != ALERT_MIXED) ||
	    (direction >= RST_DIRECTION_MAX && direction != ALERT_MIXED))
		return false;
	ret->start = start;
	ret->pid = (uint32_t)pid;
	ret->netns = (uint32_t)netns;
	ret->port = (uint16_t)port;
	ret->role = (uint8_t)role;
	ret->direction = (uint8_t)direction;
	ret->cause = (uint8_t)number;
	ret->other_ports = (uint8_t)other_ports;
	ret->rest = (uint8_t)rest;
	return true;
}

static bool get_kept(struct json_object *o, struct alert_kept *ret)
{
	struct alert *a = &ret->alert;
	uint64_t by, severity;

	memset(ret, 0, sizeof(*ret));
	if (!json_object_is_type(o, json_type_object) ||
	    !get_name(o, "alert", a->name, sizeof(a->name)) ||
	    !get_u64(o, "by", ALERT_BY_MAX - 1, &by) || !get_u64(o, "severity", 7, &severity) ||
	    !get_u64(o, "window_ns", 86400 * NSEC_PER_SEC, &a->window_ns) ||
	    !get_u64(o, "id", INT64_MAX / 2, &a->id) ||
	    !get_u64(o, "since", INT64_MAX, &a->since) ||
	    !get_u64(o, "count", INT64_MAX, &a->count) ||
	    !get_u64(o, "peak", INT64_MAX, &a->peak) || !get_u64(o, "rows", INT64_MAX, &ret->rows))
		return false;
	a->by = (enum alert_by)by;
	a->severity = (int)severity;
	a->told = true;
	return a->window_ns && get_key(o, "key", &a->key) && get_key(o, "shown", &a->shown);
}

static int parse(const char *text, size_t n, struct alert_kept *ret, size_t max, size_t *ret_n,
		 const char **ret_why)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH);
	struct json_object *root = NULL, *array;
	uint64_t format;
	int r = -EBADMSG;

	*ret_why = "holds what cannot be";
	if (!tokener)
		return -ENOMEM;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	root = json_tokener_parse_ex(tokener, text, (int)n);
	if (!root || json_tokener_get_parse_end(tokener) != n ||
	    !json_object_is_type(root, json_type_object) ||
	    !get_u64(root, "format", INT64_MAX, &format))
		goto out;
	if (format != FORMAT) {
		*ret_why = "is of another version";
		r = -EPROTO;
		goto out;
	}
	if (!json_object_object_get_ex(root, "alerts", &array) ||
	    !json_object_is_type(array, json_type_array) || json_object_array_length(array) > max)
		goto out;
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (!get_kept(json_object_array_get_idx(array, i), &ret[i]))
			goto out;
	*ret_n = json_object_array_length(array);
	r = 0;
out:
	json_object_put(root);
	json_tokener_free(tokener);
	return r;
}

static int read_all(int fd, char *text, size_t size, size_t *ret_n)
{
	size_t n = 0;

	for (;;) {
		ssize_t got = read(fd, text + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (!got || n == size)
			break;
	}
	*ret_n = n;
	return 0;
}

/* -ENOENT: there is none. */
static int read_file(int dir, struct alert_kept *ret, size_t max, size_t *ret_n,
		     const char **ret_why)
{
	_cleanup_close_ int fd = openat(dir, ALERT_FILE_NAME,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t n = 0;
	int r;

	*ret_why = NULL;
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		*ret_why = "is no regular file";
		return -EPROTO;
	}
	if (st.st_size > ALERT_FILE_MAX) {
		*ret_why = "is too large";
		return -EBADMSG;
	}
	text = malloc(ALERT_FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	r = read_all(fd, text, ALERT_FILE_MAX + 1, &n);
	if (!r)
		r = parse(text, n, ret, max, ret_n, ret_why);
	return r;
}

/* ---- the file ---- */

/* What is there may only be replaced if it is one of ours. */
static int make_way(int dir)
{
	_cleanup_free_ struct alert_kept *kept = calloc(RSTMON_ALERTS_TOLD_MAX, sizeof(*kept));
	char name[64];
	const char *why;
	size_t n;
	int r;

	if (!kept)
		return -ENOMEM;
	r = read_file(dir, kept, RSTMON_ALERTS_TOLD_MAX, &n, &why);
	if (!r || r == -ENOENT || r == -ENOMEM)
		return r == -ENOENT ? 0 : r;
	return aside_move(dir, ALERT_FILE_NAME, r, name, sizeof(name));
}

int alert_file_write(const char *dir_path, const struct alert_kept *kept, size_t n)
{
	_cleanup_close_ int dir = open_dir(dir_path);
	int r;

	if (dir < 0)
		return !n && dir == -ENOENT ? 0 : dir;
	if (flock(dir, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return -EWOULDBLOCK;
	r = n ? write_new(dir, kept, n) : 0;
	if (!r)
		r = make_way(dir);
	if (!r && n && renameat(dir, NEW, dir, ALERT_FILE_NAME))
		r = -errno;
	if (!r && !n && unlinkat(dir, ALERT_FILE_NAME, 0) && errno != ENOENT)
		r = -errno;
	if (r && n)
		unlinkat(dir, NEW, 0);
	/* Not synced: a disk that is busy would hold up the loop, and what a machine loses with its
	 * power is a line that something is over. */
	return r;
}

int alert_file_read(const char *dir_path, struct alert_kept *ret, size_t max, size_t *ret_n,
		    char *sentence, size_t size)
{
	_cleanup_close_ int dir = open_dir(dir_path);
	const char *why = NULL;
	char name[64];
	int r, moved;

	*ret_n = 0;
	snprintf(sentence, size, "%s", "");
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir; /* the checkpoint's reader has told */
	r = read_file(dir, ret, max, ret_n, &why);
	if (!r || r == -ENOENT)
		return 0;
	*ret_n = 0;
	moved = aside_move(dir, ALERT_FILE_NAME, r, name, sizeof(name));
	aside_say(dir_path, ALERT_FILE_NAME, r, why, moved, name,
		  "the alerts that were active are not known", sentence, size);
	return r;
}
