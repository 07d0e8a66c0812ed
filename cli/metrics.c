/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon metrics': the daemon's OpenMetrics text, on stdout or in a file; in a file, and with
 * --classic, in the older format, as the collectors of text files read no other. A reader of the
 * file must never see a half of it. Proved by tests/unit/cli/metrics.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "cli/call.h"
#include "cli/exporter.h"
#include "cli/metrics.h"
#include "common/output.h"

/* A name that lasts through a power cut. Not all file systems can; then it is as good as it gets.
 */
static void sync_directory(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1;

	if (copy)
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		(void)fsync(fd);
}

static int fill(int fd, const char *text, size_t len)
{
	int r = output_write_all(fd, text, len, NULL);

	if (!r && fchmod(fd, 0644) < 0) /* collectors run as somebody else */
		r = -errno;
	if (!r && fsync(fd) < 0)
		r = -errno;
	return r;
}

int cli_write_file(const char *path, const char *text, size_t len)
{
	_cleanup_free_ char *temporary = NULL;
	_cleanup_close_ int fd = -1;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int r;

	if (!*name)
		return -EISDIR;
	/* hidden, and with another ending: collectors read *.prom */
	if (asprintf(&temporary, "%.*s.%s.XXXXXX", (int)(name - path), path, name) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fill(fd, text, len);
	if (!r && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	else
		sync_directory(path);
	return r;
}

static int print(struct json_object *parameters, const struct cli_options *o)
{
	struct json_object *value = NULL;
	_cleanup_free_ char *classic = NULL;
	char sentence[512];
	const char *text;
	int r;

	if (!json_object_object_get_ex(parameters, "text", &value) ||
	    !json_object_is_type(value, json_type_string))
		return cli_call_fail(o, -EBADMSG);
	text = json_object_get_string(value);
	if (o->textfile || o->classic) {
		text = classic = exporter_classic(text);
		if (!text)
			return cli_fail(o, RSTMON_EXIT_FAILED, "no memory for the metrics");
	}
	if (!o->textfile) {
		fputs(text, stdout);
		return RSTMON_EXIT_OK;
	}
	r = cli_write_file(o->textfile, text, strlen(text));
	if (!r)
		return RSTMON_EXIT_OK;
	snprintf(sentence, sizeof(sentence),
		 "cannot write %s: %s; give a file in a directory that you "
		 "may write to",
		 o->textfile, strerror(-r));
	return cli_fail(o, RSTMON_EXIT_FAILED, sentence);
}

int verb_metrics(const struct cli_options *o)
{
	struct cli_reply reply = {};
	int code = cli_call(o, "Metrics", NULL, &reply);

	if (code)
		return code;
	if (o->json && !o->textfile && !o->classic)
		cli_print_json(reply.parameters);
	else
		code = print(reply.parameters, o);
	cli_reply_done(&reply);
	return code;
}
