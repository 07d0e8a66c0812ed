#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# SPDX-License-Identifier: GPL-2.0-only
# What the hooks add to ordinary traffic, in nanoseconds of CPU (see hookcost.c). Sourced by run.sh.

cost_round() { # as a measurement; the numbers are nanoseconds here, so less is better
	echo >&"${hook[1]}"
	read -r byte connection <&"${hook[0]}"
	echo "$byte" >"$dir/now.byte"
	echo "$connection" >"$dir/now.connection"
}

# The difference to the two rounds beside it.
added() { # NAME KIND WORDS
	[ -s "$dir/ratio.$1.$2" ] || return
	paste "$dir/with.$1.$2" "$dir/ratio.$1.$2" | awk '{ printf "%.2f\n", $1 - $1 / $2 }' >"$dir/added"
	printf '    %-34s %10.1f %10.1f   %+8.1f   %s\n' "$3" "$(median <"$dir/turn.nothing.$2")" \
		"$(median <"$dir/with.$1.$2")" "$(median <"$dir/added")" "$(range %+.1f <"$dir/added")"
}

echo "nanoseconds of CPU for ordinary traffic, one thread on loopback:"
coproc hook { exec ip netns exec "$ns" taskset -c "$last" "$B/hookcost" 2>"$dir/err"; }
servers=$hook_PID
turns $((PAIRS + 4)) cost_round rstmond control
printf '    %-34s %10s %10s   %8s   %s\n' '' without with added range
added control byte 'a byte, the noise'
added rstmond byte 'a byte written and read'
added control connection 'a connection, the noise'
added rstmond connection 'a connection from start to end'
end "$servers"
servers=''
