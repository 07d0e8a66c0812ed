#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
# make bench: what rstmon costs and whether its counts are exact, beside the tools that people use today.
# run.sh BUILD; needs root. It prints numbers with the aim beside them, and fails only if a count was not
# exact. Everything is bounded; it ends only what it started and puts back what it changed.
#
#	BENCH_ONLY='flood idle'	only these parts (their order is below)
#	PAIRS=5			rounds with each tool, each between two rounds without
#	SECONDS_EACH=1		of a round
#	PORTS=64		of the floods
#	CYCLES=150		of the programs alone
#	STOP_SECONDS=30		that the reader stands still
#	IDLE_SECONDS=60		that the idle host is watched
B=$(realpath "${1:-build}")
PAIRS=${PAIRS:-5}
SECONDS_EACH=${SECONDS_EACH:-1}
PORTS=${PORTS:-64}
STOP_SECONDS=${STOP_SECONDS:-30}
IDLE_SECONDS=${IDLE_SECONDS:-60}
PARTS='flood connects servers hookcost hooks stopped memory idle stages latency survive'

cd "$(dirname "$0")/../.." || exit 1
[ "$(id -u)" = 0 ] || { echo "bench: skipped, not root"; exit 0; }
for file in rstmond rstmon flood stages empty toggle hookcost fill latency; do
	[ -x "$B/$file" ] || { echo "bench: $B/$file is missing; run make bench" >&2; exit 1; }
done
command -v jq >/dev/null || { echo "bench: jq is missing" >&2; exit 1; }
for part in ${BENCH_ONLY:-}; do
	[[ " $PARTS " = *" $part "* ]] || { echo "bench: no part $part; there are: $PARTS" >&2; exit 2; }
done

# bpftrace wants tracefs; if it is not mounted, it is mounted for this script alone.
if [ ! -d /sys/kernel/tracing/events ] && [ -z "${BENCH_MOUNTED:-}" ]; then
	BENCH_MOUNTED=1 exec unshare -m bash -c \
		'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec bash "$@"' bash \
		"$PWD/tests/bench/run.sh" "$B"
fi

dir=$(mktemp -d /tmp/rstmon-bench-XXXXXX) || exit 1
. tests/bench/lib.sh
. tests/bench/serve.sh
trap clean EXIT
trap 'exit 130' INT TERM HUP
begin

echo "kernel $(uname -r), $cores CPUs; medians of $PAIRS rounds of $SECONDS_EACH s, and their range"
for part in $PARTS; do
	[ -z "${BENCH_ONLY:-}" ] || [[ " $BENCH_ONLY " = *" $part "* ]] || continue
	begun=$SECONDS
	echo
	case $part in
	stages)
		echo "resets a second that one core takes through rstmond, from the record to its row:"
		taskset -c "$last" "$B/stages" | sed 's/^/    /'
		;;
	survive)
		if [ ! -x tests/survive/run.sh ]; then
			echo "survive skipped: there is no tests/survive/run.sh"
			continue
		fi
		echo "SIGKILL under load:"
		tests/survive/run.sh "$B" || violations=$((violations + 1))
		;;
	*)
		. "tests/bench/$part.sh"
		stop_tool
		;;
	esac
	echo "    ($((SECONDS - begun)) s)"
done
echo
if [ "$violations" != 0 ]; then
	echo "bench: $violations counts were NOT exact"
	exit 1
fi
echo "bench: every count was exact"
