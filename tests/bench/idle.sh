#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# What rstmond does on an idle host: CPU time, and system calls. Sourced by run.sh.

STRACE_SECONDS=20

idle_ns() {
	cat /proc/"$tool"/task/*/schedstat | awk '{ n += $1 } END { printf "%d", n }'
}

ticks() { # user and system, in clock ticks
	sed 's/.*) //' "/proc/$tool/stat" | awk '{ print $12 + $13 }'
}

idle() {
	local ns before woken
	sleep 3 # what it does after a start
	ns=$(idle_ns) before=$(ticks)
	woken=$(awk '/^voluntary/ { print $2 }' "/proc/$tool/status")
	sleep "$IDLE_SECONDS"
	awk -v ns=$(($(idle_ns) - ns)) -v t=$(($(ticks) - before)) -v s="$IDLE_SECONDS" \
		-v w=$(($(awk '/^voluntary/ { print $2 }' "/proc/$tool/status") - woken)) 'BEGIN {
		printf "    CPU %.3f ms a second (%d ticks in all), woken %.2f times a second\n", ns / s / 1e6, t, w / s }'
	have strace || return
	# ended by signal, it lets go of what it traces and prints its table
	timeout -s INT -k 5 "$STRACE_SECONDS" strace -f -c -p "$tool" -o "$dir/strace" 2>/dev/null
	awk -v s=$STRACE_SECONDS '$4 ~ /^[0-9]+$/ && $NF != "total" { calls += $4 }
		END { printf "    %.2f system calls a second over %d s (aim: under 1)\n", calls / s, s }' "$dir/strace"
}

echo "rstmond on an idle host, over $IDLE_SECONDS s:"
start rstmond && idle
