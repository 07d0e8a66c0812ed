#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Alerts through real log daemons: rsyslogd and syslog-ng with the files of contrib/, unchanged, in the places where
# their comments want them. 10,000 resets in one incident must become one alert and one resolved, with fields, and run a
# program for each. syslog.sh BUILD
#
# The two cannot be installed side by side, so syslog-ng is unpacked and laid over /usr. All of it happens in a mount
# namespace of its own with directories laid over /dev, /etc, /run, /usr and /var/log: nothing of the host is touched.
set -u

B=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
contrib=$here/../../contrib
resets=10000
umask 022 # that of a service manager, under which log daemons make directories

# Prints the directory of an unpacked syslog-ng.
syslog_ng() {
	dir=$B/pipelines
	if [ ! -x "$dir/root/usr/sbin/syslog-ng" ]; then
		[ -z "${PIPELINES_INSIDE:-}" ] || return
		mkdir -p "$dir" && (cd "$dir" && apt-get -qq -o APT::Sandbox::User=root download syslog-ng-core) >&2 &&
			dpkg -x "$dir"/syslog-ng-core_*.deb "$dir/root" || return
	fi
	echo "$dir/root"
}

if [ -z "${PIPELINES_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "pipelines: syslog skipped, it needs root"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }
	syslog_ng >/dev/null # while there is a network
	PIPELINES_INSIDE=1 exec unshare -m -n --propagation private "$0" "$@"
fi

passed=0 failed=0 skipped=0 children=
tmp=$(mktemp -d /tmp/rstmon-pipelines-XXXXXX) || exit 1
end() {
	for pid in $children; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	cd /
	umount -l "$tmp/top" 2>/dev/null
	rm -rf "$tmp"
}
trap end EXIT
trap 'exit 1' INT TERM

skip() { # name, why
	echo "pipelines: $1 skipped, $2"
	skipped=$((skipped + 1))
}

expect() { # name, command...
	name=$1
	shift
	if "$@"; then
		echo "ok    $name"
		passed=$((passed + 1))
	else
		echo "FAIL  $name"
		failed=$((failed + 1))
	fi
}

poll() { # seconds, command...
	left=$(($1 * 10))
	shift
	until "$@" 2>/dev/null; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

over() { # directory, directories below it
	name=$(echo "$1" | tr / _)
	mkdir -p "$tmp/top/$name/upper" "$tmp/top/$name/work" &&
		mount -t overlay -o "lowerdir=${2:-}${2:+:}$1,upperdir=$tmp/top/$name/upper,workdir=$tmp/top/$name/work" none "$1"
}

# A host of its own, as far as log daemons can see.
own_host() {
	mkdir "$tmp/top" "$tmp/dev" && mount -t tmpfs none "$tmp/top" && mount -t tmpfs -o mode=755 none "$tmp/dev" ||
		return
	for node in null zero full random urandom; do
		: >"$tmp/dev/$node" && mount --bind "/dev/$node" "$tmp/dev/$node" || return
	done
	over /etc && over /usr "$1" && over /var/log && mount -t tmpfs -o mode=755 none /run &&
		mount --move "$tmp/dev" /dev && ip link set lo up || return
	mkdir -p /usr/local/sbin /var/lib/syslog-ng /run/rstmon
	rm -rf /var/log/rstmon
	# notes what it is told; without "mail" the example uses logger, and this one takes its place, too
	# shellcheck disable=SC2016
	sed 's/^notify() {.*/notify() { echo "$1" >>\/run\/notified; }; unused() {/' "$contrib/alert/rstmon-alert" \
		>/usr/local/sbin/rstmon-alert && chmod 755 /usr/local/sbin/rstmon-alert
}

start_rstmond() {
	cat >"$tmp/rstmond.conf" <<-END
		[log]
		summary = 0
		[alert dependency-down]
		window = 10s
	END
	rm -rf "$tmp/state" && mkdir "$tmp/state"
	"$B/rstmond" --config "$tmp/rstmond.conf" --socket "$tmp/socket" --state "$tmp/state" --log syslog \
		>"$tmp/rstmond.out" 2>&1 &
	rstmond=$!
	children="$children $rstmond"
	poll 60 grep -q 'ready$' "$tmp/rstmond.out"
}

# One program asks 10,000 times where nobody listens. Both ends are here: 10,000 resets sent, 10,000 received.
incident() {
	bash -c 'for ((i = 0; i < $1; i++)); do : 2>/dev/null </dev/tcp/127.0.0.1/9; done' 'asks again' $resets 2>/dev/null
}

field() { # kind, field: of the alerts as JSON
	jq -r "select(.kind == \"$1\") | .$2 // \"\"" /var/log/rstmon/alerts.json
}

counted() {
	[ "$("$B/rstmon" --socket "$tmp/socket" list --json port 9 and direction sent | jq '[.rows[].count] | add')" = $resets ]
}

is() { # field, value: of both lines
	[ "$(field alert "$1")" = "$2" ] && [ "$(field resolved "$1")" = "$2" ]
}

has_lines() { # file, lines
	[ "$(wc -l <"$1")" = "$2" ]
}

has_line() { # file: or more, if the next one came before this was asked
	[ -s "$1" ]
}

# A line that looks like two, as far as a process can make one: no field may come out of a quoted value.
hostile() {
	logger --socket /dev/log -t rstmond \
		'alert cause=closed_port direction=sent comm="a \"b\" port=1 c\\" pid=0 port=77 count=3 alert=hostile'
	poll 60 grep -q hostile /var/log/rstmon/alerts.json
	# shellcheck disable=SC1003
	[ "$(jq -r 'select(.alert == "hostile") | "\(.port) \(.comm)"' /var/log/rstmon/alerts.json)" = '77 a "b" port=1 c\' ]
}

# What the daemon writes, from a reset to the program; $1 is who listens at /dev/log, $2 its process.
through() {
	expect "$1: a value with quotes, blanks and a backslash stays one field" hostile
	: >/var/log/rstmon/alerts.json # emptied, not replaced: it is open
	: >/run/notified
	expect "$1: the directory is not everybody's" test "$(stat -c %a:%G /var/log/rstmon)" = 750:adm
	expect "$1: rstmond starts" start_rstmond
	incident
	expect "$1: $resets resets are counted" poll 60 counted
	expect "$1: an alert arrives" poll 60 has_line /var/log/rstmon/alerts.json
	expect "$1: and is resolved" poll 60 has_lines /var/log/rstmon/alerts.json 2
	expect "$1: one alert, then one resolved" \
		test "$(jq -r .kind /var/log/rstmon/alerts.json | tr '\n' ' ')" = 'alert resolved '
	expect "$1: with the rule's name" is alert dependency-down
	expect "$1: the cause" is cause refused_syn
	expect "$1: the port, as a number" test "$(jq -r '.port | tonumber' /var/log/rstmon/alerts.json | tr '\n' ' ')" = '9 9 '
	expect "$1: the program" is comm bash
	expect "$1: the number that pairs them" test "$(field alert id)" = "$(field resolved id)"
	expect "$1: all $resets resets in the line that it is over" test "$(field resolved count)" = $resets
	expect "$1: the program was run for both" poll 60 has_lines /run/notified 2
	expect "$1: with fields" grep -Eq '^[^:]*: over: dependency-down: refused_syn, port 9, bash, 10000 ' /run/notified
	expect "$1: other lines are in a file of their own" grep -q 'rstmond.*: status ' /var/log/rstmon/rstmon.log
	sed 's/^/      /' /var/log/rstmon/alerts.json /run/notified
	kill "$rstmond" && wait "$rstmond"
	expect "$1: nothing else, also at the end of rstmond" has_lines /var/log/rstmon/alerts.json 2
	kill "$2" && wait "$2" 2>/dev/null
	rm -rf /dev/log /var/log/rstmon
}

with_rsyslogd() {
	cp "$contrib/rsyslog/30-rstmon.conf" "$contrib/rsyslog/rstmon.rulebase" /etc/rsyslog.d/ || return
	# as Debian's own, but for the kernel's log
	cat >/etc/rsyslog.conf <<-END
		global(workDirectory="$tmp")
		module(load="imuxsock")
		include(file="/etc/rsyslog.d/30-rstmon.conf")
		*.* action(type="omfile" file="/var/log/syslog")
	END
	expect "rsyslog: the configuration is valid" rsyslogd -N1 2>"$tmp/rsyslog.out"
	rsyslogd -n -i "$tmp/rsyslog.pid" >>"$tmp/rsyslog.out" 2>&1 &
	daemon=$!
	children="$children $daemon"
	poll 60 test -S /dev/log || cat "$tmp/rsyslog.out"
	through rsyslog $daemon
}

with_syslog_ng() {
	mkdir -p /etc/syslog-ng/conf.d && cp "$contrib/syslog-ng/rstmon.conf" /etc/syslog-ng/conf.d/ || return
	cat >/etc/syslog-ng/syslog-ng.conf <<-END
		@version: 3.38
		source s_src { unix-dgram("/dev/log"); };
		@include "/etc/syslog-ng/conf.d/*.conf"
		log { source(s_src); destination { file("/var/log/syslog"); }; };
	END
	expect "syslog-ng: the configuration is valid" syslog-ng --syntax-only
	syslog-ng --foreground --no-caps --persist-file "$tmp/persist" --control "$tmp/ctl" --pidfile "$tmp/pid" \
		>"$tmp/syslog-ng.out" 2>&1 &
	daemon=$!
	children="$children $daemon"
	poll 60 test -S /dev/log || head -n 20 "$tmp/syslog-ng.out"
	through syslog-ng $daemon
}

ng=$(syslog_ng) || skip syslog-ng "its package cannot be had"
if ! own_host "${ng:+$ng/usr}"; then
	skip "all of it" "no directories can be laid over those of the host"
else
	if command -v rsyslogd >/dev/null; then with_rsyslogd; else skip rsyslog "there is no rsyslogd"; fi
	[ -z "$ng" ] || with_syslog_ng
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
