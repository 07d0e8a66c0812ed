# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: how a case is judged, and how a daemon is started, asked and ended. Nothing here
# waits for a length of time: all of it polls for what is to happen, up to a deadline that only a fault
# reaches, by a clock that nobody sets.
passed=0 failed=0 skipped=0
children=
tmp=$(mktemp -d) || exit 1
chmod 711 "$tmp" # other users get at the copies below, and see nothing else
rstmond=$tmp/rstmond rstmon=$tmp/rstmon sock=$tmp/socket
caller=poke$$ # its name in rows: that of no other run
poke=$tmp/$caller
cp "$B/rstmond" "$B/rstmon" "$tmp" && cp "$B/poke" "$poke" && chmod 755 "$tmp"/r* "$poke" || exit 1
export RSTMON_SOCKET="$sock"

end() {
	for pid in $children; do
		kill -KILL "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' INT TERM

good() {
	passed=$((passed + 1))
}

bad() { # name, what was wrong
	echo "input: $1 failed: $2"
	failed=$((failed + 1))
}

skip() { # name, why
	echo "input: $1 skipped, $2"
	skipped=$((skipped + 1))
}

# The command must end with this code, print nothing, and say one sentence that has this text.
refused() { # name, exit code, extended regular expression, command...
	name=$1 code=$2 text=$3
	shift 3
	timeout 30 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	if [ "$status" != "$code" ]; then
		bad "$name" "exit code $status, not $code: $(head -c 500 "$tmp/err")"
	elif [ -s "$tmp/out" ]; then
		bad "$name" "stdout has: $(head -c 300 "$tmp/out")"
	elif [ "$(wc -l <"$tmp/err")" != 1 ]; then
		bad "$name" "not one line but: $(head -c 900 "$tmp/err")"
	elif ! grep -Eq "^rstmond?: .*$text" "$tmp/err"; then
		bad "$name" "no '$text' in: $(cat "$tmp/err")"
	else
		good
	fi
}

# What must be true now, or within the deadline.
expect() { # name, command...
	name=$1
	shift
	if "$@"; then good; else bad "$name" "$*"; fi
}

uptime_s() {
	read -r up _ </proc/uptime
	echo "${up%.*}"
}

poll() { # command...
	deadline=$(($(uptime_s) + 120))
	until "$@"; do
		[ "$(uptime_s)" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# ---- a daemon: $daemon is its pid, $made the resets that it must have counted ----

is_ready() {
	grep -q 'ready$' "$1" 2>/dev/null
}

start() { # options of rstmond
	made=0
	: >"$tmp/daemon.err"
	[ -p "$tmp/stdout" ] || : >"$tmp/stdout"
	"$rstmond" --config "$tmp/config" --log none "$@" >"$tmp/stdout" 2>"$tmp/daemon.err" </dev/null &
	daemon=$!
	children="$children $daemon"
	poll is_ready "$tmp/daemon.err" && return 0
	bad "start of rstmond $*" "$(cat "$tmp/daemon.err")"
	return 1
}

stop() { # signal
	kill "-$1" "$daemon"
	wait "$daemon" 2>/dev/null
}

is_gone() { # pid
	! kill -0 "$1" 2>/dev/null
}

ask() { # verb and options of rstmon
	timeout 20 "$rstmon" "$@" 2>"$tmp/ask.err"
}

number() { # member of rstmon status --json
	ask status --json | grep -o "\"$1\":[0-9]*" | head -1 | sed 's/.*://'
}

is() { # member, value: rstmon status has it
	[ "$(number "$1")" = "$2" ]
}

more_than() { # member, value
	value=$(number "$1")
	[ "${value:-0}" -gt "$2" ]
}

dial() { # number of resets
	"$poke" dial 9 "$1" && made=$((made + $1))
}

counted() { # the resets that our connections got
	ask list --json "comm $caller and direction received" | grep -o '"count":[0-9]*' |
		awk -F: '{ n += $2 } END { print n + 0 }'
}

unexplained() {
	ask status --json | jq -c '.unexplained | with_entries(select(.value != 0))' 2>/dev/null
}

all_counted() {
	[ "$(counted)" = "$made" ]
}

# The daemon answers, and has counted all and nothing twice, one reset of this moment included.
goes_on() { # name
	[ "$live" = no ] || dial 1
	if ! ask status >"$tmp/out"; then
		bad "$1: rstmon status afterwards" "$(cat "$tmp/ask.err")"
	elif poll all_counted; then
		good
	else
		bad "$1: counts afterwards" "$(counted) of $made, unexplained: $(unexplained)"
		made=$(counted) # told once
	fi
}

# ---- what can be done here ----

: >"$tmp/config"
live=no no_live="it needs root"
if [ "$(id -u)" = 0 ]; then
	if [ ! -e /sys/kernel/btf/vmlinux ]; then
		no_live="this kernel has no type information"
	elif [ -z "$INPUT_NAMESPACE" ]; then
		no_live="no mount and network namespace can be made here"
	else
		live=yes
	fi
fi
