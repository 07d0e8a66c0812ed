/* SPDX-License-Identifier: GPL-2.0-only */
/* Framing: messages in pieces and in packs, every limit at its edge, and bytes that are no message.
 */
#include "common/util.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "daemon/varlink.h"
#include "rstmon/interface.h"

static void done(struct varlink_input *in)
{
	varlink_input_done(in);
}

/* Feeds one whole message and gives what comes of it. */
static int feed(const char *text, size_t n)
{
	_cleanup_(done) struct varlink_input in = {0};
	struct json_object *message = NULL;
	const char *error = NULL;
	int r;

	cr_assert_eq(varlink_input_add(&in, text, n), 0);
	r = varlink_input_next(&in, &message, &error);
	cr_expect((r < 0) == (error != NULL), "an error has a sentence, and only an error");
	cr_expect((r == 1) == (message != NULL));
	json_object_put(message);
	return r;
}

#define FEED(literal) feed(literal, sizeof(literal)) /* with the NUL */

Test(varlink, takes_a_message_byte_by_byte)
{
	static const char text[] = "{\"method\":\"a.B\"}";
	_cleanup_(done) struct varlink_input in = {0};
	struct json_object *message = NULL, *method;
	const char *error;

	for (size_t i = 0; i < sizeof(text); i++) {
		cr_expect_not(varlink_input_ready(&in));
		cr_expect_eq(varlink_input_next(&in, &message, &error), 0);
		cr_assert_eq(varlink_input_add(&in, &text[i], 1), 0);
	}
	cr_expect(varlink_input_ready(&in));
	cr_assert_eq(varlink_input_next(&in, &message, &error), 1);
	cr_assert(json_object_object_get_ex(message, "method", &method));
	cr_expect_str_eq(json_object_get_string(method), "a.B");
	json_object_put(message);
	cr_expect_eq(varlink_input_next(&in, &message, &error), 0);
}

Test(varlink, takes_messages_that_come_together)
{
	static const char text[] = "{\"n\":1}\0{\"n\":2}\0{\"n\":3";
	_cleanup_(done) struct varlink_input in = {0};
	const char *error;

	cr_assert_eq(varlink_input_add(&in, text, sizeof(text) - 1), 0);
	for (int i = 1; i <= 2; i++) {
		struct json_object *message, *n;

		cr_assert_eq(varlink_input_next(&in, &message, &error), 1);
		json_object_object_get_ex(message, "n", &n);
		cr_expect_eq(json_object_get_int(n), i);
		json_object_put(message);
	}
	cr_expect_not(varlink_input_ready(&in));
	cr_assert_eq(varlink_input_add(&in, "}", 2), 0);
	cr_expect(varlink_input_ready(&in));
}

Test(varlink, refuses_what_is_no_object)
{
	cr_expect_eq(FEED(""), -EBADMSG);
	cr_expect_eq(FEED("[]"), -EBADMSG);
	cr_expect_eq(FEED("1"), -EBADMSG);
	cr_expect_eq(FEED("null"), -EBADMSG);
	cr_expect_eq(FEED("\"x\""), -EBADMSG);
	cr_expect_eq(FEED("{"), -EBADMSG);
	cr_expect_eq(FEED("{\"a\":1,}"), -EBADMSG);
	cr_expect_eq(FEED("{} {}"), -EBADMSG);
	cr_expect_eq(FEED("{}x"), -EBADMSG);
	cr_expect_eq(FEED("GET / HTTP/1.1\r\n\r\n"), -EBADMSG);
	cr_expect_eq(FEED("{}"), 1);
	cr_expect_eq(FEED(" {} \n"), 1);
}

Test(varlink, refuses_invalid_utf8)
{
	cr_expect_eq(FEED("{\"a\":\"\xff\"}"), -EBADMSG);
	cr_expect_eq(FEED("{\"a\":\"\xc3\"}"), -EBADMSG);
	cr_expect_eq(FEED("{\"\xe2\x82\":1}"), -EBADMSG);
	cr_expect_eq(FEED("{\"a\":\"\xc3\xa9\"}"), 1);
}

static int feed_nested(int depth, const char *innermost)
{
	char text[256] = "";
	size_t n = 0;

	for (int i = 1; i < depth; i++)
		n += snprintf(text + n, sizeof(text) - n, "{\"a\":");
	n += snprintf(text + n, sizeof(text) - n, "%s", innermost);
	for (int i = 1; i < depth; i++)
		n += snprintf(text + n, sizeof(text) - n, "}");
	return feed(text, n + 1);
}

Test(varlink, refuses_one_level_too_deep)
{
	cr_expect_eq(feed_nested(RSTMON_JSON_DEPTH, "{\"a\":1}"), 1);
	cr_expect_eq(feed_nested(RSTMON_JSON_DEPTH, "[1]"), 1);
	cr_expect_eq(feed_nested(RSTMON_JSON_DEPTH + 1, "{\"a\":1}"), -EBADMSG);
	cr_expect_eq(feed_nested(RSTMON_JSON_DEPTH + 1, "[1]"), -EBADMSG);
}

/* {"a":"xxx..."} of exactly n bytes */
static char *message_of(size_t n)
{
	char *text = malloc(n + 1);

	cr_assert(text);
	memset(text, 'x', n);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + n - 2, "\"}", 3);
	return text;
}

Test(varlink, takes_the_longest_message_and_none_longer)
{
	_cleanup_free_ char *fits = message_of(RSTMON_MESSAGE_MAX);
	_cleanup_free_ char *longer = message_of(RSTMON_MESSAGE_MAX + 1);
	_cleanup_(done) struct varlink_input in = {0};
	struct json_object *message;
	const char *error = NULL;

	cr_expect_eq(feed(fits, RSTMON_MESSAGE_MAX + 1), 1);

	cr_expect_eq(varlink_input_add(&in, longer, RSTMON_MESSAGE_MAX + 2), -EMSGSIZE);
	cr_assert_eq(varlink_input_add(&in, longer, varlink_input_room(&in)), 0);
	cr_expect_eq(varlink_input_room(&in), 0);
	cr_expect(varlink_input_ready(&in));
	cr_expect_eq(varlink_input_next(&in, &message, &error), -EMSGSIZE);
	cr_expect_not_null(error);
	cr_expect_leq(in.size, RSTMON_MESSAGE_MAX + 1);
}

Test(varlink, holds_no_more_than_a_message_however_much_comes)
{
	_cleanup_(done) struct varlink_input in = {0};
	struct json_object *message;
	const char *error;

	for (int i = 0; i < 100000; i++) {
		cr_assert_eq(varlink_input_add(&in, "{\"a\":1}\0{", 9), 0);
		cr_assert_eq(varlink_input_next(&in, &message, &error), 1);
		json_object_put(message);
		cr_assert_eq(varlink_input_add(&in, "}", 2), 0);
		cr_assert_eq(varlink_input_next(&in, &message, &error), 1);
		json_object_put(message);
	}
	cr_expect_leq(in.size, 64);
}

Test(varlink, writes_replies_and_errors)
{
	struct json_object *parameters = json_tokener_parse("{\"path\":\"/usr/bin\"}");
	struct varlink_text *t;
	size_t account = 0;

	t = varlink_reply(parameters, false, &account);
	cr_assert(t);
	cr_expect_str_eq(t->data, "{\"parameters\":{\"path\":\"/usr/bin\"}}");
	cr_expect_eq(t->size, strlen(t->data) + 1);
	cr_expect_eq(account, t->size);
	varlink_text_unref(varlink_text_ref(t));
	cr_expect_eq(account, t->size);
	varlink_text_unref(t);
	cr_expect_eq(account, 0);

	t = varlink_reply(parameters, true, NULL);
	cr_expect_str_eq(t->data, "{\"parameters\":{\"path\":\"/usr/bin\"},\"continues\":true}");
	varlink_text_unref(t);

	t = varlink_error("io.rstmon.Failed", NULL, &account);
	cr_expect_str_eq(t->data, "{\"error\":\"io.rstmon.Failed\",\"parameters\":{}}");
	varlink_text_unref(t);
	varlink_text_unref(NULL);
	json_object_put(parameters);
}
