#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests that are run on each kernel: in a guest, or right here. guest.sh BUILD TEST...
# In the root of a tree; what it finds are lines "ITEM TAB right|wrong|skip TAB table TAB item TAB why" among whatever
# the tests say. run.sh reads them, and knows what may be wrong on which kernel: nothing of that is known here.
B=$1
shift
here=$(dirname "$0")
work=$(mktemp -d /tmp/rstmon-kernels-XXXXXX) || exit 1
items=$work/items
: >"$items"
trap 'rm -rf "$work"' EXIT
export LIVE_RESULTS=$items LAB_RESULTS=$items RSTMOND=$B/rstmond RSTMON=$B/rstmon
began=$(cut -d. -f1 /proc/uptime)

item() { # right|wrong|skip TABLE ITEM WHY
	printf '%s\t%s\t%s\t%s\n' "$@" >>"$items"
}

# What is missing is told by the daemon itself: who is refused is wrong, what this kernel has not is skipped.
test_probe() {
	"$B/rstmond" --config /dev/null --probe=json >"$work/probe" 2>"$work/probe.err"
	status=$?
	cat "$work/probe" "$work/probe.err"
	if [ $status = 0 ] && jq -se '.[0] | .hooks' "$work/probe" >/dev/null 2>&1; then
		item right probe "it loads" ''
	else
		item wrong probe "it loads" "$(tail -n 1 "$work/probe.err" | cut -c1-200)"
	fi
	jq -sr '.[0].hooks[]? | [
		(if .attached or .got == "resting" or .got == "off" or (.wanted | not) then "right"
		 elif .got == "absent" then "skip" else "wrong" end),
		"probe", .name, ((.consequence // "") + ": " + (.why // ""))] | @tsv' "$work/probe" >>"$items"
}

live() { # TEST...
	local t
	for t; do
		"$B/live" -j1 --filter "live/$t" 2>&1
	done
}

# The kernel's own log, from the beginning of this: nothing here may have shaken it.
test_log() {
	dmesg | awk -v began="$began" '{ t = $0; sub(/^\[ */, "", t); if (t + 0 >= began) print }' >"$work/log"
	grep -nE 'BUG:|Oops|WARNING:|general protection|KASAN|UBSAN|unable to handle|stall|lockup|Call Trace|Kernel panic' \
		"$work/log" | grep -vEf <(sed -n 's/^[^#|]*| *\(.*[^ ]\) *|.*/\1/p' "$here/log.allowed") >"$work/bad"
	if [ -s "$work/bad" ]; then
		while IFS= read -r line; do
			item wrong "kernel's log" "$(echo "$line" | sed 's/^[0-9]*:\[[^]]*\] *//' | cut -c1-60)" "$line"
		done < <(head -n 5 "$work/bad")
		tail -n 60 "$work/log"
	else
		item right "kernel's log" "nothing is said of a bug, a warning or a stall" ''
	fi
}

one() {
	case $1 in
	probe) test_probe ;;
	ownership) live ownership ;;
	counters) live every_counter_is_explained ;;
	exact) live scan_of_20000_ports reader_stopped_under_a_flood last_record_is_not_stranded ;;
	reject) live firewall_rejects ;;
	many) live many_without_socket ;;
	names) live names_of_cgroups ;;
	causes) LAB_FILES='sent silent path' LAB_ONLY=$CAUSES tests/lab/run.sh "$B" ;;
	log) test_log ;;
	esac
}

echo "BEGIN $(uname -r)"
for t; do
	start=$(cut -d. -f1 /proc/uptime)
	: >"$items"
	echo "== $t"
	one "$t"
	[ -s "$items" ] || item wrong "$t" "it tells its results" "there are none"
	sed 's/^/ITEM\t/' "$items"
	echo "== $t took $(($(cut -d. -f1 /proc/uptime) - start)) s"
done
echo "END"
