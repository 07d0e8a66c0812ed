# shellcheck shell=bash disable=SC2154,SC2034
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by run.sh: what a scenario is made of. A file of scenarios has, for each,
#
#	scenario NAME "what happens, in one line" [alone] [packets] [timer] [limit=SECONDS] [weight=N]
#	NAME() {
#		net_one			# or net_path
#		expect sent linger_zero comm=server role=server
#		actor N server listen 8080 accept read 1 linger0 close
#		actor N client connect 8080 write 1 end
#		done_within 5		# until all actors have ended
#	}
#
# NAME is the ground truth. Scenarios run side by side, each in a subshell with network namespaces, a
# directory ($dir) and a limit in time of its own; 'alone': with no other beside it; 'timer': a timer of the kernel
# makes its reset. When the function returns, run.sh waits until what happened has been told, and then ends what
# the scenario left running: what that causes is no longer looked at.
#
# Expectations (where they stand in the function does not matter):
#
#	expect DIRECTION CAUSE[,ALTERNATIVE...] [KEY=VALUE...]
#	also DIRECTION CAUSE[,ALTERNATIVE...] [KEY=VALUE...]
#	silent
#
# DIRECTION is sent, received, timeout or counter. 'also': may happen, and if it does it must be called this. Each
# finding in the scenario's namespaces must be expected by a line: what is left over is a wrong answer, and
# so is an expectation that nothing was reported for. 'silent' (a negative control) expects nothing.
# Keys that choose which findings a line means: in=LABEL (the namespace), port=N, state=STATE,
# reason=REASON, remote=TEXT (a prefix of the remote address). Keys that must be right:
# comm=NAME[,NAME...] (the owner; comm= for nobody), role=ROLE[,ROLE...], actor=NAME, former=NAME (who had
# the port before), errno=NAME, confidence=WORD[,WORD...]; and n=N (this many; default 1), n=N+ (so many or more).

# ---- namespaces ----

# A label is a namespace of this scenario: N, or C, R and S.
net() { # LABEL...: new, with loopback
	local label inode
	for label; do
		ip netns add "$id-$label" || fail "no network namespace"
		echo "$id-$label" >>"$lab/namespaces"
		inode=$(stat -Lc %i "/run/netns/$id-$label")
		printf '%s\t%s\n' "$inode" "$label" >>"$dir/netns"
		# with the latest: nothing is missed that happens before it watches
		"$B/rstmon" watch --last 500 --json "netns $inode" >"$dir/watch.$label" \
			2>"$dir/watch.$label.err" </dev/null &
		echo $! >>"$dir/watchers"
		inside "$label" ip link set lo up
	done
}

net_one() {
	net N
}

# C 192.0.2.1 2001:db8:1::1 - R - S 198.51.100.1 2001:db8:2::1
net_path() {
	local e
	net C R S
	for e in C S; do
		ip -n "$id-$e" link add eth0 type veth peer name "r$e" netns "$id-R" || fail "no veth"
	done
	ip -n "$id-C" address add 192.0.2.1/24 dev eth0
	ip -n "$id-S" address add 198.51.100.1/24 dev eth0
	ip -n "$id-R" address add 192.0.2.254/24 dev rC
	ip -n "$id-R" address add 198.51.100.254/24 dev rS
	ip -n "$id-C" address add 2001:db8:1::1/64 dev eth0 nodad
	ip -n "$id-S" address add 2001:db8:2::1/64 dev eth0 nodad
	ip -n "$id-R" address add 2001:db8:1::fe/64 dev rC nodad
	ip -n "$id-R" address add 2001:db8:2::fe/64 dev rS nodad
	for e in C S; do
		ip -n "$id-$e" link set eth0 up
		ip -n "$id-R" link set "r$e" up
	done
	inside R sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	ip -n "$id-C" route add default via 192.0.2.254
	ip -n "$id-S" route add default via 198.51.100.254
	ip -n "$id-C" route add default via 2001:db8:1::fe
	ip -n "$id-S" route add default via 2001:db8:2::fe
}

# A namespace N whose only way out is a tun device: 192.0.2.1 is here, and the remote host 192.0.2.2 is
# played segment by segment by a labtool script (raw, catch), with no TCP of its own.
net_tun() {
	net_one
	inside N ip tuntap add dev tun0 mode tun
	inside N ip address add 192.0.2.1/24 dev tun0
	inside N ip link set tun0 up
}

inside() { # LABEL COMMAND...
	local label=$1
	shift
	nsenter --net="/run/netns/$id-$label" -- "$@"
}

nft_in() { # LABEL; the rules on stdin
	inside "$1" nft -f - || fail "nft refused the rules in $1"
}

set_in() { # LABEL NAME=VALUE...: sysctls
	local label=$1
	shift
	inside "$label" sysctl -qw "$@" || fail "sysctl $*"
}

# What the kernel counted in LABEL under NAME (as nstat calls it) since the namespace began.
counter() { # LABEL NAME
	inside "$1" nstat -asz "$2" 2>/dev/null | awk -v n="$2" '$1 == n { print $2 }'
}

# The scenario is no proof of anything unless its traffic did what was wanted.
counted() { # LABEL NAME AT-LEAST
	local n
	n=$(counter "$1" "$2")
	[ "${n:-0}" -ge "$3" ] || fail "$2 is ${n:-not known} in $1, not $3 or more"
}

# What the kernel counts is compared with an earlier look, and rstmond first looks at a namespace when a
# process in it has a reset. Real namespaces have been looked at for long; this one is, from here on.
known() { # LABEL
	also sent linger_zero,health_check_reset in="$1" port=9 comm=early
	also received linger_zero,health_check_reset in="$1" port=9 comm=early
	start "$1" early "$B/labtool" -n early listen 9 connect 9 linger0 close hold
	await 5 told 2 '.port == 9'
	sleep 0.3 # a look so young is not taken again
}

# What 'rstmon why' has counted of a cause that no single finding shows.
why_counts() { # CAUSE
	"$B/rstmon" why --json | jq --arg c "$1" '[.counters[]? | select(.cause == $c) | .count] | add // 0'
}

grown() { # CAUSE BEFORE AT-LEAST
	[ "$(why_counts "$1")" -ge $(($2 + $3)) ]
}

# Waits until it has grown; then it is a finding that 'expect counter CAUSE' is about.
count_of() { # CAUSE BEFORE AT-LEAST
	await 5 grown "$@"
	jq -nc --arg c "$1" '{kind: "counter", direction: "", cause: $c, confidence: "-", pid: 0, comm: ""}' \
		>>"$dir/counters"
}

# ---- processes ----

# In the background, in a namespace; its output goes to $dir/NAME.log, its pid to $pid.
start() { # LABEL NAME COMMAND...
	local label=$1 name=$2
	shift 2
	nsenter --net="/run/netns/$id-$label" -- "$@" >"$dir/$name.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >>"$dir/pids"
	echo "$pid" >"$dir/$name.pid"
}

# A labtool script; COMM is its process's name and the name of its log. See actor.c for the words.
actor() { # LABEL COMM SCRIPT...
	local label=$1 comm=$2
	shift 2
	start "$label" "$comm" "$B/labtool" -d "$dir" -n "$comm" "$@"
	actors="$actors $pid"
}

pid_of() { # NAME
	cat "$dir/$1.pid"
}

gone() { # PID...: ended, reaped or not
	local p
	for p; do
		case $(sed 's/.*) //' "/proc/$p/stat" 2>/dev/null) in
		'' | Z*) ;;
		*) return 1 ;;
		esac
	done
}

# Until all actors have ended by themselves; one that failed fails the scenario.
done_within() { # SECONDS
	local p
	for p in $actors; do
		await "$1" gone "$p"
		wait "$p" 2>/dev/null
		[ $? != 99 ] || fail "$(grep -h '^labtool:' "$dir"/*.log | tail -n 1)"
	done
	actors=
}

# Seconds by a clock that nobody sets, to $uptime.
read_uptime() {
	read -r uptime _ </proc/uptime
	uptime=${uptime%.*}
}

# Polls for what is to happen: up to a deadline, then the scenario has failed. Scenarios that run side by side
# share a stall of the machine, so it is half a minute at least.
await() { # SECONDS COMMAND...
	local until uptime
	read_uptime
	until=$((uptime + ($1 < 30 ? 30 : $1) * ${LAB_SLOW:-1} + 1))
	shift
	until "$@"; do
		read_uptime
		[ "$uptime" -lt "$until" ] || fail "waited in vain for: $*"
		sleep "${LAB_POLL:-0.02}"
	done
}

said() { # NAME WORD: a line of its log is this word
	grep -qx -- "$2" "$dir/$1.log" 2>/dev/null
}

flag() { # WORD: what actors 'await'
	: >"$dir/flag.$1"
}

listens() { # LABEL PORT
	inside "$1" ss -Htln "sport = :$2" | grep -q .
}

# At least N findings so far that the filter (a jq expression) accepts.
told() { # N EXPRESSION
	[ "$(findings | jq -c "select($2)" 2>/dev/null | wc -l)" -ge "$1" ]
}

findings() { # those of this scenario so far, one JSON object a line
	sort -u "$dir"/watch.*[A-Z] 2>/dev/null |
		jq -c --arg since "$(cat "$dir/since")" 'select(.time >= $since)'
}

# ---- expectations ----

expectation() { # KIND DIRECTION CAUSES [KEY=VALUE...]
	printf '%s' "$1" >>"$dir/expect"
	shift
	printf '\t%s' "$@" >>"$dir/expect"
	printf '\n' >>"$dir/expect"
}

expect() {
	expectation expect "$@"
}

also() {
	expectation also "$@"
}

silent() {
	expectation silent - -
}

fail() { # SENTENCE: the scenario could not be played
	echo "$*" >"$dir/failed"
	exit 1
}

skip() { # REASON
	echo "$*" >"$dir/skipped"
	exit 0
}

need() { # COMMAND...: or the scenario is skipped
	local c
	for c; do
		command -v "$c" >/dev/null || skip "$c is not installed"
	done
}

# ---- the list ----

scenario() { # NAME "what happens" [OPTION...]
	local name=$1 what=$2
	shift 2
	printf '%s\t%s\t %s %s \t%s\n' "$name" "$what" "$*" "$defaults" "$file" >>"$lab/list"
}
