# shellcheck shell=bash disable=SC2154 source=tests/lab/real_servers.sh
# SPDX-License-Identifier: GPL-2.0-only
# The fifth cause of "Connection reset by peer": a device between nginx or Java and Tomcat forgets a
# connection that was idle. The device is a router's connection tracking, with a time-out of two seconds
# where real ones have minutes or hours. Without packet evidence nothing tells the device's reset from the
# server's, as in received.sh and path.sh; then other names are right too, but not with high confidence.
. tests/lab/real_servers.sh

# Tomcat is at 198.51.100.1:8080 behind the router; the rules of the router on stdin.
behind_router() {
	net_path
	nft_in R
	set_in R net.netfilter.nf_conntrack_tcp_loose="${1:-0}"
	tomcat S tomcat 8080,keepAliveTimeout=60000
}

# From now on: the first request of a server that has just started may take its time.
forgets() {
	set_in R net.netfilter.nf_conntrack_tcp_timeout_established=2
}

nginx_before_router() { # as a client that keeps its connections for a minute
	nginx_with C nginx 8000 <<-'END'
		upstream tomcat {
			server 198.51.100.1:8080;
			keepalive 4;
			keepalive_timeout 60s;
		}
		server {
			listen 127.0.0.1:8000;
			location / { proxy_pass http://tomcat; }
		}
	END
}

drops() {
	cat <<-END
		table ip firewall {
			chain through {
				type filter hook forward priority 0; policy drop
				ct state established accept
				tcp flags & (syn | ack) == syn ct state new accept
			}
		}
	END
}

rejects() {
	cat <<-END
		table ip firewall {
			chain through {
				type filter hook forward priority 0
				ct state established accept
				tcp flags & (syn | ack) == syn ct state new accept
				meta l4proto tcp reject with tcp reset
			}
		}
	END
}

scenario firewall_drops_idle "a firewall forgets nginx's idle connection to Tomcat and drops what comes" \
	limit=90 article=5
firewall_drops_idle() {
	expect timeout silent_drop_timeout comm=nginx role=client port=8080 in=C errno=ETIMEDOUT
	drops | behind_router
	set_in C net.ipv4.tcp_retries2=3
	nginx_before_router
	fetches C 200 http://127.0.0.1:8000/hello
	forgets
	fetches C 200 http://127.0.0.1:8000/hello
	idle_for 3.5
	fetches C '200|50[24]' http://127.0.0.1:8000/hello
	await 10 told 1 true
}

scenario firewall_rejects_idle "a firewall forgets nginx's idle connection to Tomcat and resets it" limit=90 packets article=5
firewall_rejects_idle() {
	rejected "$(evident middlebox_idle_reject peer_lost_connection keepalive_race_client)" \
		comm=nginx role=client port=8080 in=C
	also sent firewall_reject in=R comm=
	rejects | behind_router
	nginx_before_router
	fetches C 200 http://127.0.0.1:8000/hello
	forgets
	fetches C 200 http://127.0.0.1:8000/hello
	idle_for 3.5
	fetches C '200|502' http://127.0.0.1:8000/hello
	await 10 told 1 true
}

scenario firewall_rejects_java "the same with a Java HttpClient, three times" limit=90 packets article=5
firewall_rejects_java() {
	rejected "$(evident middlebox_idle_reject peer_lost_connection keepalive_race_client)" \
		comm=java role=client port=8080 in=C n=3
	also sent firewall_reject in=R comm= n=3
	rejects | behind_router
	java_client C client
	tell client "http http://198.51.100.1:8080/hello" 200
	forgets
	tell client "http http://198.51.100.1:8080/hello" 200
	for _ in 1 2 3; do
		idle_for 3.5
		# it sends a GET again by itself
		tell client "http http://198.51.100.1:8080/hello" 200
	done
	await 10 told 3 true
}

masquerade() {
	cat <<-END
		table ip nat {
			chain out {
				type nat hook postrouting priority 100
				oifname "rS" masquerade random
			}
		}
	END
}

scenario nat_forgets_and_renames "a NAT forgets nginx's idle connection and gives it another port" limit=90 packets article=5
nat_forgets_and_renames() {
	expect sent nat_state_lost comm=java role=server port=8080 in=S
	# the client's end cannot know that the other end knows it by another name
	expect received "nat_state_lost,$(evident peer_lost_connection keepalive_race_client)" \
		confidence="$(unsure)" comm=nginx role=client port=8080 in=C
	masquerade | behind_router 1
	nginx_before_router
	fetches C 200 http://127.0.0.1:8000/hello
	forgets
	fetches C 200 http://127.0.0.1:8000/hello
	idle_for 3.5
	fetches C '200|502' http://127.0.0.1:8000/hello
	await 10 told 2 true
}

scenario nat_forgets_and_leaks "a NAT forgets nginx's idle connection and lets it through unchanged" \
	limit=90 packets article=5
nat_forgets_and_leaks() {
	expect sent nat_state_lost,half_open_to_listener comm=java role=server port=8080 in=S
	expect received nat_state_lost,half_open_to_listener,peer_lost_connection comm=nginx role=client \
		port=8080 in=C
	masquerade | behind_router 0
	nginx_before_router
	fetches C 200 http://127.0.0.1:8000/hello
	forgets
	fetches C 200 http://127.0.0.1:8000/hello
	idle_for 3.5
	fetches C '200|502' http://127.0.0.1:8000/hello
	await 10 told 2 true
}

scenario firewall_kept_busy "the dropping firewall and a connection that is used every second: the control" \
	limit=90
firewall_kept_busy() {
	silent
	drops | behind_router
	nginx_before_router
	fetches C 200 http://127.0.0.1:8000/hello
	forgets
	fetches C 200 --rate 1/s "http://127.0.0.1:8000/hello?[1-4]"
}
