# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# nginx, HAProxy and Apache: clients that leave, in front of Tomcat too, uploads that are cut, health
# checks, resets on purpose, and what these servers do without any reset.
. tests/lab/real_servers.sh

# ---- nginx ----

nginx_to_tomcat() {
	tomcat N tomcat 8080
	nginx_with N nginx 8000 <<-'END'
		server {
			listen 127.0.0.1:8000;
			location / {
				proxy_pass http://127.0.0.1:8080;
				proxy_max_temp_file_size 0;
			}
		}
	END
}

scenario nginx_download_cancelled "curl stops a download through nginx from Tomcat: two resets in a chain" article=2
nginx_download_cancelled() {
	net_one
	expect sent client_abort_unread_data comm=curl role=client port=8000
	expect received client_abort_unread_data comm=nginx role=server port=8000
	expect sent client_abort_unread_data comm=nginx role=client port=8080
	expect received client_abort_unread_data comm=java role=server port=8080
	nginx_to_tomcat
	fetches N 200 --max-time 2 --limit-rate 100k "http://127.0.0.1:8000/size?bytes=50000000"
	await 10 told 4 true
}

scenario nginx_wait_cancelled "curl stops waiting for a slow page through nginx from Tomcat" article=2
nginx_wait_cancelled() {
	net_one
	expect sent data_after_local_close comm=nginx role=client port=8080
	expect received data_after_local_close comm=java role=server port=8080 state=CLOSE_WAIT
	nginx_to_tomcat
	fetches N 000 --max-time 1 "http://127.0.0.1:8000/slow?ms=2500"
	await 10 told 2 true
}

# A client that takes nothing any more: curl, halted.
curl_halts() { # LABEL URL
	start "$1" client curl -s -o /dev/null --limit-rate 100k "$2"
	await 5 unread_at "$1" 8000
	kill -STOP "$pid"
}

nginx_files() { # directives of the server on stdin
	mkdir -p "$dir/www"
	chmod 755 "$dir" "$dir/www"
	head -c 20000000 /dev/zero >"$dir/www/file"
	nginx_with N nginx 8000 <<-END
		server {
			listen 127.0.0.1:8000;
			root $dir/www;
			location /closed { return 444; }
			$(cat)
		}
	END
}

scenario nginx_client_too_slow "nginx gives up a client that takes nothing (reset_timedout_connection)"
nginx_client_too_slow() {
	net_one
	expect sent linger_zero comm=nginx role=server port=8000
	expect received linger_zero comm=curl role=client port=8000
	echo 'reset_timedout_connection on; send_timeout 1s;' | nginx_files
	curl_halts N http://127.0.0.1:8000/file
	await 10 told 2 true
}

scenario nginx_upload_thrown_out "nginx closes without an answer (return 444) and with the upload unread"
nginx_upload_thrown_out() {
	net_one
	# what nginx had taken in so far it has read: the rest is unread, or still to come
	expect sent server_abort_unread_request,data_after_local_close comm=nginx role=server port=8000 n=1+
	expect received server_abort_unread_request,data_after_local_close comm=curl role=client port=8000
	echo 'client_max_body_size 0;' | nginx_files
	head -c 20000000 /dev/zero >"$dir/body"
	fetches N 000 -H Expect: -T "$dir/body" http://127.0.0.1:8000/closed
	await 5 told 2 true
}

scenario nginx_upload_lingers "nginx answers 413 and lingers, as it does by default: the control"
nginx_upload_lingers() {
	net_one
	silent
	echo 'client_max_body_size 1m;' | nginx_files
	head -c 20000000 /dev/zero >"$dir/body"
	fetches N 413 -H Expect: -T "$dir/body" http://127.0.0.1:8000/file
}

scenario nginx_return_444 "nginx closes without an answer (return 444) after it has read the request: the control"
nginx_return_444() {
	net_one
	silent
	nginx_files </dev/null
	fetches N 000 http://127.0.0.1:8000/closed
	fetches N 000 http://127.0.0.1:8000/closed
}

scenario nginx_reloads "nginx reloads with a download under way and idle connections: the control"
nginx_reloads() {
	local i
	net_one
	silent
	nginx_files </dev/null
	java_client N client
	tell client "http http://127.0.0.1:8000/file" 200
	start N client_file curl -s -o /dev/null --limit-rate 15M http://127.0.0.1:8000/file
	for i in 1 2; do
		kill -HUP "$(pid_of nginx)"
		idle_for 0.4
		tell client "http http://127.0.0.1:8000/file" 200
	done
	await 10 gone "$(pid_of client_file)"
	kill -QUIT "$(pid_of nginx)"
	await 10 gone "$(pid_of nginx)"
}

# ---- HAProxy ----

haproxy_to_nginx() { # options of the server on the line; lines of the backend on stdin
	nginx_files </dev/null
	haproxy_with N haproxy 8001 <<-END
		frontend web
			bind 127.0.0.1:8001
			default_backend files
		backend files
			$(cat)
			server nginx 127.0.0.1:8000 $1
	END
}

scenario haproxy_health_check "HAProxy asks nginx's port every 500 ms and resets" limit=40
haproxy_health_check() {
	net_one
	expect sent health_check_reset comm=haproxy role=client port=8000 n=3+
	also received health_check_reset comm=nginx role=server port=8000
	haproxy_to_nginx 'check inter 500ms' </dev/null
	await 10 told 5 true
}

# HAProxy 2.6 resets after HTTP checks too: it is done with the status line, and closes with SO_LINGER 0,
# or with the rest of a long answer unread. Only if
# the server is first with its FIN there is no reset.
scenario haproxy_http_check "HAProxy asks nginx with HTTP checks and resets after the answer" limit=40
haproxy_http_check() {
	net_one
	expect sent health_check_reset,linger_zero comm=haproxy role=client port=8000 reason=TCP_STATE n=1+
	# nginx's FIN comes twice when HAProxy's kernel takes its time to acknowledge it
	also sent data_after_local_close,half_open_unknown port=8000 reason=NO_SOCKET
	also received health_check_reset,linger_zero,late_rst_after_close comm=nginx role=server port=8000
	echo 'option httpchk HEAD /file' | haproxy_to_nginx 'check inter 100ms'
	await 20 told 1 '.reason == "TCP_STATE"'
}

scenario haproxy_http_check_large "HAProxy asks with HTTP checks for a page that it does not read" limit=40
haproxy_http_check_large() {
	net_one
	expect sent health_check_reset,client_abort_unread_data comm=haproxy role=client port=8000 n=3+
	expect received health_check_reset,client_abort_unread_data comm=nginx role=server port=8000 n=3+
	echo 'option httpchk GET /file' | haproxy_to_nginx 'check inter 500ms'
	await 10 told 6 true
}

scenario haproxy_answers "HAProxy answers and rejects by itself, no server behind it: the control"
haproxy_answers() {
	net_one
	silent
	haproxy_with N haproxy 8001 <<-'END'
		frontend web
			bind 127.0.0.1:8001
			http-request reject if { path /rejected }
			http-request return status 200 content-type text/plain string hello
	END
	fetches N 200 http://127.0.0.1:8001/hello
	fetches N 000 http://127.0.0.1:8001/rejected
	fetches N 200 -H 'Connection: close' http://127.0.0.1:8001/hello
}

scenario haproxy_download_cancelled "curl stops a download through HAProxy from nginx"
haproxy_download_cancelled() {
	net_one
	expect sent client_abort_unread_data comm=curl role=client port=8001
	expect received client_abort_unread_data comm=haproxy role=server port=8001
	expect sent client_abort_unread_data,linger_zero comm=haproxy role=client port=8000
	expect received client_abort_unread_data,linger_zero comm=nginx role=server port=8000
	haproxy_to_nginx '' </dev/null
	fetches N 200 --max-time 2 --limit-rate 100k http://127.0.0.1:8001/file
	await 10 told 4 true
}

# Without any option: HAProxy ends a connection to a server that it does not keep with SO_LINGER 0, to have
# its port back at once. The state of the server's end is a matter of microseconds.
scenario haproxy_ends_with_resets "HAProxy resets its connections to nginx when they have served"
haproxy_ends_with_resets() {
	net_one
	expect sent linger_zero comm=haproxy role=client port=8000 n=1+
	also received linger_zero,late_rst_after_close comm=nginx role=server port=8000
	echo 'http-reuse never' | haproxy_to_nginx ''
	fetches N 404 http://127.0.0.1:8001/none
	fetches N 404 http://127.0.0.1:8001/none
	await 10 told 1 true
}

scenario haproxy_nolinger "HAProxy with 'option nolinger' resets what it could close"
haproxy_nolinger() {
	net_one
	expect sent linger_zero comm=haproxy port=8001,8000 n=1+
	also received linger_zero,late_rst_after_close comm=nginx,curl
	printf 'option nolinger\noption http-server-close\n' | haproxy_to_nginx ''
	fetches N 404 "http://127.0.0.1:8001/none?[1-30]"
	await 10 told 1 true
}

# ---- Apache ----

apache_files() { # directives on stdin
	mkdir -p "$dir/apache/www"
	chmod 755 "$dir" "$dir/apache" "$dir/apache/www"
	head -c 50000000 /dev/zero >"$dir/apache/www/file"
	echo hello >"$dir/apache/www/hello"
	apache_with N apache 8000
}

scenario apache_download_cancelled "curl stops a download from Apache"
apache_download_cancelled() {
	net_one
	expect sent client_abort_unread_data comm=curl role=client port=8000
	expect received client_abort_unread_data comm=apache2 role=server port=8000
	apache_files </dev/null
	fetches N 200 --max-time 2 --limit-rate 100k http://127.0.0.1:8000/file
	await 5 told 2 true
}

# Apache lingers after its FIN: what comes meanwhile is swallowed. The race is with what comes later.
closed_for_good() { # LABEL PORT
	inside "$1" ss -Htnp state fin-wait-1 "sport = :$2" | grep -v users: | grep -q .
}

scenario apache_race "HttpClient sends a POST as Apache closes the idle connection (KeepAliveTimeout)" limit=60
apache_race() {
	local i
	net_one
	expect sent keepalive_race_server comm=apache2 role=server port=8000 n=2+
	expect received keepalive_race_server comm=java role=client port=8000 n=2
	apache_files <<-'END'
		KeepAlive On
		KeepAliveTimeout 1
	END
	late_fins N 8000
	java_client N client
	for i in 1 2; do
		tell client "http http://127.0.0.1:8000/hello" 200
		await 20 closed_for_good N 8000
		tell client "post http://127.0.0.1:8000/hello" 'java[.].*'
		await 5 told $((2 * i)) true
	done
}

scenario apache_upload_lingers "Apache answers 413 and reads on for a while: the control"
apache_upload_lingers() {
	net_one
	silent
	echo 'LimitRequestBody 1000' | apache_files
	head -c 3000000 /dev/zero >"$dir/body"
	fetches N '413|405' -H Expect: --data-binary "@$dir/body" http://127.0.0.1:8000/hello
}

scenario apache_graceful "Apache restarts gracefully with idle connections: the control"
apache_graceful() {
	net_one
	silent
	apache_files </dev/null
	java_client N client
	tell client "http http://127.0.0.1:8000/hello" 200
	kill -USR1 "$(pid_of apache)"
	idle_for 0.6
	tell client "http http://127.0.0.1:8000/hello" 200
	kill -WINCH "$(pid_of apache)"
	idle_for 0.6
	order client quit
}
