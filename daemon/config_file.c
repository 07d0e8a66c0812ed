/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration from files: the reader under libinih, the order of the files. Debian's libinih
 * hands no line number to its handler and splits a long line into two, so the reader counts the
 * lines and refuses what would not fit. Must not know single options. Proved by
 * tests/unit/daemon/config.c and config_files.c.
 */
#include "common/util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "common/str.h"
#include "daemon/config_internal.h"
#include "rstmon/interface.h"

#define CONFIG_NAME "rstmond.conf"

#define DROPIN_NAME_MAX 128

/* systemd's order: each hides what those behind it have under the same name */
static const char *const directories[] = {"/etc/rstmon", "/run/rstmon", "/usr/local/lib/rstmon",
					  "/usr/lib/rstmon"};

struct reading {
	FILE *file;
	const char *path;
	struct config *config;
	struct config_origin origin; /* but for the line */
	struct config_block block;
	unsigned int line;
	size_t bytes;
	int r; /* the first error; 'error' has its sentence */
	char *error;
	size_t error_size;
};

static int _printf_(3, 4) fail(struct reading *f, int r, const char *format, ...)
{
	char text[384], path[CONFIG_PATH_MAX];
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(text, sizeof(text), format, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	str_sanitise(path, sizeof(path), f->path, strlen(f->path));
	if (f->line > 0)
		snprintf(f->error, f->error_size, "%s:%u: %s", path, f->line, text);
	else
		snprintf(f->error, f->error_size, "%s: %s", path, text);
	f->r = r;
	return r;
}

static struct config_origin here(const struct reading *f)
{
	struct config_origin origin = f->origin;

	origin.line = f->line;
	return origin;
}

static int end_block(struct reading *f)
{
	unsigned int line = f->line;
	char error[384];
	int r = config_alert_end(f->config, &f->block, &line, error, sizeof(error));

	if (r < 0) {
		f->line = line;
		fail(f, r, "%s", error);
	}
	return r;
}

/* A section without options would never reach the handler, its misspelt name would pass. */
static int begin_section(struct reading *f, const char *line)
{
	const char *end = strchr(line, ']');
	char name[64], shown[64], error[384];
	size_t n;
	int r;

	if (!end)
		return fail(f, -EINVAL, "a section's name wants a ']' at its end");
	if (!strchr("\n\r;#", end[1 + strspn(end + 1, " \t")]))
		return fail(f, -EINVAL, "text after a section's name"); /* libinih skips it */
	n = MIN((size_t)(end - line - 1), sizeof(name) - 1);
	memcpy(name, line + 1, n);
	name[n] = '\0';
	r = end_block(f);
	if (r < 0 || config_has_section(name))
		return r;
	if (config_is_alert(name)) {
		r = config_alert_begin(f->config, &f->block, name, here(f), error, sizeof(error));
		return r < 0 ? fail(f, r, "%s", error) : 0;
	}
	if (!strcmp(name, "alert"))
		return fail(f, -EINVAL, "a rule of alerts has a name: [alert NAME]");
	str_sanitise(shown, sizeof(shown), name, n);
	return fail(f, -EINVAL, "unknown section [%s]; rstmond --print-config lists all", shown);
}

/* Nothing but a filter goes over several lines. */
static int line_too_long(struct reading *f, const char *line, int max)
{
	bool filter = f->block.rule >= 0 && !strncmp(line, "filter", strlen("filter"));

	return fail(f, -EINVAL, "the line is longer than %d bytes; %s", max,
		    filter ? "a filter goes on in another 'filter =' line below it"
			   : "no value is that long, so shorten it");
}

/* One line for libinih, without the blanks at its start: they would make it a continuation of the
 * line before. NULL: the end, or an error. */
static char *read_line(char *dst, int size, void *userdata)
{
	struct reading *f = userdata;
	const char *section;
	int n = 0, c;

	if (f->r < 0)
		return NULL;

	f->line++;
	while ((c = getc_unlocked(f->file)) != EOF) {
		if (++f->bytes > CONFIG_FILE_MAX) {
			fail(f, -EFBIG, "the file is larger than %d bytes", CONFIG_FILE_MAX);
			return NULL;
		}
		if (c == '\0') {
			fail(f, -EINVAL, "a zero byte; this is no text");
			return NULL;
		}
		if (n == 0 && (c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'))
			continue;
		if (c == '\n')
			break;
		if (n > 0 && (dst[0] == '#' || dst[0] == ';'))
			continue; /* a comment may be of any length */
		if (n >= size - 2) {
			line_too_long(f, dst, size - 2);
			return NULL;
		}
		dst[n++] = (char)c;
	}
	if (ferror(f->file)) {
		fail(f, -EIO, "cannot be read");
		return NULL;
	}
	if (c == EOF && n == 0)
		return NULL;
	dst[n++] = '\n';
	dst[n] = '\0';
	section = f->line == 1 && !strncmp(dst, "\xef\xbb\xbf", 3) ? dst + 3 : dst; /* a BOM */
	if (*section == '[' && begin_section(f, section) < 0)
		return NULL;
	return dst;
}

static int handle(void *userdata, const char *section, const char *name, const char *value)
{
	struct reading *f = userdata;
	char error[384];
	int r;

	if (f->r < 0)
		return 0;
	if (!*section) {
		fail(f, -EINVAL, "an option before the first [section]");
		return 0;
	}
	if (f->block.rule >= 0)
		r = config_alert_assign(f->config, &f->block, name, value, here(f), error,
					sizeof(error));
	else
		r = config_assign(f->config, section, name, value, here(f), error, sizeof(error));
	if (r < 0)
		fail(f, r, "%s", error);
	return f->r == 0;
}

static int load_stream(struct config *c, FILE *file, const char *path, char *error,
		       size_t error_size)
{
	struct reading f = {.file = file,
			    .path = path,
			    .config = c,
			    .block.rule = -1,
			    .error = error,
			    .error_size = error_size};
	int line;

	if (config_origin_file(c, path, &f.origin) < 0)
		return fail(&f, -E2BIG, "more than %d files", CONFIG_FILES_MAX);
	line = ini_parse_stream(read_line, &f, handle, &f);
	if (f.r < 0)
		return f.r;
	if (line > 0) {
		f.line = (unsigned int)line;
		return fail(&f, -EINVAL, "neither [section] nor option = value");
	}
	return line < 0 ? -ENOMEM : end_block(&f);
}

static int load_file(struct config *c, const char *path, char *error, size_t error_size)
{
	struct reading f = {.path = path, .error = error, .error_size = error_size};
	_cleanup_fclose_ FILE *file = NULL;
	int r;

	file = fopen(path, "re");
	if (!file) {
		r = -errno;
		return fail(&f, r, "cannot be opened: %s", strerror(-r));
	}
	return load_stream(c, file, path, error, error_size);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct dropins {
	unsigned int n;
	char name[CONFIG_DROPINS_MAX][DROPIN_NAME_MAX];
};

static int add_names(struct dropins *d, const char *directory, char *error, size_t error_size)
{
	struct reading f = {.path = directory, .error = error, .error_size = error_size};
	struct dirent *entry;
	unsigned int before = d->n;
	DIR *dir;
	int r = 0;

	dir = opendir(directory);
	if (!dir) {
		if (errno == ENOENT)
			return 0;
		r = -errno;
		return fail(&f, r, "cannot be opened: %s", strerror(-r));
	}
	while (r == 0 && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);
		unsigned int i;

		if (n <= 5 || strcmp(entry->d_name + n - 5, ".conf") || entry->d_name[0] == '.')
			continue;
		for (i = 0; i < before; i++)
			if (!strcmp(d->name[i], entry->d_name))
				break;
		if (i < before)
			continue;
		if (d->n == CONFIG_DROPINS_MAX)
			r = fail(&f, -E2BIG, "more than %d drop-ins", CONFIG_DROPINS_MAX);
		else if (!str_copy(d->name[d->n], DROPIN_NAME_MAX, entry->d_name))
			r = fail(&f, -ENAMETOOLONG, "a drop-in's name is longer than %d bytes",
				 DROPIN_NAME_MAX - 1);
		else
			d->n++;
	}
	closedir(dir);
	return r;
}

static int load_dropins(struct config *c, const char *root, char *error, size_t error_size)
{
	_cleanup_free_ struct dropins *d = calloc(1, sizeof(*d));
	char path[CONFIG_PATH_MAX + DROPIN_NAME_MAX];
	int r;

	if (!d)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, sizeof(path), "%s%s/" CONFIG_NAME ".d", root, directories[i]);
		r = add_names(d, path, error, error_size);
		if (r < 0)
			return r;
	}
	qsort(d->name, d->n, sizeof(d->name[0]), by_name);

	for (unsigned int k = 0; k < d->n; k++)
		for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
			snprintf(path, sizeof(path), "%s%s/" CONFIG_NAME ".d/%s", root,
				 directories[i], d->name[k]);
			if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			r = load_file(c, path, error, error_size);
			if (r < 0)
				return r;
			break;
		}
	return 0;
}

static int load_standard(struct config *c, const char *root, char *error, size_t error_size)
{
	char path[CONFIG_PATH_MAX];
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		snprintf(path, sizeof(path), "%s%s/" CONFIG_NAME, root, directories[i]);
		if (access(path, F_OK) < 0 && errno == ENOENT)
			continue;
		r = load_file(c, path, error, error_size);
		if (r < 0)
			return r;
		break;
	}
	return load_dropins(c, root, error, error_size);
}

/* What only the whole of the files can be wrong about. */
static int finish(struct config *c, char *error, size_t error_size)
{
	struct config_origin place = {};
	char text[384];
	int r = config_alert_finish(c, &place, text, sizeof(text));

	if (r < 0) {
		struct reading f = {.path = c->file[place.file],
				    .line = place.line,
				    .error = error,
				    .error_size = error_size};

		fail(&f, r, "%s", text);
	}
	return r;
}

static int load(struct config *c, const char *root, const char *path, char *error,
		size_t error_size)
{
	_cleanup_free_ struct config *copy = malloc(sizeof(*copy));
	int r;

	if (error_size > 0)
		error[0] = '\0';
	if (!copy) {
		snprintf(error, error_size, "no memory for the configuration");
		return -ENOMEM;
	}
	memcpy(copy, c, sizeof(*copy));
	r = path ? load_file(copy, path, error, error_size)
		 : load_standard(copy, root, error, error_size);
	if (!r)
		r = finish(copy, error, error_size);
	if (!r)
		memcpy(c, copy, sizeof(*c));
	return r;
}

int config_load_below(struct config *c, const char *root, char *error, size_t error_size)
{
	return load(c, root, NULL, error, error_size);
}

int config_load(struct config *c, const char *path, char *error, size_t error_size)
{
	return load(c, "", path, error, error_size);
}
