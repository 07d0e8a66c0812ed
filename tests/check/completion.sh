#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What bash, zsh and fish complete, asked of the real shells with the files where "make install" puts them,
# against what the programs' help says. completion.sh BUILD; a shell that is not there is a named skip.
B=${1:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

if ! make -s --no-print-directory install B="$B" DESTDIR="$tmp/root" PREFIX=/usr >"$tmp/log" 2>&1; then
	tail -5 "$tmp/log"
	echo "completion: make install failed"
	exit 1
fi
share=$tmp/root/usr/share
# each in the place where it would be looked for on a host
export XDG_DATA_DIRS=$share:/usr/share XDG_CONFIG_HOME=$tmp HOME=$tmp
export PATH=$tmp/root/usr/bin:$tmp/root/usr/sbin:$PATH

options() { # PROGRAM HELP...: "--name" and "-n" of a help text, in one line
	"$@" | sed -n '/^Options\|^  rstmond/,$p' | grep '^  ' | tr -s ' ,[' '\n' |
		sed -n -E 's/^(--[a-z][a-z-]*).*/\1/p; s/^(-[A-Za-z])$/\1/p' | sort -u | tr '\n' ' '
}

fields() { # VERB: the fields of its filter, as help has them
	rstmon help "$1" | sed -n '/^Fields:/,/^$/p' | sed 's/;.*//; s/Fields://' | tr -s ' ,.' '\n' | grep . | tr '\n' ' '
}

verbs=$(rstmon help | sed -n '/^Verbs/,/^$/s/^  \([a-z]*\) .*/\1/p' | tr '\n' ' ')
causes=$(rstmon explain --json | grep -o '"cause": *"[a-z0-9_]*"' | sed 's/.*"\(.*\)"/\1/' | tr '\n' ' ')
of_unread='proc_killed_unread proc_crash_unread proc_exit_unread'

# Lines as they are typed, up to the cursor; and what is to be offered: exactly these words, or after "+"
# at least these.
: >"$tmp/cases"
expect() { printf '%s\t%s\n' "$1" "$2" >>"$tmp/cases"; }
expect "rstmon " "$verbs"
expect "rstmon li" "list"
expect "rstmon nonsense" ""
expect "rstmon --json wa" "watch"
expect "rstmon --socket /tmp/x wa" "watch"
# without a verb it is list
expect "rstmon -" "$(options rstmon help list)"
expect "rstmon --" "$(options rstmon help list | tr ' ' '\n' | grep '^--' | tr '\n' ' ')"
expect "rstmon --json " "$verbs"
for verb in $verbs; do
	expect "rstmon $verb -" "$(options rstmon help "$verb")"
done
expect "rstmond -" "$(options rstmond --help)"
expect "rstmond " ""
expect "rstmon --s" "--socket --sort --since"
expect "rstmon list --by " "process port cause unit peer"
expect "rstmon list --by=p" "process port peer"
expect "rstmon list --sort " "count last first pid comm unit port cause direction"
expect "rstmon list --since " "+10m 1h"
expect "rstmon list -n " "+10"
expect "rstmon check -w " "+10/min"
expect "rstmon metrics --textfile /etc/passw" "+passwd"
expect "rstmon list " "not $(fields list)"
expect "rstmon check -w 1/s " "not $(fields list)"
expect "rstmon watch " "not peer $(fields watch)"
expect "rstmon last " "+10 not peer time"
expect "rstmon last 10 pe" "peer"
expect "rstmon list time" ""
expect "rstmon list port 80 " "and or"
expect "rstmon list port = 80 " "and or"
expect "rstmon list not port 80 and dir" "direction"
expect "rstmon list port 80 and not " "not $(fields list)"
expect "rstmon list direction " "sent received"
expect "rstmon list direction != " "sent received"
expect "rstmon list direction=s" "sent"
expect "rstmon list --since 10m role " "none server client"
expect "rstmon watch confidence " "low medium high certain"
expect "rstmon watch owner_source cl" "closed"
expect "rstmon watch family ipv" "ipv4 ipv6"
expect "rstmon watch errno ECONNRES" "ECONNRESET"
expect "rstmon list port " ""
expect "rstmon why cause " "$causes"
expect "rstmon list cause proc_" "$of_unread"
expect "rstmon explain proc_" "$of_unread"
expect "rstmon explain ECONNRE" "ECONNRESET ECONNREFUSED"
expect "rstmon explain closed_p" "closed_port"
expect "rstmon explain closed_port " ""
expect "rstmon help che" "check"
expect "rstmon help check " ""
expect "rstmon status " ""
expect "rstmond --log " "auto journal syslog stderr none"
expect "rstmond --log=j" "journal"
expect "rstmond --print=" "text json"
expect "rstmond --print --pro" "--probe"
expect "rstmond --config /etc/passw" "+passwd"
expect "rstmond --state /us" "+usr"
cut -f1 "$tmp/cases" >"$tmp/lines"

# The n-th answer in $tmp/answers, meanings off, and off what stands before = or /.
answer() {
	sed 's/\t.*//' "$tmp/answers" | awk -v n="$1" '/^$/ { at++; next } at == n - 1' |
		sed -E 's/^--[a-z-]+=//; s/^[a-z_]+=//; s|/$||; s|^/.*/||; s|^/||' | grep .
}

judge() { # SHELL
	n=0
	while IFS='	' read -r line want; do
		n=$((n + 1))
		answer "$n" | sort -u >"$tmp/got"
		echo "${want#+}" | tr -s ' ' '\n' | grep . | sort -u >"$tmp/want"
		if [[ $want == +* ]]; then
			comm -13 "$tmp/got" "$tmp/want" >"$tmp/wrong"
		else
			comm -3 "$tmp/got" "$tmp/want" >"$tmp/wrong"
		fi
		if [ -s "$tmp/wrong" ]; then
			echo "completion: $1: '$line': offered $(tr '\n' ' ' <"$tmp/got")instead of $(tr '\n' ' ' <"$tmp/want")"
			failed=$((failed + 1))
		else
			passed=$((passed + 1))
		fi
	done <"$tmp/cases"
	[ "$(grep -c '^$' "$tmp/answers")" = "$n" ] ||
		{ echo "completion: $1 answered $(grep -c '^$' "$tmp/answers") of $n lines"; failed=$((failed + 1)); }
}

# What a verb and a cause mean stands beside them.
meanings() { # SHELL
	for meaning in "$(rstmon help | sed -n 's/^  why  *\[FILTER\]  *//p')" \
		"$(rstmon explain --json closed_port | grep -o '"summary": *"[^"]*"' | sed 's/.*: *"\(.*\)"/\1/')"; do
		if [ -n "$meaning" ] && grep -qF -- "$meaning" "$tmp/answers"; then
			passed=$((passed + 1))
		else
			echo "completion: $1 does not tell '$meaning'"
			failed=$((failed + 1))
		fi
	done
}

skip() {
	echo "completion: $1 skipped, $2"
	skipped=$((skipped + 1))
}

timed() { timeout -k 5 300 "$@" <"$tmp/lines" >"$tmp/answers" 2>"$tmp/log"; }

if [ ! -r /usr/share/bash-completion/bash_completion ]; then
	skip bash "there is no bash-completion"
else
	timed bash tests/check/completion/ask.bash
	judge bash
fi
if ! command -v zsh >/dev/null; then
	skip zsh "it is not installed"
elif ! zsh -fc 'zmodload zsh/zpty' 2>/dev/null; then
	skip zsh "it has no module zpty"
else
	timed zsh -f tests/check/completion/ask.zsh "$share/zsh/vendor-completions"
	judge zsh
	meanings zsh
fi
if ! command -v fish >/dev/null; then
	skip fish "it is not installed"
else
	timed fish tests/check/completion/ask.fish
	judge fish
	meanings fish
fi
[ "$skipped" -gt 0 ] && echo "$passed passed, $failed failed, $skipped skipped" ||
	echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
