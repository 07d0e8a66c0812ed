# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: configuration files that are wrong, each with file and line; recordings.

config_is_wrong() { # name, line, text of the sentence, the file with escapes
	printf %b "$4" >"$tmp/wrong.conf"
	refused "config: $1, --check-config" 1 "wrong.conf:$2: .*$3" \
		"$rstmond" --config "$tmp/wrong.conf" --check-config
	refused "config: $1" 1 "wrong.conf:$2: .*$3" "$rstmond" --config "$tmp/wrong.conf"
}

config_is_wrong "unknown key" 4 "'nonsense'.*--print-config" '[log]\n# a comment\n\nnonsense = 1\n'
config_is_wrong "unknown section" 3 "\[sumary\]" '[log]\nsummary = 60s\n[sumary]\n'
config_is_wrong "a value of no kind" 2 "'paper'.*auto, journal" '[log]\ntarget = paper\n'
config_is_wrong "a value below its bounds" 2 "'0'.*from 1 to 128" '[socket]\nclients = 0\n'
config_is_wrong "a value beyond 64 bits" 2 "from 1 to 128" '[socket]\nclients = 99999999999999999999\n'
config_is_wrong "no power of two" 2 "'100'.*power of two" '[daemon]\nring_kib = 100\n'
config_is_wrong "a time that is none" 2 "90s or 5m" '[log]\nsummary = 5 fortnights\n'
config_is_wrong "a relative path" 2 "'run/sock'.*absolute" '[daemon]\nsocket = run/sock\n'
config_is_wrong "neither yes nor no" 2 "'perhaps'.*yes or no" '[daemon]\nscan_at_start = perhaps\n'
config_is_wrong "no section" 1 "before the first" 'summary = 60s\n'
config_is_wrong "an open bracket" 1 "']'" '[log\nsummary = 60s\n'
config_is_wrong "no value" 2 "option = value" '[log]\nsummary\n'
config_is_wrong "a zero byte" 2 "zero byte" '[log]\nsummary = 60s\0\n'
config_is_wrong "an escape sequence" 2 "'[^[:cntrl:]]*\[31m'" '[log]\n\0033[31m = 1\n'
refused "config: no such file" 1 "missing.conf: .*No such file" "$rstmond" --config "$tmp/missing.conf"
refused "config: a directory" 1 "$tmp.*(directory|read)" "$rstmond" --config "$tmp"
refused "a socket's path of 108 bytes" 1 "socket.*107 bytes" "$rstmond" --config /dev/null --socket \
	"/$(head -c 107 /dev/zero | tr '\0' x)"

printf '[log]\nsummary = 5s\n' >"$tmp/right.conf"
"$rstmond" --config "$tmp/right.conf" --check-config >"$tmp/out" 2>"$tmp/err"
expect "config: a right one passes" test $? = 0
expect "config: a right one is told in a line" test "$(grep -c 'configuration is good' "$tmp/out")" = 1
expect "config: ... and nothing else" test "$(cat "$tmp/out" "$tmp/err" | wc -l)" = 1

config_is_wrong "a rule of alerts without a name" 1 "has a name" '[alert]\n'
config_is_wrong "a rule's name" 1 "'a b' is no name" '[alert a b]\n'
config_is_wrong "a rule's filter" 3 "column 5: .*\"prt\"" '[alert a]\nfilter = port 80\nfilter = or  prt 81\n'
config_is_wrong "clear above rate" 3 "at most the rate" '[alert a]\nrate = 1/s\nclear = 2/s\nfilter =\n'
config_is_wrong "a rule that says nothing" 1 "is built in" '[alert a]\n'
config_is_wrong "a rule about nothing by name" 1 "needs a filter" '[alert dependency-dwon]\nrate = 1/s\n'

# the installed file: all of it in comments, and each comment a default
"$rstmond" --print-config=defaults >"$tmp/defaults.conf"
expect "defaults: nothing but sections holds" \
	test -z "$(grep -Ev '^(#.*|\[(daemon|log|socket)\]|)$' "$tmp/defaults.conf")"
sed 's/^#\([^ ]\)/\1/' "$tmp/defaults.conf" >"$tmp/uncommented.conf"
for conf in defaults uncommented; do
	env -u RSTMON_SOCKET "$rstmond" --config "$tmp/$conf.conf" --print-config |
		sed 's/Origin: .*//' >"$tmp/$conf.out"
done
env -u RSTMON_SOCKET "$rstmond" --config /dev/null --print-config | sed 's/Origin: .*//' >"$tmp/none.out"
expect "defaults: as without a file" cmp -s "$tmp/defaults.out" "$tmp/none.out"
expect "defaults: uncommented they say the same" cmp -s "$tmp/uncommented.out" "$tmp/none.out"
expect "defaults: uncommented all of them are said" \
	test "$("$rstmond" --config "$tmp/uncommented.conf" --print-config | grep -c 'Origin: default')" = 0

# recordings; tests/golden damages good ones in more ways
head -c 3000 /dev/urandom >"$tmp/noise.rec"
: >"$tmp/empty.rec"
replay_fails() { # name, file, text
	refused "recording: $1" 1 "$3" "$rstmond" --config /dev/null --log none --print=json --replay "$2"
}
replay_fails "noise" "$tmp/noise.rec" "noise.rec.*byte [0-9]"
replay_fails "empty" "$tmp/empty.rec" "empty.rec"
replay_fails "missing" "$tmp/missing.rec" "missing.rec.*No such file"
replay_fails "a directory" "$tmp" "$tmp.*(directory|regular file)"
replay_fails "endless" /dev/zero "/dev/zero"
mkfifo "$tmp/pipe.rec"
replay_fails "a pipe that nobody writes to" "$tmp/pipe.rec" "pipe.rec: no regular file"
