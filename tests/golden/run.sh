#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Golden tests: NAME.rec goes in, what comes out must be NAME.json, line by line. Needs no privilege.
# run.sh BUILD [accept]: with 'accept' the output becomes what is expected; look at the difference.
B=${1:-build}
dir=$(dirname "$0")
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

result() { # status, name
	if [ "$1" = 0 ]; then
		passed=$((passed + 1))
	else
		echo "golden: $2 failed"
		failed=$((failed + 1))
	fi
}

replay() { # recording -> $out/json, $out/err
	"$B/rstmond" --config /dev/null --log none --replay "$1" --print=json >"$out/json" 2>"$out/err"
}

# A damaged recording: the sentence has the place, the exit code tells, and what came before is there.
damaged() { # recording, lines at least, text of the sentence
	replay "$1" && return 1
	grep -q "$3" "$out/err" && grep -q 'byte [0-9]' "$out/err" &&
		[ "$(wc -l <"$out/json")" -ge "$2" ]
}

for recording in "$dir"/*.rec; do
	name=$(basename "$recording" .rec)
	replay "$recording"
	result $? "$name: replay"
	[ "${2:-}" = accept ] && cp "$out/json" "$dir/$name.json"
	diff -u "$dir/$name.json" "$out/json"
	result $? "$name: output"

	size=$(wc -c <"$recording")
	head -c $((size - 7)) "$recording" >"$out/cut.rec"
	damaged "$out/cut.rec" 1 cut.rec
	result $? "$name: cut short"
	cp "$recording" "$out/flipped.rec"
	printf '\377' | dd of="$out/flipped.rec" bs=1 seek=$((size - 20)) conv=notrunc 2>/dev/null
	damaged "$out/flipped.rec" 1 flipped.rec
	result $? "$name: a flipped byte"
done
echo "this is no recording" >"$out/text.rec"
damaged "$out/text.rec" 0 text.rec
result $? "a text file"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
