# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Connections that do not come about: ports without a listener, overflowing queues, handshakes that somebody
# disturbs.

scenario closed_port "a client asks for a port where nobody listens"
closed_port() {
	net_one
	expect sent closed_port comm= port=8080
	expect received refused_syn,closed_port comm=client role=client errno=ECONNREFUSED
	actor N client try 8080
	done_within 5
	said client ECONNREFUSED || fail "not refused"
}

scenario closed_port_ipv6 "the same over IPv6"
closed_port_ipv6() {
	net_one
	expect sent closed_port comm= port=8080
	expect received refused_syn,closed_port comm=client role=client errno=ECONNREFUSED
	actor N client try v6:8080
	done_within 5
}

scenario port_scan "somebody asks for fifteen ports"
port_scan() {
	net_one
	expect sent closed_port comm= n=15
	expect received refused_syn,closed_port comm=scanner role=client n=15
	words=
	for p in $(seq 8001 8015); do words="$words try $p"; done
	# shellcheck disable=SC2086
	actor N scanner $words
	done_within 5
}

scenario service_down "a server stops, a client comes after that"
service_down() {
	net_one
	expect sent service_down port=8080 comm= former=server
	expect received refused_syn,service_down comm=client role=client
	actor N server listen 8080 accept read 1 write 1 end close use listener close flag stopped
	await 5 listens N 8080
	actor N client connect 8080 write 1 read 1 close await stopped sleep 200 try 8080
	done_within 5
}

scenario service_killed "a server is killed, a client comes after that"
service_killed() {
	net_one
	expect sent service_down port=8080 comm= former=server
	expect received refused_syn,service_down comm=client role=client
	actor N server listen 8080 hold
	await 5 listens N 8080
	kill -KILL "$pid"
	await 5 gone "$pid"
	actor N client sleep 300 try 8080
	await 5 gone "$pid"
}

# Four clients for a queue of two; the server never accepts.
queue_of_two() { # SYSCTL...
	net_one
	known N
	set_in N "$@"
	actor N server defer 1 backlog 1 listen 8080 hold
	await 5 listens N 8080
	actor N client connect 8080 connect 8080 connect 8080 connect 8080 sleep 50 \
		use 0 write 100 use 1 write 100 use 2 write 100 use 3 write 100 sleep "$wait_ms"
	await 15 gone "$pid"
	counted N TcpExtListenOverflows 2
}

scenario accept_overflow_abort "the accept queue is full and tcp_abort_on_overflow is set"
accept_overflow_abort() {
	wait_ms=200
	expect sent accept_overflow_abort comm=server role=server n=2
	expect received accept_overflow_abort,accept_overflow_peer comm=client role=client n=2
	queue_of_two net.ipv4.tcp_abort_on_overflow=1
}

scenario accept_overflow_expired "the accept queue stays full until the waiting connections expire"
accept_overflow_expired() {
	wait_ms=9000
	expect sent accept_overflow_expired comm=server role=server n=2
	expect received accept_overflow_expired,accept_overflow_peer comm=client role=client n=2
	queue_of_two net.ipv4.tcp_synack_retries=1
}

scenario accept_overflow_peer "a far server's queue is full: it resets a request that it never took"
accept_overflow_peer() {
	net_tun
	expect received accept_overflow_peer comm=client role=client
	actor N far tun tun0 catch S raw SA reply seq=5000 catch A catch D catch D catch D \
		raw R reply win=0
	await 5 said far tun
	actor N client connect 192.0.2.2:80 write 100 closed
	done_within 15
}

scenario refused_syn "a far host refuses"
refused_syn() {
	net_tun
	expect received refused_syn comm=client role=client errno=ECONNREFUSED
	actor N far tun tun0 catch S raw RA reply seq=0 win=0
	await 5 said far tun
	actor N client try 192.0.2.2:80
	done_within 5
}

scenario connect_timeout "a firewall drops the SYNs"
connect_timeout() {
	net_path
	set_in C net.ipv4.tcp_syn_retries=1
	expect timeout connect_timeout comm=client role=client errno=ETIMEDOUT
	nft_in R <<-END
		add table inet f
		add chain inet f f { type filter hook forward priority 0; policy drop; }
	END
	actor C client try 198.51.100.1:8080
	done_within 20
}

scenario md5_mismatch "the listener wants signatures that the client does not give"
md5_mismatch() {
	net_one
	set_in N net.ipv4.tcp_syn_retries=1
	expect timeout connect_timeout comm=client role=client
	actor N server md5 127.0.0.1:0 secret listen 8080 hold
	await 5 listens N 8080
	actor N client try 8080
	await 20 gone "$pid"
	said client ETIMEDOUT || fail "the client got $(tail -n 1 "$dir/client.log")"
}

scenario icmp_refused "a firewall answers the SYN with ICMP"
icmp_refused() {
	net_path
	expect timeout icmp_refused comm=client role=client errno=ECONNREFUSED
	nft_in S <<-END
		add table inet f
		add chain inet f i { type filter hook input priority 0; }
		add rule inet f i tcp dport 8080 reject
	END
	actor C client try 198.51.100.1:8080
	done_within 10
}

scenario icmp_refused_ipv6 "a router rejects with ICMPv6"
icmp_refused_ipv6() {
	net_path
	expect timeout icmp_refused comm=client role=client
	nft_in R <<-END
		add table inet f
		add chain inet f f { type filter hook forward priority 0; }
		add rule inet f f tcp dport 8080 reject with icmpx admin-prohibited
	END
	actor C client "try" "[2001:db8:2::1]:8080"
	done_within 10
}

scenario icmp_refused_no_waiting "the same for curl, which does not wait in connect(): the error is queued only"
icmp_refused_no_waiting() {
	net_path
	expect timeout icmp_refused comm=curl role=client errno=ECONNREFUSED
	nft_in S <<-END
		add table inet f
		add chain inet f i { type filter hook input priority 0; }
		add rule inet f i tcp dport 8080 reject
	END
	inside C curl -s -m 5 http://198.51.100.1:8080/ && fail "curl was not refused"
	await 5 told 1 true
}

scenario stale_peer_connection "the SYN is answered with an acknowledgement of something else"
stale_peer_connection() {
	net_tun
	expect sent stale_peer_connection comm=client role=client
	actor N far tun tun0 catch S raw A reply seq=7000 ack=+100000 say forged
	await 5 said far tun
	actor N client start 192.0.2.2:80 hold
	await 5 said far forged
}

scenario stale_synack "the SYN is answered with a SYN-ACK that does not fit"
stale_synack() {
	net_tun
	expect sent stale_peer_connection comm=client role=client
	actor N far tun tun0 catch S raw SA reply seq=7000 ack=-5000 say forged
	await 5 said far tun
	actor N client start 192.0.2.2:80 hold
	await 5 said far forged
}

# The far client is no kernel: "far" is told what to do after the SYN-ACK.
half_handshake() { # SYSCTL|- WORD...
	net_tun
	known N
	[ "$1" = - ] || set_in N "$1"
	actor N server listen 192.0.2.1:8080 hold
	await 5 listens N 8080
	actor N far tun tun0 raw S 192.0.2.2:5000 192.0.2.1:8080 seq=1000 catch SA "${@:2}" sleep 100
	await 5 gone "$pid"
	grep -q 'caught SA' "$dir/far.log" || fail "the handshake did not begin"
}

scenario bad_syn "a SYN comes in the middle of a handshake"
bad_syn() {
	expect sent bad_syn comm=server role=server
	half_handshake - raw S reply seq=+100
}

scenario handshake_bad_ack "a handshake ends with a wrong acknowledgement"
handshake_bad_ack() {
	expect sent handshake_bad_ack,half_open_to_listener confidence=medium,low comm=server role=server
	half_handshake - raw A reply ack=+1000
}

scenario syncookie_failed "an acknowledgement has no valid SYN cookie"
syncookie_failed() {
	expect sent syncookie_failed comm=server role=server
	half_handshake net.ipv4.tcp_syncookies=2 raw A reply ack=+1000
	counted N TcpExtSyncookiesFailed 1
}

scenario time_wait_syn "a SYN comes for a connection that was closed here"
time_wait_syn() {
	net_tun
	expect sent bad_syn comm=server role=server
	actor N server listen 192.0.2.1:8080 accept close hold
	await 5 listens N 8080
	actor N far tun tun0 raw S 192.0.2.2:5000 192.0.2.1:8080 seq=1000 catch SA raw A reply \
		catch FA raw A reply sleep 200 raw S reply seq=+10 sleep 100
	await 5 gone "$pid"
	grep -q 'caught FA' "$dir/far.log" || fail "the connection was not closed"
}

scenario handshake_rst_embryonic "far clients reset in the middle of the handshake: counted, not seen singly"
handshake_rst_embryonic() {
	local before
	expect counter handshake_rst_embryonic
	before=$(why_counts handshake_rst_embryonic)
	# the last one is a bad acknowledgement: that is a reset, for which rstmond looks
	expect sent handshake_bad_ack,half_open_to_listener comm=server
	half_handshake - raw R reply repeat 5 raw S 192.0.2.2:5001 192.0.2.1:8080 seq=1000 catch SA raw R reply \
		again sleep 300 raw S 192.0.2.2:5002 192.0.2.1:8080 seq=1000 catch SA raw A reply ack=+1000
	counted N TcpExtEmbryonicRsts 6
	count_of handshake_rst_embryonic "$before" 6
}

scenario rst_ignored "resets that are in the window but not exact: counted, not seen singly"
rst_ignored() {
	local before
	net_one
	known N
	expect counter rst_ignored
	# the last is an acknowledgement of nothing: that is answered, and then rstmond looks
	expect sent half_open_to_listener,handshake_bad_ack comm=server
	before=$(why_counts rst_ignored)
	actor N server listen 8080 accept read 100 hold
	await 5 listens N 8080
	actor N attacker sniff lo catch D port=8080 raw R same seq=+1000 sleep 600 raw R same seq=+1000 sleep 300 \
		raw A 127.0.0.1:5000 127.0.0.1:8080 seq=1000 ack=2000
	attacker=$pid
	await 5 said attacker sniffing
	actor N client connect 8080 write 100 hold
	await 5 gone "$attacker"
	counted N TcpExtTCPChallengeACK 2
	count_of rst_ignored "$before" 2
}
