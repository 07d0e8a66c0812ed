/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>

#include "cli/call.h"

static struct json_object *object(void)
{
	struct json_object *o = json_tokener_parse(
		"{\"text\":\"a\\u0007b\",\"number\":5,\"yes\":true,\"array\":[],\"object\":{}}");

	cr_assert_not_null(o);
	return o;
}

Test(cli_call, members_of_the_right_type)
{
	struct json_object *o = object();
	char text[8];

	cr_assert_str_eq(cli_text(o, "text", text, sizeof(text)), "a?b");
	cr_assert_str_eq(cli_text(o, "text", text, 2), "a");
	cr_assert_eq(cli_number(o, "number", -1), 5);
	cr_assert(cli_true(o, "yes"));
	cr_assert_not_null(cli_array(o, "array"));
	cr_assert_not_null(cli_object(o, "object"));
	cr_assert(cli_has(o, "text"));
	json_object_put(o);
}

Test(cli_call, members_of_another_type_or_none)
{
	struct json_object *o = object();
	char text[8];

	cr_assert_str_eq(cli_text(o, "number", text, sizeof(text)), "");
	cr_assert_eq(cli_number(o, "text", -1), -1);
	cr_assert_not(cli_true(o, "text"));
	cr_assert_null(cli_array(o, "object"));
	cr_assert_null(cli_object(o, "array"));
	cr_assert_eq(cli_number(o, "missing", -1), -1);
	cr_assert_not(cli_has(o, "missing"));
	cr_assert_eq(cli_number(NULL, "x", 7), 7, "an object that is none");
	cr_assert_str_eq(cli_text(NULL, "x", text, sizeof(text)), "");
	json_object_put(o);
}

Test(cli_call, parameters_leave_out_what_was_not_given)
{
	struct json_object *o = json_object_new_object();

	cli_put_text(o, "a", NULL);
	cli_put_text(o, "b", "");
	cli_put_number(o, "c", 0);
	cli_put_time(o, "d", 0);
	cr_assert_eq(json_object_object_length(o), 0);
	cli_put_text(o, "a", "x");
	cli_put_number(o, "c", 5);
	cli_put_time(o, "d", 1);
	cr_assert_str_eq(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
			 "{\"a\":\"x\",\"c\":5,\"d\":\"1970-01-01T00:00:00.000000Z\"}");
	json_object_put(o);
}

static int refuse(const char *verb, const char *error)
{
	const struct cli_options o = {.verb = cli_verb_find(verb), .socket = "/s"};
	struct cli_reply reply = {.parameters = json_tokener_parse("{\"message\":\"No.\"}"),
				  .error = error};
	int code = cli_call_refused(&o, &reply);

	json_object_put(reply.parameters);
	return code;
}

Test(cli_call, errors_of_the_daemon_have_an_exit_code, .init = cr_redirect_stderr)
{
	cr_assert_eq(refuse("list", "org.varlink.service.InvalidParameter"), 2);
	cr_assert_eq(refuse("list", "io.rstmon.BadFilter"), 2);
	cr_assert_eq(refuse("list", "org.varlink.service.MethodNotFound"), 1);
	cr_assert_eq(refuse("list", "io.rstmon.Whatever\033"), 1);
}

Test(cli_call, one_sentence_each, .init = cr_redirect_stderr)
{
	const struct cli_options o = {.verb = cli_verb_find("list"), .socket = "/s"};

	cr_assert_eq(cli_call_fail(&o, -ETIMEDOUT), 1);
	fflush(stderr);
	cr_assert_stderr_eq_str(
		access("/run/systemd/system", F_OK) == 0
			? "rstmon: rstmond does not answer within 20 seconds: see 'systemctl "
			  "status rstmond'\n"
			: "rstmon: rstmond does not answer within 20 seconds: see what rstmond wrote "
			  "where it runs\n");
}
