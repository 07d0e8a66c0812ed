# shellcheck shell=sh disable=SC2154,SC2086 # what package_guest.sh and judge.sh set
# SPDX-License-Identifier: GPL-2.0-only
# Parts of package_guest.sh: who else is on the host, containers, users, the exporter; and what an idle one costs.

# A container's network namespace has settings of its own, which the daemon could not read from where it is.
part_container() {
	id=$(printf 'web.%s' "$(seconds)" | sha256sum | cut -d' ' -f1)
	cat >$dir/container <<-'END'
		ip link set lo up
		echo 1 >/proc/sys/net/core/somaxconn
		echo 1 >/proc/sys/net/ipv4/tcp_abort_on_overflow
		echo 62 >/proc/sys/net/ipv4/tcp_fin_timeout
		cd /sys/fs/cgroup && cat /proc/self/cgroup
		# the queue has room for two of four
		labtool -n web defer 1 backlog 100 listen 8080 hold >/dev/null &
		web=$!
		sleep 1
		labtool -n client connect 8080 connect 8080 connect 8080 connect 8080 sleep 50 \
			use 0 write 100 use 1 write 100 use 2 write 100 use 3 write 100 sleep 1000 >/dev/null
		kill $web
		# over a minute the timer of FIN-WAIT-2 looks again, and finds a shorter time over
		labtool -n half listen 8081 accept read 100 close hold >/dev/null &
		half=$!
		sleep 1
		labtool -n client connect 8081 write 100 closed >/dev/null &
		sleep 1
		echo 30 >/proc/sys/net/ipv4/tcp_fin_timeout
		wait $!
		kill $half
		sysctl net.core.somaxconn net.ipv4.tcp_abort_on_overflow net.ipv4.tcp_fin_timeout
		readlink /proc/self/ns/net
	END
	timeout 60 systemd-run --quiet --scope --slice=machine.slice --unit="libpod-$id.scope" \
		unshare --net sh -e $dir/container >$dir/inside 2>&1 || fail "the container: exit status $?"
	show <$dir/inside
	sysctl net.core.somaxconn net.ipv4.tcp_abort_on_overflow net.ipv4.tcp_fin_timeout | sed 's/^/on the host: /' | show
	sleep 1
	cli why container "$id" >$dir/why 2>&1 || cli why port 8080 or port 8081 >$dir/why 2>&1
	tr -s ' \n' ' ' <$dir/why >$dir/text
	for claim in "somaxconn is 1 " "tcp_abort_on_overflow to 0 (it is 1 here)" "tcp_fin_timeout is 30 s here"; do
		check "rstmon why has the container's value: $claim" "$(grep -cF "$claim" $dir/text)" = 1
	done
	grep -E -B1 'somaxconn is|it is 1 here|fin_timeout is' $dir/why | show 12
	name=$(cli list --json -n 1000 port 8080 and comm web | jq -r '[.rows[].container] | unique | join(" ")')
	check "the row names the container: $name" -n "$name" -a "${id#"$name"}" != "$id"
}

as_user() { # WORDS USER SENTENCE-HAS EXIT COMMAND...
	says=$1 user=$2 has=$3 exit=$4
	shift 4
	runuser -u "$user" -- "$@" >$dir/out 2>$dir/err
	status=$?
	cat $dir/err $dir/out >$dir/both
	check "$says: exit status $status" "$status" = "$exit"
	check "$says: the words '$has'" "$(grep -c "$has" $dir/both)" -gt 0
	show 8 <$dir/both
}

part_user() {
	usermod -aG rstmon bob
	as_user "rstmon status by anybody" alice "group" 4 rstmon status
	check "rstmon status by anybody: nothing on stdout, one sentence" "$(wc -c <$dir/out) $(wc -l <$dir/err)" = "0 1"
	as_user "rstmond --probe by anybody" alice "CAP_BPF" 1 rstmond --probe
	as_user "rstmon status by a member of the group" bob "rstmond" 0 rstmon status
	as_user "rstmon list by a member of the group" bob "In all" 0 rstmon list
	as_user "rstmon status by root" root "rstmond" 0 rstmon status
}

part_exporter() {
	if [ -z "$(systemctl list-unit-files --no-legend rstmon-exporter.service)" ]; then
		skip "the package has no rstmon-exporter.service"
		return
	fi
	is=$(systemctl is-enabled rstmon-exporter.service 2>/dev/null)
	check "rstmon-exporter.service is not enabled by itself: $is" "$is" = disabled
	systemctl start rstmon-exporter.service || fail "systemctl start rstmon-exporter.service"
	until_true 20 curl -sf -o $dir/metrics http://127.0.0.1:9941/metrics
	check "curl /metrics: $(wc -l <$dir/metrics) lines, the last is $(tail -n 1 $dir/metrics)" \
		"$(tail -n 1 $dir/metrics)" = "# EOF"
	grep -E '^rstmon_(resets_total|up|build_info)' $dir/metrics | show 4
	score=$(exposure rstmon-exporter.service)
	check "systemd-analyze security rstmon-exporter.service: $score" "$(awk "BEGIN { print ($score + 0 <= 1.5) }")" = 1
	pid=$(unit MainPID rstmon-exporter.service)
	check "its user has the id $(stat -c %u "/proc/$pid"), its capabilities are $(capabilities "$pid")" \
		"$(stat -c %u "/proc/$pid")" != 0 -a "$(capabilities "$pid")" = 0000000000000000
	systemctl stop rstmon-exporter.service
}

# The package's own tests, as autopkgtest would call them, on what is installed.
part_autopkgtest() {
	if [ ! -e $here/source/debian/tests/control ]; then
		skip "there is no debian/tests"
		return
	fi
	cp -r $here/source $dir/source
	for t in $(sed -n 's/^Tests: *//p' $here/source/debian/tests/control | tr ',' ' '); do
		AUTOPKGTEST_TMP=$(mktemp -d)
		export AUTOPKGTEST_TMP AUTOPKGTEST_ARTIFACTS="$AUTOPKGTEST_TMP"
		(cd $dir/source && timeout 120 "debian/tests/$t") >$dir/out 2>$dir/err
		status=$?
		check "debian/tests/$t: exit status $status, $(wc -l <$dir/err) lines on stderr" $status = 0
		tail -n 8 $dir/out | show
		show <$dir/err
		rm -rf "$AUTOPKGTEST_TMP"
	done
}

sentence() { # SENT+RECEIVED
	echo "${1%+*} resets sent, ${1#*+} received"
}

status_text_is() {
	unit StatusText | grep -q "^$(sentence "$1")"
}

# With the watchdog as it is shipped, and nobody who asks; what it tells systemd of itself is a minute old at most.
part_idle() {
	pid=$(unit MainPID)
	after_reboot_alert
	# two of the minutes at whose end it does what it does once a minute
	timeout -s INT 120 strace -f -c -U calls,name -o $dir/strace -p "$pid" 2>/dev/null
	# without an invariant TSC, as emulated, the clock is a system call; it is none on a real processor
	clock=$(awk '$2 == "clock_gettime" { print $1 }' $dir/strace)
	calls=$(awk -v clock="${clock:-0}" '$2 == "total" { print $1 - clock }' $dir/strace)
	check "an idle daemon, watchdog on: ${calls:-no} system calls in 120 s, besides ${clock:-0} for the clock ($(cat /sys/devices/system/clocksource/clocksource0/current_clocksource))" \
		-n "$calls" -a "${calls:-120}" -lt 120
	show 24 <$dir/strace
	until_true 15 status_text_is "$(totals)"
	check "STATUS has the counts: $(unit StatusText)" "$(unit StatusText | grep -c "^$(sentence "$(totals)")")" = 1
}
