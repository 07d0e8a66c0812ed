/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of programs by the name of their process. Must not guess: a name that is not here
 * has no settings. The defaults are those of common/causes_internal.h, where it says how they were
 * verified. Proved by tests/unit/daemon/advice.c.
 */
#include "common/util.h"

#include <errno.h>

#include "daemon/advice_internal.h"
#include "daemon/advice_values.h"

static const struct advice_program programs[] = {
	{
		.comm = "nginx",
		.name = "nginx",
		.keeps = "keepalive_timeout in its upstream block (default 60 s)",
		.closes = "keepalive_timeout in http or server (default 75 s)",
		.backlog = "backlog= of its listen directive (default 511)",
		.so_keepalive =
			"proxy_socket_keepalive on (to servers), so_keepalive=on of listen (to "
			"clients)",
		.body = "client_max_body_size (default 1m), and lingering_close on",
		.timeouts = {{75, "the default of nginx's keepalive_timeout"}},
	},
	{
		.comm = "haproxy",
		.name = "HAProxy",
		.keeps = "pool-purge-delay of the server line (default 5s), and timeout "
			 "http-keep-alive in the frontend",
		.closes = "timeout http-keep-alive, without it timeout client",
		.backlog = "backlog of the frontend (default its maxconn)",
		.so_keepalive = "option srvtcpka (to servers), option clitcpka (to clients)",
		.timeouts = {{50, "the timeout client of Debian's haproxy.cfg"}},
	},
	{
		.comm = "java",
		.name = "Java",
		.keeps = "-Djdk.httpclient.keepalive.timeout (HttpClient; 1200 s in Java 17), "
			 "-Dhttp.keepAlive.time.server (HttpURLConnection), evictIdleConnections "
			 "(Apache)",
		.closes = "in Tomcat keepAliveTimeout of the Connector (default: its "
			  "connectionTimeout)",
		.backlog =
			"in Tomcat acceptCount (default 100), of a ServerSocket the backlog (50)",
		.so_keepalive = "Socket.setKeepAlive(true); in Tomcat socket.soKeepAlive=\"true\"",
		.body = "in Tomcat maxSwallowSize (default 2 MiB of a refused upload)",
		.timeouts = {{20, "the connectionTimeout of Tomcat's shipped server.xml"},
			     {60, "the default of Tomcat's connectionTimeout"}},
	},
	{
		.comm = "node",
		.name = "Node.js",
		.keeps = "timeout of its http.Agent (http.globalAgent: 5 s; an Agent of its own: "
			 "none)",
		.closes = "server.keepAliveTimeout (default 5 s)",
		.backlog = "backlog of server.listen() (default 511)",
		.so_keepalive = "socket.setKeepAlive(true, delay)",
		.timeouts = {{5, "the default of Node's server.keepAliveTimeout"}},
	},
	{
		.comm = "apache2",
		.name = "httpd",
		.keeps = "ttl= of ProxyPass (not set by default)",
		.closes = "KeepAliveTimeout (default 5 s)",
		.backlog = "ListenBackLog (default 511)",
		.so_keepalive = "keepalive=On of ProxyPass",
		.body = "LimitRequestBody (default 1 GiB)",
		.timeouts = {{5, "the default of httpd's KeepAliveTimeout"}},
	},
	{
		.comm = "httpd",
		.name = "httpd",
		.keeps = "ttl= of ProxyPass (not set by default)",
		.closes = "KeepAliveTimeout (default 5 s)",
		.backlog = "ListenBackLog (default 511)",
		.so_keepalive = "keepalive=On of ProxyPass",
		.body = "LimitRequestBody (default 1 GiB)",
		.timeouts = {{5, "the default of httpd's KeepAliveTimeout"}},
	},
	{
		.comm = "curl",
		.name = "curl",
		.keeps = "CURLOPT_MAXAGE_CONN of libcurl (default 118 s)",
		.so_keepalive = "--keepalive-time (SO_KEEPALIVE is on unless --no-keepalive)",
	},
	{
		.comm = "python",
		.prefix = true,
		.name = "Python",
		.keeps =
			"requests has no such time-out, so mount HTTPAdapter(max_retries=1), or use a "
			"new Session after pauses",
		.backlog =
			"request_queue_size of socketserver (default 5), backlog of asyncio (100)",
		.so_keepalive = "setsockopt(SO_KEEPALIVE), in urllib3 by socket_options",
	},
	{
		.comm = "postgres",
		.name = "PostgreSQL",
		.closes =
			"idle_session_timeout and idle_in_transaction_session_timeout (default 0: "
			"never)",
		.so_keepalive = "tcp_keepalives_idle (default 0: the kernel's)",
	},
	{
		.comm = "redis-server",
		.name = "Redis",
		.closes = "timeout in redis.conf (default 0: never)",
		.backlog = "tcp-backlog in redis.conf (default 511)",
		.so_keepalive = "tcp-keepalive in redis.conf (default 300 s)",
	},
};

const struct advice_program *advice_program(const char *comm)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		const struct advice_program *p = &programs[i];

		if (p->prefix ? strncmp(comm, p->comm, strlen(p->comm)) == 0
			      : strcmp(comm, p->comm) == 0)
			return p;
	}
	return NULL;
}

/* ---- for the sentences ---- */

static const struct advice_program *program(const struct story *s, uint8_t role)
{
	return advice_program(advice_comm(s, role));
}

static int fragment(char *dst, const char *text)
{
	return text ? advice_say(dst, "%s", text) : -ENODATA;
}

int value_client_program(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_CLIENT);

	return fragment(dst, p ? p->name : NULL);
}

int value_client_keeps(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_CLIENT);

	return fragment(dst, p ? p->keeps : NULL);
}

int value_server_closes(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_SERVER);

	return fragment(dst, p ? p->closes : NULL);
}

int value_server_backlog(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_SERVER);

	return fragment(dst, p ? p->backlog : NULL);
}

int value_server_body(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_SERVER);

	return fragment(dst, p ? p->body : NULL);
}

int value_so_keepalive(const struct story *s, char *dst)
{
	const struct advice_program *p = advice_program(advice_comm_owner(s));

	return fragment(dst, p ? p->so_keepalive : NULL);
}

/* A default that the measured time-out is within a twentieth, or half a second, of. */
int value_timeout_name(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_SERVER);
	int64_t ms = advice_timeout_ms(s);

	for (unsigned int i = 0; p && ms > 0 && i < ARRAY_SIZE(p->timeouts); i++) {
		int64_t known_ms = p->timeouts[i].seconds * 1000LL;
		int64_t apart = ms > known_ms ? ms - known_ms : known_ms - ms;

		if (known_ms && apart <= MAX(500, known_ms / 20))
			return advice_say(dst, "%s", p->timeouts[i].name);
	}
	return -ENODATA;
}

int value_client_unknown(const struct story *s, char *dst)
{
	const struct advice_program *p = program(s, RST_ROLE_CLIENT);

	dst[0] = '\0';
	return p && p->keeps ? -ENODATA : 0;
}
