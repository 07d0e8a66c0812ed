# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# Keep-alive races, and the three remedies for "Connection reset by peer": retry, long connections, short
# connections. A scenario of a remedy has two halves with the same requests, before it and after it, on two
# service ports that no other scenario uses: the resets of the first half are expected, any of the second
# is a wrong answer. What rstmon itself counted for both goes to $dir/remedy.
#
# Tomcat, as every server on NIO, ends an idle connection in two steps: its FIN goes out, and up to a
# second later the socket is closed. A request between them is lost unread, one after them meets no
# process any more. Both are the same race. In the first case the client's kernel asks back before it
# believes the reset (it has not seen the FIN), and is sent a second one.
. tests/lab/real_servers.sh

# In "rstmon list" for this scenario's namespace.
count_of() { # LABEL PORT
	"$B/rstmon" list --json -n 1000 "netns $(stat -Lc %i "/run/netns/$id-$1") and port $2" |
		jq '[.rows[].count] | add // 0'
}

counts() { # LABEL PORT AT-LEAST
	[ "$(count_of "$1" "$2")" -ge "$3" ]
}

remedy() { # LABEL PORT-BEFORE PORT-AFTER WHAT REQUESTS
	echo "$4: resets before $(count_of "$1" "$2"), after $(count_of "$1" "$3"); $5" >"$dir/remedy"
}

# ---- races ----

scenario race_httpurlconnection "HttpURLConnection sends as Tomcat closes: it tries again by itself" limit=90
race_httpurlconnection() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8081 n=3+
	expect received keepalive_race_server comm=java role=client port=8081 n=3
	# else Tomcat tells its time-out in a header, which this client heeds
	tomcat N tomcat 8081,keepAliveTimeout=1000,useKeepAliveResponseHeader=false
	late_fins N 8081
	java_client N client
	tell client "url http://127.0.0.1:8081/hello" 200
	for i in 1 2 3; do
		await 10 closing N 8081
		tell client "url http://127.0.0.1:8081/hello" 200
		await 5 told $((2 * i)) true
	done
}

scenario race_httpclient "HttpClient sends a POST as Tomcat closes: the caller gets an exception" limit=90
race_httpclient() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8081 n=3+
	expect received keepalive_race_server comm=java role=client port=8081 n=3
	tomcat N tomcat 8081,keepAliveTimeout=1000
	late_fins N 8081
	java_client N client
	for i in 1 2 3; do
		tell client "post http://127.0.0.1:8081/hello" 200
		await 10 closing N 8081
		tell client "post http://127.0.0.1:8081/hello" 'java[.].*'
		await 5 told $((2 * i)) true
	done
}

nginx_upstream() { # NAME PORT UPSTREAM-PORT [LINE-OF-UPSTREAM]; lines of the location on stdin
	cat <<-END
		upstream $1 {
			server 127.0.0.1:$3;
			$4
		}
		server {
			listen 127.0.0.1:$2;
			location / {
				proxy_pass http://$1;
				$(cat)
			}
		}
	END
}

scenario race_nginx "nginx sends a POST to Tomcat as that closes: 502" limit=90
race_nginx() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8081 n=3+
	expect received keepalive_race_server comm=nginx role=client port=8081 n=3
	tomcat N tomcat 8081,keepAliveTimeout=1000
	late_fins N 8081
	nginx_upstream tomcat 8000 8081 'keepalive 4;' </dev/null | nginx_with N nginx 8000
	for i in 1 2 3; do
		fetches N 200 -d order http://127.0.0.1:8000/hello
		await 10 closing N 8081
		fetches N 502 -d order http://127.0.0.1:8000/hello
		await 5 told $((2 * i)) true
	done
}

# ---- remedies ----

scenario remedy_retry "remedy: nginx may ask again (proxy_next_upstream)" limit=90
remedy_retry() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8101 n=3+
	expect received keepalive_race_server comm=nginx role=client port=8101 n=3
	# a retry mends the answer, not the reset
	expect sent keepalive_race_server comm=java role=server port=8102 n=3+
	expect received keepalive_race_server comm=nginx role=client port=8102 n=3+
	tomcat N tomcat 8101,keepAliveTimeout=1000 8102,keepAliveTimeout=1000
	late_fins N 8101,8102
	{
		echo 'proxy_next_upstream off;' | nginx_upstream before 8001 8101 'keepalive 4;'
		echo 'proxy_next_upstream error timeout;' | nginx_upstream after 8002 8102 'keepalive 4;'
	} | nginx_with N nginx 8001
	for i in 1 2 3; do
		fetches N 200 http://127.0.0.1:8001/hello
		fetches N 200 http://127.0.0.1:8002/hello
		await 10 closing N 8101
		await 10 closing N 8102
		fetches N 502 http://127.0.0.1:8001/hello
		fetches N 200 http://127.0.0.1:8002/hello
		await 5 told $((4 * i)) true
	done
	await 5 counts N 8102 6
	remedy N 8101 8102 "retry (GET, nginx proxy_next_upstream)" "requests failed before 3 of 3, after 0 of 3"
}

scenario remedy_long_connections "remedy: HttpClient gives up idle connections before Tomcat does" limit=90
remedy_long_connections() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8103 n=3+
	expect received keepalive_race_server comm=java role=client port=8103 n=3
	tomcat N tomcat 8103,keepAliveTimeout=2500 8104,keepAliveTimeout=2500
	late_fins N 8103,8104
	java_client N before
	java_client N after -Djdk.httpclient.keepalive.timeout=1
	for i in 1 2 3; do
		tell before "post http://127.0.0.1:8103/hello" 200
		tell after "post http://127.0.0.1:8104/hello" 200
		await 10 closing N 8103
		tell before "post http://127.0.0.1:8103/hello" 'java[.].*'
		tell after "post http://127.0.0.1:8104/hello" 200
		await 5 told $((2 * i)) true
	done
	await 5 counts N 8103 6
	remedy N 8103 8104 "long connections (HttpClient keeps them 1 s, Tomcat 2.5 s)" \
		"requests failed before 3 of 3, after 0 of 3"
}

scenario remedy_long_connections_nginx "remedy: nginx gives up idle connections before Tomcat does" limit=90
remedy_long_connections_nginx() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8105 n=3+
	expect received keepalive_race_server comm=nginx role=client port=8105 n=3
	tomcat N tomcat 8105,keepAliveTimeout=2500 8106,keepAliveTimeout=2500
	late_fins N 8105,8106
	{
		nginx_upstream before 8001 8105 'keepalive 4; keepalive_timeout 60s;' </dev/null
		nginx_upstream after 8002 8106 'keepalive 4; keepalive_timeout 1s;' </dev/null
	} | nginx_with N nginx 8001
	for i in 1 2 3; do
		fetches N 200 -d order http://127.0.0.1:8001/hello
		fetches N 200 -d order http://127.0.0.1:8002/hello
		await 10 closing N 8105
		fetches N 502 -d order http://127.0.0.1:8001/hello
		fetches N 200 -d order http://127.0.0.1:8002/hello
		await 5 told $((2 * i)) true
	done
	await 5 counts N 8105 6
	remedy N 8105 8106 "long connections (nginx keepalive_timeout 1 s, Tomcat 2.5 s)" \
		"requests failed before 3 of 3, after 0 of 3"
}

scenario remedy_short_connections "remedy: nginx asks Tomcat with HTTP/1.0 and Connection: close" limit=90
remedy_short_connections() {
	local i
	net_one
	expect sent keepalive_race_server comm=java role=server port=8107 n=3+
	expect received keepalive_race_server comm=nginx role=client port=8107 n=3
	tomcat N tomcat 8107,keepAliveTimeout=1000 8108,keepAliveTimeout=1000
	{
		nginx_upstream before 8001 8107 'keepalive 4;' </dev/null
		echo 'proxy_http_version 1.0; proxy_set_header Connection close;' |
			nginx_upstream after 8002 8108
	} | nginx_with N nginx 8001
	late_fins N 8107
	for i in 1 2 3; do
		fetches N 200 -d order http://127.0.0.1:8001/hello
		fetches N 200 -d order http://127.0.0.1:8002/hello
		await 10 closing N 8107
		fetches N 502 -d order http://127.0.0.1:8001/hello
		fetches N 200 -d order http://127.0.0.1:8002/hello
		await 5 told $((2 * i)) true
	done
	await 5 counts N 8107 6
	remedy N 8107 8108 "short connections (nginx with HTTP/1.0)" "requests failed before 3 of 3, after 0 of 3"
}
