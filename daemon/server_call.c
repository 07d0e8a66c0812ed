/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One message from a client: checks its envelope, answers org.varlink.service itself and hands the
 * rest to the table of methods. It must not know what a method does, nor touch a socket. Proved by
 * tests/unit/daemon/server.c and tests/fuzz/varlink.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/object.h"
#include "daemon/server_internal.h"

#define SERVICE "org.varlink.service"

/* daemon/io.rstmon.varlink as it stands in the tree, put here by the linker; without a NUL. */
extern const char _binary_daemon_io_rstmon_varlink_start[];
extern const char _binary_daemon_io_rstmon_varlink_end[];

static const char service_description[] =
	"# What every Varlink service tells about itself.\n"
	"interface " SERVICE "\n"
	"\n"
	"method GetInfo() -> (\n"
	"\tvendor: string,\n"
	"\tproduct: string,\n"
	"\tversion: string,\n"
	"\turl: string,\n"
	"\tinterfaces: []string\n"
	")\n"
	"\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string, message: ?string)\n"
	"error MethodNotFound (method: string, message: ?string)\n"
	"error MethodNotImplemented (method: string, message: ?string)\n"
	"error InvalidParameter (parameter: string, message: ?string)\n"
	"error PermissionDenied (message: ?string)\n"
	"error ExpectedMore (message: ?string)\n";

static struct json_object *description_of(const char *interface)
{
	const char *start = _binary_daemon_io_rstmon_varlink_start;
	const char *end = _binary_daemon_io_rstmon_varlink_end;

	if (strcmp(interface, RSTMON_VARLINK_INTERFACE) == 0)
		return json_object_new_string_len(start, (int)(end - start));
	return json_object_new_string(service_description);
}

void server_reply_error(struct server_reply *ret, const char *error, const char *key,
			const char *value, const char *message)
{
	struct object o = object_start();

	if (key)
		object_put_text(&o, key, value);
	object_put_text(&o, "message", message);
	ret->error = error;
	ret->parameters = object_finish(&o);
}

void server_reply_done(struct server_reply *reply)
{
	if (reply->work)
		reply->work->free(reply->work);
	json_object_put(reply->parameters);
	filter_free(reply->filter);
	for (size_t i = 0; i < reply->n_backlog; i++)
		json_object_put(reply->backlog[i]);
	free(reply->backlog);
	*reply = (struct server_reply){0};
}

/* A string without a NUL inside, or NULL. */
static const char *get_text(struct json_object *o, const char *key)
{
	struct json_object *v;
	const char *text;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	text = json_object_get_string(v);
	return strlen(text) == (size_t)json_object_get_string_len(v) ? text : NULL;
}

/* Absent and null are false. -EBADMSG: no boolean. */
static int get_bool(struct json_object *o, const char *key, bool *ret)
{
	struct json_object *v;

	*ret = false;
	if (!json_object_object_get_ex(o, key, &v) || !v)
		return 0;
	if (!json_object_is_type(v, json_type_boolean))
		return -EBADMSG;
	*ret = json_object_get_boolean(v);
	return 0;
}

static void call_get_info(struct json_object *parameters, bool more, void *userdata,
			  struct server_reply *ret)
{
	struct json_object *interfaces = json_object_new_array();
	struct object o = object_start();

	(void)more;
	(void)userdata;
	json_object_object_foreach(parameters, key, value)
	{
		(void)value;
		server_reply_error(ret, SERVICE ".InvalidParameter", "parameter", key,
				   "GetInfo takes no parameters.");
		json_object_put(interfaces);
		json_object_put(o.json);
		return;
	}
	object_put_text(&o, "vendor", "rstmon");
	object_put_text(&o, "product", "rstmond");
	object_put_text(&o, "version", RSTMON_VERSION);
	object_put_text(&o, "url", "man:rstmond(8)");
	object_append(&o, interfaces, json_object_new_string(SERVICE));
	object_append(&o, interfaces, json_object_new_string(RSTMON_VARLINK_INTERFACE));
	object_put(&o, "interfaces", interfaces);
	ret->parameters = object_finish(&o);
}

static void call_get_description(struct json_object *parameters, bool more, void *userdata,
				 struct server_reply *ret)
{
	const char *interface = get_text(parameters, "interface");
	struct object o;

	(void)more;
	(void)userdata;
	if (!interface || json_object_object_length(parameters) != 1) {
		server_reply_error(ret, SERVICE ".InvalidParameter", "parameter", "interface",
				   "GetInterfaceDescription takes one string, 'interface'.");
		return;
	}
	if (strcmp(interface, RSTMON_VARLINK_INTERFACE) != 0 && strcmp(interface, SERVICE) != 0) {
		server_reply_error(ret, SERVICE ".InterfaceNotFound", "interface", interface,
				   "This service has no such interface; GetInfo lists them.");
		return;
	}
	o = object_start();
	object_put(&o, "description", description_of(interface));
	ret->parameters = object_finish(&o);
}

static const struct server_method service_methods[] = {
	{SERVICE ".GetInfo", call_get_info},
	{SERVICE ".GetInterfaceDescription", call_get_description},
};

static const struct server_method *method_find(const struct server_method *methods, size_t n,
					       const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

/* "io.rstmon.List" is of the interface "io.rstmon". */
static bool method_of(const char *method, const char *interface)
{
	size_t n = strlen(interface);

	return strncmp(method, interface, n) == 0 && method[n] == '.' &&
	       !strchr(method + n + 1, '.');
}

static void no_method(const char *method, struct server_reply *ret)
{
	const char *dot = strrchr(method, '.');
	_cleanup_free_ char *interface = NULL;

	if (method_of(method, RSTMON_VARLINK_INTERFACE) || method_of(method, SERVICE)) {
		server_reply_error(ret, SERVICE ".MethodNotFound", "method", method,
				   "This service has no such method; ask GetInterfaceDescription.");
		return;
	}
	interface = strndup(method, dot ? (size_t)(dot - method) : strlen(method));
	server_reply_error(ret, SERVICE ".InterfaceNotFound", "interface",
			   interface ? interface : "",
			   "This service has no such interface; GetInfo lists them.");
}

/* A reply without content says that there was no memory for one. */
static void check_reply(struct server_reply *reply)
{
	if (!reply->parameters && !reply->watch && !reply->work)
		server_reply_error(reply, RSTMON_VARLINK_INTERFACE ".Failed", NULL, NULL,
				   "The daemon has no memory for the answer.");
}

bool server_work_step(struct server_reply *reply)
{
	struct server_work *w = reply->work;

	if (!w)
		return true;
	if (!w->step(w, reply))
		return false;
	w->free(w);
	reply->work = NULL;
	check_reply(reply);
	return true;
}

static void call_method(const struct server_method *m, struct json_object *parameters, bool more,
			void *userdata, struct server_reply *ret)
{
	struct json_object *none = NULL;

	if (!parameters)
		parameters = none = json_object_new_object();
	if (parameters)
		m->call(parameters, more, userdata, ret);
	json_object_put(none);
}

int server_call(const struct server_method *methods, size_t n_methods, void *userdata, bool busy,
		struct json_object *message, struct server_reply *ret, bool *ret_oneway)
{
	struct json_object *parameters = NULL;
	const struct server_method *m;
	bool more, oneway, upgrade;
	const char *name;

	name = get_text(message, "method");
	json_object_object_get_ex(message, "parameters", &parameters);
	if (!name || (parameters && !json_object_is_type(parameters, json_type_object)) ||
	    get_bool(message, "more", &more) < 0 || get_bool(message, "oneway", &oneway) < 0 ||
	    get_bool(message, "upgrade", &upgrade) < 0)
		return -EBADMSG;

	*ret = (struct server_reply){.fresh = ret->fresh};
	*ret_oneway = oneway;
	/* No method has an effect: without a reply it would be work for nothing. */
	if (oneway)
		return 0;
	m = method_find(service_methods, ARRAY_SIZE(service_methods), name);
	if (!m)
		m = method_find(methods, n_methods, name);

	if (busy)
		server_reply_error(ret, RSTMON_VARLINK_INTERFACE ".Busy", NULL, NULL,
				   "As much is waiting for slow readers as rstmond keeps; "
				   "try again.");
	else if (!m)
		no_method(name, ret);
	else if (upgrade)
		server_reply_error(ret, SERVICE ".InvalidParameter", "parameter", "upgrade",
				   "No method of this service changes the protocol.");
	else
		call_method(m, parameters, more, userdata, ret);

	check_reply(ret);
	return 0;
}
