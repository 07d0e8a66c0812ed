# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# The five causes of "Connection reset by peer" that Java people meet, with Tomcat 10: the client died,
# the user cancelled, the server is over its limits, the JVM died. The fifth, the firewall, is in
# real_path.sh. See lib.sh for the words.
. tests/lab/real_servers.sh

# ---- 1: the client died ----

scenario tomcat_client_killed "a Java NIO client is killed (SIGKILL) with the answer unread" article=1
tomcat_client_killed() {
	net_one
	expect sent proc_killed_unread comm=java role=client port=8080
	expect received proc_killed_unread comm=java role=server port=8080 errno=ECONNRESET
	tomcat N tomcat 8080
	java_client N client
	tell client "nio 127.0.0.1 8080 /size?bytes=20000000" '[0-9]+'
	await 5 unread_at N 8080
	ends client KILL
}

scenario tomcat_client_halts "a Java NIO client ends with Runtime.halt() and the answer unread" article=1
tomcat_client_halts() {
	net_one
	expect sent proc_exit_unread comm=java role=client port=8080
	expect received proc_exit_unread comm=java role=server port=8080 errno=ECONNRESET
	tomcat N tomcat 8080
	java_client N client
	tell client "nio 127.0.0.1 8080 /size?bytes=20000000" '[0-9]+'
	await 5 unread_at N 8080
	order client "halt 3"
	await 10 ended "$(pid_of client)"
}

scenario tomcat_client_killed_waiting "a Java client is killed before the server has answered" article=1
tomcat_client_killed_waiting() {
	net_one
	expect sent data_after_local_close comm=java role=client port=8080
	expect received data_after_local_close comm=java role=server port=8080 state=CLOSE_WAIT
	tomcat N tomcat 8080
	java_client N client
	tell client "nio 127.0.0.1 8080 /slow?ms=1500" '[0-9]+'
	idle_for 0.3
	ends client KILL
	await 5 told 2 true
}

# ---- 2: the user cancelled ----

scenario tomcat_download_cancelled "curl stops in the middle of a download" article=2
tomcat_download_cancelled() {
	net_one
	expect sent client_abort_unread_data comm=curl role=client port=8080
	expect received client_abort_unread_data comm=java role=server port=8080 errno=ECONNRESET
	tomcat N tomcat 8080
	fetches N 200 --max-time 2 --limit-rate 100k "http://127.0.0.1:8080/size?bytes=50000000"
}

scenario tomcat_wait_cancelled "curl stops before a slow page is answered" article=2
tomcat_wait_cancelled() {
	net_one
	expect sent data_after_local_close comm=curl role=client port=8080
	expect received data_after_local_close comm=java role=server port=8080 state=CLOSE_WAIT
	tomcat N tomcat 8080
	fetches N 000 --max-time 1 "http://127.0.0.1:8080/slow?ms=2500"
	await 15 told 2 true
}

# ---- 3: the server is over its limits ----

# Tomcat at its maxConnections takes nobody from the queue, which holds acceptCount + 1. Four more get
# as far as the SYN's answer, their next segment is lost once: when it comes again, one of them finds
# the last place taken and three find none.
overflow() {
	local i
	set_in N net.ipv4.tcp_syncookies=0 net.ipv4.tcp_synack_retries=1 "$@"
	tomcat N tomcat 8080,maxConnections=1,acceptCount=4
	start N slow curl -s "http://127.0.0.1:8080/slow?ms=60000"
	await 20 accepted N 8080
	for i in 1 2 3 4; do
		start N "queued$i" curl -s http://127.0.0.1:8080/hello
		await 5 queue_is N 8080 "$i"
	done
	nft_in N <<-END
		table ip lossy {
			chain arriving {
				type filter hook input priority 0
				tcp dport 8080 tcp flags & syn == 0 ct state != invalid drop
			}
		}
	END
	for i in 1 2 3 4; do
		start N "late$i" curl -s http://127.0.0.1:8080/hello
	done
	await 5 half_open N 8080 4
	inside N nft delete table ip lossy
}

queue_is() { # LABEL PORT LENGTH: of the accept queue
	[ "$(inside "$1" ss -Htln "sport = :$2" | awk '{ print $2 }')" = "$3" ]
}

half_open() { # LABEL PORT N
	[ "$(inside "$1" ss -Htn state syn-recv "sport = :$2" | wc -l)" = "$3" ]
}

scenario tomcat_overflow_aborts "Tomcat's accept queue overflows, tcp_abort_on_overflow is 1" limit=40 article=3
tomcat_overflow_aborts() {
	net_one
	expect sent accept_overflow_abort comm=java role=server port=8080 n=3
	expect received accept_overflow_abort comm=curl role=client port=8080 n=3
	overflow net.ipv4.tcp_abort_on_overflow=1
	await 10 told 6 true
	counted N TcpExtListenOverflows 3
}

scenario tomcat_overflow_expires "Tomcat's accept queue overflows, clients wait until they are reset" \
	limit=60 article=3
tomcat_overflow_expires() {
	net_one
	expect sent accept_overflow_expired comm=java role=server port=8080 n=3
	expect received accept_overflow_expired comm=curl role=client port=8080 n=3
	overflow net.ipv4.tcp_abort_on_overflow=0
	await 30 told 6 true
	counted N TcpExtListenOverflows 3
}

scenario tomcat_upload_refused "a servlet answers 403 to 20 MB and Tomcat closes with the rest unread" article=3
tomcat_upload_refused() {
	net_one
	expect sent upload_not_drained comm=java role=server port=8080
	# curl has read the 403 and closes as well: which of them is first differs, and so does whether
	# the reset still meets its socket
	also received upload_not_drained,late_rst_after_close comm=curl role=client port=8080
	tomcat N tomcat 8080
	head -c 20000000 /dev/zero >"$dir/body"
	inside N curl -s -o "$dir/answer" -H Expect: --data-binary "@$dir/body" http://127.0.0.1:8080/forbid
	await 10 told 1 '.direction == "sent"'
}

scenario tomcat_upload_swallowed "the same with maxSwallowSize=-1: the control"
tomcat_upload_swallowed() {
	net_one
	silent
	tomcat N tomcat 8080,maxSwallowSize=-1
	head -c 20000000 /dev/zero >"$dir/body"
	fetches N 403 -H Expect: --data-binary "@$dir/body" http://127.0.0.1:8080/forbid
}

scenario tomcat_threads_exhausted "8 clients of 4 slow threads, all give up after a second" article=3
tomcat_threads_exhausted() {
	local i
	net_one
	expect sent data_after_local_close comm=curl role=client port=8080 n=8
	expect received data_after_local_close comm=java role=server port=8080 state=CLOSE_WAIT n=8
	tomcat N tomcat 8080,maxThreads=4,minSpareThreads=4
	for i in 1 2 3 4 5 6 7 8; do
		start N "client$i" curl -s --max-time 1 "http://127.0.0.1:8080/slow?ms=2500"
	done
	await 15 told 16 true
}

# ---- 4: the JVM died ----

# An upload that the servlet does not read is under way; as a form Tomcat would read it for its parameters.
upload_waits() {
	head -c 2000000 /dev/zero >"$dir/body"
	start N client curl -s -H Expect: -T "$dir/body" "http://127.0.0.1:8080/slow?ms=60000"
	await 5 unread_from N 8080
	idle_for 0.2 # the servlet has the request
}

scenario tomcat_killed "Tomcat is killed (SIGKILL) with a request unread" article=4
tomcat_killed() {
	net_one
	expect sent proc_killed_unread comm=java role=server port=8080
	expect received proc_killed_unread comm=curl role=client port=8080
	tomcat N tomcat 8080
	upload_waits
	ends tomcat KILL
}

scenario tomcat_crashed "the JVM crashes (SIGSEGV) with a request unread" article=4
tomcat_crashed() {
	net_one
	expect sent proc_crash_unread comm=java role=server port=8080
	expect received proc_crash_unread comm=curl role=client port=8080
	ulimit -c 0
	tomcat N tomcat 8080
	upload_waits
	ends tomcat SEGV
}

scenario tomcat_out_of_memory "the kernel kills Tomcat (OOM) with a request unread" alone article=4
tomcat_out_of_memory() {
	local cgroup=/sys/fs/cgroup/memory/$id limit=memory.limit_in_bytes
	[ -e /sys/fs/cgroup/cgroup.controllers ] && cgroup=/sys/fs/cgroup/$id limit=memory.max
	mkdir "$cgroup" 2>/dev/null || skip "no memory controller"
	[ -e "$cgroup/$limit" ] || {
		rmdir "$cgroup"
		skip "no memory controller"
	}
	net_one
	expect sent proc_killed_unread comm=java role=server port=8080
	expect received proc_killed_unread comm=curl role=client port=8080
	java_classes
	# shellcheck disable=SC2086
	start N tomcat $jvm -Xmx2g -cp "$jars:$lab/classes" Web "$dir" 8080
	serves N 8080
	echo "$pid" >"$cgroup/cgroup.procs"
	echo 200M >"$cgroup/$limit"
	upload_waits
	start N glutton curl -s http://127.0.0.1:8080/eat
	await 20 told 2 true
	await 10 rmdir "$cgroup"
}

scenario tomcat_restart_pending "Tomcat is stopped while connections wait to be accepted" article=4
tomcat_restart_pending() {
	local i
	net_one
	expect sent listener_closed_pending comm=java role=server port=8080 n=3
	expect received listener_closed_pending comm=curl role=client port=8080 n=3
	# Tomcat wakes the thread that accepts, see tomcat_stopped_idle
	also sent linger_zero comm=java role=client port=8080
	also received linger_zero,late_rst_after_close comm=java role=server port=8080
	tomcat N tomcat 8080,maxConnections=1,acceptCount=10
	start N slow curl -s "http://127.0.0.1:8080/slow?ms=4000"
	await 20 accepted N 8080
	for i in 1 2 3; do
		start N "queued$i" curl -s http://127.0.0.1:8080/hello
		await 5 queue_is N 8080 "$i"
	done
	kill -TERM "$(pid_of tomcat)"
	await 10 told 6 true
}

scenario tomcat_down "nginx asks a Tomcat that was killed: 502" article=4
tomcat_down() {
	net_one
	expect sent service_down role=none,server port=8080
	expect received refused_syn comm=nginx role=client port=8080 errno=ECONNREFUSED
	tomcat N tomcat 8080
	nginx_with N nginx 8000 <<-'END'
		server {
			listen 127.0.0.1:8000;
			location / { proxy_pass http://127.0.0.1:8080; }
		}
	END
	fetches N 200 http://127.0.0.1:8000/hello
	ends tomcat KILL
	fetches N 502 http://127.0.0.1:8000/hello
}

# ---- controls ----

scenario tomcat_short_connections "Connection: close, ten times: the control"
tomcat_short_connections() {
	local i
	net_one
	silent
	tomcat N tomcat 8080
	for i in 1 2 3 4 5 6 7 8 9 10; do
		fetches N 200 -H 'Connection: close' http://127.0.0.1:8080/hello
		fetches N 200 -0 http://127.0.0.1:8080/hello
	done
}

scenario tomcat_kept_connections "keep-alive, then the client closes: the control"
tomcat_kept_connections() {
	net_one
	silent
	tomcat N tomcat 8080
	fetches N 200 "http://127.0.0.1:8080/hello?[1-10]"
	java_client N client
	tell client "url http://127.0.0.1:8080/hello" '200'
	tell client "http http://127.0.0.1:8080/hello" '200'
	tell client "http http://127.0.0.1:8080/hello" '200'
	order client quit
	await 10 ended "$(pid_of client)"
}

scenario tomcat_fin_seen "keep-alive times out at Tomcat and the client sees it in time: the control"
tomcat_fin_seen() {
	net_one
	silent
	tomcat N tomcat 8080,keepAliveTimeout=500
	java_client N client
	tell client "http http://127.0.0.1:8080/hello" '200'
	tell client "url http://127.0.0.1:8080/hello" '200'
	idle_for 1.8
	tell client "http http://127.0.0.1:8080/hello" '200'
	tell client "url http://127.0.0.1:8080/hello" '200'
}

# Tomcat has no other way to wake the thread that accepts than to connect to itself, and it resets that
# connection with SO_LINGER 0. Its clients' idle connections end cleanly.
scenario tomcat_stopped_idle "Tomcat is stopped gracefully with idle connections: it resets only itself"
tomcat_stopped_idle() {
	net_one
	# It wakes its acceptor once or twice by a connection to itself. Where the other end is gone already,
	# this looks like any check that connects and resets, and rstmond says that it is not sure.
	expect sent linger_zero,health_check_reset comm=java role=client port=8080 n=1+
	also received linger_zero,late_rst_after_close comm=java role=server port=8080
	tomcat N tomcat 8080
	java_client N client
	tell client "http http://127.0.0.1:8080/hello" 200
	tell client "url http://127.0.0.1:8080/hello" 200
	ends tomcat TERM
	idle_for 0.3
	order client quit
	await 10 ended "$(pid_of client)"
}
