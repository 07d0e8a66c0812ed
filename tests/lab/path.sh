# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
# Two hosts with a router between them, on which something goes wrong: firewalls and NAT that forget, hosts
# that restart, answers that come too late.

# Drops what a hook of LABEL sees and the rule matches.
drop() { # LABEL HOOK RULE...
	nft_in "$1" <<-END
		add table inet cut
		add chain inet cut $2 { type filter hook $2 priority 0; }
		add rule inet cut $2 ${*:3} counter drop
	END
}

pass() { # LABEL: again
	inside "$1" nft delete table inet cut
}

scenario keepalive_probe_timeout "the path is cut, keep-alive notices it"
keepalive_probe_timeout() {
	net_path
	expect sent keepalive_probe_timeout comm=client role=client errno=ETIMEDOUT
	actor S server listen any:8080 accept read 100 write 100 flag talked hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 keepalive 1 1 2 write 100 read 100 closed
	await 5 test -e "$dir/flag.talked"
	sleep 0.2
	drop R forward meta l4proto tcp
	await 15 gone "$pid"
}

scenario silent_drop_timeout "the path is cut, a write is never answered"
silent_drop_timeout() {
	net_path
	expect timeout silent_drop_timeout comm=client role=client errno=ETIMEDOUT
	actor S server listen any:8080 accept read 100 write 100 flag talked hold
	await 5 listens S 8080
	actor C client usertimeout 1500 connect 198.51.100.1:8080 write 100 read 100 \
		await cut write 100 closed
	await 5 test -e "$dir/flag.talked"
	sleep 0.2
	drop R forward meta l4proto tcp
	flag cut
	await 20 gone "$pid"
}

# R forgets connections that have been idle for two seconds.
firewall() { # what it does with packets of unknown connections
	set_in R net.netfilter.nf_conntrack_tcp_timeout_established=2 net.netfilter.nf_conntrack_tcp_loose=0
	nft_in R <<-END
		add table inet fw
		add chain inet fw pass { type filter hook forward priority 0; }
		add rule inet fw pass ct state established accept
		add rule inet fw pass tcp flags syn / fin,syn,rst,ack ct state new accept
		add rule inet fw pass $1
	END
	# the sysctls are there once connection tracking is
	set_in R net.netfilter.nf_conntrack_tcp_timeout_established=2 net.netfilter.nf_conntrack_tcp_loose=0
}

# Only programs on functions see what netfilter sends.
rejects_seen() {
	"$B/rstmon" status --json |
		jq -e 'any(.hooks[]; .name == "fentry/nf_ct_attach" and .attached)' >/dev/null
}

# A rule of this host resets a connection that is open: who sees the rule's reset too is sure of it.
rejected() { # CAUSES [KEY=VALUE...]
	local causes=$1 sure
	shift
	sure=$(unsure)
	rejects_seen && causes=$causes,firewall_reject sure=certain,$sure
	expect received "$causes" confidence="$sure" "$@"
}

scenario fw_idle_drop "a firewall forgets an idle connection and drops what comes after"
fw_idle_drop() {
	net_path
	expect timeout silent_drop_timeout comm=client role=client errno=ETIMEDOUT
	firewall drop
	actor S server listen any:8080 accept read 100 write 100 hold
	await 5 listens S 8080
	actor C client usertimeout 1500 connect 198.51.100.1:8080 write 100 read 100 sleep 3500 write 100 closed
	await 20 gone "$pid"
}

scenario fw_idle_reset "a firewall forgets an idle connection and rejects what comes after"
fw_idle_reset() {
	net_path
	rejected "$(evident middlebox_idle_reject peer_lost_connection keepalive_race_client)" comm=client role=client
	also sent firewall_reject in=R comm=
	firewall "reject with tcp reset"
	actor S server listen any:8080 accept read 100 write 100 hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 sleep 3500 write 100 closed
	await 20 gone "$pid"
}

# R translates C's address, and forgets the translation after two idle seconds.
nat() { # 1: a new one is made in the middle of a connection; 0: none
	nft_in R <<-END
		add table ip nat
		add chain ip nat post { type nat hook postrouting priority 100; }
		add rule ip nat post oifname rS meta l4proto tcp snat to 198.51.100.254:20000-60000 random
	END
	set_in R net.netfilter.nf_conntrack_tcp_timeout_established=2 "net.netfilter.nf_conntrack_tcp_loose=$1"
}

scenario nat_idle_new_port "a NAT forgets an idle connection and gives it another port"
nat_idle_new_port() {
	net_path
	expect sent nat_state_lost in=S comm=server role=server
	expect received nat_state_lost,peer_lost_connection,keepalive_race_client in=C comm=client role=client
	nat 1
	actor S server listen any:8080 accept read 100 write 100 hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 sleep 3500 write 100 closed
	await 20 gone "$pid"
}

scenario nat_idle_untranslated "a NAT forgets an idle connection and lets it through as it is"
nat_idle_untranslated() {
	net_path
	expect sent nat_state_lost,half_open_to_listener in=S comm=server role=server
	expect received nat_state_lost,half_open_to_listener,peer_lost_connection,keepalive_race_client \
		in=C comm=client role=client
	nat 0
	inside S ip route add 192.0.2.0/24 via 198.51.100.254 2>/dev/null
	actor S server listen any:8080 accept read 100 write 100 hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 sleep 3500 write 100 closed
	await 20 gone "$pid"
}

scenario local_reject "a packet filter on the server rejects an open connection"
local_reject() {
	net_path
	rejected "$(evident peer_lost_connection peer_app_abort_sending keepalive_race_client)" \
		in=C comm=client role=client
	also sent firewall_reject in=S comm=
	actor S server listen any:8080 accept read 100 write 100 flag talked hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 await blocked write 100 closed
	await 5 test -e "$dir/flag.talked"
	nft_in S <<-END
		add table inet f
		add chain inet f i { type filter hook input priority 0; }
		add rule inet f i tcp dport 8080 reject with tcp reset
	END
	flag blocked
	await 10 gone "$pid"
}

scenario reject_syn "a packet filter rejects the SYN with a reset"
reject_syn() {
	net_path
	expect received refused_syn in=C comm=client role=client errno=ECONNREFUSED
	also sent firewall_reject in=R comm=
	nft_in R <<-END
		add table inet f
		add chain inet f f { type filter hook forward priority 0; }
		add rule inet f f tcp dport 8080 reject with tcp reset
	END
	actor C client try 198.51.100.1:8080
	done_within 10
}

scenario reject_syn_ipv6 "the same over IPv6"
reject_syn_ipv6() {
	net_path
	expect received refused_syn in=C comm=client role=client errno=ECONNREFUSED
	also sent firewall_reject in=R comm=
	nft_in R <<-END
		add table inet f
		add chain inet f f { type filter hook forward priority 0; }
		add rule inet f f tcp dport 8080 reject with tcp reset
	END
	actor C client try "[2001:db8:2::1]:8080"
	done_within 10
}

firewall_rejects() {
	net_one
	rejects_seen || skip "this kernel has no hook on what netfilter sends"
	expect sent firewall_reject port=8080 comm= role=none confidence=certain
	expect received refused_syn comm=client role=client errno=ECONNREFUSED
	nft_in N <<-END
		add table inet f
		add chain inet f i { type filter hook input priority 0; }
		add rule inet f i tcp dport 8080 reject with tcp reset
	END
	actor N server listen any:8080 hold
	await 5 listens N 8080
	actor N client try "$1:8080"
	await 10 gone "$pid"
}

scenario firewall_reject "a packet filter of this host rejects the SYN for a service that runs"
firewall_reject() {
	firewall_rejects 127.0.0.1
}

scenario firewall_reject_ipv6 "the same over IPv6"
firewall_reject_ipv6() {
	firewall_rejects "[::1]"
}

# The host S dies without a word and another with its address comes up: T.
reboot() {
	ip -n "$id-R" link del rS
	kill -KILL "$(pid_of server)"
	await 5 gone "$(pid_of server)"
	net T
	ip -n "$id-T" link add eth0 type veth peer name rS netns "$id-R" || fail "no veth"
	ip -n "$id-T" address add 198.51.100.1/24 dev eth0
	ip -n "$id-R" address add 198.51.100.254/24 dev rS
	ip -n "$id-T" link set eth0 up
	ip -n "$id-R" link set rS up
	ip -n "$id-T" route add default via 198.51.100.254
}

scenario half_open_to_listener "the server's host restarts, the service too; the client goes on"
half_open_to_listener() {
	net_path
	expect sent half_open_to_listener in=T comm=again role=server
	expect received half_open_to_listener,peer_lost_connection in=C comm=client role=client
	actor S server listen any:8080 accept read 100 write 100 flag talked hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 await up write 100 closed
	client=$pid
	await 5 test -e "$dir/flag.talked"
	reboot
	actor T again listen any:8080 hold
	await 5 listens T 8080
	flag up
	await 20 gone "$client"
}

scenario half_open_unknown "the server's host restarts, the service does not; the client goes on"
half_open_unknown() {
	net_path
	expect sent half_open_unknown in=T comm=
	expect received half_open_unknown,peer_lost_connection in=C comm=client role=client
	actor S server listen any:8080 accept read 100 write 100 flag talked hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 100 await up write 100 closed
	await 5 test -e "$dir/flag.talked"
	reboot
	flag up
	await 20 gone "$pid"
}

scenario keepalive_race_server "an idle connection is closed just as the next request arrives"
keepalive_race_server() {
	net_path
	expect sent keepalive_race_server in=S comm=server role=server
	expect received keepalive_race_server,keepalive_race_client in=C comm=client role=client
	actor S server listen any:8080 accept read 100 write 200 unread 100 close
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 200 sleep 2500 write 100 closed
	done_within 10
}

scenario keepalive_race_late_fin "the close of an idle connection comes too late for the client"
keepalive_race_late_fin() {
	net_path
	expect sent keepalive_race_server in=S comm=server role=server
	expect received keepalive_race_server,keepalive_race_client in=C comm=client role=client
	actor S server listen any:8080 accept read 100 write 200 sleep 2000 close hold
	await 5 listens S 8080
	actor C client connect 198.51.100.1:8080 write 100 read 200 flag idle sleep 2400 write 100 closed
	await 5 test -e "$dir/flag.idle"
	drop C input 'tcp flags & fin == fin'
	await 10 gone "$pid"
}
