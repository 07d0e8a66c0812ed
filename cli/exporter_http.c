/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The exporter's HTTP, by libmicrohttpd in our own loop: one thread, a bounded number of
 * connections. Must not read anything of a request but its method, its path and its Accept:. Proved
 * by tests/unit/cli/exporter_http.c.
 */
#include "common/util.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>

#include "cli/exporter.h"

static const char page[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>rstmon</title></head>\n"
	"<body>\n<h1>rstmon exporter</h1>\n"
	"<p>TCP resets of this host, by direction, cause, unit and port: "
	"<a href=\"/metrics\">/metrics</a></p>\n</body>\n</html>\n";

/* 'length' bytes of 'text', which is copied: the cache may change before they are sent. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int code,
			      const char *type, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result r = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") &&
	    (code != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD")))
		r = MHD_queue_response(connection, code, response);
	MHD_destroy_response(response);
	return r;
}

static enum MHD_Result say(struct MHD_Connection *connection, unsigned int code,
			   const char *sentence)
{
	char text[EXPORTER_SENTENCE_MAX + 2];

	snprintf(text, sizeof(text), "%s\n", sentence);
	return answer(connection, code, "text/plain; charset=utf-8", text);
}

static enum MHD_Result metrics(struct MHD_Connection *connection, struct exporter_cache *cache)
{
	enum exporter_format format = exporter_accept(
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT));
	const char *text = exporter_cache_get(cache, format);

	/* No metric could be told, so this is a scrape that failed: "up" of the scraper is 0 */
	if (!text)
		return say(connection, MHD_HTTP_SERVICE_UNAVAILABLE, cache->sentence);
	return answer(connection, MHD_HTTP_OK, exporter_content_type(format), text);
}

static enum MHD_Result request(void *userdata, struct MHD_Connection *connection, const char *path,
			       const char *method, const char *version, const char *data,
			       size_t *size, void **state)
{
	static char seen;

	(void)version;
	(void)data;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			   "There is nothing to do here but to GET /metrics.");
	/* at the first call, for the headers, an answer would close the connection */
	if (!*state || *size) {
		*state = &seen;
		*size = 0;
		return MHD_YES;
	}
	if (!strcmp(path, "/metrics"))
		return metrics(connection, userdata);
	if (!strcmp(path, "/"))
		return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", page);
	return say(connection, MHD_HTTP_NOT_FOUND, "There is /metrics, and nothing else.");
}

static bool full(struct MHD_Daemon *http)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info && info->num_connections >= EXPORTER_CONNECTIONS;
}

/* A turn that begins with all connections in use stops listening, and only one that begins with
 * fewer starts again: without that one those who wait would wake nobody. */
static bool turn(struct MHD_Daemon *http)
{
	bool deaf;

	do {
		deaf = full(http);
		if (MHD_run(http) != MHD_YES)
			return false;
	} while (deaf && !full(http));
	return true;
}

/* Until something can be read from 'end'. */
static int loop(struct MHD_Daemon *http, int events, int end)
{
	struct pollfd fds[2] = {{.fd = events, .events = POLLIN}, {.fd = end, .events = POLLIN}};

	for (;;) {
		MHD_UNSIGNED_LONG_LONG left;
		int timeout = -1;

		if (MHD_get_timeout(http, &left) == MHD_YES)
			timeout = (int)MIN(left, (MHD_UNSIGNED_LONG_LONG)60000);
		if (poll(fds, ARRAY_SIZE(fds), timeout) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return 0;
		if (!turn(http))
			return -EIO;
	}
}

int exporter_serve(int fd, int end, struct exporter_cache *cache)
{
	const union MHD_DaemonInfo *info;
	struct MHD_Daemon *http;
	int listening = dup(fd), r = -EIO;

	if (listening < 0)
		return -errno;
	http = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, request, cache,
				MHD_OPTION_LISTEN_SOCKET, listening, MHD_OPTION_CONNECTION_LIMIT,
				(unsigned int)EXPORTER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				(unsigned int)EXPORTER_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)EXPORTER_REQUEST_BYTES, MHD_OPTION_END);
	if (!http) {
		close(listening);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(http, MHD_DAEMON_INFO_EPOLL_FD);
	if (info)
		r = loop(http, info->epoll_fd, end);
	MHD_stop_daemon(http);
	return r;
}
