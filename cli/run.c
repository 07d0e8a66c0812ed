/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From argv to an exit code. The only place of the CLI that reads the calendar's clock, and where
 * it is found out whether all that was printed arrived. Proved by tests/unit/cli/verbs.c.
 */
#include "common/util.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <time.h>

#include "cli/run.h"
#include "cli/verbs.h"

/* Sockets must not become somebody's stdout; what is written there fails as it should. */
static void fill_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return;
}

static uint64_t calendar(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* Whoever closed the pipe does not want to hear of it; a full disk is an error. */
static int finish(const struct cli_verb *verb, int code)
{
	char sentence[128];
	bool failed = ferror(stdout);
	int error = errno;

	if (fflush(stdout) != 0) {
		failed = true;
		error = errno;
	}
	if (!failed || error == EPIPE)
		return code;
	snprintf(sentence, sizeof(sentence),
		 "cannot write to standard output: %s; see where it goes", strerror(error));
	fprintf(stderr, "rstmon: %s\n", sentence);
	return cli_verb_exit(verb, RSTMON_EXIT_FAILED);
}

int cli_run(int argc, char **argv)
{
	struct cli_options o;
	char error[1024] = "";
	int code;

	fill_standard_descriptors();
	/* how wide characters are; where nothing is set, text is UTF-8 all the same */
	if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	if (cli_options_parse(argc, argv, calendar(), &o, error, sizeof(error)) < 0)
		code = cli_fail(&o, RSTMON_EXIT_USAGE, error);
	else
		code = o.verb->run(&o);
	return finish(o.verb, code);
}
