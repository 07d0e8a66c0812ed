#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What rstmon costs: nanoseconds per reset inside BPF, and the rate of a flood with it over without,
# beside two tools that people use today. run.sh BUILD; needs root. Everything is bounded; it ends only
# what it started and puts back what it changed.
#
#	PAIRS=7 SECONDS_EACH=2 PORTS=64		may be set

set -u
B=${1:-build}
PAIRS=${PAIRS:-7}
SECONDS_EACH=${SECONDS_EACH:-2}
PORTS=${PORTS:-64}
STATS=/proc/sys/kernel/bpf_stats_enabled

[ "$(id -u)" = 0 ] || { echo "bench: skipped, not root"; exit 0; }
for file in "$B/rstmond" "$B/flood" "$B/stages"; do
	[ -x "$file" ] || { echo "bench: $file is missing; run make bench" >&2; exit 1; }
done

# bpftrace wants tracefs; if it is not mounted, it is mounted for this script alone.
if [ ! -d /sys/kernel/tracing/events ] && [ -z "${BENCH_MOUNTED:-}" ]; then
	BENCH_MOUNTED=1 exec unshare -m sh -c \
		'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec sh "$@"' sh "$0" "$@"
fi

dir=$(mktemp -d /tmp/rstmon-bench-XXXXXX) || exit 1
netns=rstmon-bench-$$
stats_before=$(cat $STATS)
tool=

clean() {
	[ -z "$tool" ] || kill -KILL "$tool" 2>/dev/null
	echo "$stats_before" > $STATS
	ip netns del "$netns" 2>/dev/null
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

ip netns add "$netns" && ip -n "$netns" link set lo up || exit 1
cpu=$(($(nproc) - 1)) # the flood has a core to itself where there are two

flood() { # syn|connect -> resets a second
	ip netns exec "$netns" taskset -c "$cpu" "$B/flood" "$1" "$PORTS" "$SECONDS_EACH" here |
		awk '{ print $2 }'
}

# await FILE PATTERN: until a line of it says so; at most ten seconds
await() {
	tries=200
	while ! grep -q "$2" "$1" 2>/dev/null; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] && kill -0 "$tool" 2>/dev/null || return 1
		sleep 0.05
	done
}

start_nothing() { :; }

start_rstmond() {
	rm -rf "$dir/state"
	mkdir "$dir/state"
	"$B/rstmond" --socket "$dir/s" --state "$dir/state" --log none > "$dir/out" 2> "$dir/err" &
	tool=$!
	await "$dir/err" 'ready$'
}

start_bpftrace() {
	bpftrace -e 'BEGIN { printf("ready\n"); }
		tracepoint:tcp:tcp_send_reset { @[comm, pid] = count(); }' > "$dir/err" 2>&1 &
	tool=$!
	await "$dir/err" 'ready$'
}

start_tcpdump() {
	ip netns exec "$netns" tcpdump -i lo -n -w /dev/null 'tcp[13] & 4 != 0' > "$dir/err" 2>&1 &
	tool=$!
	await "$dir/err" 'listening on'
}

stop_tool() {
	[ -n "$tool" ] || return 0
	kill -INT "$tool" 2>/dev/null
	[ "$1" != rstmond ] || kill -TERM "$tool" 2>/dev/null
	wait "$tool" 2>/dev/null
	tool=
}

median() { # of the numbers on stdin
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# A B A B ... A: without, with, without, ...; each "with" is held against the two beside it, because
# the speed of a shared machine drifts
pairs() { # TOOL
	: > "$dir/b"; : > "$dir/r"
	a=$(flood syn)
	echo "$a" > "$dir/a"
	i=0
	while [ $i -lt "$PAIRS" ]; do
		if ! "start_$1"; then
			printf '%-10s skipped: it did not start: %s\n' "$1" "$(tail -n 1 "$dir/err")"
			stop_tool "$1"
			return
		fi
		b=$(flood syn)
		stop_tool "$1"
		before=$a
		a=$(flood syn)
		echo "$a" >> "$dir/a"
		echo "$b" >> "$dir/b"
		awk -v x="$before" -v b="$b" -v y="$a" 'BEGIN { printf "%.3f\n", 2 * b / (x + y) }' \
			>> "$dir/r"
		i=$((i + 1))
	done
	printf '%-10s %12.0f %12.0f %8.3f   %s to %s\n' "$1" "$(median < "$dir/a")" \
		"$(median < "$dir/b")" "$(median < "$dir/r")" "$(sort -n "$dir/r" | head -n 1)" \
		"$(sort -n "$dir/r" | tail -n 1)"
}

# run_time_ns and run_cnt of the program on a tracepoint; several parts of it count together
cost() { # name pattern -> "ns runs"
	bpftool prog show | awk -v want="$1" '
		$0 ~ "name " want {
			for (i = 1; i < NF; i++) {
				if ($i == "run_time_ns") ns += $(i + 1)
				if ($i == "run_cnt") n += $(i + 1)
			}
		}
		END { printf "%d %d\n", ns, n }'
}

costs() { # syn|connect, name pattern, words
	: > "$dir/c"
	i=0
	while [ $i -lt "$PAIRS" ]; do
		before=$(cost "$2")
		flood "$1" > /dev/null
		after=$(cost "$2")
		echo "$before $after" | awk '$4 > $2 { printf "%.1f\n", ($3 - $1) / ($4 - $2) }' >> "$dir/c"
		i=$((i + 1))
	done
	if [ -s "$dir/c" ]; then
		printf '%-34s %8.1f ns   %s to %s\n' "$3" "$(median < "$dir/c")" \
			"$(sort -n "$dir/c" | head -n 1)" "$(sort -n "$dir/c" | tail -n 1)"
	else
		printf '%-34s no program named like %s ran\n' "$3" "$2"
	fi
}

echo "kernel $(uname -r), $(nproc) CPUs; $PAIRS rounds of $SECONDS_EACH s, $PORTS ports; medians, and the range"
echo
echo "resets a second of a SYN flood from one core, without and with:"
printf '%-10s %12s %12s %8s\n' "" without with ratio
pairs nothing
pairs rstmond
for other in bpftrace tcpdump; do
	if command -v $other > /dev/null; then
		pairs $other
	else
		printf '%-10s skipped: not installed\n' $other
	fi
done

echo
echo "nanoseconds per reset inside BPF (bpf_stats, which adds some itself):"
if ! command -v bpftool > /dev/null; then
	echo "skipped: bpftool is not installed"
elif start_rstmond; then
	echo 1 > $STATS
	costs syn '[a-z_]*send_reset' 'sent, to a closed port'
	costs connect '[a-z_]*send_reset' 'sent, answering connect()'
	costs connect '[a-z_]*receive_reset' 'received, by connect()'
	echo "$stats_before" > $STATS
	stop_tool rstmond
else
	echo "rstmond did not start: $(tail -n 1 "$dir/err")" >&2
	exit 1
fi

echo
echo "nanoseconds of CPU per reset in rstmond, from the record to its row:"
taskset -c "$cpu" "$B/stages"
