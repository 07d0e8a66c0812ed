/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the files of the table in common/causes.h only: the declarations of all texts, and every knob
 * that they quote, once. A default stands here only if it was verified against the version named
 * above its group (the program itself, its source, or the documentation that comes with it); where
 * a program has none, or could not be asked, the text says what to set and no number.
 */
#ifndef COMMON_CAUSES_INTERNAL_H
#define COMMON_CAUSES_INTERNAL_H

#include "common/causes.h"

/* One symbol for each cause: a cause without a text does not link. */
#define X(id, name, summary) extern const struct cause_text cause_text_##id;
RST_CAUSES(X)
#undef X

#define CAUSE_TEXT(id) const struct cause_text cause_text_##id

/* nginx 1.22.1, its source: ngx_http_upstream_keepalive_module.c, ngx_http_core_module.c,
 * ngx_http_proxy_module.c, ngx_linux_config.h */
#define NGINX_UPSTREAM_KEEPALIVE \
	{"nginx", "keepalive_timeout (in upstream)", \
	 "Default 60 s: how long an idle connection to a server is kept. Set it below the " \
	 "server's own."}
#define NGINX_KEEPALIVE \
	{"nginx", "keepalive_timeout (in http, server)", \
	 "Default 75 s: how long a client's idle connection is kept. Keep it above the " \
	 "client's own."}
#define NGINX_NEXT_UPSTREAM \
	{"nginx", "proxy_next_upstream", \
	 "Default error timeout: tries again elsewhere, but a POST that was sent only with " \
	 "non_idempotent."}
#define NGINX_LINGERING \
	{"nginx", "lingering_close", \
	 "Default on, for up to 30 s (lingering_time): reads the rest of a request before it " \
	 "closes."}
#define NGINX_BODY_SIZE \
	{"nginx", "client_max_body_size", "Default 1m: a longer request is answered with 413."}
#define NGINX_BACKLOG \
	{"nginx", "listen ... backlog=", "Default 511 on Linux, cut to net.core.somaxconn."}
#define NGINX_RESET_TIMEDOUT \
	{"nginx", "reset_timedout_connection", \
	 "Default off; on makes nginx reset connections that timed out, by SO_LINGER with " \
	 "time 0."}
#define NGINX_IGNORE_ABORT \
	{"nginx", "proxy_ignore_client_abort", \
	 "Default off: when its client leaves, nginx leaves the server too, so cancelling is " \
	 "passed on."}
#define NGINX_READ_TIMEOUT \
	{"nginx", "proxy_read_timeout", "Default 60 s between two reads of a server's answer."}
#define NGINX_CONNECT_TIMEOUT \
	{"nginx", "proxy_connect_timeout", "Default 60 s: the limit for connecting to a server."}
#define NGINX_SOCKET_KEEPALIVE \
	{"nginx", "proxy_socket_keepalive", \
	 "Default off; on sets SO_KEEPALIVE on connections to servers ('listen ... " \
	 "so_keepalive=' to clients)."}

/* Tomcat 10.1.60: a Connector asked for its properties, the server.xml of the package, and the
 * package's config/http.html */
#define TOMCAT_KEEPALIVE \
	{"Tomcat", "keepAliveTimeout", \
	 "Default: the connectionTimeout. Set it above the idle time-out of whatever stands " \
	 "in front."}
#define TOMCAT_CONNECTION_TIMEOUT \
	{"Tomcat", "connectionTimeout", \
	 "Default 60 s, but the shipped server.xml sets 20000 ms (20 s)."}
#define TOMCAT_KEEPALIVE_REQUESTS \
	{"Tomcat", "maxKeepAliveRequests", \
	 "Default 100: the connection is closed after so many requests; -1 for no limit."}
#define TOMCAT_ACCEPT_COUNT \
	{"Tomcat", "acceptCount", \
	 "Default 100: length of the accept queue, cut to net.core.somaxconn."}
#define TOMCAT_MAX_CONNECTIONS \
	{"Tomcat", "maxConnections", \
	 "Default 8192: at the limit, further ones wait in the accept queue."}
#define TOMCAT_MAX_THREADS \
	{"Tomcat", "maxThreads", "Default 200: requests that are worked on at the same time."}
#define TOMCAT_SWALLOW \
	{"Tomcat", "maxSwallowSize", \
	 "Default 2 MiB: of an upload that was refused, so much is read and thrown away " \
	 "before closing."}
#define TOMCAT_SO_KEEPALIVE \
	{"Tomcat", "socket.soKeepAlive", \
	 "Default off; true sets SO_KEEPALIVE on clients' connections."}

/* HAProxy 2.6.12: the package's configuration.txt and /etc/haproxy/haproxy.cfg */
#define HAPROXY_KEEPALIVE \
	{"HAProxy", "timeout http-keep-alive", \
	 "No default: then 'timeout http-request' holds, and without that 'timeout client'."}
#define HAPROXY_POOL_PURGE \
	{"HAProxy", "pool-purge-delay (on server)", \
	 "Default 5s: half of the idle connections to a server are closed each time it has " \
	 "passed."}
#define HAPROXY_RETRY_ON \
	{"HAProxy", "retry-on", \
	 "Default conn-failure; 'empty-response' also repeats requests that the server may " \
	 "have read."}
#define HAPROXY_NOLINGER \
	{"HAProxy", "option nolinger", \
	 "Default off; on closes with a reset. Its own manual advises against it."}
#define HAPROXY_TCPKA \
	{"HAProxy", "option clitcpka, option srvtcpka", \
	 "Default off: SO_KEEPALIVE to clients and to servers."}
#define HAPROXY_TIMEOUTS \
	{"HAProxy", "timeout client, timeout server", \
	 "No default; Debian's haproxy.cfg sets 50000 ms (50 s) for both."}
#define HAPROXY_BACKLOG {"HAProxy", "backlog", "Default: the frontend's maxconn."}

/* Apache httpd 2.4.71: the manual of its package (apache2-doc), /etc/apache2/apache2.conf */
#define APACHE_KEEPALIVE \
	{"Apache httpd", "KeepAliveTimeout", \
	 "Default 5 s: how long a client's idle connection is kept."}
#define APACHE_PROXY_TTL \
	{"Apache httpd", "ProxyPass ... ttl=", \
	 "Not set: idle connections to a server are reused whatever their age. Set it below " \
	 "the server's."}
#define APACHE_PROXY_REUSE \
	{"Apache httpd", "ProxyPass ... disablereuse=", \
	 "Default Off; On uses each connection to a server once, which no idle time-out can " \
	 "hit."}
#define APACHE_PROXY_KEEPALIVE \
	{"Apache httpd", "ProxyPass ... keepalive=", \
	 "Default Off; On sets SO_KEEPALIVE to the server."}
#define APACHE_TIMEOUT \
	{"Apache httpd", "Timeout", \
	 "Default 60 s; Debian's apache2.conf sets 300. ProxyTimeout follows it."}
#define APACHE_BODY_SIZE \
	{"Apache httpd", "LimitRequestBody", \
	 "Default 1 GiB (since 2.4.54): a longer request is refused."}
#define APACHE_BACKLOG {"Apache httpd", "ListenBackLog", "Default 511, cut to net.core.somaxconn."}

/* OpenJDK 17.0.15 (bytecode of its own classes) and 25 (source) */
#define JAVA_URL_KEEPALIVE \
	{"Java HttpURLConnection", "-Dhttp.keepAlive.time.server", \
	 "Without it 5 s, where the server's Keep-Alive header names no time."}
#define JAVA_URL_RETRY \
	{"Java HttpURLConnection", "-Dsun.net.http.retryPost", \
	 "Default true: a POST that failed on a kept connection may be sent a second time."}
#define JAVA_CLIENT_KEEPALIVE \
	{"Java HttpClient", "-Djdk.httpclient.keepalive.timeout", \
	 "Default 1200 s in Java 17, 30 s in Java 25: set it below the server's time-out."}
#define JAVA_CLIENT_RETRY \
	{"Java HttpClient", "-Djdk.httpclient.enableAllMethodRetry", \
	 "Not set: only requests that may be repeated (GET, HEAD) are."}
#define JAVA_BACKLOG \
	{"Java ServerSocket", "backlog (constructor)", "Default 50, cut to net.core.somaxconn."}

/* Apache HttpClient 4.5.14, its source: PoolingHttpClientConnectionManager.java */
#define APACHE_CLIENT_VALIDATE \
	{"Apache HttpClient 4", "setValidateAfterInactivity", \
	 "Default 2000 ms: a connection idle for longer is looked at before it is used again."}
#define APACHE_CLIENT_EVICT \
	{"Apache HttpClient 4", "evictIdleConnections", \
	 "Not called: idle connections stay in the pool. Call it with less than the server's " \
	 "time-out."}

/* Node.js 20.20.2: asked (http.createServer, http.globalAgent, http.Agent, ss -l) */
#define NODE_SERVER_KEEPALIVE \
	{"Node.js", "server.keepAliveTimeout", \
	 "Default 5000 ms (5 s): raise it above the idle time-out of the proxy or client in " \
	 "front."}
#define NODE_AGENT_TIMEOUT \
	{"Node.js", "http.Agent {keepAlive, timeout}", \
	 "http.globalAgent keeps connections and gives up after 5 s; an Agent of your own has " \
	 "no time-out."}
#define NODE_BACKLOG \
	{"Node.js", "server.listen({backlog})", "Default 511, cut to net.core.somaxconn."}

/* Go 1.19.8, its source: net/http/transport.go, net/http/server.go, net/dial.go */
#define GO_IDLE_CONN \
	{"Go net/http", "Transport.IdleConnTimeout", \
	 "90 s in DefaultTransport, no limit in a Transport of your own: set it below the " \
	 "server's."}
#define GO_SERVER_IDLE \
	{"Go net/http", "Server.IdleTimeout", \
	 "Not set: ReadTimeout holds, and without that idle connections are kept for ever."}
#define GO_KEEPALIVE \
	{"Go net", "Dialer.KeepAlive, ListenConfig.KeepAlive", \
	 "SO_KEEPALIVE is on by default, every 15 s (30 s in http.DefaultTransport)."}

/* requests 2.34.2 with urllib3 2.7.0, and Python 3.11.2: asked */
#define PYTHON_POOL \
	{"Python requests", "Session", \
	 "No idle time-out: a kept connection is only looked at for a close before it is used " \
	 "again."}
#define PYTHON_RETRIES \
	{"Python requests", "HTTPAdapter(max_retries=)", \
	 "Default 0; urllib3's Retry repeats only idempotent methods unless told otherwise."}
#define PYTHON_SOCKET_OPTIONS \
	{"Python urllib3", "socket_options", \
	 "Default TCP_NODELAY alone: add SO_KEEPALIVE and TCP_KEEPIDLE for connections that " \
	 "idle."}
#define PYTHON_BACKLOG \
	{"Python", "request_queue_size, backlog=", \
	 "Default 5 in socketserver (http.server too) and 100 in asyncio: often far too short."}

/* PostgreSQL 15.18: postgres --describe-config, postgresql.conf of the package */
#define POSTGRES_KEEPALIVES \
	{"PostgreSQL", "tcp_keepalives_idle, _interval, _count", \
	 "Default 0: what the kernel says. An idle of 60 s survives most firewalls."}
#define POSTGRES_CHECK \
	{"PostgreSQL", "client_connection_check_interval", \
	 "Default 0 (off): set it, and a query whose client has gone is cancelled."}
#define POSTGRES_IDLE \
	{"PostgreSQL", "idle_session_timeout", \
	 "Default 0 (never); idle_in_transaction_session_timeout likewise. Pools must expire " \
	 "earlier."}

/* Redis 7.0.15: the package's redis.conf */
#define REDIS_TIMEOUT \
	{"Redis", "timeout", \
	 "Default 0: idle clients are kept. With another value, pools must expire earlier."}
#define REDIS_KEEPALIVE \
	{"Redis", "tcp-keepalive", \
	 "Default 300 s: too long for firewalls that forget after 60 to 240 s."}
#define REDIS_BACKLOG {"Redis", "tcp-backlog", "Default 511, cut to net.core.somaxconn."}

/* curl 7.88.1: curl(1), lib/url.c */
#define CURL_MAX_TIME \
	{"curl", "--max-time, CURLOPT_TIMEOUT", "No default: the limit for the whole transfer."}
#define CURL_MAXAGE \
	{"libcurl", "CURLOPT_MAXAGE_CONN", \
	 "Default 118 s: a connection idle for longer is not used again. Set it below the " \
	 "server's time-out."}
#define CURL_KEEPALIVE {"curl", "--keepalive-time", "Default 60 s; SO_KEEPALIVE is on."}

/* Linux 6.18: sysctl; tcp(7) for the times that they come to */
#define LINUX_KEEPALIVE \
	{"Linux", "net.ipv4.tcp_keepalive_time, _intvl, _probes", \
	 "Default 7200 s, 75 s, 9; only for sockets with SO_KEEPALIVE on."}
#define LINUX_SOMAXCONN \
	{"Linux", "net.core.somaxconn", \
	 "Default 4096: no accept queue is longer, whatever a program asks for."}
#define LINUX_ABORT_ON_OVERFLOW \
	{"Linux", "net.ipv4.tcp_abort_on_overflow", \
	 "Default 0: a full accept queue lets clients wait; 1 resets them at once."}
#define LINUX_SYNACK_RETRIES \
	{"Linux", "net.ipv4.tcp_synack_retries", \
	 "Default 5: a handshake is given up after about a minute."}
#define LINUX_SYN_RETRIES \
	{"Linux", "net.ipv4.tcp_syn_retries", \
	 "Default 6: connect() gives up after about two minutes."}
#define LINUX_RETRIES2 \
	{"Linux", "net.ipv4.tcp_retries2", \
	 "Default 15: unanswered data is repeated for 13 to 30 minutes before the connection " \
	 "is given up."}
#define LINUX_USER_TIMEOUT \
	{"Linux", "TCP_USER_TIMEOUT (socket option)", \
	 "Not set: unanswered data is repeated until tcp_retries2 ends it. 30000 ms fails in " \
	 "30 s."}
#define LINUX_FIN_TIMEOUT \
	{"Linux", "net.ipv4.tcp_fin_timeout", \
	 "Default 60 s: how long a closed socket waits for the peer's FIN."}
#define LINUX_ORPHANS \
	{"Linux", "net.ipv4.tcp_max_orphans, tcp_mem", \
	 "Set from the memory at boot: sockets without a process, and pages for all of TCP."}
#define LINUX_MIGRATE \
	{"Linux", "net.ipv4.tcp_migrate_req", \
	 "Default 0; 1 passes waiting connections on to another listener of the same " \
	 "SO_REUSEPORT group."}
#define LINUX_SYNCOOKIES \
	{"Linux", "net.ipv4.tcp_syncookies", \
	 "Default 1: cookies are sent only when the queue of SYNs is full."}
#define LINUX_PORT_RANGE \
	{"Linux", "net.ipv4.ip_local_port_range", \
	 "Default 32768 to 60999: the local ports of outgoing connections."}
#define LINUX_CONNTRACK \
	{"Linux", "net.netfilter.nf_conntrack_tcp_timeout_established", \
	 "Default 432000 s (5 days) on Linux itself; many firewalls and routers set far less."}
#define LINUX_MPTCP \
	{"Linux", "net.mptcp.enabled", "Default 1: programs may open Multipath TCP sockets."}

/* Their own documentation, read in November 2026 */
#define AWS_NLB \
	{"AWS Network Load Balancer", "tcp.idle_timeout.seconds", "Default 350 s, 60 to 6000 s."}
#define AZURE_LB \
	{"Azure Load Balancer", "idle timeout", \
	 "Default 4 minutes; it drops silently unless TCP reset is enabled on the rule."}

#endif
