#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# The reader stands still under a flood over 5,000 ports: afterwards every port's count is exact. Sourced by
# run.sh.

STOP_PORTS=5000

stopped() {
	local made rate growth sent received lost missed unexplained each wrong
	kill -STOP "$tool"
	inside "$B/flood" syn $STOP_PORTS "$STOP_SECONDS" here >"$dir/flood"
	kill -CONT "$tool"
	read -r made rate growth _ <"$dir/flood"
	read -r sent received lost missed unexplained < <(counted)
	rstmon list --json "netns $inode and direction sent" >"$dir/list" || violated "list failed"
	each=$((made / STOP_PORTS))
	wrong=$(jq --argjson each $each --argjson ports $STOP_PORTS '[.rows[] | select(.port > 0)] |
		(map(select(.count != $each)) | length) + ($ports - length)' "$dir/list")
	printf '    %d resets at %.0f a second, %d at each port; spilled %s, lost %s, missed %s\n' "$growth" "$rate" \
		"$each" "$(jq .totals.spilled "$dir/list")" "$lost" "$missed"
	[ "$made" = "$growth" ] || echo "    the kernel answered $growth of $made"
	[ "$sent" = "$growth" ] || violated "sent $sent, TcpOutRsts grew by $growth"
	if [ "$wrong" = 0 ]; then
		echo "    all $STOP_PORTS ports exact"
	else
		violated "$wrong ports of $STOP_PORTS"
	fi
	[ "$lost$missed$unexplained" = 000 ] ||
		violated "lost $lost, missed $missed, unexplained $unexplained"
}

echo "the reader stopped for $STOP_SECONDS s under a flood at $STOP_PORTS ports:"
start rstmond && stopped
