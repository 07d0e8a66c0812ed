/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 'rstmon exporter': the daemon's metrics over HTTP. Must not need any privilege but the daemon's
 * group, and says once, not at each scrape, that the daemon does not answer. Proved by
 * tests/unit/cli/exporter.c and tests/pipelines/prometheus.sh.
 */
#include "common/util.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "cli/call.h"
#include "cli/exporter.h"
#include "common/str.h"

struct exporter {
	const struct cli_options *o;
	bool failing;
};

static int text_of(const struct cli_options *o, char **ret_text, struct cli_failure *ret_failure)
{
	struct json_object *value = NULL;
	struct cli_reply reply = {};
	int code = cli_call_quietly(o, "Metrics", NULL, EXPORTER_CALL_S, &reply, ret_failure);

	if (code)
		return code;
	if (json_object_object_get_ex(reply.parameters, "text", &value) &&
	    json_object_is_type(value, json_type_string))
		*ret_text = strdup(json_object_get_string(value));
	if (!*ret_text) {
		code = ret_failure->code = RSTMON_EXIT_FAILED;
		str_copy(ret_failure->sentence, sizeof(ret_failure->sentence),
			 value ? "no memory for the metrics"
			       : "what rstmond answers has no metrics in it");
	}
	cli_reply_done(&reply);
	return code;
}

static int ask(void *userdata, char **ret_text, char *ret_sentence, size_t size)
{
	struct exporter *e = userdata;
	struct cli_failure failure = {};
	int code = text_of(e->o, ret_text, &failure);

	if (code) {
		str_sanitise(ret_sentence, size, failure.sentence, strlen(failure.sentence));
		if (!e->failing)
			fprintf(stderr, "rstmon: %s\n", ret_sentence);
	} else if (e->failing) {
		fputs("rstmon: rstmond answers again\n", stderr);
	}
	e->failing = code;
	return code;
}

static void print_place(const struct cli_options *o, int fd)
{
	char place[64], url[96];

	exporter_listen_text(fd, place, sizeof(place));
	snprintf(url, sizeof(url), "http://%s/metrics", place);
	if (o->json) {
		struct json_object *object = json_object_new_object();

		cli_put_text(object, "listen", place);
		cli_put_text(object, "url", url);
		cli_print_json(object);
		json_object_put(object);
	} else {
		puts(url);
	}
	fflush(stdout);
}

static int cannot_listen(const struct cli_options *o, int r)
{
	const char *advice = "give another place with --listen";
	char sentence[256];

	if (r == -EADDRINUSE)
		advice = "another program, or another exporter, has it; give another port with "
			 "--listen";
	else if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
		advice = "this host has no such address; give one of its own with --listen";
	else if (r == -EACCES || r == -EPERM)
		advice = "ports below 1024 are for root; give a higher one with --listen";
	snprintf(sentence, sizeof(sentence), "cannot listen on %.80s: %s; %s", o->listen,
		 strerror(-r), advice);
	return cli_fail(o, RSTMON_EXIT_FAILED, sentence);
}

/* What can be read once the program is asked to end. */
static int end_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int verb_exporter(const struct cli_options *o)
{
	struct exporter e = {.o = o};
	struct exporter_cache cache = {.ask = ask, .clock = cli_clock, .userdata = &e};
	struct exporter_address address;
	_cleanup_close_ int end = -1, fd = -1;
	char text[256];
	int r;

	if (exporter_listen_parse(o->listen, &address, text, sizeof(text)) < 0)
		return cli_fail(o, RSTMON_EXIT_USAGE, text);
	end = end_signals();
	fd = exporter_listen(&address);
	if (fd < 0)
		return cannot_listen(o, fd);
	print_place(o, fd);
	r = end < 0 ? end : exporter_serve(fd, end, &cache);
	exporter_cache_done(&cache);
	if (r == 0)
		return RSTMON_EXIT_OK;
	snprintf(text, sizeof(text), "cannot serve HTTP: %s; start it again", strerror(-r));
	return cli_fail(o, RSTMON_EXIT_FAILED, text);
}
