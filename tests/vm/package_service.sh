# shellcheck shell=sh disable=SC2154,SC2086 # what package_guest.sh and judge.sh set
# SPDX-License-Identifier: GPL-2.0-only
# Parts of package_guest.sh: the package comes and goes, and the unit lives through what systemd does to it.

# Everything on the disk but what each run of any system changes.
files() {
	find / -xdev -mindepth 1 \( -path /tmp -o -path /var/tmp -o -path /mnt -o -path "$state" -o -path /var/log/journal \
		-o -path /dev -o -path /proc -o -path /sys -o -path /run \) -prune -o -print | sort
}

part_install() {
	echo "== install"
	part_start=$(seconds)
	useradd -M alice
	useradd -M bob
	files >$state/files.before
	getent passwd | sort >$state/passwd.before
	getent group | sort >$state/group.before
	if apt-get install -y --no-install-recommends $here/rstmon.deb >$dir/apt 2>&1; then
		ok "apt-get install ./rstmon.deb: $(dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}' rstmon), after" \
			"$(awk "BEGIN { print $(seconds) - $part_start }") s"
	else
		fail "apt-get install"
		show 40 <$dir/apt
		journalctl --no-pager -o cat -u rstmond.service | tail -n 20 | show 20
	fi
	grep -E 'Created symlink|Creating (user|group)|[Ww]arning|[Ee]rror' $dir/apt | show
	until_true 30 is_up 0
	for u in rstmond.socket rstmond.service; do
		is=$(systemctl is-active $u)
		enabled=$(systemctl is-enabled $u)
		check "systemctl is-active $u: $is, is-enabled: $enabled" "$is $enabled" = "active enabled"
	done
	check "nothing failed: $(systemctl --failed --no-legend --plain | cut -d' ' -f1 | tr '\n' ' ')" \
		-z "$(systemctl --failed --no-legend --plain)"
}

capabilities() { # PID: all that it has or could get, as one number
	awk '$1 ~ /^Cap(Inh|Prm|Eff|Amb):/ { print $2 }' "/proc/$1/status" | sort -u
}

exposure() { # UNIT: the number; what it is made of is in $dir/exposure
	systemd-analyze security --no-pager "$1" >$dir/exposure
	sed -n 's/.*Overall exposure level for [^:]*: *\([0-9.]*\).*/\1/p' $dir/exposure
}

part_unit() {
	pid=$(unit MainPID)
	check "no capability is left: inherited, permitted, effective, ambient" "$(capabilities "$pid")" = 0000000000000000
	bounding=$(awk '$1 == "CapBnd:" { print $2 }' "/proc/$pid/status")
	check "none but CAP_BPF and CAP_PERFMON could ever come back: $bounding" \
		$((0x$bounding & ~((1 << 38) | (1 << 39)))) = 0
	grep -E '^(Name|Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr '\t' ' ' | show
	score=$(exposure rstmond.service)
	check "systemd-analyze security rstmond.service: $score" "$(awk "BEGIN { print ($score + 0 <= 1.0) }")" = 1
	grep '^✗' $dir/exposure | tr -s ' ' | show 20
	check "User=$(unit User), Group=$(unit Group); the process is $(stat -c %U:%G "/proc/$pid")" \
		"$(unit User) $(unit Group) $(stat -c %U:%G "/proc/$pid")" = "rstmon rstmon rstmon:rstmon"
	check "the socket: $(stat -c '%U:%G %a' /run/rstmon/rstmon.sock)" \
		"$(stat -c '%U:%G %a' /run/rstmon/rstmon.sock)" = "rstmon:rstmon 660"
	refused 8099 10 >/dev/null
	check "STATUS: $(unit StatusText)" -n "$(unit StatusText)"
	hooks=$(cli status --json | jq -r '[.hooks[] | select(.attached | not) | .name] | join(" ")')
	ok "hooks that are not attached: ${hooks:-none}"
	problems=$(cli status --json | jq -r '.problems // "" | gsub("[^ ]+ is not attached [(][^)]*[)]: [^.]*[.] ?"; "")')
	check "no problem but those of hooks${problems:+: $problems}" -z "$problems"
}

# same WORDS BEFORE [MADE]: the totals, once and at rest
same() {
	expect=$(plus "$2" "${3:-0+0}")
	after=$(totals)
	check "$1: $2 before${3:+, $3 made meanwhile}, $after after" "$after" = "$expect"
}

part_counts() {
	before=$(totals)
	made=$(refused 8099 100)
	same "$made refused connects" "$before" "100+100"
	rows=$(row 8099)

	before=$(totals) pid=$(unit MainPID)
	systemctl restart rstmond.service
	until_true 30 is_up "$pid"
	same "systemctl restart (process $pid, then $(unit MainPID))" "$before"

	before=$(totals) pid=$(unit MainPID)
	kill -9 "$pid"
	made=$(refused 8099 50) # the hooks count while nobody is there
	until_true 30 is_up "$pid"
	same "kill -9 (process $pid, then $(unit MainPID))" "$before" "$made+$made"

	before=$(totals)
	systemctl stop rstmond.service rstmond.socket
	check "stopped: nothing is stored, no socket is left" \
		"$(unit NFileDescriptorStore) $(test -e /run/rstmon/rstmon.sock; echo $?)" = "0 1"
	systemctl start rstmond.socket rstmond.service
	until_true 30 is_up 0
	same "stop and start" "$before"

	until_true 5 row_is 8099 $((rows + 100))
	check "the rows of port 8099 have all $((rows + 100))" "$(row 8099)" = $((rows + 100))
	check "all rows minus the totals: $(balance)" "$(balance)" = 0
	cli list | show
}

part_watchdog() {
	mkdir -p /run/systemd/system/rstmond.service.d
	printf '[Service]\nWatchdogSec=5\n' >/run/systemd/system/rstmond.service.d/watchdog.conf
	systemctl daemon-reload
	systemctl restart rstmond.service
	until_true 30 is_up 0
	before=$(totals) pid=$(unit MainPID) since="@$(date +%s)"
	kill -STOP "$pid"
	made=$(refused 8097 30)
	until_true 40 is_up "$pid"
	check "SIGSTOP for longer than WatchdogSec=5: process $pid, then $(unit MainPID)" "$(unit MainPID)" != "$pid"
	same "the watchdog" "$before" "$made+$made"
	journalctl --no-pager -o cat -u rstmond.service --since "$since" | show
	rm -r /run/systemd/system/rstmond.service.d
	systemctl daemon-reload
	systemctl restart rstmond.service
	until_true 30 is_up 0
}

before_reboot() {
	echo "== reboot"
	refused 8099 40 >/dev/null
	before_reboot_alert
	sleep 1
	totals >$state/totals
	row 8099 >$state/row
	cat /proc/sys/kernel/random/boot_id >$state/boot
}

after_reboot() {
	check "another boot: $(cut -c1-8 $state/boot), then $(cut -c1-8 /proc/sys/kernel/random/boot_id)" \
		"$(cat $state/boot)" != "$(cat /proc/sys/kernel/random/boot_id)"
	until_true 60 is_up 0
	is=$(systemctl is-active rstmond.socket rstmond.service | tr '\n' ' ')
	check "socket and service after systemctl reboot: $is" "$is" = "active active "
	same "systemctl reboot" "$(cat $state/totals)"
	check "the rows of port 8099: $(cat $state/row) before, $(row 8099) after" "$(row 8099)" = "$(cat $state/row)"
	check "all rows minus the totals: $(balance)" "$(balance)" = 0
	journalctl --no-pager -o cat -b -u rstmond.service | grep -v summary | show
}

part_upgrade() {
	old=$(dpkg-query -W -f '${Version}' rstmon) pid=$(unit MainPID)
	cli status --json | jq -r '.generation' >$dir/generation
	load_start $here/bin/load 40 20 2 20 || return
	sleep 1
	dpkg -i $here/newer.deb >$dir/dpkg 2>&1 || { fail "dpkg -i"; show 30 <$dir/dpkg; }
	until_true 30 is_up "$pid"
	sleep 1
	load_stop
	ok "dpkg -i under load: $old, then $(dpkg-query -W -f '${Version}' rstmon)"
	check "another process: $pid, then $(unit MainPID)" "$(unit MainPID)" != "$pid"
	origin=$(cli status --json | jq -r '"\(.origin), generation \(.generation)"')
	check "the hooks stayed, with their counts: $origin" "$origin" = "adopted, generation $(cat $dir/generation)"
	judged "the upgrade" 0
	load_end
	show 6 <$dir/dpkg
}

# What is there and was not; the second list lacks what belongs to any package that comes and goes.
left() {
	files >$dir/files.after
	comm -13 $state/files.before $dir/files.after |
		grep -vE '^/var/(log|cache/(apt|debconf|ldconfig))/|^/var/lib/(apt/(extended_states|periodic|lists/auxfiles)|dpkg/[a-z-]*-old$)|^/var/lib/systemd/(random-seed|timers|catalog/database)|^/etc/(\.pwd\.lock|(passwd|group|shadow|gshadow)-$)'
}

part_remove() {
	apt-get remove -y rstmon >$dir/apt 2>&1 || { fail "apt-get remove"; show 30 <$dir/apt; }
	check "removed: rstmond.service is $(systemctl is-active rstmond.service), no program is left" \
		"$(systemctl is-active rstmond.service) $(command -v rstmond)" = "inactive "
	check "removed, not purged: the counts and the configuration stay" -d /var/lib/rstmon -a -d /etc/rstmon
	apt-get purge -y rstmon >$dir/apt 2>&1 || { fail "apt-get purge"; show 30 <$dir/apt; }
	left >$dir/left
	check "purged: $(wc -l <$dir/left) files are left that were not there before" ! -s $dir/left
	show 30 <$dir/left
	comm -23 $state/files.before $dir/files.after >$dir/gone
	check "purged: $(wc -l <$dir/gone) files are gone that were there before" ! -s $dir/gone
	show <$dir/gone
	for base in passwd group; do
		now=$(getent $base | sort | comm -13 $state/$base.before -)
		check "purged: no line in $base${now:+: $now}" -z "$now"
	done
	now=$(grep -l rstmon /etc/passwd /etc/group /etc/shadow /etc/gshadow | tr '\n' ' ')
	check "purged: no file of users names rstmon${now:+: $now}" -z "$now"
	now=$(find /run -name '*rstmon*' ! -path '/run/rstmon-test*' ! -path '*rstmon-package*' 2>/dev/null)
	check "purged: nothing in /run${now:+: $now}" -z "$now"
	now=$(systemctl list-units --all --no-legend --plain 'rstmon*' | grep -vE 'rstmon-package|not-found')
	check "purged: no unit is known${now:+: $now}" -z "$now"
	check "purged: no entry is left in the journal's catalog" "$(journalctl --list-catalog | grep -c rstmon)" = 0
}
