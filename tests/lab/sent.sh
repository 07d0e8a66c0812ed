# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Resets that a program on this host causes by how it closes, with both ends here: the other end's finding
# may take the sender's cause, which is the same story, or say what it looks like from there.

scenario client_abort_unread_data "a client closes before it has read the answer"
client_abort_unread_data() {
	net_one
	expect sent client_abort_unread_data comm=client role=client
	expect received client_abort_unread_data,peer_app_abort_sending,peer_app_abort_idle \
		comm=server role=server
	actor N server listen 8080 accept read 100 write 5000 closed
	await 5 listens N 8080
	actor N client connect 8080 write 100 unread 5000 close
	done_within 5
}

# ends_unread PROCESS-DOES CAUSE: a server goes with a request unread
server_goes() {
	net_one
	expect sent "$1" comm=server role=server
	expect received "$1",peer_app_abort_idle,peer_app_abort_sending comm=client role=client
	actor N server listen 8080 accept unread 100 "${@:2}"
	await 5 listens N 8080
	actor N client connect 8080 write 100 closed
	await 5 gone "$pid"
}

client_goes() {
	net_one
	expect sent "$1" comm=client role=client
	expect received "$1",peer_app_abort_idle,peer_app_abort_sending comm=server role=server
	actor N server listen 8080 accept read 100 write 5000 closed
	await 5 listens N 8080
	server=$pid
	actor N client connect 8080 write 100 unread 5000 "${@:2}"
	await 5 gone "$server"
}

scenario server_exits_unread "a server ends with exit(3) and a request unread"
server_exits_unread() { server_goes proc_exit_unread exit 3; }

scenario server_killed_unread "a server is killed with SIGKILL, a request unread"
server_killed_unread() { server_goes proc_killed_unread raise KILL; }

scenario server_crashes_unread "a server crashes with SIGSEGV, a request unread"
server_crashes_unread() { server_goes proc_crash_unread raise SEGV; }

scenario server_terminated_unread "a server ends by SIGTERM, a request unread"
server_terminated_unread() { server_goes proc_exit_unread raise TERM; }

scenario client_exits_unread "a client ends with exit(0) and the answer unread"
client_exits_unread() { client_goes proc_exit_unread exit 0; }

scenario client_killed_unread "a client is killed with SIGKILL, the answer unread"
client_killed_unread() { client_goes proc_killed_unread raise KILL; }

scenario client_crashes_unread "a client aborts with SIGABRT, the answer unread"
client_crashes_unread() { client_goes proc_crash_unread raise ABRT; }

scenario upload_not_drained "a server answers early and closes with most of the upload unread"
upload_not_drained() {
	net_one
	expect sent upload_not_drained comm=server role=server
	expect received upload_not_drained,peer_app_abort_sending comm=client role=client
	# on a slow machine more of it is under way, and meets the listener
	also sent upload_not_drained comm=server
	actor N server listen 8080 accept read 1000 write 200 unread 30000 close
	await 5 listens N 8080
	actor N client connect 8080 push 5000000 drain
	done_within 10
}

scenario server_abort_unread_request "a server closes without reading the request"
server_abort_unread_request() { server_goes server_abort_unread_request close; }

scenario linger_zero "a server closes with SO_LINGER 0"
linger_zero() {
	net_one
	expect sent linger_zero comm=server role=server
	expect received linger_zero,peer_app_abort_idle comm=client role=client
	also sent linger_zero comm=server # what is under way meets the listener
	actor N server listen 8080 accept read 100 write 100 linger0 close
	await 5 listens N 8080
	actor N client connect 8080 write 100 read 100 closed
	done_within 5
}

scenario linger_zero_client "a client that has talked closes with SO_LINGER 0"
linger_zero_client() {
	net_one
	expect sent linger_zero comm=client role=client
	expect received linger_zero,peer_app_abort_idle comm=server role=server
	actor N server listen 8080 accept read 100 write 100 closed
	await 5 listens N 8080
	actor N client connect 8080 write 100 read 100 linger0 close
	done_within 5
}

scenario health_check_reset "a checker connects and resets, again and again"
health_check_reset() {
	net_one
	expect sent health_check_reset comm=checker role=client n=6
	expect received health_check_reset comm=server role=server n=6
	actor N server listen 8080 repeat 6 accept closed close again
	await 5 listens N 8080
	actor N checker repeat 6 connect 8080 linger0 close sleep 300 again
	done_within 10
}

scenario app_disconnect "a client leaves a connection by connect(AF_UNSPEC)"
app_disconnect() {
	net_one
	expect sent app_disconnect comm=client role=client
	expect received app_disconnect,peer_app_abort_idle comm=server role=server
	actor N server listen 8080 accept read 100 closed
	await 5 listens N 8080
	actor N client connect 8080 write 100 sleep 100 unspec close
	done_within 5
}

scenario listener_closed_pending "a listener is closed with three connections not accepted"
listener_closed_pending() {
	net_one
	expect sent listener_closed_pending comm=server role=server n=3
	expect received listener_closed_pending,peer_app_abort_idle comm=client role=client n=3
	actor N server listen 8080 await connected close
	await 5 listens N 8080
	actor N client repeat 3 connect 8080 again flag connected repeat 1 closed again
	done_within 5
}

scenario listener_exits_pending "a server ends with connections not accepted"
listener_exits_pending() {
	net_one
	expect sent listener_closed_pending comm=server role=server n=2
	expect received listener_closed_pending,peer_app_abort_idle comm=client role=client n=2
	actor N server listen 8080 await connected exit 1
	await 5 listens N 8080
	actor N client repeat 2 connect 8080 again flag connected closed
	await 5 gone "$pid"
}

scenario admin_abort "somebody kills the connection with ss -K"
admin_abort() {
	net_one
	expect sent admin_abort comm=server role=server actor=ss
	expect received admin_abort,peer_app_abort_idle comm=client role=client
	actor N server listen 8080 accept read 100 hold
	await 5 listens N 8080
	actor N client connect 8080 write 100 sleep 100 flag up closed
	await 5 test -e "$dir/flag.up"
	inside N ss -K state established '( sport = :8080 )' >/dev/null || skip "ss -K does not work here"
	await 5 gone "$pid"
}

scenario write_after_peer_close "a client leaves before the answer, the server writes it"
write_after_peer_close() {
	net_one
	expect sent data_after_local_close,write_after_peer_close comm=client role=client
	expect received write_after_peer_close,data_after_local_close comm=server role=server errno=EPIPE
	actor N server listen 8080 accept read 100 end sleep 200 write 100 closed push 100
	await 5 listens N 8080
	actor N client connect 8080 write 100 sleep 100 close
	done_within 5
}

scenario pool_exhausted "eight clients give up before a busy server gets to them"
pool_exhausted() {
	net_one
	expect sent data_after_local_close,write_after_peer_close comm=client role=client n=8
	expect received write_after_peer_close,data_after_local_close comm=server role=server n=8
	actor N server listen 8080 await left repeat 8 accept read 100 write 100 again
	await 5 listens N 8080
	actor N client repeat 8 connect 8080 write 100 sleep 20 close again sleep 100 flag left
	done_within 5
}

scenario data_after_shutdown "data comes for a socket that was shut down both ways"
data_after_shutdown() {
	net_one
	expect sent data_after_local_close comm=server role=server
	expect received data_after_local_close,write_after_peer_close comm=client role=client
	actor N server listen 8080 accept read 100 shutdown rdwr hold
	await 5 listens N 8080
	actor N client connect 8080 write 100 end write 100 closed
	await 5 gone "$pid"
}

scenario linger2 "TCP_LINGER2 is negative: close does not wait for the peer"
linger2() {
	net_one
	expect sent linger2_abort comm=server role=server
	expect received linger2_abort,write_after_peer_close,peer_app_abort_idle,late_rst_after_close \
		comm=client role=client
	actor N server listen 8080 accept read 100 linger2 -1 close
	await 5 listens N 8080
	actor N client connect 8080 write 100 closed
	done_within 5
}

scenario linger2_after_shutdown "TCP_LINGER2 is negative and our FIN is acknowledged already"
linger2_after_shutdown() {
	net_one
	expect sent linger2_abort comm=server role=server
	expect received linger2_abort,write_after_peer_close comm=client role=client
	actor N server listen 8080 accept read 100 linger2 -1 shutdown wr sleep 300 close
	await 5 listens N 8080
	actor N client connect 8080 write 100 closed
	done_within 5
}

scenario fin_wait2_timeout "the peer does not close its half, and the time for that is up" timer limit=150
fin_wait2_timeout() {
	net_one
	set_in N net.ipv4.tcp_fin_timeout=62
	expect sent fin_wait2_timeout comm=server role=server
	expect received fin_wait2_timeout,write_after_peer_close,peer_app_abort_idle comm=client role=client
	actor N server listen 8080 accept read 100 close flag closed hold
	await 5 listens N 8080
	actor N client connect 8080 write 100 closed
	await 5 test -e "$dir/flag.closed"
	sleep 0.3
	set_in N net.ipv4.tcp_fin_timeout=30 # the timer finds the time over
	await 10 gone "$pid"
}

scenario mptcp_close_unread "a Multipath TCP client closes with data unread"
mptcp_close_unread() {
	net_one
	[ -e /proc/sys/net/mptcp/enabled ] || skip "this kernel has no Multipath TCP"
	expect sent mptcp_subflow_reset comm=client
	expect received mptcp_subflow_reset comm=server
	actor N server mptcp listen 8080 accept read 100 write 5000 closed
	await 5 listens N 8080
	actor N client mptcp connect 8080 write 100 unread 5000 close
	done_within 5
}

scenario mptcp_linger_zero "a Multipath TCP client closes with SO_LINGER 0"
mptcp_linger_zero() {
	net_one
	[ -e /proc/sys/net/mptcp/enabled ] || skip "this kernel has no Multipath TCP"
	expect sent mptcp_subflow_reset,linger_zero comm=client
	expect received mptcp_subflow_reset,linger_zero comm=server
	actor N server mptcp listen 8080 accept read 100 write 50 closed
	await 5 listens N 8080
	actor N client mptcp connect 8080 write 100 read 50 sleep 100 linger0 close
	done_within 5
}

scenario orphan_memory "tcp_max_orphans is exhausted"
orphan_memory() { skip "tcp_max_orphans is the whole host's, not a namespace's"; }
