/* SPDX-License-Identifier: GPL-2.0-only */
/* The whole program but for main(), against a daemon that says what the test wants. */
#include "common/util.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "cli/run.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "common/str.h"

#define HEAD "{\"parameters\":{\"time\":\"2026-11-22T07:31:36.123456Z\",\"direction\":\"sent\""
/* Advice is given for the host that the tests run on. */
#define SYSTEMD (access("/run/systemd/system", F_OK) == 0)

#define TAIL "},\"continues\":true}"

static struct daemon {
	char directory[32], path[64], request[1024];
	int fd;
	const char *answer; /* all that it says, NULs included */
	size_t size;
	bool hang; /* says no more, but stays */
	pthread_t thread;
} daemon_;

static void *serve(void *data)
{
	struct daemon *d = data;
	int fd = accept(d->fd, NULL, NULL);
	size_t have = 0;
	ssize_t n;
	char c;

	if (fd < 0)
		return NULL;
	/* a request ends in NUL; to answer and close before it is whole would reset the client */
	while ((n = recv(fd, d->request + have, sizeof(d->request) - have, 0)) > 0) {
		have += (size_t)n;
		if (!d->request[have - 1] || have == sizeof(d->request))
			break;
	}
	if (n > 0)
		(void)send(fd, d->answer, d->size, MSG_NOSIGNAL);
	while (d->hang && recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
	return NULL;
}

static void start(const char *answer, size_t size, bool hang)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct daemon *d = &daemon_;

	*d = (struct daemon){.directory = "/tmp/rstmon-verbs-XXXXXX",
			     .answer = answer,
			     .size = size,
			     .hang = hang};
	cr_assert_not_null(mkdtemp(d->directory));
	snprintf(d->path, sizeof(d->path), "%.31s/socket", d->directory);
	str_copy(address.sun_path, sizeof(address.sun_path), d->path);
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(d->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(d->fd, 1), 0);
	/* Criterion closes 1 and 2 and takes them anew: no thread may open anything meanwhile */
	cr_redirect_stdout();
	cr_redirect_stderr();
	cr_assert_eq(pthread_create(&d->thread, NULL, serve, d), 0);
	setenv(RSTMON_SOCKET_ENV, d->path, 1);
}

static void stop(void)
{
	pthread_join(daemon_.thread, NULL);
	close(daemon_.fd);
	unlink(daemon_.path);
	rmdir(daemon_.directory);
}

#define START(answer)	       start(answer, sizeof(answer), false)
#define START_AND_HANG(answer) start(answer, sizeof(answer), true)

#define RUN(...)                                                                                   \
	({                                                                                         \
		char *argv_[] = {"rstmon", ##__VA_ARGS__, NULL};                                   \
		cli_run((int)ARRAY_SIZE(argv_) - 1, argv_);                                        \
	})

Test(cli_verbs, the_table_is_whole)
{
	unsigned int n = 0;

	for (const struct cli_verb *v = cli_verbs; v->name; v++, n++) {
		cr_assert_eq(cli_verb_find(v->name), v);
		cr_assert_not_null(v->run);
		cr_assert_not_null(v->arguments);
		cr_assert_str_not_empty(v->help);
		cr_assert_not_null(v->details);
		cr_assert_eq(v->options & CLI_COMMON_OPTIONS, 0);
	}
	cr_assert_eq(n, 11);
	cr_assert_null(cli_verb_find("top"));
}

Test(cli_verbs, check_has_exit_codes_of_its_own)
{
	const struct cli_verb *check = cli_verb_find("check");

	cr_assert_eq(cli_verb_exit(check, RSTMON_EXIT_OK), 0);
	cr_assert_eq(cli_verb_exit(check, RSTMON_EXIT_FAILED), 3);
	cr_assert_eq(cli_verb_exit(check, RSTMON_EXIT_USAGE), 3);
	cr_assert_eq(cli_verb_exit(check, RSTMON_EXIT_NOT_PERMITTED), 3);
	cr_assert_eq(cli_verb_exit(cli_verb_find("list"), RSTMON_EXIT_USAGE), 2);
	cr_assert_eq(cli_verb_exit(NULL, RSTMON_EXIT_USAGE), 2);
}

Test(cli_verbs, list_as_json_is_the_answer)
{
	START("{\"parameters\":{\"rows\":[],\"totals\":{}}}");
	cr_assert_eq(RUN("list", "--json", "--by", "port", "-n", "3", "port", "80"), 0);
	stop();
	cr_assert_stdout_eq_str("{\"rows\":[],\"totals\":{}}\n");
	cr_assert_str_eq(
		daemon_.request,
		"{\"method\":\"io.rstmon.List\",\"parameters\":{\"by\":\"port\",\"limit\":3,"
		"\"filter\":\"port 80\"}}");
}

Test(cli_verbs, last_is_oldest_first)
{
	START("{\"parameters\":{\"resets\":[{\"time\":\"2026-11-22T07:31:37Z\"},"
	      "{\"time\":\"2026-11-22T07:31:36Z\"}]}}");
	cr_assert_eq(RUN("last", "--utc"), 0);
	stop();
	cr_assert(strstr(daemon_.request, "\"limit\":20"));
	cr_assert_stdout_eq_str(
		"2026-11-22 07:31:36.000Z            -                       ? -> ?  port "
		"0  unknown\n2026-11-22 07:31:37.000Z            -                       "
		"? -> ?  port 0  unknown\n");
}

static char *nothing(const char *json, const char *filter)
{
	struct cli_options o = {.utc = true, .now = 1795332696ULL * NSEC_PER_SEC};
	struct json_object *parameters = json_tokener_parse(json);
	char *text;

	str_copy(o.filter, sizeof(o.filter), filter);
	text = cli_last_nothing(parameters, &o);
	json_object_put(parameters);
	cr_assert_not_null(text);
	return text;
}

Test(cli_verbs, last_tells_what_nothing_means)
{
	_cleanup_free_ char *none = nothing("{\"kept\":0}", "port 80");
	_cleanup_free_ char *some =
		nothing("{\"kept\":8192,\"oldest\":\"2026-11-22T07:30:00.5Z\"}", "port 80");
	_cleanup_free_ char *older = nothing("{}", "port 80");
	_cleanup_free_ char *older_all = nothing("{\"kept\":\"x\"}", "");

	cr_assert_str_eq(none, "No resets so far.");
	cr_assert_str_eq(some, "No reset matches among the 8192 kept, the oldest of 07:30:00Z; "
			       "'rstmon list' has the counts");
	cr_assert_str_eq(older, "No reset matches.");
	cr_assert_str_eq(older_all, "No resets so far.");
}

Test(cli_verbs, last_by_program_wants_all)
{
	START("{\"parameters\":{\"resets\":[]}}");
	cr_assert_eq(RUN("last", "--json"), 0);
	stop();
	cr_assert(strstr(daemon_.request, "\"limit\":0"));
}

Test(cli_verbs, watch_ends_with_its_count)
{
	START_AND_HANG(HEAD TAIL "\0" HEAD TAIL "\0" HEAD TAIL);
	cr_assert_eq(RUN("watch", "--json", "--count", "2", "--last", "5"), 0);
	stop();
	cr_assert(strstr(daemon_.request, "\"last\":5"));
	cr_assert(strstr(daemon_.request, "\"more\":true"));
	cr_assert_stdout_eq_str(
		"{\"time\":\"2026-11-22T07:31:36.123456Z\",\"direction\":\"sent\"}\n"
		"{\"time\":\"2026-11-22T07:31:36.123456Z\",\"direction\":\"sent\"}\n");
}

Test(cli_verbs, watch_ends_with_its_time)
{
	START_AND_HANG("{\"parameters\":{},\"continues\":true}");
	cr_assert_eq(RUN("watch", "--timeout", "1ms"), 0);
	stop();
	cr_assert_stdout_eq_str("");
	cr_assert_stderr_eq_str("");
}

Test(cli_verbs, watch_tells_what_was_left_out)
{
	START_AND_HANG(HEAD ",\"dropped\":7" TAIL);
	cr_assert_eq(RUN("watch", "--count", "1"), 0);
	stop();
	fflush(stderr);
	cr_assert_stderr_eq_str(
		"rstmon: 7 lines were left out, this output is too slow for them\n");
}

Test(cli_verbs, a_daemon_that_goes_away)
{
	START(HEAD TAIL);
	cr_assert_eq(RUN("watch", "--json"), 1);
	stop();
	fflush(stderr);
	cr_assert_stderr_eq_str(
		SYSTEMD ? "rstmon: rstmond closed the connection: see 'systemctl status rstmond'\n"
			: "rstmon: rstmond closed the connection: see what rstmond wrote where it "
			  "runs\n");
}

Test(cli_verbs, check_is_one_line)
{
	START("{\"parameters\":{\"rows\":[{\"count\":1000000}]}}");
	cr_assert_eq(RUN("check", "-w", "1/min", "-c", "2/min", "--json"), 2);
	stop();
	cr_assert(strstr(daemon_.request, "\"since\":\"20"));
}

Test(cli_verbs, a_refusal_is_told)
{
	START("{\"error\":\"io.rstmon.BadFilter\",\"parameters\":{\"message\":\"No.\"}}");
	cr_assert_eq(RUN("list"), 2);
	stop();
	fflush(stderr);
	cr_assert_stdout_eq_str("");
	cr_assert_stderr_eq_str("rstmon: rstmond refuses: No; see 'rstmon help list'\n");
}

Test(cli_verbs, no_daemon, .init = cr_redirect_stderr)
{
	cr_assert_eq(RUN("list", "--socket", "/nonexistent/socket"), 3);
	cr_assert_eq(RUN("watch", "--socket", "/nonexistent/socket"), 3);
}

Test(cli_verbs, no_daemon_is_unknown)
{
	cr_redirect_stdout();
	cr_redirect_stderr();
	cr_assert_eq(RUN("check", "-w", "1/min", "--socket", "/nonexistent/socket"), 3);
	fflush(stdout);
	cr_assert_stdout_eq_str(
		SYSTEMD ? "RSTMON UNKNOWN - rstmond is not running, there is no socket "
			  "/nonexistent/socket: start it with 'systemctl start rstmond', or name "
			  "its socket with --socket\n"
			: "RSTMON UNKNOWN - rstmond is not running, there is no socket "
			  "/nonexistent/socket: start rstmond as root, or run 'sudo make run' in "
			  "its source, or name its socket with --socket\n");
}

Test(cli_verbs, version_and_help_need_no_daemon)
{
	cr_redirect_stdout();
	cr_assert_eq(RUN("version"), 0);
	cr_assert_eq(RUN("version", "--json"), 0);
	fflush(stdout);
	cr_assert_stdout_eq_str("rstmon " RSTMON_VERSION "\n{\"version\":\"" RSTMON_VERSION
				"\"}\n");
}

Test(cli_verbs, help_names_every_field_of_a_filter)
{
	const char *of_resets = cli_verb_find("last")->details;

	for (unsigned int i = 0; i < FILTER_FIELD_MAX; i++)
		cr_expect(strstr(of_resets, filter_field_name(i)), "%s", filter_field_name(i));
	cr_expect(strstr(of_resets, "(listener)"));
	cr_expect(strstr(cli_verb_find("watch")->details, "unacked_bytes"));
}

Test(cli_verbs, check_by_program_is_one_object)
{
	struct json_object *o;
	char text[512] = "";

	cr_redirect_stdout();
	cr_redirect_stderr();
	cr_assert_eq(RUN("check", "--json", "-w", "1/min", "--socket", "/nonexistent/s\"t"), 3);
	fflush(stdout);
	cr_assert_gt(fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout()), 0);
	o = json_tokener_parse(text);
	cr_assert_str_eq(json_object_get_string(json_object_object_get(o, "status")), "UNKNOWN");
	cr_assert(strstr(json_object_get_string(json_object_object_get(o, "message")),
			 "rstmond is not running"));
	cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "one line");
	json_object_put(o);
}

Test(cli_verbs, check_by_program_tells_mistakes_so_too)
{
	cr_redirect_stdout();
	cr_redirect_stderr();
	cr_assert_eq(RUN("check", "--bogus", "--json"), 3);
	fflush(stdout);
	cr_assert_stdout_eq_str("{\"status\":\"UNKNOWN\",\"message\":\"there is no option "
				"'--bogus'; see 'rstmon help check'\"}\n");
}
