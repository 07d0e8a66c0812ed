#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Nanoseconds inside BPF (bpf_stats): of rstmond, and in turn with it of bpftrace that only counts by
# process. Sourced by run.sh.
#
# bpf_stats adds some to every run, and does not see what a tracepoint of bpftrace's kind pays before its
# program (the record of perf); the rates of floods see that.

HOOK_PAIRS=5

per_process='tracepoint:tcp:tcp_send_reset { @sent[comm, pid] = count(); }
	tracepoint:tcp:tcp_receive_reset { @received[comm, pid] = count(); }
	tracepoint:sock:inet_sock_set_state { @states[comm, pid] = count(); }'

# Programs that the tool has attached; bpftrace of Debian 12 has no links, only programs.
attached() {
	local file
	for file in /proc/"$tool"/fdinfo/*; do
		awk '/^link_type:/ { type = $2 } /^prog_id:/ { id = $2 }
			END { if (id && type != "iter") print type == "" ? "program" : "link", id }' "$file" 2>/dev/null
	done | awk '{ n[$1]++; id[$1, n[$1]] = $2 } END {
		kind = n["link"] ? "link" : "program"; for (i = 1; i <= n[kind]; i++) print id[kind, i] }' |
		sort -un | jq -sc .
}

# Nanoseconds of those whose name matches
spent() { # PATTERN
	bpftool prog show -j | jq --argjson ids "$ids" --arg name "$1" \
		'[.[] | select(.id as $id | $ids | index($id)) | select((.name // "") | test($name)) |
		.run_time_ns // 0] | add // 0'
}

# All that resets and connections pay: not what runs when a process or a cgroup begins.
on_sockets='^(?!.*(exec|cgroup|mkdir|victim))'

before() {
	at_all=$(spent "$on_sockets") at_sent=$(spent send_reset) at_received=$(spent receive_res)
}

# Per one of N, to $dir/ns.NAME.KIND
keep() { # NAME KIND NANOSECONDS N
	awk -v ns="$3" -v n="$4" 'BEGIN { if (n > 0) printf "%.1f\n", ns / n }' >>"$dir/ns.$1.$2"
}

round() { # NAME: of the tool that runs
	local n ids
	echo 1 >"$STATS"
	ids=$(attached)
	before
	n=$(inside "$B/flood" syn "$PORTS" 1 here | awk '{ print $3 }')
	keep "$1" closed $(($(spent send_reset) - at_sent)) "$n"

	before
	n=$(inside taskset -c "$last" "$B/flood" connect "$PORTS" 1 here | awk '{ print $3 }')
	keep "$1" refused $(($(spent send_reset) - at_sent)) "$n"
	keep "$1" received $(($(spent receive_res) - at_received)) "$n"
	keep "$1" both $(($(spent "$on_sockets") - at_all)) "$n"

	coproc hook { exec ip netns exec "$ns" taskset -c "$last" "$B/hookcost" 2>"$dir/err"; }
	servers="$servers $hook_PID"
	before
	echo open >&"${hook[1]}"
	read -r n <&"${hook[0]}"
	keep "$1" setup $(($(spent "$on_sockets") - at_all)) "${n:-0}"
	end "$hook_PID"
	servers=$server

	[ -n "$server" ] || return
	before
	n=$(inside taskset -c "$last" wrk -t1 -c16 -d1s -H 'Connection: close' http://127.0.0.1:8080/ |
		awk '/requests in/ { print $1 }')
	keep "$1" connection $(($(spent "$on_sockets") - at_all)) "${n:-0}"
}

row() { # WORDS KIND
	local ours theirs
	[ -s "$dir/ns.rstmond.$2" ] || return
	ours=$(median <"$dir/ns.rstmond.$2")
	theirs=-
	[ ! -s "$dir/ns.bpftrace.$2" ] || theirs=$(median <"$dir/ns.bpftrace.$2")
	printf '    %-34s %10.1f %-20s %10s %s\n' "$1" "$ours" "($(range %.0f <"$dir/ns.rstmond.$2"))" "$theirs" \
		"$([ "$theirs" = - ] || echo "($(range %.0f <"$dir/ns.bpftrace.$2"))")"
}

echo "nanoseconds inside BPF, of rstmond and of bpftrace counting by process (aim: not above it):"
if have bpftool; then
	rm -f "$dir"/ns.*
	server=''
	if have nginx && have wrk; then
		serve_nginx || end_server
	fi
	for ((i = 0; i < HOOK_PAIRS; i++)); do
		start rstmond && round rstmond
		stop_tool
		have bpftrace >/dev/null && start bpftrace "$per_process" && round bpftrace
		stop_tool
	done
	echo "$stats_before" >"$STATS"
	[ -z "$server" ] || end_server
	printf '    %-34s %10s %-20s %10s\n' '' rstmond '' bpftrace
	row 'sent, to a closed port' closed
	row 'sent, answering connect()' refused
	row 'received, by connect()' received
	row 'all of a refused connect()' both
	row 'all that sets up a connection' setup
	row 'all of a connection with a request' connection
fi
