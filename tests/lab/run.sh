#!/bin/bash
# shellcheck disable=SC1090,SC1091,SC2154,SC2013,SC2317,SC2034,SC2031,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# make lab: plays resets whose cause is known and holds rstmond's answers against it. run.sh BUILD
#
#	LAB_ONLY='keepalive*|nat*'	only scenarios with such names
#	LAB_FILES='sent silent'		only those of these files
#	LAB_JOBS=6			so many side by side
#	LAB_CONFIG=FILE			more configuration for rstmond
#	LAB_KEEP=DIR			what was seen stays there
#	LAB_RESULTS=FILE		"right|wrong|skip TAB causes TAB scenario, cause TAB why" goes there, a line each
#	LAB_SLOW=4 LAB_POLL=0.2		on a slow machine: deadlines that many times as late, and looks so far apart
#
# Scenarios with the option 'packets' are played a second time with packet_evidence on (NAME+packets).
#
# Needs root. Ends only what it started. See lib.sh for what a scenario is.
B=$(realpath "${1:-build}")
here=$(dirname "$0")
LAB_JOBS=${LAB_JOBS:-6}

[ "$(id -u)" = 0 ] || { echo "lab: skipped, it needs root"; exit 0; }
[ -e /sys/kernel/btf/vmlinux ] || { echo "lab: skipped, this kernel has no type information"; exit 0; }
for tool in jq nft ip ss nsenter; do
	command -v $tool >/dev/null || { echo "lab: $tool is missing" >&2; exit 1; }
done
for file in rstmond rstmon labtool; do
	[ -x "$B/$file" ] || { echo "lab: $B/$file is missing; run make lab" >&2; exit 1; }
done

lab=$(mktemp -d /tmp/rstmon-lab-XXXXXX) || exit 1
chmod 755 "$lab"
: >"$lab/namespaces"
: >"$lab/list"
export B
cd "$here/../.." || exit 1
. tests/lab/lib.sh

clean() {
	for p in $running; do
		end_all "$p"
	done
	stop_daemon
	living
	if [ -n "$LAB_KEEP" ]; then
		rm -rf "$LAB_KEEP" && mv "$lab" "$LAB_KEEP" && echo "lab: all that was seen is in $LAB_KEEP"
	else
		rm -rf "$lab"
	fi
}
running='' daemon=''
trap clean EXIT
trap 'exit 130' INT TERM HUP

# ---- the daemon ----

poll() { # SECONDS COMMAND...
	local until uptime
	read_uptime
	until=$((uptime + $1))
	shift
	until "$@"; do
		read_uptime
		[ "$uptime" -lt "$until" ] || return 1
		sleep 0.05
	done
}

export RSTMON_SOCKET="$lab/socket"

start_daemon() { # EVIDENCE
	evidence=$1
	printf '[daemon]\npacket_evidence = %s\n' "$evidence" >"$lab/config"
	[ -z "$LAB_CONFIG" ] || cat "$LAB_CONFIG" >>"$lab/config"
	rm -rf "$lab/state" "$lab/daemon.err" # whose "ready" is the earlier daemon's
	mkdir "$lab/state"
	"$B/rstmond" --config "$lab/config" --state "$lab/state" --log none \
		>"$lab/daemon.out" 2>"$lab/daemon.err" </dev/null &
	daemon=$!
	poll 60 grep -q 'ready$' "$lab/daemon.err" && return
	echo "lab: rstmond did not start: $(tail -n 1 "$lab/daemon.err")" >&2
	exit 1
}

stop_daemon() {
	[ -z "$daemon" ] || { kill -TERM "$daemon" && wait "$daemon"; } 2>/dev/null
	daemon=
}

# ---- one scenario ----

now() {
	date -u +%Y-%m-%dT%H:%M:%S.%6NZ
}

end_all() { # PID: its process and all below it; stopped first, or a server replaces what has ended
	local child
	kill -STOP "$1" 2>/dev/null
	for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
		end_all "$child"
	done
	kill -KILL "$1" 2>/dev/null
}

# Who lost its parent is found by its namespace, which nobody but the lab is in.
nobody_in() { # NAMESPACE: ends who is there
	local p left=''
	for p in $(ip netns pids "$1" 2>/dev/null); do
		gone "$p" || { left=1 && kill -KILL "$p" 2>/dev/null; }
	done
	[ -z "$left" ]
}

# One that somebody lives in stays, for living() to tell.
leave() { # NAMESPACE
	poll 10 nobody_in "$1" && ip netns del "$1" 2>/dev/null
}

living() { # what should be gone, at the end of all
	local ns p
	while read -r ns; do
		[ -e "/run/netns/$ns" ] || continue
		leave "$ns"
		for p in $(ip netns pids "$ns" 2>/dev/null); do
			echo "lab: process $p ($(cat "/proc/$p/comm" 2>/dev/null)) lives on in $ns"
		done
	done <"$lab/namespaces"
}

# Where no program runs on top of PID 1, as on some machines (HACKING, "Traps"), a timer's reset is missing once in
# a while. What is wrong by a fault is wrong each time.
play() { # NAME FILE FUNCTION
	local try
	for try in {1..5}; do
		[ "$try" = 1 ] || rm -rf "${lab:?}/$1"
		play_once "$@"
		if [[ $how != *" timer "* ]] || [ ! -e "$lab/$1/unseen" ]; then
			break
		fi
	done
}

unseen() { # whether the kernel counted resets in the scenario's namespaces that no program saw
	local inode
	while read -r inode _; do
		"$B/rstmon" status --json | jq -e --argjson inode "$inode" \
			'any(.netns[]; .inode == $inode and (.unexplained.TcpOutRsts // 0) > 0)' >/dev/null && return
	done <"$dir/netns"
	return 1
}

# In a subshell of its own; leaves $dir with expect, netns, since, until, and failed or skipped.
play_once() { # NAME FILE FUNCTION
	dir=$lab/$1 id=lab$$-$(echo "$1" | cksum | cut -c1-6) actors=''
	mkdir -p "$dir"
	: >"$dir/netns"
	: >"$dir/pids"
	: >"$dir/watchers"
	: >"$dir/counters"
	: >"$dir/expect"
	now >"$dir/since"
	(
		# each file may name its functions as it likes
		. tests/lab/lib.sh
		scenario() { :; }
		. "$2"
		"$3"
	) >"$dir/out" 2>&1
	sleep 0.5 # what happens now is still the scenario's, and pairs wait 50 ms
	now >"$dir/until"
	# what happened until then may be told later, on a machine that has much to do
	for _ in {1..20}; do
		! all_right "$1" || break
		sleep 1
	done
	all_right "$1" || ! unseen || : >"$dir/unseen"
	for p in $(cat "$dir/watchers" "$dir/pids"); do
		end_all "$p"
	done
	for ns in $(grep "^$id-" "$lab/namespaces"); do
		leave "$ns"
	done
}

all_right() { # NAME: by what has been told so far
	findings_until >"$dir/findings"
	cat "$dir/counters" >>"$dir/findings"
	judge "$1"
	! cut -f 2 "$dir/rows" | grep -qE '^(wrong|broken)$' || [ -e "$dir/failed" ]
}

findings_until() {
	findings | jq -c --arg until "$(cat "$dir/until")" 'select(.time <= $until)'
}

expectations() { # as a JSON array
	jq -Rc 'split("\t") | {kind: .[0], direction: .[1], causes: (.[2] | split(",")),
		keys: (.[3:] | map(capture("^(?<key>[a-z]+)=(?<value>.*)$")) | from_entries)}
		| select(.kind != "silent")' "$dir/expect" | jq -sc .
}

labels() {
	jq -Rc 'split("\t") | {(.[0]): .[1]}' "$dir/netns" | jq -sc 'add // {}'
}

# Rows of the table to $dir/rows: scenario, result, expected, reported, confidence, owner, why, ...
judge() { # NAME
	dir=$lab/$1
	if [ -e "$dir/skipped" ]; then
		printf '%s\tskipped\t-\t-\t-\t-\t%s\t\t\t\n' "$1" "$(cat "$dir/skipped")" >"$dir/rows"
		return
	fi
	if [ ! -e "$dir/failed" ] && [ ! -s "$dir/expect" ]; then
		echo "it expects nothing: $(tail -n 1 "$dir/out" 2>/dev/null)" >"$dir/failed"
	fi
	if [ -e "$dir/failed" ]; then
		printf '%s\tbroken\t-\t-\t-\t-\t%s\t\t\t\n' "$1" "$(cat "$dir/failed")" >"$dir/rows"
		return
	fi
	if grep -q '^silent' "$dir/expect" && [ ! -s "$dir/findings" ]; then
		printf '%s\tright\tsilent\tsilent\t-\t-\t\t\t\t\n' "$1" >"$dir/rows"
		return
	fi
	jq -sr --argjson expect "$(expectations)" --argjson netns "$(labels)" \
		-f tests/lab/judge.jq "$dir/findings" >"$dir/judged" 2>"$dir/judge.err" ||
		printf 'broken\t-\t-\t-\t-\t%s\t\t\t\n' "judge: $(tail -n 1 "$dir/judge.err")" >"$dir/judged"
	sed "s/^/$1\t/" "$dir/judged" >"$dir/rows"
	! grep -q '^silent' "$dir/expect" || sed -i 's/\tnothing\t/\tsilent\t/' "$dir/rows"
}

line() {
	printf '%-30s %-28s %-28s %-10s %-22s %s\n' "$@"
}

show() { # NAME
	local n name result expected reported confidence owner why rest
	uniq -c "$lab/$1/rows" | sed 's/^ *\([0-9]*\) /\1\t/; s/\t\t/\t-\t/g' |
		while IFS=$'\t' read -r n name result expected reported confidence owner why rest; do
			[ "$result" = right ] || result="${result^^}: $why ($rest)"
			[ "$n" = 1 ] || result="$n x $result"
			line "$name" "$expected" "$reported" "$confidence" "$owner" "${result//$'\t'/ }"
		done
}

# Kept for people: what rstmon says about all of it together.
why_now() {
	[ -z "$LAB_KEEP" ] || "$B/rstmon" why >"$lab/why.txt" 2>&1 || true
}

# ---- all of them ----

for file in tests/lab/[a-z]*.sh; do
	case $file in
	*/run.sh | */lib.sh | */install.sh) ;;
	*)
		# functions come from all of them
		cp "$lab/list" "$lab/list.before"
		case $file in
		*/real_*) defaults=weight=2 ;; # servers are started
		*/received.sh | */path.sh) defaults=packets ;;
		*) defaults= ;;
		esac
		. "$file"
		base=${file##*/}
		[ -z "$LAB_FILES" ] || [[ " $LAB_FILES " = *" ${base%.sh} "* ]] ||
			mv "$lab/list.before" "$lab/list"
		;;
	esac
done

wanted() { # NAME
	local p patterns
	[ -n "$LAB_ONLY" ] || return 0
	IFS='|' read -ra patterns <<<"$LAB_ONLY"
	for p in "${patterns[@]}"; do
		# shellcheck disable=SC2254
		case $1 in
		$p) return 0 ;;
		esac
	done
	return 1
}

option_of() { # KEY OPTIONS DEFAULT
	[[ $2 =~ \ $1=([0-9]+)\  ]] && echo "${BASH_REMATCH[1]}" || echo "$3"
}

# Shows those that have ended and counts those that have not. What takes too long is ended.
reap() {
	local still='' name pid until w uptime
	read_uptime
	for entry in $running_list; do
		IFS=: read -r name pid until w <<<"$entry"
		if gone "$pid"; then
			wait "$pid" 2>/dev/null
			judge "$name"
			show "$name"
			done_list="$done_list $name"
		elif [ "$uptime" -gt "$until" ]; then
			echo "it took too long" >"$lab/$name/failed"
			for p in $(cat "$lab/$name/pids" "$lab/$name/watchers") $pid; do
				end_all "$p"
			done
			still="$still $entry"
		else
			still="$still $entry"
		fi
	done
	running_list=$still
	running=
	load=0
	for entry in $still; do
		IFS=: read -r name pid until w <<<"$entry"
		running="$running $pid"
		load=$((load + w))
	done
}

room_for() { # WEIGHT, or 'all'
	reap
	until [ "$load" = 0 ] || { [ "$1" != all ] && [ $((load + $1)) -le "$LAB_JOBS" ]; }; do
		sleep "${LAB_POLL:-0.1}"
		reap
	done
}

play_all() { # OPTION SUFFIX: those with the option
	local name what how file w uptime
	while IFS=$'\t' read -r name what how file <&3; do
		wanted "$name" || continue
		[[ $how = *" $1"* ]] || continue
		w=$(option_of weight "$how" 1)
		case $how in
		*" alone "*) room_for all ;;
		*) room_for "$w" ;;
		esac
		mkdir "$lab/$name$2"
		play "$name$2" "$file" "$name" 3<&- &
		read_uptime
		running_list="$running_list $name$2:$!:$((uptime + ($(option_of limit "$how" 60) + 60) * ${LAB_SLOW:-1})):$w"
		case $how in
		*" alone "*) room_for all ;;
		esac
	done 3<"$lab/list"
	room_for all
}

running_list='' done_list='' started=$(date +%s)
line scenario expected reported confidence owner ''
start_daemon no
play_all '' ''
why_now
stop_daemon
if grep -q ' packets ' "$lab/list"; then
	start_daemon yes
	play_all 'packets ' +packets
	stop_daemon
fi

# ---- the sum ----

for name in $done_list; do
	cat "$lab/$name/rows"
done >"$lab/rows"
echo
echo "the article's causes, as rstmond named them (answers, confidence, owner):"
article() { # NUMBER WORDS
	local name
	echo "  $1 $2"
	for name in $done_list; do
		case " $(awk -F'\t' -v n="${name%+packets}" '$1 == n { print $3 }' "$lab/articles") " in
		*" $1 "*) awk -F'\t' -v n="$name" '$2 == "right" || $2 == "wrong" {
			print "      " n ": " $4 " (" $5 ") " $6 ($2 == "wrong" ? "  WRONG" : "") }' "$lab/$name/rows" | uniq -c |
			sed 's/^ *\([0-9]*\) *\([^:]*\):/      \2: \1 x/' ;;
		esac
	done
}
sed -n 's/^\([^\t]*\)\t.* article=\([0-9]\).*/\1\t\t\2/p' "$lab/list" >"$lab/articles"
article 1 "the client closed unexpectedly"
article 2 "the user cancelled"
article 3 "the server is over its limits"
article 4 "the JVM or its threads are in trouble"
article 5 "a firewall dropped the idle session"
echo "its remedies, by rstmon's own counts:"
cat "$lab"/*/remedy 2>/dev/null | sed 's/^/  /'
echo
matrix() { # TITLE PATTERN-OF-AWK: answers of the scenarios that it matches
	echo "expected x reported, $1:"
	awk -F'\t' "$2"' && ($2 == "right" || $2 == "wrong") { n[$3 "\t" $4]++; of[$3]++ }
		END {
			for (k in n) {
				split(k, w, "\t")
				printf "  %-30s %-30s %4d of %d\n", w[1], w[2], n[k], of[w[1]]
			}
		}' "$lab/rows" | sort
}
matrix "tracepoints only" '$1 !~ /[+]packets$/'
matrix "with packet evidence" '$1 ~ /[+]packets$/'
echo
awk -F'\t' -v seconds=$(($(date +%s) - started)) '
	{ seen[$1] = 1 }
	$2 == "right" { right++ }
	$2 == "wrong" || $2 == "broken" { bad[$1] = 1; wrong++ }
	$2 == "skipped" { skip[$1] = $7 }
	$2 == "wrong" { by[$5]++ }
	$3 == "silent" { control[$1] = 1; if ($2 != "right") noisy[$1] = 1 }
	END {
		for (s in seen) {
			if (s in skip) { n_skip++; why = why sprintf("  skipped: %s, %s\n", s, skip[s]); continue }
			n++
			if (s in bad) { n_bad++; list = list " " s }
		}
		for (s in control) { n_control++; if (s in noisy) n_noisy++ }
		printf "answers: %d right, %d wrong (certain %d, high %d, medium %d, low %d, none or extra %d)\n",
			right, wrong, by["certain"], by["high"], by["medium"], by["low"], by["-"]
		printf "negative controls: %d, %d of them with a report\n", n_control, n_noisy
		printf "%s", why
		if (list) printf "wrong:%s\n", list
		printf "%d passed, %d failed, %d skipped; %.1f %% right, %d s\n", n - n_bad, n_bad, n_skip,
			n ? 100 * (n - n_bad) / n : 0, seconds
		exit !(n && (n - n_bad) >= 0.95 * n && !by["certain"] && !by["high"] && !n_noisy)
	}' "$lab/rows"
status=$?
[ -z "$LAB_RESULTS" ] || awk -F'\t' '
	$2 == "right" { print "right\tcauses\t" $1 ", " $3 "\t" }
	$2 == "wrong" { print "wrong\tcauses\t" $1 ", " $3 "\t" $4 ": " $7 }
	$2 == "broken" { print "wrong\tcauses\t" $1 "\t" $7 }
	$2 == "skipped" { print "skip\tcauses\t" $1 "\t" $7 }' "$lab/rows" >>"$LAB_RESULTS"
left=$(living)
[ -z "$left" ] || { echo "$left" && status=1; }
exit $status
