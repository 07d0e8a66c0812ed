/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts of the causes where one side closed while the other was not finished: keep-alive races,
 * early answers, cancelled downloads. What decides them is in daemon/diagnose*.c. Proved by
 * tests/unit/common/causes.c.
 */
#include "common/util.h"

#include "common/causes_internal.h"

CAUSE_TEXT(KEEPALIVE_RACE_SERVER) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"The server had kept a connection open for the next request (keep-alive), waited "
		"until its idle time-out, and closed it. In that very moment the client sent its "
		"next request on it. The request reached a closed connection, and the kernel "
		"answered it with a reset. Nobody did anything wrong: the two time-outs do not "
		"fit. It happens when the client keeps connections as long as the server or "
		"longer.",
	.looks = "The client logs \"Connection reset by peer\" or \"Connection reset\", Node "
		 "ECONNRESET or \"socket hang up\", Python ConnectionResetError or "
		 "RemoteDisconnected, Go \"connection reset by peer\" or \"server closed idle "
		 "connection\"; nginx in front answers 502 and logs \"upstream prematurely closed "
		 "connection\" or \"recv() failed (104)\". rstmon sees an idle time of seconds, "
		 "then a small request that arrived just before or after the close.",
	.advice =
		{
			"Make the client's idle time-out shorter than the server's, with some "
			"seconds to spare: the side that sends requests must be the one that "
			"closes idle connections. Take three quarters of the server's time-out.",
			"Or make the server's longer: above the idle time-out of every proxy, "
			"balancer and pool in front of it.",
			"Let the client send such a request again on a new connection, where it "
			"may run twice.",
			"If neither can be changed, use each connection once (Connection: close): "
			"slower, but no race.",
		},
	.settings = {NGINX_UPSTREAM_KEEPALIVE, TOMCAT_KEEPALIVE, TOMCAT_CONNECTION_TIMEOUT,
		     TOMCAT_KEEPALIVE_REQUESTS, NGINX_KEEPALIVE, HAPROXY_KEEPALIVE,
		     NODE_SERVER_KEEPALIVE, GO_SERVER_IDLE, APACHE_KEEPALIVE, APACHE_PROXY_TTL,
		     HAPROXY_POOL_PURGE, JAVA_CLIENT_KEEPALIVE, JAVA_URL_KEEPALIVE, CURL_MAXAGE},
	.retry = "Safe: the server closed the connection before it read this request.",
	.see = {"keepalive_race_client", "write_after_peer_close", "data_after_local_close"},
};

CAUSE_TEXT(KEEPALIVE_RACE_CLIENT) = {
	.kind = "received",
	.severity = "act",
	.meaning =
		"This program sent its next request on a connection that it had kept open "
		"(keep-alive) after some idle time, just when the server was closing it for being "
		"idle. The server's kernel answered the request with a reset. It is the same "
		"story as keepalive_race_server, seen from the client.",
	.looks = "The program logs \"Connection reset by peer\", Java \"Connection reset\" or "
		 "NoHttpResponseException, Node ECONNRESET, Python ConnectionResetError, Go "
		 "\"connection reset by peer\"; nginx answers 502 with \"recv() failed (104: "
		 "Connection reset by peer) while reading response header from upstream\". rstmon "
		 "sees an open connection that had worked before, an idle time of seconds, and a "
		 "request sent just before the reset.",
	.advice =
		{
			"Set this program's idle time-out for kept connections below the server's "
			"(three quarters of it); the idle times that rstmon shows lie just above "
			"the server's time-out.",
			"Let it repeat the request once on a new connection, where the request "
			"may run twice.",
			"Where it is possible, raise the keep-alive time-out of the server "
			"instead.",
		},
	.settings = {NGINX_UPSTREAM_KEEPALIVE, NGINX_NEXT_UPSTREAM, HAPROXY_POOL_PURGE,
		     HAPROXY_RETRY_ON, APACHE_PROXY_TTL, APACHE_PROXY_REUSE, JAVA_CLIENT_KEEPALIVE,
		     JAVA_URL_KEEPALIVE, JAVA_URL_RETRY, JAVA_CLIENT_RETRY, APACHE_CLIENT_EVICT,
		     NODE_AGENT_TIMEOUT, GO_IDLE_CONN, PYTHON_RETRIES, CURL_MAXAGE},
	.retry = "Most likely safe, as the server closed an idle connection; certain only if both "
		 "ends were seen. Requests that must not run twice should not rely on it.",
	.see = {"keepalive_race_server", "write_after_peer_close", "middlebox_idle_reject"},
};

CAUSE_TEXT(WRITE_AFTER_PEER_CLOSE) = {
	.kind = "received",
	.severity = "check",
	.meaning =
		"The peer had closed the connection cleanly (its FIN had arrived), and this "
		"program wrote to it nevertheless. The peer had nobody left to read that, and "
		"answered with a reset. On a server it is mostly a user who left before a slow "
		"answer was ready; on a client it is a kept connection that the server had closed "
		"before.",
	.looks = "The program logs \"Broken pipe\" (EPIPE); Tomcat: ClientAbortException, "
		 "java.io.IOException: Broken pipe; nginx as a client: \"upstream prematurely "
		 "closed connection\". rstmon sees that the peer's FIN had arrived (state "
		 "CLOSE_WAIT), and how long before.",
	.advice =
		{
			"On a server: harmless as such. Many of them mean that answers take "
			"longer than clients wait: compare the response time with the clients' "
			"time-outs.",
			"On a client: look at a kept connection before it is used again (does a "
			"read give end of file?), and expire idle ones earlier than the server "
			"does.",
			"Read until the end of file and close then: a server that notices the "
			"close can stop its work.",
		},
	.settings = {NGINX_IGNORE_ABORT, NGINX_UPSTREAM_KEEPALIVE, TOMCAT_KEEPALIVE,
		     APACHE_CLIENT_VALIDATE, GO_IDLE_CONN, PYTHON_POOL, POSTGRES_CHECK,
		     POSTGRES_IDLE, REDIS_TIMEOUT},
	.retry = "For a client: safe if the whole request was written after the peer's close, as "
		 "nobody read it. For a server it does not arise.",
	.see = {"data_after_local_close", "keepalive_race_client", "client_abort_unread_data"},
};

CAUSE_TEXT(DATA_AFTER_LOCAL_CLOSE) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"A program here closed its connection cleanly, and then more data arrived from "
		"the peer. Nobody can read that any more, so the kernel answers with a reset. On "
		"a client this is a cancelled request (stop button, time-out) whose answer came "
		"later. On a server it is an idle connection that was closed after a time-out and "
		"then used again by a client's pool that had not noticed, or a server that was "
		"finished with the connection too early.",
	.looks = "The peer, which was still sending, logs \"Broken pipe\", \"Connection reset by "
		 "peer\" or, in Tomcat, ClientAbortException. rstmon remembers who had closed the "
		 "connection and how long before.",
	.advice =
		{
			"If the closer is a client: compare its time-out with how long the server "
			"takes. Raise the one or speed up the other; if a user pressed stop, "
			"nothing is wrong.",
			"If the closer is a server: it should read to the end of file before it "
			"closes, so that the peer's data is taken.",
			"If the server closed because the connection was idle: let the client drop "
			"idle ones sooner than the server does, or test them before use.",
		},
	.settings = {CURL_MAX_TIME, NGINX_READ_TIMEOUT, NGINX_IGNORE_ABORT, HAPROXY_TIMEOUTS,
		     APACHE_TIMEOUT, NGINX_LINGERING, NODE_SERVER_KEEPALIVE, POSTGRES_IDLE,
		     REDIS_TIMEOUT},
	.retry =
		"If a client gave up, its request may have been carried out: repeat it only if it "
		"may run twice. If an idle server had closed, it is safe: nobody read the request.",
	.see = {"write_after_peer_close", "client_abort_unread_data", "keepalive_race_server"},
};

CAUSE_TEXT(UPLOAD_NOT_DRAINED) = {
	.kind = "sent",
	.severity = "act",
	.meaning =
		"The server answered before it had read the whole request, for instance \"413 too "
		"large\" or \"401 unauthorized\" in the middle of an upload, and closed. The rest "
		"of the upload was unread, so the close became a reset. That reset can overtake "
		"the answer and erase it: the client then sees a reset instead of the error.",
	.looks = "The client logs \"Connection reset by peer\" or \"Broken pipe\" during an "
		 "upload, curl error (55) or (56); Java \"Connection reset by peer: socket write "
		 "error\". The server's access log has a 4xx for it. rstmon sees a server that had "
		 "sent something, and then closed with a good deal unread.",
	.advice =
		{
			"Look into the server's access log at that time: the status tells why it "
			"did not want the request. If the upload is legitimate, raise the limit "
			"that refused it.",
			"Let the server read (drain) the rest before it closes, up to a limit.",
			"Let the client send 'Expect: 100-continue' with large bodies: then it "
			"learns of the refusal before it sends.",
		},
	.settings = {NGINX_BODY_SIZE, NGINX_LINGERING, TOMCAT_SWALLOW, APACHE_BODY_SIZE},
	.retry = "Not as it is: the server refused the request, and will do so again.",
	.see = {"server_abort_unread_request", "data_after_local_close", "peer_app_abort_sending"},
};

CAUSE_TEXT(CLIENT_ABORT_UNREAD_DATA) = {
	.kind = "sent",
	.severity = "check",
	.meaning = "A client on this host closed the connection although part of the answer had "
		   "arrived and was not read. Unread data turns the close into a reset. Usually "
		   "somebody cancelled a download, or the client has a time limit shorter than the "
		   "answer takes.",
	.looks =
		"The server logs \"Connection reset by peer\", Tomcat ClientAbortException: "
		"java.io.IOException: Connection reset by peer; nginx status 499 or \"client "
		"prematurely closed connection\". rstmon sees the closing process and how many "
		"bytes it left unread. A few hundred of them may be TLS 1.3 session tickets, which "
		"a client that only sends never reads.",
	.advice =
		{
			"If a person or a deliberate limit (curl --max-time, an early return from "
			"reading) stopped it: harmless.",
			"If not: raise the client's time limit for the whole answer, or make the "
			"server faster or the answer smaller.",
			"Have the program read answers to their end, error pages included, before "
			"it closes or reuses.",
		},
	.settings =
		{CURL_MAX_TIME,
		 NGINX_READ_TIMEOUT,
		 HAPROXY_TIMEOUTS,
		 {"Java HttpURLConnection", "setReadTimeout",
		  "Not set: waits without end. It limits each single read, not the whole answer."}},
	.retry = "The server had read the request and was answering: repeat it only if it may run "
		 "twice.",
	.see = {"data_after_local_close", "peer_app_abort_sending", "write_after_peer_close"},
};

CAUSE_TEXT(SERVER_ABORT_UNREAD_REQUEST) = {
	.kind = "sent",
	.severity = "act",
	.meaning = "A server here closed a connection although a request, or part of one, had "
		   "arrived and was not read. Unread data turns the close into a reset. Servers do "
		   "so when they shed load, at limits of connections, and on error paths that just "
		   "close.",
	.looks = "Clients log \"Connection reset by peer\"; curl: (56) Recv failure or (52) Empty "
		 "reply from server; nginx in front: \"upstream prematurely closed connection\" or "
		 "\"recv() failed (104)\". rstmon sees a server process that closed with unread "
		 "bytes.",
	.advice =
		{
			"Look into the server's log at that time: is it at a limit of "
			"connections, threads or memory, or did it refuse what it read (plain "
			"HTTP on a TLS port, a bad first line)?",
			"If it is at a limit, raise it or add instances; if it sheds on purpose, "
			"answer 503 and read the request before closing.",
			"On error paths: shutdown(SHUT_WR), read until the end of file or a short "
			"time-out, then close.",
		},
	.settings = {TOMCAT_MAX_CONNECTIONS, TOMCAT_MAX_THREADS, TOMCAT_CONNECTION_TIMEOUT,
		     NGINX_LINGERING},
	.retry = "The unread part was not seen by the server. Safe if nothing of the request had "
		 "been read before, which is so when the connection was new and nothing was "
		 "answered on it.",
	.see = {"upload_not_drained", "keepalive_race_server", "accept_overflow_expired"},
};

CAUSE_TEXT(FIN_WAIT2_TIMEOUT) = {
	.kind = "sent",
	.severity = "check",
	.meaning =
		"A program here had closed the connection, the peer had confirmed that, but never "
		"closed its own half. After waiting for the peer's FIN (state FIN_WAIT2) the "
		"kernel gave up with a reset. The peer leaks connections, or is gone.",
	.looks = "Nobody here notices. On the peer 'ss -tn state close-wait' shows connections "
		 "that its program does not close. rstmon sees an orphan in FIN_WAIT2 whose timer "
		 "ran out.",
	.advice =
		{
			"Look at the peer: a program with many CLOSE_WAIT sockets has forgotten "
			"to close them.",
			"Here there is nothing to mend; the wait is net.ipv4.tcp_fin_timeout or "
			"the socket's TCP_LINGER2.",
		},
	.settings = {LINUX_FIN_TIMEOUT},
	.retry = "Does not arise: this side had finished with the connection.",
	.see = {"linger2_abort", "late_rst_after_close"},
};

CAUSE_TEXT(LATE_RST_AFTER_CLOSE) = {
	.kind = "received",
	.severity = "harmless",
	.meaning =
		"A reset came for a connection that the program here had already closed. It ended "
		"something that was about to end anyway. Only if data was still on its way to the "
		"peer can something have been lost: the end of the last answer.",
	.looks = "Nobody here notices. rstmon sees a socket that no process has open any more "
		 "(states FIN_WAIT1, FIN_WAIT2, CLOSING, LAST_ACK), and how many bytes were "
		 "unacknowledged.",
	.advice =
		{
			"Nothing, as long as unacked_bytes is 0.",
			"If bytes were unacknowledged: the peer closed without reading all of the "
			"last answer; look there.",
		},
	.retry =
		"Does not arise here; a peer that misses the end of its answer decides for itself.",
	.see = {"client_abort_unread_data", "peer_app_abort_sending"},
};
