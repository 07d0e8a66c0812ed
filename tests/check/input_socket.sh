# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: the socket's path, who may use it, and readers of stdout that stop.

second() { # name, text, path
	refused "socket: $1" 1 "$2" "$rstmond" --config /dev/null --log none --socket "$3"
}

bad_paths() {
	echo "precious" >"$tmp/file"
	second "a regular file" "$tmp/file: " "$tmp/file"
	expect "socket: the file is still there" grep -q precious "$tmp/file"
	mkdir "$tmp/directory"
	second "a directory" "$tmp/directory: " "$tmp/directory"
	expect "socket: the directory is still there" test -d "$tmp/directory"
	second "no such directory" "missing/socket: .*No such file" "$tmp/missing/socket"
	ln -s "$tmp/file" "$tmp/link"
	second "a symbolic link" "$tmp/link: " "$tmp/link"
	expect "socket: the link is still there" test -L "$tmp/link"
	expect "socket: none left a file beside it" test "$(find "$tmp" -mindepth 1 -name '*.[0-9]*' | wc -l)" = 0
}

two_daemons() {
	start --socket "$sock" || return
	dial 5
	first=$daemon
	second "in use" "$sock: another rstmond answers there; stop it or use --socket" "$sock"
	goes_on "socket: the first one serves on"
	expect "socket: nothing was left beside it" test "$(find "$tmp" -name 'socket.*' | wc -l)" = 0

	for verb in "status" "status --json" list last watch why metrics; do
		# shellcheck disable=SC2086 # they are a command with its options, and so is the verb
		refused "rstmon $verb at a socket of others" 4 "not permitted to use .*: .*(group|sudo)" $nobody "$rstmon" $verb
	done
	for verb in list status metrics; do
		refused "rstmon $verb on a full disk" 1 "standard output.*No space" \
			sh -c '"$0" $1 >/dev/full' "$rstmon" $verb
	done
	"$rstmon" list 2>"$tmp/err" | true
	expect "rstmon into a closed pipe says nothing" test ! -s "$tmp/err"

	stop KILL
	expect "socket: a killed daemon leaves it" test -S "$sock"
	refused "rstmon at a stale socket" 3 "nobody answers" "$rstmon" status
	start --socket "$sock" || return
	expect "socket: a stale one is taken over" test "$daemon" != "$first"
	goes_on "socket: taken over"
	stop TERM
	expect "socket: gone with its daemon" test ! -e "$sock"
}

said() { # text in the problems of rstmon status
	ask status --json | grep -q "\"problems\":\"[^\"]*$1"
}

print_reader_stops() {
	mv "$tmp/stdout" "$tmp/stdout.before" && mkfifo "$tmp/stdout"
	exec 4<>"$tmp/stdout" # a reader that never reads
	start --socket "$sock" --print=json || return
	dial 1000
	goes_on "--print: the reader stops"
	expect "--print: the dropped lines are told" poll said "printed lines were dropped"
	exec 4<&-
	dial 5
	goes_on "--print: the reader is gone"
	stop TERM
	rm "$tmp/stdout" && ln -s /dev/full "$tmp/stdout"
	start --socket "$sock" --print || return
	dial 5
	goes_on "--print: the disk is full"
	expect "--print: the lines that did not fit are told" poll said "printed lines were dropped"
	stop TERM
	rm "$tmp/stdout"
}

replays() { # recording
	"$rstmond" --config /dev/null --log none --print=json --replay "$1" >/dev/null 2>"$tmp/err"
}

record_stops() {
	refused "--record: no room from the start" 1 "/dev/full: .*No space" \
		"$rstmond" --config /dev/null --log none --socket "$sock" --record /dev/full
	mkdir "$tmp/small" && mount -t tmpfs -o size=64k none "$tmp/small" || return
	start --socket "$sock" --record "$tmp/small/file" || return
	dial 1000
	goes_on "--record: the disk is full"
	expect "--record: the end of the recording is told" poll said "recording ended early"
	stop TERM
	expect "--record: the exit code tells" test $? = 1
	expect "--record: so does stderr" grep -q "small/file: the recording ended early: No space" "$tmp/daemon.err"
	expect "--record: what is there is whole" replays "$tmp/small/file"
	umount "$tmp/small"
}

if [ "$live" = yes ]; then
	bad_paths
	two_daemons
	print_reader_stops
	record_stops
else
	skip "socket paths, permissions and readers that stop" "$no_live"
fi
