/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the command line to a running rstmond: puts together configuration, source and daemon.
 * Proved by tests/golden and tests/check/input.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "common/output.h"
#include "daemon/arguments.h"
#include "daemon/daemon.h"
#include "daemon/privilege.h"
#include "daemon/recording.h"
#include "daemon/object.h"
#include "daemon/outlive.h"
#include "daemon/probe.h"
#include "daemon/source_bpf.h"

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

/* In a file a path is absolute; who types one stands somewhere. */
static int configure_path(struct config *c, const char *key, const char *path,
			  enum config_from from, char *error, size_t size)
{
	_cleanup_free_ char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char absolute[2 * CONFIG_PATH_MAX];

	if (here &&
	    snprintf(absolute, sizeof(absolute), "%s/%s", here, path) < (int)sizeof(absolute))
		path = absolute;
	return config_set(c, "daemon", key, path, from, error, size);
}

/* The file, then the environment, then the command line. */
static int configure(const struct arguments *a, struct config *c, char *error, size_t size)
{
	const char *environment = getenv(RSTMON_SOCKET_ENV);
	int r;

	config_default(c);
	r = config_load(c, a->config, error, size);
	if (!r && environment && environment[0])
		r = configure_path(c, "socket", environment, CONFIG_FROM_ENVIRONMENT, error, size);
	if (!r && a->socket)
		r = configure_path(c, "socket", a->socket, CONFIG_FROM_COMMAND_LINE, error, size);
	if (!r && a->state)
		r = configure_path(c, "state", a->state, CONFIG_FROM_COMMAND_LINE, error, size);
	if (!r && a->log)
		r = config_set(c, "log", "target", a->log, CONFIG_FROM_COMMAND_LINE, error, size);
	return r;
}

static int fail(const char *error)
{
	fprintf(stderr, "rstmond: %s\n", error);
	return EXIT_FAILED;
}

/* A configuration that could be read. */
static int show_config(const struct arguments *a, const struct config *c)
{
	int r = 0;

	if (a->print_config)
		r = config_print(c, stdout);
	else if (printf("rstmond: the configuration is good (files: %u, rules of alerts: %u)\n",
			c->files, c->alerts) < 0 ||
		 fflush(stdout))
		r = -EIO;
	return r ? fail("cannot write to stdout") : EXIT_OK;
}

/* The table is there on failure too: it says how far it went. */
static int probe(enum probe how, const struct source_bpf_options *options)
{
	char error[640] = "";
	struct bpf_probe found;
	int r = source_bpf_probe(options, &found, error, sizeof(error));

	if (how == PROBE_JSON) {
		struct json_object *o = probe_json(&found);

		if (!o)
			return fail("no memory for the answer");
		printf("%s\n", json_object_to_json_string_ext(o, OBJECT_FORMAT));
		json_object_put(o);
	} else {
		probe_text(&found, stdout);
	}
	if (fflush(stdout) || ferror(stdout))
		return fail("cannot write to stdout");
	if (r)
		return fail(error);
	return probe_good(&found) ? EXIT_OK : EXIT_FAILED;
}

/* SIGHUP: the same files, and the same command line over them. */
static int reload(struct config *ret, void *userdata, char *error, size_t size)
{
	return configure(userdata, ret, error, size);
}

static int record_too(const struct arguments *a, struct source **source, char *error, size_t size)
{
	struct source *inner = *source;
	int r;

	r = recorder_new(inner, a->record, source);
	if (!r)
		return 0;
	snprintf(error, size, "%s: cannot record: %s", a->record,
		 r == -ESPIPE ? "no regular file" : strerror(-r));
	source_free(inner);
	return r;
}

static struct source_bpf_options bpf_options(const struct arguments *a, const struct config *c)
{
	return (struct source_bpf_options){
		.ring_kib = c->ring_kib,
		.scan_at_start = c->scan_at_start,
		.packet_evidence = c->packet_evidence,
		.generation = 1,
		.btf = a->btf,
	};
}

static int open_source(const struct arguments *a, struct daemon_options *daemon,
		       struct source **ret, char *error, size_t size)
{
	const struct config *c = &daemon->config;
	const struct source_bpf_options options = bpf_options(a, c);
	struct source *source = NULL;
	int r;

	if (a->replay)
		r = recording_open(a->replay, &source, error, size);
	else
		r = outlive_open(daemon->outlive, c->state, &options, &source, &daemon->state,
				 error, size);
	if (!r && a->record)
		r = record_too(a, &source, error, size);
	if (!r)
		*ret = source;
	return r;
}

static int tell(const struct arguments *a)
{
	if (a->help)
		arguments_help(stdout);
	else
		printf("rstmond %s\n", RSTMON_VERSION);
	return fflush(stdout) || ferror(stdout) ? fail("cannot write to stdout") : EXIT_OK;
}

int main(int argc, char *argv[])
{
	struct outlive outlive = {.store.listen_fd = -1};
	struct daemon_options options = {.outlive = &outlive};
	char error[640] = "";
	struct source *source;
	struct arguments a;
	int r;

	if (arguments_parse(argc, argv, &a, error, sizeof(error))) {
		fprintf(stderr, "rstmond: %s; see rstmond --help\n", error);
		return EXIT_USAGE;
	}
	if (a.print_defaults)
		return config_print_defaults(stdout) ? fail("cannot write to stdout") : EXIT_OK;
	if (a.help || a.version)
		return tell(&a);
	umask(077);
	if (configure(&a, &options.config, error, sizeof(error)))
		return fail(error);
	if (a.check_config || a.print_config)
		return show_config(&a, &options.config);

	/* it lets go of all that it tried: nothing that is kept is touched */
	if (a.probe) {
		const struct source_bpf_options bpf = bpf_options(&a, &options.config);

		return probe(a.probe, &bpf);
	}
	fdstore_open(&outlive.store);
	r = open_source(&a, &options, &source, error, sizeof(error));
	if (r)
		return fail(error);
	options.reload = reload;
	options.reload_userdata = &a;
	options.print = (struct print){
		.format = a.print,
		.fd = output_open(STDOUT_FILENO),
		.wait = a.replay && !a.socket,
	};
	options.serve = !a.replay || a.socket;
	options.replay = a.replay;
	options.record = a.record;
	options.exit_at_end = a.replay && !a.socket;
	r = daemon_run(&options, source, error, sizeof(error));
	outlive_done(&outlive);
	return r ? fail(error) : EXIT_OK;
}
