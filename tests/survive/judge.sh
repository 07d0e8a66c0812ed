# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2154 # variables come from whoever sources it, or out of eval
# Compares what a load counted itself with what rstmon counted; sourced by run.sh and by the script in the
# virtual machine. Whoever sources it sets:
#	cli	function: rstmon with arguments
#	dir	a directory
passed=0 failed=0 skipped=0

ok() {
	passed=$((passed + 1))
	echo "ok    $*"
}

fail() {
	failed=$((failed + 1))
	echo "FAIL  $*"
}

skip() {
	skipped=$((skipped + 1))
	echo "skip  $*"
}

check() { # words, then a test(1) expression
	claim=$1
	shift
	if test "$@"; then ok "$claim"; else fail "$claim"; fi
}

load_start() { # PROGRAM RATE...: a load whose counts go to $dir/load
	# the number of a namespace is given again to a later one, whose rows are others and begin later
	load_since=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
	rm -f "$dir/load" "$dir/load.in"
	mkfifo "$dir/load.in"
	"$@" <"$dir/load.in" 8>&- >"$dir/load" 2>"$dir/load.err" &
	load=$!
	exec 8>"$dir/load.in"
	tries=1000
	until grep -qs started "$dir/load"; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$load" 2>/dev/null; then
			fail "the load does not start: $(cat "$dir/load.err")"
			return 1
		fi
		sleep 0.05
	done
}

# It makes no more resets, but its processes and its namespace stay to be looked at.
load_stop() {
	echo >&8
	tries=1000
	until grep -qs "^out_rsts" "$dir/load"; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$load" 2>/dev/null; then
			fail "the load does not stop: $(cat "$dir/load.err")"
			return 1
		fi
		sleep 0.05
	done
}

load_end() {
	exec 8>&-
	wait "$load"
}

# What the load should have, as JSON. The bystander is its last process.
expected() {
	awk '
		$1 == "netns" { netns = $2 }
		$1 == "out_rsts" { out = $2 }
		$1 == "rate" { rate = $2 }
		$1 == "nobody" { nobody = $2; sent += $2 }
		$1 == "process" {
			p = p (p ? "," : "") sprintf("{\"pid\":%s,\"sent\":%s,\"received\":%s}", $2, $3, $4)
			sent += $3; received += $4
		}
		END {
			printf "{\"netns\":%s,\"out_rsts\":%s,\"nobody\":%s,\"rate\":%s,\"sent\":%.0f,\"received\":%.0f,\"processes\":[%s]}\n",
				netns, out, nobody, rate, sent, received, p
		}' "$dir/load"
}

# Shell words:
#	sent, received	what the load made, rate: in a second
#	out_rsts	what the kernel says of that
#	net		counted minus made, all rows together
#	off		sum of the differences of the single rows, without their signs
#	bystander	that of the bystander alone
#	balance		of all rows, "other" included, minus the totals
#	unexplained	of the load's namespace, by rstmon's own status; none: not covered
judge() { # [ALLOWED]: asks again for half a minute if the rows are off by more; records may be under way
	expected >"$dir/expected.json"
	tries=150
	while :; do
		cli list --json -n 100000 >"$dir/list.json" || return 1
		jq -r --slurpfile e "$dir/expected.json" --arg since "$load_since" '
			$e[0] as $e |
			def sum(f): map(select(f) | .count) | add // 0;
			.totals as $t | .rows as $r |
			[ ($r | sum(.pid == 0 and .netns == $e.netns and .direction == "sent" and .first >= $since)) - $e.nobody,
			  ($e.processes[] as $p | ["sent", "received"][] as $d |
				($r | sum(.pid == $p.pid and .direction == $d)) - $p[$d]) ] as $diff |
			"rate=\($e.rate) sent=\($e.sent) received=\($e.received) out_rsts=\($e.out_rsts)",
			"net=\($diff | add) off=\($diff | map(fabs) | add) bystander=\($diff[-2:] | map(fabs) | add)",
			"balance=\(($r | sum(.direction == "sent" or .direction == "received")) - $t.sent - $t.received)"
			' "$dir/list.json" >"$dir/judged" || return 1
		eval "$(cat "$dir/judged")"
		tries=$((tries - 1))
		if [ $tries = 0 ] || { [ "$off" -le "${1:-0}" ] && [ "$balance" = 0 ]; }; then break; fi
		sleep 0.2
	done
	cli status --json >"$dir/status.json" || return 1
	# shellcheck disable=SC2034
	unexplained=$(jq -r --slurpfile e "$dir/expected.json" '
		[.netns[] | select(.inode == $e[0].netns) | .unexplained.TcpOutRsts] | first // "none"' \
		"$dir/status.json")
}

# judged WORDS ALLOWED: the checks that every load ends with
judged() {
	if ! judge "$2"; then
		fail "$1: rstmon does not answer"
		return
	fi
	made="$sent sent + $received received at $rate a second"
	# before 6.10 no tracepoint shows a reset without a socket: then the comparison with the kernel has to
	if [ "$unexplained" != none ] && [ "$unexplained" -gt 0 ] && [ "$off" = "$unexplained" ]; then
		ok "$1: $made, this kernel shows $off of them nowhere, and so says the status"
	else
		check "$1: $made, rows off by $off (net $net, unexplained $unexplained), at most $2 allowed" "$off" -le "$2"
	fi
	check "$1: a bystander's rows are exact, off by $bystander" "$bystander" = 0
	check "$1: TcpOutRsts grew by $out_rsts for $sent sent" "$out_rsts" = "$sent"
	check "$1: all rows minus totals is $balance" "$balance" = 0
}

# All rows, "other" included, minus the totals.
balance() {
	cli list --json -n 100000 | jq '([.rows[] | select(.direction != "") | .count] | add // 0) -
		.totals.sent - .totals.received'
}

summary() {
	if [ $skipped -gt 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	[ $failed = 0 ]
}
