#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the virtual machine, once it is up: the daemon under the real systemd is killed, restarted and
# stopped while a load goes on. Its lines go to the console; run.sh reads them.
dir=/run/rstmon-test
here=/usr/lib/rstmon-test
mkdir -p $dir
# shellcheck disable=SC1091
. $here/judge.sh

cli() {
	rstmon "$@"
}

unit() { # property
	systemctl show -P "$1" rstmond.service
}

# READY again, as another process than $1
ready() {
	tries=150
	until [ "$(unit ActiveState)" = active ] && [ "$(unit MainPID)" != "$1" ]; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || [ "$(unit ActiveState)" = failed ]; then return 1; fi
		sleep 0.2
	done
}

finish() {
	summary
	echo "RSTMON-VM end"
	systemctl --force --force poweroff
	exit
}

at() {
	echo "RSTMON-VM at $(cut -d' ' -f1 /proc/uptime) $*"
}

resets() { # the totals, both directions
	cli list --json -n 1 | jq '.totals.sent + .totals.received'
}

echo "RSTMON-VM begin $(uname -r)"
if ! ready 0; then
	fail "rstmond does not start"
	journalctl --no-pager -o cat -u rstmond.service | grep rstmond: | sort -u
	echo "what the verifier says:"
	# with what the unit gives it and no more
	setpriv --reuid rstmon --regid rstmon --clear-groups --bounding-set -all,+bpf,+perfmon \
		--inh-caps -all,+bpf,+perfmon --ambient-caps -all,+bpf,+perfmon \
		env LD_PRELOAD=$here/loud.so rstmond --probe >$dir/probe 2>$dir/verifier
	awk '/load failed/ { print; refused = 1; n = 0 }
		refused { line[n++ % 25] = $0 }
		refused && /END PROG LOAD LOG/ {
			for (i = n > 25 ? n - 25 : 0; i < n; i++)
				print line[i % 25]
			refused = 0
		}' $dir/verifier | cut -c1-300
	tail -n 8 $dir/verifier | cut -c1-300
	cat $dir/probe
	finish
fi
ok "rstmond is up: $(unit StatusText)"
check "the unit may store $(unit FileDescriptorStoreMax) descriptors, has stored $(unit NFileDescriptorStore)" \
	"$(unit NFileDescriptorStore)" -gt 0
hooks=$(cli status --json | jq -r '[.hooks[] | select(.attached | not) | .name] | join(" ")')
ok "hooks that are not attached:${hooks:- none}"

at loads
# slow motion: a hundredth of what a real machine is asked for
if load_start $here/load 400 200 2 200; then
	sleep 2
	load_stop
	judged "a load" 0
	load_end
fi
if grep -q rstmon.short /proc/cmdline; then
	cli status
	finish
fi

at kills
if load_start $here/load 400 200 2 200; then
	sleep 2
	for i in 1 2 3; do
		pid=$(unit MainPID)
		before=$(resets)
		systemctl reset-failed rstmond.service # the limit of starts in a minute is no part of this
		systemctl kill -s KILL rstmond.service
		if ready "$pid"; then
			check "kill $i: totals go on from $before" "$(resets)" -ge "$before"
		else
			fail "kill $i: it does not come back"
		fi
		sleep 1
	done
	load_stop
	judged "3 kills under load" 3
	load_end
fi

at restart
if load_start $here/load 400 200 2 200; then
	sleep 1
	pid=$(unit MainPID)
	systemctl reset-failed rstmond.service
	systemctl restart rstmond.service
	ready "$pid" || fail "restart: it does not come back"
	sleep 1
	load_stop
	judged "a restart under load" 0
	load_end
fi

at stop
before=$(resets)
systemctl stop rstmond.service rstmond.socket
check "stopped: nothing is stored" "$(unit NFileDescriptorStore)" = 0
systemctl reset-failed rstmond.service
systemctl start rstmond.socket rstmond.service
ready 0 || fail "it does not start again"
check "stop and start: totals $before go on as $(resets)" "$(resets)" = "$before"

echo "RSTMON-VM status"
cli status
echo "RSTMON-VM journal"
journalctl --no-pager -o cat -u rstmond.service | grep -vE '^(summary|incident) ' | tail -n 30
finish
