#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Kills, restarts, stops and upgrades the daemon under load, with a supervisor that speaks systemd's protocol
# of stored descriptors, and counts again. run.sh BUILD; needs root.
#
#	SHORT=1		less than 30 seconds, for make check
#	KILLS=20 RATE=50000	may be set
set -u

B=$1
here=$(dirname "$0")
RATE=${RATE:-50000}
KILLS=${KILLS:-20}
[ -z "${SHORT:-}" ] || KILLS=4

[ "$(id -u)" = 0 ] || { echo "survive: skipped, not root"; exit 0; }
for file in rstmond rstmon supervisor load; do
	[ -x "$B/$file" ] || { echo "survive: $B/$file is missing; run make survive" >&2; exit 1; }
done
command -v jq >/dev/null || { echo "survive: skipped, there is no jq"; exit 0; }

dir=$(mktemp -d /tmp/rstmon-survive-XXXXXX) || exit 1
daemon=$B/rstmond
exe=$(readlink -f "$B/load")
supervisor=
plain=
load=

clean() {
	[ -z "$supervisor" ] || ask quit >/dev/null 2>&1 || kill "$supervisor" 2>/dev/null
	[ -z "$plain" ] || kill -KILL "$plain" 2>/dev/null
	[ -z "$load" ] || kill "$load" 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM HUP

# shellcheck source=tests/survive/judge.sh
. "$here/judge.sh"

cli() {
	"$B/rstmon" --socket "$dir/socket" "$@"
}

ask() {
	"$B/supervisor" ask "$dir/control" "$@"
}

# sentences: what the daemon said since the last mark
mark() {
	marked=$(wc -l <"$dir/err")
}

sentences() {
	tail -n +$((marked + 1)) "$dir/err" | grep -vE 'supervisor:|ready$| (summary|incident) |watches the resets|rstmond stops' | sed 's/^/      | /' | cut -c1-200 | head -n 6
}

# supervise OPTION...: with an empty state directory unless there is one
supervise() {
	mkdir -p "$dir/state"
	max=$(sed -n 's/^FileDescriptorStoreMax=//p' "$here/../../systemd/rstmond.service")
	"$B/supervisor" --listen "$dir/socket" --control "$dir/control" --max "${max:-0}" "$@" -- "$daemon" \
		--config "$dir/conf" --state "$dir/state" --log stderr 2>>"$dir/err" 8>&- &
	supervisor=$!
	tries=1000
	until cli status >/dev/null 2>&1; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$supervisor"; then
			fail "the daemon does not start under the supervisor"
			tail -n 5 "$dir/err"
			return 1
		fi
		sleep 0.05
	done
}

unsupervise() {
	ask quit >/dev/null
	wait "$supervisor"
	supervisor=
}

# What processes of all loads sent and received until now; nobody else on this machine adds to that.
ours() {
	cli list --json -n 100000 | jq --arg exe "$exe" '[.rows[] | select(.exe == $exe) | .count] | add // 0'
}

sent() {
	cli list --json -n 1 | jq .totals.sent
}

flood() { # resets a second: half by nobody, a quarter refused, a quarter aborted
	load_start "$B/load" $(($1 / 2)) $(($1 / 4)) 4 $(($1 / 4))
}

# ---- what is proved ----

last_of_load() { # the single resets that are remembered of it
	cli last 8192 --json "netns $(jq .netns "$dir/expected.json")" 2>/dev/null | jq -c '.resets[] | [.time, .pid, .local, .remote]' | sort
}

kills() {
	supervise || return
	flood "$RATE" || return
	before=0
	fell=0
	sleep 1
	for i in $(seq "$KILLS"); do
		ask kill >/dev/null || { fail "kill $i: it does not come back"; sentences; break; }
		now=$(sent)
		[ "${now:-0}" -ge "$before" ] || fell=$((fell + 1))
		before=${now:-0}
		sleep "0.$((i % 5))"
	done
	load_stop || return
	check "\"sent\" never falls ($before at last), fell $fell times" $fell = 0
	judged "$KILLS kills at $RATE a second" "$KILLS"
	ok "numbers of the supervisor: $(ask status | head -n 1)"
	before=$(sent)
	last_of_load >"$dir/last.before"
	ask kill >/dev/null
	last_of_load >"$dir/last.after"
	between=$(($(sent) - before))
	if [ ! -s "$dir/last.after" ] && [ $between -gt 8192 ]; then
		skip "last: others made $between resets meanwhile, and the oldest are forgotten"
	else
		check "last: $(wc -l <"$dir/last.before") resets are known, $(wc -l <"$dir/last.after") of them after a kill" \
			-s "$dir/last.after" -a -z "$(comm -13 "$dir/last.before" "$dir/last.after")"
	fi
	load_end
}

restarts() {
	flood "$RATE" || return
	n=4
	[ -z "${SHORT:-}" ] || n=1
	for i in $(seq $n); do
		ask restart >/dev/null || { fail "restart $i: it does not come back"; break; }
		sleep "0.$i"
	done
	load_stop
	judged "$n restarts at $RATE a second" 0
	load_end
}

# Killed, and killed again while it comes up.
early() {
	flood "$RATE" || return
	n=0
	for ms in 1 30 60 100 150 250 400 600; do
		ask kill $ms >/dev/null || { fail "kill $ms ms after a start: it does not come back"; break; }
		n=$((n + 2))
	done
	load_stop
	judged "$n kills, half of them early, at $RATE a second" $n
	load_end
}

# The hooks are gone while it is stopped: what happens then is nobody's.
stop_and_start() {
	flood "$RATE" || return
	sleep 0.5
	load_stop
	judged "before the stop" 0
	before=$(ours)
	ask stop >/dev/null
	check "stop: nothing is stored" "$(ask list)" = "ok list"
	check "stop: there is a checkpoint" -n "$(ls -A "$dir/state")"
	ask start >/dev/null || { fail "start: it does not come back"; return; }
	judged "stop and start" 0
	check "stop and start: $before of our processes' are now $(ours)" "$(ours)" = "$before"
	load_end
}

plain_start() {
	mark
	"$daemon" --config "$dir/conf" --socket "$dir/socket" --state "$dir/state" --log stderr 2>>"$dir/err" 8>&- &
	plain=$!
	tries=1000
	until cli status >/dev/null 2>&1; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$plain" 2>/dev/null; then
			fail "the daemon does not start"
			sentences
			return 1
		fi
		sleep 0.05
	done
}

plain_end() { # signal
	kill "-$1" "$plain"
	wait "$plain" 2>/dev/null
	plain=
}

# Without anybody who keeps descriptors.
no_store() {
	plain_start || return
	flood "$RATE" || return
	sleep 0.5
	load_stop
	judged "no store" 0
	before=$(ours)
	plain_end TERM
	plain_start || return
	judged "no store, SIGTERM and start" 0
	check "no store, SIGTERM and start: $before of our processes' are now $(ours)" "$(ours)" = "$before"
	load_end
	flood "$RATE" || return
	sleep 0.5
	load_stop
	most=$(ours)
	plain_end KILL
	plain_start || return
	now=$(ours)
	check "no store, SIGKILL: $now of $most, at least the checkpoint's $before" \
		"$now" -ge "$before" -a "$now" -le "$most"
	check "no store, SIGKILL: all rows minus totals is $(balance)" "$(balance)" = 0
	load_end
	plain_end TERM
}

# spoil WORDS COMMAND...: what the command did to the checkpoint is noticed, and nothing is deleted
spoil() {
	words=$1
	shift
	file=$(find "$dir/state" -type f | head -n 1)
	[ -n "$file" ] || { fail "$words: there is no checkpoint"; return; }
	cp "$file" "$dir/checkpoint"
	"$@" "$file"
	sum=$(cksum <"$file")
	plain_start || return
	check "checkpoint $words: the daemon starts and says so" -n "$(sentences | grep checkpoint)"
	sentences
	found=$(find "$dir/state" -type f -exec cksum {} + | awk '{ print $1, $2 }' | grep -cFx "$sum")
	check "checkpoint $words: it is set aside as it was" "$found" = 1
	check "checkpoint $words: all rows minus totals is $(balance)" "$(balance)" = 0
	plain_end TERM
	rm -f "$dir"/state/*
	cp "$dir/checkpoint" "$file"
}

flip() {
	size=$(stat -c %s "$1")
	byte=$(dd if="$1" bs=1 skip=$((size / 2)) count=1 2>/dev/null | od -An -tu1)
	printf '%b' "\\0$(printf %o $((byte ^ 255)))" | dd of="$1" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
}

cut_short() {
	truncate -s $(($(stat -c %s "$1") / 2)) "$1"
}

empty() {
	: >"$1"
}

garbage() {
	head -c 100000 /dev/urandom >"$1"
}

checkpoints() {
	spoil "with one byte changed" flip
	[ -z "${SHORT:-}" ] || return
	spoil "cut short" cut_short
	spoil "of no bytes" empty
	spoil "of random bytes" garbage
}

# Something lies in the store that this daemon never put there, or something that it did is missing. Whatever
# it makes of that, it says so and starts, what it says stays true, and its counts go on: where the memory file
# is gone (new), from what the hooks and the checkpoint know.
strange() { # WORDS exact|new COMMAND... (of the supervisor; "+" begins the next one)
	words=$1
	what=$2
	shift 2
	# something that is in no checkpoint yet
	flood 5000 || return
	load_stop
	load_end
	before=$(ours)
	ask kill stay >/dev/null
	command=
	for word in "$@" +; do
		if [ "$word" != + ]; then
			command="$command $word"
			continue
		fi
		# shellcheck disable=SC2086 # words of a command
		ask $command >"$dir/answer" || fail "$words: $command: $(cat "$dir/answer")"
		command=
	done
	mark
	if ask start >/dev/null; then
		check "$words: it says so" -n "$(sentences)"
		sentences
		check "$words: names of nobody are not stored any more" \
			-z "$(ask list | grep -E '^(nobody|stored|g\.map\.|g1\.state\.x|g4000000000\.state) ')"
		now=$(ours)
		if [ "$what" = exact ]; then
			check "$words: $before of our processes' are now $now" "$now" = "$before"
		else
			check "$words: $before of our processes' are now $now, none twice" "$now" -le "$before"
		fi
		if flood 20000; then
			sleep 0.3
			load_stop
			judged "$words" 0
			load_end
		fi
	else
		fail "$words: the daemon does not start"
		sentences
	fi
	# the next one begins with a store of its own
	ask stop >/dev/null
	ask start >/dev/null || fail "$words: no start afterwards"
}

first() { # PATTERN: the first name that is stored and looks like that
	ask list | sed -n "s/^\($1\) .*/\1/p" | head -n 1
}

named() { # map|link|state: the first of these
	first "g[0-9][0-9]*\\.$1[^ ]*"
}

strangers() {
	if [ -z "$(named map)" ] || [ -z "$(named link)" ] || [ -z "$(named state)" ]; then
		fail "nothing is stored under the names that are expected: $(ask list | tr '\n' ' ')"
		return
	fi
	echo garbage >"$dir/file"
	strange "a pipe, a file, a map and memory with names of nobody" exact \
		put nobody pipe + put stored file "$dir/file" + put g.map. map + put g1.state.x memory 5000
	state=$(named state)
	strange "garbage in place of the state" new drop "$state" + put "$state" memory 3000000
	[ -z "${SHORT:-}" ] || return
	strange "the same names once more" exact put "$(named map)" like "$(named map)" + \
		put "$(named link)" like "$(named link)" + put "$(named state)" like "$(named state)"
	strange "a pipe by the name of a map" exact put "$(named map)" pipe
	strange "memory of another generation" exact put g4000000000.state memory 70000
	state=$(named state)
	strange "a file in place of the state" new drop "$state" + put "$state" file "$dir/file"
	strange "without the state" new drop "$(named state)"
	map=$(named map)
	strange "another map in place of $map" new drop "$map" + put "$map" map
	strange "without $map" new drop "$(named map)"
	link=$(named link)
	strange "without $link" new drop "$link"
	link=$(named link)
	strange "a pipe in place of $link" new drop "$link" + put "$link" pipe
}

stored() {
	ask list | grep -c '^g[0-9]'
}

# Every second upgrade goes back to the former layout.
upgrades() {
	if ! "$here/next.sh" "$B"; then
		fail "the next version does not build"
		return
	fi
	ask stop >/dev/null
	ask start >/dev/null
	stored_before=$(stored)
	flood "$RATE" || return
	sleep 0.5
	n=0
	for binary in "$B/next/rstmond" "$daemon" "$B/next/rstmond" "$daemon"; do
		before=$(sent)
		mark
		if ! ask upgrade "$binary" >/dev/null; then
			fail "upgrade to $binary: it does not start"
			sentences
			ask upgrade "$daemon" >/dev/null
			break
		fi
		sentences
		n=$((n + 1))
		check "upgrade $n: sent goes on from $before to $(sent)" "$(sent)" -ge "$before"
		sleep 0.5
	done
	load_stop
	judged "$n upgrades at $RATE a second" $((2 * n))
	states=$(ask list | grep -c '^g[0-9]*\.state ')
	check "upgrades: one state is stored, there are $states" "$states" = 1
	generations=$(ask list | sed -n 's/^\(g[0-9]*\)\.link\..*/\1/p' | sort -u | wc -l)
	check "upgrades: the hooks that are stored are of one generation, there are $generations" "$generations" = 1
	check "upgrades: $stored_before descriptors were stored, now $(stored)" "$(stored)" -le $((stored_before + 2))
	load_end
	flood "$RATE" || return
	n=0
	for ms in 1 30 60 100 150 250 400 600; do
		binary=$daemon
		[ $((n % 2)) = 1 ] || binary=$B/next/rstmond
		if ! ask upgrade "$binary" $ms >/dev/null; then
			fail "upgrade, killed after $ms ms: it does not start"
			ask upgrade "$daemon" >/dev/null
			break
		fi
		n=$((n + 1))
	done
	load_stop
	judged "$n upgrades that are killed under way, at $RATE a second" $((3 * n))
	load_end
}

# Other managers, and other habits of the same one.
managers() {
	for option in "--last" "--notify $dir/notify" "--by-inode" "--max 3" "--max 0"; do
		# shellcheck disable=SC2086
		supervise $option || return
		flood 20000 || return
		sleep 0.3
		load_stop
		judged "manager with $option" 0
		before=$(ours)
		ask restart >/dev/null || { fail "manager with $option: restart"; return; }
		judged "manager with $option, restart" 0
		check "manager with $option: $before of our processes' are now $(ours)" "$(ours)" = "$before"
		load_end
		unsupervise
		rm -rf "$dir/state"
	done
}

: >"$dir/conf"
: >"$dir/err"
kills
if [ -n "$supervisor" ]; then
	restarts
	[ -n "${SHORT:-}" ] || early
	stop_and_start
	strangers
	[ -n "${SHORT:-}" ] || upgrades
	unsupervise
fi
rm -rf "$dir/state"
mkdir "$dir/state"
no_store
checkpoints
rm -rf "$dir/state"
[ -n "${SHORT:-}" ] || managers
summary
