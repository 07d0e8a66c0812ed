# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: the two command lines, filters, and stdout that takes nothing.

refused "rstmond: unknown option" 2 "--nonsense.*--help" "$rstmond" --nonsense
refused "rstmond: a short option" 2 "-x.*--help" "$rstmond" -x
for option in socket config state log record replay; do
	refused "rstmond --$option without its value" 2 "--$option" "$rstmond" "--$option"
done
refused "rstmond: an argument" 2 "stray" "$rstmond" stray
refused "rstmond --print=xml" 2 "text or json, not xml" "$rstmond" --print=xml
refused "rstmond --probe=xml" 2 "text or json, not xml" "$rstmond" --probe=xml
refused "rstmond --log of no target" 2 "auto, journal.*not paper" "$rstmond" --config /dev/null --log paper
refused "rstmond --record and --replay" 2 "exclude" "$rstmond" --record /dev/null --replay /dev/null
refused "rstmond --print-config on a full disk" 1 "stdout" \
	sh -c '"$0" --config /dev/null --print-config >/dev/full' "$rstmond"

refused "rstmon: unknown option" 2 "'--nonsense'.*--help" "$rstmon" --nonsense
refused "rstmon: unknown letter" 2 "'-x'.*rstmon help list" "$rstmon" list -x
refused "rstmon: a verb with a slip" 2 "'lsit'.*did you mean 'list'" "$rstmon" lsit
refused "rstmon: peers and a filter" 2 "leave out the filter" "$rstmon" list --by peer port 80
refused "rstmon: a field that rows lack" 2 "no pid" "$rstmon" list --by port --sort pid
refused "rstmon: unknown verb" 2 "'nonsense'" "$rstmon" nonsense
refused "rstmon: a verb of later work" 2 "'top'" "$rstmon" top
for option in socket since by sort; do
	refused "rstmon list --$option without its value" 2 "--$option wants" "$rstmon" list "--$option"
done
refused "rstmon: a verb without this option" 2 "rstmon status.*--since" "$rstmon" status --since 5m
refused "rstmon: an argument too many" 2 "'extra'" "$rstmon" status extra
refused "rstmon: a time that is none" 2 "'yesterdayish'" "$rstmon" list --since yesterdayish
refused "rstmon: a number that is none" 2 "'12x'" "$rstmon" list -n 12x
refused "rstmon: --by of nothing" 2 "'colour'" "$rstmon" list --by colour
refused "rstmon: a place to listen that is none" 2 "bad --listen, column 11: 'http'" "$rstmon" exporter \
	--listen 127.0.0.1:http
refused "rstmon: an address of another host" 1 "cannot listen on 192.0.2.1:9941.*--listen" "$rstmon" exporter \
	--listen 192.0.2.1:9941
refused "rstmon: an empty socket" 2 "empty" "$rstmon" status --socket ""

# filters: the sentence has the place
refused "filter: unknown field" 2 "bad filter, column [0-9]+: .*colour" "$rstmon" list colour red
refused "filter: a value that is none" 2 "bad filter, column [0-9]+: .*99999" "$rstmon" list port 99999
refused "filter: ends early" 2 "bad filter, column [0-9]+" "$rstmon" list port 80 and
refused "filter: open parenthesis" 2 "bad filter, column [0-9]+" "$rstmon" list "(port 80"
refused "filter: a field of other verbs" 2 "peer.*(watch|last)" "$rstmon" list peer 10.0.0.0/8
refused "filter: an impossible network" 2 "bad filter, column [0-9]+: .*10.0.0.0/99" "$rstmon" last peer 10.0.0.0/99
refused "filter: too long" 2 "longer" "$rstmon" list "comm $(head -c 2000 /dev/zero | tr '\0' x)"
refused "filter: too deep" 2 "bad filter, column [0-9]+: .*16 levels" "$rstmon" list \
	"$(printf '%200s' '' | tr ' ' '(')port 80$(printf '%200s' '' | tr ' ' ')')"
refused "filter: bytes that are no text" 2 "bad filter, column [0-9]+" "$rstmon" list "$(printf 'comm \033[2J\377')x y"

# no daemon
for verb in list last watch status metrics; do
	refused "rstmon $verb without a daemon" 3 "not running.*--socket" "$rstmon" "$verb"
done
refused "rstmon below a file" 3 "not running" "$rstmon" status --socket /etc/passwd/socket
refused "rstmon at a file that is no socket" 3 "not running" "$rstmon" status --socket "$tmp/config"
refused "rstmon: a path that is too long" 2 "107 bytes" "$rstmon" status --socket \
	"/$(head -c 200 /dev/zero | tr '\0' x)"
"$rstmon" check -w 1/min -c 2/min >"$tmp/out" 2>"$tmp/err"
expect "rstmon check without a daemon is unknown, which is 3" test $? = 3
refused "rstmon on a full disk" 1 "standard output.*No space" sh -c '"$0" help >/dev/full' "$rstmon"
