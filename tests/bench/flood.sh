#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# SYNs at closed ports as fast as one core and two make them. Sourced by run.sh.

syn() { # as a measurement
	inside "$B/flood" syn "$PORTS" "$SECONDS_EACH" here "$processes" >"$dir/flood" || return
	awk 'NR == 1 { print $2 }' "$dir/flood" >"$dir/now.rate"
	awk 'NR == 1 { print $4 }' "$dir/flood" >"$dir/now.cpu"
}

# Of the round that was: all that the kernel sent is counted, in this namespace, and nothing is lost.
check_rstmond() {
	local made growth sent received lost missed unexplained
	read -r made _ growth _ <"$dir/flood"
	read -r sent received lost missed unexplained < <(counted)
	[ "$made" = "$growth" ] || echo "    the kernel answered $growth of $made"
	[ "$sent" = "$growth" ] || violated "sent $sent, TcpOutRsts grew by $growth"
	[ "$lost$missed$unexplained" = 000 ] ||
		violated "lost $lost, missed $missed, unexplained $unexplained"
	exact=$((exact + 1)) resets=$((resets + sent))
}

of_empty() { # KIND: ratio of rstmond less that of the empty programs, round by round
	[ -s "$dir/ratio.rstmond.$1" ] && [ -s "$dir/ratio.empty.$1" ] || return
	paste "$dir/ratio.rstmond.$1" "$dir/ratio.empty.$1" | awk '{ printf "%.5f\n", $1 - $2 }' >"$dir/gap"
	printf '    %-12s %34.4f   %-18s %s\n' 'less empty' "$(median <"$dir/gap")" "$(range %.3f <"$dir/gap")" \
		'aim >= -0.02'
}

show() { # KIND HEADING
	heading '' "$2"
	line control "$1" 'the noise'
	line empty "$1" ''
	line rstmond "$1" 'aim >= 0.95'
	of_empty "$1"
	for name in bpftrace printing tcpdump; do
		line "$name" "$1" ''
	done
}

for ((processes = 1; processes <= cores && processes <= 2; processes++)); do
	exact=0 resets=0
	echo "resets a second of a SYN flood at $PORTS closed ports, from $processes of $cores cores:"
	mapfile -t tools < <(usable empty rstmond bpftrace printing tcpdump)
	turns "$PAIRS" syn "${tools[@]}" control
	show rate rate
	show cpu 'per CPU s'
	echo "    sent, TcpOutRsts, lost and missed held against each other in $exact rounds, $resets resets"
	[ "$processes" = "$cores" ] || [ "$processes" = 2 ] || echo
done
unset -f check_rstmond
echo
echo "the same of one core, of the programs alone in turns of 60 ms, $CYCLES of each; the middle half of the ratios:"
toggled OutRsts 'aim >= 0.95, empty - 0.02' "$B/flood" syn "$PORTS" "$TOGGLE_SECONDS" here 1
