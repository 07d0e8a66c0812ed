# shellcheck shell=sh disable=SC2154,SC2034,SC2016
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by input.sh, last: a real rsyslogd and a real journald that stop reading (SIGSTOP) while
# resets go on. Both run with a /dev and a /run of their own, in the private mount namespace.

private_dev_and_run() {
	mkdir "$tmp/dev" "$tmp/run" && mount -t tmpfs -o mode=755 none "$tmp/dev" || return
	for node in null zero full random urandom; do
		: >"$tmp/dev/$node" && mount --bind "/dev/$node" "$tmp/dev/$node" || return
	done
	mount --move "$tmp/dev" /dev && mount -t tmpfs -o mode=755 none /run || return
	# nobody else's log may be reached from here, nor this one from there
	test ! -e /dev/log && test ! -e /run/systemd
}

log_has() { # number of lines
	[ "$(lines)" -ge "$1" ]
}

# A reset gives two lines, one of each direction. More lines go out when there are new ones.
log_moves() { # number of lines before
	dial 1
	[ "$(lines)" -gt "$1" ]
}

# Lines come; with the reader stopped they are dropped and counted; with it going on they come again.
stuck_log() { # name; 'lines' counts lines, $logger is the reader
	printf '[log]\nresets = yes\nresets_per_minute = 1000000\nsummary = 1s\n' >"$tmp/config"
	start --socket "$sock" --log "$1" || return
	dial 300
	expect "$1: a line for each reset" poll log_has $((2 * made))
	goes_on "$1: lines"

	kill -STOP "$logger"
	before=$(number log_dropped)
	dial 3000
	goes_on "$1: the reader has stopped"
	expect "$1: the daemon drops what does not fit, and counts it" poll more_than log_dropped "$before"
	refused "$1: a command meanwhile" 2 "nonsense" "$rstmon" nonsense
	goes_on "$1: the reader is still stopped"

	stuck=$(lines)
	kill -CONT "$logger"
	expect "$1: lines come again" poll log_moves "$stuck"
	expect "$1: a loss line tells how many did not" poll has_loss
	goes_on "$1: the reader goes on"

	kill -KILL "$logger"
	wait "$logger" 2>/dev/null
	dial 10
	goes_on "$1: the reader is gone"
	stop TERM
}

start_rsyslogd() {
	cat >"$tmp/rsyslog.conf" <<-END
		global(workDirectory="$tmp")
		module(load="imuxsock" SysSock.Use="off")
		input(type="imuxsock" Socket="/dev/log" RateLimit.Interval="0")
		action(type="omfile" file="$tmp/syslog" template="RSYSLOG_TraditionalFileFormat")
	END
	: >"$tmp/syslog"
	rsyslogd -n -f "$tmp/rsyslog.conf" -i "$tmp/rsyslog.pid" >"$tmp/rsyslog.out" 2>&1 &
	logger=$!
	children="$children $logger"
	poll test -S /dev/log
}

with_rsyslogd() {
	lines() { grep -c 'rstmond\[[0-9]*\]: reset ' "$tmp/syslog"; }
	has_loss() { grep -q 'rstmond\[[0-9]*\]: loss .*log_dropped=[1-9]' "$tmp/syslog"; }
	if ! start_rsyslogd; then
		skip "a stuck rsyslogd" "it does not run here: $(head -n 1 "$tmp/rsyslog.out")"
		return
	fi
	stuck_log syslog
	rm -f /dev/log
}

start_journald() {
	mkdir -p /run/systemd/journal /run/log/journal || return
	printf '[Journal]\nStorage=volatile\nRateLimitBurst=0\nReadKMsg=no\nAudit=\nForwardToSyslog=no\n' \
		>"$tmp/journald.conf"
	[ -e /etc/systemd/journald.conf ] && mount --bind "$tmp/journald.conf" /etc/systemd/journald.conf || return
	/lib/systemd/systemd-journald >"$tmp/journald.out" 2>&1 &
	logger=$!
	children="$children $logger"
	poll test -S /run/systemd/journal/socket
}

with_journald() {
	journal() { journalctl -q --no-pager -D /run/log/journal -t rstmond "$@" 2>/dev/null; }
	lines() { journal -o cat | grep -c '^reset '; }
	has_loss() { journal -o cat | grep -q '^loss .*log_dropped=[1-9]'; }
	if ! start_journald; then
		skip "a stuck journald" "it does not run here: $(head -n 1 "$tmp/journald.out")"
		return
	fi
	stuck_log journal
}

if [ "$live" = no ]; then
	skip "a stuck log" "$no_live"
elif ! private_dev_and_run; then
	skip "a stuck log" "no /dev and /run of its own can be mounted"
else
	refused "journal: none answers" 1 "no journal answers, use --log auto" \
		"$rstmond" --config /dev/null --socket "$sock" --log journal
	if command -v rsyslogd >/dev/null; then
		with_rsyslogd
	else
		skip "a stuck rsyslogd" "there is no rsyslogd"
	fi
	if [ -x /lib/systemd/systemd-journald ]; then
		with_journald
	else
		skip "a stuck journald" "there is no systemd-journald"
	fi
fi
