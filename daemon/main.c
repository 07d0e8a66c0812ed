/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command line of rstmond: puts together configuration, source and daemon. Proved by tests/golden
 * and tests/check/input.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <sys/stat.h>

#include "common/output.h"
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

enum probe {
	PROBE_NO,
	PROBE_TEXT,
	PROBE_JSON,
};

struct arguments {
	const char *config, *socket, *state, *log, *record, *replay, *btf;
	enum print_format print;
	enum probe probe;
	bool check_config, print_config;
};

static const char help[] =
	"rstmond sees every TCP reset that this host sends or receives, and says whose it was.\n"
	"\n"
	"  rstmond [OPTION...]\n"
	"\n"
	"  --socket PATH         listen there (default " RSTMON_SOCKET_PATH ")\n"
	"  --config FILE         read this configuration only\n"
	"  --state DIR           keep state there (default " RSTMON_STATE_PATH ")\n"
	"  --log TARGET          auto, journal, syslog, stderr or none\n"
	"  --print[=text|json]   a line per reset on stdout\n"
	"  --record FILE         also write the raw records to FILE\n"
	"  --replay FILE         take the records from FILE instead of the kernel\n"
	"  --btf FILE            the kernel's types, where /sys/kernel/btf/vmlinux is not to be seen\n"
	"  --probe[=text|json]   show what this kernel allows and what follows from it, then end\n"
	"  --check-config        read the configuration, say what is wrong with it, and end\n"
	"  --print-config        show every option with its value and where it comes from, and end\n"
	"  --version, --help\n"
	"\n"
	"It stays in the foreground and prints \"ready\" when all is attached. See rstmond(8), rstmon(1).\n";

static int usage(const char *sentence, const char *what)
{
	fprintf(stderr, "rstmond: %s%s; see rstmond --help\n", sentence, what);
	return -EINVAL;
}

static int parse_arguments(int argc, char *argv[], struct arguments *ret)
{
	enum {
		SOCKET = 1,
		CONFIG,
		STATE,
		LOG,
		PRINT,
		RECORD,
		REPLAY,
		BTF,
		PROBE,
		CHECK,
		SHOW,
		VERSION,
		HELP
	};
	static const struct option options[] = {
		{"socket", required_argument, NULL, SOCKET},
		{"config", required_argument, NULL, CONFIG},
		{"state", required_argument, NULL, STATE},
		{"log", required_argument, NULL, LOG},
		{"print", optional_argument, NULL, PRINT},
		{"record", required_argument, NULL, RECORD},
		{"replay", required_argument, NULL, REPLAY},
		{"btf", required_argument, NULL, BTF},
		{"probe", optional_argument, NULL, PROBE},
		{"check-config", no_argument, NULL, CHECK},
		{"print-config", no_argument, NULL, SHOW},
		{"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, HELP},
		{},
	};
	struct arguments a = {};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case SOCKET:
			if (!optarg[0])
				return usage("--socket wants a path", "");
			a.socket = optarg;
			break;
		case CONFIG:
			a.config = optarg;
			break;
		case STATE:
			a.state = optarg;
			break;
		case LOG:
			if (sink_target_parse(optarg) < 0)
				return usage("--log is auto, journal, syslog, stderr or none, not ",
					     optarg);
			a.log = optarg;
			break;
		case PRINT:
			r = print_format_parse(optarg ? optarg : "text");
			if (r < 0)
				return usage("--print is text or json, not ", optarg);
			a.print = (enum print_format)r;
			break;
		case RECORD:
			a.record = optarg;
			break;
		case REPLAY:
			a.replay = optarg;
			break;
		case BTF:
			a.btf = optarg;
			break;
		case PROBE:
			if (optarg && strcmp(optarg, "json") && strcmp(optarg, "text"))
				return usage("--probe is text or json, not ", optarg);
			a.probe = optarg && !strcmp(optarg, "json") ? PROBE_JSON : PROBE_TEXT;
			break;
		case CHECK:
			a.check_config = true;
			break;
		case SHOW:
			a.print_config = true;
			break;
		case VERSION:
			printf("rstmond %s\n", RSTMON_VERSION);
			exit(EXIT_OK);
		case HELP:
			fputs(help, stdout);
			exit(EXIT_OK);
		default:
			return usage("unknown option, or one without its value: ",
				     argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage("there are no arguments but options: ", argv[optind]);
	if (a.record && a.replay)
		return usage("--record and --replay exclude each other", "");
	*ret = a;
	return 0;
}

/* In a file a path is absolute; who types one stands somewhere. */
static int configure_path(struct config *c, const char *key, const char *path, char *error,
			  size_t size)
{
	_cleanup_free_ char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char absolute[2 * CONFIG_PATH_MAX];

	if (here &&
	    snprintf(absolute, sizeof(absolute), "%s/%s", here, path) < (int)sizeof(absolute))
		path = absolute;
	return config_set(c, "daemon", key, path, error, size);
}

/* The file, then the environment, then the command line. */
static int configure(const struct arguments *a, struct config *c, char *error, size_t size)
{
	const char *environment = getenv(RSTMON_SOCKET_ENV);
	int r;

	config_default(c);
	r = config_load(c, a->config, error, size);
	if (!r && environment && environment[0])
		r = configure_path(c, "socket", environment, error, size);
	if (!r && a->socket)
		r = configure_path(c, "socket", a->socket, error, size);
	if (!r && a->state)
		r = configure_path(c, "state", a->state, error, size);
	if (!r && a->log)
		r = config_set(c, "log", "target", a->log, error, size);
	return r;
}

static int fail(const char *error)
{
	fprintf(stderr, "rstmond: %s\n", error);
	return EXIT_FAILED;
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

int main(int argc, char *argv[])
{
	struct outlive outlive = {.store.listen_fd = -1};
	struct daemon_options options = {.outlive = &outlive};
	char error[640] = "";
	struct source *source;
	struct arguments a;
	int r;

	if (parse_arguments(argc, argv, &a))
		return EXIT_USAGE;
	umask(077);
	if (configure(&a, &options.config, error, sizeof(error)))
		return fail(error);
	if (a.check_config)
		return EXIT_OK;
	if (a.print_config)
		return config_print(&options.config, stdout) ? fail("cannot write to stdout")
							     : EXIT_OK;

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
