#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the virtual machine at each of its boots: the package is installed, and what a host does to a service is
# done to it. Each claim is a line "ok" or "FAIL", with what was seen below it. package.sh reads them.
here=/mnt
dir=/run/rstmon-test
state=/var/lib/rstmon-test
export DEBIAN_FRONTEND=noninteractive PATH="$here/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LC_ALL=C.UTF-8
umask 022
mkdir -p $dir $state
# shellcheck source=tests/survive/judge.sh
. $here/judge.sh
# shellcheck source=tests/vm/package_service.sh
. $here/package_service.sh
# shellcheck source=tests/vm/package_log.sh
. $here/package_log.sh
# shellcheck source=tests/vm/package_host.sh
. $here/package_host.sh

cli() {
	rstmon "$@"
}

unit() { # PROPERTY [UNIT]
	systemctl show -P "$1" "${2:-rstmond.service}"
}

# What was seen, below the line that claims it.
show() { # [LINES]
	cut -c1-240 | head -n "${1:-12}" | sed 's/^/          /'
}

seconds() { # since boot, with two digits
	cut -d' ' -f1 /proc/uptime
}

# Waits until a command succeeds.
until_true() { # SECONDS COMMAND...
	deadline=$(($(seconds | cut -d. -f1) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(seconds | cut -d. -f1)" -le $deadline ] || return 1
		sleep 0.25
	done
}

is_up() { # [PID]: active, as another process than that
	[ "$(unit ActiveState)" = active ] && [ "$(unit MainPID)" != "${1:-0}" ]
}

# The totals are the kernel's own: exact at once, whatever was read of the records.
totals() {
	cli list --json -n 1 | jq -r '"\(.totals.sent)+\(.totals.received)"'
}

plus() { # SENT+RECEIVED SENT+RECEIVED
	echo "$((${1%+*} + ${2%+*}))+$((${1#*+} + ${2#*+}))"
}

# N connects to a port where nobody listens: N resets sent for nobody, N received by their client.
refused() { # PORT N
	labtool -n client repeat "$2" try "$1" again | grep -c ECONNREFUSED
}

row() { # PORT: all its rows
	cli list --json -n 1000 port "$1" | jq -r '[.rows[].count] | add // 0'
}

row_is() { # PORT COUNT
	[ "$(row "$1")" = "$2" ]
}

wanted() { # PART
	[ -z "$parts" ] || echo ",$parts," | grep -q ",$1,"
}

word() { # NAME: its value on the kernel's command line
	tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p"
}

run() { # PART...
	for part; do
		wanted "$part" || continue
		start=$(seconds)
		echo "== $part"
		"part_$part"
		echo "RSTMON-VM $part took $(awk "BEGIN { print $(seconds) - $start }") s"
	done
}

finish() { # WORD, then how systemctl shall end this
	echo "RSTMON-VM $1"
	sync
	shift
	systemctl "$@" 2>/dev/null # without logind it says that it asks systemd itself
	sleep 60
}

stty -F /dev/ttyS1 raw -echo
parts=$(word rstmon.parts)
second="reboot idle upgrade container journald rsyslog"
if [ "$(word rstmon.boot)" = 1 ]; then
	echo "RSTMON-VM begin"
	echo "kernel $(uname -r), $(systemctl --version | head -n 1), up for $(seconds) s"
	part_install
	run unit counts reload watchdog alert user exporter autopkgtest
	for part in $second; do
		! wanted "$part" || { before_reboot; finish again reboot; }
	done
else
	echo "up again for $(seconds) s"
	after_reboot
	# shellcheck disable=SC2086
	run ${second#reboot }
fi
run remove
finish end --force --force poweroff
