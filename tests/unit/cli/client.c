/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "cli/client.h"

#define SOON (cli_clock() + 20 * NSEC_PER_SEC) /* for what happens at once */

struct pair {
	struct cli_client *client;
	int server;
};

static struct pair pair_new(void)
{
	struct pair p;
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	cr_assert_eq(cli_client_new(fds[0], &p.client), 0);
	p.server = fds[1];
	return p;
}

static void pair_done(struct pair *p)
{
	cli_client_free(p->client);
	if (p->server >= 0)
		close(p->server);
}

/* Whole messages: the NUL at their end is sent too. */
#define SERVE(p, text) cr_assert_eq(send((p)->server, text, sizeof(text), 0), (ssize_t)sizeof(text))

static int receive(struct pair *p, struct cli_reply *ret)
{
	*ret = (struct cli_reply){};
	return cli_client_receive(p->client, SOON, ret);
}

static int receive_and_drop(struct pair *p)
{
	struct cli_reply reply;
	int r = receive(p, &reply);

	cli_reply_done(&reply);
	return r;
}

Test(cli_client, calls_are_json_with_a_nul)
{
	struct json_object *parameters = json_tokener_parse("{\"filter\":\"port 80/\"}");
	struct pair p = pair_new();
	char text[256] = "";

	cr_assert_eq(cli_client_send(p.client, "io.rstmon.Watch", parameters, true, SOON), 0);
	cr_assert_gt(recv(p.server, text, sizeof(text) - 1, 0), 0);
	cr_assert_str_eq(text, "{\"method\":\"io.rstmon.Watch\",\"parameters\":{\"filter\":"
			       "\"port 80/\"},\"more\":true}");
	json_object_put(parameters);
	pair_done(&p);
}

Test(cli_client, replies_with_and_without_parameters)
{
	struct pair p = pair_new();
	struct cli_reply reply;

	SERVE(&p, "{\"parameters\":{\"n\":1},\"continues\":true}");
	SERVE(&p, "{}");
	SERVE(&p, "{\"error\":\"io.rstmon.BadFilter\",\"parameters\":{\"message\":\"m\"}}");

	cr_assert_eq(receive(&p, &reply), 0);
	cr_assert(reply.continues);
	cr_assert_null(reply.error);
	cr_assert(json_object_object_get_ex(reply.parameters, "n", NULL));
	cli_reply_done(&reply);

	cr_assert_eq(receive(&p, &reply), 0);
	cr_assert_not(reply.continues);
	cr_assert_eq(json_object_object_length(reply.parameters), 0);
	cli_reply_done(&reply);

	cr_assert_eq(receive(&p, &reply), 0);
	cr_assert_str_eq(reply.error, "io.rstmon.BadFilter");
	cli_reply_done(&reply);
	pair_done(&p);
}

Test(cli_client, messages_in_pieces_and_in_one)
{
	static const char text[] = "{\"parameters\":{}}";
	struct pair p = pair_new();
	struct cli_reply reply = {};

	for (size_t i = 0; i < sizeof(text); i++) {
		cr_assert_eq(cli_client_receive(p.client, 1, &reply), -ETIMEDOUT, "byte %zu", i);
		cr_assert_eq(send(p.server, text + i, 1, 0), 1);
	}
	cr_assert_eq(receive_and_drop(&p), 0);
	cr_assert_eq(send(p.server, "{}\0{}\0{}", 9, 0), 9);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(receive_and_drop(&p), 0);
	cr_assert_eq(cli_client_receive(p.client, 1, &reply), -ETIMEDOUT);
	pair_done(&p);
}

Test(cli_client, a_daemon_that_vanishes)
{
	struct pair p = pair_new();

	SERVE(&p, "{}");
	cr_assert_eq(send(p.server, "{\"para", 6, 0), 6);
	close(p.server);
	p.server = -1;
	cr_assert_eq(receive_and_drop(&p), 0, "what was whole is still there");
	cr_assert_eq(receive_and_drop(&p), -ECONNRESET);
	cr_assert_eq(cli_client_send(p.client, "x", NULL, false, SOON), -EPIPE);
	pair_done(&p);
}

Test(cli_client, what_is_no_reply)
{
	static const struct {
		const char *data;
		size_t size;
	} bad[] = {
#define BAD(text) {text, sizeof(text)}
		BAD(""),
		BAD("[]"),
		BAD("1"),
		BAD("null"),
		BAD("{\"parameters\":[]}"),
		BAD("{\"parameters\":\"x\"}"),
		BAD("{\"error\":5}"),
		BAD("{} {}"),
		BAD("{"),
		BAD("{\"a\":\"\xff\"}"),
		BAD("HTTP/1.1 400 Bad Request\r\n\r\n"),
		BAD("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["),
#undef BAD
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct pair p = pair_new();

		cr_assert_eq(send(p.server, bad[i].data, bad[i].size, 0), (ssize_t)bad[i].size);
		cr_assert_eq(receive_and_drop(&p), -EBADMSG, "'%s'", bad[i].data);
		pair_done(&p);
	}
}

/* Writes 'blanks' blanks and then, perhaps, the end of a message. A thread: Criterion waits forever
 * for tests that fork. */
struct flood {
	int fd;
	size_t blanks;
	bool end;
};

static void *flood(void *data)
{
	static char blanks[1 << 16];
	const struct flood *f = data;
	size_t left = f->blanks;

	memset(blanks, ' ', sizeof(blanks));
	while (left) {
		ssize_t n = send(f->fd, blanks, MIN(left, sizeof(blanks)), MSG_NOSIGNAL);

		if (n <= 0)
			return NULL;
		left -= (size_t)n;
	}
	if (f->end)
		(void)send(f->fd, "{}", 3, MSG_NOSIGNAL);
	return NULL;
}

static int receive_flood(size_t blanks, bool end)
{
	struct pair p = pair_new();
	struct flood f = {.fd = p.server, .blanks = blanks, .end = end};
	pthread_t thread;
	int r;

	cr_assert_eq(pthread_create(&thread, NULL, flood, &f), 0);
	r = receive_and_drop(&p);
	shutdown(p.server, SHUT_RDWR); /* a writer that still writes ends */
	pthread_join(thread, NULL);
	pair_done(&p);
	return r;
}

Test(cli_client, a_message_without_end_is_cut_off)
{
	cr_assert_eq(receive_flood((size_t)CLI_MESSAGE_MAX + (1 << 20), false), -EMSGSIZE);
}

Test(cli_client, large_messages_arrive_whole)
{
	cr_assert_eq(receive_flood(3 << 20, true), 0);
}

Test(cli_client, a_daemon_that_does_not_read)
{
	struct json_object *parameters = json_object_new_object();
	struct pair p = pair_new();
	char *text = calloc(1, 4 << 20);

	cr_assert_not_null(text);
	memset(text, 'x', (4 << 20) - 1);
	json_object_object_add(parameters, "filter", json_object_new_string(text));
	cr_assert_eq(cli_client_send(p.client, "m", parameters, false, 1), -ETIMEDOUT);
	json_object_put(parameters);
	free(text);
	pair_done(&p);
}

Test(cli_client, sockets_that_are_none)
{
	char directory[] = "/tmp/rstmon-client-XXXXXX", path[64], longer[200];
	struct cli_client *c = NULL;
	int fd;

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/socket", directory);
	cr_assert_eq(cli_client_open(path, 1, &c), -ENOENT);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	cr_assert_eq(cli_client_open(path, 1, &c), -ECONNREFUSED);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	cr_assert_eq(cli_client_open(longer, 1, &c), -ENAMETOOLONG);
	cr_assert_null(c);
	cli_client_free(c);
	unlink(path);
	rmdir(directory);
}
