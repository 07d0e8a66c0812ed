# shellcheck shell=sh disable=SC2154,SC2086 # what package_guest.sh and judge.sh set
# SPDX-License-Identifier: GPL-2.0-only
# Parts of package_guest.sh: the configuration, what comes out in the journal, and readers of it that are stuck.

conf=/etc/rstmon/rstmond.conf.d

configure() { # FILE LINE...: a drop-in
	file=$conf/$1
	shift
	printf '%s\n' "$@" >"$file"
}

# Sentences of the unit since, without counters.
said() { # SINCE
	journalctl --no-pager -o cat -u rstmond.service --since "$1" | grep -vE '^(summary|reset|incident|alert|resolved) '
}

reset_lines() { # PORT SINCE
	journalctl --no-pager -o cat MESSAGE_ID=859d84b9bbef4454b759fa994151db09 --since "$2" | grep -c " port=$1 "
}

has_lines() { # PORT SINCE COUNT
	[ "$(reset_lines "$1" "$2")" -ge "$3" ]
}

part_reload() {
	pid=$(unit MainPID) since="@$(date +%s)"
	configure 50-vm.conf '[log]' 'resets = yes' 'resets_per_minute = 1000000'
	systemctl reload rstmond.service 2>$dir/reload
	status=$?
	check "systemctl reload with resets = yes: exit status $status" $status = 0
	sleep 2
	refused 8095 5 >/dev/null
	until_true 15 has_lines 8095 "$since" 5
	check "what it says holds: $(reset_lines 8095 "$since") lines of 10 resets" "$(reset_lines 8095 "$since")" = 10
	said "$since" | show

	since="@$(date +%s)"
	configure 50-vm.conf '[log]' 'resets = no' 'resets_per_minute = many'
	systemctl reload rstmond.service 2>$dir/reload
	status=$?
	check "systemctl reload with an error: exit status $status" $status != 0
	show <$dir/reload
	until_true 15 sh -c "journalctl --no-pager -o cat -u rstmond.service --since '$since' | grep -q 50-vm.conf"
	sentence=$(said "$since" | grep -m 1 50-vm.conf)
	check "its sentence: $sentence" -n "$sentence"
	said "$since" | show
	sleep 1
	refused 8094 5 >/dev/null
	until_true 15 has_lines 8094 "$since" 5
	check "the old one holds: $(reset_lines 8094 "$since") lines of 10 resets" "$(reset_lines 8094 "$since")" = 10
	check "the same process, active: $(systemctl is-active rstmond.service)" \
		"$(unit MainPID) $(unit ActiveState)" = "$pid active"
	rm $conf/50-vm.conf
	systemctl reload rstmond.service
	status=$?
	check "without the error again: exit status $status" $status = 0
}

alert_id=86449498aa9840ebb8918aafe74ad2f6
resolved_id=424d3615678f427f9c6554c7fe06a6fd

entries() { # MESSAGE-ID SINCE ALERT: as JSON, a line each
	journalctl --no-pager -o json "MESSAGE_ID=$1" --since "$2" | jq -c "select(.RST_ALERT == \"$3\")"
}

has_entry() {
	[ -n "$(entries "$@")" ]
}

part_alert() {
	since="@$(date +%s)"
	configure 60-vm.conf '[alert vm]' 'filter = port 8093 and direction sent' 'by = port' 'rate = 60/min' \
		'clear = 30/min' 'window = 10s' 'cooldown = 60s' 'severity = err'
	systemctl reload rstmond.service || { fail "no [alert] section is taken"; rm $conf/60-vm.conf; return; }
	sleep 1
	before=$(totals) start=$(seconds)
	made=$(refused 8093 10000)
	same "$made refused connects in $(awk "BEGIN { print $(seconds) - $start }") s" "$before" "$made+$made"
	until_true 60 has_entry $resolved_id "$since" vm
	sleep 3
	entries $alert_id "$since" vm >$dir/alert
	entries $resolved_id "$since" vm >$dir/resolved
	check "10000 resets of one incident: $(wc -l <$dir/alert) alert, $(wc -l <$dir/resolved) resolved" \
		"$(wc -l <$dir/alert) $(wc -l <$dir/resolved)" = "1 1"
	jq -r '.MESSAGE' $dir/alert $dir/resolved | show
	jq -r 'to_entries | map(select(.key | test("^(RST_|MESSAGE_ID|PRIORITY|SYSLOG_IDENTIFIER|_SYSTEMD_UNIT)"))) |
		sort_by(.key)[] | "\(.key)=\(.value)"' $dir/alert | show 40
	jq -r '"\(.RST_CAUSE) \(.RST_PORT) \(.RST_DIRECTION) \(.PRIORITY)"' $dir/alert >$dir/fields
	check "the alert's fields RST_CAUSE RST_PORT RST_DIRECTION PRIORITY: $(cat $dir/fields)" \
		"$(cat $dir/fields)" = "closed_port 8093 sent 3"
	journalctl --no-pager -x -o short "MESSAGE_ID=$alert_id" --since "$since" >$dir/explained
	cause=$(jq -r .RST_CAUSE $dir/alert | head -n 1)
	sed -n "/^[^ ]* *${cause:-?}:/,/^[^ ]* *$/p" $dir/explained | head -n 1 >$dir/cause
	check "journalctl -x explains $cause" -s $dir/cause
	head -n 10 $dir/explained | show
	show <$dir/cause
	others=$(journalctl --no-pager -o json "MESSAGE_ID=$alert_id" --since "$since" |
		jq -r 'select(.RST_ALERT != "vm") | .MESSAGE')
	echo "          alerts of other rules meanwhile: ${others:-none}"
	rm $conf/60-vm.conf
	systemctl reload rstmond.service
}

# An alert that is active while the machine reboots.
before_reboot_alert() {
	configure 60-reboot.conf '[alert reboot]' 'filter = port 8087 and direction sent' 'by = port' 'rate = 30/min' \
		'clear = 30/min' 'window = 40s'
	systemctl reload rstmond.service
	sleep 1
	refused 8087 40 >/dev/null
	until_true 20 has_entry $alert_id @0 reboot
}

after_reboot_alert() {
	until_true 90 has_entry $resolved_id @0 reboot
	{ entries $alert_id @0 reboot; entries $resolved_id @0 reboot; } |
		jq -r '"boot \(._BOOT_ID[0:8]) \(.MESSAGE)"' >$dir/pair
	count="$(grep -c '^boot [^ ]* alert ' $dir/pair) alert, $(grep -c '^boot [^ ]* resolved ' $dir/pair) resolved"
	check "an alert went through the reboot: $count" "$count" = "1 alert, 1 resolved"
	show <$dir/pair
	rm $conf/60-reboot.conf
	systemctl reload rstmond.service
}

dropped() {
	cli status --json | jq .log_dropped
}

# stuck WORDS PID PORT: while nobody reads the log
stuck() {
	before=$(totals) lost=$(dropped) main=$(unit MainPID) restarts=$(unit NRestarts) start=$(seconds)
	kill -STOP "$2"
	made=$(refused "$3" 2500)
	same "$1: counts" "$before" "$made+$made"
	until_true 10 row_is "$3" $((made * 2))
	check "$1: the ring is drained, the rows have $(row "$3")" "$(row "$3")" = $((made * 2))
	asked=$(seconds)
	cli status >/dev/null
	took=$(awk "BEGIN { print $(seconds) - $asked }")
	check "$1: status answers after $took s" "$(awk "BEGIN { print ($took < 3) }")" = 1
	check "$1: log_dropped $lost, then $(dropped)" "$(dropped)" -gt "$lost"
	# longer than the watchdog waits
	while [ "$(awk "BEGIN { print ($(seconds) - $start < 12) }")" = 1 ]; do sleep 0.5; done
	check "$1: $(awk "BEGIN { print $(seconds) - $start }") s with WatchdogSec=5, still process $main" \
		"$(unit MainPID) $(unit NRestarts)" = "$main $restarts"
	kill -CONT "$2"
	sleep 1
}

# Each reset is a line, and a daemon that hangs is replaced soon.
loud() { # LINE...
	mkdir -p /run/systemd/system/rstmond.service.d
	printf '[Service]\nWatchdogSec=5\n' >/run/systemd/system/rstmond.service.d/watchdog.conf
	configure 50-vm.conf '[log]' 'resets = yes' 'resets_per_minute = 1000000' "$@"
	systemctl daemon-reload
	systemctl restart rstmond.service
	until_true 30 is_up 0
}

quiet() {
	rm -r /run/systemd/system/rstmond.service.d $conf/50-vm.conf
	systemctl daemon-reload
	systemctl restart rstmond.service
	until_true 30 is_up 0
}

part_journald() {
	loud
	stuck "systemd-journald is stopped" "$(unit MainPID systemd-journald.service)" 8092
	since="@$(date +%s)"
	refused 8091 3 >/dev/null
	until_true 20 has_lines 8091 "$since" 6
	check "systemd-journald goes on: $(reset_lines 8091 "$since") lines of 6 new resets" \
		"$(reset_lines 8091 "$since")" = 6
	journalctl --no-pager -o cat MESSAGE_ID=8d045fb932f94ef2b95e91dc5d400a38 -n 2 | show
	quiet
}

syslog_lines() { # PORT
	grep -c "rstmond\[[0-9]*\]: reset .*port=$1 " $dir/syslog
}

has_syslog() { # PORT COUNT
	[ "$(syslog_lines "$1")" -ge "$2" ]
}

# rsyslog as the one who reads /dev/log, as where no journal is: journald would drop for it otherwise.
part_rsyslog() {
	printf '%s\n' 'input(type="imuxsock" Socket="/run/systemd/journal/dev-log")' \
		"daemon.* action(type=\"omfile\" file=\"$dir/syslog\")" >/etc/rsyslog.d/vm.conf
	systemctl restart rsyslog.service
	loud 'target = syslog'
	refused 8090 3 >/dev/null
	until_true 20 has_syslog 8090 6
	check "rsyslog has $(syslog_lines 8090) lines of 6 resets" "$(syslog_lines 8090)" = 6
	grep ': reset ' $dir/syslog | tail -n 1 | show
	stuck "rsyslog is stopped" "$(unit MainPID rsyslog.service)" 8089
	until_true 5 true
	refused 8088 3 >/dev/null
	until_true 30 has_syslog 8088 6
	check "rsyslog goes on: $(syslog_lines 8088) lines of 6 new resets" "$(syslog_lines 8088)" = 6
	quiet
	rm /etc/rsyslog.d/vm.conf
}
