#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# make check: every kind of test in turn, cheapest first, and one line of sums at the end. run.sh BUILD
B=$1
passed=0 failed=0 skipped=0
log=$(mktemp) && told=$(mktemp) || exit 1
trap 'rm -f "$log" "$told"; tidy' EXIT

# A test that fails or crashes leaves its directory, Criterion its socket. Another run may be under way: so
# only what is older than any test, and sockets of runners that have ended.
tidy() {
	find /tmp -maxdepth 1 -type d -user "$(id -u)" -mmin +30 -regextype posix-extended -regex \
		'/tmp/rstmon-(survive|live|pipelines|unit|sink|verbs|client|cgroup|config|metrics|recording)-.{6}' \
		-exec rm -rf {} + 2>/dev/null
	for socket in /tmp/criterion_*.sock; do
		pid=${socket#/tmp/criterion_}
		[ ! -O "$socket" ] || [ -e "/proc/${pid%.sock}" ] || rm -f "$socket"
	done
}

# Sums are read from each kind's own closing line: Criterion's, or "N passed, N failed".
sum() {
	line=$(grep -E 'Synthesis: Tested|^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
	case $line in
	*Synthesis*)
		p=$(echo "$line" | sed 's/.*Passing: \([0-9]*\).*/\1/')
		t=$(echo "$line" | sed 's/.*Tested: \([0-9]*\).*/\1/')
		f=$((t - p)) s=0
		;;
	*passed*)
		p=${line%% passed*}
		f=$(echo "$line" | sed 's/.*passed, \([0-9]*\) failed.*/\1/')
		s=$(echo "$line" | sed -n 's/.*failed, \([0-9]*\) skipped.*/\1/p')
		;;
	*) p=0 f=1 s=0 ;;
	esac
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + ${s:-0}))
	[ "$1" = 0 ] || [ "$f" -gt 0 ] || failed=$((failed + 1))
}

# What failed stands thousands of lines above the end: it is said there again.
keep_failures() { # title
	{
		echo "  $1:"
		{ grep -aE '^(\[(----|FAIL|CRASH|!!!!|TIMEOUT|ERR)|FAIL )|failed|[Ww]rong|WRONG|^make.*Error' "$log" |
			grep -avE '(^|[^0-9])0 (failed|wrong)' || tail -n 8 "$log"; } | head -n 15 | cut -c 1-300 | sed 's/^/    /'
	} >>"$told"
}

run() { # title, then the command
	title=$1
	echo "== $1"
	shift
	{ "$@" 2>&1; echo "exit $?" >"$log.rc"; } | tee "$log"
	status=$(sed 's/exit //' "$log.rc")
	rm -f "$log.rc"
	before=$failed
	sum "$status"
	[ "$failed" = "$before" ] || keep_failures "$title"
}

skip() {
	echo "== $1: skipped, $2"
	skipped=$((skipped + 1))
}

run "lint" tests/check/lint.sh "$B"
run "completion in the shells" tests/check/completion.sh "$B"
run "examples of the man pages" tests/check/examples.sh "$B"
run "unit tests" "$B/unit"
run "golden tests" tests/golden/run.sh "$B"
run "unit and golden tests under ASan and UBSan" make --no-print-directory -s asan B="$B"
run "the Debian package" env SHORT=1 tests/package/run.sh "$B"
run "bad input" tests/check/input.sh "$B"
if [ "$(id -u)" != 0 ]; then
	skip "kills, live tests and lab" "they need root"
elif [ ! -e /sys/kernel/btf/vmlinux ]; then
	skip "kills, live tests and lab" "this kernel has no type information in /sys/kernel/btf/vmlinux"
else
	run "kills, restarts, checkpoints" env SHORT=1 tests/survive/run.sh "$B"
	run "live tests" make --no-print-directory -s live B="$B"
	run "live tests in the ways of an old kernel" env RSTMOND="$B/rstmond" RSTMON="$B/rstmon" \
		RSTMOND_WITHOUT='fetch_atomics storage sock_from_file iter_d_path task_btf guard unprivileged_use trampolines cast' \
		"$B/live" -j1 --filter 'live/@(ownership|scan*|every*)'
	run "monitoring software" tests/pipelines/run.sh "$B"
	run "lab of small actors" env LAB_FILES='sent silent' tests/lab/run.sh "$B"
fi
# Two of the kernels of make check-kernels: the oldest, and one whose tracepoints show the least while all
# trampolines load. Tests that need the most time of an emulated machine are left to it.
run "older kernels" env LIVE_MANY=2000 KERNELS_TESTS='probe ownership reject many log' tests/kernels/run.sh "$B" 5.10 6.1
[ ! -s "$told" ] || { echo "failed:"; cat "$told"; }
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
