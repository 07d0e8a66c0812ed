# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: what a client can say or fail to say. After each the daemon answers and has
# counted everything. Without root, a daemon over a recording stands in: it has nothing to count.

# The message, with escapes, gets an answer of this form, and the daemon closes behind it.
says() { # name, extended regular expression, message
	printf %b "$3" >"$tmp/words"
	timeout 30 "$poke" talk "$sock" >"$tmp/talk" <"$tmp/words"
	if ! grep -Eaq "$2" "$tmp/talk"; then
		bad "varlink: $1" "no '$2' in: $(head -c 500 "$tmp/talk")"
	elif [ "$(tail -n 1 "$tmp/talk")" != closed ]; then
		bad "varlink: $1" "the daemon did not close"
	else
		goes_on "varlink: $1"
	fi
}

call() { # method, parameters, the rest of the message
	printf '{"method":"%s","parameters":%s%s}\\0' "$1" "${2:-{\}}" "$3"
}

repeat() { # text, number
	awk -v text="$1" -v n="$2" 'BEGIN { while (n-- > 0) printf "%s", text }'
}

broken_messages() {
	broken='io\.rstmon\.BadMessage'
	says "no JSON" "$broken.*not valid JSON" 'hello\0'
	says "an empty message" "$broken" '\0'
	says "an array" "$broken.*not a JSON object" '[1]\0'
	says "a number" "$broken" '7\0'
	says "no end" "$broken.*not valid JSON" '{"method":"io.rstmon.Status"\0'
	says "text behind the end" "$broken.*not valid JSON" '{"method":"io.rstmon.Status"}x\0'
	says "bytes that are no UTF-8" "$broken.*UTF-8" '{"method":"io.rstmon.\0377\0376"}\0'
	says "too deep" "$broken.*too deeply" "$(call io.rstmon.List "{\"filter\":$(repeat '[' 20)1$(repeat ']' 20)}")"
	says "60,000 levels" "$broken.*too deeply" "$(repeat '[' 60000)\\0"
	says "a message without an end" "$broken.*longer than 65536" "$(repeat x 70000)"
	says "5 MB without an end" "($broken.*longer than 65536|^closed$)" "$(repeat "$(repeat x 1000)" 5000)"
	says "no method" "$broken.*not a Varlink call" '{}\0'
	says "a method that is a number" "$broken" '{"method":7}\0'
	says "parameters in an array" "$broken" '{"method":"io.rstmon.List","parameters":[1]}\0'
	says "more that is text" "$broken" '{"method":"io.rstmon.Watch","more":"yes"}\0'
	says "a call, then noise: the answer" '"version"' "$(call io.rstmon.Status)hello\\0"
	expect "varlink: a call, then noise: the error" grep -Eq "$broken" "$tmp/talk"
	says "half a message" '^closed$' '{"method":"io.rstmon.St'
	expect "varlink: half a message has no answer" test "$(wc -l <"$tmp/talk")" = 1
}

refused_calls() {
	says "unknown method" 'service\.MethodNotFound' "$(call io.rstmon.Nonsense)"
	says "unknown interface" 'service\.InterfaceNotFound' "$(call com.example.List)"
	says "a method without an interface" '"error"' "$(call Status)"
	says "unknown parameter" 'InvalidParameter.*nonsense' "$(call io.rstmon.List '{"nonsense":1}')"
	says "a parameter of the wrong type" 'InvalidParameter.*filter' "$(call io.rstmon.List '{"filter":1}')"
	says "a negative number" '"error"' "$(call io.rstmon.Last '{"n":-1}')"
	says "a number beyond 64 bits" '"error"' "$(call io.rstmon.Last '{"n":99999999999999999999}')"
	says "bad filter" 'io\.rstmon\.BadFilter' "$(call io.rstmon.List '{"filter":"port 80 and"}')"
	says "a long filter" 'BadFilter|InvalidParameter' "$(call io.rstmon.List "{\"filter\":\"comm $(repeat x 2000)\"}")"
	says "Watch without more" 'ExpectedMore' "$(call io.rstmon.Watch)"
	says "upgrade" '"error"' "$(call io.rstmon.List '{}' ',"upgrade":true')"
}

clients_that_vanish() {
	printf '{"method":"io.rstmon.St' | "$poke" vanish "$sock"
	goes_on "varlink: half a message, and gone"
	i=0
	while [ $i -lt 50 ]; do
		printf %b "$(call io.rstmon.List)" | "$poke" vanish "$sock"
		i=$((i + 1))
	done
	goes_on "varlink: 50 calls whose answer nobody reads"

	"$rstmon" watch >/dev/null 2>&1 &
	watcher=$!
	children="$children $watcher"
	expect "varlink: a watcher" poll is watchers 1
	[ "$live" = no ] || dial 20
	kill -KILL "$watcher"
	wait "$watcher" 2>/dev/null
	goes_on "varlink: a watcher that was killed"
	expect "varlink: the watcher is forgotten" poll is watchers 0
}

# N clients that stay until release; $holder is their process.
hold() { # number; each says $tmp/words
	: >"$tmp/held"
	"$poke" hold "$sock" "$1" >"$tmp/held" <"$tmp/words" &
	holder=$!
	children="$children $holder"
	poll grep -q held "$tmp/held"
}

release() {
	kill -KILL "$holder"
	wait "$holder" 2>/dev/null
}

no_clients() { # but the one that asks
	is clients 1
}

too_many_clients() {
	: >"$tmp/words"
	expect "varlink: 200 silent clients" hold 200
	for verb in list last watch status metrics; do
		refused "varlink: $verb beyond the clients it takes" 1 "as many clients as it takes" "$rstmon" $verb
	done
	[ "$live" = no ] || dial 100
	release
	expect "varlink: they are let go" poll no_clients
	expect "varlink: the refused ones are counted" poll more_than clients_refused 76
	goes_on "varlink: more clients than it takes"
}

slow_watchers() {
	printf %b "$(call io.rstmon.Watch '{}' ',"more":true')" >"$tmp/words"
	expect "varlink: three watchers that read nothing" hold 3
	expect "varlink: they watch" poll is watchers 3
	dial 3000
	goes_on "varlink: watchers that read nothing"
	expect "varlink: their lines are dropped and counted" poll more_than watch_dropped 0
	release
}

idle_clients() {
	printf '[socket]\nidle_timeout = 1s\n' >"$tmp/config"
	# shellcheck disable=SC2086
	start --socket "$sock" $over || return
	printf '{"method":"io.rst' | timeout 30 "$poke" wait "$sock" >"$tmp/talk"
	expect "varlink: a client that stops in a message is let go" grep -q '^closed$' "$tmp/talk"
	goes_on "varlink: a client that stops in a message"
	stop TERM
	: >"$tmp/config"
}

over=
[ "$live" = yes ] || over="--replay $(find "$here/../golden" -name '*.rec' | head -n 1)"
# shellcheck disable=SC2086 # no path of ours has blanks
if start --socket "$sock" $over; then
	broken_messages
	refused_calls
	clients_that_vanish
	too_many_clients
	if [ "$live" = yes ]; then slow_watchers; else skip "slow watchers" "$no_live"; fi
	expect "varlink: the daemon lives" kill -0 "$daemon"
	stop TERM
	expect "varlink: it took its socket away" test ! -e "$sock"
fi
idle_clients
