# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh: SIGHUP with a good and with a bad configuration, and what the service manager is told.

told() { # text: the service manager was told it last, of its kind
	grep "^${1%%=*}=" "$tmp/told" | tail -1 | grep -Eq "$1"
}

ready_told() { # so many times: it comes last, when what a reload is about has been told
	[ "$(grep -c '^READY=1' "$tmp/told")" = "$1" ]
}

said() { # number of lines, text: the log of the daemon
	[ "$(grep -c "$2" "$tmp/daemon.err")" -ge "$1" ]
}

reloads() {
	"$poke" hear "$tmp/notify" >"$tmp/told" &
	hearer=$!
	children="$children $hearer"
	expect "reload: a service manager" poll test -S "$tmp/notify"
	printf '[log]\nsummary = 0\n' >"$tmp/config"
	export NOTIFY_SOCKET="$tmp/notify"
	start --socket "$sock" --log stderr || return
	unset NOTIFY_SOCKET
	expect "reload: ready at first" poll told "READY=1"
	expect "reload: the status is a sentence" poll told "STATUS=[0-9]+ resets sent, [0-9]+ received"

	printf '[alert mine]\nfilter = port 9\nrate = 1/s\n' >"$tmp/config"
	kill -HUP "$daemon"
	expect "reload: a good one is read" poll said 1 "read the configuration again"
	expect "reload: the service manager knows when" poll told "MONOTONIC_USEC=[0-9]+"
	expect "reload: and that it is over" poll ready_told 2

	printf '[log]\nresets = yes\n[alert mine]\nfilter = port 9 and\n' >"$tmp/config"
	kill -HUP "$daemon"
	expect "reload: a bad one is told" poll said 1 "the old configuration stays: $tmp/config:4: filter of"
	expect "reload: the status says so" poll told "STATUS=.*the old configuration stays: .*config:4: .*column"
	expect "reload: and that it is over, too" poll ready_told 3
	dial 3
	expect "reload: nothing of the bad one holds" test "$(grep -c ' reset cause' "$tmp/daemon.err")" = 0
	goes_on "reload: a bad one"

	printf '[log]\nsummary = 0\n' >"$tmp/config"
	kill -HUP "$daemon"
	expect "reload: a mended one is read" poll said 2 "read the configuration again"
	expect "reload: the status is as before" poll sh -c \
		'grep "^STATUS=" "$0" | tail -1 | grep -qv "the old configuration"' "$tmp/told"
	stop TERM
	kill -KILL "$hearer"
	wait "$hearer" 2>/dev/null
	: >"$tmp/config"
}

if [ "$live" = no ]; then
	skip "reload" "$no_live"
else
	reloads
fi
