/* SPDX-License-Identifier: GPL-2.0-only */
#include "common/util.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "common/filter.h"
#include "common/near.h"
#include "common/str.h"
#include "rstmon/interface.h"

/* One reset: nginx on 8080 got reset by 10.1.2.3. */
static void nginx(const void *object, enum filter_field field, struct filter_value *ret)
{
	static const uint8_t peer[16] = {10, 1, 2, 3}, local[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};

	(void)object;
	switch (field) {
	case FILTER_TIME:
		parse_time("2026-11-22T14:05:00Z", (uint64_t *)&ret->number);
		break;
	case FILTER_COMM:
		ret->text = "nginx: worker";
		break;
	case FILTER_UNIT:
		ret->text = "dev-a\\x2db.service";
		break;
	case FILTER_EXE:
		ret->text = "/usr/sbin/nginx";
		break;
	case FILTER_ACTOR_COMM:
		ret->text = "[kworker/0]";
		break;
	case FILTER_DIRECTION:
		ret->text = "received";
		break;
	case FILTER_CAUSE:
		ret->text = "late_rst_after_close";
		break;
	case FILTER_STATE:
		ret->text = "CLOSE_WAIT";
		break;
	case FILTER_PORT:
		ret->number = 8080;
		break;
	case FILTER_PID:
		ret->number = 812;
		break;
	case FILTER_AGE_MS:
		ret->number = -1;
		break;
	case FILTER_PEER:
	case FILTER_REMOTE:
		ret->address = peer;
		ret->port = 40000;
		break;
	case FILTER_LOCAL:
		ret->address = local;
		ret->ipv6 = true;
		ret->port = 8080;
		break;
	default: /* what it does not have: NULL and 0 */
		break;
	}
}

static bool matches(const char *text)
{
	struct filter *f = NULL;
	char error[256] = "";
	bool match;

	cr_assert_eq(filter_parse(text, FILTER_RESETS, &f, error, sizeof(error)), 0, "'%s': %s",
		     text, error);
	match = filter_match(f, nginx, NULL);
	filter_free(f);
	return match;
}

static const char *error_of(const char *text, enum filter_scope scope)
{
	static char error[FILTER_ERROR_MAX];
	struct filter *f = NULL;

	error[0] = '\0';
	cr_assert_eq(filter_parse(text, scope, &f, error, sizeof(error)), -EINVAL, "'%s'", text);
	cr_assert_null(f);
	return error;
}

#define ASSERT_ERROR(text, expected) cr_assert_str_eq(error_of(text, FILTER_RESETS), expected)

Test(filter, nothing_matches_everything)
{
	cr_assert(matches(""));
	cr_assert(matches(" \t\n"));
	cr_assert(filter_match(NULL, nginx, NULL));
	cr_assert_not(filter_uses(NULL, FILTER_PORT));
	filter_free(NULL);
}

Test(filter, reads_like_ss)
{
	cr_assert(matches("port 8080"));
	cr_assert(matches("port 8080 and direction received and not comm apache*"));
	cr_assert_not(matches("port 8080 and direction sent"));
	cr_assert_not(matches("port 80"));
	cr_assert(matches("not port 80"));
	cr_assert_not(matches("not not port 80"));
}

Test(filter, and_binds_tighter_than_or)
{
	cr_assert(matches("port 8080 or port 80 and direction sent"));
	cr_assert_not(matches("(port 8080 or port 80) and direction sent"));
	cr_assert(matches("direction sent and port 80 or port 8080"));
	cr_assert(matches("not (port 80 or direction sent)"));
	cr_assert_not(matches("not port 8080 or port 80"));
	cr_assert_not(matches("not(port 8080)and port 8080"));
}

Test(filter, numbers)
{
	cr_assert(matches("port=8080"));
	cr_assert(matches("port != 80"));
	cr_assert(matches("port>=8080 and port<=8080 and port>8079 and port<8081"));
	cr_assert_not(matches("port > 8080"));
	cr_assert(matches("age_ms = -1"));
	cr_assert(matches("age_ms < 0"));
	cr_assert(matches("pid \"812\""));
}

Test(filter, text_is_a_pattern)
{
	cr_assert(matches("comm nginx*"));
	cr_assert_not(matches("comm nginx"));
	cr_assert(matches("comm \"nginx: worker\""));
	cr_assert(matches("comm 'nginx: worker'"));
	cr_assert(matches("comm != apache"));
	cr_assert_not(matches("comm != nginx*"));
	cr_assert(matches("exe */nginx"));
	cr_assert(matches("comm [!a-m]*"));
	cr_assert(matches("unit dev-a\\x2db.service"), "a backslash is itself");
	cr_assert(matches("actor_comm \"[kworker/0]\""), "equal text needs no pattern");
	cr_assert(matches("container \"\""), "what is missing is empty");
	cr_assert_not(matches("container *?"));
}

Test(filter, addresses)
{
	cr_assert(matches("peer 10.0.0.0/8"));
	cr_assert(matches("peer 10.1.2.3:40000"));
	cr_assert_not(matches("peer 10.1.2.3:40001"));
	cr_assert(matches("remote != 192.168.0.0/16"));
	cr_assert(matches("local [2001:db8::1]:8080"));
	cr_assert(matches("local 2001:db8::/32"));
	cr_assert_not(matches("local 10.0.0.0/8"));
}

Test(filter, times)
{
	cr_assert(matches("time >= 2026-11-22T14:05:00Z"));
	cr_assert(matches("time = 2026-11-22T15:05:00+01:00"));
	cr_assert_not(matches("time > 2026-11-22T14:05:00Z"));
}

Test(filter, words_are_checked)
{
	cr_assert(matches("cause late_*"));
	cr_assert(matches("cause != unknown"));
	cr_assert_not(matches("errno ECONNRESET"));
	cr_assert(matches("errno \"\""), "an empty word is the one without a name");
	cr_assert(matches("previous_state \"\""));
	ASSERT_ERROR("direction up",
		     "column 11: no direction is called \"up\", only sent, received");
	ASSERT_ERROR("port 1 or role srv",
		     "column 16: no role is called \"srv\", only none, server, client");
	cr_assert(strstr(error_of("cause nosuch", FILTER_RESETS), "closed_port"));
	cr_assert(strstr(error_of("cause nosuch", FILTER_RESETS), ", ..."));
	error_of("state CLOSING_TIME", FILTER_RESETS);
	error_of("kind crash", FILTER_RESETS);
	error_of("errno EWHAT", FILTER_RESETS);
	error_of("confidence very", FILTER_RESETS);
	error_of("owner_source guess", FILTER_RESETS);
	error_of("family inet", FILTER_RESETS);
	error_of("previous_state open", FILTER_RESETS);
}

/* The end of the sentence. */
static void assert_guess(const char *text, enum filter_scope scope, const char *want)
{
	const char *e = error_of(text, scope), *guess = strstr(e, "; did you mean");

	if (want)
		cr_expect(guess && !strcmp(guess, want), "%s gave %s", text, e);
	else
		cr_expect_null(guess, "%s gave %s", text, e);
}

Test(filter, what_was_probably_meant_is_told)
{
	char longest[RSTMON_FILTER_MAX + 1];

	ASSERT_ERROR("direction send", "column 11: no direction is called \"send\", only sent, "
				       "received; did you mean \"sent\"?");
	assert_guess("cause closed_prot", FILTER_ROWS, "; did you mean \"closed_port\"?");
	assert_guess("cause middlebox", FILTER_ROWS, "; did you mean \"middlebox_idle_reject\"?");
	assert_guess("cause = 'Closed_Port'", FILTER_ROWS, "; did you mean \"closed_port\"?");
	assert_guess("role sever", FILTER_ROWS, "; did you mean \"server\"?");
	assert_guess("confidence hihg", FILTER_RESETS, "; did you mean \"high\"?");
	assert_guess("state established", FILTER_RESETS, "; did you mean \"ESTABLISHED\"?");
	assert_guess("errno ECONNREST", FILTER_RESETS, "; did you mean \"ECONNRESET\"?");
	assert_guess("prot 80", FILTER_ROWS, "; did you mean \"port\"?");
	assert_guess("containr x", FILTER_ROWS, "; did you mean \"container\"?");
	assert_guess("reson x", FILTER_RESETS, "; did you mean \"reason\"?");
	assert_guess("reson x", FILTER_ROWS, NULL);
	assert_guess("cause nosuch", FILTER_ROWS, NULL);
	assert_guess("cause zzz*", FILTER_ROWS, NULL);
	assert_guess("direction up", FILTER_ROWS, NULL);
	snprintf(longest, sizeof(longest), "cause %0900d", 1);
	assert_guess(longest, FILTER_ROWS, NULL);
	assert_guess(longest + strlen("cause "), FILTER_ROWS, NULL);
}

Test(filter, each_sentence_has_room)
{
	char text[96];

	for (enum filter_field f = 0; f < FILTER_FIELD_MAX; f++) {
		if (!filter_field_word(f, 0))
			continue;
		/* what is shown of it is as long as it may be */
		snprintf(text, sizeof(text), "%s %060d", filter_field_name(f), 7);
		cr_expect_lt(strlen(error_of(text, FILTER_RESETS)) + sizeof("; did you mean") +
				     NEAR_LEN_MAX + 4,
			     FILTER_ERROR_MAX);
	}
}

Test(filter, errors_name_the_place)
{
	ASSERT_ERROR("host 80",
		     "column 1: there is no field \"host\"; try 'port 8080' or 'comm nginx'");
	ASSERT_ERROR("port 80 comm x", "column 9: \"and\" or \"or\" was expected before \"comm\"");
	ASSERT_ERROR("port 80 and", "column 12: the expression ends where a field was expected");
	ASSERT_ERROR("port", "column 5: the value of port is missing");
	ASSERT_ERROR("comm and port 80", "column 6: the value of comm is missing");
	ASSERT_ERROR("port = = 80", "column 8: the value of port is missing");
	ASSERT_ERROR("port not 80", "column 6: the value of port is missing");
	ASSERT_ERROR("(port 80", "column 1: \"(\" has no \")\"");
	ASSERT_ERROR("port 80)", "column 8: \")\" has no \"(\"");
	ASSERT_ERROR("()", "column 2: a field was expected before \")\"");
	ASSERT_ERROR("= 5", "column 1: a field was expected before \"=\"");
	ASSERT_ERROR("comm \"x", "column 6: the quote has no end");
	ASSERT_ERROR("and port 80", "column 1: a field was expected, not \"and\"");
	ASSERT_ERROR("port http", "column 6: port is a number, \"http\" is none");
	ASSERT_ERROR("port 65536", "column 6: port is at most 65535, not 65536");
	ASSERT_ERROR("port -1", "column 6: port is at most 65535, not -1");
	ASSERT_ERROR("pid 9223372036854775808",
		     "column 5: 9223372036854775808 is no number that pid can have");
	ASSERT_ERROR("comm < x", "column 6: comm is compared with = and != only");
	ASSERT_ERROR("peer >= 10.0.0.1", "column 6: peer is compared with = and != only");
	ASSERT_ERROR("comm \"\xc3\xbc\xc3\xbc\" x",
		     "column 11: \"and\" or \"or\" was expected before \"x\"");
}

Test(filter, scope_names_who_has_the_field)
{
	cr_assert_str_eq(error_of("port 80 and state CLOSE", FILTER_ROWS),
			 "column 13: the counters of list, why and check have no field \"state\", "
			 "single resets do: use watch or last");
	error_of("peer 10.0.0.0/8", FILTER_ROWS);
}

Test(filter, rows_know_their_ten_fields)
{
	static const char *const text =
		"pid 1 or comm a or exe a or unit a or container a or pod a or netns 1 or port 1 or "
		"role server or direction sent or cause unknown";
	struct filter *f = NULL;
	char error[64];

	cr_assert_eq(filter_parse(text, FILTER_ROWS, &f, error, sizeof(error)), 0);
	cr_assert(filter_uses(f, FILTER_NETNS));
	cr_assert(filter_uses(f, FILTER_PID));
	cr_assert_not(filter_uses(f, FILTER_STATE));
	filter_free(f);
}

Test(filter, hostile_text_in_an_error_is_harmless)
{
	const char *e = error_of("\x1b[2J\xff", FILTER_RESETS);

	cr_assert_not(strpbrk(e, "\x1b\xff"));
	cr_assert(strstr(e, "?[2J?"));
}

static char *repeat(const char *before, const char *text, int n, const char *after)
{
	char *s = calloc(1, strlen(before) + strlen(text) * (size_t)n + strlen(after) + 1),
	     *end = s;

	cr_assert_not_null(s);
	end = stpcpy(end, before);
	for (int i = 0; i < n; i++)
		end = stpcpy(end, text);
	stpcpy(end, after);
	return s;
}

Test(filter, limits_hold)
{
	_cleanup_free_ char *terms = repeat("pid 1", " or pid 1", RSTMON_FILTER_TERMS - 1, "");
	_cleanup_free_ char *many = repeat("pid 1", " or pid 1", RSTMON_FILTER_TERMS, "");
	_cleanup_free_ char *deep = repeat("", "not ", RSTMON_FILTER_DEPTH, "pid 812");
	_cleanup_free_ char *deeper = repeat("", "not ", RSTMON_FILTER_DEPTH + 1, "pid 812");
	_cleanup_free_ char *open = repeat("", "(", RSTMON_FILTER_MAX, "");
	_cleanup_free_ char *full = repeat("comm ", "x", RSTMON_FILTER_MAX - 5, "");
	_cleanup_free_ char *over = repeat("comm ", "x", RSTMON_FILTER_MAX - 4, "");

	cr_assert_not(matches(terms));
	cr_assert(strstr(error_of(many, FILTER_RESETS), "more than 64 terms; a pattern "));
	cr_assert(matches(deep));
	cr_assert(strstr(error_of(deeper, FILTER_RESETS), "more than 16 levels"));
	cr_assert(strstr(error_of(open, FILTER_RESETS), "more than 16 levels"));
	cr_assert_not(matches(full));
	ASSERT_ERROR(over, "column 1: the expression is longer than 1024 bytes");
}

Test(filter, little_room_for_the_error)
{
	struct filter *f = NULL;
	char error[8] = "untouch";

	cr_assert_eq(filter_parse("x", FILTER_ROWS, &f, error, sizeof(error)), -EINVAL);
	cr_assert_str_eq(error, "column ");
	cr_assert_eq(filter_parse("x", FILTER_ROWS, &f, error, 0), -EINVAL);
}

Test(filter, field_names)
{
	cr_assert_str_eq(filter_field_name(FILTER_PORT), "port");
	cr_assert_str_eq(filter_field_name(FILTER_EXIT_STATUS), "exit_status");
	cr_assert_str_eq(filter_field_name(FILTER_FIELD_MAX), "invalid");
}
