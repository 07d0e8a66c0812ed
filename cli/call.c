/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of the daemon, with every failure told in one sentence; and members of its replies. Must
 * not trust what a reply holds, or that it holds anything. Proved by tests/unit/cli/call.c.
 */
#include "common/util.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "cli/call.h"
#include "common/str.h"

static _printf_(3, 4) int tell(struct cli_failure *f, int code, const char *format, ...)
{
	va_list args;

	f->code = code;
	va_start(args, format);
	vsnprintf(f->sentence, sizeof(f->sentence), format, args);
	va_end(args);
	return code;
}

static int not_permitted(const struct cli_options *o, struct cli_failure *f)
{
	struct stat st;
	const struct group *group = NULL;

	if (stat(o->socket, &st))
		st = (struct stat){.st_mode = S_IFSOCK};
	if (!S_ISSOCK(st.st_mode))
		return tell(f, RSTMON_EXIT_FAILED, "%s is no socket; name rstmond's with --socket",
			    o->socket);
	/* root's group is nobody's to join */
	group = st.st_gid != 0 ? getgrgid(st.st_gid) : getgrnam(RSTMON_GROUP);
	if (!group)
		return tell(f, RSTMON_EXIT_NOT_PERMITTED, "not permitted to use %s: use sudo",
			    o->socket);
	return tell(f, RSTMON_EXIT_NOT_PERMITTED,
		    "not permitted to use %s: join the group '%s' (sudo usermod -aG %s $USER, then "
		    "log in again), or use sudo",
		    o->socket, group->gr_name, group->gr_name);
}

/* Advice that can be followed on this host. */
static const char *how_to_start(void)
{
	return access("/run/systemd/system", F_OK) == 0
		       ? "start it with 'systemctl start rstmond'"
		       : "start rstmond as root, or run 'sudo make run' in its source";
}

static const char *where_to_look(void)
{
	return access("/run/systemd/system", F_OK) == 0 ? "see 'systemctl status rstmond'"
							: "see what rstmond wrote where it runs";
}

static int explain(const struct cli_options *o, int r, unsigned int seconds, struct cli_failure *f)
{
	switch (r) {
	case -ETIMEDOUT:
	case -EAGAIN:
		return tell(f, RSTMON_EXIT_FAILED, "rstmond does not answer within %u seconds: %s",
			    seconds, where_to_look());
	case -ECONNRESET:
	case -EPIPE:
		return tell(f, RSTMON_EXIT_FAILED, "rstmond closed the connection: %s",
			    where_to_look());
	case -EMSGSIZE:
		return tell(f, RSTMON_EXIT_FAILED,
			    "the answer is longer than %u MiB: ask for less, with -n or a filter",
			    CLI_MESSAGE_MAX >> 20);
	case -EBADMSG:
		return tell(f, RSTMON_EXIT_FAILED,
			    "what answers at %s does not speak Varlink: name rstmond's socket with "
			    "--socket",
			    o->socket);
	default:
		return tell(f, RSTMON_EXIT_FAILED, "cannot talk to rstmond: %s; %s", strerror(-r),
			    where_to_look());
	}
}

static int open_client(const struct cli_options *o, unsigned int seconds, struct cli_client **ret,
		       struct cli_failure *f)
{
	int r = cli_client_open(o->socket, seconds, ret);

	switch (r) {
	case 0:
		return RSTMON_EXIT_OK;
	case -ENOENT:
	case -ENOTDIR:
		return tell(f, RSTMON_EXIT_NOT_RUNNING,
			    "rstmond is not running, there is no socket %s: %s, or name its socket "
			    "with --socket",
			    o->socket, how_to_start());
	case -ECONNREFUSED:
		return tell(f, RSTMON_EXIT_NOT_RUNNING,
			    "rstmond is not running, nobody answers at %s: %s, or name its socket "
			    "with --socket",
			    o->socket, how_to_start());
	case -EACCES:
	case -EPERM:
		return not_permitted(o, f);
	case -ENAMETOOLONG:
		return tell(
			f, RSTMON_EXIT_USAGE,
			"--socket: a path of a socket has at most 107 bytes, give a shorter one");
	case -EAGAIN:
		return explain(o, -ETIMEDOUT, seconds, f);
	default:
		return tell(f, RSTMON_EXIT_FAILED, "cannot connect to %s: %s; %s", o->socket,
			    strerror(-r), where_to_look());
	}
}

static int explain_refusal(const struct cli_options *o, const struct cli_reply *reply,
			   struct cli_failure *f)
{
	char message[512], name[128];

	cli_text(reply->parameters, "message", message, sizeof(message));
	if (*message && message[strlen(message) - 1] == '.')
		message[strlen(message) - 1] = '\0'; /* it becomes part of a sentence */
	str_sanitise(name, sizeof(name), reply->error, strlen(reply->error));
	if (!strcmp(name, "org.varlink.service.MethodNotFound") ||
	    !strcmp(name, "org.varlink.service.MethodNotImplemented") ||
	    !strcmp(name, "org.varlink.service.InterfaceNotFound"))
		return tell(
			f, RSTMON_EXIT_FAILED,
			"what answers at %s is no rstmond, or an older one: name its socket with "
			"--socket, or update it",
			o->socket);
	if (!strcmp(name, "org.varlink.service.InvalidParameter") ||
	    !strcmp(name, RSTMON_VARLINK_INTERFACE ".BadFilter"))
		return tell(f, RSTMON_EXIT_USAGE, "rstmond refuses: %s; see 'rstmon help %s'",
			    *message ? message : name, o->verb->name);
	return tell(f, RSTMON_EXIT_FAILED, "rstmond failed: %s; see 'rstmon status'",
		    *message ? message : name);
}

static int send_call(struct cli_client *c, const char *method, struct json_object *parameters,
		     bool more, uint64_t deadline)
{
	char name[64];
	int r;

	snprintf(name, sizeof(name), RSTMON_VARLINK_INTERFACE ".%s", method);
	r = cli_client_send(c, name, parameters, more, deadline);
	/* a daemon that refuses does so unheard: why is still to be read */
	return r == -EPIPE ? 0 : r;
}

static int say(const struct cli_options *o, const struct cli_failure *f)
{
	return cli_fail(o, f->code, f->sentence);
}

int cli_call_open(const struct cli_options *o, struct cli_client **ret)
{
	struct cli_failure f;

	return open_client(o, CLI_CALL_TIMEOUT_S, ret, &f) ? say(o, &f) : RSTMON_EXIT_OK;
}

int cli_call_fail(const struct cli_options *o, int r)
{
	struct cli_failure f;

	explain(o, r, CLI_CALL_TIMEOUT_S, &f);
	return say(o, &f);
}

int cli_call_refused(const struct cli_options *o, const struct cli_reply *reply)
{
	struct cli_failure f;

	explain_refusal(o, reply, &f);
	return say(o, &f);
}

int cli_call_send(const struct cli_options *o, struct cli_client *c, const char *method,
		  struct json_object *parameters, bool more, uint64_t deadline)
{
	int r = send_call(c, method, parameters, more, deadline);

	return r < 0 ? cli_call_fail(o, r) : RSTMON_EXIT_OK;
}

int cli_call_quietly(const struct cli_options *o, const char *method,
		     struct json_object *parameters, unsigned int seconds, struct cli_reply *ret,
		     struct cli_failure *ret_failure)
{
	uint64_t deadline = cli_clock() + seconds * NSEC_PER_SEC;
	struct cli_client *c = NULL;
	struct cli_reply reply = {};
	int code, r;

	code = open_client(o, seconds, &c, ret_failure);
	if (code)
		return code;
	r = send_call(c, method, parameters, false, deadline);
	if (!r)
		r = cli_client_receive(c, deadline, &reply);
	if (r < 0)
		code = explain(o, r, seconds, ret_failure);
	else if (reply.error)
		code = explain_refusal(o, &reply, ret_failure);
	cli_client_free(c);
	if (code) {
		cli_reply_done(&reply);
		return code;
	}
	*ret = reply;
	return RSTMON_EXIT_OK;
}

int cli_call(const struct cli_options *o, const char *method, struct json_object *parameters,
	     struct cli_reply *ret)
{
	struct cli_failure f;

	return cli_call_quietly(o, method, parameters, CLI_CALL_TIMEOUT_S, ret, &f)
		       ? say(o, &f)
		       : RSTMON_EXIT_OK;
}

void cli_put_text(struct json_object *parameters, const char *key, const char *value)
{
	if (value && *value)
		json_object_object_add(parameters, key, json_object_new_string(value));
}

void cli_put_number(struct json_object *parameters, const char *key, uint64_t value)
{
	if (value)
		json_object_object_add(parameters, key, json_object_new_int64((int64_t)value));
}

void cli_put_time(struct json_object *parameters, const char *key, uint64_t realtime_ns)
{
	char text[TIME_TEXT_MAX];

	if (realtime_ns)
		cli_put_text(parameters, key, format_time(text, sizeof(text), realtime_ns));
}

static struct json_object *member(struct json_object *object, const char *key, json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *cli_text(struct json_object *object, const char *key, char *dst, size_t size)
{
	struct json_object *value = member(object, key, json_type_string);

	str_sanitise(dst, size, value ? json_object_get_string(value) : "",
		     value ? (size_t)json_object_get_string_len(value) : 0);
	return dst;
}

int64_t cli_number(struct json_object *object, const char *key, int64_t otherwise)
{
	struct json_object *value = member(object, key, json_type_int);

	return value ? json_object_get_int64(value) : otherwise;
}

uint64_t cli_time(struct json_object *object, const char *key)
{
	char text[TIME_TEXT_MAX + 1];
	uint64_t t;

	return parse_time(cli_text(object, key, text, sizeof(text)), &t) == 0 ? t : 0;
}

bool cli_true(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key, json_type_boolean);

	return value && json_object_get_boolean(value);
}

bool cli_has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

struct json_object *cli_array(struct json_object *object, const char *key)
{
	return member(object, key, json_type_array);
}

struct json_object *cli_object(struct json_object *object, const char *key)
{
	return member(object, key, json_type_object);
}

void cli_print_json(struct json_object *object)
{
	/* json-c escapes control characters, so this is one line and harmless but for C1 */
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}
