#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# Refused connects from 16 processes: every one is a reset that is sent and one that is received, by an
# owner that is known. Sourced by run.sh.

refused() { # as a measurement
	inside "$B/flood" connect 16 "$SECONDS_EACH" here 16 >"$dir/flood" || return
	awk 'NR == 1 { print $2 }' "$dir/flood" >"$dir/now.rate"
	awk 'NR == 1 { print $4 }' "$dir/flood" >"$dir/now.cpu"
}

# Each process's own count is its row's, and all of them together are what was sent.
check_rstmond() {
	local made growth sent received lost missed unexplained wrong
	read -r made _ growth _ <"$dir/flood"
	read -r sent received lost missed unexplained < <(counted)
	[ "$sent $received" = "$growth $made" ] ||
		violated "sent $sent of $growth, received $received of $made"
	[ "$lost$missed$unexplained" = 000 ] ||
		violated "lost $lost, missed $missed, unexplained $unexplained"
	rstmon list --json >"$dir/list" || violated "list failed"
	# what a process received, and what of it is called a refused connect
	jq -r '[.rows[] | select(.direction == "received" and .pid > 0)] | group_by(.pid)[] |
		"\(.[0].pid) \(map(.count) | add) \(map(select(.cause == "refused_syn") | .count) | add // 0)"' \
		"$dir/list" >"$dir/rows"
	wrong=$(awk 'NR == FNR { n[$1] = $2; refused[$1] = $3; next } FNR > 1 && (n[$1] != $2 || refused[$1] != $2) {
		printf "pid %d made %d, has %d, refused %d; ", $1, $2, n[$1], refused[$1] }' "$dir/rows" "$dir/flood")
	[ -z "$wrong" ] || violated "$wrong"
	exact=$((exact + 1)) resets=$((resets + made))
}

exact=0 resets=0
echo "refused connects a second from 16 processes:"
mapfile -t tools < <(usable empty rstmond bpftrace)
turns "$PAIRS" refused "${tools[@]}" control
for kind in rate cpu; do
	heading '' "$([ $kind = rate ] && echo rate || echo 'per CPU s')"
	line control $kind 'the noise'
	line empty $kind ''
	line rstmond $kind 'aim >= 0.93'
	line bpftrace $kind ''
done
echo "    each of the 16 processes' counts held against its own in $exact rounds, $resets connects"
unset -f check_rstmond
echo
echo "the same of one process, of the programs alone:"
toggled AttemptFails 'aim >= 0.93' "$B/flood" connect 16 "$TOGGLE_SECONDS" here 1
