#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Servers of the benchmark, in its namespace, on the first core, with files in $dir. Sourced by run.sh.

answers() { # COMMAND...: until it succeeds
	local tries=100
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

serve() { # COMMAND...
	ip netns exec "$ns" taskset -c 0 "$@" >"$dir/server" 2>&1 &
	server=$!
	servers="$servers $server"
}

serve_nginx() {
	mkdir -p "$dir/nginx"
	cat >"$dir/nginx.conf" <<-END
		daemon off;
		master_process off;
		user root;
		pid $dir/nginx/pid;
		error_log $dir/nginx/error.log;
		events { worker_connections 1024; }
		http {
			access_log off;
			keepalive_requests 1000000000;
			client_body_temp_path $dir/nginx/body;
			proxy_temp_path $dir/nginx/proxy;
			fastcgi_temp_path $dir/nginx/fastcgi;
			uwsgi_temp_path $dir/nginx/uwsgi;
			scgi_temp_path $dir/nginx/scgi;
			server {
				listen 127.0.0.1:8080 backlog=1024;
				location / { return 200 "well\n"; }
			}
		}
	END
	serve nginx -p "$dir/nginx" -c "$dir/nginx.conf" -e "$dir/nginx/error.log"
	# so that a round does not pay for the time-wait sockets of the ones before
	inside sysctl -qw net.ipv4.tcp_max_tw_buckets=1024 net.ipv4.ip_local_port_range='10000 65000'
	answers inside wrk -t1 -c1 -d1s http://127.0.0.1:8080/
}

end_server() {
	end "$server"
	server='' servers=''
}
