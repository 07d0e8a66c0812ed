#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# What the parts of the benchmark share: the namespace, the tools that are compared, their turns, and the
# sums. Sourced by run.sh, which says what may be set; $B, $dir are its own.

STATS=/proc/sys/kernel/bpf_stats_enabled
violations=0
tool='' reader='' server='' servers='' lodger='' ns=rstmon-bench-$$
stats_before=$(cat "$STATS")
cores=$(nproc)
last=$((cores - 1)) # the load has a core to itself where there are two

clean() {
	local p
	for p in $tool $reader $servers $lodger; do
		kill -KILL "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	echo "$stats_before" >"$STATS"
	ip netns del "$ns" 2>/dev/null
	rm -rf "$dir"
}

# A namespace that nobody lives in cannot be compared with its kernel counters.
begin() {
	ip netns add "$ns" && ip -n "$ns" link set lo up || exit 1
	ip netns exec "$ns" sleep 86400 &
	lodger=$!
	inode=$(stat -L -c %i "/run/netns/$ns")
}

# Not for what runs in the background: $! would be the shell's.
inside() {
	ip netns exec "$ns" "$@"
}

violated() { # SENTENCE
	echo "    NOT EXACT: $*"
	violations=$((violations + 1))
}

have() { # COMMAND: or says so
	command -v "$1" >/dev/null && return
	echo "    $1 skipped: not installed"
	return 1
}

# ---- sums ----

median() { # of the numbers on stdin
	sort -g | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

range() { # of the numbers on stdin, FORMAT
	sort -g | awk -v f="$1" 'NR == 1 { low = $1 } { high = $1 } END { if (NR) printf f " to " f, low, high }'
}

# ---- the tools ----

alive() { # PID
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

await() { # FILE PATTERN: until a line of it says so; at most fifteen seconds
	local tries=300
	until grep -q "$2" "$1" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && alive "$tool" || return 1
		sleep 0.05
	done
}

start_nothing() { :; }

start_empty() {
	"$B/empty" "$B/tests/bench/empty.bpf.o" empty_ >/dev/null 2>"$dir/err" &
	tool=$!
	await "$dir/err" 'ready$'
}

start_rstmond() { # [OPTION...]
	rm -rf "$dir/state"
	mkdir "$dir/state"
	"$B/rstmond" --config /dev/null --socket "$dir/s" --state "$dir/state" --log none "$@" \
		>/dev/null 2>"$dir/err" &
	tool=$!
	await "$dir/err" 'ready$'
}

counting='tracepoint:tcp:tcp_send_reset { @[comm, pid] = count(); }'

start_bpftrace() { # [PROGRAM]
	bpftrace -e "BEGIN { printf(\"ready\\n\"); } ${1:-$counting}" >"$dir/err" 2>&1 &
	tool=$!
	await "$dir/err" 'ready$'
}

# Into a pipe that is read: a file would fill the disk.
start_printing() {
	[ -p "$dir/printed" ] || mkfifo "$dir/printed"
	{
		exec 9<"$dir/printed"
		grep -m 1 ready <&9 >"$dir/err"
		exec cat <&9 >/dev/null
	} &
	reader=$!
	bpftrace -e 'BEGIN { printf("ready\n"); }
		tracepoint:tcp:tcp_send_reset {
			printf("%s %d %d\n", comm, pid, args->state); }' \
		>"$dir/printed" 2>/dev/null &
	tool=$!
	await "$dir/err" 'ready$'
}

start_tcpdump() {
	ip netns exec "$ns" tcpdump -i lo -n -w /dev/null 'tcp[13] & 4 != 0' >"$dir/err" 2>&1 &
	tool=$!
	await "$dir/err" 'listening on'
}

end() { # PID: asks, and then does not ask
	local tries=250
	kill -TERM "$1" 2>/dev/null
	while alive "$1" && [ $tries -gt 0 ]; do
		tries=$((tries - 1))
		sleep 0.02
	done
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

stop_tool() {
	[ -z "$tool" ] || end "$tool"
	[ -z "$reader" ] || end "$reader"
	tool='' reader=''
}

start() { # NAME [ARGUMENT...]: or says why not
	: >"$dir/err" # it may end in the "ready" of the tool before
	"start_$1" "${@:2}" && return
	echo "    $1 did not start: $(tail -n 1 "$dir/err")"
	stop_tool
	return 1
}

needs() { # NAME -> the command that it needs
	case $1 in
	bpftrace | printing) echo bpftrace ;;
	tcpdump) echo tcpdump ;;
	*) echo true ;;
	esac
}

usable() { # NAME... -> those whose command is there; the others are named on stderr
	local name
	for name in "$@"; do
		have "$(needs "$name")" >&2 && echo "$name"
	done
}

# ---- what rstmond says ----

rstmon() {
	"$B/rstmon" --socket "$dir/s" "$@"
}

# Of this namespace, when all records are counted: "sent received lost missed unexplained"
counted() {
	local tries=200 status
	until status=$(rstmon status --json 2>/dev/null) && [ "$(jq .pending <<<"$status")" = 0 ]; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || break
		sleep 0.05
	done
	jq -r --argjson inode "$inode" '. as $s | ([.netns[] | select(.inode == $inode)][0] // {}) |
		"\(.sent // 0) \(.received // 0) \($s.lost) \($s.missed) \(.unexplained.TcpOutRsts // "uncovered")"' \
		<<<"$status"
}

# ---- turns ----
#
# Each tool's round stands between two rounds with nothing and is held against their mean, because the
# speed of a shared machine drifts; and the tools take turns, so that the drift meets all alike. A tool is
# a function start_NAME; a measurement is a function that leaves numbers, more is better, in files
# $dir/now.KIND; check_NAME, if there is one, is called after each round of a tool.

measured() { # MEASUREMENT, NAME: keeps its numbers of this round
	local file
	rm -f "$dir"/now.*
	"$1" "$2"
	for file in "$dir"/now.*; do
		[ -e "$file" ] && cat "$file" >>"$dir/turn.$2.${file##*/now.}"
	done
}

with_without() { # NAME KIND: numbers of NAME in $dir/with.*, ratios to the two beside it in $dir/ratio.*
	local name=$1 kind=$2 i with a b
	i=$(wc -l <"$dir/turn.nothing.$kind")
	with=$(tail -n 1 "$dir/turn.$name.$kind")
	[ "$name" != nothing ] || with=$(tail -n 1 "$dir/turn.control.$kind")
	a=$(sed -n "$((i - 1))p" "$dir/turn.nothing.$kind")
	b=$(sed -n "${i}p" "$dir/turn.nothing.$kind")
	echo "$with" >>"$dir/with.$name.$kind"
	awk -v w="$with" -v a="$a" -v b="$b" 'BEGIN { if (a + b > 0) printf "%.5f\n", 2 * w / (a + b) }' \
		>>"$dir/ratio.$name.$kind"
}

# turns PAIRS MEASUREMENT NAME...: NAME may be "control", which is nothing again
turns() {
	local pairs=$1 measurement=$2 i name file kind
	shift 2
	rm -f "$dir"/turn.* "$dir"/with.* "$dir"/ratio.*
	measured "$measurement" nothing
	for ((i = 0; i < pairs; i++)); do
		for name in "$@"; do
			start "$name" || continue
			measured "$measurement" "$name"
			! declare -F "check_$name" >/dev/null || "check_$name"
			stop_tool
			measured "$measurement" nothing
			for file in "$dir/turn.$name".*; do
				kind=${file##*.}
				[ ! -e "$file" ] || with_without "$name" "$kind"
			done
		done
	done
}

start_control() { :; }

heading() { # WORD UNIT
	printf '    %-12s %12s %12s %8s   %-18s %s\n' "$1" "$2 without" with ratio range aim
}

# line NAME KIND AIM: medians and the range of the ratios
line() {
	[ -s "$dir/ratio.$1.$2" ] || return
	printf '    %-12s %12.0f %12.0f %8.4f   %-18s %s\n' "$1" \
		"$(median <"$dir/turn.nothing.$2")" "$(median <"$dir/with.$1.$2")" \
		"$(median <"$dir/ratio.$1.$2")" "$(range %.3f <"$dir/ratio.$1.$2")" "$3"
}

# ---- the programs alone ----
#
# Rounds of a second tell a tenth; what a hundredth costs is told by turns of a twentieth of a second (toggle.c), with
# a load that goes on, on the first core, and with the programs of a rstmond that is gone: nobody reads.

CYCLES=${CYCLES:-150}
TOGGLE_SECONDS=$((CYCLES * 3 * 70 / 1000 + 6)) # that the load has to go on

toggled() { # COUNTER AIM COMMAND...: of the load
	local counter=$1 aim=$2 load name without with ratio low high reader_end
	shift 2
	start rstmond || return
	coproc toggle { exec ip netns exec "$ns" taskset -c "$last" "$B/toggle" "$B/tests/bench/empty.bpf.o" \
		"$counter" "$CYCLES" "$tool" 2>"$dir/toggle"; }
	servers="$servers $toggle_PID"
	reader_end=$tool
	tool=$toggle_PID
	await "$dir/toggle" ready
	kill -KILL "$reader_end"
	wait "$reader_end" 2>/dev/null
	ip netns exec "$ns" taskset -c 0 "$@" >/dev/null 2>&1 &
	load=$!
	servers="$servers $load"
	sleep 1
	echo >&"${toggle[1]}"
	heading 'alone' rate
	while read -r name without with ratio low high; do
		printf '    %-12s %12.0f %12.0f %8.4f   %-18s %s\n' "$name" "$without" "$with" "$ratio" \
			"$low to $high" "$([ "$name" = empty ] || echo "$aim")"
	done <&"${toggle[0]}"
	end "$load"
	tool=''
	servers=$server
}
