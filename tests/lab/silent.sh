# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Negative controls: nothing that happens here is a reset, or the kernel did not believe it. Where a segment
# was forged, the kernel's counters show that it came.

scenario close_server_first "a clean close, the server begins"
close_server_first() {
	net_one
	silent
	actor N server listen 8080 accept read 100 write 100 close
	await 5 listens N 8080
	actor N client connect 8080 write 100 read 100 drain close
	done_within 5
}

scenario close_client_first "a clean close, the client begins"
close_client_first() {
	net_one
	silent
	actor N server listen 8080 accept read 100 write 100 drain close
	await 5 listens N 8080
	actor N client connect 8080 write 100 read 100 close
	done_within 5
}

scenario keepalive_fin_seen "an idle connection is closed by the server, the client sees it in time"
keepalive_fin_seen() {
	net_path
	silent
	actor S server listen any:8080 accept read 100 write 100 sleep 1500 close
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 end drain close
	done_within 10
	said client eof || fail "the client saw no end"
}

scenario half_close "a client shuts down its half and reads on"
half_close() {
	net_one
	silent
	actor N server listen 8080 accept read 100 drain write 100000 close
	await 5 listens N 8080
	actor N client connect 8080 write 100 shutdown wr read 100000 drain close
	done_within 5
}

scenario clean_port_reuse "a port pair is used again after TIME-WAIT"
clean_port_reuse() {
	net_one
	silent
	actor N server listen 8080 repeat 3 accept read 10 write 10 drain close again
	await 5 listens N 8080
	actor N client source 5555 repeat 3 connect 8080 write 10 read 10 close sleep 1200 again
	done_within 10
}

scenario graceful_restart "a listener is closed with nothing pending, and another one opened"
graceful_restart() {
	net_one
	silent
	actor N server listen 8080 accept use listener close use 0 read 10 write 10 drain close flag stopped
	await 5 listens N 8080
	actor N client connect 8080 write 10 read 10 close await started connect 8080 write 10 drain close
	await 5 test -e "$dir/flag.stopped"
	actor N next listen 8080 flag started accept read 10 write 10 close
	done_within 5
}

scenario big_transfer "fifty megabytes, all of them read"
big_transfer() {
	net_path
	silent
	actor S server listen any:8080 accept read 100 write 50000000 close
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 drain close
	done_within 30
}

scenario drained_413 "a server refuses an upload early, but reads it to the end"
drained_413() {
	net_one
	silent
	actor N server listen 8080 accept read 1000 write 200 shutdown wr drain close
	await 5 listens N 8080
	actor N client connect 8080 push 3000000 shutdown wr drain close
	done_within 10
}

scenario both_close "both ends close at the same time"
both_close() {
	net_one
	silent
	actor N server listen 8080 accept read 10 write 10 await now close
	await 5 listens N 8080
	actor N client connect 8080 write 10 read 10 sleep 100 flag now await now close
	done_within 5
}

scenario keepalive_answered "keep-alive probes are answered"
keepalive_answered() {
	net_one
	silent
	actor N server listen 8080 accept read 10 write 10 drain close
	await 5 listens N 8080
	actor N client connect 8080 keepalive 1 1 2 write 10 read 10 sleep 3500 close
	done_within 10
	counted N TcpExtTCPKeepAlive 2
}

scenario exit_after_reading "processes end with their sockets open and nothing unread"
exit_after_reading() {
	net_one
	silent
	actor N server listen 8080 accept read 10 write 10 drain exit 0
	await 5 listens N 8080
	actor N client connect 8080 write 10 read 10 exit 0
	done_within 5
}

# forged WORD...: both ends live on while "attacker" sends; then they close in order
forged() {
	net_one
	silent
	actor N server listen 8080 accept read 100 write 100 drain close
	await 5 listens N 8080
	actor N attacker sniff lo catch D port=8080 flag caught await talked "$@" sleep 200 flag sent
	await 5 said attacker sniffing
	actor N client connect 8080 write 100 read 100 sleep 100 flag talked await sent close
	done_within 10
}

scenario rst_in_window "a forged reset is in the window, but not exact"
rst_in_window() {
	forged raw R same seq=+1000
	counted N TcpExtTCPChallengeACK 1
}

scenario rst_out_of_window "a forged reset is far from the window"
rst_out_of_window() {
	forged raw R same seq=+200000000
}

scenario syn_into_established "a SYN comes for an open connection"
syn_into_established() {
	forged raw S same seq=+1000
	counted N TcpExtTCPSYNChallenge 1
}

scenario embryonic_rst "a far client resets in the middle of the handshake"
embryonic_rst() {
	silent
	net_tun
	actor N server listen 192.0.2.1:8080 hold
	await 5 listens N 8080
	actor N far tun tun0 raw S 192.0.2.2:5000 192.0.2.1:8080 seq=1000 catch SA raw R reply sleep 100
	await 5 gone "$pid"
	counted N TcpExtEmbryonicRsts 1
}

scenario connect_given_up "a client closes before its SYN is answered"
connect_given_up() {
	net_tun
	silent
	actor N far tun tun0 catch S say syn hold
	await 5 said far tun
	actor N client start 192.0.2.2:80 await syn close
	await 5 said far 'caught S'
	flag syn
	await 5 gone "$pid"
}
