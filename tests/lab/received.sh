# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Resets from far hosts: the far end is played segment by segment, so that only what this host sees can tell
# the cause. Without packet evidence a reset's contents are unknown; then what they would have told apart may
# be named the other way, but not with certainty.

# evident CAUSE OTHER...: CAUSE; without packet evidence the others are right too
evident() {
	if [ "$evidence" = yes ]; then
		echo "$1"
	else
		local IFS=,
		echo "$*"
	fi
}

unsure() { # what may be said of something that cannot be known
	[ "$evidence" = yes ] && echo certain,high,medium,low || echo medium,low
}

aborts='opt=1 id=4711 win=500' # as a kernel aborts for its program
lost='win=0'		       # as a kernel answers that knows of no connection

# A far server answers the SYN and the first request, then does what it is told.
far_server() { # WORD...
	actor N far tun tun0 catch S raw SA reply seq=5000 catch A "$@" sleep 100
	await 5 said far tun
}

# A far client has connected to "server" and sent 100 bytes, then does what it is told.
far_client() { # WORD...
	actor N far tun tun0 raw S 192.0.2.2:5000 192.0.2.1:8080 seq=1000 catch SA raw A reply \
		raw PA reply len=100 "$@" sleep 100
}

scenario keepalive_race_client "a far server closes the idle connection as the next request is on its way"
keepalive_race_client() {
	net_tun
	expect received keepalive_race_client comm=client role=client errno=ECONNRESET
	# shellcheck disable=SC2086
	far_server catch D raw PA reply len=200 catch A catch D raw RA reply $aborts
	actor N client connect 192.0.2.2:80 write 100 read 200 sleep 2500 write 100 closed
	done_within 10
}

scenario peer_lost_connection "a far host has restarted and knows nothing of the connection"
peer_lost_connection() {
	net_tun
	expect received "$(evident peer_lost_connection peer_app_abort_sending)" comm=client role=client
	# shellcheck disable=SC2086
	far_server catch D raw PA reply len=200 catch A catch D raw R reply $lost
	actor N client connect 192.0.2.2:80 write 100 read 200 sleep 200 write 100 closed
	done_within 10
}

scenario peer_lost_while_idle "the same, after some idle seconds"
peer_lost_while_idle() {
	net_tun
	expect received "$(evident peer_lost_connection keepalive_race_client)" \
		confidence="$(unsure)" comm=client role=client
	# shellcheck disable=SC2086
	far_server catch D raw PA reply len=200 catch A catch D raw R reply $lost
	actor N client connect 192.0.2.2:80 write 100 read 200 sleep 3000 write 100 closed
	done_within 10
}

scenario peer_app_abort_idle "a far program aborts while nothing is on its way"
peer_app_abort_idle() {
	net_tun
	expect received "$(evident peer_app_abort_idle rst_injected)" confidence="$(unsure)" \
		comm=client role=client
	# shellcheck disable=SC2086
	far_server catch D raw PA reply len=200 catch A sleep 300 raw RA reply $aborts
	actor N client connect 192.0.2.2:80 write 100 read 200 closed
	done_within 10
}

scenario peer_app_abort_upload "a far server aborts in the middle of an upload"
peer_app_abort_upload() {
	net_tun
	expect received "$(evident peer_app_abort_sending peer_lost_connection)" comm=client role=client
	# shellcheck disable=SC2086
	far_server acks 100000 catch D raw RA reply $aborts
	actor N client connect 192.0.2.2:80 push 5000000
	done_within 10
}

scenario peer_app_abort_download "a far client cancels a download"
peer_app_abort_download() {
	net_tun
	expect received "$(evident peer_app_abort_sending peer_lost_connection)" comm=server role=server
	actor N server listen 192.0.2.1:8080 accept read 100 push 5000000
	await 5 listens N 8080
	# shellcheck disable=SC2086
	far_client catch A acks 100000 catch D raw RA reply $aborts
	done_within 10
}

scenario write_after_far_close "a far client has closed and is gone, the server writes"
write_after_far_close() {
	net_tun
	expect received write_after_peer_close comm=server role=server errno=EPIPE
	actor N server listen 192.0.2.1:8080 accept read 100 end sleep 300 write 100 closed
	await 5 listens N 8080
	# shellcheck disable=SC2086
	far_client catch A raw FA reply catch D raw R reply $lost
	done_within 10
}

scenario middlebox_idle_reject "a device on the path resets what has been idle for half a minute" limit=90
middlebox_idle_reject() {
	net_tun
	expect received "$(evident middlebox_idle_reject peer_lost_connection)" \
		confidence="$(unsure)" comm=server role=server
	actor N server listen 192.0.2.1:8080 accept read 100 write 100 sleep 32000 write 100 closed
	await 5 listens N 8080
	# the client's segments came with 64: what answers now is nearer
	# shellcheck disable=SC2086
	far_client catch D raw A reply catch D raw R reply ttl=255 $lost
	done_within 60
}

scenario rst_injected "somebody forges a reset for an idle connection from far away"
rst_injected() {
	net_one
	# the first is all that is seen at first; then the server goes on as if nothing had happened
	expect received "$(evident rst_injected peer_app_abort_idle)" confidence="$(unsure)" \
		comm=client role=client
	expect sent rst_injected
	expect received rst_injected,peer_lost_connection comm=server role=server
	actor N server listen 8080 accept read 100 write 100 await forged sleep 300 write 100 closed
	await 5 listens N 8080
	actor N attacker sniff lo catch D port=8080 catch D from=8080 sleep 200 raw R same ttl=41 \
		$lost flag forged
	await 5 said attacker sniffing
	actor N client connect 8080 write 100 read 100 closed
	done_within 10
}

scenario late_rst_after_close "a reset comes for a connection that was closed here"
late_rst_after_close() {
	net_tun
	expect received late_rst_after_close comm=client role=client
	# shellcheck disable=SC2086
	far_server catch D raw A reply catch FA raw R reply $lost
	actor N client connect 192.0.2.2:80 write 100 sleep 200 close
	done_within 10
}
