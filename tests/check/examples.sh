#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the examples of the man pages that ask the daemon, as they are printed, against a daemon that answers out of a
# recording: no root, no kernel. One that fails, says something on standard error or prints nothing is wrong.
# examples.sh BUILD; one whose program is not there is a named skip.
B=${1:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
passed=0 failed=0 skipped=0 pids=
trap '[ -z "$pids" ] || kill $pids; rm -rf "$tmp"' EXIT

mkfifo "$tmp/ready" "$tmp/listens"
"$B/rstmond" --config /dev/null --log none --socket "$tmp/socket" --replay tests/golden/loopback.rec 2>"$tmp/ready" &
pids=$!
while read -r line; do
	case $line in *ready) break ;; esac
done <"$tmp/ready"
export PATH=$B:$PATH RSTMON_SOCKET=$tmp/socket no_proxy='*' NO_PROXY='*'
rstmon exporter --listen 127.0.0.1:0 >"$tmp/listens" &
pids="$pids $!"
read -r -t 60 line <"$tmp/listens"
exporter=$(grep -oE '127\.0\.0\.1:[0-9]+' <<<"$line")

# Commands as a shell reads them, each ended by \001: what stands behind "$ " in .Dl, and in displays.
commands() { # PAGE
	awk '
		/^\.Dl \$ / { sub(/^\.Dl \$ /, ""); printf "%s\001", $0; next }
		/^\.Bd/ { inside = 1; text = ""; next }
		/^\.Ed/ { if (text ~ /^\$ /) printf "%s\001", substr(text, 3); inside = 0; next }
		inside { text = text (text == "" ? "" : "\n") $0 }
	' "$1" | sed 's/\\(dq/"/g; s/\\(aq/'"'"'/g; s/\\e/\\/g; s/\\-/-/g; s/\\&//g'
}

wrong() { # PAGE COMMAND WHY
	echo "examples: $1: $2: $3"
	failed=$((failed + 1))
}

example() { # PAGE COMMAND
	for program in varlinkctl socat jq journalctl curl promtool; do
		if [[ " $2" == *[\ \|]$program\ * ]] && ! command -v $program >/dev/null; then
			echo "examples: $2: skipped, there is no $program"
			skipped=$((skipped + 1))
			return
		fi
	done
	local line=${2//\/run\/rstmon\/rstmon.sock/$tmp/socket}
	# what watches ends by itself only where it is told to
	local seconds=60
	[[ $2 != *[Ww]atch* ]] || seconds=5
	timeout $seconds bash -c "${line//127.0.0.1:9941/$exporter}" >"$tmp/out" 2>"$tmp/err" </dev/null
	code=$?
	[[ $2 == *[Ww]atch* && $code == 124 ]] && code=0
	[[ $2 == *rstmon\ check* ]] && ! grep -q UNKNOWN "$tmp/out" && code=0
	if [ "$code" != 0 ]; then
		wrong "$1" "$2" "exit $code, $(head -1 "$tmp/err")"
	elif [ -s "$tmp/err" ]; then
		wrong "$1" "$2" "$(head -1 "$tmp/err")"
	elif [ ! -s "$tmp/out" ] && [[ $2 != *--textfile* && $2 != *--since* && $2 != *'|'* ]]; then
		wrong "$1" "$2" "it prints nothing"
	else
		passed=$((passed + 1))
	fi
}

mkdir "$tmp/node_exporter"
for page in man/rstmon.1 "$B"/rstmon-*.7; do
	commands "$page" | sed "s|/var/lib/prometheus/node-exporter|$tmp/node_exporter|" >"$tmp/commands"
	[ -s "$tmp/commands" ] || wrong "$page" "no example" "the page has none"
	while IFS= read -r -d $'\001' line; do example "${page##*/}" "$line"; done <"$tmp/commands"
done
[ "$skipped" -gt 0 ] && echo "$passed passed, $failed failed, $skipped skipped" ||
	echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
